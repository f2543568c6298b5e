/* Calls that outlive their handlers. */
#include "rpc/detach.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/fork.h"
#include "rpc/misuse.h"
#include "shmrpc/server.h"

/* The detached calls answered last, of all servers. */
static shmrpci_graveyard answered;

static shmrpci_dispatcher *dispatcher_of(shmrpc_ctx *ctx)
{
    return (shmrpci_dispatcher *)(void *)((char *)ctx -
                                          offsetof(shmrpci_dispatcher, ctx));
}

static const shmrpci_worker_ops *ops_of(const shmrpci_request *request)
{
    return request->participant->transport->worker;
}

/* ---- state of a call ----------------------------------------------------- */

bool shmrpci_dispatcher_equip(shmrpci_dispatcher *w)
{
    w->room = aligned_alloc(64, sizeof *w->room);
    w->beside = calloc(1, sizeof *w->beside);
    w->ctx.beside = w->beside;
    return w->room != NULL && w->beside != NULL;
}

void shmrpci_dispatcher_strip(shmrpci_dispatcher *w)
{
    free(w->room);
    free(w->beside);
}

/* ---- the calls of a worker ----------------------------------------------- */

static shmrpci_detached_set *set_new(void)
{
    shmrpci_detached_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        shmrpci_mutex_init(&set->replies);
        shmrpci_mutex_init(&set->lock);
        shmrpci_cond_init(&set->changed);
        set->refs = 1;
    }
    return set;
}

static void set_unref(shmrpci_detached_set *set)
{
    shmrpci_mutex_lock(&set->lock);
    bool is_last = --set->refs == 0;
    shmrpci_mutex_unlock(&set->lock);
    if (is_last) {
        SHMRPCI_ASSERT(set->first == NULL,
                       "a call in the list has a reference");
        shmrpci_cond_fini(&set->changed);
        shmrpci_mutex_fini(&set->lock);
        shmrpci_mutex_fini(&set->replies);
        free(set);
    }
}

/* Adds a call to the set. Returns false if the set is full. */
static bool enter(shmrpci_detached_set *set, shmrpci_detached *d)
{
    shmrpci_mutex_lock(&set->lock);
    bool has_room = set->count < SHMRPC_DETACHED_MAX;
    if (has_room) {
        d->set = set;
        d->next = set->first;
        if (d->next != NULL) {
            d->next->previous = d;
        }
        set->first = d;
        set->count++;
        set->refs++;
    }
    shmrpci_mutex_unlock(&set->lock);
    return has_room;
}

void shmrpci_detached_leave(shmrpci_detached *d, shmrpci_detached_state state)
{
    shmrpci_detached_set *set = d->set;
    shmrpci_mutex_lock(&set->lock);
    if (d->previous != NULL) {
        d->previous->next = d->next;
    } else {
        set->first = d->next;
    }
    if (d->next != NULL) {
        d->next->previous = d->previous;
    }
    set->count--;
    shmrpci_store_release(&d->state, (uint32_t)state);
    shmrpci_cond_broadcast(&set->changed);
    shmrpci_mutex_unlock(&set->lock);
}

/* ---- detached contexts --------------------------------------------------- */

static const shmrpci_detached *detached_of(const shmrpci_request *request)
{
    return (const shmrpci_detached *)(const void *)((const char *)request -
                                                    offsetof(shmrpci_detached,
                                                             request));
}

/* Takes the lock, because the transport frees the request when the worker ends
 * the call. */
static bool late_is_cancelled(const shmrpci_request *request)
{
    const shmrpci_detached *d = detached_of(request);
    shmrpci_mutex_lock(&d->set->lock);
    bool is_cancelled =
        shmrpci_load_acquire(&d->state) != SHMRPCI_DETACHED_OPEN ||
        ops_of(request)->is_cancelled(request);
    shmrpci_mutex_unlock(&d->set->lock);
    return is_cancelled;
}

/* Takes the lock for the same reason as late_is_cancelled. */
static bool late_is_draining(const shmrpci_request *request)
{
    const shmrpci_detached *d = detached_of(request);
    shmrpci_mutex_lock(&d->set->lock);
    bool is_draining =
        shmrpci_load_acquire(&d->state) != SHMRPCI_DETACHED_OPEN ||
        ops_of(request)->is_draining(request);
    shmrpci_mutex_unlock(&d->set->lock);
    return is_draining;
}

static uint64_t late_connection(const shmrpci_request *request)
{
    return detached_of(request)->connection;
}

static void late_reserve(shmrpci_request *request, size_t size_hint)
{
    ops_of(request)->reply_reserve(request, size_hint);
}

static const shmrpci_worker_ops late_ops = {.reply_reserve = late_reserve,
                                            .is_cancelled = late_is_cancelled,
                                            .is_draining = late_is_draining,
                                            .connection = late_connection};

/* ---- a worker whose call was detached ------------------------------------ */

/*
 * A worker that has detached its call must not use the request any more,
 * whatever its handler does until it returns: so the worker gets operations
 * that do nothing. Calls that are not detached then need no test.
 */
static _Thread_local shmrpci_dispatcher *silent;

static void speak(shmrpci_dispatcher *w)
{
    const shmrpci_transport *transport = w->participant->transport;
    w->ops = transport->worker;
    w->ctx.ops = transport->worker;
    w->shared = transport->shared;
    w->counter.rows = w->rows;
    w->is_detached = false;
    silent = NULL;
}

static int silent_next(shmrpci_participant *participant,
                       shmrpci_request *request)
{
    shmrpci_dispatcher *w = silent;
    speak(w);
    return w->ops->next(participant, request);
}

static void silent_reserve(shmrpci_request *request, size_t size_hint)
{
    (void)size_hint;
    shmrpci_buf_init_fixed(&request->out, NULL, 0);
}

static void silent_commit(shmrpci_request *request)
{
    (void)request;
    (void)shmrpci_misuse(NULL,
                         "method %s: its handler detached the call, but did "
                         "not return SHMRPC_DETACHED",
                         silent->ctx.method->name);
}

static void silent_answer(shmrpci_request *request, const void *body,
                          size_t len)
{
    (void)body, (void)len;
    silent_commit(request);
}

static bool silent_is_cancelled(const shmrpci_request *request)
{
    (void)request;
    return false;
}

static bool silent_is_draining(const shmrpci_request *request)
{
    (void)request;
    return false;
}

static uint64_t silent_connection(const shmrpci_request *request)
{
    (void)request;
    return 0;
}

static const shmrpci_worker_ops silent_ops = {
    .next = silent_next,
    .reply_reserve = silent_reserve,
    .reply_commit = silent_commit,
    .drop = silent_commit,
    .is_cancelled = silent_is_cancelled,
    .is_draining = silent_is_draining,
    .connection = silent_connection,
};
static const shmrpci_shared_ops silent_shared = {.answer = silent_answer};

static void fall_silent(shmrpci_dispatcher *w)
{
    w->ops = &silent_ops;
    w->ctx.ops = &silent_ops;
    w->shared = w->shared != NULL ? &silent_shared : NULL;
    w->rows = w->counter.rows;
    w->counter.rows = NULL;
    w->is_detached = true;
    silent = w;
}

/* ---- detaching ----------------------------------------------------------- */

/* NULL: out of memory. */
static shmrpci_detached *detached_new(const shmrpci_dispatcher *w)
{
    size_t methods = (size_t)w->served->service->method_count + 1;
    size_t bytes = sizeof(shmrpci_detached) + methods * sizeof(uint32_t);
    shmrpci_detached *d = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (d == NULL) {
        return NULL;
    }
    memset(d, 0, bytes);
    if (!shmrpci_dispatcher_equip(&d->w)) {
        shmrpci_dispatcher_strip(&d->w);
        free(d);
        return NULL;
    }
    return d;
}

static void swap_room(shmrpci_dispatcher *a, shmrpci_dispatcher *b)
{
    shmrpci_dispatch_room *room = a->room;
    shmrpci_ctx_beside *beside = a->beside;
    a->room = b->room;
    b->room = room;
    a->beside = b->beside;
    b->beside = beside;
}

/* Moves the worker's room, memory and payload to the detached call, and gives
 * the worker new ones. */
static void move(shmrpci_dispatcher *w, shmrpci_detached *d)
{
    shmrpci_dispatcher *own = &d->w;
    shmrpci_overload_detach(&w->overload, &d->counted);
    swap_room(w, own);
    own->served = w->served;
    own->participant = d->request.participant;
    own->ops = w->ops;
    own->pid = w->pid;
    own->result_bytes = d->result_bytes;
    own->counter = w->counter;
    own->row = shmrpci_stats_late_row(&w->served->stats, w->row);
    own->arena = w->arena;
    shmrpci_arena_init(&w->arena, w->served->decode_limit);
    own->ctx = w->ctx;
    own->ctx.ops = &late_ops;
    own->ctx.request = &d->request;
    own->ctx.beside = own->beside;
    own->ctx.arena = &own->arena;
    own->ctx.detached = d;
    own->beside->looks.call.ctx = &own->ctx;
    if (w->ctx.stream != NULL) {
        d->stepped.stream = *w->ctx.stream;
        own->ctx.stream = &d->stepped.stream;
        w->ctx.stream = NULL;
    }
    w->ctx.beside = w->beside;
    w->ctx.is_looked_at = false;
    w->ctx.has_metadata = false;
    w->ctx.raised = 0;
    shmrpci_buf_init_heap(&w->ctx.payload);
}

static int check(const shmrpci_dispatcher *w, const shmrpc_ctx *ctx)
{
    const char *name = ctx->method->name;
    if (w->is_detached || ctx->detached != NULL) {
        return shmrpci_misuse(NULL, "method %s: the call is already detached",
                              name);
    }
    if ((ctx->request->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
        return shmrpci_misuse(NULL,
                              "method %s is oneway: a call without a reply "
                              "can't be detached; return from the handler",
                              name);
    }
    return !ctx->has_lent
               ? (int)SHMRPC_OK
               : shmrpci_misuse(
                     NULL,
                     "method %s: the reply was lent by shmrpc_ctx_loan, so the "
                     "call can't be detached any more",
                     name);
}

static void detached_free(shmrpci_detached *d)
{
    shmrpci_dispatcher_strip(&d->w);
    free(d);
}

/* Moves the request from the worker to the detached call `d`. */
static int part(shmrpci_dispatcher *w, shmrpc_ctx *ctx, shmrpci_detached *d)
{
    d->generation = shmrpci_fork_generation();
    d->connection = w->ops->connection(ctx->request);
    if (!enter(w->detached, d)) {
        return shmrpc_ctx_fail(
            ctx, SHMRPC_E_EXHAUSTED,
            "%u calls of this worker are detached and not answered, which is "
            "the limit (SHMRPC_DETACHED_MAX)",
            SHMRPC_DETACHED_MAX);
    }
    int status = w->ops->detach(ctx->request, &d->request);
    if (status != SHMRPC_OK) {
        shmrpci_detached_leave(d, SHMRPCI_DETACHED_ANSWERED);
        set_unref(d->set);
        return shmrpc_ctx_fail(ctx, status, "the call can't be detached: %s",
                               shmrpc_status_text(status));
    }
    return SHMRPC_OK;
}

int shmrpci_detached_begin(shmrpc_ctx *ctx, shmrpci_detached **out)
{
    shmrpci_dispatcher *w = dispatcher_of(ctx);
    int status = check(w, ctx);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (w->detached == NULL) {
        w->detached = set_new();
    }
    shmrpci_detached *d = w->detached != NULL ? detached_new(w) : NULL;
    if (d == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    status = part(w, ctx, d);
    if (status != SHMRPC_OK) {
        detached_free(d);
        return status;
    }
    move(w, d);
    fall_silent(w);
    *out = d;
    return SHMRPC_OK;
}

int shmrpc_ctx_detach(shmrpc_ctx *ctx, shmrpc_ctx **out)
{
    shmrpci_detached *d;
    if (ctx->stream != NULL) {
        return shmrpci_misuse(
            NULL,
            "method %s has streams: use the functions that detach streams",
            ctx->method->name);
    }
    int status = shmrpci_detached_begin(ctx, &d);
    if (status == SHMRPC_OK) {
        *out = &d->w.ctx;
        status = SHMRPC_DETACHED;
    }
    return status;
}

/* ---- the end ------------------------------------------------------------- */

void shmrpci_detached_bury(shmrpci_detached *d)
{
    shmrpci_arena_fini(&d->w.arena);
    shmrpci_buf_fini(&d->w.ctx.payload);
    shmrpci_dispatcher_strip(&d->w);
    d->w.room = NULL;
    d->w.beside = NULL;
    set_unref(d->set);
    free(shmrpci_bury(&answered, d));
}

/* Sends and counts the reply, after which the transport frees the request. */
bool shmrpci_detached_answer(shmrpci_detached *d, int status,
                             const void *result)
{
    const shmrpci_worker_ops *ops = ops_of(&d->request);
    shmrpci_overload_end(&d->counted);
    shmrpci_mutex_lock(&d->set->replies);
    shmrpci_dispatch_reply(&d->w, &d->request, status, result);
    ops->detached_end(&d->request);
    shmrpci_mutex_unlock(&d->set->replies);
    shmrpci_dispatch_tell(&d->w, d->request.head.status);
    return !d->request.was_given_up;
}

/* If a worker is ending the call, waits until the worker is done with it.
 * Returns false if another thread has answered meanwhile. */
static bool has_ended(shmrpci_detached *d)
{
    uint32_t state = SHMRPCI_DETACHED_ENDED;
    shmrpci_mutex_lock(&d->set->lock);
    while (shmrpci_load_acquire(&d->state) == SHMRPCI_DETACHED_ENDING) {
        shmrpci_cond_wait(&d->set->changed, &d->set->lock);
    }
    shmrpci_mutex_unlock(&d->set->lock);
    return shmrpci_cas_seq(&d->state, &state,
                           (uint32_t)SHMRPCI_DETACHED_ANSWERED);
}

int shmrpc_ctx_reply(shmrpc_ctx *ctx, int status, const void *result)
{
    shmrpci_detached *d = ctx->detached;
    if (d == NULL) {
        return shmrpci_misuse(NULL,
                              "method %s: shmrpc_ctx_reply is for detached "
                              "calls; return from the handler instead",
                              ctx->method->name);
    }
    if (d->stepped.call != NULL) {
        return shmrpci_misuse(NULL,
                              "method %s has streams: the value that its step "
                              "returns is the reply",
                              ctx->method->name);
    }
    if (d->generation != shmrpci_fork_generation()) {
        return SHMRPC_E_FORKED;
    }
    uint32_t state = SHMRPCI_DETACHED_OPEN;
    if (shmrpci_cas_seq(&d->state, &state,
                        (uint32_t)SHMRPCI_DETACHED_ANSWERING)) {
        bool is_wanted = shmrpci_detached_answer(d, status, result);
        shmrpci_detached_leave(d, SHMRPCI_DETACHED_ANSWERED);
        shmrpci_detached_bury(d);
        return is_wanted ? SHMRPC_OK : SHMRPC_E_CANCELLED;
    }
    if ((state == SHMRPCI_DETACHED_ENDING || state == SHMRPCI_DETACHED_ENDED) &&
        has_ended(d)) {
        shmrpci_detached_bury(d);
        return SHMRPC_E_CANCELLED;
    }
    return shmrpci_misuse(NULL, "method %s: a detached call is answered twice",
                          d->w.ctx.method->name);
}

/* Takes a call that the program has not begun to answer, or returns NULL. The
 * caller has the lock. */
static shmrpci_detached *take_open(const shmrpci_detached_set *set)
{
    for (shmrpci_detached *d = set->first; d != NULL; d = d->next) {
        uint32_t state = SHMRPCI_DETACHED_OPEN;
        if (d->stepped.call == NULL &&
            shmrpci_cas_seq(&d->state, &state,
                            (uint32_t)SHMRPCI_DETACHED_ENDING)) {
            return d;
        }
    }
    return NULL;
}

/* Ends the call for its caller with ABORTED, then reports that the program did
 * not answer. */
static void end_one(shmrpci_detached *d, int64_t drain_ns)
{
    /* Read first: as soon as the worker has released the call, the program may
     * answer it, which frees it. */
    const char *name = d->w.ctx.method->name;
    const shmrpci_worker_ops *ops = ops_of(&d->request);
    shmrpci_overload_end(&d->counted);
    shmrpci_mutex_lock(&d->set->replies);
    shmrpci_dispatch_abandon(&d->w, &d->request,
                             "the server ended before it was answered");
    ops->detached_end(&d->request);
    shmrpci_mutex_unlock(&d->set->replies);
    shmrpci_dispatch_tell(&d->w, d->request.head.status);
    shmrpci_detached_leave(d, SHMRPCI_DETACHED_ENDED);
    (void)shmrpci_misuse(NULL,
                         "method %s: a detached call was not answered within "
                         "%lld ms of the end of its server",
                         name, (long long)(drain_ns / SHMRPCI_NS_PER_MS));
}

void shmrpci_detached_end(shmrpci_detached_set *set, int64_t drain_ns)
{
    int64_t deadline_ns = shmrpci_deadline_after(drain_ns);
    shmrpci_mutex_lock(&set->lock);
    for (bool in_time = true; in_time && set->first != NULL;) {
        in_time =
            shmrpci_cond_wait_until(&set->changed, &set->lock, deadline_ns);
    }
    shmrpci_steppers_close(set);
    while (set->first != NULL) {
        shmrpci_detached *d = take_open(set);
        if (d == NULL) { /* every call left is being answered, or its step is
                          * running */
            shmrpci_cond_wait(&set->changed, &set->lock);
            continue;
        }
        shmrpci_mutex_unlock(&set->lock);
        end_one(d, drain_ns);
        shmrpci_mutex_lock(&set->lock);
    }
    shmrpci_mutex_unlock(&set->lock);
    shmrpci_steppers_end(set);
    set_unref(set);
}
