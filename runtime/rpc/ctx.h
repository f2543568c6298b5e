/*
 * The context of a call: the worker's side of <shmrpc/server.h>.
 *
 * One worker has one, which is set up anew for each request.  Threading: the
 * worker's thread.
 */
#ifndef SHMRPCI_RPC_CTX_H
#define SHMRPCI_RPC_CTX_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/codec.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/server.h"
#include "transport/transport.h"

/* The streams of the call that a handler is in. */
typedef struct shmrpci_served_stream {
    const shmrpci_stream_ops *ops;
    shmrpci_stream *end;
    const shmrpci_codec *codec;
    int over;            /* MORE, or how the client's items have ended */
    shmrpci_buf out;     /* the item that is sent */
    shmrpci_arena arena; /* of the item that was read */
} shmrpci_served_stream;

struct shmrpc_ctx {
    const shmrpci_worker_ops *ops;
    shmrpci_request *request;
    const shmrpc_method *method;
    uint32_t index;       /* of the method in its service */
    bool has_lent;        /* request->out, by shmrpc_ctx_loan */
    shmrpci_arena *arena; /* reset when the reply has been sent */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* of shmrpc_ctx_fail, or "" */
    /* What shmrpc_stub_raise has encoded: the payload of error `raised`, or 0.
     */
    int32_t raised;
    shmrpci_buf payload;
    shmrpci_served_stream *stream; /* NULL: it has none */
};

/* Readies request->out for a reply of about `size` bytes; what was lent is
 * gone. */
void shmrpci_ctx_reserve(shmrpc_ctx *ctx, shmrpci_request *request,
                         size_t size);

/* Before the handler of a method with streams, and after it: then the client's
 * sends fail, and its reads come to an end. Items are decoded in `limit` bytes.
 * NO_MEMORY. */
int shmrpci_served_stream_begin(shmrpc_ctx *ctx, shmrpci_served_stream *s,
                                const shmrpci_transport *transport,
                                const shmrpci_codec *codec, size_t limit);
void shmrpci_served_stream_end(shmrpc_ctx *ctx);

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
