/* Serves kinds.svc. Replies are changed copies of requests, so that both
 * directions are tested. The same functions serve every encoding. */
#include "kinds_server.h"

#include <string.h>

/* Increases each number by `by`, in memory of the call. */
static int add_to_all(shmrpc_ctx *ctx, shmrpc_i64_list in, int64_t by,
                      shmrpc_i64_list *out)
{
    int64_t *numbers =
        shmrpc_ctx_alloc(ctx, in.len * sizeof *numbers, sizeof *numbers);
    if (numbers == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < in.len; i++) {
        numbers[i] = in.ptr[i] + by;
    }
    out->ptr = numbers;
    out->len = in.len;
    return SHMRPC_OK;
}

static int all(shmrpc_ctx *ctx, void *user, const kinds_all *value, int64_t by,
               kinds_all *ret)
{
    (void)user;
    if (by == 100) {
        return shmrpc_ctx_fail(ctx, KINDS_ERR_TOO_MANY, "%lld is too many",
                               (long long)by);
    }
    if (by == 101) {
        return KINDS_ERR_NOT_HERE;
    }
    *ret = *value;
    ret->large += by;
    ret->has_maybe = !value->has_maybe;
    return add_to_all(ctx, value->numbers, by, &ret->numbers);
}

static int loose(shmrpc_ctx *ctx, void *user, const kinds_loose *value,
                 kinds_loose *ret)
{
    (void)ctx;
    (void)user;
    *ret = *value;
    return SHMRPC_OK;
}

static int sum(shmrpc_ctx *ctx, void *user, double a, double b, double *ret)
{
    (void)ctx;
    (void)user;
    *ret = a + b;
    return SHMRPC_OK;
}

static int raw_bytes(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                     shmrpc_bytes *ret)
{
    (void)ctx;
    (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int nothing(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    kinds_kinds_impl impl = KINDS_KINDS_IMPL_INIT;
    impl.json_all = impl.msgpack_all = impl.native_all = all;
    impl.json_loose = impl.msgpack_loose = loose;
    impl.json_sum = impl.msgpack_sum = impl.native_sum = sum;
    impl.raw_bytes = raw_bytes;
    impl.nothing = nothing;
    return kinds_kinds_main(argc, argv, &impl, NULL);
}
