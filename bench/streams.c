/*
 * Streams: a server sends items as fast as it can, and a client reads them one
 * by one, through generated stubs; compared with two processes that share a
 * minimal ring with one tail word, and with a bare TCP socket. Also calls of a
 * client that has streams open.
 *
 * A "call" is 1,024 items (16 if they have 64 KiB).
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "case.h"
#include "flow_client.h"
#include "flow_server.h"
#include "nats_stage.h"
#include "one_way.h"
#include "os/clock.h"
#include "os/thread.h"
#include "sockets.h"
#include "sync/atomic.h"

enum {
    SMALL = STREAM_SMALL,
    LARGE = STREAM_LARGE,
    SMALL_ITEMS = STREAM_SMALL_ITEMS,
    LARGE_ITEMS = STREAM_LARGE_ITEMS,
    SMALL_RING = 64 << 10, /* bytes, as many as in our window */
    LARGE_RING = 1 << 20
};

/* ---- the floor ----------------------------------------------------------- */

/* A ring of slots of one size; each side writes one word. */
typedef struct tail_ring {
    _Alignas(128) _Atomic uint64_t tail;
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) uint8_t bytes[];
} tail_ring;

typedef struct tail_pair {
    const bench_case *what;
    size_t slots;
    int64_t pause_ns; /* how long to sleep when the ring is empty */
    tail_ring *ring;
    uint64_t at;
    uint64_t seen; /* the value last read from the other side's word */
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
        bench_fail("item %llu differs", (unsigned long long)of->at);
    }
    /* The reader returns credit after each quarter of the ring, as in our
     * rings. */
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

/* ---- bare TCP ------------------------------------------------------------ */

typedef struct socket_pair {
    const bench_case *what;
    int ends[2]; /* client, server */
    uint64_t number;
    uint8_t item[LARGE];
} socket_pair;

static void *socket_setup(const bench_case *self)
{
    socket_pair *const of = bench_alloc(sizeof *of);
    memset(of, 0, sizeof *of);
    of->what = self;
    bench_tcp_pair(of->ends);
    return of;
}

static void socket_serve(void *state)
{
    socket_pair *const of = state;
    bench_ready();
    for (;; of->number++) {
        memcpy(of->item, &of->number, sizeof of->number);
        bench_put(of->ends[1], of->item, of->what->payload);
    }
}

static void socket_call(void *state)
{
    socket_pair *const of = state;
    uint64_t number;
    for (unsigned i = 0; i < of->what->calls; i++) {
        bench_get(of->ends[0], of->item, of->what->payload);
        memcpy(&number, of->item, sizeof number);
        if (number != of->number++) {
            bench_fail("an item is wrong");
        }
    }
}

static void socket_teardown(void *state)
{
    socket_pair *const of = state;
    close(of->ends[0]);
    close(of->ends[1]);
    free(of);
}

/* ---- ours: the server ---------------------------------------------------- */

enum { BESIDE = 4 };

/* The parameters of a case of ours, as its `with`. */
typedef struct way {
    const char *scheme;
    unsigned beside; /* streams that the client has open while it calls */
} way;

typedef struct line {
    const bench_case *what;
    const way *way;
    char address[64]; /* where the server listens */
    nats_stage nats;  /* for a client that connects by nats:// */
    flow_flow *client;
    flow_flow_cells_stream *cells;
    flow_flow_pour_stream *pour;
    uint64_t number;
    atomic_bool is_beside; /* whether the client's streams run */
    shmrpc_server *server; /* server in the same process */
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

static int echo(shmrpc_ctx *ctx, void *user, uint64_t number, uint64_t *ret)
{
    (void)ctx, (void)user;
    *ret = number;
    return SHMRPC_OK;
}

static void echo_call(void *state);

static bool is_beside(const line *o)
{
    return o->what->call == echo_call;
}

static void make_server(const line *o)
{
    const shmrpc_server_opts opts = {.listen = o->address,
                                     .workers = is_beside(o) ? BESIDE + 1 : 1,
                                     .force_insecure_serialisation = true};
    flow_flow_impl impl = FLOW_FLOW_IMPL_INIT;
    shmrpc_error error;
    impl.cells = cells;
    impl.pour = pour;
    impl.one = one;
    impl.echo = echo;
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
    const line *const o = state;
    make_server(o);
    signal(SIGTERM, on_signal);
    if (o->nats.server.pid != 0) {
        (void)nats_stage_gateway(&o->nats, "bench-flow:5712");
    }
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
    o->way = self->with;
    if (strcmp(o->way->scheme, "nats") == 0) {
        nats_stage_begin(&o->nats, false);
        snprintf(o->address, sizeof o->address, "shm://bench-flow");
    } else if (strcmp(o->way->scheme, "tcp") == 0) {
        snprintf(o->address, sizeof o->address, "tcp://127.0.0.1:%u",
                 bench_free_port());
    } else {
        snprintf(o->address, sizeof o->address, "%s://@stream-%ld-%u",
                 o->way->scheme, (long)getpid(), count++);
    }
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
    const char *const address =
        o->nats.server.pid != 0 ? o->nats.address : o->address;
    must(flow_flow_connect(address, &opts, &o->client, &error), SHMRPC_OK,
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
            bench_fail("an item is wrong");
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
            bench_fail("an item is wrong");
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
        bench_fail("the item differs");
    }
    must(flow_flow_one_next(stream, &number, &error), SHMRPC_OK, &error);
    flow_flow_one_close(stream);
}

/* ---- calls beside full streams ------------------------------------------- */

/* Reads a hundred items a second from each stream, so that the windows stay
 * full. */
static void *read_slowly(void *state)
{
    line *const o = state;
    const struct timespec rest_of_it = {.tv_nsec = 10000000};
    shmrpc_error error;
    const flow_cell *cell;
    flow_flow_cells_stream *streams[BESIDE];
    for (unsigned i = 0; i < o->way->beside; i++) {
        must(flow_flow_cells(o->client, NULL, &streams[i], &error), SHMRPC_OK,
             &error);
    }
    for (;;) {
        for (unsigned i = 0; i < o->way->beside; i++) {
            must(flow_flow_cells_next(streams[i], &cell, &error), SHMRPC_MORE,
                 &error);
        }
        atomic_store(&o->is_beside, true);
        nanosleep(&rest_of_it, NULL);
    }
    return NULL;
}

static void echo_dial(void *state)
{
    line *const o = state;
    pthread_t reader;
    line_dial(state);
    if (o->way->beside == 0) {
        return;
    }
    if (pthread_create(&reader, NULL, read_slowly, o) != 0) {
        bench_fail("no thread");
    }
    while (!atomic_load(&o->is_beside)) {
        sched_yield();
    }
}

static void echo_call(void *state)
{
    line *const o = state;
    shmrpc_error error;
    uint64_t back = 0;
    o->number++;
    must(flow_flow_echo(o->client, o->number, NULL, &back, &error), SHMRPC_OK,
         &error);
    if (back != o->number) {
        bench_fail("the echo differs");
    }
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
    if (o->nats.server.pid != 0) {
        nats_stage_end(&o->nats);
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
#define RUN(run)                                                              \
    .setup = line_setup, .serve = line_serve, .dial = line_dial, .call = run, \
    .teardown = line_teardown
#define OURS(by, spaced, label, bytes, items, places, through, run)     \
    {                                                                   \
        STREAM_CASE(by, spaced, label, bytes, items, places, "shmrpc"), \
            .is_ours = 1, .with = &(through), RUN(run)                  \
    }
#define CALLS(what, through)                                                 \
    {                                                                        \
        .name = "stream.beside." what,                                       \
        .about = "a call of 8 bytes, beside streams whose windows are full", \
        .payload = 8, .places = BENCH_IN_APART | BENCH_IN_FREE,              \
        .floor = BENCH_FLOOR_NONE, .with = &(through), .setup = line_setup,  \
        .serve = line_serve, .dial = echo_dial, .call = echo_call,           \
        .teardown = line_teardown, .spins = 1                                \
    }

#define TWO (BENCH_IN_APART | BENCH_IN_FREE)

static const way by_shm = {"shm", 0};
static const way by_inproc = {"inproc", 0};
static const way by_tcp = {"tcp", 0};
static const way by_nats = {"nats", 0};
static const way shm_beside = {"shm", BESIDE};
static const way tcp_beside = {"tcp", BESIDE};

static const bench_case cases[] = {
    OURS("", "", "64B", SMALL, SMALL_ITEMS, BENCH_IN_ALL, by_shm, cells_call),
    TAIL("64B", SMALL, SMALL_ITEMS, "tail-word", NULL),
    TAIL("64B", SMALL, SMALL_ITEMS, "tail-word-2us", &distance_ns),
    OURS("", "", "64K", LARGE, LARGE_ITEMS, BENCH_IN_ALL, by_shm, pour_call),
    TAIL("64K", LARGE, LARGE_ITEMS, "tail-word", NULL),
    OURS("tcp.", "tcp ", "64B", SMALL, SMALL_ITEMS, TWO, by_tcp, cells_call),
    OURS("tcp.", "tcp ", "64K", LARGE, LARGE_ITEMS, TWO, by_tcp, pour_call),
    {STREAM_CASE("tcp.", "tcp ", "64K", LARGE, LARGE_ITEMS, TWO, "raw"),
     .setup = socket_setup, .serve = socket_serve, .call = socket_call,
     .teardown = socket_teardown},
    OURS("nats.", "nats ", "64B", SMALL, SMALL_ITEMS, BENCH_IN_FREE, by_nats,
         cells_call),
    OURS("nats.", "nats ", "64K", LARGE, LARGE_ITEMS, BENCH_IN_FREE, by_nats,
         pour_call),
    {.name = "stream.inproc.64B",
     .about = "items of 64 bytes between two threads",
     .payload = SMALL,
     .places = BENCH_IN_ALONE,
     .floor = BENCH_FLOOR_NONE,
     .calls = SMALL_ITEMS,
     .with = &by_inproc,
     .setup = line_setup,
     .dial = line_dial,
     .call = cells_call,
     .teardown = line_teardown},
    {.name = "stream.first",
     .about = "a stream of one item: beside stream.beside.none",
     .payload = 8,
     .places = BENCH_IN_ALL,
     .floor = BENCH_FLOOR_SIGNAL,
     .with = &by_shm,
     RUN(one_call)},
    CALLS("none", by_shm),
    CALLS("four", shm_beside),
    CALLS("tcp.none", by_tcp),
    CALLS("tcp.four", tcp_beside),
};

const bench_suite streams = {cases, sizeof cases / sizeof *cases};
