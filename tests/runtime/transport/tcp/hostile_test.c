/* Peers that send invalid frames, stall, flood or speak another protocol: each
 * is disconnected with a counted reason, and no other client is affected. */
#include "service.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/tcp/pack.h"

static service served;

static int set_up(void **state)
{
    (void)state;
    tcp_limits limits = service_limits();
    service_start(&served, &limits);
    return 0;
}

/* Checks that the service still works after every test. */
static int tear_down(void **state)
{
    (void)state;
    atomic_store(&served.is_open, true);
    service_expect_good(&served);
    service_expect_empty(&served);
    service_stop(&served);
    return 0;
}

/* ---- other protocols, wrong frames ------------------------------------- */

static void text_protocols_are_closed_without_an_answer(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "POST / HTTP/1.0\r\n\r\n",
                                        "PUT",
                                        "DELETE /",
                                        "OPTIONS * HTTP/1.1\r\n",
                                        "\x16\x03\x01\x02",
                                        "SSH-2.0-x\r\n",
                                        "\xf3rpd"};
    enum { COUNT = sizeof texts / sizeof *texts };
    for (size_t i = 0; i < COUNT; i++) {
        int fd = raw_open(&served);
        (void)raw_send(fd, texts[i], strlen(texts[i]));
        assert_int_equal(raw_expect_end(fd), 0);
    }
    service_expect_end(&served, TCP_END_MAGIC, COUNT);
}

static void another_version_is_told_ours(void **state)
{
    (void)state;
    uint8_t bytes[TCP_OPENING_BYTES];
    tcp_opening opening = {.major = TCP_MAJOR + 1};
    int fd = raw_open(&served);
    tcp_opening_put(&opening, bytes);
    assert_true(raw_send(fd, bytes, sizeof bytes));
    assert_int_equal(raw_expect_end(fd), TCP_OPENING_BYTES);
    service_expect_end(&served, TCP_END_VERSION, 1);
}

static void expect_frame_ends(tcp_head head, tcp_end end)
{
    uint64_t before = service_counts(&served).ended[end];
    int fd = raw_hello(&served);
    (void)raw_frame(fd, &head, NULL, 0);
    (void)raw_expect_end(fd);
    service_expect_end(&served, end, before + 1);
}

static void frames_that_cannot_be_end_the_connection(void **state)
{
    (void)state;
    expect_frame_ends((tcp_head){.type = TCP_REQUEST, .len = UINT32_MAX},
                      TCP_END_LENGTH);
    expect_frame_ends(
        (tcp_head){.type = TCP_REQUEST, .len = (uint32_t)SERVICE_MESSAGE + 1},
        TCP_END_LENGTH);
    expect_frame_ends((tcp_head){.type = TCP_CANCEL, .len = 1}, TCP_END_LENGTH);
    expect_frame_ends((tcp_head){.type = 200}, TCP_END_TYPE);
    expect_frame_ends((tcp_head){.type = 0}, TCP_END_TYPE);
    expect_frame_ends((tcp_head){.type = TCP_REPLY}, TCP_END_TYPE);
    expect_frame_ends((tcp_head){.type = TCP_WELCOME}, TCP_END_TYPE);
    expect_frame_ends((tcp_head){.type = TCP_HELLO}, TCP_END_TYPE);
    expect_frame_ends((tcp_head){.type = TCP_REQUEST, .flags = 0x80},
                      TCP_END_FIELD);
    expect_frame_ends((tcp_head){.type = TCP_PING, .call = 1}, TCP_END_FIELD);
}

static void a_handshake_that_is_replayed_ends_it(void **state)
{
    (void)state;
    uint8_t bytes[128];
    size_t len = raw_hello_bytes(bytes);
    int fd = raw_hello(&served);
    (void)raw_send(fd, bytes, len); /* an opening is not a frame */
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_FIELD, 1);
    fd = raw_hello(&served);
    (void)raw_send(fd, bytes + TCP_OPENING_BYTES, len - TCP_OPENING_BYTES);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_TYPE, 1);
}

static void requests_before_hello_end_it(void **state)
{
    (void)state;
    uint8_t bytes[TCP_OPENING_BYTES + TCP_HEAD_BYTES];
    tcp_opening opening = {.major = TCP_MAJOR};
    tcp_head head = {.type = TCP_REQUEST, .method = METHOD_ECHO};
    tcp_opening_put(&opening, bytes);
    tcp_head_put(&head, bytes + TCP_OPENING_BYTES);
    int fd = raw_open(&served);
    (void)raw_send(fd, bytes, sizeof bytes);
    assert_int_equal(raw_expect_end(fd), 0);
    service_expect_end(&served, TCP_END_TYPE, 1);
    assert_int_equal(atomic_load(&served.served), 0);
}

static void terms_that_cannot_be_end_it(void **state)
{
    (void)state;
    uint8_t bytes[128];
    size_t len = raw_hello_bytes(bytes);
    memset(bytes + TCP_OPENING_BYTES + TCP_HEAD_BYTES, 0, 4);
    int fd = raw_open(&served);
    (void)raw_send(fd, bytes, len);
    assert_int_equal(raw_expect_end(fd), 0);
    service_expect_end(&served, TCP_END_FIELD, 1);
}

/* ---- more than agreed --------------------------------------------------- */

static void more_calls_than_credits_end_it(void **state)
{
    (void)state;
    int fd = raw_hello(&served);
    for (uint32_t i = 0; i <= 64; i++) {
        tcp_head head = {.type = TCP_REQUEST,
                         .method = METHOD_HOLD,
                         .call = i,
                         .value = UINT64_C(1) << 40};
        (void)raw_frame(fd, &head, NULL, 0);
    }
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_CREDIT, 1);
}

static void one_id_for_two_calls_ends_it(void **state)
{
    (void)state;
    tcp_head head = {.type = TCP_REQUEST, .method = METHOD_HOLD, .call = 5};
    int fd = raw_hello(&served);
    (void)raw_frame(fd, &head, NULL, 0);
    (void)raw_frame(fd, &head, NULL, 0);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_CREDIT, 1);
}

/* ---- packed bodies ------------------------------------------------------ */

static void expect_packed_ends(uint32_t offer, const uint8_t *body, size_t len,
                               tcp_end end)
{
    tcp_terms terms;
    uint64_t before = service_counts(&served).ended[end];
    int fd = raw_hello_packed(&served, offer, &terms);
    tcp_head head = {.type = TCP_REQUEST,
                     .flags = TCP_FLAG_PACKED,
                     .method = METHOD_ECHO,
                     .len = (uint32_t)len};
    (void)raw_frame(fd, &head, body, len);
    (void)raw_expect_end(fd);
    service_expect_end(&served, end, before + 1);
}

static void packed_bodies_that_lie_end_the_connection(void **state)
{
    (void)state;
    static uint8_t body[100];
    service_stop(&served);
    tcp_limits limits = service_limits();
    service_start_packed(&served, &limits, SHMRPC_COMPRESSION_SNAPPY);
    /* compressions that were not agreed on */
    expect_packed_ends(0, body, sizeof body, TCP_END_FIELD);
    expect_packed_ends(1u << TCP_PACK_NUMBER_ZLIB, body, sizeof body,
                       TCP_END_FIELD);
    /* A body that claims to unpack to 4 GiB, and one that claims half a MiB. A
     * body this short can't hold that much. */
    memset(body, 0xff, 4);
    expect_packed_ends(UINT32_MAX, body, sizeof body, TCP_END_LENGTH);
    body[3] = body[0] = 0;
    body[2] = 7;
    expect_packed_ends(UINT32_MAX, body, sizeof body, TCP_END_LENGTH);
    /* a body without a checksum; then with a wrong one */
    expect_packed_ends(UINT32_MAX, body, 4, TCP_END_FIELD);
    body[2] = 0;
    expect_packed_ends(UINT32_MAX, body, sizeof body, TCP_END_FIELD);
    assert_int_equal(atomic_load(&served.served), 0);
    service_expect_good(&served);
}

/* Flips the last bit of a body that would be accepted without its checksum. */
static void packed_bodies_that_were_damaged_end_the_connection(void **state)
{
    (void)state;
    static const shmrpc_compression all[] = {SHMRPC_COMPRESSION_SNAPPY,
                                             SHMRPC_COMPRESSION_ZLIB};
    static uint8_t body[10000];
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < 2; i++) {
        tcp_pack_room room = {.data = NULL};
        tcp_limits limits = service_limits();
        service_stop(&served);
        service_start_packed(&served, &limits, all[i]);
        shmrpci_conn *good = service_connect(&served);
        size_t len = tcp_pack(all[i], body, sizeof body, &room);
        assert_true(len > 0);
        room.data[TCP_HEAD_BYTES + len - 1] ^= 1;
        expect_packed_ends(UINT32_MAX, room.data + TCP_HEAD_BYTES, len,
                           TCP_END_FIELD);
        free(room.data);
        assert_int_equal(atomic_load(&served.served), 0);
        assert_int_equal(call_echo(good, body, sizeof body), SHMRPC_OK);
        shmrpci_transport_tcp.client->disconnect(good);
    }
}

static void packed_bodies_come_back_and_are_counted(void **state)
{
    (void)state;
    static uint8_t body[300000];
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(i / 100);
    }
    service_stop(&served);
    tcp_limits limits = service_limits();
    service_start_packed(&served, &limits, SHMRPC_COMPRESSION_ZLIB);
    shmrpci_conn *conn = service_connect(&served);
    assert_int_equal(call_echo(conn, body, 100), SHMRPC_OK);
    assert_int_equal(service_counts(&served).requests.bodies, 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(call_echo(conn, body, sizeof body), SHMRPC_OK);
        tcp_counts counts = service_counts(&served);
        assert_int_equal(counts.requests.bodies, i);
        assert_int_equal(counts.requests.plain_bytes, i * sizeof body);
        assert_in_range(counts.requests.packed_bytes, 1, i * 30000);
        assert_int_equal(counts.replies.plain_bytes, i * sizeof body);
        assert_int_equal(counts.replies.packed_bytes,
                         counts.requests.packed_bytes);
    }
    shmrpci_transport_tcp.client->disconnect(conn);
}

/* ---- too slow ----------------------------------------------------------- */

/* Sends a byte again and again until the connection ends. */
static void trickle(int fd, const uint8_t *data, size_t len)
{
    struct pollfd entry = {.fd = fd, .events = POLLRDHUP};
    size_t sent = 0;
    while (poll(&entry, 1, 10) == 0 && raw_send(fd, data + sent % len, 1)) {
        sent++;
        assert_true(sent < 3000);
    }
    (void)raw_expect_end(fd);
}

static void handshake_by_single_bytes_is_too_slow(void **state)
{
    (void)state;
    uint8_t bytes[128];
    tcp_head head = {.type = TCP_HELLO, .len = 1000};
    (void)raw_hello_bytes(bytes);
    tcp_head_put(&head, bytes + TCP_OPENING_BYTES);
    memset(bytes + TCP_OPENING_BYTES + TCP_HEAD_BYTES, 0, 64);
    int fd = raw_open(&served);
    trickle(fd, bytes, sizeof bytes);
    service_expect_end(&served, TCP_END_HANDSHAKE, 1);
}

static void handshake_of_silence_is_too_slow(void **state)
{
    (void)state;
    assert_int_equal(raw_expect_end(raw_open(&served)), 0);
    service_expect_end(&served, TCP_END_HANDSHAKE, 1);
}

static void frame_by_single_bytes_is_too_slow(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    tcp_head head = {.type = TCP_REQUEST, .method = METHOD_ECHO, .len = 100000};
    int fd = raw_hello(&served);
    (void)raw_frame(fd, &head, NULL, 0);
    trickle(fd, zeros, sizeof zeros);
    service_expect_end(&served, TCP_END_SLOW_SENDER, 1);
}

static void head_that_never_ends_is_too_slow(void **state)
{
    (void)state;
    int fd = raw_hello(&served);
    (void)raw_send(fd, "\0\0", 2);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_SLOW_SENDER, 1);
}

static void peer_that_reads_nothing_is_cut_off_and_costs_little(void **state)
{
    (void)state;
    int fd = raw_hello(&served);
    uint32_t wanted = 4u << 20;
    bool alive = true;
    for (uint32_t i = 0; i < 64 && alive; i++) {
        tcp_head head = {.type = TCP_REQUEST,
                         .method = METHOD_SIZE,
                         .call = i,
                         .len = sizeof wanted,
                         .value = UINT64_C(1) << 40};
        alive = raw_frame(fd, &head, &wanted, sizeof wanted);
    }
    service_expect_end(&served, TCP_END_SLOW_RECEIVER, 1);
    service_expect_empty(&served);
    /* Requests are taken only until 16 MiB of replies wait. Each worker may add
     * one reply, and the system buffers some. */
    assert_true(atomic_load(&served.served) < 30);
    (void)close(fd);
}

/* The peer keeps reading a reply, but too slowly: a partial read does not
 * extend the deadline. */
static void peer_that_reads_too_slowly_is_cut_off(void **state)
{
    (void)state;
    static uint8_t some[32 << 10];
    uint32_t wanted = SERVICE_MESSAGE;
    int small = 64 << 10;
    tcp_head head = {.type = TCP_REQUEST,
                     .method = METHOD_SIZE,
                     .len = sizeof wanted,
                     .value = UINT64_C(1) << 40};
    tcp_limits limits = service_limits();
    service_stop(&served);
    limits.min_bytes_per_s = 1u << 30;
    service_start(&served, &limits);
    int fd = raw_hello(&served);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    (void)raw_frame(fd, &head, &wanted, sizeof wanted);
    size_t taken = 0;
    /* 32 KiB every 5 ms are about 6 MiB a second, and the reply may take 300
     * ms. */
    while (taken < SERVICE_MESSAGE && raw_receive(fd, some, sizeof some)) {
        taken += sizeof some;
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
    service_expect_end(&served, TCP_END_SLOW_RECEIVER, 1);
}

static void idle_connection_may_stay(void **state)
{
    (void)state;
    shmrpci_conn *conn = service_connect(&served);
    /* Waits longer than any of the deadlines. */
    handshake_of_silence_is_too_slow(NULL);
    assert_int_equal(call_echo(conn, "still", 5), SHMRPC_OK);
    shmrpci_transport_tcp.client->disconnect(conn);
}

/* ---- floods ------------------------------------------------------------- */

static void silent_connections_keep_nobody_out_for_long(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = raw_open(&served);
    }
    for (int i = 0; i < COUNT; i++) {
        (void)raw_expect_end(fds[i]);
    }
    tcp_counts counts = service_counts(&served);
    assert_true(counts.ended[TCP_END_DISPLACED] > 0);
    assert_int_equal(counts.ended[TCP_END_DISPLACED] +
                         counts.ended[TCP_END_HANDSHAKE],
                     COUNT);
}

static void flood_of_pings_is_answered_as_it_is_read(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static uint8_t bytes[COUNT * TCP_HEAD_BYTES];
    uint8_t pong[TCP_HEAD_BYTES];
    tcp_head head;
    for (size_t i = 0; i < COUNT; i++) {
        tcp_head ping = {.type = TCP_PING, .value = i};
        tcp_head_put(&ping, bytes + i * TCP_HEAD_BYTES);
    }
    int fd = raw_hello(&served);
    assert_true(raw_send(fd, bytes, TCP_HEAD_BYTES));
    assert_true(raw_receive(fd, pong, sizeof pong));
    tcp_head_get(pong, &head);
    assert_int_equal(head.type, TCP_PONG);
    assert_int_equal(head.value, 0);
    /* The peer reads no more PONGs, so the server keeps only a few of them and
     * leaves the others out. */
    assert_true(raw_send(fd, bytes, sizeof bytes));
    service_expect_good(&served);
    (void)shutdown(fd, SHUT_WR);
    (void)raw_expect_end(fd);
}

/* A peer sends calls, cancels them at once, and reads no answers. The server
 * stops reading from the peer until the peer reads answers. */
static void flood_of_cancelled_calls_is_not_read_on(void **state)
{
    (void)state;
    enum { CALLS = 4000, TOTAL = 64 << 20 };
    static uint8_t bytes[CALLS * 2 * TCP_HEAD_BYTES];
    tcp_limits limits = service_limits();
    size_t sent = 0;
    service_stop(&served);
    limits.frame_ns = 60 * SHMRPCI_NS_PER_S;
    service_start(&served, &limits);
    for (uint32_t i = 0; i < CALLS; i++) {
        tcp_head call = {.type = TCP_REQUEST,
                         .method = METHOD_HOLD,
                         .call = 100 + i,
                         .value = UINT64_C(1) << 40};
        tcp_head cancel = {.type = TCP_CANCEL, .call = 100 + i};
        tcp_head_put(&call, bytes + (size_t)i * 2 * TCP_HEAD_BYTES);
        tcp_head_put(&cancel, bytes + ((size_t)i * 2 + 1) * TCP_HEAD_BYTES);
    }
    int fd = raw_hello(&served);
    /* These calls occupy all workers, so that the others are cancelled while
     * they are queued. */
    for (uint32_t i = 0; i < SERVICE_WORKERS; i++) {
        tcp_head call = {.type = TCP_REQUEST,
                         .method = METHOD_HOLD,
                         .call = i,
                         .value = UINT64_C(1) << 40};
        assert_true(raw_frame(fd, &call, NULL, 0));
    }
    service_await(&served.served, SERVICE_WORKERS);
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    while (sent < TOTAL && poll(&room, 1, 300) > 0) {
        size_t at = sent % sizeof bytes;
        ssize_t more = send(fd, bytes + at, sizeof bytes - at,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(more > 0);
        sent += (size_t)more;
    }
    assert_true(sent < TOTAL);
    (void)shutdown(fd, SHUT_RDWR);
    (void)close(fd);
    atomic_store(&served.is_open, true);
    service_expect_empty(&served);
}

/* ---- peers that leave ---------------------------------------------------- */

static void reset_connection_drops_its_calls(void **state)
{
    (void)state;
    struct linger reset = {.l_onoff = 1};
    tcp_head head = {.type = TCP_REQUEST,
                     .method = METHOD_WATCH,
                     .call = 1,
                     .value = UINT64_C(1) << 40};
    int fd = raw_hello(&served);
    (void)raw_frame(fd, &head, NULL, 0);
    service_await(&served.served, 1);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)close(fd);
    service_await(&served.cancelled, 1);
    service_expect_end(&served, TCP_END_CUT, 1);
}

static void half_a_request_is_never_run(void **state)
{
    (void)state;
    tcp_head head = {.type = TCP_REQUEST, .method = METHOD_ECHO, .len = 10};
    int fd = raw_hello(&served);
    (void)raw_frame(fd, &head, "123456789", 9);
    (void)shutdown(fd, SHUT_WR);
    (void)raw_expect_end(fd);
    service_expect_end(&served, TCP_END_CUT, 1);
    assert_int_equal(atomic_load(&served.served), 0);
}

/* The CANCEL arrives in one piece with its request, which is queued because all
 * workers are busy. */
static void cancel_right_behind_its_request_is_heard(void **state)
{
    (void)state;
    uint8_t bytes[2 * TCP_HEAD_BYTES];
    uint8_t answer[TCP_HEAD_BYTES];
    tcp_head head = {
        .type = TCP_REQUEST, .method = METHOD_HOLD, .value = UINT64_C(1) << 40};
    int fd = raw_hello(&served);
    for (uint32_t i = 0; i < SERVICE_WORKERS; i++) {
        head.call = i;
        assert_true(raw_frame(fd, &head, NULL, 0));
    }
    service_await(&served.served, SERVICE_WORKERS);
    head.call = SERVICE_WORKERS;
    tcp_head_put(&head, bytes);
    head = (tcp_head){.type = TCP_CANCEL, .call = SERVICE_WORKERS};
    tcp_head_put(&head, bytes + TCP_HEAD_BYTES);
    assert_int_equal(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
    assert_true(raw_receive(fd, answer, sizeof answer));
    tcp_head_get(answer, &head);
    assert_int_equal(head.type, TCP_ENDED);
    assert_int_equal(head.call, SERVICE_WORKERS);
    assert_int_equal(head.flags, TCP_FLAG_NOT_RUN);
    (void)close(fd);
}

/* Requests before an invalid frame are run, although they are read from the
 * socket together with it. */
static void requests_before_a_wrong_frame_are_run(void **state)
{
    (void)state;
    enum { CALLS = 3 };
    uint8_t bytes[(CALLS + 1) * TCP_HEAD_BYTES];
    int fd = raw_hello(&served);
    for (uint32_t i = 0; i < CALLS; i++) {
        tcp_head head = {.type = TCP_REQUEST,
                         .flags = TCP_FLAG_ONEWAY,
                         .method = METHOD_ECHO,
                         .call = i,
                         .value = UINT64_C(1) << 40};
        tcp_head_put(&head, bytes + (size_t)i * TCP_HEAD_BYTES);
    }
    memset(bytes + CALLS * TCP_HEAD_BYTES, 0xEE, TCP_HEAD_BYTES);
    assert_int_equal(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
    service_await(&served.served, CALLS);
    (void)raw_expect_end(fd);
}

/* ---- random bytes -------------------------------------------------------- */

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* A valid conversation, with a few bytes changed. */
static size_t mutated_bytes(uint64_t *seed, uint8_t *out, size_t size)
{
    size_t len = raw_hello_bytes(out);
    for (uint32_t i = 0; i < 8 && len + 64 < size; i++) {
        uint32_t body = next_random(seed) % 32;
        tcp_head head = {.type = (uint8_t)(TCP_REQUEST + next_random(seed) % 3),
                         .method = METHOD_ECHO,
                         .call = i,
                         .value = 1000000000,
                         .len = body};
        if (head.type != TCP_REQUEST) {
            head = (tcp_head){.type = TCP_CANCEL, .call = i};
            body = 0;
        }
        tcp_head_put(&head, out + len);
        memset(out + len + TCP_HEAD_BYTES, 'x', body);
        len += TCP_HEAD_BYTES + body;
    }
    for (uint32_t i = next_random(seed) % 4; i > 0; i--) {
        out[next_random(seed) % len] = (uint8_t)next_random(seed);
    }
    return len - next_random(seed) % 20;
}

static void mutated_conversations_hurt_nobody(void **state)
{
    (void)state;
    const char *is_long = getenv("SHMRPC_TEST_LONG");
    int rounds = is_long != NULL && strcmp(is_long, "1") == 0 ? 20000 : 300;
    shmrpci_conn *good = service_connect(&served);
    uint64_t seed = 20240607;
    for (int i = 0; i < rounds; i++) {
        uint8_t bytes[1024];
        size_t len = mutated_bytes(&seed, bytes, sizeof bytes);
        int fd = raw_open(&served);
        size_t first = next_random(&seed) % len;
        if (raw_send(fd, bytes, first)) {
            (void)raw_send(fd, bytes + first, len - first);
        }
        (void)shutdown(fd, SHUT_WR);
        (void)raw_expect_end(fd);
        if (call_echo(good, "good", 4) != SHMRPC_OK) {
            fail_msg("round %d hurt another connection", i);
        }
    }
    shmrpci_transport_tcp.client->disconnect(good);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(text_protocols_are_closed_without_an_answer),
        CASE(another_version_is_told_ours),
        CASE(frames_that_cannot_be_end_the_connection),
        CASE(a_handshake_that_is_replayed_ends_it),
        CASE(requests_before_hello_end_it),
        CASE(terms_that_cannot_be_end_it),
        CASE(more_calls_than_credits_end_it),
        CASE(one_id_for_two_calls_ends_it),
        CASE(packed_bodies_that_lie_end_the_connection),
        CASE(packed_bodies_that_were_damaged_end_the_connection),
        CASE(packed_bodies_come_back_and_are_counted),
        CASE(handshake_by_single_bytes_is_too_slow),
        CASE(handshake_of_silence_is_too_slow),
        CASE(frame_by_single_bytes_is_too_slow),
        CASE(head_that_never_ends_is_too_slow),
        CASE(peer_that_reads_nothing_is_cut_off_and_costs_little),
        CASE(peer_that_reads_too_slowly_is_cut_off),
        CASE(idle_connection_may_stay),
        CASE(silent_connections_keep_nobody_out_for_long),
        CASE(flood_of_pings_is_answered_as_it_is_read),
        CASE(flood_of_cancelled_calls_is_not_read_on),
        CASE(reset_connection_drops_its_calls),
        CASE(half_a_request_is_never_run),
        CASE(requests_before_a_wrong_frame_are_run),
        CASE(cancel_right_behind_its_request_is_heard),
        CASE(mutated_conversations_hurt_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
