/* Streams, from the handler's side. */
#include "shmrpc/stream_stub.h"

#include <string.h>

#include "os/clock.h"
#include "rpc/ctx.h"

/* A sink and a source are the context under other names: one call has one of
 * each at most. */
shmrpc_sink *shmrpc_stub_sink(shmrpc_ctx *ctx)
{
    return (shmrpc_sink *)(void *)ctx;
}

shmrpc_source *shmrpc_stub_source(shmrpc_ctx *ctx)
{
    return (shmrpc_source *)(void *)ctx;
}

/* Nobody wants more: why. The loss of its server is a cancellation for the
 * handler, and for the client what it is. */
static int no_point(const shmrpc_ctx *ctx, int status)
{
    if (status == SHMRPC_E_SERVER_LOST) {
        ctx->stream->ended = status;
        return SHMRPC_E_CANCELLED;
    }
    return status == SHMRPC_E_CANCELLED &&
                   shmrpci_now_ns() >= ctx->request->deadline_ns
               ? (int)SHMRPC_E_DEADLINE
               : status;
}

/* An item has come, or gone. */
static void tell_item(shmrpc_ctx *ctx, bool is_in)
{
    shmrpc_intercepted *call = &ctx->beside->looks.call;
    call->items_in += is_in ? 1u : 0u;
    call->items_out += is_in ? 0u : 1u;
    shmrpci_intercept_item(&ctx->beside->looks);
}

/* The client has not read for so long: for both ends that is all. */
static int evict(shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    s->ended = SHMRPC_E_EVICTED;
    return shmrpc_ctx_fail(ctx, SHMRPC_E_EVICTED,
                           "the client has not read for %lld ms, which is as "
                           "long as a stream may stall",
                           (long long)(s->stall_ns / SHMRPCI_NS_PER_MS));
}

/* Waits for room, which there was none of. */
static int send_later(shmrpc_ctx *ctx)
{
    shmrpci_served_stream *s = ctx->stream;
    int64_t deadline_ns = ctx->request->deadline_ns;
    int64_t began_ns = shmrpci_now_ns();
    int64_t stalled_ns = shmrpci_deadline_after(s->stall_ns);
    bool may_stall = stalled_ns < deadline_ns;
    shmrpci_count_stall(s->counts, began_ns);
    /* The handler's thread is the one that reads, too. */
    int status = s->ops->send(s->end, s->out.data, s->out.len,
                              may_stall ? stalled_ns : deadline_ns, true);
    shmrpci_count_stall_end(s->counts, shmrpci_now_ns() - began_ns);
    return status == SHMRPC_E_DEADLINE && may_stall ? evict(ctx) : status;
}

int shmrpc_stub_sink_send(shmrpc_sink *sink, const void *item, uint32_t flags)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)sink;
    shmrpci_served_stream *s = ctx->stream;
    shmrpc_error why = {.code = 0};
    if (s->ended != SHMRPC_OK) {
        return s->ended == SHMRPC_E_EVICTED ? s->ended
                                            : (int)SHMRPC_E_CANCELLED;
    }
    shmrpci_buf_reset(&s->out);
    int status =
        shmrpci_reply_codec(ctx->request, s->codec)
            ->encode(ctx->method->items_out, item, "item", &s->out, &why);
    if (status == SHMRPC_E_INVALID) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "%s: %s", why.path,
                               why.message);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Without a look at the clock, as long as there is room. */
    status = s->ops->send(s->end, s->out.data, s->out.len, 0, true);
    if (status == SHMRPC_E_BUSY && (flags & SHMRPC_OPT_NONBLOCK) == 0) {
        status = send_later(ctx);
    }
    if (status == SHMRPC_E_ABORTED) {
        return shmrpc_ctx_fail(ctx, status,
                               "a deadlock: both ends send and wait for room, "
                               "and neither reads");
    }
    if (status == SHMRPC_OK) {
        shmrpci_count_item_out(s->counts, s->out.len);
        if (ctx->is_looked_at) {
            tell_item(ctx, false);
        }
    }
    return no_point(ctx, status);
}

/* In memory that the client can't write. */
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

int shmrpc_stub_source_next(shmrpc_source *source, const void **item)
{
    shmrpc_ctx *ctx = (shmrpc_ctx *)(void *)source;
    shmrpci_served_stream *s = ctx->stream;
    const shmrpc_type *type = ctx->method->items_in;
    shmrpc_error why = {.code = 0};
    shmrpci_stream_item raw;
    int status = s->over != SHMRPC_MORE
                     ? s->over
                     : s->ops->next(s->end, until(ctx), &raw);
    if (status != SHMRPC_MORE) {
        s->over = status;
        return no_point(ctx, status);
    }
    shmrpci_count_item_in(s->counts, raw.len);
    if (ctx->is_looked_at) {
        tell_item(ctx, true);
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

int shmrpci_served_stream_begin(shmrpc_ctx *ctx, shmrpci_served_stream *s,
                                const shmrpci_transport *transport,
                                const shmrpci_codec *codec,
                                const shmrpci_stream_rules *rules,
                                shmrpci_counter *counter, uint32_t row)
{
    shmrpc_error why = {.code = 0};
    *s = (shmrpci_served_stream){.ops = transport->streams,
                                 .codec = codec,
                                 .over = SHMRPC_MORE,
                                 .stall_ns = rules->stall_ns};
    if (s->ops == NULL) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_UNIMPLEMENTED,
                               "%s:// has no streams", transport->scheme);
    }
    int status = s->ops->accept(ctx->request, rules->max_places, &s->end, &why);
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
    shmrpci_count_stream_end(s->counts);
    s->ops->close(s->end);
    shmrpci_buf_fini(&s->out);
    shmrpci_arena_fini(&s->arena);
    ctx->stream = NULL;
    return s->ended != SHMRPC_OK ? s->ended : status;
}
