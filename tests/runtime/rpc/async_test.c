/*
 * Asynchronous calls from end to end, over every transport of this machine:
 * calls that are finished, lent, cancelled, and made by several threads.
 */
#include "async_sample.h"

#include <stdio.h>

#include "sync/atomic.h"

static const shmrpc_opts unwaiting = {.timeout_ns = PATIENCE_NS,
                                      .flags = SHMRPC_OPT_NONBLOCK};

/* ---- calls that are finished --------------------------------------------- */

static int finish_reply(shmrpc_call *call, uint32_t method, void *reply,
                        shmrpc_error *error)
{
    return shmrpc_stub_finish_reply(call, &sample_service, method,
                                    (const void **)reply, error);
}

static void many_calls_are_finished_in_any_order(void **state)
{
    both *b = *state;
    shmrpc_call *calls[ASYNC_MANY];
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < ASYNC_MANY; i++) {
            calls[i] = async_start_add(b, i, 1000 * round);
        }
        for (int64_t i = ASYNC_MANY - 1; i >= 0; i -= 2) {
            async_expect_sum(calls[i], i + 1000 * round);
        }
        for (int64_t i = 0; i < ASYNC_MANY; i += 2) {
            async_expect_sum(calls[i], i + 1000 * round);
        }
    }
}

static void arguments_are_borrowed_until_start_returns(void **state)
{
    both *b = *state;
    char text[] = "before";
    text_params params = {shmrpc_str_of(text)};
    shmrpc_call *call = async_start(b, ECHO_JSON, &params);
    memset(text, 'x', sizeof text);
    const shmrpc_str *reply = NULL;
    assert_int_equal(finish_reply(call, ECHO_JSON, &reply, NULL), 0);
    assert_true(shmrpc_str_equal(*reply, shmrpc_str_of("before")));
    shmrpc_stub_release(reply);
}

/* Makes more calls than there are slots. So the client must free the slots of
 * calls that are over, before the test finishes these calls. */
static void crowd(const both *b)
{
    shmrpc_call *calls[2 * ASYNC_SLOTS];
    for (size_t i = 0; i < 2 * ASYNC_SLOTS; i++) {
        calls[i] = async_start_add(b, (int64_t)i, 1);
    }
    for (size_t i = 0; i < 2 * ASYNC_SLOTS; i++) {
        async_expect_sum(calls[i], (int64_t)i + 1);
    }
}

/* Tests all kinds of results, first of calls whose reply is taken by finish,
 * then of calls whose reply the client took earlier to free their slot. */
static void results_of_every_encoding_come_back(void **state)
{
    both *b = *state;
    static const uint8_t data[100000] = {7, 8, 9};
    for (int is_early = 0; is_early < 2; is_early++) {
        bytes_params bytes = {{data, sizeof data}};
        text_params text = {shmrpc_str_of("text")};
        pair_params pair = {20, 22};
        pair_params fill = {3000, 'f'};
        shmrpc_call *raw = async_start(b, ECHO_RAW, &bytes);
        shmrpc_call *json = async_start(b, ECHO_JSON, &text);
        shmrpc_call *native = async_start(b, ADD, &pair);
        shmrpc_call *msgpack = async_start(b, ADD_MSGPACK, &pair);
        shmrpc_call *filled = async_start(b, FILL, &fill);
        shmrpc_call *nothing = async_start(b, NOTHING, NULL);
        if (is_early) {
            crowd(b);
        }
        const shmrpc_bytes *back = NULL;
        const shmrpc_str *str = NULL;
        int64_t sum = 0;
        assert_int_equal(async_finish(nothing, NOTHING, NULL, NULL), 0);
        assert_int_equal(finish_reply(filled, FILL, &str, NULL), 0);
        assert_int_equal(str->len, 3000);
        shmrpc_stub_release(str);
        assert_int_equal(async_finish(msgpack, ADD_MSGPACK, &sum, NULL), 0);
        assert_int_equal(sum, 42);
        async_expect_sum(native, 42);
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
        shmrpc_call *overflow = async_start(b, ADD, &pair);
        shmrpc_call *failing = async_start(b, FAIL, &fail);
        shmrpc_call *thrown = async_start(b, THROW, NULL);
        if (is_early) {
            crowd(b);
        }
        shmrpc_error error;
        int64_t sum = 5;
        const void *reply = NULL;
        assert_int_equal(async_finish(overflow, ADD, &sum, &error),
                         OVERFLOW_ERROR);
        assert_string_equal(error.name, "test.Overflow");
        assert_string_equal(error.message,
                            "9223372036854775807 + 1 is too much");
        assert_int_equal(sum, 5);
        assert_int_equal(async_finish(failing, FAIL, NULL, &error),
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
    shmrpc_call *call = async_start_add(b, 1, 2);
    shmrpc_error error;
    assert_int_equal(async_finish(call, NOTHING, NULL, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "add"));
    async_expect_sum(call, 3);
}

/* ---- loans --------------------------------------------------------------- */

static int loan(const both *b, size_t len, uint8_t **at, shmrpc_call **out)
{
    return shmrpc_stub_loan(b->client, ECHO_RAW, len, &async_patient, at, out,
                            NULL);
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
        /* The loan has not been sent, so it is not a call yet. */
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
    for (int i = 0; i < 3 * ASYNC_SLOTS; i++) {
        assert_int_equal(loan(b, 100000, &at, &call), 0);
        memset(at, 'x', 100000);
        shmrpc_call_release(call);
    }
    crowd(b);
    /* A loan larger than the largest message is refused. The second loan stays
     * open until the client is closed, which must give it back. */
    assert_int_equal(loan(b, (size_t)1 << 40, &at, &call), SHMRPC_E_TOO_LARGE);
    assert_int_equal(loan(b, 100, &at, &call), 0);
}

/* ---- room ---------------------------------------------------------------- */

static void call_without_room_is_BUSY_or_waits(void **state)
{
    both *b = *state;
    shmrpc_call *held[ASYNC_SLOTS];
    shmrpc_call *more = NULL;
    pair_params pair = {1, 2};
    shmrpc_error error;
    for (size_t i = 0; i < ASYNC_SLOTS; i++) {
        held[i] = async_start(b, HOLD, NULL);
    }
    assert_int_equal(
        shmrpc_stub_start(b->client, ADD, &pair, &unwaiting, &more, &error),
        SHMRPC_E_BUSY);
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_start(b->client, ADD, &pair, &async_hasty, &more, &error),
        SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= async_hasty.timeout_ns);
    assert_null(more);
    sample_open(&b->server.state);
    async_expect_sum(async_start_add(b, 3, 4), 7);
    for (size_t i = 0; i < ASYNC_SLOTS; i++) {
        assert_int_equal(async_finish(held[i], HOLD, NULL, NULL), 0);
    }
}

static void calls_for_nobody_go_between(void **state)
{
    both *b = *state;
    shmrpc_call *calls[ASYNC_MANY];
    pair_params pair = {1, 2};
    for (int64_t i = 0; i < ASYNC_MANY; i++) {
        calls[i] = async_start_add(b, i, i);
        assert_int_equal(shmrpc_stub_call(b->client, NOTE, &pair,
                                          &async_patient, NULL, NULL),
                         0);
    }
    for (int64_t i = 0; i < ASYNC_MANY; i++) {
        async_expect_sum(calls[i], 2 * i);
    }
    sample_await(&b->server.state, &b->server.state.noted, ASYNC_MANY);
}

/* ---- giving up ----------------------------------------------------------- */

static void deadline_ends_a_started_call(void **state)
{
    both *b = *state;
    shmrpc_call *call = NULL;
    shmrpc_error error;
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_start(b->client, WATCH, NULL, &async_hasty, &call, NULL),
        0);
    assert_int_equal(async_finish(call, WATCH, NULL, &error),
                     SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= async_hasty.timeout_ns);
    assert_non_null(strstr(error.message, "20 ms"));
}

static void cancelled_call_has_not_run_if_that_is_said(void **state)
{
    both *b = *state;
    shmrpc_call *held[2];
    shmrpc_error error;
    async_occupy(b, held);
    shmrpc_call *call = async_start_add(b, 1, 2);
    assert_true(shmrpc_call_cancel(call));
    assert_false(shmrpc_call_cancel(call));
    assert_true(shmrpc_call_is_over(call));
    int64_t sum = 0;
    assert_int_equal(async_finish(call, ADD, &sum, &error), SHMRPC_E_CANCELLED);
    assert_non_null(strstr(error.message, "it has not run"));
    assert_false(error.may_have_run);
    sample_open(&b->server.state);
    assert_int_equal(async_finish(held[0], HOLD, NULL, NULL), 0);
    assert_int_equal(async_finish(held[1], HOLD, NULL, NULL), 0);
}

static void call_that_was_late_in_the_queue_has_not_run(void **state)
{
    both *b = *state;
    shmrpc_call *held[2];
    shmrpc_error error;
    pair_params pair = {1, 2};
    int64_t sum = 0;
    async_occupy(b, held);
    assert_int_equal(
        shmrpc_stub_call(b->client, ADD, &pair, &async_hasty, &sum, &error),
        SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, "it has not run"));
    assert_false(error.may_have_run);
    sample_open(&b->server.state);
    assert_int_equal(async_finish(held[0], HOLD, NULL, NULL), 0);
    assert_int_equal(async_finish(held[1], HOLD, NULL, NULL), 0);
}

static void cancelled_handler_is_told(void **state)
{
    both *b = *state;
    shmrpc_error error;
    shmrpc_call *call = async_start(b, WATCH, NULL);
    sample_await(&b->server.state, &b->server.state.entered, 1);
    assert_false(shmrpc_call_is_over(call));
    assert_false(shmrpc_call_cancel(call));
    assert_int_equal(async_finish(call, WATCH, NULL, &error),
                     SHMRPC_E_CANCELLED);
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
    shmrpc_call *call = async_start_add(b, 1, 2);
    await_over(call);
    assert_false(shmrpc_call_cancel(call));
    async_expect_sum(call, 3);
}

static void released_calls_give_back_what_they_have(void **state)
{
    both *b = *state;
    pair_params fill = {1000, 'r'};
    for (int i = 0; i < 3 * ASYNC_SLOTS; i++) {
        shmrpc_call *call = async_start(b, FILL, &fill);
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
    await_over(async_start_add(&other, 1, 2));
    for (int i = 0; i < 10; i++) {
        (void)async_start(&other, WATCH, NULL);
    }
    shmrpc_stub_close(client);
    crowd(b);
}

/* ---- threads ------------------------------------------------------------- */

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
            if (shmrpc_stub_start(p->client, ADD, &pair, &async_patient,
                                  &calls[i], NULL) != 0) {
                p->failures++;
                calls[i] = NULL;
            }
        }
        for (int64_t i = 0; i < BATCH; i++) {
            int64_t sum = 0;
            if (calls[i] != NULL &&
                (async_finish(calls[i], ADD, &sum, NULL) != 0 ||
                 sum != p->base + round + i)) {
                p->failures++;
            }
        }
    }
}

/* Errors are stored in the memory for large replies, apart from small replies.
 * So calls that fail at the same time must not overwrite each other's text. */
static void failing_calls_get_their_own_messages(void **state)
{
    enum { AT_A_TIME = 16, ROUNDS = 100 };
    both *b = *state;
    for (int round = 0; round < ROUNDS; round++) {
        char texts[AT_A_TIME][32];
        shmrpc_call *calls[AT_A_TIME];
        for (int i = 0; i < AT_A_TIME; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "no %d of %d", i, round);
            fail_params fail = {SHMRPC_E_NOT_FOUND, shmrpc_str_of(texts[i])};
            calls[i] = async_start(b, FAIL, &fail);
        }
        for (int i = 0; i < AT_A_TIME; i++) {
            shmrpc_error error;
            assert_int_equal(async_finish(calls[i], FAIL, NULL, &error),
                             SHMRPC_E_NOT_FOUND);
            assert_string_equal(error.message, texts[i]);
        }
    }
}

/* Together the threads need more slots than there are. */
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

static const struct CMUnitTest tests[] = {
    ASYNC_CASE(many_calls_are_finished_in_any_order),
    ASYNC_CASE(arguments_are_borrowed_until_start_returns),
    ASYNC_CASE(results_of_every_encoding_come_back),
    ASYNC_CASE(errors_are_those_of_calls_that_block),
    ASYNC_CASE(parameter_out_of_bounds_is_refused_at_once),
    ASYNC_CASE(finishing_by_another_method_is_INVALID),
    ASYNC_CASE(lent_bytes_arrive_as_they_were_filled),
    ASYNC_CASE(loans_are_released_instead_of_sent),
    ASYNC_CASE(call_without_room_is_BUSY_or_waits),
    ASYNC_CASE(calls_for_nobody_go_between),
    ASYNC_CASE(deadline_ends_a_started_call),
    ASYNC_CASE(cancelled_call_has_not_run_if_that_is_said),
    ASYNC_CASE(call_that_was_late_in_the_queue_has_not_run),
    ASYNC_CASE(cancelled_handler_is_told),
    ASYNC_CASE(call_that_is_over_is_not_cancelled),
    ASYNC_CASE(released_calls_give_back_what_they_have),
    ASYNC_CASE(unfinished_calls_end_with_the_client),
    ASYNC_CASE(failing_calls_get_their_own_messages),
    ASYNC_CASE(threads_share_the_slots),
};

int main(void)
{
    return async_main(tests, sizeof tests / sizeof *tests);
}
