/*
 * The layout of rings in a region: what queue, topic and pipe are made of, as a
 * file format.  Little-endian, LP64.  Any change here changes
 * SHMRPCI_REGION_VERSION (region/layout.h).
 *
 * Roots of the region:
 *
 *     offset  size   what                            who writes it
 *          0   128   bell: u32 (bell.h)              publishers, sleepers
 *        128   128   ended: u32, 1 for ever          who ends the stream
 *        256         lanes: u64 x (participants +    word i: participant i,
 *                    1), the offset of a lane; 0:    once; the last word, the
 *                    none                            common lane of `order
 *                                                    total`: who has the turn
 *       then         turn: a lock (sync/lock_layout.h) in which
 *                    participant i has slot i; `order total` only
 *       then         desk: what subscribers write (desk.h), unless it
 *                    lies in a file of its own
 *
 * The head's limits: [0] capacity; [1] bytes of a ring; [2] options, see below;
 * [3] the kind's own.
 *
 * A lane is a run of spans, which is never freed:
 *
 *          0   128   tail: u64, bytes ever published       its producer
 *                    intent: u64, where the record that    its producer
 *                    is being written will end; of a topic
 *                    count: u64, records ever published    its producer
 *        128   128   head: bits 0-47 bytes ever taken / 8, takers, by CAS
 *                    bits 48-63 participant + 1 of
 *                    the last taker, where that matters
 *                    room: u32, a bell for producers that
 *                    wait for room in the ring
 *        256         marks: u64 x marks, of a topic: where its producer
 *                    record n began, at n modulo marks
 *       then         station of the same participant, of a queue with
 *                    `delivery acked` (hold.h)
 *       then         the ring, from a multiple of 128
 *
 * A record is a word and its bytes, 8-aligned, and never goes across the end of
 * the ring:
 *
 *     bits 0-31   length of the bytes
 *     bits 32-35  DATA, PAD
 *     bits 36-39  flags: REDELIVERED
 *     bits 40-63  low bits of the record's number
 *
 * A PAD fills the rest of the ring before its end; it is published together
 * with the record behind it. Records lie in [head, tail); what is at or behind
 * the tail means nothing.
 */
#ifndef SHMRPCI_RING_LAYOUT_H
#define SHMRPCI_RING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "region/layout.h"
#include "sync/atomic.h"

/* Kinds of regions. */
#define SHMRPCI_RING_KIND_QUEUE UINT32_C(0x5155)
#define SHMRPCI_RING_KIND_TOPIC UINT32_C(0x544f)
#define SHMRPCI_RING_KIND_PIPE  UINT32_C(0x5049)

typedef struct shmrpci_ring_roots {
    _Alignas(128) shmrpci_atomic_u32 bell;
    _Alignas(128) shmrpci_atomic_u32 ended;
    _Alignas(128) shmrpci_atomic_u64 lanes[];
} shmrpci_ring_roots;

_Static_assert(offsetof(shmrpci_ring_roots, ended) == 128, "layout");
_Static_assert(offsetof(shmrpci_ring_roots, lanes) == 256, "layout");

/* The words of a pipe, in the place of the desk. A pipe has only the common
 * lane, whose head and tail count bytes; there are no records.
 *
 *     writer: 0 --claims: CAS--> p + 1 --ends, closes--> 0
 *                                p + 1 --heir, if it is not ended:
 *                                        broken = tail + 1--> 0
 *     broken: 0, or 1 + the position where a writer died. A reader that has
 *             read up to there clears it; until then nobody can become the
 *             writer.
 */
typedef struct shmrpci_pipe_words {
    _Alignas(128) shmrpci_atomic_u32 writer;
    _Alignas(128) shmrpci_atomic_u64 broken;
} shmrpci_pipe_words;

typedef struct shmrpci_lane_words {
    _Alignas(128) shmrpci_atomic_u64 tail;
    shmrpci_atomic_u64 intent;
    shmrpci_atomic_u64 count;
    _Alignas(128) shmrpci_atomic_u64 head;
    shmrpci_atomic_u32 room;
    _Alignas(128) shmrpci_atomic_u64 marks[];
} shmrpci_lane_words;

_Static_assert(offsetof(shmrpci_lane_words, head) == 128, "layout");
_Static_assert(offsetof(shmrpci_lane_words, room) == 136, "layout");
_Static_assert(offsetof(shmrpci_lane_words, marks) == 256, "layout");

/* Options, as stored in limits[2]. */
#define SHMRPCI_RING_OVERFLOW_MASK UINT64_C(0xF)
#define SHMRPCI_RING_TOTAL         (UINT64_C(1) << 4)
#define SHMRPCI_RING_ACKED         (UINT64_C(1) << 5)
#define SHMRPCI_RING_DESK_APART    (UINT64_C(1) << 6)
#define SHMRPCI_RING_MARKS_SHIFT   32

/* A station: a line of words, and half a ring of holds (hold.h). */
#define SHMRPCI_STATION_HEAD 128u
static inline uint64_t shmrpci_station_bytes(uint64_t ring_bytes,
                                             uint64_t options)
{
    return (options & SHMRPCI_RING_ACKED) != 0
               ? SHMRPCI_STATION_HEAD + ring_bytes / 2
               : 0;
}

/* ---- head of a lane ------------------------------------------------------ */

#define SHMRPCI_HEAD_BITS 48
#define SHMRPCI_HEAD_MASK ((UINT64_C(1) << SHMRPCI_HEAD_BITS) - 1)

static inline uint64_t shmrpci_head_word(uint64_t position, uint32_t taker)
{
    return (position / 8 & SHMRPCI_HEAD_MASK) | (uint64_t)taker
                                                    << SHMRPCI_HEAD_BITS;
}

/* Restores the full position of a head. Its word has only the low bits; a tail
 * near it supplies the rest. */
static inline uint64_t shmrpci_head_position(uint64_t word, uint64_t tail)
{
    uint64_t behind = (tail / 8 - word) & SHMRPCI_HEAD_MASK;
    return tail - behind * 8;
}

static inline uint32_t shmrpci_head_taker(uint64_t word)
{
    return (uint32_t)(word >> SHMRPCI_HEAD_BITS);
}

/* ---- records ------------------------------------------------------------- */

typedef enum shmrpci_record_kind {
    SHMRPCI_RECORD_DATA = 1,
    SHMRPCI_RECORD_PAD = 2
} shmrpci_record_kind;

#define SHMRPCI_RECORD_REDELIVERED 1u

#define SHMRPCI_RECORD_HEAD   8u
#define SHMRPCI_RECORD_NUMBER UINT64_C(0xFFFFFF)

static inline uint64_t shmrpci_record_word(uint32_t len,
                                           shmrpci_record_kind kind,
                                           uint32_t flags, uint64_t number)
{
    return len | (uint64_t)kind << 32 | (uint64_t)(flags & 15u) << 36 |
           (number & SHMRPCI_RECORD_NUMBER) << 40;
}

static inline uint32_t shmrpci_record_len(uint64_t word)
{
    return (uint32_t)word;
}

static inline uint32_t shmrpci_record_kind_of(uint64_t word)
{
    return (uint32_t)(word >> 32) & 15u;
}

static inline uint32_t shmrpci_record_flags(uint64_t word)
{
    return (uint32_t)(word >> 36) & 15u;
}

static inline uint64_t shmrpci_record_number(uint64_t word)
{
    return word >> 40;
}

/* How much of the ring a record occupies. */
static inline uint64_t shmrpci_record_room(uint32_t len)
{
    return SHMRPCI_RECORD_HEAD + ((uint64_t)len + 7) / 8 * 8;
}

#endif
