/*
 * The distance that a consumer keeps from the producer.
 *
 * A consumer that is quicker than its producer takes each record as soon as it
 * is published. So for each record it fetches the cache lines of the tail and
 * of the record while the producer is about to write to them again, which
 * delays both sides. A consumer that pauses briefly when it knows of no more
 * records then finds several records for the same number of line fetches. But a
 * consumer that waits for a single record, such as an answer, would get it
 * later.
 *
 * Only a trial shows which of the two is the case. A consumer waits, or
 * doesn't, for rounds of some hundred records, and keeps the way that takes
 * less time per record. If records come only now and then it never waits.
 *
 * Threading: any thread. Concurrent updates may be lost, which does no harm.
 */
#ifndef SHMRPCI_RING_PACE_H
#define SHMRPCI_RING_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/likely.h"
#include "os/clock.h"
#include "sync/atomic.h"

/* Records per round. */
#define SHMRPCI_PACE_ROUND 256u

/* All zeros at first, which means that the consumer doesn't wait. All accesses
 * are relaxed: these are estimates. */
typedef struct shmrpci_pace {
    shmrpci_atomic_u32 waits;    /* whether the consumer waits in this round */
    shmrpci_atomic_u32 count;    /* records in this round so far */
    shmrpci_atomic_u64 began;    /* when this round began, in ticks */
    shmrpci_atomic_u64 usual[2]; /* ticks that a round takes: without waits,
                                  * with waits */
    shmrpci_atomic_u32 slow;     /* rounds in a row with sparse records */
    shmrpci_atomic_u32 is_trial; /* this round tries the other way */
    shmrpci_atomic_u32 left;     /* rounds until the next trial */
    shmrpci_atomic_u32 gap;      /* the last number of rounds between trials */
} shmrpci_pace;

/* Ends a round at `now`, in ticks. */
void shmrpci_pace_turn(shmrpci_pace *pace, uint64_t now);

/* Counts records that were taken. */
static inline void shmrpci_pace_count(shmrpci_pace *pace, uint32_t count)
{
    uint32_t now = shmrpci_load_relaxed(&pace->count) + count;
    atomic_store_explicit(&pace->count, now, memory_order_relaxed);
    if (SHMRPCI_UNLIKELY(now >= SHMRPCI_PACE_ROUND)) {
        shmrpci_pace_turn(pace, shmrpci_ticks());
    }
}

/* Whether to wait when no more records are known. */
static inline bool shmrpci_pace_waits(const shmrpci_pace *pace)
{
    return shmrpci_load_relaxed(&pace->waits) != 0;
}

/* Waits for about the time in which a quick producer publishes a few
 * records. */
void shmrpci_pace_wait(void);

#endif
