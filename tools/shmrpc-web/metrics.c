/*
 * The text format of Prometheus, version 0.0.4. The format wants each metric
 * once, with all its samples, so the board is visited once for each metric, not
 * once for each service.
 *
 * Names follow Prometheus' rules: base units (seconds, bytes) in the name,
 * `_total` for counters. They are an interface: if one changes, dashboards and
 * alerts break.
 */
#include "tools/shmrpc-web/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/shmrpc-web/declared.h"

typedef struct writer {
    shmrpci_buf *out;
    const char *name; /* name of the metric */
} writer;

/* ---- labels ---- */

/* The format escapes newline, quote and backslash in the value of a label. A
 * name with one of them must not begin a new sample. */
void web_metrics_label(shmrpci_buf *out, const char *key, const char *value)
{
    uint8_t last = out->len > 0 ? out->data[out->len - 1] : 0;
    shmrpci_buf_printf(out, "%s%s=\"", last == '{' ? "" : ",", key);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            shmrpci_buf_append_text(out, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\') {
            shmrpci_buf_append_char(out, '\\');
        }
        shmrpci_buf_append_char(out, *value);
    }
    shmrpci_buf_append_char(out, '"');
}

/* Writes `NAME{service="..."`; the caller closes the brace. */
static void begin_sample(writer *w, const char *suffix, const web_row *row,
                         const char *method)
{
    shmrpci_buf_printf(w->out, "%s%s{", w->name, suffix);
    web_metrics_label(w->out, "service", row->place->name);
    if (method != NULL) {
        web_metrics_label(w->out, "method", method);
    }
}

static void end_uint(writer *w, uint64_t value)
{
    shmrpci_buf_printf(w->out, "} %" PRIu64 "\n", value);
}

static void end_double(writer *w, double value)
{
    shmrpci_buf_printf(w->out, "} %.9g\n", value);
}

/* ---- metrics of a service ------------------------------------------------ */

static void see_up(const web_row *row, void *user)
{
    begin_sample(user, "", row, NULL);
    end_uint(user, row->place->is_alive);
}

static void see_ping(const web_row *row, void *user)
{
    if (row->place->is_alive && row->place->ping_ns > 0) {
        begin_sample(user, "", row, NULL);
        end_double(user, (double)row->place->ping_ns / 1e9);
    }
}

static void see_workers(const web_row *row, void *user)
{
    begin_sample(user, "", row, NULL);
    end_uint(user, row->workers);
}

static void see_memory(const web_row *row, void *user)
{
    begin_sample(user, "", row, NULL);
    end_uint(user, row->now.memory_bytes);
}

static void see_cpu(const web_row *row, void *user)
{
    begin_sample(user, "", row, NULL);
    end_double(user, (double)row->now.cpu_ns / 1e9);
}

static void see_connections(const web_row *row, void *user)
{
    if (row->total != NULL) {
        begin_sample(user, "", row, NULL);
        end_uint(user, shmrpc_snapshot_service(row->total)->connections);
    }
}

static void see_rescued(const web_row *row, void *user)
{
    if (row->total != NULL) {
        begin_sample(user, "", row, NULL);
        end_uint(user, shmrpc_snapshot_service(row->total)->rescued_wakeups);
    }
}

static void see_starts(const web_row *row, void *user)
{
    begin_sample(user, "", row, NULL);
    end_uint(user, row->total != NULL
                       ? shmrpc_snapshot_service(row->total)->worker_starts
                       : 0);
}

static void see_crashes(const web_row *row, void *user)
{
    if (row->total != NULL) {
        begin_sample(user, "", row, NULL);
        end_uint(user, shmrpc_snapshot_service(row->total)->crashes);
    }
}

static void see_wanted(const web_row *row, void *user)
{
    if (row->total != NULL) {
        begin_sample(user, "", row, NULL);
        end_uint(user, shmrpc_snapshot_service(row->total)->workers_wanted);
    }
}

/* Times are seconds since 1970, as Prometheus expects, so that `time() - x` is
 * an age. */
static void append_time(writer *w, const web_row *row, int64_t unix_ns)
{
    begin_sample(w, "", row, NULL);
    shmrpci_buf_printf(w->out, "} %.3f\n", (double)unix_ns / 1e9);
}

static void see_start_time(const web_row *row, void *user)
{
    if (row->total != NULL) {
        append_time(user, row, shmrpc_snapshot_service(row->total)->started_ns);
    }
}

static void see_next_start_time(const web_row *row, void *user)
{
    if (row->total != NULL) {
        const shmrpc_service_stats *s = shmrpc_snapshot_service(row->total);
        /* The server's start, by the same clock as next_start_ns; started_ns is
         * since 1970. */
        int64_t begin_ns = s->taken_ns - s->uptime_ns;
        append_time(user, row,
                    s->next_start_ns == 0
                        ? 0
                        : s->started_ns + (s->next_start_ns - begin_ns));
    }
}

/* ---- metrics of a method ------------------------------------------------- */

static uint32_t method_count(const web_row *row)
{
    return row->total != NULL
               ? shmrpc_snapshot_service(row->total)->method_count
               : 0;
}

/* Calls that ask for the description belong to no method of the interface. */
static const char *name_of(const shmrpc_method_stats *method)
{
    return method->name[0] != '\0' ? method->name : "(describe)";
}

static void see_calls(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, i);
        begin_sample(user, "", row, name_of(m));
        end_uint(user, m->calls);
    }
}

static void see_received(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, i);
        begin_sample(user, "", row, name_of(m));
        end_uint(user, m->bytes_in);
    }
}

static void see_sent(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, i);
        begin_sample(user, "", row, name_of(m));
        end_uint(user, m->bytes_out);
    }
}

/* Only statuses that occurred have a sample: all statuses of all methods would
 * be thousands of zeros. */
static void append_errors(writer *w, const web_row *row, uint32_t index,
                          int status)
{
    uint64_t count = shmrpc_snapshot_errors(row->total, index, status);
    if (count > 0) {
        begin_sample(w, "", row,
                     name_of(shmrpc_snapshot_method(row->total, index)));
        web_metrics_label(w->out, "status", shmrpc_status_name(status));
        end_uint(w, count);
    }
}

typedef struct declared_row {
    writer *w;
    const web_row *row;
    uint32_t index;
} declared_row;

static void append_declared(const char *name, uint64_t count, void *user)
{
    declared_row *at = user;
    begin_sample(at->w, "", at->row,
                 name_of(shmrpc_snapshot_method(at->row->total, at->index)));
    web_metrics_label(at->w->out, "status", name);
    end_uint(at->w, count);
}

static void see_errors(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
#define X(name, number, connect, http, may_have_run, text) \
    append_errors(user, row, i, number);
        SHMRPC_STATUS_LIST(X)
#undef X
        declared_row at = {.w = user, .row = row, .index = i};
        web_declared_each(row, i, append_declared, &at);
    }
}

/* ---- metrics of methods that have had streams ---------------------------- */

/* Writes a sample of `value` for each method that has had streams; `direction`
 * may be NULL. */
static void see_stream(const web_row *row, writer *w, const char *direction,
                       uint64_t (*value)(const shmrpc_stream_stats *streams))
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, i);
        if (m->streams.opened > 0) {
            begin_sample(w, "", row, name_of(m));
            if (direction != NULL) {
                web_metrics_label(w->out, "direction", direction);
            }
            end_uint(w, value(&m->streams));
        }
    }
}

#define STREAM_FIELD(field)                                        \
    static uint64_t field##_of(const shmrpc_stream_stats *streams) \
    {                                                              \
        return streams->field;                                     \
    }
STREAM_FIELD(open)
STREAM_FIELD(opened)
STREAM_FIELD(items_in)
STREAM_FIELD(items_out)
STREAM_FIELD(bytes_in)
STREAM_FIELD(bytes_out)
#undef STREAM_FIELD

static void see_streams_open(const web_row *row, void *user)
{
    see_stream(row, user, NULL, open_of);
}

static void see_streams(const web_row *row, void *user)
{
    see_stream(row, user, NULL, opened_of);
}

static void see_stream_items(const web_row *row, void *user)
{
    see_stream(row, user, "in", items_in_of);
    see_stream(row, user, "out", items_out_of);
}

static void see_stream_bytes(const web_row *row, void *user)
{
    see_stream(row, user, "in", bytes_in_of);
    see_stream(row, user, "out", bytes_out_of);
}

static void see_stream_stalls(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, i);
        if (m->streams.opened > 0) {
            begin_sample(user, "", row, name_of(m));
            end_double(user, (double)m->streams.stalled_ns / 1e9);
        }
    }
}

/* ---- histograms ---- */

/* Buckets are cumulative, and the last one is the total count. Their bounds are
 * fixed, because histograms can be added only if their bounds agree. The
 * counters have finer buckets, in which each bound is looked up. */
static void append_histogram(writer *w, const web_row *row, uint32_t index,
                             shmrpc_stats_time which)
{
    static const int64_t bounds_ns[] = {
        1000,      5000,      10000,      50000,      100000,
        500000,    1000000,   5000000,    10000000,   50000000,
        100000000, 500000000, 1000000000, 5000000000, 10000000000};
    const shmrpc_method_stats *m = shmrpc_snapshot_method(row->total, index);
    const shmrpc_durations *d =
        which == SHMRPC_STATS_QUEUE ? &m->queue : &m->service;
    char text[32];
    for (size_t i = 0; i < sizeof bounds_ns / sizeof bounds_ns[0]; i++) {
        (void)snprintf(text, sizeof text, "%g", (double)bounds_ns[i] / 1e9);
        begin_sample(w, "_bucket", row, name_of(m));
        web_metrics_label(w->out, "le", text);
        end_uint(w, shmrpc_snapshot_count_within(row->total, index, which,
                                                 bounds_ns[i]));
    }
    begin_sample(w, "_bucket", row, name_of(m));
    web_metrics_label(w->out, "le", "+Inf");
    end_uint(w, d->count);
    begin_sample(w, "_sum", row, name_of(m));
    end_double(w, (double)d->total_ns / 1e9);
    begin_sample(w, "_count", row, name_of(m));
    end_uint(w, d->count);
}

static void see_service_time(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        append_histogram(user, row, i, SHMRPC_STATS_SERVICE);
    }
}

static void see_queue_time(const web_row *row, void *user)
{
    for (uint32_t i = 0; i < method_count(row); i++) {
        append_histogram(user, row, i, SHMRPC_STATS_QUEUE);
    }
}

/* ---- the document -------------------------------------------------------- */

typedef struct metric {
    const char *name;
    const char *type;
    const char *help;
    web_see *see;
} metric;

static const metric metrics[] = {
    {"shmrpc_up", "gauge", "Whether the service answers.", see_up},
    {"shmrpc_ping_seconds", "gauge", "The latest round trip of a ping.",
     see_ping},
    {"shmrpc_start_time_seconds", "gauge", "When the server began, since 1970.",
     see_start_time},
    {"shmrpc_workers", "gauge", "Workers that run.", see_workers},
    {"shmrpc_worker_starts_total", "counter",
     "Worker processes started since the server began.", see_starts},
    {"shmrpc_worker_crashes_total", "counter",
     "Worker processes that ended unexpectedly.", see_crashes},
    {"shmrpc_workers_wanted", "gauge",
     "Worker processes that should be running; 0 if the server uses threads.",
     see_wanted},
    {"shmrpc_next_start_time_seconds", "gauge",
     "Time of the next start if no worker lives, since 1970; else 0.",
     see_next_start_time},
    {"shmrpc_connections", "gauge", "Clients that are connected.",
     see_connections},
    {"shmrpc_cpu_seconds_total", "counter", "CPU time of the running workers.",
     see_cpu},
    {"shmrpc_memory_bytes", "gauge",
     "Memory of the workers; a shared page is divided among its processes.",
     see_memory},
    {"shmrpc_rescued_wakeups_total", "counter",
     "Workers that had to be woken once more; more than 0 is a defect.",
     see_rescued},
    {"shmrpc_calls_total", "counter", "Calls that have ended.", see_calls},
    {"shmrpc_errors_total", "counter", "Calls that have ended in an error.",
     see_errors},
    {"shmrpc_received_bytes_total", "counter", "Bodies of requests.",
     see_received},
    {"shmrpc_sent_bytes_total", "counter", "Bodies of replies.", see_sent},
    {"shmrpc_streams_open", "gauge", "Calls with streams that are open.",
     see_streams_open},
    {"shmrpc_streams_total", "counter", "Streams that were opened.",
     see_streams},
    {"shmrpc_stream_items_total", "counter",
     "Items of streams, from clients (in) and to them (out).",
     see_stream_items},
    {"shmrpc_stream_bytes_total", "counter", "Bytes of these items.",
     see_stream_bytes},
    {"shmrpc_stream_stalled_seconds_total", "counter",
     "Time that handlers waited for clients that did not read.",
     see_stream_stalls},
    {"shmrpc_service_seconds", "histogram",
     "Time from taking a call until it was answered.", see_service_time},
    {"shmrpc_queue_seconds", "histogram",
     "Time from sending a call until a worker took it.", see_queue_time},
};

void web_metrics_head(shmrpci_buf *out, const char *name, const char *type,
                      const char *help)
{
    shmrpci_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                       type);
}

static void append_plain(shmrpci_buf *out, const char *name, const char *type,
                         const char *help, uint64_t value)
{
    web_metrics_head(out, name, type, help);
    shmrpci_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

void web_metrics_append(web_board *board, const web_http_stats *http,
                        const web_rpc_stats *rpc, shmrpci_buf *out)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        writer w = {.out = out, .name = metrics[i].name};
        web_metrics_head(out, metrics[i].name, metrics[i].type,
                         metrics[i].help);
        web_board_see(board, metrics[i].see, &w);
    }
    append_plain(out, "shmrpc_web_requests_total", "counter", "HTTP requests.",
                 http->requests);
    append_plain(out, "shmrpc_web_refused_total", "counter",
                 "Requests whose head was refused.", http->refused);
    append_plain(out, "shmrpc_web_slow_total", "counter",
                 "Connections closed because the client was too slow.",
                 http->slow);
    append_plain(out, "shmrpc_web_crowded_total", "counter",
                 "Idle and slow connections that had to make room for others.",
                 http->crowded);
    append_plain(out, "shmrpc_web_connections", "gauge",
                 "Open HTTP connections.", http->connections);
    append_plain(out, "shmrpc_web_calls_total", "counter", "Calls over HTTP.",
                 rpc->calls);
    append_plain(out, "shmrpc_web_call_errors_total", "counter",
                 "Calls over HTTP that ended in an error.", rpc->errors);
    append_plain(out, "shmrpc_web_calls_in_progress", "gauge",
                 "Calls over HTTP in progress.", rpc->in_progress);
}
