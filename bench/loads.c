/*
 * Overload: more processes or threads than CPUs. Pairs of a client and a
 * server, many clients of one service, and many threads that share one client.
 *
 * One "call" of a case is a fixed number of calls made by any of the clients.
 * Each case runs with default settings, and with spinning switched off on both
 * sides; the default must not be slower.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_client.h"
#include "bench_server.h"
#include "case.h"
#include "clock.h"

enum { MAX_CLIENTS = 64, CALLS = 256, ADDRESS_BYTES = 64 };

/* The parameters of a case. */
typedef struct load_shape {
    unsigned clients;
    unsigned servers; /* as many as clients, or 1 */
    unsigned workers; /* workers of each server */
    uint32_t work_ns; /* time that a handler computes */
    int processes;    /* whether workers are processes; else threads */
    int is_shared;    /* whether the clients are threads that share one
                       * connection */
    shmrpc_profile profile;
} load_shape;

typedef struct counter {
    _Alignas(128) atomic_ullong calls;
} counter;

typedef struct load {
    load_shape shape;
    /* The address without the server's number, which address_of() appends. */
    char address[ADDRESS_BYTES];
    counter *counters;  /* one for each client, in shared memory */
    bench_calls *calls; /* the connection of the client that is
                         * timed */
} load;

static void address_of(const load *o, unsigned number, char out[80])
{
    snprintf(out, 80, "%s-%u", o->address, number % o->shape.servers);
}

/* ---- servers ------------------------------------------------------------- */

static shmrpc_server *server;

static void on_signal(int number)
{
    (void)number;
    shmrpc_server_stop(server);
}

static int work(shmrpc_ctx *ctx, void *user, uint32_t ns, uint32_t *ret)
{
    (void)ctx, (void)user;
    const uint64_t ticks = (uint64_t)(ns / bench_ns_per_tick());
    const uint64_t start = bench_ticks();
    while (ns != 0 && bench_ticks() - start < ticks) {
    }
    *ret = ns;
    return SHMRPC_OK;
}

static void create_server(const load *o, unsigned number)
{
    char address[80];
    address_of(o, number, address);
    const shmrpc_server_opts opts = {.listen = address,
                                     .workers = o->shape.workers,
                                     .profile = o->shape.profile};
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    shmrpc_error error;
    impl.work = work;
    if (shmrpc_server_create(&opts, &server, &error) != SHMRPC_OK ||
        bench_calls_serve(server, &impl, NULL, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
}

static void run_server(void)
{
    shmrpc_error error;
    signal(SIGTERM, on_signal);
    if (shmrpc_server_run(server, &error) != SHMRPC_OK) {
        bench_fail("server: %s: %s", error.name, error.message);
    }
    shmrpc_server_destroy(server);
}

/* Serves through the generated main function, as any user's server does. */
static void serve_by_processes(const load *o)
{
    char listen_option[96];
    char workers_option[24];
    char *argv[] = {"bench", listen_option, workers_option,
                    o->shape.profile == SHMRPC_PROFILE_POWER
                        ? "--profile=power"
                        : "--profile=balanced",
                    NULL};
    char address[80];
    bench_calls_impl impl = BENCH_CALLS_IMPL_INIT;
    impl.work = work;
    address_of(o, 0, address);
    snprintf(listen_option, sizeof listen_option, "--listen=%s", address);
    snprintf(workers_option, sizeof workers_option, "--workers=%u",
             o->shape.workers);
    if (freopen("/dev/null", "w", stdout) == NULL) {
        bench_fail("no /dev/null: %s", strerror(errno));
    }
    bench_ready(); /* the clients wait until the server listens */
    optind = 0;    /* makes getopt start over, since main() has used it */
    exit(bench_calls_main(4, argv, &impl, NULL));
}

static void load_serve(void *state)
{
    const load *const o = state;
    int listening[2];
    char byte;
    if (o->shape.processes) {
        serve_by_processes(o);
    }
    if (pipe(listening) != 0) {
        bench_fail("no pipe: %s", strerror(errno));
    }
    for (unsigned i = 1; i < o->shape.servers; i++) {
        if (bench_fork() == 0) {
            create_server(o, i);
            if (write(listening[1], "l", 1) == 1) {
                run_server();
            }
            _exit(0);
        }
        if (read(listening[0], &byte, 1) != 1) {
            bench_fail("a server ended before it listened");
        }
    }
    create_server(o, 0);
    bench_ready();
    run_server();
}

/* ---- clients ------------------------------------------------------------- */

static void connect_to(load *o, unsigned number)
{
    char address[80];
    const shmrpc_opts opts = {.profile = o->shape.profile,
                              .flags = SHMRPC_OPT_WAIT_FOR_READY};
    shmrpc_error error;
    address_of(o, number, address);
    if (bench_calls_connect(address, &opts, &o->calls, &error) != SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
}

static void call_once(load *o, unsigned number)
{
    uint32_t back;
    shmrpc_error error;
    if (bench_calls_work(o->calls, o->shape.work_ns, NULL, &back, &error) !=
        SHMRPC_OK) {
        bench_fail("%s: %s", error.name, error.message);
    }
    atomic_fetch_add_explicit(&o->counters[number].calls, 1,
                              memory_order_relaxed);
}

static unsigned long long count_calls(const load *o)
{
    unsigned long long sum = 0;
    for (unsigned i = 0; i < o->shape.clients; i++) {
        sum +=
            atomic_load_explicit(&o->counters[i].calls, memory_order_relaxed);
    }
    return sum;
}

__attribute__((noreturn)) static void call_for_ever(load *o, unsigned number)
{
    for (;;) {
        call_once(o, number);
    }
}

static void fork_clients(load *o)
{
    for (unsigned i = 1; i < o->shape.clients; i++) {
        if (bench_fork() == 0) {
            connect_to(o, i);
            call_for_ever(o, i);
        }
    }
}

typedef struct caller {
    load *of;
    unsigned number;
} caller;

static void *run_caller(void *user)
{
    const caller *const c = user;
    call_for_ever(c->of, c->number);
}

/* The threads end with the process. */
static void start_callers(load *o)
{
    static caller callers[MAX_CLIENTS];
    for (unsigned i = 1; i < o->shape.clients; i++) {
        pthread_t thread;
        callers[i] = (caller){o, i};
        if (pthread_create(&thread, NULL, run_caller, &callers[i]) != 0) {
            bench_fail("no thread: %s", strerror(errno));
        }
    }
}

static void load_dial(void *state)
{
    load *const o = state;
    if (!o->shape.is_shared) {
        fork_clients(o);
    }
    connect_to(o, 0);
    if (o->shape.is_shared) {
        start_callers(o);
    }
    /* Wait until all of them run, so that timing does not start too early. */
    for (unsigned i = 1; i < o->shape.clients; i++) {
        while (atomic_load_explicit(&o->counters[i].calls,
                                    memory_order_relaxed) == 0) {
            call_once(o, 0);
        }
    }
}

static void load_call(void *state)
{
    load *const o = state;
    const unsigned long long before = count_calls(o);
    unsigned long long made;
    do {
        call_once(o, 0);
        made = count_calls(o) - before;
    } while (made < CALLS);
    bench_counts_as((double)made / CALLS);
}

/* ---- cases --------------------------------------------------------------- */

static void *load_setup(const bench_case *self)
{
    static unsigned count;
    load *const o = bench_alloc(sizeof *o);
    memset(o, 0, sizeof *o);
    o->shape = *(const load_shape *)self->with;
    snprintf(o->address, sizeof o->address, "shm://@load-%ld-%u",
             (long)getpid(), count++);
    o->counters = bench_shared(MAX_CLIENTS * sizeof *o->counters);
    return o;
}

static void load_teardown(void *state)
{
    load *const o = state;
    bench_unshare(o->counters, MAX_CLIENTS * sizeof *o->counters);
    free(o);
}

#define LOAD(name_, way, ours, about_, contest_, ...)                          \
    {                                                                          \
        .name = "load." name_ "." way, .about = about_,                        \
        .places = BENCH_IN_FREE, .floor = BENCH_FLOOR_NONE,                    \
        .contest = contest_, .contestant = way, .is_ours = (ours), .spins = 1, \
        .calls = CALLS, .with = &(const load_shape){__VA_ARGS__},              \
        .setup = load_setup, .serve = load_serve, .dial = load_dial,           \
        .call = load_call, .teardown = load_teardown                           \
    }

/* One case with default settings, and one without spinning. */
#define LOADS(name, about, contest, ...)                            \
    LOAD(name, "balanced", 1, about, contest, __VA_ARGS__,          \
         SHMRPC_PROFILE_BALANCED),                                  \
        LOAD(name, "no-spin", 0, about ", never spinning", contest, \
             __VA_ARGS__, SHMRPC_PROFILE_POWER)

#define PAIRS(count, us)                                                 \
    LOADS("pairs" #count "." #us "us",                                   \
          #count " pairs of client and server, 256 calls of " #us " us", \
          "load pairs" #count "." #us, count, count, 1, (us)*1000, 0, 0)

#define CLIENTS(count, workers_)                                       \
    LOADS("clients" #count "w" #workers_,                              \
          #count " clients, " #workers_ " workers, 256 calls of 0 us", \
          "load " #count "x" #workers_, count, 1, workers_, 0, 0, 0)

#define WORKERS(workers_, us)                                            \
    LOADS("workers" #workers_ "." #us "us",                              \
          "4 clients, " #workers_ " worker processes, 256 calls of " #us \
          " us",                                                         \
          "workers " #workers_ "." #us, 4, 1, workers_, (us)*1000, 1, 0)

/* Threads that share one client, compared with as many clients. */
#define THREADS(count, workers_)                                            \
    LOAD("threads" #count "w" #workers_, "shared", 1,                       \
         #count " threads of one client, " #workers_ " workers, 256 calls", \
         "threads " #count "x" #workers_, count, 1, workers_, 0, 0, 1,      \
         SHMRPC_PROFILE_BALANCED),                                          \
        LOAD("threads" #count "w" #workers_, "clients", 0,                  \
             #count " clients, " #workers_ " workers, 256 calls",           \
             "threads " #count "x" #workers_, count, 1, workers_, 0, 0, 0,  \
             SHMRPC_PROFILE_BALANCED)

static const bench_case cases[] = {
    PAIRS(1, 0),     PAIRS(1, 10),    PAIRS(2, 0),    PAIRS(2, 10),
    PAIRS(4, 0),     PAIRS(4, 10),    CLIENTS(1, 1),  CLIENTS(2, 1),
    CLIENTS(4, 1),   CLIENTS(8, 1),   CLIENTS(64, 1), CLIENTS(1, 2),
    CLIENTS(2, 2),   CLIENTS(4, 2),   CLIENTS(8, 2),  CLIENTS(64, 2),
    CLIENTS(1, 4),   CLIENTS(2, 4),   CLIENTS(4, 4),  CLIENTS(8, 4),
    CLIENTS(64, 4),  WORKERS(1, 0),   WORKERS(2, 0),  WORKERS(4, 0),
    WORKERS(1, 10),  WORKERS(2, 10),  WORKERS(4, 10), WORKERS(1, 100),
    WORKERS(2, 100), WORKERS(4, 100), THREADS(1, 1),  THREADS(2, 1),
    THREADS(4, 1),   THREADS(16, 1),  THREADS(64, 1), THREADS(1, 2),
    THREADS(2, 2),   THREADS(4, 2),   THREADS(16, 2), THREADS(64, 2),
};

const bench_suite loads = {cases, sizeof cases / sizeof *cases};
