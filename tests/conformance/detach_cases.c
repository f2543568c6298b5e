/* Requests that are answered later, by another thread. */
#include "suite.h"

#include <sched.h>

#define COUNT 20

/* Takes the next request and detaches it, so that the worker can take
 * others. */
static void take(shmrpci_participant *worker, shmrpci_request *out)
{
    shmrpci_request request = {0};
    worker_next(worker, &request);
    assert_int_equal(worker->transport->worker->detach(&request, out),
                     SHMRPC_OK);
}

static void answer(shmrpci_request *request, const void *body, size_t len)
{
    const shmrpci_worker_ops *ops = request->participant->transport->worker;
    worker_reply(request, body, len);
    ops->detached_end(request);
}

typedef struct answers {
    shmrpci_request requests[COUNT];
    size_t count;
} answers;

/* Answers each request with its own body, in reverse order. */
static void answer_all(void *user)
{
    answers *all = user;
    for (size_t i = all->count; i-- > 0;) {
        static uint8_t body[200000];
        size_t len = all->requests[i].in_len;
        memcpy(body, all->requests[i].in, len);
        answer(&all->requests[i], body, len);
    }
}

static void another_thread_answers_while_the_worker_takes_others(void **state)
{
    (void)state;
    static uint8_t bodies[COUNT][100];
    static answers all;
    shmrpci_call calls[COUNT];
    shmrpci_call last;
    shmrpci_request request = {0};
    shmrpci_thread thread;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *worker = worker_open(&f, 0);
    all.count = COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        pattern_fill(bodies[i], sizeof bodies[i], (uint8_t)i);
        assert_int_equal(client_send(conn, METHOD_ECHO, bodies[i],
                                     sizeof bodies[i], &calls[i]),
                         SHMRPC_OK);
        take(worker, &all.requests[i]);
    }
    assert_int_equal(client_send(conn, METHOD_ECHO, "last", 4, &last),
                     SHMRPC_OK);
    worker_next(worker, &request);
    worker_reply(&request, "last", 4);
    expect_reply(&last, "last", 4);
    assert_int_equal(
        shmrpci_thread_create(&thread, "answers", answer_all, &all), 0);
    for (size_t i = 0; i < COUNT; i++) {
        expect_reply(&calls[i], bodies[i], sizeof bodies[i]);
    }
    shmrpci_thread_join(&thread);
    f.transport->worker->participant_close(worker);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void large_bodies_stay_until_the_answer(void **state)
{
    (void)state;
    static uint8_t bodies[2][200000];
    static answers all;
    shmrpci_call calls[2];
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *worker = worker_open(&f, 0);
    for (int turn = 0; turn < 5; turn++) {
        all.count = 2;
        for (size_t i = 0; i < 2; i++) {
            pattern_fill(bodies[i], sizeof bodies[i], (uint8_t)i);
            assert_int_equal(client_send(conn, METHOD_ECHO, bodies[i],
                                         sizeof bodies[i], &calls[i]),
                             SHMRPC_OK);
            take(worker, &all.requests[i]);
        }
        answer_all(&all);
        expect_reply(&calls[0], bodies[0], sizeof bodies[0]);
        expect_reply(&calls[1], bodies[1], sizeof bodies[1]);
    }
    f.transport->worker->participant_close(worker);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void cancellation_reaches_a_detached_request(void **state)
{
    (void)state;
    shmrpci_call call;
    shmrpci_request request;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *worker = worker_open(&f, 0);
    const shmrpci_worker_ops *ops = worker->transport->worker;
    for (int i = 0; i < 100; i++) { /* more than there are slots */
        assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call),
                         SHMRPC_OK);
        take(worker, &request);
        assert_false(ops->is_cancelled(&request));
        assert_false(f.transport->client->cancel(&call));
        while (!ops->is_cancelled(&request)) {
            assert_true(shmrpci_now_ns() < deadline_ns);
            (void)sched_yield();
        }
        answer(&request, "x", 1);
    }
    ops->participant_close(worker);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void client_that_goes_leaves_its_detached_request(void **state)
{
    (void)state;
    shmrpci_call call;
    shmrpci_call other;
    shmrpci_request request;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *gone = client_connect(&f, "hi");
    shmrpci_conn *stays = client_connect(&f, "hi");
    shmrpci_participant *worker = worker_open(&f, 0);
    const shmrpci_worker_ops *ops = worker->transport->worker;
    assert_int_equal(client_send(gone, METHOD_ECHO, "gone", 4, &call),
                     SHMRPC_OK);
    take(worker, &request);
    (void)f.transport->client->cancel(&call);
    f.transport->client->disconnect(gone);
    while (!ops->is_cancelled(&request)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
    assert_memory_equal(request.in, "gone", 4);
    answer(&request, "late", 4);
    assert_int_equal(client_send(stays, METHOD_ECHO, "stays", 5, &other),
                     SHMRPC_OK);
    take(worker, &request);
    answer(&request, "stays", 5);
    expect_reply(&other, "stays", 5);
    ops->participant_close(worker);
    f.transport->client->disconnect(stays);
    fixture_stop(&f);
}

const struct CMUnitTest suite_detach_cases[] = {
    cmocka_unit_test(another_thread_answers_while_the_worker_takes_others),
    cmocka_unit_test(large_bodies_stay_until_the_answer),
    cmocka_unit_test(cancellation_reaches_a_detached_request),
    cmocka_unit_test(client_that_goes_leaves_its_detached_request),
};
const size_t suite_detach_case_count =
    sizeof suite_detach_cases / sizeof *suite_detach_cases;
