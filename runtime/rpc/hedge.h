/*
 * Hedging: a blocking call of a method with `@hedge` that has no reply after a
 * while is sent a second time, and the first reply of both counts; the other
 * call is cancelled.
 *
 * A second call is paid for from the client's budget of retries (rpc/retry.h):
 * a service that is slow as a whole gets hardly more than one request a call.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_RPC_HEDGE_H
#define SHMRPCI_RPC_HEDGE_H

#include "rpc/retry.h"

/* Whether the call is to be hedged. */
static inline bool shmrpci_hedge_is_meant(const shmrpc_method *method,
                                          const shmrpc_opts *opts)
{
    return method->policy.hedge_ns > 0 &&
           (method->flags & SHMRPC_METHOD_IDEMPOTENT) != 0 &&
           (opts == NULL || (opts->flags & SHMRPC_OPT_NONBLOCK) == 0);
}

/* True: it is over, with *out_status and *out; false: the connection was lost,
 * and it is to be sent again as any other call, until out->deadline_ns. */
bool shmrpci_hedge_call(const shmrpci_invocation *c, shmrpci_attempt *out,
                        int *out_status);

#endif
