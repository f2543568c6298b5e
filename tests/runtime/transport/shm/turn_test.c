/* How a worker takes turns among many clients: its searches, step by step. */
#include "service.h"

#include "transport/shm/client.h"
#include "transport/shm/worker.h"

static service s;
static shmrpci_conn *conn; /* the client that is awake */

static int setup(void **state)
{
    (void)state;
    shmrpci_address address = new_address();
    service_start(&s, &address, 0);
    conn = client_open(&address);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    conn->transport->client->disconnect(conn);
    service_stop(&s);
    return 0;
}

static shm_client *client_of(shmrpci_conn *it)
{
    return (shm_client *)(void *)it;
}

/* Returns the state of the call on the first slot. */
static uint32_t state_of(shmrpci_conn *it)
{
    return shm_word_state(
        shmrpci_load_seq(&client_of(it)->block.slots[0].word));
}

static bool is_answered(shmrpci_conn *it)
{
    return state_of(it) == SHM_DONE;
}

static void keep_calling(shmrpci_conn *it)
{
    if (state_of(it) != SHM_SUBMITTED) {
        client_publish(it, 0, METHOD_ECHO);
    }
}

#define BUSY 15u

static void busy_clients_keep_no_idle_one_waiting(void **state)
{
    (void)state;
    /* With the idle one there are as many clients as SHM_MAX_SKIPS: scans of
     * idle connections could fall into step with the rotation among clients. */
    shmrpci_conn *busy[BUSY];
    shmrpci_participant *worker = service_open_worker(&s);
    for (size_t i = 0; i < BUSY; i++) {
        busy[i] = client_open(&s.address);
    }
    int64_t start_ns = 0;
    uint32_t calls = 0;
    while (calls < 4000) {
        for (size_t i = 0; i < BUSY; i++) {
            keep_calling(busy[i]);
        }
        int64_t now_ns = shmrpci_now_ns();
        if (start_ns == 0) {
            start_ns = now_ns;
        } else if (now_ns - start_ns > 5 * SHMRPCI_NS_PER_MS) {
            /* By now the connection counts as idle. */
            if (is_answered(conn)) {
                break;
            }
            calls++;
            keep_calling(conn);
        }
        shmrpci_request request = {0};
        assert_int_equal(worker->transport->worker->next(worker, &request),
                         SHMRPC_OK);
        worker_finish(&request);
    }
    assert_in_range(calls, 1, 16 * BUSY * 2);
    for (size_t i = 0; i < BUSY; i++) {
        busy[i]->transport->client->disconnect(busy[i]);
    }
    worker->transport->worker->participant_close(worker);
}

/* Makes one scan in the middle of a search, `us` after the last one; returns
 * how many calls were answered. */
static unsigned look_after(shm_worker *worker, uint64_t *now, int64_t us,
                           bool is_full)
{
    shmrpci_request request = {0};
    *now += shmrpci_ticks_of_ns(us * SHMRPCI_NS_PER_US);
    worker->now = *now;
    worker->idle_since = *now;
    worker->turn.long_calls = 0; /* measured by the real clock, while the test
                                  * sets a clock of its own */
    if (!shm_worker_scan(worker, is_full)) {
        return 0;
    }
    assert_true(shm_worker_begin(worker, &request));
    worker_finish(&request);
    return 1;
}

static shmrpci_conn *open_sleeper(void)
{
    shmrpci_conn *sleeper = client_open(&s.address);
    shmrpci_store_seq(client_of(sleeper)->block.sleepers, UINT64_C(1));
    return sleeper;
}

/* Opens a worker that knows all connections and has two CPUs. */
static shm_worker *open_searcher(uint64_t *now)
{
    shmrpci_request request = {0};
    shm_worker *worker = (shm_worker *)(void *)service_open_worker(&s);
    keep_calling(conn);
    assert_int_equal(shm_worker_next(&worker->base, &request), SHMRPC_OK);
    worker_finish(&request);
    shmrpci_store_relaxed(&worker->spinner.allowed, 2u);
    shmrpci_store_relaxed(&worker->spinner.quota, 200u);
    *now = worker->now;
    return worker;
}

/* Returns how many calls of an awake client are served before one call of a
 * sleeping client. */
static unsigned calls_before_a_sleeper(shm_worker *worker, uint64_t *now,
                                       shmrpci_conn *sleeper, bool is_full)
{
    unsigned calls = 0;
    keep_calling(conn);
    keep_calling(sleeper);
    /* After this neither client counts as idle, and no call is waiting. */
    assert_int_equal(look_after(worker, now, 1, true), 1);
    assert_int_equal(look_after(worker, now, 1, true), 1);
    assert_int_equal(look_after(worker, now, 10, false), 0);
    keep_calling(sleeper);
    for (; !is_answered(sleeper); calls++) {
        assert_in_range(calls, 0, 1000);
        keep_calling(conn);
        assert_int_equal(look_after(worker, now, 4, is_full), 1);
    }
    return calls - 1;
}

static void who_is_awake_goes_first_for_a_while(void **state)
{
    (void)state;
    shmrpci_conn *sleeper = open_sleeper();
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    assert_in_range(calls_before_a_sleeper(worker, &now, sleeper, false), 12,
                    20);
    assert_in_range(calls_before_a_sleeper(worker, &now, sleeper, true), 12,
                    20);
    /* The awake client gets a moment to call again, except in a full scan. */
    keep_calling(conn);
    assert_int_equal(look_after(worker, &now, 1, false), 1);
    keep_calling(sleeper);
    assert_int_equal(look_after(worker, &now, 0, false), 0);
    assert_int_equal(look_after(worker, &now, 0, true), 1);
    sleeper->transport->client->disconnect(sleeper);
    shm_worker_close(&worker->base);
}

static void those_awake_and_those_who_waited_alternate(void **state)
{
    (void)state;
    shmrpci_conn *sleepers[] = {open_sleeper(), open_sleeper(), open_sleeper()};
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    unsigned calls = 0;
    for (size_t i = 0; i < 3; i++) {
        keep_calling(sleepers[i]);
        assert_int_equal(look_after(worker, &now, 1, true), 1);
        keep_calling(sleepers[i]);
    }
    while (!is_answered(sleepers[0]) && !is_answered(sleepers[1]) &&
           !is_answered(sleepers[2])) {
        assert_in_range(calls++, 0, 1000);
        keep_calling(conn);
        assert_int_equal(look_after(worker, &now, 4, false), 1);
    }
    assert_in_range(calls, 3 * 12, 3 * 20);
    for (unsigned served = 1; served < 3; served++) {
        for (unsigned i = 0; i < 2; i++) {
            keep_calling(conn);
            assert_int_equal(look_after(worker, &now, 1, false), 1);
            assert_int_equal(is_answered(conn), i == 0);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_answered(sleepers[i]));
        sleepers[i]->transport->client->disconnect(sleepers[i]);
    }
    shm_worker_close(&worker->base);
}

/* Makes one more call of the awake client, and serves one call. */
static void call_and_serve(shm_worker *worker, uint64_t ticks)
{
    shmrpci_request request = {0};
    keep_calling(conn);
    assert_true(shm_worker_scan(worker, true));
    assert_true(shm_worker_begin(worker, &request));
    uint64_t began = shmrpci_ticks();
    while (shmrpci_ticks() - began <= ticks) {
    }
    worker_finish(&request);
}

static void long_calls_are_answered_in_turn(void **state)
{
    (void)state;
    shmrpci_conn *sleeper = open_sleeper();
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    shm_turn *turn = &worker->turn;
    turn->passed_ticks = shmrpci_ticks_of_ns(SHMRPCI_NS_PER_S);
    keep_calling(sleeper);
    for (unsigned calls = 0; !is_answered(sleeper); calls++) {
        assert_in_range(calls, 0, SHM_LONG_CALLS + 2);
        call_and_serve(worker, 2 * turn->again_ticks);
    }
    /* Clients take turns until a call is short. With a limit of 60 s every call
     * is short. */
    turn->again_ticks = shmrpci_ticks_of_ns(60 * SHMRPCI_NS_PER_S);
    call_and_serve(worker, 0);
    keep_calling(sleeper);
    for (unsigned calls = 0; calls < 4; calls++) {
        call_and_serve(worker, 0);
        assert_false(is_answered(sleeper));
    }
    sleeper->transport->client->disconnect(sleeper);
    shm_worker_close(&worker->base);
}

/* Returns whether the call on a slot has ended. If it has, makes another call
 * there. */
static bool call_again_on(uint32_t slot)
{
    uint32_t word = shmrpci_load_seq(&client_of(conn)->block.slots[slot].word);
    bool is_over = shm_word_state(word) != SHM_SUBMITTED;
    if (is_over) {
        client_publish(conn, slot, METHOD_ECHO);
    }
    return is_over;
}

/* Threads that share a client: the one that calls on slot 1 is awake. */
#define AWAKE_SLOT 1u

static const uint32_t asleep_slots[] = {0, 2, 3};

/* Answers all calls, so that the worker has seen which threads sleep. */
static void begin_threads(shm_worker *worker, uint64_t *now)
{
    shmrpci_store_seq(client_of(conn)->block.sleepers, UINT64_C(0xD));
    for (size_t i = 0; i < 3; i++) {
        (void)call_again_on(asleep_slots[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(look_after(worker, now, 1, true), 1);
    }
    assert_int_equal(look_after(worker, now, 10, false), 0);
}

static void threads_that_are_awake_go_first_for_a_while(void **state)
{
    (void)state;
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    begin_threads(worker, &now);
    for (size_t i = 0; i < 3; i++) {
        (void)call_again_on(asleep_slots[i]);
    }
    unsigned calls = 0;
    unsigned answered = 0;
    for (; answered == 0; calls++) {
        assert_in_range(calls, 0, 1000);
        (void)call_again_on(AWAKE_SLOT);
        assert_int_equal(look_after(worker, &now, 4, false), 1);
        answered = call_again_on(AWAKE_SLOT) ? 0 : 1;
    }
    /* Three sleeping threads get as many turns as three sleeping clients. */
    assert_in_range(calls, 3 * 12, 3 * 20);
    shm_worker_close(&worker->base);
}

static void threads_that_sleep_are_answered_in_turn(void **state)
{
    (void)state;
    unsigned answered[3] = {0};
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    begin_threads(worker, &now);
    for (unsigned looks = 0; looks < 600; looks++) {
        (void)call_again_on(AWAKE_SLOT);
        for (size_t i = 0; i < 3; i++) {
            answered[i] += call_again_on(asleep_slots[i]);
        }
        assert_int_equal(look_after(worker, &now, 4, false), 1);
    }
    /* The awake thread calls again at once, so the sleeping ones get only some
     * of the turns, but equally many. */
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(answered[i], 9, 600);
        assert_in_range(answered[i], answered[0] - 1, answered[0] + 1);
    }
    shm_worker_close(&worker->base);
}

static void calls_of_one_thread_sleep_together(void **state)
{
    (void)state;
    shmrpci_conn *awake = client_open(&s.address);
    uint64_t now;
    shm_worker *worker = open_searcher(&now);
    keep_calling(awake);
    assert_int_equal(look_after(worker, &now, 1, true), 1);
    /* The thread has two calls in flight, and sleeps until the older one
     * ends. */
    shmrpci_store_seq(client_of(conn)->block.sleepers, UINT64_C(1));
    (void)call_again_on(0);
    (void)call_again_on(AWAKE_SLOT);
    keep_calling(awake);
    assert_int_equal(look_after(worker, &now, 1, false), 1);
    assert_true(is_answered(awake));
    assert_int_equal(look_after(worker, &now, 1, false), 0);
    awake->transport->client->disconnect(awake);
    shm_worker_close(&worker->base);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(busy_clients_keep_no_idle_one_waiting),
        CASE(who_is_awake_goes_first_for_a_while),
        CASE(those_awake_and_those_who_waited_alternate),
        CASE(long_calls_are_answered_in_turn),
        CASE(threads_that_are_awake_go_first_for_a_while),
        CASE(threads_that_sleep_are_answered_in_turn),
        CASE(calls_of_one_thread_sleep_together),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
