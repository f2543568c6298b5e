/*
 * Two clients of libnats, each with an event loop of its own, connected through
 * a server. The cases are echoes (one at a time, and 64 in flight), the JSON of
 * a call, and a queue of JetStream.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nats_loop.h"
#include "nats_stage.h"

enum { DEPTH = 64, ITEM_BYTES = 64 };

typedef struct duo {
    const bench_case *what;
    nats_stage stage;
    nats_loop *client;
    uint64_t sequence;
    char message[256];
} duo;

static bool is_queue(const bench_case *self);

static void *duo_setup(const bench_case *self)
{
    duo *const d = bench_alloc(sizeof *d);
    memset(d, 0, sizeof *d);
    d->what = self;
    nats_stage_begin(&d->stage, is_queue(self));
    return d;
}

static void duo_teardown(void *state)
{
    duo *const d = state;
    nats_stage_end(&d->stage);
    free(d);
}

/* ---- echoes -------------------------------------------------------------- */

static void echo_serve(void *state)
{
    duo *const d = state;
    nats_message message;
    d->client = nats_loop_open(d->stage.server.port, "ask");
    bench_ready();
    for (;;) {
        if (nats_loop_next(d->client, &message) && message.reply != NULL) {
            nats_loop_put(d->client, message.reply, NULL, message.data,
                          message.len);
        }
    }
}

static void ask(duo *d)
{
    const uint64_t n = ++d->sequence;
    memcpy(d->message, &n, sizeof n);
    nats_loop_put(d->client, "ask", "_INBOX.bench", d->message,
                  d->what->payload);
}

static void expect(duo *d, uint64_t n)
{
    nats_message message;
    uint64_t number;
    if (!nats_loop_next(d->client, &message) ||
        message.len != d->what->payload) {
        bench_fail("no echo has come");
    }
    memcpy(&number, message.data, sizeof number);
    if (number != n) {
        bench_fail("echo %llu differs", (unsigned long long)n);
    }
}

static void echo_dial(void *state)
{
    duo *const d = state;
    d->client = nats_loop_open(d->stage.server.port, "_INBOX.bench");
    for (unsigned i = 0; i + 1 < d->what->calls; i++) {
        ask(d);
    }
}

static void echo_call(void *state)
{
    duo *const d = state;
    ask(d);
    expect(d, d->sequence);
}

static void pipelined_call(void *state)
{
    duo *const d = state;
    for (unsigned i = 0; i < DEPTH; i++) {
        ask(d);
        expect(d, d->sequence - DEPTH + 1);
    }
}

/* ---- a queue of JetStream ------------------------------------------------ */

/* Sends a request; fails the case unless the answer contains `answer`. */
static void request(duo *d, const char *subject, const void *data, size_t len,
                    const char *answer)
{
    nats_message message;
    nats_loop_put(d->client, subject, "_INBOX.bench", data, len);
    if (!nats_loop_next(d->client, &message) ||
        memmem(message.data, message.len, answer, strlen(answer)) == NULL) {
        bench_fail("%s: JetStream does not answer with %s", subject, answer);
    }
}

/* Creates a stream in memory with one consumer, comparable to our queue. */
static void queue_dial(void *state)
{
    static const char stream[] =
        "{\"name\":\"JOBS\",\"subjects\":[\"jobs\"],"
        "\"retention\":\"workqueue\",\"storage\":\"memory\"}";
    static const char consumer[] =
        "{\"stream_name\":\"JOBS\",\"config\":{\"durable_name\":\"ALL\","
        "\"ack_policy\":\"explicit\"}}";
    duo *const d = state;
    d->client = nats_loop_open(d->stage.server.port, "_INBOX.bench");
    request(d, "$JS.API.STREAM.CREATE.JOBS", stream, sizeof stream - 1,
            "created");
    request(d, "$JS.API.CONSUMER.DURABLE.CREATE.JOBS.ALL", consumer,
            sizeof consumer - 1, "created");
}

/* Pushes one item, which the server acknowledges, and pops it, acknowledging it
 * to the server. */
static void queue_call(void *state)
{
    duo *const d = state;
    nats_message item;
    memset(d->message, 'x', ITEM_BYTES);
    request(d, "jobs", d->message, ITEM_BYTES, "JOBS");
    nats_loop_put(d->client, "$JS.API.CONSUMER.MSG.NEXT.JOBS.ALL",
                  "_INBOX.bench", "1", 1);
    if (!nats_loop_next(d->client, &item) || item.len != ITEM_BYTES) {
        bench_fail("JetStream delivers no item");
    }
    nats_loop_put(d->client, item.reply, NULL, "+ACK", 4);
}

static bool is_queue(const bench_case *self)
{
    return self->call == queue_call;
}

#define DUO(name_, about_, payload_, contest_, calls_, call_)              \
    {                                                                      \
        .name = (name_), .about = (about_), .payload = (payload_),         \
        .places = BENCH_IN_FREE, .floor = BENCH_FLOOR_NONE,                \
        .contest = (contest_), .contestant = "libnats", .calls = (calls_), \
        .setup = duo_setup, .serve = echo_serve, .dial = echo_dial,        \
        .call = (call_), .teardown = duo_teardown                          \
    }

static const bench_case cases[] = {
    DUO("floor.libnats", "two clients of libnats, each in a loop", 64,
        "nats 64 B", 0, echo_call),
    DUO("floor.libnats.pipelined", "the same, 64 at a time", 40,
        "pipelined nats", DEPTH, pipelined_call),
    DUO("floor.libnats.json",
        "two clients of libnats, as many bytes as a call in JSON", 78,
        "foreign 78 B", 0, echo_call),
    {.name = "floor.libnats.queue",
     .about = "libnats: an item into a queue of JetStream, and out of it",
     .payload = ITEM_BYTES,
     .places = BENCH_IN_ALONE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "queue 64 B",
     .contestant = "libnats",
     .setup = duo_setup,
     .dial = queue_dial,
     .call = queue_call,
     .teardown = duo_teardown},
};

const bench_suite nats_lib = {cases, sizeof cases / sizeof *cases};
