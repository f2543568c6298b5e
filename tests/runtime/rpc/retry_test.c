/* `@retry`: which calls are sent again, how often, and what the budget
 * allows. */
#include "sample.h"

#include "shmrpc/beside.h"
#include "shmrpc/client.h"

/* Orders to the handler of AGAIN, and its observations. Written only between
 * calls. */
static struct {
    unsigned failures; /* this many calls fail, later ones succeed */
    int status;        /* status of a failing call */
    unsigned calls;
    unsigned repeated; /* of these, calls marked as repeated */
} plan;

static int flaky(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    plan.calls++;
    plan.repeated += shmrpc_ctx_is_retry(ctx) ? 1u : 0u;
    *(int64_t *)result = 42;
    if (plan.failures > 0) {
        plan.failures--;
        return plan.status;
    }
    return SHMRPC_OK;
}

static shmrpc_method methods[SAMPLE_METHODS];
static shmrpc_service service;
static sample_server server;
static shmrpc_client *client;

static void start(void **state, int64_t backoff_ns)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    shmrpc_error error = {.name = ""};
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[AGAIN] = flaky;
    sample_start_with(&server, *state, handlers, NULL);
    memcpy(methods, sample_methods, sizeof methods);
    methods[AGAIN].policy =
        (shmrpc_policy){.attempts = 3, .backoff_ns = backoff_ns};
    service = sample_service;
    service.methods = methods;
    if (shmrpc_stub_connect(&service, server.where, NULL, &client, &error) !=
        SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    memset(&plan, 0, sizeof plan);
    plan.status = SHMRPC_E_EXHAUSTED;
}

static void stop(void)
{
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static int again(const shmrpc_opts *opts)
{
    int64_t value = 0;
    shmrpc_error error = {.code = 0};
    int status = shmrpc_stub_call(client, AGAIN, NULL, opts, &value, &error);
    assert_true(status == SHMRPC_OK || error.code == status);
    assert_true(status != SHMRPC_OK || value == 42);
    return status;
}

static uint64_t retried(void)
{
    shmrpc_client_stats stats;
    shmrpc_stub_read_stats(client, &stats);
    return stats.retried;
}

static void what_passes_is_tried_again(void **state)
{
    start(state, 1000);
    plan.failures = 2;
    assert_int_equal(again(NULL), SHMRPC_OK);
    assert_int_equal(plan.calls, 3);
    assert_int_equal(plan.repeated, 2);
    assert_int_equal(retried(), 2);
    assert_int_equal(again(NULL), SHMRPC_OK);
    assert_int_equal(plan.calls, 4);
    assert_int_equal(plan.repeated, 2);
    stop();
}

static void three_attempts_are_all(void **state)
{
    start(state, 1000);
    plan.failures = 3;
    assert_int_equal(again(NULL), SHMRPC_E_EXHAUSTED);
    assert_int_equal(plan.calls, 3);
    stop();
}

static void other_failures_are_final(void **state)
{
    start(state, 1000);
    plan.failures = 1;
    plan.status = SHMRPC_E_NOT_FOUND;
    assert_int_equal(again(NULL), SHMRPC_E_NOT_FOUND);
    assert_int_equal(plan.calls, 1);
    stop();
}

static void who_does_not_wait_is_told_at_once(void **state)
{
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_NONBLOCK};
    start(state, 1000);
    plan.failures = 1;
    assert_int_equal(again(&opts), SHMRPC_E_EXHAUSTED);
    assert_int_equal(plan.calls, 1);
    stop();
}

static void a_pause_past_the_deadline_is_not_begun(void **state)
{
    const shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    start(state, 100 * PATIENCE_NS);
    plan.failures = 1;
    int64_t since_ns = shmrpci_now_ns();
    assert_int_equal(again(&opts), SHMRPC_E_EXHAUSTED);
    assert_int_equal(plan.calls, 1);
    assert_true(shmrpci_now_ns() - since_ns < PATIENCE_NS);
    stop();
}

static void a_storm_costs_at_most_a_tenth_more(void **state)
{
    enum { CALLS = 200 };
    start(state, 1000);
    plan.failures = UINT32_MAX;
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(again(NULL), SHMRPC_E_EXHAUSTED);
    }
    assert_in_range(plan.calls, CALLS + 1, CALLS + CALLS / 10);
    /* The budget is spent: successes must refill it before a call is repeated.
     */
    plan.failures = 1;
    assert_int_equal(again(NULL), SHMRPC_E_EXHAUSTED);
    plan.failures = 0;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(again(NULL), SHMRPC_OK);
    }
    plan.failures = 1;
    assert_int_equal(again(NULL), SHMRPC_OK);
    stop();
}

static void replies_are_tried_again_too(void **state)
{
    const void *reply = NULL;
    start(state, 1000);
    plan.failures = 1;
    const shmrpc_metadata with[] = {{"tenant", "blue"}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with};
    assert_int_equal(
        shmrpc_stub_call_reply(client, AGAIN, NULL, &opts, &reply, NULL),
        SHMRPC_OK);
    assert_int_equal(*(const int64_t *)reply, 42);
    assert_int_equal(plan.calls, 2);
    assert_int_equal(plan.repeated, 1);
    shmrpc_stub_release(reply);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(what_passes_is_tried_again),
        SAMPLE_OVER_ALL(three_attempts_are_all),
        SAMPLE_OVER_ALL(other_failures_are_final),
        SAMPLE_OVER_ALL(who_does_not_wait_is_told_at_once),
        SAMPLE_OVER_ALL(a_pause_past_the_deadline_is_not_begun),
        SAMPLE_OVER_ALL(a_storm_costs_at_most_a_tenth_more),
        SAMPLE_OVER_ALL(replies_are_tried_again_too),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
