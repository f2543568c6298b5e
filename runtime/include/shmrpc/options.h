/*
 * Options of a connection and of a single call.
 *
 * A zeroed object asks for the defaults, so `NULL`, `{0}` and designated
 * initialisers all work.  Threading: values.
 */
#ifndef SHMRPC_OPTIONS_H
#define SHMRPC_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The timeout of a call for which none is set. */
#define SHMRPC_DEFAULT_TIMEOUT_NS INT64_C(30000000000)

/* The default limit of a message, in either direction. */
#define SHMRPC_DEFAULT_MAX_MESSAGE_BYTES ((size_t)64 << 20)

/* How a wait for the other side uses the CPU. If both sides share a single CPU,
 * the first two yield it instead of spinning, as long as that pays. */
typedef enum shmrpc_profile {
    SHMRPC_PROFILE_BALANCED = 0, /* spin up to 50 us where it has paid */
    SHMRPC_PROFILE_LATENCY = 1,  /* spin up to 200 us */
    SHMRPC_PROFILE_POWER = 2     /* never spin */
} shmrpc_profile;

/* How bodies travel over tcp:// and unix://, where that makes them smaller. */
typedef enum shmrpc_compression {
    SHMRPC_COMPRESSION_NONE = 0,
    SHMRPC_COMPRESSION_SNAPPY = 1, /* fast */
    SHMRPC_COMPRESSION_ZLIB = 2    /* smaller */
} shmrpc_compression;

enum {
    /* Of a call: don't wait. SHMRPC_E_BUSY when all 64 call slots are in use;
     * SHMRPC_E_UNAVAILABLE when the connection is lost and one try to connect
     * again fails. */
    SHMRPC_OPT_NONBLOCK = 1u << 0,
    /* Of connect: if nobody serves there yet, try again until the deadline,
     * which may then be more than 5 s away. */
    SHMRPC_OPT_WAIT_FOR_READY = 1u << 1,
    /* Of a call of a raw method: a large reply is not copied, but read where
     * the worker wrote it, until it is released. Until then it uses the
     * service's memory, and the connection stays open for it even after close.
     * A forked child can't read it. Applies to replies of 4 KiB and more over
     * shm://, up to 16 at a time for each connection, and only if the server
     * runs as our own user, since it could change the bytes meanwhile; other
     * replies are copied as usual. */
    SHMRPC_OPT_IN_PLACE = 1u << 2,
    /* Of connect: if the server lacks a method, or has it in another form,
     * connect doesn't fail with CONTRACT; only calls of that method do, with
     * UNIMPLEMENTED. For clients that never call it. */
    SHMRPC_OPT_PARTIAL = 1u << 3,
    /* Of a call that may return a reply: it returns one, too, when it ends in a
     * fault (shmrpc/fault.h), with UNKNOWN. */
    SHMRPC_OPT_FAULTS = 1u << 4
};

typedef struct shmrpc_opts {
    /* Time allowed for a call, or for connecting, from now on. 0: the
     * method's @timeout, else the connection's, else 30 s. Negative values
     * are INVALID. */
    int64_t timeout_ns;
    uint32_t flags; /* SHMRPC_OPT_... */
    /* The members above apply to calls and connect; the next two to connect
     * only. */
    shmrpc_profile profile;
    size_t max_message_bytes; /* 0: 64 MiB */
    /* Of a call (shmrpc/beside.h): the call whose handler makes this one. This
     * call's deadline is at most the parent's, and it is cancelled with the
     * parent. It must end before the handler returns. */
    const struct shmrpc_ctx *parent;
    /* Of a call: metadata to send, ended by an entry whose key is NULL.
     * TOO_LARGE: more than 16 entries or 1 KiB, and nothing was sent; INVALID:
     * a key or value that is not allowed; UNIMPLEMENTED: the server can't read
     * metadata. */
    const struct shmrpc_metadata *metadata;
    /* Of a call: receives the reply's metadata; NULL: not wanted. */
    struct shmrpc_reply_metadata *reply_metadata;
    /* Of connect: up to 8 interceptors of every call, ended by NULL; they and
     * what they point to must outlive the client. */
    const struct shmrpc_interceptor *const *interceptors;
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_opts;

SHMRPC_END_DECLS

#endif
