/*
 * The context of a call: the worker's side of <shmrpc/server.h>.
 *
 * One worker has one, which is set up anew for each request.  Threading: the
 * worker's thread.
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

/* Raw items of at least so many bytes are read where they lie, if whoever could
 * change them is of our own user. */
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
    shmrpci_lent lent;   /* the next item of ours */
    shmrpci_flat flat;   /* the client's items, if they are */
    int over;            /* MORE, or how the client's items have ended */
    int64_t stall_ns;    /* for which a send waits at most */
    int ended;           /* EVICTED, one has waited for so long; SERVER_LOST;
                          * UNAVAILABLE, the worker was cut */
    uint64_t items;      /* sent; of uploads, read */
    shmrpci_buf out;     /* the item that is sent */
    shmrpci_arena arena; /* of the item that was read */
    shmrpci_stats_streams *counts; /* or NULL */
    /* Of a stream that is detached, which never waits; NULL: of any other. */
    const shmrpci_pump_ops *pump;
    shmrpci_mutex *counting; /* several threads count */
    size_t sent;             /* bytes of `out` */
    bool has_rest;           /* of an item that was sent there is one */
    bool wants_item;         /* there was none */
    bool wants_room;
} shmrpci_served_stream;

/* What is beside the call, if anything. */
typedef struct shmrpci_ctx_beside {
    shmrpci_metadata in;  /* the caller's, of calls with has_metadata */
    shmrpci_metadata out; /* the reply's */
    bool has_span;        /* `span` is made */
    uint8_t span[SHMRPCI_TRACE_BYTES];
    char traceparent[SHMRPC_TRACEPARENT_BYTES]; /* the caller's */
    shmrpci_interception looks;
    /* The relay's peer whose call it is, if its end is to be told; else 0. */
    uint64_t peer;
    /* What the client of the connection that was looked at last has shown. */
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
    uint32_t uid;   /* the server's own */
    /* The next five are cleared before each call, all at once. */
    bool has_lent;              /* request->out, by shmrpc_ctx_loan */
    bool is_long;               /* the reply can't take the short way */
    bool has_metadata;          /* beside->in; `out` is ready for the reply's */
    bool is_looked_at;          /* by interceptors */
    int32_t raised;             /* see payload */
    shmrpci_ctx_beside *beside; /* the worker's */
    shmrpci_arena *arena;       /* reset when the reply has been sent */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* of shmrpc_ctx_fail, or "" */
    /* What shmrpc_stub_raise or shmrpc_ctx_fault has encoded: the payload of
     * error `raised`, or 0. */
    shmrpci_buf payload;
    shmrpci_served_stream *stream;     /* NULL: it has none */
    struct shmrpci_detached *detached; /* whose own it is; or NULL */
    int64_t retry_after_ns; /* of shmrpc_ctx_refuse, with `message` */
    struct shmrpci_overload_worker *overload; /* the worker's */
};

/* The words of shmrpc_ctx_fail. */
void shmrpci_ctx_say(shmrpc_ctx *ctx, const char *format, va_list args);

/* Readies request->out for a reply of about `size` bytes; what was lent is
 * gone. */
void shmrpci_ctx_reserve(shmrpc_ctx *ctx, shmrpci_request *request,
                         size_t size);

/* The handler's span, for what it calls; false: the call is in no trace. */
bool shmrpci_ctx_span(const shmrpc_ctx *ctx, uint8_t out[SHMRPCI_TRACE_BYTES]);

/* Whether a gateway has sent the call, for a peer of its own. */
bool shmrpci_ctx_is_relayed(const shmrpc_ctx *ctx);

/* What a service says of its streams. */
typedef struct shmrpci_stream_rules {
    size_t decode_limit; /* in bytes, of an item */
    uint32_t max_places; /* see accept in transport.h */
    int64_t stall_ns;
} shmrpci_stream_rules;

/* Before the handler of a method with streams, which are counted in the row of
 * `counter`. EXHAUSTED, NO_MEMORY. */
int shmrpci_served_stream_begin(shmrpc_ctx *ctx, shmrpci_served_stream *s,
                                const shmrpci_transport *transport,
                                const shmrpci_codec *codec,
                                const shmrpci_stream_rules *rules,
                                shmrpci_counter *counter, uint32_t row);
/* After it, which has returned `status`: the client's sends fail from now on,
 * and its reads come to an end. How the call ends. */
int shmrpci_served_stream_end(shmrpc_ctx *ctx, int status);
/* The rest of the last item: OK: all of it has gone; BUSY. */
int shmrpci_served_stream_push(shmrpci_served_stream *s);
/* Nobody wants more: why. */
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

/* What to answer a request with whose method has `codec`. */
static inline const shmrpci_codec *
shmrpci_reply_codec(const shmrpci_request *request, const shmrpci_codec *codec)
{
    return (request->head.flags & SHMRPCI_HEAD_NUMBERED) != 0
               ? shmrpci_codec_numbered(codec)
               : codec;
}

#endif
