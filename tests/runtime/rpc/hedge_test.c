/* `@hedge`: a second call is made if the first one takes long, and one of the
 * results is used. */
#include "sample.h"

#include "shmrpc/beside.h"
#include "shmrpc/client.h"

static sample_server server;
static shmrpc_client *client;
static shmrpc_method methods[SAMPLE_METHODS];
static shmrpc_service service;

/* Orders to the handler of AGAIN, and its observations; guarded by the state's
 * lock. */
static struct {
    unsigned calls;
    unsigned repeated; /* of these, calls marked as repeated */
    unsigned cancelled;
    enum {
        NONE,
        FIRST,
        ALL
    } slow;          /* which calls wait until they are cancelled or released */
    bool is_telling; /* a second call releases the first */
    bool was_told;
    bool is_ended; /* waiting calls are released */
    int status;
} plan;

static bool takes_long(shmrpc_ctx *ctx, sample_state *state)
{
    shmrpci_mutex_lock(&state->lock);
    plan.calls++;
    bool is_repeated = shmrpc_ctx_is_retry(ctx);
    plan.was_told = plan.was_told || (plan.is_telling && is_repeated);
    plan.repeated += is_repeated ? 1u : 0u;
    bool is_slow = plan.slow == ALL || (plan.slow == FIRST && !is_repeated);
    shmrpci_mutex_unlock(&state->lock);
    return is_slow;
}

static int sometimes_slow(shmrpc_ctx *ctx, const void *impl, void *user,
                          const void *params, void *result)
{
    (void)impl;
    (void)params;
    sample_state *state = user;
    *(int64_t *)result = 1;
    bool is_slow = takes_long(ctx, state);
    bool is_cancelled = false;
    while (is_slow) {
        shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
        shmrpci_mutex_lock(&state->lock);
        is_cancelled = shmrpc_ctx_cancelled(ctx);
        plan.cancelled += is_cancelled ? 1u : 0u;
        is_slow = !is_cancelled && !plan.is_ended &&
                  (!plan.was_told || shmrpc_ctx_is_retry(ctx));
        shmrpci_cond_broadcast(&state->changed);
        shmrpci_mutex_unlock(&state->lock);
    }
    (void)shmrpc_ctx_set_reply_metadata(
        ctx, "who", shmrpc_ctx_is_retry(ctx) ? "second" : "first");
    *(int64_t *)result = shmrpc_ctx_is_retry(ctx) ? 2 : 1;
    return is_cancelled ? (int)SHMRPC_E_CANCELLED : plan.status;
}

static void start(void **state, int64_t hedge_ns, uint32_t workers)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    char where[128];
    shmrpc_error error = {.name = ""};
    const shmrpc_server_opts opts = {.workers = workers};
    memset(&plan, 0, sizeof plan);
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[AGAIN] = sometimes_slow;
    memcpy(methods, sample_methods, sizeof methods);
    methods[AGAIN].policy = (shmrpc_policy){.hedge_ns = hedge_ns};
    service = sample_service;
    service.methods = methods;
    sample_address(*state, where);
    sample_start_serving(&server, where, &service, handlers, &opts);
    if (shmrpc_stub_connect(&service, server.where, NULL, &client, &error) !=
        SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
}

static void stop(void)
{
    shmrpci_mutex_lock(&server.state.lock);
    plan.is_ended = true;
    shmrpci_mutex_unlock(&server.state.lock);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* Reads a count under the lock, because a handler may still be running. */
static unsigned now(const unsigned *count)
{
    shmrpci_mutex_lock(&server.state.lock);
    unsigned value = *count;
    shmrpci_mutex_unlock(&server.state.lock);
    return value;
}

static int again(const shmrpc_opts *opts, int64_t *value)
{
    shmrpc_error error = {.code = 0};
    *value = 0;
    int status = shmrpc_stub_call(client, AGAIN, NULL, opts, value, &error);
    assert_true(status == SHMRPC_OK || error.code == status);
    return status;
}

static void a_quick_reply_comes_alone(void **state)
{
    int64_t value;
    start(state, PATIENCE_NS, 2);
    assert_int_equal(again(NULL, &value), SHMRPC_OK);
    assert_int_equal(value, 1);
    sample_add(client, 1, 2);
    assert_int_equal(now(&plan.calls), 1);
    stop();
}

static void a_second_call_answers_for_a_slow_one(void **state)
{
    int64_t value;
    shmrpc_reply_metadata back;
    const shmrpc_opts opts = {.reply_metadata = &back};
    start(state, SHMRPCI_NS_PER_MS, 2);
    plan.slow = FIRST;
    assert_int_equal(again(&opts, &value), SHMRPC_OK);
    assert_int_equal(value, 2);
    assert_int_equal(now(&plan.repeated), 1);
    assert_string_equal(shmrpc_reply_metadata_get(&back, "who"), "second");
    /* The slow call is cancelled. */
    sample_await(&server.state, &plan.cancelled, 1);
    stop();
}

/* The second call releases the first one, and waits. */
static void the_first_counts_if_it_is_the_first(void **state)
{
    int64_t value = 0;
    start(state, SHMRPCI_NS_PER_MS, 2);
    plan.slow = ALL;
    plan.is_telling = true;
    assert_int_equal(again(NULL, &value), SHMRPC_OK);
    assert_int_equal(value, 1);
    sample_await(&server.state, &plan.cancelled, 1);
    stop();
}

static void a_failure_is_not_waited_for(void **state)
{
    int64_t value;
    start(state, PATIENCE_NS, 2);
    plan.status = SHMRPC_E_NOT_FOUND;
    assert_int_equal(again(NULL, &value), SHMRPC_E_NOT_FOUND);
    assert_int_equal(now(&plan.calls), 1);
    stop();
}

static void both_end_with_the_deadline(void **state)
{
    int64_t value;
    const shmrpc_opts opts = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    start(state, SHMRPCI_NS_PER_MS, 2);
    plan.slow = ALL;
    assert_int_equal(again(&opts, &value), SHMRPC_E_DEADLINE);
    assert_in_range(now(&plan.calls), 0, 2);
    stop();
}

/* When all calls are slow, the retry budget lets hardly any be sent twice. */
static void a_slow_service_gets_hardly_more(void **state)
{
    enum { CALLS = 40 };
    int64_t value;
    const shmrpc_opts opts = {.timeout_ns = 5 * SHMRPCI_NS_PER_MS};
    start(state, SHMRPCI_NS_PER_MS, 2);
    plan.slow = ALL;
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(again(&opts, &value), SHMRPC_E_DEADLINE);
    }
    assert_in_range(now(&plan.repeated), 0, 5);
    stop();
}

static void who_does_not_wait_is_not_hedged(void **state)
{
    int64_t value;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_NONBLOCK,
                              .timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    start(state, SHMRPCI_NS_PER_MS, 2);
    plan.slow = ALL;
    assert_int_equal(again(&opts, &value), SHMRPC_E_DEADLINE);
    assert_int_equal(now(&plan.repeated), 0);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(a_quick_reply_comes_alone),
        SAMPLE_OVER_ALL(a_second_call_answers_for_a_slow_one),
        SAMPLE_OVER_ALL(the_first_counts_if_it_is_the_first),
        SAMPLE_OVER_ALL(a_failure_is_not_waited_for),
        SAMPLE_OVER_ALL(both_end_with_the_deadline),
        SAMPLE_OVER_ALL(a_slow_service_gets_hardly_more),
        SAMPLE_OVER_ALL(who_does_not_wait_is_not_hedged),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
