/*
 * Retries: calls of methods with `@retry` that failed for a temporary reason
 * are sent again, as long as the client's budget lasts.
 *
 * The budget is that of gRFC A6: 10 tokens per client; a failure takes one, a
 * success gives back a tenth of one, and with 5 or fewer nothing is sent again.
 * So a server that is down gets little more than one request per call.
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

/* Whether a call that failed with this status may succeed at another server or
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

/* The result of an attempt. */
typedef struct shmrpci_attempt {
    unsigned number; /* from 1 */
    int64_t deadline_ns;
    int64_t retry_after_ns; /* 0: the server has not set it */
} shmrpci_attempt;

/* Pays for sending a call again, and waits until it is time: never earlier than
 * the server's retry-after. Returns false if the budget is spent, this was the
 * last attempt, no time is left, or another attempt would be useless. */
bool shmrpci_retry_wait(shmrpc_client *client, const shmrpc_method *method,
                        const shmrpc_opts *opts, const shmrpci_attempt *failed);

/* Pays for the second request of a hedged call. Returns false if the budget is
 * too low. */
bool shmrpci_retry_pay(shmrpc_client *client);

/* Called when a call of a method with `@retry` or `@hedge` has succeeded while
 * the budget is not full: gives back a tenth of a token. */
void shmrpci_retry_note_success(shmrpc_client *client);

#endif
