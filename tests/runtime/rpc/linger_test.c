/* A stopping server with worker threads finishes its calls: its clients' items
 * still arrive, and its handlers notice when clients leave. */
#include "stream_sample.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/futex.h"
#include "sync/atomic.h"

/* Another process with an open stream of BOTH, of which one item has been
 * received. */
static struct {
    pid_t pid;
    int told; /* pipe on which it reports that the item was received */
    int tell; /* pipe on which it gets the server's address */
} other;

/* Number of detached streams that were dropped. */
static shmrpci_atomic_u32 dropped;

/* ---- a client of another process ----------------------------------------- */

/* Acts as a client until it is killed. */
static void be_client(int told, int tell)
{
    const int64_t number = 1;
    const void *item = NULL;
    shmrpc_stream *stream = NULL;
    const char byte = 'x';
    if (read(told, client_place, sizeof client_place) !=
            (ssize_t)sizeof client_place ||
        shmrpc_stub_connect(&stream_sample, client_place, NULL, &client,
                            &error) != SHMRPC_OK ||
        shmrpc_stub_stream_open(client, BOTH, NULL, NULL, &stream, &error) !=
            SHMRPC_OK ||
        shmrpc_stub_stream_send(stream, &number, 0, &error) != SHMRPC_OK ||
        shmrpc_stub_stream_next(stream, &item, &error) != SHMRPC_MORE ||
        write(tell, &byte, 1) != 1) {
        _exit(1);
    }
    for (;;) {
        (void)pause();
    }
}

/* Forked before there are threads, which would not exist in the child. */
static void fork_client(void)
{
    int down[2];
    int up[2];
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    other.pid = fork();
    assert_true(other.pid >= 0);
    if (other.pid == 0) {
        (void)close(down[1]);
        (void)close(up[0]);
        be_client(down[0], up[1]);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    other.tell = down[1];
    other.told = up[0];
}

static void await_client(void)
{
    char byte;
    assert_int_equal(write(other.tell, client_place, sizeof client_place),
                     sizeof client_place);
    assert_int_equal(read(other.told, &byte, 1), 1);
}

static void kill_client(void)
{
    int status;
    assert_int_equal(kill(other.pid, SIGKILL), 0);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_true(WIFSIGNALED(status));
    (void)close(other.tell);
    (void)close(other.told);
}

/* ---- a server ------------------------------------------------------------ */

/* Stops the server, and waits until nobody can connect: then its control loop
 * has noticed the stop. */
static void stop_and_await(void)
{
    const shmrpc_opts soon = {.timeout_ns = 50 * SHMRPCI_NS_PER_MS};
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpc_client *more = NULL;
    stop_server();
    while (shmrpc_stub_connect(&stream_sample, client_place, &soon, &more,
                               &error) == SHMRPC_OK) {
        shmrpc_stub_close(more);
        assert_true(shmrpci_now_ns() < late_ns);
    }
}

static int echo_step(shmrpc_ctx *ctx, shmrpc_function step, void *user,
                     void *result)
{
    (void)step, (void)user, (void)result;
    const void *item;
    int status = shmrpc_stub_source_try_next(shmrpc_stub_source(ctx), &item);
    if (status == SHMRPC_MORE) {
        int64_t twice = 2 * *(const int64_t *)item;
        status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &twice, 0);
        shmrpc_stream_wake(ctx);
        return status == SHMRPC_OK ? (int)SHMRPC_MORE : status;
    }
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
}

static void drop(void *user)
{
    (void)user;
    (void)shmrpci_add_seq(&dropped, 1u);
    (void)shmrpci_futex_wake(&dropped, 1);
}

static int detach(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return shmrpc_stub_stream_detach(ctx, echo_step, NULL, NULL, drop);
}

static const shmrpc_handler detaching[METHODS] = {[BOTH] = detach};

static int begin_usual(void **state)
{
    other_handlers = NULL;
    drain_ns = 0;
    return begin(state);
}

static int begin_impatient(void **state)
{
    other_handlers = NULL;
    drain_ns = 50 * SHMRPCI_NS_PER_MS;
    return begin(state);
}

/* Whether the server is behind a gateway. Then it listens at shm, and the
 * gateway continues. */
static bool is_relayed(void)
{
    return strncmp(place, "relay", 5) == 0;
}

/* Forks the client, except for inproc, which has no other process. */
static void fork_if_apart(void)
{
    other.pid = 0;
    if (strcmp(place, "inproc://") != 0 && !is_relayed()) {
        fork_client();
    }
}

static int begin_forked(void **state)
{
    fork_if_apart();
    return begin_usual(state);
}

static int begin_detaching(void **state)
{
    fork_if_apart();
    other_handlers = detaching;
    drain_ns = 0;
    shmrpci_store_seq(&dropped, 0u);
    return begin(state);
}

/* ---- cases --------------------------------------------------------------- */

static void items_go_on(void **state)
{
    (void)state;
    const void *item;
    if (is_relayed()) {
        return; /* this case is about direct connections */
    }
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 1; i < 1000; i++) {
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
        if (i == 1) {
            stop_and_await();
        }
    }
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    if (shmrpc_stub_stream_next(stream, &item, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", place, error.message);
    }
    shmrpc_stub_stream_close(stream);
    assert_int_equal(returned(1), SHMRPC_OK);
}

static void a_client_dies(void **state)
{
    (void)state;
    if (other.pid == 0) {
        return; /* no client of another process connects here */
    }
    await_client();
    stop_and_await();
    kill_client();
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

/* If the server did not notice the death, it would wait 30 s for the stream. */
static void a_client_of_a_detached_stream_dies(void **state)
{
    (void)state;
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    if (other.pid == 0) {
        return; /* no client of another process connects here */
    }
    await_client();
    stop_and_await();
    kill_client();
    while (shmrpci_load_seq(&dropped) == 0) {
        assert_true(shmrpci_now_ns() < late_ns);
        (void)shmrpci_futex_wait(&dropped, 0, late_ns);
    }
}

static void expect_cut(shmrpc_stream *stream)
{
    const void *item;
    int status;
    while ((status = shmrpc_stub_stream_next(stream, &item, &error)) ==
           SHMRPC_MORE) {
        /* Items that were sent earlier arrive first. */
    }
    if (status != SHMRPC_E_UNAVAILABLE ||
        strstr(error.message, "restarted after") == NULL) {
        fail_msg("%s: status %d, \"%s\"", place, status, error.message);
    }
    shmrpc_stub_stream_close(stream);
}

/* One handler waits for an item, the other for room. */
static void waiting_handlers_are_cut(void **state)
{
    (void)state;
    const int64_t number = 1;
    shmrpc_stream *reads = open_with(BOTH, NULL, NULL);
    shmrpc_stream *sends = open_with(FLOOD, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_send(reads, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(reads, 2);
    expect_number(sends, 0);
    stop_server();
    assert_int_equal(returned(2), SHMRPC_E_CANCELLED);
    expect_cut(reads);
    expect_cut(sends);
}

/* The client of a handler that never waits is told at once that its stream has
 * been cut. */
static void a_busy_handler_is_cut(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(FLOOD, NULL, NULL);
    expect_number(stream, 0);
    stop_server();
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    int status;
    while ((status = shmrpc_stub_stream_next(stream, &item, &error)) ==
           SHMRPC_MORE) {
        assert_true(shmrpci_now_ns() < late_ns);
    }
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    shmrpc_stub_stream_close(stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_go_on, begin_usual, end),
        cmocka_unit_test_setup_teardown(a_client_dies, begin_forked, end),
        cmocka_unit_test_setup_teardown(a_client_of_a_detached_stream_dies,
                                        begin_detaching, end),
        cmocka_unit_test_setup_teardown(waiting_handlers_are_cut,
                                        begin_impatient, end),
        cmocka_unit_test_setup_teardown(a_busy_handler_is_cut, begin_impatient,
                                        end),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
