/*
 * Streams to services.
 *
 * A body arrives in pieces of any length. Lines are collected in `line` and
 * become items; bytes become items as they arrive. Data for which the stream
 * has no room stays in the connection, so the client's socket fills up: the
 * service's pace reaches the sender.
 */
#include "tools/shmrpc-web/upload.h"

#include <stdlib.h>
#include <string.h>

/* Size of an item of bytes: a quarter of the smallest default window. */
#define PIECE_BYTES ((size_t)16 << 10)
/* The most memory that reading one item may take. */
#define ITEM_ARENA_BYTES ((size_t)256 << 20)

struct web_upload {
    web_journey *journey;
    web_request *request;
    shmrpc_stream *stream; /* NULL: not open yet, or closed */
    const shmrpc_method *method;
    shmrpci_arena arena; /* memory for the item that is being read */
    shmrpci_buf line;    /* an incomplete line */
    size_t max_line;
    size_t at; /* position in a body that was received as a whole */
    uint64_t items;
    uint64_t lines;
    bool is_open;    /* the stream was opened */
    bool is_busy;    /* an item was sent only in part */
    bool is_over;    /* nothing more will be sent */
    bool has_ended;  /* the body has ended */
    bool has_failed; /* the current item failed with `error` */
    shmrpc_error error;
};

static void step(web_upload *u);

/* ---- items --------------------------------------------------------------- */

/* Ends the upload because of an error in the current item. */
static void fail(web_upload *u)
{
    char why[SHMRPC_ERROR_MESSAGE_BYTES];
    (void)memcpy(why, u->error.message, sizeof why);
    shmrpc_error named = u->error;
    (void)shmrpc_error_set(
        &named, u->error.code, "item %llu (line %llu of the body): %s",
        (unsigned long long)u->items + 1, (unsigned long long)u->lines, why);
    memcpy(named.path, u->error.path, sizeof named.path);
    named.may_have_run = true; /* earlier items may have been processed */
    u->error = named;
    u->has_failed = u->is_over = true;
    u->is_busy = false;
    shmrpc_stub_stream_close(u->stream);
    u->stream = NULL;
}

/* Records the status of a push. An error without a process id was found here,
 * in the item. One with an id comes from the service, and try_finish returns it
 * with its details. */
static void note(web_upload *u, int status)
{
    u->is_busy = status == SHMRPC_E_BUSY;
    if (status == SHMRPC_OK) {
        u->items++;
    } else if ((status == SHMRPC_E_INVALID || status == SHMRPC_E_TOO_LARGE ||
                status == SHMRPC_E_NO_MEMORY) &&
               u->error.pid == 0) {
        fail(u);
    } else if (status != SHMRPC_E_BUSY) {
        u->is_over = true; /* try_finish returns the reason */
    }
}

static void push(web_upload *u, const void *item)
{
    note(u, shmrpc_stub_stream_push(u->stream, item, &u->error));
}

static bool is_blank(const char *text, size_t len)
{
    size_t blank = 0;
    while (blank < len && text[blank] != '\0' &&
           strchr(" \t\r\n", text[blank]) != NULL) {
        blank++;
    }
    return blank == len;
}

/* Sends a line, which is complete in the buffer. */
static void send_line(web_upload *u)
{
    const void *item = NULL;
    u->lines++;
    if (!is_blank((const char *)u->line.data, u->line.len)) {
        shmrpci_arena_reset(&u->arena);
        int status =
            web_form_read_item(u->method->items_in, u->line.data, u->line.len,
                               &u->arena, &item, &u->error);
        if (status == SHMRPC_OK) {
            push(u, item);
        } else {
            fail(u);
        }
    }
    shmrpci_buf_reset(&u->line);
}

/* The limit applies to a line rather than the body, which may be endless. */
static size_t take_line(web_upload *u, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t used = end != NULL ? (size_t)(end - data) + 1 : len;
    if (used > u->max_line - u->line.len) {
        u->lines++;
        (void)shmrpc_error_set(&u->error, SHMRPC_E_TOO_LARGE,
                               "a line of more than %zu bytes (--max-body)",
                               u->max_line);
        fail(u);
        return used;
    }
    shmrpci_buf_append(&u->line, data, used);
    if (u->line.status != SHMRPC_OK) {
        (void)shmrpc_error_set(&u->error, SHMRPC_E_NO_MEMORY, "out of memory");
        fail(u);
    } else if (end != NULL) {
        send_line(u);
    }
    return used;
}

static size_t take_bytes(web_upload *u, const char *data, size_t len)
{
    size_t used = len < PIECE_BYTES ? len : PIECE_BYTES;
    const shmrpc_bytes item = {(const uint8_t *)data, used};
    push(u, &item);
    return used;
}

/* Sends as much of the body as there is room for. */
static size_t take(web_upload *u, const char *data, size_t len)
{
    size_t used = 0;
    if (u->is_busy) {
        push(u, NULL);
    }
    while (used < len && !u->is_busy && !u->is_over) {
        used += u->journey->form.in == WEB_FORM_BYTES
                    ? take_bytes(u, data + used, len - used)
                    : take_line(u, data + used, len - used);
    }
    return u->is_over ? len : used;
}

/* ---- starting ------------------------------------------------------------ */

static void free_upload(web_upload *u)
{
    u->request->upload = NULL;
    shmrpci_buf_fini(&u->line);
    shmrpci_arena_fini(&u->arena);
    free(u);
}

void web_upload_drop(web_upload *u)
{
    if (u == NULL) {
        return;
    }
    web_journey *j = u->journey;
    if (j != NULL) {
        j->upload = NULL;
    }
    if (u->is_open) {
        j->at->calls--;
        j->rpc->stats.in_progress--;
    }
    shmrpc_stub_stream_close(u->stream);
    free_upload(u);
}

static web_upload *upload_new(web_request *request, size_t max_line)
{
    web_upload *u = calloc(1, sizeof *u);
    if (u != NULL) {
        u->request = request;
        u->max_line = max_line;
        shmrpci_buf_init_heap(&u->line);
        shmrpci_arena_init(&u->arena, ITEM_ARENA_BYTES);
        request->upload = u;
    }
    return u;
}

static void on_ready(void *user)
{
    web_upload *u = user;
    if (u->has_ended) {
        step(u);
    } else {
        web_upload_wake(u->request->connection);
    }
}

int web_upload_start(web_journey *j, const void *params,
                     const shmrpc_opts *opts, shmrpc_error *error)
{
    web_request *request = j->request;
    bool is_whole = request->upload == NULL;
    web_upload *u = is_whole ? upload_new(request, SIZE_MAX) : request->upload;
    if (u == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    u->journey = j;
    u->method = &j->at->service->tables->methods[j->method];
    int status = shmrpc_stub_stream_open(j->at->service->client, j->method,
                                         params, opts, &u->stream, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    u->is_open = true;
    j->upload = u;
    j->at->calls++;
    j->rpc->stats.in_progress++;
    status = shmrpc_stub_stream_on_ready(u->stream, on_ready, u, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    request->pending = j;
    if (is_whole) {
        web_upload_end(u);
    } else {
        web_upload_wake(request->connection);
    }
    return SHMRPC_OK;
}

/* ---- the end of the body ------------------------------------------------- */

static void answer(web_upload *u, int status, const void *reply)
{
    web_journey *j = u->journey;
    j->request->pending = NULL;
    if (u->has_failed) {
        web_journey_fail(j, &u->error);
    } else if (status == SHMRPC_OK) {
        web_journey_result(j, u->method, reply);
    } else {
        web_journey_declared(j, u->method, reply, u->stream, &u->error);
    }
    web_upload_drop(u);
}

/* The body has ended: sends the rest of it, and waits for the result. */
static void step(web_upload *u)
{
    const shmrpci_buf *body = &u->request->body;
    const void *reply = NULL;
    int status = SHMRPC_OK;
    if (!u->is_over) {
        size_t left = body->len - u->at;
        /* If nothing is left, `data` may be NULL. */
        const char *rest = left > 0 ? (const char *)body->data + u->at : "";
        u->at += take(u, rest, left);
    }
    if (!u->is_over && !u->is_busy && u->line.len > 0) {
        send_line(u); /* the last line has no newline */
    }
    if (u->is_busy) {
        return;
    }
    if (!u->has_failed) {
        status = shmrpc_stub_stream_try_finish(u->stream, &reply, &u->error);
    }
    if (status != SHMRPC_E_BUSY) {
        answer(u, status, reply);
    }
}

void web_upload_end(web_upload *u)
{
    u->has_ended = true;
    u->request->pending = u->journey;
    step(u);
}

size_t web_upload_take(web_rpc *rpc, web_request *request, const char *data,
                       size_t len, size_t max_line)
{
    web_upload *u = request->upload;
    if (u == NULL) {
        web_journey *j = web_journey_begin(rpc, request);
        if (j == NULL) {
            return len;
        }
        u = upload_new(request, max_line);
        if (u == NULL) {
            shmrpc_error error;
            (void)shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
            web_journey_fail(j, &error);
            return len;
        }
        u->journey = j;
        web_journey_go(j);
    }
    if (!u->is_open) {
        /* The service has not been found yet, or the request was answered
         * already. */
        return u->journey->is_waiting ? 0 : len;
    }
    size_t used = take(u, data, len);
    request->is_drained = u->is_over;
    return used;
}
