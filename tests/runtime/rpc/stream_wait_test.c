/* Waits of streams and the wait hooks, which are called in pairs and can end a
 * stream; and faults of handlers with streams. */
#include "stream_sample.h"

#include <stdatomic.h>

#include "shmrpc/wait.h"

/* Observations of the hooks. */
static atomic_uint blocks;
static atomic_uint unblocks;
static atomic_uint asked;

static void on_block(void *user)
{
    (void)user;
    assert_int_equal(atomic_load(&blocks), atomic_load(&unblocks));
    atomic_fetch_add(&blocks, 1u);
}

static void on_unblock(void *user)
{
    (void)user;
    atomic_fetch_add(&unblocks, 1u);
    assert_int_equal(atomic_load(&blocks), atomic_load(&unblocks));
}

static int give_up(void *user)
{
    (void)user;
    assert_int_equal(atomic_load(&blocks), atomic_load(&unblocks) + 1);
    return atomic_fetch_add(&asked, 1u) >= 1;
}

static const shmrpc_wait_hooks hooks = {.size = sizeof hooks,
                                        .block = on_block,
                                        .unblock = on_unblock,
                                        .interrupted = give_up};

static void expect_interrupted(int status)
{
    if (status != SHMRPC_E_CANCELLED ||
        strstr(error.message, "interrupted") == NULL) {
        fail_msg("%s: %d %s", place, status, error.message);
    }
    /* The hooks may have been called more than once: over a socket, cancelling
     * also waits, and calls them unless the wait is very short. */
    assert_true(atomic_load(&asked) >= 2);
    assert_true(atomic_load(&blocks) >= 1);
    assert_int_equal(atomic_load(&blocks), atomic_load(&unblocks));
}

/* No further item ever arrives, and there is no deadline. */
static void interrupted_reader_ends_its_stream(void **state)
{
    (void)state;
    const void *item;
    const int64_t number = 1;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 2); /* a handler is running, and can be cancelled */
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = shmrpc_stub_stream_next(stream, &item, &error);
    (void)shmrpc_wait_set_hooks(NULL);
    expect_interrupted(status);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_E_CANCELLED);
    shmrpc_stub_stream_close(stream);
}

/* Neither side reads, so the send waits. */
static void interrupted_sender_ends_its_stream(void **state)
{
    (void)state;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = SHMRPC_OK;
    while (status == SHMRPC_OK) {
        const shmrpc_str item = shmrpc_str_of("word");
        status = shmrpc_stub_stream_send(stream, &item, 0, &error);
    }
    (void)shmrpc_wait_set_hooks(NULL);
    expect_interrupted(status);
    shmrpc_stub_stream_close(stream);
}

/* The client waits for the result, and the handler waits for the client. */
static void interrupted_finish_ends_its_stream(void **state)
{
    (void)state;
    const void *reply = NULL;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    (void)shmrpc_wait_set_hooks(&hooks);
    int status = shmrpc_stub_stream_finish_reply(stream, &reply, &error);
    (void)shmrpc_wait_set_hooks(NULL);
    expect_interrupted(status);
    shmrpc_stub_release(reply);
}

static void fault_comes_after_the_items(void **state)
{
    (void)state;
    const pair_params params = {1, 0};
    const void *item;
    const shmrpc_opts opts = {.flags = SHMRPC_OPT_FAULTS};
    shmrpc_stream *stream = open_with(DOWN, &params, &opts);
    assert_null(shmrpc_stub_stream_fault(stream));
    expect_number(stream, 7);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_E_UNKNOWN);
    const shmrpc_fault *fault = shmrpc_stub_stream_fault(stream);
    assert_non_null(fault);
    assert_true(shmrpc_str_equal(fault->type, shmrpc_str_of("KeyError")));
    shmrpc_stub_stream_close(stream);
}

/* ---- a server whose handlers do nothing ---------------------------------- */

/* Waits until the client has left, or the server ends. */
static int wait_only(shmrpc_ctx *ctx, const void *impl, void *user,
                     const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    while (!shmrpc_ctx_cancelled(ctx)) {
        shmrpci_thread_yield();
    }
    return SHMRPC_E_CANCELLED;
}

static int send_and_fail(shmrpc_ctx *ctx, const void *impl, void *user,
                         const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    const int64_t item = 7;
    const shmrpc_fault fault = {.type = shmrpc_str_of("KeyError")};
    int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &item, 0);
    return status == SHMRPC_OK ? shmrpc_ctx_fault(ctx, &fault) : status;
}

static const shmrpc_handler handlers[METHODS] = {
    [DOWN] = send_and_fail, [UP] = wait_only};

static int begin_idle(void **state)
{
    atomic_store(&asked, 0);
    other_handlers = handlers;
    return begin(state);
}

static int begin_usual(void **state)
{
    atomic_store(&asked, 0);
    other_handlers = NULL;
    return begin(state);
}

#define IDLE_TEST(name) cmocka_unit_test_setup_teardown(name, begin_idle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(interrupted_reader_ends_its_stream,
                                        begin_usual, end),
        IDLE_TEST(interrupted_sender_ends_its_stream),
        IDLE_TEST(interrupted_finish_ends_its_stream),
        IDLE_TEST(fault_comes_after_the_items),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
