/*
 * Counts like client.c, but in libuv: the client's descriptor is a uv_poll_t,
 * and a timer of the program runs beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "primes_client.h"

#define RANGES 100
#define WIDTH  1000

typedef struct app {
    demo_primes *client;
    uv_poll_t replies;
    uv_timer_t clock;
    unsigned ticks;
    unsigned open; /* number of ranges without an answer */
    uint64_t primes;
} app;

static void must(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        (void)fprintf(stderr, "%s\n",
                      shmrpc_error_text(error, text, sizeof text));
        exit(EXIT_FAILURE);
    }
}

static void must_uv(int status)
{
    if (status != 0) {
        (void)fprintf(stderr, "libuv: %s\n", uv_strerror(status));
        exit(EXIT_FAILURE);
    }
}

static void add(void *user, int status, const uint64_t *count,
                const shmrpc_error *error)
{
    app *a = user;
    must(status, error);
    a->primes += *count;
    if (--a->open == 0) {
        uv_close((uv_handle_t *)&a->replies, NULL);
    }
}

static void on_replies(uv_poll_t *handle, int status, int events)
{
    const app *a = handle->data;
    must_uv(status);
    (void)events;
    (void)demo_primes_dispatch(a->client);
}

static void on_tick(uv_timer_t *handle)
{
    app *a = handle->data;
    shmrpc_error error;
    for (uint64_t i = 0; i < RANGES / 2; i++) {
        uint64_t first = (a->ticks * (RANGES / 2) + i) * WIDTH;
        must(demo_primes_count_async(a->client, first, first + WIDTH, NULL,
                                     NULL, &error, add, a),
             &error);
    }
    if (++a->ticks == 2) {
        uv_close((uv_handle_t *)handle, NULL);
    }
}

int main(int argc, char **argv)
{
    app a = {.open = RANGES};
    shmrpc_error error;
    must(
        demo_primes_connect(argc > 1 ? argv[1] : NULL, NULL, &a.client, &error),
        &error);
    uv_loop_t *loop = uv_default_loop();
    must_uv(uv_poll_init(loop, &a.replies, demo_primes_fd(a.client)));
    must_uv(uv_timer_init(loop, &a.clock));
    a.replies.data = a.clock.data = &a;
    must_uv(uv_poll_start(&a.replies, UV_READABLE, on_replies));
    must_uv(uv_timer_start(&a.clock, on_tick, 0, 5));
    (void)uv_run(loop, UV_RUN_DEFAULT);
    must_uv(uv_loop_close(loop));
    printf("%u ticks, %llu primes\n", a.ticks, (unsigned long long)a.primes);
    demo_primes_close(a.client);
    return EXIT_SUCCESS;
}
