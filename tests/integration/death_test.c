/* Servers and clients that are killed or stopped: what other processes see, and
 * that nothing leaks. */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../reaction.h"
#include "../sanitized.h"
#include "fault_client.h"

static fault_fault *connect_to(const char *where)
{
    fault_fault *client = NULL;
    shmrpc_error error;
    if (fault_fault_connect(where, NULL, &client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static child start_client(const char *where, const char *mode)
{
    char line[256];
    const char *const arguments[] = {where, mode, NULL};
    child client = harness_start(FAULT_CLIENT, arguments);
    harness_read_line(&client, line, sizeof line);
    if (strcmp(line, "ready") != 0) {
        fail_msg("client: %s", line);
    }
    return client;
}

static void expect_echo(fault_fault *client, uint64_t number)
{
    uint64_t back = 0;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    shmrpc_error error;
    if (fault_fault_echo(client, number, &opts, &back, &error) != 0) {
        fail_msg("echo: %s", error.message);
    }
    assert_true(back == number);
}

typedef int counter(fault_fault *client, const shmrpc_opts *opts, uint32_t *out,
                    shmrpc_error *error);

/* Repeats the call until it returns `wanted`. */
static void await_count(fault_fault *client, counter *count, uint32_t wanted)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t got = wanted + 1;
    while (got != wanted) {
        shmrpc_error error;
        if (count(client, NULL, &got, &error) != 0) {
            fail_msg("%s", error.message);
        }
        if (harness_now_ns() > deadline_ns) {
            fail_msg("%u of %u", got, wanted);
        }
    }
}

/* ---- the server dies ---- */

typedef struct napper {
    fault_fault *client;
    pthread_t thread;
    int status;
    int64_t ended_ns;
    shmrpc_error error;
} napper;

static void *nap(void *user)
{
    napper *n = user;
    n->status = fault_fault_nap(n->client, 20000, NULL, &n->error);
    n->ended_ns = harness_now_ns();
    return NULL;
}

static int64_t kill_a_server(void *user)
{
    (void)user;
    char where[96];
    napper n = {.status = 0};
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "2");
    n.client = connect_to(where);
    assert_int_equal(pthread_create(&n.thread, NULL, nap, &n), 0);
    await_count(n.client, fault_fault_napping, 1);
    int64_t killed_ns = harness_now_ns();
    harness_signal(&server, SIGKILL);
    (void)pthread_join(n.thread, NULL);
    assert_int_equal(n.status, SHMRPC_E_SERVER_LOST);
    assert_true(shmrpc_status_may_have_run(n.status));
    assert_non_null(strstr(n.error.message, "fault"));
    /* The next call reports that it was not sent. */
    uint64_t back;
    shmrpc_opts at_once = {.flags = SHMRPC_OPT_NONBLOCK};
    assert_int_equal(fault_fault_echo(n.client, 1, &at_once, &back, &n.error),
                     SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(n.error.message, "not sent"));
    fault_fault_close(n.client);
    return n.ended_ns - killed_ns;
}

static void killed_server_ends_the_call_within_100_ms(void **state)
{
    (void)state;
    expect_reaction(kill_a_server, NULL, 0, 100 * MS);
}

static void killed_servers_name_is_free_at_once(void **state)
{
    (void)state;
    char where[96];
    harness_address("fault", where);
    for (int i = 0; i < 10; i++) {
        child server = harness_serve(FAULT_SERVER, where, "1");
        fault_fault *client = connect_to(where);
        expect_echo(client, 7);
        harness_signal(&server, SIGKILL);
        fault_fault_close(client);
    }
}

/* ---- clients die ---- */

static void killed_clients_give_back_descriptors_and_mappings(void **state)
{
    (void)state;
    enum { CLIENTS = 3, ROUNDS = 5 };
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "4");
    fault_fault *own = connect_to(where);
    expect_echo(own, 1);
    holdings before = harness_holdings(server.pid);
    for (int round = 0; round < ROUNDS; round++) {
        child clients[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = start_client(where, "nap");
        }
        await_count(own, fault_fault_napping, CLIENTS);
        holdings with = harness_holdings(server.pid);
        assert_true(with.fds > before.fds && with.maps > before.maps);
        for (int i = 0; i < CLIENTS; i++) {
            harness_signal(&clients[i], SIGKILL);
        }
        harness_await_holdings(server.pid, before, 2 * S);
        await_count(own, fault_fault_napping, 0);
    }
    /* The handlers were told that nobody waits for their calls any more. */
    await_count(own, fault_fault_cancelled, CLIENTS * ROUNDS);
    expect_echo(own, 2);
    fault_fault_close(own);
    harness_signal(&server, SIGTERM);
}

/* Connects, makes a call, writes a byte, and waits to be killed; it also dies
 * when the test does. */
static _Noreturn void stand_in_crowd(const char *where, int said_fd)
{
    fault_fault *client;
    uint64_t back = 0;
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        fault_fault_connect(where, NULL, &client, NULL) != SHMRPC_OK ||
        fault_fault_echo(client, 5, &opts, &back, NULL) != SHMRPC_OK ||
        write(said_fd, "+", 1) != 1) {
        _exit(EXIT_FAILURE);
    }
    for (;;) {
        (void)pause();
    }
}

/* All clients of the crowd are alive at the same time, and are killed at the
 * same time. */
static void a_crowd_killed_at_once_leaves_nothing_behind(void **state)
{
    (void)state;
    enum { CROWD = IS_SANITIZED ? 100 : 1000 };
    static pid_t crowd[CROWD];
    int said[2];
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "2");
    fault_fault *own = connect_to(where);
    expect_echo(own, 1);
    holdings before = harness_holdings(server.pid);
    assert_int_equal(pipe(said), 0);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = fork();
        assert_true(crowd[i] >= 0);
        if (crowd[i] == 0) {
            stand_in_crowd(where, said[1]);
        }
    }
    (void)close(said[1]);
    for (int i = 0; i < CROWD; i++) {
        char byte;
        assert_int_equal(read(said[0], &byte, 1), 1); /* 0: a client has
                                                       * ended */
    }
    (void)close(said[0]);
    assert_true(harness_holdings(server.pid).fds >= before.fds + CROWD);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(kill(crowd[i], SIGKILL), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        int end;
        assert_int_equal(waitpid(crowd[i], &end, 0), crowd[i]);
        assert_true(WIFSIGNALED(end));
    }
    harness_await_holdings(server.pid, before, 2 * S);
    expect_echo(own, 2);
    fault_fault_close(own);
    harness_signal(&server, SIGTERM);
}

static void a_thousand_kills_leave_nothing_behind(void **state)
{
    (void)state;
    int kills = harness_is_long() ? 1000 : 100;
    static char shm_before[16384];
    static char shm_after[16384];
    static char folder_before[16384];
    static char folder_after[16384];
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "2");
    harness_list("/dev/shm", shm_before, sizeof shm_before);
    harness_list(harness_folder, folder_before, sizeof folder_before);
    for (int i = 0; i < kills; i++) {
        if (i % 10 == 9) {
            harness_signal(&server, SIGKILL);
            server = harness_serve(FAULT_SERVER, where, "2");
        }
        child client = start_client(where, i % 2 == 0 ? "nap" : "busy");
        harness_signal(&client, SIGKILL);
    }
    fault_fault *own = connect_to(where);
    expect_echo(own, 3);
    harness_list("/dev/shm", shm_after, sizeof shm_after);
    harness_list(harness_folder, folder_after, sizeof folder_after);
    assert_string_equal(shm_after, shm_before);
    assert_string_equal(folder_after, folder_before);
    fault_fault_close(own);
    harness_signal(&server, SIGTERM);
}

/* ---- a client is stopped ---- */

/* Waits for a different time before each stop, so that the client is stopped in
 * the middle of its calls. */
static void spin(int64_t ns)
{
    int64_t end_ns = harness_now_ns() + ns;
    while (harness_now_ns() < end_ns) {
    }
}

static void stopped_client_delays_no_other(void **state)
{
    (void)state;
    enum { ROUNDS = 40, CALLS = 100 };
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "2");
    child busy = start_client(where, "busy");
    fault_fault *own = connect_to(where);
    shmrpc_opts opts = {.timeout_ns = 1 * S};
    for (uint64_t i = 0; i < ROUNDS; i++) {
        spin((int64_t)(i * 7919 % 200) * 1000);
        harness_signal(&busy, SIGSTOP);
        for (uint64_t n = 0; n < CALLS; n++) {
            uint64_t back = 0;
            shmrpc_error error;
            if (fault_fault_echo(own, n, &opts, &back, &error) != 0) {
                fail_msg("round %d, call %d: %s", (int)i, (int)n,
                         error.message);
            }
            assert_true(back == n);
        }
        harness_signal(&busy, SIGCONT);
    }
    harness_signal(&busy, SIGKILL);
    fault_fault_close(own);
    harness_signal(&server, SIGTERM);
}

/* ---- a server without a CPU ---- */

static const struct timespec five_ms = {.tv_nsec = 5000000};

/* Lets a stopped server continue after a while. */
static void *resume(void *user)
{
    (void)nanosleep(&five_ms, NULL);
    harness_signal(user, SIGCONT);
    return NULL;
}

/* The server is stopped while it spins, as if another program used its CPU. The
 * time that it had read before must not count for a call sent since. */
static void a_stopped_server_shortens_no_deadline(void **state)
{
    (void)state;
    enum { ROUNDS = 40, CALLS = 100 };
    harness_service service = harness_serve_with(
        harness_shm, FAULT_SERVER, "fault", 5802, "1", "--profile=latency");
    child *server = &service.server;
    fault_fault *client = connect_to(service.where);
    shmrpc_opts opts = {.timeout_ns = PATIENCE};
    int64_t earliest_ns = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        pthread_t resumer;
        shmrpc_error error;
        int64_t deadline_ns;
        for (uint64_t n = 0; n < CALLS; n++) {
            expect_echo(client, n);
        }
        harness_signal(server, SIGSTOP);
        (void)nanosleep(&five_ms, NULL);
        assert_int_equal(pthread_create(&resumer, NULL, resume, server), 0);
        int64_t begin_ns = harness_now_ns();
        if (fault_fault_deadline(client, &opts, &deadline_ns, &error) != 0) {
            fail_msg("round %d: %s", (int)i, error.message);
        }
        assert_int_equal(pthread_join(resumer, NULL), 0);
        int64_t early_ns = begin_ns + PATIENCE - deadline_ns;
        earliest_ns = early_ns > earliest_ns ? early_ns : earliest_ns;
    }
    assert_in_range(earliest_ns, 0, S / 1000);
    fault_fault_close(client);
    harness_end(&service);
}

/* ---- a fork ---- */

static void child_of_a_fork_gets_a_connection_of_its_own(void **state)
{
    (void)state;
    char where[96];
    harness_address("fault", where);
    child server = harness_serve(FAULT_SERVER, where, "1");
    fault_fault *own = connect_to(where);
    expect_echo(own, 1);
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t back = 0;
        _exit(fault_fault_echo(own, 2, NULL, &back, NULL) == 0 && back == 2
                  ? 0
                  : 1);
    }
    child forked = {.pid = pid, .out = dup(0)};
    assert_int_equal(harness_wait(&forked), 0);
    expect_echo(own, 3);
    fault_fault_close(own);
    harness_signal(&server, SIGTERM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_server_ends_the_call_within_100_ms),
        cmocka_unit_test(killed_servers_name_is_free_at_once),
        cmocka_unit_test(killed_clients_give_back_descriptors_and_mappings),
        cmocka_unit_test(a_crowd_killed_at_once_leaves_nothing_behind),
        cmocka_unit_test(a_thousand_kills_leave_nothing_behind),
        cmocka_unit_test(stopped_client_delays_no_other),
        cmocka_unit_test(a_stopped_server_shortens_no_deadline),
        cmocka_unit_test(child_of_a_fork_gets_a_connection_of_its_own),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
