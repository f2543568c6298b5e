/* Programs with an event loop, whose servers are killed while calls are in
 * flight. */
#include "harness.h"

#include <poll.h>
#include <signal.h>

#include "../reaction.h"
#include "fault_client.h"

enum { FLYING = 64, MANY = 100 };

static const shmrpc_opts patient = {.timeout_ns = PATIENCE};

static fault_fault *connect_to(const char *where)
{
    fault_fault *client = NULL;
    shmrpc_error error;
    if (fault_fault_connect(where, NULL, &client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static harness_service serve(const void *over, const char *threads)
{
    return harness_serve_over(over, FAULT_SERVER, "fault", 5802, threads);
}

typedef struct tally {
    unsigned count;
    unsigned ended[MANY];
    int statuses[MANY];
    uint64_t numbers[MANY];
    int64_t last_ns;
} tally;

typedef struct ticket {
    tally *t;
    unsigned index;
} ticket;

static void note(const ticket *at, int status)
{
    at->t->count++;
    at->t->ended[at->index]++;
    at->t->statuses[at->index] = status;
    at->t->last_ns = harness_now_ns();
}

static void on_echo(void *user, int status, const uint64_t *value,
                    const shmrpc_error *error)
{
    const ticket *at = user;
    (void)error;
    note(at, status);
    at->t->numbers[at->index] = value != NULL ? *value : 0;
}

static void on_nap(void *user, int status, const shmrpc_error *error)
{
    (void)error;
    note(user, status);
}

static void on_blob(void *user, int status, const fault_fault_blob_reply *reply,
                    const shmrpc_error *error)
{
    const ticket *at = user;
    (void)error;
    note(at, status);
    at->t->numbers[at->index] = reply != NULL ? reply->value.len : 0;
    fault_fault_blob_release(reply);
}

static void loop_until(fault_fault *client, const unsigned *count,
                       unsigned wanted)
{
    struct pollfd entry = {.fd = fault_fault_fd(client), .events = POLLIN};
    assert_true(entry.fd >= 0);
    while (*count < wanted) {
        if (poll(&entry, 1, (int)(PATIENCE / MS)) != 1) {
            fail_msg("timed out: %u of %u calls have ended", *count, wanted);
        }
        (void)fault_fault_dispatch(client);
    }
}

/* Numbers match each answer to its call. All calls are started before any
 * answer is dispatched. (The same is tested over inproc by runtime/rpc/async,
 * over NATS by tools/shmrpc-nats/gateway.) */
static void hundred_calls_get_their_own_answers(void **state)
{
    harness_service service = serve(*state, "2");
    fault_fault *client = connect_to(service.where);
    for (uint64_t round = 1; round <= 20; round++) {
        tally t = {.count = 0};
        ticket tickets[MANY];
        for (unsigned i = 0; i < MANY; i++) {
            tickets[i] = (ticket){&t, i};
            assert_int_equal(fault_fault_echo_async(client, round * MANY + i,
                                                    &patient, NULL, NULL,
                                                    on_echo, &tickets[i]),
                             0);
        }
        loop_until(client, &t.count, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(t.ended[i], 1);
            assert_int_equal(t.statuses[i], 0);
            assert_true(t.numbers[i] == round * MANY + i);
        }
    }
    fault_fault_close(client);
    harness_end(&service);
}

/* Large replies, which arrive in extents, also wake the loop. */
static void large_replies_come_through_the_loop(void **state)
{
    static uint8_t data[(size_t)3 << 20];
    harness_service service = serve(*state, "2");
    fault_fault *client = connect_to(service.where);
    tally t = {.count = 0};
    ticket tickets[20];
    for (unsigned i = 0; i < 20; i++) {
        shmrpc_bytes bytes = {data, sizeof data >> i};
        tickets[i] = (ticket){&t, i};
        assert_int_equal(fault_fault_blob_async(client, bytes, &patient, NULL,
                                                NULL, on_blob, &tickets[i]),
                         0);
    }
    loop_until(client, &t.count, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(t.statuses[i], 0);
        assert_true(t.numbers[i] == sizeof data >> i);
    }
    fault_fault_close(client);
    harness_end(&service);
}

static void await_naps(fault_fault *client, uint32_t wanted)
{
    int64_t deadline_ns = harness_now_ns() + PATIENCE;
    uint32_t got = 0;
    while (got < wanted) {
        assert_int_equal(fault_fault_napping(client, &patient, &got, NULL), 0);
        assert_true(harness_now_ns() < deadline_ns);
    }
}

static void nap_later(fault_fault *client, ticket *at, tally *t, unsigned i)
{
    *at = (ticket){t, i};
    assert_int_equal(
        fault_fault_nap_async(client, 20000, &patient, NULL, NULL, on_nap, at),
        0);
}

/* Expects the next server to answer, on the same descriptor. */
static void expect_next_server(fault_fault *client, const char *where, int fd)
{
    tally t = {.count = 0};
    ticket at = {&t, 0};
    child server = harness_serve(FAULT_SERVER, where, "1");
    assert_int_equal(
        fault_fault_echo_async(client, 77, &patient, NULL, NULL, on_echo, &at),
        0);
    assert_int_equal(fault_fault_fd(client), fd);
    loop_until(client, &t.count, 1);
    assert_int_equal(t.statuses[0], SHMRPC_OK);
    assert_true(t.numbers[0] == 77);
    harness_signal(&server, SIGKILL);
}

/* All 64 calls are reported: those that a worker has taken, and those that
 * wait. */
static int64_t kill_with_64_in_flight(void *user)
{
    enum { CLAIMED = 3 };
    tally t = {.count = 0};
    ticket tickets[FLYING];
    harness_service service = serve(user, "4");
    fault_fault *client = connect_to(service.where);
    fault_fault *other = connect_to(service.where);
    for (unsigned i = 0; i < CLAIMED; i++) {
        nap_later(client, &tickets[i], &t, i);
    }
    await_naps(other, CLAIMED);
    for (unsigned i = CLAIMED; i < FLYING; i++) {
        nap_later(client, &tickets[i], &t, i);
    }
    struct pollfd entry = {.fd = fault_fault_fd(client), .events = POLLIN};
    int64_t killed_ns = harness_now_ns();
    harness_signal(&service.server, SIGKILL);
    loop_until(client, &t.count, FLYING);
    int64_t reaction_ns = t.last_ns - killed_ns;
    for (unsigned i = 0; i < FLYING; i++) {
        assert_int_equal(t.ended[i], 1);
        assert_true(t.statuses[i] == SHMRPC_E_SERVER_LOST ||
                    (i >= CLAIMED && t.statuses[i] == SHMRPC_E_UNAVAILABLE));
    }
    /* Dispatches until nothing is left to do. */
    while (poll(&entry, 1, 0) == 1) {
        assert_int_equal(fault_fault_dispatch(client), 0);
    }
    expect_next_server(client, service.at, entry.fd);
    fault_fault_close(other);
    fault_fault_close(client);
    return reaction_ns;
}

static void killed_server_ends_all_calls_in_flight(void **state)
{
    expect_reaction(kill_with_64_in_flight, *state, 0, 100 * MS);
}

static void every_form_of_a_method_is_generated(void **state)
{
    /* Two workers, because one of them may be busy with the nap. */
    harness_service service = serve(*state, "2");
    fault_fault *client = connect_to(service.where);
    shmrpc_call *echo = NULL;
    shmrpc_call *blob = NULL;
    shmrpc_call *nap = NULL;
    shmrpc_error error;
    uint64_t number = 0;
    const fault_fault_blob_reply *reply = NULL;
    assert_int_equal(fault_fault_echo_start(client, 5, NULL, &echo, NULL), 0);
    assert_int_equal(fault_fault_blob_start(client, shmrpc_bytes_of("abc", 3),
                                            NULL, &blob, NULL),
                     0);
    assert_int_equal(fault_fault_nap_start(client, 20000, NULL, &nap, NULL), 0);
    assert_int_equal(fault_fault_blob_finish(echo, &reply, &error),
                     SHMRPC_E_INVALID);
    assert_int_equal(fault_fault_blob_finish(blob, &reply, &error), 0);
    assert_int_equal(reply->value.len, 3);
    fault_fault_blob_release(reply);
    assert_int_equal(fault_fault_echo_finish(echo, &number, &error), 0);
    assert_true(number == 5);
    (void)shmrpc_call_cancel(nap);
    assert_int_equal(fault_fault_nap_finish(nap, &error), SHMRPC_E_CANCELLED);
    fault_fault_close(client);
    harness_end(&service);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        HARNESS_CASES(every_form_of_a_method_is_generated, NULL, NULL),
        HARNESS_ALL_CASES(hundred_calls_get_their_own_answers, NULL, NULL),
        HARNESS_CASES(large_replies_come_through_the_loop, NULL, NULL),
        HARNESS_CASE(killed_server_ends_all_calls_in_flight, NULL, NULL, shm),
        HARNESS_CASE(killed_server_ends_all_calls_in_flight, NULL, NULL, tcp),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
