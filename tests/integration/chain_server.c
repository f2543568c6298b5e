/*
 * Serves chain.svc as one link: CHAIN_NAME is its name, CHAIN_NEXT the address
 * of the next link, which is asked for each call; without one it is the last.
 */
#include "chain_server.h"
#include "chain_client.h"

#include <shmrpc/beside.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static chain *next_link; /* NULL: this is the last one */

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

/* Our own line. */
static int tell_hop(shmrpc_ctx *ctx, const char *rest, size_t rest_len,
                    shmrpc_str *ret)
{
    shmrpc_trace trace;
    char id[2 * sizeof trace.trace_id + 1] = "-";
    char parent[2 * sizeof trace.parent_id + 1] = "-";
    char span[2 * sizeof trace.span_id + 1] = "-";
    if (shmrpc_ctx_trace(ctx, &trace)) {
        put_hex(trace.trace_id, sizeof trace.trace_id, id);
        put_hex(trace.parent_id, sizeof trace.parent_id, parent);
        put_hex(trace.span_id, sizeof trace.span_id, span);
    }
    return shmrpc_ctx_printf(
        ctx, ret, "%s %s %s %s %lld\n%.*s", own_name(), id, parent, span,
        (long long)shmrpc_ctx_remaining_ns(ctx) / 1000000, (int)rest_len, rest);
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

/* ---- ends ---------------------------------------------------------------- */

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

static int wait_for_the_end(shmrpc_ctx *ctx)
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
    return told(next_link == NULL ? wait_for_the_end(ctx)
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
    return told(status == SHMRPC_OK ? wait_for_the_end(ctx) : status);
}

/* ---- life ---------------------------------------------------------------- */

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
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    chain_impl impl = CHAIN_IMPL_INIT;
    hooks.start = start;
    hooks.stop = stop;
    shmrpc_main_set_hooks(&hooks);
    impl.hops = hops;
    impl.hold = hold;
    impl.drip = drip;
    return chain_main(argc, argv, &impl, NULL);
}
