/*
 * Detached streams whose client, worker or supervisor is killed, stopped or
 * replaced: what each end of the stream gets.
 *
 * With arguments this program is a client to be killed or stopped: it prints
 * what it has done, and waits.
 */
#include "steps_common.h"

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

/* Reads a part, is stopped, and reads on when it is continued. */
static int be_reader(steps_steps *client)
{
    steps_steps_count_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    uint64_t count = 0;
    int status = steps_steps_count(client, 0, NULL, &stream, &error);
    while (status == SHMRPC_OK && count < 100000 &&
           (status = steps_steps_count_next(stream, &number, &error)) ==
               SHMRPC_MORE) {
        status = *number == count ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
        if (++count == 100) {
            say("read");
            (void)raise(SIGSTOP);
        }
    }
    (void)printf("over %s\n", shmrpc_status_name(status));
    steps_steps_count_close(stream);
    steps_steps_close(client);
    return 0;
}

static int be_held(steps_steps *client)
{
    steps_steps_held_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    int status = steps_steps_held(client, NULL, &stream, &error);
    if (status == SHMRPC_OK) {
        status = steps_steps_held_next(stream, &number, &error);
    }
    say(status == SHMRPC_MORE ? "held" : error.message);
    return pause();
}

static int be_rester(steps_steps *client)
{
    steps_steps_rest_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    int status = steps_steps_rest(client, NULL, &stream, &error);
    if (status == SHMRPC_OK) {
        status = steps_steps_rest_next(stream, &number, &error);
    }
    say(status == SHMRPC_MORE ? "rested" : error.message);
    return pause();
}

static int be_sender(steps_steps *client)
{
    steps_steps_sum_stream *stream;
    shmrpc_error error;
    int status = steps_steps_sum(client, NULL, &stream, &error);
    for (uint64_t i = 0; status == SHMRPC_OK && i < 3; i++) {
        status = steps_steps_sum_send(stream, &i, &error);
    }
    say(status == SHMRPC_OK ? "sent" : error.message);
    return pause();
}

static int be_talker(steps_steps *client)
{
    steps_steps_twice_stream *stream;
    shmrpc_error error;
    const uint64_t one = 1;
    const uint64_t *two;
    int status = steps_steps_twice(client, NULL, &stream, &error);
    if (status == SHMRPC_OK) {
        status = steps_steps_twice_send(stream, &one, &error);
    }
    if (status == SHMRPC_OK) {
        status = steps_steps_twice_next(stream, &two, &error);
    }
    say(status == SHMRPC_MORE && *two == 2 ? "talked" : error.message);
    return pause();
}

typedef struct kind {
    const char *name;
    int (*be)(steps_steps *client);
    const char *says;
    const char *begins; /* what the server prints when the stream begins, and
                         * below when it ends */
    const char *ends;
} kind;

static const kind kinds[] = {
    {"reader", be_reader, "read", "begin count", "drop count"},
    {"rester", be_rester, "rested", "begin rest", "drop rest"},
    {"sender", be_sender, "sent", "begin sum", "drop sum"},
    {"talker", be_talker, "talked", "begin twice", "drop twice"},
    {"held", be_held, "held", "begin held", "end held"}};

#define LATE_KINDS 4u

static int be_client(char **arguments)
{
    steps_steps *client = connect_to(arguments[1]);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(arguments[0], kinds[i].name) == 0) {
            return kinds[i].be(client);
        }
    }
    return 2;
}

static child start_client(const kind *as, const char *where)
{
    const char *const arguments[] = {as->name, where, NULL};
    return harness_start("/proc/self/exe", arguments);
}

/* ---- streams ----------------------------------------------------- */

static steps_steps_count_stream *open_count(steps_steps *client)
{
    steps_steps_count_stream *stream;
    shmrpc_error error;
    if (steps_steps_count(client, 0, NULL, &stream, &error) != SHMRPC_OK) {
        fail_msg("count: %s", error.message);
    }
    return stream;
}

/* Reads the numbers from *at up to `to`. Returns how the stream ended, or
 * MORE. */
static int read_to(steps_steps_count_stream *stream, uint64_t *at, uint64_t to,
                   shmrpc_error *error)
{
    const uint64_t *number;
    int status = SHMRPC_MORE;
    while (*at < to && (status = steps_steps_count_next(
                            stream, &number, error)) == SHMRPC_MORE) {
        assert_int_equal(*number, *at);
        ++*at;
    }
    return status;
}

/* Opens a stream that sends one number and then rests; reads the number. */
static steps_steps_rest_stream *open_rest(steps_steps *client)
{
    steps_steps_rest_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    if (steps_steps_rest(client, NULL, &stream, &error) != SHMRPC_OK ||
        steps_steps_rest_next(stream, &number, &error) != SHMRPC_MORE) {
        fail_msg("rest: %s", error.message);
    }
    return stream;
}

/* ---- the client dies, or is stopped ------------------------------------- */

static void killed_clients_streams_are_dropped(void **state)
{
    (void)state;
    char where[96];
    harness_address("steps", where);
    child server = serve_steps(where, "--workers=2", NULL, NULL);
    harness_await_watched(server.pid, 2);
    for (size_t i = 0; i < 2 * LATE_KINDS; i++) {
        const kind *as = &kinds[i % LATE_KINDS];
        holdings before = harness_holdings(server.pid);
        child client = start_client(as, where);
        await_line(&client, as->says, NULL);
        await_line(&server, as->begins, NULL);
        harness_signal(&client, SIGKILL);
        await_line(&server, as->ends, NULL);
        if (i > 0) {
            harness_await_holdings(server.pid, before, BACK_NS);
        }
    }
    harness_signal(&server, SIGTERM);
}

/* The stopped reader keeps its stream, which is detached. The other client's
 * stream is not detached: its handler waits for the client, so the stream is
 * evicted. */
static void stopped_client_is_not_evicted(void **state)
{
    (void)state;
    char where[96];
    harness_address("steps", where);
    child server =
        serve_steps(where, "--workers=2", "--stream-stall=300ms", NULL);
    child reader = start_client(&kinds[0], where);
    await_line(&reader, "read", NULL);
    child other = start_client(&kinds[LATE_KINDS], where);
    await_line(&other, "held", NULL);
    await_line(&server, "end held", NULL);
    harness_signal(&reader, SIGCONT);
    await_line(&reader, "over OK", NULL);
    assert_int_equal(harness_wait(&reader), 0);
    harness_signal(&other, SIGKILL);
    harness_signal(&server, SIGTERM);
}

/* ---- the server dies ---------------------------------------------------- */

static void killed_worker_ends_after_whole_items(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    shmrpc_error error;
    harness_address("steps", where);
    child server = serve_steps(where, "--workers=2", NULL, NULL);
    steps_steps *client = connect_to(where);
    for (int i = 0; i < 3; i++) {
        uint64_t at = 0;
        steps_steps_count_stream *stream = open_count(client);
        await_line(&server, "begin count", &worker);
        assert_int_equal(read_to(stream, &at, 1000, &error), SHMRPC_MORE);
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_int_equal(read_to(stream, &at, UINT64_MAX, &error),
                         SHMRPC_E_WORKER_DIED);
        steps_steps_count_close(stream);
        expect_echo(client); /* the connection stays up */
    }
    steps_steps_close(client);
    harness_signal(&server, SIGTERM);
}

/* Both streams of a worker end: the one that sleeps and the one that sends. */
static void all_streams_of_a_killed_worker_end(void **state)
{
    (void)state;
    char where[96];
    pid_t worker;
    shmrpc_error error;
    steps_steps_sum_stream *sum;
    const uint64_t one = 1;
    const uint64_t *number;
    int status = SHMRPC_OK;
    harness_address("steps", where);
    child server = serve_steps(where, "--workers=1", NULL, NULL);
    steps_steps *client = connect_to(where);
    steps_steps_rest_stream *rest = open_rest(client);
    await_line(&server, "begin rest", &worker);
    assert_int_equal(steps_steps_sum(client, NULL, &sum, &error), SHMRPC_OK);
    await_line(&server, "begin sum", NULL);
    assert_int_equal(kill(worker, SIGKILL), 0);
    while (status == SHMRPC_OK) {
        status = steps_steps_sum_send(sum, &one, &error);
    }
    assert_int_equal(status, SHMRPC_E_WORKER_DIED);
    assert_int_equal(steps_steps_rest_next(rest, &number, &error),
                     SHMRPC_E_WORKER_DIED);
    steps_steps_sum_close(sum);
    steps_steps_rest_close(rest);
    expect_echo(client);
    steps_steps_close(client);
    harness_signal(&server, SIGTERM);
}

/* The streams are dropped, and not ended in order, which would take longer. */
static void killed_supervisors_streams_are_dropped(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    const uint64_t *number;
    harness_address("steps", where);
    child server =
        serve_steps(where, "--workers=1", "--stream-drain=3600", NULL);
    steps_steps *client = connect_to(where);
    steps_steps_rest_stream *rest = open_rest(client);
    steps_steps_count_stream *count = open_count(client);
    assert_int_equal(read_to(count, &at, 100, &error), SHMRPC_MORE);
    assert_int_equal(kill(server.pid, SIGKILL), 0);
    assert_int_equal(read_to(count, &at, UINT64_MAX, &error),
                     SHMRPC_E_SERVER_LOST);
    assert_int_equal(steps_steps_rest_next(rest, &number, &error),
                     SHMRPC_E_SERVER_LOST);
    char line[512];
    for (int dropped = 0; dropped < 2;) { /* the worker writes to the same
                                           * output */
        harness_read_line(&server, line, sizeof line);
        dropped += strstr(line, "drop ") != NULL;
    }
    (void)harness_wait(&server);
    steps_steps_count_close(count);
    steps_steps_rest_close(rest);
    steps_steps_close(client);
}

/* ---- the server is replaced, or ends ------------------------------------ */

static void elders_keep_their_streams(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    pid_t elder;
    uint32_t worker;
    harness_address("steps", where);
    child first = serve_steps(where, "--workers=1", NULL, NULL);
    steps_steps *client = connect_to(where);
    steps_steps_count_stream *stream = open_count(client);
    await_line(&first, "begin count", &elder);
    assert_int_equal(read_to(stream, &at, 100, &error), SHMRPC_MORE);
    child second = serve_steps(where, "--workers=1", "--take-over", NULL);
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    do {
        assert_true(harness_now_ns() < deadline_ns);
        assert_int_equal(steps_steps_pid(client, NULL, &worker, NULL),
                         SHMRPC_OK);
    } while ((pid_t)worker == elder);
    assert_int_equal(read_to(stream, &at, 100000, &error), SHMRPC_MORE);
    steps_steps_count_close(stream);
    assert_int_equal(harness_wait(&first), 0);
    steps_steps_close(client);
    harness_signal(&second, SIGTERM);
}

/* Expects the number of items in the message, and the advice to open the stream
 * again. */
static void expect_restarted(int status, uint64_t items,
                             const shmrpc_error *error)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "after %llu items",
                   (unsigned long long)items);
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    if (strstr(error->message, wanted) == NULL) {
        fail_msg("%s: %s", wanted, error->message);
    }
}

static void elders_end_them_in_the_end(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    uint64_t at = 0;
    const uint64_t *number;
    harness_address("steps", where);
    child first =
        serve_steps(where, "--workers=1", "--stream-drain=50ms", NULL);
    steps_steps *client = connect_to(where);
    steps_steps_rest_stream *rest = open_rest(client);
    steps_steps_count_stream *count = open_count(client);
    assert_int_equal(read_to(count, &at, 100, &error), SHMRPC_MORE);
    child second = serve_steps(where, "--workers=1", "--take-over", NULL);
    int status = steps_steps_rest_next(rest, &number, &error);
    expect_restarted(status, 1, &error);
    status = read_to(count, &at, UINT64_MAX, &error);
    expect_restarted(status, at, &error);
    steps_steps_count_close(count);
    steps_steps_rest_close(rest);
    assert_int_equal(harness_wait(&first), 0);
    expect_echo(client);
    steps_steps_close(client);
    harness_signal(&second, SIGTERM);
}

/* Clients learn that the service ends before its workers are killed. */
static void stopped_service_says_so(void **state)
{
    (void)state;
    char where[96];
    shmrpc_error error;
    const uint64_t *number;
    harness_address("steps", where);
    child server = serve_steps(where, "--workers=1", "--stream-drain=3600",
                               "--stop-after=1");
    steps_steps *client = connect_to(where);
    steps_steps_rest_stream *rest = open_rest(client);
    harness_signal(&server, SIGTERM);
    int status = steps_steps_rest_next(rest, &number, &error);
    expect_restarted(status, 1, &error);
    steps_steps_rest_close(rest);
    steps_steps_close(client);
}

/* ---- over tcp, and a gateway -------------------------------------------- */

static void killed_clients_streams_are_dropped_over(void **state)
{
    harness_service service =
        harness_serve_over(*state, STEPS_SERVER, "steps", 5823, "2");
    for (size_t i = 0; i < LATE_KINDS; i++) {
        child client = start_client(&kinds[i], service.where);
        await_line(&client, kinds[i].says, NULL);
        /* Wait until the handler runs: a call that no worker has taken would
         * simply end with its client. */
        await_line(&service.server, kinds[i].begins, NULL);
        harness_signal(&client, SIGKILL);
        await_line(&service.server, kinds[i].ends, NULL);
    }
    harness_end(&service);
}

static void killed_servers_streams_are_lost_over(void **state)
{
    shmrpc_error error;
    uint64_t at = 0;
    const uint64_t *number;
    harness_service service =
        harness_serve_over(*state, STEPS_SERVER, "steps", 5823, "2");
    steps_steps *client = connect_to(service.where);
    steps_steps_rest_stream *rest = open_rest(client);
    steps_steps_count_stream *count = open_count(client);
    assert_int_equal(read_to(count, &at, 1000, &error), SHMRPC_MORE);
    harness_signal(&service.server, SIGKILL);
    assert_int_equal(read_to(count, &at, UINT64_MAX, &error),
                     SHMRPC_E_SERVER_LOST);
    assert_int_equal(steps_steps_rest_next(rest, &number, &error),
                     SHMRPC_E_SERVER_LOST);
    steps_steps_count_close(count);
    steps_steps_rest_close(rest);
    steps_steps_close(client);
    harness_end(&service);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_clients_streams_are_dropped),
        cmocka_unit_test(stopped_client_is_not_evicted),
        cmocka_unit_test(killed_worker_ends_after_whole_items),
        cmocka_unit_test(all_streams_of_a_killed_worker_end),
        cmocka_unit_test(killed_supervisors_streams_are_dropped),
        cmocka_unit_test(elders_keep_their_streams),
        cmocka_unit_test(elders_end_them_in_the_end),
        cmocka_unit_test(stopped_service_says_so),
        HARNESS_CASES(killed_clients_streams_are_dropped_over, NULL, NULL),
        HARNESS_CASES(killed_servers_streams_are_lost_over, NULL, NULL),
    };
    return argc == 3 ? be_client(argv + 1)
                     : harness_main(tests, sizeof tests / sizeof *tests);
}
