/* The stock: refuses each first attempt, as if it were busy. */
#include "span.h"
#include "stock_server.h"

static int count(shmrpc_ctx *ctx, void *user, shmrpc_str thing, uint32_t *ret)
{
    (void)user;
    const char *tenant = shmrpc_ctx_metadata(ctx, "tenant");
    int status = span_tell(ctx, "stock");
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpc_ctx_is_retry(ctx)) {
        return shmrpc_ctx_refuse(ctx, INT64_C(5000000), "busy for a moment");
    }
    *ret = (uint32_t)thing.len * (tenant != NULL ? 2 : 1);
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    stock_impl impl = STOCK_IMPL_INIT;
    impl.count = count;
    return stock_main(argc, argv, &impl, NULL);
}
