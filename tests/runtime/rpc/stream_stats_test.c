/*
 * A service's statistics of its streams, wherever clients connect. They are
 * read at a separate place: sockets do not hand out statistics.
 */
#include "stream_sample.h"

#include "shmrpc/observe.h"

static shmrpc_stats *stats;

static int begin_counting(void **state)
{
    also_at = "inproc://streams@counted";
    begin(state);
    if (shmrpc_stats_open(also_at, 5998, NULL, &stats, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", also_at, error.message);
    }
    return 0;
}

static int end_counting(void **state)
{
    shmrpc_stats_close(stats);
    return end(state);
}

static shmrpc_snapshot *take(void)
{
    shmrpc_snapshot *snapshot = NULL;
    if (shmrpc_stats_read(stats, &snapshot, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    return snapshot;
}

static shmrpc_stream_stats streams_of(uint32_t method)
{
    shmrpc_snapshot *now = take();
    shmrpc_stream_stats streams = shmrpc_snapshot_method(now, method)->streams;
    shmrpc_snapshot_free(now);
    return streams;
}

/* Waits until `is_so` accepts a method's counts. */
static shmrpc_stream_stats await(uint32_t method,
                                 bool (*is_so)(const shmrpc_stream_stats *s))
{
    int64_t late_ns = shmrpci_deadline_after(PATIENCE_NS);
    shmrpc_stream_stats streams = streams_of(method);
    while (!is_so(&streams) && shmrpci_now_ns() < late_ns) {
        shmrpci_thread_yield();
        streams = streams_of(method);
    }
    assert_true(is_so(&streams));
    return streams;
}

static bool is_closed(const shmrpc_stream_stats *s)
{
    return s->open == 0;
}

static bool has_stalled(const shmrpc_stream_stats *s)
{
    return s->stalled_ns >= 20 * SHMRPCI_NS_PER_MS;
}

static void items_are_counted_each_way(void **state)
{
    (void)state;
    const void *item;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(shmrpc_stub_stream_send(stream, &i, 0, &error),
                         SHMRPC_OK);
        expect_number(stream, 2 * i);
    }
    shmrpc_stream_stats both = streams_of(BOTH);
    assert_int_equal(both.open, 1);
    assert_int_equal(both.opened, 1);
    assert_int_equal(both.items_in, 5);
    shmrpc_snapshot *now = take();
    /* A worker that has not started yet has no row. */
    uint64_t open = 0;
    for (uint32_t i = 0; shmrpc_snapshot_worker(now, i) != NULL; i++) {
        open += shmrpc_snapshot_worker(now, i)->streams;
    }
    assert_int_equal(open, 1);
    shmrpc_snapshot_free(now);
    assert_int_equal(shmrpc_stub_stream_end(stream, &error), SHMRPC_OK);
    assert_int_equal(shmrpc_stub_stream_next(stream, &item, &error), SHMRPC_OK);
    /* When the client has read the end, everything is counted. */
    now = take();
    const shmrpc_method_stats *m = shmrpc_snapshot_method(now, BOTH);
    assert_int_equal(m->calls, 1);
    assert_int_equal(m->streams.open, 0);
    assert_int_equal(m->streams.items_in, 5);
    assert_int_equal(m->streams.items_out, 5);
    assert_int_equal(m->streams.bytes_in, m->streams.bytes_out);
    assert_true(m->streams.bytes_in >= 5 * sizeof(int64_t));
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(now, SHMRPC_STATS_ALL);
    assert_int_equal(all->streams.opened, 1);
    assert_int_equal(all->streams.items_out, 5);
    assert_int_equal(shmrpc_snapshot_method(now, DOWN)->streams.opened, 0);
    shmrpc_snapshot_free(now);
    shmrpc_stub_stream_close(stream);
}

/* A stall is visible while it lasts, and still counted when it is over. */
static void stalled_time(void **state)
{
    (void)state;
    const pair_params params = {INT64_MAX, 0};
    shmrpc_stream *stream = open_with(DOWN, &params, NULL);
    shmrpc_stream_stats stalls = await(DOWN, has_stalled);
    assert_int_equal(stalls.open, 1);
    assert_true(stalls.items_out > 0);
    shmrpc_stub_stream_close(stream);
    assert_int_equal(returned(1), SHMRPC_E_CANCELLED);
    shmrpc_stream_stats over = await(DOWN, is_closed);
    assert_true(over.stalled_ns >= stalls.stalled_ns);
    /* More items may have been sent since the stall was read, because a gateway
     * may still have made room. */
    assert_true(over.items_out >= stalls.items_out);
}

/* A difference of snapshots reports how many streams are open, not how that
 * number has changed. */
static void differences(void **state)
{
    (void)state;
    shmrpc_snapshot *between = NULL;
    int64_t number = 1;
    shmrpc_stream *stream = open_with(BOTH, NULL, NULL);
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 2);
    shmrpc_snapshot *before = take();
    assert_int_equal(shmrpc_stub_stream_send(stream, &number, 0, &error),
                     SHMRPC_OK);
    expect_number(stream, 2);
    shmrpc_snapshot *after = take();
    assert_int_equal(shmrpc_snapshot_since(after, before, &between, &error),
                     SHMRPC_OK);
    const shmrpc_method_stats *m = shmrpc_snapshot_method(between, BOTH);
    assert_int_equal(m->streams.open, 1);
    assert_int_equal(m->streams.opened, 0);
    assert_int_equal(m->streams.items_in, 1);
    assert_int_equal(shmrpc_snapshot_since(before, after, &between, &error),
                     SHMRPC_E_INVALID);
    shmrpc_snapshot_free(before);
    shmrpc_snapshot_free(after);
    shmrpc_snapshot_free(between);
    shmrpc_stub_stream_close(stream);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, begin_counting, end_counting)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_are_counted_each_way),
        TEST(stalled_time),
        TEST(differences),
    };
    return over_all(tests, sizeof tests / sizeof *tests, false);
}
