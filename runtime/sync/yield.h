/*
 * Whether to yield to a peer before sleeping.
 *
 * A peer that last ran on this very CPU can't run as long as we spin.  Where it
 * is ready to run, to yield the CPU takes one switch, while to wake it and to
 * sleep take a switch and two more calls of the system: yielding to and fro is
 * 2.0 us where a futex is 3.3.
 *
 * Who could spin, were the peer elsewhere, had better sleep: the scheduler
 * brings both apart then, and leaves them together while they yield.  It does
 * not pay either where the peer sleeps or runs elsewhere, which the odds know,
 * nor where others run instead: the scheduler counts a whole slice of time as
 * used by who yields, some milliseconds, in which one that had slept would have
 * been woken.  Who has lost its CPU so does not yield for a while: a short one
 * at first, as it may have been chance, and a longer one when it happens again
 * soon.
 *
 * Threading: a yielder may be shared; what threads learn at the same time may
 * be lost, which does no harm.
 */
#ifndef SHMRPCI_SYNC_YIELD_H
#define SHMRPCI_SYNC_YIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/options.h"
#include "sync/odds.h"
#include "sync/wait.h"

/* How many times in one wait: the first may have come before the peer was
 * ready. */
#define SHMRPCI_YIELDS 2

typedef struct shmrpci_yielder {
    uint64_t most_ticks;      /* a yield that is not too long; 0: never yield */
    shmrpci_odds odds;        /* that waits end meanwhile */
    shmrpci_atomic_u64 since; /* ticks: not before then */
    shmrpci_atomic_u64 after; /* ticks: so long, the next time it is too long */
    shmrpci_atomic_u32 paid;  /* waits that ended so since the last time */
} shmrpci_yielder;

void shmrpci_yielder_init(shmrpci_yielder *yielder, shmrpc_profile profile);

/* Whether to yield at `now`, in ticks, to a peer that last ran on the CPU of
 * which these are the published bits (sync/wait.h); `spinner` knows the CPUs.
 */
bool shmrpci_yielder_may(shmrpci_yielder *yielder,
                         const shmrpci_spinner *spinner, uint32_t peer_cpu,
                         uint64_t now);

/* Yields once. False: others ran for so long that this wait had better sleep.
 */
bool shmrpci_yielder_yield(shmrpci_yielder *yielder);

/* Whether the wait ended so. */
void shmrpci_yielder_note(shmrpci_yielder *yielder, bool has_paid);

#endif
