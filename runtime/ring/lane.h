/*
 * Lanes: rings of byte records, with one producer, which publishes by one
 * store, and any number of consumers, which copy first and then take what they
 * copied by one compare-and-swap.
 *
 * So there is no lock, and nobody owns anything before that compare-and-swap. A
 * process that is killed or stopped at any point has done either nothing or all
 * of the operation.
 *
 * Waiting, several lanes and the bell are left to queue.h and topic.h. A lane's
 * bytes are hostile (layout.h): whatever they contain, no access goes outside
 * the ring, and no loop is endless. Damage is reported as DATA_LOSS.
 *
 * Threading: one thread at a time uses a writer; any thread may take.
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

/* The sizes of a lane's parts, from which their offsets follow. They are the
 * same for all lanes of a region. */
typedef struct shmrpci_lane_shape {
    uint64_t ring_bytes;    /* a power of two */
    uint64_t marks;         /* number of marks; a power of two, or 0 */
    uint64_t station_bytes; /* a multiple of 128 */
} shmrpci_lane_shape;

/* The size of a lane, and the size of its part before the station. */
uint64_t shmrpci_lane_bytes(const shmrpci_lane_shape *shape);
uint64_t shmrpci_lane_station_offset(const shmrpci_lane_shape *shape);

/* A lane as this process sees it. */
typedef struct shmrpci_lane {
    shmrpci_lane_words *words; /* NULL: does not exist */
    uint8_t *ring;
    uint64_t size; /* of the ring, in bytes */
} shmrpci_lane;

/* Returns the lane of that shape at `at`. All of its bytes must be
 * accessible. */
shmrpci_lane shmrpci_lane_at(void *at, const shmrpci_lane_shape *shape);

/* The longest record that fits into a ring of this size, wherever it begins. */
static inline uint64_t shmrpci_lane_max_len(uint64_t ring_bytes)
{
    return ring_bytes / 2 - SHMRPCI_RECORD_HEAD;
}

/* Bytes to be written. */
typedef struct shmrpci_slice {
    const void *data;
    uint32_t len;
} shmrpci_slice;

/* ---- producers ----------------------------------------------------------- */

/* A lane's producer. It has private copies of the lane's words, and trusts
 * these more than the shared ones. */
typedef struct shmrpci_lane_writer {
    shmrpci_lane lane;
    uint64_t tail;   /* end of the appended records, published or not */
    uint64_t count;  /* number of records appended */
    uint64_t shown;  /* the published part of `tail` */
    uint64_t head;   /* as of the last look */
    uint64_t taken;  /* number of records taken by then */
    uint64_t limit;  /* most records in the ring */
    uint64_t spare;  /* bytes of the ring that must stay free */
    bool is_topic;   /* if so, `head` is how far subscribers have read */
    uint64_t record; /* where the reserved record will begin */
    uint64_t first;  /* where that record, or the PAD before it, begins */
} shmrpci_lane_writer;

/* Becomes the producer of a lane whose last producer is dead or has left; from
 * now on the lane holds at most `limit` records. Returns DATA_LOSS if its
 * records can't be read. */
shmrpc_status shmrpci_lane_adopt(shmrpci_lane_writer *writer,
                                 const shmrpci_lane *lane, uint64_t limit);

/* Becomes the producer again of a lane to which other living producers have
 * written since; relies on the lane's words alone. Returns DATA_LOSS. */
shmrpc_status shmrpci_lane_resume(shmrpci_lane_writer *writer);

/* Whether `bytes` bytes of the ring are free. */
bool shmrpci_lane_has_free(shmrpci_lane_writer *writer, uint64_t bytes);

/* Reserves a record of `len` bytes, at most shmrpci_lane_max_len(). The caller
 * then writes the record, and publishes or abandons it. Returns NULL if the
 * ring is full. */
void *shmrpci_lane_reserve(shmrpci_lane_writer *writer, uint32_t len);
/* Appends the reserved record with `len` bytes, not more than were reserved. It
 * is not visible yet. */
void shmrpci_lane_append(shmrpci_lane_writer *writer, uint32_t len,
                         uint32_t flags);
/*
 * Appends up to `count` records of at most `max_len` bytes each, as many as fit
 * into one batch. A batch is at most a few KiB, and does not go across the
 * ring's end. Returns how many were appended. Even if that is 0 there may be
 * room for a single record.
 *
 * They are assembled in private memory first, so that each cache line of the
 * ring is written once. A CPU that stores to cache lines of other CPUs waits
 * for each line, and requests only as many lines at a time as it has stores in
 * flight.
 */
uint32_t shmrpci_lane_append_many(shmrpci_lane_writer *writer,
                                  const shmrpci_slice *slices, uint32_t count,
                                  uint32_t max_len);
/* Publishes all appended records at once, by one store of the tail. The
 * producer must call it before another producer may write to the lane. */
void shmrpci_lane_show(shmrpci_lane_writer *writer);
/* Appends a record, and publishes it. */
static inline void shmrpci_lane_publish(shmrpci_lane_writer *writer,
                                        uint32_t len, uint32_t flags)
{
    shmrpci_lane_append(writer, len, flags);
    shmrpci_lane_show(writer);
}

/* Like shmrpci_lane_adopt, but for the lane of a topic. Nobody takes records
 * from such a lane, so there is always room, unless `head` protects records
 * that subscribers have not read. */
shmrpc_status shmrpci_lane_adopt_topic(shmrpci_lane_writer *writer,
                                       const shmrpci_lane *lane,
                                       uint64_t marks);
/* Announces which bytes the reserved record will overwrite, before it is
 * written. */
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

/* What take needs to know of the look before it. */
typedef struct shmrpci_lane_look {
    uint64_t word; /* the head */
    uint64_t from; /* the head's position */
    uint64_t to;   /* the end of the copied records */
    uint32_t count;
} shmrpci_lane_look;

/*
 * Copies up to `max` records to `buf` and `items`, as many as there are,
 * without taking them. Returns NOT_FOUND if there is none; BUSY if others took
 * them meanwhile, again and again; DATA_LOSS if a record is damaged; NO_MEMORY
 * or TOO_LARGE from `buf`, if the first record did not fit. `buf` is unchanged
 * unless it succeeds. `known` is the handle's copy of the last tail read, 0 at
 * first, so that the tail's cache line can stay with the producer.
 */
shmrpc_status shmrpci_lane_look_at(const shmrpci_lane *lane,
                                   shmrpci_atomic_u64 *known, uint32_t max,
                                   shmrpci_buf *buf, shmrpci_item *items,
                                   shmrpci_lane_look *out);

/* Whether all records that we know of have been taken. */
static inline bool shmrpci_lane_is_spent(const shmrpci_lane *lane,
                                         const shmrpci_atomic_u64 *known)
{
    /* Relaxed: a hint. */
    uint64_t head = shmrpci_load_relaxed(&lane->words->head);
    return ((head ^ shmrpci_load_relaxed(known) / 8) & SHMRPCI_HEAD_MASK) == 0;
}

/* Takes the copied records for `taker` (a participant + 1, or 0). Returns false
 * if others were faster. */
static inline bool shmrpci_lane_take(const shmrpci_lane *lane,
                                     const shmrpci_lane_look *look,
                                     uint32_t taker)
{
    /* Release: our copies were made before. Acquire is not needed here. */
    uint64_t seen = look->word;
    return shmrpci_cas_seq(&lane->words->head, &seen,
                           shmrpci_head_word(look->to, taker));
}

/* Finds the oldest record, to be dropped unread. Returns false if there is
 * none, or it is damaged or being taken. */
bool shmrpci_lane_find_oldest(const shmrpci_lane *lane, shmrpci_lane_look *out);

/* Whether there seem to be records to take. */
static inline bool shmrpci_lane_has_records(const shmrpci_lane *lane)
{
    /* Seq: a consumer that calls this after it has announced a sleep must see
     * all records whose publisher checked the bell before the announcement. */
    uint64_t head = shmrpci_load_seq(&lane->words->head);
    uint64_t tail = shmrpci_load_seq(&lane->words->tail);
    return (head & SHMRPCI_HEAD_MASK) != (tail / 8 & SHMRPCI_HEAD_MASK);
}

/* How many records and bytes the lane holds, approximately. */
void shmrpci_lane_depth(const shmrpci_lane *lane, uint64_t *out_records,
                        uint64_t *out_bytes);

/* ---- access to the bytes of records -------------------------------------- */

/* Copy from private memory to a ring, and back, while others may read or write
 * there. */
void shmrpci_lane_copy_in(void *ring, const void *from, size_t len);
void shmrpci_lane_copy_out(void *to, const void *ring, size_t len);

/* The address of the record at `position`. */
static inline uint8_t *shmrpci_lane_place(const shmrpci_lane *lane,
                                          uint64_t position)
{
    return lane->ring + (position & (lane->size - 1));
}

/* The word of the record at `position`. */
static inline shmrpci_atomic_u64 *shmrpci_lane_record(const shmrpci_lane *lane,
                                                      uint64_t position)
{
    return (shmrpci_atomic_u64 *)(void *)shmrpci_lane_place(lane, position);
}

/*
 * Copies the record at `position` to `buf`, which is unchanged unless it
 * succeeds. For topics, whose records are read without being taken. Returns
 * NOT_FOUND if nothing is published there yet; LOST if it was overwritten, or
 * may be by now; DATA_LOSS; NO_MEMORY or TOO_LARGE from `buf`.
 */
shmrpc_status shmrpci_lane_read(const shmrpci_lane *lane, uint64_t position,
                                shmrpci_buf *buf, shmrpci_item *item,
                                uint64_t *out_end, uint64_t *out_number);

/* Whether the record read at `position` may have been overwritten meanwhile. */
bool shmrpci_lane_is_lapped(const shmrpci_lane *lane, uint64_t position);

/* Whether a record at `position` whose word is `word` ends before `tail` and
 * before the ring's end; `out_end` is its end. */
bool shmrpci_lane_is_record(const shmrpci_lane *lane, uint64_t position,
                            uint64_t tail, uint64_t word, uint64_t *out_end);

#endif
