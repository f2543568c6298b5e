/* Serves later.svc: starts a thread for each call that waits. */
#include "later_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct answer {
    shmrpc_ctx *call;
    uint64_t number;
    uint32_t ms;
} answer;

static int pid(shmrpc_ctx *ctx, void *user, uint32_t *ret)
{
    (void)ctx;
    (void)user;
    *ret = (uint32_t)getpid();
    return SHMRPC_OK;
}

/* Waits in short pauses, because some callers give up meanwhile. */
static void *give(void *user)
{
    answer *a = user;
    for (uint32_t i = 0; i < a->ms && !shmrpc_ctx_cancelled(a->call); i++) {
        (void)usleep(1000);
    }
    (void)shmrpc_ctx_reply(a->call, SHMRPC_OK, &a->number);
    free(a);
    return NULL;
}

static int wait_for(shmrpc_ctx *ctx, void *user, uint32_t ms, uint64_t number,
                    uint64_t *ret)
{
    (void)user;
    (void)ret;
    pthread_t thread;
    answer *a = malloc(sizeof *a);
    if (a == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *a = (answer){.number = number, .ms = ms};
    int status = shmrpc_ctx_detach(ctx, &a->call);
    if (status != SHMRPC_DETACHED) {
        free(a);
        return status;
    }
    if (pthread_create(&thread, NULL, give, a) == 0) {
        (void)pthread_detach(thread);
    } else {
        (void)shmrpc_ctx_reply(a->call, SHMRPC_E_EXHAUSTED, NULL);
        free(a);
    }
    return status;
}

int main(int argc, char **argv)
{
    later_later_impl impl = LATER_LATER_IMPL_INIT;
    impl.pid = pid;
    impl.wait = wait_for;
    return later_later_main(argc, argv, &impl, NULL);
}
