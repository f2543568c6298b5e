/* The life of worker processes: what they share, what they free, and how they
 * end. */
#include "workers_common.h"

#include <limits.h>
#include <unistd.h>

#include "../reaction.h"

enum { LOAD_MB = 200, LOAD_MB_LONG = 500 };

/* Sanitizers use memory of their own for what a process reads. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static child serve(const char *workers, const char *threads, char where[96])
{
    harness_address("workers", where);
    return harness_serve_by(WORKERS_SERVER, where, workers, threads);
}

/* ---- preload --------------------------------------------------------- */

/* All workers read all of the data, so that memory that isn't shared would
 * show. */
static uint64_t share_of_service(const char *workers, size_t count)
{
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve(workers, "1", where);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, count, pids);
    workers_workers *client = workers_connect(where);
    uint64_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        /* The other workers are stopped, so this one takes the call. */
        for (size_t k = 0; k < count; k++) {
            if (k != i) {
                workers_stop_asleep(pids[k]);
            }
        }
        uint64_t sum = 0;
        shmrpc_opts opts = {.timeout_ns = PATIENCE};
        answered += workers_workers_sum(client, &opts, &sum, NULL) == SHMRPC_OK;
        for (size_t k = 0; k < count; k++) {
            (void)kill(pids[k], SIGCONT);
        }
    }
    assert_int_equal(answered, count);
    uint64_t kib = workers_share_of(server.pid) + workers_share_of(zygote);
    for (size_t i = 0; i < count; i++) {
        kib += workers_share_of(pids[i]);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
    return kib;
}

static void eight_workers_share_what_was_preloaded(void **state)
{
    (void)state;
    char megabytes[16];
    if (IS_SANITIZED) {
        print_message("not with a sanitizer\n");
        skip();
    }
    unsigned load_mb = harness_is_long() ? LOAD_MB_LONG : LOAD_MB;
    (void)snprintf(megabytes, sizeof megabytes, "%u", load_mb);
    assert_int_equal(setenv("PRELOAD_MB", megabytes, 1), 0);
    uint64_t one = share_of_service("1", 1);
    uint64_t eight = share_of_service("8", 8);
    (void)unsetenv("PRELOAD_MB");
    assert_true(one > (uint64_t)load_mb * 1024);
    if (harness_is_long()) {
        print_message("%llu KiB for one worker, %llu for eight\n",
                      (unsigned long long)one, (unsigned long long)eight);
    }
    if (eight * 10 >= one * 12) {
        fail_msg("%llu KiB for one worker, %llu for eight",
                 (unsigned long long)one, (unsigned long long)eight);
    }
}

static void hooks_run_once_and_in_each_worker(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("2", "1", where);
    workers_workers *client = workers_connect(where);
    workers_await(workers_zygote(&server), 2, pids);
    for (int i = 0; i < 2; i++) {
        uint32_t count = 0;
        assert_int_equal(workers_workers_loads(client, NULL, &count, NULL), 0);
        assert_int_equal(count, 1);
        (void)kill(pids[i], SIGKILL);
        workers_await_end(pids[i]);
    }
    workers_await(workers_zygote(&server), 2, pids);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    workers_await_line(&server, "stop ");
    workers_await_line(&server, "stop ");
    assert_int_equal(harness_wait(&server), 0);
    workers_workers_close(client);
}

/* The supervisor forks the zygote, and the zygote forks workers again and
 * again. So each worker counts two forks in which it or the zygote was the
 * child. */
static void fork_hooks_run_on_both_sides_of_each_fork(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("2", "1", where);
    workers_workers *client = workers_connect(where);
    for (int i = 0; i < 3; i++) {
        uint32_t count = 0;
        shmrpc_opts opts = {.timeout_ns = PATIENCE};
        workers_await(workers_zygote(&server), 2, pids);
        assert_int_equal(workers_workers_forks(client, &opts, &count, NULL), 0);
        assert_int_equal(count, 2);
        (void)kill(pids[0], SIGKILL);
        workers_await_end(pids[0]);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* Starts the server with an environment variable set, and reads the end of its
 * output. */
static int refused(const char *name, const char *value, char *out, size_t size)
{
    char where[96];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=2", NULL};
    assert_int_equal(setenv(name, value, 1), 0);
    child server = harness_start(WORKERS_SERVER, arguments);
    (void)unsetenv(name);
    harness_read_all(&server, out, size);
    (void)kill(server.pid, SIGKILL); /* in case the server was not refused */
    return harness_wait(&server);
}

static void preload_that_fails_ends_the_program(void **state)
{
    (void)state;
    char text[1024];
    assert_int_equal(refused("PRELOAD", "fail", text, sizeof text), 1);
    assert_non_null(strstr(text, "no such model"));
    assert_null(strstr(text, "serving"));
    assert_int_equal(refused("PRELOAD", "die", text, sizeof text), 1);
    assert_non_null(strstr(text, "died in preload"));
}

static void preload_that_leaves_a_thread_is_refused_by_name(void **state)
{
    (void)state;
    char text[1024];
    assert_int_equal(refused("PRELOAD", "thread", text, sizeof text), 1);
    assert_non_null(strstr(text, IS_SANITIZED ? "thread" : "1 thread"));
    assert_non_null(strstr(text, "straggler"));
}

static void threads_of_preload_can_be_allowed(void **state)
{
    (void)state;
    char where[96];
    assert_int_equal(setenv("PRELOAD", "thread", 1), 0);
    assert_int_equal(setenv("THREADS", "allow", 1), 0);
    child server = serve("1", "1", where);
    (void)unsetenv("PRELOAD");
    (void)unsetenv("THREADS");
    workers_workers *client = workers_connect(where);
    workers_expect_echo(client, 7);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void worker_that_can_not_start_says_why(void **state)
{
    (void)state;
    char text[2048];
    assert_int_equal(refused("START", "fail", text, sizeof text), 1);
    assert_non_null(strstr(text, "no database"));
    assert_non_null(strstr(text, "can't start a worker"));
    assert_null(strstr(text, "serving"));
}

/* ---- resources given back -------------------------------------------- */

static void large_messages_pass_through_any_worker(void **state)
{
    (void)state;
    enum { MOST = 4 << 20 };
    char where[96];
    child server = serve("2", "2", where);
    workers_workers *client = workers_connect(where);
    uint8_t *data = malloc(MOST);
    assert_non_null(data);
    for (size_t i = 0; i < MOST; i++) {
        data[i] = (uint8_t)(i * 7 + (i >> 9));
    }
    for (uint32_t size = 1; size <= MOST; size *= 4) {
        for (int i = 0; i < 4; i++) {
            const workers_workers_blob_reply *reply = NULL;
            shmrpc_error error = {.message = ""};
            shmrpc_bytes sent = {data, size};
            if (workers_workers_blob(client, sent, NULL, &reply, &error) != 0) {
                fail_msg("%u bytes: %s", size, error.message);
            }
            assert_int_equal(reply->value.len, size);
            assert_memory_equal(reply->value.ptr, data, size);
            workers_workers_blob_release(reply);
        }
    }
    free(data);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* Waits until both workers hold equally many descriptors and mappings. One
 * worker has served the only client, and the other one learns of that client a
 * little later. */
static void await_equals(pid_t one, pid_t other)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    holdings a;
    holdings b;
    do {
        a = harness_holdings(one);
        b = harness_holdings(other);
    } while ((a.fds != b.fds || a.maps != b.maps) &&
             harness_now_ns() < deadline_ns);
    assert_int_equal(a.fds, b.fds);
    assert_int_equal(a.maps, b.maps);
}

/* Notes how many descriptors each process has. The numbers can't be noted at
 * the start, because other processes may see a worker before the supervisor has
 * received the worker's descriptor. */
static void note_descriptors(const pid_t pids[3], holdings out[3])
{
    for (int i = 0; i < 3; i++) {
        out[i].fds = harness_holdings(pids[i]).fds;
    }
}

static void clients_that_leave_are_forgotten_by_all_workers(void **state)
{
    (void)state;
    enum { CLIENTS = 40 };
    char where[96];
    pid_t pids[MAX_PIDS];
    holdings before[3];
    workers_workers *clients[CLIENTS];
    child server = serve("2", "1", where);
    workers_await(workers_zygote(&server), 2, pids);
    pids[2] = server.pid;
    workers_workers *own = workers_connect(where);
    workers_expect_echo(own, 1);
    await_equals(pids[0], pids[1]);
    for (int i = 0; i < 3; i++) {
        before[i] = harness_holdings(pids[i]);
        before[i].fds = UINT_MAX;
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = workers_connect(where);
            workers_expect_echo(clients[i], 1);
        }
        for (int i = 0; i < CLIENTS; i++) {
            workers_workers_close(clients[i]);
        }
        for (int i = 0; i < 3; i++) {
            harness_await_holdings(pids[i], before[i], PATIENCE);
        }
        if (round == 0) {
            /* Notifications that were in flight between the processes have
             * arrived by now. */
            note_descriptors(pids, before);
        }
    }
    workers_expect_echo(own, 2);
    workers_workers_close(own);
    harness_signal(&server, SIGTERM);
}

/* ---- the end --------------------------------------------------------- */

static void calls_in_progress_end_well_on_SIGTERM(void **state)
{
    (void)state;
    char where[96];
    child server = serve("2", "1", where);
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .ms = 2000};
    napper_start(&n);
    (void)workers_next_nap(&server);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    assert_int_equal(napper_join(&n), SHMRPC_OK);
    assert_int_equal(harness_wait(&server), 0);
    workers_workers_close(client);
}

static int64_t stop_an_idle_service(void *user)
{
    (void)user;
    char where[96];
    pid_t pids[MAX_PIDS];
    child server = serve("2", "1", where);
    workers_await(workers_zygote(&server), 2, pids);
    int64_t asked_ns = harness_now_ns();
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    assert_int_equal(harness_wait(&server), 0);
    int64_t took_ns = harness_now_ns() - asked_ns;
    assert_false(workers_is_alive(pids[0]) || workers_is_alive(pids[1]));
    return took_ns;
}

static void idle_service_stops_within_200_ms(void **state)
{
    (void)state;
    expect_reaction(stop_an_idle_service, NULL, 0, 200 * MS);
}

static void call_that_outlasts_the_stop_is_cut(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--stop-after=1", NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&server, "serving at");
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .ms = 60000};
    napper_start(&n);
    (void)workers_next_nap(&server);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    assert_int_equal(napper_join(&n), SHMRPC_E_WORKER_DIED);
    assert_int_equal(harness_wait(&server), 0);
    workers_workers_close(client);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_workers_share_what_was_preloaded),
        cmocka_unit_test(hooks_run_once_and_in_each_worker),
        cmocka_unit_test(preload_that_fails_ends_the_program),
        cmocka_unit_test(preload_that_leaves_a_thread_is_refused_by_name),
        cmocka_unit_test(threads_of_preload_can_be_allowed),
        cmocka_unit_test(fork_hooks_run_on_both_sides_of_each_fork),
        cmocka_unit_test(worker_that_can_not_start_says_why),
        cmocka_unit_test(large_messages_pass_through_any_worker),
        cmocka_unit_test(clients_that_leave_are_forgotten_by_all_workers),
        cmocka_unit_test(calls_in_progress_end_well_on_SIGTERM),
        cmocka_unit_test(idle_service_stops_within_200_ms),
        cmocka_unit_test(call_that_outlasts_the_stop_is_cut),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
