/* Single calls: bodies of all sizes, heads, deadlines, cancellation. */
#include "suite.h"

#include "../reaction.h"

#include <unistd.h>

static void echoes_come_back_at_every_size(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (const size_t *size = suite_sizes; *size != SIZE_MAX; size++) {
        assert_int_equal(client_echo(conn, *size, (uint8_t)*size), SHMRPC_OK);
    }
    for (const size_t *size = suite_long_sizes;
         suite_is_long() && *size != SIZE_MAX; size++) {
        assert_int_equal(client_echo(conn, *size, (uint8_t)*size), SHMRPC_OK);
    }
    assert_int_equal(client_echo(conn, (size_t)8 << 20, 5), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void request_grows_while_it_is_written(void **state)
{
    (void)state;
    enum { STEP = 1000, STEPS = 700 };
    static uint8_t body[STEP * STEPS];
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    pattern_fill(body, sizeof body, 17);
    shmrpci_call call = {0};
    assert_int_equal(
        f.transport->client->reserve(conn, &call, 0, sizeof body,
                                     shmrpci_deadline_after(PATIENCE_NS), NULL),
        SHMRPC_OK);
    call.head =
        (shmrpci_head){.method = METHOD_ECHO, .timeout_ns = PATIENCE_NS};
    for (size_t i = 0; i < STEPS; i++) {
        shmrpci_buf_append(&call.out, body + i * STEP, STEP);
    }
    assert_int_equal(call.out.status, SHMRPC_OK);
    assert_int_equal(f.transport->client->commit(&call), SHMRPC_OK);
    expect_reply(&call, body, sizeof body);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void reply_may_be_larger_than_hinted(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    int32_t status = 0;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    for (const size_t *size = suite_sizes; *size != SIZE_MAX; size++) {
        uint32_t wanted = (uint32_t)*size;
        assert_int_equal(client_call(conn, METHOD_SIZE, &wanted, sizeof wanted,
                                     &status, &reply),
                         SHMRPC_OK);
        assert_int_equal(status, SHMRPC_OK);
        assert_int_equal(reply.len, *size);
        assert_true(pattern_is(reply.data, reply.len, 3));
    }
    shmrpci_buf_fini(&reply);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void too_large_a_request_fails_alone(void **state)
{
    (void)state;
    fixture f;
    shmrpci_listen_opts opts = suite_listen_opts(&f);
    opts.max_message_bytes = (size_t)1 << 20;
    fixture_init(&f, &opts);
    fixture_run(&f);
    fixture_start_workers(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call other;
    assert_int_equal(client_send(conn, METHOD_HOLD, "other", 5, &other),
                     SHMRPC_OK);
    for (int i = 0; i < 70; i++) { /* more than there are slots */
        shmrpci_call call = {0};
        assert_int_equal(
            f.transport->client->reserve(
                conn, &call, 100, 0, shmrpci_deadline_after(PATIENCE_NS), NULL),
            SHMRPC_OK);
        (void)shmrpci_buf_extend(&call.out, ((size_t)1 << 20) + 1);
        assert_int_equal(call.out.status, SHMRPC_E_TOO_LARGE);
        assert_int_equal(f.transport->client->commit(&call),
                         SHMRPC_E_TOO_LARGE);
    }
    gate_open(&f.gate);
    expect_reply(&other, "other", 5);
    assert_int_equal(client_echo(conn, (size_t)1 << 20, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void too_large_a_reply_fails_alone(void **state)
{
    (void)state;
    fixture f;
    shmrpci_listen_opts opts = suite_listen_opts(&f);
    opts.max_message_bytes = (size_t)1 << 20;
    fixture_init(&f, &opts);
    fixture_run(&f);
    fixture_start_workers(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    int32_t status = 0;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    uint32_t wanted = (1u << 20) + 1;
    assert_int_equal(
        client_call(conn, METHOD_SIZE, &wanted, sizeof wanted, &status, &reply),
        SHMRPC_OK);
    assert_int_equal(status, SHMRPC_E_TOO_LARGE);
    assert_int_equal(reply.len, 0);
    wanted = 1u << 20;
    assert_int_equal(
        client_call(conn, METHOD_SIZE, &wanted, sizeof wanted, &status, &reply),
        SHMRPC_OK);
    assert_int_equal(status, SHMRPC_OK);
    assert_int_equal(reply.len, wanted);
    shmrpci_buf_fini(&reply);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void status_flags_and_body_of_a_reply_arrive(void **state)
{
    (void)state;
    static const int32_t statuses[] = {SHMRPC_E_NOT_FOUND, 100, INT32_MAX,
                                       INT32_MIN};
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        uint8_t body[10];
        shmrpci_call call;
        memcpy(body, &statuses[i], 4);
        memcpy(body + 4, "detail", 6);
        assert_int_equal(
            client_send(conn, METHOD_STATUS, body, sizeof body, &call),
            SHMRPC_OK);
        assert_int_equal(f.transport->client->receive(
                             &call, shmrpci_deadline_after(PATIENCE_NS)),
                         SHMRPC_OK);
        assert_int_equal(call.head.status, statuses[i]);
        assert_int_equal(call.head.flags, SHMRPCI_HEAD_DETAIL);
        assert_int_equal(call.in_len, 6);
        assert_memory_equal(call.in, "detail", 6);
        f.transport->client->release(&call);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void head_of_a_request_arrives(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    int32_t status = 0;
    head_report report;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    int64_t before_ns = shmrpci_now_ns();
    assert_int_equal(client_call(conn, METHOD_HEAD, "", 0, &status, &reply),
                     SHMRPC_OK);
    int64_t after_ns = shmrpci_now_ns();
    assert_int_equal(reply.len, sizeof report);
    memcpy(&report, reply.data, sizeof report);
    assert_int_equal(report.head.method, METHOD_HEAD);
    assert_int_equal(report.head.flags, 0);
    /* The worker must know the caller's deadline to within 5 ms. */
    int64_t slack_ns = 5 * SHMRPCI_NS_PER_MS;
    assert_true(report.deadline_ns >= before_ns + PATIENCE_NS - slack_ns);
    assert_true(report.deadline_ns <= after_ns + PATIENCE_NS + slack_ns);
    shmrpci_buf_fini(&reply);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

/* Sends a body with the flag that says that it begins with metadata. */
static void send_beside(fixture *f, shmrpci_conn *conn, const uint8_t *body,
                        size_t len, shmrpci_call *call)
{
    assert_int_equal(
        f->transport->client->reserve(
            conn, call, len, len, shmrpci_deadline_after(PATIENCE_NS), NULL),
        SHMRPC_OK);
    call->head = (shmrpci_head){.method = METHOD_ECHO,
                                .flags = SHMRPCI_HEAD_METADATA,
                                .timeout_ns = PATIENCE_NS};
    shmrpci_buf_append(&call->out, body, len);
    assert_int_equal(f->transport->client->commit(call), SHMRPC_OK);
}

static void that_metadata_comes_first_is_said_both_ways(void **state)
{
    (void)state;
    static uint8_t body[200000];
    static const size_t lens[] = {8, 200, sizeof body};
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *me = worker_open(&f, 0);
    pattern_fill(body, sizeof body, 9);
    bool can = (conn->features & SHMRPCI_FEATURE_METADATA) != 0;
    for (size_t i = 0; can && i < sizeof lens / sizeof *lens; i++) {
        shmrpci_call call = {0};
        shmrpci_request request = {0};
        send_beside(&f, conn, body, lens[i], &call);
        worker_next(me, &request);
        assert_int_equal(request.head.flags, SHMRPCI_HEAD_METADATA);
        assert_int_equal(request.in_len, lens[i]);
        f.transport->worker->reply_reserve(&request, lens[i]);
        shmrpci_buf_append(&request.out, request.in, request.in_len);
        request.head.status = 100;
        request.head.flags = SHMRPCI_HEAD_METADATA | SHMRPCI_HEAD_DETAIL;
        f.transport->worker->reply_commit(&request);
        assert_int_equal(f.transport->client->receive(
                             &call, shmrpci_deadline_after(PATIENCE_NS)),
                         SHMRPC_OK);
        assert_int_equal(call.head.status, 100);
        assert_int_equal(call.head.flags,
                         SHMRPCI_HEAD_METADATA | SHMRPCI_HEAD_DETAIL);
        assert_int_equal(call.in_len, lens[i]);
        assert_memory_equal(call.in, body, lens[i]);
        f.transport->client->release(&call);
    }
    f.transport->worker->participant_close(me);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

/* Makes a call and returns the connection number that the worker sees. */
static uint64_t connection_of(fixture *f, shmrpci_conn *conn,
                              shmrpci_participant *me)
{
    shmrpci_call call;
    shmrpci_request request = {0};
    assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call), SHMRPC_OK);
    worker_next(me, &request);
    uint64_t number = f->transport->worker->connection(&request);
    worker_reply(&request, "y", 1);
    expect_reply(&call, "y", 1);
    return number;
}

static void connections_have_numbers_of_their_own(void **state)
{
    (void)state;
    fixture f;
    if (suite_worker_scheme != NULL) {
        return; /* the worker sees the relay's own connections */
    }
    fixture_start(&f, 0);
    shmrpci_conn *one = client_connect(&f, "hi");
    shmrpci_conn *two = client_connect(&f, "hi");
    shmrpci_participant *me = worker_open(&f, 0);
    uint64_t first = connection_of(&f, one, me);
    uint64_t second = connection_of(&f, two, me);
    assert_true(first != second);
    assert_true(connection_of(&f, one, me) == first);
    f.transport->client->disconnect(one);
    one = client_connect(&f, "hi");
    uint64_t third = connection_of(&f, one, me);
    assert_true(third != first && third != second);
    assert_true(connection_of(&f, two, me) == second);
    f.transport->worker->participant_close(me);
    f.transport->client->disconnect(one);
    f.transport->client->disconnect(two);
    fixture_stop(&f);
}

static void method_ids_go_to_their_bounds(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0, 1000, SHMRPCI_METHOD_MAX};
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *me = worker_open(&f, 0);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        shmrpci_call call;
        shmrpci_request request = {0};
        assert_int_equal(client_send(conn, ids[i], "x", 1, &call), SHMRPC_OK);
        worker_next(me, &request);
        assert_int_equal(request.head.method, ids[i]);
        worker_reply(&request, "y", 1);
        expect_reply(&call, "y", 1);
    }
    f.transport->worker->participant_close(me);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void peer_is_who_connected(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    int32_t status = 0;
    shmrpc_peer peer;
    shmrpci_buf reply;
    shmrpci_buf_init_heap(&reply);
    assert_int_equal(client_call(conn, METHOD_PEER, "", 0, &status, &reply),
                     SHMRPC_OK);
    assert_int_equal(reply.len, sizeof peer);
    memcpy(&peer, reply.data, sizeof peer);
    bool known = suite_knows_peers();
    assert_int_equal(peer.uid, known ? getuid() : UINT32_MAX);
    assert_int_equal(peer.gid, known ? getgid() : UINT32_MAX);
    assert_int_equal(peer.pid, known ? getpid() : 0);
    assert_string_equal(peer.transport, suite_worker_scheme != NULL
                                            ? suite_worker_scheme
                                            : f.transport->scheme);
    assert_non_null(peer.address);
    shmrpci_buf_fini(&reply);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

/* Returns how long after its deadline the call ends. */
static int64_t hold_too_long(void *user)
{
    shmrpci_conn *conn = user;
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_HOLD, "x", 1, &call), SHMRPC_OK);
    int64_t deadline_ns = shmrpci_deadline_after(50 * SHMRPCI_NS_PER_MS);
    assert_int_equal(conn->transport->client->receive(&call, deadline_ns),
                     SHMRPC_E_DEADLINE);
    int64_t late_ns = shmrpci_now_ns() - deadline_ns;
    (void)conn->transport->client->cancel(&call);
    return late_ns;
}

static void deadline_is_kept_to_5_ms(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    expect_reaction(hold_too_long, conn, 0, 5 * SHMRPCI_NS_PER_MS);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void receive_may_go_on_after_DEADLINE(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_HOLD, "late", 4, &call),
                     SHMRPC_OK);
    assert_int_equal(f.transport->client->receive(&call, 0), SHMRPC_E_DEADLINE);
    assert_int_equal(f.transport->client->receive(&call, shmrpci_now_ns()),
                     SHMRPC_E_DEADLINE);
    gate_open(&f.gate);
    expect_reply(&call, "late", 4);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void cancel_before_claim_withdraws(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call gone;
    shmrpci_call next;
    shmrpci_request request = {0};
    assert_int_equal(client_send(conn, METHOD_ECHO, "gone", 4, &gone),
                     SHMRPC_OK);
    assert_true(f.transport->client->cancel(&gone));
    assert_int_equal(client_send(conn, METHOD_ECHO, "next", 4, &next),
                     SHMRPC_OK);
    shmrpci_participant *me = worker_open(&f, 0);
    worker_next(me, &request);
    assert_int_equal(request.in_len, 4);
    assert_memory_equal(request.in, "next", 4);
    worker_reply(&request, "next", 4);
    expect_reply(&next, "next", 4);
    f.transport->worker->participant_close(me);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void cancel_after_claim_tells_the_handler(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_call call;
    assert_int_equal(client_send(conn, METHOD_WATCH, "", 0, &call), SHMRPC_OK);
    gate_await(&f.gate, &f.gate.entered, 1);
    assert_false(f.transport->client->cancel(&call));
    gate_await(&f.gate, &f.gate.cancelled, 1);
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void cancel_after_the_reply_drops_it(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    shmrpci_participant *me = worker_open(&f, 0);
    for (int i = 0; i < 100; i++) { /* no slot is lost */
        shmrpci_call call;
        shmrpci_request request = {0};
        assert_int_equal(client_send(conn, METHOD_ECHO, "x", 1, &call),
                         SHMRPC_OK);
        worker_next(me, &request);
        worker_reply(&request, "y", 1);
        assert_false(f.transport->client->cancel(&call));
    }
    f.transport->worker->participant_close(me);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void late_reply_never_reaches_a_newer_call(void **state)
{
    (void)state;
    enum { LATE = 2, CALLS = 300 };
    fixture f;
    fixture_start(&f, LATE + 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (unsigned i = 0; i < LATE; i++) {
        shmrpci_call call;
        assert_int_equal(client_send(conn, METHOD_HOLD, "late", 4, &call),
                         SHMRPC_OK);
        gate_await(&f.gate, &f.gate.entered, i + 1);
        assert_int_equal(f.transport->client->receive(&call, 0),
                         SHMRPC_E_DEADLINE);
        assert_false(f.transport->client->cancel(&call));
    }
    for (unsigned i = 0; i < CALLS; i++) {
        if (i == CALLS / 2) {
            gate_open(&f.gate);
        }
        assert_int_equal(client_echo(conn, 20, (uint8_t)i), SHMRPC_OK);
    }
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void abort_sends_nothing_and_frees_the_slot(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 1);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (int i = 0; i < 200; i++) {
        shmrpci_call call = {0};
        assert_int_equal(f.transport->client->reserve(
                             conn, &call, 5000, 0,
                             shmrpci_deadline_after(PATIENCE_NS), NULL),
                         SHMRPC_OK);
        shmrpci_buf_append(&call.out, "never", 5);
        f.transport->client->abort(&call);
    }
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static int send_oneway(fixture *f, shmrpci_conn *conn)
{
    shmrpci_call call = {0};
    int status = f->transport->client->reserve(
        conn, &call, 1, 0, shmrpci_deadline_after(PATIENCE_NS), NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    call.head = (shmrpci_head){.method = METHOD_COUNT,
                               .flags = SHMRPCI_HEAD_ONEWAY,
                               .timeout_ns = PATIENCE_NS};
    shmrpci_buf_append(&call.out, "1", 1);
    return f->transport->client->commit(&call);
}

static void oneway_calls_run_and_free_their_slots(void **state)
{
    (void)state;
    enum { CALLS = 500 };
    fixture f;
    fixture_start(&f, 2);
    shmrpci_conn *conn = client_connect(&f, "hi");
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(send_oneway(&f, conn), SHMRPC_OK);
    }
    gate_await(&f.gate, &f.gate.counted, CALLS);
    assert_int_equal(client_echo(conn, 10, 1), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

static void oneway_call_outlives_its_client(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    assert_int_equal(send_oneway(&f, conn), SHMRPC_OK);
    f.transport->client->disconnect(conn);
    fixture_start_workers(&f, 1);
    gate_await(&f.gate, &f.gate.counted, 1);
    fixture_stop(&f);
}

/* A receiver that knows the flag reads the first part of the body as
 * metadata. */
static void flag_of_metadata_goes_both_ways(void **state)
{
    (void)state;
    fixture f;
    shmrpci_call call = {.conn = NULL};
    shmrpci_request request = {0};
    fixture_start(&f, 0);
    shmrpci_conn *conn = client_connect(&f, "hi");
    assert_true((conn->features & SHMRPCI_FEATURE_METADATA) != 0);
    assert_int_equal(
        f.transport->client->reserve(conn, &call, 1, 0,
                                     shmrpci_deadline_after(PATIENCE_NS), NULL),
        SHMRPC_OK);
    call.head = (shmrpci_head){.method = METHOD_ECHO,
                               .flags = SHMRPCI_HEAD_METADATA,
                               .timeout_ns = PATIENCE_NS};
    shmrpci_buf_append_text(&call.out, "there");
    assert_int_equal(f.transport->client->commit(&call), SHMRPC_OK);
    shmrpci_participant *worker = worker_open(&f, 0);
    worker_next(worker, &request);
    assert_true((request.head.flags & SHMRPCI_HEAD_METADATA) != 0);
    assert_int_equal(request.in_len, 5);
    f.transport->worker->reply_reserve(&request, 4);
    request.head.status = SHMRPC_OK;
    request.head.flags = SHMRPCI_HEAD_METADATA;
    shmrpci_buf_append_text(&request.out, "back");
    f.transport->worker->reply_commit(&request);
    assert_int_equal(f.transport->client->receive(
                         &call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_OK);
    assert_int_equal(call.head.flags & (uint32_t)SHMRPCI_HEAD_METADATA,
                     SHMRPCI_HEAD_METADATA);
    assert_int_equal(call.in_len, 4);
    f.transport->client->release(&call);
    f.transport->worker->participant_close(worker);
    f.transport->client->disconnect(conn);
    fixture_stop(&f);
}

const struct CMUnitTest suite_call_cases[] = {
    cmocka_unit_test(echoes_come_back_at_every_size),
    cmocka_unit_test(request_grows_while_it_is_written),
    cmocka_unit_test(reply_may_be_larger_than_hinted),
    cmocka_unit_test(too_large_a_request_fails_alone),
    cmocka_unit_test(too_large_a_reply_fails_alone),
    cmocka_unit_test(status_flags_and_body_of_a_reply_arrive),
    cmocka_unit_test(head_of_a_request_arrives),
    cmocka_unit_test(that_metadata_comes_first_is_said_both_ways),
    cmocka_unit_test(connections_have_numbers_of_their_own),
    cmocka_unit_test(method_ids_go_to_their_bounds),
    cmocka_unit_test(peer_is_who_connected),
    cmocka_unit_test(deadline_is_kept_to_5_ms),
    cmocka_unit_test(receive_may_go_on_after_DEADLINE),
    cmocka_unit_test(cancel_before_claim_withdraws),
    cmocka_unit_test(cancel_after_claim_tells_the_handler),
    cmocka_unit_test(cancel_after_the_reply_drops_it),
    cmocka_unit_test(late_reply_never_reaches_a_newer_call),
    cmocka_unit_test(abort_sends_nothing_and_frees_the_slot),
    cmocka_unit_test(oneway_calls_run_and_free_their_slots),
    cmocka_unit_test(oneway_call_outlives_its_client),
    cmocka_unit_test(flag_of_metadata_goes_both_ways),
};
const size_t suite_call_case_count =
    sizeof suite_call_cases / sizeof *suite_call_cases;
