/*
 * Lanes: rings of records in bytes, with one producer, who publishes by one
 * store, and any number of consumers, who copy first and then take what they
 * copied by one compare-and-swap.
 *
 * So there is no lock, nobody owns anything before that compare-and-swap, and
 * who is killed or stopped anywhere has not begun, or is done.
 *
 * A lane knows no waiting, no other lanes and no bell; queue.h and topic.h do.
 * Its bytes are hostile (layout.h): whatever it says, nobody reads or writes
 * outside of its ring, or loops; DATA_LOSS.
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

/* Where the parts of a lane lie: the same for all lanes of a region. */
typedef struct shmrpci_lane_shape {
    uint64_t ring_bytes;    /* a power of two */
    uint64_t marks;         /* how many; a power of two, or 0 */
    uint64_t station_bytes; /* a multiple of 128 */
} shmrpci_lane_shape;

/* Bytes of the whole; of what lies before the ring; before the station. */
uint64_t shmrpci_lane_bytes(const shmrpci_lane_shape *shape);
uint64_t shmrpci_lane_station_offset(const shmrpci_lane_shape *shape);

/* A lane as this process sees it. */
typedef struct shmrpci_lane {
    shmrpci_lane_words *words; /* NULL: not there */
    uint8_t *ring;
    uint64_t size; /* of the ring */
} shmrpci_lane;

/* A lane of that shape at `at`, of which all bytes may be touched. */
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

/* A lane's producer: what it knows better than the lane. */
typedef struct shmrpci_lane_writer {
    shmrpci_lane lane;
    uint64_t tail;   /* appended */
    uint64_t count;  /* records appended */
    uint64_t shown;  /* of `tail`, how far it is published */
    uint64_t head;   /* when it was last looked at */
    uint64_t taken;  /* of the records, then */
    uint64_t limit;  /* how many may lie in the ring */
    uint64_t spare;  /* bytes of the ring to be left alone */
    bool is_topic;   /* `head` is what subscribers are known to have read */
    uint64_t record; /* reserved: where it will begin */
    uint64_t first;  /* reserved: where it, or the PAD before, begins */
} shmrpci_lane_writer;

/* Becomes the producer of a lane, whose last one is dead or has left; at most
 * `limit` records lie in it from now on. DATA_LOSS: its records can't be made
 * out. */
shmrpc_status shmrpci_lane_adopt(shmrpci_lane_writer *writer,
                                 const shmrpci_lane *lane, uint64_t limit);

/* The same for a lane that others have written to since, who are not dead: by
 * its words alone. DATA_LOSS. */
shmrpc_status shmrpci_lane_resume(shmrpci_lane_writer *writer);

/* Whether so many bytes of the ring are free. */
bool shmrpci_lane_has_free(shmrpci_lane_writer *writer, uint64_t bytes);

/* Room for a record of `len` bytes, at most shmrpci_lane_max_len(), to be
 * written and then published, or forgotten. NULL: the ring is full. */
void *shmrpci_lane_reserve(shmrpci_lane_writer *writer, uint32_t len);
/* Appends the record that room was reserved for last, with `len` bytes, not
 * more than were reserved. Nobody sees it yet. */
void shmrpci_lane_append(shmrpci_lane_writer *writer, uint32_t len,
                         uint32_t flags);
/*
 * Appends up to `count` records of at most `max_len` bytes each, as many as
 * there is room for and go together: a few KiB, before the ring's end. Returns
 * how many; 0 says nothing about room for one alone.
 *
 * They are put together in private first, so that each line of the ring is
 * written to once. A CPU that stores to lines which others have got waits for
 * each; it asks for as many at a time as it has stores under way.
 */
uint32_t shmrpci_lane_append_many(shmrpci_lane_writer *writer,
                                  const shmrpci_slice *slices, uint32_t count,
                                  uint32_t max_len);
/* Publishes all that was appended, at once: by the one store of the tail. Who
 * appends calls it before anybody else may write to the lane. */
void shmrpci_lane_show(shmrpci_lane_writer *writer);
/* Both. */
static inline void shmrpci_lane_publish(shmrpci_lane_writer *writer,
                                        uint32_t len, uint32_t flags)
{
    shmrpci_lane_append(writer, len, flags);
    shmrpci_lane_show(writer);
}

/* The same for the lane of a topic, which nobody takes from: there is always
 * room, but for what `head` is set to guard. */
shmrpc_status shmrpci_lane_adopt_topic(shmrpci_lane_writer *writer,
                                       const shmrpci_lane *lane,
                                       uint64_t marks);
/* Says what the reserved record will overwrite, before it is written. */
void shmrpci_lane_intend(const shmrpci_lane_writer *writer, uint32_t len);
/* Says where the reserved record lies, before it is published. */
void shmrpci_lane_mark(const shmrpci_lane_writer *writer, uint64_t marks);

/* Where the record that is reserved will end. */
uint64_t shmrpci_lane_end_of(const shmrpci_lane_writer *writer, uint32_t len);

/* ---- consumers ----------------------------------------------------------- */

/* A record that was copied out. */
typedef struct shmrpci_item {
    size_t at; /* where its bytes begin in the buffer, a multiple of 16 */
    uint32_t len;
    uint32_t flags;  /* SHMRPCI_RECORD_... */
    uint32_t lane;   /* whose: the producer's number */
    uint64_t ticket; /* `acked`: what to acknowledge; see queue.h */
} shmrpci_item;

/* What a look at a lane found, and what taking it means. */
typedef struct shmrpci_lane_look {
    uint64_t word; /* of the head, as it was */
    uint64_t from; /* the position in it */
    uint64_t to;   /* behind what was copied */
    uint32_t count;
} shmrpci_lane_look;

/*
 * Copies up to `max` records, as many as there are, to `buf` and `items`,
 * without taking them. NOT_FOUND: there is none; BUSY: others took them
 * meanwhile, again and again; DATA_LOSS: what is there is no record;
 * NO_MEMORY, TOO_LARGE: by `buf`, for the first one. `buf` is as before unless
 * it succeeds. `known` is the handle's own, at first 0: how far records are
 * known to reach, so that the line of the tail is left to the producer
 * meanwhile.
 */
shmrpc_status shmrpci_lane_look_at(const shmrpci_lane *lane,
                                   shmrpci_atomic_u64 *known, uint32_t max,
                                   shmrpci_buf *buf, shmrpci_item *items,
                                   shmrpci_lane_look *out);

/* Whether no record in it is known of that is not taken. */
static inline bool shmrpci_lane_is_spent(const shmrpci_lane *lane,
                                         const shmrpci_atomic_u64 *known)
{
    /* Relaxed: a hint. */
    uint64_t head = shmrpci_load_relaxed(&lane->words->head);
    return ((head ^ shmrpci_load_relaxed(known) / 8) & SHMRPCI_HEAD_MASK) == 0;
}

/* Takes what was looked at, as `taker` (a participant + 1, or 0). False: others
 * were first. */
static inline bool shmrpci_lane_take(const shmrpci_lane *lane,
                                     const shmrpci_lane_look *look,
                                     uint32_t taker)
{
    /* Release: what we copied was read before. Acquire: of no use to us. */
    uint64_t seen = look->word;
    return shmrpci_cas_seq(&lane->words->head, &seen,
                           shmrpci_head_word(look->to, taker));
}

/* Finds the oldest record, to be taken away unseen. False: there is none, or it
 * is damaged or just being taken. */
bool shmrpci_lane_find_oldest(const shmrpci_lane *lane, shmrpci_lane_look *out);

/* Whether there is anything to take, or seems to be. */
static inline bool shmrpci_lane_has_records(const shmrpci_lane *lane)
{
    /* Seq: after announcing a sleep it must see what was published before the
     * bell was looked at. */
    uint64_t head = shmrpci_load_seq(&lane->words->head);
    uint64_t tail = shmrpci_load_seq(&lane->words->tail);
    return (head & SHMRPCI_HEAD_MASK) != (tail / 8 & SHMRPCI_HEAD_MASK);
}

/* How much lies in it, as far as can be told. */
void shmrpci_lane_depth(const shmrpci_lane *lane, uint64_t *out_records,
                        uint64_t *out_bytes);

/* ---- for those who read records otherwise -------------------------------- */

/* Copies from private memory to a ring, and back: others may read, or write,
 * there meanwhile. */
void shmrpci_lane_copy_in(void *ring, const void *from, size_t len);
void shmrpci_lane_copy_out(void *to, const void *ring, size_t len);

/* Where the record at `position` lies. */
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
 * For those who read records without taking them, of a topic: copies the one at
 * `position` to `buf`, which is as before unless it succeeds. NOT_FOUND:
 * nothing is published there yet; LOST: it is overwritten, or may be by now;
 * DATA_LOSS; NO_MEMORY, TOO_LARGE: by `buf`.
 */
shmrpc_status shmrpci_lane_read(const shmrpci_lane *lane, uint64_t position,
                                shmrpci_buf *buf, shmrpci_item *item,
                                uint64_t *out_end, uint64_t *out_number);

/* Whether what was read at `position` may have been overwritten by then. */
bool shmrpci_lane_is_lapped(const shmrpci_lane *lane, uint64_t position);

/* Whether the record whose word is `word`, at `position`, lies before `tail`
 * and the ring's end; `out_end` is where it ends. */
bool shmrpci_lane_is_record(const shmrpci_lane *lane, uint64_t position,
                            uint64_t tail, uint64_t word, uint64_t *out_end);

#endif
