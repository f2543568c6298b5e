/*
 * Calls, from the client's side: encode in place, wait, decode.
 *
 * A call takes no lock, allocates nothing in the steady state, and reads ticks
 * once; the transport looks at the clock only when it has to wait.
 */
#include "rpc/client.h"

#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/beside.h"
#include "rpc/crowd.h"
#include "rpc/hedge.h"
#include "rpc/limits.h"
#include "rpc/misuse.h"
#include "rpc/retry.h"

/* On OK the call waits to be released (unless oneway), over a link that is to
 * be left. */
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
            /* It has been given up, and the error says why. */
        } else if (shmrpci_pending_is_repeatable(p, status)) {
            shmrpci_pending_leave(p);
            continue;
        }
        shmrpci_pending_leave(p);
        return status;
    }
}

/* A call with something beside it, in a function of its own: others are to pay
 * for no more than one look. Its reply goes to `reply`, or its value to
 * `result`. */
static __attribute__((noinline)) int
call_beside(shmrpc_client *client, uint32_t method, const void *params,
            const shmrpc_opts *opts, void *result, const void **reply,
            shmrpc_error *error, bool is_retry, shmrpci_attempt *out)
{
    shmrpci_pending p;
    shmrpc_error own;
    /* Interceptors see how it has ended, also if the caller does not. */
    error = error != NULL ? error : &own;
    int status = shmrpci_pending_init(&p, client, method, params, opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    p.is_retry = is_retry;
    status = shmrpci_beside_begin(&p, opts);
    out->deadline_ns = p.deadline_ns;
    if (status == SHMRPC_OK) {
        status = exchange(&p, true);
        if (status == SHMRPC_OK) {
            if ((p.method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
                status = shmrpci_beside_take_reply(&p);
                status = status != SHMRPC_OK ? status
                         : reply != NULL     ? shmrpci_pending_reply(&p, reply)
                                         : shmrpci_pending_value(&p, result);
            }
            shmrpci_pending_leave(&p);
        }
    }
    status = shmrpci_beside_end(&p, status);
    out->retry_after_ns = p.retry_after_ns;
    if (p.method->policy.attempts > 1 && status >= SHMRPC_OK) {
        shmrpci_retry_note_success(client);
    }
    return status;
}

/* ---- all instances ------------------------------------------------------- */

/* Between two rounds in which nobody was there. */
#define CROWD_PAUSE_NS (10 * SHMRPCI_NS_PER_MS)

/* What call_beside is given. */
typedef struct whole {
    uint32_t method;
    const void *params;
    void *result;
    const void **reply;
    shmrpc_error *error;
    bool is_retry;
} whole;

static int call_member(shmrpc_client *member, const whole *c,
                       const shmrpc_opts *opts, int64_t deadline_ns,
                       uint32_t more_flags, shmrpci_attempt *out)
{
    shmrpc_opts own = opts != NULL ? *opts : (shmrpc_opts){0};
    own.flags |= more_flags;
    own.timeout_ns = shmrpci_remaining_ns(deadline_ns);
    own.timeout_ns = own.timeout_ns > 0 ? own.timeout_ns : 1;
    return call_beside(member, c->method, c->params, &own, c->result, c->reply,
                       c->error, c->is_retry, out);
}

/* Goes from member to member, until one has taken the call. */
static int call_someone(shmrpci_crowd *crowd, const whole *c,
                        const shmrpc_opts *opts, int64_t deadline_ns,
                        shmrpci_attempt *out)
{
    uint64_t tried = 0;
    int status = SHMRPC_E_UNAVAILABLE;
    for (int any = 0; any < 2; any++) {
        uint32_t index;
        shmrpc_client *member;
        while ((member = shmrpci_crowd_enter(crowd, &tried, any != 0,
                                             &index)) != NULL) {
            status = call_member(member, c, opts, deadline_ns,
                                 SHMRPC_OPT_NONBLOCK, out);
            bool is_gone =
                status == SHMRPC_E_UNAVAILABLE && !c->error->may_have_run;
            shmrpci_crowd_leave(crowd, index, is_gone);
            if (!is_gone && status != SHMRPC_E_BUSY) {
                return status;
            }
        }
    }
    return status;
}

static int call_crowd(shmrpc_client *client, const whole *c,
                      const shmrpc_opts *opts, shmrpci_attempt *out)
{
    shmrpci_crowd *crowd = client->crowd;
    const shmrpc_method *it = &client->service->methods[c->method];
    bool may_wait = opts == NULL || (opts->flags & SHMRPC_OPT_NONBLOCK) == 0;
    int64_t timeout_ns = opts != NULL && opts->timeout_ns != 0
                             ? opts->timeout_ns
                         : it->timeout_ns != 0 ? it->timeout_ns
                                               : client->timeout_ns;
    if (timeout_ns < 0) {
        return shmrpc_error_set(c->error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    int64_t deadline_ns = shmrpci_deadline_after(timeout_ns);
    for (;;) {
        shmrpci_crowd_look(crowd);
        int status = call_someone(crowd, c, opts, deadline_ns, out);
        out->deadline_ns = deadline_ns;
        if (status == SHMRPC_E_BUSY && may_wait) {
            return call_member(shmrpci_crowd_pick(crowd), c, opts, deadline_ns,
                               0, out);
        }
        if (status != SHMRPC_E_UNAVAILABLE || c->error->may_have_run ||
            !may_wait || shmrpci_waiting_is_interrupted() ||
            shmrpci_remaining_ns(deadline_ns) <= CROWD_PAUSE_NS) {
            return status;
        }
        shmrpci_sleep_until(shmrpci_deadline_after(CROWD_PAUSE_NS));
    }
}

/* One attempt of a call, over whatever the client has. */
static int attempt(shmrpc_client *client, uint32_t method, const void *params,
                   const shmrpc_opts *opts, void *result, const void **reply,
                   shmrpc_error *error, bool is_retry, shmrpci_attempt *out)
{
    shmrpc_error own;
    if (client->crowd == NULL) {
        return call_beside(client, method, params, opts, result, reply, error,
                           is_retry, out);
    }
    const whole c = {.method = method,
                     .params = params,
                     .result = result,
                     .reply = reply,
                     .error = error != NULL ? error : &own,
                     .is_retry = is_retry};
    int status = call_crowd(client, &c, opts, out);
    if (status >= SHMRPC_OK) {
        shmrpci_retry_note_success(client);
    }
    return status;
}

/* ---- more than one attempt ----------------------------------------------- */

/* What is left to a call that has failed, if it is to be sent again: its own
 * function, which others don't pay for. */
static __attribute__((noinline)) int
call_again(shmrpc_client *client, uint32_t method, const void *params,
           const shmrpc_opts *opts, void *result, const void **reply,
           shmrpc_error *error, int64_t deadline_ns, int64_t retry_after_ns,
           int status)
{
    const shmrpc_method *it = &client->service->methods[method];
    shmrpc_opts again = opts != NULL ? *opts : (shmrpc_opts){0};
    shmrpci_attempt last = {1, deadline_ns, retry_after_ns};
    while (shmrpci_retry_is_meant(it, opts, status) &&
           shmrpci_retry_wait(client, it, opts, &last)) {
        again.timeout_ns = shmrpci_remaining_ns(deadline_ns);
        if (again.timeout_ns == 0) {
            return status;
        }
        (void)shmrpci_add_relaxed(&client->retried, UINT64_C(1));
        status = attempt(client, method, params, &again, result, reply, error,
                         true, &last);
        last.number++;
        last.deadline_ns = deadline_ns;
    }
    return status;
}

/* A call of a method with `@hedge`: if it is lost it goes on as others do. */
static int call_twice(shmrpc_client *client, uint32_t method,
                      const void *params, const shmrpc_opts *opts, void *result,
                      const void **reply, shmrpc_error *error,
                      shmrpci_attempt *out)
{
    int status;
    if (shmrpci_hedge_call(client, method, params, opts, result, reply, error,
                           out, &status)) {
        return status;
    }
    shmrpc_opts rest = opts != NULL ? *opts : (shmrpc_opts){0};
    rest.timeout_ns = shmrpci_remaining_ns(out->deadline_ns);
    return rest.timeout_ns == 0
               ? status
               : attempt(client, method, params, &rest, result, reply, error,
                         status == SHMRPC_E_SERVER_LOST, out);
}

/* A call with something beside it, of a client that counts, or both. */
static __attribute__((noinline)) int
call_watched(shmrpc_client *client, uint32_t method, const void *params,
             const shmrpc_opts *opts, void *result, const void **reply,
             shmrpc_error *error)
{
    const shmrpc_method *it = &client->service->methods[method];
    shmrpci_attempt first = {.number = 1};
    if (shmrpci_client_is_closed(client)) {
        return shmrpci_client_misused(client, method, error);
    }
    int status = shmrpci_hedge_is_meant(it, opts)
                     ? call_twice(client, method, params, opts, result, reply,
                                  error, &first)
                     : attempt(client, method, params, opts, result, reply,
                               error, false, &first);
    return shmrpci_retry_is_meant(it, opts, status)
               ? call_again(client, method, params, opts, result, reply, error,
                            first.deadline_ns, first.retry_after_ns, status)
               : status;
}

int shmrpc_stub_call(shmrpc_client *client, uint32_t method, const void *params,
                     const shmrpc_opts *opts, void *result, shmrpc_error *error)
{
    shmrpci_pending p;
    if (shmrpci_beside_is_used(client, opts)) {
        return call_watched(client, method, params, opts, result, NULL, error);
    }
    int status = shmrpci_pending_init(&p, client, method, params, opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = exchange(&p, false);
    if (status == SHMRPC_OK) {
        if ((p.method->flags & SHMRPC_METHOD_ONEWAY) == 0) {
            status = shmrpci_pending_value(&p, result);
        }
        shmrpci_pending_leave(&p);
    }
    return status != SHMRPC_OK && shmrpci_retry_is_meant(p.method, opts, status)
               ? call_again(client, method, params, opts, result, NULL, error,
                            p.deadline_ns, p.retry_after_ns, status)
               : status;
}

int shmrpc_stub_call_reply(shmrpc_client *client, uint32_t method,
                           const void *params, const shmrpc_opts *opts,
                           const void **out, shmrpc_error *error)
{
    shmrpci_pending p;
    if (shmrpci_beside_is_used(client, opts)) {
        return call_watched(client, method, params, opts, NULL, out, error);
    }
    int status = shmrpci_pending_init(&p, client, method, params, opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = exchange(&p, false);
    if (status == SHMRPC_OK) {
        status = shmrpci_pending_reply(&p, out);
        shmrpci_pending_leave(&p);
    }
    return status != SHMRPC_OK && shmrpci_retry_is_meant(p.method, opts, status)
               ? call_again(client, method, params, opts, NULL, out, error,
                            p.deadline_ns, p.retry_after_ns, status)
               : status;
}

/* What a call by way of a reply has given. */
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
    if (it->policy.attempts > 1 || shmrpci_beside_is_used(client, opts)) {
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
