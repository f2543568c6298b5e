/*
 * Options of a connection and of a single call.
 *
 * A zeroed object asks for the defaults, so `NULL`, `{0}` and designated
 * initialisers all work. Threading: these are plain values.
 */
#ifndef SHMRPC_OPTIONS_H
#define SHMRPC_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* Timeout of a call that has no other timeout. */
#define SHMRPC_DEFAULT_TIMEOUT_NS INT64_C(30000000000)

/* The default size limit of a message, in either direction. */
#define SHMRPC_DEFAULT_MAX_MESSAGE_BYTES ((size_t)64 << 20)

/* How a wait for the other side uses the CPU. If both sides share a single CPU,
 * the first two profiles yield the CPU instead of spinning, as long as that
 * pays off. */
typedef enum shmrpc_profile {
    SHMRPC_PROFILE_BALANCED = 0, /* spin up to 50 us if spinning has paid off */
    SHMRPC_PROFILE_LATENCY = 1,  /* spin up to 200 us */
    SHMRPC_PROFILE_POWER = 2     /* never spin */
} shmrpc_profile;

/* How bodies are compressed over tcp:// and unix://. A body that compression
 * would not make smaller is sent as it is. */
typedef enum shmrpc_compression {
    SHMRPC_COMPRESSION_NONE = 0,
    SHMRPC_COMPRESSION_SNAPPY = 1, /* fast */
    SHMRPC_COMPRESSION_ZLIB = 2    /* smaller */
} shmrpc_compression;

enum {
    /* For a call: don't wait. The call fails with SHMRPC_E_BUSY if all 64 call
     * slots are in use, and with SHMRPC_E_UNAVAILABLE if the connection is lost
     * and one attempt to reconnect fails. */
    SHMRPC_OPT_NONBLOCK = 1u << 0,
    /* For connect: if no server listens there yet, retry until the deadline,
     * which may then be more than 5 s away. */
    SHMRPC_OPT_WAIT_FOR_READY = 1u << 1,
    /* For a call of a raw method: a large reply is not copied; the caller reads
     * it where the worker wrote it, until it is released. Until then it uses
     * the service's memory, and the connection stays open for it even after
     * close. A forked child can't read it. Applies to replies of 4 KiB and more
     * over shm://, up to 16 at a time for each connection, and only if the
     * server runs as our own user, because the server could change the bytes
     * meanwhile; other replies are copied as usual. */
    SHMRPC_OPT_IN_PLACE = 1u << 2,
    /* For connect: if the server lacks a method, or declares it differently,
     * connect does not fail with CONTRACT; instead each call of that method
     * fails with UNIMPLEMENTED. For clients that never call it. */
    SHMRPC_OPT_PARTIAL = 1u << 3,
    /* For a call that can return a reply: the call also returns one when it
     * ends in a fault (shmrpc/fault.h), with status UNKNOWN. */
    SHMRPC_OPT_FAULTS = 1u << 4
};

typedef struct shmrpc_opts {
    /* Time allowed for the call, or for connecting, counted from now. 0: the
     * method's @timeout, else the connection's, else 30 s. Negative values are
     * INVALID. */
    int64_t timeout_ns;
    uint32_t flags; /* SHMRPC_OPT_... */
    /* The members above apply to calls and connect; the next two to connect
     * only. */
    shmrpc_profile profile;
    size_t max_message_bytes; /* 0: 64 MiB */
    /* For a call (shmrpc/beside.h): the call whose handler makes this one. This
     * call's deadline is at most the parent's, and it is cancelled with the
     * parent. It must end before the handler returns. */
    const struct shmrpc_ctx *parent;
    /* For a call: metadata to send; the array ends with an entry whose key is
     * NULL. The call fails, and nothing is sent, with TOO_LARGE above 16
     * entries or 1 KiB; with INVALID if a key or value is not allowed; with
     * UNIMPLEMENTED if the server can't read metadata. */
    const struct shmrpc_metadata *metadata;
    /* For a call: receives the reply's metadata; NULL if not wanted. */
    struct shmrpc_reply_metadata *reply_metadata;
    /* For connect: up to 8 interceptors, which see every call; the array ends
     * with NULL. The interceptors and what they point to must outlive the
     * client. */
    const struct shmrpc_interceptor *const *interceptors;
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_opts;

SHMRPC_END_DECLS

#endif
