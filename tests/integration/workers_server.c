/* Serves workers.svc. */
#include "workers_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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

static int pid(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = (uint32_t)getpid();
    return SHMRPC_OK;
}

static int nap(shmrpc_ctx *ctx, void *user, uint32_t ms, uint32_t *ret)
{
    struct timespec left = {.tv_sec = ms / 1000,
                            .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)printf("nap %d\n", (int)getpid());
    (void)fflush(stdout);
    while (nanosleep(&left, &left) != 0) {
    }
    return pid(ctx, user, ret);
}

static int crash(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    abort();
}

static int hang(shmrpc_ctx *ctx, void *user)
{
    (void)ctx;
    (void)user;
    while (sleep(1) == 0) {
    }
    return SHMRPC_E_INTERNAL;
}

int main(int argc, char **argv)
{
    workers_workers_impl impl = WORKERS_WORKERS_IMPL_INIT;
    impl.echo = echo;
    impl.blob = blob;
    impl.pid = pid;
    impl.nap = nap;
    impl.nap_again = nap;
    impl.crash = crash;
    impl.hang = hang;
    return workers_workers_main(argc, argv, &impl, NULL);
}
