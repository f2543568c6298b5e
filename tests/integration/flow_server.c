/* Serves flow.svc, and prints how each stream begins and ends. */
#include "flow_server.h"

#include <shmrpc/beside.h>
#include <stdio.h>
#include <unistd.h>

/* Also prints the metadata of the call. */
static void begin(const shmrpc_ctx *ctx, const char *name)
{
    const char *mark = shmrpc_ctx_metadata(ctx, "mark");
    (void)printf("begin %s %d %s\n", name, (int)getpid(),
                 mark != NULL ? mark : "");
    (void)fflush(stdout);
}

static int end(const char *name, int status)
{
    (void)printf("end %s %d %s\n", name, (int)getpid(),
                 shmrpc_status_name(status));
    (void)fflush(stdout);
    return status;
}

static int echo(shmrpc_ctx *ctx, void *user, uint64_t number, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = number;
    return SHMRPC_OK;
}

static int pid(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = (uint32_t)getpid();
    return SHMRPC_OK;
}

static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms)
{
    (void)ctx;
    (void)user;
    (void)usleep(ms * 1000);
    return SHMRPC_OK;
}

static int count(shmrpc_ctx *ctx, void *user, uint64_t most, int32_t status,
                 flow_flow_count_sink *out)
{
    (void)user;
    begin(ctx, "count");
    for (uint64_t i = 0; most == 0 || i < most; i++) {
        int sent = flow_flow_count_sink_send(out, &i);
        if (sent != SHMRPC_OK) {
            return end("count", sent);
        }
    }
    return end("count", status);
}

static int drained(shmrpc_ctx *ctx, void *user, flow_flow_drained_sink *out)
{
    (void)user;
    begin(ctx, "drained");
    int sent = SHMRPC_OK;
    for (uint64_t i = 0; sent == SHMRPC_OK && !shmrpc_ctx_draining(ctx); i++) {
        sent = flow_flow_drained_sink_send(out, &i);
    }
    return end("drained", sent);
}

static int stubborn(shmrpc_ctx *ctx, void *user, flow_flow_stubborn_sink *out)
{
    (void)user;
    const uint64_t number = 7;
    begin(ctx, "stubborn");
    (void)flow_flow_stubborn_sink_send(out, &number);
    for (;;) {
        (void)pause();
    }
    return SHMRPC_OK;
}

static int sum(shmrpc_ctx *ctx, void *user, flow_flow_sum_source *in,
               uint64_t *ret)
{
    (void)user;
    const uint64_t *number;
    int status;
    begin(ctx, "sum");
    while ((status = flow_flow_sum_source_next(in, &number)) == SHMRPC_MORE) {
        *ret += *number;
    }
    return end("sum", status);
}

static int twice(shmrpc_ctx *ctx, void *user, flow_flow_twice_source *in,
                 flow_flow_twice_sink *out)
{
    (void)user;
    const uint64_t *number;
    int status;
    begin(ctx, "twice");
    while ((status = flow_flow_twice_source_next(in, &number)) == SHMRPC_MORE) {
        const uint64_t result = 2 * *number;
        status = flow_flow_twice_sink_send(out, &result);
        if (status != SHMRPC_OK) {
            break;
        }
    }
    return end("twice", status);
}

int main(int argc, char **argv)
{
    flow_flow_impl impl = FLOW_FLOW_IMPL_INIT;
    impl.echo = echo;
    impl.pid = pid;
    impl.nap = nap;
    impl.count = count;
    impl.drained = drained;
    impl.stubborn = stubborn;
    impl.sum = sum;
    impl.twice = twice;
    return flow_flow_main(argc, argv, &impl, NULL);
}
