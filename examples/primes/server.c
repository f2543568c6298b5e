/* Counts primes; deliberately slow. */
#include "primes_server.h"

static bool is_prime(uint64_t number)
{
    for (uint64_t i = 2; i * i <= number; i++) {
        if (number % i == 0) {
            return false;
        }
    }
    return number >= 2;
}

static int count(shmrpc_ctx *ctx, void *user, uint64_t first, uint64_t end,
                 uint64_t *ret)
{
    (void)user;
    *ret = 0;
    for (uint64_t i = first; i < end; i++) {
        *ret += is_prime(i);
        if (i % 1000 == 0 && shmrpc_ctx_cancelled(ctx)) {
            return SHMRPC_E_CANCELLED;
        }
    }
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    demo_primes_impl impl = DEMO_PRIMES_IMPL_INIT;
    impl.count = count;
    return demo_primes_main(argc, argv, &impl, NULL);
}
