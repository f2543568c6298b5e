/*
 * Retries: methods with `@retry` are sent again where they failed for a
 * temporary reason, as long as the client's budget lasts.
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

/* Whether a call that has failed so may well go better elsewhere, or later. */
static inline bool shmrpci_is_temporary(int status)
{
    return status == SHMRPC_E_UNAVAILABLE || status == SHMRPC_E_EXHAUSTED ||
           status == SHMRPC_E_WORKER_DIED || status == SHMRPC_E_SERVER_LOST;
}

/* Whether a blocking call that has failed so is one to be sent again. */
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
    int64_t retry_after_ns; /* 0: the server has not said */
} shmrpci_attempt;

/* A call has failed so that it is to be sent again: pays for that, and waits
 * until it is time, not earlier than the server has said. False: the budget is
 * spent, these were all, or there is no time or no point. */
bool shmrpci_retry_wait(shmrpc_client *client, const shmrpc_method *method,
                        const shmrpc_opts *opts, const shmrpci_attempt *failed);

/* For a second request beside one that is slow. False: there is too little in
 * the budget. */
bool shmrpci_retry_pay(shmrpc_client *client);

/* A call of such a method has gone well, while the budget is not full. */
void shmrpci_retry_note_success(shmrpc_client *client);

#endif
