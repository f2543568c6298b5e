/* Either side of a stream's ring is killed at each change of a shared word. The
 * survivor sees whole items, in order, and then the death is reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dying/dying.h"
#include "stream/ring.h"

#define BYTES  SHMRPCI_STREAM_MIN_BYTES
#define FRAMES (BYTES - 256u)
#define ITEMS  6u
/* Number of items before the test, after which the ring has wrapped and is
 * about to wrap again. */
#define BEFORE 50u

static const size_t lengths[ITEMS] = {0, 64, 300, 1200, 8, 400};

static shmrpci_stream_ring *ring;
static shmrpci_stream_writer writer;
static shmrpci_stream_reader reader;

static int put(uint32_t number, size_t len)
{
    uint8_t bytes[4096];
    memset(bytes, (int)(number + 1), len);
    return shmrpci_stream_write(&writer, bytes, len, 0, false);
}

/* Reads and checks items, beginning with `number`, until none arrives. Returns
 * how many whole items there were. */
static uint32_t read_all(uint32_t number, int *status)
{
    shmrpci_stream_piece piece;
    size_t at = 0;
    uint32_t count = 0;
    while ((*status = shmrpci_stream_look(&reader, &piece)) == SHMRPC_MORE) {
        for (uint32_t i = 0; i < piece.len; i++) {
            assert_int_equal(piece.data[i], (uint8_t)(number + count + 1));
        }
        at += piece.len;
        if (piece.is_last) {
            assert_int_equal(at, lengths[(number + count) % ITEMS]);
            count++;
            at = 0;
        }
    }
    return count;
}

static void begin(void)
{
    int status;
    memset(ring, 0x5A, BYTES);
    shmrpci_stream_format(ring);
    shmrpci_stream_writer_init(&writer, ring, BYTES, NULL);
    shmrpci_stream_reader_init(&reader, ring, BYTES);
    for (uint32_t i = 0; i < BEFORE * ITEMS; i++) {
        assert_int_equal(put(i, lengths[i % ITEMS]), SHMRPC_OK);
        assert_int_equal(read_all(i, &status), 1);
        assert_int_equal(status, SHMRPC_E_BUSY);
    }
    /* Return all credit, as a reader does before it sleeps, so that there is
     * room for the next items. */
    shmrpci_store_seq(&ring->head, reader.at);
    reader.credited = reader.at;
}

/* Marks the reader as asleep at its present position. */
static void sleep_there(void)
{
    uint32_t expected = 0;
    assert_true(shmrpci_cas_seq(
        shmrpci_stream_header_at(ring, reader.offset), &expected,
        shmrpci_stream_header(SHMRPCI_STREAM_WAITING, 0)));
}

/* Writes an item in place, or copies it if it is longer than a piece, which
 * can't be lent. */
static int lend(uint32_t number, size_t len)
{
    uint8_t *at;
    int status = shmrpci_stream_lend(&writer, len, 0, false, &at);
    if (status == SHMRPC_E_TOO_LARGE) {
        return put(number, len);
    }
    if (status == SHMRPC_OK) {
        memset(at, 0xEE, len);
        shmrpci_stream_abort(&writer);
        status = shmrpci_stream_lend(&writer, len, 0, false, &at);
    }
    if (status == SHMRPC_OK) {
        memset(at, (int)(number + 1), len);
        status = shmrpci_stream_commit(&writer, len);
    }
    return status;
}

static bool write_some(void *user)
{
    const bool *lends = user;
    bool good = true;
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t number = BEFORE * ITEMS + i;
        int status =
            *lends ? lend(number, lengths[i]) : put(number, lengths[i]);
        good = status == SHMRPC_OK && good;
    }
    shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    return good;
}

static void writer_dies(bool reader_sleeps, bool lends)
{
    uint32_t last = 0;
    bool died = true;
    for (unsigned point = 1; died; point++) {
        int status;
        begin();
        if (reader_sleeps) {
            sleep_there();
        }
        died = dying_runs(write_some, &lends, point);
        shmrpci_stream_end_for(ring, BYTES);
        /* The sleeping reader must be woken, by a frame or by the process that
         * notices the death. */
        assert_int_not_equal(
            shmrpci_load_seq(shmrpci_stream_header_at(ring, reader.offset)),
            shmrpci_stream_header(SHMRPCI_STREAM_WAITING, 0));
        uint32_t count = read_all(BEFORE * ITEMS, &status);
        assert_true(status == SHMRPC_E_UNAVAILABLE ||
                    (status == SHMRPC_OK && count == ITEMS));
        assert_true(count >= last);
        last = count;
    }
    assert_int_equal(last, ITEMS);
}

static void writer_dies_anywhere(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        writer_dies((i & 1) != 0, (i & 2) != 0);
    }
}

static bool read_some(void *user)
{
    int status;
    (void)user;
    return read_all(BEFORE * ITEMS, &status) == ITEMS &&
           status == SHMRPC_E_BUSY;
}

static void reader_dies_anywhere(void **state)
{
    (void)state;
    bool died = true;
    for (unsigned point = 1; died; point++) {
        begin();
        for (uint32_t i = 0; i < ITEMS; i++) {
            assert_int_equal(put(BEFORE * ITEMS + i, lengths[i]), SHMRPC_OK);
        }
        shmrpci_store_seq(&ring->waits, (uint32_t)SHMRPCI_STREAM_WAITS);
        died = dying_runs(read_some, NULL, point);
        int status = SHMRPC_OK;
        for (uint32_t i = 0; status == SHMRPC_OK && i < FRAMES; i++) {
            status = put(0, 8);
        }
        assert_int_equal(status, SHMRPC_E_BUSY);
        shmrpci_stream_cancel(ring);
        assert_int_equal(shmrpci_load_seq(&ring->waits), SHMRPCI_STREAM_WRITES);
        assert_int_equal(put(0, 8), SHMRPC_E_CANCELLED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_dies_anywhere),
        cmocka_unit_test(reader_dies_anywhere),
    };
    ring = dying_shared(BYTES);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
