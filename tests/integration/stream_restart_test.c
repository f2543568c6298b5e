/*
 * Servers take over from each other again and again while streams are open.
 * Each stream is complete, or ends after complete items with an error that says
 * to open it again; no short call fails. Runs over shared memory, and through
 * shmrpc-tcp.
 */
#include "flow_common.h"

#include <poll.h>
#include <pthread.h>
#include <shmrpc/client.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    STREAMS = 20, /* open at the same time, over CLIENTS connections */
    CLIENTS = 2,
    ROUNDS = 4,
    LONG_ROUNDS = 60,
    PORTION = 20, /* number of items after which a reader pauses, as if its user
                   * were busy */
    ENOUGH = 2 * PORTION
};

/* Opens one stream after another, in a thread of its own. */
typedef struct visitor {
    pthread_t thread;
    flow_flow *client;
    int (*visit)(struct visitor *v);
    uint64_t items; /* items of the current stream so far */
    shmrpc_error error;
    char wrong[512]; /* what failed; "": nothing */
    /* Read by the test: */
    atomic_uint rounds; /* number of rounds in which it has received ENOUGH
                         * items */
    atomic_uint whole;
    atomic_uint restarted;
} visitor;

static atomic_uint current_round;
static atomic_bool is_over;

static int note_wrong(visitor *v, const char *what, int status)
{
    (void)snprintf(v->wrong, sizeof v->wrong, "%s: %s after %llu items: %s",
                   what, shmrpc_status_name(status),
                   (unsigned long long)v->items,
                   status == SHMRPC_OK ? "" : v->error.message);
    return SHMRPC_E_INTERNAL;
}

/* Counts one more item. Returns false if the stream may end here. */
static bool goes_on(visitor *v, unsigned round)
{
    v->items++;
    if (v->items % PORTION == 0) {
        (void)usleep(2000);
    }
    if (v->items == ENOUGH) {
        atomic_store(&v->rounds, round);
    }
    return !atomic_load(&is_over);
}

/* ---- kinds of streams: each returns how it ended; OK: complete ----------- */

static int read_numbers(visitor *v)
{
    unsigned round = atomic_load(&current_round);
    flow_flow_count_stream *stream = NULL;
    const uint64_t *number;
    int status = flow_flow_count(v->client, 0, 0, NULL, &stream, &v->error);
    while (status == SHMRPC_OK || status == SHMRPC_MORE) {
        status = flow_flow_count_next(stream, &number, &v->error);
        if (status == SHMRPC_OK) {
            status = note_wrong(v, "an endless stream has ended", status);
        } else if (status == SHMRPC_MORE && *number != v->items) {
            status = note_wrong(v, "lost or doubled", status);
        } else if (status == SHMRPC_MORE && !goes_on(v, round)) {
            break;
        }
    }
    flow_flow_count_close(stream);
    return status == SHMRPC_MORE ? SHMRPC_OK : status;
}

/* The handler ends its stream with success when it must leave. */
static int read_drained(visitor *v)
{
    unsigned round = atomic_load(&current_round);
    flow_flow_drained_stream *stream = NULL;
    const uint64_t *number;
    int status = flow_flow_drained(v->client, NULL, &stream, &v->error);
    if (status == SHMRPC_OK) {
        do {
            status = flow_flow_drained_next(stream, &number, &v->error);
            if (status == SHMRPC_MORE && *number != v->items) {
                status = note_wrong(v, "lost or doubled", status);
            }
        } while (status == SHMRPC_MORE && goes_on(v, round));
    }
    flow_flow_drained_close(stream);
    return status == SHMRPC_MORE ? SHMRPC_OK : status;
}

static int talk(visitor *v)
{
    unsigned round = atomic_load(&current_round);
    flow_flow_twice_stream *stream = NULL;
    const uint64_t *number;
    int status = flow_flow_twice(v->client, NULL, &stream, &v->error);
    while (status == SHMRPC_OK || status == SHMRPC_MORE) {
        uint64_t next = v->items;
        status = flow_flow_twice_send(stream, &next, &v->error);
        if (status == SHMRPC_OK) {
            status = flow_flow_twice_next(stream, &number, &v->error);
        }
        if (status == SHMRPC_OK) {
            status = note_wrong(v, "a conversation has ended", status);
        } else if (status == SHMRPC_MORE && *number != 2 * next) {
            status = note_wrong(v, "lost or doubled", status);
        } else if (status == SHMRPC_MORE && !goes_on(v, round)) {
            break;
        }
    }
    flow_flow_twice_close(stream);
    return status == SHMRPC_MORE ? SHMRPC_OK : status;
}

/* An upload with an end: each item must have been added exactly once. */
static int add_up(visitor *v)
{
    const uint64_t one = 1;
    unsigned round = atomic_load(&current_round);
    flow_flow_sum_stream *stream = NULL;
    uint64_t sum = 0;
    int status = flow_flow_sum(v->client, NULL, &stream, &v->error);
    while (status == SHMRPC_OK && v->items < 5 * ENOUGH) {
        status = flow_flow_sum_send(stream, &one, &v->error);
        if (status == SHMRPC_OK && !goes_on(v, round)) {
            break;
        }
    }
    if (stream == NULL) {
        return status;
    }
    int sent = status;
    status = flow_flow_sum_finish(stream, &sum, &v->error);
    if (status == SHMRPC_OK && (sent != SHMRPC_OK || sum != v->items)) {
        v->items = sum;
        status = note_wrong(v, "lost or doubled", status);
    }
    return status;
}

static int (*const kinds[])(visitor *v) = {read_numbers, talk, read_numbers,
                                           read_drained, add_up};

/* ---- visitors ------------------------------------------------------------ */

/* Whether the message is "the server was restarted after 17 items of this
 * stream"; for downloads the number must be right. */
static bool tells_restart(const visitor *v)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "restarted after %llu items",
                   (unsigned long long)v->items);
    return strstr(v->error.message,
                  v->visit == read_numbers || v->visit == read_drained
                      ? wanted
                      : "restarted after ") != NULL;
}

static void *run(void *user)
{
    visitor *v = user;
    while (!atomic_load(&is_over) && v->wrong[0] == '\0') {
        v->items = 0;
        int status = v->visit(v);
        if (status == SHMRPC_OK) {
            atomic_fetch_add(&v->whole, 1u);
        } else if (status == SHMRPC_E_UNAVAILABLE && tells_restart(v)) {
            atomic_fetch_add(&v->restarted, 1u);
        } else if (status == SHMRPC_E_EXHAUSTED && v->items == 0) {
            /* Some workers of the new server may still be starting. */
            (void)usleep(1000);
        } else if (v->wrong[0] == '\0') {
            (void)note_wrong(v, "a stream", status);
        }
    }
    return NULL;
}

static void expect_nothing_wrong(const visitor *visitors)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        if (visitors[i].wrong[0] != '\0') {
            fail_msg("stream %u: %s", i, visitors[i].wrong);
        }
    }
}

/* Reads the server's output, which would otherwise fill the pipe. */
static void read_what_is_there(const child *server)
{
    char said[4096];
    struct pollfd pipe = {.fd = server->out, .events = POLLIN};
    while (poll(&pipe, 1, 0) == 1 &&
           read(server->out, said, sizeof said) == (ssize_t)sizeof said) {
    }
}

/* Waits until each visitor has received items of a stream that it opened in
 * this round. */
static void await_round(const visitor *visitors, unsigned round,
                        const child *server)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (unsigned i = 0; i < STREAMS; i++) {
        while (atomic_load(&visitors[i].rounds) < round) {
            if (visitors[i].wrong[0] != '\0' ||
                harness_now_ns() > deadline_ns) {
                fail_msg("stream %u, round %u: %s", i, round,
                         visitors[i].wrong);
            }
            read_what_is_there(server);
            (void)usleep(1000);
        }
    }
}

/* ---- servers ------------------------------------------------------------- */

static child serve(const char *where, const char *more)
{
    const char *const arguments[] = {"--listen",
                                     where,
                                     "--workers=2",
                                     "--threads=12",
                                     "--stream-drain=300ms",
                                     more,
                                     NULL};
    child server = harness_start(FLOW_SERVER, arguments);
    await_line(&server, "serving at", NULL);
    return server;
}

static int await_exit(child *server)
{
    char said[64];
    harness_read_all(server, said, sizeof said);
    return harness_wait(server);
}

static void hot_restarts_under_streams(void **state)
{
    static visitor visitors[STREAMS];
    flow_flow *clients[CLIENTS];
    char at[96];
    child gateway = {.pid = 0};
    unsigned rounds = harness_is_long() ? LONG_ROUNDS : ROUNDS;
    memset((void *)visitors, 0, sizeof visitors);
    atomic_store(&is_over, false);
    atomic_store(&current_round, 1u);
    harness_address("flow", at);
    child server = serve(at, NULL);
    if (*state == harness_gateway) {
        gateway = harness_relay(at, 5813, "tcp://:0");
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(gateway.pid != 0 ? gateway.place : at);
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        visitor *v = &visitors[i];
        v->client = clients[i % CLIENTS];
        v->visit = kinds[i % (sizeof kinds / sizeof *kinds)];
        assert_int_equal(pthread_create(&v->thread, NULL, run, v), 0);
    }
    for (unsigned round = 1; round <= rounds; round++) {
        await_round(visitors, round, &server);
        child before = server;
        server = serve(at, "--take-over");
        atomic_store(&current_round, round + 1);
        for (unsigned i = 0; i < 50; i++) {
            expect_echo(clients[i % CLIENTS]);
        }
        assert_int_equal(await_exit(&before), 0);
    }
    await_round(visitors, rounds + 1, &server);
    atomic_store(&is_over, true);
    unsigned whole = 0;
    unsigned restarted = 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
        whole += atomic_load(&visitors[i].whole);
        restarted += atomic_load(&visitors[i].restarted);
    }
    expect_nothing_wrong(visitors);
    print_message("%u hot restarts: %u streams whole, %u opened anew\n", rounds,
                  whole, restarted);
    /* Endless streams can't be complete, so they must have been restarted. */
    assert_true(restarted >= rounds * STREAMS / 5 * 3);
    for (unsigned i = 0; i < CLIENTS; i++) {
        flow_flow_close(clients[i]);
    }
    if (gateway.pid != 0) {
        harness_signal(&gateway, SIGTERM);
    }
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASE(hot_restarts_under_streams, NULL, NULL, shm),
        HARNESS_CASE(hot_restarts_under_streams, NULL, NULL, gateway),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
