/* Many calls, threads, connections and workers at once. */
#include "suite.h"

#include <time.h>

enum { SLOTS = 64, LINKS_MAX = 4 };

static void fill_all_slots(fixture *f, shmrpci_conn *conn,
                           shmrpci_call calls[SLOTS])
{
    (void)f;
    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_int_equal(
            client_send(conn, METHOD_HOLD, &i, sizeof i, &calls[i]), SHMRPC_OK);
    }
}

static void calls_64_are_outstanding_and_answers_match(void **state)
{
    (void)state;
    fixture f;
    static shmrpci_call calls[SLOTS];
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    fill_all_slots(&f, conn, calls);
    gate_open(&f.gate);
    for (uint32_t i = SLOTS; i-- > 0;) {
        expect_reply(&calls[i], &i, sizeof i);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

/* Waits for a free slot until the deadline, and sends a call that stays in
 * flight. If no slot becomes free, returns the status of `reserve`. */
static int hold_one_more(shmrpci_conn *conn, shmrpci_call *call, uint32_t body,
                         int64_t deadline_ns)
{
    shmrpc_error error = {0};
    *call = (shmrpci_call){.head.method = METHOD_HOLD,
                           .head.timeout_ns = PATIENCE_NS};
    const shmrpci_client_ops *ops = conn->transport->client;
    int status = ops->reserve(conn, call, sizeof body, 1, deadline_ns, &error);
    if (status == SHMRPC_OK) {
        shmrpci_buf_append(&call->out, &body, sizeof body);
        return ops->commit(call);
    }
    assert_true(error.message[0] != '\0');
    return status;
}

/* A client with several links may open another link during the case. That link
 * has its own slots, which the case fills too. */
static void call_65_is_BUSY_or_waits_till_its_deadline(void **state)
{
    (void)state;
    fixture f;
    static shmrpci_call calls[SLOTS * LINKS_MAX + 1];
    uint32_t count = SLOTS;
    int64_t deadline_ns = 0;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    fill_all_slots(&f, conn, calls);
    int status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        status = hold_one_more(conn, &calls[count], count, 0);
        if (status == SHMRPC_E_BUSY) {
            deadline_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_MS);
            status = hold_one_more(conn, &calls[count], count, deadline_ns);
        }
        count += status == SHMRPC_OK;
        assert_true(count <= SLOTS * suite_links);
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() >= deadline_ns);
    assert_false(f.transport->shared != NULL &&
                 f.transport->shared->post(conn, &calls[count], 0, 0, "x", 1));
    gate_open(&f.gate);
    for (uint32_t i = 0; i < count; i++) {
        expect_reply(&calls[i], &i, sizeof i);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

typedef struct echoer {
    shmrpci_conn *conn;
    int calls;
    uint8_t seed;
    int failed;
} echoer;

static void echo_on_thread(void *user)
{
    echoer *e = user;
    for (int i = 0; i < e->calls && e->failed == SHMRPC_OK; i++) {
        size_t len = (size_t)i * 37 % 6000;
        e->failed = client_echo(e->conn, len, (uint8_t)(e->seed + i));
    }
}

static void call_65_gets_the_slot_that_is_given_back(void **state)
{
    (void)state;
    fixture f;
    static shmrpci_call calls[SLOTS];
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    fill_all_slots(&f, conn, calls);
    echoer e = {.conn = conn, .calls = 1};
    shmrpci_thread thread;
    assert_int_equal(
        shmrpci_thread_create(&thread, "echoer", echo_on_thread, &e),
        SHMRPC_OK);
    gate_open(&f.gate);
    for (uint32_t i = 0; i < SLOTS; i++) {
        expect_reply(&calls[i], &i, sizeof i);
    }
    shmrpci_thread_join(&thread);
    assert_int_equal(e.failed, SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void echo_on_threads(echoer *echoers, unsigned count)
{
    shmrpci_thread threads[32];
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(shmrpci_thread_create(&threads[i], "echoer",
                                               echo_on_thread, &echoers[i]),
                         SHMRPC_OK);
    }
    for (unsigned i = 0; i < count; i++) {
        shmrpci_thread_join(&threads[i]);
        assert_int_equal(echoers[i].failed, SHMRPC_OK);
    }
}

/* One thread gives up a call while another thread reads for both. The reader
 * may see the end of that call first, and may reuse the slot for its own call.
 */
static void calls_are_given_up_while_another_thread_reads(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    echoer e = {.conn = conn, .calls = 1000};
    shmrpci_thread thread;
    assert_int_equal(
        shmrpci_thread_create(&thread, "echoer", echo_on_thread, &e),
        SHMRPC_OK);
    for (unsigned i = 1; i <= 50; i++) {
        shmrpci_call call;
        assert_int_equal(client_send(conn, METHOD_WATCH, "", 0, &call),
                         SHMRPC_OK);
        gate_await(&f.gate, &f.gate.entered, i);
        assert_false(f.transport->client->cancel(&call));
        gate_await(&f.gate, &f.gate.cancelled, i);
    }
    shmrpci_thread_join(&thread);
    assert_int_equal(e.failed, SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void gate_close(gate *g)
{
    shmrpci_mutex_lock(&g->lock);
    g->open = false;
    shmrpci_mutex_unlock(&g->lock);
}

static void hold_on_thread(void *user)
{
    echoer *e = user;
    int32_t status = 0;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    e->failed = client_call(e->conn, METHOD_HOLD, &e->seed, 1, &status, &reply);
    shmrpci_buf_fini(&reply);
}

/* The waiting thread may be the one that does the I/O for all threads. It must
 * also serve calls that start later, and hand the I/O over when its own call
 * ends. */
static void calls_go_on_while_a_thread_waits_for_a_long_one(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (unsigned i = 1; i <= 5; i++) {
        echoer e = {.conn = conn};
        shmrpci_call late;
        shmrpci_thread thread;
        assert_int_equal(client_echo(conn, 40, 1), SHMRPC_OK);
        gate_close(&f.gate);
        assert_int_equal(
            shmrpci_thread_create(&thread, "holder", hold_on_thread, &e),
            SHMRPC_OK);
        gate_await(&f.gate, &f.gate.entered, i);
        for (int n = 0; n < 20; n++) {
            assert_int_equal(client_echo(conn, 40, (uint8_t)n), SHMRPC_OK);
        }
        assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &late),
                         SHMRPC_OK);
        gate_open(&f.gate);
        shmrpci_thread_join(&thread);
        assert_int_equal(e.failed, SHMRPC_OK);
        expect_reply(&late, "x", 1);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void many_threads_share_a_connection(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    echoer echoers[THREADS];
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (unsigned i = 0; i < THREADS; i++) {
        echoers[i] =
            (echoer){.conn = conn, .calls = 400, .seed = (uint8_t)(i * 31)};
    }
    echo_on_threads(echoers, THREADS);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void more_threads_than_slots_share_a_connection(void **state)
{
    (void)state;
    enum { THREADS = 16, HELD = SLOTS - 4 };
    echoer echoers[THREADS];
    shmrpci_call held[HELD];
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    /* A reserved slot counts as in use. */
    for (unsigned i = 0; i < HELD; i++) {
        held[i] = (shmrpci_call){0};
        assert_int_equal(
            f.transport->client->reserve(conn, &held[i], 1, 1, 0, NULL),
            SHMRPC_OK);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        echoers[i] =
            (echoer){.conn = conn, .calls = 100, .seed = (uint8_t)(i * 31)};
    }
    echo_on_threads(echoers, THREADS);
    for (unsigned i = 0; i < HELD; i++) {
        f.transport->client->abort(&held[i]);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void many_connections_are_served(void **state)
{
    (void)state;
    enum { CONNS = 24 };
    echoer echoers[CONNS];
    fixture f;
    fixture_start(&f, 3);
    for (unsigned i = 0; i < CONNS; i++) {
        echoers[i] = (echoer){.conn = client_connect(&f, "hi"),
                              .calls = 60,
                              .seed = (uint8_t)(i * 31)};
    }
    echo_on_threads(echoers, CONNS);
    for (unsigned i = 0; i < CONNS; i++) {
        f.transport->client->disconnect(echoers[i].conn);
    }
    fixture_stop(&f);
}

static void workers_run_in_parallel(void **state)
{
    (void)state;
    fixture f;
    static shmrpci_call calls[MAX_WORKERS];
    fixture_start(&f, MAX_WORKERS);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (uint32_t i = 0; i < MAX_WORKERS; i++) {
        assert_int_equal(
            client_send(conn, METHOD_HOLD, &i, sizeof i, &calls[i]), SHMRPC_OK);
    }
    gate_await(&f.gate, &f.gate.entered, MAX_WORKERS);
    gate_open(&f.gate);
    for (uint32_t i = 0; i < MAX_WORKERS; i++) {
        expect_reply(&calls[i], &i, sizeof i);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void
long_handler_delays_no_short_call_while_a_worker_is_idle(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *slow = client_connect(&f, "slow");
    shmrpci_conn *quick = client_connect(&f, "quick");
    shmrpci_call call;
    /* Whichever worker takes the long call, the other one serves the rest. */
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(client_send(slow, METHOD_WATCH, "", 0, &call),
                         SHMRPC_OK);
        gate_await(&f.gate, &f.gate.entered, i + 1);
        for (int n = 0; n < 200; n++) {
            assert_int_equal(client_echo(quick, 40, (uint8_t)n), SHMRPC_OK);
            assert_int_equal(client_echo(slow, 40, (uint8_t)n), SHMRPC_OK);
        }
        assert_false(f.transport->client->cancel(&call));
        gate_await(&f.gate, &f.gate.cancelled, i + 1);
    }
    f.transport->client->disconnect(slow);
    f.transport->client->disconnect(quick);
    fixture_stop(&f);
}

static void call_sent_together_with_a_long_one_is_served(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (unsigned i = 0; i < 50; i++) {
        shmrpci_call slow;
        shmrpci_call quick;
        assert_int_equal(client_send(conn, METHOD_WATCH, "", 0, &slow),
                         SHMRPC_OK);
        assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &quick),
                         SHMRPC_OK);
        expect_reply(&quick, "x", 1);
        gate_await(&f.gate, &f.gate.entered, i + 1);
        assert_false(f.transport->client->cancel(&slow));
        gate_await(&f.gate, &f.gate.cancelled, i + 1);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

/* Sends up to 400 oneway calls, until one is not accepted at once; returns the
 * number sent. */
static unsigned send_oneways(shmrpci_conn *conn)
{
    unsigned count = 0;
    shmrpci_call call = {0};
    while (count < 400 && conn->transport->client->reserve(conn, &call, 1, 0, 0,
                                                           NULL) == SHMRPC_OK) {
        call.head = (shmrpci_head){.method = METHOD_COUNT,
                                   .flags = SHMRPCI_HEAD_ONEWAY,
                                   .timeout_ns = PATIENCE_NS};
        shmrpci_buf_append(&call.out, "1", 1);
        assert_int_equal(conn->transport->client->commit(&call), SHMRPC_OK);
        count++;
    }
    return count;
}

/* Returns the CPU time that all threads of this process, including service and
 * relay, use in 50 ms. */
static int64_t cost_of_a_pause(void)
{
    struct timespec used[2];
    gate never = {.open = false};
    shmrpci_mutex_init(&never.lock);
    shmrpci_cond_init(&never.changed);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used[0]);
    shmrpci_mutex_lock(&never.lock);
    while (shmrpci_cond_wait_until(
        &never.changed, &never.lock,
        shmrpci_deadline_after(50 * SHMRPCI_NS_PER_MS))) {
    }
    shmrpci_mutex_unlock(&never.lock);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used[1]);
    return (used[1].tv_sec - used[0].tv_sec) * SHMRPCI_NS_PER_S +
           used[1].tv_nsec - used[0].tv_nsec;
}

/* Sends more calls than the service and the connection have room for. */
static void oneway_calls_that_wait_cost_no_cpu(void **state)
{
    (void)state;
    fixture f;
    shmrpci_call held;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    assert_int_equal(client_send(conn, METHOD_HOLD, "x", 1, &held), SHMRPC_OK);
    gate_await(&f.gate, &f.gate.entered, 1);
    unsigned count = send_oneways(conn);
    assert_true(count >= SLOTS - 1);
    /* Let the service settle first. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (cost_of_a_pause() > 15 * SHMRPCI_NS_PER_MS) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    gate_open(&f.gate);
    expect_reply(&held, "x", 1);
    gate_await(&f.gate, &f.gate.counted, count);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

const struct CMUnitTest suite_load_cases[] = {
    cmocka_unit_test(calls_64_are_outstanding_and_answers_match),
    cmocka_unit_test(call_65_is_BUSY_or_waits_till_its_deadline),
    cmocka_unit_test(call_65_gets_the_slot_that_is_given_back),
    cmocka_unit_test(calls_are_given_up_while_another_thread_reads),
    cmocka_unit_test(calls_go_on_while_a_thread_waits_for_a_long_one),
    cmocka_unit_test(many_threads_share_a_connection),
    cmocka_unit_test(more_threads_than_slots_share_a_connection),
    cmocka_unit_test(many_connections_are_served),
    cmocka_unit_test(workers_run_in_parallel),
    cmocka_unit_test(long_handler_delays_no_short_call_while_a_worker_is_idle),
    cmocka_unit_test(call_sent_together_with_a_long_one_is_served),
    cmocka_unit_test(oneway_calls_that_wait_cost_no_cpu),
};
const size_t suite_load_case_count =
    sizeof suite_load_cases / sizeof *suite_load_cases;
