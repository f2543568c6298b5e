/* Opening and reading a file of statistics. */
#include "observe/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/poll.h"

/* ---- opening ------------------------------------------------------------- */

static bool is_text(const char *text, size_t size)
{
    const char *end = memchr(text, '\0', size);
    if (end == NULL || shmrpci_utf8_valid_prefix(text, (size_t)(end - text)) !=
                           (size_t)(end - text)) {
        return false;
    }
    for (const char *at = text; at < end; at++) {
        if ((unsigned char)*at < ' ' || *at == '\x7f') {
            return false;
        }
    }
    return true;
}

static bool is_plausible(const shmrpci_stats_head *head)
{
    if (head->bits < SHMRPCI_HISTOGRAM_MIN_BITS ||
        head->bits > SHMRPCI_HISTOGRAM_MAX_BITS || head->methods == 0 ||
        head->methods > SHMRPCI_STATS_MAX_METHODS || head->places == 0 ||
        head->places > SHMRPCI_STATS_MAX_PLACES || head->ns_per_tick == 0) {
        return false;
    }
    uint64_t block = shmrpci_stats_block_bytes(head->methods, head->bits);
    uint64_t bytes =
        shmrpci_stats_blocks_at(head->methods) + head->places * block;
    return head->block_bytes == block && head->bytes == bytes &&
           bytes <= SHMRPCI_STATS_MAX_BYTES &&
           is_text(head->name, sizeof head->name);
}

static shmrpc_status read_head(shmrpc_stats *stats)
{
    shmrpc_status status =
        shmrpci_memory_check(stats->fd, SHMRPCI_STATS_PAGE, NULL);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_read(stats->fd, &stats->head, sizeof stats->head);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (stats->head.magic != SHMRPCI_STATS_MAGIC) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (stats->head.version != SHMRPCI_STATS_VERSION) {
        return SHMRPC_E_CONTRACT;
    }
    return is_plausible(&stats->head) ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
}

static shmrpc_status read_names(shmrpc_stats *stats)
{
    uint32_t count = stats->head.methods;
    stats->names = malloc(count * sizeof *stats->names);
    if (stats->names == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    memcpy(stats->names, (const uint8_t *)stats->map.at + SHMRPCI_STATS_PAGE,
           count * sizeof *stats->names);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_text(stats->names[i].text, sizeof stats->names[i].text)) {
            return SHMRPC_E_DATA_LOSS;
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status open_file(shmrpc_stats *stats)
{
    shmrpc_status status = read_head(stats);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_check(stats->fd, (size_t)stats->head.bytes, NULL);
    }
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_map_part(stats->fd, 0, (size_t)stats->head.bytes,
                                    SHMRPCI_ACCESS_READ, &stats->map);
    }
    return status == SHMRPC_OK ? read_names(stats) : status;
}

int shmrpci_reader_open(int fd, int watch_fd, shmrpc_stats **out,
                        shmrpc_error *error)
{
    shmrpc_stats *stats = calloc(1, sizeof *stats);
    if (stats == NULL) {
        shmrpci_fd_close(&fd);
        shmrpci_fd_close(&watch_fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    stats->fd = fd;
    stats->watch_fd = watch_fd;
    shmrpc_status status = open_file(stats);
    if (status != SHMRPC_OK) {
        shmrpc_stats_close(stats);
        return shmrpc_error_set(error, status,
                                "the service's statistics can't be read: %s",
                                shmrpc_status_text(status));
    }
    *out = stats;
    return SHMRPC_OK;
}

void shmrpc_stats_close(shmrpc_stats *stats)
{
    if (stats != NULL) {
        shmrpci_memory_unmap(&stats->map);
        shmrpci_fd_close(&stats->fd);
        shmrpci_fd_close(&stats->watch_fd);
        free(stats->names);
        free(stats);
    }
}

bool shmrpc_stats_is_alive(const shmrpc_stats *stats)
{
    return stats->watch_fd < 0 || !shmrpci_poll_is_hung_up(stats->watch_fd);
}

/* ---- reading ------------------------------------------------------------- */

/* Acquire: pairs with the counting worker's release (layout.h). */
static uint64_t load(const shmrpci_atomic_u64 *at)
{
    return shmrpci_load_acquire(at);
}

static uint64_t block_at(const shmrpc_stats *stats, uint32_t place)
{
    return shmrpci_stats_blocks_at(stats->head.methods) +
           place * stats->head.block_bytes;
}

const shmrpci_stats_worker *shmrpci_reader_worker(const shmrpc_stats *stats,
                                                  uint32_t place)
{
    uint64_t at = block_at(stats, place);
    /* Reading a hole through the map would fill it with memory. */
    if (shmrpci_memory_next_data(stats->fd, at, at + SHMRPCI_STATS_PAGE) !=
        at) {
        return NULL;
    }
    const uint8_t *base = stats->map.at;
    const shmrpci_stats_worker *worker = (const void *)(base + at);
    return shmrpci_load_relaxed(&worker->starts) != 0 ? worker : NULL;
}

/* Adds both histograms, which begin at `at` in the file, without reading its
 * holes. Returns the sum of each. */
static void add_histograms(const shmrpc_stats *stats, uint64_t at,
                           uint32_t buckets, uint64_t *sums, uint64_t added[2])
{
    const uint8_t *base = stats->map.at;
    uint64_t end = at + (uint64_t)buckets * 16;
    uint64_t next = at;
    while ((next = shmrpci_memory_next_data(stats->fd, next, end)) < end) {
        uint64_t stop = shmrpci_stats_pages(next + 1);
        stop = stop < end ? stop : end;
        for (; next < stop; next += 8) {
            uint64_t index = (next - at) / 8;
            uint64_t count =
                load((const shmrpci_atomic_u64 *)(const void *)(base + next));
            sums[index] += count;
            added[index >= buckets] += count;
        }
    }
}

static void add_row(const shmrpci_stats_row *row, shmrpci_stats_sums *sums)
{
    sums->bytes_in += shmrpci_load_relaxed(&row->bytes_in);
    sums->bytes_out += shmrpci_load_relaxed(&row->bytes_out);
    sums->ticks[SHMRPC_STATS_QUEUE] += shmrpci_load_relaxed(&row->queue_ticks);
    sums->ticks[SHMRPC_STATS_SERVICE] +=
        shmrpci_load_relaxed(&row->service_ticks);
    const uint64_t max[2] = {shmrpci_load_relaxed(&row->queue_max),
                             shmrpci_load_relaxed(&row->service_max)};
    for (int i = 0; i < 2; i++) {
        sums->max[i] = max[i] > sums->max[i] ? max[i] : sums->max[i];
    }
}

/* Adds all figures except how many streams were opened and ended. */
static void add_items(const shmrpci_stats_streams *from,
                      shmrpci_stats_stream_sums *sums)
{
    uint64_t since_ns = shmrpci_load_relaxed(&from->stalls_since_ns);
    uint64_t now_ns = since_ns != 0 ? (uint64_t)shmrpci_now_ns() : 0;
    sums->items_in += shmrpci_load_relaxed(&from->items_in);
    sums->items_out += shmrpci_load_relaxed(&from->items_out);
    sums->bytes_in += shmrpci_load_relaxed(&from->bytes_in);
    sums->bytes_out += shmrpci_load_relaxed(&from->bytes_out);
    sums->stalled_ns += shmrpci_load_relaxed(&from->stalled_ns) +
                        (now_ns > since_ns ? now_ns - since_ns : 0);
}

/* Adds a row's streams. A stream may be open before any call has ended. A
 * detached stream is counted as opened in its row, and as ended in the late
 * row, if there is one. */
static shmrpc_status add_streams(const shmrpci_stats_streams *from,
                                 const shmrpci_stats_streams *late,
                                 shmrpci_stats_stream_sums *sums)
{
    /* `ended` is read first, because the worker counts a stream before its end.
     */
    uint64_t ended =
        load(&from->ended) + (late != NULL ? load(&late->ended) : 0);
    uint64_t opened = load(&from->opened);
    sums->open += opened - ended;
    sums->opened += opened;
    add_items(from, sums);
    if (late != NULL) {
        add_items(late, sums);
    }
    return ended <= opened ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
}

static const shmrpci_stats_row *row_at(const shmrpc_stats *stats,
                                       uint32_t place, uint32_t index)
{
    const uint8_t *base = stats->map.at;
    uint64_t rows = block_at(stats, place) + sizeof(shmrpci_stats_worker);
    return (const shmrpci_stats_row *)(const void *)(base + rows) + index;
}

static shmrpc_status add_one(const shmrpc_stats *stats, uint32_t place,
                             uint32_t index, shmrpci_stats_sums *sums)
{
    uint32_t buckets = shmrpci_histogram_buckets(stats->head.bits);
    uint64_t block = block_at(stats, place);
    const shmrpci_stats_row *row = row_at(stats, place, index);
    uint64_t errors = 0;
    uint64_t timed[2] = {0, 0};
    if (load(&row->calls) == 0) {
        return SHMRPC_OK;
    }
    if (sums->histograms == NULL) {
        sums->histograms = calloc((size_t)buckets * 2, 8);
        if (sums->histograms == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
    }
    add_histograms(stats,
                   block + shmrpci_stats_histograms_at(stats->head.methods,
                                                       stats->head.bits, index),
                   buckets, sums->histograms, timed);
    for (uint32_t i = 0; i < SHMRPCI_STATS_ERRORS; i++) {
        uint64_t count = load(&row->errors[i]);
        sums->errors[i] += count;
        errors += count;
    }
    /* `calls` is read last, because the worker counts a call before its
     * outcome. */
    uint64_t calls = load(&row->calls);
    sums->calls += calls;
    add_row(row, sums);
    return errors <= calls && timed[0] <= calls && timed[1] <= calls
               ? SHMRPC_OK
               : SHMRPC_E_DATA_LOSS;
}

/* Whether the worker has ever written a late row. Most have not, and reading
 * would fill the hole. */
static bool has_late_rows(const shmrpc_stats *stats, uint32_t place)
{
    uint32_t first = shmrpci_stats_late_row_of(stats->head.methods, 0);
    uint64_t at = block_at(stats, place) + sizeof(shmrpci_stats_worker) +
                  first * sizeof(shmrpci_stats_row);
    uint64_t end = at + stats->head.methods * sizeof(shmrpci_stats_row);
    return shmrpci_memory_next_data(stats->fd, at, end) < end;
}

shmrpc_status shmrpci_reader_add(const shmrpc_stats *stats, uint32_t place,
                                 uint32_t index, shmrpci_stats_sums *sums)
{
    uint32_t late_index = shmrpci_stats_late_row_of(stats->head.methods, index);
    const shmrpci_stats_row *late =
        has_late_rows(stats, place) ? row_at(stats, place, late_index) : NULL;
    shmrpc_status status =
        add_streams(&row_at(stats, place, index)->streams,
                    late != NULL ? &late->streams : NULL, &sums->streams);
    if (status == SHMRPC_OK) {
        status = add_one(stats, place, index, sums);
    }
    return status == SHMRPC_OK && late != NULL
               ? add_one(stats, place, late_index, sums)
               : status;
}
