/* Snapshots: sums of the counts of all workers, and differences of snapshots.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "observe/clients.h"
#include "observe/reader.h"
#include "os/clock.h"

/* `sums` has the rows, then their total. `methods` has the same figures in the
 * order that users see, in which row 0 comes last. */
struct shmrpc_snapshot {
    shmrpci_stats_head head;
    shmrpc_service_stats service;
    shmrpci_stats_name *names;
    shmrpci_stats_sums *sums;
    shmrpc_method_stats *methods;
    /* Present workers come first. Then come places whose worker has left, for
     * differences with a later snapshot. */
    shmrpc_worker_stats *workers;
    uint32_t place_count;
    shmrpc_connection_stats clients[SHMRPCI_STATS_CLIENTS];
};

__extension__ typedef unsigned __int128 uint128;

/* ---- times --------------------------------------------------------------- */

static int64_t ns_of(const shmrpc_snapshot *s, uint64_t ticks)
{
    uint128 ns = (uint128)ticks * s->head.ns_per_tick >> 32;
    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static uint64_t ticks_of(const shmrpc_snapshot *s, int64_t ns)
{
    if (ns <= 0) {
        return 0;
    }
    uint128 ticks = ((uint128)(uint64_t)ns << 32) / s->head.ns_per_tick;
    return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

static uint64_t *histogram(const shmrpc_snapshot *s,
                           const shmrpci_stats_sums *sums,
                           shmrpc_stats_time which)
{
    return sums->histograms == NULL
               ? NULL
               : sums->histograms +
                     (which == SHMRPC_STATS_SERVICE
                          ? shmrpci_histogram_buckets(s->head.bits)
                          : 0);
}

/* The middle of a bucket may exceed the longest duration, so the result is
 * limited to that. */
static int64_t percentile_ns(const shmrpc_snapshot *s,
                             const shmrpci_stats_sums *sums,
                             shmrpc_stats_time which, double fraction)
{
    const uint64_t *counts = histogram(s, sums, which);
    if (counts == NULL) {
        return 0;
    }
    uint64_t ticks =
        fraction >= 1.0
            ? sums->max[which]
            : shmrpci_histogram_percentile(counts, s->head.bits, fraction);
    return ns_of(s, ticks < sums->max[which] ? ticks : sums->max[which]);
}

static shmrpc_durations durations(const shmrpc_snapshot *s,
                                  const shmrpci_stats_sums *sums,
                                  shmrpc_stats_time which)
{
    const uint64_t *counts = histogram(s, sums, which);
    if (counts == NULL) {
        return (shmrpc_durations){0};
    }
    return (shmrpc_durations){.count =
                                  shmrpci_histogram_count(counts, s->head.bits),
                              .total_ns = ns_of(s, sums->ticks[which]),
                              .p50_ns = percentile_ns(s, sums, which, 0.5),
                              .p99_ns = percentile_ns(s, sums, which, 0.99),
                              .p999_ns = percentile_ns(s, sums, which, 0.999),
                              .max_ns = ns_of(s, sums->max[which])};
}

/* ---- making -------------------------------------------------------------- */

/* Allocates a snapshot with room for `workers` places. Copies the texts. */
static shmrpc_snapshot *create(const shmrpci_stats_head *head,
                               const shmrpci_stats_name *names,
                               uint32_t workers)
{
    uint32_t rows = head->methods;
    shmrpc_snapshot *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->head = *head;
    s->names = malloc(rows * sizeof *s->names);
    s->sums = calloc((size_t)rows + 1, sizeof *s->sums);
    s->methods = calloc((size_t)rows + 1, sizeof *s->methods);
    s->workers = calloc((size_t)workers + 1, sizeof *s->workers);
    if (s->names == NULL || s->sums == NULL || s->methods == NULL ||
        s->workers == NULL) {
        shmrpc_snapshot_free(s);
        return NULL;
    }
    memcpy(s->names, names, rows * sizeof *s->names);
    s->service =
        (shmrpc_service_stats){.name = s->head.name,
                               .started_ns = head->started_real_ns,
                               .resolution = 1.0 / (double)(1u << head->bits),
                               .method_count = rows};
    return s;
}

void shmrpc_snapshot_free(shmrpc_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (uint32_t i = 0; snapshot->sums != NULL && i <= snapshot->head.methods;
         i++) {
        free(snapshot->sums[i].histograms);
    }
    free(snapshot->names);
    free(snapshot->sums);
    free(snapshot->methods);
    free(snapshot->workers);
    free(snapshot);
}

static uint64_t count_errors(const shmrpci_stats_sums *sums)
{
    uint64_t errors = 0;
    for (uint32_t i = 0; i < SHMRPCI_STATS_ERRORS; i++) {
        errors += sums->errors[i];
    }
    return errors;
}

static void add_streams(const shmrpci_stats_stream_sums *from,
                        shmrpci_stats_stream_sums *to)
{
    to->open += from->open;
    to->opened += from->opened;
    to->items_in += from->items_in;
    to->items_out += from->items_out;
    to->bytes_in += from->bytes_in;
    to->bytes_out += from->bytes_out;
    to->stalled_ns += from->stalled_ns;
}

/* Adds `from` to `to`. Returns false if memory is short. */
static bool add_sums(uint32_t bits, const shmrpci_stats_sums *from,
                     shmrpci_stats_sums *to)
{
    uint32_t words = 2 * shmrpci_histogram_buckets(bits);
    add_streams(&from->streams, &to->streams);
    if (from->histograms == NULL) {
        return true; /* no calls */
    }
    if (to->histograms == NULL) {
        to->histograms = calloc(words, 8);
        if (to->histograms == NULL) {
            return false;
        }
    }
    for (uint32_t i = 0; i < words; i++) {
        to->histograms[i] += from->histograms[i];
    }
    for (uint32_t i = 0; i < SHMRPCI_STATS_ERRORS; i++) {
        to->errors[i] += from->errors[i];
    }
    to->calls += from->calls;
    to->bytes_in += from->bytes_in;
    to->bytes_out += from->bytes_out;
    for (int i = 0; i < 2; i++) {
        to->ticks[i] += from->ticks[i];
        to->max[i] = from->max[i] > to->max[i] ? from->max[i] : to->max[i];
    }
    return true;
}

static void show_method(const shmrpc_snapshot *s,
                        const shmrpci_stats_sums *sums,
                        shmrpc_method_stats *out)
{
    out->calls = sums->calls;
    out->errors = count_errors(sums);
    out->bytes_in = sums->bytes_in;
    out->bytes_out = sums->bytes_out;
    out->streams = (shmrpc_stream_stats){
        .open = sums->streams.open,
        .opened = sums->streams.opened,
        .items_in = sums->streams.items_in,
        .items_out = sums->streams.items_out,
        .bytes_in = sums->streams.bytes_in,
        .bytes_out = sums->streams.bytes_out,
        .stalled_ns = sums->streams.stalled_ns > INT64_MAX
                          ? INT64_MAX
                          : (int64_t)sums->streams.stalled_ns,
    };
    out->queue = durations(s, sums, SHMRPC_STATS_QUEUE);
    out->service = durations(s, sums, SHMRPC_STATS_SERVICE);
}

/* The position of a row in the order that users see. */
static uint32_t method_of(const shmrpc_snapshot *s, uint32_t row)
{
    return row == 0 ? s->head.methods - 1 : row - 1;
}

/* Computes the figures for users from the sums of rows. Returns false if memory
 * is short. */
static bool show(shmrpc_snapshot *s)
{
    uint32_t rows = s->head.methods;
    for (uint32_t i = 0; i < rows; i++) {
        shmrpc_method_stats *out = &s->methods[method_of(s, i)];
        out->name = s->names[i].text;
        out->id = s->names[i].id;
        show_method(s, &s->sums[i], out);
        if (!add_sums(s->head.bits, &s->sums[i], &s->sums[rows])) {
            return false;
        }
    }
    s->methods[rows].name = "";
    show_method(s, &s->sums[rows], &s->methods[rows]);
    return true;
}

/* ---- reading ------------------------------------------------------------- */

/* Reads the worker's own figures; the rest comes from its rows. */
static void read_worker(const shmrpc_snapshot *s, uint32_t place,
                        const shmrpci_stats_worker *worker,
                        shmrpc_worker_stats *out)
{
    const shmrpci_stats_waits *waits = &worker->waits;
    /* Relaxed: the figures are only displayed, each by itself. */
    *out = (shmrpc_worker_stats){
        .place = place,
        .pid = (int32_t)shmrpci_load_relaxed(&worker->pid),
        .has_left = shmrpci_load_relaxed(&worker->has_left) != 0,
        .starts = shmrpci_load_relaxed(&worker->starts),
        .started_ns = (int64_t)shmrpci_load_relaxed(&worker->started_ns),
        .spins = shmrpci_load_relaxed(&waits->spins),
        .hits = shmrpci_load_relaxed(&waits->hits),
        .spin_ns = ns_of(s, shmrpci_load_relaxed(&waits->spin_ticks)),
        .sleeps = shmrpci_load_relaxed(&waits->sleeps),
        .wakes = shmrpci_load_relaxed(&waits->wakes),
        .futile = shmrpci_load_relaxed(&waits->futile)};
}

/* Adds a worker's rows to the sums. The worker's own figures are the amounts by
 * which this makes the sums grow. */
static shmrpc_status read_rows(const shmrpc_stats *stats, shmrpc_snapshot *s,
                               shmrpc_worker_stats *worker)
{
    uint64_t busy = 0;
    for (uint32_t row = 0; row < stats->head.methods; row++) {
        shmrpci_stats_sums *sums = &s->sums[row];
        uint64_t calls = sums->calls;
        uint64_t errors = count_errors(sums);
        uint64_t ticks = sums->ticks[SHMRPC_STATS_SERVICE];
        uint64_t streams = sums->streams.open;
        shmrpc_status status =
            shmrpci_reader_add(stats, worker->place, row, sums);
        if (status != SHMRPC_OK) {
            return status;
        }
        worker->calls += sums->calls - calls;
        worker->errors += count_errors(sums) - errors;
        worker->streams += sums->streams.open - streams;
        busy += sums->ticks[SHMRPC_STATS_SERVICE] - ticks;
    }
    worker->busy_ns = ns_of(s, busy);
    return SHMRPC_OK;
}

/* Moves present workers to the front, before those that have left. */
static void sort_workers(shmrpc_snapshot *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->place_count; i++) {
        shmrpc_worker_stats it = s->workers[i];
        s->service.worker_starts += it.starts;
        if (!it.has_left) {
            memmove(&s->workers[count + 1], &s->workers[count],
                    (i - count) * sizeof it);
            s->workers[count++] = it;
        }
    }
    s->service.worker_count = count;
}

static void read_crashes(const shmrpci_stats_gauges *gauges,
                         shmrpc_service_stats *out, uint32_t rows)
{
    uint32_t row = shmrpci_load_relaxed(&gauges->crash_row);
    out->workers_wanted = shmrpci_load_relaxed(&gauges->workers_wanted);
    out->workers_alive = shmrpci_load_relaxed(&gauges->workers_alive);
    out->next_start_ns = (int64_t)shmrpci_load_relaxed(&gauges->next_start_ns);
    out->crashes = shmrpci_load_relaxed(&gauges->crashes);
    out->crash_ns = (int64_t)shmrpci_load_relaxed(&gauges->crash_ns);
    out->crash_pid = (int32_t)shmrpci_load_relaxed(&gauges->crash_pid);
    out->crash_signal = (int32_t)shmrpci_load_relaxed(&gauges->crash_signal);
    out->crash_status = (int32_t)shmrpci_load_relaxed(&gauges->crash_status);
    out->crash_method = row == 0 || row > rows ? SHMRPC_STATS_ALL
                        : row == 1             ? rows - 1
                                               : row - 2;
}

static shmrpc_compression_stats read_packed(const shmrpci_stats_packed *packed)
{
    return (shmrpc_compression_stats){
        .bodies = shmrpci_load_relaxed(&packed->bodies),
        .plain_bytes = shmrpci_load_relaxed(&packed->plain_bytes),
        .packed_bytes = shmrpci_load_relaxed(&packed->packed_bytes)};
}

static shmrpc_status read_all(const shmrpc_stats *stats, shmrpc_snapshot *s)
{
    const shmrpci_stats_head *head = stats->map.at;
    s->service.connections = shmrpci_load_relaxed(&head->gauges.connections);
    s->service.rescued_wakeups = shmrpci_load_relaxed(&head->gauges.rescued);
    s->service.pid_namespace =
        shmrpci_load_relaxed(&head->gauges.pid_namespace);
    s->service.client_count =
        shmrpci_stats_clients_read(&head->gauges, s->clients);
    read_crashes(&head->gauges, &s->service, s->head.methods);
    s->service.compressed_requests = read_packed(&head->gauges.packed_requests);
    s->service.compressed_replies = read_packed(&head->gauges.packed_replies);
    s->service.taken_ns = shmrpci_now_ns();
    s->service.uptime_ns = s->service.taken_ns - s->head.started_ns;
    for (uint32_t place = 0; place < s->head.places; place++) {
        const shmrpci_stats_worker *worker =
            shmrpci_reader_worker(stats, place);
        if (worker == NULL) {
            continue;
        }
        shmrpc_worker_stats *out = &s->workers[s->place_count++];
        read_worker(s, place, worker, out);
        shmrpc_status status = read_rows(stats, s, out);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    sort_workers(s);
    return show(s) ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

shmrpc_status shmrpc_stats_read(shmrpc_stats *stats, shmrpc_snapshot **out,
                                shmrpc_error *error)
{
    shmrpc_snapshot *s = create(&stats->head, stats->names, stats->head.places);
    shmrpc_status status = s == NULL ? SHMRPC_E_NO_MEMORY : read_all(stats, s);
    if (status != SHMRPC_OK) {
        shmrpc_snapshot_free(s);
        return shmrpc_error_set(
            error, status, "statistics of %s: %s", stats->head.name,
            status == SHMRPC_E_DATA_LOSS ? "the counts contradict each other"
                                         : shmrpc_status_text(status));
    }
    *out = s;
    return SHMRPC_OK;
}

/* ---- differences --------------------------------------------------------- */

/* Bounds the maximum: no call in the difference took longer than the last used
 * bucket allows. */
static uint64_t bounded_max(const uint64_t *counts, uint32_t bits, uint64_t max)
{
    uint32_t last = shmrpci_histogram_buckets(bits);
    while (last > 0 && counts[last - 1] == 0) {
        last--;
    }
    if (last == 0) {
        return 0;
    }
    uint64_t bound = shmrpci_histogram_low(last, bits) - 1;
    /* Durations beyond the last bucket are counted in the last bucket. */
    return bound < max && bound < SHMRPCI_HISTOGRAM_MAX ? bound : max;
}

/* Subtracts the figures of streams, except `open`, which is a gauge.
 * `stalled_ns` may have decreased, because a stall that has just ended may not
 * be counted yet. */
static bool subtract_streams(const shmrpci_stats_stream_sums *before,
                             shmrpci_stats_stream_sums *sums)
{
    bool is_more = before->opened <= sums->opened &&
                   before->items_in <= sums->items_in &&
                   before->items_out <= sums->items_out &&
                   before->bytes_in <= sums->bytes_in &&
                   before->bytes_out <= sums->bytes_out;
    sums->opened -= before->opened;
    sums->items_in -= before->items_in;
    sums->items_out -= before->items_out;
    sums->bytes_in -= before->bytes_in;
    sums->bytes_out -= before->bytes_out;
    sums->stalled_ns -= before->stalled_ns < sums->stalled_ns
                            ? before->stalled_ns
                            : sums->stalled_ns;
    return is_more;
}

/* Subtracts `before` from `sums`. Returns false if a count has decreased. */
static bool subtract(uint32_t bits, const shmrpci_stats_sums *before,
                     shmrpci_stats_sums *sums)
{
    uint32_t buckets = shmrpci_histogram_buckets(bits);
    if (before->histograms != NULL && sums->histograms == NULL) {
        return false;
    }
    bool is_more = subtract_streams(&before->streams, &sums->streams) &&
                   before->calls <= sums->calls &&
                   before->bytes_in <= sums->bytes_in &&
                   before->bytes_out <= sums->bytes_out &&
                   before->ticks[0] <= sums->ticks[0] &&
                   before->ticks[1] <= sums->ticks[1];
    sums->calls -= before->calls;
    sums->bytes_in -= before->bytes_in;
    sums->bytes_out -= before->bytes_out;
    for (uint32_t i = 0; i < SHMRPCI_STATS_ERRORS; i++) {
        is_more = is_more && before->errors[i] <= sums->errors[i];
        sums->errors[i] -= before->errors[i];
    }
    for (uint32_t i = 0; before->histograms != NULL && i < 2 * buckets; i++) {
        is_more = is_more && before->histograms[i] <= sums->histograms[i];
        sums->histograms[i] -= before->histograms[i];
    }
    for (uint32_t i = 0; sums->histograms != NULL && i < 2; i++) {
        sums->ticks[i] -= before->ticks[i];
        sums->max[i] = bounded_max(sums->histograms + (size_t)i * buckets, bits,
                                   sums->max[i]);
    }
    return is_more;
}

static const shmrpc_worker_stats *same_place(const shmrpc_snapshot *s,
                                             uint32_t place)
{
    for (uint32_t i = 0; i < s->place_count; i++) {
        if (s->workers[i].place == place) {
            return &s->workers[i];
        }
    }
    return NULL;
}

static void subtract_worker(const shmrpc_worker_stats *before,
                            shmrpc_worker_stats *worker)
{
    worker->calls -= before->calls;
    worker->errors -= before->errors;
    worker->busy_ns -= before->busy_ns;
    worker->spins -= before->spins;
    worker->hits -= before->hits;
    worker->spin_ns -= before->spin_ns;
    worker->sleeps -= before->sleeps;
    worker->wakes -= before->wakes;
    worker->futile -= before->futile;
}

static shmrpc_status copy_rows(const shmrpc_snapshot *from,
                               const shmrpc_snapshot *before,
                               shmrpc_snapshot *s)
{
    for (uint32_t i = 0; i < s->head.methods; i++) {
        if (!add_sums(s->head.bits, &from->sums[i], &s->sums[i])) {
            return SHMRPC_E_NO_MEMORY;
        }
        if (!subtract(s->head.bits, &before->sums[i], &s->sums[i])) {
            return SHMRPC_E_INVALID;
        }
    }
    return show(s) ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

static bool are_of_one_server(const shmrpc_snapshot *later,
                              const shmrpc_snapshot *earlier)
{
    return later->head.serial == earlier->head.serial &&
           later->head.methods == earlier->head.methods &&
           later->head.bits == earlier->head.bits &&
           later->service.taken_ns >= earlier->service.taken_ns;
}

shmrpc_status shmrpc_snapshot_since(const shmrpc_snapshot *later,
                                    const shmrpc_snapshot *earlier,
                                    shmrpc_snapshot **out, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_E_INVALID;
    shmrpc_snapshot *s = NULL;
    if (are_of_one_server(later, earlier)) {
        s = create(&later->head, later->names, later->place_count);
        status = s == NULL ? SHMRPC_E_NO_MEMORY : copy_rows(later, earlier, s);
    }
    if (status != SHMRPC_OK) {
        shmrpc_snapshot_free(s);
        return shmrpc_error_set(error, status,
                                status == SHMRPC_E_INVALID
                                    ? "these are not a later and an earlier "
                                      "snapshot of one server"
                                    : "out of memory");
    }
    const char *name = s->service.name;
    s->service = later->service;
    memcpy(s->clients, later->clients, sizeof s->clients);
    s->service.name = name;
    s->service.uptime_ns = later->service.taken_ns - earlier->service.taken_ns;
    s->service.rescued_wakeups -= earlier->service.rescued_wakeups;
    s->service.crashes -= earlier->service.crashes;
    s->place_count = later->place_count;
    for (uint32_t i = 0; i < s->place_count; i++) {
        s->workers[i] = later->workers[i];
        const shmrpc_worker_stats *before =
            same_place(earlier, s->workers[i].place);
        if (before != NULL) {
            subtract_worker(before, &s->workers[i]);
        }
    }
    *out = s;
    return SHMRPC_OK;
}

/* ---- queries ------------------------------------------------------------- */

const shmrpc_service_stats *
shmrpc_snapshot_service(const shmrpc_snapshot *snapshot)
{
    return &snapshot->service;
}

const shmrpc_method_stats *
shmrpc_snapshot_method(const shmrpc_snapshot *snapshot, uint32_t index)
{
    uint32_t rows = snapshot->head.methods;
    return index == SHMRPC_STATS_ALL ? &snapshot->methods[rows]
           : index < rows            ? &snapshot->methods[index]
                                     : NULL;
}

const shmrpc_worker_stats *
shmrpc_snapshot_worker(const shmrpc_snapshot *snapshot, uint32_t index)
{
    return index < snapshot->service.worker_count ? &snapshot->workers[index]
                                                  : NULL;
}

const shmrpc_connection_stats *
shmrpc_snapshot_client(const shmrpc_snapshot *snapshot, uint32_t index)
{
    return index < snapshot->service.client_count ? &snapshot->clients[index]
                                                  : NULL;
}

/* Returns the sums of a method, or NULL if there is no such method. */
static const shmrpci_stats_sums *sums_of(const shmrpc_snapshot *s,
                                         uint32_t index)
{
    uint32_t rows = s->head.methods;
    return index == SHMRPC_STATS_ALL ? &s->sums[rows]
           : index >= rows           ? NULL
           : index == rows - 1       ? &s->sums[0]
                                     : &s->sums[index + 1];
}

uint64_t shmrpc_snapshot_errors(const shmrpc_snapshot *snapshot, uint32_t index,
                                int status)
{
    const shmrpci_stats_sums *sums = sums_of(snapshot, index);
    if (sums == NULL || (status >= 0 && status != SHMRPC_DECLARED_ERROR_MIN) ||
        status <= -(int)SHMRPCI_STATS_STATUSES) {
        return 0;
    }
    if (status < 0) {
        return sums->errors[-status];
    }
    uint64_t declared = sums->errors[0];
    for (uint32_t i = 0; i < SHMRPCI_STATS_DECLARED; i++) {
        declared += sums->errors[SHMRPCI_STATS_STATUSES + i];
    }
    return declared;
}

uint64_t shmrpc_snapshot_declared(const shmrpc_snapshot *snapshot,
                                  uint32_t index, int number)
{
    const shmrpci_stats_sums *sums = sums_of(snapshot, index);
    return sums != NULL && number >= SHMRPC_DECLARED_ERROR_MIN &&
                   number <
                       SHMRPC_DECLARED_ERROR_MIN + (int)SHMRPCI_STATS_DECLARED
               ? sums->errors[SHMRPCI_STATS_STATUSES +
                              (uint32_t)(number - SHMRPC_DECLARED_ERROR_MIN)]
               : 0;
}

int64_t shmrpc_snapshot_percentile_ns(const shmrpc_snapshot *snapshot,
                                      uint32_t index, shmrpc_stats_time which,
                                      double fraction)
{
    const shmrpci_stats_sums *sums = sums_of(snapshot, index);
    return sums != NULL && (unsigned)which <= SHMRPC_STATS_SERVICE
               ? percentile_ns(snapshot, sums, which, fraction)
               : 0;
}

uint64_t shmrpc_snapshot_count_within(const shmrpc_snapshot *snapshot,
                                      uint32_t index, shmrpc_stats_time which,
                                      int64_t ns)
{
    const shmrpci_stats_sums *sums = sums_of(snapshot, index);
    if (sums == NULL || (unsigned)which > SHMRPC_STATS_SERVICE || ns < 0) {
        return 0;
    }
    const uint64_t *counts = histogram(snapshot, sums, which);
    return counts == NULL
               ? 0
               : shmrpci_histogram_within(counts, snapshot->head.bits,
                                          ticks_of(snapshot, ns));
}
