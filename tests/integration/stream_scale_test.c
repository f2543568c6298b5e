/*
 * A surplus worker leaves while it has an open stream. The stream goes on for
 * stream_drain; new streams and calls go to the worker that stays.
 */
#include "flow_common.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* NAPS exceeds THREADS, so that some calls wait for a thread. THREADS is large
 * enough that two streams don't make a worker count as busy. */
#define THREADS "3"
#define NAPS    6

typedef struct upload {
    flow_flow_sum_stream *stream;
    pid_t worker;
} upload;

/* Two workers, each with an upload; the second worker is the newer one. */
typedef struct scene {
    char where[96];
    child server;
    flow_flow *client;
    upload stays;
    upload leaves;
} scene;

static pid_t answering(flow_flow *client)
{
    uint32_t pid;
    assert_int_equal(flow_flow_pid(client, NULL, &pid, NULL), SHMRPC_OK);
    return (pid_t)pid;
}

static shmrpc_call *start_nap(flow_flow *client)
{
    shmrpc_call *call;
    assert_int_equal(flow_flow_nap_start(client, 10, NULL, &call, NULL),
                     SHMRPC_OK);
    return call;
}

/* Makes calls until a worker other than `first` also answers. */
static void grow(flow_flow *client, pid_t first)
{
    shmrpc_call *calls[NAPS];
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    for (unsigned i = 0; i < NAPS; i++) {
        calls[i] = start_nap(client);
    }
    for (unsigned i = 0; answering(client) == first; i = (i + 1) % NAPS) {
        assert_true(harness_now_ns() < deadline_ns);
        assert_int_equal(flow_flow_nap_finish(calls[i], NULL), SHMRPC_OK);
        calls[i] = start_nap(client);
    }
    for (unsigned i = 0; i < NAPS; i++) {
        assert_int_equal(flow_flow_nap_finish(calls[i], NULL), SHMRPC_OK);
    }
}

static upload open_upload(scene *s)
{
    const uint64_t one = 1;
    upload u;
    shmrpc_error error;
    if (flow_flow_sum(s->client, NULL, &u.stream, &error) != SHMRPC_OK) {
        fail_msg("sum: %s", error.message);
    }
    await_line(&s->server, "begin sum", &u.worker);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(flow_flow_sum_send(u.stream, &one, &error), SHMRPC_OK);
    }
    return u;
}

/* A worker has room for few streams. Once the first worker is full, the other
 * one gets some. */
static void open_on_both(scene *s, pid_t first)
{
    while (s->stays.stream == NULL || s->leaves.stream == NULL) {
        upload u = open_upload(s);
        upload *at = u.worker == first ? &s->stays : &s->leaves;
        flow_flow_sum_close(at->stream);
        *at = u;
    }
}

static void begin_scene(scene *s, const char *drain)
{
    *s = (scene){.client = NULL};
    harness_address("flow", s->where);
    const char *const arguments[] = {"--listen",
                                     s->where,
                                     "--workers=1..2",
                                     "--threads=" THREADS,
                                     "--new-proc-avg-over-secs=1",
                                     "--kill-proc-avg-over-secs=2",
                                     drain,
                                     NULL};
    s->server = harness_start(FLOW_SERVER, arguments);
    await_line(&s->server, "serving at", NULL);
    s->client = connect_to(s->where);
    pid_t first = answering(s->client);
    grow(s->client, first);
    await_line(&s->server, "2 workers", NULL);
    open_on_both(s, first);
}

static void end_scene(scene *s)
{
    flow_flow_sum_close(s->stays.stream);
    flow_flow_sum_close(s->leaves.stream);
    flow_flow_close(s->client);
    harness_signal(&s->server, SIGTERM);
}

static void await_end_of(pid_t worker)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    while (kill(worker, 0) == 0 || errno != ESRCH) {
        assert_true(harness_now_ns() < deadline_ns);
        (void)usleep(1000);
    }
}

/* Sends one more item, and expects the sum of all that were sent. */
static void expect_whole(upload *u)
{
    const uint64_t four = 4;
    uint64_t total = 0;
    shmrpc_error error;
    if (flow_flow_sum_send(u->stream, &four, &error) != SHMRPC_OK ||
        flow_flow_sum_finish(u->stream, &total, &error) != SHMRPC_OK) {
        fail_msg("worker %d: %s", (int)u->worker, error.message);
    }
    assert_int_equal(total, 3 + 4);
    u->stream = NULL;
}

/* Expects that all new streams and calls go to the worker that stays. */
static void expect_news_elsewhere(scene *s)
{
    for (unsigned i = 0; i < 3; i++) {
        upload u = open_upload(s);
        assert_int_equal(u.worker, s->stays.worker);
        expect_whole(&u);
        assert_int_equal(answering(s->client), s->stays.worker);
    }
}

static void stream_outlives_the_decision(void **state)
{
    (void)state;
    scene s;
    begin_scene(&s, "--stream-drain=3600");
    await_line(&s.server, "1 workers", NULL);
    expect_news_elsewhere(&s);
    expect_whole(&s.leaves);
    await_end_of(s.leaves.worker);
    expect_whole(&s.stays);
    expect_echo(s.client);
    end_scene(&s);
}

static void stream_is_cut_in_the_end(void **state)
{
    (void)state;
    const uint64_t one = 1;
    shmrpc_error error;
    scene s;
    begin_scene(&s, "--stream-drain=200ms");
    await_line(&s.server, "1 workers", NULL);
    await_end_of(s.leaves.worker);
    assert_int_equal(flow_flow_sum_send(s.leaves.stream, &one, &error),
                     SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, "restarted after 3 items"));
    expect_news_elsewhere(&s);
    expect_whole(&s.stays);
    end_scene(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_outlives_the_decision),
        cmocka_unit_test(stream_is_cut_in_the_end),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
