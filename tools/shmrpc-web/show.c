/* The board as JSON. */
#include "tools/shmrpc-web/show.h"

#include <math.h>
#include <string.h>

#include "base/json_text.h"
#include "tools/common/snapshot_json.h"
#include "tools/shmrpc-web/declared.h"

/* ---- a row ---- */

/* Appends the round trip; null if the service does not answer, nothing if it is
 * not known yet. */
static void append_ping(const web_place *place, shmrpci_buf *out)
{
    if (place->is_alive && place->ping_ns != 0) {
        shmrpci_json_set_real(out, "ping_us",
                              place->ping_ns == WEB_NO_ANSWER
                                  ? (double)NAN
                                  : (double)place->ping_ns / 1e3);
    }
}

static uint64_t open_of(const web_row *row)
{
    return row->total != NULL
               ? shmrpc_snapshot_method(row->total, SHMRPC_STATS_ALL)
                     ->streams.open
               : 0;
}

/* Must not use the place's service, which may be freed. */
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
    append_ping(place, out);
    shmrpci_json_set_uint(out, "workers", row->workers);
    shmrpci_json_set_real(out, "calls_per_s", (double)row->now.calls_per_s);
    shmrpci_json_set_real(out, "errors_per_s", (double)row->now.errors_per_s);
    shmrpci_json_set_uint(out, "streams_open", open_of(row));
    shmrpci_json_set_real(out, "items_per_s", (double)row->now.items_per_s);
    shmrpci_json_set_real(out, "stalled", (double)row->now.stalled);
    shmrpci_json_set_real(out, "p50_us", (double)row->now.p50_us);
    shmrpci_json_set_real(out, "p99_us", (double)row->now.p99_us);
    shmrpci_json_set_real(out, "queue_p99_us", (double)row->now.queue_p99_us);
    shmrpci_json_set_real(out, "cpu", (double)row->now.cpu);
    shmrpci_json_set_uint(out, "memory", row->now.memory_bytes);
    if (row->total != NULL) {
        tool_snapshot_totals(row->total, "uptime_s", out);
    }
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

typedef struct seeker {
    const char *name;
    shmrpci_buf *out;
    const web_row *row; /* valid during the visit */
    bool is_found;
} seeker;

static void set_count(const char *name, uint64_t count, void *user)
{
    shmrpci_json_set_uint(user, name, count);
}

static void append_declared(void *user, uint32_t index, shmrpci_buf *out)
{
    const seeker *s = user;
    web_declared_each(s->row, index, set_count, out);
}

static void see_named(const web_row *row, void *user)
{
    seeker *s = user;
    if (s->is_found || strcmp(row->place->name, s->name) != 0) {
        return;
    }
    s->is_found = true;
    s->row = row;
    shmrpci_buf_append_char(s->out, '{');
    append_row(row, s->out);
    if (row->total != NULL) {
        tool_snapshot_more more = {.declared = append_declared, .user = s};
        tool_snapshot_parts(row->total, &more, s->out);
    }
    shmrpci_buf_append_char(s->out, '}');
}

bool web_show_service(web_board *board, const char *name, shmrpci_buf *out)
{
    seeker s = {.name = name, .out = out};
    web_board_see(board, see_named, &s);
    return s.is_found;
}
