/*
 * What a client's call may carry: metadata, its parent (the call on whose
 * behalf it is made), and interceptors.
 *
 *     shmrpci_pending_init -> begin -> send ... receive -> take_reply -> value
 *                                | reply -> end
 *
 * All of this is in an object that only such calls have.
 *
 * Threading: one thread at a time, as the call.
 */
#ifndef SHMRPCI_RPC_BESIDE_H
#define SHMRPCI_RPC_BESIDE_H

#include "os/clock.h"
#include "rpc/call.h"
#include "rpc/intercept.h"
#include "rpc/metadata.h"

/* How long a nested call waits before it checks its parent again. */
#define SHMRPCI_BESIDE_TURN_NS (20 * SHMRPCI_NS_PER_MS)

struct shmrpci_beside {
    const shmrpc_ctx *parent;     /* or NULL */
    shmrpc_reply_metadata *reply; /* or NULL */
    size_t block_bytes;           /* size of the block in `out`; 0: there is
                                   * none */
    bool is_open;                 /* interceptors may add to `out` */
    shmrpci_interception looks;
    shmrpci_metadata out;
};

static inline bool shmrpci_opts_are_beside(const shmrpc_opts *opts)
{
    return opts != NULL && (opts->parent != NULL || opts->metadata != NULL ||
                            opts->reply_metadata != NULL);
}

/* Whether a call of the client needs any of this. */
static inline bool shmrpci_beside_is_used(const shmrpc_client *client,
                                          const shmrpc_opts *opts)
{
    return client->interceptors.count > 0 || shmrpci_opts_are_beside(opts);
}

/* Whether anything but the call itself needs attention: one test for all
 * reasons. */
static inline bool shmrpci_call_is_watched(const shmrpc_client *client,
                                           const shmrpc_opts *opts)
{
    /* Relaxed: the next failing call counts again. */
    return shmrpci_load_relaxed(&client->watched) != 0 ||
           shmrpci_opts_are_beside(opts);
}

/* Called after init. Whatever it returns, `end` must be called. TOO_LARGE,
 * INVALID: metadata; DEADLINE, CANCELLED: of the parent; or the status of an
 * interceptor. */
int shmrpci_beside_begin(shmrpci_pending *p, const shmrpc_opts *opts);

/* Called before the body is encoded. UNIMPLEMENTED: the server can't read
 * metadata. */
int shmrpci_beside_write(shmrpci_pending *p);

/* As receive of the transport, until the call's deadline; CANCELLED: the parent
 * was cancelled, and the call has been given up. */
int shmrpci_beside_receive(shmrpci_pending *p);

/* As reserve of the transport; CANCELLED: the parent was cancelled. */
int shmrpci_beside_reserve(shmrpci_pending *p, size_t size_hint,
                           size_t reply_hint, int64_t deadline_ns);

/* When to check the parent again: `deadline_ns` at the latest. */
static inline int64_t shmrpci_beside_turn_ns(const shmrpc_ctx *parent,
                                             int64_t deadline_ns)
{
    if (parent == NULL) {
        return deadline_ns;
    }
    int64_t turn_ns = shmrpci_deadline_after(SHMRPCI_BESIDE_TURN_NS);
    return turn_ns < deadline_ns ? turn_ns : deadline_ns;
}

/* Takes the metadata off a received reply. DATA_LOSS: malformed; the reply has
 * been released. */
int shmrpci_beside_take_reply(shmrpci_pending *p);

/* The call is over; returns `status`. */
int shmrpci_beside_end(shmrpci_pending *p, int status);

#endif
