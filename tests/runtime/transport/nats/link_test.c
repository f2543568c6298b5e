/* Tests a link without NATS: how it receives, detects losses, and probes. */
#include "transport/nats/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/memory.h"
#include "os/stream.h"

#define MS SHMRPCI_NS_PER_MS

/* A link, and the other end of its socket. */
typedef struct fixture {
    nats_link link;
    int fd;
} fixture;

static void set_up(fixture *f)
{
    int fds[2];
    assert_int_equal(shmrpci_stream_pair(fds), SHMRPC_OK);
    nats_link_init(&f->link, fds[0], 7, "there", "here");
    f->fd = fds[1];
}

static void tear_down(fixture *f)
{
    nats_link_fini(&f->link);
    shmrpci_fd_close(&f->fd);
}

static nats_cut come(fixture *f, nats_kind kind, uint64_t at, size_t len)
{
    static uint8_t bytes[NATS_WINDOW_BYTES];
    nats_parcel parcel = {
        .kind = kind, .link = 7, .at = at, .data = bytes, .len = len};
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)((at + i) * 31 >> 3);
    }
    parcel.acked = f->link.acked_at;
    return nats_link_take(&f->link, &parcel);
}

/* Reads `len` bytes. Checks that they are the bytes which the test's messages
 * contain from offset `at`. */
static void expect_bytes(fixture *f, uint64_t at, size_t len)
{
    uint8_t *bytes = malloc(len);
    size_t got = 0;
    assert_non_null(bytes);
    while (got < len) {
        size_t now = 0;
        shmrpc_status status =
            shmrpci_stream_receive(f->fd, bytes + got, len - got, &now);
        got += now;
        assert_true(status == SHMRPC_OK || status == SHMRPC_E_BUSY);
        if (status == SHMRPC_E_BUSY) {
            f->link.can_write = true;
            uint64_t before = f->link.given_at;
            nats_link_give(&f->link);
            assert_true(f->link.given_at > before);
        }
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], (uint8_t)((at + i) * 31 >> 3));
    }
    free(bytes);
}

static void bytes_come_in_order_and_whole(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    uint64_t at = 0;
    static const size_t lens[] = {1, 300000, 5, 200000, 7};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        assert_int_equal(come(&f, NATS_DATA, at, lens[i]), NATS_CUT_NONE);
        at += lens[i];
    }
    expect_bytes(&f, 0, (size_t)at);
    assert_true(f.link.given_at == at && f.link.got_at == at);
    tear_down(&f);
}

static void a_hole_ends_the_link(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    assert_int_equal(come(&f, NATS_DATA, 0, 10), NATS_CUT_NONE);
    assert_int_equal(come(&f, NATS_DATA, 11, 10), NATS_CUT_GAP);
    assert_int_equal(come(&f, NATS_DATA, 0, 10), NATS_CUT_GAP); /* again */
    /* A probe shows that the last bytes sent were lost. */
    assert_int_equal(come(&f, NATS_PROBE, 10, 0), NATS_CUT_NONE);
    assert_int_equal(come(&f, NATS_ALIVE, 12, 0), NATS_CUT_GAP);
    assert_int_equal(come(&f, NATS_END, 11, 0), NATS_CUT_GAP);
    tear_down(&f);
}

static void lies_end_the_link(void **state)
{
    (void)state;
    fixture f;
    nats_parcel parcel = {.kind = NATS_ACK, .link = 7, .acked = 1};
    set_up(&f);
    assert_int_equal(nats_link_take(&f.link, &parcel), NATS_CUT_LIE);
    f.link.sent_at = 100;
    parcel.acked = 50;
    assert_int_equal(nats_link_take(&f.link, &parcel), NATS_CUT_NONE);
    parcel.acked = 49; /* less than before */
    assert_int_equal(nats_link_take(&f.link, &parcel), NATS_CUT_LIE);
    assert_int_equal(come(&f, NATS_OPENED, 0, 0), NATS_CUT_LIE);
    /* More data than the window allows before an acknowledgement. */
    assert_int_equal(come(&f, NATS_DATA, 0, NATS_WINDOW_BYTES), NATS_CUT_NONE);
    assert_int_equal(come(&f, NATS_DATA, NATS_WINDOW_BYTES, 1), NATS_CUT_LIE);
    assert_int_equal(come(&f, NATS_CLOSE, 0, 0), NATS_CUT_PEER);
    tear_down(&f);
}

static void what_was_given_is_acknowledged(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    assert_int_equal(nats_link_room(&f.link, 1000), 1000);
    f.link.sent_at = NATS_WINDOW_BYTES - 10;
    assert_int_equal(nats_link_room(&f.link, 1000), 10);
    uint64_t at = 0;
    while (!nats_link_owes_ack(&f.link)) {
        assert_true(at < NATS_WINDOW_BYTES);
        assert_int_equal(come(&f, NATS_DATA, at, 4096), NATS_CUT_NONE);
        expect_bytes(&f, at, 4096);
        at += 4096;
    }
    nats_parcel ack = nats_link_parcel(&f.link, NATS_ACK);
    assert_true(ack.acked == at);
    assert_false(nats_link_owes_ack(&f.link));
    tear_down(&f);
}

static void both_sides_end(void **state)
{
    (void)state;
    fixture f;
    uint8_t byte;
    size_t len;
    set_up(&f);
    assert_int_equal(come(&f, NATS_DATA, 0, 1), NATS_CUT_NONE);
    assert_int_equal(come(&f, NATS_END, 1, 0), NATS_CUT_NONE);
    assert_int_equal(shmrpci_stream_receive(f.fd, &byte, 1, &len), SHMRPC_OK);
    assert_int_equal(shmrpci_stream_receive(f.fd, &byte, 1, &len),
                     SHMRPC_E_UNAVAILABLE);
    assert_false(nats_link_is_over(&f.link));
    f.link.has_ended = true;
    assert_true(nats_link_is_over(&f.link));
    assert_int_equal(come(&f, NATS_DATA, 1, 1), NATS_CUT_LIE);
    tear_down(&f);
}

/* Our side has closed its socket: bytes that nobody reads are still
 * acknowledged. */
static void a_closed_socket_takes_everything(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    shmrpci_fd_close(&f.fd);
    assert_int_equal(come(&f, NATS_DATA, 0, 600000), NATS_CUT_NONE);
    assert_true(f.link.given_at == 600000);
    assert_int_equal(come(&f, NATS_END, 600000, 0), NATS_CUT_NONE);
    f.link.has_ended = true;
    assert_true(nats_link_is_over(&f.link));
    tear_down(&f);
}

/* NATS has refused messages. If it refused as many as are unacknowledged, all
 * of them are lost; otherwise it is unknown which are. */
static void what_was_refused_is_known_if_all_was(void **state)
{
    (void)state;
    fixture f;
    nats_parcel ack = {.kind = NATS_ACK, .link = 7};
    set_up(&f);
    nats_link_sent(&f.link); /* a message without bytes: its refusal loses
                              * none */
    assert_true(nats_link_refuse(&f.link, MS));
    f.link.refusals = 0;
    f.link.sent_at = 100;
    nats_link_sent(&f.link);
    nats_link_sent(&f.link); /* the second one is a probe, which may be the
                              * refused message */
    assert_false(nats_link_refuse(&f.link, MS));
    assert_int_equal(nats_link_lost_at(&f.link), 100);
    assert_true(nats_link_refuse(&f.link, MS));
    assert_int_equal(nats_link_lost_at(&f.link), 0);
    f.link.refusals = 0;
    ack.acked = 60;
    assert_int_equal(nats_link_take(&f.link, &ack), NATS_CUT_NONE);
    assert_false(nats_link_refuse(&f.link, MS));
    assert_int_equal(nats_link_lost_at(&f.link), 100);
    f.link.refusals = 0;
    ack.acked = 100;
    assert_int_equal(nats_link_take(&f.link, &ack), NATS_CUT_NONE);
    nats_link_sent(&f.link);
    f.link.sent_at = 130;
    nats_link_sent(&f.link);
    assert_true(nats_link_refuse(&f.link, MS));
    assert_int_equal(nats_link_lost_at(&f.link), 100);
    tear_down(&f);
}

/* Checks the times at which a link probes while a call waits, in ms since the
 * start. */
static void it_asks_ever_less_often(void **state)
{
    (void)state;
    static const int64_t expected[] = {50, 150, 350, 750, 1550, 2550, 3550};
    fixture f;
    bool asks;
    int64_t wake_ns;
    set_up(&f);
    int64_t start_ns = f.link.heard_ns + 5 * SHMRPCI_NS_PER_S;
    assert_int_equal(nats_link_watch(&f.link, 1, start_ns, &asks, &wake_ns),
                     NATS_CUT_NONE);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_false(asks);
        assert_int_equal((wake_ns - start_ns) / MS, expected[i]);
        assert_int_equal(nats_link_watch(&f.link, 1, wake_ns, &asks, &wake_ns),
                         NATS_CUT_NONE);
        assert_true(asks);
        assert_int_equal(
            nats_link_watch(&f.link, 1, wake_ns - 1, &asks, &wake_ns),
            NATS_CUT_NONE);
    }
    tear_down(&f);
}

static void silence_ends_the_link_while_a_call_waits(void **state)
{
    (void)state;
    fixture f;
    bool asks;
    int64_t wake_ns;
    set_up(&f);
    int64_t start_ns = f.link.heard_ns;
    /* While no call waits, an hour of silence has only a few probes. */
    assert_int_equal(nats_link_watch(&f.link, 0,
                                     start_ns + 3600 * SHMRPCI_NS_PER_S, &asks,
                                     &wake_ns),
                     NATS_CUT_NONE);
    assert_true(asks);
    start_ns += 3600 * SHMRPCI_NS_PER_S;
    assert_int_equal(nats_link_watch(&f.link, 1, start_ns, &asks, &wake_ns),
                     NATS_CUT_NONE);
    assert_int_equal(nats_link_watch(&f.link, 1, start_ns + NATS_SILENCE_NS - 1,
                                     &asks, &wake_ns),
                     NATS_CUT_NONE);
    assert_int_equal(nats_link_watch(&f.link, 1, start_ns + NATS_SILENCE_NS,
                                     &asks, &wake_ns),
                     NATS_CUT_SILENT);
    tear_down(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_in_order_and_whole),
        cmocka_unit_test(a_hole_ends_the_link),
        cmocka_unit_test(lies_end_the_link),
        cmocka_unit_test(what_was_given_is_acknowledged),
        cmocka_unit_test(both_sides_end),
        cmocka_unit_test(a_closed_socket_takes_everything),
        cmocka_unit_test(what_was_refused_is_known_if_all_was),
        cmocka_unit_test(it_asks_ever_less_often),
        cmocka_unit_test(silence_ends_the_link_while_a_call_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
