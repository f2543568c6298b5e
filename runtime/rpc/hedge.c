/* Two calls in flight, of which the first to end counts. */
#include "rpc/hedge.h"

#include "base/error.h"
#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/async.h"

/* How long one of the two is waited for before the other is looked at. */
#define TURN_NS (500 * SHMRPCI_NS_PER_US)

enum { CALLS = 2 };

/* One of the two: what it is given, and where its metadata comes. */
typedef struct attempt {
    shmrpc_call *call; /* NULL: not sent, or over */
    shmrpc_reply_metadata back;
} attempt;

typedef struct hedge {
    shmrpc_client *client;
    uint32_t method;
    const void *params;
    const shmrpc_opts *given;
    shmrpc_opts opts;
    void *result;
    const void **reply;
    shmrpc_error *error;
    attempt attempts[CALLS];
} hedge;

static int send(hedge *h, unsigned number)
{
    attempt *a = &h->attempts[number];
    if (h->given != NULL && h->given->reply_metadata != NULL) {
        a->back.len = 0;
        h->opts.reply_metadata = &a->back;
    }
    return shmrpci_async_start(h->client, h->method, h->params, &h->opts,
                               number > 0, &a->call, h->error);
}

/* The call of this number is over: how. */
static int take(hedge *h, unsigned number)
{
    attempt *a = &h->attempts[number];
    shmrpc_call *call = a->call;
    const shmrpc_service *service = h->client->service;
    a->call = NULL;
    if (h->given != NULL && h->given->reply_metadata != NULL) {
        *h->given->reply_metadata = a->back;
    }
    return h->reply != NULL ? shmrpc_stub_finish_reply(call, service, h->method,
                                                       h->reply, h->error)
                            : shmrpc_stub_finish(call, service, h->method,
                                                 h->result, h->error);
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
    return h->given != NULL && h->given->parent != NULL &&
           shmrpc_ctx_cancelled(h->given->parent);
}

static int abandon(hedge *h, const char *why)
{
    give_up(h);
    (void)shmrpc_error_set(h->error, SHMRPC_E_CANCELLED, "method %s: %s",
                           h->client->service->methods[h->method].name, why);
    shmrpci_error_ran(h->error, true);
    return SHMRPC_E_CANCELLED;
}

/* Waits for those that are in flight, in turns, until one ends in what counts,
 * or all have ended, or `until_ns`, when it returns DEADLINE. */
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
                *out_status = abandon(h,
                                      "the call that it was made for is "
                                      "cancelled");
                return true;
            }
        }
    }
    *out_status = status;
    return true;
}

/* One more that the client can afford; what goes wrong with it is nobody's
 * concern. */
static void send_second(hedge *h, const shmrpci_attempt *first)
{
    shmrpc_error *error = h->error;
    int64_t left_ns = shmrpci_remaining_ns(first->deadline_ns);
    if (left_ns == 0 || !shmrpci_retry_pay(h->client)) {
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

bool shmrpci_hedge_call(shmrpc_client *client, uint32_t method,
                        const void *params, const shmrpc_opts *opts,
                        void *result, const void **reply, shmrpc_error *error,
                        shmrpci_attempt *out, int *out_status)
{
    shmrpc_error own;
    hedge h = {.client = client,
               .method = method,
               .params = params,
               .given = opts,
               .opts = opts != NULL ? *opts : (shmrpc_opts){0},
               .result = result,
               .reply = reply,
               .error = error != NULL ? error : &own};
    *out = (shmrpci_attempt){.number = 1};
    int status = send(&h, 0);
    if (status != SHMRPC_OK) {
        *out_status = status;
        return true;
    }
    out->deadline_ns = shmrpci_async_deadline_ns(h.attempts[0].call);
    int64_t hedge_ns = shmrpci_deadline_after(
        client->service->methods[method].policy.hedge_ns);
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
    /* Calls that were started are not sent again: that is for those that
     * block. */
    return status != SHMRPC_E_UNAVAILABLE && status != SHMRPC_E_SERVER_LOST;
}
