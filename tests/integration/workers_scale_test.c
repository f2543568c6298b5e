/* Workers are added and removed with the load. */
#include "workers_common.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define CALLERS 6

static child serve(const char *workers, const char *option, char where[96])
{
    char line[512];
    harness_address("workers", where);
    /* The load is averaged over 1 s; the defaults are 5 s and 30 s. */
    const char *const arguments[] = {"--listen",
                                     where,
                                     workers,
                                     "--new-proc-avg-over-secs=1",
                                     "--kill-proc-avg-over-secs=1",
                                     option,
                                     NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    do { /* earlier lines may say that a worker was too large from the start and
          * is replaced */
        harness_read_line(&server, line, sizeof line);
    } while (strstr(line, "serving at") == NULL);
    return server;
}

/* A thread that calls repeatedly. */
typedef struct caller {
    const char *where;
    atomic_bool is_over;
    bool is_echo; /* calls echo instead of nap */
    unsigned ended;
    unsigned failed;
    pthread_t thread;
} caller;

static void *call_on(void *user)
{
    caller *c = user;
    uint64_t echoed;
    uint32_t pid;
    workers_workers *client = workers_connect(c->where);
    while (!atomic_load(&c->is_over)) {
        int status =
            c->is_echo
                ? workers_workers_echo(client, 1, NULL, &echoed, NULL)
                : workers_workers_nap_again(client, 10, NULL, &pid, NULL);
        c->ended += status == SHMRPC_OK;
        c->failed += status != SHMRPC_OK;
    }
    workers_workers_close(client);
    return NULL;
}

static void start(caller *callers, size_t count, const char *where,
                  bool is_echo)
{
    for (size_t i = 0; i < count; i++) {
        callers[i].where = where;
        callers[i].is_echo = is_echo;
        atomic_store(&callers[i].is_over, false);
        assert_int_equal(
            pthread_create(&callers[i].thread, NULL, call_on, &callers[i]), 0);
    }
}

static void stop(caller *callers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        atomic_store(&callers[i].is_over, true);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].failed, 0);
        assert_true(callers[i].ended > 0);
    }
}

/* Reads the server's output: it prints a line for each nap, and would block. */
static void *drain(void *user)
{
    char line[512];
    FILE *out = user;
    while (fgets(line, sizeof line, out) != NULL) {
    }
    (void)fclose(out);
    return NULL;
}

static void workers_come_and_go_with_the_load(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    pthread_t drainer;
    caller callers[CALLERS] = {{0}};
    child server = serve("--workers=1..4", NULL, where);
    pid_t zygote = workers_zygote(&server);
    FILE *out = fdopen(dup(server.out), "r");
    assert_non_null(out);
    assert_int_equal(pthread_create(&drainer, NULL, drain, out), 0);
    workers_await(zygote, 1, pids);
    workers_workers_close(workers_connect(where));
    for (int round = 0; round < (harness_is_long() ? 20 : 1); round++) {
        start(callers, CALLERS, where, false);
        workers_await(zygote, 4, pids);
        /* One caller would keep one worker busy almost all of the time, so
         * more than one worker stays. This waits only for the first removal. */
        stop(callers + 1, CALLERS - 1);
        workers_await(zygote, 3, pids);
        assert_true(workers_is_alive(pids[0]));
        stop(callers, 1);
        workers_await(zygote, 1, pids);
    }
    (void)kill(server.pid, SIGTERM);
    assert_int_equal(harness_wait(&server), 0);
    assert_int_equal(pthread_join(drainer, NULL), 0);
}

/* A worker that spins for calls uses its CPU, but is not busy: although there
 * are two callers, no worker is added to the only one. */
static void spinning_is_no_load(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    caller callers[2] = {{0}};
    child server = serve("--workers=1..4", NULL, where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 1, pids);
    workers_workers_close(workers_connect(where));
    start(callers, 2, where, true);
    static const struct timespec slice = {.tv_nsec = 20000000};
    int64_t end_ns = harness_now_ns() + 2 * S;
    do {
        (void)nanosleep(&slice, NULL);
        assert_int_equal(workers_children(zygote, pids), 1);
    } while (harness_now_ns() < end_ns);
    stop(callers, 2);
    harness_signal(&server, SIGTERM);
}

/* ---- workers that are replaced ---------------------------------------- */

/* Makes calls until `processes` processes have answered; none of the calls may
 * fail. */
static void call_until(const char *where, size_t processes, uint32_t leak_mb)
{
    static const struct timespec pace = {.tv_nsec = 4000000};
    uint32_t seen[MAX_PIDS];
    size_t count = 0;
    shmrpc_error error;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    workers_workers *client = workers_connect(where);
    int64_t deadline_ns = harness_now_ns() + 2 * PATIENCE;
    while (count < processes) {
        uint32_t pid = 0;
        int status =
            leak_mb > 0
                ? workers_workers_leak(client, leak_mb, &opts, &pid, &error)
                : workers_workers_pid(client, &opts, &pid, &error);
        if (status != SHMRPC_OK) {
            fail_msg("after %zu processes: %s", count, error.message);
        }
        size_t i = 0;
        while (i < count && seen[i] != pid) {
            i++;
        }
        if (i == count) {
            seen[count++] = pid;
        }
        assert_true(harness_now_ns() < deadline_ns);
        if (leak_mb > 0) {
            (void)nanosleep(&pace, NULL); /* so that the workers don't leak all
                                           * of the machine's memory */
        }
    }
    workers_workers_close(client);
}

static void enough_calls_have_a_worker_replaced(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("--workers=1", "--max-proc-calls=100", where);
    call_until(where, 3, 0);
    workers_await(workers_zygote(&server), 1, pids);
    harness_signal(&server, SIGTERM);
}

static void too_much_memory_has_the_largest_replaced(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("--workers=2", "--max-proc-mem-bytes=300M", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 2, pids);
    call_until(where, 3, 1);
    workers_await_line(&server, "the largest, is replaced");
    workers_await(zygote, 2, pids);
    harness_signal(&server, SIGTERM);
}

/* Returns the memory of all workers together, in MB. */
static uint64_t memory_of(pid_t zygote)
{
    pid_t pids[MAX_PIDS];
    uint64_t kib = 0;
    size_t count = workers_children(zygote, pids);
    for (size_t i = 0; i < count; i++) {
        kib += workers_share_of(pids[i]);
    }
    return kib >> 10;
}

static void await_memory(pid_t zygote, uint64_t limit_mb)
{
    static const struct timespec pace = {.tv_nsec = 5000000};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint64_t mb;
    while ((mb = memory_of(zygote)) > limit_mb) {
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%llu MB, more than %llu", (unsigned long long)mb,
                     (unsigned long long)limit_mb);
        }
        (void)nanosleep(&pace, NULL);
    }
}

/* The workers leak five times the limit; each time, their sum falls below the
 * limit again. */
static void memory_comes_back_below_its_limit(void **state)
{
    (void)state;
    enum { LIMIT = 60, LEAK = 20, CALLS = 15 };
    char where[96];
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    child server = serve("--workers=2", "--max-proc-mem-bytes=60M", where);
    pid_t zygote = workers_zygote(&server);
    workers_workers *client = workers_connect(where);
    for (int i = 0; i < CALLS; i++) {
        uint32_t pid;
        if (workers_workers_leak(client, LEAK, &opts, &pid, &error) != 0) {
            fail_msg("call %d: %s", i, error.message);
        }
        await_memory(zygote, LIMIT);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

enum { LEAKERS = 4, LEAK_MB = 50 };

typedef struct leaker {
    workers_workers *client;
    uint32_t pid;
    pthread_t thread;
} leaker;

static void *leak_once(void *user)
{
    leaker *l = user;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    (void)workers_workers_leak(l->client, LEAK_MB, &opts, &l->pid, NULL);
    return NULL;
}

/* Makes calls at the same time until more than one worker has answered. */
static void leak_in_several(leaker leakers[LEAKERS])
{
    bool are_several = false;
    do {
        for (int i = 0; i < LEAKERS; i++) {
            assert_int_equal(pthread_create(&leakers[i].thread, NULL, leak_once,
                                            &leakers[i]),
                             0);
        }
        for (int i = 0; i < LEAKERS; i++) {
            assert_int_equal(pthread_join(leakers[i].thread, NULL), 0);
            assert_true(leakers[i].pid != 0);
            are_several = are_several || leakers[i].pid != leakers[0].pid;
        }
    } while (!are_several);
}

/* Returns the number in the next line like "workers have 212 MB: worker 1 (pid
 * 7), the largest, ...". */
static unsigned long next_replaced(child *server)
{
    char line[512];
    do {
        harness_read_line(server, line, sizeof line);
    } while (strstr(line, "the largest, is replaced") == NULL);
    return strtoul(strstr(line, "workers have ") + strlen("workers have "),
                   NULL, 10);
}

/* All workers grow while the supervisor is stopped. Then a single check
 * replaces as many as necessary; the lines of one check have the same sum. */
static void several_are_replaced_at_once(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    leaker leakers[LEAKERS];
    child server = serve("--workers=4", "--max-proc-mem-bytes=60M", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 4, pids);
    for (int i = 0; i < LEAKERS; i++) {
        leakers[i] = (leaker){.client = workers_connect(where)};
    }
    assert_int_equal(kill(server.pid, SIGSTOP), 0);
    leak_in_several(leakers);
    assert_true(memory_of(zygote) >= LEAKERS * LEAK_MB);
    assert_int_equal(kill(server.pid, SIGCONT), 0);
    unsigned long sum_mb = next_replaced(&server);
    assert_true(sum_mb >= LEAKERS * LEAK_MB);
    assert_int_equal(next_replaced(&server), sum_mb);
    for (int i = 0; i < LEAKERS; i++) {
        workers_workers_close(leakers[i].client);
    }
    await_memory(zygote, 60);
    workers_await(zygote, 4, pids);
    harness_signal(&server, SIGTERM);
}

/* No worker can keep to this limit, so each one is replaced as soon as it has
 * started. */
static void limit_that_is_too_small_is_told(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    int replaced = 0;
    /* The worker shares this memory with the zygote, so half of it counts as
     * the worker's. */
    assert_int_equal(setenv("PRELOAD_MB", "8", 1), 0);
    child server = serve("--workers=1", "--max-proc-mem-bytes=1M", where);
    (void)unsetenv("PRELOAD_MB");
    do {
        harness_read_line(&server, line, sizeof line);
        replaced += strstr(line, "the largest, is replaced") != NULL;
        assert_true(replaced <= 20);
    } while (strstr(line, "degraded: 1 MB are too little for 1 workers") ==
             NULL);
    assert_true(replaced >= 8); /* serve() may have skipped up to two more such
                                 * lines */
    workers_workers *client = workers_connect(where);
    workers_expect_echo(client, 1);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_come_and_go_with_the_load),
        cmocka_unit_test(spinning_is_no_load),
        cmocka_unit_test(enough_calls_have_a_worker_replaced),
        cmocka_unit_test(too_much_memory_has_the_largest_replaced),
        cmocka_unit_test(memory_comes_back_below_its_limit),
        cmocka_unit_test(several_are_replaced_at_once),
        cmocka_unit_test(limit_that_is_too_small_is_told),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
