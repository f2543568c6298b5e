/*
 * The context of a call: the worker's side of <shmrpc/server.h>.
 *
 * Each worker has one context, which is set up anew for each request.
 */
#ifndef SHMRPCI_RPC_CTX_H
#define SHMRPCI_RPC_CTX_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/codec.h"
#include "observe/count.h"
#include "os/thread.h"
#include "rpc/intercept.h"
#include "rpc/metadata.h"
#include "rpc/stream_lend.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/server.h"
#include "transport/transport.h"

/* Raw items of at least this size are read in place, if only processes of our
 * own user can modify them. */
#define SHMRPCI_STREAM_IN_PLACE_BYTES 4096u

static inline bool shmrpci_stream_is_in_place(const shmrpci_stream_item *item,
                                              const shmrpc_method *method)
{
    return item->is_trusted && item->len >= SHMRPCI_STREAM_IN_PLACE_BYTES &&
           method->encoding == SHMRPC_ENCODING_RAW;
}

/* The streams of the call that a handler is in. */
typedef struct shmrpci_served_stream {
    const shmrpci_stream_ops *ops;
    const shmrpci_lend_ops *lends;
    shmrpci_stream *end;
    const shmrpci_codec *codec;
    shmrpci_lent lent;   /* the loan of our next item */
    shmrpci_flat flat;   /* the client's items, if they are flat */
    int over;            /* MORE, or how the client's items ended */
    int64_t stall_ns;    /* the longest time that a send may wait */
    int64_t age_ns;      /* the longest time that the stream may be open; 0: the
                          * call's deadline is earlier */
    int ended;           /* why it ended: EVICTED: a send waited for stall_ns;
                          * SERVER_LOST; UNAVAILABLE: the worker was replaced,
                          * or the stream reached its age; OK: it is open */
    uint64_t items;      /* number of items sent; for uploads, read */
    shmrpci_buf out;     /* the item being sent */
    shmrpci_arena arena; /* holds the item that was read last */
    shmrpci_stats_streams *counts; /* or NULL */
    /* Of a detached stream, whose functions never wait; else NULL. */
    const shmrpci_pump_ops *pump;
    shmrpci_mutex *counting; /* several threads count here */
    size_t sent;             /* number of bytes of `out` sent so far */
    bool has_rest;           /* a sent item is not complete yet */
    bool wants_item;         /* the last read found no item */
    bool wants_room;
} shmrpci_served_stream;

/* Metadata, span and token of a call. */
typedef struct shmrpci_ctx_beside {
    shmrpci_metadata in;  /* the request's metadata, if has_metadata */
    shmrpci_metadata out; /* the reply's */
    bool has_span;        /* `span` has been set */
    uint8_t span[SHMRPCI_TRACE_BYTES];
    char traceparent[SHMRPC_TRACEPARENT_BYTES]; /* the caller's */
    shmrpci_interception looks;
    /* The caller, if it is a peer behind a relay and the service must be told
     * when it leaves; else 0. */
    uint64_t peer;
    /* The cached token, which belongs to connection `token_of`. */
    bool knows_token;
    uint64_t token_of;
    const char *token; /* in `said`, or NULL */
    shmrpci_metadata said;
} shmrpci_ctx_beside;

struct shmrpc_ctx {
    const shmrpci_worker_ops *ops;
    shmrpci_request *request;
    const shmrpc_method *method;
    uint32_t index; /* of the method in its service */
    uint32_t uid;   /* the server's user id */
    /* The next five are zeroed before each call, together. */
    bool has_lent;              /* memory of request->out, lent by
                                 * shmrpc_ctx_loan */
    bool is_long;               /* the reply can't take the short path */
    bool has_metadata;          /* beside->in is set, and beside->out is ready
                                 * for the reply's metadata */
    bool is_looked_at;          /* interceptors see the call */
    int32_t raised;             /* see `payload` below */
    shmrpci_ctx_beside *beside; /* the worker's */
    shmrpci_arena *arena;       /* reset when the reply has been sent */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* set by shmrpc_ctx_fail, or
                                               * "" */
    /* The payload of the error with number `raised`, encoded by
     * shmrpc_stub_raise or shmrpc_ctx_fault. There is none while `raised` is
     * 0. */
    shmrpci_buf payload;
    shmrpci_served_stream *stream;     /* NULL: the call has no streams */
    struct shmrpci_detached *detached; /* the detached call that owns this
                                        * context; or NULL */
    int64_t
        retry_after_ns; /* set by shmrpc_ctx_refuse, together with `message` */
    struct shmrpci_overload_worker *overload; /* the worker's */
};

/* Sets the message like shmrpc_ctx_fail. */
void shmrpci_ctx_say(shmrpc_ctx *ctx, const char *format, va_list args);

/* Prepares request->out for a reply of about `size` bytes. Drops a loan. */
void shmrpci_ctx_reserve(shmrpc_ctx *ctx, shmrpci_request *request,
                         size_t size);

/* Copies the handler's span, for nested calls. Returns false if the call has no
 * trace. */
bool shmrpci_ctx_span(const shmrpc_ctx *ctx, uint8_t out[SHMRPCI_TRACE_BYTES]);

/* Whether a gateway has sent the call on behalf of one of its peers. */
bool shmrpci_ctx_is_relayed(const shmrpc_ctx *ctx);

/* A service's limits for its streams. */
typedef struct shmrpci_stream_rules {
    size_t decode_limit; /* limit of memory for one item */
    uint32_t max_places; /* most workers that may serve streams at once: see
                          * accept in transport.h */
    int64_t stall_ns;
    int64_t max_age_ns; /* 0: none */
} shmrpci_stream_rules;

/* Called before the handler of a method with streams. The items of the streams
 * are counted in row `row` of `counter`. Returns EXHAUSTED, NO_MEMORY or OK. */
int shmrpci_served_stream_begin(shmrpc_ctx *ctx, shmrpci_served_stream *s,
                                const shmrpci_transport *transport,
                                const shmrpci_codec *codec,
                                const shmrpci_stream_rules *rules,
                                shmrpci_counter *counter, uint32_t row);
/* Called after the handler has returned `status`. From then on the client's
 * sends fail, and its reads end. Returns the status with which the call ends.
 */
int shmrpci_served_stream_end(shmrpc_ctx *ctx, int status);
/* Sends the rest of the last item. Returns OK when all of it is sent, or BUSY.
 */
int shmrpci_served_stream_push(shmrpci_served_stream *s);
/* Notes that no more items can be sent or read, for the reason `status`.
 * Returns the status for the handler. */
int shmrpci_served_stream_no_point(shmrpc_ctx *ctx, int status);

/* The bytes that a raw method returns; NULL for any other method. */
static inline shmrpc_bytes *shmrpci_raw_result(const shmrpc_method *method,
                                               void *result)
{
    return method->encoding == SHMRPC_ENCODING_RAW && method->result != NULL &&
                   method->result->kind == SHMRPC_KIND_BYTES
               ? result
               : NULL;
}

/* The codec for the reply to a request whose method has `codec`. */
static inline const shmrpci_codec *
shmrpci_reply_codec(const shmrpci_request *request, const shmrpci_codec *codec)
{
    return (request->head.flags & SHMRPCI_HEAD_NUMBERED) != 0
               ? shmrpci_codec_numbered(codec)
               : codec;
}

#endif
