/*
 * State shared by the parts of the client: its present connection, how to
 * connect again, and estimates for its methods.
 *
 * Threading: any number of threads call at once. Everything that changes after
 * connect is atomic, or protected by the keeper's lock.
 */
#ifndef SHMRPCI_RPC_CLIENT_H
#define SHMRPCI_RPC_CLIENT_H

#include "rpc/call_clock.h"
#include "rpc/intercept.h"
#include "rpc/reply.h"
#include "shmrpc/stub.h"
#include "sync/atomic.h"
#include "sync/hazard.h"

/* How much room to reserve, as learnt from earlier calls. */
typedef struct shmrpci_client_method {
    shmrpci_atomic_u32 request_bytes;
    shmrpci_atomic_u32 reply_bytes;
} shmrpci_client_method;

struct shmrpci_async;
typedef struct shmrpci_crowd shmrpci_crowd;

/* The link of every closed client. No call accepts this link, so only a call
 * that finds it has to check whether its client is closed. */
extern shmrpci_link shmrpci_closed_link;

enum {
    SHMRPCI_CLIENT_INTERCEPTED = 1u << 0, /* it has interceptors */
    SHMRPCI_CLIENT_IN_DEBT = 1u << 1,     /* its retry budget is not full */
    SHMRPCI_CLIENT_HEDGES = 1u << 2,      /* it has methods with @hedge */
    SHMRPCI_CLIENT_CROWD = 1u << 3,       /* it stands for several instances */
    SHMRPCI_CLIENT_RETRIES = 1u << 4,     /* it has methods with @retry */
    SHMRPCI_CLIENT_SPREADS = 1u << 5      /* its address list has a cluster */
};

struct shmrpc_client {
    shmrpci_atomic_pointer link; /* the shmrpci_link; NULL: not connected yet */
    const shmrpc_service *service;
    int64_t timeout_ns;  /* timeout of calls without one of their own */
    size_t decode_limit; /* memory limit for decoding one reply */
    shmrpci_call_clock clock;
    shmrpci_reply_pool *pool;
    shmrpci_client_method *methods;
    _Atomic(struct shmrpci_async *) async; /* NULL until it is needed */
    /* Why a call must look at the members below; 0, which means never, for most
     * clients. */
    shmrpci_atomic_u32 watched; /* SHMRPCI_CLIENT_... */
    shmrpci_atomic_u32 budget;  /* budget of retries (rpc/retry.h) */
    shmrpci_interceptors interceptors;
    shmrpci_crowd *crowd;          /* NULL: the client has a link of its own */
    struct shmrpci_spread *spread; /* NULL unless the addresses are a list with
                                      nats:// among them */
    /* The members that follow are for making links. */
    _Atomic(struct shmrpci_keeper *) keeper;
    uint64_t links;           /* number of links made so far; under the keeper's
                               * lock */
    shmrpci_atomic_u32 place; /* index of its link's place in the address
                               * list */
    char *where;              /* address list */
    shmrpc_profile profile;
    size_t max_message_bytes;
    bool is_partial; /* SHMRPC_OPT_PARTIAL */
    shmrpci_atomic_u64 reconnects;
    shmrpci_atomic_u64 resent;
    shmrpci_atomic_u64 retried;
    /* Counts the calls in progress, of any kind, if this client is a member of
     * a crowd; else NULL. */
    shmrpci_atomic_u32 *tally;
};

static inline bool shmrpci_client_is_closed(const shmrpc_client *client)
{
    return shmrpci_load_acquire(&client->link) == (void *)&shmrpci_closed_link;
}

/* Reports the use of a closed client. Returns INVALID. */
int shmrpci_client_misused(const shmrpc_client *client,
                           const shmrpc_method *method, shmrpc_error *error);

/* Raises an estimate to the largest size that a call of the method has needed.
 * It never shrinks: unused room costs nothing, while a reply that outgrows its
 * room needs a new piece of shared memory. */
static inline void shmrpci_estimate(shmrpci_atomic_u32 *estimate, size_t bytes)
{
    uint32_t size = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    if (size > shmrpci_load_relaxed(estimate)) {
        shmrpci_store_relaxed(estimate, size);
    }
}

#endif
