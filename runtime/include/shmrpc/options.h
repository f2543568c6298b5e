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

/* The deadline of a call for which nobody has set another. */
#define SHMRPC_DEFAULT_TIMEOUT_NS INT64_C(30000000000)

/* The largest message in either direction, unless set otherwise. */
#define SHMRPC_DEFAULT_MAX_MESSAGE_BYTES ((size_t)64 << 20)

/* How a wait for the other side spends the CPU. Where both have only one, the
 * first two don't spin, but yield it, as long as that pays. */
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
    /* Of a call: return SHMRPC_E_BUSY at once when all 64 call slots are in
     * use, and SHMRPC_E_UNAVAILABLE when the connection is lost and can't be
     * made anew in one try, rather than wait until the deadline. */
    SHMRPC_OPT_NONBLOCK = 1u << 0,
    /* Of connect: when nobody serves there yet, try again until the deadline,
     * which may be later than in 5 s then. */
    SHMRPC_OPT_WAIT_FOR_READY = 1u << 1,
    /* Of a call of a raw method: a large reply is read where the worker wrote
     * it, without a copy, until it is released; its memory is the service's
     * until then, and the connection stays open for it even after close. A
     * forked child can't read it. Only over shm://, from a server of our own
     * user, which could write there meanwhile, for up to 16 replies of a
     * connection, from 4 KiB on; else it is a copy, as always. */
    SHMRPC_OPT_IN_PLACE = 1u << 2,
    /* Of connect: a method that the server has not, or not as we have it, does
     * not end in CONTRACT; calls of it are UNIMPLEMENTED, and the others work.
     * For a client that never calls it. */
    SHMRPC_OPT_PARTIAL = 1u << 3,
    /* Of a call that may return a reply: it also does when it ends in a fault
     * (shmrpc/fault.h), in UNKNOWN. */
    SHMRPC_OPT_FAULTS = 1u << 4
};

typedef struct shmrpc_opts {
    /* Time allowed for a call, or for connecting, from now on. 0: the
     * method's @timeout, else the connection's, else 30 s. Negative values
     * are INVALID. */
    int64_t timeout_ns;
    uint32_t flags; /* SHMRPC_OPT_... */
    /* The rest is looked at by connect only. */
    shmrpc_profile profile;
    size_t max_message_bytes; /* 0: 64 MiB */
    /* Of a call, again (shmrpc/beside.h). The call that a handler makes this
     * one for: its deadline is this one's at the latest, and when it is
     * cancelled, so is this one. This one must end before the handler returns.
     */
    const struct shmrpc_ctx *parent;
    /* What goes with it, ended by an entry whose key is NULL. TOO_LARGE: more
     * than 16 entries or 1 KiB; nothing was sent then. INVALID: a key or value
     * that is not possible. UNIMPLEMENTED: the server can't read it. */
    const struct shmrpc_metadata *metadata;
    /* Where to put what comes with the reply; NULL: not wanted. */
    struct shmrpc_reply_metadata *reply_metadata;
    /* Of connect: up to 8, ended by NULL, who look at every call; they and what
     * they point to outlive the client. */
    const struct shmrpc_interceptor *const *interceptors;
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_opts;

SHMRPC_END_DECLS

#endif
