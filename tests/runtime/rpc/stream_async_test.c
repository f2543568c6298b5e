/* Streams with callbacks, which dispatch reads: items, pauses, ends. */
#include "stream_sample.h"

#include <poll.h>

#include "shmrpc/async.h"

/* Observations of the callbacks, and orders to them. */
static struct {
    shmrpc_stream *stream;
    int64_t count;
    int64_t pause_at; /* pauses at this item; -1: never */
    int64_t stop_at;  /* stops at this item: returns SHMRPC_OK */
    int64_t close_at; /* closes the stream in the callback of this item */
    unsigned ends;
    int status;
} got;

static int on_item(shmrpc_function unused, void *user, const void *item)
{
    (void)unused;
    assert_ptr_equal(user, &got);
    int64_t number = *(const int64_t *)item;
    assert_int_equal(number, got.count);
    assert_int_equal(got.ends, 0);
    got.count++;
    if (number == got.close_at) {
        shmrpc_stub_stream_close(got.stream);
        got.stream = NULL;
    }
    return number == got.pause_at  ? SHMRPC_PAUSE
           : number == got.stop_at ? SHMRPC_OK
                                   : SHMRPC_MORE;
}

static void on_end(shmrpc_function unused, void *user, int status,
                   const shmrpc_error *why)
{
    (void)unused;
    assert_ptr_equal(user, &got);
    got.ends++;
    got.status = status;
    assert_true(status == SHMRPC_OK || why->message[0] != '\0');
}

static void nothing(void)
{
}

static void open_async(uint32_t method, const void *params,
                       const shmrpc_opts *opts)
{
    got.count = 0;
    got.pause_at = got.stop_at = got.close_at = -1;
    got.ends = 0;
    if (shmrpc_stub_stream_async(client, method, params, opts, on_item, on_end,
                                 nothing, nothing, &got, &got.stream,
                                 &error) != SHMRPC_OK) {
        fail_msg("async: %s", error.message);
    }
    assert_int_equal(got.count, 0); /* callbacks run only in dispatch */
}

/* Dispatches once, when the descriptor is readable or after `timeout_ms`. */
static void dispatch(int timeout_ms)
{
    struct pollfd fd = {.fd = shmrpc_stub_fd(client), .events = POLLIN};
    assert_true(fd.fd >= 0);
    assert_true(poll(&fd, 1, timeout_ms) >= 0);
    assert_true(shmrpc_stub_dispatch(client) >= 0);
}

/* Dispatches until the stream has ended, or `count` items have come. */
static void dispatch_until(int64_t count)
{
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    while (got.ends == 0 && got.count < count && shmrpci_now_ns() < late_ns) {
        dispatch(100);
    }
    assert_true(got.ends > 0 || got.count >= count);
}

static void items_then_one_end(void **state)
{
    (void)state;
    const pair_params params = {3000, 0};
    open_async(DOWN, &params, NULL);
    dispatch_until(INT64_MAX);
    assert_int_equal(got.count, 3000);
    assert_int_equal(got.status, SHMRPC_OK);
    dispatch(0);
    assert_int_equal(got.ends, 1);
    shmrpc_stub_stream_close(got.stream);
}

static void items_then_the_error(void **state)
{
    (void)state;
    const pair_params params = {5, DETAILED_ERROR};
    open_async(DOWN, &params, NULL);
    dispatch_until(INT64_MAX);
    assert_int_equal(got.count, 5);
    assert_int_equal(got.status, DETAILED_ERROR);
    const detail *why = shmrpc_stub_stream_payload(got.stream, &detailed_error);
    assert_non_null(why);
    shmrpc_stub_stream_close(got.stream);
}

/* A stream that is always full does not occupy dispatch: other work goes on. */
static void a_turn_has_an_end(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    open_async(DOWN, &params, NULL);
    dispatch_until(1);
    int64_t before = got.count;
    dispatch(100);
    /* Four rounds of a dispatch, with 64 items of a stream in each. */
    assert_true(got.count <= before + 4 * 64);
    dispatch_until(2000);
    shmrpc_stub_stream_close(got.stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    assert_int_equal(got.ends, 0);
}

static void pause_and_resume(void **state)
{
    (void)state;
    const pair_params params = {1000, 0};
    open_async(DOWN, &params, NULL);
    for (int64_t at = 9; at < 1000; at += 200) {
        got.pause_at = at;
        dispatch_until(at + 1);
        for (int i = 0; i < 3; i++) {
            dispatch(1);
        }
        assert_int_equal(got.count, at + 1);
        shmrpc_stub_stream_resume(got.stream);
        assert_int_equal(got.count,
                         at + 1); /* callbacks run only in dispatch */
        shmrpc_stub_stream_resume(got.stream);
    }
    dispatch_until(INT64_MAX);
    assert_int_equal(got.count, 1000);
    assert_int_equal(got.status, SHMRPC_OK);
    shmrpc_stub_stream_close(got.stream);
}

static void enough(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    open_async(DOWN, &params, NULL);
    got.stop_at = 70;
    dispatch_until(INT64_MAX);
    assert_int_equal(got.count, 71);
    assert_int_equal(got.status, SHMRPC_E_CANCELLED);
    assert_int_equal(got.ends, 1);
    shmrpc_stub_stream_close(got.stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
}

static void closed_by_a_callback(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    open_async(DOWN, &params, NULL);
    got.close_at = 10;
    dispatch_until(11);
    assert_null(got.stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    dispatch(0);
    assert_int_equal(got.count, 11);
    assert_int_equal(got.ends, 0);
}

static void idle_stream(void **state)
{
    (void)state;
    open_async(IDLE, NULL, NULL);
    got.count = 1; /* the next item is 1 */
    dispatch_until(INT64_MAX);
    assert_int_equal(got.status, SHMRPC_E_DEADLINE);
    shmrpc_stub_stream_close(got.stream);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_then_one_end),
        TEST(items_then_the_error),
        TEST(a_turn_has_an_end),
        TEST(pause_and_resume),
        TEST(enough),
        TEST(closed_by_a_callback),
        TEST(idle_stream),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
