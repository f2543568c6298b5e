/* Creates the memory in which a service counts, and takes places in it. */
#include "observe/stats.h"

#include <string.h>
#include <time.h>

#include "os/clock.h"
#include "os/process.h"

static int64_t real_ns(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * SHMRPCI_NS_PER_S + now.tv_nsec;
}

static uint64_t total_bytes(uint32_t methods, uint32_t places, uint32_t bits)
{
    return shmrpci_stats_blocks_at(methods) +
           places * shmrpci_stats_block_bytes(methods, bits);
}

/* Returns the number of bits of the finest histograms that fit, or 0 if none
 * fit. */
static uint32_t choose_bits(uint32_t methods, uint32_t places)
{
    if (methods == 0 || methods > SHMRPCI_STATS_MAX_METHODS || places == 0 ||
        places > SHMRPCI_STATS_MAX_PLACES) {
        return 0;
    }
    uint32_t bits = SHMRPCI_HISTOGRAM_MAX_BITS;
    while (total_bytes(methods, places, bits) > SHMRPCI_STATS_MAX_BYTES) {
        if (bits == SHMRPCI_HISTOGRAM_MIN_BITS) {
            return 0;
        }
        bits--;
    }
    return bits;
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    len = len < size ? len : size - 1;
    memcpy(out, text, len);
    memset(out + len, 0, size - len);
}

static void fill_head(const shmrpci_stats *stats, const char *name)
{
    shmrpci_stats_head *head = stats->map.at;
    head->version = SHMRPCI_STATS_VERSION;
    head->bits = stats->bits;
    head->methods = stats->methods;
    head->places = stats->places;
    head->block_bytes = shmrpci_stats_block_bytes(stats->methods, stats->bits);
    head->bytes = total_bytes(stats->methods, stats->places, stats->bits);
    head->ns_per_tick = (uint64_t)shmrpci_ns_of_ticks(UINT64_C(1) << 32);
    head->started_ns = shmrpci_now_ns();
    head->started_real_ns = real_ns();
    head->serial = (uint64_t)head->started_real_ns ^ shmrpci_ticks() << 20;
    shmrpci_store_relaxed(&head->gauges.pid_namespace,
                          shmrpci_process_namespace());
    copy_text(head->name, SHMRPCI_STATS_NAME_BYTES, name);
    head->magic = SHMRPCI_STATS_MAGIC;
}

shmrpc_status shmrpci_stats_create(const char *name, uint32_t methods,
                                   uint32_t places, shmrpci_stats *out)
{
    uint32_t bits = choose_bits(methods, places);
    *out = (shmrpci_stats){.fd = -1,
                           .read_fd = -1,
                           .methods = methods,
                           .places = places,
                           .bits = bits};
    if (bits == 0) {
        return SHMRPC_E_TOO_LARGE;
    }
    shmrpc_status status = shmrpci_memory_create_sparse(
        "shmrpc-stats", (size_t)total_bytes(methods, places, bits), &out->fd);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_reopen(out->fd, SHMRPCI_ACCESS_READ, &out->read_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(out->fd,
                                    (size_t)shmrpci_stats_blocks_at(methods),
                                    SHMRPCI_ACCESS_WRITE, true, &out->map);
    }
    if (status == SHMRPC_OK) {
        fill_head(out, name);
    }
    return status;
}

void shmrpci_stats_set_name(shmrpci_stats *stats, uint32_t row, uint32_t id,
                            const char *name)
{
    uint8_t *names = (uint8_t *)stats->map.at + SHMRPCI_STATS_PAGE;
    shmrpci_stats_name *at = (shmrpci_stats_name *)(void *)names + row;
    at->id = id;
    copy_text(at->text, sizeof at->text, name);
}

shmrpci_stats_gauges *shmrpci_stats_gauges_of(const shmrpci_stats *stats)
{
    shmrpci_stats_head *head = stats->map.at;
    return head != NULL ? &head->gauges : NULL;
}

void shmrpci_stats_destroy(shmrpci_stats *stats)
{
    shmrpci_memory_unmap(&stats->map);
    shmrpci_fd_close(&stats->fd);
    shmrpci_fd_close(&stats->read_fd);
}

/* Makes a counter for the block of a place. If the block can't be mapped, the
 * counter counts nothing. */
static void open_block(const shmrpci_stats *stats, uint32_t place,
                       shmrpci_counter *out)
{
    *out = (shmrpci_counter){.rows = NULL};
    if (stats->fd < 0 || place >= stats->places) {
        return;
    }
    uint64_t bytes = shmrpci_stats_block_bytes(stats->methods, stats->bits);
    uint64_t at = shmrpci_stats_blocks_at(stats->methods) + place * bytes;
    if (shmrpci_memory_map_part(stats->fd, at, (size_t)bytes,
                                SHMRPCI_ACCESS_WRITE, &out->map) != SHMRPC_OK) {
        return;
    }
    uint8_t *block = out->map.at;
    out->worker = (shmrpci_stats_worker *)(void *)block;
    out->rows = (shmrpci_stats_row *)(void *)(block + sizeof *out->worker);
    out->histograms =
        (shmrpci_atomic_u64 *)(void *)(block +
                                       shmrpci_stats_histograms_at(
                                           stats->methods, stats->bits, 0));
    out->bits = stats->bits;
    out->buckets = shmrpci_histogram_buckets(stats->bits);
}

void shmrpci_stats_join(const shmrpci_stats *stats, uint32_t place, int32_t pid,
                        shmrpci_counter *out)
{
    open_block(stats, place, out);
    if (out->worker == NULL) {
        return;
    }
    /* Relaxed: the values are only displayed, and need not agree. */
    shmrpci_stats_worker *worker = out->worker;
    atomic_store_explicit(&worker->pid, (uint32_t)pid, memory_order_relaxed);
    atomic_store_explicit(&worker->started_ns, (uint64_t)shmrpci_now_ns(),
                          memory_order_relaxed);
    atomic_store_explicit(&worker->has_left, 0u, memory_order_relaxed);
    uint32_t starts =
        atomic_load_explicit(&worker->starts, memory_order_relaxed);
    atomic_store_explicit(&worker->starts, starts + 1, memory_order_relaxed);
}

void shmrpci_stats_leave(shmrpci_counter *counter)
{
    if (counter->worker != NULL) {
        atomic_store_explicit(&counter->worker->has_left, 1u,
                              memory_order_relaxed);
    }
    shmrpci_memory_unmap(&counter->map);
    *counter = (shmrpci_counter){.rows = NULL};
}

/* Ends a dead worker's streams: none of them is open or stalled any more. */
static void end_streams(shmrpci_stats_streams *streams)
{
    uint64_t opened = shmrpci_load_relaxed(&streams->opened);
    if (shmrpci_load_relaxed(&streams->ended) != opened) {
        shmrpci_store_relaxed(&streams->ended, opened);
    }
    if (shmrpci_load_relaxed(&streams->stalls_since_ns) != 0) {
        shmrpci_store_relaxed(&streams->stalls_since_ns, UINT64_C(0));
    }
}

/* Ends the streams of all rows that were ever written. Touching the others
 * would allocate memory in the file's holes. */
static void end_all_streams(const shmrpci_stats *stats, uint32_t place,
                            const shmrpci_counter *counter)
{
    uint64_t rows =
        shmrpci_stats_blocks_at(stats->methods) +
        place * shmrpci_stats_block_bytes(stats->methods, stats->bits) +
        sizeof(shmrpci_stats_worker);
    uint64_t end = rows + 2 * stats->methods * sizeof(shmrpci_stats_row);
    for (uint32_t row = 0; row < 2 * stats->methods; row++) {
        uint64_t at = rows + row * sizeof(shmrpci_stats_row) +
                      offsetof(shmrpci_stats_row, streams);
        uint64_t data = shmrpci_memory_next_data(stats->fd, at, end);
        if (data == at) {
            end_streams(&counter->rows[row].streams);
        } else {
            row += (uint32_t)((data - at - 1) / sizeof(shmrpci_stats_row));
        }
    }
}

void shmrpci_stats_bury(const shmrpci_stats *stats, uint32_t place,
                        uint32_t row)
{
    shmrpci_counter counter;
    open_block(stats, place, &counter);
    if (counter.worker != NULL) {
        end_all_streams(stats, place, &counter);
    }
    if (row < stats->methods && counter.worker != NULL) {
        /* If the place has no starts, its worker can only have been one of the
         * previous server. The place is then marked as taken, because readers
         * skip places that were never taken. */
        if (shmrpci_load_relaxed(&counter.worker->starts) == 0) {
            shmrpci_store_relaxed(&counter.worker->starts, 1u);
        }
        shmrpci_count_call(&counter, row, 0, 0, SHMRPC_E_WORKER_DIED);
    }
    shmrpci_stats_leave(&counter);
}
