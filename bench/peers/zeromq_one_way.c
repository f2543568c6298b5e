/* ZeroMQ: PUSH and PULL over a unix socket and over TCP, records one way. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "one_way.h"

typedef struct way {
    size_t bytes;
    unsigned records; /* records taken by one call */
    uint64_t number;
    char folder[BENCH_FOLDER_BYTES];
    char address[BENCH_FOLDER_BYTES + 16];
    void *socket;
} way;

static void *setup(const bench_case *self)
{
    way *const w = bench_alloc(sizeof *w);
    *w = (way){.bytes = self->payload, .records = self->calls};
    bench_folder_make(w->folder);
    if (self->with == NULL) {
        snprintf(w->address, sizeof w->address, "ipc://%s/z", w->folder);
    } else {
        snprintf(w->address, sizeof w->address, "%s%u",
                 (const char *)self->with, bench_free_port());
    }
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
    static char data[STREAM_LARGE];
    void *const s = zmq_socket(zmq_ctx_new(), ZMQ_PUSH);
    must(s != NULL ? zmq_bind(s, w->address) : -1, "zmq_bind");
    bench_ready();
    for (;; w->number++) {
        memcpy(data, &w->number, sizeof w->number);
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
    static char data[STREAM_LARGE];
    uint64_t number;
    for (unsigned i = 0; i < w->records; i++) {
        const int size = zmq_recv(w->socket, data, sizeof data, 0);
        must(size, "zmq_recv");
        memcpy(&number, data, sizeof number);
        if ((size_t)size != w->bytes || number != w->number++) {
            bench_fail("a record of %d bytes has other content", size);
        }
    }
}

static void teardown(void *state)
{
    way *const w = state;
    bench_folder_remove(w->folder);
    free(w);
}

#define RUN                                                     \
    .setup = setup, .serve = serve, .dial = dial, .call = call, \
    .teardown = teardown
#define CASE(label, size)                        \
    {                                            \
        ONE_WAY_CASE(label, size, "zeromq"), RUN \
    }
#define STREAM(way, spaced, label, size, items, to)            \
    {                                                          \
        STREAM_CASE(way, spaced, label, size, items,           \
                    BENCH_IN_APART | BENCH_IN_FREE, "zeromq"), \
            .with = (to), RUN                                  \
    }
#define STREAMS(way, spaced, to)                                      \
    STREAM(way, spaced, "64B", STREAM_SMALL, STREAM_SMALL_ITEMS, to), \
        STREAM(way, spaced, "64K", STREAM_LARGE, STREAM_LARGE_ITEMS, to)

static const bench_case cases[] = {CASE("64B", 64), CASE("4K", 4096),
                                   STREAMS("", "", NULL),
                                   STREAMS("tcp.", "tcp ", "tcp://127.0.0.1:")};

const bench_suite zeromq_one_way = {cases, sizeof cases / sizeof *cases};
