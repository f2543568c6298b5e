/*
 * Whether to yield to a peer before sleeping.
 *
 * A peer that last ran on this very CPU can't run while we spin.  If it is
 * ready to run, yielding takes one switch, while waking it and sleeping take a
 * switch and two more system calls: a round trip is 2.0 us by yields and 3.3 by
 * futexes.
 *
 * If spinning would be possible with the peer on another CPU, sleeping is
 * better: the scheduler then moves the two to different CPUs, but leaves them
 * on one while they yield. Yielding doesn't pay either if the peer sleeps or
 * runs elsewhere; the odds account for that. Nor does it pay if other threads
 * run instead: the thread then loses its CPU for a whole time slice, some
 * milliseconds, in which a sleeper would have been woken. After this has
 * happened, the thread does not yield for a while: briefly at first, as it may
 * have been chance, and for longer if it happens again soon.
 *
 * Threading: a yielder may be shared; concurrent updates may be lost, which
 * does no harm.
 */
#ifndef SHMRPCI_SYNC_YIELD_H
#define SHMRPCI_SYNC_YIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/options.h"
#include "sync/odds.h"
#include "sync/wait.h"

/* The most yields in one wait: the first may come before the peer is ready. */
#define SHMRPCI_YIELDS 2

typedef struct shmrpci_yielder {
    uint64_t most_ticks;      /* longest acceptable yield; 0: never yield */
    shmrpci_odds odds;        /* odds that waits end during a yield */
    shmrpci_atomic_u64 since; /* ticks; no yield before this time */
    shmrpci_atomic_u64 after; /* ticks; length of the next pause after a yield
                               * that took too long */
    shmrpci_atomic_u32 paid;  /* yields that paid since the last pause */
} shmrpci_yielder;

void shmrpci_yielder_init(shmrpci_yielder *yielder, shmrpc_profile profile);

/* Whether to yield at `now`, in ticks. `peer_cpu` is the low bits of the number
 * of the peer's CPU, as the peer published them (sync/wait.h); `spinner` knows
 * the usable CPUs. */
bool shmrpci_yielder_may(shmrpci_yielder *yielder,
                         const shmrpci_spinner *spinner, uint32_t peer_cpu,
                         uint64_t now);

/* Yields once. Returns false if others ran for so long that this wait should
 * sleep. */
bool shmrpci_yielder_yield(shmrpci_yielder *yielder);

/* Records whether the wait ended during a yield. */
void shmrpci_yielder_note(shmrpci_yielder *yielder, bool has_paid);

#endif
