/*
 * The order of sending when there is more than the socket takes: calls are sent
 * before bytes that wait in the lanes of streams, and the lanes take turns.
 *
 * This is why short calls beside full streams don't wait for them; measuring
 * the time would only show how busy the machine is.
 */
#include "transport/tcp/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/tcp/limits.h"

#define LANES       4u
#define CALLS       5u
#define ITEM_BYTES  1000u
#define FRAME_BYTES (TCP_HEAD_BYTES + ITEM_BYTES)
#define ITEMS       400u
#define SOCKET      16384

/* The most bytes that may be sent before a call that is added now. These bytes
 * of the lanes are already in the outbox's list. The last chunk may exceed the
 * limit. */
#define AHEAD_MAX (TCP_LANE_AHEAD_BYTES + TCP_LANE_CHUNK_BYTES)

#define ALL_BYTES \
    ((size_t)LANES * ITEMS * FRAME_BYTES + (size_t)CALLS * TCP_HEAD_BYTES)

/* A connection whose other end reads when it is told to. */
typedef struct line {
    tcp_outbox outbox;
    tcp_lane *lanes[LANES];
    int fds[2];
    size_t added; /* bytes */
    uint8_t *came;
    size_t len;
} line;

static void begin(line *l)
{
    const int size = SOCKET;
    uint8_t body[ITEM_BYTES] = {0};
    *l = (line){.came = malloc(ALL_BYTES)};
    assert_non_null(l->came);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, l->fds), 0);
    assert_int_equal(
        setsockopt(l->fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    tcp_outbox_init(&l->outbox, l->fds[0]);
    for (uint32_t i = 0; i < LANES; i++) {
        l->lanes[i] = tcp_lane_open();
        assert_non_null(l->lanes[i]);
        for (uint32_t k = 0; k < ITEMS; k++) {
            const tcp_head head = {
                .type = TCP_ITEM, .call = i, .value = k, .len = ITEM_BYTES};
            assert_true(
                tcp_lane_put(&l->outbox, l->lanes[i], &head, body, NULL));
            l->added += FRAME_BYTES;
        }
    }
}

static void end(line *l)
{
    for (uint32_t i = 0; i < LANES; i++) {
        tcp_lane_close(&l->outbox, l->lanes[i]);
    }
    tcp_outbox_fini(&l->outbox);
    (void)close(l->fds[0]);
    (void)close(l->fds[1]);
    free(l->came);
}

/* The other end reads everything that has arrived. */
static void read_some(line *l)
{
    ssize_t got;
    while ((got = recv(l->fds[1], l->came + l->len, ALL_BYTES - l->len,
                       MSG_DONTWAIT)) > 0) {
        l->len += (size_t)got;
    }
}

/* Returns how many bytes the socket has taken so far. */
static size_t sent(line *l)
{
    tcp_unsent unsent = tcp_outbox_waiting(&l->outbox);
    size_t waiting = unsent.bytes + unsent.lane_bytes;
    for (uint32_t i = 0; i < LANES; i++) {
        waiting += tcp_lane_waiting(&l->outbox, l->lanes[i]);
    }
    return l->added - waiting;
}

static void send_rest(line *l)
{
    while (tcp_outbox_flush(&l->outbox) == TCP_FLUSH_WAITS) {
        read_some(l);
    }
    read_some(l);
    assert_int_equal(l->len, l->added);
}

/* ---- calls ---- */

typedef struct request {
    tcp_piece piece;
    uint8_t head[TCP_HEAD_BYTES];
    size_t sent_before; /* bytes sent when it was added */
} request;

static void add_request(line *l, request *r, uint32_t number)
{
    const tcp_head head = {.type = TCP_REQUEST, .call = number};
    *r = (request){.sent_before = sent(l)};
    tcp_head_put(&head, r->head);
    r->piece = (tcp_piece){.data = r->head, .len = sizeof r->head};
    assert_true(tcp_outbox_add(&l->outbox, &r->piece) > 0);
    l->added += sizeof r->head;
}

/* Checks that between the time at which a request was added and the request
 * itself, at most AHEAD_MAX bytes were sent. */
static void expect_requests(const line *l, const request *requests)
{
    uint32_t found = 0;
    tcp_head head;
    for (size_t at = 0; at < l->len; at += TCP_HEAD_BYTES + head.len) {
        tcp_head_get(l->came + at, &head);
        if (head.type != TCP_REQUEST) {
            continue;
        }
        assert_int_equal(head.call, found);
        assert_in_range(at, requests[found].sent_before,
                        requests[found].sent_before + AHEAD_MAX);
        found++;
    }
    assert_int_equal(found, CALLS);
}

static void calls_go_before_what_waits_in_lanes(void **state)
{
    (void)state;
    line l;
    request requests[CALLS];
    begin(&l);
    for (uint32_t i = 0; i < CALLS; i++) {
        assert_int_equal(tcp_outbox_flush(&l.outbox), TCP_FLUSH_WAITS);
        /* Far more bytes wait than may be sent before the request. */
        assert_true(l.added - sent(&l) > 4 * AHEAD_MAX);
        add_request(&l, &requests[i], i);
        read_some(&l);
    }
    send_rest(&l);
    expect_requests(&l, requests);
    end(&l);
}

/* ---- lanes ---- */

/* At any time the bytes sent by the lanes differ by at most one chunk. */
static void lanes_take_turns(void **state)
{
    (void)state;
    line l;
    size_t of[LANES] = {0};
    uint64_t next[LANES] = {0};
    tcp_head head;
    begin(&l);
    send_rest(&l);
    for (size_t at = 0; at < l.len; at += TCP_HEAD_BYTES + head.len) {
        size_t least = SIZE_MAX;
        size_t most = 0;
        tcp_head_get(l.came + at, &head);
        assert_int_equal(head.type, TCP_ITEM);
        assert_in_range(head.call, 0, LANES - 1);
        assert_int_equal(head.value, next[head.call]++);
        of[head.call] += TCP_HEAD_BYTES + head.len;
        for (uint32_t i = 0; i < LANES; i++) {
            least = of[i] < least ? of[i] : least;
            most = of[i] > most ? of[i] : most;
        }
        assert_in_range(most - least, 0, TCP_LANE_CHUNK_BYTES);
    }
    end(&l);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_go_before_what_waits_in_lanes),
        cmocka_unit_test(lanes_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
