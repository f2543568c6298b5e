/* The protocol step by step: these tests set up states by hand that normal
 * scheduling reaches only rarely. */
#include "service.h"

#include "../../../reaction.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "os/poll.h"
#include "transport/shm/client.h"
#include "transport/shm/server.h"
#include "transport/shm/worker.h"

static service s;
static shmrpci_conn *conn;
static shmrpci_stats_gauges gauges;

static shm_client *client(void)
{
    return (shm_client *)(void *)conn;
}

static shm_status_page *status_page(void)
{
    return ((shm_listener *)(void *)s.listener)->status;
}

static int setup_workers(unsigned workers)
{
    shmrpci_address address = new_address();
    service_start(&s, &address, workers);
    conn = client_open(&address);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_workers(1);
}

static int setup_with_gauges(void **state)
{
    (void)state;
    gauges = (shmrpci_stats_gauges){0};
    service_opts.gauges = &gauges;
    int result = setup_workers(1);
    service_opts.gauges = NULL;
    return result;
}

static int setup_without_workers(void **state)
{
    (void)state;
    return setup_workers(0);
}

static int teardown(void **state)
{
    (void)state;
    if (conn != NULL) {
        conn->transport->client->disconnect(conn);
    }
    service_stop(&s);
    return 0;
}

/* A worker announces that it is idle, checks once more, and only then goes
 * offline. */
static bool is_asleep(uint32_t index)
{
    const shm_listener *listener = (shm_listener *)(void *)s.listener;
    return shmrpci_load_seq(&listener->places[index].seen) == SHM_OFFLINE &&
           (shmrpci_load_seq(&status_page()->idle) >> index & 1) != 0;
}

/* Waits until the worker sleeps and has checked for the last time. */
static void await_asleep(uint32_t index)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!is_asleep(index)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static uint32_t state_of(uint32_t slot)
{
    return shm_word_state(shmrpci_load_seq(&client()->block.slots[slot].word));
}

/* Whether a worker has the call on a slot. */
static bool is_held(uint32_t slot)
{
    return shm_client_is_held(
        client(), slot, shmrpci_load_seq(&client()->block.slots[slot].word));
}

static void await_state(uint32_t slot, uint32_t state)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (state_of(slot) != state) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static void rule_1_with(uint32_t second)
{
    shmrpci_request request = {0};
    shmrpci_participant *worker = service_open_worker(&s);
    await_asleep(0);
    client_publish(conn, 0, METHOD_ECHO);
    client_publish(conn, second, METHOD_ECHO);
    assert_int_equal(worker->transport->worker->next(worker, &request),
                     SHMRPC_OK);
    /* One worker may hold its call for any time; the other call must not wait
     * for it. */
    uint32_t other = is_held(0) ? second : 0;
    await_state(other, SHM_DONE);
    worker_finish(&request);
    worker->transport->worker->participant_close(worker);
}

static void rule_1_leaves_no_hot_slot_behind(void **state)
{
    (void)state;
    rule_1_with(1);
}

static void rule_1_leaves_no_other_slot_behind(void **state)
{
    (void)state;
    rule_1_with(SHM_HOT_SLOTS + 7);
}

static void rule_1_holds_for_methods_that_are_known_to_be_long(void **state)
{
    (void)state;
    shmrpci_request request = {0};
    shmrpci_participant *worker = service_open_worker(&s);
    await_asleep(0);
    for (int i = 0; i < 3; i++) {
        client_publish(conn, 0, METHOD_ECHO);
        assert_int_equal(worker->transport->worker->next(worker, &request),
                         SHMRPC_OK);
        int64_t end_ns = shmrpci_deadline_after(SHMRPCI_NS_PER_MS);
        while (shmrpci_now_ns() < end_ns) {
        }
        worker_finish(&request);
    }
    client_publish(conn, 0, METHOD_ECHO);
    client_publish(conn, 1, METHOD_ECHO);
    assert_int_equal(worker->transport->worker->next(worker, &request),
                     SHMRPC_OK);
    await_state(is_held(0) ? 1 : 0, SHM_DONE);
    worker_finish(&request);
    worker->transport->worker->participant_close(worker);
}

static uint64_t hints(void)
{
    return shmrpci_load_seq(client()->block.pending);
}

static void hint_stays_with_its_slot_until_the_worker_sleeps(void **state)
{
    (void)state;
    const uint32_t slot = SHM_HOT_SLOTS + 7;
    shmrpci_request request = {0};
    shmrpci_participant *worker = service_open_worker(&s);
    await_asleep(0);
    client_publish(conn, slot, METHOD_ECHO);
    assert_int_equal(worker->transport->worker->next(worker, &request),
                     SHMRPC_OK);
    worker_finish(&request);
    assert_int_equal(hints(), UINT64_C(1) << slot);
    worker->transport->worker->participant_close(worker);
    /* The other worker serves this call, and has scanned everything before it
     * sleeps again. */
    client_echoes(conn, "after it");
    await_asleep(0);
    assert_int_equal(hints(), 0);
}

/* Returns how often clients have rung for workers since the last call of this
 * function. */
static uint64_t rings(void)
{
    uint64_t count = 0;
    int fd = ((shm_listener *)(void *)s.listener)->bell_fd;
    return read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

static void hint_without_a_request_wakes_nobody(void **state)
{
    (void)state;
    shmrpci_request request = {0};
    shmrpci_participant *worker = service_open_worker(&s);
    await_asleep(0);
    (void)rings();
    client_publish(conn, SHM_HOT_SLOTS + 7, METHOD_ECHO);
    /* It is the worker's first call, so the worker checks whether to wake the
     * other one. */
    assert_int_equal(worker->transport->worker->next(worker, &request),
                     SHMRPC_OK);
    assert_int_equal(rings(), 0);
    worker_finish(&request);
    worker->transport->worker->participant_close(worker);
}

/* Publishes a lease of 2 ms for a worker that then never scans. */
static void break_a_lease(void)
{
    await_asleep(0);
    shmrpci_store_seq(&status_page()->lease,
                      shmrpci_ticks() +
                          shmrpci_ticks_of_ns(2 * SHMRPCI_NS_PER_MS));
}

static uint64_t rescued(void)
{
    return shmrpci_load_relaxed(&client()->rescued_wakeups);
}

/* Makes a call under a lease that the worker breaks; returns how long it took.
 * If the wake-up was rescued, something else was measured, so the result is
 * INT64_MAX. */
static int64_t call_under_a_broken_lease(void *user)
{
    (void)user;
    break_a_lease();
    int64_t start_ns = shmrpci_now_ns();
    uint64_t before = rescued();
    assert_int_equal(client_call(conn, METHOD_ECHO, "x", 1, 0, NULL), 0);
    int64_t took_ns = shmrpci_now_ns() - start_ns;
    return rescued() != before ? INT64_MAX : took_ns;
}

static void call_that_relied_on_a_broken_lease_is_rung_for(void **state)
{
    (void)state;
    client_echoes(conn, "warm");
    expect_reaction(call_under_a_broken_lease, NULL, 0, 39 * SHMRPCI_NS_PER_MS);
}

/* Sleeps for a moment in a call that nobody takes. Returns whether the sleeping
 * thread still relied on the lease, so that it would check again when the lease
 * ends. */
static bool sleeps_by_its_lease(void)
{
    shmrpci_call call = {0};
    const shm_client_slot *slot;
    assert_int_equal(client_send(conn, &call, METHOD_ECHO, "x", 1, 0), 0);
    slot = &client()->slots[call.data.words[0]];
    assert_true(slot->relied != 0);
    assert_int_equal(conn->transport->client->receive(
                         &call, shmrpci_deadline_after(10 * SHMRPCI_NS_PER_MS)),
                     SHMRPC_E_DEADLINE);
    bool is_relied_on = slot->relied != 0;
    assert_true(conn->transport->client->cancel(&call));
    return is_relied_on;
}

/* A thread that waits under a lease needs a short timer. Such a timer for each
 * of many sleeping clients costs a fifth of their calls, so they sleep without
 * it unless a worker sleeps. */
static void sleeps_by_a_lease_only_while_a_worker_sleeps(void **state)
{
    (void)state;
    uint64_t hour = shmrpci_ticks_of_ns(3600 * SHMRPCI_NS_PER_S);
    shmrpci_store_seq(&status_page()->lease, shmrpci_ticks() + hour);
    /* On a busy machine the call's 10 ms may be over before it sleeps, so this
     * is repeated. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (sleeps_by_its_lease()) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    shmrpci_store_seq(&status_page()->idle, UINT64_C(1) << 63);
    assert_true(sleeps_by_its_lease());
    shmrpci_store_seq(&status_page()->idle, UINT64_C(0));
}

static void receive_and_release(shmrpci_call *call)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    assert_int_equal(conn->transport->client->receive(call, deadline_ns),
                     SHMRPC_OK);
    conn->transport->client->release(call);
}

/* The ends of a stream wait on the rings. So at the end of a lease nobody would
 * check whether a worker has taken the call. */
static void stream_relies_on_no_lease(void **state)
{
    (void)state;
    uint64_t hour = shmrpci_ticks_of_ns(3600 * SHMRPCI_NS_PER_S);
    const shmrpci_transport *transport = conn->transport;
    const shmrpci_stream_opts opts = {
        .in_bytes = 4096, .out_bytes = 4096, .max_item_bytes = 1024};
    const int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_call call = {0};
    shmrpci_stream *stream;
    shmrpci_stream_item item;
    await_asleep(0);
    shmrpci_store_seq(&status_page()->lease, shmrpci_ticks() + hour);
    assert_int_equal(transport->client->reserve(conn, &call, 0, 0, 0, NULL),
                     SHMRPC_OK);
    call.head =
        (shmrpci_head){.method = METHOD_ECHO, .timeout_ns = PATIENCE_NS};
    assert_int_equal(transport->streams->open(&call, &opts, &stream, NULL),
                     SHMRPC_OK);
    assert_int_equal(
        transport->streams->send(stream, "x", 1, deadline_ns, true), SHMRPC_OK);
    assert_int_equal(transport->streams->next(stream, deadline_ns, &item),
                     SHMRPC_MORE);
    transport->streams->finish(stream);
    assert_int_equal(transport->streams->next(stream, deadline_ns, &item),
                     SHMRPC_OK);
    transport->streams->close(stream);
    receive_and_release(&call);
}

/* Sends an empty request; returns whether the client has rung for a worker. */
static bool send_and_ring(shmrpci_call *call, uint32_t flags)
{
    const shmrpci_transport *transport = conn->transport;
    assert_int_equal(transport->client->reserve(conn, call, 0, 0, 0, NULL),
                     SHMRPC_OK);
    call->head = (shmrpci_head){
        .method = METHOD_ECHO, .flags = flags, .timeout_ns = PATIENCE_NS};
    assert_int_equal(transport->client->commit(call), SHMRPC_OK);
    return client()->slots[call->data.words[0]].has_rung;
}

static void request_before_another_leaves_the_ring_to_that(void **state)
{
    (void)state;
    shmrpci_call calls[2] = {{0}, {0}};
    await_asleep(0);
    assert_false(send_and_ring(&calls[0], SHMRPCI_HEAD_MORE));
    assert_true(is_asleep(0));
    assert_true(send_and_ring(&calls[1], 0));
    receive_and_release(&calls[0]);
    receive_and_release(&calls[1]);
}

/* A request may be left unclaimed because, for example, another worker has
 * failed. */
static void request_that_was_left_alone_is_rung_for_by_who_waits(void **state)
{
    (void)state;
    shmrpci_call call = {0};
    uint64_t before = rescued();
    await_asleep(0);
    assert_false(send_and_ring(&call, SHMRPCI_HEAD_MORE));
    receive_and_release(&call);
    await_asleep(0);
    assert_false(send_and_ring(&call, SHMRPCI_HEAD_MORE));
    shmrpci_call *armed = &call;
    (void)conn->transport->client->arm(conn, &armed, 1);
    await_state((uint32_t)call.data.words[0], SHM_DONE);
    conn->transport->client->acknowledge(conn);
    receive_and_release(&call);
    assert_int_equal(rescued(), before);
}

static void lost_wake_up_is_made_up_for_and_counted(void **state)
{
    (void)state;
    shmrpci_call call = {0};
    await_asleep(0);
    /* While no worker seems to sleep, the client does not ring. */
    uint64_t idle = shmrpci_exchange_seq(&status_page()->idle, UINT64_C(0));
    assert_int_equal(client_send(conn, &call, METHOD_ECHO, "x", 1, 0), 0);
    (void)shmrpci_or_seq(&status_page()->idle, idle);
    assert_int_equal(conn->transport->client->receive(
                         &call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_OK);
    conn->transport->client->release(&call);
    assert_int_equal(rescued(), 1);
    /* The client reports the rescue to the service, which counts it. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (shmrpci_load_relaxed(&gauges.rescued) != 1) {
        assert_true(shmrpci_remaining_ns(deadline_ns) > 0);
    }
    assert_int_equal(shmrpci_load_relaxed(&gauges.connections), 1);
}

/* Makes a call, and sleeps until it is answered. */
static void call_asleep(void *status)
{
    *(int *)status = client_call(conn, METHOD_ECHO, "", 0, 0, NULL);
}

/* Waits until the client sleeps, or is about to sleep, in a call that nobody
 * has taken. */
static void await_waiting(uint32_t slot)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (state_of(slot) != SHM_SUBMITTED ||
           (shmrpci_load_seq(client()->block.sleepers) >> slot & 1) == 0) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

/* Of nine replies at least five must wake the client. A wake-up may also be
 * late because the worker gets no CPU between reply and wake-up. */
static void reply_wakes_a_sleeping_client(void **state)
{
    (void)state;
    shmrpci_participant *worker = service_open_worker(&s);
    unsigned lost = 0;
    for (int i = 0; i < 9; i++) {
        shmrpci_thread thread;
        shmrpci_request request = {0};
        int status = -1;
        uint64_t before = rescued();
        assert_int_equal(
            shmrpci_thread_create(&thread, "call", call_asleep, &status),
            SHMRPC_OK);
        await_waiting(0);
        assert_int_equal(worker->transport->worker->next(worker, &request),
                         SHMRPC_OK);
        worker_finish(&request);
        shmrpci_thread_join(&thread);
        assert_int_equal(status, SHMRPC_OK);
        lost += rescued() != before;
    }
    worker->transport->worker->participant_close(worker);
    assert_in_range(lost, 0, 4);
}

/* Answers like a worker, but without the wake-up. */
static void answer_silently(uint32_t slot)
{
    shm_slot *at = &client()->block.slots[slot];
    uint32_t word = shmrpci_load_seq(&at->word);
    shmrpci_store_relaxed(&at->flags, (uint16_t)0);
    shmrpci_store_relaxed(&at->length, 0u);
    shmrpci_store_relaxed(&at->status, (uint32_t)SHMRPC_OK);
    shmrpci_store_relaxed(&at->done_ticks, shmrpci_ticks());
    shmrpci_store_release(&at->word, shm_word_moved(word, SHM_DONE));
}

static void reply_that_woke_nobody_is_found_and_counted(void **state)
{
    (void)state;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    /* Repeated until a rescue is counted: a reply does not count if it arrives
     * before the client sleeps, or in the second half of its sleep. */
    while (rescued() == 0) {
        shmrpci_thread thread;
        int status = -1;
        assert_true(shmrpci_now_ns() < deadline_ns);
        assert_int_equal(
            shmrpci_thread_create(&thread, "call", call_asleep, &status),
            SHMRPC_OK);
        await_waiting(0);
        answer_silently(0);
        shmrpci_thread_join(&thread);
        assert_int_equal(status, SHMRPC_OK);
    }
}

/* Makes a call with the TOLD flag from a client that seems to sleep on its
 * socket. */
static void call_armed(uint32_t arming)
{
    shmrpci_call call = {0};
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_store_seq(client()->block.armed, arming);
    assert_int_equal(
        conn->transport->client->reserve(conn, &call, 0, 0, until_ns, NULL),
        SHMRPC_OK);
    call.head = (shmrpci_head){.method = METHOD_ECHO,
                               .flags = SHMRPCI_HEAD_TOLD,
                               .timeout_ns = PATIENCE_NS};
    assert_int_equal(conn->transport->client->commit(&call), SHMRPC_OK);
    assert_int_equal(conn->transport->client->receive(&call, until_ns),
                     SHMRPC_OK);
    conn->transport->client->release(&call);
}

static bool await_extent(uint32_t tag)
{
    shm_packet packet;
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool is_there = false;
    while (!is_there && shmrpci_poll_readable(client()->control_fd, until_ns)) {
        if (shm_message_receive(client()->control_fd, &packet) == SHMRPC_OK) {
            is_there = packet.head.kind == SHM_MESSAGE_EXTENT &&
                       packet.head.tag == tag &&
                       packet.head.status == SHMRPC_OK;
            shm_packet_close_fds(&packet);
        }
    }
    return is_there;
}

/* Nobody reads the client's socket here, as if the client's reading thread got
 * no CPU. */
static void extent_comes_after_any_number_of_ends_that_were_told(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 1000; i++) {
        call_armed(i);
    }
    shm_message want = {
        .kind = SHM_MESSAGE_WANT, .bytes = SHM_EXTENT_MIN_BYTES, .tag = 7};
    assert_int_equal(
        shm_message_send(client()->control_fd, want, NULL, NULL, 0), SHMRPC_OK);
    /* The service has read the request, and must not lose what it can't send
     * now. */
    int64_t until_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (shmrpci_load_seq(&client()->block.extents[1]) == 0) {
        assert_true(shmrpci_remaining_ns(until_ns) > 0);
        (void)sched_yield();
    }
    assert_true(await_extent(7));
}

static int64_t cpu_time_ns(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (int64_t)used.tv_sec * SHMRPCI_NS_PER_S + used.tv_nsec;
}

/* Returns the CPU time that waiting for 50 ms takes. */
static int64_t wait_for_a_claimed_call(void *call)
{
    int64_t before_ns = cpu_time_ns();
    assert_int_equal(conn->transport->client->receive(
                         call, shmrpci_deadline_after(50 * SHMRPCI_NS_PER_MS)),
                     SHMRPC_E_DEADLINE);
    return cpu_time_ns() - before_ns;
}

static void waiting_for_a_claimed_call_costs_no_cpu(void **state)
{
    (void)state;
    shmrpci_call call = {0};
    client_echoes(conn, "warm");
    break_a_lease();
    assert_int_equal(client_send(conn, &call, METHOD_HOLD, "x", 1, 0), 0);
    shmrpci_event_set(client()->bell_fd);
    await_count(&s.held, 1);
    expect_reaction(wait_for_a_claimed_call, &call, 0, 5 * SHMRPCI_NS_PER_MS);
    (void)conn->transport->client->cancel(&call);
}

static void start_worker_late(void *user)
{
    shmrpci_participant *worker = user;
    shmrpci_request request = {0};
    while (worker->transport->worker->next(worker, &request) == SHMRPC_OK) {
        atomic_fetch_add(&s.held, 1);
        worker->transport->worker->drop(&request);
    }
    worker->transport->worker->participant_close(worker);
}

static void serve_one(void *user)
{
    shmrpci_participant *worker = user;
    shmrpci_request request = {0};
    if (worker->transport->worker->next(worker, &request) == SHMRPC_OK) {
        worker_finish(&request);
    }
    worker->transport->worker->participant_close(worker);
}

static void new_worker_looks_at_no_client_that_left(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        shmrpci_thread thread;
        shmrpci_conn *leaving = client_open(&s.address);
        assert_int_equal(shmrpci_thread_create(&thread, "new", serve_one,
                                               service_open_worker(&s)),
                         SHMRPC_OK);
        leaving->transport->client->disconnect(leaving);
        assert_int_equal(client_call(conn, METHOD_ECHO, "", 0, 0, NULL),
                         SHMRPC_OK);
        shmrpci_thread_join(&thread);
    }
}

static void await_closed(void)
{
    /* Connections are handled in the order of their events: when a later one
     * exists, the earlier one is gone. */
    shmrpci_conn *later = client_open(&s.address);
    later->transport->client->disconnect(later);
}

static void oneway_calls_of_a_client_that_left_still_run(void **state)
{
    (void)state;
    shmrpci_thread thread;
    for (int i = 0; i < 7; i++) {
        shmrpci_call call = {0};
        assert_int_equal(
            conn->transport->client->reserve(conn, &call, 1, 0, 0, NULL),
            SHMRPC_OK);
        call.head =
            (shmrpci_head){.method = METHOD_ECHO, .flags = SHMRPCI_HEAD_ONEWAY};
        assert_int_equal(conn->transport->client->commit(&call), SHMRPC_OK);
    }
    conn->transport->client->disconnect(conn);
    conn = NULL;
    await_closed();
    assert_int_equal(shmrpci_thread_create(&thread, "late", start_worker_late,
                                           service_open_worker(&s)),
                     SHMRPC_OK);
    await_count(&s.held, 7);
    s.listener->transport->listener->stop(s.listener);
    shmrpci_thread_join(&thread);
}

static void oneway_call_of_a_client_killed_before_the_ring_runs(void **state)
{
    (void)state;
    client_echoes(conn, "warm");
    await_asleep(0);
    client_publish(conn, 0, METHOD_HOLD);
    shmrpci_store_relaxed(&client()->block.slots[0].flags,
                          (uint16_t)SHM_MSG_ONEWAY);
    conn->transport->client->disconnect(conn);
    conn = NULL;
    await_count(&s.held, 1);
}

static void other_calls_of_a_client_that_left_do_not_run(void **state)
{
    (void)state;
    shmrpci_thread thread;
    shmrpci_call call = {0};
    assert_int_equal(client_send(conn, &call, METHOD_ECHO, "x", 1, 0), 0);
    assert_int_equal(
        conn->transport->client->reserve(conn, &call, 1, 0, 0, NULL),
        SHMRPC_OK);
    call.head =
        (shmrpci_head){.method = METHOD_ECHO, .flags = SHMRPCI_HEAD_ONEWAY};
    assert_int_equal(conn->transport->client->commit(&call), SHMRPC_OK);
    conn->transport->client->disconnect(conn);
    conn = NULL;
    await_closed();
    assert_int_equal(shmrpci_thread_create(&thread, "late", start_worker_late,
                                           service_open_worker(&s)),
                     SHMRPC_OK);
    /* Every scan reaches the oneway call after the other call. So by now the
     * other call has been skipped. */
    await_count(&s.held, 1);
    s.listener->transport->listener->stop(s.listener);
    shmrpci_thread_join(&thread);
    assert_int_equal(atomic_load(&s.held), 1);
}

int main(void)
{
#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(rule_1_leaves_no_hot_slot_behind, setup),
        CASE(rule_1_leaves_no_other_slot_behind, setup),
        CASE(rule_1_holds_for_methods_that_are_known_to_be_long, setup),
        CASE(hint_stays_with_its_slot_until_the_worker_sleeps, setup),
        CASE(hint_without_a_request_wakes_nobody, setup),
        CASE(call_that_relied_on_a_broken_lease_is_rung_for, setup),
        CASE(sleeps_by_a_lease_only_while_a_worker_sleeps,
             setup_without_workers),
        CASE(stream_relies_on_no_lease, setup),
        CASE(request_before_another_leaves_the_ring_to_that, setup),
        CASE(request_that_was_left_alone_is_rung_for_by_who_waits, setup),
        CASE(lost_wake_up_is_made_up_for_and_counted, setup_with_gauges),
        CASE(reply_wakes_a_sleeping_client, setup_without_workers),
        CASE(reply_that_woke_nobody_is_found_and_counted,
             setup_without_workers),
        CASE(extent_comes_after_any_number_of_ends_that_were_told, setup),
        CASE(waiting_for_a_claimed_call_costs_no_cpu, setup),
        CASE(new_worker_looks_at_no_client_that_left, setup_without_workers),
        CASE(oneway_call_of_a_client_killed_before_the_ring_runs, setup),
        CASE(oneway_calls_of_a_client_that_left_still_run,
             setup_without_workers),
        CASE(other_calls_of_a_client_that_left_do_not_run,
             setup_without_workers),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
