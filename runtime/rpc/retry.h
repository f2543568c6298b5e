/*
 * Retries: calls of methods with `@retry` that failed for a temporary reason
 * are sent again, as long as the client's budget lasts.
 *
 * The budget is that of gRFC A6: 10 tokens a client; a failure takes one, a
 * success gives a tenth of one back, and at 5 or below nothing is sent again.
 * So a server that is down gets hardly more than one request a call.
 *
 * Threading: any number of threads share a client's budget.
 */
#ifndef SHMRPCI_RPC_RETRY_H
#define SHMRPCI_RPC_RETRY_H

#include "rpc/call.h"

/* In tenths of a token. */
#define SHMRPCI_BUDGET_FULL  100u
#define SHMRPCI_BUDGET_FAIL  10u
#define SHMRPCI_BUDGET_LEAST 50u

/* Whether a call that failed with this status may succeed elsewhere, or
 * later. */
static inline bool shmrpci_is_temporary(int status)
{
    return status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_EXHAUSTED ||
           status == SHMRPC_E_WORKER_DIED || status == SHMRPC_E_SERVER_LOST;
}

/* Whether a blocking call that failed with this status is to be sent again. */
static inline bool shmrpci_retry_is_meant(const shmrpc_method *method,
                                          const shmrpc_opts *opts, int status)
{
    return method->policy.attempts > 1 &&
           (method->flags & SHMRPC_METHOD_IDEMPOTENT) != 0 &&
           (opts == NULL || (opts->flags & SHMRPC_OPT_NONBLOCK) == 0) &&
           shmrpci_is_temporary(status);
}

/* How an attempt has ended. */
typedef struct shmrpci_attempt {
    unsigned number; /* from 1 */
    int64_t deadline_ns;
    int64_t retry_after_ns; /* 0: not said by the server */
} shmrpci_attempt;

/* A call is to be sent again: pays for that, and waits until it is time, not
 * earlier than the server has said. False: the budget is spent, this was the
 * last attempt, or there is no time left or no point. */
bool shmrpci_retry_wait(shmrpc_client *client, const shmrpc_method *method,
                        const shmrpc_opts *opts, const shmrpci_attempt *failed);

/* Pays for a second request beside a slow one. False: the budget is too low. */
bool shmrpci_retry_pay(shmrpc_client *client);

/* A call of such a method has succeeded, while the budget is not full. */
void shmrpci_retry_note_success(shmrpc_client *client);

#endif
