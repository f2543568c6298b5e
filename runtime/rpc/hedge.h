/*
 * Hedging: a blocking call of a method with `@hedge` that has no reply after a
 * while is sent a second time. The first reply is used, and the other call is
 * cancelled.
 *
 * A second call is charged to the client's retry budget (rpc/retry.h): so a
 * service that is slow as a whole gets hardly more than one request per call.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_RPC_HEDGE_H
#define SHMRPCI_RPC_HEDGE_H

#include "rpc/retry.h"

/* Whether to hedge the call. */
static inline bool shmrpci_hedge_is_meant(const shmrpc_method *method,
                                          const shmrpc_opts *opts)
{
    return method->policy.hedge_ns > 0 &&
           (method->flags & SHMRPC_METHOD_IDEMPOTENT) != 0 &&
           (opts == NULL || (opts->flags & SHMRPC_OPT_NONBLOCK) == 0);
}

/* Makes the call. Returns true if it is over; *out_status and *out then say
 * how. Returns false if the connection was lost; the caller then sends the call
 * like any other, until out->deadline_ns. */
bool shmrpci_hedge_call(const shmrpci_invocation *c, shmrpci_attempt *out,
                        int *out_status);

#endif
