/*
 * Statistics as JSON and as tables.
 *
 * JSON has exact counts, and times in the unit of their key. Tables round to
 * what fits a cell; columns that do not fit the screen are left out, beginning
 * with the last. Heads and rows are written by pairs of functions, whose widths
 * must agree.
 */
#include "tools/shmrpc/figures.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/snapshot_json.h"
#include "tools/shmrpc/terminal.h"

/* ---- JSON ------------------------------------------------------------ */

/* Returns the resources of a worker; all are -1 if memory ran out, or if the
 * worker has left. */
static const cli_usage *usage_of(const cli_watched *w, uint32_t index)
{
    static const cli_usage unknown = {-1, -1, -1, -1};
    return w->usages != NULL ? &w->usages[index] : &unknown;
}

/* Rates need two samples: until the second one, totals are shown. */
static const shmrpc_snapshot *shown(const cli_watched *w, bool is_rate)
{
    return is_rate && w->between != NULL ? w->between : w->now;
}

/* Writes null for values that are not visible. */
static void set_known(shmrpci_buf *out, const char *key, int64_t value)
{
    if (value < 0) {
        shmrpci_json_key(out, key);
        shmrpci_buf_append_text(out, "null");
    } else {
        shmrpci_json_set_int(out, key, value);
    }
}

/* Appends the resources of a worker's process. */
static void append_usage(void *user, uint32_t index, shmrpci_buf *out)
{
    const cli_usage *usage = usage_of(user, index);
    if (usage->cpu < 0) {
        set_known(out, "cpus", -1);
    } else {
        shmrpci_json_set_real(out, "cpus", usage->cpu);
    }
    set_known(out, "pss_bytes", usage->pss_bytes);
    set_known(out, "threads", usage->threads);
    set_known(out, "descriptors", usage->descriptors);
}

/* The members are those of the web page's API (tools/common), so that a script
 * can use either. */
void cli_figures_json(cli_watched *w, bool is_rate, shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, is_rate);
    tool_snapshot_more more = {.worker = append_usage, .user = w};
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "name", shmrpc_snapshot_service(s)->name);
    shmrpci_json_set_text(out, "address", w->where);
    tool_snapshot_totals(s, is_rate ? "interval_s" : "uptime_s", out);
    tool_snapshot_parts(s, &more, out);
    shmrpci_buf_append_char(out, '}');
}

/* ---- tables ---------------------------------------------------------- */

/* Room for any cell. Each is printed before the next one is formatted, so one
 * array serves a whole row. */
enum { CELL_BYTES = 24 };

/* From a million on a count gets a unit: "1234", "0.5", "12.34 M". Rates below
 * a hundred have a decimal, because one call in two seconds is not zero. */
static const char *count_cell(char cell[CELL_BYTES], double value)
{
    static const char units[] = {' ', 'k', 'M', 'G', 'T', 'P', 'E'};
    size_t unit = 0;
    if (value >= 1e6) {
        for (; value >= 1000 && unit + 1 < sizeof units; unit++) {
            value /= 1000;
        }
        (void)snprintf(cell, CELL_BYTES, "%.*f %c",
                       value >= 100  ? 1
                       : value >= 10 ? 2
                                     : 3,
                       value, units[unit]);
    } else {
        bool is_whole = value >= 100 || value == (double)(uint64_t)value;
        (void)snprintf(cell, CELL_BYTES, "%.*f", is_whole ? 0 : 1, value);
    }
    return cell;
}

/* "12 B", "3.4 MiB": at most three digits. */
static const char *bytes_cell(char cell[CELL_BYTES], double value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++) {
        value /= 1024;
    }
    (void)snprintf(cell, CELL_BYTES, "%.*f %s",
                   unit == 0 || value >= 99.5 ? 0 : 1, value, units[unit]);
    return cell;
}

/* "-" if there were no calls. */
static const char *time_cell(char cell[CELL_BYTES], uint64_t count, int64_t ns)
{
    if (count == 0) {
        return "-";
    }
    char memory[CELL_BYTES];
    shmrpci_buf text;
    shmrpci_buf_init_fixed(&text, memory, sizeof memory - 1);
    cli_append_time(&text, (double)ns);
    (void)snprintf(cell, CELL_BYTES, "%.*s", (int)text.len, memory);
    return cell;
}

/* A row of cells, as many as fit; all rows of a table leave out the same
 * ones. */
typedef struct cells {
    shmrpci_buf *out; /* receives the row */
    size_t left;      /* columns of the screen that are still free */
} cells;

/* Begins a row with its first cell, whose text may span several columns. */
static cells row_of(shmrpci_buf *out, const cli_layout *layout,
                    const char *first, size_t width)
{
    size_t columns = layout->columns > 0 ? layout->columns : SIZE_MAX;
    cli_columns_pad(out, first, width);
    return (cells){out, columns > width ? columns - width : 0};
}

/* A cell that doesn't fit ends the row, so the most important columns come
 * first. */
static void right(cells *row, const char *cell, unsigned width)
{
    if (row->left < width + 2u) {
        row->left = 0;
        return;
    }
    shmrpci_buf_printf(row->out, "  %*s", (int)width, cell);
    row->left -= width + 2u;
}

/* The divisor of counts: 1, or the seconds between two snapshots. */
static double per(const cli_watched *w, bool is_rate)
{
    const shmrpc_service_stats *service =
        shmrpc_snapshot_service(shown(w, is_rate));
    double seconds = (double)service->uptime_ns / 1e9;
    return is_rate && seconds > 0 ? seconds : 1;
}

/* ---- order ----------------------------------------------------------- */

/* Sorts by value, largest first, then by name, then by the present order: qsort
 * is not stable, and rows must not change places at random. */
static int compare_ranks(const void *a, const void *b)
{
    const cli_rank *left = a;
    const cli_rank *right = b;
    int order = (left->value < right->value) - (left->value > right->value);
    if (order == 0 && left->name != NULL && right->name != NULL) {
        order = strcmp(left->name, right->name);
    }
    return order != 0
               ? order
               : (left->index > right->index) - (left->index < right->index);
}

/* Sorting by name needs no case of its own: all values are 0 then. */
void cli_ranks_sort(cli_rank *ranks, size_t count, const cli_layout *layout)
{
    if (layout->sort != CLI_SORT_NONE && count > 0) {
        qsort(ranks, count, sizeof *ranks, compare_ranks);
    }
    for (size_t i = 0; layout->is_reversed && i < count / 2; i++) {
        cli_rank swapped = ranks[i];
        ranks[i] = ranks[count - 1 - i];
        ranks[count - 1 - i] = swapped;
    }
}

/* A method has no CPU time of its own, so the time of its calls is used
 * instead. It has no memory figure at all. */
static double rank_of_method(const shmrpc_method_stats *m, cli_sort sort)
{
    switch (sort) {
    case CLI_SORT_CALLS:
        return (double)m->calls;
    case CLI_SORT_ERRORS:
        return (double)m->errors;
    case CLI_SORT_P99:
        return (double)m->service.p99_ns;
    case CLI_SORT_BUSY:
    case CLI_SORT_CPU:
        return (double)m->service.total_ns;
    case CLI_SORT_NONE:
    case CLI_SORT_NAME:
    case CLI_SORT_MEMORY:
        break;
    }
    return 0;
}

/* Workers have no percentiles, because latencies are counted for each method.
 */
static double rank_of_worker(const cli_watched *w, const shmrpc_snapshot *s,
                             uint32_t index, cli_sort sort)
{
    const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(s, index);
    switch (sort) {
    case CLI_SORT_CALLS:
        return (double)worker->calls;
    case CLI_SORT_ERRORS:
        return (double)worker->errors;
    case CLI_SORT_BUSY:
        return (double)worker->busy_ns;
    case CLI_SORT_CPU:
        return usage_of(w, index)->cpu;
    case CLI_SORT_MEMORY:
        return (double)usage_of(w, index)->pss_bytes;
    case CLI_SORT_NONE:
    case CLI_SORT_NAME:
    case CLI_SORT_P99:
        break;
    }
    return 0;
}

/* ---- tables of one service ------------------------------------------- */

/* The widths must be the same as in method_head. */
static void method_row(shmrpci_buf *out, const cli_layout *layout,
                       const shmrpc_method_stats *m, const char *name,
                       size_t width, double divisor)
{
    char cell[CELL_BYTES];
    cells row = row_of(out, layout, name, width);
    right(&row, count_cell(cell, (double)m->calls / divisor), 8);
    right(&row, count_cell(cell, (double)m->errors / divisor), 8);
    right(&row, bytes_cell(cell, (double)m->bytes_in / divisor), 8);
    right(&row, bytes_cell(cell, (double)m->bytes_out / divisor), 8);
    right(&row, time_cell(cell, m->service.count, m->service.p50_ns), 7);
    right(&row, time_cell(cell, m->service.count, m->service.p99_ns), 7);
    right(&row, time_cell(cell, m->service.count, m->service.p999_ns), 7);
    right(&row, time_cell(cell, m->service.count, m->service.max_ns), 7);
    right(&row, time_cell(cell, m->queue.count, m->queue.p50_ns), 8);
    right(&row, time_cell(cell, m->queue.count, m->queue.p99_ns), 8);
    right(&row, time_cell(cell, m->queue.count, m->queue.max_ns), 8);
    shmrpci_buf_append_char(out, '\n');
}

/* P50 to MAX are the times during which calls kept a worker busy; WAIT is the
 * time in the queue before. */
static void method_head(shmrpci_buf *out, const cli_layout *layout,
                        size_t width, bool is_rate)
{
    cells row = row_of(out, layout, "METHOD", width);
    right(&row, is_rate ? "CALLS/S" : "CALLS", 8);
    right(&row, is_rate ? "ERR/S" : "ERRORS", 8);
    right(&row, is_rate ? "IN/S" : "IN", 8);
    right(&row, is_rate ? "OUT/S" : "OUT", 8);
    right(&row, "P50", 7);
    right(&row, "P99", 7);
    right(&row, "P99.9", 7);
    right(&row, "MAX", 7);
    right(&row, "WAIT P50", 8);
    right(&row, "WAIT P99", 8);
    right(&row, "WAIT MAX", 8);
    shmrpci_buf_append_char(out, '\n');
}

/* The methods that were called, sorted; NULL if memory ran out. Methods that
 * were never called are left out, because a service may have a hundred. */
static cli_rank *called_methods(const shmrpc_snapshot *s,
                                const cli_layout *layout, size_t *count,
                                size_t *width)
{
    uint32_t all = shmrpc_snapshot_service(s)->method_count;
    cli_rank *ranks = calloc((size_t)all + 1, sizeof *ranks);
    *count = 0;
    *width = strlen("METHOD");
    for (uint32_t i = 0; ranks != NULL && i < all; i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(s, i);
        if (m->calls > 0) {
            size_t len = strlen(m->name);
            *width = len > *width ? len : *width;
            ranks[(*count)++] =
                (cli_rank){m->name, rank_of_method(m, layout->sort), i};
        }
    }
    if (ranks != NULL) {
        cli_ranks_sort(ranks, *count, layout);
    }
    return ranks;
}

/* If there are several methods, a last row has their sum. Its percentiles are
 * those of all calls, not a mean of the rows. */
static void methods_text(const cli_watched *w, bool is_rate,
                         const cli_layout *layout, shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, is_rate);
    double divisor = per(w, is_rate);
    size_t count;
    size_t width;
    cli_rank *called = called_methods(s, layout, &count, &width);
    if (called == NULL) {
        shmrpci_buf_fail(out, SHMRPC_E_NO_MEMORY);
        return;
    }
    method_head(out, layout, width, is_rate);
    for (size_t i = 0; i < count; i++) {
        const shmrpc_method_stats *m =
            shmrpc_snapshot_method(s, (uint32_t)called[i].index);
        method_row(out, layout, m, m->name, width, divisor);
    }
    if (count > 1) {
        method_row(out, layout, shmrpc_snapshot_method(s, SHMRPC_STATS_ALL),
                   "all", width, divisor);
    }
    free(called);
}

/* ---- streams --------------------------------------------------------- */

static bool has_streams(const shmrpc_method_stats *m)
{
    return m->streams.open > 0 || m->streams.opened > 0;
}

static void streams_row(shmrpci_buf *out, const cli_layout *layout,
                        const shmrpc_method_stats *m, size_t width,
                        double divisor)
{
    const shmrpc_stream_stats *s = &m->streams;
    char cell[CELL_BYTES];
    cells row = row_of(out, layout, m->name, width);
    right(&row, count_cell(cell, (double)s->open), 8);
    right(&row, count_cell(cell, (double)s->opened / divisor), 8);
    right(&row, count_cell(cell, (double)s->items_in / divisor), 10);
    right(&row, count_cell(cell, (double)s->items_out / divisor), 11);
    right(&row, bytes_cell(cell, (double)s->bytes_in / divisor), 8);
    right(&row, bytes_cell(cell, (double)s->bytes_out / divisor), 8);
    right(&row,
          time_cell(cell, s->stalled_ns > 0,
                    (int64_t)((double)s->stalled_ns / divisor)),
          9);
    shmrpci_buf_append_char(out, '\n');
}

static void streams_head(shmrpci_buf *out, const cli_layout *layout,
                         size_t width, bool is_rate)
{
    cells row = row_of(out, layout, "STREAMS", width);
    right(&row, "OPEN", 8);
    right(&row, is_rate ? "OPENED/S" : "OPENED", 8);
    right(&row, is_rate ? "ITEMS IN/S" : "ITEMS IN", 10);
    right(&row, is_rate ? "ITEMS OUT/S" : "ITEMS OUT", 11);
    right(&row, is_rate ? "IN/S" : "IN", 8);
    right(&row, is_rate ? "OUT/S" : "OUT", 8);
    right(&row, is_rate ? "STALLED/S" : "STALLED", 9);
    shmrpci_buf_append_char(out, '\n');
}

/* Appends a table of the methods that have had streams, if there are any. */
static void streams_text(const cli_watched *w, bool is_rate,
                         const cli_layout *layout, shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, is_rate);
    uint32_t methods = shmrpc_snapshot_service(s)->method_count;
    size_t width = strlen("STREAMS");
    if (!has_streams(shmrpc_snapshot_method(s, SHMRPC_STATS_ALL))) {
        return;
    }
    for (uint32_t i = 0; i < methods; i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(s, i);
        size_t len = has_streams(m) ? strlen(m->name) : 0;
        width = len > width ? len : width;
    }
    shmrpci_buf_append_char(out, '\n');
    streams_head(out, layout, width, is_rate);
    for (uint32_t i = 0; i < methods; i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(s, i);
        if (has_streams(m)) {
            streams_row(out, layout, m, width, per(w, is_rate));
        }
    }
}

/* ---- errors, workers ------------------------------------------------- */

/* The statuses of the library that errors may have; a service may declare
 * more. */
static const int statuses[] = {
#define SHMRPC_X(name, number, connect, http, may_have_run, text) (number),
    SHMRPC_STATUS_LIST(SHMRPC_X)
#undef SHMRPC_X
        SHMRPC_DECLARED_ERROR_MIN,
};

#define STATUSES (sizeof statuses / sizeof *statuses)

/* Appends one line for each method that has had errors. Usually there is none,
 * and a table would be empty. */
static void errors_text(const cli_watched *w, bool is_rate, shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, is_rate);
    uint32_t methods = shmrpc_snapshot_service(s)->method_count;
    for (uint32_t i = 0; i < methods; i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(s, i);
        const char *before = "";
        if (m->errors == 0) {
            continue;
        }
        shmrpci_buf_printf(out, "errors of %s: ", m->name);
        for (size_t k = 0; k < STATUSES; k++) {
            uint64_t count = shmrpc_snapshot_errors(s, i, statuses[k]);
            if (count > 0) {
                shmrpci_buf_printf(out, "%s%llu %s", before,
                                   (unsigned long long)count,
                                   shmrpc_status_name(statuses[k]));
                before = ", ";
            }
        }
        shmrpci_buf_append_char(out, '\n');
    }
}

/* "-" for values that are not visible, since 0 would look like a measured
 * value. */
static const char *known_cell(char cell[CELL_BYTES], int64_t value)
{
    if (value < 0) {
        return "-";
    }
    (void)snprintf(cell, CELL_BYTES, "%lld", (long long)value);
    return cell;
}

/* BUSY is the share of time spent in handlers. CPU is that of the process,
 * which has other threads and may have other workers. */
static void worker_row(shmrpci_buf *out, const cli_layout *layout,
                       const shmrpc_worker_stats *worker,
                       const cli_usage *usage, double divisor, int64_t span_ns)
{
    char cell[CELL_BYTES];
    double busy =
        span_ns > 0 ? (double)worker->busy_ns * 100 / (double)span_ns : 0;
    (void)snprintf(cell, sizeof cell, "%6u", worker->place);
    cells row = row_of(out, layout, cell, 6);
    right(&row, known_cell(cell, worker->has_left ? -1 : worker->pid), 8);
    right(&row, count_cell(cell, (double)worker->calls / divisor), 8);
    (void)snprintf(cell, sizeof cell, "%.0f %%", busy > 100 ? 100 : busy);
    right(&row, cell, 6);
    (void)snprintf(cell, sizeof cell, "%.0f %%", usage->cpu * 100);
    right(&row, usage->cpu < 0 ? "-" : cell, 6);
    right(&row,
          usage->pss_bytes < 0 ? "-"
                               : bytes_cell(cell, (double)usage->pss_bytes),
          8);
    right(&row, known_cell(cell, usage->threads), 7);
    right(&row, known_cell(cell, usage->descriptors), 5);
    right(&row, count_cell(cell, (double)worker->spins / divisor), 8);
    right(&row, count_cell(cell, (double)worker->sleeps / divisor), 8);
    right(&row, count_cell(cell, (double)worker->wakes / divisor), 8);
    right(&row, count_cell(cell, (double)worker->starts), 6);
    shmrpci_buf_append_char(out, '\n');
}

/* FILES are open descriptors; SPINS, SLEEPS and WAKES tell how workers wait. */
static void worker_head(shmrpci_buf *out, const cli_layout *layout,
                        bool is_rate)
{
    cells row = row_of(out, layout, "WORKER", 6);
    right(&row, "PID", 8);
    right(&row, is_rate ? "CALLS/S" : "CALLS", 8);
    right(&row, "BUSY", 6);
    right(&row, "CPU", 6);
    right(&row, "PSS", 8);
    right(&row, "THREADS", 7);
    right(&row, "FILES", 5);
    right(&row, is_rate ? "SPINS/S" : "SPINS", 8);
    right(&row, is_rate ? "SLEEPS/S" : "SLEEPS", 8);
    right(&row, is_rate ? "WAKES/S" : "WAKES", 8);
    right(&row, "STARTS", 6);
    shmrpci_buf_append_char(out, '\n');
}

/* Unless they are sorted, workers are in the order of their slots: a worker
 * that replaces another one appears in the same row. */
static void workers_text(const cli_watched *w, bool is_rate,
                         const cli_layout *layout, shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, is_rate);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    cli_rank *ranks = calloc((size_t)service->worker_count + 1, sizeof *ranks);
    if (ranks == NULL) {
        shmrpci_buf_fail(out, SHMRPC_E_NO_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < service->worker_count; i++) {
        ranks[i] = (cli_rank){NULL, rank_of_worker(w, s, i, layout->sort), i};
    }
    cli_ranks_sort(ranks, service->worker_count, layout);
    shmrpci_buf_append_char(out, '\n');
    worker_head(out, layout, is_rate);
    for (uint32_t i = 0; i < service->worker_count; i++) {
        uint32_t index = (uint32_t)ranks[i].index;
        worker_row(out, layout, shmrpc_snapshot_worker(s, index),
                   usage_of(w, index), per(w, is_rate), service->uptime_ns);
    }
    free(ranks);
}

/* Two units are precise enough for people; JSON has the exact time. */
static void uptime_text(shmrpci_buf *out, int64_t ns)
{
    long long seconds = ns / 1000000000;
    if (seconds >= 86400) {
        shmrpci_buf_printf(out, "%lld d %lld h", seconds / 86400,
                           seconds / 3600 % 24);
    } else if (seconds >= 3600) {
        shmrpci_buf_printf(out, "%lld h %lld min", seconds / 3600,
                           seconds / 60 % 60);
    } else if (seconds >= 60) {
        shmrpci_buf_printf(out, "%lld min %lld s", seconds / 60, seconds % 60);
    } else {
        cli_append_time(out, (double)ns);
    }
}

/* Appends the workers' problems, in capitals; nothing if all is well.
 */
static void life_text(const shmrpc_snapshot *s, shmrpci_buf *out)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    if (service->crashes > 0) {
        shmrpci_buf_printf(out, ", %llu CRASH%s (the last ",
                           (unsigned long long)service->crashes,
                           service->crashes == 1 ? "" : "ES");
        uptime_text(out, service->taken_ns - service->crash_ns);
        shmrpci_buf_append_text(out, " ago");
        if (service->crash_method != SHMRPC_STATS_ALL) {
            shmrpci_buf_printf(
                out, " in %s",
                shmrpc_snapshot_method(s, service->crash_method)->name);
        }
        if (service->crash_signal > 0) {
            shmrpci_buf_printf(out, " by signal %d", service->crash_signal);
        }
        shmrpci_buf_append_char(out, ')');
    }
    if (service->workers_alive < service->workers_wanted) {
        shmrpci_buf_printf(out, ", %u OF %u WORKERS", service->workers_alive,
                           service->workers_wanted);
    }
}

/* Uptime and connections are current even if the tables show rates. */
void cli_figures_text(const cli_watched *w, bool is_rate, bool with_workers,
                      const cli_layout *layout, shmrpci_buf *out)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(w->now);
    shmrpci_buf_printf(out, "%s, up ", service->name);
    uptime_text(out, service->uptime_ns);
    shmrpci_buf_printf(out, ", %llu connection%s",
                       (unsigned long long)service->connections,
                       service->connections == 1 ? "" : "s");
    if (service->rescued_wakeups > 0) {
        shmrpci_buf_printf(out, ", %llu RESCUED WAKE-UPS",
                           (unsigned long long)service->rescued_wakeups);
    }
    life_text(w->now, out);
    shmrpci_buf_append_text(out, "\n\n");
    methods_text(w, is_rate, layout, out);
    errors_text(w, is_rate, out);
    streams_text(w, is_rate, layout, out);
    if (with_workers) {
        workers_text(w, is_rate, layout, out);
    }
}

/* ---- a line for each service ----------------------------------------- */

/* The columns that matter most when something is wrong come first. */
void cli_figures_row_head(const cli_layout *layout, shmrpci_buf *out)
{
    cells row = row_of(out, layout, "SERVICE", layout->names);
    right(&row, "CALLS/S", 8);
    right(&row, "ERR/S", 8);
    right(&row, "P50", 7);
    right(&row, "P99", 7);
    right(&row, "MAX", 7);
    right(&row, "WAIT P99", 8);
    right(&row, "BUSY", 6);
    right(&row, "CPU", 6);
    right(&row, "PSS", 8);
    right(&row, "WORKERS", 7);
    right(&row, "CONNS", 5);
    right(&row, "STREAMS", 7);
    shmrpci_buf_append_char(out, '\n');
}

/* Sums over all workers of a service. */
typedef struct totals {
    uint32_t workers;  /* slots that have a worker */
    int64_t busy_ns;   /* of all workers together */
    double cpu;        /* CPUs in use; each process counts once */
    int64_t pss_bytes; /* memory; each process counts once */
} totals;

/* Whether no earlier worker has the same process, so that a process with
 * several workers counts once. */
static bool is_first(const shmrpc_snapshot *s, uint32_t index)
{
    int32_t pid = shmrpc_snapshot_worker(s, index)->pid;
    for (uint32_t i = 0; i < index; i++) {
        if (shmrpc_snapshot_worker(s, i)->pid == pid) {
            return false;
        }
    }
    return true;
}

/* Adds up the workers. Processes that are not visible add nothing. The sum is
 * shown nevertheless, because a row has no room to say which ones are missing.
 */
static totals add_up(const cli_watched *w, const shmrpc_snapshot *s)
{
    totals sum = {0};
    for (uint32_t i = 0; i < shmrpc_snapshot_service(s)->worker_count; i++) {
        const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(s, i);
        const cli_usage *usage = usage_of(w, i);
        sum.workers += !worker->has_left;
        sum.busy_ns += worker->busy_ns;
        if (usage->cpu >= 0 && is_first(s, i)) {
            sum.cpu += usage->cpu;
            sum.pss_bytes += usage->pss_bytes > 0 ? usage->pss_bytes : 0;
        }
    }
    return sum;
}

/* The share of time, in percent, that all workers together were busy. */
static double busy_of(const totals *sum, int64_t span_ns)
{
    double busy =
        sum->workers > 0 && span_ns > 0
            ? (double)sum->busy_ns * 100 / (double)span_ns / sum->workers
            : 0;
    return busy > 100 ? 100 : busy;
}

/* A service that can't be read is sorted last, like an idle one. */
double cli_figures_rank(const cli_watched *w, cli_sort sort)
{
    if (w->now == NULL) {
        return 0;
    }
    const shmrpc_snapshot *s = shown(w, true);
    totals sum = add_up(w, s);
    switch (sort) {
    case CLI_SORT_BUSY:
        return busy_of(&sum, shmrpc_snapshot_service(s)->uptime_ns);
    case CLI_SORT_CPU:
        return sum.cpu;
    case CLI_SORT_MEMORY:
        return (double)sum.pss_bytes;
    case CLI_SORT_CALLS:
    case CLI_SORT_ERRORS:
    case CLI_SORT_P99:
    case CLI_SORT_NONE:
    case CLI_SORT_NAME:
        break;
    }
    return rank_of_method(shmrpc_snapshot_method(s, SHMRPC_STATS_ALL), sort);
}

/* Appends one line of `top`, with rates since the previous sample. */
void cli_figures_row(const cli_watched *w, const cli_layout *layout,
                     shmrpci_buf *out)
{
    const shmrpc_snapshot *s = shown(w, true);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(s, SHMRPC_STATS_ALL);
    double divisor = per(w, true);
    totals sum = add_up(w, s);
    char cell[CELL_BYTES];
    cells row = row_of(out, layout, w->name, layout->names);
    right(&row, count_cell(cell, (double)all->calls / divisor), 8);
    right(&row, count_cell(cell, (double)all->errors / divisor), 8);
    right(&row, time_cell(cell, all->service.count, all->service.p50_ns), 7);
    right(&row, time_cell(cell, all->service.count, all->service.p99_ns), 7);
    right(&row, time_cell(cell, all->service.count, all->service.max_ns), 7);
    right(&row, time_cell(cell, all->queue.count, all->queue.p99_ns), 8);
    (void)snprintf(cell, sizeof cell, "%.0f %%",
                   busy_of(&sum, service->uptime_ns));
    right(&row, cell, 6);
    (void)snprintf(cell, sizeof cell, "%.0f %%", sum.cpu * 100);
    right(&row, cell, 6);
    right(&row, bytes_cell(cell, (double)sum.pss_bytes), 8);
    right(&row, count_cell(cell, sum.workers), 7);
    right(&row, count_cell(cell, (double)service->connections), 5);
    right(&row, count_cell(cell, (double)all->streams.open), 7);
    shmrpci_buf_append_char(out, '\n');
}
