/*
 * Streams of workers that must leave because they are replaced or handed over.
 * The streams go on for stream_drain, and then end with an error that says so.
 */
#include "harness.h"

#include <signal.h>

#include "flow_client.h"

static flow_flow *connect_to(const char *where)
{
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    flow_flow *client = NULL;
    if (flow_flow_connect(where, &opts, &client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static child serve(const char *where, const char *drain, const char *more)
{
    char line[512];
    const char *const arguments[] = {"--listen", where, "--workers=2",
                                     drain,      more,  NULL};
    child server = harness_start(FLOW_SERVER, arguments);
    do {
        harness_read_line(&server, line, sizeof line);
    } while (strstr(line, "serving at") == NULL);
    return server;
}

/* Starts a server with one worker at a time; the worker has a thread for a
 * stream and one for calls, and is replaced after 50 calls. */
static child serve_one(const char *where, const char *drain)
{
    const char *const arguments[] = {
        "--listen", where, "--workers=1", "--threads=2", "--max-proc-calls=50",
        drain,      NULL};
    char line[512];
    child server = harness_start(FLOW_SERVER, arguments);
    do {
        harness_read_line(&server, line, sizeof line);
    } while (strstr(line, "serving at") == NULL);
    return server;
}

/* Reads until the stream ends, and returns how. Items are numbered from 0. */
static int read_all(flow_flow_count_stream *stream, uint64_t *at,
                    shmrpc_error *error)
{
    const uint64_t *number;
    int status;
    while ((status = flow_flow_count_next(stream, &number, error)) ==
           SHMRPC_MORE) {
        assert_int_equal(*number, *at);
        ++*at;
    }
    return status;
}

static void expect_restarted(int status, uint64_t items,
                             const shmrpc_error *error)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "restarted after %llu items",
                   (unsigned long long)items);
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    if (strstr(error->message, wanted) == NULL) {
        fail_msg("%s: %s", wanted, error->message);
    }
}

static void echo(flow_flow *client, unsigned times)
{
    uint64_t back = 0;
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(flow_flow_echo(client, i, NULL, &back, NULL),
                         SHMRPC_OK);
        assert_int_equal(back, i);
    }
}

/* Starts another server that takes over. The previous server ends once its
 * workers have left. */
static child restart(child *server, const char *where, const char *drain)
{
    child before = *server;
    *server = serve(where, drain, "--take-over");
    return before;
}

/* The handler waits for more items; only the order to leave wakes it. */
static void sleeping_handler_is_cut(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    const uint64_t one = 1;
    uint64_t result = 0;
    flow_flow_sum_stream *sum = NULL;
    harness_address("flow", where);
    child server = serve(where, "--stream-drain=50ms", "--threads=1");
    flow_flow *client = connect_to(where);
    assert_int_equal(flow_flow_sum(client, NULL, &sum, &error), SHMRPC_OK);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(flow_flow_sum_send(sum, &one, &error), SHMRPC_OK);
    }
    child before = restart(&server, where, "--stream-drain=50ms");
    assert_int_equal(harness_wait(&before), 0);
    int status = flow_flow_sum_send(sum, &one, &error);
    expect_restarted(status, 3, &error);
    assert_int_equal(flow_flow_sum_finish(sum, &result, &error),
                     SHMRPC_E_UNAVAILABLE);
    echo(client, 10);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void handler_is_told_first(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    flow_flow_drained_stream *stream = NULL;
    const uint64_t *number;
    int status;
    harness_address("flow", where);
    child server = serve(where, "--stream-drain=3600", "--threads=1");
    flow_flow *client = connect_to(where);
    assert_int_equal(flow_flow_drained(client, NULL, &stream, &error),
                     SHMRPC_OK);
    assert_int_equal(flow_flow_drained_next(stream, &number, &error),
                     SHMRPC_MORE);
    child before = restart(&server, where, "--stream-drain=3600");
    do {
        status = flow_flow_drained_next(stream, &number, &error);
    } while (status == SHMRPC_MORE);
    assert_int_equal(status, SHMRPC_OK);
    flow_flow_drained_close(stream);
    assert_int_equal(harness_wait(&before), 0);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

/* Streams are reopened each time they end: no short call fails, and no item is
 * lost before the end. */
static void hot_restarts(void **state)
{
    (void)state;
    enum { RESTARTS = 3 };
    char where[96];
    shmrpc_error error;
    harness_address("flow", where);
    child server = serve(where, "--stream-drain=50ms", "--threads=1");
    flow_flow *client = connect_to(where);
    for (unsigned round = 0; round < RESTARTS; round++) {
        flow_flow_count_stream *stream = NULL;
        uint64_t at = 0;
        const uint64_t *number;
        assert_int_equal(flow_flow_count(client, 0, 0, NULL, &stream, &error),
                         SHMRPC_OK);
        assert_int_equal(flow_flow_count_next(stream, &number, &error),
                         SHMRPC_MORE);
        at = 1;
        child before = restart(&server, where, "--stream-drain=50ms");
        echo(client, 100);
        int status = read_all(stream, &at, &error);
        expect_restarted(status, at, &error);
        flow_flow_count_close(stream);
        assert_int_equal(harness_wait(&before), 0);
    }
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

/* Opens a stream. Then makes calls until its worker has reached its maximum
 * number of calls and was replaced. */
static flow_flow_count_stream *outlive_worker(flow_flow *client)
{
    shmrpc_error error;
    flow_flow_count_stream *stream = NULL;
    const uint64_t *number;
    uint32_t first = 0;
    uint32_t pid;
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    assert_int_equal(flow_flow_count(client, 0, 0, NULL, &stream, &error),
                     SHMRPC_OK);
    assert_int_equal(flow_flow_count_next(stream, &number, &error),
                     SHMRPC_MORE);
    do {
        assert_true(harness_now_ns() < deadline_ns);
        assert_int_equal(flow_flow_pid(client, NULL, &pid, NULL), SHMRPC_OK);
        first = first == 0 ? pid : first;
    } while (pid == first);
    return stream;
}

static void replaced_worker_keeps_its_streams(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    const uint64_t *number;
    harness_address("flow", where);
    child server = serve_one(where, "--stream-drain=3600");
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = outlive_worker(client);
    for (uint64_t at = 1; at < 100000; at++) {
        assert_int_equal(flow_flow_count_next(stream, &number, &error),
                         SHMRPC_MORE);
        assert_int_equal(*number, at);
    }
    flow_flow_count_close(stream);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void replaced_worker_ends_them_in_the_end(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t at = 1;
    harness_address("flow", where);
    child server = serve_one(where, "--stream-drain=50ms");
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = outlive_worker(client);
    int status = read_all(stream, &at, &error);
    expect_restarted(status, at, &error);
    flow_flow_count_close(stream);
    echo(client, 10);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

/* The service ends. Its clients are told before its workers are killed. */
static void stopped_service(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    harness_address("flow", where);
    child server = serve(where, "--stream-drain=3600", "--stop-after=1");
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = NULL;
    const uint64_t *number;
    uint64_t at = 1;
    assert_int_equal(flow_flow_count(client, 0, 0, NULL, &stream, &error),
                     SHMRPC_OK);
    assert_int_equal(flow_flow_count_next(stream, &number, &error),
                     SHMRPC_MORE);
    harness_signal(&server, SIGTERM);
    int status = read_all(stream, &at, &error);
    expect_restarted(status, at, &error);
    flow_flow_count_close(stream);
    flow_flow_close(client);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeping_handler_is_cut),
        cmocka_unit_test(handler_is_told_first),
        cmocka_unit_test(hot_restarts),
        cmocka_unit_test(replaced_worker_keeps_its_streams),
        cmocka_unit_test(replaced_worker_ends_them_in_the_end),
        cmocka_unit_test(stopped_service),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
