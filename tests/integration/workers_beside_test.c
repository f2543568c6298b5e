/* Limits, tokens and ends of connections when workers are processes: limits
 * hold even if a worker dies in a call, and each worker is told when a
 * connection ends. */
#include "workers_common.h"

#include "shmrpc/beside.h"

#include <fcntl.h>
#include <unistd.h>

static child server;
static char where[96];
static workers_workers *client;

static int start(void **state)
{
    (void)state;
    harness_address("workers", where);
    assert_int_equal(setenv("GONE", "1", 1), 0);
    server = harness_serve_by(WORKERS_SERVER, where, "2", "1");
    client = workers_connect(where);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    workers_workers_close(client);
    harness_signal(&server, SIGTERM);
    (void)unsetenv("GONE");
    return 0;
}

/* Makes a call of nap_alone on a thread of its own. */
typedef struct alone {
    pthread_t thread;
    uint32_t ms;
    int status;
} alone;

static void *nap_alone(void *user)
{
    alone *a = user;
    uint32_t pid;
    a->status = workers_workers_nap_alone(client, a->ms, NULL, &pid, NULL);
    return NULL;
}

static void a_killed_worker_leaves_its_place(void **state)
{
    (void)state;
    alone first = {.ms = UINT32_MAX};
    uint32_t pid;
    shmrpc_error error = {.code = 0};
    assert_int_equal(pthread_create(&first.thread, NULL, nap_alone, &first), 0);
    pid_t worker = workers_next_nap(&server);
    assert_int_equal(workers_workers_nap_alone(client, 0, NULL, &pid, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_true(error.retry_after_ns > 0);
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    assert_int_equal(first.status, SHMRPC_E_WORKER_DIED);
    /* The supervisor handles the worker's death when the caller gets the error,
     * or soon after. */
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    int status = SHMRPC_E_EXHAUSTED;
    while (status == SHMRPC_E_EXHAUSTED && harness_now_ns() < deadline_ns) {
        status = workers_workers_nap_alone(client, 0, NULL, &pid, &error);
    }
    assert_int_equal(status, SHMRPC_OK);
}

/* Returns the worker that reports the end of a connection, and the connection's
 * number. */
static pid_t next_gone(unsigned long long *number)
{
    char line[256];
    int pid;
    do {
        harness_read_line(&server, line, sizeof line);
    } while (sscanf(line, "gone %d %llu", &pid, number) != 2);
    return pid;
}

static void each_worker_that_served_is_told(void **state)
{
    (void)state;
    unsigned long long one = 0;
    unsigned long long other = 1;
    shmrpc_error error;
    workers_workers *brief = workers_connect(where);
    /* One worker is busy meanwhile, so that the other one answers too. */
    napper busy = {.client = brief, .ms = 1500};
    napper_start(&busy);
    pid_t first = workers_next_nap(&server);
    uint32_t second = 0;
    assert_int_equal(workers_workers_pid(brief, NULL, &second, &error), 0);
    assert_int_equal(napper_join(&busy), 0);
    assert_int_not_equal(first, (pid_t)second);
    workers_workers_close(brief);
    pid_t told = next_gone(&one);
    pid_t told_too = next_gone(&other);
    assert_true((told == first && told_too == (pid_t)second) ||
                (told == (pid_t)second && told_too == first));
    assert_true(one == other);
    workers_expect_echo(client, 42);
}

/* ---- through a gateway ------------------------------------------------ */

static child gateway;
static char outside[96];

static int start_gateway(void **state)
{
    (void)state;
    harness_address("workers", where);
    assert_int_equal(setenv("GUARD", "1", 1), 0);
    server = harness_serve_by(WORKERS_SERVER, where, "1", "1");
    gateway = harness_relay(where, 5811, "tcp://127.0.0.1:0");
    (void)snprintf(outside, sizeof outside, "%s", gateway.place);
    return 0;
}

static int stop_gateway(void **state)
{
    (void)state;
    harness_signal(&gateway, SIGTERM);
    harness_signal(&server, SIGTERM);
    (void)unsetenv("GUARD");
    return 0;
}

static uint64_t number_of(workers_workers *it)
{
    uint64_t number = 0;
    shmrpc_error error;
    if (workers_workers_connection(it, NULL, &number, &error) != 0) {
        fail_msg("connection: %s", error.message);
    }
    return number;
}

static void peers_of_a_gateway_have_numbers(void **state)
{
    (void)state;
    workers_workers *one = workers_connect(outside);
    workers_workers *two = workers_connect(outside);
    uint64_t number = number_of(one);
    assert_true(number_of(two) != number);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(number_of(one) == number);
    }
    workers_workers_close(two);
    workers_workers *three = workers_connect(outside);
    assert_true(number_of(three) != number);
    workers_workers_close(three);
    workers_workers_close(one);
}

static void expect_token(workers_workers *it, const shmrpc_opts *opts,
                         const char *wanted)
{
    const workers_workers_token_reply *reply = NULL;
    shmrpc_error error;
    if (workers_workers_token(it, opts, &reply, &error) != 0) {
        fail_msg("token: %s", error.message);
    }
    assert_int_equal(reply->value.len, strlen(wanted));
    assert_memory_equal(reply->value.ptr, wanted, reply->value.len);
    workers_workers_token_release(reply);
}

static void a_token_passes_the_gateway(void **state)
{
    char file[128];
    char with[256];
    (void)state;
    (void)snprintf(file, sizeof file, "%s/token", harness_folder);
    int fd = open(file, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "a token of some bytes\n", 22), 22);
    (void)close(fd);
    (void)snprintf(with, sizeof with, "%s?token=%s", outside, file);
    workers_workers *one = workers_connect(with);
    workers_workers *two = workers_connect(outside);
    const shmrpc_metadata own[] = {
        {"authorization", "of this call"}, {"other", "x"}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = own};
    expect_token(one, NULL, "a token of some bytes");
    expect_token(two, NULL, "-");
    expect_token(one, &opts, "of this call");
    workers_workers_close(two);
    workers_workers_close(one);
    (void)unlink(file);
}

/* ---- the gateway's peers leave ------------------------------------------- */

static void start_told(bool by_processes)
{
    harness_address("workers", where);
    assert_int_equal(setenv("GONE", "1", 1), 0);
    server = by_processes ? harness_serve_by(WORKERS_SERVER, where, "2", "1")
                          : harness_serve(WORKERS_SERVER, where, "2");
    gateway = harness_relay(where, 5811, "tcp://127.0.0.1:0");
    (void)snprintf(outside, sizeof outside, "%s", gateway.place);
}

static int start_processes(void **state)
{
    (void)state;
    start_told(true);
    return 0;
}

static int start_threads(void **state)
{
    (void)state;
    start_told(false);
    return 0;
}

static int stop_told(void **state)
{
    (void)state;
    if (gateway.pid > 0) {
        harness_signal(&gateway, SIGTERM);
    }
    harness_signal(&server, SIGTERM);
    (void)unsetenv("GONE");
    return 0;
}

static void each_worker_is_told_of_a_peer(void **state)
{
    (void)state;
    unsigned long long one = 0;
    unsigned long long other = 1;
    shmrpc_error error;
    workers_workers_close(workers_connect(outside)); /* this peer has never made
                                                      * a call */
    workers_workers *stays = workers_connect(outside);
    workers_workers *brief = workers_connect(outside);
    workers_expect_echo(stays, 1);
    uint64_t number = number_of(brief);
    napper busy = {.client = brief, .ms = 1500};
    napper_start(&busy);
    pid_t first = workers_next_nap(&server);
    uint32_t second = 0;
    assert_int_equal(workers_workers_pid(brief, NULL, &second, &error), 0);
    assert_int_equal(napper_join(&busy), 0);
    assert_int_not_equal(first, (pid_t)second);
    workers_workers_close(brief);
    pid_t told = next_gone(&one);
    pid_t told_too = next_gone(&other);
    assert_true((told == first && told_too == (pid_t)second) ||
                (told == (pid_t)second && told_too == first));
    assert_true(one == number && other == number);
    workers_expect_echo(stays, 42);
    workers_workers_close(stays);
}

static void one_process_is_told_once_of_each_peer(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        unsigned long long told = 0;
        workers_workers *brief = workers_connect(outside);
        uint64_t number = number_of(brief);
        workers_expect_echo(brief, i);
        workers_workers_close(brief);
        assert_int_equal(next_gone(&told), server.pid);
        assert_true(told == number);
    }
}

/* The gateway itself is not reported, because no handler has seen its
 * connections. */
static void a_gateway_that_dies_takes_its_peers_along(void **state)
{
    (void)state;
    unsigned long long told[2] = {0, 0};
    workers_workers *one = workers_connect(outside);
    workers_workers *two = workers_connect(outside);
    uint64_t numbers[2] = {number_of(one), number_of(two)};
    harness_signal(&gateway, SIGKILL);
    gateway.pid = -1;
    (void)next_gone(&told[0]);
    (void)next_gone(&told[1]);
    assert_true((told[0] == numbers[0] && told[1] == numbers[1]) ||
                (told[0] == numbers[1] && told[1] == numbers[0]));
    workers_workers *inside = workers_connect(where);
    uint64_t number = number_of(inside);
    workers_workers_close(inside);
    (void)next_gone(&told[0]);
    assert_true(told[0] == number);
    workers_workers_close(two);
    workers_workers_close(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_worker_leaves_its_place, start,
                                        stop),
        cmocka_unit_test_setup_teardown(each_worker_that_served_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(peers_of_a_gateway_have_numbers,
                                        start_gateway, stop_gateway),
        cmocka_unit_test_setup_teardown(a_token_passes_the_gateway,
                                        start_gateway, stop_gateway),
        cmocka_unit_test_setup_teardown(each_worker_is_told_of_a_peer,
                                        start_processes, stop_told),
        cmocka_unit_test_setup_teardown(one_process_is_told_once_of_each_peer,
                                        start_threads, stop_told),
        cmocka_unit_test_setup_teardown(
            a_gateway_that_dies_takes_its_peers_along, start_threads,
            stop_told),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
