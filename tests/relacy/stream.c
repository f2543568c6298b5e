/*
 * The ring of a stream: the source of ring_read.c and ring_write.c.
 *
 * One thread writes items, some of them in two pieces, into a ring of three
 * frames, and another one reads them; both sleep. The number in each frame is
 * plain memory that is checked for races.
 */
#include "stream/ring.h"

#include <string.h>

#include "engine.h"
#include "kernel.h"
#include "os/clock.h"

#define FRAMES 64u
#define BYTES  (256u + FRAMES)
#define ITEMS  6u

static union {
    shmrpci_stream_ring ring;
    _Alignas(SHMRPCI_STREAM_ALIGN) uint8_t bytes[BYTES + 64];
} memory;
static shmrpci_stream_writer writer;
static shmrpci_stream_reader reader;
static uint32_t written;
static uint32_t came;

static void before(void)
{
    kernel_reset(SHMRPCI_NS_PER_US); /* slices never end */
    memset(&memory, 0, sizeof memory);
    written = 0;
    came = 0;
    shmrpci_stream_format(&memory.ring);
    shmrpci_stream_writer_init(&writer, &memory.ring, BYTES, NULL);
    shmrpci_stream_reader_init(&reader, &memory.ring, BYTES);
    for (unsigned at = 0; at < FRAMES; at += 8) {
        engine_watch(memory.ring.frames + at + 4, 4);
    }
}

/* Every third item is sent in two pieces. */
static size_t length_of(uint32_t number)
{
    return number % 3 == 2 ? 16 : 4;
}

static int put(void)
{
    uint32_t item[4] = {written, written, written, written};
    int status = shmrpci_stream_write(&writer, item, length_of(written),
                                      SHMRPCI_NEVER_NS, false);
    written += status == SHMRPC_OK ? 1 : 0;
    return status;
}

/* Returns MORE if an item arrived. */
static int get(void)
{
    shmrpci_stream_piece piece = {.is_last = false};
    size_t len = 0;
    while (!piece.is_last) {
        int status = shmrpci_stream_look(&reader, &piece);
        if (status == SHMRPC_E_BUSY) {
            ENGINE_CHECK(shmrpci_stream_await(&reader, SHMRPCI_NEVER_NS) ==
                         SHMRPC_OK);
            continue;
        }
        if (status != SHMRPC_MORE) {
            return status;
        }
        len += piece.len;
    }
    ENGINE_CHECK(len == length_of(came));
    came++;
    return SHMRPC_MORE;
}

/* ---- the whole stream ---------------------------------------------------- */

static void thread_all(unsigned index)
{
    if (index == 0) {
        while (written < ITEMS) {
            ENGINE_CHECK(put() == SHMRPC_OK);
        }
        shmrpci_stream_finish(&writer, SHMRPCI_STREAM_FINISHED);
    } else if (index == 1) {
        int status;
        while ((status = get()) == SHMRPC_MORE) {
        }
        ENGINE_CHECK(status == SHMRPC_OK);
    }
}

static void after_all(void)
{
    ENGINE_CHECK(came == ITEMS);
}

/* ---- the writer dies ------------------------------------------------------
 */

static void thread_ended(unsigned index)
{
    if (index == 0) {
        ENGINE_CHECK(put() == SHMRPC_OK && put() == SHMRPC_OK);
        shmrpci_stream_end_for(&memory.ring, BYTES);
    } else if (index == 1) {
        int status;
        while ((status = get()) == SHMRPC_MORE) {
        }
        ENGINE_CHECK(status == SHMRPC_E_UNAVAILABLE);
    }
}

static void after_ended(void)
{
    ENGINE_CHECK(came == 2);
}

/* ---- the reader leaves --------------------------------------------------- */

static void thread_cancelled(unsigned index)
{
    if (index == 0) {
        int status;
        while ((status = put()) == SHMRPC_OK) {
        }
        ENGINE_CHECK(status == SHMRPC_E_CANCELLED);
    } else if (index == 1) {
        ENGINE_CHECK(get() == SHMRPC_MORE);
        shmrpci_stream_cancel(&memory.ring);
    }
}

static void after_cancelled(void)
{
    ENGINE_CHECK(came == 1 && written >= 1);
}

const engine_case engine_cases[] = {
    {"all", 3, before, thread_all, after_all},
    {"ended", 3, before, thread_ended, after_ended},
    {"cancelled", 3, before, thread_cancelled, after_cancelled},
    {0},
};
