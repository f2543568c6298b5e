#include "calc_server.h"

static int divide(shmrpc_ctx *ctx, void *user, uint64_t a, uint64_t b,
                  uint64_t *ret)
{
    (void)ctx, (void)user;
    *ret = b != 0 ? a / b : 0;
    return b != 0 ? SHMRPC_OK : CALC_ERR_DIVISION_BY_ZERO;
}

int main(int argc, char **argv)
{
    calc_impl impl = CALC_IMPL_INIT;
    impl.divide = divide;
    return calc_main(argc, argv, &impl, NULL);
}
