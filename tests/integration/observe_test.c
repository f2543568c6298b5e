/* Statistics of real services, read while they run and after deaths. */
#include "workers_common.h"

#include <sys/stat.h>
#include <unistd.h>

#include <shmrpc/observe.h>

enum {
    ECHO,
    BLOB,
    PID,
    NAP,
    NAP_AGAIN,
    CRASH,
    HANG,
    SUM,
    LOADS,
    FAIL,
    NOTE,
    DESCRIBE
};

static shmrpc_stats *open_stats(const char *where)
{
    shmrpc_stats *stats = NULL;
    shmrpc_error error;
    char text[160];
    const char *at = strchr(where, '@');
    (void)snprintf(text, sizeof text, "shm://workers%s", at != NULL ? at : "");
    if (shmrpc_stats_open(text, 5811, NULL, &stats, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return stats;
}

static shmrpc_snapshot *take(shmrpc_stats *stats)
{
    shmrpc_snapshot *snapshot = NULL;
    shmrpc_error error;
    if (shmrpc_stats_read(stats, &snapshot, &error) != 0) {
        fail_msg("%s", error.message);
    }
    return snapshot;
}

/* A call is timed after its reply was sent, so this waits until all were
 * counted. */
static shmrpc_snapshot *take_timed(shmrpc_stats *stats)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (;;) {
        shmrpc_snapshot *s = take(stats);
        const shmrpc_method_stats *all =
            shmrpc_snapshot_method(s, SHMRPC_STATS_ALL);
        if (all->service.count == all->calls) {
            return s;
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%llu of %llu calls were timed",
                     (unsigned long long)all->service.count,
                     (unsigned long long)all->calls);
        }
        shmrpc_snapshot_free(s);
    }
}

/* Returns the index of a method. Fails the test if there is none. */
static uint32_t find(const shmrpc_snapshot *s, const char *name)
{
    uint32_t count = shmrpc_snapshot_service(s)->method_count;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(shmrpc_snapshot_method(s, i)->name, name) == 0) {
            return i;
        }
    }
    fail_msg("no method %s", name);
    return 0;
}

static const shmrpc_method_stats *method(const shmrpc_snapshot *s,
                                         const char *name)
{
    return shmrpc_snapshot_method(s, find(s, name));
}

static uint64_t calls_of(shmrpc_stats *stats, const char *name)
{
    shmrpc_snapshot *s = take(stats);
    uint64_t calls = method(s, name)->calls;
    shmrpc_snapshot_free(s);
    return calls;
}

/* ---- counts ---------------------------------------------------------- */

/* Waits until the statistics show this number of workers, each of which counts
 * separately, and this number of connections. */
static void await_gauges(shmrpc_stats *stats, uint32_t workers,
                         uint64_t connections)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (;;) {
        shmrpc_snapshot *s = take(stats);
        const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
        bool is_so = service->worker_count == workers &&
                     service->connections == connections;
        if (!is_so && harness_now_ns() > deadline_ns) {
            fail_msg("%u workers, %llu connections", service->worker_count,
                     (unsigned long long)service->connections);
        }
        shmrpc_snapshot_free(s);
        if (is_so) {
            return;
        }
    }
}

/* Answered calls are counted at once and exactly, whichever worker served
 * them. */
static void check_counts(const char *where, uint32_t workers)
{
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    await_gauges(stats, workers, 1);
    for (uint64_t i = 0; i < 300; i++) {
        workers_expect_echo(client, i);
        if (i % 100 == 0) {
            assert_int_equal(calls_of(stats, "echo"), i + 1);
        }
    }
    for (int i = 0; i < 7; i++) {
        uint32_t pid = 0;
        assert_int_equal(workers_workers_pid(client, NULL, &pid, NULL), 0);
    }
    shmrpc_snapshot *s = take_timed(stats);
    const shmrpc_method_stats *echo = method(s, "echo");
    assert_string_equal(echo->name, "echo");
    assert_int_equal(echo->calls, 300);
    assert_int_equal(echo->errors, 0);
    /* A native body: eight bytes of data, and a header of eight bytes. */
    assert_int_equal(echo->bytes_in, 300 * 16);
    assert_int_equal(echo->bytes_out, 300 * 16);
    assert_int_equal(method(s, "pid")->calls, 7);
    assert_int_equal(shmrpc_snapshot_method(s, SHMRPC_STATS_ALL)->calls, 307);
    assert_int_equal(shmrpc_snapshot_service(s)->connections, 1);
    assert_int_equal(shmrpc_snapshot_service(s)->rescued_wakeups, 0);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < shmrpc_snapshot_service(s)->worker_count; i++) {
        sum += shmrpc_snapshot_worker(s, i)->calls;
    }
    assert_int_equal(sum, 307);
    shmrpc_snapshot_free(s);
    workers_workers_close(client);
    await_gauges(stats, workers, 0);
    shmrpc_stats_close(stats);
}

static void calls_to_processes_are_counted(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "3", "1");
    check_counts(where, 3);
    harness_signal(&server, SIGTERM);
}

static void calls_to_threads_of_processes_are_counted(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "2", "2");
    check_counts(where, 4);
    harness_signal(&server, SIGTERM);
}

static void calls_to_threads_are_counted(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve(WORKERS_SERVER, where, "2");
    check_counts(where, 2);
    harness_signal(&server, SIGTERM);
}

/* ---- times ----------------------------------------------------------- */

/* Handlers take a known time, on one worker, so that the second call waits for
 * the first. */
static void times_are_those_of_the_workload(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    int64_t longest_ns = 0;
    for (int i = 0; i < 10; i++) {
        uint32_t pid;
        int64_t begin_ns = harness_now_ns();
        assert_int_equal(workers_workers_nap(client, 20, NULL, &pid, NULL), 0);
        int64_t took_ns = harness_now_ns() - begin_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    shmrpc_snapshot *s = take_timed(stats);
    const shmrpc_method_stats *nap = method(s, "nap");
    assert_int_equal(nap->calls, 10);
    assert_int_equal(nap->service.count, 10);
    /* Each call took at least the requested time, less one percent. At least
     * half of the calls took no longer than the longest that the client
     * measured; not all, because a worker may be delayed after its reply. */
    assert_true(nap->service.p50_ns >= 198 * MS / 10);
    assert_true(nap->service.total_ns >= 1980 * MS / 10);
    assert_true(nap->service.p50_ns <= longest_ns + longest_ns / 100);
    assert_true(nap->service.max_ns >= nap->service.p99_ns);
    shmrpc_snapshot_free(s);

    napper n[2] = {{.client = client, .ms = 200}, {.client = client, .ms = 1}};
    napper_start(&n[0]);
    (void)workers_next_nap(&server);
    napper_start(&n[1]);
    assert_int_equal(napper_join(&n[0]), 0);
    assert_int_equal(napper_join(&n[1]), 0);
    s = take_timed(stats);
    nap = method(s, "nap");
    assert_int_equal(nap->calls, 12);
    assert_true(nap->service.max_ns >= 198 * MS);
    /* The second call was sent while the first one slept. How long it waited
     * after that depends on the machine. */
    assert_true(nap->queue.max_ns > 0);
    shmrpc_snapshot_free(s);
    shmrpc_stats_close(stats);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- errors, deaths -------------------------------------------------- */

static void counts_of_a_killed_worker_are_kept(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    pid_t zygote = workers_zygote(&server);
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    uint64_t echoed = 0;
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 50; i++, echoed++) {
            workers_expect_echo(client, i);
        }
        workers_await(zygote, 1, pids);
        (void)kill(pids[0], SIGKILL);
        workers_await_end(pids[0]);
        assert_int_equal(calls_of(stats, "echo"), echoed);
    }
    workers_expect_echo(client, 1);
    shmrpc_snapshot *s = take(stats);
    assert_int_equal(method(s, "echo")->calls, echoed + 1);
    const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(s, 0);
    assert_int_equal(worker->starts, 4);
    workers_await(zygote, 1, pids);
    assert_int_equal(worker->pid, pids[0]);
    shmrpc_snapshot_free(s);

    /* The worker is killed in a call, which counts as an error. */
    (void)workers_workers_crash(client, NULL, NULL);
    workers_expect_echo(client, 2);
    s = take(stats);
    assert_int_equal(method(s, "crash")->calls, 1);
    assert_int_equal(
        shmrpc_snapshot_errors(s, find(s, "crash"), SHMRPC_E_WORKER_DIED), 1);
    assert_int_equal(method(s, "echo")->calls, echoed + 2);
    shmrpc_snapshot_free(s);
    assert_true(shmrpc_stats_is_alive(stats));
    shmrpc_stats_close(stats);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void expect_errors(const shmrpc_snapshot *s, const char *name,
                          int status, uint64_t count)
{
    assert_int_equal(shmrpc_snapshot_errors(s, find(s, name), status), count);
}

static void errors_are_counted_by_status(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    for (int i = 0; i < 6; i++) {
        int status = i % 3 == 0   ? SHMRPC_E_NOT_FOUND
                     : i % 3 == 1 ? SHMRPC_E_EXHAUSTED
                                  : 0;
        assert_int_equal(workers_workers_fail(client, status, NULL, NULL),
                         status);
    }
    /* Not a valid status, so the library reports INTERNAL. */
    assert_int_equal(workers_workers_fail(client, 4711, NULL, NULL),
                     SHMRPC_E_INTERNAL);
    assert_int_equal(workers_workers_note(client, SHMRPC_E_ABORTED, NULL, NULL),
                     0);
    /* The end of a oneway call is not reported to anybody. */
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (calls_of(stats, "note") == 0) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    workers_expect_echo(client, 1);
    shmrpc_snapshot *s = take_timed(stats);
    assert_int_equal(method(s, "fail")->calls, 7);
    assert_int_equal(method(s, "fail")->errors, 5);
    expect_errors(s, "fail", SHMRPC_E_NOT_FOUND, 2);
    expect_errors(s, "fail", SHMRPC_E_EXHAUSTED, 2);
    expect_errors(s, "fail", SHMRPC_E_INTERNAL, 1);
    expect_errors(s, "note", SHMRPC_E_ABORTED, 1);
    assert_int_equal(
        shmrpc_snapshot_errors(s, SHMRPC_STATS_ALL, SHMRPC_E_NOT_FOUND), 2);
    assert_int_equal(method(s, "echo")->errors, 0);
    shmrpc_snapshot_free(s);
    shmrpc_stats_close(stats);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void an_ended_server_is_noticed_and_its_counts_stay(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    shmrpc_stats *again = NULL;
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    workers_expect_echo(client, 1);
    harness_signal(&server, SIGKILL);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (shmrpc_stats_is_alive(stats)) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    assert_int_equal(calls_of(stats, "echo"), 1);
    workers_workers_close(client);
    shmrpc_stats_close(stats);
    assert_int_equal(
        shmrpc_stats_open("shm://workers", 5811, NULL, &again, &error),
        SHMRPC_E_UNAVAILABLE);
    assert_int_equal(
        shmrpc_stats_open("tcp://127.0.0.1:1", 5811, NULL, &again, &error),
        SHMRPC_E_UNIMPLEMENTED);
}

/* Observers disturb nobody: they have no block, and cost one descriptor. */
static void observers_are_no_clients(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    workers_expect_echo(client, 1);
    harness_await_watched(server.pid, 1);
    holdings before = harness_holdings(server.pid);
    shmrpc_stats *stats[5];
    for (int i = 0; i < 5; i++) {
        stats[i] = open_stats(where);
    }
    holdings during = harness_holdings(server.pid);
    assert_int_equal(during.fds, before.fds + 5);
    assert_int_equal(during.maps, before.maps);
    shmrpc_snapshot *s = take(stats[0]);
    assert_int_equal(shmrpc_snapshot_service(s)->connections, 1);
    shmrpc_snapshot_free(s);
    for (int i = 0; i < 5; i++) {
        shmrpc_stats_close(stats[i]);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- connected clients ------------------------------------------------ */

static uint64_t pid_namespace(void)
{
    struct stat info;
    assert_int_equal(stat("/proc/self/ns/pid", &info), 0);
    return (uint64_t)info.st_ino;
}

/* Returns the only client, which is this process. */
static shmrpc_connection_stats see_me(shmrpc_stats *stats)
{
    await_gauges(stats, 1, 1);
    shmrpc_snapshot *s = take(stats);
    assert_int_equal(shmrpc_snapshot_service(s)->client_count, 1);
    assert_null(shmrpc_snapshot_client(s, 1));
    shmrpc_connection_stats me = *shmrpc_snapshot_client(s, 0);
    shmrpc_snapshot_free(s);
    assert_int_equal(me.own_pid, getpid());
    assert_int_equal(me.pid_namespace, pid_namespace());
    assert_int_equal(me.uid, geteuid());
    assert_int_equal(me.gid, getegid());
    assert_in_range(me.since_ns, 1, harness_now_ns());
    return me;
}

static void clients_are_known_and_stay_so_when_another_takes_over(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    shmrpc_connection_stats me = see_me(stats);
    assert_int_equal(me.pid, getpid());
    shmrpc_stats_close(stats);
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--take-over", NULL};
    child next = harness_start(WORKERS_SERVER, arguments);
    harness_read_line(&next, line, sizeof line);
    assert_non_null(strstr(line, "serving at"));
    assert_int_equal(harness_wait(&server), 0);
    stats = open_stats(where);
    shmrpc_connection_stats again = see_me(stats);
    assert_true(again.since_ns == me.since_ns && again.pid == me.pid);
    /* A client that has left is no longer shown, and its seat is free. */
    for (int i = 0; i < 200; i++) {
        workers_workers_close(client);
        client = workers_connect(where);
    }
    assert_true(see_me(stats).since_ns > me.since_ns);
    workers_workers_close(client);
    shmrpc_stats_close(stats);
    harness_signal(&next, SIGTERM);
}

/* A service in a container can't see the process of its client. */
static void clients_outside_of_a_container_say_who_they_are(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    harness_address("workers", where);
    const char *const arguments[] = {"-p",           "-f",       "--kill-child",
                                     WORKERS_SERVER, "--listen", where,
                                     "--workers=1",  NULL};
    child server = harness_start("/usr/bin/unshare", arguments);
    harness_read_line(&server, line, sizeof line);
    if (strstr(line, "serving at") == NULL) {
        print_message("SKIPPED: no pid namespace can be made: %s\n", line);
        (void)harness_wait(&server);
        skip();
    }
    workers_workers *client = workers_connect(where);
    shmrpc_stats *stats = open_stats(where);
    assert_int_equal(see_me(stats).pid, 0);
    shmrpc_snapshot *s = take(stats);
    assert_true(shmrpc_snapshot_service(s)->pid_namespace != pid_namespace());
    shmrpc_snapshot_free(s);
    workers_expect_echo(client, 1);
    workers_workers_close(client);
    await_gauges(stats, 1, 0);
    s = take(stats);
    assert_int_equal(shmrpc_snapshot_service(s)->client_count, 0);
    shmrpc_snapshot_free(s);
    shmrpc_stats_close(stats);
    harness_signal(&server, SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_to_processes_are_counted),
        cmocka_unit_test(calls_to_threads_of_processes_are_counted),
        cmocka_unit_test(calls_to_threads_are_counted),
        cmocka_unit_test(times_are_those_of_the_workload),
        cmocka_unit_test(counts_of_a_killed_worker_are_kept),
        cmocka_unit_test(errors_are_counted_by_status),
        cmocka_unit_test(an_ended_server_is_noticed_and_its_counts_stay),
        cmocka_unit_test(observers_are_no_clients),
        cmocka_unit_test(clients_are_known_and_stay_so_when_another_takes_over),
        cmocka_unit_test(clients_outside_of_a_container_say_who_they_are),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
