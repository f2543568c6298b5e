/* Streams on the client's side. The call of a stream is an asynchronous call
 * that the stream holds; its reply is received after the last item. */
#include "rpc/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/fork.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "rpc/beside.h"
#include "rpc/crowd.h"
#include "rpc/ctx.h"
#include "rpc/misuse.h"
#include "rpc/retry.h"
#include "rpc/stream_lend.h"

static _Thread_local char this_thread;

int shmrpci_stream_forked(const shmrpc_stream *s, shmrpc_error *error)
{
    if (s->call->async->generation == shmrpci_fork_generation()) {
        return shmrpci_misuse(error,
                              "a stream of method %s was used after its client "
                              "was closed",
                              s->method->name);
    }
    return shmrpc_error_set(error, SHMRPC_E_FORKED,
                            "method %s: the stream was opened before fork",
                            s->method->name);
}

/* ---- the end ------------------------------------------------------------- */

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

/* Notes that the call is over. The caller has the lock. The link is kept,
 * because items may lie in its memory. */
static void leave(shmrpc_stream *s, int status)
{
    s->status = status;
    s->is_over = true;
    (void)shmrpci_beside_end(&s->call->pending, status);
}

static int tell(const shmrpc_stream *s, shmrpc_error *error)
{
    if (s->status != SHMRPC_OK && error != NULL) {
        *error = s->error;
    }
    return s->status;
}

/* Receives the reply. The caller has the lock. Returns false if there is no
 * reply before `until_ns`. */
static bool receive(shmrpc_stream *s, int64_t until_ns)
{
    shmrpci_pending *p = &s->call->pending;
    p->error = &s->error;
    bool waits = until_ns != 0;
    int status;
    if (waits && p->beside != NULL) {
        p->deadline_ns = until_ns;
        status = shmrpci_beside_receive(p);
        p->deadline_ns = s->deadline_ns;
    } else {
        status = p->link->client->receive(&p->call, until_ns);
    }
    bool gives_up = waits && shmrpci_waiting_is_interrupted();
    if (status == SHMRPC_E_DEADLINE && !gives_up && until_ns < s->deadline_ns &&
        shmrpci_now_ns() < s->deadline_ns) {
        return false;
    }
    bool has_reply = status == SHMRPC_OK;
    if (has_reply) {
        status = p->beside != NULL ? shmrpci_beside_take_reply(p) : SHMRPC_OK;
    } else if (!waits || p->beside == NULL || status != SHMRPC_E_CANCELLED) {
        status = ended(p, status);
    }
    leave(s, has_reply && status == SHMRPC_OK
                 ? shmrpci_pending_reply(p, &s->reply)
                 : status);
    return true;
}

bool shmrpci_stream_settle(shmrpc_stream *s, int64_t until_ns, int *status,
                           shmrpc_error *error)
{
    shmrpci_mutex_lock(&s->lock);
    bool is_over = s->is_over || receive(s, until_ns);
    if (is_over) {
        *status = tell(s, error);
    }
    shmrpci_mutex_unlock(&s->lock);
    return is_over;
}

static int64_t taken_until(shmrpc_stream *s)
{
    return (int64_t)shmrpci_load_relaxed(&s->taken_until_ns);
}

bool shmrpci_stream_is_late(shmrpc_stream *s)
{
    int64_t until_ns = taken_until(s);
    if (until_ns == 0 || shmrpci_now_ns() < until_ns) {
        return false;
    }
    if (s->ops->is_taken(&s->call->pending.call)) {
        shmrpci_store_relaxed(&s->taken_until_ns, UINT64_C(0));
        return false;
    }
    return true;
}

int shmrpci_stream_not_taken(shmrpc_stream *s, shmrpc_error *error)
{
    const shmrpc_client *client = s->call->async->client;
    return shmrpci_stream_give_up(
        s, error, SHMRPC_E_DEADLINE, "no worker took the stream within %lld ms",
        (long long)(client->timeout_ns / SHMRPCI_NS_PER_MS));
}

/* Waits for the reply, unless it was received. Returns how the call ended. */
static int settle(shmrpc_stream *s, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    int64_t first_ns = taken_until(s);
    if (first_ns != 0 && shmrpci_stream_settle(s, first_ns, &status, error)) {
        return status;
    }
    if (shmrpci_stream_is_late(s)) {
        return shmrpci_stream_not_taken(s, error);
    }
    (void)shmrpci_stream_settle(s, s->deadline_ns, &status, error);
    return status;
}

int shmrpci_stream_give_up(shmrpc_stream *s, shmrpc_error *error, int reason,
                           const char *format, ...)
{
    char why[SHMRPC_ERROR_MESSAGE_BYTES];
    va_list args;
    shmrpci_mutex_lock(&s->lock);
    if (!s->is_over) { /* usually the call is over when the stream is closed */
        shmrpci_pending *p = &s->call->pending;
        va_start(args, format);
        (void)vsnprintf(why, sizeof why, format, args);
        va_end(args);
        p->error = &s->error;
        (void)p->link->client->cancel(&p->call);
        leave(s, shmrpc_error_set(&s->error, reason, "method %s: %s",
                                  s->method->name, why));
    }
    int status = tell(s, error);
    shmrpci_mutex_unlock(&s->lock);
    return status;
}

/* ---- opening ------------------------------------------------------------- */

static size_t item_bytes(const shmrpc_method *method)
{
    size_t size = method->items_out != NULL ? method->items_out->size : 1;
    return (size + 63) & ~(size_t)63;
}

static shmrpc_stream *stream_new(shmrpc_client *client,
                                 const shmrpc_method *method)
{
    shmrpc_stream *s = calloc(1, sizeof *s);
    void *item = aligned_alloc(64, item_bytes(method));
    if (s == NULL || item == NULL) {
        free(s);
        free(item);
        return NULL;
    }
    s->method = method;
    s->item = item;
    atomic_init(&s->reader, NULL);
    shmrpci_buf_init_heap(&s->out);
    shmrpci_arena_init(&s->arena, client->decode_limit);
    shmrpci_mutex_init(&s->lock);
    return s;
}

static void stream_free(shmrpc_stream *s)
{
    if (s->reply != NULL) {
        shmrpc_stub_release(s->reply);
    }
    if (s->call != NULL) {
        shmrpci_async_free(s->call);
    }
    shmrpci_stream_anew_free(s->anew);
    shmrpci_stream_calls_free(s);
    shmrpci_mutex_fini(&s->lock);
    shmrpci_arena_fini(&s->arena);
    shmrpci_buf_fini(&s->out);
    free(s->item);
    free(s);
}

/* Returns the options with the stream's timeout: the one given, else @timeout,
 * else none. */
static shmrpc_opts opts_of(const shmrpc_method *method, const shmrpc_opts *opts)
{
    shmrpc_opts all = opts != NULL ? *opts : (shmrpc_opts){0};
    all.flags &= ~(uint32_t)SHMRPC_OPT_IN_PLACE;
    if (all.timeout_ns == 0 && method->timeout_ns == 0) {
        all.timeout_ns = INT64_MAX;
    }
    return all;
}

/* Opens the streams of a call that has been reserved and encoded. */
static int open_beside(shmrpc_stream *s, shmrpci_pending *p)
{
    const shmrpci_transport *transport = p->link->conn->transport;
    const shmrpci_stream_opts opts = {
        .in_bytes = s->method->window_in,
        .out_bytes = s->method->window_out,
        .max_item_bytes = p->client->max_message_bytes,
    };
    s->ops = transport->streams;
    s->lends = transport->lends;
    if (s->ops == NULL) {
        p->link->client->abort(&p->call);
        return shmrpc_error_set(p->error, SHMRPC_E_UNIMPLEMENTED,
                                "method %s: %s:// does not support streams",
                                s->method->name, transport->scheme);
    }
    s->codec = shmrpci_pending_codec(p);
    s->flat = shmrpci_flat_item(s->codec, s->method->items_out);
    return shmrpci_pending_open(p, s->ops, &opts, &s->end);
}

/* Sends the call, and reconnects if the server is gone. A worker must take the
 * call within the client's timeout, which may be long before the call's own
 * deadline. */
static int go(shmrpc_stream *s, shmrpci_pending *p)
{
    int64_t last_ns = p->deadline_ns;
    int64_t until_ns = shmrpci_deadline_after(p->client->timeout_ns);
    s->deadline_ns = last_ns;
    shmrpci_store_relaxed(&s->taken_until_ns,
                          until_ns < last_ns ? (uint64_t)until_ns : 0u);
    for (;;) {
        p->deadline_ns = until_ns < last_ns ? until_ns : last_ns;
        int status = shmrpci_pending_start(p);
        p->deadline_ns = last_ns;
        if (status != SHMRPC_OK) {
            return status;
        }
        if (last_ns == SHMRPCI_NEVER_NS) {
            p->timeout_ns = INT64_MAX;
        } else {
            shmrpci_pending_shorten(p);
        }
        status = open_beside(s, p);
        if (status == SHMRPC_OK) {
            return status;
        }
        bool is_lost = status == SHMRPC_E_UNAVAILABLE &&
                       shmrpci_pending_is_repeatable(p, status);
        shmrpci_pending_leave(p);
        if (!is_lost) {
            return shmrpci_pending_not_run(p, status);
        }
    }
}

int shmrpci_stream_start(shmrpc_stream *s, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, uint32_t runs,
                         shmrpc_error *error)
{
    shmrpci_pending *p = &s->call->pending;
    const shmrpc_opts all = opts_of(s->method, opts);
    int status = shmrpci_pending_init(p, client, method, params, &all, error);
    if (status == SHMRPC_OK) {
        p->is_held = true;
        p->is_long = true;
        p->runs = runs;
        p->is_retry = runs > 0;
        p->flags |= (uint32_t)SHMRPCI_HEAD_TOLD; /* the loop needs to be told of
                                                  * the end */
        p->hazard = &s->call->holds;
        if (shmrpci_beside_is_used(client, opts)) {
            s->parent = opts != NULL ? opts->parent : NULL;
            status = shmrpci_beside_begin(p, opts);
        }
        status = status == SHMRPC_OK ? go(s, p) : status;
        if (status != SHMRPC_OK) {
            (void)shmrpci_beside_end(p, status);
        }
    }
    p->params = NULL;
    p->error = NULL;
    return status;
}

static int open_at(shmrpc_client *client, uint32_t method, const void *params,
                   const shmrpc_opts *opts, shmrpc_stream **out,
                   shmrpc_error *error)
{
    shmrpci_async *async = shmrpci_async_have(client);
    async = async != NULL ? async : shmrpci_async_of(client);
    if (async == NULL && shmrpci_client_is_closed(client)) {
        return shmrpci_client_misused(client, &client->service->methods[method],
                                      error);
    }
    shmrpc_stream *s =
        async != NULL ? stream_new(client, &client->service->methods[method])
                      : NULL;
    if (s != NULL) {
        s->call = shmrpci_async_take(async);
    }
    if (s == NULL || s->call == NULL) {
        if (s != NULL) {
            stream_free(s);
        }
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                "no memory for a stream");
    }
    s->call->end = NULL;
    unsigned number = 0;
    int status;
    do {
        status =
            shmrpci_stream_start(s, client, method, params, opts, 0, error);
    } while (status != SHMRPC_OK &&
             shmrpci_stream_open_again(s, client, opts, status, ++number));
    if (status != SHMRPC_OK) {
        stream_free(s);
        return status;
    }
    shmrpci_stream_anew_keep(s, client, method, params, opts);
    *out = s;
    return SHMRPC_OK;
}

/* Arguments of open_member. */
typedef struct crowd_open {
    uint32_t method;
    const void *params;
    shmrpc_stream **out;
} crowd_open;

static int open_member(void *user, shmrpc_client *member,
                       const shmrpc_opts *opts, shmrpc_error *error)
{
    const crowd_open *c = user;
    return open_at(member, c->method, c->params, opts, c->out, error);
}

int shmrpc_stub_stream_open(shmrpc_client *client, uint32_t method,
                            const void *params, const shmrpc_opts *opts,
                            shmrpc_stream **out, shmrpc_error *error)
{
    if (client->crowd == NULL) {
        return open_at(client, method, params, opts, out, error);
    }
    int64_t deadline_ns;
    crowd_open open = {.method = method, .params = params, .out = out};
    const shmrpc_opts all = opts_of(&client->service->methods[method], opts);
    const shmrpci_crowd_call call = {
        .opts = &all,
        .timeout_ns = shmrpci_timeout_of(client, method, &all),
        .is_stream = true,
        .make = open_member,
        .user = &open};
    return shmrpci_crowd_make(client->crowd, &call, &deadline_ns, error);
}

/* ---- parent, interrupts, interceptors ------------------------------------ */

static int orphaned(shmrpc_stream *s, shmrpc_error *error)
{
    return shmrpci_stream_give_up(
        s, error, SHMRPC_E_CANCELLED,
        "the call on whose behalf it is made was cancelled");
}

/* Called when the thread's wait hooks ask to interrupt the wait: gives the call
 * up. */
static int interrupted(shmrpc_stream *s, shmrpc_error *error)
{
    (void)shmrpci_waiting_take_interrupt();
    return shmrpci_stream_give_up(s, error, SHMRPC_E_CANCELLED, "interrupted");
}

/* Takes the lock, because reader and writer may report items at the same time.
 */
void shmrpci_stream_tell(shmrpc_stream *s, bool is_in)
{
    if (s->call->async->client->interceptors.count == 0) {
        return;
    }
    shmrpci_mutex_lock(&s->lock);
    shmrpci_beside *beside = s->call->pending.beside;
    if (beside != NULL) {
        shmrpc_intercepted *call = &beside->looks.call;
        call->items_in += is_in ? 1u : 0u;
        call->items_out += is_in ? 0u : 1u;
        shmrpci_intercept_item(&beside->looks);
    }
    shmrpci_mutex_unlock(&s->lock);
}

/* ---- reading ------------------------------------------------------------- */

/* Returns when to stop waiting for an item: after @idle, or at the deadline. */
static int64_t until(const shmrpc_stream *s)
{
    if (s->method->idle_ns == 0) {
        return s->deadline_ns;
    }
    int64_t idle_ns = shmrpci_deadline_after(s->method->idle_ns);
    return idle_ns < s->deadline_ns ? idle_ns : s->deadline_ns;
}

int shmrpci_stream_read(shmrpc_stream *s, const shmrpci_stream_item *raw,
                        const void **item, shmrpc_error *error)
{
    shmrpc_error why = {.code = 0};
    const uint8_t *data = raw->data;
    *item = shmrpci_flat_in_place(&s->flat, s->method->items_out, raw);
    if (*item != NULL) {
        return SHMRPC_MORE;
    }
    shmrpci_arena_reset(&s->arena);
    if (raw->in_shared && !shmrpci_stream_is_in_place(raw, s->method)) {
        uint8_t *copy = shmrpci_arena_alloc(&s->arena, raw->len, 8);
        data = copy != NULL ? memcpy(copy, raw->data, raw->len) : NULL;
    }
    int status = data != NULL || raw->len == 0
                     ? s->codec->decode(s->method->items_out, data, raw->len,
                                        "item", &s->arena, s->item, &why)
                     : SHMRPC_E_NO_MEMORY;
    if (status != SHMRPC_OK) {
        s->items_over = true;
        return shmrpci_stream_give_up(
            s, error, status == SHMRPC_E_INVALID ? SHMRPC_E_DATA_LOSS : status,
            "%s%s%s", why.path, why.path[0] != '\0' ? ": " : "",
            why.message[0] != '\0' ? why.message : shmrpc_status_text(status));
    }
    *item = s->item;
    return SHMRPC_MORE;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Waits for an item like the transport's next. Returns ABORTED if the parent
 * was cancelled, and BUSY if no worker has taken the call in time. */
static int await_item(shmrpc_stream *s, shmrpci_stream_item *raw)
{
    int64_t last_ns = until(s);
    for (;;) {
        int64_t first_ns = taken_until(s);
        int64_t turn_ns = first_ns != 0 ? earlier(first_ns, last_ns) : last_ns;
        turn_ns = shmrpci_beside_turn_ns(s->parent, turn_ns);
        int status = s->ops->next(s->end, turn_ns, raw);
        if (status != SHMRPC_E_DEADLINE || turn_ns == last_ns ||
            shmrpci_waiting_is_interrupted()) {
            return status;
        }
        if (s->parent != NULL && shmrpc_ctx_cancelled(s->parent)) {
            return SHMRPC_E_ABORTED;
        }
        if (shmrpci_stream_is_late(s)) {
            return SHMRPC_E_BUSY;
        }
    }
}

static void note_item(shmrpc_stream *s)
{
    if (!s->has_come) {
        s->has_come = true;
        shmrpci_store_relaxed(&s->taken_until_ns, UINT64_C(0));
        if (s->method->policy.attempts > 1) {
            shmrpci_retry_note_success(s->call->async->client);
        }
    }
    shmrpci_stream_tell(s, true);
}

static int next(shmrpc_stream *s, const void **item, shmrpc_error *error)
{
    shmrpci_stream_item raw;
    /* The end of the call is reported only after the last item. */
    int status = s->items_over ? SHMRPC_OK : await_item(s, &raw);
    if (status == SHMRPC_MORE) {
        note_item(s);
        return shmrpci_stream_read(s, &raw, item, error);
    }
    s->items_over = true;
    if (status == SHMRPC_E_ABORTED) {
        return orphaned(s, error);
    }
    if (status == SHMRPC_E_DEADLINE && shmrpci_waiting_is_interrupted()) {
        return interrupted(s, error);
    }
    if (status == SHMRPC_E_BUSY) {
        return shmrpci_stream_not_taken(s, error);
    }
    if (status == SHMRPC_E_DEADLINE && shmrpci_now_ns() < s->deadline_ns) {
        return shmrpci_stream_give_up(
            s, error, status, "no item in %lld ms",
            (long long)(s->method->idle_ns / SHMRPCI_NS_PER_MS));
    }
    if (status == SHMRPC_E_DATA_LOSS || status == SHMRPC_E_NO_MEMORY) {
        return shmrpci_stream_give_up(s, error, status, "the stream: %s",
                                      shmrpc_status_text(status));
    }
    return settle(s, error);
}

int shmrpc_stub_stream_next(shmrpc_stream *s, const void **item,
                            shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    shmrpci_store_relaxed(&s->reader, (void *)&this_thread);
    int status = next(s, item, error);
    while (s->anew != NULL && !s->has_come && status < SHMRPC_OK &&
           shmrpci_stream_anew_try(s, &status, error)) {
        status = status == SHMRPC_OK ? next(s, item, error) : status;
    }
    return status;
}

/* ---- sending ------------------------------------------------------------- */

int shmrpci_stream_encode(shmrpc_stream *s, const void *item,
                          shmrpc_error *error)
{
    shmrpci_buf_reset(&s->out);
    int status =
        s->codec->encode(s->method->items_in, item, "item", &s->out, error);
    if (status == SHMRPC_OK || status == SHMRPC_E_INVALID) {
        return status;
    }
    return shmrpc_error_set(error, status, "method %s: an item: %s",
                            s->method->name, shmrpc_status_text(status));
}

int shmrpci_stream_not_wanted(const shmrpc_stream *s, int status,
                              shmrpc_error *error)
{
    return status != SHMRPC_OK
               ? status
               : shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                  "method %s: the handler has returned, and "
                                  "accepts no more items",
                                  s->method->name);
}

static const char *why_not_sent(int status)
{
    return status == SHMRPC_E_ABORTED
               ? "a deadlock: both ends send and wait for room, and neither "
                 "reads; read items before sending more, or read in another "
                 "thread"
           : status == SHMRPC_E_PRECONDITION
               ? "the stream has ended, or an item is lent and not committed "
                 "yet"
           : status == SHMRPC_E_BUSY ? "the window is full"
           : status == SHMRPC_E_TOO_LARGE
               ? "the item is larger than max_message_bytes of the connection"
               : shmrpc_status_text(status);
}

int shmrpci_stream_not_sent(const shmrpc_stream *s, int status,
                            shmrpc_error *error)
{
    return shmrpc_error_set(error, status, "method %s: %s", s->method->name,
                            why_not_sent(status));
}

/* Converts the transport's status of a send to the stream's, and sets the
 * error. */
static int sent(shmrpc_stream *s, int status, shmrpc_error *error)
{
    if (status == SHMRPC_E_CANCELLED) {
        return shmrpci_stream_not_wanted(s, settle(s, error), error);
    }
    if (status == SHMRPC_E_DEADLINE && shmrpci_waiting_is_interrupted()) {
        return interrupted(s, error);
    }
    return status == SHMRPC_OK ? SHMRPC_OK
                               : shmrpci_stream_not_sent(s, status, error);
}

/* Whether no other thread on this side reads. Relaxed: a hint, see `reader` in
 * stream.h. */
static bool is_alone(shmrpc_stream *s)
{
    void *reader = shmrpci_load_relaxed(&s->reader);
    return reader == NULL || reader == (void *)&this_thread;
}

static int64_t send_until(const shmrpc_stream *s, uint32_t flags)
{
    return (flags & SHMRPC_OPT_NONBLOCK) == 0 ? s->deadline_ns : 0;
}

/* Sends an item like the transport's send. Returns BUSY if it may wait and no
 * worker has taken the call in time. (It does not wait in slices like
 * await_item, because a large item is sent in pieces.) */
static int send_item(shmrpc_stream *s, uint32_t flags)
{
    int64_t until_ns = send_until(s, flags);
    int64_t first_ns = taken_until(s);
    bool is_alone_now = is_alone(s);
    bool is_bounded = first_ns != 0 && first_ns < until_ns &&
                      s->out.len <= s->method->window_in / 4;
    int status = s->ops->send(s->end, s->out.data, s->out.len,
                              is_bounded ? first_ns : until_ns, is_alone_now);
    if (status != SHMRPC_E_DEADLINE || !is_bounded ||
        shmrpci_waiting_is_interrupted()) {
        return status;
    }
    return shmrpci_stream_is_late(s)
               ? (int)SHMRPC_E_BUSY
               : s->ops->send(s->end, s->out.data, s->out.len, until_ns,
                              is_alone_now);
}

int shmrpc_stub_stream_send(shmrpc_stream *s, const void *item, uint32_t flags,
                            shmrpc_error *error)
{
    int status = !shmrpci_stream_is_ours(s) ? shmrpci_stream_forked(s, error)
                 : s->lent.at != NULL ? sent(s, SHMRPC_E_PRECONDITION, error)
                                      : shmrpci_stream_encode(s, item, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = send_item(s, flags);
    if (status == SHMRPC_OK) {
        shmrpci_stream_tell(s, false);
    }
    if (status == SHMRPC_E_BUSY && (flags & SHMRPC_OPT_NONBLOCK) == 0) {
        return shmrpci_stream_not_taken(s, error);
    }
    return sent(s, status, error);
}

static shmrpci_lender lender_of(shmrpc_stream *s)
{
    return (shmrpci_lender){.ops = s->ops,
                            .lends = s->lends,
                            .end = s->end,
                            .out = &s->out,
                            .type = s->method->items_in,
                            .codec = s->codec,
                            .is_raw =
                                s->method->encoding == SHMRPC_ENCODING_RAW};
}

int shmrpc_stub_stream_loan(shmrpc_stream *s, size_t len, uint32_t flags,
                            void **at, shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    const shmrpci_lender by = lender_of(s);
    return sent(
        s,
        shmrpci_lend(&by, &s->lent, len, send_until(s, flags), is_alone(s), at),
        error);
}

int shmrpc_stub_stream_commit(shmrpc_stream *s, const void *at, size_t len,
                              shmrpc_error *error)
{
    size_t bytes;
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    const shmrpci_lender by = lender_of(s);
    int status = shmrpci_lend_commit(&by, &s->lent, at, len, s->deadline_ns,
                                     is_alone(s), &bytes, error);
    if (status == SHMRPC_E_INVALID) {
        return status; /* the error is set */
    }
    if (status == SHMRPC_OK) {
        shmrpci_stream_tell(s, false);
    }
    return sent(s, status, error);
}

void shmrpc_stub_stream_abort(shmrpc_stream *s, const void *at)
{
    if (shmrpci_stream_is_ours(s)) {
        const shmrpci_lender by = lender_of(s);
        shmrpci_lend_abort(&by, &s->lent, at);
    }
}

uint64_t shmrpc_stub_stream_delivered(shmrpc_stream *s)
{
    return shmrpci_stream_is_ours(s) ? s->ops->delivered(s->end) : 0;
}

int shmrpc_stub_stream_end(shmrpc_stream *s, shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    s->ops->finish(s->end);
    return SHMRPC_OK;
}

/* ---- ending -------------------------------------------------------------- */

void shmrpc_stub_stream_close(shmrpc_stream *s)
{
    if (s == NULL) {
        return;
    }
    if (!shmrpci_stream_is_ours(s)) {
        /* In a forked child, locks of the parent may be held forever, and
         * memory of the stream may be gone with a client. */
        (void)shmrpci_stream_forked(s, NULL);
        return;
    }
    shmrpci_stream_loop_leave(s);
    s->ops->close(s->end);
    (void)shmrpci_stream_give_up(s, NULL, SHMRPC_E_CANCELLED, "cancelled");
    if (s->call->pending.link != NULL) { /* NULL if reopening failed */
        shmrpci_pending_leave(&s->call->pending);
        s->call->pending.link = NULL;
    }
    stream_free(s);
}

int shmrpc_stub_stream_finish_reply(shmrpc_stream *s, const void **reply,
                                    shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    s->ops->finish(s->end);
    int status = settle(s, error);
    if (s->reply != NULL) {
        *reply = s->reply;
        s->reply = NULL;
    }
    shmrpc_stub_stream_close(s);
    return status;
}

int shmrpc_stub_stream_finish(shmrpc_stream *s, void *result,
                              shmrpc_error *error)
{
    if (!shmrpci_stream_is_ours(s)) {
        return shmrpci_stream_forked(s, error);
    }
    s->ops->finish(s->end);
    int status = settle(s, error);
    const shmrpc_type *type = s->method->result;
    if (status == SHMRPC_OK && type != NULL && s->reply != NULL) {
        memcpy(result, s->reply, type->size);
    }
    shmrpc_stub_stream_close(s);
    return status;
}

const void *shmrpc_stub_stream_payload(const shmrpc_stream *s,
                                       const shmrpc_error_type *type)
{
    return shmrpc_stub_payload(s->reply, type);
}

const shmrpc_fault *shmrpc_stub_stream_fault(const shmrpc_stream *s)
{
    return shmrpc_stub_fault(s->reply);
}
