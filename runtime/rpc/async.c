/* Starting, finishing and giving up asynchronous calls. */
#include "rpc/async.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/beside.h"
#include "rpc/crowd.h"
#include "rpc/misuse.h"

/* How long to wait for one call before checking whether others have ended. */
#define TURN_NS (1 * SHMRPCI_NS_PER_MS)

/* ---- the end of a call --------------------------------------------------- */

/* Releases a held call, which is over or still in flight. */
static void let_go(shmrpc_call *call, bool is_over)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD,
                   "only the holder of a call ends the hold");
    shmrpci_async_state state =
        call->end != NULL
            ? (is_over ? SHMRPCI_ASYNC_DUE : SHMRPCI_ASYNC_OWED)
            : (is_over ? SHMRPCI_ASYNC_ENDED : SHMRPCI_ASYNC_FLYING);
    /* Release: to the next holder. */
    shmrpci_store_release(&call->state, (uint32_t)state);
}

/* Holds a call if it is in flight. The caller has the lock. */
static bool hold_flying(shmrpc_call *call)
{
    return shmrpci_async_hold(call, SHMRPCI_ASYNC_FLYING) ||
           shmrpci_async_hold(call, SHMRPCI_ASYNC_OWED);
}

/* Drops the link of a call whose slot has been freed. */
static inline void leave(shmrpc_call *call)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->holds) == call->pending.link,
                   "a call holds its link until it is over");
    shmrpci_pending_leave(&call->pending);
    call->pending.link = NULL;
}

/* Drops the link of a call that has ended with `status`, and tells its
 * interceptors. Returns the final status. */
static inline int over(shmrpc_call *call, int status)
{
    leave(call);
    return call->pending.beside != NULL
               ? shmrpci_beside_end(&call->pending, status)
               : status;
}

/* Removes the metadata from the reply. */
static inline int take_beside(shmrpci_pending *p)
{
    return p->beside != NULL ? shmrpci_beside_take_reply(p) : SHMRPC_OK;
}

/* Ends a call that got no reply. `received` is the status of the transport's
 * receive. */
static int ended(shmrpci_pending *p, int received)
{
    if (received == SHMRPC_E_DEADLINE) {
        return shmrpci_pending_give_up(p);
    }
    return received == SHMRPC_E_UNAVAILABLE
               ? shmrpci_pending_not_run(p, shmrpci_pending_not_sent(p))
               : shmrpci_pending_lost(p, received);
}

/* Writes the outcome of a held call into its object. */
static void settle(shmrpc_call *call, int received)
{
    shmrpci_pending *p = &call->pending;
    SHMRPCI_ASSERT(p->link != NULL, "a call that ends has a link");
    p->error = &call->error;
    call->reply = NULL;
    int status = received == SHMRPC_OK ? take_beside(p) : ended(p, received);
    if (status == SHMRPC_OK) {
        status = shmrpci_pending_reply(p, &call->reply);
    }
    call->status = over(call, status);
}

bool shmrpci_async_look(shmrpc_call *call, int64_t now_ns)
{
    shmrpci_pending *p = &call->pending;
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD,
                   "the call is held");
    int status = p->link->client->receive(&p->call, 0);
    if (status == SHMRPC_E_DEADLINE && now_ns < p->deadline_ns) {
        return false;
    }
    settle(call, status);
    return true;
}

bool shmrpci_async_cancel(shmrpc_call *call)
{
    shmrpci_pending *p = &call->pending;
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD &&
                       p->link != NULL,
                   "the call is held, and not over");
    bool withdrawn = p->link->client->cancel(&p->call);
    call->reply = NULL;
    p->error = &call->error;
    call->status = shmrpc_error_set(&call->error, SHMRPC_E_CANCELLED,
                                    "method %s: cancelled", p->method->name);
    shmrpci_error_ran(&call->error, !withdrawn);
    (void)over(call, call->status);
    return withdrawn;
}

/* ---- room ---------------------------------------------------------------- */

static int64_t now_of(shmrpc_client *client)
{
    return shmrpci_call_clock_at(&client->clock, shmrpci_ticks());
}

/* Ends the calls that are over, and returns whether there were any. The caller
 * has the lock. Their callbacks run in the next dispatch. */
static bool harvest(shmrpci_async *async)
{
    bool any = false;
    int64_t now_ns = now_of(async->client);
    shmrpci_async_walk walk = shmrpci_async_walk_from(&async->first);
    shmrpc_call *call;
    while ((call = shmrpci_async_next(&walk)) != NULL) {
        if (hold_flying(call)) {
            bool is_over = shmrpci_async_look(call, now_ns);
            let_go(call, is_over);
            any = any || is_over;
        }
    }
    return any;
}

/* Holds and returns the call in flight that was sent first, or NULL. The caller
 * has the lock. */
static shmrpc_call *hold_oldest(shmrpci_async *async)
{
    shmrpc_call *oldest = NULL;
    shmrpci_async_walk walk = shmrpci_async_walk_from(&async->first);
    shmrpc_call *call;
    while ((call = shmrpci_async_next(&walk)) != NULL) {
        if (!hold_flying(call)) {
            continue;
        }
        shmrpc_call *later = call;
        if (oldest == NULL ||
            (int64_t)(call->pending.ticks - oldest->pending.ticks) < 0) {
            later = oldest;
            oldest = call;
        }
        if (later != NULL) {
            let_go(later, false);
        }
    }
    return oldest;
}

/* Waits a while for the oldest call to end, which frees its slot. The caller
 * has the lock. Returns false if all slots are used by calls that aren't
 * asynchronous. */
static bool await_end(shmrpci_async *async, int64_t deadline_ns)
{
    shmrpc_call *call = hold_oldest(async);
    if (call == NULL) {
        return false;
    }
    shmrpci_pending *p = &call->pending;
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD,
                   "the awaited call is held");
    int64_t until_ns = now_of(async->client) + TURN_NS;
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    int status = p->link->client->receive(&p->call, until_ns);
    bool is_over = status != SHMRPC_E_DEADLINE;
    if (is_over) {
        settle(call, status);
    }
    let_go(call, is_over);
    return true;
}

bool shmrpci_async_make_room(shmrpci_async *async, int64_t deadline_ns,
                             bool may_wait)
{
    shmrpci_mutex_lock(&async->lock);
    bool any = harvest(async);
    if (!any && may_wait && !shmrpci_waiting_is_interrupted() &&
        now_of(async->client) < deadline_ns) {
        any = await_end(async, deadline_ns);
    }
    if (any) {
        shmrpci_async_kick(async);
    }
    shmrpci_mutex_unlock(&async->lock);
    return any;
}

/* ---- starting ------------------------------------------------------------ */

/* Extra arguments of a call with a callback, or of a loan; otherwise zeros. */
typedef struct form {
    shmrpc_stub_end end;
    shmrpc_function done;
    void *user;
    bool is_loan;
    bool is_repeated;
    size_t loan_bytes;
} form;

/* Waits for the end of a held call, at most `patience_ns`. Returns whether it
 * is over. */
static bool is_soon(shmrpc_call *call, int64_t patience_ns)
{
    shmrpci_pending *p = &call->pending;
    shmrpci_mutex_lock(&call->async->lock);
    shmrpci_async_enter(call->async, call);
    shmrpci_mutex_unlock(&call->async->lock);
    int64_t until_ns = now_of(p->client) + patience_ns;
    bool is_last = until_ns >= p->deadline_ns;
    int status =
        p->link->client->receive(&p->call, is_last ? p->deadline_ns : until_ns);
    if (status == SHMRPC_E_DEADLINE && !is_last) {
        return false;
    }
    settle(call, status);
    return true;
}

/* Hands a held call over to the loop. */
static void owe(shmrpc_call *call)
{
    shmrpci_async *async = call->async;
    SHMRPCI_ASSERT(call->end != NULL && call->done != NULL,
                   "only calls with a callback are left to the loop");
    shmrpci_mutex_lock(&async->lock);
    let_go(call, false);
    shmrpci_async_sent(async, call);
    shmrpci_mutex_unlock(&async->lock);
}

static int start_beside(shmrpci_pending *p, const shmrpc_opts *opts)
{
    int status = shmrpci_beside_begin(p, opts);
    if (status == SHMRPC_OK) {
        status = shmrpci_pending_start(p);
    }
    return status == SHMRPC_OK ? SHMRPC_OK : shmrpci_beside_end(p, status);
}

static inline int start(shmrpci_async *async, shmrpc_call *call,
                        uint32_t method, const void *params,
                        const shmrpc_opts *opts, const form *as,
                        shmrpc_error *error)
{
    shmrpci_pending *p = &call->pending;
    if (shmrpci_load_acquire(&async->is_closing) != 0) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "the client is being closed");
    }
    int status =
        shmrpci_pending_init(p, async->client, method, params, opts, error);
    if (status == SHMRPC_OK) {
        p->flags = as->end != NULL ? (uint32_t)SHMRPCI_HEAD_TOLD : 0u;
        p->is_long = as->is_loan || as->is_repeated;
        p->runs = as->is_repeated ? 1 : 0;
        p->is_held = as->is_loan;
        p->is_loan = as->is_loan;
        p->loan_bytes = as->loan_bytes;
        p->hazard = &call->holds;
        status = shmrpci_beside_is_used(async->client, opts)
                     ? start_beside(p, opts)
                     : shmrpci_pending_start(p);
    }
    p->params = NULL;
    p->error = NULL;
    return status;
}

/* Sends a held call, or lends the memory for its body, over the client's own
 * link. */
static int start_at(shmrpc_client *client, uint32_t method, const void *params,
                    const shmrpc_opts *opts, const form *as, shmrpc_call **out,
                    shmrpc_error *error)
{
    shmrpci_async *async = shmrpci_async_have(client);
    async = async != NULL ? async : shmrpci_async_of(client);
    shmrpc_call *call = async != NULL ? shmrpci_async_take(async) : NULL;
    if (call == NULL && shmrpci_client_is_closed(client)) {
        return shmrpci_client_misused(client, &client->service->methods[method],
                                      error);
    }
    if (call == NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                               "no more calls can be in flight");
        shmrpci_error_ran(error, false);
        return SHMRPC_E_NO_MEMORY;
    }
    call->end = as->end;
    call->done = as->done;
    call->user = as->user;
    int status = start(async, call, method, params, opts, as, error);
    if (status != SHMRPC_OK) {
        shmrpci_async_free(call);
        return status;
    }
    *out = call;
    return SHMRPC_OK;
}

/* Arguments of start_member. */
typedef struct crowd_start {
    uint32_t method;
    const void *params;
    const form *as;
    shmrpc_call **out;
} crowd_start;

static int start_member(void *user, shmrpc_client *member,
                        const shmrpc_opts *opts, shmrpc_error *error)
{
    const crowd_start *c = user;
    return start_at(member, c->method, c->params, opts, c->as, c->out, error);
}

/* Starts a call over the client's link, or at a member if the client is a
 * crowd. */
static int start_new(shmrpc_client *client, uint32_t method, const void *params,
                     const shmrpc_opts *opts, const form *as, shmrpc_call **out,
                     shmrpc_error *error)
{
    if (client->crowd == NULL) {
        return start_at(client, method, params, opts, as, out, error);
    }
    int64_t deadline_ns;
    crowd_start start = {
        .method = method, .params = params, .as = as, .out = out};
    const shmrpci_crowd_call call = {
        .opts = opts,
        .timeout_ns = shmrpci_timeout_of(client, method, opts),
        .make = start_member,
        .user = &start};
    return shmrpci_crowd_make(client->crowd, &call, &deadline_ns, error);
}

int shmrpci_async_start(shmrpc_client *client, uint32_t method,
                        const void *params, const shmrpc_opts *opts,
                        bool is_repeated, shmrpc_call **out,
                        shmrpc_error *error)
{
    const form as = {.is_repeated = is_repeated};
    int status = start_new(client, method, params, opts, &as, out, error);
    if (status == SHMRPC_OK) {
        shmrpc_call *call = *out;
        *out = shmrpci_async_handle(call);
        let_go(call, false);
    }
    return status;
}

int shmrpc_stub_start(shmrpc_client *client, uint32_t method,
                      const void *params, const shmrpc_opts *opts,
                      shmrpc_call **out, shmrpc_error *error)
{
    return shmrpci_async_start(client, method, params, opts, false, out, error);
}

int64_t shmrpci_async_deadline_ns(const shmrpc_call *handle)
{
    return shmrpci_async_object(handle)->pending.deadline_ns;
}

int shmrpc_stub_async(shmrpc_client *client, uint32_t method,
                      const void *params, const shmrpc_opts *opts,
                      shmrpc_call **out, shmrpc_error *error,
                      shmrpc_stub_end end, shmrpc_function done, void *user)
{
    return shmrpc_stub_async_soon(client, method, params, opts, 0, out, error,
                                  end, done, user);
}

int shmrpc_stub_async_soon(shmrpc_client *client, uint32_t method,
                           const void *params, const shmrpc_opts *opts,
                           int64_t patience_ns, shmrpc_call **out,
                           shmrpc_error *error, shmrpc_stub_end end,
                           shmrpc_function done, void *user)
{
    const form as = {.end = end, .done = done, .user = user};
    shmrpc_call *call = NULL;
    if (done == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID, "`done` is NULL");
    }
    if (client->crowd != NULL) {
        return shmrpci_crowd_has_no_loop(error);
    }
    int status = start_new(client, method, params, opts, &as, &call, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (out != NULL) {
        *out = shmrpci_async_handle(call);
    }
    if (patience_ns > 0 && is_soon(call, patience_ns)) {
        shmrpci_async_tell(call);
    } else {
        owe(call);
    }
    return SHMRPC_OK;
}

/* ---- loans --------------------------------------------------------------- */

int shmrpc_stub_loan(shmrpc_client *client, uint32_t method, size_t len,
                     const shmrpc_opts *opts, uint8_t **at, shmrpc_call **out,
                     shmrpc_error *error)
{
    const form as = {.is_loan = true, .loan_bytes = len};
    int status = start_new(client, method, NULL, opts, &as, out, error);
    if (status == SHMRPC_OK) {
        shmrpc_call *call = *out;
        SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD,
                       "nobody else has a call before it is lent");
        shmrpci_store_release(&call->state, (uint32_t)SHMRPCI_ASYNC_LOANED);
        const shmrpci_buf *body = &call->pending.call.out;
        *at = body->data + (body->len - len);
        *out = shmrpci_async_handle(call);
    }
    return status;
}

/* Reports that the program uses the handle of a call that has ended. */
static int misused(const shmrpc_call *handle, shmrpc_error *error)
{
    const shmrpc_call *object = shmrpci_async_object(handle);
    return shmrpci_misuse(
        error,
        "a call of method %s was used after it was finished or released, after "
        "its callback ran, or after its client was closed",
        object->pending.method->name);
}

int shmrpc_stub_send(shmrpc_call *handle, shmrpc_error *error)
{
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        return misused(handle, error);
    }
    shmrpci_pending *p = &call->pending;
    if (call->async->generation != shmrpci_fork_generation()) {
        return shmrpc_error_set(
            error, SHMRPC_E_FORKED,
            "the loan belongs to the parent process: it was made before fork");
    }
    if (!shmrpci_async_hold(call, SHMRPCI_ASYNC_LOANED)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "this call of %s was already sent",
                                p->method->name);
    }
    p->error = error;
    shmrpci_pending_shorten(p);
    int status = shmrpci_pending_commit(p);
    if (status == SHMRPC_OK) {
        p->error = NULL;
        let_go(call, false);
    } else {
        (void)shmrpci_pending_not_run(p, status);
        (void)over(call, status);
        shmrpci_async_free(call);
    }
    return status;
}

/* ---- finishing ----------------------------------------------------------- */

/* Holds a call that is FLYING (as most calls are when the program finishes
 * them) or ENDED. Returns whether it was FLYING. */
static inline bool hold_own(shmrpc_call *call)
{
    while (!shmrpci_async_hold(call, SHMRPCI_ASYNC_FLYING)) {
        if (shmrpci_async_hold(call, SHMRPCI_ASYNC_ENDED)) {
            return false;
        }
        /* A thread that makes room holds the call. It has the lock, so wait
         * until it releases the lock. */
        shmrpci_mutex_lock(&call->async->lock);
        shmrpci_mutex_unlock(&call->async->lock);
    }
    return true;
}

bool shmrpci_async_wait(shmrpc_call *handle, int64_t until_ns)
{
    shmrpc_call *call = shmrpci_async_object(handle);
    shmrpci_pending *p = &call->pending;
    if (!hold_own(call)) {
        let_go(call, true);
        return true;
    }
    bool is_last = until_ns >= p->deadline_ns;
    int status =
        p->link->client->receive(&p->call, is_last ? p->deadline_ns : until_ns);
    bool is_over = status != SHMRPC_E_DEADLINE || is_last;
    if (is_over) {
        settle(call, status);
    }
    let_go(call, is_over);
    return is_over;
}

/* Whether the program is still writing the call's body. Such a call can't be
 * waited for. */
static bool is_lent(const shmrpc_call *call)
{
    /* Acquire: pairs with the release of the loan. */
    return shmrpci_load_acquire(&call->state) == SHMRPCI_ASYNC_LOANED;
}

static int await_beside(shmrpci_pending *p)
{
    int status = shmrpci_beside_receive(p);
    return status == SHMRPC_OK            ? shmrpci_beside_take_reply(p)
           : status == SHMRPC_E_CANCELLED ? status
                                          : ended(p, status);
}

/* Waits for a held call. Returns OK if there is a reply, which must be decoded.
 */
static inline int await(shmrpci_pending *p)
{
    if (p->beside != NULL) {
        return await_beside(p);
    }
    int status = p->link->client->receive(&p->call, p->deadline_ns);
    return status == SHMRPC_OK ? SHMRPC_OK : ended(p, status);
}

static bool is_inherited(const shmrpc_call *call)
{
    return call->async->generation != shmrpci_fork_generation();
}

/* Checks the method, because decoding the reply of another method would write
 * to the wrong memory. */
static bool is_of(const shmrpc_call *call, const shmrpc_service *service,
                  uint32_t method)
{
    return call->pending.method == &service->methods[method] &&
           call->end == NULL && !is_lent(call);
}

static int not_yours(const shmrpc_call *call, shmrpc_error *error)
{
    if (is_inherited(call)) {
        return shmrpc_error_set(
            error, SHMRPC_E_FORKED,
            "the call belongs to the parent process: it was made before fork");
    }
    return shmrpc_error_set(error, SHMRPC_E_INVALID,
                            "this is a call of %s%s; the call continues",
                            call->pending.method->name,
                            is_lent(call)       ? " that was not sent"
                            : call->end != NULL ? " with a callback"
                                                : "");
}

/* The object may hold another call by now, so the message names the method that
 * the caller gave. */
static int finished_twice(const shmrpc_method *method, shmrpc_error *error)
{
    return shmrpci_misuse(
        error,
        "a call of method %s was finished twice, or after its "
        "release, or its client's close",
        method->name);
}

static int outcome(const shmrpc_call *call, shmrpc_error *error)
{
    if (call->status != SHMRPC_OK && error != NULL) {
        *error = call->error;
    }
    return call->status;
}

int shmrpc_stub_finish(shmrpc_call *handle, const shmrpc_service *service,
                       uint32_t method, void *result, shmrpc_error *error)
{
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        return finished_twice(&service->methods[method], error);
    }
    if (is_inherited(call) || !is_of(call, service, method)) {
        return not_yours(call, error);
    }
    shmrpci_pending *p = &call->pending;
    int status;
    if (hold_own(call)) {
        p->error = error;
        status = await(p);
        status =
            status == SHMRPC_OK ? shmrpci_pending_value(p, result) : status;
        status = over(call, status);
    } else {
        status = outcome(call, error);
        if (status == SHMRPC_OK && p->method->result != NULL) {
            memcpy(result, call->reply, p->method->result->size);
        }
        shmrpc_stub_release(call->reply);
    }
    shmrpci_async_free(call);
    return status;
}

int shmrpc_stub_finish_reply(shmrpc_call *handle, const shmrpc_service *service,
                             uint32_t method, const void **reply,
                             shmrpc_error *error)
{
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        return finished_twice(&service->methods[method], error);
    }
    if (is_inherited(call) || !is_of(call, service, method)) {
        return not_yours(call, error);
    }
    shmrpci_pending *p = &call->pending;
    int status;
    if (hold_own(call)) {
        p->error = error;
        status = await(p);
        status = status == SHMRPC_OK ? shmrpci_pending_reply(p, reply) : status;
        status = over(call, status);
    } else {
        status = outcome(call, error);
        if (call->reply != NULL) {
            *reply = call->reply;
        }
    }
    shmrpci_async_free(call);
    return status;
}

/* ---- giving up ----------------------------------------------------------- */

static bool cancel(shmrpc_call *call)
{
    shmrpci_async *async = call->async;
    bool withdrawn = false;
    if (is_inherited(call)) {
        return false;
    }
    shmrpci_mutex_lock(&async->lock);
    /* If this fails, the call is over, or another thread is ending it. */
    if (hold_flying(call)) {
        withdrawn = !shmrpci_async_look(call, 0) && shmrpci_async_cancel(call);
        let_go(call, true);
        shmrpci_async_kick(async);
    }
    shmrpci_mutex_unlock(&async->lock);
    return withdrawn;
}

bool shmrpc_call_cancel(shmrpc_call *handle)
{
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        (void)misused(handle, NULL);
        return false;
    }
    return cancel(call);
}

bool shmrpc_call_is_over(shmrpc_call *handle)
{
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        (void)misused(handle, NULL);
        return true;
    }
    if (is_inherited(call) || !shmrpci_async_hold(call, SHMRPCI_ASYNC_FLYING)) {
        /* Acquire: pairs with let_go by a thread that made room. */
        return is_inherited(call) ||
               shmrpci_load_acquire(&call->state) == SHMRPCI_ASYNC_ENDED;
    }
    bool is_over = shmrpci_async_look(call, now_of(call->pending.client));
    if (!is_over) {
        shmrpci_mutex_lock(&call->async->lock);
        shmrpci_async_probe(call->async, call->pending.link);
        shmrpci_mutex_unlock(&call->async->lock);
    }
    let_go(call, is_over);
    return is_over;
}

void shmrpci_async_release(shmrpc_call *call)
{
    if (call->end != NULL) {
        (void)cancel(call); /* its callback has yet to run */
        return;
    }
    if (shmrpci_async_hold(call, SHMRPCI_ASYNC_LOANED)) {
        call->pending.link->client->abort(&call->pending.call);
        (void)over(call, SHMRPC_E_CANCELLED);
        call->reply = NULL;
    } else if (hold_own(call)) {
        (void)shmrpci_async_cancel(call);
    }
    shmrpc_stub_release(call->reply);
    shmrpci_async_free(call);
}

void shmrpc_call_release(shmrpc_call *handle)
{
    if (handle == NULL) {
        return;
    }
    shmrpc_call *call = shmrpci_async_call(handle);
    if (call == NULL) {
        (void)misused(handle, NULL);
    } else if (!is_inherited(call)) {
        shmrpci_async_release(call);
    }
}
