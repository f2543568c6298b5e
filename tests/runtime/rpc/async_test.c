/* Asynchronous calls from end to end, over every transport of this machine. */
#include "sample.h"

#include <sys/wait.h>
#include <unistd.h>

#include "os/poll.h"
#include "sync/atomic.h"
#include "transport/transport.h"

/* More than a connection has slots. */
#define MANY  100
#define SLOTS 64

static const char *scheme;

typedef struct both {
    sample_server server;
    shmrpc_client *client;
} both;

static int set_up(void **state)
{
    both *b = calloc(1, sizeof *b);
    sample_start(&b->server, scheme, &sample_service, 2);
    b->client = sample_connect(&b->server);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    both *b = *state;
    shmrpc_stub_close(b->client);
    sample_stop(&b->server);
    free(b);
    return 0;
}

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};
static const shmrpc_opts hasty = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
static const shmrpc_opts unwaiting = {.timeout_ns = PATIENCE_NS,
                                      .flags = SHMRPC_OPT_NONBLOCK};

/* ---- calls that are finished ---- */

static shmrpc_call *start(const both *b, uint32_t method, const void *params)
{
    shmrpc_call *call = NULL;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_start(b->client, method, params, &patient, &call, &error) !=
        SHMRPC_OK) {
        fail_msg("start: %s", error.message);
    }
    return call;
}

static shmrpc_call *start_add(const both *b, int64_t x, int64_t y)
{
    pair_params params = {x, y};
    return start(b, ADD, &params);
}

static int finish(shmrpc_call *call, uint32_t method, void *result,
                  shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &sample_service, method, result, error);
}

static int finish_reply(shmrpc_call *call, uint32_t method, void *reply,
                        shmrpc_error *error)
{
    return shmrpc_stub_finish_reply(call, &sample_service, method,
                                    (const void **)reply, error);
}

static void expect_sum(shmrpc_call *call, int64_t sum)
{
    int64_t got = 0;
    shmrpc_error error = {.name = ""};
    if (finish(call, ADD, &got, &error) != SHMRPC_OK) {
        fail_msg("finish: %s", error.message);
    }
    assert_int_equal(got, sum);
}

static void many_calls_are_finished_in_any_order(void **state)
{
    both *b = *state;
    shmrpc_call *calls[MANY];
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < MANY; i++) {
            calls[i] = start_add(b, i, 1000 * round);
        }
        for (int64_t i = MANY - 1; i >= 0; i -= 2) {
            expect_sum(calls[i], i + 1000 * round);
        }
        for (int64_t i = 0; i < MANY; i += 2) {
            expect_sum(calls[i], i + 1000 * round);
        }
    }
}

static void arguments_are_borrowed_until_start_returns(void **state)
{
    both *b = *state;
    char text[] = "before";
    text_params params = {shmrpc_str_of(text)};
    shmrpc_call *call = start(b, ECHO_JSON, &params);
    memset(text, 'x', sizeof text);
    const shmrpc_str *reply = NULL;
    assert_int_equal(finish_reply(call, ECHO_JSON, &reply, NULL), 0);
    assert_true(shmrpc_str_equal(*reply, shmrpc_str_of("before")));
    shmrpc_stub_release(reply);
}

/* Ends the calls that are over, as others need their slots. */
static void crowd(const both *b)
{
    shmrpc_call *calls[2 * SLOTS];
    for (size_t i = 0; i < 2 * SLOTS; i++) {
        calls[i] = start_add(b, (int64_t)i, 1);
    }
    for (size_t i = 0; i < 2 * SLOTS; i++) {
        expect_sum(calls[i], (int64_t)i + 1);
    }
}

/* All forms of results, ended by finish, or before it. */
static void results_of_every_encoding_come_back(void **state)
{
    both *b = *state;
    static const uint8_t data[100000] = {7, 8, 9};
    for (int is_early = 0; is_early < 2; is_early++) {
        bytes_params bytes = {{data, sizeof data}};
        text_params text = {shmrpc_str_of("text")};
        pair_params pair = {20, 22};
        pair_params fill = {3000, 'f'};
        shmrpc_call *raw = start(b, ECHO_RAW, &bytes);
        shmrpc_call *json = start(b, ECHO_JSON, &text);
        shmrpc_call *native = start(b, ADD, &pair);
        shmrpc_call *msgpack = start(b, ADD_MSGPACK, &pair);
        shmrpc_call *filled = start(b, FILL, &fill);
        shmrpc_call *nothing = start(b, NOTHING, NULL);
        if (is_early) {
            crowd(b);
        }
        const shmrpc_bytes *back = NULL;
        const shmrpc_str *str = NULL;
        int64_t sum = 0;
        assert_int_equal(finish(nothing, NOTHING, NULL, NULL), 0);
        assert_int_equal(finish_reply(filled, FILL, &str, NULL), 0);
        assert_int_equal(str->len, 3000);
        shmrpc_stub_release(str);
        assert_int_equal(finish(msgpack, ADD_MSGPACK, &sum, NULL), 0);
        assert_int_equal(sum, 42);
        expect_sum(native, 42);
        assert_int_equal(finish_reply(json, ECHO_JSON, &str, NULL), 0);
        assert_string_equal(str->ptr, "text");
        shmrpc_stub_release(str);
        assert_int_equal(finish_reply(raw, ECHO_RAW, &back, NULL), 0);
        assert_int_equal(back->len, sizeof data);
        assert_memory_equal(back->ptr, data, sizeof data);
        shmrpc_stub_release(back);
    }
}

static void errors_are_those_of_calls_that_block(void **state)
{
    both *b = *state;
    for (int is_early = 0; is_early < 2; is_early++) {
        pair_params pair = {INT64_MAX, 1};
        fail_params fail = {SHMRPC_E_NOT_FOUND, shmrpc_str_of("no such")};
        shmrpc_call *overflow = start(b, ADD, &pair);
        shmrpc_call *failing = start(b, FAIL, &fail);
        shmrpc_call *thrown = start(b, THROW, NULL);
        if (is_early) {
            crowd(b);
        }
        shmrpc_error error;
        int64_t sum = 5;
        const void *reply = NULL;
        assert_int_equal(finish(overflow, ADD, &sum, &error), OVERFLOW_ERROR);
        assert_string_equal(error.name, "test.Overflow");
        assert_string_equal(error.message,
                            "9223372036854775807 + 1 is too much");
        assert_int_equal(sum, 5);
        assert_int_equal(finish(failing, FAIL, NULL, &error),
                         SHMRPC_E_NOT_FOUND);
        assert_string_equal(error.message, "no such");
        assert_int_equal(finish_reply(thrown, THROW, &reply, &error),
                         DETAILED_ERROR);
        const detail *payload = shmrpc_stub_payload(reply, &detailed_error);
        assert_string_equal(payload->text.ptr, "four");
        shmrpc_stub_release(reply);
    }
}

static void parameter_out_of_bounds_is_refused_at_once(void **state)
{
    both *b = *state;
    char *text = calloc(1, 100001);
    memset(text, 'x', 100001);
    text_params params = {{text, 100001}};
    shmrpc_call *call = NULL;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_start(b->client, ECHO_JSON, &params, NULL, &call, &error),
        SHMRPC_E_INVALID);
    assert_string_equal(error.path, "text");
    assert_null(call);
    free(text);
}

static void finishing_by_another_method_is_INVALID(void **state)
{
    both *b = *state;
    shmrpc_call *call = start_add(b, 1, 2);
    shmrpc_error error;
    assert_int_equal(finish(call, NOTHING, NULL, &error), SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "add"));
    expect_sum(call, 3);
}

/* ---- loans ---- */

static int loan(const both *b, size_t len, uint8_t **at, shmrpc_call **out)
{
    return shmrpc_stub_loan(b->client, ECHO_RAW, len, &patient, at, out, NULL);
}

static void lent_bytes_arrive_as_they_were_filled(void **state)
{
    both *b = *state;
    static const size_t sizes[] = {0,    1,    208,   209,     232,
                                   4096, 4097, 70000, 1 << 20, 3 << 20};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t len = sizes[i / 2];
        uint8_t *at = NULL;
        shmrpc_call *call = NULL;
        const shmrpc_bytes *back = NULL;
        shmrpc_error error;
        assert_int_equal(loan(b, len, &at, &call), 0);
        for (size_t k = 0; k < len; k++) {
            at[k] = (uint8_t)(k * 7 + (k >> 9) + i);
        }
        /* It is no call yet. */
        assert_false(shmrpc_call_is_over(call));
        assert_false(shmrpc_call_cancel(call));
        assert_int_equal(finish_reply(call, ECHO_RAW, &back, &error),
                         SHMRPC_E_INVALID);
        assert_non_null(strstr(error.message, "not sent"));
        assert_int_equal(shmrpc_stub_send(call, &error), 0);
        assert_int_equal(shmrpc_stub_send(call, &error), SHMRPC_E_INVALID);
        assert_int_equal(finish_reply(call, ECHO_RAW, &back, &error), 0);
        assert_int_equal(back->len, len);
        for (size_t k = 0; k < len; k++) {
            assert_int_equal(back->ptr[k], (uint8_t)(k * 7 + (k >> 9) + i));
        }
        shmrpc_stub_release(back);
    }
}

static void loans_are_released_instead_of_sent(void **state)
{
    both *b = *state;
    uint8_t *at = NULL;
    shmrpc_call *call = NULL;
    for (int i = 0; i < 3 * SLOTS; i++) {
        assert_int_equal(loan(b, 100000, &at, &call), 0);
        memset(at, 'x', 100000);
        shmrpc_call_release(call);
    }
    crowd(b);
    /* More than the largest message; and one that close gives back. */
    assert_int_equal(loan(b, (size_t)1 << 40, &at, &call), SHMRPC_E_TOO_LARGE);
    assert_int_equal(loan(b, 100, &at, &call), 0);
}

/* ---- room ---- */

static void call_without_room_is_BUSY_or_waits(void **state)
{
    both *b = *state;
    shmrpc_call *held[SLOTS];
    shmrpc_call *more = NULL;
    pair_params pair = {1, 2};
    shmrpc_error error;
    for (size_t i = 0; i < SLOTS; i++) {
        held[i] = start(b, HOLD, NULL);
    }
    assert_int_equal(
        shmrpc_stub_start(b->client, ADD, &pair, &unwaiting, &more, &error),
        SHMRPC_E_BUSY);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_start(b->client, ADD, &pair, &hasty, &more, &error),
        SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= hasty.timeout_ns);
    assert_null(more);
    sample_open(&b->server.state);
    expect_sum(start_add(b, 3, 4), 7);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_int_equal(finish(held[i], HOLD, NULL, NULL), 0);
    }
}

static void calls_for_nobody_go_between(void **state)
{
    both *b = *state;
    shmrpc_call *calls[MANY];
    pair_params pair = {1, 2};
    for (int64_t i = 0; i < MANY; i++) {
        calls[i] = start_add(b, i, i);
        assert_int_equal(
            shmrpc_stub_call(b->client, NOTE, &pair, &patient, NULL, NULL), 0);
    }
    for (int64_t i = 0; i < MANY; i++) {
        expect_sum(calls[i], 2 * i);
    }
    sample_await(&b->server.state, &b->server.state.noted, MANY);
}

/* ---- giving up ---- */

static void deadline_ends_a_started_call(void **state)
{
    both *b = *state;
    shmrpc_call *call = NULL;
    shmrpc_error error;
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_start(b->client, WATCH, NULL, &hasty, &call, NULL), 0);
    assert_int_equal(finish(call, WATCH, NULL, &error), SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= hasty.timeout_ns);
    assert_non_null(strstr(error.message, "20 ms"));
}

/* Both workers are in handlers then. */
static void occupy(both *b, shmrpc_call *held[2])
{
    held[0] = start(b, HOLD, NULL);
    held[1] = start(b, HOLD, NULL);
    sample_await(&b->server.state, &b->server.state.entered, 2);
}

static void cancelled_call_has_not_run_if_that_is_said(void **state)
{
    both *b = *state;
    shmrpc_call *held[2];
    shmrpc_error error;
    occupy(b, held);
    shmrpc_call *call = start_add(b, 1, 2);
    assert_true(shmrpc_call_cancel(call));
    assert_false(shmrpc_call_cancel(call));
    assert_true(shmrpc_call_is_over(call));
    int64_t sum = 0;
    assert_int_equal(finish(call, ADD, &sum, &error), SHMRPC_E_CANCELLED);
    assert_non_null(strstr(error.message, "it has not run"));
    sample_open(&b->server.state);
    assert_int_equal(finish(held[0], HOLD, NULL, NULL), 0);
    assert_int_equal(finish(held[1], HOLD, NULL, NULL), 0);
}

static void cancelled_handler_is_told(void **state)
{
    both *b = *state;
    shmrpc_error error;
    shmrpc_call *call = start(b, WATCH, NULL);
    sample_await(&b->server.state, &b->server.state.entered, 1);
    assert_false(shmrpc_call_is_over(call));
    assert_false(shmrpc_call_cancel(call));
    assert_int_equal(finish(call, WATCH, NULL, &error), SHMRPC_E_CANCELLED);
    sample_await(&b->server.state, &b->server.state.cancelled, 1);
}

static void await_over(shmrpc_call *call)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!shmrpc_call_is_over(call)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
        shmrpci_pause();
    }
}

static void call_that_is_over_is_not_cancelled(void **state)
{
    both *b = *state;
    shmrpc_call *call = start_add(b, 1, 2);
    await_over(call);
    assert_false(shmrpc_call_cancel(call));
    expect_sum(call, 3);
}

static void released_calls_give_back_what_they_have(void **state)
{
    both *b = *state;
    pair_params fill = {1000, 'r'};
    for (int i = 0; i < 3 * SLOTS; i++) {
        shmrpc_call *call = start(b, FILL, &fill);
        if (i % 2 == 0) {
            await_over(call);
        }
        shmrpc_call_release(call);
    }
    shmrpc_call_release(NULL);
    crowd(b);
}

static void unfinished_calls_end_with_the_client(void **state)
{
    both *b = *state;
    shmrpc_client *client = sample_connect(&b->server);
    both other = {.client = client};
    await_over(start_add(&other, 1, 2));
    for (int i = 0; i < 10; i++) {
        (void)start(&other, WATCH, NULL);
    }
    shmrpc_stub_close(client);
    crowd(b);
}

/* ---- threads ---- */

enum { THREADS = 8, BATCH = 12 };

typedef struct pipeliner {
    shmrpci_thread thread;
    shmrpc_client *client;
    int64_t base;
    int failures;
} pipeliner;

static void pipeline(void *user)
{
    pipeliner *p = user;
    int rounds = getenv("SHMRPC_TEST_LONG") != NULL ? 5000 : 200;
    for (int round = 0; round < rounds; round++) {
        shmrpc_call *calls[BATCH];
        for (int64_t i = 0; i < BATCH; i++) {
            pair_params pair = {p->base + round, i};
            if (shmrpc_stub_start(p->client, ADD, &pair, &patient, &calls[i],
                                  NULL) != 0) {
                p->failures++;
                calls[i] = NULL;
            }
        }
        for (int64_t i = 0; i < BATCH; i++) {
            int64_t sum = 0;
            if (calls[i] != NULL && (finish(calls[i], ADD, &sum, NULL) != 0 ||
                                     sum != p->base + round + i)) {
                p->failures++;
            }
        }
    }
}

/* Together they want more slots than there are. */
static void threads_share_the_slots(void **state)
{
    both *b = *state;
    pipeliner all[THREADS];
    for (int i = 0; i < THREADS; i++) {
        all[i] = (pipeliner){.client = b->client, .base = i * 1000000};
        assert_int_equal(shmrpci_thread_create(&all[i].thread, "pipeline",
                                               pipeline, &all[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) {
        shmrpci_thread_join(&all[i].thread);
        assert_int_equal(all[i].failures, 0);
    }
}

/* ---- callbacks ---- */

typedef struct tally {
    both *b;
    unsigned ended[2 * MANY]; /* how often the callback of each was called */
    int statuses[2 * MANY];
    int64_t sums[2 * MANY];
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* of the last error */
    unsigned count;
    unsigned chain;      /* calls that are still to be started, one by one */
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
    return shmrpc_stub_async(at->t->b->client, method, params, opts, end_ticket,
                             (shmrpc_function)done, at, out, NULL);
}

static void add_later(ticket *at, tally *t, unsigned number,
                      const shmrpc_opts *opts)
{
    pair_params pair = {number, 1000};
    *at = (ticket){t, number};
    assert_int_equal(call_back(at, ADD, &pair, opts, note_sum, NULL), 0);
}

/* A loop of events that has nothing else to do. */
static void loop_until(const both *b, const unsigned *count, unsigned wanted)
{
    int fd = shmrpc_stub_fd(b->client);
    assert_true(fd >= 0);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (*count < wanted) {
        if (!shmrpci_poll_readable(fd, deadline_ns)) {
            fail_msg("waited in vain: %u of %u", *count, wanted);
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
    ticket tickets[2 * MANY];
    for (unsigned i = 0; i < MANY; i++) {
        add_later(&tickets[i], &t, i, &patient);
    }
    assert_int_equal(t.count, 0); /* never from within another call */
    loop_until(b, &t.count, MANY);
    for (unsigned i = MANY; i < 2 * MANY; i++) {
        add_later(&tickets[i], &t, i, &patient);
    }
    loop_until(b, &t.count, 2 * MANY);
    expect_all(&t, 2 * MANY);
    assert_int_equal(t.count, 2 * MANY);
    assert_int_equal(shmrpc_stub_dispatch(b->client), 0);
}

static void callbacks_need_no_descriptor(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket tickets[MANY];
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    for (unsigned i = 0; i < MANY; i++) {
        add_later(&tickets[i], &t, i, &patient);
    }
    while (t.count < MANY) {
        (void)shmrpc_stub_dispatch(b->client);
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    expect_all(&t, MANY);
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
        assert_int_equal(call_back(at, ADD, &pair, &patient, note_chain, NULL),
                         0);
    }
    assert_int_equal(shmrpc_stub_dispatch(t->b->client), 0);
}

static void callbacks_start_calls(void **state)
{
    both *b = *state;
    tally t = {.b = b, .chain = 1000};
    ticket at = {&t, 0};
    pair_params pair = {1, 2};
    assert_int_equal(call_back(&at, ADD, &pair, &patient, note_chain, NULL), 0);
    loop_until(b, &t.count, 1001);
    assert_int_equal(t.count, 1001);
}

static void loop_wakes_for_deadlines(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket at = {&t, 0};
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(call_back(&at, WATCH, NULL, &hasty, note_sum, NULL), 0);
    loop_until(b, &t.count, 1);
    assert_true(shmrpci_now_ns() - began_ns >= hasty.timeout_ns);
    assert_int_equal(t.statuses[0], SHMRPC_E_DEADLINE);
    assert_non_null(strstr(t.message, "20 ms"));
}

/* The timer is set for the first of them, and has to be set back. */
static void loop_wakes_for_the_nearest_deadline(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket first = {&t, 0};
    ticket second = {&t, 1};
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    assert_int_equal(call_back(&first, HOLD, NULL, &patient, note_sum, NULL),
                     0);
    assert_int_equal(call_back(&second, HOLD, NULL, &hasty, note_sum, NULL), 0);
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
    occupy(b, held);
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    assert_int_equal(call_back(&at, ADD, &pair, &patient, note_sum, &call), 0);
    assert_true(shmrpc_call_cancel(call));
    assert_int_equal(t.count, 0);
    loop_until(b, &t.count, 1);
    assert_int_equal(t.statuses[0], SHMRPC_E_CANCELLED);
    assert_non_null(strstr(t.message, "has not run"));
    /* By the callback of another one. */
    assert_int_equal(call_back(&at, ADD, &pair, &patient, note_sum, &t.victim),
                     0);
    shmrpc_call *first = NULL;
    assert_int_equal(call_back(&other, ADD, &pair, &patient, note_sum, &first),
                     0);
    assert_true(shmrpc_call_cancel(first));
    loop_until(b, &t.count, 3);
    assert_int_equal(t.ended[0], 2);
    sample_open(&b->server.state);
    assert_int_equal(finish(held[0], HOLD, NULL, NULL), 0);
    assert_int_equal(finish(held[1], HOLD, NULL, NULL), 0);
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
            call_back(&tickets[i], WATCH, NULL, &patient, note_sum, NULL), 0);
    }
    shmrpc_stub_close(other.client);
    assert_int_equal(t.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(t.ended[i], 1);
        assert_int_equal(t.statuses[i], SHMRPC_E_CANCELLED);
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
    assert_int_equal(call_back(&at, THROW, NULL, &patient, note_thrown, NULL),
                     0);
    loop_until(b, &t.count, 1);
    assert_int_equal(shmrpc_stub_async(b->client, ADD, NULL, NULL, end_ticket,
                                       NULL, NULL, NULL, NULL),
                     SHMRPC_E_INVALID);
}

/* Callbacks, finished calls and blocking ones, in more than the slots. */
static void forms_of_calls_mix(void **state)
{
    both *b = *state;
    tally t = {.b = b};
    ticket tickets[MANY];
    shmrpc_call *calls[MANY];
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    for (unsigned i = 0; i < MANY; i++) {
        add_later(&tickets[i], &t, i, &patient);
        calls[i] = start_add(b, i, 5);
        if (i % 10 == 0) {
            sample_add(b->client, i, 7);
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        expect_sum(calls[i], (int64_t)i + 5);
    }
    loop_until(b, &t.count, MANY);
    expect_all(&t, MANY);
}

static void end_of_the_server_is_told_to_the_loop(void **state)
{
    (void)state;
    both b;
    sample_start(&b.server, scheme, &sample_service, 1);
    b.client = sample_connect(&b.server);
    tally t = {.b = &b};
    ticket tickets[SLOTS];
    int fd = shmrpc_stub_fd(b.client);
    for (unsigned i = 0; i < SLOTS; i++) {
        add_later(&tickets[i], &t, i, &patient);
    }
    sample_stop(&b.server);
    loop_until(&b, &t.count, SLOTS);
    for (unsigned i = 0; i < SLOTS; i++) {
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

/* ---- forks ---- */

/* The child of a process with calls in flight; its exit status. */
static int be_child(const both *b, shmrpc_call *call, const tally *t)
{
    pair_params pair = {30, 12};
    shmrpc_call *own = NULL;
    shmrpc_error error;
    int64_t sum = 0;
    if (!shmrpc_call_is_over(call) || shmrpc_call_cancel(call)) {
        return 1;
    }
    if (finish(call, HOLD, NULL, &error) != SHMRPC_E_FORKED) {
        return 2;
    }
    shmrpc_call_release(call);
    if (shmrpc_stub_start(b->client, ADD, &pair, &patient, &own, NULL) != 0 ||
        finish(own, ADD, &sum, NULL) != 0 || sum != 42) {
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
    if (strcmp(scheme, "inproc") == 0) {
        return; /* whose server is not in the child */
    }
    tally t = {.b = b};
    ticket at = {&t, 0};
    assert_true(shmrpc_stub_fd(b->client) >= 0);
    shmrpc_call *call = start(b, HOLD, NULL);
    assert_int_equal(call_back(&at, WATCH, NULL, &hasty, note_sum, NULL), 0);
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
    assert_int_equal(finish(call, HOLD, NULL, NULL), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(many_calls_are_finished_in_any_order),
    CASE(arguments_are_borrowed_until_start_returns),
    CASE(results_of_every_encoding_come_back),
    CASE(errors_are_those_of_calls_that_block),
    CASE(parameter_out_of_bounds_is_refused_at_once),
    CASE(finishing_by_another_method_is_INVALID),
    CASE(lent_bytes_arrive_as_they_were_filled),
    CASE(loans_are_released_instead_of_sent),
    CASE(call_without_room_is_BUSY_or_waits),
    CASE(calls_for_nobody_go_between),
    CASE(deadline_ends_a_started_call),
    CASE(cancelled_call_has_not_run_if_that_is_said),
    CASE(cancelled_handler_is_told),
    CASE(call_that_is_over_is_not_cancelled),
    CASE(released_calls_give_back_what_they_have),
    CASE(unfinished_calls_end_with_the_client),
    CASE(threads_share_the_slots),
    CASE(callbacks_are_called_once_each_by_the_loop),
    CASE(callbacks_need_no_descriptor),
    CASE(callbacks_start_calls),
    CASE(loop_wakes_for_deadlines),
    CASE(loop_wakes_for_the_nearest_deadline),
    CASE(cancelled_call_is_called_back_once),
    CASE(close_calls_back_what_is_owed),
    CASE(payloads_of_errors_are_called_back),
    CASE(forms_of_calls_mix),
    CASE(calls_in_flight_are_not_the_childs),
    cmocka_unit_test(end_of_the_server_is_told_to_the_loop),
};

int main(void)
{
    static const char *const schemes[] = {"inproc", "shm"};
    int failed = 0;
    sample_folder_make();
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        scheme = schemes[i];
        if (shmrpci_transport_of(scheme, strlen(scheme)) != NULL) {
            failed += cmocka_run_group_tests_name(scheme, tests, NULL, NULL);
        }
    }
    sample_folder_remove();
    return failed;
}
