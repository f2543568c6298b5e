/*
 * Streams from services.
 *
 * on_ready and the tick decide when the reply begins, and call begin(). From
 * then on only http.h asks for more data, by calling next_piece(). The download
 * ends with its reply: `end` is called whether the last item was read or the
 * reader has gone.
 */
#include "tools/shmrpc-web/download.h"

#include <stdlib.h>

#include "base/json_text.h"
#include "os/clock.h"
#include "tools/common/error_json.h"

/* How much reply data is prepared at a time; a larger item is prepared
 * whole. */
#define PIECE_BYTES ((size_t)16 << 10)

struct web_download {
    web_journey *journey;
    web_download *next; /* in the list of the web_rpc */
    shmrpc_stream *stream;
    const shmrpc_method *method;
    const void *first; /* an item that arrived before the reply began */
    uint64_t items;
    int64_t begun_ns;
    int64_t said_ns; /* time of the last output */
    bool has_begun;  /* the reply has begun */
    bool is_over;    /* its last line was written */
    bool wants_comment;
};

/* ---- output -------------------------------------------------------------- */

/* The event of an item has the item's number as id. A client that reconnects
 * with Last-Event-ID still gets a new call, because streams keep no history. */
static void begin_event(const web_download *d, const char *name,
                        shmrpci_buf *out)
{
    if (d->journey->form.out != WEB_FORM_EVENTS) {
        return;
    }
    if (name != NULL) {
        shmrpci_buf_printf(out, "event: %s\n", name);
    } else {
        shmrpci_buf_printf(out, "id: %llu\n", (unsigned long long)d->items);
    }
    shmrpci_buf_append_text(out, "data: ");
}

static void end_event(const web_download *d, shmrpci_buf *out)
{
    shmrpci_buf_append_text(
        out, d->journey->form.out == WEB_FORM_EVENTS ? "\n\n" : "\n");
}

static void append_metadata(const shmrpc_reply_metadata *back, shmrpci_buf *out)
{
    shmrpc_metadata entry;
    if (!shmrpc_reply_metadata_at(back, 0, &entry)) {
        return;
    }
    shmrpci_json_key(out, "metadata");
    shmrpci_buf_append_char(out, '{');
    for (uint32_t i = 0; shmrpc_reply_metadata_at(back, i, &entry); i++) {
        shmrpci_json_set_text(out, entry.key, entry.value);
    }
    shmrpci_buf_append_char(out, '}');
}

/* {"end":{"items":3}} or {"error":{...,"items":3}}; without the outer object
 * for events, since they have names. */
static void append_end(web_download *d, const shmrpc_error *error,
                       shmrpci_buf *out)
{
    web_journey *j = d->journey;
    bool is_event = j->form.out == WEB_FORM_EVENTS;
    begin_event(d, error != NULL ? "error" : "end", out);
    if (!is_event) {
        shmrpci_buf_append_text(out,
                                error != NULL ? "{\"error\":" : "{\"end\":");
    }
    shmrpci_buf_append_char(out, '{');
    if (error != NULL) {
        shmrpci_buf details;
        shmrpci_buf_init_heap(&details);
        tool_error_append(error, out);
        tool_details_append(d->method, NULL, d->stream, error, &details);
        if (details.len > 0) {
            shmrpci_json_key(out, "details");
            shmrpci_buf_append(out, details.data, details.len);
        }
        shmrpci_buf_fini(&details);
        j->rpc->stats.errors++;
    }
    shmrpci_json_set_uint(out, "items", d->items);
    append_metadata(&j->back, out);
    shmrpci_buf_append_text(out, is_event ? "}" : "}}");
    end_event(d, out);
}

/* Reports how the stream ended, in the form of the reply. */
static web_stream_state tell_end(web_download *d, int status,
                                 const shmrpc_error *error, shmrpci_buf *out)
{
    d->is_over = true;
    if (d->journey->form.out != WEB_FORM_BYTES) {
        append_end(d, status != SHMRPC_OK ? error : NULL, out);
        return WEB_STREAM_OVER;
    }
    d->journey->rpc->stats.errors += status != SHMRPC_OK;
    return status == SHMRPC_OK ? WEB_STREAM_OVER : WEB_STREAM_BROKEN;
}

/* Returns an error if the item can't be expressed in the form of the reply,
 * such as bytes in an `any`. */
static int append_item(web_download *d, const void *item, shmrpci_buf *out,
                       shmrpc_error *error)
{
    size_t before = out->len;
    web_form_kind kind = d->journey->form.out;
    d->items++;
    if (kind == WEB_FORM_BYTES) {
        return web_form_encode(kind, d->method->items_out, item, "item", out,
                               error);
    }
    begin_event(d, NULL, out);
    int status =
        web_form_encode(kind, d->method->items_out, item, "item", out, error);
    if (status != SHMRPC_OK) {
        out->len = before;
        d->items--;
        error->code = SHMRPC_E_UNIMPLEMENTED;
        return status;
    }
    end_event(d, out);
    return SHMRPC_OK;
}

/* Ends the piece when the stream is BUSY, so that items are passed on as they
 * arrive rather than when 16 KiB are full. */
static web_stream_state give_items(web_download *d, shmrpci_buf *out)
{
    shmrpc_error error;
    while (out->len < PIECE_BYTES) {
        const void *item = d->first;
        int status = item != NULL ? (int)SHMRPC_MORE
                                  : shmrpc_stub_stream_try_next(d->stream,
                                                                &item, &error);
        d->first = NULL;
        if (status == SHMRPC_E_BUSY) {
            return WEB_STREAM_GOES_ON;
        }
        if (status == SHMRPC_MORE) {
            status = append_item(d, item, out, &error);
            if (status == SHMRPC_OK) {
                continue;
            }
        }
        return tell_end(d, status, &error, out);
    }
    return WEB_STREAM_GOES_ON;
}

/* A line that begins with a colon is a comment of server-sent events, which
 * clients ignore. */
static web_stream_state next_piece(void *user, shmrpci_buf *out)
{
    web_download *d = user;
    web_stream_state state = give_items(d, out);
    if (out->len == 0 && d->wants_comment && state == WEB_STREAM_GOES_ON) {
        shmrpci_buf_append_text(out, ":\n\n");
    }
    d->wants_comment = false;
    if (out->len > 0) {
        d->said_ns = shmrpci_now_ns();
    }
    return state;
}

/* ---- starting and ending ------------------------------------------------- */

void web_download_drop(web_download *d)
{
    if (d == NULL) {
        return;
    }
    web_journey *j = d->journey;
    web_download **link = &j->rpc->downloads;
    while (*link != d) {
        link = &(*link)->next;
    }
    *link = d->next;
    j->download = NULL;
    j->at->calls--;
    j->rpc->stats.in_progress--;
    j->rpc->stats.cancelled += !d->is_over;
    shmrpc_stub_stream_close(d->stream);
    free(d);
}

/* Called when the reply is complete, or its reader has gone. */
static void end(void *user)
{
    web_download_drop(user);
}

/* Begins the reply: a stream, or an error if the service's stream has failed
 * before its first item. Does nothing if neither an item nor the end has
 * arrived yet, unless `is_late`: then it begins the reply anyway. */
static void begin(web_download *d, bool is_late)
{
    web_journey *j = d->journey;
    shmrpc_error error;
    const void *item = NULL;
    int status = shmrpc_stub_stream_try_next(d->stream, &item, &error);
    if (status == SHMRPC_E_BUSY && !is_late) {
        return;
    }
    j->request->pending = NULL;
    if (status != SHMRPC_OK && status != SHMRPC_MORE &&
        status != SHMRPC_E_BUSY) {
        d->is_over = true;
        web_journey_declared(j, d->method, NULL, d->stream, &error);
        web_download_drop(d);
        return;
    }
    d->first = status == SHMRPC_MORE ? item : NULL;
    d->has_begun = true;
    d->said_ns = shmrpci_now_ns();
    const web_reply_head head = {.status = 200,
                                 .type = web_form_type(j->form.out)};
    web_reply_stream(j->request, &head, j->rpc->times.stall_ns, next_piece, end,
                     d);
}

static void on_ready(void *user)
{
    web_download *d = user;
    if (d->has_begun) {
        web_stream_wake(d->journey->request->connection);
    } else {
        begin(d, false);
    }
}

int web_download_start(web_journey *j, const void *params,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    web_download *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = shmrpc_stub_stream_open(j->at->service->client, j->method,
                                         params, opts, &d->stream, error);
    if (status == SHMRPC_OK) {
        status = shmrpc_stub_stream_on_ready(d->stream, on_ready, d, error);
    }
    if (status != SHMRPC_OK) {
        shmrpc_stub_stream_close(d->stream);
        free(d);
        return status;
    }
    d->journey = j;
    d->method = &j->at->service->tables->methods[j->method];
    d->begun_ns = shmrpci_now_ns();
    d->next = j->rpc->downloads;
    j->rpc->downloads = d;
    j->download = d;
    j->request->pending = j;
    j->at->calls++;
    j->rpc->stats.in_progress++;
    begin(d, false);
    return SHMRPC_OK;
}

void web_downloads_tick(web_rpc *rpc)
{
    int64_t now_ns = rpc->downloads != NULL ? shmrpci_now_ns() : 0;
    for (web_download *d = rpc->downloads; d != NULL;) {
        web_download *next = d->next; /* `d` may be freed below */
        if (!d->has_begun && now_ns - d->begun_ns >= rpc->times.begin_ns) {
            begin(d, true);
        } else if (d->has_begun && d->journey->form.out == WEB_FORM_EVENTS &&
                   now_ns - d->said_ns >= rpc->times.comment_ns) {
            d->wants_comment = true;
            web_stream_wake(d->journey->request->connection);
        }
        d = next;
    }
}
