/* The reader's side of a stream's ring. */
#include <string.h>

#include "base/assert.h"
#include "os/futex.h"
#include "stream/ring.h"

static const uint32_t waiting = (uint32_t)SHMRPCI_STREAM_WAITING << 28;

void shmrpci_stream_reader_init(shmrpci_stream_reader *r,
                                shmrpci_stream_ring *ring, uint32_t bytes)
{
    SHMRPCI_ASSERT(bytes >= SHMRPCI_STREAM_MIN_BYTES && bytes % 8 == 0,
                   "a ring has a size that was checked");
    *r = (shmrpci_stream_reader){
        .ring = ring,
        .size = bytes - (uint32_t)offsetof(shmrpci_stream_ring, frames),
    };
}

/* ---- credit ----------------------------------------------------------- */

static void give_credit(shmrpci_stream_reader *r)
{
    if (r->credited == r->at) {
        return;
    }
    r->credited = r->at;
    /* All items that were read have been released, so their number is the
     * number of released items. Relaxed: the store of head below publishes it.
     */
    shmrpci_store_relaxed(&r->ring->taken, r->number);
    /* This store and the load after it are sequentially consistent: either a
     * writer that has announced a wait sees the credit, or we see its
     * announcement. The store also releases what was read. */
    shmrpci_store_seq(&r->ring->head, r->at);
    if (shmrpci_load_seq(&r->ring->waits) != (uint32_t)SHMRPCI_STREAM_WRITES &&
        shmrpci_exchange_seq(&r->ring->waits,
                             (uint32_t)SHMRPCI_STREAM_WRITES) !=
            (uint32_t)SHMRPCI_STREAM_WRITES) {
        SHMRPCI_CRASHPOINT;
        (void)shmrpci_futex_wake(&r->ring->waits, 1);
    }
}

/* Moves past a frame of `bytes`, and gives credit for each quarter of the
 * ring. */
static void step(shmrpci_stream_reader *r, uint32_t bytes)
{
    r->offset += bytes;
    r->offset = r->offset == r->size ? 0 : r->offset;
    r->at += bytes;
    if (r->at - r->credited >= r->size / 4) {
        give_credit(r);
    }
}

/* ---- looking ---------------------------------------------------------- */

static uint32_t number_at(const shmrpci_stream_reader *r)
{
    uint32_t number;
    memcpy(&number, r->ring->frames + r->offset + 4, sizeof number);
    return number;
}

/* Whether a frame of that kind and length may be at the reader's position. */
static bool is_sound(const shmrpci_stream_reader *r, uint32_t kind,
                     uint32_t len)
{
    uint32_t to_end = r->size - r->offset;
    switch (kind) {
    case SHMRPCI_STREAM_ITEM:
    case SHMRPCI_STREAM_PART:
        /* A ring full of empty parts would never become an item. */
        return (len > 0 || kind == SHMRPCI_STREAM_ITEM) &&
               len <= shmrpci_stream_max_piece(r->size) &&
               shmrpci_stream_frame_bytes(len) <= to_end &&
               number_at(r) == r->number;
    case SHMRPCI_STREAM_PAD:
        /* A PAD at the start would fill the whole ring, and the reader could
         * skip it again and again without progress. */
        return r->offset != 0 && len + SHMRPCI_STREAM_FRAME_BYTES == to_end;
    case SHMRPCI_STREAM_END:
        return len <= (uint32_t)SHMRPCI_STREAM_ABANDONED &&
               number_at(r) == r->number;
    default:
        return false;
    }
}

static int take(shmrpci_stream_reader *r, uint32_t kind, uint32_t len,
                shmrpci_stream_piece *out)
{
    if (kind == SHMRPCI_STREAM_END) {
        r->is_over = true;
        give_credit(r);
        return len == (uint32_t)SHMRPCI_STREAM_FINISHED ? (int)SHMRPC_OK
                                                        : SHMRPC_E_CANCELLED;
    }
    *out = (shmrpci_stream_piece){
        .data = r->ring->frames + r->offset + SHMRPCI_STREAM_FRAME_BYTES,
        .len = len,
        .is_last = kind == SHMRPCI_STREAM_ITEM,
    };
    r->held = shmrpci_stream_frame_bytes(len);
    r->number += kind == SHMRPCI_STREAM_ITEM ? 1u : 0u;
    return SHMRPC_MORE;
}

/* The ring is empty: returns UNAVAILABLE if nothing more can come. The second
 * load of the header sees what was published before `ended` was set. */
static int nothing(shmrpci_stream_reader *r, shmrpci_atomic_u32 *header)
{
    if (shmrpci_load_seq(&r->ring->ended) == 0) {
        return SHMRPC_E_BUSY;
    }
    uint32_t word = shmrpci_load_acquire(header);
    return word == 0 || word == waiting ? SHMRPC_E_UNAVAILABLE : SHMRPC_E_BUSY;
}

int shmrpci_stream_look(shmrpci_stream_reader *r, shmrpci_stream_piece *out)
{
    SHMRPCI_ASSERT(!r->is_over, "nothing is read after the end");
    if (r->held != 0) {
        step(r, r->held);
        r->held = 0;
    }
    for (;;) {
        shmrpci_atomic_u32 *at = shmrpci_stream_header_at(r->ring, r->offset);
        /* Acquire: pairs with the writer's exchange. Loaded once: later changes
         * by a lying peer are not seen. */
        uint32_t header = shmrpci_load_acquire(at);
        if (header == 0 || header == waiting) {
            return nothing(r, at);
        }
        uint32_t kind = header >> 28;
        uint32_t len = header & UINT32_C(0x0FFFFFFF);
        if (!is_sound(r, kind, len)) {
            return SHMRPC_E_DATA_LOSS;
        }
        if (kind != SHMRPCI_STREAM_PAD) {
            return take(r, kind, len, out);
        }
        step(r, len + SHMRPCI_STREAM_FRAME_BYTES);
    }
}

static bool has_come(const void *what)
{
    /* Relaxed: a check follows. */
    uint32_t word = shmrpci_load_relaxed((const shmrpci_atomic_u32 *)what);
    return word != 0 && word != waiting;
}

int shmrpci_stream_await(shmrpci_stream_reader *r, int64_t until_ns)
{
    shmrpci_atomic_u32 *at = shmrpci_stream_header_at(r->ring, r->offset);
    uint32_t expected = 0;
    /* The reader holds back credit for less than a quarter of the ring, so no
     * writer needs to wait while we poll. */
    if (r->waiter != NULL && r->waiter->spin(r->waiter, has_come, at)) {
        return SHMRPC_OK;
    }
    give_credit(r);
    if (!shmrpci_cas_seq(at, &expected, waiting) && expected != waiting) {
        return SHMRPC_OK;
    }
    /* This load and the compare-and-swap are sequentially consistent: either
     * the thread that sets `ended` finds WAITING, or we see `ended` here. */
    if (shmrpci_load_seq(&r->ring->ended) != 0) {
        return SHMRPC_OK;
    }
    int slept = shmrpci_stream_sleep(r->waiter, at, waiting, until_ns);
    /* We are awake, so the writer need not wake us: clear the mark. */
    expected = waiting;
    bool empty = shmrpci_cas_seq(at, &expected, 0u);
    return empty ? slept : SHMRPC_OK;
}

bool shmrpci_stream_arm_read(shmrpci_stream_reader *r, shmrpci_futex_on *on)
{
    shmrpci_atomic_u32 *at = shmrpci_stream_header_at(r->ring, r->offset);
    uint32_t expected = 0;
    SHMRPCI_ASSERT(r->held == 0, "a reader looks before it sleeps");
    give_credit(r);
    *on = (shmrpci_futex_on){.word = at, .expected = waiting};
    return (shmrpci_cas_seq(at, &expected, waiting) || expected == waiting) &&
           shmrpci_load_seq(&r->ring->ended) == 0;
}

void shmrpci_stream_disarm_read(shmrpci_stream_reader *r)
{
    uint32_t expected = waiting;
    (void)shmrpci_cas_seq(shmrpci_stream_header_at(r->ring, r->offset),
                          &expected, 0u);
}

void shmrpci_stream_leave(shmrpci_stream_reader *r)
{
    /* Relaxed: the count is only statistics, and the writer may never read
     * it. */
    shmrpci_store_relaxed(&r->ring->taken, r->number);
    shmrpci_stream_cancel(r->ring);
}

/* ---- on behalf of a writer that has gone ------------------------------ */

/* A reader that sleeps has given all credit, so it sleeps at the position of
 * its head. The reader may lie about the head: any value is reduced to a
 * position in the ring. */
static shmrpci_atomic_u32 *sleeps_at(shmrpci_stream_ring *ring, uint32_t bytes)
{
    uint32_t size = bytes - (uint32_t)offsetof(shmrpci_stream_ring, frames);
    uint32_t offset = (uint32_t)(shmrpci_load_seq(&ring->head) % size) & ~7u;
    return shmrpci_stream_header_at(ring, offset);
}

void shmrpci_stream_end_for(shmrpci_stream_ring *ring, uint32_t bytes)
{
    shmrpci_store_seq(&ring->ended, 1u);
    shmrpci_atomic_u32 *at = sleeps_at(ring, bytes);
    uint32_t expected = waiting;
    if (shmrpci_cas_seq(at, &expected, 0u)) {
        SHMRPCI_CRASHPOINT;
        (void)shmrpci_futex_wake(at, 1);
    }
}

void shmrpci_stream_rouse_reader(shmrpci_stream_ring *ring, uint32_t bytes)
{
    (void)shmrpci_futex_wake(sleeps_at(ring, bytes), 1);
}
