/*
 * Calls, from the client's side: encode in place, wait, decode.
 *
 * A call takes no lock, allocates nothing in the steady state, and reads ticks
 * once; the transport looks at the clock only when it has to wait.
 */
#include "rpc/client.h"

#include "os/clock.h"
#include "rpc/beside.h"
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
        status = call_beside(client, method, params, &again, result, reply,
                             error, true, &last);
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
               : call_beside(client, method, params, &rest, result, reply,
                             error, status == SHMRPC_E_SERVER_LOST, out);
}

/* A call with something beside it, of a client that counts, or both. */
static __attribute__((noinline)) int
call_watched(shmrpc_client *client, uint32_t method, const void *params,
             const shmrpc_opts *opts, void *result, const void **reply,
             shmrpc_error *error)
{
    const shmrpc_method *it = &client->service->methods[method];
    shmrpci_attempt first = {.number = 1};
    int status = shmrpci_hedge_is_meant(it, opts)
                     ? call_twice(client, method, params, opts, result, reply,
                                  error, &first)
                     : call_beside(client, method, params, opts, result, reply,
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
