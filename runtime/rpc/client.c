/*
 * Calls, from the client's side: encode in place, wait, decode.
 *
 * A call takes no lock, allocates nothing in the steady state, and reads ticks
 * once; the transport reads the clock only when it has to wait.
 */
#include "rpc/client.h"

#include "os/clock.h"
#include "rpc/beside.h"
#include "rpc/crowd.h"
#include "rpc/hedge.h"
#include "rpc/misuse.h"
#include "rpc/retry.h"
#include "rpc/spread.h"
#include "shmrpc/discover.h"

/* Sends the call and receives its reply, and repeats it if that is safe. After
 * OK the caller must release the call, unless it is oneway, and drop its link.
 */
static inline __attribute__((always_inline)) int exchange(shmrpci_pending *p,
                                                          bool has_beside)
{
    for (;;) {
        int status = shmrpci_pending_start(p);
        if (status != SHMRPC_OK ||
            (p->method->flags & SHMRPC_METHOD_ONEWAY) != 0) {
            return status;
        }
        status = has_beside
                     ? shmrpci_beside_receive(p)
                     : p->link->client->receive(&p->call, p->deadline_ns);
        if (status == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        if (status == SHMRPC_E_DEADLINE) {
            status = shmrpci_pending_give_up(p);
        } else if (has_beside && status == SHMRPC_E_CANCELLED) {
            /* The call was given up; the error says why. */
        } else if (shmrpci_pending_is_repeatable(p, status)) {
            shmrpci_pending_leave(p);
            continue;
        }
        shmrpci_pending_leave(p);
        return status;
    }
}

/* Makes a call without metadata. `out` receives how the attempt ended, or is
 * NULL. */
static inline __attribute__((always_inline)) int
call_plain(const shmrpci_invocation *c, bool wants_reply, shmrpci_attempt *out)
{
    shmrpci_pending p;
    int status = shmrpci_pending_init(&p, c->client, c->method, c->params,
                                      c->opts, c->error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = exchange(&p, false);
    if (status == SHMRPC_OK) {
        if (wants_reply) {
            status = shmrpci_pending_reply(&p, c->reply);
        } else if ((p.method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
            status = shmrpci_pending_value(&p, c->result);
        }
        shmrpci_pending_leave(&p);
    }
    if (out != NULL) {
        out->deadline_ns = p.deadline_ns;
        out->retry_after_ns = p.retry_after_ns;
    }
    return status;
}

/* Makes a call with metadata, a parent or interceptors. */
static int call_beside(const shmrpci_invocation *c, shmrpci_attempt *out)
{
    shmrpci_pending p;
    shmrpc_error own;
    /* Interceptors see the error, also if the caller does not. */
    shmrpc_error *error = c->error != NULL ? c->error : &own;
    int status = shmrpci_pending_init(&p, c->client, c->method, c->params,
                                      c->opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    p.is_retry = c->is_retry;
    status = shmrpci_beside_begin(&p, c->opts);
    out->deadline_ns = p.deadline_ns;
    if (status == SHMRPC_OK) {
        status = exchange(&p, true);
        if (status == SHMRPC_OK) {
            if ((p.method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
                status = shmrpci_beside_take_reply(&p);
                status = status != SHMRPC_OK ? status
                         : c->reply != NULL
                             ? shmrpci_pending_reply(&p, c->reply)
                             : shmrpci_pending_value(&p, c->result);
            }
            shmrpci_pending_leave(&p);
        }
    }
    out->retry_after_ns = p.retry_after_ns;
    return shmrpci_beside_end(&p, status);
}

/* Makes one attempt over the client's own link. A repeated call takes the
 * longer path, which marks it as repeated. */
static int call_one(const shmrpci_invocation *c, shmrpci_attempt *out)
{
    return c->is_retry || shmrpci_beside_is_used(c->client, c->opts)
               ? call_beside(c, out)
               : call_plain(c, c->reply != NULL, out);
}

/* ---- all instances ------------------------------------------------------- */

/* Arguments of call_member. */
typedef struct member_call {
    const shmrpci_invocation *call;
    shmrpci_attempt *out;
} member_call;

static int call_member(void *user, shmrpc_client *member,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    const member_call *m = user;
    shmrpci_invocation own = *m->call;
    own.client = member;
    own.opts = opts;
    own.error = error;
    return call_one(&own, m->out);
}

static int call_crowd(const shmrpci_invocation *c, shmrpci_attempt *out)
{
    member_call user = {.call = c, .out = out};
    const shmrpci_crowd_call call = {
        .opts = c->opts,
        .timeout_ns = shmrpci_timeout_of(c->client, c->method, c->opts),
        .make = call_member,
        .user = &user};
    return shmrpci_crowd_make(c->client->crowd, &call, &out->deadline_ns,
                              c->error);
}

/* One attempt of a call, over the client's link or through a crowd. */
static int attempt(const shmrpci_invocation *c, shmrpci_attempt *out)
{
    shmrpc_client *client = c->client;
    bool is_crowd = client->crowd != NULL;
    int status = is_crowd ? call_crowd(c, out)
                 : client->spread != NULL
                     ? shmrpci_spread_make(c, out, call_one)
                     : call_one(c, out);
    bool counts =
        is_crowd || client->service->methods[c->method].policy.attempts > 1;
    if (counts && status >= SHMRPC_OK &&
        (shmrpci_load_relaxed(&client->watched) & SHMRPCI_CLIENT_IN_DEBT) !=
            0) {
        shmrpci_retry_note_success(client);
    }
    return status;
}

/* ---- more than one attempt ----------------------------------------------- */

/* Repeats a call of a method with `@retry` that failed with `status`, until it
 * succeeds or must not be repeated. */
static int call_again(const shmrpci_invocation *c, shmrpci_attempt last,
                      int status)
{
    const shmrpc_method *it = &c->client->service->methods[c->method];
    const int64_t deadline_ns = last.deadline_ns;
    shmrpc_opts opts = c->opts != NULL ? *c->opts : (shmrpc_opts){0};
    shmrpci_invocation again = *c;
    again.opts = &opts;
    again.is_retry = true;
    while (shmrpci_retry_is_meant(it, c->opts, status) &&
           shmrpci_retry_wait(c->client, it, c->opts, &last)) {
        opts.timeout_ns = shmrpci_remaining_ns(deadline_ns);
        if (opts.timeout_ns == 0) {
            return status;
        }
        (void)shmrpci_add_relaxed(&c->client->retried, UINT64_C(1));
        status = attempt(&again, &last);
        last.number++;
        last.deadline_ns = deadline_ns;
    }
    return status;
}

/* Makes a call of a method with `@hedge`. If its connection is lost, the call
 * continues like any other. */
static int call_twice(const shmrpci_invocation *c, shmrpci_attempt *out)
{
    int status;
    if (shmrpci_hedge_call(c, out, &status)) {
        return status;
    }
    shmrpc_opts opts = c->opts != NULL ? *c->opts : (shmrpc_opts){0};
    shmrpci_invocation rest = *c;
    rest.opts = &opts;
    rest.is_retry = status == SHMRPC_E_SERVER_LOST;
    opts.timeout_ns = shmrpci_remaining_ns(out->deadline_ns);
    return opts.timeout_ns == 0 ? status : attempt(&rest, out);
}

/* Makes a call that needs more than the plain path. It is a separate function
 * so that plain calls don't pay for it. (The argument is passed by value, so
 * that the members stay in registers.) */
static __attribute__((noinline)) int call_watched(shmrpci_invocation c)
{
    const shmrpc_method *it = &c.client->service->methods[c.method];
    shmrpci_attempt first = {.number = 1};
    if (shmrpci_client_is_closed(c.client)) {
        return shmrpci_client_misused(c.client, it, c.error);
    }
    int status = shmrpci_hedge_is_meant(it, c.opts) ? call_twice(&c, &first)
                                                    : attempt(&c, &first);
    return shmrpci_retry_is_meant(it, c.opts, status)
               ? call_again(&c, first, status)
               : status;
}

int shmrpc_stub_call(shmrpc_client *client, uint32_t method, const void *params,
                     const shmrpc_opts *opts, void *result, shmrpc_error *error)
{
    const shmrpci_invocation c = {.client = client,
                                  .method = method,
                                  .params = params,
                                  .opts = opts,
                                  .reply = NULL,
                                  .result = result,
                                  .error = error,
                                  .is_retry = false};
    return shmrpci_call_is_watched(client, opts) ? call_watched(c)
                                                 : call_plain(&c, false, NULL);
}

int shmrpc_stub_call_reply(shmrpc_client *client, uint32_t method,
                           const void *params, const shmrpc_opts *opts,
                           const void **out, shmrpc_error *error)
{
    const shmrpci_invocation c = {.client = client,
                                  .method = method,
                                  .params = params,
                                  .opts = opts,
                                  .reply = out,
                                  .result = NULL,
                                  .error = error,
                                  .is_retry = false};
    return shmrpci_call_is_watched(client, opts) ? call_watched(c)
                                                 : call_plain(&c, true, NULL);
}

/* Takes the value from a call's reply object. */
static int take_value(const shmrpc_method *method, int status, void *result,
                      const void **reply)
{
    if (status == SHMRPC_OK) {
        if (method->result != NULL) {
            memcpy(result, *reply, method->result->size);
        }
        shmrpc_stub_release(*reply);
        *reply = NULL;
    }
    return status;
}

int shmrpc_stub_call_fault(shmrpc_client *client, uint32_t method,
                           const void *params, const shmrpc_opts *opts,
                           void *result, const void **reply,
                           shmrpc_error *error)
{
    const shmrpc_method *it = &client->service->methods[method];
    shmrpc_opts all = opts != NULL ? *opts : (shmrpc_opts){0};
    shmrpci_pending p;
    all.flags |= SHMRPC_OPT_FAULTS;
    if (shmrpci_call_is_watched(client, opts)) {
        const void *out = NULL;
        int ended = take_value(
            it,
            shmrpc_stub_call_reply(client, method, params, &all, &out, error),
            result, &out);
        *reply = out != NULL ? out : *reply;
        return ended;
    }
    int status = shmrpci_pending_init(&p, client, method, params, &all, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = exchange(&p, false);
    if (status == SHMRPC_OK) {
        if ((p.method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
            status = p.call.head.status == SHMRPC_OK
                         ? shmrpci_pending_value(&p, result)
                         : shmrpci_pending_failed(&p, reply);
        }
        shmrpci_pending_leave(&p);
    }
    return status;
}

int shmrpc_ping(shmrpc_client *client, const shmrpc_opts *opts, int64_t *out_ns,
                shmrpc_error *error)
{
    shmrpci_client_method state = {0};
    shmrpci_pending p;
    if (client->crowd != NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "a client of all instances of %s can't measure "
                                "a round trip: connect to one of them",
                                client->service->name);
    }
    int status = shmrpci_pending_init_ping(&p, client, &state, opts, error);
    int64_t began_ns = shmrpci_now_ns();
    if (status == SHMRPC_OK) {
        status = exchange(&p, false);
    }
    if (status == SHMRPC_OK) {
        int64_t ended_ns = shmrpci_now_ns();
        status = shmrpci_pending_value(&p, NULL);
        shmrpci_pending_leave(&p);
        if (status == SHMRPC_OK) {
            *out_ns = ended_ns - began_ns;
        }
    }
    return status;
}

const void *shmrpc_stub_payload(const void *reply,
                                const shmrpc_error_type *type)
{
    const shmrpci_reply *own =
        reply != NULL ? shmrpci_reply_of_value(reply) : NULL;
    if (own != NULL && shmrpci_load_relaxed(&own->is_out) != 1u) {
        (void)shmrpci_misuse(NULL,
                             "a reply of method %s was used after release",
                             own->method->name);
        return NULL;
    }
    return own != NULL && own->thrown == type ? own->payload : NULL;
}

void shmrpc_stub_release(const void *reply)
{
    if (reply != NULL) {
        shmrpci_reply_put(shmrpci_reply_of_value(reply));
    }
}
