/* Detached calls whose worker or supervisor is killed, stopped or replaced. */
#include "harness.h"

#include <signal.h>
#include <unistd.h>

#include "later_client.h"

static const shmrpc_opts patient = {.timeout_ns = PATIENCE};

static later_later *connect_to(const char *where)
{
    shmrpc_error error;
    later_later *client = NULL;
    if (later_later_connect(where, &patient, &client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static shmrpc_call *start(later_later *client, uint32_t ms, uint64_t number)
{
    shmrpc_call *call = NULL;
    shmrpc_error error;
    if (later_later_wait_start(client, ms, number, &patient, &call, &error) !=
        SHMRPC_OK) {
        fail_msg("wait: %s", error.message);
    }
    return call;
}

/* Returns the pid of the worker that answers this call. If there is only one
 * worker, it has then taken all requests that were sent before. */
static pid_t worker_of(later_later *client)
{
    uint32_t pid = 0;
    shmrpc_error error;
    if (later_later_pid(client, &patient, &pid, &error) != SHMRPC_OK) {
        fail_msg("pid: %s", error.message);
    }
    return (pid_t)pid;
}

static child serve(char where[96])
{
    harness_address("later", where);
    return harness_serve_by(LATER_SERVER, where, "1", "1");
}

static void killed_workers_calls_end_in_WORKER_DIED(void **state)
{
    (void)state;
    enum { CALLS = 10 };
    shmrpc_call *calls[CALLS];
    char where[96];
    shmrpc_error error;
    uint64_t number;
    child server = serve(where);
    later_later *client = connect_to(where);
    for (uint64_t i = 0; i < CALLS; i++) {
        calls[i] = start(client, 1000000, i);
    }
    pid_t worker = worker_of(client);
    assert_int_equal(kill(worker, SIGKILL), 0);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(later_later_wait_finish(calls[i], &number, &error),
                         SHMRPC_E_WORKER_DIED);
    }
    assert_int_not_equal(worker_of(client), worker);
    shmrpc_call *next = start(client, 1, 77);
    assert_int_equal(later_later_wait_finish(next, &number, &error), SHMRPC_OK);
    assert_int_equal(number, 77);
    later_later_close(client);
    harness_signal(&server, SIGTERM);
}

static void killed_supervisors_clients_get_SERVER_LOST(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t number;
    child server = serve(where);
    later_later *client = connect_to(where);
    shmrpc_call *call = start(client, 1000000, 1);
    (void)worker_of(client);
    harness_signal(&server, SIGKILL);
    assert_int_equal(later_later_wait_finish(call, &number, &error),
                     SHMRPC_E_SERVER_LOST);
    later_later_close(client);
}

/* The call succeeds: the worker was not killed before it could answer. */
static void supervisor_that_ends_waits_for_answers(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t number = 0;
    child server = serve(where);
    later_later *client = connect_to(where);
    shmrpc_call *call = start(client, 300, 5);
    (void)worker_of(client);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    if (later_later_wait_finish(call, &number, &error) != SHMRPC_OK) {
        fail_msg("wait: %s", error.message);
    }
    assert_int_equal(number, 5);
    assert_int_equal(harness_wait(&server), 0);
    later_later_close(client);
}

/* The elder has a detached call, so it does not count as idle: it answers the
 * call before it leaves. */
static void elders_answer_while_the_young_serve(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    shmrpc_error error;
    uint64_t number = 0;
    child first = serve(where);
    later_later *client = connect_to(where);
    shmrpc_call *call = start(client, 2000, 6);
    pid_t elder = worker_of(client);
    const char *const arguments[] = {"--listen", where, "--workers=1",
                                     "--take-over", NULL};
    child second = harness_start(LATER_SERVER, arguments);
    do {
        harness_read_line(&second, line, sizeof line);
    } while (strstr(line, "serving at") == NULL);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (worker_of(client) == elder) {
        assert_true(harness_now_ns() < deadline_ns);
    }
    if (later_later_wait_finish(call, &number, &error) != SHMRPC_OK) {
        fail_msg("wait: %s", error.message);
    }
    assert_int_equal(number, 6);
    assert_int_equal(harness_wait(&first), 0);
    later_later_close(client);
    harness_signal(&second, SIGTERM);
}

/* Clients give up detached calls and leave. The server then holds no more than
 * before. */
static void given_up_calls_leave_nothing(void **state)
{
    (void)state;
    char where[96];
    child server = serve(where);
    harness_await_watched(server.pid, 1);
    later_later *client = connect_to(where);
    (void)worker_of(client);
    holdings before = harness_holdings(server.pid);
    for (int i = 0; i < 20; i++) {
        later_later *other = connect_to(where);
        shmrpc_call *call = start(other, 1000000, 1);
        (void)worker_of(other);
        shmrpc_call_release(call);
        later_later_close(other);
    }
    harness_await_holdings(server.pid, before, 20 * S);
    later_later_close(client);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_workers_calls_end_in_WORKER_DIED),
        cmocka_unit_test(killed_supervisors_clients_get_SERVER_LOST),
        cmocka_unit_test(supervisor_that_ends_waits_for_answers),
        cmocka_unit_test(elders_answer_while_the_young_serve),
        cmocka_unit_test(given_up_calls_leave_nothing),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
