/* Retries: their budget, and the pauses before them. */
#include "rpc/retry.h"

#include "os/clock.h"
#include "os/waiting.h"

/* A pause is divided into pieces of this length, to notice that the parent call
 * was cancelled. */
#define PIECE_NS (20 * SHMRPCI_NS_PER_MS)

/* Takes a token. Returns how many are left, in tenths. */
static uint32_t pay(shmrpc_client *client)
{
    /* Relaxed: a count that publishes nothing. */
    uint32_t have = shmrpci_load_relaxed(&client->budget);
    uint32_t left;
    do {
        left = have > SHMRPCI_BUDGET_FAIL ? have - SHMRPCI_BUDGET_FAIL : 0;
    } while (!shmrpci_cas_seq(&client->budget, &have, left));
    /* From now on successes are counted. */
    (void)shmrpci_or_seq(&client->watched, SHMRPCI_CLIENT_IN_DEBT);
    return left;
}

bool shmrpci_retry_pay(shmrpc_client *client)
{
    if (shmrpci_load_relaxed(&client->budget) <= SHMRPCI_BUDGET_LEAST) {
        return false;
    }
    (void)pay(client);
    return true;
}

void shmrpci_retry_note_success(shmrpc_client *client)
{
    uint32_t have = shmrpci_load_relaxed(&client->budget);
    uint32_t more;
    do {
        more = have < SHMRPCI_BUDGET_FULL ? have + 1 : SHMRPCI_BUDGET_FULL;
    } while (!shmrpci_cas_seq(&client->budget, &have, more));
    if (more == SHMRPCI_BUDGET_FULL) {
        /* If a call has failed meanwhile, this clears the flag that it set; the
         * next failure sets the flag again. */
        (void)shmrpci_and_seq(&client->watched, ~SHMRPCI_CLIENT_IN_DEBT);
    }
}

/* Returns the pause before the next attempt. It is doubled each time, and
 * varied by a fifth, so that clients that failed together don't return
 * together. */
static int64_t pause_of(const shmrpc_method *method,
                        const shmrpci_attempt *failed)
{
    int64_t pause_ns = method->policy.backoff_ns;
    for (unsigned i = 1; i < failed->number && pause_ns < SHMRPCI_NS_PER_S * 60;
         i++) {
        pause_ns *= 2;
    }
    uint64_t x = shmrpci_ticks() * UINT64_C(0x9E3779B97F4A7C15);
    int64_t fifth = pause_ns / 5;
    int64_t off_ns = (int64_t)((x >> 33) % (uint64_t)(2 * fifth + 1));
    /* Never shorter than the server's retry-after, and different for each
     * client. */
    return failed->retry_after_ns > pause_ns
               ? failed->retry_after_ns + off_ns / 2
               : pause_ns - fifth + off_ns;
}

static bool has_point(const shmrpc_opts *opts)
{
    return !shmrpci_waiting_is_interrupted() &&
           (opts == NULL || opts->parent == NULL ||
            !shmrpc_ctx_cancelled(opts->parent));
}

bool shmrpci_retry_wait(shmrpc_client *client, const shmrpc_method *method,
                        const shmrpc_opts *opts, const shmrpci_attempt *failed)
{
    uint32_t left = pay(client);
    int64_t now_ns = shmrpci_now_ns();
    int64_t pause_ns = pause_of(method, failed);
    if (failed->number >= method->policy.attempts ||
        left <= SHMRPCI_BUDGET_LEAST ||
        pause_ns >= failed->deadline_ns - now_ns) {
        return false;
    }
    int64_t until_ns = now_ns + pause_ns;
    while (now_ns < until_ns) {
        if (!has_point(opts)) {
            return false;
        }
        shmrpci_sleep_until(until_ns - now_ns < PIECE_NS ? until_ns
                                                         : now_ns + PIECE_NS);
        now_ns = shmrpci_now_ns();
    }
    return has_point(opts);
}
