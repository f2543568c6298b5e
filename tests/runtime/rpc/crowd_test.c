/* A client of all instances of a service: which instance gets a call, and what
 * happens when instances go or come. */
#include "sample.h"

#include <stdio.h>

#include "shmrpc/async.h"
#include "shmrpc/client.h"
#include "shmrpc/stream_stub.h"

enum { INSTANCES = 3 };

/* A method native () -> stream i64: sends the server's number, then nothing
 * until it is cancelled. */
enum { WHICH = SAMPLE_METHODS, METHODS };

static shmrpc_method methods[METHODS];
static shmrpc_service service;

static sample_server servers[INSTANCES + 1];
static char where[INSTANCES + 1][128];
static char all[128];

/* Returns the number of calls of a server, under the lock of its state. */
static unsigned calls_of(unsigned number)
{
    shmrpci_mutex_lock(&servers[number].state.lock);
    unsigned calls = servers[number].state.noted;
    shmrpci_mutex_unlock(&servers[number].state.lock);
    return calls;
}

static int64_t number_of(const sample_state *state)
{
    int64_t number = 0;
    while (state != &servers[number].state) {
        number++;
    }
    return number;
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
    *(int64_t *)result = number_of(state);
    return SHMRPC_OK;
}

static int which(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)impl, (void)params, (void)result;
    int64_t number = number_of(user);
    int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &number, 0);
    while (status == SHMRPC_OK && !shmrpc_ctx_cancelled(ctx)) {
        shmrpci_sleep_until(shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    return SHMRPC_E_CANCELLED;
}

static shmrpc_handler handlers[METHODS];

/* Fills in `service`. Called once, before any server reads it. */
static void make_service(void)
{
    memcpy(handlers, sample_handlers, sizeof sample_handlers);
    handlers[PEER] = who;
    handlers[WHICH] = which;
    memcpy(methods, sample_methods, sizeof sample_methods);
    methods[WHICH] =
        (shmrpc_method){.name = "which",
                        .encoding = SHMRPC_ENCODING_NATIVE,
                        .flags = (uint32_t)SHMRPC_METHOD_STREAMS_OUT,
                        .hash = 1,
                        .signature = "",
                        .params = &shmrpc_type_no_params,
                        .window_out = 4096,
                        .items_out = &shmrpc_type_i64};
    service = sample_service;
    service.methods = methods;
    service.method_count = METHODS;
}

static void start_one(unsigned number)
{
    const shmrpc_server_opts opts = {.workers = 1};
    sample_start_serving(&servers[number], where[number], &service, handlers,
                         &opts);
}

static void name_all(const char *scheme)
{
    /* One of the instances has no name of its own. */
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
    if (shmrpc_stub_connect(&service, all, NULL, &client, &error) !=
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
    /* When the instance comes back, it gets calls again. */
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

/* ---- calls that do not block, and streams -------------------------------- */

static shmrpc_call *begin_asking(shmrpc_client *client)
{
    shmrpc_call *call = NULL;
    shmrpc_error error = {.message = ""};
    if (shmrpc_stub_start(client, PEER, NULL, NULL, &call, &error) !=
        SHMRPC_OK) {
        fail_msg("start: %s", error.message);
    }
    return call;
}

static int64_t end_asking(shmrpc_call *call)
{
    int64_t number = -1;
    shmrpc_error error = {.message = ""};
    if (shmrpc_stub_finish(call, &service, PEER, &number, &error) !=
        SHMRPC_OK) {
        fail_msg("finish: %s", error.message);
    }
    return number;
}

/* Opens a stream; returns the instance. */
static shmrpc_stream *open_one(shmrpc_client *client, int64_t *out_number)
{
    shmrpc_stream *stream = NULL;
    const void *item = NULL;
    shmrpc_error error = {.message = ""};
    if (shmrpc_stub_stream_open(client, WHICH, NULL, NULL, &stream, &error) !=
            SHMRPC_OK ||
        shmrpc_stub_stream_next(stream, &item, &error) != SHMRPC_MORE) {
        fail_msg("stream: %s", error.message);
    }
    *out_number = *(const int64_t *)item;
    return stream;
}

static void a_started_call_counts_until_it_is_finished(void **state)
{
    int64_t number;
    bool is_used[INSTANCES] = {false};
    start(state);
    shmrpc_client *client = connect_to_all();
    shmrpc_call *first = begin_asking(client);
    for (unsigned i = 0; i < 10; i++) {
        is_used[end_asking(begin_asking(client))] = true;
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        is_used[number] = true;
    }
    number = end_asking(first);
    for (unsigned i = 0; i < INSTANCES; i++) {
        assert_int_equal(is_used[i], i != number);
    }
    /* After the call is finished, its instance gets as many calls as the
     * others. */
    for (unsigned i = 0; i < 10 * INSTANCES; i++) {
        is_used[end_asking(begin_asking(client))] = true;
    }
    assert_true(is_used[number]);
    shmrpc_stub_close(client);
    stop();
}

static void a_stream_counts_until_it_is_closed(void **state)
{
    int64_t at[INSTANCES];
    int64_t number;
    shmrpc_stream *streams[INSTANCES];
    start(state);
    shmrpc_client *client = connect_to_all();
    for (unsigned i = 0; i < INSTANCES; i++) {
        streams[i] = open_one(client, &at[i]);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(at[i], at[j]);
        }
    }
    /* All workers of an instance are in streams, except the one whose stream
     * was closed. */
    shmrpc_stub_stream_close(streams[1]);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(ask(client, NULL, &number), SHMRPC_OK);
        assert_int_equal(number, at[1]);
        assert_int_equal(end_asking(begin_asking(client)), at[1]);
    }
    streams[1] = open_one(client, &number);
    assert_int_equal(number, at[1]);
    for (unsigned i = 0; i < INSTANCES; i++) {
        shmrpc_stub_stream_close(streams[i]);
    }
    shmrpc_stub_close(client);
    stop();
}

static void they_pass_over_what_is_gone(void **state)
{
    int64_t number;
    start(state);
    shmrpc_client *client = connect_to_all();
    sample_stop(&servers[1]);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_not_equal(end_asking(begin_asking(client)), 1);
        shmrpc_stream *stream = open_one(client, &number);
        assert_int_not_equal(number, 1);
        shmrpc_stub_stream_close(stream);
    }
    sample_stop(&servers[0]);
    sample_stop(&servers[2]);
    shmrpc_call *call = NULL;
    shmrpc_error error = {.message = ""};
    const shmrpc_opts short_time = {.timeout_ns = 50 * SHMRPCI_NS_PER_MS};
    assert_int_equal(
        shmrpc_stub_start(client, PEER, NULL, &short_time, &call, &error),
        SHMRPC_E_UNAVAILABLE);
    assert_false(error.may_have_run);
    shmrpc_stub_close(client);
}

static void on_ready(void *user)
{
    (void)user;
}

static void no_loop_has_all_instances(void **state)
{
    int64_t number;
    shmrpc_error error = {.message = ""};
    start(state);
    shmrpc_client *client = connect_to_all();
    assert_int_equal(shmrpc_stub_fd(client), SHMRPC_E_UNIMPLEMENTED);
    shmrpc_stream *stream = open_one(client, &number);
    assert_int_equal(
        shmrpc_stub_stream_on_ready(stream, on_ready, NULL, &error),
        SHMRPC_E_UNIMPLEMENTED);
    assert_non_null(strstr(error.message, "no descriptor"));
    shmrpc_stub_stream_close(stream);
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
    assert_non_null(strstr(error.message, "can't be in a list"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_BOTH(calls_go_to_all_in_turn),
        SAMPLE_OVER_BOTH(the_busy_get_fewer),
        SAMPLE_OVER_BOTH(what_is_gone_is_passed_over),
        SAMPLE_OVER_BOTH(a_new_instance_joins),
        SAMPLE_OVER_BOTH(without_any_there_is_no_call),
        SAMPLE_OVER_BOTH(a_started_call_counts_until_it_is_finished),
        SAMPLE_OVER_BOTH(a_stream_counts_until_it_is_closed),
        SAMPLE_OVER_BOTH(they_pass_over_what_is_gone),
        SAMPLE_OVER_BOTH(no_loop_has_all_instances),
        cmocka_unit_test(nobody_serves_at_all_instances),
    };
    make_service();
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
