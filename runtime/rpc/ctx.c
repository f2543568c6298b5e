/* What a handler asks of its call. */
#include "rpc/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "os/clock.h"

void *shmrpc_ctx_alloc(shmrpc_ctx *ctx, size_t size, size_t align)
{
    return shmrpci_arena_alloc(ctx->arena, size, align);
}

int64_t shmrpc_ctx_remaining_ns(const shmrpc_ctx *ctx)
{
    return shmrpci_remaining_ns(ctx->request->deadline_ns);
}

bool shmrpc_ctx_cancelled(const shmrpc_ctx *ctx)
{
    return ctx->transport->is_cancelled(ctx->request) ||
           shmrpci_now_ns() >= ctx->request->deadline_ns;
}

const shmrpc_peer *shmrpc_ctx_peer(const shmrpc_ctx *ctx)
{
    return ctx->request->peer;
}

int shmrpc_ctx_fail(shmrpc_ctx *ctx, int status, const char *format, ...)
{
    char text[4 * SHMRPC_ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t have = len < 0                      ? 0
                  : (size_t)len >= sizeof text ? sizeof text - 1
                                               : (size_t)len;
    /* A handler may quote bytes that are no text: up to there. */
    have = shmrpci_utf8_valid_prefix(text, have);
    have = shmrpci_utf8_cut(text, have, sizeof ctx->message - 1);
    memcpy(ctx->message, text, have);
    ctx->message[have] = '\0';
    return status;
}
