/*
 * Lanes: rings of byte records, with one producer, which publishes by one
 * store, and any number of consumers, which copy first and then take what they
 * copied by one compare-and-swap.
 *
 * So there is no lock, nobody owns anything before that compare-and-swap, and a
 * process killed or stopped at any point has either done nothing, or is done.
 *
 * A lane knows no waiting, no other lanes and no bell; queue.h and topic.h do.
 * Its bytes are hostile (layout.h): whatever they are, no access is outside of
 * its ring, and no loop is endless; DATA_LOSS.
 *
 * Threading: a writer: one thread at a time; taking: any thread.
 */
#ifndef SHMRPCI_RING_LANE_H
#define SHMRPCI_RING_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ring/layout.h"

#define SHMRPCI_LANE_MIN_RING  UINT64_C(4096)
#define SHMRPCI_LANE_MAX_RING  (UINT64_C(1) << 31)
#define SHMRPCI_LANE_MAX_COUNT (1u << 22)

/* The offsets of a lane's parts: the same for all lanes of a region. */
typedef struct shmrpci_lane_shape {
    uint64_t ring_bytes;    /* a power of two */
    uint64_t marks;         /* how many; a power of two, or 0 */
    uint64_t station_bytes; /* a multiple of 128 */
} shmrpci_lane_shape;

/* Size of a lane; of the part before the ring; of the part before the
 * station. */
uint64_t shmrpci_lane_bytes(const shmrpci_lane_shape *shape);
uint64_t shmrpci_lane_station_offset(const shmrpci_lane_shape *shape);

/* A lane as this process sees it. */
typedef struct shmrpci_lane {
    shmrpci_lane_words *words; /* NULL: does not exist */
    uint8_t *ring;
    uint64_t size; /* of the ring */
} shmrpci_lane;

/* The lane of that shape at `at`; all of its bytes may be touched. */
shmrpci_lane shmrpci_lane_at(void *at, const shmrpci_lane_shape *shape);

/* The longest record that a ring of this size takes, wherever it begins. */
static inline uint64_t shmrpci_lane_max_len(uint64_t ring_bytes)
{
    return ring_bytes / 2 - SHMRPCI_RECORD_HEAD;
}

/* Bytes to be written. */
typedef struct shmrpci_slice {
    const void *data;
    uint32_t len;
} shmrpci_slice;

/* ---- producer ------------------------------------------------------------ */

/* A lane's producer: private copies of the lane's words, which it trusts more
 * than these. */
typedef struct shmrpci_lane_writer {
    shmrpci_lane lane;
    uint64_t tail;   /* appended */
    uint64_t count;  /* records appended */
    uint64_t shown;  /* the published part of `tail` */
    uint64_t head;   /* at the last look */
    uint64_t taken;  /* number of records taken by then */
    uint64_t limit;  /* most records in the ring */
    uint64_t spare;  /* bytes of the ring to be left free */
    bool is_topic;   /* `head` is how far subscribers have read */
    uint64_t record; /* reserved: where it will begin */
    uint64_t first;  /* reserved: where it, or the PAD before, begins */
} shmrpci_lane_writer;

/* Becomes the producer of a lane whose last one is dead or has left; from now
 * on it holds at most `limit` records. DATA_LOSS: its records can't be read. */
shmrpc_status shmrpci_lane_adopt(shmrpci_lane_writer *writer,
                                 const shmrpci_lane *lane, uint64_t limit);

/* The same for a lane that other living producers have written to since: by its
 * words alone. DATA_LOSS. */
shmrpc_status shmrpci_lane_resume(shmrpci_lane_writer *writer);

/* Whether `bytes` bytes of the ring are free. */
bool shmrpci_lane_has_free(shmrpci_lane_writer *writer, uint64_t bytes);

/* Reserves a record of `len` bytes, at most shmrpci_lane_max_len(), to be
 * written and then published, or forgotten. NULL: the ring is full. */
void *shmrpci_lane_reserve(shmrpci_lane_writer *writer, uint32_t len);
/* Appends the reserved record, with `len` bytes, not more than were reserved.
 * It is not visible yet. */
void shmrpci_lane_append(shmrpci_lane_writer *writer, uint32_t len,
                         uint32_t flags);
/*
 * Appends up to `count` records of at most `max_len` bytes each, as many as
 * there is room for in one batch: a few KiB, before the ring's end. Returns how
 * many; 0 says nothing about room for one alone.
 *
 * They are assembled in private memory first, so that each cache line of the
 * ring is written once. A CPU that stores to lines of other CPUs waits for
 * each; it requests as many at a time as it has stores in flight.
 */
uint32_t shmrpci_lane_append_many(shmrpci_lane_writer *writer,
                                  const shmrpci_slice *slices, uint32_t count,
                                  uint32_t max_len);
/* Publishes all appended records at once, by the one store of the tail. The
 * producer calls it before another one may write to the lane. */
void shmrpci_lane_show(shmrpci_lane_writer *writer);
/* Appends a record, and publishes it. */
static inline void shmrpci_lane_publish(shmrpci_lane_writer *writer,
                                        uint32_t len, uint32_t flags)
{
    shmrpci_lane_append(writer, len, flags);
    shmrpci_lane_show(writer);
}

/* The same for the lane of a topic, from which nobody takes: there is always
 * room, except that `head` may guard records. */
shmrpc_status shmrpci_lane_adopt_topic(shmrpci_lane_writer *writer,
                                       const shmrpci_lane *lane,
                                       uint64_t marks);
/* Announces what the reserved record will overwrite, before it is written. */
void shmrpci_lane_intend(const shmrpci_lane_writer *writer, uint32_t len);
/* Writes the mark of the reserved record, before it is published. */
void shmrpci_lane_mark(const shmrpci_lane_writer *writer, uint64_t marks);

/* Where the reserved record will end. */
uint64_t shmrpci_lane_end_of(const shmrpci_lane_writer *writer, uint32_t len);

/* ---- consumers ----------------------------------------------------------- */

/* A record that was copied out. */
typedef struct shmrpci_item {
    size_t at; /* offset in the buffer, a multiple of 16 */
    uint32_t len;
    uint32_t flags;  /* SHMRPCI_RECORD_... */
    uint32_t lane;   /* the producer's number */
    uint64_t ticket; /* `acked`: what to acknowledge; see queue.h */
} shmrpci_item;

/* The result of a look at a lane, which take needs. */
typedef struct shmrpci_lane_look {
    uint64_t word; /* the head */
    uint64_t from; /* the head's position */
    uint64_t to;   /* the end of the copied records */
    uint32_t count;
} shmrpci_lane_look;

/*
 * Copies up to `max` records, as many as there are, to `buf` and `items`,
 * without taking them. NOT_FOUND: there is none; BUSY: others took them
 * meanwhile, again and again; DATA_LOSS: a record is damaged; NO_MEMORY,
 * TOO_LARGE: from `buf`, for the first one. `buf` is unchanged unless it
 * succeeds. `known` is the handle's, 0 at first: the last tail read, so that
 * the line of the tail can stay with the producer meanwhile.
 */
shmrpc_status shmrpci_lane_look_at(const shmrpci_lane *lane,
                                   shmrpci_atomic_u64 *known, uint32_t max,
                                   shmrpci_buf *buf, shmrpci_item *items,
                                   shmrpci_lane_look *out);

/* Whether all records known to exist have been taken. */
static inline bool shmrpci_lane_is_spent(const shmrpci_lane *lane,
                                         const shmrpci_atomic_u64 *known)
{
    /* Relaxed: a hint. */
    uint64_t head = shmrpci_load_relaxed(&lane->words->head);
    return ((head ^ shmrpci_load_relaxed(known) / 8) & SHMRPCI_HEAD_MASK) == 0;
}

/* Takes the copied records, as `taker` (a participant + 1, or 0). False: others
 * were first. */
static inline bool shmrpci_lane_take(const shmrpci_lane *lane,
                                     const shmrpci_lane_look *look,
                                     uint32_t taker)
{
    /* Release: our copies were read before. Acquire: not needed here. */
    uint64_t seen = look->word;
    return shmrpci_cas_seq(&lane->words->head, &seen,
                           shmrpci_head_word(look->to, taker));
}

/* Finds the oldest record, to be dropped unread. False: there is none, or it is
 * damaged or being taken. */
bool shmrpci_lane_find_oldest(const shmrpci_lane *lane, shmrpci_lane_look *out);

/* Whether there seem to be records to take. */
static inline bool shmrpci_lane_has_records(const shmrpci_lane *lane)
{
    /* Seq: after announcing a sleep it must see records published before the
     * bell was checked. */
    uint64_t head = shmrpci_load_seq(&lane->words->head);
    uint64_t tail = shmrpci_load_seq(&lane->words->tail);
    return (head & SHMRPCI_HEAD_MASK) != (tail / 8 & SHMRPCI_HEAD_MASK);
}

/* How many records and bytes it holds, approximately. */
void shmrpci_lane_depth(const shmrpci_lane *lane, uint64_t *out_records,
                        uint64_t *out_bytes);

/* ---- for those who read records otherwise -------------------------------- */

/* Copies from private memory to a ring, and back, while others may read or
 * write there. */
void shmrpci_lane_copy_in(void *ring, const void *from, size_t len);
void shmrpci_lane_copy_out(void *to, const void *ring, size_t len);

/* The address of the record at `position`. */
static inline uint8_t *shmrpci_lane_place(const shmrpci_lane *lane,
                                          uint64_t position)
{
    return lane->ring + (position & (lane->size - 1));
}

/* Its word. */
static inline shmrpci_atomic_u64 *shmrpci_lane_record(const shmrpci_lane *lane,
                                                      uint64_t position)
{
    return (shmrpci_atomic_u64 *)(void *)shmrpci_lane_place(lane, position);
}

/*
 * For topics, whose records are read without being taken: copies the record at
 * `position` to `buf`, which is unchanged unless it succeeds. NOT_FOUND:
 * nothing is published there yet; LOST: it is overwritten, or may be by now;
 * DATA_LOSS; NO_MEMORY, TOO_LARGE: from `buf`.
 */
shmrpc_status shmrpci_lane_read(const shmrpci_lane *lane, uint64_t position,
                                shmrpci_buf *buf, shmrpci_item *item,
                                uint64_t *out_end, uint64_t *out_number);

/* Whether the record read at `position` may have been overwritten meanwhile. */
bool shmrpci_lane_is_lapped(const shmrpci_lane *lane, uint64_t position);

/* Whether the record with the word `word`, at `position`, ends before `tail`
 * and the ring's end; `out_end` is its end. */
bool shmrpci_lane_is_record(const shmrpci_lane *lane, uint64_t position,
                            uint64_t tail, uint64_t word, uint64_t *out_end);

#endif
