/*
 * The ring of a stream: items from one writer to one reader, in memory that
 * both can write, on the heap or in a span of a shared region.
 *
 * Not for several writers or readers, and not for memory that is read by others
 * than the two.
 *
 *   offset  written by                what
 *   ------  ------------------------  ------------------------------------
 *        0  writer; reader: to 0      u32 waits: shmrpci_stream_waits (futex)
 *        4  writer, or for a dead one u32 ended: nothing comes any more
 *      128  reader                    u64 head: bytes let go of, the credit
 *      136  reader, or for a dead one u32 cancelled: nobody reads any more
 *      140  reader                    u32 taken: items let go of
 *      256  writer                    frames, to the end of the ring
 *
 * A frame begins at a multiple of 8:
 *
 *        0  u32  header: kind in the upper 4 bits, length in the lower 28
 *        4  u32  number of the item, from 0
 *        8  ...  bytes; then up to 7 more
 *
 * The header is the flag.  The writer keeps the header behind its last frame at
 * 0; to publish it zeroes the one behind the new frame, fills the frame, and
 * exchanges its header in.  A reader that finds 0 and wants to sleep turns it
 * into WAITING by compare-and-swap and sleeps on it: the exchange shows the
 * writer that it must wake.  It is one location, so there is no fence, and no
 * wake-up is lost.
 *
 *     0 --reader--> WAITING --writer--> header   (and wakes)
 *     0 ------------writer------------> header WAITING --reader, or who speaks
 *     for a dead writer--> 0
 *
 * Room comes back by quarters of the ring, and before the reader sleeps; only
 * then the reader looks whether the writer sleeps.  A writer without room sets
 * `waits` and looks at `head` again before it sleeps; the reader stores `head`
 * and then looks at `waits`: all four accesses are sequentially consistent.
 *
 * Items of up to a quarter of the ring lie in one piece, PAD fills what is left
 * of the ring before one that begins at its start.  Larger ones come as PARTs,
 * none of them empty, and a last ITEM.  END is the writer's last frame: it
 * takes the place of the zero header that is always there, so there is room for
 * it.
 *
 * Each side keeps its own position and checks all that the other one writes
 * against it: DATA_LOSS.  A header is loaded once.  Data of a peer of another
 * user must be copied before it is parsed.
 *
 * When a side dies: a frame without a header does not exist.  The process that
 * learns of the death sets `ended` or `cancelled` and wakes, by
 * shmrpci_stream_end_for and shmrpci_stream_cancel.
 *
 * Threading: the writer's functions one thread, the reader's one, end_for and
 * cancel any.
 */
#ifndef SHMRPCI_STREAM_RING_H
#define SHMRPCI_STREAM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/futex.h"
#include "shmrpc/status.h"
#include "sync/atomic.h"

/* Size limits of a ring with its two lines. */
#define SHMRPCI_STREAM_MIN_BYTES 4096u
#define SHMRPCI_STREAM_MAX_BYTES ((uint32_t)64 << 20)
#define SHMRPCI_STREAM_ALIGN     128u

#define SHMRPCI_STREAM_FRAME_BYTES 8u

typedef enum shmrpci_stream_kind {
    SHMRPCI_STREAM_NONE = 0, /* with length 0: the zero header */
    SHMRPCI_STREAM_ITEM = 1, /* a whole item, or the last part of one */
    SHMRPCI_STREAM_PART = 2, /* more of the same item follows */
    SHMRPCI_STREAM_PAD = 3,
    SHMRPCI_STREAM_END = 4,    /* its length: shmrpci_stream_reason */
    SHMRPCI_STREAM_WAITING = 5 /* with length 0: the reader sleeps */
} shmrpci_stream_kind;

typedef enum shmrpci_stream_reason {
    SHMRPCI_STREAM_FINISHED, /* these were all items */
    SHMRPCI_STREAM_ABANDONED /* the writer has given up */
} shmrpci_stream_reason;

/* How the writer waits for room. */
typedef enum shmrpci_stream_waits {
    SHMRPCI_STREAM_WRITES = 0,
    SHMRPCI_STREAM_WAITS = 1,
    /* and its thread is the one that would read the other direction */
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
 * How an end waits, if the ring's word alone does not suffice; in memory of the
 * end's owner. NULL: it sleeps by futex at once.
 */
typedef struct shmrpci_stream_waiter {
    /* Called before it announces that it waits: polls for as long as that pays.
     * True: `is_over(what)`. */
    bool (*spin)(struct shmrpci_stream_waiter *waiter,
                 bool (*is_over)(const void *what), const void *what);
    /* Sleeps while *word == expected. OK: check again; DEADLINE; CANCELLED: the
     * other end is gone, and won't wake us. */
    int (*sleep)(struct shmrpci_stream_waiter *waiter, shmrpci_atomic_u32 *word,
                 uint32_t expected, int64_t until_ns);
} shmrpci_stream_waiter;

/* Readies the memory of a ring of `bytes`, a multiple of 8 within the limits;
 * before either side is there. */
void shmrpci_stream_format(shmrpci_stream_ring *ring);

/* ---- writer: ring_write.c --------------------------------------------- */

typedef struct shmrpci_stream_writer {
    shmrpci_stream_ring *ring;
    /* The ring of the other direction, for telling a deadlock; or NULL. */
    shmrpci_stream_ring *back;
    shmrpci_stream_waiter *waiter; /* set after init; or NULL */
    uint32_t size;                 /* of the frames, in bytes */
    uint32_t offset; /* of the zero header behind the last frame */
    uint32_t number; /* of the next item */
    uint64_t tail;   /* bytes written, padding too */
    uint64_t head;   /* bytes released, when last read */
    int failed;      /* the status in which the stream has broken, or OK */
    uint32_t wanted; /* bytes that the last part needed that returned BUSY */
    uint32_t lent;   /* bytes behind the last frame, and 1; 0: none */
    uint64_t delivered;
    bool is_midway; /* parts of an item were written, and not the last one */
    bool is_ended;
} shmrpci_stream_writer;

void shmrpci_stream_writer_init(shmrpci_stream_writer *w,
                                shmrpci_stream_ring *ring, uint32_t bytes,
                                shmrpci_stream_ring *back);

/*
 * Writes one item, which the reader then has whole or not at all. Without room
 * it waits until `until_ns` (0: it does not); `alone` is true when no other
 * thread of this end reads what comes the other way. BUSY: there is no room for
 * the item at once (until_ns 0), nothing is written; DEADLINE; CANCELLED:
 * nobody reads any more, or there is no room and the waiter says that the
 * reader is gone; ABORTED: both ends wait for room, and neither reads;
 * DATA_LOSS: the reader lies. After a status other than OK and BUSY no more can
 * be written if a part of the item has been. PRECONDITION: after the end.
 */
int shmrpci_stream_write(shmrpci_stream_writer *w, const void *data, size_t len,
                         int64_t until_ns, bool alone);

/*
 * Lends memory for an item of up to `len` bytes, in one piece and where it will
 * lie, at a multiple of 8; until it is committed or aborted no other one is
 * written. If the other end writes to these bytes meanwhile, it gets what it
 * wrote. Statuses of write; TOO_LARGE: longer than a piece; PRECONDITION: one
 * is lent.
 */
int shmrpci_stream_lend(shmrpci_stream_writer *w, size_t len, int64_t until_ns,
                        bool alone, uint8_t **out);

/* The first `len` bytes of it are the item. PRECONDITION: there is no such
 * loan; CANCELLED: nobody reads any more. */
int shmrpci_stream_commit(shmrpci_stream_writer *w, size_t len);
void shmrpci_stream_abort(shmrpci_stream_writer *w);

/* Writes the last frame, and drops a loan. Does nothing the second time. */
void shmrpci_stream_finish(shmrpci_stream_writer *w,
                           shmrpci_stream_reason reason);

/* How many items the reader has released: a lower bound, as it says so only
 * when it gives credit; exact when it has read the end, or reads no more. */
uint64_t shmrpci_stream_delivered(shmrpci_stream_writer *w);

/* Bytes for which the reader has not given credit. */
uint64_t shmrpci_stream_unread_bytes(shmrpci_stream_writer *w);

/*
 * Without waiting: writes a part of an item, as much as a frame takes and there
 * is room for; `is_last`: `len` bytes are the rest of the item. *out_sent:
 * bytes written. BUSY: none; other statuses as above.
 */
int shmrpci_stream_write_part(shmrpci_stream_writer *w, const void *data,
                              size_t len, bool is_last, size_t *out_sent);

/* Called after write returned BUSY: from now on, until disarm, the word at `on`
 * changes, and is woken, when there may be room. False: there is room
 * already. */
bool shmrpci_stream_arm_write(shmrpci_stream_writer *w, shmrpci_futex_on *on);
void shmrpci_stream_disarm_write(shmrpci_stream_writer *w);
/* The same for the time when nobody reads any more, or sooner. */
bool shmrpci_stream_arm_cancel(shmrpci_stream_writer *w, shmrpci_futex_on *on);

/* ---- reader: ring_read.c ---------------------------------------------- */

typedef struct shmrpci_stream_reader {
    shmrpci_stream_ring *ring;
    shmrpci_stream_waiter *waiter; /* as in the writer */
    uint32_t size;
    uint32_t offset;   /* of the next header to read */
    uint32_t held;     /* bytes of the frame there, lent until the next read */
    uint32_t number;   /* number of the next item, or of the one that
                        * continues */
    bool is_over;      /* END was read */
    uint64_t at;       /* bytes released */
    uint64_t credited; /* how many of them the writer may know */
} shmrpci_stream_reader;

typedef struct shmrpci_stream_piece {
    const uint8_t *data; /* in the ring, until the next read */
    uint32_t len;
    bool is_last; /* of its item */
} shmrpci_stream_piece;

void shmrpci_stream_reader_init(shmrpci_stream_reader *r,
                                shmrpci_stream_ring *ring, uint32_t bytes);

/*
 * Lets go of the last piece and looks for the next one, without waiting. MORE:
 * there is one; OK: the end of all items; CANCELLED: the writer has given up;
 * BUSY: nothing there; UNAVAILABLE: nothing there, and `ended` says that
 * nothing will come; DATA_LOSS: the writer lies.
 */
int shmrpci_stream_look(shmrpci_stream_reader *r, shmrpci_stream_piece *out);

/* Stops reading: releases the frames that were read. */
void shmrpci_stream_leave(shmrpci_stream_reader *r);

/* Called after BUSY: waits until a check may find something. DEADLINE;
 * CANCELLED: as the waiter reports, nothing more will come than what is there
 * now. */
int shmrpci_stream_await(shmrpci_stream_reader *r, int64_t until_ns);

/* Called after BUSY, as shmrpci_stream_arm_write: for when a check may find
 * something. */
bool shmrpci_stream_arm_read(shmrpci_stream_reader *r, shmrpci_futex_on *on);
void shmrpci_stream_disarm_read(shmrpci_stream_reader *r);

/* ---- any thread; for a side that has gone ------------------------------ */

/* No more items will come: wakes the reader. */
void shmrpci_stream_end_for(shmrpci_stream_ring *ring, uint32_t bytes);

/* Nobody reads any more: wakes the writer, whose sends fail from now on. */
void shmrpci_stream_cancel(shmrpci_stream_ring *ring);

/* Wake any sleeper, marked or not: for rings of a dead side. */
void shmrpci_stream_rouse_reader(shmrpci_stream_ring *ring, uint32_t bytes);
void shmrpci_stream_rouse_writer(shmrpci_stream_ring *ring);

/* ---- inside ------------------------------------------------------------ */

/* Sleeps on a word, by the waiter if there is one; its statuses. */
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

/* The size of a piece of `len` bytes with its frame. */
static inline uint32_t shmrpci_stream_frame_bytes(uint32_t len)
{
    return (SHMRPCI_STREAM_FRAME_BYTES + len + 7u) & ~7u;
}

/* The largest piece of a ring with `size` bytes of frames: a quarter, so that
 * it and the padding before it always fit into an empty ring. */
static inline uint32_t shmrpci_stream_max_piece(uint32_t size)
{
    return (size / 4u & ~7u) - SHMRPCI_STREAM_FRAME_BYTES;
}

#endif
