/*
 * Streams: items that a server sends as fast as it can, and a client reads one
 * by one, through generated stubs; beside two processes that share a ring with
 * a word for its tail, and can do nothing else.
 *
 * A "call" is a thousand and twenty-four items (of 64 KiB: 16).
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "flow_client.h"
#include "flow_server.h"
#include "os/clock.h"
#include "os/thread.h"
#include "sync/atomic.h"

enum {
    SMALL = 64,
    LARGE = 64 << 10,
    SMALL_ITEMS = 1024,
    LARGE_ITEMS = 16,
    SMALL_RING = 64 << 10, /* the bytes that ours has */
    LARGE_RING = 1 << 20
};

/* ---- the floor ----------------------------------------------------------- */

/* Slots of one size; a word that each side writes. */
typedef struct tail_ring {
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) uint8_t bytes[];
} tail_ring;

typedef struct tail_pair {
    const bench_case *what;
    size_t slots;
    int64_t pause_ns; /* when nothing is there */
    tail_ring *ring;
    uint64_t at;
    uint64_t seen; /* of the other side's word */
    uint8_t item[LARGE];
} tail_pair;

static size_t ring_bytes(const bench_case *self)
{
    return self->payload == SMALL ? SMALL_RING : LARGE_RING;
}

static void *tail_setup(const bench_case *self)
{
    tail_pair *const of = bench_alloc(sizeof *of);
    memset(of, 0, sizeof *of);
    of->what = self;
    of->slots = ring_bytes(self) / self->payload;
    of->pause_ns = self->with != NULL ? *(const int64_t *)self->with : 0;
    of->ring = bench_shared(sizeof(tail_ring) + ring_bytes(self));
    return of;
}

static void tail_serve(void *state)
{
    tail_pair *const of = state;
    tail_ring *const ring = of->ring;
    const size_t len = of->what->payload;
    bench_ready();
    for (;;) {
        while (of->at - of->seen == of->slots) {
            of->seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        }
        memcpy(of->item, &of->at, sizeof of->at);
        memcpy(ring->bytes + of->at % of->slots * len, of->item, len);
        atomic_store_explicit(&ring->tail, ++of->at, memory_order_release);
    }
}

static void rest(int64_t ns)
{
    const uint64_t end = shmrpci_ticks() + shmrpci_ticks_of_ns(ns);
    while (ns > 0 && (int64_t)(end - shmrpci_ticks()) > 0) {
        shmrpci_pause();
    }
}

static void tail_take(tail_pair *of)
{
    tail_ring *const ring = of->ring;
    const size_t len = of->what->payload;
    uint64_t number;
    while (of->at == of->seen) {
        of->seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (of->at == of->seen) {
            rest(of->pause_ns);
        }
    }
    memcpy(of->item, ring->bytes + of->at % of->slots * len, len);
    memcpy(&number, of->item, sizeof number);
    if (number != of->at) {
        bench_fail("item %llu is another one", (unsigned long long)of->at);
    }
    /* Credit by quarters, as ours. */
    if (++of->at % (of->slots / 4) == 0) {
        atomic_store_explicit(&ring->head, of->at, memory_order_release);
    }
}

static void tail_call(void *state)
{
    tail_pair *const of = state;
    for (unsigned i = 0; i < of->what->calls; i++) {
        tail_take(of);
    }
}

static void tail_teardown(void *state)
{
    tail_pair *const of = state;
    bench_unshare(of->ring, sizeof(tail_ring) + ring_bytes(of->what));
    free(of);
}

/* ---- ours: the server ---------------------------------------------------- */

typedef struct line {
    const bench_case *what;
    char address[64];
    flow_flow *client;
    flow_flow_cells_stream *cells;
    flow_flow_pour_stream *pour;
    uint64_t number;
    shmrpc_server *server; /* of a case without another process */
    shmrpci_thread thread;
} line;

static shmrpc_server *server;

static void on_signal(int signal_number)
{
    (void)signal_number;
    shmrpc_server_stop(server);
}

static int cells(shmrpc_ctx *ctx, void *user, flow_flow_cells_sink *out)
{
    (void)ctx, (void)user;
    flow_cell cell = {.words = {0}};
    int status;
    do {
        status = flow_flow_cells_sink_send(out, &cell);
        cell.words[0]++;
    } while (status == SHMRPC_OK);
    return status;
}

static int pour(shmrpc_ctx *ctx, void *user, shmrpc_bytes like,
                flow_flow_pour_sink *out)
{
    (void)ctx, (void)user;
    uint64_t number = 0;
    uint8_t *bytes = malloc(like.len);
    int status = bytes != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
    const shmrpc_bytes item = {bytes, like.len};
    if (bytes != NULL) {
        memset(bytes, 'x', like.len);
    }
    while (status == SHMRPC_OK) {
        memcpy(bytes, &number, sizeof number);
        status = flow_flow_pour_sink_send(out, &item);
        number++;
    }
    free(bytes);
    return status;
}

static int one(shmrpc_ctx *ctx, void *user, uint64_t number,
               flow_flow_one_sink *out)
{
    (void)ctx, (void)user;
    return flow_flow_one_sink_send(out, &number);
}

static void make_server(const line *o)
{
    const shmrpc_server_opts opts = {.listen = o->address, .workers = 1};
    flow_flow_impl impl = FLOW_FLOW_IMPL_INIT;
    shmrpc_error error;
    impl.cells = cells;
    impl.pour = pour;
    impl.one = one;
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
        flow_flow_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
}

static void run_server(void *unused)
{
    (void)unused;
    shmrpc_error error;
    if (shmrpc_server_run(server, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
}

static void line_serve(void *state)
{
    make_server(state);
    signal(SIGTERM, on_signal);
    bench_ready();
    run_server(NULL);
    shmrpc_server_destroy(server);
}

/* ---- ours: the client ---------------------------------------------------- */

static void *line_setup(const bench_case *self)
{
    static unsigned count;
    line *const o = bench_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    o->what = self;
    snprintf(o->address, sizeof o->address, "%s://@stream-%ld-%u",
             self->with != NULL ? (const char *)self->with : "shm",
             (long)getpid(), count++);
    return o;
}

static void must(int status, int expected, const shmrpc_error *error)
{
    if (status != expected) {
        bench_fail("%s: %s", error->name, error->message);
    }
}

static void line_dial(void *state)
{
    line *const o = state;
    shmrpc_error error;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    if (o->what->serve == NULL) {
        make_server(o);
        o->server = server;
        if (shmrpci_thread_create(&o->thread, "bench", run_server, NULL) !=
            SHMRPC_OK) {
            bench_fail("no thread");
        }
    }
    must(flow_flow_connect(o->address, &opts, &o->client, &error), SHMRPC_OK,
         &error);
}

static void cells_call(void *state)
{
    line *const o = state;
    shmrpc_error error;
    const flow_cell *cell;
    if (o->cells == NULL) {
        must(flow_flow_cells(o->client, NULL, &o->cells, &error), SHMRPC_OK,
             &error);
    }
    for (unsigned i = 0; i < SMALL_ITEMS; i++) {
        must(flow_flow_cells_next(o->cells, &cell, &error), SHMRPC_MORE,
             &error);
        if (cell->words[0] != o->number++) {
            bench_fail("an item is another one");
        }
    }
}

static void pour_call(void *state)
{
    static const uint8_t like[LARGE];
    line *const o = state;
    shmrpc_error error;
    const shmrpc_bytes *item;
    uint64_t number;
    if (o->pour == NULL) {
        const shmrpc_bytes bytes = {like, sizeof like};
        must(flow_flow_pour(o->client, bytes, NULL, &o->pour, &error),
             SHMRPC_OK, &error);
    }
    for (unsigned i = 0; i < LARGE_ITEMS; i++) {
        must(flow_flow_pour_next(o->pour, &item, &error), SHMRPC_MORE, &error);
        memcpy(&number, item->ptr, sizeof number);
        if (item->len != LARGE || number != o->number++) {
            bench_fail("an item is another one");
        }
    }
}

static void one_call(void *state)
{
    line *const o = state;
    shmrpc_error error;
    flow_flow_one_stream *stream;
    const uint64_t *number;
    must(flow_flow_one(o->client, ++o->number, NULL, &stream, &error),
         SHMRPC_OK, &error);
    must(flow_flow_one_next(stream, &number, &error), SHMRPC_MORE, &error);
    if (*number != o->number) {
        bench_fail("the item is another one");
    }
    must(flow_flow_one_next(stream, &number, &error), SHMRPC_OK, &error);
    flow_flow_one_close(stream);
}

static void line_teardown(void *state)
{
    line *const o = state;
    if (o->server != NULL) {
        flow_flow_cells_close(o->cells);
        flow_flow_close(o->client);
        shmrpc_server_stop(o->server);
        shmrpci_thread_join(&o->thread);
        shmrpc_server_destroy(o->server);
    }
    free(o);
}

/* ---- the cases ----------------------------------------------------------- */

static const int64_t distance_ns = 2000;

#define TAIL(label, bytes, items, way, pause)                                 \
    {                                                                         \
        .name = "stream." label "." way,                                      \
        .about = "items of " label " through a ring that has no sleep: " way, \
        .payload = (bytes), .places = BENCH_IN_APART | BENCH_IN_FREE,         \
        .floor = BENCH_FLOOR_NONE, .contest = "stream " label,                \
        .contestant = way, .calls = (items), .with = (pause),                 \
        .setup = tail_setup, .serve = tail_serve, .call = tail_call,          \
        .teardown = tail_teardown, .spins = 1                                 \
    }
#define OURS(label, bytes, items, where, what, run)                            \
    {                                                                          \
        .name = "stream." label ".shmrpc", .about = what, .payload = (bytes),  \
        .places = (where), .floor = BENCH_FLOOR_NONE,                          \
        .contest = "stream " label, .contestant = "shmrpc", .is_ours = 1,      \
        .calls = (items), .setup = line_setup, .serve = line_serve,            \
        .dial = line_dial, .call = run, .teardown = line_teardown, .spins = 1, \
    }

static const bench_case cases[] = {
    OURS("64B", SMALL, SMALL_ITEMS, BENCH_IN_ALL,
         "items of 64 bytes, native, from a server to a client", cells_call),
    TAIL("64B", SMALL, SMALL_ITEMS, "tail-word", NULL),
    TAIL("64B", SMALL, SMALL_ITEMS, "tail-word-2us", &distance_ns),
    OURS("64K", LARGE, LARGE_ITEMS, BENCH_IN_ALL,
         "items of 64 KiB, raw, from a server to a client", pour_call),
    TAIL("64K", LARGE, LARGE_ITEMS, "tail-word", NULL),
    {.name = "stream.inproc.64B",
     .about = "items of 64 bytes between two threads",
     .payload = SMALL,
     .places = BENCH_IN_ALONE,
     .floor = BENCH_FLOOR_NONE,
     .calls = SMALL_ITEMS,
     .with = "inproc",
     .setup = line_setup,
     .dial = line_dial,
     .call = cells_call,
     .teardown = line_teardown},
    {.name = "stream.first",
     .about = "a stream of one item: beside shmrpc.null",
     .payload = 8,
     .places = BENCH_IN_ALL,
     .floor = BENCH_FLOOR_SIGNAL,
     .setup = line_setup,
     .serve = line_serve,
     .dial = line_dial,
     .call = one_call,
     .teardown = line_teardown},
};

const bench_suite streams = {cases, sizeof cases / sizeof *cases};
