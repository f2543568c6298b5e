/*
 * Whether, and how long, to spin before sleeping.
 *
 * A sleep and its wake-up cost 5 to 60 us, in some virtual machines a
 * millisecond; spinning costs a CPU that others may want. A spinner learns from
 * its waits: it spins for as long as has paid, not at all if it doesn't pay,
 * and tries again now and then. After a miss it spins for as long as it may,
 * since the peer has probably gone to sleep too. It never spins if this process
 * may use less than one and a half CPUs, if the peer last ran on this very CPU,
 * or if we are bound to one CPU and don't know the peer's. (Being bound is no
 * reason by itself: a peer bound to another CPU is the best case for spinning.)
 *
 * The longest spin is as long as sleeping would have taken. This costs at most
 * twice what the best choice would have (Karlin, Li, Manasse, Owicki:
 * "Empirical studies of competitive spinning", 1991). If a sleeper can learn
 * when the awaited event happened, it learns how late wake-ups are, and whether
 * spinning would have paid, without trying.
 *
 * A longer spin yields repeatedly. If other threads run then, or took the CPU
 * before, the next two spins are short; if that happens repeatedly, the next 16
 * are. (In a virtual machine the host may have taken the CPU for other guests;
 * sleeping then lets the peer run.) (A system thread that ran once, or an
 * interrupt, is no reason to sleep for the next 16 calls.)
 *
 * Threading: a spinner may be shared; concurrent updates may be lost, which
 * does no harm.
 */
#ifndef SHMRPCI_SYNC_WAIT_H
#define SHMRPCI_SYNC_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/options.h"
#include "sync/odds.h"

typedef enum shmrpci_side {
    SHMRPCI_SIDE_CLIENT,
    SHMRPCI_SIDE_WORKER
} shmrpci_side;

/* Peers publish the low 8 bits of the number of the CPU they run on. */
#define SHMRPCI_CPU_MASK 0xFFu

/* The value for a CPU that is not known. */
#define SHMRPCI_CPU_UNKNOWN UINT32_MAX

typedef struct shmrpci_spinner {
    uint64_t least_ticks;       /* lower bound of `limit`; 0: never spin */
    uint64_t most_ticks;        /* upper bound of `limit` */
    uint64_t refresh_ticks;     /* time between two looks at the usable CPUs */
    shmrpci_atomic_u64 limit;   /* the longest spin at present */
    shmrpci_atomic_u64 late;    /* moving mean of how late wake-ups came */
    shmrpci_atomic_u64 usual;   /* moving mean of the waits that ended while
                                 * spinning */
    shmrpci_odds odds;          /* odds that waits end while we spin */
    shmrpci_atomic_u32 crowded; /* number of waits that will still be kept
                                 * short */
    shmrpci_atomic_u32 penalty; /* how many waits were kept short the last
                                 * time */
    shmrpci_atomic_u32 calm;    /* waits since `penalty` last changed that were
                                 * not kept short */
    shmrpci_atomic_u64 checked; /* ticks when `quota` and `allowed` were looked
                                 * up */
    shmrpci_atomic_u32 quota;   /* available CPU time, in hundredths */
    shmrpci_atomic_u32 allowed; /* CPUs that this thread may run on */
} shmrpci_spinner;

void shmrpci_spinner_init(shmrpci_spinner *spinner, shmrpc_profile profile,
                          shmrpci_side side);

/* How many ticks to spin now; 0 means: sleep at once. */
uint64_t shmrpci_spinner_budget(shmrpci_spinner *spinner, uint32_t peer_cpu);

/* Whether spinning could pay, judged by the CPUs alone. */
bool shmrpci_spinner_may(const shmrpci_spinner *spinner, uint32_t peer_cpu);

/* True if spinning can't pay wherever the peer runs, because this process has
 * too few CPUs. */
bool shmrpci_spinner_is_confined(const shmrpci_spinner *spinner);

/* Reports the outcome of a spin: the wait ended after `ticks` of spinning. */
void shmrpci_spinner_hit(shmrpci_spinner *spinner, uint64_t ticks);
/* Reports that the wait did not end, so that the spin was wasted. */
void shmrpci_spinner_miss(shmrpci_spinner *spinner);

/* Reports a sleep, which tells how a spin would have ended: the event came
 * `came` ticks after the wait began, and we ran again `late` ticks after the
 * event. */
void shmrpci_spinner_slept(shmrpci_spinner *spinner, uint64_t came,
                           uint64_t late);

/* How long to spin between two yields. */
uint64_t shmrpci_spinner_step_ticks(void);

/* Yields to other threads that wait for this CPU. The yield is `overdue` ticks
 * late. Returns true if they ran, or had taken the CPU already; then further
 * spinning would be at their cost. */
bool shmrpci_spinner_step_aside(shmrpci_spinner *spinner, uint64_t overdue);

/* Looks up the usable CPUs, which takes some 20 us. */
void shmrpci_spinner_look_up(shmrpci_spinner *spinner, uint64_t now);

/* Looks up the usable CPUs again if a second has passed; `now` is in ticks.
 * Must be called before spins too, since nobody sleeps while spinning pays. */
static inline void shmrpci_spinner_refresh(shmrpci_spinner *spinner,
                                           uint64_t now)
{
    /* Relaxed: an estimate. Signed: another thread may have stored a later
     * time. */
    uint64_t passed = now - shmrpci_load_relaxed(&spinner->checked);
    if (spinner->least_ticks != 0 &&
        (int64_t)(passed - spinner->refresh_ticks) >= 0) {
        shmrpci_spinner_look_up(spinner, now);
    }
}

#endif
