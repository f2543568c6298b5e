/* Many items: memory use stays within the windows, and short calls don't wait
 * behind full streams. Prints how long the calls take. */
#include "service.h"

#include <malloc.h>
#include <stdio.h>

#define STREAMS 4u
#define WINDOW  ((uint32_t)64 << 10)

static const shmrpci_transport *const transport = &shmrpci_transport_tcp;

static service served;

static bool is_long(void)
{
    const char *text = getenv("SHMRPC_TEST_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

static int set_up(void **state)
{
    (void)state;
    tcp_limits limits = TCP_LIMITS_DEFAULT;
    service_start_many(&served, &limits, STREAMS + 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    service_expect_empty(&served);
    service_stop(&served);
    return 0;
}

/* ---- a client's streams ------------------------------------------------- */

typedef struct down {
    shmrpci_call call;
    shmrpci_stream *stream;
} down;

static void open_down(shmrpci_conn *conn, down *d, uint32_t count,
                      uint32_t size)
{
    const uint32_t wanted[2] = {count, size};
    const shmrpci_stream_opts opts = {.out_bytes = WINDOW,
                                      .max_item_bytes = SERVICE_MESSAGE};
    shmrpc_error error = {0};
    *d = (down){.stream = NULL};
    assert_int_equal(
        transport->client->reserve(conn, &d->call, sizeof wanted, 0,
                                   shmrpci_deadline_after(PATIENCE_NS), &error),
        SHMRPC_OK);
    d->call.head =
        (shmrpci_head){.method = METHOD_GIVE, .timeout_ns = SHMRPCI_NEVER_NS};
    shmrpci_buf_append(&d->call.out, wanted, sizeof wanted);
    assert_int_equal(
        transport->streams->open(&d->call, &opts, &d->stream, &error),
        SHMRPC_OK);
}

static int next(down *d, shmrpci_stream_item *item)
{
    return transport->streams->next(d->stream,
                                    shmrpci_deadline_after(PATIENCE_NS), item);
}

/* ---- cases --------------------------------------------------------------- */

/* The reader is slower: it measures the heap after each item, which takes
 * longer than sending one. */
static void a_slow_reader_costs_a_window(void **state)
{
    (void)state;
    const uint32_t count = is_long() ? 1000000 : 20000;
    shmrpci_conn *conn = service_connect(&served);
    shmrpci_stream_item item;
    down d;
    open_down(conn, &d, count, 64);
    assert_int_equal(next(&d, &item), SHMRPC_MORE);
    size_t before = mallinfo2().uordblks;
    size_t most = before;
    for (uint32_t i = 1; i < count; i++) {
        assert_int_equal(next(&d, &item), SHMRPC_MORE);
        assert_int_equal(item.len, 64);
        size_t now = mallinfo2().uordblks;
        most = now > most ? now : most;
    }
    assert_int_equal(next(&d, &item), SHMRPC_OK);
    assert_int_equal(transport->client->receive(
                         &d.call, shmrpci_deadline_after(PATIENCE_NS)),
                     SHMRPC_OK);
    transport->client->release(&d.call);
    transport->streams->close(d.stream);
    transport->client->disconnect(conn);
    printf("%u items: at most %zu KiB more than after the first\n", count,
           (most - before) >> 10);
    /* Both ends are in this process, so the heap may hold two windows: one in
     * the lane of the sender, one in the inbox of the reader. */
    assert_true(most - before < 4 * WINDOW);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t p99_of_calls(shmrpci_conn *conn)
{
    enum { CALLS = 1000 };
    static int64_t times[CALLS];
    for (int i = 0; i < CALLS; i++) {
        int64_t start_ns = shmrpci_now_ns();
        assert_int_equal(call_echo(conn, "short", 5), SHMRPC_OK);
        times[i] = shmrpci_now_ns() - start_ns;
    }
    qsort(times, CALLS, sizeof *times, compare);
    return times[CALLS * 99 / 100];
}

static void read_on(void *user)
{
    down *d = user;
    shmrpci_stream_item item;
    while (next(d, &item) == SHMRPC_MORE) {
    }
}

static void short_calls_beside_full_streams(void **state)
{
    (void)state;
    shmrpci_conn *conn = service_connect(&served);
    shmrpci_thread readers[STREAMS];
    down downs[STREAMS];
    int64_t alone_ns = p99_of_calls(conn);
    /* Nobody reads the streams, so the server has sent as much as it may. */
    for (uint32_t i = 0; i < STREAMS; i++) {
        open_down(conn, &downs[i], UINT32_MAX, 1000);
    }
    service_await(&served.items, STREAMS * (WINDOW / 1024));
    int64_t full_ns = p99_of_calls(conn);
    for (uint32_t i = 0; i < STREAMS; i++) {
        assert_int_equal(
            shmrpci_thread_create(&readers[i], "reader", read_on, &downs[i]),
            SHMRPC_OK);
    }
    int64_t flowing_ns = p99_of_calls(conn);
    printf(
        "p99 of short calls: alone %lld us, beside %u full streams %lld us, "
        "beside %u that flow %lld us\n",
        (long long)alone_ns / 1000, STREAMS, (long long)full_ns / 1000, STREAMS,
        (long long)flowing_ns / 1000);
    for (uint32_t i = 0; i < STREAMS; i++) {
        (void)transport->client->cancel(&downs[i].call);
        shmrpci_thread_join(&readers[i]);
        transport->streams->close(downs[i].stream);
    }
    transport->client->disconnect(conn);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_slow_reader_costs_a_window),
        CASE(short_calls_beside_full_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
