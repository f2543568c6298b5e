/*
 * Streams with callbacks: dispatch reads the items and passes them to a
 * callback, which may pause. This is a layer over non-blocking streams
 * (stream_loop.c).
 *
 * A turn of dispatch reads a limited number of items of a stream, so that a
 * stream that is always full does not keep the program from other work.
 */
#include <stdlib.h>

#include "rpc/crowd.h"
#include "rpc/stream.h"

#define TURN_ITEMS 64

struct shmrpci_stream_calls {
    shmrpc_stub_item item;
    shmrpc_stub_items_end end;
    shmrpc_function on_item;
    shmrpc_function on_end;
    void *user;
    bool is_paused;
    bool is_over; /* on_end has been called */
    bool *closed; /* set if a callback of the current turn closes it */
};

static void over(shmrpc_stream *s, int status, const shmrpc_error *error)
{
    shmrpci_stream_calls *calls = s->calls;
    calls->is_over = true;
    calls->closed = NULL;
    /* Called last, because it may close the stream. */
    calls->end(calls->on_end, calls->user, status, error);
}

/* Ends the stream because the user wants no more items. */
static void stop(shmrpc_stream *s)
{
    shmrpc_error error = {.code = 0};
    s->items_over = true;
    int status = shmrpci_stream_give_up(s, &error, SHMRPC_E_CANCELLED,
                                        "its callback wants no more items");
    over(s, status, &error);
}

/* Reads one item. Returns false if the turn ends here; `s` may have been freed
 * then. */
static bool read_one(shmrpc_stream *s, const bool *closed)
{
    shmrpci_stream_calls *calls = s->calls;
    shmrpc_error error = {.code = 0};
    const void *item;
    int status = shmrpc_stub_stream_try_next(s, &item, &error);
    if (status == SHMRPC_E_BUSY) {
        return false;
    }
    if (status != SHMRPC_MORE) {
        over(s, status, &error);
        return false;
    }
    int next = calls->item(calls->on_item, calls->user, item);
    if (*closed) {
        return false;
    }
    calls->is_paused = next == SHMRPC_PAUSE;
    if (next != SHMRPC_MORE && next != SHMRPC_PAUSE) {
        stop(s);
        return false;
    }
    return !calls->is_paused;
}

static void ready(void *user)
{
    shmrpc_stream *s = user;
    bool closed = false;
    s->calls->closed = &closed;
    for (unsigned i = 0; i < TURN_ITEMS; i++) {
        if (!read_one(s, &closed)) {
            if (!closed && s->calls->closed != NULL) {
                s->calls->closed = NULL;
            }
            return;
        }
    }
    s->calls->closed = NULL;
    shmrpci_stream_again(s);
}

void shmrpci_stream_calls_free(shmrpc_stream *s)
{
    if (s->calls != NULL && s->calls->closed != NULL) {
        *s->calls->closed = true;
    }
    free(s->calls);
}

int shmrpc_stub_stream_async(shmrpc_client *client, uint32_t method,
                             const void *params, const shmrpc_opts *opts,
                             shmrpc_stub_item item, shmrpc_stub_items_end end,
                             shmrpc_function on_item, shmrpc_function on_end,
                             void *user, shmrpc_stream **out,
                             shmrpc_error *error)
{
    shmrpc_stream *s = NULL;
    if (client->crowd != NULL) {
        return shmrpci_crowd_has_no_loop(error);
    }
    int status =
        shmrpc_stub_stream_open(client, method, params, opts, &s, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    s->calls = calloc(1, sizeof *s->calls);
    if (s->calls != NULL) {
        *s->calls = (shmrpci_stream_calls){.item = item,
                                           .end = end,
                                           .on_item = on_item,
                                           .on_end = on_end,
                                           .user = user};
        status = shmrpc_stub_stream_on_ready(s, ready, s, error);
    } else {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                  "no memory for a stream");
    }
    if (status != SHMRPC_OK) {
        shmrpc_stub_stream_close(s);
        return status;
    }
    *out = s;
    shmrpci_stream_again(s); /* for the first check */
    return SHMRPC_OK;
}

void shmrpc_stub_stream_resume(shmrpc_stream *s)
{
    if (shmrpci_stream_is_ours(s) && s->calls->is_paused) {
        s->calls->is_paused = false;
        shmrpci_stream_again(s);
    }
}
