/* What each end observes when the other one leaves or dies. */
#include "suite.h"

#include "../reaction.h"

static void dead_workers_call_ends_in_WORKER_DIED(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (int i = 0; i < 3; i++) { /* the worker's index can be reused */
        shmrpci_call call;
        shmrpci_request request = {0};
        assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call),
                         SHMRPC_OK);
        shmrpci_participant *dead = worker_open(&f, 1);
        worker_next(dead, &request);
        f.transport->listener->recover(f.listener, 1);
        assert_int_equal(f.transport->client->receive(
                             &call, shmrpci_deadline_after(PATIENCE_NS)),
                         SHMRPC_E_WORKER_DIED);
        f.transport->listener->recover(f.listener, 1);
        f.transport->worker->participant_close(dead);
    }
    fixture_start_workers(&f, 1);
    for (uint8_t i = 0; i < 100; i++) {
        assert_int_equal(client_echo(conn, 10, i), SHMRPC_OK);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void dead_worker_leaves_other_calls_alone(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call lost;
    shmrpci_call kept;
    shmrpci_call waiting;
    shmrpci_request request = {0};
    shmrpci_request other = {0};
    shmrpci_participant *dead = worker_open(&f, 0);
    shmrpci_participant *alive = worker_open(&f, 1);
    assert_int_equal(client_send(conn, METHOD_ECHO, "lost", 4, &lost),
                     SHMRPC_OK);
    worker_next(dead, &request);
    assert_int_equal(client_send(conn, METHOD_ECHO, "kept", 4, &kept),
                     SHMRPC_OK);
    worker_next(alive, &other);
    assert_int_equal(client_send(conn, METHOD_ECHO, "wait", 4, &waiting),
                     SHMRPC_OK);
    f.transport->listener->recover(f.listener, 0);
    f.transport->worker->participant_close(dead);
    assert_int_equal(f.transport->client->receive(
                         &lost, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_E_WORKER_DIED);
    worker_reply(&other, "kept", 4);
    expect_reply(&kept, "kept", 4);
    worker_next(alive, &other);
    worker_reply(&other, "wait", 4);
    expect_reply(&waiting, "wait", 4);
    f.transport->worker->participant_close(alive);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void client_that_goes_cancels_its_running_call(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_WATCH, "", 0, &call), SHMRPC_OK);
    gate_await(&f.gate, &f.gate.entered, 1);
    (void)f.transport->client->cancel(&call);
    f.transport->client->disconnect(conn);
    gate_await(&f.gate, &f.gate.cancelled, 1);
    conn = client_connect(&f, "next");
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void call_in_progress_ends_well_when_the_listener_stops(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_HOLD, "last", 4, &call),
                     SHMRPC_OK);
    gate_await(&f.gate, &f.gate.entered, 1);
    f.transport->listener->stop(f.listener);
    gate_open(&f.gate);
    expect_reply(&call, "last", 4);
    fixture_stop(&f);
    f.transport->client->disconnect(conn);
}

static void call_that_nobody_took_ends_in_UNAVAILABLE(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call), SHMRPC_OK);
    fixture_stop(&f);
    assert_int_equal(f.transport->client->receive(
                         &call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_E_UNAVAILABLE);
    f.transport->client->disconnect(conn);
}

typedef struct caller {
    shmrpci_call *call;
    int status;
    int64_t ended_ns;
    const shmrpci_transport *transport;
} caller;

static void receive_on_thread(void *user)
{
    caller *c = user;
    c->status = c->transport->client->receive(
        c->call, shmrpci_deadline_after(PATIENCE_NS));
    c->ended_ns = shmrpci_now_ns();
}

/* Returns how long after the end of the service a client's call returns. */
static int64_t end_a_service(void *user)
{
    (void)user;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    shmrpci_thread thread;
    assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call), SHMRPC_OK);
    caller c = {.call = &call, .transport = f.transport};
    assert_int_equal(
        shmrpci_thread_create(&thread, "caller", receive_on_thread, &c),
        SHMRPC_OK);
    fixture_stop(&f);
    int64_t closed_ns = shmrpci_now_ns();
    shmrpci_thread_join(&thread);
    assert_int_equal(c.status, SHMRPC_E_UNAVAILABLE);
    f.transport->client->disconnect(conn);
    return c.ended_ns - closed_ns;
}

static void waiting_client_learns_of_the_end_within_100_ms(void **state)
{
    (void)state;
    expect_reaction(end_a_service, NULL, INT64_MIN, 100 * SHMRPCI_NS_PER_MS);
}

static void calls_after_the_end_fail_with_SERVER_LOST(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    fixture_stop(&f);
    /* The service has ended in order. The client may know that before it sends
     * anything, or learn it a moment later. */
    shmrpci_call call = {0};
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    int status;
    while ((status = f.transport->client->reserve(conn, &call, 1, 1, until_ns,
                                                  NULL)) == SHMRPC_OK &&
           !suite_ends_together() && shmrpci_now_ns() < until_ns) {
        f.transport->client->abort(&call);
    }
    assert_int_equal(status, SHMRPC_E_SERVER_LOST);
    for (int i = 0; i < 100; i++) { /* and no slot is lost */
        assert_int_equal(client_echo(conn, 10, 1), SHMRPC_E_SERVER_LOST);
    }
    f.transport->client->disconnect(conn);
}

static void stop_before_run_makes_it_return(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    f.transport->listener->stop(f.listener);
    fixture_run(&f);
    fixture_stop(&f);
}

static void a_name_can_be_listened_at_again_and_again(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_address address = f.address;
    fixture_stop(&f);
    for (uint8_t i = 0; i < 20; i++) {
        shmrpci_listen_opts opts = suite_listen_opts(&f);
        assert_int_equal(
            f.transport->listener->listen(&address, &opts, &f.listener, NULL),
            SHMRPC_OK);
        f.address = address;
        f.worker_count = 0;
        fixture_run(&f);
        fixture_start_workers(&f, 1);
        shmrpci_conn *conn = client_connect(&f, "hi");
        assert_int_equal(client_echo(conn, 30, i), SHMRPC_OK);
        fixture_stop(&f);
        f.transport->client->disconnect(conn);
    }
}

const struct CMUnitTest suite_life_cases[] = {
    cmocka_unit_test(dead_workers_call_ends_in_WORKER_DIED),
    cmocka_unit_test(dead_worker_leaves_other_calls_alone),
    cmocka_unit_test(client_that_goes_cancels_its_running_call),
    cmocka_unit_test(call_in_progress_ends_well_when_the_listener_stops),
    cmocka_unit_test(call_that_nobody_took_ends_in_UNAVAILABLE),
    cmocka_unit_test(waiting_client_learns_of_the_end_within_100_ms),
    cmocka_unit_test(calls_after_the_end_fail_with_SERVER_LOST),
    cmocka_unit_test(stop_before_run_makes_it_return),
    cmocka_unit_test(a_name_can_be_listened_at_again_and_again),
};
const size_t suite_life_case_count =
    sizeof suite_life_cases / sizeof *suite_life_cases;
