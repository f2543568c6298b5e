/* Hedged calls: up to two requests in flight, of which the first result is
 * used. */
#include "rpc/hedge.h"

#include "base/error.h"
#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/async.h"

/* How long to wait for one of the two before checking the other. */
#define TURN_NS (500 * SHMRPCI_NS_PER_US)

enum { CALLS = 2 };

/* One of the two calls, and the place for the metadata of its reply. */
typedef struct attempt {
    shmrpc_call *call; /* NULL: not sent, or over */
    shmrpc_reply_metadata back;
} attempt;

typedef struct hedge {
    const shmrpci_invocation *call;
    shmrpc_opts opts;
    shmrpc_error *error;
    attempt attempts[CALLS];
} hedge;

/* Returns where the program wants the metadata of the reply, or NULL if it
 * wants none. */
static shmrpc_reply_metadata *wanted(const hedge *h)
{
    const shmrpc_opts *given = h->call->opts;
    return given != NULL ? given->reply_metadata : NULL;
}

static int send(hedge *h, unsigned number)
{
    const shmrpci_invocation *c = h->call;
    attempt *a = &h->attempts[number];
    if (wanted(h) != NULL) {
        a->back.len = 0;
        h->opts.reply_metadata = &a->back;
    }
    return shmrpci_async_start(c->client, c->method, c->params, &h->opts,
                               number > 0, &a->call, h->error);
}

/* Takes the result of a call that is over. */
static int take(hedge *h, unsigned number)
{
    attempt *a = &h->attempts[number];
    const shmrpci_invocation *c = h->call;
    shmrpc_call *call = a->call;
    const shmrpc_service *service = c->client->service;
    a->call = NULL;
    if (wanted(h) != NULL) {
        *wanted(h) = a->back;
    }
    return c->reply != NULL ? shmrpc_stub_finish_reply(call, service, c->method,
                                                       c->reply, h->error)
                            : shmrpc_stub_finish(call, service, c->method,
                                                 c->result, h->error);
}

static void give_up(hedge *h)
{
    for (unsigned i = 0; i < CALLS; i++) {
        shmrpc_call_release(h->attempts[i].call);
        h->attempts[i].call = NULL;
    }
}

static bool has_parent_left(const hedge *h)
{
    const shmrpc_opts *given = h->call->opts;
    return given != NULL && given->parent != NULL &&
           shmrpc_ctx_cancelled(given->parent);
}

static int abandon(hedge *h, const char *why)
{
    give_up(h);
    (void)shmrpc_error_set(
        h->error, SHMRPC_E_CANCELLED, "method %s: %s",
        h->call->client->service->methods[h->call->method].name, why);
    shmrpci_error_ran(h->error, true);
    return SHMRPC_E_CANCELLED;
}

/* Waits for the calls in flight, in turns, until one ends with a result or all
 * have ended. Returns false if `until_ns` comes first. */
static bool await(hedge *h, int64_t until_ns, int *out_status)
{
    int status = SHMRPC_E_DEADLINE;
    bool is_left = true;
    while (is_left) {
        is_left = false;
        for (unsigned i = 0; i < CALLS; i++) {
            shmrpc_call *call = h->attempts[i].call;
            if (call == NULL) {
                continue;
            }
            bool is_alone = h->attempts[1 - i].call == NULL;
            int64_t turn_ns = shmrpci_deadline_after(
                is_alone ? 20 * SHMRPCI_NS_PER_MS : TURN_NS);
            is_left = true;
            if (shmrpci_async_wait(call,
                                   turn_ns < until_ns ? turn_ns : until_ns)) {
                status = take(h, i);
                if (!shmrpci_is_temporary(status) || is_alone) {
                    *out_status = status;
                    return true;
                }
            } else if (shmrpci_now_ns() >= until_ns) {
                return false;
            }
            if (shmrpci_waiting_take_interrupt()) {
                *out_status = abandon(h, "interrupted");
                return true;
            }
            if (has_parent_left(h)) {
                *out_status = abandon(
                    h, "the call on whose behalf it is made was cancelled");
                return true;
            }
        }
    }
    *out_status = status;
    return true;
}

/* Sends a second call if the retry budget allows it. Errors of the second call
 * are not reported. */
static void send_second(hedge *h, const shmrpci_attempt *first)
{
    shmrpc_error *error = h->error;
    int64_t left_ns = shmrpci_remaining_ns(first->deadline_ns);
    if (left_ns == 0 || !shmrpci_retry_pay(h->call->client)) {
        return;
    }
    h->opts.timeout_ns = left_ns;
    h->opts.flags |= SHMRPC_OPT_NONBLOCK;
    h->error = NULL;
    if (send(h, 1) != SHMRPC_OK) {
        h->attempts[1].call = NULL;
    }
    h->error = error;
}

bool shmrpci_hedge_call(const shmrpci_invocation *c, shmrpci_attempt *out,
                        int *out_status)
{
    shmrpc_client *client = c->client;
    shmrpc_error own;
    hedge h = {.call = c,
               .opts = c->opts != NULL ? *c->opts : (shmrpc_opts){0},
               .error = c->error != NULL ? c->error : &own};
    *out = (shmrpci_attempt){.number = 1};
    int status = send(&h, 0);
    if (status != SHMRPC_OK) {
        *out_status = status;
        return true;
    }
    out->deadline_ns = shmrpci_async_deadline_ns(h.attempts[0].call);
    int64_t hedge_ns = shmrpci_deadline_after(
        client->service->methods[c->method].policy.hedge_ns);
    if (hedge_ns >= out->deadline_ns || !await(&h, hedge_ns, &status)) {
        send_second(&h, out);
        (void)await(&h, SHMRPCI_NEVER_NS, &status);
    }
    give_up(&h);
    out->retry_after_ns =
        status == SHMRPC_E_EXHAUSTED ? h.error->retry_after_ns : 0;
    *out_status = status;
    if (status >= SHMRPC_OK && (shmrpci_load_relaxed(&client->watched) &
                                SHMRPCI_CLIENT_IN_DEBT) != 0) {
        shmrpci_retry_note_success(client);
    }
    /* After these two statuses our caller sends the call again, as a blocking
     * call. This function can't, because it uses started calls, which are never
     * sent again. */
    return status != SHMRPC_E_UNAVAILABLE && status != SHMRPC_E_SERVER_LOST;
}
