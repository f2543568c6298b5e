/*
 * One client beside another one, which behaves well or badly. A bad one
 * overwrites all shared memory that it can write, rings all doorbells that it
 * can ring, or is stopped in the middle of its calls. A client that overwrites
 * never waits, so it keeps a CPU busy. For comparison, the other client of
 * another case overwrites private memory between its calls.
 *
 * Single calls of the first client are timed; their p99 must not depend on what
 * the other client does.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench_client.h"
#include "bench_server.h"
#include "case.h"

enum { MAX_AREAS = 8, WORKERS = 2 };

typedef enum manner { BEHAVES, COMPUTES, SCRIBBLES, RINGS, STOPS } manner;

typedef struct pair {
    manner other;
    char address[64];
    atomic_uint *begun; /* set by the other client, in shared memory */
    bench_calls *calls;
} pair;

/* ---- the server ---------------------------------------------------------- */

static shmrpc_server *server;

static void on_term(int number)
{
    (void)number;
    shmrpc_server_stop(server);
}

static int null_call(shmrpc_ctx *ctx, void *user)
{
    (void)ctx, (void)user;
    return SHMRPC_OK;
}

static void pair_serve(void *state)
{
    const pair *const o = state;
    const shmrpc_server_opts opts = {.listen = o->address, .workers = WORKERS};
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    shmrpc_error error;
    impl.null_call = null_call;
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
        bench_calls_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
    signal(SIGTERM, on_term);
    bench_ready();
    if (shmrpc_server_run(server, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
    shmrpc_server_destroy(server);
}

/* ---- the other client ---------------------------------------------------- */

typedef struct area {
    uint64_t *at;
    size_t words;
} area;

/* Finds the writable memory that this process shares with the service. */
static size_t find_areas(area areas[MAX_AREAS])
{
    char line[512];
    size_t count = 0;
    FILE *const maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && count < MAX_AREAS &&
           fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from;
        uintptr_t to;
        char mode[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 &&
            strcmp(mode, "rw-s") == 0 && strstr(line, "shmrpc") != NULL) {
            areas[count].at = (uint64_t *)from; /* NOLINT: a parsed address */
            areas[count++].words = (to - from) / sizeof(uint64_t);
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return count;
}

/* Finds the doorbells that this process can ring: all its eventfds. */
static size_t find_bells(int bells[MAX_AREAS])
{
    size_t count = 0;
    for (int fd = 0; fd < 64 && count < MAX_AREAS; fd++) {
        char path[32];
        char what[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, what, sizeof what - 1) > 0 &&
            strcmp(what, "anon_inode:[eventfd]") == 0) {
            bells[count++] = fd;
        }
    }
    return count;
}

#define SEED 88172645463325252u

/* Returns, depending on the pass: noise, a number that looks like two request
 * entries, all ones, or zero. */
static uint64_t nonsense(uint64_t pass, uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    const uint64_t request = (pass & 0xFFFF) << 16 | 1;
    const uint64_t forms[] = {*random, request << 32 | request, UINT64_MAX, 0};
    return forms[pass % 4];
}

static void write_over(const area *where, uint64_t pass, uint64_t *random)
{
    for (size_t k = 0; k < where->words; k++) {
        *(volatile uint64_t *)&where->at[k] = nonsense(pass, random);
    }
}

__attribute__((noreturn)) static void scribble(pair *o)
{
    static const uint64_t one = 1;
    area areas[MAX_AREAS];
    int bells[MAX_AREAS];
    const size_t count = find_areas(areas);
    const size_t bell_count = o->other == RINGS ? find_bells(bells) : 0;
    uint64_t random = SEED;
    if (count == 0 || (o->other == RINGS && bell_count == 0)) {
        bench_fail("there is nothing to write to");
    }
    for (uint64_t pass = 0;; pass++) {
        for (size_t i = 0; i < count; i++) {
            write_over(&areas[i], pass, &random);
        }
        for (size_t i = 0; i < bell_count; i++) {
            const ssize_t rung = write(bells[i], &one, sizeof one);
            (void)rung;
        }
        atomic_store(o->begun, 1);
    }
}

static void call_once(const pair *o)
{
    shmrpc_error error;
    if (bench_calls_null_call(o->calls, NULL, &error) != SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
}

/* Overwrites as much private memory as a connection shares. */
__attribute__((noreturn)) static void compute(pair *o)
{
    const size_t words = (size_t)64 * 1024 / sizeof(uint64_t);
    const area own = {bench_alloc(words * sizeof(uint64_t)), words};
    uint64_t random = SEED;
    atomic_store(o->begun, 1);
    for (uint64_t pass = 0;; pass++) {
        write_over(&own, pass, &random);
        call_once(o);
    }
}

static void stop_here(int number)
{
    (void)number;
    raise(SIGSTOP);
}

/* Stops this process at some time within the next 20 ms. */
static void stop_soon(void)
{
    const struct itimerval once = {.it_value.tv_usec = 1 + getpid() % 20000};
    signal(SIGALRM, stop_here);
    setitimer(ITIMER_REAL, &once, NULL);
}

static void connect_to(pair *o)
{
    shmrpc_error error;
    if (bench_calls_connect(o->address, NULL, &o->calls, &error) != SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
}

__attribute__((noreturn)) static void be_the_other(pair *o)
{
    connect_to(o);
    call_once(o);
    if (o->other == SCRIBBLES || o->other == RINGS) {
        scribble(o);
    }
    if (o->other == COMPUTES) {
        compute(o);
    }
    atomic_store(o->begun, 1);
    if (o->other == STOPS) {
        stop_soon();
    }
    for (;;) {
        call_once(o);
    }
}

/* ---- the client that is timed -------------------------------------------- */

static void pair_dial(void *state)
{
    pair *const o = state;
    if (bench_fork() == 0) {
        be_the_other(o);
    }
    connect_to(o);
    while (atomic_load(o->begun) == 0) {
        call_once(o);
    }
}

static void pair_call(void *state)
{
    call_once(state);
}

/* ---- cases --------------------------------------------------------------- */

static void *pair_setup(const bench_case *self)
{
    static unsigned count;
    pair *const o = bench_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    o->other = *(const manner *)self->with;
    snprintf(o->address, sizeof o->address, "shm://@pair-%ld-%u",
             (long)getpid(), count++);
    o->begun = bench_shared(sizeof *o->begun);
    return o;
}

static void pair_teardown(void *state)
{
    pair *const o = state;
    bench_unshare(o->begun, sizeof *o->begun);
    free(o);
}

#define BESIDE(way, what, ours, about_)                                       \
    {                                                                         \
        .name = "load.beside." way, .about = about_, .places = BENCH_IN_FREE, \
        .floor = BENCH_FLOOR_NONE, .contest = "load beside",                  \
        .contestant = way, .is_ours = (ours), .spins = 1,                     \
        .with = &(const manner){what}, .setup = pair_setup,                   \
        .serve = pair_serve, .dial = pair_dial, .call = pair_call,            \
        .teardown = pair_teardown                                             \
    }

static const bench_case cases[] = {
    BESIDE("calls", BEHAVES, 1, "an empty call beside a client that calls"),
    BESIDE("computes", COMPUTES, 0,
           "an empty call beside a client that calls and computes in turn"),
    BESIDE("scribbles", SCRIBBLES, 0,
           "an empty call beside a client that overwrites shared memory"),
    BESIDE("rings", RINGS, 0,
           "an empty call beside a client that also rings the bell"),
    BESIDE("stops", STOPS, 0,
           "an empty call beside a client that was stopped in its calls"),
};

const bench_suite neighbours = {cases, sizeof cases / sizeof *cases};
