/* Streams on the handler's side. */
#include "shmrpc/stream_stub.h"

#include <string.h>

#include "os/clock.h"
#include "rpc/ctx.h"

/* The retry-after if no place is free. Streams are long, so an earlier attempt
 * would usually fail. */
#define RETRY_NS (100 * SHMRPCI_NS_PER_MS)

/* A sink and a source are the context under other names: a call has at most one
 * of each. */
shmrpc_sink *shmrpc_stub_sink(shmrpc_ctx *ctx)
{
    return (shmrpc_sink *)(void *)ctx;
}

shmrpc_source *shmrpc_stub_source(shmrpc_ctx *ctx)
{
    return (shmrpc_source *)(void *)ctx;
}

/* Ends a stream because the worker is being replaced and has waited long enough
 * for this call. */
static int cut(shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    if (s->ended == SHMRPC_OK) {
        s->ended = shmrpc_ctx_fail(ctx, SHMRPC_E_UNAVAILABLE,
                                   "the server was restarted after %llu items "
                                   "of this stream: open it again",
                                   (unsigned long long)s->items);
    }
    return SHMRPC_E_CANCELLED;
}

/* Limits the stream's age by a deadline that the client does not know. If it is
 * earlier than the request's deadline, it replaces that deadline, so that waits
 * and hang-kill need only one. */
static void limit_age(shmrpci_served_stream *s, shmrpci_request *request,
                      int64_t max_age_ns)
{
    int64_t old_ns = shmrpci_deadline_after(max_age_ns);
    if (old_ns < request->deadline_ns) {
        request->deadline_ns = old_ns;
        s->age_ns = max_age_ns;
    }
}

static bool is_old(const shmrpc_ctx *ctx)
{
    return ctx->stream->age_ns != 0 &&
           shmrpci_now_ns() >= ctx->request->deadline_ns;
}

/* Whether the call was cancelled or late because the stream reached its maximum
 * age. */
static bool is_by_age(const shmrpc_ctx *ctx, int status)
{
    return (status == SHMRPC_E_CANCELLED || status == SHMRPC_E_DEADLINE) &&
           is_old(ctx);
}

static int retire(shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    if (s->ended == SHMRPC_OK) {
        s->ended = shmrpc_ctx_fail(
            ctx, SHMRPC_E_UNAVAILABLE,
            "the stream has been open for %lld ms, the maximum "
            "(max_stream_age), and had %llu items: open it again",
            (long long)(s->age_ns / SHMRPCI_NS_PER_MS),
            (unsigned long long)s->items);
    }
    return SHMRPC_E_CANCELLED;
}

shmrpc_ctx *shmrpc_stub_sink_ctx(shmrpc_sink *sink)
{
    return (shmrpc_ctx *)(void *)sink;
}

shmrpc_ctx *shmrpc_stub_source_ctx(shmrpc_source *source)
{
    return (shmrpc_ctx *)(void *)source;
}

/* Converts a status of the transport to the handler's. To the handler, the loss
 * of the server is a cancellation; `ended` keeps the actual status for the
 * client. */
int shmrpci_served_stream_no_point(shmrpc_ctx *ctx, int status)
{
    if (status == SHMRPC_E_UNAVAILABLE) {
        return cut(ctx);
    }
    if (status == SHMRPC_E_SERVER_LOST) {
        ctx->stream->ended = status;
        return SHMRPC_E_CANCELLED;
    }
    if (is_by_age(ctx, status)) {
        return retire(ctx);
    }
    return status == SHMRPC_E_CANCELLED &&
                   shmrpci_now_ns() >= ctx->request->deadline_ns
               ? (int)SHMRPC_E_DEADLINE
               : status;
}

/* Counts an item of `bytes` bytes, received or sent. */
static void count_item(shmrpci_served_stream *s, bool is_in, size_t bytes)
{
    if (s->counting != NULL) {
        shmrpci_mutex_lock(s->counting);
    }
    if (is_in) {
        shmrpci_count_item_in(s->counts, bytes);
    } else {
        s->items++;
        shmrpci_count_item_out(s->counts, bytes);
    }
    if (s->counting != NULL) {
        shmrpci_mutex_unlock(s->counting);
    }
}

static void tell_item(shmrpc_ctx *ctx, bool is_in)
{
    shmrpc_intercepted *call = &ctx->beside->looks.call;
    call->items_in += is_in ? 1u : 0u;
    call->items_out += is_in ? 0u : 1u;
    shmrpci_intercept_item(&ctx->beside->looks);
}

/* Ends the stream on both sides, because the client has not read for too long.
 */
static int evict(shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    s->ended = SHMRPC_E_EVICTED;
    return shmrpc_ctx_fail(
        ctx, SHMRPC_E_EVICTED,
        "the client has not read for %lld ms, the maximum (stream_stall)",
        (long long)(s->stall_ns / SHMRPCI_NS_PER_MS));
}

/* A wait for room. */
typedef struct stall {
    int64_t began_ns;
    int64_t until_ns;
    bool evicts; /* the client is evicted at until_ns */
} stall;

static stall stall_begin(const shmrpc_ctx *ctx)
{
    const shmrpci_served_stream *s = ctx->stream;
    stall wait = {.began_ns = shmrpci_now_ns(),
                  .until_ns = shmrpci_deadline_after(s->stall_ns)};
    wait.evicts = wait.until_ns < ctx->request->deadline_ns;
    if (!wait.evicts) {
        wait.until_ns = ctx->request->deadline_ns;
    }
    shmrpci_count_stall(s->counts, wait.began_ns);
    return wait;
}

static int stall_end(shmrpc_ctx *ctx, const stall *wait, int status)
{
    shmrpci_count_stall_end(ctx->stream->counts,
                            shmrpci_now_ns() - wait->began_ns);
    return status == SHMRPC_E_DEADLINE && wait->evicts ? evict(ctx) : status;
}

/* Converts the transport's status of a send to the handler's. `len` is the
 * item's length. */
static int sent(shmrpc_ctx *ctx, int status, size_t len)
{
    if (status == SHMRPC_E_ABORTED) {
        return shmrpc_ctx_fail(ctx, status,
                               "a deadlock: both ends send and wait for room, "
                               "and neither reads");
    }
    if (status == SHMRPC_OK) {
        count_item(ctx->stream, false, len);
        if (ctx->is_looked_at) {
            tell_item(ctx, false);
        }
    }
    return shmrpci_served_stream_no_point(ctx, status);
}

/* Returns OK if the handler may send an item now, or why not. */
static int may_send(shmrpc_ctx *ctx)
{
    const shmrpci_served_stream *s = ctx->stream;
    if (is_old(ctx)) {
        return retire(ctx);
    }
    if (s->ended != SHMRPC_OK) {
        return s->ended == SHMRPC_E_EVICTED ? s->ended
                                            : (int)SHMRPC_E_CANCELLED;
    }
    return s->lent.at != NULL ? SHMRPC_E_PRECONDITION : SHMRPC_OK;
}

static int item_is_invalid(shmrpc_ctx *ctx, const shmrpc_error *why)
{
    return shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "%s: %s", why->path,
                           why->message);
}

int shmrpci_served_stream_push(shmrpci_served_stream *s)
{
    int status;
    do {
        size_t sent = 0;
        status = s->pump->put(s->end, s->out.data + s->sent,
                              s->out.len - s->sent, true, &sent);
        s->sent += sent;
    } while (status == SHMRPC_OK && s->sent < s->out.len);
    s->has_rest = status == SHMRPC_E_BUSY && s->sent > 0;
    s->wants_room = status == SHMRPC_E_BUSY;
    return status;
}

/* Sends as much of a new item as there is room for; the rest is sent later. */
static int send_detached(shmrpci_served_stream *s)
{
    s->sent = 0;
    int status = shmrpci_served_stream_push(s);
    return s->has_rest ? (int)SHMRPC_OK : status;
}

int shmrpc_stub_sink_send(shmrpc_sink *sink, const void *item, uint32_t flags)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)sink;
    shmrpci_served_stream *s = ctx->stream;
    shmrpc_error why = {.code = 0};
    int status = may_send(ctx);
    if (status == SHMRPC_OK && s->has_rest) {
        status =
            shmrpci_served_stream_no_point(ctx, shmrpci_served_stream_push(s));
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_buf_reset(&s->out);
    status = shmrpci_reply_codec(ctx->request, s->codec)
                 ->encode(ctx->method->items_out, item, "item", &s->out, &why);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_INVALID ? item_is_invalid(ctx, &why) : status;
    }
    /* The first try succeeds while there is room. It does not wait, so it needs
     * no deadline and reads no clock. (`alone` is true, because the handler's
     * thread is also the one that reads.) */
    status = s->pump != NULL
                 ? send_detached(s)
                 : s->ops->send(s->end, s->out.data, s->out.len, 0, true);
    if (status == SHMRPC_E_BUSY && s->pump == NULL &&
        (flags & SHMRPC_OPT_NONBLOCK) == 0) {
        stall wait = stall_begin(ctx);
        status = stall_end(
            ctx, &wait,
            s->ops->send(s->end, s->out.data, s->out.len, wait.until_ns, true));
    }
    return sent(ctx, status, s->out.len);
}

/* ---- lent items ---------------------------------------------------------- */

static shmrpci_lender lender_of(const shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    return (shmrpci_lender){.ops = s->ops,
                            .lends = s->lends,
                            .end = s->end,
                            .out = &s->out,
                            .type = ctx->method->items_out,
                            .codec = s->codec,
                            .is_raw =
                                ctx->method->encoding == SHMRPC_ENCODING_RAW};
}

int shmrpc_stub_sink_loan(shmrpc_sink *sink, size_t len, uint32_t flags,
                          void **at)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)sink;
    shmrpci_served_stream *s = ctx->stream;
    const shmrpci_lender by = lender_of(ctx);
    int status = may_send(ctx);
    if (s->pump != NULL) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_PRECONDITION,
                               "a detached stream can't lend items: send them");
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_lend(&by, &s->lent, len, 0, true, at);
    }
    if (status == SHMRPC_E_BUSY && (flags & SHMRPC_OPT_NONBLOCK) == 0) {
        stall wait = stall_begin(ctx);
        status = stall_end(
            ctx, &wait,
            shmrpci_lend(&by, &s->lent, len, wait.until_ns, true, at));
    }
    return status == SHMRPC_OK ? SHMRPC_OK : sent(ctx, status, 0);
}

int shmrpc_stub_sink_commit(shmrpc_sink *sink, const void *at, size_t len)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)sink;
    shmrpci_served_stream *s = ctx->stream;
    const shmrpci_lender by = lender_of(ctx);
    shmrpc_error why = {.code = 0};
    size_t bytes = 0;
    stall wait = {.began_ns = 0};
    bool waits = s->lent.at != NULL && !s->lent.is_in_window;
    if (waits) {
        wait = stall_begin(ctx);
    }
    int status = shmrpci_lend_commit(&by, &s->lent, at, len, wait.until_ns,
                                     true, &bytes, &why);
    if (waits) {
        status = stall_end(ctx, &wait, status);
    }
    return status == SHMRPC_E_INVALID ? item_is_invalid(ctx, &why)
                                      : sent(ctx, status, bytes);
}

void shmrpc_stub_sink_abort(shmrpc_sink *sink, const void *at)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)sink;
    const shmrpci_lender by = lender_of(ctx);
    shmrpci_lend_abort(&by, &ctx->stream->lent, at);
}

uint64_t shmrpc_stub_sink_delivered(const shmrpc_sink *sink)
{
    const shmrpc_ctx *ctx = (const shmrpc_ctx *)(const void *)sink;
    return ctx->stream->ops->delivered(ctx->stream->end);
}

/* ---- reading ------------------------------------------------------------- */

/* Returns the item in memory that the client can't write, or NULL if memory is
 * short. */
static const uint8_t *stable(const shmrpc_method *method,
                             shmrpci_served_stream *s,
                             const shmrpci_stream_item *raw)
{
    if (!raw->in_shared || raw->len == 0 ||
        shmrpci_stream_is_in_place(raw, method)) {
        return raw->data;
    }
    uint8_t *copy = shmrpci_arena_alloc(&s->arena, raw->len, 8);
    return copy != NULL ? memcpy(copy, raw->data, raw->len) : NULL;
}

static int64_t until(const shmrpc_ctx *ctx)
{
    int64_t deadline_ns = ctx->request->deadline_ns;
    if (ctx->method->idle_ns == 0) {
        return deadline_ns;
    }
    int64_t idle_ns = shmrpci_deadline_after(ctx->method->idle_ns);
    return idle_ns < deadline_ns ? idle_ns : deadline_ns;
}

static int next_item(shmrpc_ctx *ctx, bool may_wait, const void **item)
{
    shmrpci_served_stream *s = ctx->stream;
    const shmrpc_type *type = ctx->method->items_in;
    shmrpc_error why = {.code = 0};
    shmrpci_stream_item raw;
    if (is_old(ctx)) {
        return retire(ctx);
    }
    int status = s->over != SHMRPC_MORE
                     ? s->over
                     : s->ops->next(s->end, may_wait ? until(ctx) : 0, &raw);
    s->wants_item = status == SHMRPC_E_BUSY;
    if (status == SHMRPC_E_BUSY) {
        return status;
    }
    if (status != SHMRPC_MORE) {
        s->over = status;
        return shmrpci_served_stream_no_point(ctx, status);
    }
    s->items += ctx->method->items_out == NULL ? 1u : 0u;
    count_item(s, true, raw.len);
    if (ctx->is_looked_at) {
        tell_item(ctx, true);
    }
    *item = shmrpci_flat_in_place(&s->flat, type, &raw);
    if (*item != NULL) {
        return SHMRPC_MORE;
    }
    shmrpci_arena_reset(&s->arena);
    const uint8_t *data = stable(ctx->method, s, &raw);
    void *value = shmrpci_arena_alloc(&s->arena, type->size, type->align);
    if (value == NULL || (data == NULL && raw.len > 0)) {
        return SHMRPC_E_NO_MEMORY;
    }
    status =
        s->codec->decode(type, data, raw.len, "item", &s->arena, value, &why);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_INVALID
                   ? shmrpc_ctx_fail(ctx, status, "%s: %s", why.path,
                                     why.message)
                   : status;
    }
    *item = value;
    return SHMRPC_MORE;
}

int shmrpc_stub_source_next(shmrpc_source *source, const void **item)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)source;
    return next_item(ctx, ctx->stream->pump == NULL, item);
}

int shmrpc_stub_source_try_next(shmrpc_source *source, const void **item)
{
    return next_item((shmrpc_ctx *)(void *)source, false, item);
}

int shmrpci_served_stream_begin(shmrpc_ctx *ctx, shmrpci_served_stream *s,
                                const shmrpci_transport *transport,
                                const shmrpci_codec *codec,
                                const shmrpci_stream_rules *rules,
                                shmrpci_counter *counter, uint32_t row)
{
    shmrpc_error why = {.code = 0};
    *s = (shmrpci_served_stream){
        .ops = transport->streams,
        .lends = transport->lends,
        .flat = shmrpci_flat_item(codec, ctx->method->items_in),
        .codec = codec,
        .over = SHMRPC_MORE,
        .stall_ns = rules->stall_ns};
    if (s->ops == NULL) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_UNIMPLEMENTED,
                               "%s:// does not support streams",
                               transport->scheme);
    }
    if (rules->max_age_ns != 0) {
        limit_age(s, ctx->request, rules->max_age_ns);
    }
    int status = s->ops->accept(ctx->request, rules->max_places, &s->end, &why);
    if (status == SHMRPC_E_EXHAUSTED) {
        return shmrpc_ctx_refuse(ctx, RETRY_NS, "%s", why.message);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_ctx_fail(ctx, status, "%s", why.message);
    }
    shmrpci_buf_init_heap(&s->out);
    shmrpci_arena_init(&s->arena, rules->decode_limit);
    s->counts = shmrpci_count_stream(counter, row);
    ctx->stream = s;
    return SHMRPC_OK;
}

int shmrpci_served_stream_end(shmrpc_ctx *ctx, int status)
{
    shmrpci_served_stream *s = ctx->stream;
    /* If the handler learned from shmrpc_ctx_cancelled or a nested call that
     * the stream is too old, no send has recorded this yet. */
    if (is_by_age(ctx, status)) {
        (void)retire(ctx);
    }
    shmrpci_count_stream_end(s->counts);
    s->ops->close(s->end);
    shmrpci_buf_fini(&s->out);
    shmrpci_arena_fini(&s->arena);
    ctx->stream = NULL;
    return s->ended != SHMRPC_OK ? s->ended : status;
}
