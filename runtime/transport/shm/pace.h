/*
 * The pace of a connection with many calls in flight.
 *
 * One of client and worker is faster. If the faster side read each slot while
 * the slower side writes there, it would take the cache line away in the middle
 * of the write, and slow down the side that is the bottleneck. So the faster
 * side waits until a part of the calls in flight has arrived, and then takes
 * this part all at once. The remaining calls keep the slower side busy
 * meanwhile.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_PACE_H
#define SHMRPCI_TRANSPORT_SHM_PACE_H

#include "os/clock.h"
#include "transport/shm/layout.h"

/* Each wait is for one SHM_PACE_PART-th of the calls in flight. If fewer than
 * 2 * SHM_PACE_PART calls are in flight, nobody waits. */
#define SHM_PACE_PART 4u
/* Max wait for each call that is waited for. */
#define SHM_PACE_NS 200
/* Pauses between two checks; few checks disturb the slower side little. */
#define SHM_PACE_PAUSES 4

/* How many calls to wait for when `depth` are in flight; 0 means don't wait. */
static inline uint32_t shm_pace_of(uint32_t depth)
{
    return depth >= 2 * SHM_PACE_PART ? depth / SHM_PACE_PART : 0;
}

/* Waits until the call at `word` is submitted (`is_for_submit`) or over, but at
 * most for the time in which `some` calls should have arrived. Returns the
 * current time, in ticks. */
static inline uint64_t shm_pace_wait(shmrpci_atomic_u32 *word,
                                     bool is_for_submit, uint32_t some,
                                     uint64_t now)
{
    uint64_t end = now + shmrpci_ticks_of_ns((int64_t)some * SHM_PACE_NS);
    bool is_submitted;
    do {
        for (int i = 0; i < SHM_PACE_PAUSES; i++) {
            shmrpci_pause();
        }
        now = shmrpci_ticks();
        /* Relaxed: a caller that relies on the result checks again. */
        is_submitted =
            shm_word_state(shmrpci_load_relaxed(word)) == SHM_SUBMITTED;
    } while (is_submitted != is_for_submit && (int64_t)(end - now) > 0);
    return now;
}

#endif
