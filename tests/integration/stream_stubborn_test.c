/*
 * Stream handlers that ignore the end of their stream are killed, but not while
 * a client waits for them.
 *
 * Run with an argument, this program is a client that opens a stream with such
 * a handler and never closes it.
 */
#include "flow_common.h"

#include <signal.h>
#include <unistd.h>

static child serve_with(char where[96], const char *option)
{
    harness_address("flow", where);
    const char *const arguments[] = {"--listen",      where,  "--workers=2",
                                     "--hang-kill=1", option, NULL};
    child server = harness_start(FLOW_SERVER, arguments);
    await_line(&server, "serving at", NULL);
    return server;
}

static child serve(char where[96])
{
    return serve_with(where, NULL);
}

static flow_flow_stubborn_stream *open_stubborn(flow_flow *client,
                                                const shmrpc_opts *opts)
{
    flow_flow_stubborn_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    if (flow_flow_stubborn(client, opts, &stream, &error) != SHMRPC_OK ||
        flow_flow_stubborn_next(stream, &number, &error) != SHMRPC_MORE) {
        fail_msg("stubborn: %s", error.message);
    }
    return stream;
}

static int be_client(const char *where)
{
    flow_flow *client = connect_to(where);
    (void)open_stubborn(client, NULL);
    (void)printf("opened\n");
    (void)fflush(stdout);
    return pause();
}

/* Whether the process is running. A process that is exiting, or has exited and
 * was not waited for, has already released everything. */
static bool is_alive(pid_t pid)
{
    enum { PF_EXITING = 4 }; /* Linux's flag in the ninth field of stat */
    char path[64];
    char state = 'X';
    unsigned flags = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        (void)fscanf(file, "%*d (%*[^)]) %c %*d %*d %*d %*d %*d %u", &state,
                     &flags);
        (void)fclose(file);
    }
    return state != 'Z' && state != 'X' && (flags & PF_EXITING) == 0;
}

static void await_death(pid_t pid)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (is_alive(pid)) {
        assert_true(harness_now_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

static void expect_killed(child *server, pid_t worker)
{
    char line[512];
    pid_t named;
    do {
        harness_read_line(server, line, sizeof line);
    } while (sscanf(line, "%*[^(](pid %d) hangs in a call of Flow.stubborn",
                    &named) != 1);
    assert_int_equal(named, worker);
    await_death(worker);
}

/* While the client keeps the stream open, the worker is not killed. After the
 * client has closed the stream, the handler has a second (--hang-kill) to end.
 */
static void closed_stream(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    child server = serve(where);
    flow_flow *client = connect_to(where);
    flow_flow_stubborn_stream *stream = open_stubborn(client, NULL);
    await_line(&server, "begin stubborn", &worker);
    int64_t until_ns = harness_now_ns() + 2500 * MS;
    while (harness_now_ns() < until_ns) {
        assert_true(is_alive(worker));
        (void)usleep(50000);
    }
    int64_t closed_ns = harness_now_ns();
    flow_flow_stubborn_close(stream);
    expect_killed(&server, worker);
    assert_true(harness_now_ns() - closed_ns >= 1 * S);
    expect_echo(client);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void stream_past_its_deadline(void **state)
{
    (void)state;
    const shmrpc_opts opts = {.timeout_ns = 500 * MS};
    char where[96];
    pid_t worker;
    const uint64_t *number;
    shmrpc_error error;
    child server = serve(where);
    flow_flow *client = connect_to(where);
    flow_flow_stubborn_stream *stream;
    assert_int_equal(flow_flow_stubborn(client, &opts, &stream, &error),
                     SHMRPC_OK);
    await_line(&server, "begin stubborn", &worker);
    int status;
    while ((status = flow_flow_stubborn_next(stream, &number, &error)) ==
           SHMRPC_MORE) {
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    expect_killed(&server, worker);
    flow_flow_stubborn_close(stream);
    expect_echo(client);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

/* The client waits for the stream and has set no deadline, so only the age
 * limit ends the stream. */
static void stream_past_the_age_that_is_allowed(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    const uint64_t *number;
    shmrpc_error error;
    child server = serve_with(where, "--max-stream-age=500ms");
    flow_flow *client = connect_to(where);
    flow_flow_stubborn_stream *stream = open_stubborn(client, NULL);
    await_line(&server, "begin stubborn", &worker);
    assert_int_equal(flow_flow_stubborn_next(stream, &number, &error),
                     SHMRPC_E_WORKER_DIED);
    expect_killed(&server, worker);
    flow_flow_stubborn_close(stream);
    expect_echo(client);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void stream_of_a_killed_client(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    child server = serve(where);
    const char *const arguments[] = {where, NULL};
    child client = harness_start("/proc/self/exe", arguments);
    await_line(&server, "begin stubborn", &worker);
    await_line(&client, "opened", NULL);
    harness_signal(&client, SIGKILL);
    expect_killed(&server, worker);
    harness_signal(&server, SIGTERM);
}

/* With `is_followed`, another server is started. It serves only after the
 * worker is gone. */
static void kill_supervisor(bool is_followed)
{
    char where[96];
    pid_t worker;
    const uint64_t *number;
    shmrpc_error error;
    child server = serve(where);
    flow_flow *client = connect_to(where);
    flow_flow_stubborn_stream *stream = open_stubborn(client, NULL);
    await_line(&server, "begin stubborn", &worker);
    harness_signal(&server, SIGKILL);
    assert_int_equal(flow_flow_stubborn_next(stream, &number, &error),
                     SHMRPC_E_SERVER_LOST);
    if (is_followed) {
        server = harness_serve_by(FLOW_SERVER, where, "2", "1");
        assert_false(is_alive(worker));
        expect_echo(client);
        harness_signal(&server, SIGTERM);
    }
    await_death(worker);
    flow_flow_stubborn_close(stream);
    flow_flow_close(client);
}

static void stream_of_a_killed_supervisor(void **state)
{
    (void)state;
    kill_supervisor(false);
}

static void next_server_waits_for_its_end(void **state)
{
    (void)state;
    kill_supervisor(true);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_stream),
        cmocka_unit_test(stream_past_its_deadline),
        cmocka_unit_test(stream_past_the_age_that_is_allowed),
        cmocka_unit_test(stream_of_a_killed_client),
        cmocka_unit_test(stream_of_a_killed_supervisor),
        cmocka_unit_test(next_server_waits_for_its_end),
    };
    return argc == 2 ? be_client(argv[1])
                     : harness_main(tests, sizeof tests / sizeof *tests);
}
