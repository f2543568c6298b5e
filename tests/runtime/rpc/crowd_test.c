/* A client of all instances of a service: who gets its calls, and what it does
 * when some are gone, or come. */
#include "sample.h"

#include <stdio.h>

#include "shmrpc/async.h"
#include "shmrpc/client.h"

enum { INSTANCES = 3 };

static sample_server servers[INSTANCES + 1];
static char where[INSTANCES + 1][128];
static char all[128];

/* The calls of each server; guarded by its lock. */
static unsigned calls_of(unsigned number)
{
    shmrpci_mutex_lock(&servers[number].state.lock);
    unsigned calls = servers[number].state.noted;
    shmrpci_mutex_unlock(&servers[number].state.lock);
    return calls;
}

static int who(shmrpc_ctx *ctx, const void *impl, void *user,
               const void *params, void *result)
{
    sample_state *state = user;
    (void)ctx;
    (void)impl;
    (void)params;
    shmrpci_mutex_lock(&state->lock);
    state->noted++;
    shmrpci_mutex_unlock(&state->lock);
    for (unsigned i = 0; i <= INSTANCES; i++) {
        if (state == &servers[i].state) {
            *(int64_t *)result = i;
        }
    }
    return SHMRPC_OK;
}

static void start_one(unsigned number)
{
    static shmrpc_handler handlers[SAMPLE_METHODS];
    const shmrpc_server_opts opts = {.workers = 1};
    memcpy(handlers, sample_handlers, sizeof handlers);
    handlers[PEER] = who;
    sample_start_serving(&servers[number], where[number], &sample_service,
                         handlers, &opts);
}

static void name_all(const char *scheme)
{
    /* One of them has no name of its own. */
    static const char *const instances[] = {"", "@a", "@b", "@c"};
    char one[128];
    sample_address(scheme, one);
    size_t len = strcspn(one, "@");
    for (unsigned i = 0; i <= INSTANCES; i++) {
        (void)snprintf(where[i], sizeof where[i], "%.*s%s", (int)len, one,
                       instances[i]);
    }
    (void)snprintf(all, sizeof all, "%.*s@*", (int)len, one);
}

static void start(void **state)
{
    name_all(*state);
    for (unsigned i = 0; i < INSTANCES; i++) {
        start_one(i);
    }
}

static void stop(void)
{
    for (unsigned i = 0; i < INSTANCES; i++) {
        sample_stop(&servers[i]);
    }
}

static shmrpc_client *connect_to_all(void)
{
    shmrpc_client *client = NULL;
    shmrpc_error error = {.message = ""};
    if (shmrpc_stub_connect(&sample_service, all, NULL, &client, &error) !=
        SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return client;
}

static int ask(shmrpc_client *client, const shmrpc_opts *opts, int64_t *number)
{
    shmrpc_error error = {.message = ""};
    *number = -1;
    return shmrpc_stub_call(client, PEER, NULL, opts, number, &error);
}

static void calls_go_to_all_in_turn(void **state)
{
    int64_t number;
    start(state);
    shmrpc_client *client = connect_to_all();
    for (unsigned i = 0; i < 10 * INSTANCES; i++) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        assert_in_range(number, 0, INSTANCES - 1);
    }
    for (unsigned i = 0; i < INSTANCES; i++) {
        assert_int_equal(calls_of(i), 10);
    }
    shmrpc_stub_close(client);
    stop();
}

static void hold_on(void *user)
{
    const shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    assert_int_equal(shmrpc_stub_call(user, HOLD, NULL, &opts, NULL, NULL),
                     SHMRPC_OK);
}

static unsigned holding(void)
{
    unsigned found = INSTANCES;
    for (unsigned i = 0; i < INSTANCES; i++) {
        shmrpci_mutex_lock(&servers[i].state.lock);
        found = servers[i].state.entered > 0 ? i : found;
        shmrpci_mutex_unlock(&servers[i].state.lock);
    }
    return found;
}

static void the_busy_get_fewer(void **state)
{
    int64_t number;
    shmrpci_thread thread;
    start(state);
    shmrpc_client *client = connect_to_all();
    assert_int_equal(shmrpci_thread_create(&thread, "holder", hold_on, client),
                     0);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (holding() == INSTANCES && shmrpci_now_ns() < deadline_ns) {
        shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    unsigned busy = holding();
    assert_in_range(busy, 0, INSTANCES - 1);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        assert_int_not_equal(number, busy);
    }
    sample_open(&servers[busy].state);
    shmrpci_thread_join(&thread);
    shmrpc_stub_close(client);
    stop();
}

static void what_is_gone_is_passed_over(void **state)
{
    int64_t number;
    start(state);
    shmrpc_client *client = connect_to_all();
    assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
    sample_stop(&servers[1]);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        assert_int_not_equal(number, 1);
    }
    /* Until it comes back. */
    start_one(1);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (number != 1 && shmrpci_now_ns() < deadline_ns) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
    }
    assert_int_equal(number, 1);
    shmrpc_stub_close(client);
    stop();
}

static void a_new_instance_joins(void **state)
{
    int64_t number = -1;
    start(state);
    shmrpc_client *client = connect_to_all();
    start_one(INSTANCES);
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (number != INSTANCES && shmrpci_now_ns() < deadline_ns) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    assert_int_equal(number, INSTANCES);
    shmrpc_stub_close(client);
    sample_stop(&servers[INSTANCES]);
    stop();
}

static void without_any_there_is_no_call(void **state)
{
    int64_t number;
    shmrpc_client *client = NULL;
    shmrpc_error error = {.message = ""};
    const shmrpc_opts hasty = {.flags = SHMRPC_OPT_NONBLOCK};
    const shmrpc_opts short_time = {.timeout_ns = 50 * SHMRPCI_NS_PER_MS};
    name_all(*state);
    assert_int_equal(
        shmrpc_stub_connect(&sample_service, all, NULL, &client, &error),
        SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, "no instance of"));
    start(state);
    client = connect_to_all();
    stop();
    assert_int_equal(ask(client, &hasty, &number), SHMRPC_E_UNAVAILABLE);
    assert_int_equal(ask(client, &short_time, &number), SHMRPC_E_UNAVAILABLE);
    shmrpc_stub_close(client);
}

static void other_forms_of_calls_choose_one(void **state)
{
    int64_t number = -1;
    shmrpc_call *call = NULL;
    shmrpc_error error;
    start(state);
    shmrpc_client *client = connect_to_all();
    assert_int_equal(shmrpc_stub_start(client, PEER, NULL, NULL, &call, &error),
                     SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_finish(call, &sample_service, PEER, &number, &error),
        SHMRPC_OK);
    assert_in_range(number, 0, INSTANCES - 1);
    assert_int_equal(shmrpc_stub_fd(client), SHMRPC_E_UNIMPLEMENTED);
    shmrpc_stub_close(client);
    stop();
}

static void nobody_serves_at_all_instances(void **state)
{
    (void)state;
    shmrpc_server *it = NULL;
    shmrpc_client *client = NULL;
    shmrpc_error error = {.message = ""};
    const shmrpc_server_opts opts = {.listen = "inproc://x@*"};
    assert_int_equal(shmrpc_server_create(&opts, &it, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_serve(it, &sample_service, sample_handlers,
                                       &sample_implementation,
                                       sizeof sample_implementation, NULL,
                                       &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "for clients"));
    shmrpc_server_destroy(it);
    assert_int_equal(shmrpc_stub_connect(&sample_service, "shm://,shm://x@*",
                                         NULL, &client, &error),
                     SHMRPC_E_INVALID);
    assert_non_null(strstr(error.message, "stands alone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_BOTH(calls_go_to_all_in_turn),
        SAMPLE_OVER_BOTH(the_busy_get_fewer),
        SAMPLE_OVER_BOTH(what_is_gone_is_passed_over),
        SAMPLE_OVER_BOTH(a_new_instance_joins),
        SAMPLE_OVER_BOTH(without_any_there_is_no_call),
        SAMPLE_OVER_BOTH(other_forms_of_calls_choose_one),
        cmocka_unit_test(nobody_serves_at_all_instances),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
