/*
 * Streams whose client, worker or supervisor is killed or stopped, and servers
 * that take over: what each end of the stream gets.
 *
 * With arguments this program is a client to be killed or stopped: it prints
 * what it has done, and waits.
 */
#include "flow_common.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* How soon after a death everything must have recovered. */
#define BACK_NS (2 * S)

/* ---- this program as a client ------------------------------------------- */

static void say(const char *text)
{
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

static int be_reader(flow_flow *client)
{
    flow_flow_count_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    uint64_t count = 0;
    int status = flow_flow_count(client, 0, 0, NULL, &stream, &error);
    while (status == SHMRPC_OK &&
           (status = flow_flow_count_next(stream, &number, &error)) ==
               SHMRPC_MORE) {
        status = *number == count ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
        if (++count == 100) {
            say("read");
            (void)raise(SIGSTOP);
        }
    }
    (void)printf("over %s\n", shmrpc_status_name(status));
    flow_flow_count_close(stream);
    flow_flow_close(client);
    return 0;
}

static int be_sender(flow_flow *client)
{
    flow_flow_sum_stream *stream;
    shmrpc_error error;
    int status = flow_flow_sum(client, NULL, &stream, &error);
    for (uint64_t i = 0; status == SHMRPC_OK && i < 3; i++) {
        status = flow_flow_sum_send(stream, &i, &error);
    }
    say(status == SHMRPC_OK ? "sent" : error.message);
    return pause();
}

static int be_talker(flow_flow *client)
{
    flow_flow_twice_stream *stream;
    shmrpc_error error;
    const uint64_t one = 1;
    const uint64_t *two;
    int status = flow_flow_twice(client, NULL, &stream, &error);
    if (status == SHMRPC_OK) {
        status = flow_flow_twice_send(stream, &one, &error);
    }
    if (status == SHMRPC_OK) {
        status = flow_flow_twice_next(stream, &two, &error);
    }
    say(status == SHMRPC_MORE && *two == 2 ? "talked" : error.message);
    return pause();
}

static int be_client(char **arguments)
{
    shmrpc_error error;
    flow_flow *client;
    if (flow_flow_connect(arguments[1], NULL, &client, &error) != SHMRPC_OK) {
        say(error.message);
        return 1;
    }
    return strcmp(arguments[0], "reader") == 0   ? be_reader(client)
           : strcmp(arguments[0], "sender") == 0 ? be_sender(client)
                                                 : be_talker(client);
}

static child start_client(const char *kind, const char *where)
{
    const char *const arguments[] = {kind, where, NULL};
    return harness_start("/proc/self/exe", arguments);
}

/* ---- servers ------------------------------------------------------------ */

/* Whether a process sleeps in streams without a timeout. At its first long wait
 * it starts a thread that watches for the peer's end; once that thread exists,
 * the process sleeps without a timeout. */
static bool is_fast_asleep(pid_t pid)
{
    char path[300];
    char name[32];
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "/proc/%d/task/%s/comm", (int)pid,
                       entry->d_name);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            found = fgets(name, sizeof name, file) != NULL &&
                    strcmp(name, "shmrpc-hangup\n") == 0;
            (void)fclose(file);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return found;
}

static void await_sleep(pid_t pid)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (!is_fast_asleep(pid)) {
        assert_true(harness_now_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

static child serve(char where[96], const char *workers)
{
    harness_address("flow", where);
    return harness_serve_by(FLOW_SERVER, where, workers, "1");
}

/* ---- the client dies ---------------------------------------------------- */

static void killed_clients_handlers_are_CANCELLED(void **state)
{
    (void)state;
    static const char *const kinds[][3] = {{"reader", "read", "end count"},
                                           {"sender", "sent", "end sum"},
                                           {"talker", "talked", "end twice"}};
    char where[96];
    char line[512];
    pid_t worker;
    child server = serve(where, "2");
    harness_await_watched(server.pid, 2);
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        const char *const *kind = kinds[i / 2];
        holdings before = harness_holdings(server.pid);
        child client = start_client(kind[0], where);
        await_line(&server, "begin", &worker);
        await_line(&client, kind[1], NULL);
        if (i % 2 == 0) {
            await_sleep(worker);
        }
        harness_signal(&client, SIGKILL);
        do {
            harness_read_line(&server, line, sizeof line);
        } while (strstr(line, kind[2]) == NULL);
        assert_non_null(strstr(line, "CANCELLED"));
        if (i > 0) {
            harness_await_holdings(server.pid, before, BACK_NS);
        }
    }
    harness_signal(&server, SIGTERM);
}

static void stopped_client_is_EVICTED(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    harness_address("flow", where);
    const char *const arguments[] = {"--listen", where, "--workers=2",
                                     "--stream-stall=300ms", NULL};
    child server = harness_start(FLOW_SERVER, arguments);
    await_line(&server, "serving at", NULL);
    child client = start_client("reader", where);
    await_line(&client, "read", NULL);
    do {
        harness_read_line(&server, line, sizeof line);
    } while (strstr(line, "end count") == NULL);
    assert_non_null(strstr(line, "EVICTED"));
    harness_signal(&client, SIGCONT);
    /* The items in the window arrive before the error. */
    await_line(&client, "over EVICTED", NULL);
    assert_int_equal(harness_wait(&client), 0);
    flow_flow *other = connect_to(where);
    expect_echo(other);
    flow_flow_close(other);
    harness_signal(&server, SIGTERM);
}

/* ---- the server dies ---------------------------------------------------- */

static void killed_worker_ends_after_whole_items(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    shmrpc_error error;
    child server = serve(where, "2");
    flow_flow *client = connect_to(where);
    for (int i = 0; i < 3; i++) {
        uint64_t at = 0;
        flow_flow_count_stream *stream = open_count(client, 0, 0);
        await_line(&server, "begin", &worker);
        assert_int_equal(read_to(stream, &at, 1000, &error), SHMRPC_MORE);
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_int_equal(read_to(stream, &at, UINT64_MAX, &error),
                         SHMRPC_E_WORKER_DIED);
        flow_flow_count_close(stream);
        expect_echo(client); /* the connection stays up */
    }
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void killed_worker_ends_the_senders_stream(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    shmrpc_error error;
    flow_flow_sum_stream *stream;
    const uint64_t number = 1;
    int status = SHMRPC_OK;
    child server = serve(where, "2");
    flow_flow *client = connect_to(where);
    assert_int_equal(flow_flow_sum(client, NULL, &stream, &error), SHMRPC_OK);
    await_line(&server, "begin", &worker);
    assert_int_equal(kill(worker, SIGKILL), 0);
    while (status == SHMRPC_OK) {
        status = flow_flow_sum_send(stream, &number, &error);
    }
    assert_int_equal(status, SHMRPC_E_WORKER_DIED);
    flow_flow_sum_close(stream);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

/* A stream on which no items arrive, and the thread that reads it. */
typedef struct listener {
    flow_flow_twice_stream *stream;
    pthread_t thread;
    int status;
} listener;

static void *listen_to(void *user)
{
    listener *l = user;
    const uint64_t *number;
    shmrpc_error error;
    l->status = flow_flow_twice_next(l->stream, &number, &error);
    return NULL;
}

/* Kills one end while both ends sleep without a timeout. Returns how the stream
 * ends for us. */
static int kill_while_asleep(child *server, flow_flow *client, bool is_all)
{
    listener l;
    pid_t worker;
    shmrpc_error error;
    assert_int_equal(flow_flow_twice(client, NULL, &l.stream, &error),
                     SHMRPC_OK);
    await_line(server, "begin", &worker);
    assert_int_equal(pthread_create(&l.thread, NULL, listen_to, &l), 0);
    await_sleep(getpid());
    await_sleep(worker);
    assert_int_equal(kill(is_all ? server->pid : worker, SIGKILL), 0);
    assert_int_equal(pthread_join(l.thread, NULL), 0);
    flow_flow_twice_close(l.stream);
    return l.status;
}

static void sleepers_hear_of_a_killed_worker(void **state)
{
    (void)state;
    char where[96];
    child server = serve(where, "2");
    flow_flow *client = connect_to(where);
    assert_int_equal(kill_while_asleep(&server, client, false),
                     SHMRPC_E_WORKER_DIED);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

static void sleepers_hear_of_a_killed_supervisor(void **state)
{
    (void)state;
    char where[96];
    child server = serve(where, "2");
    flow_flow *client = connect_to(where);
    assert_int_equal(kill_while_asleep(&server, client, true),
                     SHMRPC_E_SERVER_LOST);
    await_line(&server, "CANCELLED", NULL);
    (void)harness_wait(&server);
    flow_flow_close(client);
}

static void killed_supervisor_ends_after_whole_items(void **state)
{
    (void)state;
    char where[96];
    char line[512];
    shmrpc_error error;
    uint64_t at = 0;
    child server = serve(where, "2");
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = open_count(client, 0, 0);
    await_line(&server, "begin", NULL);
    assert_int_equal(read_to(stream, &at, 1000, &error), SHMRPC_MORE);
    assert_int_equal(kill(server.pid, SIGKILL), 0);
    /* The handler waits for room and gets the error. */
    do {
        harness_read_line(&server, line, sizeof line);
    } while (strstr(line, "end count") == NULL);
    assert_non_null(strstr(line, "CANCELLED"));
    int status = read_to(stream, &at, UINT64_MAX, &error);
    /* The worker may have sent the error before it exited. */
    assert_true(status == SHMRPC_E_SERVER_LOST || status == SHMRPC_E_CANCELLED);
    (void)harness_wait(&server);
    flow_flow_count_close(stream);
    flow_flow_close(client);
}

/* ---- hot restart -------------------------------------------------------- */

/* Waits until a process has ended. */
static void await_end(pid_t pid)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (kill(pid, 0) == 0) {
        assert_true(harness_now_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

static void elders_keep_their_streams(void **state)
{
    (void)state;
    char where[96];
    pid_t elder;
    pid_t worker;
    shmrpc_error error;
    uint64_t at = 0;
    uint32_t idle; /* the first server's other worker, which has no stream */
    child first = serve(where, "2");
    flow_flow *client = connect_to(where);
    flow_flow_count_stream *stream = open_count(client, 0, 0);
    await_line(&first, "begin", &elder);
    assert_int_equal(read_to(stream, &at, 100, &error), SHMRPC_MORE);
    assert_int_equal(flow_flow_pid(client, NULL, &idle, NULL), SHMRPC_OK);
    const char *const arguments[] = {"--listen", where, "--workers=2",
                                     "--take-over", NULL};
    child second = harness_start(FLOW_SERVER, arguments);
    await_line(&second, "serving at", NULL);
    await_end((pid_t)idle);
    assert_int_equal(read_to(stream, &at, 100000, &error), SHMRPC_MORE);
    flow_flow_count_stream *other = open_count(client, 10, 0);
    await_line(&second, "begin", &worker);
    assert_int_not_equal(elder, worker);
    uint64_t from = 0;
    assert_int_equal(read_to(other, &from, UINT64_MAX, &error), SHMRPC_OK);
    assert_int_equal(from, 10);
    flow_flow_count_close(other);
    assert_int_equal(read_to(stream, &at, 200000, &error), SHMRPC_MORE);
    flow_flow_count_close(stream);
    assert_int_equal(harness_wait(&first), 0);
    flow_flow_close(client);
    harness_signal(&second, SIGTERM);
}

/* ---- places ------------------------------------------------------------- */

/* A worker that has not started yet provides no place, so this retries. */
static flow_flow_count_stream *take_place(flow_flow *client)
{
    int64_t until_ns = harness_now_ns() + PATIENCE;
    for (;;) {
        shmrpc_error error;
        uint64_t at = 0;
        flow_flow_count_stream *stream = open_count(client, 0, 0);
        int status = read_to(stream, &at, 1, &error);
        if (status != SHMRPC_E_EXHAUSTED || harness_now_ns() > until_ns) {
            assert_int_equal(status, SHMRPC_MORE);
            return stream;
        }
        flow_flow_count_close(stream);
    }
}

static void one_place_is_left_to_calls(void **state)
{
    (void)state;
    enum { STREAMS = 3 };
    char where[96];
    shmrpc_error error;
    flow_flow_count_stream *streams[STREAMS];
    child server = serve(where, "4");
    harness_await_watched(server.pid, 4);
    flow_flow *client = connect_to(where);
    for (size_t i = 0; i < STREAMS; i++) {
        streams[i] = take_place(client);
    }
    uint64_t none = 0;
    flow_flow_count_stream *more = open_count(client, 0, 0);
    assert_int_equal(read_to(more, &none, 1, &error), SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "3 of 3 stream places taken"));
    assert_true(error.retry_after_ns > 0);
    flow_flow_count_close(more);
    expect_echo(client);
    flow_flow_count_close(streams[0]);
    await_line(&server, "end count", NULL);
    int status;
    do { /* the stream has ended, but that may not be noticed yet */
        none = 0;
        more = open_count(client, 0, 0);
        status = read_to(more, &none, 1, &error);
        flow_flow_count_close(more);
    } while (status == SHMRPC_E_EXHAUSTED);
    assert_int_equal(status, SHMRPC_MORE);
    flow_flow_count_close(streams[1]);
    flow_flow_count_close(streams[2]);
    flow_flow_close(client);
    harness_signal(&server, SIGTERM);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_clients_handlers_are_CANCELLED),
        cmocka_unit_test(stopped_client_is_EVICTED),
        cmocka_unit_test(killed_worker_ends_after_whole_items),
        cmocka_unit_test(killed_worker_ends_the_senders_stream),
        cmocka_unit_test(sleepers_hear_of_a_killed_worker),
        cmocka_unit_test(sleepers_hear_of_a_killed_supervisor),
        cmocka_unit_test(killed_supervisor_ends_after_whole_items),
        cmocka_unit_test(elders_keep_their_streams),
        cmocka_unit_test(one_place_is_left_to_calls),
    };
    return argc == 3 ? be_client(argv + 1)
                     : harness_main(tests, sizeof tests / sizeof *tests);
}
