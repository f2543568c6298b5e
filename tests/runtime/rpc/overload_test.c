/* Limits against overload: which calls are refused, what their callers learn,
 * and that no caller within the limits is refused. */
#include "sample.h"

#include <stdio.h>

#include "os/memory.h"
#include "rpc/overload.h"
#include "shmrpc/async.h"
#include "shmrpc/beside.h"
#include "shmrpc/client.h"

static sample_server server;

static shmrpc_method methods[SAMPLE_METHODS];
static shmrpc_service service;

/* Returns the service with a limit and a deadline for HOLD. */
static const shmrpc_service *limited(uint64_t at_once)
{
    memcpy(methods, sample_methods, sizeof methods);
    methods[HOLD].policy.at_once = at_once;
    methods[HOLD].timeout_ns = PATIENCE_NS;
    methods[NOTHING].policy.at_once = at_once;
    service = sample_service;
    service.methods = methods;
    return &service;
}

static void start(void **state, const shmrpc_service *what,
                  const shmrpc_server_opts *opts)
{
    char where[128];
    sample_address(*state, where);
    sample_start_serving(&server, where, what, sample_handlers, opts);
}

static shmrpc_client *connect_to(const shmrpc_service *what)
{
    shmrpc_client *client = NULL;
    shmrpc_error error = {.name = ""};
    if (shmrpc_stub_connect(what, server.where, NULL, &client, &error) !=
        SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static int call(shmrpc_client *client, uint32_t method, shmrpc_error *error)
{
    *error = (shmrpc_error){.code = 0};
    return shmrpc_stub_call(client, method, NULL, NULL, NULL, error);
}

/* A call of HOLD in its own thread. */
typedef struct holder {
    shmrpc_client *client;
    shmrpci_thread thread;
    int status;
} holder;

static void hold_on(void *user)
{
    holder *h = user;
    shmrpc_error error;
    do { /* the handler may start too late; then the call is refused */
        h->status = call(h->client, HOLD, &error);
    } while (h->status == SHMRPC_E_EXHAUSTED);
}

static void begin_holding(holder *h, shmrpc_client *client)
{
    static unsigned before;
    shmrpci_mutex_lock(&server.state.lock);
    before = server.state.entered;
    shmrpci_mutex_unlock(&server.state.lock);
    *h = (holder){.client = client, .status = -1};
    assert_int_equal(shmrpci_thread_create(&h->thread, "holder", hold_on, h),
                     0);
    sample_await(&server.state, &server.state.entered, before + 1);
}

static void end_holding(holder *h)
{
    shmrpci_thread_join(&h->thread);
    assert_int_equal(h->status, SHMRPC_OK);
}

static void a_method_runs_so_often_at_once(void **state)
{
    const shmrpc_server_opts opts = {.workers = 4};
    holder holders[2];
    shmrpc_error error;
    start(state, limited(2), &opts);
    shmrpc_client *client = connect_to(&service);
    begin_holding(&holders[0], client);
    begin_holding(&holders[1], client);
    assert_int_equal(call(client, HOLD, &error), SHMRPC_E_EXHAUSTED);
    assert_non_null(
        strstr(error.message, "method hold is already running 2 times"));
    assert_in_range(error.retry_after_ns, SHMRPCI_NS_PER_MS,
                    10 * SHMRPCI_NS_PER_S);
    assert_false(error.may_have_run);
    assert_int_equal(server.state.entered, 2);
    /* Other methods have their own limits. */
    sample_add(client, 1, 2);
    assert_int_equal(call(client, NOTHING, &error), SHMRPC_OK);
    sample_open(&server.state);
    end_holding(&holders[0]);
    end_holding(&holders[1]);
    assert_int_equal(call(client, HOLD, &error), SHMRPC_OK);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* The place is free before the caller learns that the call is over. */
static void one_after_the_other_is_never_too_many(void **state)
{
    const shmrpc_server_opts opts = {.workers = 3, .client_calls = 1};
    shmrpc_error error;
    start(state, limited(1), &opts);
    shmrpc_client *client = connect_to(&service);
    for (unsigned i = 0; i < 2000; i++) {
        int status = call(client, NOTHING, &error);
        if (status != SHMRPC_OK) {
            fail_msg("call %u: %s", i, error.message);
        }
        sample_add(client, i, 1);
    }
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void a_client_has_so_many_calls_at_once(void **state)
{
    const shmrpc_server_opts opts = {.workers = 4, .client_calls = 1};
    holder holders[2];
    shmrpc_error error;
    start(state, limited(0), &opts);
    shmrpc_client *greedy = connect_to(&service);
    shmrpc_client *other = connect_to(&service);
    begin_holding(&holders[0], greedy);
    assert_int_equal(call(greedy, NOTHING, &error), SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "client_calls"));
    assert_true(error.retry_after_ns > 0);
    begin_holding(&holders[1], other);
    sample_open(&server.state);
    end_holding(&holders[0]);
    end_holding(&holders[1]);
    assert_int_equal(call(greedy, NOTHING, &error), SHMRPC_OK);
    shmrpc_stub_close(other);
    shmrpc_stub_close(greedy);
    sample_stop(&server);
}

static void a_client_has_so_many_calls_a_second(void **state)
{
    enum { RATE = 5 };
    const shmrpc_server_opts opts = {.workers = 1, .client_rate = RATE};
    shmrpc_error error;
    unsigned ran = 0;
    start(state, limited(0), &opts);
    shmrpc_client *client = connect_to(&service);
    int64_t since_ns = shmrpci_now_ns();
    while (call(client, NOTHING, &error) == SHMRPC_OK) {
        ran++;
    }
    int64_t took_ns = shmrpci_now_ns() - since_ns;
    assert_int_equal(error.code, SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "client_rate"));
    assert_in_range(ran, RATE,
                    RATE + 1 + (uint64_t)took_ns * RATE / SHMRPCI_NS_PER_S);
    assert_in_range(error.retry_after_ns, 1, SHMRPCI_NS_PER_S / RATE);
    /* Other clients have their own budgets. */
    shmrpc_client *other = connect_to(&service);
    assert_int_equal(call(other, NOTHING, &error), SHMRPC_OK);
    shmrpc_stub_close(other);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* Makes a call wait behind another one for `wait_ns` after it was sent. Returns
 * its status. */
static int wait_behind(void **state, int64_t wait_ns, shmrpc_error *error)
{
    const shmrpc_server_opts opts = {.workers = 1,
                                     .shed_after_ns = 20 * SHMRPCI_NS_PER_MS};
    holder first;
    shmrpc_call *late = NULL;
    start(state, limited(0), &opts);
    shmrpc_client *client = connect_to(&service);
    begin_holding(&first, client);
    assert_int_equal(
        shmrpc_stub_start(client, NOTHING, NULL, NULL, &late, error),
        SHMRPC_OK);
    int64_t old_ns = shmrpci_deadline_after(wait_ns);
    while (shmrpci_now_ns() < old_ns) {
        shmrpci_sleep_until(old_ns);
    }
    sample_open(&server.state);
    int status = shmrpc_stub_finish(late, &service, NOTHING, NULL, error);
    end_holding(&first);
    shmrpc_stub_close(client);
    sample_stop(&server);
    return status;
}

static void what_has_waited_for_too_long_is_not_begun(void **state)
{
    shmrpc_error error;
    int64_t wait_ns = 40 * SHMRPCI_NS_PER_MS;
    int status = wait_behind(state, wait_ns, &error);
    /* On a busy machine the call may enter the queue late. */
    while (status == SHMRPC_OK && wait_ns < PATIENCE_NS) {
        wait_ns *= 2;
        status = wait_behind(state, wait_ns, &error);
    }
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "shed_after"));
    assert_true(error.retry_after_ns >= 20 * SHMRPCI_NS_PER_MS);
}

/* ---- calls that are detached --------------------------------------------- */

/* The call that waits for its answer. */
static struct {
    shmrpci_mutex lock;
    shmrpc_ctx *call;
} parked = {.lock = SHMRPCI_MUTEX_INIT};

static int park(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    shmrpc_ctx *call;
    int status = shmrpc_ctx_detach(ctx, &call);
    if (status == SHMRPC_DETACHED) {
        shmrpci_mutex_lock(&parked.lock);
        parked.call = call;
        shmrpci_mutex_unlock(&parked.lock);
    }
    return status;
}

static shmrpc_ctx *take_parked(void)
{
    shmrpci_mutex_lock(&parked.lock);
    shmrpc_ctx *call = parked.call;
    parked.call = NULL;
    shmrpci_mutex_unlock(&parked.lock);
    return call;
}

static shmrpc_client *start_parking(void **state, uint64_t at_once,
                                    uint32_t client_calls)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    char where[128];
    const shmrpc_server_opts opts = {.workers = 2,
                                     .client_calls = client_calls};
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[HOLD] = park;
    sample_address(*state, where);
    sample_start_serving(&server, where, limited(at_once), handlers, &opts);
    return connect_to(&service);
}

/* Starts a call. Returns when its handler has detached it. */
static shmrpc_ctx *begin_parked(shmrpc_client *client, shmrpc_call **out)
{
    shmrpc_ctx *call = NULL;
    shmrpc_error error = {.code = 0};
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    assert_int_equal(shmrpc_stub_start(client, HOLD, NULL, NULL, out, &error),
                     SHMRPC_OK);
    while ((call = take_parked()) == NULL && !shmrpc_call_is_over(*out) &&
           shmrpci_now_ns() < deadline_ns) {
        shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS / 10));
    }
    if (call == NULL) {
        (void)shmrpc_stub_finish(*out, &service, HOLD, NULL, &error);
        fail_msg("not detached: %s", error.message);
    }
    return call;
}

static void end_parked(shmrpc_ctx *parked_call, shmrpc_call *started)
{
    shmrpc_error error = {.code = 0};
    assert_int_equal(shmrpc_ctx_reply(parked_call, SHMRPC_OK, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_finish(started, &service, HOLD, NULL, &error),
                     SHMRPC_OK);
}

static void a_detached_call_counts_until_it_is_answered(void **state)
{
    shmrpc_error error;
    shmrpc_call *started[2];
    shmrpc_client *client = start_parking(state, 2, 0);
    for (unsigned i = 0; i < 100; i++) {
        shmrpc_ctx *first = begin_parked(client, &started[0]);
        shmrpc_ctx *second = begin_parked(client, &started[1]);
        assert_int_equal(call(client, HOLD, &error), SHMRPC_E_EXHAUSTED);
        assert_non_null(
            strstr(error.message, "method hold is already running 2 times"));
        assert_int_equal(call(client, NOTHING, &error), SHMRPC_OK);
        /* The place is free when the caller gets the reply, so it may call
         * again at once. */
        end_parked(first, started[0]);
        first = begin_parked(client, &started[0]);
        assert_int_equal(call(client, HOLD, &error), SHMRPC_E_EXHAUSTED);
        end_parked(second, started[1]);
        end_parked(first, started[0]);
    }
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void a_detached_call_counts_to_its_client(void **state)
{
    shmrpc_error error;
    shmrpc_call *started;
    shmrpc_client *client = start_parking(state, 0, 1);
    shmrpc_client *other = connect_to(&service);
    shmrpc_ctx *first = begin_parked(client, &started);
    assert_int_equal(call(client, NOTHING, &error), SHMRPC_E_EXHAUSTED);
    assert_non_null(strstr(error.message, "client_calls"));
    assert_int_equal(call(other, NOTHING, &error), SHMRPC_OK);
    end_parked(first, started);
    assert_int_equal(call(client, NOTHING, &error), SHMRPC_OK);
    shmrpc_stub_close(other);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* ---- retry-after --------------------------------------------------------- */

static int refusing(shmrpc_ctx *ctx, const void *impl, void *user,
                    const void *params, void *result)
{
    static int64_t first_ns;
    (void)impl;
    (void)user;
    (void)params;
    if (!shmrpc_ctx_is_retry(ctx)) {
        first_ns = shmrpci_now_ns();
        return shmrpc_ctx_refuse(ctx, 30 * SHMRPCI_NS_PER_MS, "after %d ms",
                                 30);
    }
    *(int64_t *)result = shmrpci_now_ns() - first_ns;
    return SHMRPC_OK;
}

static void start_refusing(void **state, uint64_t attempts)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    char where[128];
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[AGAIN] = refusing;
    (void)limited(0);
    methods[AGAIN].policy =
        (shmrpc_policy){.attempts = attempts, .backoff_ns = 1000};
    const shmrpc_server_opts opts = {.workers = 1};
    sample_address(*state, where);
    sample_start_serving(&server, where, &service, handlers, &opts);
}

static void a_handler_says_when_to_come_again(void **state)
{
    int64_t value = 0;
    shmrpc_error error = {.code = 0};
    start_refusing(state, 0);
    shmrpc_client *client = connect_to(&service);
    assert_int_equal(
        shmrpc_stub_call(client, AGAIN, NULL, NULL, &value, &error),
        SHMRPC_E_EXHAUSTED);
    assert_string_equal(error.message, "after 30 ms");
    assert_int_equal(error.retry_after_ns, 30 * SHMRPCI_NS_PER_MS);
    /* The next failure carries no retry-after. */
    fail_params params = {SHMRPC_E_EXHAUSTED, shmrpc_str_of("full")};
    assert_int_equal(
        shmrpc_stub_call(client, FAIL, &params, NULL, NULL, &error),
        SHMRPC_E_EXHAUSTED);
    assert_int_equal(error.retry_after_ns, 0);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

static void a_retry_waits_as_long_as_it_is_told(void **state)
{
    int64_t waited_ns = 0;
    shmrpc_error error = {.code = 0};
    start_refusing(state, 2);
    shmrpc_client *client = connect_to(&service);
    assert_int_equal(
        shmrpc_stub_call(client, AGAIN, NULL, NULL, &waited_ns, &error),
        SHMRPC_OK);
    assert_true(waited_ns >= 30 * SHMRPCI_NS_PER_MS);
    /* Retry-after is also obeyed without an error object. */
    assert_int_equal(
        shmrpc_stub_call(client, AGAIN, NULL, NULL, &waited_ns, NULL),
        SHMRPC_OK);
    assert_true(waited_ns >= 30 * SHMRPCI_NS_PER_MS);
    /* The client does not wait that long if its deadline is sooner. */
    const shmrpc_opts opts = {.timeout_ns = 25 * SHMRPCI_NS_PER_MS};
    int status = SHMRPC_E_DEADLINE;
    /* On a busy machine the handler may start too late to report anything. */
    for (int i = 0; status == SHMRPC_E_DEADLINE && i < 100; i++) {
        status =
            shmrpc_stub_call(client, AGAIN, NULL, &opts, &waited_ns, &error);
    }
    assert_int_equal(status, SHMRPC_E_EXHAUSTED);
    shmrpc_stub_close(client);
    sample_stop(&server);
}

/* ---- the count itself ---------------------------------------------------- */

typedef struct contender {
    shmrpci_overload_worker worker;
    shmrpci_thread thread;
    shmrpci_atomic_u32 *inside;
    uint32_t most;
    uint32_t entered;
} contender;

enum { CONTENDERS = 4, ROUNDS = 20000 };

static void contend(void *user)
{
    contender *c = user;
    const shmrpci_overload_call one = {.method = HOLD, .connection = 7};
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (shmrpci_overload_enter(&c->worker, &one, NULL) == SHMRPC_OK) {
            uint32_t now = shmrpci_add_seq(c->inside, 1u) + 1;
            c->most = now > c->most ? now : c->most;
            c->entered++;
            if (i % 2 == 0) {
                (void)shmrpci_sub_seq(c->inside, 1u);
                shmrpci_overload_exit(&c->worker);
                continue;
            }
            shmrpci_overload_detached late;
            shmrpci_overload_detach(&c->worker, &late);
            (void)shmrpci_sub_seq(c->inside, 1u);
            shmrpci_overload_end(&late);
        }
    }
}

static void never_more_than_may_are_in(void **state)
{
    (void)state;
    static contender all[CONTENDERS];
    shmrpci_atomic_u32 inside = 0;
    shmrpci_overload overload;
    const shmrpci_overload_rules rules = {.client_calls = 0};
    shmrpc_error error;
    assert_int_equal(shmrpci_overload_create(limited(2), sample_handlers,
                                             &rules, 64, &overload, &error),
                     SHMRPC_OK);
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        all[i] = (contender){.inside = &inside};
        shmrpci_overload_join(&overload, i, &all[i].worker);
    }
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        assert_int_equal(shmrpci_thread_create(&all[i].thread, "contender",
                                               contend, &all[i]),
                         0);
    }
    uint32_t entered = 0;
    for (uint32_t i = 0; i < CONTENDERS; i++) {
        shmrpci_thread_join(&all[i].thread);
        assert_in_range(all[i].most, 0, 2);
        entered += all[i].entered;
        shmrpci_overload_leave(&all[i].worker);
    }
    assert_true(entered > 0);
    shmrpci_overload_destroy(&overload);
}

/* A worker that died in a call keeps its place until shmrpci_overload_bury
 * releases it. */
static void the_dead_give_their_places_back(void **state)
{
    (void)state;
    shmrpci_overload overload;
    shmrpci_overload_worker dead;
    shmrpci_overload_worker other;
    const shmrpci_overload_rules rules = {.client_calls = 1};
    const shmrpci_overload_call one = {.method = HOLD, .connection = 7};
    shmrpc_error error;
    assert_int_equal(shmrpci_overload_create(limited(1), sample_handlers,
                                             &rules, 128, &overload, &error),
                     SHMRPC_OK);
    shmrpci_overload_join(&overload, 65, &dead);
    shmrpci_overload_join(&overload, 64, &other);
    assert_int_equal(shmrpci_overload_enter(&dead, &one, &error), SHMRPC_OK);
    assert_int_equal(shmrpci_overload_enter(&other, &one, &error),
                     SHMRPC_E_EXHAUSTED);
    shmrpci_overload_bury(&overload, 65);
    assert_int_equal(shmrpci_overload_enter(&other, &one, &error), SHMRPC_OK);
    shmrpci_overload_exit(&other);
    shmrpci_memory_unmap(&dead.map);
    /* Burying a worker also releases the places of its detached calls. */
    shmrpci_overload_detached late;
    shmrpci_overload_join(&overload, 65, &dead);
    assert_int_equal(shmrpci_overload_enter(&dead, &one, &error), SHMRPC_OK);
    shmrpci_overload_detach(&dead, &late);
    assert_non_null(late.entry);
    assert_int_equal(shmrpci_overload_enter(&other, &one, &error),
                     SHMRPC_E_EXHAUSTED);
    assert_int_equal(shmrpci_overload_enter(&dead, &one, &error),
                     SHMRPC_E_EXHAUSTED);
    shmrpci_overload_bury(&overload, 65);
    assert_int_equal(shmrpci_overload_enter(&other, &one, &error), SHMRPC_OK);
    shmrpci_overload_exit(&other);
    shmrpci_memory_unmap(&dead.map);
    /* Calls at another address don't take up places of this one. */
    shmrpci_overload_join(&overload, 1, &dead);
    assert_int_equal(shmrpci_overload_enter(&dead, &one, &error), SHMRPC_OK);
    assert_int_equal(shmrpci_overload_enter(&other, &one, &error), SHMRPC_OK);
    shmrpci_overload_leave(&dead);
    shmrpci_overload_leave(&other);
    shmrpci_overload_destroy(&overload);
}

static void impossible_options_are_refused(void **state)
{
    (void)state;
    shmrpc_server *none = NULL;
    shmrpc_error error;
    const shmrpc_server_opts opts = {.shed_after_ns = -1};
    assert_int_equal(shmrpc_server_create(&opts, &none, &error),
                     SHMRPC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(a_method_runs_so_often_at_once),
        SAMPLE_OVER_ALL(one_after_the_other_is_never_too_many),
        SAMPLE_OVER_ALL(a_client_has_so_many_calls_at_once),
        SAMPLE_OVER_ALL(a_client_has_so_many_calls_a_second),
        SAMPLE_OVER_ALL(what_has_waited_for_too_long_is_not_begun),
        SAMPLE_OVER_ALL(a_detached_call_counts_until_it_is_answered),
        SAMPLE_OVER_ALL(a_detached_call_counts_to_its_client),
        SAMPLE_OVER_ALL(a_handler_says_when_to_come_again),
        SAMPLE_OVER_ALL(a_retry_waits_as_long_as_it_is_told),
        cmocka_unit_test(never_more_than_may_are_in),
        cmocka_unit_test(the_dead_give_their_places_back),
        cmocka_unit_test(impossible_options_are_refused),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
