/* Detached calls, which are answered by a thread that is not their worker's.
 * Most cases run over inproc, shm and each kind of socket, and through a
 * gateway. */
#include "sample.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shmrpc/async.h"
#include "shmrpc/observe.h"

static const shmrpc_opts patient = {.timeout_ns = PATIENCE_NS};

/* ---- handlers ------------------------------------------------------------ */

/* Calls that wait for an answer, in the order in which they arrived. */
static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    struct {
        shmrpc_ctx *call;
        const void *result;
    } all[SHMRPC_DETACHED_MAX + 1];
    unsigned count;
    unsigned refused; /* number of calls that could not be detached */
    int refusal;      /* status that detach returned for the last of them */
    bool returns_ok;  /* handlers return OK although they have detached their
                       * call */
    bool is_twice;    /* handlers detach twice */
} parked = {.lock = SHMRPCI_MUTEX_INIT};

static int park(shmrpc_ctx *ctx, const void *result)
{
    shmrpc_ctx *call;
    shmrpc_ctx *again;
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED && parked.is_twice) {
        assert_int_equal(shmrpc_ctx_detach(ctx, &again), SHMRPC_E_INVALID);
        assert_int_equal(shmrpc_ctx_detach(call, &again), SHMRPC_E_INVALID);
    }
    shmrpci_mutex_lock(&parked.lock);
    if (status == SHMRPC_DETACHED) {
        parked.all[parked.count].call = call;
        parked.all[parked.count].result = result;
        parked.count++;
    } else {
        parked.refusal = status;
        parked.refused++;
    }
    bool returns_ok = parked.returns_ok;
    shmrpci_cond_broadcast(&parked.changed);
    shmrpci_mutex_unlock(&parked.lock);
    return returns_ok ? SHMRPC_OK : status;
}

/* Makes the result in the call's memory, before it detaches the call. */
static int add(shmrpc_ctx *ctx, const void *impl, void *user,
               const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    const pair_params *p = params;
    int64_t *sum = shmrpc_ctx_alloc(ctx, sizeof *sum, 8);
    *sum = p->a + p->b;
    return park(ctx, sum);
}

/* The result is a view of the parameter. */
static int echo_json(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    shmrpc_str *text = shmrpc_ctx_alloc(ctx, sizeof *text, 8);
    *text = ((const text_params *)params)->text;
    return park(ctx, text);
}

static int echo_raw(shmrpc_ctx *ctx, const void *impl, void *user,
                    const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    shmrpc_bytes *data = shmrpc_ctx_alloc(ctx, sizeof *data, 8);
    *data = ((const bytes_params *)params)->data;
    return park(ctx, data);
}

static int without_result(shmrpc_ctx *ctx, const void *impl, void *user,
                          const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return park(ctx, NULL);
}

/* Returns a result that is too long for its bound. */
static int too_long(shmrpc_ctx *ctx, const void *impl, void *user,
                    const void *params, void *result)
{
    static const shmrpc_str five = {"12345", 5};
    (void)impl, (void)user, (void)params, (void)result;
    return park(ctx, &five);
}

/* Answers before it returns. */
static int fill(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    const pair_params *p = params;
    shmrpc_ctx *call;
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        char *bytes = shmrpc_ctx_alloc(call, (size_t)p->a, 1);
        memset(bytes, (int)p->b, (size_t)p->a);
        const shmrpc_str text = {bytes, (size_t)p->a};
        assert_int_equal(shmrpc_ctx_reply(call, SHMRPC_OK, &text), SHMRPC_OK);
    }
    return status;
}

/* Calls shmrpc_ctx_reply although the call is not detached. */
static int not_detached(shmrpc_ctx *ctx, const void *impl, void *user,
                        const void *params, void *result)
{
    static const int64_t wrong = 1;
    (void)impl, (void)user, (void)params;
    assert_int_equal(shmrpc_ctx_reply(ctx, SHMRPC_OK, &wrong),
                     SHMRPC_E_INVALID);
    *(int64_t *)result = 2;
    return SHMRPC_OK;
}

static int nothing(shmrpc_ctx *ctx, const void *impl, void *user,
                   const void *params, void *result)
{
    (void)ctx, (void)impl, (void)user, (void)params, (void)result;
    return SHMRPC_OK;
}

static const shmrpc_handler handlers[SAMPLE_METHODS] = {
    [ECHO_RAW] = echo_raw,
    [ECHO_JSON] = echo_json,
    [ADD] = add,
    [ADD_MSGPACK] = add,
    [NOTHING] = nothing,
    [FAIL] = without_result,
    [LONG_RESULT] = too_long,
    [HOLD] = without_result,
    [WATCH] = without_result,
    [NOTE] = without_result,
    [REMAINING] = not_detached,
    [PEER] = nothing,
    [FILL] = fill,
    [MISSING] = nothing,
    [AGAIN] = nothing,
    [THROW] = without_result,
};

/* Waits until `count` calls are parked. Fails the test if no further call comes
 * for a while. There is no limit for all calls together, because a busy machine
 * may take long. */
static void await_parked(unsigned count)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    bool in_time = true;
    shmrpci_mutex_lock(&parked.lock);
    unsigned come = parked.count + parked.refused;
    while (come < count && in_time) {
        in_time =
            shmrpci_cond_wait_until(&parked.changed, &parked.lock, deadline_ns);
        unsigned now = parked.count + parked.refused;
        if (now != come) {
            come = now;
            in_time = true;
            deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
        }
    }
    shmrpci_mutex_unlock(&parked.lock);
    if (come < count) {
        fail_msg("%u calls of %u have come", come, count);
    }
}

static unsigned parked_now(void)
{
    shmrpci_mutex_lock(&parked.lock);
    unsigned count = parked.count;
    shmrpci_mutex_unlock(&parked.lock);
    return count;
}

static shmrpc_ctx *call_at(unsigned index)
{
    await_parked(index + 1);
    return parked.all[index].call;
}

static int reply_to(unsigned index)
{
    shmrpc_ctx *call = call_at(index);
    return shmrpc_ctx_reply(call, SHMRPC_OK, parked.all[index].result);
}

/* ---- a server of one worker, and a client -------------------------------- */

typedef struct pair {
    sample_server server;
    shmrpc_client *client;
} pair;

static void begin_with(pair *it, const char *scheme, int64_t drain_ns)
{
    const shmrpc_server_opts opts = {.workers = 1, .stream_drain_ns = drain_ns};
    parked.count = 0;
    parked.refused = 0;
    parked.returns_ok = false;
    parked.is_twice = false;
    sample_start_with(&it->server, scheme, handlers, &opts);
    it->client = sample_connect(&it->server);
}

static void begin(pair *it, void **state)
{
    begin_with(it, *state, 0);
}

static void end(pair *it)
{
    shmrpc_stub_close(it->client);
    sample_stop(&it->server);
}

static shmrpc_call *start_with(shmrpc_client *client, uint32_t method,
                               const void *params, const shmrpc_opts *opts)
{
    shmrpc_call *call = NULL;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_start(client, method, params, opts, &call, &error) !=
        SHMRPC_OK) {
        fail_msg("start: %s", error.message);
    }
    return call;
}

static shmrpc_call *start(const pair *it, uint32_t method, const void *params)
{
    return start_with(it->client, method, params, &patient);
}

static shmrpc_call *start_add(const pair *it, int64_t a, int64_t b)
{
    const pair_params params = {a, b};
    return start(it, ADD, &params);
}

static int finish(shmrpc_call *call, uint32_t method, void *result,
                  shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &sample_service, method, result, error);
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

static void expect_nothing(const pair *it)
{
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_call(it->client, NOTHING, NULL, &patient, NULL, &error) !=
        SHMRPC_OK) {
        fail_msg("nothing: %s", error.message);
    }
}

/* ---- answers ------------------------------------------------------------- */

static void one_worker_serves_others_until_answers_come(void **state)
{
    enum { CALLS = 40 };
    shmrpc_call *calls[CALLS];
    pair it;
    begin(&it, state);
    for (int i = 0; i < CALLS; i++) {
        calls[i] = start_add(&it, i, 1000);
        await_parked((unsigned)i + 1); /* a gateway may change their order */
    }
    expect_nothing(&it);
    for (unsigned i = CALLS; i-- > 0;) {
        assert_int_equal(reply_to(i), SHMRPC_OK);
        expect_sum(calls[i], (int64_t)i + 1000);
        expect_nothing(&it);
    }
    end(&it);
}

static void parameters_and_memory_live_until_the_answer(void **state)
{
    static char texts[3][50000];
    static const size_t lens[3] = {20, 900, sizeof texts[2]};
    shmrpc_call *calls[6];
    pair it;
    begin(&it, state);
    for (int i = 0; i < 3; i++) {
        memset(texts[i], 'a' + i, lens[i]);
        const text_params text = {{texts[i], lens[i]}};
        const bytes_params data = {
            {(const uint8_t *)texts[i], (uint32_t)lens[i]}};
        calls[2 * i] = start(&it, ECHO_JSON, &text);
        await_parked((unsigned)(2 * i) + 1);
        calls[2 * i + 1] = start(&it, ECHO_RAW, &data);
        await_parked((unsigned)(2 * i) + 2);
    }
    for (unsigned i = 0; i < 6; i++) {
        const void *reply = NULL;
        shmrpc_error error = {.name = ""};
        assert_int_equal(reply_to(i), SHMRPC_OK);
        if (shmrpc_stub_finish_reply(calls[i], &sample_service,
                                     i % 2 == 0 ? ECHO_JSON : ECHO_RAW, &reply,
                                     &error) != SHMRPC_OK) {
            fail_msg("%s", error.message);
        }
        const char *text =
            i % 2 == 0 ? ((const shmrpc_str *)reply)->ptr
                       : (const void *)((const shmrpc_bytes *)reply)->ptr;
        size_t len = i % 2 == 0 ? ((const shmrpc_str *)reply)->len
                                : ((const shmrpc_bytes *)reply)->len;
        assert_int_equal(len, lens[i / 2]);
        assert_memory_equal(text, texts[i / 2], len);
        shmrpc_stub_release(reply);
    }
    end(&it);
}

static void errors_have_their_message_and_payload(void **state)
{
    shmrpc_error error = {.name = ""};
    const void *reply = NULL;
    const detail why = {shmrpc_str_of("four")};
    const fail_params params = {0, shmrpc_str_of("")};
    pair it;
    begin(&it, state);
    shmrpc_call *one = start(&it, THROW, NULL);
    await_parked(1);
    shmrpc_call *two = start(&it, FAIL, &params);
    await_parked(2);
    shmrpc_call *three = start(&it, LONG_RESULT, NULL);
    await_parked(3);
    shmrpc_call *four = start_add(&it, 1, 2);
    shmrpc_ctx *call = call_at(0);
    int status = shmrpc_stub_raise(call, &detailed_error, &why);
    assert_int_equal(shmrpc_ctx_reply(call, status, NULL), SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_finish_reply(one, &sample_service, THROW, &reply, &error),
        DETAILED_ERROR);
    const detail *got = shmrpc_stub_payload(reply, &detailed_error);
    assert_non_null(got);
    assert_memory_equal(got->text.ptr, "four", 4);
    shmrpc_stub_release(reply);
    call = call_at(1);
    status = shmrpc_ctx_fail(call, SHMRPC_E_NOT_FOUND, "no %d", 7);
    assert_int_equal(shmrpc_ctx_reply(call, status, NULL), SHMRPC_OK);
    assert_int_equal(finish(two, FAIL, NULL, &error), SHMRPC_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "no 7"));
    assert_int_equal(reply_to(2), SHMRPC_OK);
    assert_int_equal(finish(three, LONG_RESULT, NULL, &error),
                     SHMRPC_E_INTERNAL);
    assert_int_equal(shmrpc_ctx_reply(call_at(3), SHMRPC_OK, NULL), SHMRPC_OK);
    assert_int_equal(finish(four, ADD, NULL, &error), SHMRPC_E_INTERNAL);
    assert_non_null(strstr(error.message, "without a result"));
    end(&it);
}

static void handler_may_answer_before_it_returns(void **state)
{
    pair it;
    begin(&it, state);
    for (int64_t len = 1; len <= 50000; len = 7 * len + 1) {
        const pair_params params = {len, 'x'};
        const shmrpc_str *reply = NULL;
        assert_int_equal(shmrpc_stub_call_reply(it.client, FILL, &params,
                                                &patient, (const void **)&reply,
                                                NULL),
                         SHMRPC_OK);
        assert_int_equal(reply->len, len);
        assert_int_equal(reply->ptr[len - 1], 'x');
        shmrpc_stub_release(reply);
    }
    end(&it);
}

/* ---- callers that have given up ------------------------------------------ */

static void cancellation_and_deadline_are_seen(void **state)
{
    const pair_params params = {1, 2};
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpc_error error;
    int64_t sum;
    pair it;
    begin(&it, state);
    shmrpc_call *given_up = start_add(&it, 1, 2);
    shmrpc_ctx *call = call_at(0);
    assert_false(shmrpc_ctx_cancelled(call));
    assert_true(shmrpc_ctx_remaining_ns(call) > 0);
    assert_true(shmrpc_ctx_connection(call) != 0);
    /* A peer's pid is unknown over networks. */
    bool is_known = strcmp(*state, "tcp") != 0 && strcmp(*state, "tls") != 0;
    assert_int_equal(shmrpc_ctx_peer(call)->pid, is_known ? getpid() : 0);
    assert_false(shmrpc_call_cancel(given_up));
    shmrpc_call_release(given_up);
    while (!shmrpc_ctx_cancelled(call)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    assert_int_equal(reply_to(0), SHMRPC_E_CANCELLED);
    int64_t timeout_ns = 20 * SHMRPCI_NS_PER_MS;
    while (parked_now() < 2) { /* repeated until a call reaches the handler in
                                * time */
        const shmrpc_opts hasty = {.timeout_ns = timeout_ns};
        assert_int_equal(
            shmrpc_stub_call(it.client, ADD, &params, &hasty, &sum, &error),
            SHMRPC_E_DEADLINE);
        timeout_ns *= 2;
    }
    call = call_at(1);
    assert_true(shmrpc_ctx_cancelled(call));
    while (shmrpc_ctx_remaining_ns(call) > 0) { /* the server may compute a
                                                 * later deadline */
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    for (unsigned i = 1; i < parked_now(); i++) {
        assert_int_equal(reply_to(i), SHMRPC_E_CANCELLED);
    }
    expect_nothing(&it);
    end(&it);
}

static void answer_to_a_client_that_has_gone_is_harmless(void **state)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    pair it;
    begin(&it, state);
    shmrpc_client *other = sample_connect(&it.server);
    const pair_params params = {1, 2};
    shmrpc_call *gone = start_with(other, ADD, &params, &patient);
    shmrpc_ctx *call = call_at(0);
    shmrpc_call_release(gone);
    shmrpc_stub_close(other);
    while (!shmrpc_ctx_cancelled(call)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    expect_nothing(&it);
    assert_int_equal(reply_to(0), SHMRPC_E_CANCELLED);
    expect_nothing(&it);
    end(&it);
}

/* ---- bounds -------------------------------------------------------------- */

#define SLOTS 64u

static void one_too_many_is_EXHAUSTED(void **state)
{
    enum { CLIENTS = SHMRPC_DETACHED_MAX / SLOTS };
    static shmrpc_call *calls[SHMRPC_DETACHED_MAX];
    shmrpc_client *clients[CLIENTS];
    const shmrpc_opts very = {.timeout_ns = 6 * PATIENCE_NS};
    const pair_params params = {1, 2};
    shmrpc_error error;
    int64_t sum = 0;
    pair it;
    begin(&it, state);
    for (unsigned i = 0; i < SHMRPC_DETACHED_MAX; i++) {
        if (i % SLOTS == 0) {
            clients[i / SLOTS] = sample_connect(&it.server);
        }
        calls[i] = start_with(clients[i / SLOTS], ADD, &params, &very);
    }
    await_parked(SHMRPC_DETACHED_MAX);
    assert_int_equal(
        shmrpc_stub_call(it.client, ADD, &params, &patient, &sum, &error),
        SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "SHMRPC_DETACHED_MAX"));
    expect_nothing(&it);
    for (unsigned i = 0; i < SHMRPC_DETACHED_MAX; i++) {
        assert_int_equal(reply_to(i), SHMRPC_OK);
    }
    for (unsigned i = 0; i < SHMRPC_DETACHED_MAX; i++) {
        expect_sum(calls[i], 3);
    }
    parked.count = 0;
    shmrpc_call *next = start_add(&it, 4, 5);
    parked.refused = 0;
    assert_int_equal(reply_to(0), SHMRPC_OK);
    expect_sum(next, 9);
    for (unsigned i = 0; i < CLIENTS; i++) {
        shmrpc_stub_close(clients[i]);
    }
    end(&it);
}

static void answers_are_counted_with_their_times(void **state)
{
    shmrpc_stats *stats = NULL;
    shmrpc_snapshot *now = NULL;
    shmrpc_error error;
    pair it;
    begin(&it, state);
    for (unsigned i = 0; i < 5; i++) {
        shmrpc_call *call = start_add(&it, 1, 2);
        if (i < 4) {
            assert_int_equal(reply_to(i), SHMRPC_OK);
            expect_sum(call, 3);
        } else {
            assert_int_equal(
                shmrpc_ctx_reply(call_at(i), SHMRPC_E_NOT_FOUND, NULL),
                SHMRPC_OK);
            assert_int_equal(finish(call, ADD, NULL, &error),
                             SHMRPC_E_NOT_FOUND);
        }
        expect_nothing(&it);
    }
    assert_int_equal(shmrpc_stats_open(it.server.where, sample_service.port,
                                       NULL, &stats, &error),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_stats_read(stats, &now, &error), SHMRPC_OK);
    const shmrpc_method_stats *sums = shmrpc_snapshot_method(now, ADD);
    assert_string_equal(sums->name, "add");
    assert_int_equal(sums->calls, 5);
    assert_int_equal(sums->errors, 1);
    assert_int_equal(shmrpc_snapshot_method(now, NOTHING)->calls, 5);
    shmrpc_snapshot_free(now);
    shmrpc_stats_close(stats);
    end(&it);
}

/* ---- the end of the server ----------------------------------------------- */

/* The server must end soon after the last answer, not after the full 30 s. */
static void server_that_stops_waits_for_answers(void **state)
{
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    pair it;
    begin(&it, state);
    shmrpc_call *call = start_add(&it, 3, 4);
    (void)call_at(0);
    shmrpc_server_stop(it.server.server);
    assert_int_equal(reply_to(0), SHMRPC_OK);
    expect_sum(call, 7);
    end(&it);
    assert_true(shmrpci_now_ns() < deadline_ns);
}

static void what_is_not_answered_then_is_ABORTED(void **state)
{
    shmrpc_error error;
    int64_t sum;
    pair it;
    begin_with(&it, *state, 20 * SHMRPCI_NS_PER_MS);
    shmrpc_call *call = start_add(&it, 3, 4);
    shmrpc_ctx *later = call_at(0);
    shmrpc_server_stop(it.server.server);
    assert_int_equal(finish(call, ADD, &sum, &error), SHMRPC_E_ABORTED);
    assert_non_null(strstr(error.message, "before it was answered"));
    assert_true(error.may_have_run);
    assert_true(shmrpc_ctx_cancelled(later));
    end(&it);
    assert_true(shmrpc_ctx_cancelled(later));
    assert_non_null(shmrpc_ctx_alloc(later, 100, 8));
    assert_int_equal(reply_to(0), SHMRPC_E_CANCELLED);
    assert_int_equal(reply_to(0), SHMRPC_E_INVALID);
}

/* ---- misuse -------------------------------------------------------------- */

static void answer_twice(pair *it)
{
    shmrpc_call *one = start_add(it, 1, 2);
    shmrpc_call *two = start_add(it, 3, 4);
    await_parked(2);
    assert_int_equal(reply_to(0), SHMRPC_OK);
    assert_int_equal(reply_to(0), SHMRPC_E_INVALID);
    expect_sum(one, 3);
    assert_int_equal(reply_to(1), SHMRPC_OK);
    expect_sum(two, 7);
}

static void detach_oneway(pair *it)
{
    const pair_params params = {1, 2};
    assert_int_equal(
        shmrpc_stub_call(it->client, NOTE, &params, &patient, NULL, NULL),
        SHMRPC_OK);
    await_parked(1);
    assert_int_equal(parked.refusal, SHMRPC_E_INVALID);
    expect_nothing(it);
}

static void detach_twice(pair *it)
{
    parked.is_twice = true;
    shmrpc_call *one = start_add(it, 1, 2);
    assert_int_equal(reply_to(0), SHMRPC_OK);
    expect_sum(one, 3);
}

static void return_something_else(pair *it)
{
    const fail_params params = {0, shmrpc_str_of("")};
    parked.returns_ok = true;
    shmrpc_call *one = start_add(it, 1, 2);
    shmrpc_call *two = start(it, FAIL, &params);
    await_parked(2);
    expect_nothing(it);
    assert_int_equal(reply_to(0), SHMRPC_OK);
    assert_int_equal(shmrpc_ctx_reply(call_at(1), SHMRPC_E_ABORTED, NULL),
                     SHMRPC_OK);
    expect_sum(one, 3);
    assert_int_equal(finish(two, FAIL, NULL, NULL), SHMRPC_E_ABORTED);
}

static void answer_what_is_not_detached(pair *it)
{
    int64_t got = 0;
    assert_int_equal(
        shmrpc_stub_call(it->client, REMAINING, NULL, &patient, &got, NULL),
        SHMRPC_OK);
    assert_int_equal(got, 2);
}

static void leave_unanswered(pair *it)
{
    shmrpc_call *call = start_add(it, 1, 2);
    await_parked(1);
    shmrpc_server_stop(it->server.server);
    assert_int_equal(finish(call, ADD, NULL, NULL), SHMRPC_E_ABORTED);
}

static const struct misuse {
    void (*make)(pair *it);
    const char *words; /* part of the message */
} misuses[] = {
    {answer_twice, "method add: a detached call is answered twice"},
    {detach_oneway, "method note is oneway: a call without a reply"},
    {detach_twice, "method add: the call is already detached"},
    {return_something_else, "did not return SHMRPC_DETACHED"},
    {answer_what_is_not_detached, "method remaining: shmrpc_ctx_reply"},
    {leave_unanswered, "a detached call was not answered within 20 ms"},
};

/* Runs a process that misuses a call. Returns its exit status, and its output
 * in `said`. */
static int run(const struct misuse *m, const char *scheme, const char *check,
               char *said, size_t size)
{
    int ends[2];
    int status = -1;
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        (void)setenv("SHMRPC_CHECK", check, 1);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        pair it;
        begin_with(&it, scheme, 20 * SHMRPCI_NS_PER_MS);
        m->make(&it);
        end(&it);
        _exit(0);
    }
    (void)close(ends[1]);
    for (;;) {
        ssize_t got = read(ends[0], said + len, size - 1 - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
    }
    said[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void misuse_ends_checked_programs_with_a_sentence(void **state)
{
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        char said[8192];
        int status = run(&misuses[i], *state, "1", said, sizeof said);
        if (strstr(said, misuses[i].words) == NULL || !WIFSIGNALED(status)) {
            fail_msg("%zu: status %d, \"%s\"", i, status, said);
        }
    }
}

static void misuse_is_harmless_in_others(void **state)
{
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        char said[8192];
        int status = run(&misuses[i], *state, "0", said, sizeof said);
        if (strstr(said, misuses[i].words) == NULL || status != 0) {
            fail_msg("%zu: status %d, \"%s\"", i, status, said);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(one_worker_serves_others_until_answers_come),
        SAMPLE_OVER_ALL(parameters_and_memory_live_until_the_answer),
        SAMPLE_OVER_ALL(errors_have_their_message_and_payload),
        SAMPLE_OVER_ALL(handler_may_answer_before_it_returns),
        SAMPLE_OVER_ALL(cancellation_and_deadline_are_seen),
        SAMPLE_OVER_ALL(answer_to_a_client_that_has_gone_is_harmless),
        SAMPLE_OVER_BOTH(one_too_many_is_EXHAUSTED),
        /* A gateway allows fewer calls in flight. */
        cmocka_unit_test_prestate(one_too_many_is_EXHAUSTED, sample_tcp),
        SAMPLE_OVER_BOTH(answers_are_counted_with_their_times),
        SAMPLE_OVER_ALL(server_that_stops_waits_for_answers),
        SAMPLE_OVER_ALL(what_is_not_answered_then_is_ABORTED),
        SAMPLE_OVER_BOTH(misuse_ends_checked_programs_with_a_sentence),
        SAMPLE_OVER_BOTH(misuse_is_harmless_in_others),
    };
    shmrpci_cond_init(&parked.changed);
    (void)setenv("SHMRPC_CHECK", "0", 1);
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
