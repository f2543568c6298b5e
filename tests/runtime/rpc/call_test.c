/* Calls from end to end, over every transport of this machine. */
#include "sample.h"

#include <stdio.h>
#include <unistd.h>

#include "transport/transport.h"

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

static void native_and_msgpack_results_come_by_value(void **state)
{
    both *b = *state;
    pair_params params = {INT64_MIN, 7};
    int64_t sum = 0;
    for (uint32_t method = ADD; method <= ADD_MSGPACK; method++) {
        assert_int_equal(
            shmrpc_stub_call(b->client, method, &params, NULL, &sum, NULL), 0);
        assert_int_equal(sum, INT64_MIN + 7);
    }
}

static void json_text_of_any_size_comes_back(void **state)
{
    both *b = *state;
    static const size_t sizes[] = {0, 1, 100, 229, 230, 1023, 1024, 99999};
    char *text = malloc(100000);
    memset(text, 'x', 100000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        text_params params = {{text, sizes[i]}};
        const shmrpc_str *reply = NULL;
        assert_int_equal(shmrpc_stub_call_reply(b->client, ECHO_JSON, &params,
                                                NULL, (const void **)&reply,
                                                NULL),
                         0);
        assert_true(shmrpc_str_equal(*reply, params.text));
        assert_int_equal(reply->ptr[reply->len], 0);
        shmrpc_stub_release(reply);
    }
    free(text);
}

/* The handler returns a view of its own parameter. */
static void raw_bytes_of_any_size_come_back(void **state)
{
    both *b = *state;
    static const size_t sizes[] = {0,    1,    40,     230,     1000,  4095,
                                   4096, 4097, 100000, 1 << 20, 70000, 3 << 20};
    uint8_t *data = malloc(3 << 20);
    for (size_t i = 0; i < (3 << 20); i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 10));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bytes_params params = {{data, sizes[i]}};
        const shmrpc_bytes *reply = NULL;
        assert_int_equal(shmrpc_stub_call_reply(b->client, ECHO_RAW, &params,
                                                NULL, (const void **)&reply,
                                                NULL),
                         0);
        assert_int_equal(reply->len, sizes[i]);
        if (sizes[i] > 0) {
            assert_memory_equal(reply->ptr, data, sizes[i]);
        }
        shmrpc_stub_release(reply);
    }
    free(data);
}

static void method_without_parameters_or_result(void **state)
{
    both *b = *state;
    assert_int_equal(
        shmrpc_stub_call(b->client, NOTHING, NULL, NULL, NULL, NULL), 0);
}

static void parameter_out_of_bounds_is_refused_with_its_path(void **state)
{
    both *b = *state;
    char *text = calloc(1, 100002);
    memset(text, 'x', 100001);
    text_params params = {shmrpc_str_of(text)};
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(shmrpc_stub_call_reply(b->client, ECHO_JSON, &params, NULL,
                                            &reply, &error),
                     SHMRPC_E_INVALID);
    assert_int_equal(error.code, SHMRPC_E_INVALID);
    assert_string_equal(error.path, "text");
    assert_non_null(strstr(error.message, "100001"));
    assert_null(reply);
    free(text);
    sample_add(b->client, 1, 2);
}

static void declared_error_has_its_name_and_message(void **state)
{
    both *b = *state;
    pair_params params = {INT64_MAX, 1};
    int64_t sum = 5;
    shmrpc_error error;
    for (uint32_t method = ADD; method <= ADD_MSGPACK; method++) {
        assert_int_equal(
            shmrpc_stub_call(b->client, method, &params, NULL, &sum, &error),
            OVERFLOW_ERROR);
        assert_int_equal(error.code, OVERFLOW_ERROR);
        assert_string_equal(error.name, "test.Overflow");
        assert_string_equal(error.message,
                            "9223372036854775807 + 1 is too much");
        assert_int_equal(sum, 5);
    }
    assert_int_equal(
        shmrpc_stub_call(b->client, ADD, &params, NULL, &sum, NULL),
        OVERFLOW_ERROR);
}

static void declared_error_without_a_message_has_its_number(void **state)
{
    both *b = *state;
    pair_params params = {INT64_MIN, -1};
    int64_t sum = 5;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call(b->client, ADD, &params, NULL, &sum, &error),
        OVERFLOW_ERROR);
    assert_string_equal(error.name, "test.Overflow");
    assert_string_equal(error.message, "declared error 100");
}

static void message_above_the_limit_says_which_and_what_to_raise(void **state)
{
    both *b = *state;
    static const shmrpc_opts opts = {.max_message_bytes = 1000};
    static const uint8_t data[2000];
    shmrpc_client *client = NULL;
    shmrpc_error error;
    assert_int_equal(shmrpc_stub_connect(&sample_service, b->server.where,
                                         &opts, &client, &error),
                     0);
    bytes_params request = {{data, sizeof data}};
    pair_params reply = {sizeof data, 'x'};
    const void *out = NULL;
    assert_int_equal(
        shmrpc_stub_call_reply(client, ECHO_RAW, &request, NULL, &out, &error),
        SHMRPC_E_TOO_LARGE);
    assert_non_null(strstr(error.message, "echo_raw: request: too large"));
    assert_non_null(strstr(error.message, "max_message_bytes"));
    assert_int_equal(
        shmrpc_stub_call_reply(client, FILL, &reply, NULL, &out, &error),
        SHMRPC_E_TOO_LARGE);
    assert_non_null(strstr(error.message, "fill: reply: too large"));
    assert_non_null(strstr(error.message, "max_message_bytes"));
    shmrpc_stub_close(client);
}

static int call_fail(const both *b, int32_t status, const char *message,
                     shmrpc_error *error)
{
    fail_params params = {status, shmrpc_str_of(message)};
    return shmrpc_stub_call(b->client, FAIL, &params, NULL, NULL, error);
}

static void status_of_a_handler_arrives_with_its_message(void **state)
{
    both *b = *state;
    shmrpc_error error;
    assert_int_equal(call_fail(b, SHMRPC_E_NOT_FOUND, "no such thing", &error),
                     SHMRPC_E_NOT_FOUND);
    assert_string_equal(error.name, "NOT_FOUND");
    assert_string_equal(error.message, "no such thing");
    assert_int_equal(call_fail(b, SHMRPC_E_DENIED, "", &error),
                     SHMRPC_E_DENIED);
    assert_string_equal(error.message, shmrpc_status_text(SHMRPC_E_DENIED));
}

static void control_characters_of_a_message_become_spaces(void **state)
{
    both *b = *state;
    shmrpc_error error;
    assert_int_equal(call_fail(b, SHMRPC_E_ABORTED, "a\x1b[2J\nb\x7f", &error),
                     SHMRPC_E_ABORTED);
    assert_string_equal(error.message, "a [2J b ");
}

static void long_message_is_cut_at_a_character(void **state)
{
    both *b = *state;
    shmrpc_error error;
    char text[301] = "x";
    for (size_t i = 1; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa4", 2);
    }
    text[299] = '\0';
    assert_int_equal(call_fail(b, SHMRPC_E_ABORTED, text, &error),
                     SHMRPC_E_ABORTED);
    assert_int_equal(strlen(error.message), SHMRPC_ERROR_MESSAGE_BYTES - 1);
    assert_memory_equal(error.message, text, SHMRPC_ERROR_MESSAGE_BYTES - 1);
}

static void garbage_from_a_handler_is_INTERNAL(void **state)
{
    both *b = *state;
    static const int32_t garbage[] = {1, 42, 99, -1000, INT32_MIN, 101};
    shmrpc_error error;
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        assert_int_equal(call_fail(b, garbage[i], "", &error),
                         SHMRPC_E_INTERNAL);
        assert_non_null(strstr(error.message, "handler of fail returned"));
    }
    assert_int_equal(call_fail(b, OVERFLOW_ERROR, "", &error), OVERFLOW_ERROR);
}

static void result_out_of_bounds_is_INTERNAL_with_its_path(void **state)
{
    both *b = *state;
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(shmrpc_stub_call_reply(b->client, LONG_RESULT, NULL, NULL,
                                            &reply, &error),
                     SHMRPC_E_INTERNAL);
    assert_string_equal(error.path, "result");
    assert_null(reply);
}

static void missing_function_is_UNIMPLEMENTED(void **state)
{
    both *b = *state;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call(b->client, MISSING, NULL, NULL, NULL, &error),
        SHMRPC_E_UNIMPLEMENTED);
}

static void table_of_functions_is_copied(void **state)
{
    both *b = *state;
    int64_t result = 0;
    assert_int_equal(
        shmrpc_stub_call(b->client, AGAIN, NULL, NULL, &result, NULL), 0);
    assert_int_equal(result, 42);
}

/* Makes a call of 20 ms and returns whether it reached its handler, which on a
 * busy machine it may not. */
static bool watch_20_ms(both *b)
{
    shmrpc_opts opts = {.timeout_ns = 20 * SHMRPCI_NS_PER_MS};
    shmrpc_error error;
    int64_t began_ns = shmrpci_now_ns();
    assert_int_equal(
        shmrpc_stub_call(b->client, WATCH, NULL, &opts, NULL, &error),
        SHMRPC_E_DEADLINE);
    assert_true(shmrpci_now_ns() - began_ns >= opts.timeout_ns);
    assert_non_null(strstr(error.message, "20 ms"));
    assert_int_equal(strstr(error.message, "it may have run") != NULL,
                     error.may_have_run);
    assert_int_equal(strstr(error.message, "it has not run") != NULL,
                     !error.may_have_run);
    return error.may_have_run;
}

static void deadline_ends_a_call_and_tells_the_handler(void **state)
{
    both *b = *state;
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (!watch_20_ms(b)) {
        assert_true(shmrpci_now_ns() < deadline_ns);
    }
    sample_await(&b->server.state, &b->server.state.cancelled, 1);
    sample_add(b->client, 3, 4);
}

static void deadline_of_the_method_holds_unless_the_call_has_one(void **state)
{
    both *b = *state;
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call(b->client, HOLD, NULL, NULL, NULL, &error),
        SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, "50 ms"));
    shmrpc_opts opts = {.timeout_ns = 5 * SHMRPCI_NS_PER_MS};
    assert_int_equal(
        shmrpc_stub_call(b->client, HOLD, NULL, &opts, NULL, &error),
        SHMRPC_E_DEADLINE);
    assert_non_null(strstr(error.message, "5 ms"));
}

static int64_t remaining(shmrpc_client *client, const shmrpc_opts *opts)
{
    int64_t left_ns = 0;
    assert_int_equal(
        shmrpc_stub_call(client, REMAINING, NULL, opts, &left_ns, NULL), 0);
    return left_ns;
}

/* The worker's clock agrees with the caller's to within about 25 us. */
static void expect_left(int64_t left_ns, int64_t of_s)
{
    int64_t most_ns = of_s * SHMRPCI_NS_PER_S + SHMRPCI_NS_PER_MS;
    assert_in_range(left_ns, most_ns - 5 * SHMRPCI_NS_PER_S, most_ns);
}

static void handler_knows_the_time_that_is_left(void **state)
{
    both *b = *state;
    shmrpc_opts opts = {.timeout_ns = 10 * SHMRPCI_NS_PER_S};
    int64_t left_ns = remaining(b->client, &opts);
    expect_left(left_ns, 10);
    left_ns = remaining(b->client, NULL);
    expect_left(left_ns, 30);
    shmrpc_client *other = NULL;
    opts.timeout_ns = 100 * SHMRPCI_NS_PER_S;
    assert_int_equal(shmrpc_stub_connect(&sample_service, b->server.where,
                                         &opts, &other, NULL),
                     0);
    left_ns = remaining(other, NULL);
    expect_left(left_ns, 100);
    shmrpc_stub_close(other);
}

static void negative_timeout_is_INVALID(void **state)
{
    both *b = *state;
    shmrpc_opts opts = {.timeout_ns = -1};
    assert_int_equal(
        shmrpc_stub_call(b->client, NOTHING, NULL, &opts, NULL, NULL),
        SHMRPC_E_INVALID);
    shmrpc_client *other = NULL;
    assert_int_equal(shmrpc_stub_connect(&sample_service, b->server.where,
                                         &opts, &other, NULL),
                     SHMRPC_E_INVALID);
}

static void oneway_call_runs(void **state)
{
    both *b = *state;
    pair_params params = {1, 2};
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(
            shmrpc_stub_call(b->client, NOTE, &params, NULL, NULL, NULL), 0);
    }
    sample_await(&b->server.state, &b->server.state.noted, 100);
}

static void handler_sees_its_peer(void **state)
{
    both *b = *state;
    int64_t pid = 0;
    assert_int_equal(shmrpc_stub_call(b->client, PEER, NULL, NULL, &pid, NULL),
                     0);
    assert_int_equal(pid, getpid());
}

static const shmrpc_str *fill(shmrpc_client *client, int64_t len, char c)
{
    pair_params params = {len, c};
    const shmrpc_str *reply = NULL;
    assert_int_equal(shmrpc_stub_call_reply(client, FILL, &params, NULL,
                                            (const void **)&reply, NULL),
                     0);
    return reply;
}

static void expect_filled(const shmrpc_str *text, size_t len, char c)
{
    assert_int_equal(text->len, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(text->ptr[i], c);
    }
}

static void replies_outlive_later_calls_and_the_connection(void **state)
{
    both *b = *state;
    const shmrpc_str *replies[100];
    shmrpc_client *other = sample_connect(&b->server);
    for (int i = 0; i < 100; i++) {
        replies[i] = fill(other, i * 50, (char)('a' + i % 26));
    }
    shmrpc_stub_close(other);
    sample_add(b->client, 1, 1);
    for (int i = 0; i < 100; i++) {
        expect_filled(replies[i], (size_t)i * 50, (char)('a' + i % 26));
        shmrpc_stub_release(replies[i]);
    }
    shmrpc_stub_release(NULL);
}

typedef struct caller {
    shmrpc_client *client;
    unsigned seed;
    int failed;
} caller;

static void call_on_thread(void *user)
{
    caller *c = user;
    for (unsigned i = 0; i < 200 && c->failed == 0; i++) {
        pair_params params = {c->seed, i};
        int64_t sum = 0;
        c->failed = shmrpc_stub_call(c->client, ADD, &params, NULL, &sum, NULL);
        c->failed |= sum != (int64_t)c->seed + i;
        pair_params filling = {(int64_t)(i * 13 % 3000), 'a' + c->seed % 26};
        const shmrpc_str *reply = NULL;
        if (c->failed != 0 ||
            shmrpc_stub_call_reply(c->client, FILL, &filling, NULL,
                                   (const void **)&reply, NULL) != 0) {
            c->failed = 1;
            return;
        }
        c->failed = reply->len != (size_t)filling.a ||
                    (reply->len > 0 && reply->ptr[0] != (char)filling.b);
        shmrpc_stub_release(reply);
    }
}

static void many_threads_share_a_client(void **state)
{
    both *b = *state;
    enum { THREADS = 8 };
    caller callers[THREADS];
    shmrpci_thread threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (caller){b->client, i, 0};
        assert_int_equal(shmrpci_thread_create(&threads[i], "caller",
                                               call_on_thread, &callers[i]),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        shmrpci_thread_join(&threads[i]);
        assert_int_equal(callers[i].failed, 0);
    }
}

static void fill_on_thread(void *user)
{
    caller *c = user;
    uint32_t random = c->seed + 1;
    for (unsigned i = 0; i < 500 && c->failed == 0; i++) {
        random = random * 1664525u + 1013904223u;
        /* Mostly small, now and then up to 256 KiB. */
        pair_params params = {(random >> 8) % (1u << (8 + (random >> 27) % 11)),
                              'z'};
        const shmrpc_str *reply = NULL;
        c->failed = shmrpc_stub_call_reply(c->client, FILL, &params, NULL,
                                           (const void **)&reply, NULL);
        if (c->failed == 0) {
            c->failed = reply->len != (size_t)params.a;
            shmrpc_stub_release(reply);
        }
    }
}

static void replies_of_any_size_never_use_up_the_memory(void **state)
{
    both *b = *state;
    enum { THREADS = 4 };
    caller callers[THREADS];
    shmrpci_thread threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        callers[i] = (caller){b->client, i, 0};
        assert_int_equal(shmrpci_thread_create(&threads[i], "caller",
                                               fill_on_thread, &callers[i]),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        shmrpci_thread_join(&threads[i]);
        assert_int_equal(callers[i].failed, 0);
    }
}

typedef struct holder {
    shmrpc_client *client;
    shmrpci_thread thread;
    int status;
} holder;

static void hold_on_thread(void *user)
{
    holder *h = user;
    shmrpc_opts opts = {.timeout_ns = PATIENCE_NS};
    h->status = shmrpc_stub_call(h->client, HOLD, NULL, &opts, NULL, NULL);
}

static void call_that_may_not_block_is_BUSY_when_all_slots_are(void **state)
{
    both *b = *state;
    enum { SLOTS = 64 };
    static holder holders[SLOTS];
    shmrpc_opts opts = {.flags = SHMRPC_OPT_NONBLOCK};
    shmrpc_error error;
    assert_int_equal(
        shmrpc_stub_call(b->client, NOTHING, NULL, &opts, NULL, &error), 0);
    for (int i = 0; i < SLOTS; i++) {
        holders[i] = (holder){.client = b->client};
        assert_int_equal(shmrpci_thread_create(&holders[i].thread, "holder",
                                               hold_on_thread, &holders[i]),
                         0);
    }
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    int status;
    opts.timeout_ns = SHMRPCI_NS_PER_MS; /* both workers are in HOLD */
    do {
        status =
            shmrpc_stub_call(b->client, NOTHING, NULL, &opts, NULL, &error);
    } while (status != SHMRPC_E_BUSY && shmrpci_now_ns() < deadline_ns);
    assert_int_equal(status, SHMRPC_E_BUSY);
    sample_open(&b->server.state);
    for (int i = 0; i < SLOTS; i++) {
        shmrpci_thread_join(&holders[i].thread);
        assert_int_equal(holders[i].status, 0);
    }
}

static void calls_after_the_servers_end_say_so(void **state)
{
    (void)state;
    static const shmrpc_opts opts[] = {
        {.timeout_ns = 20 * SHMRPCI_NS_PER_MS},
        {.flags = SHMRPC_OPT_NONBLOCK},
    };
    sample_server server;
    shmrpc_error error = {.name = ""};
    sample_start(&server, scheme, &sample_service, 1);
    shmrpc_client *client = sample_connect(&server);
    const shmrpc_str *kept = fill(client, 10, 'k');
    sample_stop(&server);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(
            shmrpc_stub_call(client, NOTHING, NULL, &opts[i % 2], NULL, &error),
            SHMRPC_E_UNAVAILABLE);
        assert_non_null(strstr(error.message, "not sent"));
        assert_non_null(strstr(error.message, "sample"));
    }
    expect_filled(kept, 10, 'k');
    shmrpc_stub_close(client);
    shmrpc_stub_release(kept);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(native_and_msgpack_results_come_by_value),
    CASE(json_text_of_any_size_comes_back),
    CASE(raw_bytes_of_any_size_come_back),
    CASE(method_without_parameters_or_result),
    CASE(parameter_out_of_bounds_is_refused_with_its_path),
    CASE(declared_error_has_its_name_and_message),
    CASE(declared_error_without_a_message_has_its_number),
    CASE(message_above_the_limit_says_which_and_what_to_raise),
    CASE(status_of_a_handler_arrives_with_its_message),
    CASE(control_characters_of_a_message_become_spaces),
    CASE(long_message_is_cut_at_a_character),
    CASE(garbage_from_a_handler_is_INTERNAL),
    CASE(result_out_of_bounds_is_INTERNAL_with_its_path),
    CASE(missing_function_is_UNIMPLEMENTED),
    CASE(table_of_functions_is_copied),
    CASE(deadline_ends_a_call_and_tells_the_handler),
    CASE(deadline_of_the_method_holds_unless_the_call_has_one),
    CASE(handler_knows_the_time_that_is_left),
    CASE(negative_timeout_is_INVALID),
    CASE(oneway_call_runs),
    CASE(handler_sees_its_peer),
    CASE(replies_outlive_later_calls_and_the_connection),
    CASE(many_threads_share_a_client),
    CASE(replies_of_any_size_never_use_up_the_memory),
    CASE(call_that_may_not_block_is_BUSY_when_all_slots_are),
    cmocka_unit_test(calls_after_the_servers_end_say_so),
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
