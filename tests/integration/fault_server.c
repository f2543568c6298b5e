/* Serves fault.svc. */
#include "fault_server.h"

#include <stdatomic.h>
#include <time.h>

static atomic_uint naps;
static atomic_uint cancellations;

static int echo(shmrpc_ctx *ctx, void *user, uint64_t number, uint64_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = number;
    return SHMRPC_OK;
}

static int blob(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                shmrpc_bytes *ret)
{
    (void)ctx;
    (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The load of a long call: the handler is busy for `ms`, a millisecond at a
 * time, and checks for cancellation. */
static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms)
{
    (void)user;
    static const struct timespec slice = {.tv_nsec = 1000000};
    int64_t end_ns = now_ns() + (int64_t)ms * 1000000;
    bool cancelled = false;
    atomic_fetch_add(&naps, 1);
    while (now_ns() < end_ns && !cancelled) {
        (void)nanosleep(&slice, NULL);
        cancelled = shmrpc_ctx_cancelled(ctx);
    }
    /* Count the cancellation before the nap ends, so that a client that sees no
     * more naps sees all cancellations. */
    atomic_fetch_add(&cancellations, cancelled);
    atomic_fetch_sub(&naps, 1);
    return cancelled ? SHMRPC_E_CANCELLED : SHMRPC_OK;
}

static int napping(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = atomic_load(&naps);
    return SHMRPC_OK;
}

static int cancelled(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = atomic_load(&cancellations);
    return SHMRPC_OK;
}

/* Reads the clock last, so that the result is not too early. */
static int deadline(shmrpc_ctx *ctx, void *user, int64_t *ret)
{
    (void)user;
    int64_t left_ns = shmrpc_ctx_remaining_ns(ctx);
    *ret = now_ns() + left_ns;
    return SHMRPC_OK;
}

int main(int argc, char **argv)
{
    fault_fault_impl impl = FAULT_FAULT_IMPL_INIT;
    impl.echo = echo;
    impl.blob = blob;
    impl.nap = nap;
    impl.napping = napping;
    impl.cancelled = cancelled;
    impl.deadline = deadline;
    return fault_fault_main(argc, argv, &impl, NULL);
}
