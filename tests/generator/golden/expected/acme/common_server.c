/* Servers of acme/common.svc, made by shmrpcgen: edit that file instead. */
#include "common_server.h"

#include <shmrpc/stub.h>

int common_raise_refused(shmrpc_ctx *ctx, const common_refused *detail)
{
    return shmrpc_stub_raise(ctx, &common_refused_descriptor, detail);
}
