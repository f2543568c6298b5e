/*
 * The distance that a consumer keeps from who produces.
 *
 * A consumer that is quicker than its producer takes each record as soon as it
 * is there. So it fetches the lines of the tail and of the record for each one,
 * while the producer is about to write to them again, and holds up both. One
 * that waits for a moment, where it knows of no more records, finds several for
 * the same lines. But a consumer that waits for a single record, such as an
 * answer, would get it later.
 *
 * Which of both it is can't be seen, but tried: a consumer waits, or doesn't,
 * for rounds of some hundred records, and keeps to what has taken less time by
 * record. Where records come now and then it never waits.
 *
 * Threading: any thread. What threads learn at the same time may be lost, which
 * does no harm.
 */
#ifndef SHMRPCI_RING_PACE_H
#define SHMRPCI_RING_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/likely.h"
#include "os/clock.h"
#include "sync/atomic.h"

/* Records. */
#define SHMRPCI_PACE_ROUND 256u

/* All zeros: at first it doesn't wait. Relaxed, all: estimates. */
typedef struct shmrpci_pace {
    shmrpci_atomic_u32 waits;    /* whether it does in this round */
    shmrpci_atomic_u32 count;    /* records in it so far */
    shmrpci_atomic_u64 began;    /* in ticks */
    shmrpci_atomic_u64 usual[2]; /* ticks a round takes without, with waits */
    shmrpci_atomic_u32 slow;     /* rounds in a row of records now and then */
    shmrpci_atomic_u32 is_trial; /* of the other way */
    shmrpci_atomic_u32 left;     /* rounds until one */
    shmrpci_atomic_u32 gap;      /* how many those were */
} shmrpci_pace;

/* A round is over, at `now`, in ticks. */
void shmrpci_pace_turn(shmrpci_pace *pace, uint64_t now);

/* So many records were taken. */
static inline void shmrpci_pace_count(shmrpci_pace *pace, uint32_t count)
{
    uint32_t now = shmrpci_load_relaxed(&pace->count) + count;
    atomic_store_explicit(&pace->count, now, memory_order_relaxed);
    if (SHMRPCI_UNLIKELY(now >= SHMRPCI_PACE_ROUND)) {
        shmrpci_pace_turn(pace, shmrpci_ticks());
    }
}

/* Whether to wait where no more records are known of. */
static inline bool shmrpci_pace_waits(const shmrpci_pace *pace)
{
    return shmrpci_load_relaxed(&pace->waits) != 0;
}

/* Waits for the moment in which some should come. */
void shmrpci_pace_wait(void);

#endif
