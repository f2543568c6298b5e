/* Cases for clients that wait in their own event loop: which events they get,
 * and when. */
#include "suite.h"

#include <sched.h>

#include "os/memory.h"
#include "os/poll.h"

#define TAG UINT64_C(7)

/* A watched connection. */
typedef struct watcher {
    const shmrpci_transport *transport;
    shmrpci_conn *conn;
    int set;
} watcher;

static void watcher_open(watcher *w, fixture *f)
{
    w->transport = f->transport;
    w->conn = client_connect(f, "hi");
    assert_int_equal(shmrpci_poll_create(&w->set), SHMRPC_OK);
    assert_int_equal(f->transport->client->watch(w->conn, w->set, TAG),
                     SHMRPC_OK);
}

static void watcher_close(watcher *w)
{
    w->transport->client->disconnect(w->conn);
    shmrpci_fd_close(&w->set);
}

static bool is_told(const watcher *w, int64_t deadline_ns)
{
    return shmrpci_poll_readable(w->set, deadline_ns);
}

static void expect_told(const watcher *w)
{
    uint64_t tag = 0;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    /* An event may vanish if it was for another thread: for example, a packet
     * with an extent for that thread's reply, once that thread has read it. */
    do {
        assert_true(is_told(w, deadline_ns));
    } while (shmrpci_poll_wait(w->set, &tag, 1, 0) == 0);
    assert_int_equal(tag, TAG);
}

static void send_flagged(const watcher *w, uint32_t method, const void *body,
                         size_t len, uint32_t flags, shmrpci_call *call)
{
    *call = (shmrpci_call){0};
    assert_int_equal(
        w->transport->client->reserve(
            w->conn, call, len, len, shmrpci_deadline_after(PATIENCE_NS), NULL),
        SHMRPC_OK);
    call->head = (shmrpci_head){
        .method = method, .flags = flags, .timeout_ns = PATIENCE_NS};
    shmrpci_buf_append(&call->out, body, len);
    assert_int_equal(w->transport->client->commit(call), SHMRPC_OK);
}

static void send_told(const watcher *w, const void *body, size_t len,
                      shmrpci_call *call)
{
    send_flagged(w, METHOD_ECHO, body, len, SHMRPCI_HEAD_TOLD, call);
}

static int64_t arm(const watcher *w, shmrpci_call *call)
{
    return w->transport->client->arm(w->conn, &call, 1);
}

static void expect_no_reply_yet(const watcher *w, shmrpci_call *call)
{
    assert_int_equal(w->transport->client->receive(call, 0), SHMRPC_E_DEADLINE);
}

/* ---- cases ---- */

static void end_of_an_armed_call_is_told_once(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call call;
    shmrpci_request request = {0};
    fixture_start(&f, 0);
    watcher_open(&w, &f);
    shmrpci_participant *me = worker_open(&f, 0);
    for (int i = 0; i < 3; i++) {
        send_told(&w, "x", 1, &call);
        expect_no_reply_yet(&w, &call);
        assert_true(arm(&w, &call) > shmrpci_now_ns());
        worker_next(me, &request);
        expect_no_reply_yet(&w, &call);
        assert_false(is_told(&w, 0));
        worker_reply(&request, "x", 1);
        expect_told(&w);
        w.transport->client->acknowledge(w.conn);
        assert_false(is_told(&w, 0));
        expect_reply(&call, "x", 1);
    }
    f.transport->worker->participant_close(me);
    watcher_close(&w);
    fixture_stop(&f);
}

static void nothing_is_told_unless_armed(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call calls[3];
    shmrpci_request request = {0};
    fixture_start(&f, 0);
    watcher_open(&w, &f);
    shmrpci_participant *me = worker_open(&f, 0);
    /* Three calls whose ends cause no event: one was never armed, one was armed
     * and disarmed, and one has no TOLD flag although the connection is
     * armed. */
    send_told(&w, "0", 1, &calls[0]);
    worker_next(me, &request);
    worker_reply(&request, "0", 1);
    assert_false(is_told(&w, 0));
    send_told(&w, "1", 1, &calls[1]);
    (void)arm(&w, &calls[1]);
    w.transport->client->acknowledge(w.conn);
    worker_next(me, &request);
    worker_reply(&request, "1", 1);
    assert_false(is_told(&w, 0));
    send_flagged(&w, METHOD_ECHO, "2", 1, 0, &calls[2]);
    (void)w.transport->client->arm(w.conn, NULL, 0);
    worker_next(me, &request);
    worker_reply(&request, "2", 1);
    assert_true(!suite_tells_calls_only() || !is_told(&w, 0));
    w.transport->client->acknowledge(w.conn);
    assert_false(is_told(&w, 0));
    /* arm sees that a call has ended even if no event reported it. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (arm(&w, &calls[1]) != 0) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
    expect_reply(&calls[0], "0", 1);
    expect_reply(&calls[1], "1", 1);
    expect_reply(&calls[2], "2", 1);
    f.transport->worker->participant_close(me);
    watcher_close(&w);
    fixture_stop(&f);
}

static void dead_workers_calls_are_told(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call call;
    shmrpci_request request = {0};
    fixture_start(&f, 0);
    watcher_open(&w, &f);
    shmrpci_participant *dead = worker_open(&f, 1);
    send_told(&w, "x", 1, &call);
    (void)arm(&w, &call);
    worker_next(dead, &request);
    f.transport->listener->recover(f.listener, 1);
    expect_told(&w);
    w.transport->client->acknowledge(w.conn);
    assert_int_equal(w.transport->client->receive(&call, 0),
                     SHMRPC_E_WORKER_DIED);
    f.transport->worker->participant_close(dead);
    watcher_close(&w);
    fixture_stop(&f);
}

static void lost_server_is_told_and_ends_all_calls(void **state)
{
    (void)state;
    enum { CALLS = 64 };
    fixture f;
    watcher w;
    shmrpci_call calls[CALLS];
    fixture_start(&f, 0);
    watcher_open(&w, &f);
    for (size_t i = 0; i < CALLS; i++) {
        send_told(&w, "x", 1, &calls[i]);
    }
    (void)arm(&w, &calls[0]);
    assert_false(is_told(&w, 0));
    fixture_stop(&f);
    expect_told(&w);
    w.transport->client->acknowledge(w.conn);
    int64_t deadline_ns =
        suite_ends_together() ? 0 : shmrpci_deadline_after(PATIENCE_NS);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(w.transport->client->receive(&calls[i], deadline_ns),
                         SHMRPC_E_UNAVAILABLE);
    }
    /* There is no further event, so a loop does not spin on the descriptor. */
    assert_false(is_told(&w, 0));
    watcher_close(&w);
}

static void cancelled_call_is_withdrawn_or_told_to_stop(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call call;
    fixture_start(&f, 1);
    watcher_open(&w, &f);
    send_flagged(&w, METHOD_WATCH, "", 0, SHMRPCI_HEAD_TOLD, &call);
    (void)arm(&w, &call);
    gate_await(&f.gate, &f.gate.entered, 1);
    assert_false(w.transport->client->cancel(&call));
    gate_await(&f.gate, &f.gate.cancelled, 1);
    watcher_close(&w);
    fixture_stop(&f);
}

/* The end of a call is still reported if another call has read the packet from
 * the socket that both share. */
static void what_another_call_has_read_is_still_told(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call call;
    shmrpci_call large;
    shmrpci_request request = {0};
    static uint8_t body[(size_t)1 << 20];
    fixture_start(&f, 0);
    watcher_open(&w, &f);
    shmrpci_participant *me = worker_open(&f, 0);
    send_told(&w, "x", 1, &call);
    (void)arm(&w, &call);
    worker_next(me, &request);
    worker_reply(&request, "x", 1);
    send_flagged(&w, METHOD_SIZE, "y", 1, 0, &large);
    worker_next(me, &request);
    worker_reply(&request, body, sizeof body);
    expect_reply(&large, body, sizeof body);
    expect_told(&w);
    w.transport->client->acknowledge(w.conn);
    assert_false(is_told(&w, 0));
    expect_reply(&call, "x", 1);
    f.transport->worker->participant_close(me);
    watcher_close(&w);
    fixture_stop(&f);
}

/* ---- no event is lost ---- */

enum { DEPTH = 16, ROUNDS = 400, ROUNDS_LONG = 20000 };

typedef struct noise {
    shmrpci_conn *conn;
    atomic_bool stop;
    int status;
} noise;

/* Makes calls on the same connection, which read its socket too because their
 * replies need extents. */
static void make_noise(void *user)
{
    noise *n = user;
    size_t len = 1;
    while (!atomic_load(&n->stop) && n->status == SHMRPC_OK) {
        n->status = client_echo(n->conn, len, (uint8_t)len);
        len = len < ((size_t)4 << 20) ? len * 2 : 1;
    }
}

/* Receives finished calls and removes them from `open`, a bit set. */
static void collect(const watcher *w, shmrpci_call *calls, uint32_t *open)
{
    for (uint32_t i = 0; i < DEPTH; i++) {
        if ((*open >> i & 1) == 0) {
            continue;
        }
        int status = w->transport->client->receive(&calls[i], 0);
        if (status == SHMRPC_E_DEADLINE) {
            continue;
        }
        assert_int_equal(status, SHMRPC_OK);
        assert_int_equal(calls[i].in_len, sizeof i);
        assert_memory_equal(calls[i].in, &i, sizeof i);
        w->transport->client->release(&calls[i]);
        *open &= ~(UINT32_C(1) << i);
    }
}

/* Arms the calls and sleeps until there is an event, as an event loop does. */
static void sleep_armed(const watcher *w, shmrpci_call *calls, uint32_t open)
{
    shmrpci_call *left[DEPTH];
    size_t count = 0;
    for (uint32_t i = 0; i < DEPTH; i++) {
        if ((open >> i & 1) != 0) {
            left[count++] = &calls[i];
        }
    }
    /* Waits longer than arm asks for: if no event comes by then, a wake-up was
     * lost. */
    if (w->transport->client->arm(w->conn, left, count) != 0) {
        expect_told(w);
    }
    w->transport->client->acknowledge(w->conn);
}

static void every_end_is_told_under_load(void **state)
{
    (void)state;
    fixture f;
    watcher w;
    shmrpci_call calls[DEPTH];
    shmrpci_thread thread;
    fixture_start(&f, 2);
    watcher_open(&w, &f);
    noise n = {.conn = w.conn, .status = SHMRPC_OK};
    assert_int_equal(shmrpci_thread_create(&thread, "noise", make_noise, &n),
                     SHMRPC_OK);
    for (int round = suite_is_long() ? ROUNDS_LONG : ROUNDS; round > 0;
         round--) {
        uint32_t open = 0;
        for (uint32_t i = 0; i < DEPTH; i++) {
            send_told(&w, &i, sizeof i, &calls[i]);
            open |= UINT32_C(1) << i;
        }
        while (open != 0) {
            collect(&w, calls, &open);
            if (open != 0) {
                sleep_armed(&w, calls, open);
            }
        }
    }
    atomic_store(&n.stop, true);
    shmrpci_thread_join(&thread);
    assert_int_equal(n.status, SHMRPC_OK);
    watcher_close(&w);
    fixture_stop(&f);
}

const struct CMUnitTest suite_watch_cases[] = {
    cmocka_unit_test(end_of_an_armed_call_is_told_once),
    cmocka_unit_test(nothing_is_told_unless_armed),
    cmocka_unit_test(dead_workers_calls_are_told),
    cmocka_unit_test(lost_server_is_told_and_ends_all_calls),
    cmocka_unit_test(cancelled_call_is_withdrawn_or_told_to_stop),
    cmocka_unit_test(what_another_call_has_read_is_still_told),
    cmocka_unit_test(every_end_is_told_under_load),
};
const size_t suite_watch_case_count =
    sizeof suite_watch_cases / sizeof *suite_watch_cases;
