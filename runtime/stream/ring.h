/*
 * The ring buffer of a stream: items from one writer to one reader, in memory
 * that both can write, on the heap or in a span of a shared region.
 *
 * There is exactly one writer and one reader, and no third party reads the
 * memory.
 *
 *     offset  written by                what
 *     ------  ------------------------  ----------------------------------
 *          0  writer; reader stores 0   u32 waits: shmrpci_stream_waits
 *                                       (futex)
 *          4  writer, or on its behalf  u32 ended: no more items will come
 *             after its death
 *        128  reader                    u64 head: bytes released, the credit
 *        136  reader, or on its behalf  u32 cancelled: nobody reads any more
 *             after its death
 *        140  reader                    u32 taken: items released
 *        256  writer                    frames, to the end of the ring
 *
 * A frame begins at a multiple of 8:
 *
 *        0  u32  header: kind in the upper 4 bits, length in the lower 28
 *        4  u32  number of the item, from 0
 *        8  ...  bytes; then up to 7 more
 *
 * The header also shows whether a frame is there. The writer keeps the header
 * behind its last frame at 0. To publish a frame it zeroes the header behind
 * the new frame, fills the frame, and exchanges the frame's header in. A reader
 * that finds 0 and wants to sleep changes it to WAITING by compare-and-swap and
 * sleeps on it; the exchange then shows the writer that it must wake the
 * reader. Both use one location, so no fence is needed and no wake-up is lost.
 *
 *     0 --reader--> WAITING --writer--> header   (and wakes)
 *     0 ------------writer------------> header
 *     WAITING --reader, or the process that cleans up after the writer--> 0
 *
 * The reader returns room as credit, whenever a quarter of the ring has
 * accumulated and before it sleeps; only then does it check whether the writer
 * sleeps. A writer without room sets `waits` and loads `head` again before it
 * sleeps; the reader stores `head` and then loads `waits`. All four accesses
 * are sequentially consistent, so one of the two sees the other.
 *
 * An item of up to a quarter of the ring lies in one piece. If it does not fit
 * before the end of the ring, it begins at the start, and a PAD frame fills the
 * rest. Larger items are split into PARTs, none of them empty, and a last ITEM.
 * END is the writer's last frame. It takes the place of the zero header that is
 * always there, so there is always room for it.
 *
 * Each side keeps its own position and checks everything that the peer writes
 * against it; a mismatch is DATA_LOSS. A header is loaded once. Data from a
 * peer with another user id must be copied before it is parsed.
 *
 * When a side dies, the frame it was writing has no header yet, so it does not
 * exist. The process that learns of the death sets `ended` or `cancelled` and
 * wakes the survivor, with shmrpci_stream_end_for or shmrpci_stream_cancel.
 *
 * Threading: one thread at a time calls the writer's functions, one the
 * reader's; any thread may call end_for and cancel.
 */
#ifndef SHMRPCI_STREAM_RING_H
#define SHMRPCI_STREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/futex.h"
#include "shmrpc/status.h"
#include "sync/atomic.h"

/* Size limits of a ring, including its two header lines. */
#define SHMRPCI_STREAM_MIN_BYTES 4096u
#define SHMRPCI_STREAM_MAX_BYTES ((uint32_t)64 << 20)
#define SHMRPCI_STREAM_ALIGN     128u

#define SHMRPCI_STREAM_FRAME_BYTES 8u

typedef enum shmrpci_stream_kind {
    SHMRPCI_STREAM_NONE = 0, /* only with length 0: the zero header */
    SHMRPCI_STREAM_ITEM = 1, /* a whole item, or the last part of one */
    SHMRPCI_STREAM_PART = 2, /* more of the same item follows */
    SHMRPCI_STREAM_PAD = 3,
    SHMRPCI_STREAM_END = 4,    /* its length is a shmrpci_stream_reason */
    SHMRPCI_STREAM_WAITING = 5 /* only with length 0: the reader sleeps */
} shmrpci_stream_kind;

typedef enum shmrpci_stream_reason {
    SHMRPCI_STREAM_FINISHED, /* all items were written */
    SHMRPCI_STREAM_ABANDONED /* the writer has given up */
} shmrpci_stream_reason;

/* Whether the writer waits for room, and how. */
typedef enum shmrpci_stream_waits {
    SHMRPCI_STREAM_WRITES = 0,
    SHMRPCI_STREAM_WAITS = 1,
    /* waits, and its thread is the only one that could read the other
     * direction */
    SHMRPCI_STREAM_WAITS_ALONE = 2
} shmrpci_stream_waits;

typedef struct shmrpci_stream_ring {
    _Alignas(SHMRPCI_STREAM_ALIGN) shmrpci_atomic_u32 waits;
    shmrpci_atomic_u32 ended;
    _Alignas(SHMRPCI_STREAM_ALIGN) shmrpci_atomic_u64 head;
    shmrpci_atomic_u32 cancelled;
    shmrpci_atomic_u32 taken;
    _Alignas(SHMRPCI_STREAM_ALIGN) uint8_t frames[];
} shmrpci_stream_ring;

_Static_assert(offsetof(shmrpci_stream_ring, head) == 128, "layout");
_Static_assert(offsetof(shmrpci_stream_ring, taken) == 140, "layout");
_Static_assert(offsetof(shmrpci_stream_ring, frames) == 256, "layout");

/*
 * How an end waits if a futex on the ring's word does not suffice. Lies in the
 * private memory of the end's owner. NULL means that the end sleeps by futex at
 * once.
 */
typedef struct shmrpci_stream_waiter {
    /* Called before the end announces that it waits: polls for as long as that
     * is worthwhile. Returns true if `is_over(what)` became true. */
    bool (*spin)(struct shmrpci_stream_waiter *waiter,
                 bool (*is_over)(const void *what), const void *what);
    /* Sleeps while *word == expected. Returns OK if the caller should check
     * again, DEADLINE, or CANCELLED if the peer is gone and won't wake us. */
    int (*sleep)(struct shmrpci_stream_waiter *waiter, shmrpci_atomic_u32 *word,
                 uint32_t expected, int64_t until_ns);
} shmrpci_stream_waiter;

/* Initializes a ring, before either side uses it. Its size must be a multiple
 * of 8 within the limits. */
void shmrpci_stream_format(shmrpci_stream_ring *ring);

/* ---- writer: ring_write.c --------------------------------------------- */

typedef struct shmrpci_stream_writer {
    shmrpci_stream_ring *ring;
    /* the ring of the other direction, to detect a deadlock; or NULL */
    shmrpci_stream_ring *back;
    shmrpci_stream_waiter *waiter; /* set after init; or NULL */
    uint32_t size;                 /* size of the frames area, in bytes */
    uint32_t offset; /* position of the zero header behind the last frame */
    uint32_t number; /* number of the next item */
    uint64_t tail;   /* total bytes written, including padding */
    uint64_t head;   /* total bytes released, as last read */
    int failed;      /* the status with which the stream broke, or OK */
    uint32_t wanted; /* bytes that the last part needed if it returned BUSY */
    uint32_t lent;   /* lent bytes behind the last frame, plus 1; 0 if none are
                      * lent */
    uint64_t delivered;
    bool is_midway; /* some parts of an item were written, but not the last */
    bool is_ended;
} shmrpci_stream_writer;

void shmrpci_stream_writer_init(shmrpci_stream_writer *w,
                                shmrpci_stream_ring *ring, uint32_t bytes,
                                shmrpci_stream_ring *back);

/*
 * Writes one item, which the reader gets whole or not at all. Waits for room
 * until `until_ns` (0: does not wait). `alone` is true if no other thread of
 * this end reads the other direction. Returns
 * - BUSY if there is no room for the whole item and until_ns is 0; nothing was
 * written;
 * - DEADLINE;
 * - CANCELLED if nobody reads any more, or there is no room and the waiter says
 * that the reader is gone;
 * - ABORTED if both ends wait for room and neither reads;
 * - DATA_LOSS if the reader lies;
 * - PRECONDITION after the end or while memory is lent.
 * If a write fails after a part of the item has been written, nothing more can
 * be written.
 */
int shmrpci_stream_write(shmrpci_stream_writer *w, const void *data, size_t len,
                         int64_t until_ns, bool alone);

/*
 * Lends memory for an item of up to `len` bytes, in one piece at the place
 * where the item will lie, aligned to 8. No other item is written until the
 * loan is committed or aborted. If the peer writes to these bytes meanwhile, it
 * reads what it wrote. Returns the statuses of write, TOO_LARGE if `len`
 * exceeds a piece, and PRECONDITION if memory is already lent.
 */
int shmrpci_stream_lend(shmrpci_stream_writer *w, size_t len, int64_t until_ns,
                        bool alone, uint8_t **out);

/* Writes the first `len` bytes of the lent memory as the item. Returns
 * PRECONDITION if no memory or less than `len` bytes are lent, CANCELLED if
 * nobody reads any more. */
int shmrpci_stream_commit(shmrpci_stream_writer *w, size_t len);
void shmrpci_stream_abort(shmrpci_stream_writer *w);

/* Writes the END frame and drops a loan. A second call does nothing. */
void shmrpci_stream_finish(shmrpci_stream_writer *w,
                           shmrpci_stream_reason reason);

/* The number of items that the reader has released. A lower bound, because the
 * reader reports it only together with credit; exact when it has read the end
 * or has stopped reading. */
uint64_t shmrpci_stream_delivered(shmrpci_stream_writer *w);

/* Bytes for which the reader has not given credit yet. */
uint64_t shmrpci_stream_unread_bytes(shmrpci_stream_writer *w);

/*
 * Without waiting, writes a part of an item: as much as fits in one frame. With
 * `is_last`, `len` bytes are the rest of the item. *out_sent is the number of
 * bytes written. Returns BUSY if there is no room for that frame, else the
 * statuses of write.
 */
int shmrpci_stream_write_part(shmrpci_stream_writer *w, const void *data,
                              size_t len, bool is_last, size_t *out_sent);

/* Called after write_part returned BUSY: from now on until disarm, the word at
 * `on` changes and is woken when there may be room. Returns false if there is
 * room already. */
bool shmrpci_stream_arm_write(shmrpci_stream_writer *w, shmrpci_futex_on *on);
void shmrpci_stream_disarm_write(shmrpci_stream_writer *w);
/* As arm_write, but for the moment when nobody reads any more. The word may
 * also change earlier. */
bool shmrpci_stream_arm_cancel(shmrpci_stream_writer *w, shmrpci_futex_on *on);

/* ---- reader: ring_read.c ---------------------------------------------- */

typedef struct shmrpci_stream_reader {
    shmrpci_stream_ring *ring;
    shmrpci_stream_waiter *waiter; /* as in the writer */
    uint32_t size;
    uint32_t offset;   /* position of the next header to read */
    uint32_t held;     /* size of the frame there, if its data is lent until the
                        * next read */
    uint32_t number;   /* number of the next item, or of the item whose parts
                        * are being read */
    bool is_over;      /* END has been read */
    uint64_t at;       /* total bytes released */
    uint64_t credited; /* how many of these bytes the writer has been told of */
} shmrpci_stream_reader;

typedef struct shmrpci_stream_piece {
    const uint8_t *data; /* in the ring, until the next read */
    uint32_t len;
    bool is_last; /* it completes its item */
} shmrpci_stream_piece;

void shmrpci_stream_reader_init(shmrpci_stream_reader *r,
                                shmrpci_stream_ring *ring, uint32_t bytes);

/*
 * Releases the previous piece and checks for the next one, without waiting.
 * Returns MORE with a piece; OK at the end of all items; CANCELLED if the
 * writer has given up; BUSY if nothing is there; UNAVAILABLE if nothing is
 * there and `ended` says that nothing will come; DATA_LOSS if the writer lies.
 */
int shmrpci_stream_look(shmrpci_stream_reader *r, shmrpci_stream_piece *out);

/* Stops reading and releases the items that were read. */
void shmrpci_stream_leave(shmrpci_stream_reader *r);

/* Called after BUSY: waits until another check may find something. Returns
 * DEADLINE, or CANCELLED if the waiter reports that the peer is gone, so
 * nothing will come beyond what is there now. */
int shmrpci_stream_await(shmrpci_stream_reader *r, int64_t until_ns);

/* Called after BUSY. As shmrpci_stream_arm_write, but the word changes when a
 * check may find something. */
bool shmrpci_stream_arm_read(shmrpci_stream_reader *r, shmrpci_futex_on *on);
void shmrpci_stream_disarm_read(shmrpci_stream_reader *r);

/* ---- any thread; for a side that has gone ------------------------------ */

/* Says on behalf of a dead writer that no more items will come, and wakes the
 * reader. */
void shmrpci_stream_end_for(shmrpci_stream_ring *ring, uint32_t bytes);

/* Nobody reads any more: wakes the writer, whose sends fail from now on. */
void shmrpci_stream_cancel(shmrpci_stream_ring *ring);

/* Wake any sleeper, even one that is not marked in the ring; for rings of which
 * one side has died. */
void shmrpci_stream_rouse_reader(shmrpci_stream_ring *ring, uint32_t bytes);
void shmrpci_stream_rouse_writer(shmrpci_stream_ring *ring);

/* ---- inside ------------------------------------------------------------ */

/* Sleeps on a word, through the waiter if there is one; returns the waiter's
 * statuses. */
int shmrpci_stream_sleep(shmrpci_stream_waiter *waiter,
                         shmrpci_atomic_u32 *word, uint32_t expected,
                         int64_t until_ns);

static inline uint32_t shmrpci_stream_header(shmrpci_stream_kind kind,
                                             uint32_t len)
{
    return (uint32_t)kind << 28 | len;
}

static inline shmrpci_atomic_u32 *
shmrpci_stream_header_at(shmrpci_stream_ring *ring, uint32_t offset)
{
    return (shmrpci_atomic_u32 *)(void *)(ring->frames + offset);
}

/* The size of a frame with a piece of `len` bytes. */
static inline uint32_t shmrpci_stream_frame_bytes(uint32_t len)
{
    return (SHMRPCI_STREAM_FRAME_BYTES + len + 7u) & ~7u;
}

/* The largest piece for a ring with `size` bytes of frames: a quarter, so that
 * a piece and the padding before it always fit into an empty ring. */
static inline uint32_t shmrpci_stream_max_piece(uint32_t size)
{
    return (size / 4u & ~7u) - SHMRPCI_STREAM_FRAME_BYTES;
}

#endif
