/* The desk: its calls to the stock are nested in the call that it handles. */
#include "desk_server.h"
#include "span.h"
#include "stock_client.h"

static stock *shop; /* each worker has its own client */

static int order(shmrpc_ctx *ctx, void *user, shmrpc_str thing, uint32_t *ret)
{
    (void)user;
    shmrpc_error error;
    shmrpc_reply_metadata back;
    const char *tenant = shmrpc_ctx_metadata(ctx, "tenant");
    const shmrpc_metadata with[] = {{tenant != NULL ? "tenant" : NULL, tenant},
                                    {NULL, NULL}};
    /* The nested call inherits the deadline, the cancellation and the trace of
     * the call that is handled. */
    const shmrpc_opts opts = {
        .parent = ctx, .metadata = with, .reply_metadata = &back};
    int status = stock_count(shop, thing, &opts, ret, &error);
    if (status != SHMRPC_OK) {
        return shmrpc_ctx_fail(ctx, status, "stock: %s", error.message);
    }
    const char *span = shmrpc_reply_metadata_get(&back, "stock");
    if (span != NULL) {
        (void)shmrpc_ctx_set_reply_metadata(ctx, "stock", span);
    }
    return span_tell(ctx, "desk");
}

static int start(void *user, shmrpc_error *error)
{
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY,
                              .timeout_ns = INT64_C(30000000000)};
    (void)user;
    return stock_connect(NULL, &opts, &shop, error);
}

static void stop(void *user)
{
    (void)user;
    stock_close(shop);
}

int main(int argc, char **argv)
{
    shmrpc_hooks hooks = SHMRPC_HOOKS_INIT;
    desk_impl impl = DESK_IMPL_INIT;
    hooks.start = start;
    hooks.stop = stop;
    shmrpc_main_set_hooks(&hooks);
    impl.order = order;
    return desk_main(argc, argv, &impl, NULL);
}
