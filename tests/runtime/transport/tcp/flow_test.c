/* Streams of peers that send wrong credit, order, lengths or ends: each loses
 * its stream, and other clients are not affected. Peers of version 1.0 can
 * still make calls. */
#include "service.h"

#include <unistd.h>

#include "transport/tcp/pack.h"

#define WINDOW 4096u
#define CALL   7u

static service served;
static int fd;

static int set_up(void **state)
{
    (void)state;
    tcp_limits limits = service_limits();
    limits.handshake_ns = limits.frame_ns = PATIENCE_NS;
    service_start_packed(&served, &limits, SHMRPC_COMPRESSION_ZLIB);
    fd = raw_hello_streams(&served);
    return 0;
}

/* Sets up a service with one worker, where streams wait at most 20 ms for a
 * worker. */
static int set_up_hasty(void **state)
{
    (void)state;
    tcp_limits limits = service_limits();
    limits.handshake_ns = limits.frame_ns = PATIENCE_NS;
    limits.stream_wait_ns = 20 * SHMRPCI_NS_PER_MS;
    service_start_many(&served, &limits, 1);
    fd = raw_hello_streams(&served);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(fd);
    atomic_store(&served.is_open, true);
    service_expect_good(&served);
    service_expect_empty(&served);
    service_stop(&served);
    return 0;
}

static bool put_item(uint64_t number, uint8_t flags, const void *body,
                     size_t len)
{
    tcp_head head = {.type = TCP_ITEM,
                     .flags = flags,
                     .call = CALL,
                     .len = (uint32_t)len,
                     .value = number};
    return raw_frame(fd, &head, body, len);
}

static void put(tcp_type type, uint32_t call, int32_t status, uint64_t value)
{
    tcp_head head = {
        .type = (uint8_t)type, .call = call, .status = status, .value = value};
    assert_true(raw_frame(fd, &head, NULL, 0));
}

/* Checks that the stream has ended with that status while the connection
 * continues. */
static void expect_end(int status, unsigned items)
{
    tcp_head head;
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, status);
    assert_int_equal(atomic_load(&served.items), items);
    head = (tcp_head){.type = TCP_REQUEST,
                      .method = METHOD_ECHO,
                      .call = CALL + 1,
                      .value = UINT64_C(1) << 40};
    assert_true(raw_frame(fd, &head, NULL, 0));
    assert_true(raw_await(fd, TCP_REPLY, CALL + 1, &head));
    atomic_store(&served.items, 0);
}

/* Waits until the service has read everything that was sent. */
static void await_read(void)
{
    tcp_head head = {.type = TCP_PING};
    assert_true(raw_frame(fd, &head, NULL, 0));
    assert_true(raw_await(fd, TCP_PONG, 0, &head));
}

static void take(void)
{
    raw_open_streams(fd, METHOD_TAKE, CALL, WINDOW, 0, NULL, 0);
}

static void give(uint32_t count, uint32_t size)
{
    uint32_t wanted[2] = {count, size};
    raw_open_streams(fd, METHOD_GIVE, CALL, 0, WINDOW, wanted, sizeof wanted);
}

/* ---- valid streams ------------------------------------------------------ */

static void items_in_pieces_then_the_end(void **state)
{
    (void)state;
    static uint8_t body[65536];
    take();
    assert_true(put_item(0, 0, "one", 3));
    assert_true(put_item(1, TCP_FLAG_MORE, body, sizeof body));
    assert_true(put_item(1, TCP_FLAG_MORE, body, 1));
    assert_true(put_item(1, 0, NULL, 0));
    put(TCP_STREAM_END, CALL, 0, 0);
    expect_end(SHMRPC_OK, 2);
}

static void credit_comes_back_as_items_are_taken(void **state)
{
    (void)state;
    uint8_t body[1000] = {0};
    int64_t left = WINDOW;
    tcp_head head;
    take();
    for (uint64_t i = 0; i < 200; i++) {
        while (left <= 0) {
            assert_true(raw_await(fd, TCP_WINDOW, CALL, &head));
            assert_true(head.value >= WINDOW / 2);
            left += (int64_t)head.value;
            assert_true(left <= (int64_t)WINDOW);
        }
        assert_true(put_item(i, 0, body, sizeof body));
        left -= (int64_t)(sizeof body + TCP_HEAD_BYTES);
    }
    put(TCP_STREAM_END, CALL, 0, 0);
    expect_end(SHMRPC_OK, 200);
}

static void items_go_as_far_as_credit_does(void **state)
{
    (void)state;
    tcp_head head;
    int64_t left = WINDOW;
    give(50, 1000);
    for (uint64_t i = 0; i < 50; i++) {
        if (left <= 0) {
            assert_int_equal(atomic_load(&served.items), i);
            put(TCP_WINDOW, CALL, 0, (uint64_t)((int64_t)WINDOW - left));
            left = WINDOW;
        }
        assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
        assert_int_equal(head.value, i);
        left -= 1000 + TCP_HEAD_BYTES;
        if (left <= 0) {
            service_await(&served.items, (unsigned)i + 1);
        }
    }
    assert_true(raw_await(fd, TCP_STREAM_END, CALL, &head));
    expect_end(SHMRPC_OK, 50);
}

/* An item that is larger than the window may be sent while any credit is
 * left. */
static void an_item_larger_than_the_window_comes_in_pieces(void **state)
{
    (void)state;
    tcp_head head;
    /* All bytes are equal, so the pieces are sent packed. But each costs credit
     * for its full size. */
    give(2, 200000);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
        assert_int_equal(head.value, 0);
        assert_int_equal((head.flags & TCP_FLAG_MORE) != 0, i < 3);
        assert_true((head.flags & TCP_FLAG_PACKED) != 0);
    }
    service_await(&served.items, 1);
    assert_int_equal(atomic_load(&served.items), 1);
    put(TCP_WINDOW, CALL, 0, 200000 + 4 * TCP_HEAD_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
        assert_int_equal(head.value, 1);
    }
    expect_end(SHMRPC_OK, 2);
}

static void a_client_that_closes_cancels_the_other_end(void **state)
{
    (void)state;
    tcp_head head;
    give(UINT32_MAX, 1000);
    assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
    put(TCP_STREAM_END, CALL, SHMRPC_E_CANCELLED, TCP_END_CLOSES);
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_CANCELLED);
    take();
    assert_true(put_item(0, 0, "one", 3));
    put(TCP_STREAM_END, CALL, SHMRPC_E_CANCELLED, TCP_END_CLOSES);
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_CANCELLED);
}

/* The credit of items that arrive for a call that has ended is returned. */
static void late_items_cost_nothing(void **state)
{
    (void)state;
    static uint8_t body[60000];
    tcp_head head;
    for (unsigned i = 0; i < 40; i++) { /* more bytes than the connection has
                                         * credit for */
        assert_true(put_item(i, 0, body, sizeof body));
    }
    assert_true(raw_await(fd, TCP_WINDOW, 0, &head));
    take();
    put(TCP_STREAM_END, CALL, 0, 0);
    expect_end(SHMRPC_OK, 0);
}

/* ---- clients that die --------------------------------------------------- */

/* Handlers that send or read notice at once that the client is gone. */
static void client_that_dies_cancels_its_handlers(void **state)
{
    (void)state;
    tcp_head head;
    give(UINT32_MAX, 1000);
    raw_open_streams(fd, METHOD_TAKE, CALL + 1, WINDOW, 0, NULL, 0);
    assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
    service_await(&served.served, 2);
    (void)close(fd);
    service_await(&served.ended, 2);
    assert_int_equal(atomic_load(&served.last), SHMRPC_E_CANCELLED);
    fd = raw_hello_streams(&served);
}

/* ---- invalid frames ----------------------------------------------------- */

static void items_without_credit_break_the_stream(void **state)
{
    (void)state;
    uint8_t body[WINDOW] = {0};
    atomic_store(&served.is_open, false);
    raw_open_streams(fd, METHOD_HOLD, 1, 0, 0, NULL, 0); /* a busy worker */
    raw_open_streams(fd, METHOD_HOLD, 2, 0, 0, NULL, 0);
    service_await(&served.served, 2);
    take();
    assert_true(put_item(0, 0, body, sizeof body));
    assert_true(put_item(1, 0, body, 1));
    assert_true(put_item(2, 0, body, 1));
    put(TCP_STREAM_END, CALL, 0, 0);
    await_read();
    atomic_store(&served.is_open, true);
    expect_end(SHMRPC_E_DATA_LOSS, 1);
}

/* All peers together fill half of the total memory. A stream that then wants
 * more than its first 64 KiB is lost; the others are not. */
static void items_beyond_the_total_end_their_stream(void **state)
{
    (void)state;
    static uint8_t body[65536];
    tcp_limits limits = service_limits();
    limits.handshake_ns = limits.frame_ns = PATIENCE_NS;
    limits.max_total_bytes = 2 * SERVICE_MESSAGE;
    (void)close(fd);
    service_stop(&served);
    service_start(&served, &limits);
    fd = raw_hello_streams(&served);
    int other = raw_hello_streams(&served);
    raw_open_streams(other, METHOD_HOLD, 1, 0, 0, NULL, 0);
    raw_open_streams(other, METHOD_HOLD, 2, 0, 0, NULL, 0);
    service_await(&served.served, 2);
    take();
    for (size_t at = sizeof body; at < SERVICE_MESSAGE; at += sizeof body) {
        assert_true(put_item(0, TCP_FLAG_MORE, body, sizeof body));
    }
    assert_true(put_item(0, 0, body, 10));
    put(TCP_STREAM_END, CALL, 0, 0);
    await_read();
    int first = fd;
    fd = other;
    take();
    for (size_t i = 0; i < 20; i++) {
        assert_true(put_item(0, TCP_FLAG_MORE, body, sizeof body));
    }
    await_read();
    atomic_store(&served.is_open, true);
    tcp_head head;
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_EXHAUSTED);
    fd = first;
    expect_end(SHMRPC_OK, 1);
    (void)close(other);
}

static void expect_broken(uint64_t number, uint8_t flags, const void *body,
                          size_t len)
{
    take();
    assert_true(put_item(0, 0, "one", 3));
    assert_true(put_item(number, flags, body, len));
    expect_end(SHMRPC_E_DATA_LOSS, 1);
}

static void frames_of_items_that_lie_break_the_stream(void **state)
{
    (void)state;
    static uint8_t body[65536];
    expect_broken(2, 0, "x", 1);                   /* skips a number */
    expect_broken(0, 0, "x", 1);                   /* repeats a number */
    expect_broken(UINT64_MAX, 0, "x", 1);          /* an absurd number */
    expect_broken(1, TCP_FLAG_MORE, NULL, 0);      /* no progress */
    expect_broken(1, TCP_FLAG_PACKED, body, 1000); /* claims 0 bytes */
    memset(body, 0xff, 8);
    expect_broken(1, TCP_FLAG_PACKED, body, 1000); /* claims 4 GiB */
    /* An item larger than any message. */
    take();
    for (size_t at = 0; at <= SERVICE_MESSAGE; at += sizeof body) {
        assert_true(put_item(0, TCP_FLAG_MORE, body, sizeof body));
    }
    expect_end(SHMRPC_E_DATA_LOSS, 0);
    /* The stream ends in the middle of an item. */
    take();
    assert_true(put_item(0, TCP_FLAG_MORE, body, 10));
    put(TCP_STREAM_END, CALL, 0, 0);
    expect_end(SHMRPC_E_DATA_LOSS, 0);
    /* An item for a call that has no stream in this direction. */
    give(UINT32_MAX, 1000);
    assert_true(put_item(0, 0, "x", 1));
    tcp_head head;
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_DATA_LOSS);
}

static void expect_false_credit(uint64_t value)
{
    tcp_head head;
    give(UINT32_MAX, 1000);
    assert_true(raw_await(fd, TCP_ITEM, CALL, &head));
    put(TCP_WINDOW, CALL, 0, value);
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_DATA_LOSS);
}

static void credit_that_was_not_used_breaks_the_stream(void **state)
{
    (void)state;
    expect_false_credit(0);
    expect_false_credit(UINT64_MAX);
    expect_false_credit(INT64_MAX);
    expect_false_credit(3 * WINDOW);
}

static void credit_of_the_connection_that_was_not_used_ends_it(void **state)
{
    (void)state;
    put(TCP_WINDOW, 0, 0, 1);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_FIELD, 1);
    fd = raw_hello_streams(&served);
    put(TCP_WINDOW, 0, 0, 0);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_FIELD, 2);
    fd = raw_hello_streams(&served);
}

static void expect_request_ends(uint32_t in, uint32_t out, uint8_t flags,
                                uint32_t len, tcp_end end)
{
    uint64_t before = service_counts(&served).ended[end];
    uint8_t bytes[TCP_WINDOWS_BYTES];
    const tcp_windows windows = {.in = in, .out = out};
    tcp_head head = {.type = TCP_REQUEST,
                     .flags = (uint8_t)(TCP_FLAG_STREAMS | flags),
                     .method = METHOD_TAKE,
                     .len = len};
    tcp_windows_put(&windows, bytes);
    assert_true(raw_frame(fd, &head, bytes, len));
    (void)raw_expect_end(fd);
    service_expect_end(&served, end, before + 1);
    fd = raw_hello_streams(&served);
}

static void requests_with_false_windows_end_the_connection(void **state)
{
    (void)state;
    expect_request_ends(WINDOW, 1, 0, 8, TCP_END_FIELD);
    expect_request_ends(UINT32_MAX, 0, 0, 8, TCP_END_FIELD);
    expect_request_ends(WINDOW, 0, 0, 7, TCP_END_LENGTH);
    expect_request_ends(WINDOW, 0, TCP_FLAG_ONEWAY, 8, TCP_END_FIELD);
}

static void more_streams_than_agreed_end_the_connection(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= SHMRPCI_STREAMS_MAX; i++) {
        raw_open_streams(fd, METHOD_HOLD, i, WINDOW, WINDOW, NULL, 0);
    }
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_CREDIT, 1);
    fd = raw_hello_streams(&served);
}

static void streams_that_were_not_offered_end_it(void **state)
{
    (void)state;
    static const uint8_t types[] = {TCP_ITEM, TCP_STREAM_END, TCP_WINDOW};
    for (unsigned i = 0; i < sizeof types; i++) {
        int old = raw_hello(&served);
        tcp_head head = {.type = types[i], .call = 1, .value = 1};
        (void)raw_frame(old, &head, NULL, 0);
        (void)raw_expect_end(old);
        service_expect_end(&served, TCP_END_TYPE, i + 1);
    }
}

/* ---- all workers are busy ----------------------------------------------- */

static void streams_that_no_worker_takes_end(void **state)
{
    (void)state;
    tcp_head head = {.type = TCP_REQUEST,
                     .method = METHOD_HOLD,
                     .call = CALL + 1,
                     .value = UINT64_C(1) << 40};
    assert_true(raw_frame(fd, &head, NULL, 0));
    take();
    assert_true(raw_await(fd, TCP_REPLY, CALL, &head));
    assert_int_equal(head.status, SHMRPC_E_DEADLINE);
    atomic_store(&served.is_open, true);
    assert_true(raw_await(fd, TCP_REPLY, CALL + 1, &head));
    assert_int_equal(head.status, SHMRPC_OK);
}

/* ---- peers of 1.0 ------------------------------------------------------- */

/* The bytes that a client of 1.0 has sent: its opening, HELLO, and a call. */
static const uint8_t old_client[] =
    "\xf3rpc\1\0\0\0\0\0\0\0\0\0\0\0"
    "\x12\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\x80\0\x0c\0\0\0\0\0\0\0\0\0\0\0hi"
    "\3\0\0\0\4\0\1\0\x41\0\0\0\0\0\0\0\0\x94\x35\x77\0\0\0\0old";

/* The bytes that this client receives; the minor version is informative. */
static const uint8_t to_old_client[] =
    "\xf3rpc\1\0\1\0\0\0\0\0\0\0\0\0"
    "\x12\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\x80\0\2\0\0\0\x40\0\0\0\0\0\0\0hi"
    "\3\0\0\0\5\0\0\0\x41\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0old";

static void a_client_of_1_0_calls_as_ever(void **state)
{
    (void)state;
    uint8_t got[sizeof to_old_client - 1];
    int old = raw_open(&served);
    assert_true(raw_send(old, old_client, sizeof old_client - 1));
    assert_true(raw_receive(old, got, sizeof got));
    assert_memory_equal(got, to_old_client, sizeof got);
    (void)close(old);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(items_in_pieces_then_the_end),
        CASE(credit_comes_back_as_items_are_taken),
        CASE(items_go_as_far_as_credit_does),
        CASE(an_item_larger_than_the_window_comes_in_pieces),
        CASE(a_client_that_closes_cancels_the_other_end),
        CASE(late_items_cost_nothing),
        CASE(client_that_dies_cancels_its_handlers),
        CASE(items_without_credit_break_the_stream),
        CASE(items_beyond_the_total_end_their_stream),
        CASE(frames_of_items_that_lie_break_the_stream),
        CASE(credit_that_was_not_used_breaks_the_stream),
        CASE(credit_of_the_connection_that_was_not_used_ends_it),
        CASE(requests_with_false_windows_end_the_connection),
        CASE(more_streams_than_agreed_end_the_connection),
        CASE(streams_that_were_not_offered_end_it),
        cmocka_unit_test_setup_teardown(streams_that_no_worker_takes_end,
                                        set_up_hasty, tear_down),
        CASE(a_client_of_1_0_calls_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
