/*
 * What a client's call has beside it: metadata, the call it is made for, and
 * those who look on.
 *
 *     shmrpci_pending_init -> begin -> send ... receive -> take_reply
 *                                -> value | reply -> end
 *
 * All of that is in an object that only such calls have.
 *
 * Threading: one thread at a time, as the call.
 */
#ifndef SHMRPCI_RPC_BESIDE_H
#define SHMRPCI_RPC_BESIDE_H

#include "rpc/call.h"
#include "rpc/intercept.h"
#include "rpc/metadata.h"

/* How long a nested call waits before it looks at its parent again. */
#define SHMRPCI_BESIDE_TURN_NS (20 * SHMRPCI_NS_PER_MS)

struct shmrpci_beside {
    const shmrpc_ctx *parent;     /* or NULL */
    shmrpc_reply_metadata *reply; /* or NULL */
    size_t block_bytes;           /* of `out`; 0: there is none */
    bool is_open;                 /* interceptors may add to `out` */
    shmrpci_interception looks;
    shmrpci_metadata out;
};

/* Whether a call of the client has anything beside it. */
static inline bool shmrpci_beside_is_used(const shmrpc_client *client,
                                          const shmrpc_opts *opts)
{
    return client->interceptors.count != 0 ||
           (opts != NULL && (opts->parent != NULL || opts->metadata != NULL ||
                             opts->reply_metadata != NULL));
}

/* After init. Whatever it returns, `end` is to be called. TOO_LARGE, INVALID:
 * metadata; DEADLINE, CANCELLED: of the parent; what an interceptor says. */
int shmrpci_beside_begin(shmrpci_pending *p, const shmrpc_opts *opts);

/* Before the body. UNIMPLEMENTED: the server can't read it. */
int shmrpci_beside_write(shmrpci_pending *p);

/* As receive of the transport, until the call's deadline; CANCELLED: the
 * parent is, and the call has been given up. */
int shmrpci_beside_receive(shmrpci_pending *p);

/* Whether there is no point in the call any more, as there is none in its
 * parent. */
bool shmrpci_beside_is_cancelled(const shmrpci_pending *p);

/* Of a reply that was received: takes its metadata off. DATA_LOSS: malformed;
 * then it has been released. */
int shmrpci_beside_take_reply(shmrpci_pending *p);

/* The call is over; `status`, for convenience. */
int shmrpci_beside_end(shmrpci_pending *p, int status);

#endif
