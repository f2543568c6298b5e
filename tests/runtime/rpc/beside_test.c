/* Calls with metadata, parents and traces, over the transports within one
 * machine. */
#include "sample.h"

#include <stdio.h>

#include "rpc/client.h"
#include "rpc/link.h"
#include "shmrpc/async.h"
#include "shmrpc/beside.h"
#include "transport/transport.h"

/* Observations of the last handler. A worker writes them before its reply. */
static struct {
    unsigned calls;
    char tenant[64];
    char traceparent[SHMRPC_TRACEPARENT_BYTES];
    bool has_trace;
    shmrpc_trace trace;
} seen;

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "(none)";
}

static int look(shmrpc_ctx *ctx)
{
    seen.calls++;
    (void)snprintf(seen.tenant, sizeof seen.tenant, "%s",
                   or_nothing(shmrpc_ctx_metadata(ctx, "tenant")));
    (void)snprintf(seen.traceparent, sizeof seen.traceparent, "%s",
                   or_nothing(shmrpc_ctx_metadata(ctx, "traceparent")));
    seen.has_trace = shmrpc_ctx_trace(ctx, &seen.trace);
    return shmrpc_ctx_set_reply_metadata(ctx, "server", "of the test");
}

#define LOOKING(name, METHOD)                                                  \
    static int name(shmrpc_ctx *ctx, const void *impl, void *user,             \
                    const void *params, void *result)                          \
    {                                                                          \
        int status = look(ctx);                                                \
        return status != SHMRPC_OK                                             \
                   ? status                                                    \
                   : sample_handlers[METHOD](ctx, impl, user, params, result); \
    }

LOOKING(looking_add, ADD)
LOOKING(looking_msgpack, ADD_MSGPACK)
LOOKING(looking_json, ECHO_JSON)
LOOKING(looking_raw, ECHO_RAW)
LOOKING(looking_fail, FAIL)
LOOKING(looking_throw, THROW)

/* Builds its result in place, in the memory from which it is sent. */
static int lending_raw(shmrpc_ctx *ctx, const void *impl, void *user,
                       const void *params, void *result)
{
    (void)impl;
    (void)user;
    const bytes_params *p = params;
    shmrpc_bytes *out = result;
    uint8_t *at = shmrpc_ctx_loan(ctx, p->data.len);
    assert_non_null(at);
    memcpy(at, p->data.ptr, p->data.len);
    *out = (shmrpc_bytes){at, p->data.len};
    return look(ctx);
}

/* The nested call that the handler of AGAIN makes to another server, and its
 * outcome. */
static struct {
    shmrpc_client *client;
    uint32_t method;
    shmrpc_opts opts;
    int status;
    int64_t value;
    shmrpc_error error;
    sample_state *asker;
} nested;

static int asking(shmrpc_ctx *ctx, const void *impl, void *user,
                  const void *params, void *result)
{
    (void)impl;
    (void)user;
    (void)params;
    nested.opts.parent = ctx;
    (void)look(ctx);
    pair_params pair = {1, 2};
    int status = shmrpc_stub_call(nested.client, nested.method, &pair,
                                  &nested.opts, &nested.value, &nested.error);
    *(int64_t *)result = 0;
    sample_state *state = nested.asker;
    shmrpci_mutex_lock(&state->lock);
    nested.status = status;
    state->noted++;
    shmrpci_cond_broadcast(&state->changed);
    shmrpci_mutex_unlock(&state->lock);
    return status;
}

static void serve(sample_server *s, const char *scheme, bool lends,
                  const shmrpc_server_opts *more)
{
    static shmrpc_handler handlers[2][SAMPLE_METHODS];
    shmrpc_handler *mine = handlers[lends ? 1 : 0];
    memcpy(mine, sample_handlers, sizeof handlers[0]);
    mine[ADD] = looking_add;
    mine[ADD_MSGPACK] = looking_msgpack;
    mine[ECHO_JSON] = looking_json;
    mine[ECHO_RAW] = lends ? lending_raw : looking_raw;
    mine[FAIL] = looking_fail;
    mine[THROW] = looking_throw;
    mine[AGAIN] = asking;
    sample_start_with(s, scheme, mine, more);
}

static shmrpci_conn *connection_of(shmrpc_client *client)
{
    const shmrpci_link *link = shmrpci_load_relaxed(&client->link);
    return link->conn;
}

static const char *scheme_of(void **state)
{
    return *state;
}

static const shmrpc_metadata with_tenant[] = {{"tenant", "blue"}, {NULL, NULL}};

static void expect_beside(const shmrpc_reply_metadata *back)
{
    assert_string_equal(seen.tenant, "blue");
    assert_string_equal(or_nothing(shmrpc_reply_metadata_get(back, "server")),
                        "of the test");
    assert_null(shmrpc_reply_metadata_get(back, "tenant"));
}

static void short_calls_carry_metadata(void **state)
{
    sample_server s;
    serve(&s, scheme_of(state), false, NULL);
    shmrpc_client *client = sample_connect(&s);
    for (uint32_t method = ADD; method <= ADD_MSGPACK; method++) {
        for (int i = 0; i < 3; i++) {
            shmrpc_reply_metadata back;
            shmrpc_opts opts = {.metadata = with_tenant,
                                .reply_metadata = &back};
            pair_params params = {i, 7};
            int64_t sum = 0;
            assert_int_equal(
                shmrpc_stub_call(client, method, &params, &opts, &sum, NULL),
                SHMRPC_OK);
            assert_int_equal(sum, i + 7);
            expect_beside(&back);
            /* The next call has no metadata. */
            assert_int_equal(
                shmrpc_stub_call(client, method, &params, NULL, &sum, NULL),
                SHMRPC_OK);
            assert_int_equal(sum, i + 7);
            assert_string_equal(seen.tenant, "(none)");
            /* A call that only asks for metadata. */
            opts.metadata = NULL;
            assert_int_equal(
                shmrpc_stub_call(client, method, &params, &opts, &sum, NULL),
                SHMRPC_OK);
            assert_string_equal(seen.tenant, "(none)");
            assert_non_null(shmrpc_reply_metadata_get(&back, "server"));
            /* A call that only sends metadata. */
            opts = (shmrpc_opts){.metadata = with_tenant};
            assert_int_equal(
                shmrpc_stub_call(client, method, &params, &opts, &sum, NULL),
                SHMRPC_OK);
            assert_string_equal(seen.tenant, "blue");
        }
    }
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void echo(shmrpc_client *client, size_t len)
{
    shmrpc_reply_metadata back;
    shmrpc_opts opts = {.metadata = with_tenant, .reply_metadata = &back};
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'e', len);
    text_params params = {{text, len}};
    const void *reply = NULL;
    assert_int_equal(
        shmrpc_stub_call_reply(client, ECHO_JSON, &params, &opts, &reply, NULL),
        SHMRPC_OK);
    const shmrpc_str *got = reply;
    assert_int_equal(got->len, len);
    assert_memory_equal(got->ptr, text, len);
    expect_beside(&back);
    shmrpc_stub_release(reply);
    bytes_params bytes = {{(const uint8_t *)text, len}};
    opts.flags = SHMRPC_OPT_IN_PLACE;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(shmrpc_stub_call_reply(client, ECHO_RAW, &bytes, &opts,
                                                &reply, NULL),
                         SHMRPC_OK);
        const shmrpc_bytes *raw = reply;
        assert_int_equal(raw->len, len);
        assert_true(len == 0 || memcmp(raw->ptr, text, len) == 0);
        expect_beside(&back);
        shmrpc_stub_release(reply);
        opts.flags = 0;
    }
    free(text);
}

static const size_t sizes[] = {0, 1, 200, 3000, 70000};

static void long_calls_carry_metadata(void **state)
{
    sample_server s;
    for (int lends = 0; lends < 2; lends++) {
        serve(&s, scheme_of(state), lends != 0, NULL);
        shmrpc_client *client = sample_connect(&s);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            echo(client, sizes[i]);
        }
        shmrpc_stub_close(client);
        sample_stop(&s);
    }
}

static void errors_carry_metadata(void **state)
{
    sample_server s;
    serve(&s, scheme_of(state), false, NULL);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_reply_metadata back;
    shmrpc_opts opts = {.metadata = with_tenant, .reply_metadata = &back};
    shmrpc_error error;
    fail_params params = {SHMRPC_E_NOT_FOUND, shmrpc_str_of("not here")};
    assert_int_equal(
        shmrpc_stub_call(client, FAIL, &params, &opts, NULL, &error),
        SHMRPC_E_NOT_FOUND);
    assert_string_equal(error.message, "not here");
    expect_beside(&back);
    const void *reply = NULL;
    assert_int_equal(
        shmrpc_stub_call_reply(client, THROW, NULL, &opts, &reply, &error),
        DETAILED_ERROR);
    const detail *thrown = shmrpc_stub_payload(reply, &detailed_error);
    assert_non_null(thrown);
    assert_int_equal(thrown->text.len, 4);
    expect_beside(&back);
    shmrpc_stub_release(reply);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void asynchronous_calls_carry_metadata(void **state)
{
    sample_server s;
    serve(&s, scheme_of(state), false, NULL);
    shmrpc_client *client = sample_connect(&s);
    shmrpc_reply_metadata back;
    shmrpc_opts opts = {.metadata = with_tenant, .reply_metadata = &back};
    pair_params params = {3, 4};
    shmrpc_call *call = NULL;
    int64_t sum = 0;
    assert_int_equal(
        shmrpc_stub_start(client, ADD, &params, &opts, &call, NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_finish(call, &sample_service, ADD, &sum, NULL),
                     SHMRPC_OK);
    assert_int_equal(sum, 7);
    expect_beside(&back);
    uint8_t *at = NULL;
    const void *reply = NULL;
    assert_int_equal(
        shmrpc_stub_loan(client, ECHO_RAW, 5, &opts, &at, &call, NULL),
        SHMRPC_OK);
    memcpy(at, "hello", 5);
    assert_int_equal(shmrpc_stub_send(call, NULL), SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_finish_reply(call, &sample_service, ECHO_RAW, &reply, NULL),
        SHMRPC_OK);
    assert_memory_equal(((const shmrpc_bytes *)reply)->ptr, "hello", 5);
    expect_beside(&back);
    shmrpc_stub_release(reply);
    /* A loan of no bytes. */
    opts = (shmrpc_opts){.timeout_ns = 0};
    assert_int_equal(
        shmrpc_stub_loan(client, ECHO_RAW, 0, &opts, &at, &call, NULL),
        SHMRPC_OK);
    assert_non_null(at);
    assert_int_equal(shmrpc_stub_send(call, NULL), SHMRPC_OK);
    assert_int_equal(
        shmrpc_stub_finish_reply(call, &sample_service, ECHO_RAW, &reply, NULL),
        SHMRPC_OK);
    assert_int_equal(((const shmrpc_bytes *)reply)->len, 0);
    shmrpc_stub_release(reply);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

static void too_much_is_refused_before_it_is_sent(void **state)
{
    static char value[SHMRPC_METADATA_MAX_BYTES];
    const shmrpc_metadata much[] = {{"k", value}, {NULL, NULL}};
    const shmrpc_metadata upper[] = {{"Key", "v"}, {NULL, NULL}};
    const shmrpc_metadata trace[] = {{"traceparent", "00-1"}, {NULL, NULL}};
    sample_server s;
    memset(value, 'v', sizeof value - 1);
    serve(&s, scheme_of(state), false, NULL);
    shmrpc_client *client = sample_connect(&s);
    unsigned calls = seen.calls;
    pair_params params = {1, 2};
    int64_t sum;
    shmrpc_error error;
    shmrpc_opts opts = {.metadata = much};
    assert_int_equal(
        shmrpc_stub_call(client, ADD, &params, &opts, &sum, &error),
        SHMRPC_E_TOO_LARGE);
    assert_false(error.may_have_run);
    opts.metadata = upper;
    assert_int_equal(
        shmrpc_stub_call(client, ADD, &params, &opts, &sum, &error),
        SHMRPC_E_INVALID);
    opts.metadata = trace;
    assert_int_equal(
        shmrpc_stub_call(client, ADD, &params, &opts, &sum, &error),
        SHMRPC_E_INVALID);
    sample_add(client, 1, 2);
    assert_int_equal(seen.calls, calls + 1);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

/* A request that none of our clients would send. */
static void a_malformed_block_is_refused(void **state)
{
    sample_server s;
    serve(&s, scheme_of(state), false, NULL);
    shmrpc_client *client = sample_connect(&s);
    unsigned calls = seen.calls;
    shmrpci_conn *conn = connection_of(client);
    const shmrpci_client_ops *ops = conn->transport->client;
    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t bodies[3][24] = {{0}, {16, 0, 1, 0, 200}, {0xff}};
        shmrpci_call call = {0};
        assert_int_equal(ops->reserve(conn, &call, 24, 24,
                                      shmrpci_deadline_after(PATIENCE_NS),
                                      NULL),
                         SHMRPC_OK);
        call.head = (shmrpci_head){.method = ADD + 1,
                                   .flags = SHMRPCI_HEAD_METADATA,
                                   .timeout_ns = PATIENCE_NS};
        shmrpci_buf_append(&call.out, bodies[i], 24);
        assert_int_equal(ops->commit(&call), SHMRPC_OK);
        assert_int_equal(
            ops->receive(&call, shmrpci_deadline_after(PATIENCE_NS)),
            SHMRPC_OK);
        assert_int_equal(call.head.status, SHMRPC_E_INVALID);
        ops->release(&call);
    }
    assert_int_equal(seen.calls, calls);
    sample_add(client, 1, 2);
    shmrpc_stub_close(client);
    sample_stop(&s);
}

/* ---- nested calls -------------------------------------------------------- */

typedef struct pair_of_servers {
    sample_server front;
    sample_server back;
    shmrpc_client *client;
} pair_of_servers;

static void pair_start(pair_of_servers *p, const char *scheme, uint32_t method)
{
    serve(&p->back, scheme, false, NULL);
    serve(&p->front, scheme, false, NULL);
    memset(&nested, 0, sizeof nested);
    nested.client = sample_connect(&p->back);
    nested.method = method;
    nested.asker = &p->front.state;
    p->client = sample_connect(&p->front);
}

static void pair_stop(pair_of_servers *p)
{
    shmrpc_stub_close(p->client);
    sample_stop(&p->front);
    shmrpc_stub_close(nested.client);
    sample_stop(&p->back);
}

static void a_nested_call_has_the_smaller_deadline(void **state)
{
    pair_of_servers p;
    int64_t value;
    pair_start(&p, scheme_of(state), REMAINING);
    shmrpc_opts opts = {.timeout_ns = PATIENCE_NS / 2};
    assert_int_equal(
        shmrpc_stub_call(p.client, AGAIN, NULL, &opts, &value, NULL),
        SHMRPC_OK);
    assert_in_range(nested.value, 1, PATIENCE_NS / 2);
    nested.opts.timeout_ns = PATIENCE_NS / 4;
    assert_int_equal(
        shmrpc_stub_call(p.client, AGAIN, NULL, &opts, &value, NULL),
        SHMRPC_OK);
    assert_in_range(nested.value, 1, PATIENCE_NS / 4);
    pair_stop(&p);
}

static void a_nested_call_is_cancelled_with_its_parent(void **state)
{
    pair_of_servers p;
    shmrpc_call *call = NULL;
    pair_start(&p, scheme_of(state), WATCH);
    shmrpc_opts opts = {.timeout_ns = 10 * PATIENCE_NS};
    assert_int_equal(
        shmrpc_stub_start(p.client, AGAIN, NULL, &opts, &call, NULL),
        SHMRPC_OK);
    sample_await(&p.back.state, &p.back.state.entered, 1);
    assert_false(shmrpc_call_cancel(call));
    shmrpc_call_release(call);
    sample_await(&p.front.state, &p.front.state.noted, 1);
    assert_int_equal(nested.status, SHMRPC_E_CANCELLED);
    sample_await(&p.back.state, &p.back.state.cancelled, 1);
    pair_stop(&p);
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_nested_call_is_a_child_in_the_trace(void **state)
{
    static const shmrpc_metadata traced[] = {{"traceparent", TRACE},
                                             {NULL, NULL}};
    pair_of_servers p;
    int64_t value;
    pair_start(&p, scheme_of(state), REMAINING);
    shmrpc_opts opts = {.metadata = traced};
    assert_int_equal(
        shmrpc_stub_call(p.client, AGAIN, NULL, &opts, &value, NULL),
        SHMRPC_OK);
    assert_string_equal(seen.traceparent, TRACE);
    assert_true(seen.has_trace && seen.trace.is_sampled);
    shmrpc_trace first = seen.trace;
    /* The second handler checks its trace. */
    nested.method = ADD;
    assert_int_equal(
        shmrpc_stub_call(p.client, AGAIN, NULL, &opts, &value, NULL),
        SHMRPC_OK);
    assert_true(seen.has_trace);
    assert_memory_equal(seen.trace.trace_id, first.trace_id, 16);
    assert_memory_not_equal(seen.trace.parent_id, first.parent_id, 8);
    assert_memory_not_equal(seen.trace.span_id, seen.trace.parent_id, 8);
    /* If the first call has no trace, the nested call has none either. */
    opts.metadata = NULL;
    assert_int_equal(
        shmrpc_stub_call(p.client, AGAIN, NULL, &opts, &value, NULL),
        SHMRPC_OK);
    assert_false(seen.has_trace);
    pair_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_OVER_ALL(short_calls_carry_metadata),
        SAMPLE_OVER_ALL(long_calls_carry_metadata),
        SAMPLE_OVER_ALL(errors_carry_metadata),
        SAMPLE_OVER_ALL(asynchronous_calls_carry_metadata),
        SAMPLE_OVER_ALL(too_much_is_refused_before_it_is_sent),
        SAMPLE_OVER_ALL(a_malformed_block_is_refused),
        SAMPLE_OVER_ALL(a_nested_call_has_the_smaller_deadline),
        SAMPLE_OVER_ALL(a_nested_call_is_cancelled_with_its_parent),
        SAMPLE_OVER_ALL(a_nested_call_is_a_child_in_the_trace),
    };
    return cmocka_run_group_tests(tests, sample_set_up, sample_tear_down);
}
