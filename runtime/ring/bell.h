/*
 * A bell: a word on which sleepers wait for publications; while nobody sleeps
 * it costs a publisher one load.
 *
 *     sleeper                            publisher
 *     bell |= SLEEPERS                   publishes
 *     looks again; found: takes it       fence
 *     sleeps while the bell is the same  if SLEEPERS is set: increments the
 *                                        bell, wakes as many sleepers as there
 *                                        is work for; if none was asleep:
 *                                        clears SLEEPERS, and wakes all
 *
 * The bit stays while there are sleepers, so that the next publication still
 * wakes the others if a sleeper is killed when it has just been woken. Clearing
 * the bit also increments the bell, so that a thread that is about to sleep on
 * the old value doesn't.
 *
 * A publisher may be killed between publishing and ringing.  So sleeps are cut
 * into slices, of 50 ms at first, each twice as long as the last, up to 10 s.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_RING_BELL_H
#define SHMRPCI_RING_BELL_H

#include <stdbool.h>
#include <stdint.h>

#include "os/clock.h"
#include "sync/atomic.h"

#define SHMRPCI_BELL_SLEEPERS 1u
#define SHMRPCI_BELL_STEP     2u

#define SHMRPCI_BELL_FIRST_SLICE_NS (50 * SHMRPCI_NS_PER_MS)
#define SHMRPCI_BELL_MAX_SLICE_NS   (10 * SHMRPCI_NS_PER_S)

/* The sleep slices of one wait. */
typedef struct shmrpci_slices {
    int64_t deadline_ns;
    int64_t next_ns; /* length of the next slice */
    int64_t max_ns;  /* upper bound of `next_ns` */
} shmrpci_slices;

static inline shmrpci_slices shmrpci_slices_until(int64_t deadline_ns)
{
    return (shmrpci_slices){deadline_ns, SHMRPCI_BELL_FIRST_SLICE_NS,
                            SHMRPCI_BELL_MAX_SLICE_NS};
}

void shmrpci_bell_ring_slowly(shmrpci_atomic_u32 *bell, uint32_t count);

/* Wakes up to `count` sleepers, if there are any. Before the call, the caller
 * has published with a sequentially consistent store, or has made a fence after
 * publishing. */
static inline void shmrpci_bell_ring(shmrpci_atomic_u32 *bell, uint32_t count)
{
    if ((shmrpci_load_seq(bell) & SHMRPCI_BELL_SLEEPERS) != 0) {
        shmrpci_bell_ring_slowly(bell, count);
    }
}

/* Wakes all sleepers, for events that concern every one of them. */
void shmrpci_bell_ring_all(shmrpci_atomic_u32 *bell);

/* Announces a sleeper. Returns the value to sleep on. The caller looks again
 * for publications before it sleeps. */
static inline uint32_t shmrpci_bell_announce(shmrpci_atomic_u32 *bell)
{
    uint32_t seen =
        shmrpci_or_seq(bell, SHMRPCI_BELL_SLEEPERS) | SHMRPCI_BELL_SLEEPERS;
    /* The caller looks again, in any memory order; the fence puts that look
     * after the announcement. */
    shmrpci_fence_seq();
    return seen;
}

/* Sleeps for at most one slice, while the value of the bell is `seen`. Returns
 * true if the slice ended without a ring. */
bool shmrpci_bell_sleep(shmrpci_atomic_u32 *bell, uint32_t seen,
                        shmrpci_slices *slices);

#endif
