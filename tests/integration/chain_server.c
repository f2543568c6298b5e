/*
 * Serves chain.svc as one link of a chain. CHAIN_NAME is its name, CHAIN_NEXT
 * the address of the next link, which it calls in each call; without CHAIN_NEXT
 * it is the last link. For each call in a trace it prints "span NAME METHOD
 * TRACE PARENT OWN STATUS".
 */
#include "chain_server.h"
#include "chain_client.h"

#include <shmrpc/beside.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static chain *next_link; /* NULL: this is the last link */

static const char *own_name(void)
{
    const char *name = getenv("CHAIN_NAME");
    return name != NULL ? name : "?";
}

static void put_hex(const uint8_t *id, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", id[i]);
    }
}

/* The trace of a call, in hexadecimal; "-" if it has none. */
typedef struct span {
    char trace[2 * 16 + 1];
    char parent[2 * 8 + 1];
    char own[2 * 8 + 1];
} span;

static bool read_span(const shmrpc_ctx *ctx, span *out)
{
    shmrpc_trace trace;
    *out = (span){"-", "-", "-"};
    bool is_traced = shmrpc_ctx_trace(ctx, &trace);
    if (is_traced) {
        put_hex(trace.trace_id, sizeof trace.trace_id, out->trace);
        put_hex(trace.parent_id, sizeof trace.parent_id, out->parent);
        put_hex(trace.span_id, sizeof trace.span_id, out->own);
    }
    return is_traced;
}

/* Returns the line of this link, followed by the lines of the next ones. */
static int tell_hop(shmrpc_ctx *ctx, const char *rest, size_t rest_len,
                    shmrpc_str *ret)
{
    span at;
    (void)read_span(ctx, &at);
    return shmrpc_ctx_printf(ctx, ret, "%s %s %s %s %lld\n%.*s", own_name(),
                             at.trace, at.parent, at.own,
                             (long long)shmrpc_ctx_remaining_ns(ctx) / 1000000,
                             (int)rest_len, rest);
}

/* ---- an interceptor that reports the span of each call ------------------- */

static int begin_span(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    span at;
    (void)user;
    (void)error;
    if (read_span(call->ctx, &at)) {
        call->state = malloc(sizeof at);
        memcpy(call->state, &at, sizeof at);
    }
    return SHMRPC_OK;
}

static void export_span(void *user, shmrpc_intercepted *call, int status,
                        const shmrpc_error *error)
{
    span *at = call->state;
    (void)user;
    (void)error;
    if (at != NULL) {
        (void)printf("span %s %s %s %s %s %s\n", own_name(), call->method,
                     at->trace, at->parent, at->own,
                     shmrpc_status_name(status));
        (void)fflush(stdout);
    }
    free(at);
}

static int hops(shmrpc_ctx *ctx, void *user, shmrpc_str *ret)
{
    (void)user;
    if (next_link == NULL) {
        return tell_hop(ctx, "", 0, ret);
    }
    const chain_hops_reply *reply;
    const shmrpc_opts opts = {.parent = ctx};
    shmrpc_error error;
    int status = chain_hops(next_link, &opts, &reply, &error);
    if (status != SHMRPC_OK) {
        return shmrpc_ctx_fail(ctx, status, "%s", error.message);
    }
    status = tell_hop(ctx, reply->value.ptr, reply->value.len, ret);
    chain_hops_release(reply);
    return status;
}

/* ---- how calls end ------------------------------------------------------- */

static int told(int status)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)printf("told %s %lld %s\n", own_name(),
                 (long long)now.tv_sec * 1000000000 + now.tv_nsec,
                 shmrpc_status_name(status));
    (void)fflush(stdout);
    return status;
}

/* A handler that works until it is cancelled. It must check for that itself:
 * the library can only wake a thread that waits in one of its functions. */
static int work_until_cancelled(shmrpc_ctx *ctx)
{
    (void)printf("holds %s\n", own_name());
    (void)fflush(stdout);
    while (!shmrpc_ctx_cancelled(ctx)) {
        (void)usleep(500);
    }
    return SHMRPC_E_CANCELLED;
}

static int hold(shmrpc_ctx *ctx, void *user)
{
    (void)user;
    const shmrpc_opts opts = {.parent = ctx};
    shmrpc_error error;
    return told(next_link == NULL ? work_until_cancelled(ctx)
                                  : chain_hold(next_link, &opts, &error));
}

static int drip_on(shmrpc_ctx *ctx, chain_drip_sink *out)
{
    const shmrpc_opts opts = {.parent = ctx};
    const uint64_t *number;
    chain_drip_stream *stream = NULL;
    shmrpc_error error;
    int status = chain_drip(next_link, &opts, &stream, &error);
    if (status != SHMRPC_OK) {
        return shmrpc_ctx_fail(ctx, status, "%s", error.message);
    }
    while ((status = chain_drip_next(stream, &number, &error)) == SHMRPC_MORE &&
           (status = chain_drip_sink_send(out, number)) == SHMRPC_OK) {
    }
    chain_drip_close(stream);
    return status;
}

static int drip(shmrpc_ctx *ctx, void *user, chain_drip_sink *out)
{
    (void)user;
    const uint64_t number = 7;
    if (next_link != NULL) {
        return told(drip_on(ctx, out));
    }
    int status = chain_drip_sink_send(out, &number);
    return told(status == SHMRPC_OK ? work_until_cancelled(ctx) : status);
}

/* ---- starting and stopping ----------------------------------------------- */

static int start(void *user, shmrpc_error *error)
{
    const char *where = getenv("CHAIN_NEXT");
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY,
                              .timeout_ns = INT64_C(60000000000)};
    (void)user;
    return where != NULL ? chain_connect(where, &opts, &next_link, error)
                         : (int)SHMRPC_OK;
}

static void stop(void *user)
{
    (void)user;
    chain_close(next_link);
}

int main(int argc, char **argv)
{
    static const shmrpc_interceptor exporter = {
        .size = sizeof exporter, .begin = begin_span, .end = export_span};
    static const shmrpc_interceptor *const interceptors[] = {&exporter, NULL};
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    chain_impl impl = CHAIN_IMPL_INIT;
    hooks.start = start;
    hooks.stop = stop;
    hooks.interceptors = interceptors;
    shmrpc_main_set_hooks(&hooks);
    impl.hops = hops;
    impl.hold = hold;
    impl.drip = drip;
    return chain_main(argc, argv, &impl, NULL);
}
