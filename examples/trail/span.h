/* Reports the handler's span of the trace to the caller, as "parent>own": the
 * ids of the parent span and of the own span, in hex. */
#ifndef TRAIL_SPAN_H
#define TRAIL_SPAN_H

#include <shmrpc/beside.h>
#include <shmrpc/server.h>
#include <stdio.h>

/* Adds the span to the reply's metadata under `key`. */
static inline int span_tell(shmrpc_ctx *ctx, const char *key)
{
    shmrpc_trace trace;
    char text[2 * 16 + 2];
    if (!shmrpc_ctx_trace(ctx, &trace)) {
        return SHMRPC_OK;
    }
    for (int i = 0; i < 8; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", trace.parent_id[i]);
        (void)snprintf(text + 17 + 2 * i, 3, "%02x", trace.span_id[i]);
    }
    text[16] = '>';
    return shmrpc_ctx_set_reply_metadata(ctx, key, text);
}

#endif
