/*
 * The pace of a connection with many calls in flight.
 *
 * Either the client or the worker is faster.  If it looked at each slot while
 * the other one writes there, it would take the cache line away in the middle,
 * and slow down the side that limits both.  So the faster one waits until a
 * part of the calls in flight has arrived, and then takes them all at once; the
 * others keep the slower one busy meanwhile.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_PACE_H
#define SHMRPCI_TRANSPORT_SHM_PACE_H

#include "os/clock.h"
#include "transport/shm/layout.h"

/* The wait is for this fraction of the calls in flight; below two calls there
 * is no wait. */
#define SHM_PACE_PART 4u
/* How long to wait at most, for each of those calls. */
#define SHM_PACE_NS 200
/* How long to pause between two checks: rare checks cost the slower side
 * little. */
#define SHM_PACE_PAUSES 4

/* How many calls to wait for when `depth` are in flight; 0: none. */
static inline uint32_t shm_pace_of(uint32_t depth)
{
    return depth >= 2 * SHM_PACE_PART ? depth / SHM_PACE_PART : 0;
}

/* Waits until the call at `word` is submitted, or over, or `some` calls should
 * have arrived since `now`; returns the time, in ticks. */
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
        /* Relaxed: a caller that relies on it checks again. */
        is_submitted =
            shm_word_state(shmrpci_load_relaxed(word)) == SHM_SUBMITTED;
    } while (is_submitted != is_for_submit && (int64_t)(end - now) > 0);
    return now;
}

#endif
