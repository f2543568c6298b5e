/*
 * Streams that are reopened because their server or worker was lost before the
 * first item; and streams that no worker takes.
 */
#include "steps_common.h"

#include <signal.h>

#define MOST 1000u

/* Reads numbers from 0 on; returns how the stream ended. */
static int read_all(steps_steps_again_stream *stream, uint64_t *at,
                    shmrpc_error *error)
{
    const uint64_t *number;
    int status;
    while ((status = steps_steps_again_next(stream, &number, error)) ==
           SHMRPC_MORE) {
        assert_int_equal(*number, *at);
        ++*at;
    }
    return status;
}

static int read_repeated(steps_steps_repeated_stream *stream, uint64_t *at,
                         shmrpc_error *error)
{
    const uint64_t *number;
    int status;
    while ((status = steps_steps_repeated_next(stream, &number, error)) ==
           SHMRPC_MORE) {
        assert_int_equal(*number, *at);
        ++*at;
    }
    return status;
}

static steps_steps_again_stream *open_again(steps_steps *client, uint64_t most)
{
    steps_steps_again_stream *stream;
    shmrpc_error error;
    if (steps_steps_again(client, most, NULL, &stream, &error) != SHMRPC_OK) {
        fail_msg("again: %s", error.message);
    }
    return stream;
}

/* Expects that a new stream to the present server works. */
static void expect_count(steps_steps *client)
{
    steps_steps_count_stream *stream;
    shmrpc_error error;
    const uint64_t *number;
    uint64_t at = 0;
    int status = steps_steps_count(client, MOST, NULL, &stream, &error);
    if (status != SHMRPC_OK) {
        fail_msg("count: %s", error.message);
    }
    while ((status = steps_steps_count_next(stream, &number, &error)) ==
           SHMRPC_MORE) {
        assert_int_equal(*number, at);
        at++;
    }
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(at, MOST);
    steps_steps_count_close(stream);
}

static const char *address(const void *over, char where[96])
{
    if (over == harness_tcp) {
        harness_tcp_address(5823, where);
    } else {
        harness_address("steps", where);
    }
    return where;
}

/* ---- the server is lost -------------------------------------------------- */

static void lost_server(void **state)
{
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    uint64_t many = 0;
    steps_steps_repeated_stream *repeated;
    child server = harness_serve(STEPS_SERVER, address(*state, where), "4");
    steps_steps *client = connect_to(where);
    expect_count(client);
    steps_steps_again_stream *stream = open_again(client, MOST);
    await_line(&server, "begin again", NULL);
    if (steps_steps_repeated(client, 3, NULL, &repeated, &error) != SHMRPC_OK) {
        fail_msg("repeated: %s", error.message);
    }
    await_line(&server, "begin again", NULL);
    harness_signal(&server, SIGKILL);
    server = harness_serve(STEPS_SERVER, where, "4");
    int status = read_all(stream, &at, &error);
    if (status != SHMRPC_OK || at != MOST) {
        fail_msg("%d after %u items: %s", status, (unsigned)at, error.message);
    }
    status = read_repeated(repeated, &many, &error);
    if (status != SHMRPC_OK || many != 3) {
        fail_msg("%d after %u items: %s", status, (unsigned)many,
                 error.message);
    }
    steps_steps_again_close(stream);
    steps_steps_repeated_close(repeated);
    expect_count(client);
    steps_steps_close(client);
    harness_signal(&server, SIGTERM);
}

/* After an item the stream is not reopened. */
static void lost_server_after_an_item(void **state)
{
    char where[96];
    shmrpc_error error;
    uint64_t at = 1;
    const uint64_t *number;
    child server = harness_serve(STEPS_SERVER, address(*state, where), "4");
    steps_steps *client = connect_to(where);
    steps_steps_again_stream *stream = open_again(client, 0);
    assert_int_equal(steps_steps_again_next(stream, &number, &error),
                     SHMRPC_MORE);
    assert_int_equal(*number, 0);
    harness_signal(&server, SIGKILL);
    server = harness_serve(STEPS_SERVER, where, "4");
    assert_int_equal(read_all(stream, &at, &error), SHMRPC_E_SERVER_LOST);
    assert_int_equal(at, 1);
    steps_steps_again_close(stream);
    expect_count(client);
    steps_steps_close(client);
    harness_signal(&server, SIGTERM);
}

/* No other server takes the place of the lost one. */
static void server_that_stays_away(void **state)
{
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    child server = harness_serve(STEPS_SERVER, address(*state, where), "4");
    steps_steps *client = connect_for(where, 300 * MS);
    steps_steps_again_stream *stream = open_again(client, MOST);
    await_line(&server, "begin again", NULL);
    harness_signal(&server, SIGKILL);
    int status = read_all(stream, &at, &error);
    assert_true(status < 0);
    assert_int_equal(at, 0);
    /* Another read returns the same status. */
    assert_int_equal(read_all(stream, &at, &error), status);
    steps_steps_again_close(stream);
    steps_steps_close(client);
}

static void lost_worker(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    pid_t worker;
    child server = serve_steps(address(NULL, where), "--workers=2", NULL, NULL);
    steps_steps *client = connect_to(where);
    steps_steps_again_stream *stream = open_again(client, MOST);
    await_line(&server, "begin again", &worker);
    assert_int_equal(kill(worker, SIGKILL), 0);
    int status = read_all(stream, &at, &error);
    if (status != SHMRPC_OK || at != MOST) {
        fail_msg("%d after %u items: %s", status, (unsigned)at, error.message);
    }
    steps_steps_again_close(stream);
    steps_steps_close(client);
    harness_signal(&server, SIGTERM);
}

/* ---- no worker takes the stream ------------------------------------------ */

static void expect_not_taken(int status, const shmrpc_error *error)
{
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    if (strstr(error->message, "no worker took") == NULL) {
        fail_msg("%s", error->message);
    }
}

static void stopped_worker(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    const uint64_t *number;
    uint32_t worker = 0;
    uint64_t result;
    const uint64_t one = 1;
    steps_steps_count_stream *count;
    steps_steps_sum_stream *sum;
    child server = serve_steps(address(NULL, where), "--workers=1", NULL, NULL);
    steps_steps *patient = connect_to(where);
    assert_int_equal(steps_steps_pid(patient, NULL, &worker, NULL), SHMRPC_OK);
    steps_steps *client = connect_for(where, 300 * MS);
    assert_int_equal(kill((pid_t)worker, SIGSTOP), 0);
    assert_int_equal(steps_steps_count(client, 0, NULL, &count, &error),
                     SHMRPC_OK);
    int status = steps_steps_count_next(count, &number, &error);
    expect_not_taken(status, &error);
    steps_steps_count_close(count);
    assert_int_equal(steps_steps_sum(client, NULL, &sum, &error), SHMRPC_OK);
    assert_int_equal(steps_steps_sum_send(sum, &one, &error), SHMRPC_OK);
    status = steps_steps_sum_finish(sum, &result, &error);
    expect_not_taken(status, &error);
    assert_int_equal(steps_steps_sum(client, NULL, &sum, &error), SHMRPC_OK);
    do {
        status = steps_steps_sum_send(sum, &one, &error);
    } while (status == SHMRPC_OK);
    expect_not_taken(status, &error);
    steps_steps_sum_close(sum);
    assert_int_equal(kill((pid_t)worker, SIGCONT), 0);
    expect_count(patient);
    steps_steps_close(client);
    steps_steps_close(patient);
    harness_signal(&server, SIGTERM);
}

/* Once a worker has taken a stream, the stream may wait for its items without
 * limit. */
static void taken_stream(void **state)
{
    (void)state;
    char where[96];
    bool is_taken = false;
    child server = serve_steps(address(NULL, where), "--workers=1", NULL, NULL);
    for (int64_t ns = 100 * MS; !is_taken; ns *= 2) {
        shmrpc_error error;
        const uint64_t *number;
        steps_steps_again_stream *stream;
        const shmrpc_opts opts = {.timeout_ns = 4 * ns};
        steps_steps *client = connect_for(where, ns);
        assert_true(ns < PATIENCE);
        assert_int_equal(steps_steps_again(client, 3, &opts, &stream, &error),
                         SHMRPC_OK);
        /* OK: the worker noticed the deadline first and ended the stream. */
        int status = steps_steps_again_next(stream, &number, &error);
        assert_true(status == SHMRPC_E_DEADLINE || status == SHMRPC_OK);
        is_taken =
            status == SHMRPC_OK || strstr(error.message, "no worker") == NULL;
        steps_steps_again_close(stream);
        steps_steps_close(client);
    }
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASE(lost_server, NULL, NULL, shm),
        HARNESS_CASE(lost_server, NULL, NULL, tcp),
        HARNESS_CASE(lost_server_after_an_item, NULL, NULL, shm),
        HARNESS_CASE(lost_server_after_an_item, NULL, NULL, tcp),
        HARNESS_CASE(server_that_stays_away, NULL, NULL, shm),
        HARNESS_CASE(server_that_stays_away, NULL, NULL, tcp),
        cmocka_unit_test(lost_worker),
        cmocka_unit_test(stopped_worker),
        cmocka_unit_test(taken_stream),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
