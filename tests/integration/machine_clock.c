/* Clocks that jump. libfaketime changes the wall clock, as an administrator
 * would, but not the monotonic clock. */
#include "machine.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <shmrpc/lock.h>

/* Finds the path of the library that faketime(1) preloads; "" if faketime is
 * not installed. */
static void find_faketime(char *path, size_t size)
{
    static const char *const arguments[] = {"-m",       "-f",         "+0",
                                            "printenv", "LD_PRELOAD", NULL};
    path[0] = '\0';
    if (FAKETIME[0] == '/') {
        child c = harness_start(FAKETIME, arguments);
        harness_read_all(&c, path, size);
        (void)harness_wait(&c);
        path[strcspn(path, "\n")] = '\0';
    }
}

static void set_clock(const char *offset)
{
    char path[128];
    const char *file_name = getenv("FAKETIME_TIMESTAMP_FILE");
    (void)snprintf(path, sizeof path, "%s.new", file_name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", offset) > 0 && fclose(file) == 0);
    assert_int_equal(rename(path, file_name), 0);
}

static int64_t wall_clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

typedef struct caller {
    pthread_t thread;
    workers_workers *client;
    atomic_bool is_over;
    atomic_uint ended;
    unsigned failed;
} caller;

static void *call_on(void *user)
{
    caller *c = user;
    for (uint64_t i = 0; !atomic_load(&c->is_over); i++) {
        uint64_t back = 0;
        uint32_t pid = 0;
        bool is_right =
            i % 8 == 0
                ? workers_workers_nap_again(c->client, 2, NULL, &pid, NULL) == 0
                : workers_workers_echo(c->client, i, NULL, &back, NULL) == 0 &&
                      back == i;
        c->failed += !is_right;
        atomic_fetch_add(&c->ended, 1);
    }
    return NULL;
}

/* Waits until each caller has begun and ended some more calls. */
static void await_calls(caller *callers, size_t count)
{
    static const struct timespec slice = {.tv_nsec = 1 * MS};
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (size_t i = 0; i < count; i++) {
        unsigned until = atomic_load(&callers[i].ended) + 5;
        while (atomic_load(&callers[i].ended) < until) {
            assert_true(harness_now_ns() < deadline_ns);
            (void)nanosleep(&slice, NULL);
        }
    }
}

/* A call takes longer than its caller waits, while the clock jumps: it ends at
 * its deadline, not an hour before or after. */
static void expect_deadline(workers_workers *client, const char *offset)
{
    napper n = {.client = client, .ms = 200, .timeout_ns = 100 * MS};
    int64_t began_ns = harness_now_ns();
    napper_start(&n);
    set_clock(offset);
    assert_int_equal(napper_join(&n), SHMRPC_E_DEADLINE);
    assert_in_range(n.ended_ns - began_ns, 99 * MS, PATIENCE);
}

typedef struct waiter {
    pthread_t thread;
    shmrpc_lock *lock;
    atomic_bool waits;
    shmrpc_status status;
    int64_t waited_ns;
} waiter;

static void *wait_for_lock(void *user)
{
    waiter *w = user;
    const shmrpc_lock_wait wait = {.timeout_ns = 100 * MS};
    int64_t began_ns = harness_now_ns();
    atomic_store(&w->waits, true);
    w->status = shmrpc_lock_acquire(w->lock, &wait);
    w->waited_ns = harness_now_ns() - began_ns;
    return NULL;
}

static shmrpc_lock *open_lock(void)
{
    shmrpc_lock *lock = NULL;
    assert_int_equal(shmrpc_lock_open("clock_test", SHMRPC_LOCK_OPEN_OR_CREATE,
                                      NULL, &lock, NULL),
                     SHMRPC_OK);
    return lock;
}

/* Waits for a lock that another process holds, while the clock jumps: the wait
 * lasts as long as specified. */
static void expect_lock_deadline(const char *offset)
{
    shmrpc_lock *held = open_lock();
    waiter w = {.lock = open_lock()};
    assert_int_equal(shmrpc_lock_acquire(held, NULL), SHMRPC_OK);
    (void)pthread_create(&w.thread, NULL, wait_for_lock, &w);
    while (!atomic_load(&w.waits)) {
    }
    set_clock(offset);
    (void)pthread_join(w.thread, NULL);
    assert_int_equal(w.status, SHMRPC_E_DEADLINE);
    assert_in_range(w.waited_ns, 99 * MS, PATIENCE);
    assert_int_equal(shmrpc_lock_release(held), SHMRPC_OK);
    assert_int_equal(shmrpc_lock_destroy(held), SHMRPC_OK);
    shmrpc_lock_close(w.lock);
    shmrpc_lock_close(held);
}

static void *drain(void *user)
{
    char line[512];
    FILE *out = user;
    while (fgets(line, sizeof line, out) != NULL) {
    }
    (void)fclose(out);
    return NULL;
}

/* Runs in a process of its own, because it changes the clock of that process
 * and of its children. */
void jumps_of_the_clock_change_nothing(void **state)
{
    (void)state;
    static const char *const offsets[] = {"+3600", "-3600", "+3600", "-3600"};
    char where[96];
    pthread_t drainer;
    caller callers[3] = {{0}};
    int64_t began_s = wall_clock_s();
    int64_t began_ns = harness_now_ns();
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "2");
    FILE *out = fdopen(dup(server.out), "r");
    assert_int_equal(pthread_create(&drainer, NULL, drain, out), 0);
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = machine_open_stats("workers", where);
    for (size_t i = 0; i < 3; i++) {
        callers[i].client = workers_connect(where);
        (void)pthread_create(&callers[i].thread, NULL, call_on, &callers[i]);
    }
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        await_calls(callers, 3);
        expect_deadline(client, offsets[i]);
        set_clock("+0");
        expect_lock_deadline(offsets[i]);
        await_calls(callers, 3);
        workers_workers_close(client);
        client = workers_connect(where);
    }
    assert_in_range(began_s - wall_clock_s(), 3000, 3600); /* the clock has
                                                            * jumped */
    shmrpc_snapshot *s = machine_take(stats);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    assert_in_range(service->uptime_ns, 1, harness_now_ns() - began_ns);
    assert_in_range(service->started_ns / S, began_s, began_s + 3600);
    assert_in_range(shmrpc_snapshot_method(s, SHMRPC_STATS_ALL)->service.max_ns,
                    1, harness_now_ns() - began_ns);
    /* Only the calls that were meant to be late have failed. */
    assert_int_equal(
        shmrpc_snapshot_method(s, SHMRPC_STATS_ALL)->errors,
        shmrpc_snapshot_errors(s, SHMRPC_STATS_ALL, SHMRPC_E_DEADLINE));
    shmrpc_snapshot_free(s);
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&callers[i].is_over, true);
        (void)pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failed, 0);
        workers_workers_close(callers[i].client);
    }
    workers_workers_close(client);
    shmrpc_stats_close(stats);
    harness_signal(&server, SIGTERM);
    (void)pthread_join(drainer, NULL);
}

void clocks_may_jump(void **state)
{
    (void)state;
    static const char *const arguments[] = {"clock", NULL};
    char preload[256];
    char path[128];
    char said[4096];
    find_faketime(preload, sizeof preload);
    if (IS_SANITIZED || preload[0] == '\0') {
        print_message("SKIPPED: faketime can't be used here\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/clock", harness_folder);
    (void)setenv("FAKETIME_TIMESTAMP_FILE", path, 1);
    (void)setenv("FAKETIME_NO_CACHE", "1", 1);
    (void)setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
    set_clock("+0");
    (void)setenv("LD_PRELOAD", preload, 1);
    child c = harness_start("/proc/self/exe", arguments);
    (void)unsetenv("LD_PRELOAD");
    harness_read_all(&c, said, sizeof said);
    if (harness_wait(&c) != 0) {
        fail_msg("%s", said);
    }
}
