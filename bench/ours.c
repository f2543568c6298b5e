/*
 * Our own calls, made through the stubs generated from bench.svc, as any user
 * makes them.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_client.h"
#include "bench_server.h"
#include "case.h"
#include "nats_stage.h"

typedef struct line {
    char address[64]; /* unique, so that concurrent runs do not collide */
    char listen[64];  /* where the server listens */
    /* The service that the gateway relays; "" without a gateway. */
    char relayed[96];
    bool has_nats; /* whether the gateway is shmrpc-nats */
    nats_stage nats;
    bench_calls *calls;
    uint64_t sequence;
    size_t size;
    char *bytes;
    unsigned depth; /* calls in flight */
    shmrpc_call *flying[64];
    shmrpc_compression compression;
    unsigned count; /* connections to use in turn; 0 if there is only `calls` */
    bench_calls **all;
} line;

/* ---- the server ---------------------------------------------------------- */

static shmrpc_server *server;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server_stop(server);
}

static int null_call(shmrpc_ctx *ctx, void *user)
{
    (void)ctx, (void)user;
    return SHMRPC_OK;
}

static int small(shmrpc_ctx *ctx, void *user, const bench_small *value,
                 bench_small *ret)
{
    (void)ctx, (void)user;
    *ret = *value;
    return SHMRPC_OK;
}

static int echo_raw(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                    shmrpc_bytes *ret)
{
    (void)ctx, (void)user;
    *ret = data;
    return SHMRPC_OK;
}

static int count(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                 shmrpc_bytes *ret)
{
    enum { DIGITS = 21 };
    (void)user;
    char *at = shmrpc_ctx_loan(ctx, DIGITS);
    if (at == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    const int len = snprintf(at, DIGITS, "%zu", data.len);
    *ret = shmrpc_bytes_of(at, (size_t)len);
    return SHMRPC_OK;
}

/* A handler that writes its reply directly into shared memory. */
static int place(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                 shmrpc_bytes *ret)
{
    (void)user;
    const uint8_t *const from = data.ptr;
    uint8_t *at = shmrpc_ctx_loan(ctx, data.len);
    if (at == NULL || data.len == 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    at[0] = from[0];
    at[data.len - 1] = from[data.len - 1];
    *ret = shmrpc_bytes_of(at, data.len);
    return SHMRPC_OK;
}

static int echo_page(shmrpc_ctx *ctx, void *user, const bench_page *page,
                     bench_page *ret)
{
    (void)ctx, (void)user;
    *ret = *page;
    return SHMRPC_OK;
}

/* The gateway ends with this process. Clients wait for the gateway as for any
 * server. */
static void start_gateway(const line *o)
{
    if (o->has_nats) {
        (void)nats_stage_gateway(&o->nats, o->relayed);
    } else if (bench_fork() == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL) {
            execl(BENCH_GATEWAY, BENCH_GATEWAY,
                  "--force-insecure-serialisation", o->relayed, (char *)NULL);
        }
        _exit(127);
    }
}

static void line_serve(void *state)
{
    const line *const o = state;
    const shmrpc_server_opts opts = {.listen = o->listen,
                                     .workers = 1,
                                     .compression = o->compression,
                                     .force_insecure_serialisation = true};
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    shmrpc_error error;
    impl.null_call = null_call;
    impl.small = small;
    impl.echo_raw = echo_raw;
    impl.count = count;
    impl.place = place;
    impl.echo_native = echo_page;
    impl.echo_json = echo_page;
    impl.echo_msgpack = echo_page;
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
        bench_calls_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
    signal(SIGTERM, on_signal);
    if (o->relayed[0] != '\0') {
        start_gateway(o);
    }
    bench_ready();
    if (shmrpc_server_run(server, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
    shmrpc_server_destroy(server);
}

/* ---- the client ---------------------------------------------------------- */

static void *line_setup(const bench_case *self)
{
    static unsigned count;
    line *const o = bench_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    snprintf(o->address, sizeof o->address, "shm://@bench-%ld-%u",
             (long)getpid(), count++);
    memcpy(o->listen, o->address, sizeof o->listen);
    o->size = self->payload;
    o->bytes = bench_alloc(o->size + 1);
    memset(o->bytes, 'x', o->size);
    o->depth = self->with != NULL ? *(const unsigned *)self->with : 0;
    return o;
}

/* A case whose server listens at TCP itself. */
static void *tcp_line_setup(const bench_case *self)
{
    line *const o = line_setup(self);
    snprintf(o->address, sizeof o->address, "tcp://127.0.0.1:%u",
             bench_free_port());
    memcpy(o->listen, o->address, sizeof o->listen);
    return o;
}

/* A case with compression; half of its data is compressible text. */
static void *packed_line_setup(const bench_case *self)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog; ";
    line *const o = tcp_line_setup(self);
    o->compression = *(const shmrpc_compression *)self->with;
    o->depth = 0;
    unsigned noise = 1;
    for (size_t i = 0; i < o->size; i++) {
        noise = noise * 1664525u + 1013904223u;
        o->bytes[i] =
            i / 64 % 2 == 0 ? text[i % (sizeof text - 1)] : (char)(noise >> 24);
    }
    return o;
}

static void *lines_setup(const bench_case *self)
{
    line *const o = tcp_line_setup(self);
    o->count = o->depth;
    o->depth = 0;
    o->all = bench_alloc(o->count * sizeof(bench_calls *));
    return o;
}

/* A case whose server listens at shm://, with a TCP gateway in front of it. */
static void *gateway_line_setup(const bench_case *self)
{
    line *const o = line_setup(self);
    const char *const instance = strchr(o->listen, '@');
    snprintf(o->address, sizeof o->address, "tcp://127.0.0.1:%u",
             bench_free_port());
    snprintf(o->relayed, sizeof o->relayed, "bench%.24s:5711=%.40s", instance,
             o->address);
    return o;
}

/* A case whose server listens at shm://, with a NATS gateway in front of it;
 * clients find the service by its name. */
static void *nats_line_setup(const bench_case *self)
{
    line *const o = line_setup(self);
    nats_stage_begin(&o->nats, false);
    o->has_nats = true;
    snprintf(o->listen, sizeof o->listen, "shm://bench");
    memcpy(o->address, o->nats.address, sizeof o->address);
    snprintf(o->relayed, sizeof o->relayed, "bench:5711");
    return o;
}

static void line_teardown(void *state)
{
    line *const o = state;
    if (o->has_nats) {
        nats_stage_end(&o->nats);
    }
    free(o->all);
    free(o->bytes);
    free(o);
}

static void must(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        bench_fail("%s: %s", error->name, error->message);
    }
}

static void line_dial(void *state)
{
    line *const o = state;
    shmrpc_error error;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_WAIT_FOR_READY};
    must(bench_calls_connect(o->address, &opts, &o->calls, &error), &error);
}

static void dial_lines(void *state)
{
    line *const o = state;
    for (unsigned i = 0; i < o->count; i++) {
        line_dial(o);
        o->all[i] = o->calls;
    }
}

static void call_null(void *state)
{
    line *const o = state;
    shmrpc_error error;
    must(bench_calls_null_call(o->calls, NULL, &error), &error);
}

static void call_small(void *state)
{
    line *const o = state;
    const uint64_t n = ++o->sequence;
    const bench_small value = {n, n + 1, n + 2, n + 3};
    bench_small back;
    shmrpc_error error;
    must(bench_calls_small(o->calls, &value, NULL, &back, &error), &error);
    if (back.sequence != n || back.c != n + 3) {
        bench_fail("call %llu came back wrong", (unsigned long long)n);
    }
}

/* Changes the first and the last byte for each call, so that check() notices an
 * old reply. */
static void stamp(line *o)
{
    const char digit = (char)('0' + ++o->sequence % 10);
    o->bytes[0] = o->bytes[o->size - 1] = digit;
}

static void check(const line *o, const void *bytes, size_t size)
{
    const char *const back = bytes;
    if (size != o->size || back[0] != o->bytes[0] ||
        back[size - 1] != o->bytes[0]) {
        bench_fail("echo %llu differs", (unsigned long long)o->sequence);
    }
}

static void call_raw(void *state)
{
    line *const o = state;
    const bench_calls_echo_raw_reply *reply;
    shmrpc_error error;
    stamp(o);
    must(bench_calls_echo_raw(o->calls, shmrpc_bytes_of(o->bytes, o->size),
                              NULL, &reply, &error),
         &error);
    check(o, reply->value.ptr, reply->value.len);
    bench_calls_echo_raw_release(reply);
}

/* Calls over the next connection in turn. */
static void call_lines(void *state)
{
    line *const o = state;
    o->calls = o->all[o->sequence % o->count];
    call_raw(state);
}

/* Writes the request directly into memory lent by the library; only its first
 * byte is written. */
static void call_lent(void *state)
{
    line *const o = state;
    const bench_calls_count_reply *reply;
    shmrpc_call *call;
    shmrpc_error error;
    uint8_t *at;
    char size[32];
    const int len = snprintf(size, sizeof size, "%zu", o->size);
    must(bench_calls_count_loan(o->calls, o->size, NULL, &at, &call, &error),
         &error);
    at[0] = (uint8_t)++o->sequence;
    must(bench_calls_count_send(call, &error), &error);
    must(bench_calls_count_finish(call, &reply, &error), &error);
    if (reply->value.len != (size_t)len ||
        memcmp(reply->value.ptr, size, (size_t)len) != 0) {
        bench_fail("lent %s bytes, %zu came", size, reply->value.len);
    }
    bench_calls_count_release(reply);
}

/* Like call_lent, but the reply is read in place, too. */
static void call_placed(void *state)
{
    static const shmrpc_opts opts = {.flags = SHMRPC_OPT_IN_PLACE};
    line *const o = state;
    const bench_calls_place_reply *reply;
    shmrpc_call *call;
    shmrpc_error error;
    uint8_t *at;
    stamp(o);
    must(bench_calls_place_loan(o->calls, o->size, &opts, &at, &call, &error),
         &error);
    at[0] = at[o->size - 1] = (uint8_t)o->bytes[0];
    must(bench_calls_place_send(call, &error), &error);
    must(bench_calls_place_finish(call, &reply, &error), &error);
    check(o, reply->value.ptr, reply->value.len);
    bench_calls_place_release(reply);
}

/* Defines one function for each encoding, since each encoding has a reply type
 * of its own. */
#define CALL_PAGE(function, method)                                       \
    static void function(void *state)                                     \
    {                                                                     \
        line *const o = state;                                            \
        const bench_calls_##method##_reply *reply;                        \
        shmrpc_error error;                                               \
        stamp(o);                                                         \
        const bench_page page = {o->sequence, {o->bytes, o->size}};       \
        must(bench_calls_##method(o->calls, &page, NULL, &reply, &error), \
             &error);                                                     \
        check(o, reply->value.text.ptr, reply->value.text.len);           \
        bench_calls_##method##_release(reply);                            \
    }

CALL_PAGE(call_native, echo_native)
CALL_PAGE(call_json, echo_json)
CALL_PAGE(call_msgpack, echo_msgpack)

static shmrpc_call *start_small(line *o)
{
    const uint64_t n = ++o->sequence;
    const bench_small value = {n, n + 1, n + 2, n + 3};
    shmrpc_call *call = NULL;
    shmrpc_error error;
    must(bench_calls_small_start(o->calls, &value, NULL, &call, &error),
         &error);
    return call;
}

static void dial_pipeline(void *state)
{
    line *const o = state;
    line_dial(o);
    for (unsigned i = 0; i < o->depth; i++) {
        o->flying[i] = start_small(o);
    }
}

/* Turns of one "call". Each turn finishes the oldest call and starts another
 * one. */
enum { TURNS = 64 };

static void call_pipeline(void *state)
{
    line *const o = state;
    for (unsigned i = 0; i < TURNS; i++) {
        shmrpc_call **const call = &o->flying[i % o->depth];
        const uint64_t n = o->sequence - o->depth + 1;
        bench_small back;
        shmrpc_error error;
        must(bench_calls_small_finish(*call, &back, &error), &error);
        if (back.sequence != n || back.c != n + 3) {
            bench_fail("call %llu came back wrong", (unsigned long long)n);
        }
        *call = start_small(o);
    }
}

static void call_connect(void *state)
{
    line *const o = state;
    line_dial(o);
    call_null(o);
    bench_calls_close(o->calls);
}

#define CALL(name_, about_, payload_, floor_, call_)                 \
    {                                                                \
        .name = (name_), .about = (about_), .payload = (payload_),   \
        .places = BENCH_IN_ALL, .floor = (floor_), .spins = 1,       \
        .setup = line_setup, .serve = line_serve, .dial = line_dial, \
        .call = (call_), .teardown = line_teardown                   \
    }

/* The same echo that the peers make. */
#define ECHO(payload_, contest_)                                              \
    {                                                                         \
        .name = "shmrpc.raw", .about = "raw echo", .payload = (payload_),     \
        .places = BENCH_IN_ALL, .floor = BENCH_FLOOR_COPY,                    \
        .contest = (contest_), .contestant = "raw", .is_ours = 1, .spins = 1, \
        .setup = line_setup, .serve = line_serve, .dial = line_dial,          \
        .call = call_raw, .teardown = line_teardown                           \
    }

/* Calls over loopback; `way_` is tcp or gateway. */
#define NETWORK(way_, name_, about_, payload_, contest_, dial_, call_, calls_, \
                with_)                                                         \
    {                                                                          \
        .name = #way_ "." name_, .about = (about_), .payload = (payload_),     \
        .places = BENCH_IN_APART | BENCH_IN_FREE, .floor = BENCH_FLOOR_NONE,   \
        .contest = (contest_), .contestant = #way_, .is_ours = 1,              \
        .calls = (calls_), .with = (with_), .setup = way_##_line_setup,        \
        .serve = line_serve, .dial = (dial_), .call = (call_),                 \
        .teardown = line_teardown                                              \
    }

#define NETWORK_CASES(way_)                                                   \
    NETWORK(way_, "small", "shmrpc.small over TCP", 40, NULL, line_dial,      \
            call_small, 0, NULL),                                             \
        NETWORK(way_, "raw", "raw echo over TCP", 64, "tcp 64 B", line_dial,  \
                call_raw, 0, NULL),                                           \
        NETWORK(way_, "raw", "raw echo over TCP", 1 << 20, "tcp 1 MiB",       \
                line_dial, call_raw, 0, NULL),                                \
        NETWORK(way_, "pipelined.64", "shmrpc.small, 64 at a time, over TCP", \
                40, "pipelined tcp", dial_pipeline, call_pipeline, TURNS,     \
                &depths[1])

/* Calls through a nats-server and shmrpc-nats. They are not pinned, since there
 * are more processes than CPUs. */
#define NATS(name_, about_, payload_, contest_, dial_, call_, calls_, with_) \
    {                                                                        \
        .name = "nats." name_, .about = (about_), .payload = (payload_),     \
        .places = BENCH_IN_FREE, .floor = BENCH_FLOOR_NONE,                  \
        .contest = (contest_), .contestant = "nats", .is_ours = 1,           \
        .calls = (calls_), .with = (with_), .setup = nats_line_setup,        \
        .serve = line_serve, .dial = (dial_), .call = (call_),               \
        .teardown = line_teardown                                            \
    }

static const shmrpc_compression packings[] = {SHMRPC_COMPRESSION_SNAPPY,
                                              SHMRPC_COMPRESSION_ZLIB};
static const unsigned line_counts[] = {1, 10, 100, 1000};

#define PACKED(name_, payload_, which_)                                      \
    {                                                                        \
        .name = "tcp." name_, .about = "raw echo over TCP, half of it text", \
        .payload = (payload_), .places = BENCH_IN_APART | BENCH_IN_FREE,     \
        .floor = BENCH_FLOOR_NONE, .with = &packings[which_],                \
        .setup = packed_line_setup, .serve = line_serve, .dial = line_dial,  \
        .call = call_raw, .teardown = line_teardown                          \
    }

#define LINES(name_, which_)                                                \
    {                                                                       \
        .name = "tcp.connections." name_,                                   \
        .about = "raw echo over TCP, over several connections in turn",     \
        .payload = 64, .places = BENCH_IN_APART, .floor = BENCH_FLOOR_NONE, \
        .with = &line_counts[which_], .setup = lines_setup,                 \
        .serve = line_serve, .dial = dial_lines, .call = call_lines,        \
        .teardown = line_teardown                                           \
    }

/* TURNS must be a multiple of each depth. */
static const unsigned depths[] = {16, 64};

#define PIPELINE(name_, depth_)                                             \
    {                                                                       \
        .name = (name_), .about = "shmrpc.small with many calls in flight", \
        .payload = 40, .places = BENCH_IN_ALL, .floor = BENCH_FLOOR_SIGNAL, \
        .spins = 1, .calls = TURNS, .with = (depth_), .setup = line_setup,  \
        .serve = line_serve, .dial = dial_pipeline, .call = call_pipeline,  \
        .teardown = line_teardown                                           \
    }

static const bench_case cases[] = {
    CALL("shmrpc.null", "a native call without parameters or result", 0,
         BENCH_FLOOR_SIGNAL, call_null),
    CALL("shmrpc.small", "a native call, 40 bytes each way (a struct of 4 u64)",
         40, BENCH_FLOOR_SIGNAL, call_small),
    PIPELINE("shmrpc.pipelined.16", &depths[0]),
    PIPELINE("shmrpc.pipelined.64", &depths[1]),
    ECHO(64, "echo 64 B"),
    ECHO(4096, "echo 4 KiB"),
    ECHO(1 << 20, "echo 1 MiB"),
    CALL("shmrpc.lent", "a request in lent memory, read in place", 64,
         BENCH_FLOOR_SIGNAL, call_lent),
    CALL("shmrpc.lent", "a request in lent memory, read in place", 64 << 20,
         BENCH_FLOOR_SIGNAL, call_lent),
    CALL("shmrpc.placed", "request and reply in lent memory, read in place", 64,
         BENCH_FLOOR_SIGNAL, call_placed),
    CALL("shmrpc.placed", "request and reply in lent memory, read in place",
         1 << 20, BENCH_FLOOR_SIGNAL, call_placed),
    CALL("shmrpc.placed", "request and reply in lent memory, read in place",
         64 << 20, BENCH_FLOOR_SIGNAL, call_placed),
    CALL("shmrpc.native", "native echo of a struct with a string", 4096,
         BENCH_FLOOR_COPY, call_native),
    CALL("shmrpc.json", "json echo of a struct with a string", 4096,
         BENCH_FLOOR_COPY, call_json),
    CALL("shmrpc.msgpack", "msgpack echo of a struct with a string", 4096,
         BENCH_FLOOR_COPY, call_msgpack),
    NETWORK_CASES(tcp),
    NETWORK_CASES(gateway),
    NATS("small", "shmrpc.small through NATS", 40, NULL, line_dial, call_small,
         0, NULL),
    NATS("raw", "raw echo through NATS", 64, "nats 64 B", line_dial, call_raw,
         0, NULL),
    NATS("pipelined.64", "shmrpc.small, 64 at a time, through NATS", 40,
         "pipelined nats", dial_pipeline, call_pipeline, TURNS, &depths[1]),
    {.name = "nats.beside.tcp",
     .about = "raw echo over TCP, in the same rounds",
     .payload = 64,
     .places = BENCH_IN_FREE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "nats 64 B",
     .contestant = "tcp://",
     .setup = gateway_line_setup,
     .serve = line_serve,
     .dial = line_dial,
     .call = call_raw,
     .teardown = line_teardown},
    PACKED("snappy", 4096, 0),
    PACKED("snappy", 1 << 20, 0),
    PACKED("zlib", 4096, 1),
    PACKED("zlib", 1 << 20, 1),
    LINES("1", 0),
    LINES("10", 1),
    LINES("100", 2),
    LINES("1000", 3),
    {.name = "shmrpc.connect",
     .about = "connect, the first call, close",
     .payload = 0,
     .places = BENCH_IN_ALL,
     .floor = BENCH_FLOOR_CONNECT,
     .setup = line_setup,
     .serve = line_serve,
     .call = call_connect,
     .teardown = line_teardown},
};

const bench_suite ours = {cases, sizeof cases / sizeof *cases};
