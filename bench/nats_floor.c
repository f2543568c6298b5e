/*
 * The floor of nats://: two bare clients of NATS's protocol, connected to a
 * server started for them. They exchange requests and answers, one at a time
 * and 64 in flight, or one of them sends items as fast as the other reads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nats_bare.h"
#include "nats_stage.h"
#include "one_way.h"

enum {
    DEPTH = 64, /* requests in flight, and requests in one "call" */
    CREDIT_BYTES = 256 << 10,
    CREDITS = 4 /* chunks of credit that a reader gives at first */
};

typedef struct bare {
    const bench_case *what;
    nats_stage stage;
    nats_bare *client;
    uint64_t sequence; /* number of the last item sent or read */
    size_t unpaid;     /* bytes read since the last credit was given */
    char message[STREAM_LARGE];
} bare;

static void *bare_setup(const bench_case *self)
{
    bare *const b = bench_alloc(sizeof *b);
    memset(b, 0, sizeof *b);
    b->what = self;
    nats_stage_begin(&b->stage, false);
    return b;
}

static void bare_teardown(void *state)
{
    bare *const b = state;
    nats_stage_end(&b->stage);
    free(b);
}

/* ---- echoes -------------------------------------------------------------- */

static void echo_serve(void *state)
{
    bare *const b = state;
    b->client = nats_bare_open(b->stage.server.port, "ask");
    bench_ready();
    for (;;) {
        size_t size;
        const char *const body = nats_bare_next(b->client, &size);
        nats_bare_put(b->client, "answer", body, size);
    }
}

static void ask(bare *b)
{
    const uint64_t n = ++b->sequence;
    memcpy(b->message, &n, sizeof n);
    nats_bare_put(b->client, "ask", b->message, b->what->payload);
}

/* Fails the case unless the next message has the number `n`. */
static void expect(bare *b, uint64_t n)
{
    size_t size;
    uint64_t number;
    const char *const body = nats_bare_next(b->client, &size);
    memcpy(&number, body, sizeof number);
    if (size != b->what->payload || number != n) {
        bench_fail("message %llu differs", (unsigned long long)n);
    }
}

static void echo_dial(void *state)
{
    bare *const b = state;
    b->client = nats_bare_open(b->stage.server.port, "answer");
    for (unsigned i = 0; i + 1 < b->what->calls; i++) {
        ask(b);
    }
}

static void echo_call(void *state)
{
    bare *const b = state;
    ask(b);
    expect(b, b->sequence);
}

/* In each turn, sends another request and waits for the oldest answer. */
static void pipelined_call(void *state)
{
    bare *const b = state;
    for (unsigned i = 0; i < DEPTH; i++) {
        ask(b);
        expect(b, b->sequence - DEPTH + 1);
    }
}

/* ---- items in one direction ---------------------------------------------- */

/* NATS disconnects readers that don't keep up, so the sender waits for credit
 * from the reader. */
static void items_serve(void *state)
{
    bare *const b = state;
    const size_t size = b->what->payload;
    size_t credit = 0;
    size_t unused;
    b->client = nats_bare_open(b->stage.server.port, "credit");
    bench_ready();
    for (;;) {
        while (credit < size) {
            (void)nats_bare_next(b->client, &unused);
            credit += CREDIT_BYTES;
        }
        b->sequence++;
        memcpy(b->message, &b->sequence, sizeof b->sequence);
        nats_bare_put(b->client, "items", b->message, size);
        credit -= size;
    }
}

static void items_dial(void *state)
{
    bare *const b = state;
    b->client = nats_bare_open(b->stage.server.port, "items");
    for (int i = 0; i < CREDITS; i++) {
        nats_bare_put(b->client, "credit", "", 0);
    }
}

static void items_call(void *state)
{
    bare *const b = state;
    for (unsigned i = 0; i < b->what->calls; i++) {
        expect(b, ++b->sequence);
        b->unpaid += b->what->payload;
        if (b->unpaid >= CREDIT_BYTES) {
            nats_bare_put(b->client, "credit", "", 0);
            b->unpaid -= CREDIT_BYTES;
        }
    }
}

#define ECHO(run)                                                             \
    .setup = bare_setup, .serve = echo_serve, .dial = echo_dial, .call = run, \
    .teardown = bare_teardown
#define ITEMS(label, bytes, items)                                         \
    {                                                                      \
        STREAM_CASE("nats.", "nats ", label, bytes, items, BENCH_IN_FREE,  \
                    "raw NATS"),                                           \
            .setup = bare_setup, .serve = items_serve, .dial = items_dial, \
            .call = items_call, .teardown = bare_teardown                  \
    }

static const bench_case cases[] = {
    {.name = "floor.nats",
     .about = "two bare clients of NATS's protocol, through its server",
     .payload = 64,
     .places = BENCH_IN_FREE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "nats 64 B",
     .contestant = "raw NATS",
     ECHO(echo_call)},
    {.name = "floor.nats.pipelined",
     .about = "the same, 64 at a time",
     .payload = 40,
     .places = BENCH_IN_FREE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "pipelined nats",
     .contestant = "raw NATS",
     .calls = DEPTH,
     ECHO(pipelined_call)},
    ITEMS("64B", STREAM_SMALL, STREAM_SMALL_ITEMS),
    ITEMS("64K", STREAM_LARGE, STREAM_LARGE_ITEMS),
};

const bench_suite nats_floor = {cases, sizeof cases / sizeof *cases};
