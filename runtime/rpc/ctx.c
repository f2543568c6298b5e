/* The functions by which a handler uses its call. */
#include "rpc/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "rpc/envelope.h"
#include "shmrpc/stub.h"

void *shmrpc_ctx_alloc(shmrpc_ctx *ctx, size_t size, size_t align)
{
    return shmrpci_arena_alloc(ctx->arena, size, align);
}

int shmrpc_ctx_copy(shmrpc_ctx *ctx, shmrpc_str *ret, const void *text,
                    size_t len)
{
    const char *copy = shmrpci_arena_strndup(ctx->arena, text, len);
    if (copy == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *ret = (shmrpc_str){copy, len};
    return SHMRPC_OK;
}

int shmrpc_ctx_str(shmrpc_ctx *ctx, shmrpc_str *ret, const char *text)
{
    return shmrpc_ctx_copy(ctx, ret, text, text != NULL ? strlen(text) : 0);
}

int shmrpc_ctx_printf(shmrpc_ctx *ctx, shmrpc_str *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        return SHMRPC_E_INVALID;
    }
    char *text = shmrpc_ctx_alloc(ctx, (size_t)len + 1, 1);
    if (text == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    *ret = (shmrpc_str){text, (size_t)len};
    return SHMRPC_OK;
}

void shmrpci_ctx_reserve(shmrpc_ctx *ctx, shmrpci_request *request, size_t size)
{
    if (ctx->has_lent) {
        shmrpci_buf_reset(&request->out);
    } else {
        ctx->ops->reply_reserve(request, size);
    }
}

void *shmrpc_ctx_loan(shmrpc_ctx *ctx, size_t size)
{
    shmrpci_request *request = ctx->request;
    static char result; /* only its address is used, whatever the type */
    if (shmrpci_raw_result(ctx->method, &result) == NULL || ctx->has_lent ||
        ctx->detached != NULL) {
        return NULL;
    }
    ctx->ops->reply_reserve(request, size);
    ctx->has_lent = true;
    ctx->is_long = true;
    void *at = shmrpci_buf_lend(&request->out, size);
    if (at == NULL) {
        shmrpci_buf_reset(&request->out);
    }
    return at;
}

int64_t shmrpc_ctx_remaining_ns(const shmrpc_ctx *ctx)
{
    return shmrpci_remaining_ns(ctx->request->deadline_ns);
}

bool shmrpc_ctx_cancelled(const shmrpc_ctx *ctx)
{
    return ctx->ops->is_cancelled(ctx->request) ||
           shmrpci_now_ns() >= ctx->request->deadline_ns;
}

bool shmrpc_ctx_draining(const shmrpc_ctx *ctx)
{
    return ctx->ops->is_draining(ctx->request);
}

uint32_t shmrpc_ctx_method(const shmrpc_ctx *ctx)
{
    return ctx->index;
}

bool shmrpci_ctx_is_relayed(const shmrpc_ctx *ctx)
{
    uint64_t peer;
    return ctx->has_metadata && shmrpci_metadata_peer(&ctx->beside->in, &peer);
}

uint64_t shmrpc_ctx_connection(const shmrpc_ctx *ctx)
{
    uint64_t peer;
    return ctx->has_metadata && shmrpci_metadata_peer(&ctx->beside->in, &peer)
               ? shmrpci_peer_connection(ctx->request->peer->uid, peer)
               : ctx->ops->connection(ctx->request);
}

const shmrpc_peer *shmrpc_ctx_peer(const shmrpc_ctx *ctx)
{
    return ctx->request->peer;
}

void shmrpci_ctx_say(shmrpc_ctx *ctx, const char *format, va_list args)
{
    char text[4 * SHMRPC_ERROR_MESSAGE_BYTES];
    int len = vsnprintf(text, sizeof text, format, args);
    size_t have = len < 0                      ? 0
                  : (size_t)len >= sizeof text ? sizeof text - 1
                                               : (size_t)len;
    /* A handler may quote bytes that aren't text: the message stops before the
     * first of these. */
    have = shmrpci_utf8_valid_prefix(text, have);
    have = shmrpci_utf8_cut(text, have, sizeof ctx->message - 1);
    memcpy(ctx->message, text, have);
    ctx->message[have] = '\0';
    ctx->retry_after_ns = 0;
}

int shmrpc_ctx_fail(shmrpc_ctx *ctx, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    shmrpci_ctx_say(ctx, format, args);
    va_end(args);
    return status;
}

int shmrpc_ctx_refuse(shmrpc_ctx *ctx, int64_t retry_after_ns,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    shmrpci_ctx_say(ctx, format, args);
    va_end(args);
    ctx->retry_after_ns = retry_after_ns;
    return SHMRPC_E_EXHAUSTED;
}

/* ---- beside the call ----------------------------------------------------- */

const char *shmrpc_ctx_metadata(const shmrpc_ctx *ctx, const char *key)
{
    if (!ctx->has_metadata) {
        return NULL;
    }
    const uint8_t *trace = shmrpci_metadata_trace(&ctx->beside->in);
    if (strcmp(key, SHMRPCI_TRACEPARENT) == 0 && trace != NULL) {
        shmrpci_trace_write(trace, ctx->beside->traceparent);
        return ctx->beside->traceparent;
    }
    return shmrpci_metadata_find(&ctx->beside->in, key);
}

bool shmrpc_ctx_metadata_at(const shmrpc_ctx *ctx, uint32_t index,
                            shmrpc_metadata *out)
{
    return ctx->has_metadata &&
           shmrpci_metadata_at(&ctx->beside->in, index, out);
}

int shmrpc_ctx_set_reply_metadata(shmrpc_ctx *ctx, const char *key,
                                  const char *value)
{
    shmrpc_error why = {.code = 0};
    shmrpci_metadata unwanted;
    bool is_wanted = ctx->has_metadata && ctx->is_long;
    if (!is_wanted) {
        shmrpci_metadata_init(&unwanted, 0);
    }
    int status = shmrpci_metadata_add(is_wanted ? &ctx->beside->out : &unwanted,
                                      key, value, &why);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_ctx_fail(ctx, status, "%s", why.message);
}

bool shmrpc_ctx_is_retry(const shmrpc_ctx *ctx)
{
    return ctx->has_metadata && (shmrpci_metadata_flags(&ctx->beside->in) &
                                 SHMRPCI_METADATA_RETRY) != 0;
}

bool shmrpci_ctx_span(const shmrpc_ctx *ctx, uint8_t out[SHMRPCI_TRACE_BYTES])
{
    const uint8_t *trace =
        ctx->has_metadata ? shmrpci_metadata_trace(&ctx->beside->in) : NULL;
    if (trace == NULL) {
        return false;
    }
    if (!ctx->beside->has_span) {
        shmrpci_trace_child(trace, ctx->beside->span);
        ctx->beside->has_span = true;
    }
    memcpy(out, ctx->beside->span, SHMRPCI_TRACE_BYTES);
    return true;
}

bool shmrpc_ctx_trace(const shmrpc_ctx *ctx, shmrpc_trace *out)
{
    uint8_t span[SHMRPCI_TRACE_BYTES];
    if (!shmrpci_ctx_span(ctx, span)) {
        return false;
    }
    const uint8_t *trace = shmrpci_metadata_trace(&ctx->beside->in);
    memcpy(out->trace_id, trace + 1, sizeof out->trace_id);
    memcpy(out->parent_id, trace + 17, sizeof out->parent_id);
    memcpy(out->span_id, span + 17, sizeof out->span_id);
    out->is_sampled = (trace[25] & 1) != 0;
    return true;
}

/* ---- declared errors with payload ---------------------------------------- */

/* Uses the payload's string field `message` as the error's message, for callers
 * that see only the error object, unless the handler has set a message. */
static void take_message(shmrpc_ctx *ctx, const shmrpc_type *payload,
                         const void *detail)
{
    for (uint32_t i = 0; i < payload->count && ctx->message[0] == '\0'; i++) {
        const shmrpc_field *field = &payload->fields[i];
        if (field->type->kind == SHMRPC_KIND_STRING &&
            strcmp(field->name, "message") == 0) {
            const shmrpc_str *text =
                (const void *)((const char *)detail + field->offset);
            size_t len = shmrpci_utf8_cut(text->ptr != NULL ? text->ptr : "",
                                          text->len, sizeof ctx->message - 1);
            if (len > 0) {
                memcpy(ctx->message, text->ptr, len);
            }
            ctx->message[len] = '\0';
        }
    }
}

int shmrpc_stub_raise(shmrpc_ctx *ctx, const shmrpc_error_type *type,
                      const void *detail)
{
    shmrpc_error error;
    ctx->raised = 0;
    shmrpci_buf_reset(&ctx->payload);
    if (detail == NULL) {
        return type->number;
    }
    const shmrpci_codec *codec =
        shmrpci_reply_codec(ctx->request, shmrpci_detail_codec(ctx->method));
    int status =
        codec->encode(type->payload, detail, "", &ctx->payload, &error);
    if (status == SHMRPC_E_INVALID) {
        /* The service broke its own contract, which is not the caller's fault.
         */
        return shmrpc_ctx_fail(ctx, SHMRPC_E_INTERNAL, "error %s: %s: %s",
                               type->name, error.path, error.message);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    ctx->raised = type->number;
    take_message(ctx, type->payload, detail);
    return type->number;
}
