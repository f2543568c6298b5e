/* Crashes as an operator sees them: counted for their method, logged as errors
 * with method and signal, and shown until the next crash. */
#include "workers_common.h"

#include <signal.h>
#include <unistd.h>

#include <shmrpc/observe.h>

static shmrpc_snapshot *look(const char *where)
{
    char text[160];
    shmrpc_stats *stats;
    shmrpc_snapshot *s = NULL;
    shmrpc_error error;
    (void)snprintf(text, sizeof text, "shm://workers%s", strchr(where, '@'));
    if (shmrpc_stats_open(text, 5811, NULL, &stats, &error) != 0 ||
        shmrpc_stats_read(stats, &s, &error) != 0) {
        fail_msg("%s", error.message);
    }
    shmrpc_stats_close(stats);
    return s;
}

static uint32_t index_of(const shmrpc_snapshot *s, const char *method)
{
    uint32_t i = 0;
    while (strcmp(shmrpc_snapshot_method(s, i)->name, method) != 0) {
        i++;
    }
    return i;
}

/* Expects exactly `well` successful calls, and at least one call that ended
 * with `status`. Further calls may have missed their deadline before a worker
 * took them. */
static void expect_counted(const char *where, const char *method, int status,
                           uint64_t well)
{
    shmrpc_snapshot *s = look(where);
    uint32_t i = index_of(s, method);
    const shmrpc_method_stats *m = shmrpc_snapshot_method(s, i);
    if (m->calls - m->errors != well ||
        shmrpc_snapshot_errors(s, i, status) == 0) {
        fail_msg("%s: %llu calls, %llu errors, %llu of that status", method,
                 (unsigned long long)m->calls, (unsigned long long)m->errors,
                 (unsigned long long)shmrpc_snapshot_errors(s, i, status));
    }
    shmrpc_snapshot_free(s);
}

/* Reads lines until one contains `first`. That line must report an error and
 * contain `second`. */
static void expect_line(child *server, const char *first, const char *second)
{
    char line[512];
    do {
        harness_read_line(server, line, sizeof line);
    } while (strstr(line, first) == NULL);
    assert_non_null(strstr(line, "error: "));
    if (strstr(line, second) == NULL) {
        fail_msg("%s", line);
    }
}

static void crash_is_an_error_of_its_method(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    uint32_t pid = 0;
    assert_int_equal(workers_workers_pid(client, NULL, &pid, NULL), 0);
    assert_int_equal(workers_workers_crash(client, NULL, NULL),
                     SHMRPC_E_WORKER_DIED);
    expect_counted(where, "crash", SHMRPC_E_WORKER_DIED, 0);
    expect_line(&server, "signal 6", "in workers.crash");
    shmrpc_snapshot *s = look(where);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    assert_int_equal(service->crashes, 1);
    assert_int_equal(service->crash_pid, pid);
    assert_int_equal(service->crash_method, index_of(s, "crash"));
    assert_true(service->crash_ns > 0);
    assert_int_equal(service->workers_wanted, 1);
    shmrpc_snapshot_free(s);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void hang_is_logged_with_its_method(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--hang-kill=1", NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&server, "serving at");
    workers_workers *client = workers_connect(where);
    shmrpc_opts opts = {.timeout_ns = 20 * MS};
    shmrpc_error error;
    do { /* repeats until a worker has taken the call in time */
        assert_int_equal(workers_workers_hang(client, &opts, &error),
                         SHMRPC_E_DEADLINE);
    } while (!error.may_have_run);
    expect_line(&server, "hangs", "workers.hang");
    expect_line(&server, "signal 9", "in workers.hang");
    expect_counted(where, "hang", SHMRPC_E_WORKER_DIED, 0);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* The handler succeeds, but nobody waits for the result any more. */
static void late_result_counts_as_deadline(void **state)
{
    (void)state;
    char where[96];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    uint32_t pid;
    shmrpc_opts opts = {.timeout_ns = 20 * MS};
    shmrpc_error error;
    assert_int_equal(workers_workers_nap(client, 1, NULL, &pid, NULL), 0);
    do { /* repeats until a worker has taken the call in time */
        assert_int_equal(workers_workers_nap(client, 200, &opts, &pid, &error),
                         SHMRPC_E_DEADLINE);
    } while (!error.may_have_run);
    assert_int_equal(workers_workers_nap(client, 1, NULL, &pid, NULL), 0);
    expect_counted(where, "nap", SHMRPC_E_DEADLINE, 2);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

/* A worker keeps running its call while another server takes over. When it
 * dies, its death is reported like any other. */
static void death_after_a_take_over_is_told(void **state)
{
    (void)state;
    char where[96];
    char told[64];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--take-over", NULL};
    child first = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    napper n = {.client = client, .ms = 60000};
    napper_start(&n);
    pid_t pid = workers_next_nap(&first);
    child second = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&second, "serving at");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(napper_join(&n), SHMRPC_E_WORKER_DIED);
    (void)snprintf(told, sizeof told, "(pid %d)", (int)pid);
    expect_line(&second, told, "in workers.nap");
    expect_counted(where, "nap", SHMRPC_E_WORKER_DIED, 0);
    shmrpc_snapshot *s = look(where);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    assert_int_equal(service->crashes, 1);
    assert_int_equal(service->crash_pid, pid);
    assert_int_equal(service->crash_method, index_of(s, "nap"));
    shmrpc_snapshot_free(s);
    workers_workers_close(client);
    assert_int_equal(harness_wait(&first), 0);
    harness_signal(&second, SIGTERM);
}

/* ---- poison ---------------------------------------------------------- */

static uint64_t crashes_of(const char *where)
{
    shmrpc_snapshot *s = look(where);
    uint64_t crashes = shmrpc_snapshot_service(s)->crashes;
    shmrpc_snapshot_free(s);
    return crashes;
}

static void expect_two_deaths(const char *workers, bool is_relayed)
{
    char where[96];
    char relayed[96];
    shmrpc_error error;
    child gateway = {0};
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, workers, "1");
    if (is_relayed) {
        gateway = harness_relay(where, 5811, "tcp://:0");
        (void)snprintf(relayed, sizeof relayed, "%s", gateway.place);
    }
    workers_workers *client = workers_connect(is_relayed ? relayed : where);
    assert_int_equal(workers_workers_crash_again(client, NULL, &error),
                     SHMRPC_E_WORKER_DIED);
    assert_non_null(strstr(error.message, "2 workers have died"));
    assert_int_equal(crashes_of(where), 2);
    workers_workers_close(client);
    if (is_relayed) {
        harness_signal(&gateway, SIGTERM);
    }
    harness_signal(&server, SIGTERM);
}

static void deadly_request_is_not_tried_a_third_time(void **state)
{
    (void)state;
    expect_two_deaths("1", false);
    expect_two_deaths("3", false);
}

static void nor_is_it_over_a_gateway(void **state)
{
    (void)state;
    expect_two_deaths("2", true);
}

/* The pauses between attempts to start a worker grow up to a second. A call
 * during a pause fails at once, and its error says when the next attempt is. */
static void calls_that_nobody_can_serve_are_told_at_once(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    uint64_t back;
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    workers_workers *client = workers_connect(where);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    const char *told =
        "no worker lives: the last died of SIGABRT in "
        "workers.crash, next try in ";
    int status;
    do { /* the server may need a moment to learn how the last worker died */
        status = workers_workers_crash(client, &opts, &error);
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%s", error.message);
        }
    } while (status == SHMRPC_E_WORKER_DIED ||
             strncmp(error.message, told, strlen(told)) != 0);
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    assert_false(error.may_have_run);
    shmrpc_snapshot *s = look(where);
    const shmrpc_service_stats *service = shmrpc_snapshot_service(s);
    assert_true(service->workers_alive > 0 || service->next_start_ns > 0);
    shmrpc_snapshot_free(s);
    while (workers_workers_echo(client, 7, &opts, &back, &error) != SHMRPC_OK) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

static void await_signal(const char *where, int32_t wanted)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (;;) {
        shmrpc_snapshot *s = look(where);
        shmrpc_service_stats service = *shmrpc_snapshot_service(s);
        shmrpc_snapshot_free(s);
        if (service.crashes == 1 && service.crash_signal == wanted) {
            return;
        }
        /* Signal 0 would mean that the worker exited. */
        assert_true(service.crashes == 0 || service.crash_signal != 0);
        assert_true(harness_now_ns() < deadline_ns);
    }
}

/* The supervisor notices the death itself, but only the zygote reports the
 * signal. */
static void signal_is_unknown_until_the_zygote_reports_it(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    child server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 1, pids);
    assert_int_equal(kill(zygote, SIGSTOP), 0);
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    await_signal(where, -1);
    assert_int_equal(kill(zygote, SIGCONT), 0);
    await_signal(where, SIGKILL);
    harness_signal(&server, SIGTERM);
}

/* ---- rows ------------------------------------------------------------ */

static uint32_t rows_of(const char *where)
{
    shmrpc_snapshot *s = look(where);
    uint32_t count = shmrpc_snapshot_service(s)->worker_count;
    shmrpc_snapshot_free(s);
    return count;
}

static void row_of_a_dead_worker_goes(void **state)
{
    (void)state;
    char where[96];
    pid_t pids[MAX_PIDS];
    harness_address("workers", where);
    const char *const arguments[] = {"--listen", where, "--workers=1", NULL};
    child server = harness_start(WORKERS_SERVER, arguments);
    workers_await_line(&server, "serving at");
    workers_workers *client = workers_connect(where);
    workers_expect_echo(client, 1);
    assert_int_equal(rows_of(where), 1);
    pid_t zygote = workers_zygote(&server);
    workers_await(zygote, 1, pids);
    /* A stopped zygote forks no further worker. */
    assert_int_equal(kill(zygote, SIGSTOP), 0);
    assert_int_equal(kill(pids[0], SIGKILL), 0);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (rows_of(where) != 0) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    assert_int_equal(kill(zygote, SIGCONT), 0);
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_is_an_error_of_its_method),
        cmocka_unit_test(hang_is_logged_with_its_method),
        cmocka_unit_test(late_result_counts_as_deadline),
        cmocka_unit_test(death_after_a_take_over_is_told),
        cmocka_unit_test(deadly_request_is_not_tried_a_third_time),
        cmocka_unit_test(nor_is_it_over_a_gateway),
        cmocka_unit_test(calls_that_nobody_can_serve_are_told_at_once),
        cmocka_unit_test(signal_is_unknown_until_the_zygote_reports_it),
        cmocka_unit_test(row_of_a_dead_worker_goes),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
