/*
 * The echo service: four handlers and a main function.
 *
 * A handler's parameters live until its reply has been sent, so it may return
 * them or parts of them. New memory would come from shmrpc_ctx_alloc(), new
 * text from shmrpc_ctx_printf().
 */
#include "echo_server.h"

static int echo_any(shmrpc_ctx *ctx, void *user, const shmrpc_any *data,
                    shmrpc_any *ret)
{
    (void)ctx, (void)user;
    *ret = *data;
    return SHMRPC_OK;
}

static int echo_raw(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                    shmrpc_bytes *ret)
{
    (void)ctx, (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int add(shmrpc_ctx *ctx, void *user, int64_t a, int64_t b, int64_t *ret)
{
    (void)user;
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b)) {
        return shmrpc_ctx_fail(ctx, DEMO_ERR_OVERFLOW,
                               "the sum does not fit into 64 bits");
    }
    *ret = a + b;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    demo_echo_impl impl = DEMO_ECHO_IMPL_INIT;
    impl.echo_json = echo_any;
    impl.echo_msgpack = echo_any;
    impl.echo_raw = echo_raw;
    impl.add = add;
    return demo_echo_main(argc, argv, &impl, NULL);
}
