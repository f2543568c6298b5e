/* Writes snapshots as JSON. */
#include "tools/common/snapshot_json.h"

#include <stdlib.h>

#include "base/json_text.h"
#include "os/clock.h"

enum { NS_PER_US = 1000 };

/* Writes a time in units of `unit_ns`, with as many decimals as it needs. */
static void set_time(shmrpci_buf *out, const char *key, int64_t ns,
                     int64_t unit_ns)
{
    int64_t part = llabs(ns % unit_ns);
    shmrpci_json_key(out, key);
    shmrpci_buf_printf(out, "%s%lld%s", ns < 0 ? "-" : "", llabs(ns / unit_ns),
                       part != 0 ? "." : "");
    while (part != 0) {
        part *= 10;
        shmrpci_buf_append_char(out, (char)('0' + part / unit_ns));
        part %= unit_ns;
    }
}

static void set_us(shmrpci_buf *out, const char *key, int64_t ns)
{
    set_time(out, key, ns, NS_PER_US);
}

static void set_s(shmrpci_buf *out, const char *key, int64_t ns)
{
    set_time(out, key, ns, SHMRPCI_NS_PER_S);
}

/* ---- calls ----------------------------------------------------------- */

static void set_durations(shmrpci_buf *out, const char *key,
                          const shmrpc_durations *d)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "count", d->count);
    set_us(out, "total_us", d->total_ns);
    set_us(out, "p50_us", d->p50_ns);
    set_us(out, "p99_us", d->p99_ns);
    set_us(out, "p999_us", d->p999_ns);
    set_us(out, "max_us", d->max_ns);
    shmrpci_buf_append_char(out, '}');
}

static const int statuses[] = {
#define SHMRPC_X(name, number, connect, http, may_have_run, text) (number),
    SHMRPC_STATUS_LIST(SHMRPC_X)
#undef SHMRPC_X
};

static void set_error_count(shmrpci_buf *out, const shmrpc_snapshot *s,
                            uint32_t index, int status)
{
    uint64_t count = shmrpc_snapshot_errors(s, index, status);
    if (count > 0) {
        shmrpci_json_set_uint(out, shmrpc_status_name(status), count);
    }
}

/* Only writes statuses that occurred. In the sum over all methods, declared
 * errors are one count, because their numbers mean different errors in each
 * method. */
static void set_errors(shmrpci_buf *out, const shmrpc_snapshot *s,
                       uint32_t index, const tool_snapshot_more *more)
{
    shmrpci_json_key(out, "errors_by_status");
    shmrpci_buf_append_char(out, '{');
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        set_error_count(out, s, index, statuses[i]);
    }
    if (more != NULL && more->declared != NULL && index != SHMRPC_STATS_ALL) {
        more->declared(more->user, index, out);
    } else {
        set_error_count(out, s, index, SHMRPC_DECLARED_ERROR_MIN);
    }
    shmrpci_buf_append_char(out, '}');
}

static void set_counts(shmrpci_buf *out, const shmrpc_method_stats *m)
{
    shmrpci_json_set_uint(out, "calls", m->calls);
    shmrpci_json_set_uint(out, "errors", m->errors);
    shmrpci_json_set_uint(out, "bytes_in", m->bytes_in);
    shmrpci_json_set_uint(out, "bytes_out", m->bytes_out);
}

/* Writes the streams of a method that has had any, or of all methods. */
static void set_streams(shmrpci_buf *out, const shmrpc_stream_stats *streams)
{
    shmrpci_json_key(out, "streams");
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "open", streams->open);
    shmrpci_json_set_uint(out, "opened", streams->opened);
    shmrpci_json_set_uint(out, "items_in", streams->items_in);
    shmrpci_json_set_uint(out, "items_out", streams->items_out);
    shmrpci_json_set_uint(out, "bytes_in", streams->bytes_in);
    shmrpci_json_set_uint(out, "bytes_out", streams->bytes_out);
    set_s(out, "stalled_s", streams->stalled_ns);
    shmrpci_buf_append_char(out, '}');
}

/* Appends the details of a method, or of all methods together. */
static void set_details(shmrpci_buf *out, const shmrpc_snapshot *s,
                        uint32_t index, const tool_snapshot_more *more)
{
    const shmrpc_method_stats *m = shmrpc_snapshot_method(s, index);
    set_durations(out, "service", &m->service);
    set_durations(out, "queue", &m->queue);
    set_errors(out, s, index, more);
    if (index == SHMRPC_STATS_ALL || m->streams.open > 0 ||
        m->streams.opened > 0) {
        set_streams(out, &m->streams);
    }
}

/* ---- the state of the service -------------------------------------------- */

/* Writes an age rather than a time, since the time of the crash is only known
 * in CLOCK_MONOTONIC. */
static void set_crash(shmrpci_buf *out, const shmrpc_snapshot *s)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    const shmrpc_method_stats *method =
        service->crash_method == SHMRPC_STATS_ALL
            ? NULL
            : shmrpc_snapshot_method(s, service->crash_method);
    shmrpci_json_key(out, "last_crash");
    shmrpci_buf_append_char(out, '{');
    set_s(out, "age_s", service->taken_ns - service->crash_ns);
    shmrpci_json_set_int(out, "pid", service->crash_pid);
    if (service->crash_signal < 0) {
        shmrpci_json_set_text(out, "signal", NULL);
        shmrpci_json_set_text(out, "status", NULL);
    } else {
        shmrpci_json_set_int(out, "signal", service->crash_signal);
        shmrpci_json_set_int(out, "status", service->crash_status);
    }
    shmrpci_json_set_text(out, "method", method != NULL ? method->name : "");
    shmrpci_buf_append_char(out, '}');
}

static void set_packed(shmrpci_buf *out, const char *direction,
                       const shmrpc_compression_stats *packed)
{
    shmrpci_json_key(out, direction);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "bodies", packed->bodies);
    shmrpci_json_set_uint(out, "plain_bytes", packed->plain_bytes);
    shmrpci_json_set_uint(out, "packed_bytes", packed->packed_bytes);
    shmrpci_buf_append_char(out, '}');
}

static void set_compression(shmrpci_buf *out,
                            const shmrpc_service_stats *service)
{
    shmrpci_json_key(out, "compressed");
    shmrpci_buf_append_char(out, '{');
    set_packed(out, "requests", &service->compressed_requests);
    set_packed(out, "replies", &service->compressed_replies);
    shmrpci_buf_append_char(out, '}');
}

void tool_snapshot_totals(const shmrpc_snapshot *s, const char *span_key,
                          shmrpci_buf *out)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    set_counts(out, shmrpc_snapshot_method(s, SHMRPC_STATS_ALL));
    shmrpci_json_set_uint(out, "connections", service->connections);
    shmrpci_json_set_int(out, "started_unix_s",
                         service->started_ns / SHMRPCI_NS_PER_S);
    set_s(out, span_key, service->uptime_ns);
    shmrpci_json_set_uint(out, "rescued_wakeups", service->rescued_wakeups);
    shmrpci_json_set_real(out, "resolution", service->resolution);
    shmrpci_json_set_uint(out, "workers_wanted", service->workers_wanted);
    shmrpci_json_set_uint(out, "workers_alive", service->workers_alive);
    shmrpci_json_set_uint(out, "worker_starts", service->worker_starts);
    shmrpci_json_set_uint(out, "crashes", service->crashes);
    if (service->next_start_ns != 0) {
        set_s(out, "next_start_s", service->next_start_ns - service->taken_ns);
    }
    if (service->crash_ns != 0) {
        set_crash(out, s);
    }
    if (service->compressed_requests.bodies > 0 ||
        service->compressed_replies.bodies > 0) {
        set_compression(out, service);
    }
}

/* ---- parts of the service ------------------------------------------------ */

static void append_method(shmrpci_buf *out, const shmrpc_snapshot *s,
                          uint32_t index, const tool_snapshot_more *more)
{
    const shmrpc_method_stats *m = shmrpc_snapshot_method(s, index);
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "name", m->name);
    shmrpci_json_set_uint(out, "id", m->id);
    set_counts(out, m);
    set_details(out, s, index, more);
    shmrpci_buf_append_char(out, '}');
}

static void append_worker(shmrpci_buf *out, const shmrpc_snapshot *s,
                          uint32_t index, const tool_snapshot_more *more)
{
    const shmrpc_worker_stats *w = shmrpc_snapshot_worker(s, index);
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "place", w->place);
    shmrpci_json_set_int(out, "pid", w->pid);
    shmrpci_json_set_bool(out, "has_left", w->has_left);
    shmrpci_json_set_uint(out, "starts", w->starts);
    set_s(out, "age_s", shmrpc_snapshot_service(s)->taken_ns - w->started_ns);
    shmrpci_json_set_uint(out, "calls", w->calls);
    shmrpci_json_set_uint(out, "errors", w->errors);
    set_s(out, "busy_s", w->busy_ns);
    shmrpci_json_set_uint(out, "spins", w->spins);
    shmrpci_json_set_uint(out, "hits", w->hits);
    set_s(out, "spin_s", w->spin_ns);
    shmrpci_json_set_uint(out, "sleeps", w->sleeps);
    shmrpci_json_set_uint(out, "wakes", w->wakes);
    shmrpci_json_set_uint(out, "futile", w->futile);
    shmrpci_json_set_uint(out, "streams", w->streams);
    if (more != NULL && more->worker != NULL) {
        more->worker(more->user, index, out);
    }
    shmrpci_buf_append_char(out, '}');
}

void tool_snapshot_parts(const shmrpc_snapshot *s,
                         const tool_snapshot_more *more, shmrpci_buf *out)
{
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    set_details(out, s, SHMRPC_STATS_ALL, more);
    shmrpci_json_key(out, "methods");
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < service->method_count; i++) {
        append_method(out, s, i, more);
    }
    shmrpci_buf_append_char(out, ']');
    shmrpci_json_key(out, "places");
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < service->worker_count; i++) {
        append_worker(out, s, i, more);
    }
    shmrpci_buf_append_char(out, ']');
}
