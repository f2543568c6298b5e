/* The writer's side of a stream's ring. */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/waiting.h"
#include "stream/ring.h"

/* How long a writer sleeps while the opposite writer waits for room, too. After
 * this time it asks the opposite writer to check again for room; after the same
 * time once more, it returns ABORTED. */
#define SUSPECT_NS (INT64_C(25) * 1000000)

void shmrpci_stream_format(shmrpci_stream_ring *ring)
{
    atomic_init(&ring->waits, (uint32_t)SHMRPCI_STREAM_WRITES);
    atomic_init(&ring->ended, 0u);
    atomic_init(&ring->head, UINT64_C(0));
    atomic_init(&ring->cancelled, 0u);
    atomic_init(&ring->taken, 0u);
    atomic_init(shmrpci_stream_header_at(ring, 0), 0u);
}

void shmrpci_stream_writer_init(shmrpci_stream_writer *w,
                                shmrpci_stream_ring *ring, uint32_t bytes,
                                shmrpci_stream_ring *back)
{
    SHMRPCI_ASSERT(bytes >= SHMRPCI_STREAM_MIN_BYTES && bytes % 8 == 0,
                   "a ring has a size that was checked");
    *w = (shmrpci_stream_writer){
        .ring = ring,
        .back = back,
        .size = bytes - (uint32_t)offsetof(shmrpci_stream_ring, frames),
    };
}

static void wake(shmrpci_atomic_u32 *word)
{
    SHMRPCI_CRASHPOINT;
    (void)shmrpci_futex_wake(word, 1);
}

/* ---- room ------------------------------------------------------------- */

/* Max bytes that the frames for `len` bytes take: with the padding before a
 * frame that does not fit before the end of the ring, and the zero header
 * behind the last. */
static uint64_t most_needed(const shmrpci_stream_writer *w, size_t len)
{
    uint64_t piece = shmrpci_stream_max_piece(w->size);
    uint64_t pieces = len == 0 ? 1 : (len + piece - 1) / piece;
    uint64_t frames = pieces * SHMRPCI_STREAM_FRAME_BYTES + (len + 7) / 8 * 8;
    uint64_t to_end = w->size - w->offset;
    uint64_t padding =
        frames > to_end ? shmrpci_stream_frame_bytes((uint32_t)piece) : 0;
    return frames + padding + SHMRPCI_STREAM_FRAME_BYTES;
}

/* Bytes that the next frame takes at the current position, with padding before
 * it and the zero header behind it. */
static uint32_t needed_now(const shmrpci_stream_writer *w, uint32_t len)
{
    uint32_t frame = shmrpci_stream_frame_bytes(len);
    uint32_t to_end = w->size - w->offset;
    return (frame > to_end ? to_end : 0) + frame + SHMRPCI_STREAM_FRAME_BYTES;
}

/* Stores the reader's credit. Returns false if no correct reader would have
 * given it. */
static bool note_head(shmrpci_stream_writer *w, uint64_t head)
{
    if (head < w->head || head > w->tail) {
        return false;
    }
    w->head = head;
    return true;
}

static bool has_room(const shmrpci_stream_writer *w, uint64_t needed)
{
    SHMRPCI_ASSERT(w->tail - w->head <= w->size,
                   "no more is used than the ring has");
    return w->size - (w->tail - w->head) >= needed;
}

/* Checks for room: OK, BUSY, CANCELLED or DATA_LOSS. Loads `cancelled` and
 * `head` sequentially consistently, for callers that have announced a wait. */
static int look_for_room(shmrpci_stream_writer *w, uint64_t needed)
{
    if (shmrpci_load_seq(&w->ring->cancelled) != 0) {
        return SHMRPC_E_CANCELLED;
    }
    /* Acquire (part of seq) pairs with the reader's credit: the reader no
     * longer reads what it has released. */
    if (!has_room(w, needed) &&
        !note_head(w, shmrpci_load_seq(&w->ring->head))) {
        return SHMRPC_E_DATA_LOSS;
    }
    return has_room(w, needed) ? SHMRPC_OK : SHMRPC_E_BUSY;
}

/* Whether the two writers wait for each other: the opposite one waits for room,
 * too, and neither end has another thread that could read. */
static bool faces_waiter(const shmrpci_stream_writer *w, bool alone)
{
    return alone && w->back != NULL &&
           shmrpci_load_seq(&w->back->waits) ==
               (uint32_t)SHMRPCI_STREAM_WAITS_ALONE;
}

/* State of a wait for room. */
typedef struct wait_state {
    int64_t until_ns;
    bool alone;
    bool has_asked; /* the opposite writer was asked to check again */
} wait_state;

/* Called when both writers have waited for SUSPECT_NS. The first time, the
 * opposite writer may not have run since we gave it room, so ask it to check
 * again. If both still wait the next time, it has checked and found no room.
 * We read nothing while we wait, so it would never get any: return ABORTED. */
static int confirm(shmrpci_stream_writer *w, wait_state *wait)
{
    if (wait->has_asked) {
        return SHMRPC_E_ABORTED;
    }
    wait->has_asked = true;
    if (shmrpci_exchange_seq(&w->back->waits,
                             (uint32_t)SHMRPCI_STREAM_WRITES) !=
        (uint32_t)SHMRPCI_STREAM_WRITES) {
        wake(&w->back->waits);
    }
    return SHMRPC_E_BUSY;
}

int shmrpci_stream_sleep(shmrpci_stream_waiter *waiter,
                         shmrpci_atomic_u32 *word, uint32_t expected,
                         int64_t until_ns)
{
    int status = SHMRPC_OK;
    if (waiter != NULL) {
        status = waiter->sleep(waiter, word, expected, until_ns);
    } else if (shmrpci_futex_wait(word, expected, until_ns) ==
               SHMRPCI_FUTEX_LATE) {
        status = SHMRPC_E_DEADLINE;
    }
    /* The thread's wait hooks (shmrpc/wait.h) may have told it to give up. */
    return status == SHMRPC_OK && shmrpci_waiting_is_interrupted()
               ? SHMRPC_E_DEADLINE
               : status;
}

/* The condition for which a writer without room waits. */
typedef struct wanted_room {
    const shmrpci_stream_writer *w;
    uint64_t needed;
} wanted_room;

static bool has_come(const void *what)
{
    const wanted_room *it = what;
    const shmrpci_stream_writer *w = it->w;
    /* Relaxed: look_for_room follows, and also finds errors. */
    uint64_t taken = w->tail - shmrpci_load_relaxed(&w->ring->head);
    return taken > w->size || w->size - taken >= it->needed ||
           shmrpci_load_relaxed(&w->ring->cancelled) != 0;
}

static void spin_for_room(const shmrpci_stream_writer *w, uint64_t needed)
{
    const wanted_room room = {.w = w, .needed = needed};
    if (w->waiter != NULL) {
        (void)w->waiter->spin(w->waiter, has_come, &room);
    }
}

/* Sleeps until the reader gives credit. Returns BUSY if the caller should check
 * again. */
static int sleep_for_room(shmrpci_stream_writer *w, uint32_t waits,
                          wait_state *wait)
{
    bool suspect = faces_waiter(w, wait->alone);
    int64_t limit_ns = wait->until_ns;
    if (suspect) {
        int64_t soon_ns = shmrpci_now_ns() + SUSPECT_NS;
        limit_ns = soon_ns < limit_ns ? soon_ns : limit_ns;
    }
    int slept =
        shmrpci_stream_sleep(w->waiter, &w->ring->waits, waits, limit_ns);
    if (slept != SHMRPC_E_DEADLINE) {
        return slept == SHMRPC_OK ? SHMRPC_E_BUSY : slept;
    }
    if (shmrpci_waiting_is_interrupted()) {
        return SHMRPC_E_DEADLINE;
    }
    if (suspect && faces_waiter(w, wait->alone)) {
        return confirm(w, wait);
    }
    return limit_ns == wait->until_ns ? SHMRPC_E_DEADLINE : SHMRPC_E_BUSY;
}

static int wait_for_room(shmrpci_stream_writer *w, uint64_t needed,
                         int64_t until_ns, bool alone)
{
    uint32_t waits =
        (uint32_t)(alone ? SHMRPCI_STREAM_WAITS_ALONE : SHMRPCI_STREAM_WAITS);
    wait_state wait = {.until_ns = until_ns, .alone = alone};
    int status = look_for_room(w, needed);
    if (status == SHMRPC_E_BUSY && until_ns != 0) {
        spin_for_room(w, needed);
        status = look_for_room(w, needed);
    }
    while (status == SHMRPC_E_BUSY && until_ns != 0) {
        /* Sequentially consistent, as are the load after it and the reader's
         * store and load. */
        shmrpci_store_seq(&w->ring->waits, waits);
        status = look_for_room(w, needed);
        if (status == SHMRPC_E_BUSY) {
            int slept = sleep_for_room(w, waits, &wait);
            status = look_for_room(w, needed);
            if (status == SHMRPC_E_BUSY && slept != SHMRPC_E_BUSY) {
                status = slept;
            }
        }
        shmrpci_store_seq(&w->ring->waits, (uint32_t)SHMRPCI_STREAM_WRITES);
    }
    return status;
}

/* ---- frames ----------------------------------------------------------- */

/* Publishes the frame at the writer's position. */
static void publish(shmrpci_stream_writer *w, uint32_t header)
{
    shmrpci_atomic_u32 *at = shmrpci_stream_header_at(w->ring, w->offset);
    /* Release publishes the frame and the zero header behind it; pairs with the
     * acquire load in look. A reader that has set the header to WAITING either
     * sleeps and is woken, or sees this header first. */
    uint32_t was = shmrpci_exchange_seq(at, header);
    if (was == shmrpci_stream_header(SHMRPCI_STREAM_WAITING, 0)) {
        wake(at);
    }
}

/* Moves past a frame of `bytes` at the current position, and publishes it with
 * `header`. */
static void step(shmrpci_stream_writer *w, uint32_t bytes, uint32_t header)
{
    uint32_t next = w->offset + bytes;
    next = next == w->size ? 0 : next;
    /* Relaxed: the exchange in publish releases it. */
    shmrpci_store_relaxed(shmrpci_stream_header_at(w->ring, next), 0u);
    publish(w, header);
    w->offset = next;
    w->tail += bytes;
}

/* Returns where to write `len` bytes of an item; the caller has made sure of
 * room. */
static uint8_t *begin_frame(shmrpci_stream_writer *w, uint32_t len)
{
    uint32_t to_end = w->size - w->offset;
    if (shmrpci_stream_frame_bytes(len) > to_end) {
        step(w, to_end,
             shmrpci_stream_header(SHMRPCI_STREAM_PAD,
                                   to_end - SHMRPCI_STREAM_FRAME_BYTES));
    }
    uint8_t *at = w->ring->frames + w->offset;
    memcpy(at + 4, &w->number, sizeof w->number);
    return at + SHMRPCI_STREAM_FRAME_BYTES;
}

static void end_frame(shmrpci_stream_writer *w, shmrpci_stream_kind kind,
                      uint32_t len)
{
    step(w, shmrpci_stream_frame_bytes(len), shmrpci_stream_header(kind, len));
}

/* Writes one frame; the caller has made sure of room. */
static void put(shmrpci_stream_writer *w, shmrpci_stream_kind kind,
                const uint8_t *data, uint32_t len)
{
    uint8_t *at = begin_frame(w, len);
    if (len > 0) {
        memcpy(at, data, len);
    }
    end_frame(w, kind, len);
}

/* Writes a large item piece by piece, as room appears. */
static int write_pieces(shmrpci_stream_writer *w, const uint8_t *data,
                        size_t len, int64_t until_ns, bool alone)
{
    uint32_t most = shmrpci_stream_max_piece(w->size);
    size_t done = 0;
    do {
        bool is_last = len - done <= most;
        uint32_t piece = is_last ? (uint32_t)(len - done) : most;
        int status = wait_for_room(w, needed_now(w, piece), until_ns, alone);
        if (status != SHMRPC_OK) {
            w->failed = done > 0 ? status : SHMRPC_OK;
            return status;
        }
        put(w, is_last ? SHMRPCI_STREAM_ITEM : SHMRPCI_STREAM_PART, data + done,
            piece);
        done += piece;
    } while (done < len);
    w->number++;
    return SHMRPC_OK;
}

/* Writes an item that fits in one piece, as most do. */
static int write_one(shmrpci_stream_writer *w, const uint8_t *data,
                     uint32_t len, int64_t until_ns, bool alone)
{
    int status = wait_for_room(w, needed_now(w, len), until_ns, alone);
    if (status == SHMRPC_OK) {
        put(w, SHMRPCI_STREAM_ITEM, data, len);
        w->number++;
    }
    return status;
}

/* OK if an item can be written, else the status to return. */
static int may_write(const shmrpci_stream_writer *w)
{
    return w->is_ended || w->lent != 0 ? (int)SHMRPC_E_PRECONDITION : w->failed;
}

int shmrpci_stream_write(shmrpci_stream_writer *w, const void *data, size_t len,
                         int64_t until_ns, bool alone)
{
    static const uint8_t nothing;
    int may = may_write(w);
    if (may != SHMRPC_OK) {
        return may;
    }
    if (len <= shmrpci_stream_max_piece(w->size)) {
        return write_one(w, data, (uint32_t)len, until_ns, alone);
    }
    if (until_ns == 0) {
        int status = look_for_room(w, most_needed(w, len));
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return write_pieces(w, len > 0 ? data : &nothing, len, until_ns, alone);
}

int shmrpci_stream_lend(shmrpci_stream_writer *w, size_t len, int64_t until_ns,
                        bool alone, uint8_t **out)
{
    int status = may_write(w);
    if (status == SHMRPC_OK && len > shmrpci_stream_max_piece(w->size)) {
        status = SHMRPC_E_TOO_LARGE;
    }
    if (status == SHMRPC_OK) {
        status =
            wait_for_room(w, needed_now(w, (uint32_t)len), until_ns, alone);
    }
    if (status == SHMRPC_OK) {
        *out = begin_frame(w, (uint32_t)len);
        w->lent = (uint32_t)len + 1;
    }
    return status;
}

int shmrpci_stream_commit(shmrpci_stream_writer *w, size_t len)
{
    if (len >= w->lent) {
        return SHMRPC_E_PRECONDITION;
    }
    w->lent = 0;
    /* Relaxed: a reader that has gone reads no item in any case. */
    if (shmrpci_load_relaxed(&w->ring->cancelled) != 0) {
        return SHMRPC_E_CANCELLED;
    }
    end_frame(w, SHMRPCI_STREAM_ITEM, (uint32_t)len);
    w->number++;
    return SHMRPC_OK;
}

void shmrpci_stream_abort(shmrpci_stream_writer *w)
{
    w->lent = 0;
}

int shmrpci_stream_write_part(shmrpci_stream_writer *w, const void *data,
                              size_t len, bool is_last, size_t *out_sent)
{
    static const uint8_t nothing;
    uint32_t most = shmrpci_stream_max_piece(w->size);
    uint32_t piece = len < most ? (uint32_t)len : most;
    bool ends = is_last && piece == len;
    SHMRPCI_ASSERT(len > 0 || is_last, "a part is not empty");
    if (w->is_ended) {
        return SHMRPC_E_PRECONDITION;
    }
    uint32_t needed = needed_now(w, piece);
    int status = look_for_room(w, needed);
    if (status != SHMRPC_OK) {
        w->wanted = needed;
        return status;
    }
    put(w, ends ? SHMRPCI_STREAM_ITEM : SHMRPCI_STREAM_PART,
        len > 0 ? data : &nothing, piece);
    w->is_midway = !ends;
    w->number += ends ? 1u : 0u;
    *out_sent = piece;
    return SHMRPC_OK;
}

bool shmrpci_stream_arm_write(shmrpci_stream_writer *w, shmrpci_futex_on *on)
{
    *on = (shmrpci_futex_on){.word = &w->ring->waits,
                             .expected = (uint32_t)SHMRPCI_STREAM_WAITS};
    /* Sequentially consistent, as in wait_for_room. */
    shmrpci_store_seq(&w->ring->waits, (uint32_t)SHMRPCI_STREAM_WAITS);
    return look_for_room(w, w->wanted) == SHMRPC_E_BUSY;
}

bool shmrpci_stream_arm_cancel(shmrpci_stream_writer *w, shmrpci_futex_on *on)
{
    *on = (shmrpci_futex_on){.word = &w->ring->waits,
                             .expected = (uint32_t)SHMRPCI_STREAM_WAITS};
    /* Sequentially consistent, as in wait_for_room. */
    shmrpci_store_seq(&w->ring->waits, (uint32_t)SHMRPCI_STREAM_WAITS);
    return shmrpci_load_seq(&w->ring->cancelled) == 0;
}

void shmrpci_stream_disarm_write(shmrpci_stream_writer *w)
{
    shmrpci_store_seq(&w->ring->waits, (uint32_t)SHMRPCI_STREAM_WRITES);
}

void shmrpci_stream_finish(shmrpci_stream_writer *w,
                           shmrpci_stream_reason reason)
{
    if (w->is_ended) {
        return;
    }
    w->is_ended = true;
    w->lent = 0;
    /* The last item is incomplete, so the end must say ABANDONED: the reader
     * must not take it for a complete item. */
    reason = w->failed != SHMRPC_OK || w->is_midway ? SHMRPCI_STREAM_ABANDONED
                                                    : reason;
    uint8_t *at = w->ring->frames + w->offset;
    memcpy(at + 4, &w->number, sizeof w->number);
    publish(w, shmrpci_stream_header(SHMRPCI_STREAM_END, (uint32_t)reason));
}

uint64_t shmrpci_stream_delivered(shmrpci_stream_writer *w)
{
    /* Relaxed: it is only a number. Implausible values are ignored. */
    uint32_t before = (uint32_t)w->delivered;
    uint32_t more = shmrpci_load_relaxed(&w->ring->taken) - before;
    if (more <= w->number - before) {
        w->delivered += more;
    }
    return w->delivered;
}

uint64_t shmrpci_stream_unread_bytes(shmrpci_stream_writer *w)
{
    (void)note_head(w, shmrpci_load_acquire(&w->ring->head));
    return w->tail - w->head;
}

/* ---- on behalf of a reader that has gone ------------------------------ */

void shmrpci_stream_cancel(shmrpci_stream_ring *ring)
{
    shmrpci_store_seq(&ring->cancelled, 1u);
    if (shmrpci_exchange_seq(&ring->waits, (uint32_t)SHMRPCI_STREAM_WRITES) !=
        (uint32_t)SHMRPCI_STREAM_WRITES) {
        wake(&ring->waits);
    }
}

void shmrpci_stream_rouse_writer(shmrpci_stream_ring *ring)
{
    wake(&ring->waits);
}
