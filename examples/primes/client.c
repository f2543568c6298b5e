/*
 * Counts the primes in many ranges at the same time, in an event loop: epoll
 * waits for the client's descriptor among other descriptors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "primes_client.h"

#define RANGES 100
#define WIDTH  1000

/* The sum that callbacks compute. */
typedef struct total {
    unsigned open; /* number of ranges without an answer */
    uint64_t primes;
} total;

static void must(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        (void)fprintf(stderr, "%s\n",
                      shmrpc_error_text(error, text, sizeof text));
        exit(EXIT_FAILURE);
    }
}

/* Called by demo_primes_dispatch, once for each range. */
static void add(void *user, int status, const uint64_t *count,
                const shmrpc_error *error)
{
    total *t = user;
    must(status, error);
    t->open--;
    t->primes += *count;
}

/* Keeps 64 calls in flight; when all slots are taken, the next call waits until
 * one ends. */
static void start_all(demo_primes *client, total *t)
{
    shmrpc_error error;
    for (uint64_t i = 0; i < RANGES; i++) {
        must(demo_primes_count_async(client, i * WIDTH, (i + 1) * WIDTH, NULL,
                                     NULL, &error, add, t),
             &error);
        t->open++;
    }
}

int main(int argc, char **argv)
{
    demo_primes *client = NULL;
    shmrpc_error error;
    total t = {0, 0};
    must(demo_primes_connect(argc > 1 ? argv[1] : NULL, NULL, &client, &error),
         &error);

    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (loop < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, demo_primes_fd(client), &event) != 0) {
        perror("epoll");
        return EXIT_FAILURE;
    }

    start_all(client, &t);
    while (t.open > 0) {
        if (epoll_wait(loop, &event, 1, -1) == 1) {
            (void)demo_primes_dispatch(client);
        }
    }
    printf("%d ranges, %llu primes\n", RANGES, (unsigned long long)t.primes);

    /* The form without a callback, for code that does something else
     * meanwhile. */
    shmrpc_call *call = NULL;
    uint64_t primes = 0;
    must(demo_primes_count_start(client, 1000000, 1001000, NULL, &call, &error),
         &error);
    printf("counting on ...\n");
    must(demo_primes_count_finish(call, &primes, &error), &error);
    printf("%llu more\n", (unsigned long long)primes);
    demo_primes_close(client);
    return EXIT_SUCCESS;
}
