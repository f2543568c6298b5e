/* Faults: a handler describes how it failed, and the caller receives the
 * description. */
#include "sample.h"

#include <stdio.h>
#include <unistd.h>

#include "rpc/fault.h"
#include "shmrpc/async.h"

/* The fault that the handlers report. Set before they are called. */
static shmrpc_fault thrown;

static int throw_fault(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return shmrpc_ctx_fault(ctx, &thrown);
}

/* Raises a declared error first, which the fault replaces. */
static int throw_after_error(shmrpc_ctx *ctx, const void *impl, void *user,
                             const void *params, void *result)
{
    static const detail none = {{"four", 4}};
    (void)impl, (void)user, (void)params, (void)result;
    (void)shmrpc_stub_raise(ctx, &detailed_error, &none);
    return shmrpc_ctx_fault(ctx, &thrown);
}

static const shmrpc_any arguments[] = {
    {.kind = SHMRPC_ANY_STR, .u.str = {"invalid x", 9}},
    {.kind = SHMRPC_ANY_I64, .u.i64 = INT64_MIN},
};

static void set_value_error(void)
{
    thrown = (shmrpc_fault){.type = shmrpc_str_of("ValueError"),
                            .message = shmrpc_str_of("invalid x"),
                            .trace = shmrpc_str_of("line 1\nline 2\n"),
                            .args = shmrpc_any_list_of(arguments, 2)};
}

/* ---- a server whose methods all fail ------------------------------------- */

typedef struct both {
    sample_server server;
    shmrpc_client *client;
} both;

static int set_up(void **state)
{
    static shmrpc_handler mine[SAMPLE_METHODS];
    both *b = calloc(1, sizeof *b);
    for (size_t i = 0; i < SAMPLE_METHODS; i++) {
        mine[i] = throw_fault;
    }
    mine[THROW] = throw_after_error;
    mine[FAIL] = sample_handlers[FAIL];
    mine[ADD_MSGPACK] = sample_handlers[ADD_MSGPACK];
    sample_start_with(&b->server, *state, mine, NULL);
    b->client = sample_connect(&b->server);
    set_value_error();
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

static const shmrpc_opts wants_faults = {.flags = SHMRPC_OPT_FAULTS};

static void expect_text(shmrpc_str got, shmrpc_str expected)
{
    assert_int_equal(got.len, expected.len);
    assert_true(shmrpc_str_equal(got, expected));
}

static void expect_thrown(const void *reply, const shmrpc_error *error)
{
    const shmrpc_fault *got = shmrpc_stub_fault(reply);
    assert_non_null(got);
    expect_text(got->type, thrown.type);
    expect_text(got->message, thrown.message);
    expect_text(got->trace, thrown.trace);
    assert_true(shmrpc_any_equal(&got->args, &thrown.args));
    assert_int_equal(error->code, SHMRPC_E_UNKNOWN);
    assert_string_equal(error->name, "UNKNOWN");
    assert_string_equal(error->message, "ValueError: invalid x");
    assert_int_equal(error->pid, (int)getpid());
    assert_true(error->may_have_run);
}

/* ---- cases --------------------------------------------------------------- */

static void every_encoding_brings_the_whole_fault(void **state)
{
    const both *b = *state;
    static const uint32_t methods[] = {ECHO_RAW, ECHO_JSON, NOTHING, FILL,
                                       THROW};
    union {
        bytes_params bytes;
        text_params text;
        pair_params pair;
    } params;
    memset(&params, 0, sizeof params);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const void *reply = NULL;
        shmrpc_error error;
        assert_int_equal(shmrpc_stub_call_reply(b->client, methods[i], &params,
                                                &wants_faults, &reply, &error),
                         SHMRPC_E_UNKNOWN);
        expect_thrown(reply, &error);
        assert_null(shmrpc_stub_payload(reply, &detailed_error));
        shmrpc_stub_release(reply);
    }
}

static void who_does_not_ask_gets_no_reply(void **state)
{
    const both *b = *state;
    const void *reply = NULL;
    shmrpc_error error;
    pair_params pair = {1, 2};
    int64_t sum = 5;
    assert_int_equal(
        shmrpc_stub_call_reply(b->client, NOTHING, NULL, NULL, &reply, &error),
        SHMRPC_E_UNKNOWN);
    assert_null(reply);
    assert_string_equal(error.message, "ValueError: invalid x");
    assert_int_equal(
        shmrpc_stub_call(b->client, ADD, &pair, &wants_faults, &sum, &error),
        SHMRPC_E_UNKNOWN);
    assert_int_equal(sum, 5);
}

static void call_fault_has_a_value_or_a_fault(void **state)
{
    const both *b = *state;
    const void *reply = NULL;
    shmrpc_error error;
    pair_params pair = {1, 2};
    int64_t sum = 5;
    assert_int_equal(shmrpc_stub_call_fault(b->client, ADD, &pair, NULL, &sum,
                                            &reply, &error),
                     SHMRPC_E_UNKNOWN);
    assert_int_equal(sum, 5);
    expect_thrown(reply, &error);
    shmrpc_stub_release(reply);
    reply = NULL;
    assert_int_equal(shmrpc_stub_call_fault(b->client, ADD_MSGPACK, &pair, NULL,
                                            &sum, &reply, &error),
                     SHMRPC_OK);
    assert_int_equal(sum, 3);
    assert_null(reply);
}

/* Calls with metadata take another path through the client. */
static void call_fault_works_beside_metadata(void **state)
{
    const both *b = *state;
    static const shmrpc_metadata with[] = {{"tenant", "blue"}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with};
    const void *reply = NULL;
    shmrpc_error error;
    pair_params pair = {1, 2};
    int64_t sum = 5;
    assert_int_equal(shmrpc_stub_call_fault(b->client, ADD, &pair, &opts, &sum,
                                            &reply, &error),
                     SHMRPC_E_UNKNOWN);
    expect_thrown(reply, &error);
    shmrpc_stub_release(reply);
    reply = NULL;
    assert_int_equal(shmrpc_stub_call_fault(b->client, ADD_MSGPACK, &pair,
                                            &opts, &sum, &reply, &error),
                     SHMRPC_OK);
    assert_int_equal(sum, 3);
    assert_null(reply);
}

static void started_calls_bring_it_too(void **state)
{
    const both *b = *state;
    const void *reply = NULL;
    shmrpc_error error;
    shmrpc_call *call = NULL;
    assert_int_equal(shmrpc_stub_start(b->client, NOTHING, NULL, &wants_faults,
                                       &call, &error),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_stub_finish_reply(call, &sample_service, NOTHING,
                                              &reply, &error),
                     SHMRPC_E_UNKNOWN);
    expect_thrown(reply, &error);
    shmrpc_stub_release(reply);
}

static void unknown_without_a_fault_gives_no_reply(void **state)
{
    const both *b = *state;
    fail_params params = {SHMRPC_E_UNKNOWN, shmrpc_str_of("no idea")};
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(shmrpc_stub_call_reply(b->client, FAIL, &params,
                                            &wants_faults, &reply, &error),
                     SHMRPC_E_UNKNOWN);
    assert_null(reply);
    assert_string_equal(error.message, "no idea");
    assert_null(shmrpc_stub_fault(NULL));
}

/* Calls NOTHING, and passes its fault to `check`. */
static void with_fault(const both *b, void (*check)(const shmrpc_fault *got))
{
    const void *reply = NULL;
    shmrpc_error error;
    assert_int_equal(shmrpc_stub_call_reply(b->client, NOTHING, NULL,
                                            &wants_faults, &reply, &error),
                     SHMRPC_E_UNKNOWN);
    assert_non_null(shmrpc_stub_fault(reply));
    check(shmrpc_stub_fault(reply));
    shmrpc_stub_release(reply);
}

static void is_cut(const shmrpc_fault *got)
{
    assert_in_range(got->type.len, 200, 300);
    assert_in_range(got->message.len, 10000, 20000);
    assert_in_range(got->trace.len, 20000, 40000);
    /* A long trace loses its beginning, other long texts lose their end. */
    assert_memory_equal(got->message.ptr, thrown.message.ptr, got->message.len);
    assert_memory_equal(got->trace.ptr,
                        thrown.trace.ptr + thrown.trace.len - got->trace.len,
                        got->trace.len);
    assert_int_equal(got->args.kind, SHMRPC_ANY_NULL);
}

static void what_is_too_long_is_cut_at_characters(void **state)
{
    const both *b = *state;
    static char text[100001];
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xc3\xa4", 2);
        }
        shmrpc_any args = shmrpc_any_of_str((shmrpc_str){text, 100000 - shift});
        thrown.type = thrown.message = thrown.trace =
            (shmrpc_str){text, 100000 - shift};
        thrown.args = args;
        with_fault(b, is_cut);
    }
}

static void has_no_arguments(const shmrpc_fault *got)
{
    expect_text(got->type, shmrpc_str_of("ValueError"));
    expect_text(got->message, shmrpc_str_of("x"));
    expect_text(got->trace, shmrpc_str_of("line 1\n"));
    assert_int_equal(got->args.kind, SHMRPC_ANY_NULL);
}

static void bytes_that_are_no_text_are_left_out(void **state)
{
    const both *b = *state;
    const shmrpc_any bad = shmrpc_any_str("\xff");
    thrown.message = shmrpc_str_of("x\xff\xff");
    thrown.trace = shmrpc_str_of("line 1\n\xff");
    thrown.args = shmrpc_any_list_of(&bad, 1);
    with_fault(b, has_no_arguments);
}

static void is_empty(const shmrpc_fault *got)
{
    assert_int_equal(got->type.len + got->message.len + got->trace.len, 0);
    assert_int_equal(got->args.kind, SHMRPC_ANY_NULL);
}

static void empty_fault_is_one_too(void **state)
{
    const both *b = *state;
    thrown = (shmrpc_fault){.reserved = {0}};
    with_fault(b, is_empty);
}

static void oneway_faults_are_nobodys(void **state)
{
    const both *b = *state;
    pair_params pair = {1, 2};
    assert_int_equal(
        shmrpc_stub_call(b->client, NOTE, &pair, &wants_faults, NULL, NULL), 0);
    assert_int_equal(
        shmrpc_stub_call(b->client, ADD_MSGPACK, &pair, NULL, &pair.a, NULL),
        0);
}

/* ---- access to the trace ------------------------------------------------- */

static void trace_is_for_those_who_may(void **state)
{
    (void)state;
    uint8_t bytes[256];
    shmrpci_arena arena;
    shmrpci_buf out;
    set_value_error();
    for (int with = 0; with < 2; with++) {
        shmrpci_arena_init(&arena, (size_t)1 << 20);
        shmrpci_buf_init_fixed(&out, bytes, sizeof bytes - 1);
        shmrpci_fault_write(&thrown, with != 0, &arena, &out);
        assert_int_equal(out.status, SHMRPC_OK);
        assert_int_equal(memmem(bytes, out.len, "line 1", 6) != NULL,
                         with != 0);
        shmrpci_arena_fini(&arena);
    }
}

static void without_memory_nothing_is_written(void **state)
{
    (void)state;
    uint8_t bytes[256];
    shmrpci_arena arena;
    shmrpci_buf out;
    shmrpci_arena_init(&arena, 1024);
    shmrpci_buf_init_fixed(&out, bytes, sizeof bytes);
    shmrpci_fault_write(&thrown, true, &arena, &out);
    assert_int_equal(out.len, 0);
    shmrpci_arena_fini(&arena);
}

#define BOTH(name)                                             \
    {#name " inproc", name, set_up, tear_down, sample_inproc}, \
    {                                                          \
#name " shm", name, set_up, tear_down, sample_shm      \
    }

static int group_set_up(void **state)
{
    (void)state;
    sample_folder_make();
    return 0;
}

static int group_tear_down(void **state)
{
    (void)state;
    sample_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(every_encoding_brings_the_whole_fault),
        BOTH(who_does_not_ask_gets_no_reply),
        BOTH(call_fault_has_a_value_or_a_fault),
        BOTH(call_fault_works_beside_metadata),
        BOTH(started_calls_bring_it_too),
        BOTH(unknown_without_a_fault_gives_no_reply),
        BOTH(what_is_too_long_is_cut_at_characters),
        BOTH(bytes_that_are_no_text_are_left_out),
        BOTH(empty_fault_is_one_too),
        BOTH(oneway_faults_are_nobodys),
        cmocka_unit_test(trace_is_for_those_who_may),
        cmocka_unit_test(without_memory_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
