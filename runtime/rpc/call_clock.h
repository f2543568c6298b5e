/*
 * Monotonic time for the deadlines of calls, at the cost of reading the CPU's
 * tick counter.
 *
 * A deadline needs the monotonic clock, which takes 25-55 ns to read, a good
 * part of a short call. So the difference between clock and ticks is cached and
 * updated every 50 ms; they drift apart by at most about 25 us in that time.
 *
 * Threading: any number of threads share one; concurrent updates are all
 * valid.
 */
#ifndef SHMRPCI_RPC_CALL_CLOCK_H
#define SHMRPCI_RPC_CALL_CLOCK_H

#include <stdint.h>

#include "os/clock.h"
#include "sync/atomic.h"

typedef struct shmrpci_call_clock {
    uint64_t ns_per_tick;     /* times 2^32; 0: the tick rate is not constant */
    shmrpci_atomic_u64 apart; /* clock minus ticks in ns, modulo 2^64 */
    shmrpci_atomic_u64 due;   /* in ticks: when to update `apart` */
} shmrpci_call_clock;

void shmrpci_call_clock_init(shmrpci_call_clock *clock);

/* Updates and reads the clock. */
int64_t shmrpci_call_clock_set(shmrpci_call_clock *clock);

__extension__ typedef unsigned __int128 shmrpci_call_clock_wide;

/* Converts ticks to nanoseconds since the ticks were 0. The caller adds
 * `apart`, which is the clock minus the scaled ticks. That removes the
 * different origin of the clock, and the error of the rate. */
static inline uint64_t shmrpci_call_clock_scale(const shmrpci_call_clock *clock,
                                                uint64_t ticks)
{
    return (uint64_t)(((shmrpci_call_clock_wide)ticks * clock->ns_per_tick) >>
                      32);
}

/* Monotonic nanoseconds at `ticks`, which were read just now, with an error of
 * up to about 25 us. */
static inline int64_t shmrpci_call_clock_at(shmrpci_call_clock *clock,
                                            uint64_t ticks)
{
    /* Relaxed: the two words may come from different updates, but each is valid
     * for 50 ms. */
    if (ticks >= shmrpci_load_relaxed(&clock->due)) {
        return shmrpci_call_clock_set(clock);
    }
    return (int64_t)(shmrpci_call_clock_scale(clock, ticks) +
                     shmrpci_load_relaxed(&clock->apart));
}

#endif
