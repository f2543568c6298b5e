/* ZeroMQ: PUSH and PULL over a unix socket, records one way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "one_way.h"

typedef struct way {
    size_t bytes;
    char folder[BENCH_FOLDER_BYTES];
    char address[BENCH_FOLDER_BYTES + 16];
    void *socket;
} way;

static void *setup(const bench_case *self)
{
    way *const w = bench_alloc(sizeof *w);
    *w = (way){.bytes = self->payload};
    bench_folder_make(w->folder);
    snprintf(w->address, sizeof w->address, "ipc://%s/z", w->folder);
    return w;
}

static void must(int result, const char *what)
{
    if (result < 0) {
        bench_fail("%s: %s", what, zmq_strerror(zmq_errno()));
    }
}

static void serve(void *state)
{
    way *const w = state;
    static const char data[ONE_WAY_MAX_BYTES];
    void *const s = zmq_socket(zmq_ctx_new(), ZMQ_PUSH);
    must(s != NULL ? zmq_bind(s, w->address) : -1, "zmq_bind");
    bench_ready();
    for (;;) {
        must(zmq_send(s, data, w->bytes, 0), "zmq_send");
    }
}

static void dial(void *state)
{
    way *const w = state;
    w->socket = zmq_socket(zmq_ctx_new(), ZMQ_PULL);
    must(w->socket != NULL ? zmq_connect(w->socket, w->address) : -1,
         "zmq_connect");
}

static void call(void *state)
{
    way *const w = state;
    char data[ONE_WAY_MAX_BYTES];
    for (int i = 0; i < ONE_WAY_RECORDS; i++) {
        const int size = zmq_recv(w->socket, data, sizeof data, 0);
        must(size, "zmq_recv");
        if ((size_t)size != w->bytes) {
            bench_fail("a record of %d bytes", size);
        }
    }
}

static void teardown(void *state)
{
    way *const w = state;
    bench_folder_remove(w->folder);
    free(w);
}

#define CASE(label, size)                                                    \
    {                                                                        \
        ONE_WAY_CASE(label, size, "zeromq"), .setup = setup, .serve = serve, \
                                             .dial = dial, .call = call,     \
                                             .teardown = teardown            \
    }

static const bench_case cases[] = {CASE("64B", 64), CASE("4K", 4096)};

const bench_suite zeromq_one_way = {cases, sizeof cases / sizeof *cases};
