/* The ring of a stream: order, room, ends, sleeps, a deadlock, and malicious
 * peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "stream/ring.h"

#define BYTES    SHMRPCI_STREAM_MIN_BYTES
#define FRAMES   (BYTES - 256u)
#define PIECE    ((FRAMES / 4u & ~7u) - 8u)
#define LARGEST  (3 * BYTES)
#define WAIT_NS  (INT64_C(60) * 1000000000)
#define THREADED 20000u

static shmrpci_stream_ring *ring;
static shmrpci_stream_ring *back;
static shmrpci_stream_writer writer;
static shmrpci_stream_reader reader;

static int fresh(void **state)
{
    (void)state;
    free(ring);
    free(back);
    ring = aligned_alloc(SHMRPCI_STREAM_ALIGN, BYTES);
    back = aligned_alloc(SHMRPCI_STREAM_ALIGN, BYTES);
    assert_true(ring != NULL && back != NULL);
    /* Fills the memory with garbage, because previous contents must not matter.
     */
    memset(ring, 0x5A, BYTES);
    memset(back, 0xFF, BYTES);
    shmrpci_stream_format(ring);
    shmrpci_stream_format(back);
    shmrpci_stream_writer_init(&writer, ring, BYTES, back);
    shmrpci_stream_reader_init(&reader, ring, BYTES);
    return 0;
}

static int64_t soon(void)
{
    return shmrpci_now_ns() + WAIT_NS;
}

/* Returns the value of byte `at` of item `number`. */
static uint8_t byte_of(uint32_t number, size_t at)
{
    return (uint8_t)(number * 31u + at * 7u + (at >> 8));
}

static size_t length_of(uint32_t number)
{
    static const size_t odd[] = {0,  1,     7,         8,         9,
                                 64, PIECE, PIECE + 1, 2 * PIECE, LARGEST};
    const size_t count = sizeof odd / sizeof odd[0];
    return number % 16 < count ? odd[number % 16]
                               : (size_t)(number * 2654435761u >> 23);
}

static int put(shmrpci_stream_writer *w, uint32_t number, size_t len,
               int64_t until_ns)
{
    static _Thread_local uint8_t bytes[LARGEST];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = byte_of(number, i);
    }
    return shmrpci_stream_write(w, bytes, len, until_ns, false);
}

/* Reads a piece, and waits for it. */
static int get(shmrpci_stream_piece *out)
{
    int status;
    while ((status = shmrpci_stream_look(&reader, out)) == SHMRPC_E_BUSY) {
        assert_int_equal(shmrpci_stream_await(&reader, soon()), SHMRPC_OK);
    }
    return status;
}

/* Reads item `number` and its `len` bytes, in as many pieces as there are. */
static void expect(uint32_t number, size_t len)
{
    shmrpci_stream_piece piece = {.is_last = false};
    size_t at = 0;
    while (!piece.is_last) {
        assert_int_equal(get(&piece), SHMRPC_MORE);
        for (uint32_t i = 0; i < piece.len; i++) {
            if (piece.data[i] != byte_of(number, at + i)) {
                fail_msg("item %u, byte %zu of %zu", number, at + i, len);
            }
        }
        at += piece.len;
        assert_true(len > PIECE || piece.is_last);
    }
    assert_int_equal(at, len);
}

static void items_in_order(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        size_t len = length_of(i) % (PIECE + 1);
        assert_int_equal(put(&writer, i, len, 0), SHMRPC_OK);
        expect(i, len);
    }
    shmrpci_stream_piece piece;
    assert_int_equal(shmrpci_stream_look(&reader, &piece), SHMRPC_E_BUSY);
}

/* Whatever the ring contained, written items arrive, then the end. */
static void end_of_full_ring(void **state)
{
    (void)state;
    uint32_t count = 0;
    while (put(&writer, count, 8, 0) == SHMRPC_OK) {
        count++;
    }
    assert_true(count >= FRAMES / 16 - 70);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_ABANDONED);
    assert_int_equal(put(&writer, 0, 8, 0), SHMRPC_E_PRECONDITION);
    for (uint32_t i = 0; i < count; i++) {
        expect(i, 8);
    }
    shmrpci_stream_piece piece;
    assert_int_equal(get(&piece), SHMRPC_OK);
    assert_int_equal(shmrpci_stream_unread_bytes(&writer), 0);
}

static void abandoned(void **state)
{
    (void)state;
    assert_int_equal(put(&writer, 0, 5, 0), SHMRPC_OK);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_ABANDONED);
    shmrpci_stream_piece piece;
    expect(0, 5);
    assert_int_equal(get(&piece), SHMRPC_E_CANCELLED);
}

/* The reader returns credit for a quarter of the ring at a time. */
static void room_comes_back(void **state)
{
    (void)state;
    uint32_t count = 0;
    uint32_t read = 0;
    while (put(&writer, count, 56, 0) == SHMRPC_OK) {
        count++;
    }
    shmrpci_stream_piece piece;
    assert_int_equal(put(&writer, count, 56, 0), SHMRPC_E_BUSY);
    while (put(&writer, count, 56, 0) == SHMRPC_E_BUSY) {
        assert_int_equal(shmrpci_stream_look(&reader, &piece), SHMRPC_MORE);
        read++;
    }
    assert_in_range(read * 64, FRAMES / 4, FRAMES / 4 + 128);
}

static void deadlines(void **state)
{
    (void)state;
    const int64_t step_ns = 2000000;
    assert_int_equal(shmrpci_stream_await(&reader, shmrpci_now_ns() + step_ns),
                     SHMRPC_E_DEADLINE);
    uint32_t count = 0;
    while (put(&writer, count, 100, 0) == SHMRPC_OK) {
        count++;
    }
    int status;
    while ((status = put(&writer, count, 100, shmrpci_now_ns() + step_ns)) ==
           SHMRPC_OK) {
        count++;
    }
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    for (uint32_t i = 0; i < count; i++) {
        expect(i, 100);
    }
    /* The failed item was not written at all, so the next item is whole. */
    assert_int_equal(put(&writer, count, 100, 0), SHMRPC_OK);
    expect(count, 100);
}

/* A part of an item was written, and the rest never will be. */
static void broken_item(void **state)
{
    (void)state;
    int status = put(&writer, 0, LARGEST, shmrpci_now_ns() + 2000000);
    assert_int_equal(status, SHMRPC_E_DEADLINE);
    assert_int_equal(put(&writer, 1, 8, 0), SHMRPC_E_DEADLINE);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    shmrpci_stream_piece piece;
    while ((status = get(&piece)) == SHMRPC_MORE) {
        assert_false(piece.is_last);
    }
    assert_int_equal(status, SHMRPC_E_CANCELLED);
}

/* ---- lent items ---------------------------------------------------------- */

static uint8_t *lend(size_t len)
{
    uint8_t *at = NULL;
    assert_int_equal(shmrpci_stream_lend(&writer, len, 0, false, &at),
                     SHMRPC_OK);
    assert_int_equal((uintptr_t)at % 8, 0);
    return at;
}

static void fill_in(uint8_t *at, uint32_t number, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        at[i] = byte_of(number, i);
    }
}

/* Items written in place, of any length up to a piece, wrapping often. */
static void lent_items(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        size_t len = length_of(i) % (PIECE + 1);
        uint8_t *at = lend(PIECE);
        fill_in(at, i, len);
        memset(at + len, 0xFF, PIECE - len);
        assert_int_equal(shmrpci_stream_commit(&writer, len), SHMRPC_OK);
        shmrpci_stream_piece piece;
        assert_int_equal(shmrpci_stream_look(&reader, &piece), SHMRPC_MORE);
        assert_ptr_equal(piece.data, at);
        assert_int_equal(piece.len, len);
        for (size_t k = 0; k < len; k++) {
            assert_int_equal(piece.data[k], byte_of(i, k));
        }
        /* Copied items alternate with lent ones. */
        assert_int_equal(put(&writer, i, 8, 0), SHMRPC_OK);
        expect(i, 8);
    }
}

static void one_loan_at_a_time(void **state)
{
    (void)state;
    uint8_t *at;
    shmrpci_stream_piece piece;
    assert_int_equal(shmrpci_stream_lend(&writer, PIECE + 1, 0, false, &at),
                     SHMRPC_E_TOO_LARGE);
    assert_int_equal(shmrpci_stream_commit(&writer, 0), SHMRPC_E_PRECONDITION);
    fill_in(lend(100), 0, 100);
    assert_int_equal(shmrpci_stream_lend(&writer, 1, 0, false, &at),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(put(&writer, 0, 8, 0), SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpci_stream_commit(&writer, 101),
                     SHMRPC_E_PRECONDITION);
    assert_int_equal(shmrpci_stream_look(&reader, &piece), SHMRPC_E_BUSY);
    shmrpci_stream_abort(&writer);
    assert_int_equal(shmrpci_stream_commit(&writer, 1), SHMRPC_E_PRECONDITION);
    assert_int_equal(put(&writer, 0, 8, 0), SHMRPC_OK);
    expect(0, 8);
    /* An item that is still lent at the end, or after a cancellation, is not
     * sent. */
    (void)lend(100);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    assert_int_equal(shmrpci_stream_commit(&writer, 1), SHMRPC_E_PRECONDITION);
    assert_int_equal(get(&piece), SHMRPC_OK);
    (void)fresh(NULL);
    (void)lend(100);
    shmrpci_stream_cancel(ring);
    assert_int_equal(shmrpci_stream_commit(&writer, 1), SHMRPC_E_CANCELLED);
}

static void loans_wait_for_room(void **state)
{
    (void)state;
    uint8_t *at;
    uint32_t count = 0;
    while (shmrpci_stream_lend(&writer, 100, 0, false, &at) == SHMRPC_OK) {
        fill_in(at, count++, 100);
        assert_int_equal(shmrpci_stream_commit(&writer, 100), SHMRPC_OK);
    }
    assert_int_equal(shmrpci_stream_lend(&writer, 100, 0, false, &at),
                     SHMRPC_E_BUSY);
    assert_int_equal(shmrpci_stream_lend(
                         &writer, 100, shmrpci_now_ns() + 1000000, false, &at),
                     SHMRPC_E_DEADLINE);
    for (uint32_t i = 0; i < count; i++) {
        expect(i, 100);
    }
    fill_in(lend(100), count, 100);
    assert_int_equal(shmrpci_stream_commit(&writer, 100), SHMRPC_OK);
    expect(count, 100);
}

/* The count never exceeds what the reader has released, and in the end it
 * includes everything. */
static void delivered_items(void **state)
{
    (void)state;
    uint32_t count = 0;
    shmrpci_stream_piece piece;
    assert_int_equal(shmrpci_stream_delivered(&writer), 0);
    while (put(&writer, count, 40, 0) == SHMRPC_OK) {
        count++;
    }
    assert_int_equal(shmrpci_stream_delivered(&writer), 0);
    for (uint32_t i = 0; i < count; i++) {
        expect(i, 40);
        assert_true(shmrpci_stream_delivered(&writer) <= i);
    }
    assert_true(shmrpci_stream_delivered(&writer) >= count / 2);
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    assert_int_equal(get(&piece), SHMRPC_OK);
    assert_int_equal(shmrpci_stream_delivered(&writer), count);
    /* The reader claims more items than were sent. */
    shmrpci_store_relaxed(&ring->taken, count + 1);
    assert_int_equal(shmrpci_stream_delivered(&writer), count);
    shmrpci_store_relaxed(&ring->taken, 3u);
    assert_int_equal(shmrpci_stream_delivered(&writer), count);
    (void)fresh(NULL);
    assert_int_equal(put(&writer, 0, 8, 0), SHMRPC_OK);
    assert_int_equal(put(&writer, 1, 8, 0), SHMRPC_OK);
    expect(0, 8);
    shmrpci_stream_leave(&reader);
    assert_int_equal(shmrpci_stream_delivered(&writer), 1);
}

/* ---- two threads --------------------------------------------------------- */

static void *write_all(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i < THREADED; i++) {
        if (put(&writer, i, length_of(i), soon()) != SHMRPC_OK) {
            return &writer;
        }
    }
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    return NULL;
}

static pthread_t start(void *(*run)(void *), void *user)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, user), 0);
    return thread;
}

static void *join(pthread_t thread)
{
    void *result = NULL;
    assert_int_equal(pthread_join(thread, &result), 0);
    return result;
}

static void both_sleep(void **state)
{
    (void)state;
    pthread_t thread = start(write_all, NULL);
    for (uint32_t i = 0; i < THREADED; i++) {
        expect(i, length_of(i));
    }
    shmrpci_stream_piece piece;
    assert_int_equal(get(&piece), SHMRPC_OK);
    assert_null(join(thread));
}

static void *fill(void *status)
{
    do {
        *(int *)status = put(&writer, 0, 500, soon());
    } while (*(int *)status == SHMRPC_OK);
    return NULL;
}

/* Waits until the other thread reports that it sleeps, or is about to. */
static void until_waits(shmrpci_stream_ring *of)
{
    while (shmrpci_load_seq(&of->waits) == SHMRPCI_STREAM_WRITES) {
        shmrpci_pause();
    }
}

static void cancel_wakes_writer(void **state)
{
    (void)state;
    int status = SHMRPC_OK;
    pthread_t thread = start(fill, &status);
    until_waits(ring);
    shmrpci_stream_cancel(ring);
    (void)join(thread);
    assert_int_equal(status, SHMRPC_E_CANCELLED);
    assert_int_equal(put(&writer, 0, 1, 0), SHMRPC_E_CANCELLED);
}

static void *end_it(void *unused)
{
    (void)unused;
    uint32_t waits = (uint32_t)SHMRPCI_STREAM_WAITING << 28;
    size_t at = writer.offset;
    while (shmrpci_load_seq(shmrpci_stream_header_at(ring, (uint32_t)at)) !=
           waits) {
        shmrpci_pause();
    }
    shmrpci_stream_end_for(ring, BYTES);
    return NULL;
}

/* The writer has died. Whole items arrive first, then the report. */
static void end_wakes_reader(void **state)
{
    (void)state;
    assert_int_equal(put(&writer, 0, 33, 0), SHMRPC_OK);
    expect(0, 33);
    assert_int_equal(put(&writer, 1, 900, 0), SHMRPC_OK);
    pthread_t thread = start(end_it, NULL);
    shmrpci_stream_piece piece;
    expect(1, 900);
    assert_int_equal(get(&piece), SHMRPC_E_UNAVAILABLE);
    (void)join(thread);
    assert_int_equal(get(&piece), SHMRPC_E_UNAVAILABLE);
}

/* ---- a deadlock ---------------------------------------------------------- */

typedef struct end {
    shmrpci_stream_writer writer;
    int status;
} end;

static void *flood(void *user)
{
    static const uint8_t bytes[100];
    end *e = user;
    do {
        e->status =
            shmrpci_stream_write(&e->writer, bytes, sizeof bytes, soon(), true);
    } while (e->status == SHMRPC_OK);
    return NULL;
}

static void two_writers(void **state)
{
    (void)state;
    end here;
    end there;
    shmrpci_stream_writer_init(&here.writer, ring, BYTES, back);
    shmrpci_stream_writer_init(&there.writer, back, BYTES, ring);
    pthread_t thread = start(flood, &here);
    until_waits(ring);
    (void)flood(&there);
    /* The other writer may also get the error; otherwise it waits until the
     * cancel. */
    shmrpci_stream_cancel(ring);
    (void)join(thread);
    assert_true(here.status == SHMRPC_E_ABORTED ||
                there.status == SHMRPC_E_ABORTED);
}

/* Two writers, but one direction is being read: then no deadlock may be
 * reported. */
static void one_is_read(void **state)
{
    (void)state;
    end there;
    shmrpci_stream_writer_init(&there.writer, back, BYTES, ring);
    pthread_t thread = start(write_all, NULL);
    pthread_t other = start(flood, &there);
    until_waits(back);
    for (uint32_t i = 0; i < THREADED; i++) {
        expect(i, length_of(i));
    }
    assert_null(join(thread));
    shmrpci_stream_cancel(back);
    (void)join(other);
    assert_int_equal(there.status, SHMRPC_E_CANCELLED);
}

/* ---- malicious peers ----------------------------------------------------- */

static uint64_t seed;

static uint32_t any(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33);
}

static void lie(uint32_t header, uint32_t number, int wanted)
{
    (void)fresh(NULL);
    shmrpci_stream_piece piece;
    assert_int_equal(put(&writer, 0, 8, 0), SHMRPC_OK);
    expect(0, 8);
    memcpy(ring->frames + 16 + 4, &number, sizeof number);
    shmrpci_store_seq(shmrpci_stream_header_at(ring, 16), header);
    assert_int_equal(shmrpci_stream_look(&reader, &piece), wanted);
}

static void lying_headers(void **state)
{
    (void)state;
    const shmrpci_stream_kind item = SHMRPCI_STREAM_ITEM;
    lie(shmrpci_stream_header(item, PIECE), 1, SHMRPC_MORE);
    lie(shmrpci_stream_header(item, PIECE + 1), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(item, 0x0FFFFFFF), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(item, 8), 0, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(item, 8), 2, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_NONE, 8), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_WAITING, 8), 1,
        SHMRPC_E_DATA_LOSS);
    lie(UINT32_C(0x60000008), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_PAD, 8), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_PAD, FRAMES - 16), 1,
        SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_END, 2), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_END, 0), 0, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_END, 0), 1, SHMRPC_OK);
    /* Endless padding or endless empty parts would cause an endless loop, so
     * they are refused. */
    lie(shmrpci_stream_header(SHMRPCI_STREAM_PART, 0), 1, SHMRPC_E_DATA_LOSS);
    lie(shmrpci_stream_header(SHMRPCI_STREAM_PART, 1), 1, SHMRPC_MORE);
    (void)fresh(NULL);
    shmrpci_stream_piece piece;
    shmrpci_store_seq(shmrpci_stream_header_at(ring, 0),
                      shmrpci_stream_header(SHMRPCI_STREAM_PAD, FRAMES - 8));
    assert_int_equal(shmrpci_stream_look(&reader, &piece), SHMRPC_E_DATA_LOSS);
}

/* Random frames: pieces stay within the ring, and reading ends. */
static void noise(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        (void)fresh(NULL);
        seed = round;
        for (uint32_t at = 0; at < FRAMES; at += 4) {
            uint32_t word = any();
            /* Some of the noise is nearly valid. */
            word = any() % 2 == 0
                       ? shmrpci_stream_header((shmrpci_stream_kind)(any() % 5),
                                               any() % 200)
                       : (any() % 2 == 0 ? any() % 4 : word);
            memcpy(ring->frames + at, &word, sizeof word);
        }
        shmrpci_stream_piece piece;
        int status;
        unsigned count = 0;
        while ((status = shmrpci_stream_look(&reader, &piece)) == SHMRPC_MORE) {
            assert_true(piece.data >= ring->frames + 8 &&
                        piece.data + piece.len <= ring->frames + FRAMES);
            assert_true(++count < FRAMES);
        }
    }
}

static void lying_credit(void **state)
{
    static const uint64_t heads[] = {1u << 20, UINT64_MAX, 8192,
                                     UINT64_C(1) << 63};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        (void)fresh(NULL);
        uint32_t count = 0;
        while (put(&writer, count, 56, 0) == SHMRPC_OK) {
            count++;
        }
        shmrpci_store_seq(&ring->head, heads[i]);
        assert_int_equal(put(&writer, count, 56, 0), SHMRPC_E_DATA_LOSS);
        assert_int_equal(put(&writer, count, 56, soon()), SHMRPC_E_DATA_LOSS);
        shmrpci_stream_end_for(ring, BYTES);
        assert_true(shmrpci_stream_unread_bytes(&writer) <= FRAMES);
    }
    /* The credit must never decrease. */
    (void)fresh(NULL);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(put(&writer, i, 56, 0), SHMRPC_OK);
        expect(i, 56);
    }
    int status;
    shmrpci_store_seq(&ring->head, UINT64_C(64));
    while ((status = put(&writer, 0, 56, 0)) == SHMRPC_OK) {
    }
    assert_int_equal(status, SHMRPC_E_DATA_LOSS);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_in_order),
        TEST(end_of_full_ring),
        TEST(abandoned),
        TEST(room_comes_back),
        TEST(deadlines),
        TEST(broken_item),
        TEST(lent_items),
        TEST(one_loan_at_a_time),
        TEST(loans_wait_for_room),
        TEST(delivered_items),
        TEST(both_sleep),
        TEST(cancel_wakes_writer),
        TEST(end_wakes_reader),
        TEST(two_writers),
        TEST(one_is_read),
        TEST(lying_headers),
        TEST(noise),
        TEST(lying_credit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(ring);
    free(back);
    return failed;
}
