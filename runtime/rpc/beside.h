/*
 * Parts of a client's call that most calls don't have: metadata, a parent (the
 * call on whose behalf it is made), and interceptors.
 *
 *     shmrpci_pending_init -> begin -> send ... receive -> take_reply -> value
 *                                | reply -> end
 *
 * These parts are in an object that only such calls allocate.
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

/* Whether a call has metadata, a parent or interceptors. */
static inline bool shmrpci_beside_is_used(const shmrpc_client *client,
                                          const shmrpc_opts *opts)
{
    return client->interceptors.count > 0 || shmrpci_opts_are_beside(opts);
}

/* Whether the call must leave the plain path. One test covers all reasons. */
static inline bool shmrpci_call_is_watched(const shmrpc_client *client,
                                           const shmrpc_opts *opts)
{
    /* Relaxed: if a stale value is read, one call is not counted for the retry
     * budget. */
    return shmrpci_load_relaxed(&client->watched) != 0 ||
           shmrpci_opts_are_beside(opts);
}

/* Called after shmrpci_pending_init. Whatever it returns, shmrpci_beside_end
 * must be called. Returns TOO_LARGE or INVALID for bad metadata, DEADLINE or
 * CANCELLED if the parent has ended, or the status of an interceptor. */
int shmrpci_beside_begin(shmrpci_pending *p, const shmrpc_opts *opts);

/* Writes the metadata; called before the body is encoded. Returns UNIMPLEMENTED
 * if the server can't read metadata. */
int shmrpci_beside_write(shmrpci_pending *p);

/* Like the transport's receive; waits until the call's deadline. Returns
 * CANCELLED if the parent was cancelled; the call has then been given up. */
int shmrpci_beside_receive(shmrpci_pending *p);

/* Like the transport's reserve. Returns CANCELLED if the parent was
 * cancelled. */
int shmrpci_beside_reserve(shmrpci_pending *p, size_t size_hint,
                           size_t reply_hint, int64_t deadline_ns);

/* Returns when to check the parent again, at the latest at `deadline_ns`. */
static inline int64_t shmrpci_beside_turn_ns(const shmrpc_ctx *parent,
                                             int64_t deadline_ns)
{
    if (parent == NULL) {
        return deadline_ns;
    }
    int64_t turn_ns = shmrpci_deadline_after(SHMRPCI_BESIDE_TURN_NS);
    return turn_ns < deadline_ns ? turn_ns : deadline_ns;
}

/* Removes the metadata from a received reply. Returns DATA_LOSS if it is
 * malformed; the reply has then been released. */
int shmrpci_beside_take_reply(shmrpci_pending *p);

/* Tells the interceptors that the call ended with `status`, frees the object,
 * and returns the final status. */
int shmrpci_beside_end(shmrpci_pending *p, int status);

#endif
