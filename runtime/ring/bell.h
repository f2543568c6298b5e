/*
 * A bell: a word on which sleepers wait for publications; while nobody sleeps
 * it costs a publisher one load.
 *
 *     sleeper                            who publishes
 *     bell |= SLEEPERS                   publishes
 *     looks again; there: takes it       fence
 *     sleeps while the bell is the same  SLEEPERS? counts it up, wakes as many
 *                                        as there is work for; nobody was there
 *                                        to be woken: takes SLEEPERS away, and
 *                                        wakes all
 *
 * The bit stays while there are sleepers, so that a sleeper that is killed when
 * it has just been woken hides nothing from the next publication.  Clearing it
 * also increments the bell, so that a thread about to sleep on the old value
 * doesn't.
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
    int64_t max_ns;  /* no slice is longer */
} shmrpci_slices;

static inline shmrpci_slices shmrpci_slices_until(int64_t deadline_ns)
{
    return (shmrpci_slices){deadline_ns, SHMRPCI_BELL_FIRST_SLICE_NS,
                            SHMRPCI_BELL_MAX_SLICE_NS};
}

void shmrpci_bell_ring_slowly(shmrpci_atomic_u32 *bell, uint32_t count);

/* Wakes up to `count` sleepers, if there are any. The publication was made
 * before, with a fence after it or in sequentially consistent order. */
static inline void shmrpci_bell_ring(shmrpci_atomic_u32 *bell, uint32_t count)
{
    if ((shmrpci_load_seq(bell) & SHMRPCI_BELL_SLEEPERS) != 0) {
        shmrpci_bell_ring_slowly(bell, count);
    }
}

/* Wakes all sleepers, for events that concern each. */
void shmrpci_bell_ring_all(shmrpci_atomic_u32 *bell);

/* Announces a sleeper; returns the value to sleep on, after another look. */
static inline uint32_t shmrpci_bell_announce(shmrpci_atomic_u32 *bell)
{
    uint32_t seen =
        shmrpci_or_seq(bell, SHMRPCI_BELL_SLEEPERS) | SHMRPCI_BELL_SLEEPERS;
    /* The caller's second look must come after this, whatever its order. */
    shmrpci_fence_seq();
    return seen;
}

/* Sleeps while the bell is `seen`, for a slice. True: nobody rang, and the
 * slice is over. */
bool shmrpci_bell_sleep(shmrpci_atomic_u32 *bell, uint32_t seen,
                        shmrpci_slices *slices);

#endif
