/*
 * Calls with callbacks and the event loop that they wake, over every transport
 * of this machine; and what happens to them in a forked child.
 */
#include "async_sample.h"

#include <sys/wait.h>
#include <unistd.h>

#include "os/poll.h"

/* ---- callbacks ----------------------------------------------------------- */

typedef struct tally {
    both *b;
    unsigned
        ended[2 * ASYNC_MANY]; /* how often each call's callback was called */
    int statuses[2 * ASYNC_MANY];
    int64_t sums[2 * ASYNC_MANY];
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* message of the last error */
    unsigned count;
    unsigned chain;      /* calls that are still to be started, one after
                          * another */
    shmrpc_call *victim; /* to be cancelled by the next callback */
} tally;

typedef struct ticket {
    tally *t;
    unsigned number;
} ticket;

typedef void ticket_fn(ticket *at, int status, void *reply,
                       const shmrpc_error *error);

static void end_ticket(shmrpc_function done, void *user, int status,
                       void *reply, const shmrpc_error *error)
{
    ((ticket_fn *)done)(user, status, reply, error);
}

static void note_sum(ticket *at, int status, void *reply,
                     const shmrpc_error *error)
{
    tally *t = at->t;
    t->count++;
    t->ended[at->number]++;
    t->statuses[at->number] = status;
    if (status == SHMRPC_OK) {
        memcpy(&t->sums[at->number], reply, sizeof(int64_t));
    } else {
        memcpy(t->message, error->message, sizeof t->message);
    }
    if (t->victim != NULL) {
        (void)shmrpc_call_cancel(t->victim);
        t->victim = NULL;
    }
    shmrpc_stub_release(reply);
}

static int call_back(ticket *at, uint32_t method, const void *params,
                     const shmrpc_opts *opts, ticket_fn *done,
                     shmrpc_call **out)
{
    return shmrpc_stub_async(at->t->b->client, method, params, opts, out, NULL,
                             end_ticket, (shmrpc_function)done, at);
}

static void add_later(ticket *at, tally *t, unsigned number,
                      const shmrpc_opts *opts)
{
    pair_params pair = {number, 1000};
    *at = (ticket){t, number};
    assert_int_equal(call_back(at, ADD, &pair, opts, note_sum, NULL), 0);
}

/* Runs an event loop with nothing else to do until `*count` is `wanted`. */
static void loop_until(const both *b, const unsigned *count, unsigned wanted)
{
    int fd = shmrpc_stub_fd(b->client);
    assert_true(fd >= 0);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (*count < wanted) {
        if (!shmrpci_poll_readable(fd, deadline_ns)) {
            fail_msg("timed out: %u of %u", *count, wanted);
        }
        (void)shmrpc_stub_dispatch(b->client);
    }
}

static void expect_all(const tally *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(t->ended[i], 1);
        assert_int_equal(t->statuses[i], SHMRPC_OK);
        assert_int_equal(t->sums[i], i + 1000);
    }
}

static void callbacks_are_called_once_each_by_the_loop(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket tickets[2 * ASYNC_MANY];
    for (unsigned i = 0; i < ASYNC_MANY; i++) {
        add_later(&tickets[i], &t, i, &async_patient);
    }
    assert_int_equal(t.count,
                     0); /* callbacks never run inside another function */
    loop_until(b, &t.count, ASYNC_MANY);
    for (unsigned i = ASYNC_MANY; i < 2 * ASYNC_MANY; i++) {
        add_later(&tickets[i], &t, i, &async_patient);
    }
    loop_until(b, &t.count, 2 * ASYNC_MANY);
    expect_all(&t, 2 * ASYNC_MANY);
    assert_int_equal(t.count, 2 * ASYNC_MANY);
    assert_int_equal(shmrpc_stub_dispatch(b->client), 0);
}

static void callbacks_need_no_descriptor(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket tickets[ASYNC_MANY];
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    for (unsigned i = 0; i < ASYNC_MANY; i++) {
        add_later(&tickets[i], &t, i, &async_patient);
    }
    while (t.count < ASYNC_MANY) {
        (void)shmrpc_stub_dispatch(b->client);
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    expect_all(&t, ASYNC_MANY);
}

static void note_chain(ticket *at, int status, void *reply,
                       const shmrpc_error *error)
{
    tally *t = at->t;
    pair_params pair = {1, 2};
    (void)error;
    assert_int_equal(status, SHMRPC_OK);
    shmrpc_stub_release(reply);
    t->count++;
    if (t->chain > 0) {
        t->chain--;
        assert_int_equal(
            call_back(at, ADD, &pair, &async_patient, note_chain, NULL), 0);
    }
    assert_int_equal(shmrpc_stub_dispatch(t->b->client), 0);
}

static void callbacks_start_calls(void **state)
{
    both *b = *state;
    tally t = {.b = b, .chain = 1000};
    ticket at = {&t, 0};
    pair_params pair = {1, 2};
    assert_int_equal(
        call_back(&at, ADD, &pair, &async_patient, note_chain, NULL), 0);
    loop_until(b, &t.count, 1001);
    assert_int_equal(t.count, 1001);
}

static void loop_wakes_for_deadlines(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket at = {&t, 0};
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(call_back(&at, WATCH, NULL, &async_hasty, note_sum, NULL),
                     0);
    loop_until(b, &t.count, 1);
    assert_true(shmrpci_now_ns() - began_ns >= async_hasty.timeout_ns);
    assert_int_equal(t.statuses[0], SHMRPC_E_DEADLINE);
    assert_non_null(strstr(t.message, "20 ms"));
}

/* The timer is set for the first call's deadline, and must then be set to an
 * earlier time. */
static void loop_wakes_for_the_nearest_deadline(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket first = {&t, 0};
    ticket second = {&t, 1};
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    assert_int_equal(
        call_back(&first, HOLD, NULL, &async_patient, note_sum, NULL), 0);
    assert_int_equal(
        call_back(&second, HOLD, NULL, &async_hasty, note_sum, NULL), 0);
    loop_until(b, &t.count, 1);
    assert_int_equal(t.statuses[1], SHMRPC_E_DEADLINE);
    assert_int_equal(t.ended[0], 0);
    sample_open(&b->server.state);
    loop_until(b, &t.count, 2);
}

static void cancelled_call_is_called_back_once(void **state)
{
    both *b = *state;
    shmrpc_call *held[2];
    shmrpc_call *call = NULL;
    tally t = {.b = b};
    ticket at = {&t, 0};
    ticket other = {&t, 1};
    pair_params pair = {1, 2};
    async_occupy(b, held);
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    assert_int_equal(
        call_back(&at, ADD, &pair, &async_patient, note_sum, &call), 0);
    assert_true(shmrpc_call_cancel(call));
    assert_int_equal(t.count, 0);
    loop_until(b, &t.count, 1);
    assert_int_equal(t.statuses[0], SHMRPC_E_CANCELLED);
    assert_non_null(strstr(t.message, "has not run"));
    /* Cancelled by the callback of another call. */
    assert_int_equal(
        call_back(&at, ADD, &pair, &async_patient, note_sum, &t.victim), 0);
    shmrpc_call *first = NULL;
    assert_int_equal(
        call_back(&other, ADD, &pair, &async_patient, note_sum, &first), 0);
    assert_true(shmrpc_call_cancel(first));
    loop_until(b, &t.count, 3);
    assert_int_equal(t.ended[0], 2);
    sample_open(&b->server.state);
    assert_int_equal(async_finish(held[0], HOLD, NULL, NULL), 0);
    assert_int_equal(async_finish(held[1], HOLD, NULL, NULL), 0);
    assert_int_equal(shmrpc_stub_dispatch(b->client), 0);
}

static void close_calls_back_what_is_owed(void **state)
{
    both *b = *state;
    both other = {.client = sample_connect(&b->server)};
    tally t = {.b = &other};
    ticket tickets[10];
    for (unsigned i = 0; i < 10; i++) {
        tickets[i] = (ticket){&t, i};
        assert_int_equal(
            call_back(&tickets[i], WATCH, NULL, &async_patient, note_sum, NULL),
            0);
    }
    shmrpc_stub_close(other.client);
    assert_int_equal(t.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(t.ended[i], 1);
        assert_int_equal(t.statuses[i], SHMRPC_E_CANCELLED);
    }
}

static int call_back_soon(ticket *at, uint32_t method, const void *params,
                          const shmrpc_opts *opts, int64_t patience_ns,
                          shmrpc_call **out)
{
    return shmrpc_stub_async_soon(at->t->b->client, method, params, opts,
                                  patience_ns, out, NULL, end_ticket,
                                  (shmrpc_function)note_sum, at);
}

/* A call that ends soon is reported before the function that starts it returns.
 * Any other call is reported by the loop, exactly once. */
static void short_calls_are_waited_for(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket soon[3] = {{&t, 0}, {&t, 1}, {&t, 2}};
    pair_params pair = {0, 1000};
    shmrpc_call *call = NULL;
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    assert_int_equal(
        call_back_soon(&soon[0], ADD, &pair, &async_patient, PATIENCE_NS, NULL),
        0);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.sums[0], 1000);
    assert_int_equal(
        call_back_soon(&soon[1], HOLD, NULL, &async_patient, 1000, &call), 0);
    assert_int_equal(t.count, 1);
    assert_int_equal(
        call_back_soon(&soon[2], HOLD, NULL, &async_hasty, PATIENCE_NS, NULL),
        0);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.statuses[2], SHMRPC_E_DEADLINE);
    (void)shmrpc_call_cancel(call);
    loop_until(b, &t.count, 3);
    assert_int_equal(t.statuses[1], SHMRPC_E_CANCELLED);
    sample_open(&b->server.state);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(t.ended[i], 1);
    }
}

static void note_thrown(ticket *at, int status, void *reply,
                        const shmrpc_error *error)
{
    at->t->count++;
    assert_int_equal(status, DETAILED_ERROR);
    assert_string_equal(error->name, "test.Detailed");
    const detail *payload = shmrpc_stub_payload(reply, &detailed_error);
    assert_string_equal(payload->text.ptr, "four");
    shmrpc_stub_release(reply);
}

static void payloads_of_errors_are_called_back(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket at = {&t, 0};
    assert_int_equal(
        call_back(&at, THROW, NULL, &async_patient, note_thrown, NULL), 0);
    loop_until(b, &t.count, 1);
    assert_int_equal(shmrpc_stub_async(b->client, ADD, NULL, NULL, NULL, NULL,
                                       end_ticket, NULL, NULL),
                     SHMRPC_E_INVALID);
}

/* Calls with callbacks, finished calls and blocking calls, together more than
 * there are slots. */
static void forms_of_calls_mix(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket tickets[ASYNC_MANY];
    shmrpc_call *calls[ASYNC_MANY];
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    for (unsigned i = 0; i < ASYNC_MANY; i++) {
        add_later(&tickets[i], &t, i, &async_patient);
        calls[i] = async_start_add(b, i, 5);
        if (i % 10 == 0) {
            sample_add(b->client, i, 7);
        }
    }
    for (unsigned i = 0; i < ASYNC_MANY; i++) {
        async_expect_sum(calls[i], (int64_t)i + 5);
    }
    loop_until(b, &t.count, ASYNC_MANY);
    expect_all(&t, ASYNC_MANY);
}

static void end_of_the_server_is_told_to_the_loop(void **state)
{
    (void)state;
    both b;
    sample_start(&b.server, async_scheme, &sample_service, 1);
    b.client = sample_connect(&b.server);
    tally t = {.b = &b};
    ticket tickets[ASYNC_SLOTS];
    int fd = shmrpc_stub_fd(b.client);
    for (unsigned i = 0; i < ASYNC_SLOTS; i++) {
        add_later(&tickets[i], &t, i, &async_patient);
    }
    sample_stop(&b.server);
    loop_until(&b, &t.count, ASYNC_SLOTS);
    for (unsigned i = 0; i < ASYNC_SLOTS; i++) {
        assert_int_equal(t.ended[i], 1);
        assert_true(t.statuses[i] == SHMRPC_OK ||
                    t.statuses[i] == SHMRPC_E_UNAVAILABLE ||
                    t.statuses[i] == SHMRPC_E_SERVER_LOST);
    }
    /* Nothing is left to do, and the loop must not spin. */
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (shmrpci_poll_readable(fd, 0)) {
        (void)shmrpc_stub_dispatch(b.client);
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    shmrpc_stub_close(b.client);
}

/* The end of the server also wakes a loop that has no calls in flight. Here all
 * calls were short, and had ended before the function that started them
 * returned. */
static void end_of_the_server_is_told_after_short_calls(void **state)
{
    (void)state;
    both b;
    sample_start(&b.server, async_scheme, &sample_service, 1);
    b.client = sample_connect(&b.server);
    tally t = {.b = &b};
    ticket at = {&t, 0};
    pair_params pair = {1, 2};
    int fd = shmrpc_stub_fd(b.client);
    (void)shmrpc_stub_dispatch(b.client);
    assert_int_equal(
        call_back_soon(&at, ADD, &pair, &async_patient, PATIENCE_NS, NULL), 0);
    assert_int_equal(t.count, 1);
    while (shmrpci_poll_readable(fd, 0)) {
        (void)shmrpc_stub_dispatch(b.client);
    }
    sample_stop(&b.server);
    assert_true(shmrpci_poll_readable(fd, shmrpci_deadline_after(PATIENCE_NS)));
    shmrpc_stub_close(b.client);
}

/* ---- forks --------------------------------------------------------------- */

/* Runs as the child of a process with calls in flight. Returns its exit status.
 */
static int be_child(const both *b, shmrpc_call *call, const tally *t)
{
    pair_params pair = {30, 12};
    shmrpc_call *own = NULL;
    shmrpc_error error;
    int64_t sum = 0;
    if (!shmrpc_call_is_over(call) || shmrpc_call_cancel(call)) {
        return 1;
    }
    if (async_finish(call, HOLD, NULL, &error) != SHMRPC_E_FORKED) {
        return 2;
    }
    shmrpc_call_release(call);
    if (shmrpc_stub_start(b->client, ADD, &pair, &async_patient, &own, NULL) !=
            0 ||
        async_finish(own, ADD, &sum, NULL) != 0 || sum != 42) {
        return 3;
    }
    if (shmrpc_stub_fd(b->client) < 0 || shmrpc_stub_dispatch(b->client) != 0) {
        return 4;
    }
    shmrpc_stub_close(b->client);
    return t->count == 0 ? 0 : 5;
}

static void calls_in_flight_are_not_the_childs(void **state)
{
    both *b = *state;
    if (strcmp(async_scheme, "inproc") == 0) {
        return; /* the inproc server does not exist in the child */
    }
    tally t = {.b = b};
    ticket at = {&t, 0};
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    shmrpc_call *call = async_start(b, HOLD, NULL);
    assert_int_equal(call_back(&at, WATCH, NULL, &async_hasty, note_sum, NULL),
                     0);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(be_child(b, call, &t));
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    loop_until(b, &t.count, 1);
    assert_int_equal(t.statuses[0], SHMRPC_E_DEADLINE);
    sample_open(&b->server.state);
    assert_int_equal(async_finish(call, HOLD, NULL, NULL), 0);
}

static const struct CMUnitTest tests[] = {
    ASYNC_CASE(callbacks_are_called_once_each_by_the_loop),
    ASYNC_CASE(callbacks_need_no_descriptor),
    ASYNC_CASE(callbacks_start_calls),
    ASYNC_CASE(loop_wakes_for_deadlines),
    ASYNC_CASE(loop_wakes_for_the_nearest_deadline),
    ASYNC_CASE(cancelled_call_is_called_back_once),
    ASYNC_CASE(close_calls_back_what_is_owed),
    ASYNC_CASE(short_calls_are_waited_for),
    ASYNC_CASE(payloads_of_errors_are_called_back),
    ASYNC_CASE(forms_of_calls_mix),
    ASYNC_CASE(calls_in_flight_are_not_the_childs),
    cmocka_unit_test(end_of_the_server_is_told_to_the_loop),
    cmocka_unit_test(end_of_the_server_is_told_after_short_calls),
};

int main(void)
{
    return async_main(tests, sizeof tests / sizeof *tests);
}
