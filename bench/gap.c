/*
 * shmrpc-gap: how long a client waits when its service is restarted.
 *
 *   shmrpc-gap serve [OPTION...]   an ordinary server, for the manager to run
 *   shmrpc-gap call SECONDS        calls the server continuously, and prints as
 *                                  JSON the longest time between two answers,
 *                                  and how many calls were answered and failed
 *
 * bench/manager.py uses it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_client.h"
#include "bench_server.h"

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int null_call(shmrpc_ctx *ctx, void *user)
{
    (void)ctx, (void)user;
    return SHMRPC_OK;
}

static int serve(int argc, char **argv)
{
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    impl.null_call = null_call;
    return bench_calls_main(argc, argv, &impl, NULL);
}

static int call(double seconds)
{
    bench_calls *calls;
    shmrpc_error error;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    unsigned long long answered = 0;
    unsigned long long failed = 0;
    double longest_s = 0;
    if (bench_calls_connect("shm://", &opts, &calls, &error) != SHMRPC_OK ||
        bench_calls_null_call(calls, NULL, &error) != SHMRPC_OK) {
        fprintf(stderr, "shmrpc-gap: %s: %s\n", error.name, error.message);
        return EXIT_FAILURE;
    }
    const double end_s = now_s() + seconds;
    for (double last_s = now_s(); last_s < end_s;) {
        if (bench_calls_null_call(calls, &opts, &error) != SHMRPC_OK) {
            failed++;
            continue;
        }
        const double at_s = now_s();
        longest_s = at_s - last_s > longest_s ? at_s - last_s : longest_s;
        last_s = at_s;
        answered++;
    }
    bench_calls_close(calls);
    printf("{\"gap_s\": %.9f, \"answered\": %llu, \"failed\": %llu}\n",
           longest_s, answered, failed);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0) {
        return serve(argc - 1, argv + 1);
    }
    if (argc == 3 && strcmp(argv[1], "call") == 0) {
        return call(strtod(argv[2], NULL));
    }
    fputs("usage: shmrpc-gap serve [OPTION...] | call SECONDS\n", stderr);
    return 2;
}
