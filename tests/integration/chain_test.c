/*
 * A call through three processes: this one, a link and another link. It has one
 * trace and one deadline, and its end reaches all of them. Runs over shared
 * memory, TCP and gateways; tools/shmrpc-web/chain has the same over HTTP.
 */
#include "harness.h"

#include <shmrpc/async.h>
#include <shmrpc/beside.h>
#include <shmrpc/client.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../reaction.h"
#include "chain_client.h"

/* Within this time the last link learns that the first caller has given up. */
#define CANCEL_NS (50 * MS)
/* Shorter than the timeout of calls without a deadline of their own. */
#define TIMEOUT_NS (20 * S)

typedef struct links {
    harness_service last;
    harness_service middle;
    chain *client;
} links;

static links begin(const void *over)
{
    links l;
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    (void)setenv("CHAIN_NAME", "last", 1);
    l.last = harness_serve_over(over, CHAIN_SERVER, "chain", 5837, "3");
    (void)setenv("CHAIN_NAME", "middle", 1);
    (void)setenv("CHAIN_NEXT", l.last.where, 1);
    l.middle = harness_serve_over(over, CHAIN_SERVER, "chain",
                                  over == harness_tcp ? 5838 : 5837, "3");
    (void)unsetenv("CHAIN_NAME");
    (void)unsetenv("CHAIN_NEXT");
    if (chain_connect(l.middle.where, &opts, &l.client, &error) != SHMRPC_OK) {
        fail_msg("connect: %s", error.message);
    }
    return l;
}

static void end(links *l)
{
    chain_close(l->client);
    harness_end(&l->middle);
    harness_end(&l->last);
}

/* ---- traces and deadlines ------------------------------------------------ */

/* What one link has reported. */
typedef struct hop {
    char name[16];
    char trace[40];
    char parent[24];
    char span[24];
    long long left_ms;
} hop;

static void ask_hops(const links *l, const char *trace, hop hops[2])
{
    const chain_hops_reply *reply;
    const shmrpc_metadata with[] = {
        {trace != NULL ? "traceparent" : NULL, trace}, {NULL, NULL}};
    const shmrpc_opts opts = {.metadata = with, .timeout_ns = TIMEOUT_NS};
    shmrpc_error error;
    if (chain_hops(l->client, &opts, &reply, &error) != SHMRPC_OK) {
        fail_msg("hops: %s", error.message);
    }
    char text[512];
    (void)snprintf(text, sizeof text, "%.*s", (int)reply->value.len,
                   reply->value.ptr);
    chain_hops_release(reply);
    assert_int_equal(
        sscanf(text, "%15s %39s %23s %23s %lld %15s %39s %23s %23s %lld",
               hops[0].name, hops[0].trace, hops[0].parent, hops[0].span,
               &hops[0].left_ms, hops[1].name, hops[1].trace, hops[1].parent,
               hops[1].span, &hops[1].left_ms),
        10);
    assert_string_equal(hops[0].name, "middle");
    assert_string_equal(hops[1].name, "last");
}

static void one_trace_and_one_deadline(void **state)
{
    hop hops[2];
    char trace[SHMRPC_TRACEPARENT_BYTES];
    char id[33];
    char own[17];
    links l = begin(*state);
    shmrpc_trace_begin(trace);
    assert_int_equal(sscanf(trace, "00-%32[^-]-%16[^-]-", id, own), 2);
    ask_hops(&l, trace, hops);
    assert_string_equal(hops[0].trace, id);
    assert_string_equal(hops[0].parent, own);
    assert_string_not_equal(hops[0].span, own);
    assert_string_equal(hops[1].trace, id);
    assert_string_equal(hops[1].parent, hops[0].span);
    assert_string_not_equal(hops[1].span, hops[0].span);
    /* The last link has less time left, because the deadline is the same. */
    assert_in_range(hops[0].left_ms, 1, TIMEOUT_NS / MS);
    assert_in_range(hops[1].left_ms, hops[0].left_ms, TIMEOUT_NS / MS);
    end(&l);
}

/* ---- a collector of spans: its own, and those of the links --------------- */

typedef struct span {
    char method[16];
    char trace[40];
    char parent[24];
    char own[24];
    char status[24];
} span;

static void collect_own(void *user, shmrpc_intercepted *call, int status,
                        const shmrpc_error *error)
{
    span *root = user;
    (void)error;
    (void)snprintf(root->method, sizeof root->method, "%s", call->method);
    (void)snprintf(root->status, sizeof root->status, "%s",
                   shmrpc_status_name(status));
}

static void collect(child *server, const char *name, span *out)
{
    char line[512];
    char from[16];
    do {
        harness_read_line(server, line, sizeof line);
    } while (sscanf(line, "span %15s %15s %39s %23s %23s %23s", from,
                    out->method, out->trace, out->parent, out->own,
                    out->status) != 6);
    assert_string_equal(from, name);
}

static void expect_child(const span *at, const span *parent)
{
    assert_string_equal(at->method, "hops");
    assert_string_equal(at->status, "OK");
    assert_string_equal(at->trace, parent->trace);
    assert_string_equal(at->parent, parent->own);
    assert_string_not_equal(at->own, parent->own);
}

static void interceptors_export_three_spans(void **state)
{
    span root;
    span middle;
    span last;
    chain *client;
    char trace[SHMRPC_TRACEPARENT_BYTES];
    const shmrpc_interceptor exporter = {
        .size = sizeof exporter, .end = collect_own, .user = &root};
    const shmrpc_interceptor *const interceptors[] = {&exporter, NULL};
    const shmrpc_opts opts = {.timeout_ns = PATIENCE,
                              .interceptors = interceptors};
    hop hops[2];
    links l = begin(*state);
    chain_close(l.client);
    assert_int_equal(chain_connect(l.middle.where, &opts, &client, NULL),
                     SHMRPC_OK);
    l.client = client;
    shmrpc_trace_begin(trace);
    assert_int_equal(sscanf(trace, "00-%32[^-]-%16[^-]-", root.trace, root.own),
                     2);
    ask_hops(&l, trace, hops);
    assert_string_equal(root.method, "hops");
    assert_string_equal(root.status, "OK");
    collect(&l.middle.server, "middle", &middle);
    collect(&l.last.server, "last", &last);
    expect_child(&middle, &root);
    expect_child(&last, &middle);
    end(&l);
}

static void no_trace_unless_one_begins(void **state)
{
    hop hops[2];
    links l = begin(*state);
    ask_hops(&l, NULL, hops);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(hops[i].trace, "-");
    }
    end(&l);
}

/* ---- how calls end ------------------------------------------------------- */

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void await_holds(links *l)
{
    char line[512];
    do {
        harness_read_line(&l->last.server, line, sizeof line);
    } while (strcmp(line, "holds last") != 0);
}

/* Returns when a link learned that its call is over. */
static int64_t await_told(child *server, const char *status)
{
    char line[512];
    char why[32];
    long long when_ns;
    do {
        harness_read_line(server, line, sizeof line);
    } while (sscanf(line, "told %*s %lld %31s", &when_ns, why) != 2);
    if (status != NULL) {
        assert_string_equal(why, status);
    }
    return when_ns;
}

static int64_t cancel_call(void *user)
{
    links *l = user;
    shmrpc_call *call;
    shmrpc_error error;
    const shmrpc_opts opts = {.timeout_ns = TIMEOUT_NS};
    assert_int_equal(chain_hold_start(l->client, &opts, &call, &error),
                     SHMRPC_OK);
    await_holds(l);
    int64_t began_ns = monotonic_ns();
    (void)shmrpc_call_cancel(call);
    assert_int_equal(chain_hold_finish(call, &error), SHMRPC_E_CANCELLED);
    (void)await_told(&l->middle.server, "CANCELLED");
    return await_told(&l->last.server, "CANCELLED") - began_ns;
}

static int64_t close_stream(void *user)
{
    links *l = user;
    chain_drip_stream *stream;
    const uint64_t *number;
    shmrpc_error error;
    assert_int_equal(chain_drip(l->client, NULL, &stream, &error), SHMRPC_OK);
    assert_int_equal(chain_drip_next(stream, &number, &error), SHMRPC_MORE);
    assert_int_equal(*number, 7);
    await_holds(l);
    int64_t began_ns = monotonic_ns();
    chain_drip_close(stream);
    (void)await_told(&l->middle.server, "CANCELLED");
    return await_told(&l->last.server, "CANCELLED") - began_ns;
}

static void cancelled_call_ends_at_the_last_link(void **state)
{
    links l = begin(*state);
    expect_reaction(cancel_call, &l, 0, CANCEL_NS);
    expect_reaction(close_stream, &l, 0, CANCEL_NS);
    end(&l);
}

static void deadline_is_that_of_the_first_caller(void **state)
{
    const shmrpc_opts opts = {.timeout_ns = 200 * MS};
    shmrpc_error error;
    links l = begin(*state);
    int64_t began_ns = monotonic_ns();
    assert_int_equal(chain_hold(l.client, &opts, &error), SHMRPC_E_DEADLINE);
    /* A link notices the deadline itself, or is told by the previous link. */
    assert_true(await_told(&l.middle.server, NULL) - began_ns >=
                opts.timeout_ns);
    assert_true(await_told(&l.last.server, NULL) - began_ns >= opts.timeout_ns);
    end(&l);
}

/* A killed caller counts as one that has given up. */
static void killed_caller_ends_at_the_last_link(void **state)
{
    links l = begin(*state);
    const char *const arguments[] = {l.middle.where, NULL};
    child caller = harness_start("/proc/self/exe", arguments);
    await_holds(&l);
    harness_signal(&caller, SIGKILL);
    (void)await_told(&l.middle.server, "CANCELLED");
    (void)await_told(&l.last.server, "CANCELLED");
    end(&l);
}

static int be_caller(const char *where)
{
    chain *client;
    const shmrpc_opts opts = {.timeout_ns = PATIENCE};
    shmrpc_error error;
    int status = chain_connect(where, NULL, &client, &error);
    return status == SHMRPC_OK ? chain_hold(client, &opts, &error) : status;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return be_caller(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        HARNESS_CASES(one_trace_and_one_deadline, NULL, NULL),
        HARNESS_CASES(interceptors_export_three_spans, NULL, NULL),
        HARNESS_CASES(no_trace_unless_one_begins, NULL, NULL),
        HARNESS_CASES(cancelled_call_ends_at_the_last_link, NULL, NULL),
        HARNESS_CASES(deadline_is_that_of_the_first_caller, NULL, NULL),
        HARNESS_CASES(killed_caller_ends_at_the_last_link, NULL, NULL),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
