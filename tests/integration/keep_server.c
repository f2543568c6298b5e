/* Serves keep.svc. */
#include "keep_server.h"

static int nothing(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    keep_keep_impl impl = KEEP_KEEP_IMPL_INIT;
    impl.nothing = nothing;
    return keep_keep_main(argc, argv, &impl, NULL);
}
