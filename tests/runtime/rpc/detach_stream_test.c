/* Streams of detached calls: their steps are called when there is something to
 * do. Tested over inproc, shm and each kind of socket, and through a
 * gateway. */
/* Included before the sample, because parameters in this header have names that
 * the sample gives to variables. */
#include "rpc/stream.h"

#include "stream_sample.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAMS 40u
#define IDLING  INT64_C(-1) /* the parameters of DOWN */

/* Orders to the steps, and their observations. */
static struct {
    shmrpci_mutex lock;
    shmrpci_cond changed;
    shmrpc_ctx *idle[STREAMS];
    unsigned idling;
    unsigned dropped;
    unsigned steps;
} seen = {.lock = SHMRPCI_MUTEX_INIT};

typedef struct walk {
    int64_t next;
    int64_t most;
    int64_t last; /* what is returned */
    int64_t bytes;
    int64_t twice;
    bool has_twice; /* `twice` has yet to be sent */
    bool is_over;   /* the client's items are over */
    shmrpc_bytes data;
} walk;

static void count(unsigned *what)
{
    shmrpci_mutex_lock(&seen.lock);
    ++*what;
    shmrpci_cond_broadcast(&seen.changed);
    shmrpci_mutex_unlock(&seen.lock);
}

static void await(const unsigned *what, unsigned most)
{
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpci_mutex_lock(&seen.lock);
    while (*what < most) {
        if (!shmrpci_cond_wait_until(&seen.changed, &seen.lock, late_ns)) {
            break;
        }
    }
    unsigned got = *what;
    shmrpci_mutex_unlock(&seen.lock);
    assert_true(got >= most);
}

static void drop(void *state)
{
    free(state);
    count(&seen.dropped);
}

/* ---- handlers, and their steps ------------------------------------------- */

typedef int step(shmrpc_ctx *ctx, walk *w, void *result);

static int call_step(shmrpc_ctx *ctx, shmrpc_function of, void *state,
                     void *result)
{
    count(&seen.steps);
    return ((step *)of)(ctx, state, result);
}

static int detach(shmrpc_ctx *ctx, step *of, const walk *first)
{
    walk *w = malloc(sizeof *w);
    *w = *first;
    return shmrpc_stub_stream_detach(ctx, call_step, (shmrpc_function)of, w,
                                     drop);
}

static int down_step(shmrpc_ctx *ctx, walk *w, void *result)
{
    (void)result;
    while (w->next < w->most) {
        int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &w->next, 0);
        if (status != SHMRPC_OK) {
            return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
        }
        w->next++;
    }
    const detail why = {shmrpc_str_of("four")};
    return w->last == DETAILED_ERROR
               ? shmrpc_stub_raise(ctx, &detailed_error, &why)
               : (int)w->last;
}

static int up_step(shmrpc_ctx *ctx, walk *w, void *result)
{
    const void *item;
    int status;
    while ((status = shmrpc_stub_source_next(shmrpc_stub_source(ctx), &item)) ==
           SHMRPC_MORE) {
        w->bytes += (int64_t)((const shmrpc_str *)item)->len;
    }
    *(int64_t *)result = w->bytes;
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
}

static int up(shmrpc_ctx *ctx, const void *impl, void *user, const void *params,
              void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return detach(ctx, up_step, &(walk){.next = 0});
}

static int both_step(shmrpc_ctx *ctx, walk *w, void *result)
{
    (void)result;
    int status = SHMRPC_OK;
    for (;;) {
        const void *item;
        if (w->has_twice) {
            status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &w->twice, 0);
        }
        if (status != SHMRPC_OK) {
            break;
        }
        w->has_twice = false;
        status = shmrpc_stub_source_try_next(shmrpc_stub_source(ctx), &item);
        if (status != SHMRPC_MORE) {
            break;
        }
        w->twice = 2 * *(const int64_t *)item;
        w->has_twice = true;
        status = SHMRPC_OK;
    }
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
}

static int both(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return detach(ctx, both_step, &(walk){.next = 0});
}

/* Sends all bytes in one item, which is larger than the window. */
static int cat_step(shmrpc_ctx *ctx, walk *w, void *result)
{
    (void)result;
    int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &w->data, 0);
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_MORE : status;
}

static int cat(shmrpc_ctx *ctx, const void *impl, void *user,
               const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    return detach(ctx, cat_step,
                  &(walk){.data = ((const bytes_params *)params)->data});
}

/* Sends one number for each wake-up. */
static int idle_step(shmrpc_ctx *ctx, walk *w, void *result)
{
    (void)result;
    if (w->next == 0) {
        shmrpci_mutex_lock(&seen.lock);
        seen.idle[seen.idling] = ctx;
        shmrpci_mutex_unlock(&seen.lock);
    }
    int status = shmrpc_stub_sink_send(shmrpc_stub_sink(ctx), &w->next, 0);
    if (w->next++ == 0) {
        count(&seen.idling);
    }
    return status == SHMRPC_OK ? (int)SHMRPC_MORE : status;
}

static int down(shmrpc_ctx *ctx, const void *impl, void *user,
                const void *params, void *result)
{
    (void)impl, (void)user, (void)result;
    const pair_params *p = params;
    return p->a == IDLING
               ? detach(ctx, idle_step, &(walk){.next = 0})
               : detach(ctx, down_step, &(walk){.most = p->a, .last = p->b});
}

/* Sends until the deadline, which applies to both ends. */
static int flood(shmrpc_ctx *ctx, const void *impl, void *user,
                 const void *params, void *result)
{
    (void)impl, (void)user, (void)params, (void)result;
    return detach(ctx, down_step, &(walk){.most = INT64_MAX});
}

static const shmrpc_handler handlers[METHODS] = {
    [DOWN] = down,   [UP] = up,   [BOTH] = both,
    [FLOOD] = flood, [CAT] = cat, [IDLE] = flood,
};

static int start(void **state)
{
    seen.idling = 0;
    seen.dropped = 0;
    seen.steps = 0;
    other_handlers = handlers;
    drain_ns = 0;
    return begin(state);
}

static int start_hasty(void **state)
{
    seen.idling = 0;
    seen.dropped = 0;
    other_handlers = handlers;
    drain_ns = 50 * SHMRPCI_NS_PER_MS;
    return begin(state);
}

static const pair_params idling = {IDLING, 0};

/* ---- cases --------------------------------------------------------------- */

static void items_come_in_order_then_the_end(void **state)
{
    (void)state;
    const void *item;
    const pair_params params = {20000, DETAILED_ERROR};
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    for (int64_t i = 0; i < params.a; i++) {
        expect_number(stream, i);
    }
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     DETAILED_ERROR);
    assert_non_null(shmrpc_stub_stream_payload(stream, &detailed_error));
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
}

static void result_follows_the_items_of_the_client(void **state)
{
    (void)state;
    static char text[30000];
    int64_t bytes = 0;
    shmrpc_stream *stream = open_with(UP, NULL, NULL);
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 100; i++) {
        const shmrpc_str word = {text, 100 * i};
        assert_int_equal(shmrpc_stub_stream_send(stream, &word, 0, &error),
                         SHMRPC_OK);
    }
    assert_int_equal(shmrpc_stub_stream_finish(stream, &bytes, &error),
                     SHMRPC_OK);
    assert_int_equal(bytes, 100 * 99 * 50);
    await(&seen.dropped, 1);
}

static void items_go_both_ways(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 0; i < 500; i++) {
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
    }
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
}

static void item_larger_than_the_window_goes_in_pieces(void **state)
{
    (void)state;
    static uint8_t data[300000];
    const void *item;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    const bytes_params params = {{data, sizeof data}};
    shmrpc_stream *stream = open_with(CAT, &params, NULL);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error),
                     SHMRPC_MORE);
    const shmrpc_bytes *got = item;
    assert_int_equal(got->len, sizeof data);
    assert_memory_equal(got->ptr, data, sizeof data);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
}

/* There are more streams than workers or places, because detached streams
 * occupy neither. */
static void woken_steps_send_and_closed_ones_are_dropped(void **state)
{
    (void)state;
    shmrpc_stream *streams[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        streams[i] = open_with(DOWN, &idling, NULL);
        await(&seen.idling, i + 1);
        expect_number(streams[i], 0);
    }
    for (unsigned i = STREAMS; i-- > 0;) {
        shmrpc_stream_wake(seen.idle[i]);
        expect_number(streams[i], 1);
    }
    const pair_params params = {3, 0};
    shmrpc_stream *one = open_with(DOWN, &params, NULL);
    expect_number(one, 0);
    shmrpc_stub_stream_close(one);
    for (unsigned i = 0; i < STREAMS; i++) {
        shmrpc_stub_stream_close(streams[i]);
    }
    await(&seen.dropped, STREAMS + 1);
}

/* The client closes its end without cancelling the call, which no client of
 * ours does. If that did not end the stream, the thread would find it closed
 * again and again, and never sleep. The test skips gateways, which only notice
 * the closed end when they pass on the next item. */
static void client_that_only_closes_its_end(void **state)
{
    (void)state;
    if (strncmp(place, "relay", 5) == 0) {
        return;
    }
    shmrpc_stream *stream = open_with(DOWN, &idling, NULL);
    await(&seen.idling, 1);
    expect_number(stream, 0);
    stream->ops->close(stream->end);
    stream->end = NULL;
    await(&seen.dropped, 1);
    shmrpc_stub_stream_close(stream);
}

static void full_window_waits_for_the_client(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    expect_number(stream, 0);
    unsigned steps = 0;
    for (int64_t i = 1; i < 5000; i++) {
        expect_number(stream, i);
        shmrpci_mutex_lock(&seen.lock);
        steps = seen.steps;
        shmrpci_mutex_unlock(&seen.lock);
    }
    assert_true(steps < 5000);
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
}

static void deadline_ends_a_stream(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream;
    int64_t timeout_ns = 100 * SHMRPCI_NS_PER_MS;
    int status;
    for (;;) { /* repeated until a call reaches the handler in time */
        const shmrpc_opts hasty = {.timeout_ns = timeout_ns};
        stream = open_with(FLOOD, NULL, &hasty);
        status = shmrpc_stub_stream_next(stream, &item, &error);
        if (status == SHMRPC_MORE || timeout_ns > PATIENCE_NS) {
            break;
        }
        shmrpc_stub_stream_close(stream);
        timeout_ns *= 2;
    }
    while (status == SHMRPC_MORE) {
        status = shmrpc_stub_stream_next(stream, &item, &error);
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
}

static void server_that_ends_says_after_how_many_items(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(DOWN, &idling, NULL);
    expect_number(stream, 0);
    shmrpc_stub_stream_close(stream);
    await(&seen.dropped, 1);
    const pair_params params = {INT64_MAX, 0};
    stream = open_with(DOWN, &params, NULL);
    expect_number(stream, 0);
    stop_server();
    await(&seen.dropped, 2);
    int status;
    do {
        status = shmrpc_stub_stream_next(stream, &item, &error);
    } while (status == SHMRPC_MORE);
    assert_int_equal(status, SHMRPC_E_UNAVAILABLE);
    assert_non_null(strstr(error.message, "items"));
    shmrpc_stub_stream_close(stream);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        CASE(items_come_in_order_then_the_end),
        CASE(result_follows_the_items_of_the_client),
        CASE(items_go_both_ways),
        CASE(item_larger_than_the_window_goes_in_pieces),
        CASE(woken_steps_send_and_closed_ones_are_dropped),
        CASE(client_that_only_closes_its_end),
        CASE(full_window_waits_for_the_client),
        CASE(deadline_ends_a_stream),
        cmocka_unit_test_setup_teardown(
            server_that_ends_says_after_how_many_items, start_hasty, end),
    };
    shmrpci_cond_init(&seen.changed);
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
