/* The board as JSON. */
#include "tools/shmrpc-web/show.h"

#include <string.h>

#include "base/json_text.h"
#include "os/clock.h"

static void set_number(shmrpci_buf *out, const char *key, double value)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_printf(out, "%.6g", value);
}

/* ---- a row ---- */

static void append_crash(const shmrpc_snapshot *total, shmrpci_buf *out)
{
    const shmrpc_service_stats *s = shmrpc_snapshot_service(total);
    const shmrpc_method_stats *method =
        s->crash_method == SHMRPC_STATS_ALL
            ? NULL
            : shmrpc_snapshot_method(total, s->crash_method);
    shmrpci_json_key(out, "last_crash");
    shmrpci_buf_append_char(out, '{');
    set_number(out, "age_s", (double)(s->taken_ns - s->crash_ns) / 1e9);
    shmrpci_json_set_int(out, "pid", s->crash_pid);
    shmrpci_json_set_int(out, "signal", s->crash_signal);
    shmrpci_json_set_int(out, "status", s->crash_status);
    shmrpci_json_set_text(out, "method", method != NULL ? method->name : "");
    shmrpci_buf_append_char(out, '}');
}

static void append_life(const shmrpc_snapshot *total, shmrpci_buf *out)
{
    const shmrpc_service_stats *s = shmrpc_snapshot_service(total);
    shmrpci_json_set_uint(out, "workers_wanted", s->workers_wanted);
    shmrpci_json_set_uint(out, "workers_alive", s->workers_alive);
    shmrpci_json_set_uint(out, "worker_starts", s->worker_starts);
    shmrpci_json_set_uint(out, "crashes", s->crashes);
    if (s->next_start_ns != 0) {
        set_number(out, "next_start_s",
                   (double)(s->next_start_ns - s->taken_ns) / 1e9);
    }
    if (s->crashes > 0) {
        append_crash(total, out);
    }
}

static void append_total(const web_row *row, shmrpci_buf *out)
{
    if (row->total == NULL) {
        return;
    }
    const shmrpc_service_stats *s = shmrpc_snapshot_service(row->total);
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(row->total, SHMRPC_STATS_ALL);
    shmrpci_json_set_uint(out, "calls", all->calls);
    shmrpci_json_set_uint(out, "errors", all->errors);
    shmrpci_json_set_uint(out, "connections", s->connections);
    shmrpci_json_set_int(out, "started_unix_s",
                         s->started_ns / SHMRPCI_NS_PER_S);
    set_number(out, "uptime_s", (double)s->uptime_ns / 1e9);
    append_life(row->total, out);
}

/* The place's service is not ours to look into: it may be gone. */
static void append_row(const web_row *row, shmrpci_buf *out)
{
    const web_place *place = row->place;
    shmrpci_json_set_text(out, "name", place->name);
    shmrpci_json_set_text(out, "address", place->address);
    shmrpci_json_set_uint(out, "port", place->port);
    shmrpci_json_set_bool(out, "alive", place->is_alive);
    if (!place->is_alive) {
        shmrpci_json_set_text(out, "error", place->error.message);
    }
    shmrpci_json_set_uint(out, "workers", row->workers);
    set_number(out, "calls_per_s", (double)row->now.calls_per_s);
    set_number(out, "errors_per_s", (double)row->now.errors_per_s);
    set_number(out, "p50_us", (double)row->now.p50_us);
    set_number(out, "p99_us", (double)row->now.p99_us);
    set_number(out, "queue_p99_us", (double)row->now.queue_p99_us);
    set_number(out, "cpu", (double)row->now.cpu);
    shmrpci_json_set_uint(out, "memory", row->now.memory_bytes);
    append_total(row, out);
}

static void see_service(const web_row *row, void *user)
{
    shmrpci_buf *out = user;
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    append_row(row, out);
    shmrpci_buf_append_char(out, '}');
}

void web_show_services(web_board *board, shmrpci_buf *out)
{
    shmrpci_buf_append_char(out, '[');
    web_board_see(board, see_service, out);
    shmrpci_buf_append_char(out, ']');
}

/* ---- one service ---- */

static void append_durations(const shmrpc_durations *d, const char *key,
                             shmrpci_buf *out)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "count", d->count);
    set_number(out, "total_us", (double)d->total_ns / 1e3);
    set_number(out, "p50_us", (double)d->p50_ns / 1e3);
    set_number(out, "p99_us", (double)d->p99_ns / 1e3);
    set_number(out, "p999_us", (double)d->p999_ns / 1e3);
    set_number(out, "max_us", (double)d->max_ns / 1e3);
    shmrpci_buf_append_char(out, '}');
}

static void append_error_counts(const shmrpc_snapshot *total, uint32_t index,
                                shmrpci_buf *out)
{
    shmrpci_json_key(out, "errors_by_status");
    shmrpci_buf_append_char(out, '{');
    for (int status = -1; status > -64; status--) {
        uint64_t count = shmrpc_snapshot_errors(total, index, status);
        if (count > 0) {
            shmrpci_json_set_uint(out, shmrpc_status_name(status), count);
        }
    }
    uint64_t declared =
        shmrpc_snapshot_errors(total, index, SHMRPC_DECLARED_ERROR_MIN);
    if (declared > 0) {
        shmrpci_json_set_uint(out, "DECLARED", declared);
    }
    shmrpci_buf_append_char(out, '}');
}

static void append_method(const shmrpc_snapshot *total, uint32_t index,
                          shmrpci_buf *out)
{
    const shmrpc_method_stats *m = shmrpc_snapshot_method(total, index);
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_text(out, "name", m->name);
    shmrpci_json_set_uint(out, "id", m->id);
    shmrpci_json_set_uint(out, "calls", m->calls);
    shmrpci_json_set_uint(out, "errors", m->errors);
    shmrpci_json_set_uint(out, "bytes_in", m->bytes_in);
    shmrpci_json_set_uint(out, "bytes_out", m->bytes_out);
    append_durations(&m->service, "service", out);
    append_durations(&m->queue, "queue", out);
    append_error_counts(total, index, out);
    shmrpci_buf_append_char(out, '}');
}

static void append_worker(const shmrpc_snapshot *total, uint32_t index,
                          shmrpci_buf *out)
{
    const shmrpc_worker_stats *w = shmrpc_snapshot_worker(total, index);
    int64_t taken_ns = shmrpc_snapshot_service(total)->taken_ns;
    shmrpci_json_comma(out);
    shmrpci_buf_append_char(out, '{');
    shmrpci_json_set_uint(out, "place", w->place);
    shmrpci_json_set_int(out, "pid", w->pid);
    shmrpci_json_set_bool(out, "has_left", w->has_left);
    shmrpci_json_set_uint(out, "starts", w->starts);
    set_number(out, "age_s", (double)(taken_ns - w->started_ns) / 1e9);
    shmrpci_json_set_uint(out, "calls", w->calls);
    shmrpci_json_set_uint(out, "errors", w->errors);
    set_number(out, "busy_s", (double)w->busy_ns / 1e9);
    shmrpci_json_set_uint(out, "sleeps", w->sleeps);
    shmrpci_buf_append_char(out, '}');
}

static void append_parts(const shmrpc_snapshot *total, shmrpci_buf *out)
{
    const shmrpc_service_stats *s = shmrpc_snapshot_service(total);
    shmrpci_json_key(out, "methods");
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < s->method_count; i++) {
        append_method(total, i, out);
    }
    shmrpci_buf_append_char(out, ']');
    shmrpci_json_key(out, "places");
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < s->worker_count; i++) {
        append_worker(total, i, out);
    }
    shmrpci_buf_append_char(out, ']');
}

typedef struct seeker {
    const char *name;
    shmrpci_buf *out;
    bool is_found;
} seeker;

static void see_named(const web_row *row, void *user)
{
    seeker *s = user;
    if (s->is_found || strcmp(row->place->name, s->name) != 0) {
        return;
    }
    s->is_found = true;
    shmrpci_buf_append_char(s->out, '{');
    append_row(row, s->out);
    if (row->total != NULL) {
        append_parts(row->total, s->out);
    }
    shmrpci_buf_append_char(s->out, '}');
}

bool web_show_service(web_board *board, const char *name, shmrpci_buf *out)
{
    seeker s = {.name = name, .out = out};
    web_board_see(board, see_named, &s);
    return s.is_found;
}
