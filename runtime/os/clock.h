/*
 * Time: monotonic nanoseconds for deadlines, CPU ticks for short spans.
 *
 * Nanoseconds cost 25-55 ns to read and are the unit of every deadline. Ticks
 * (the invariant TSC of x86-64, CNTVCT of aarch64) cost a third of that and are
 * the same on all CPUs and in all processes of a machine; they budget spins and
 * end leases, never deadlines.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_CLOCK_H
#define SHMRPCI_OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SHMRPCI_NS_PER_S  INT64_C(1000000000)
#define SHMRPCI_NS_PER_MS INT64_C(1000000)
#define SHMRPCI_NS_PER_US INT64_C(1000)

/* A deadline that never comes. */
#define SHMRPCI_NEVER_NS INT64_MAX

/* CLOCK_MONOTONIC in nanoseconds. Async-signal-safe. */
int64_t shmrpci_now_ns(void);

/* Returns the time of the last tick of the kernel's clock, which comes every 1
 * to 10 ms: a thread that reads later never gets an earlier time. Costs 5
 * ns. */
int64_t shmrpci_coarse_ns(void);

/* Returns CLOCK_REALTIME since 1970, for display and files; it may be set
 * back. */
int64_t shmrpci_wall_ns(void);

/* Returns the deadline `timeout_ns` from now; SHMRPCI_NEVER_NS if the sum would
 * overflow. */
int64_t shmrpci_deadline_after(int64_t timeout_ns);

/* Returns the time left, or 0 if the deadline has passed. */
int64_t shmrpci_remaining_ns(int64_t deadline_ns);

/* Sleeps until `at_ns`, or until a signal comes. */
void shmrpci_sleep_until(int64_t at_ns);

/* Returns the tick counter. */
static inline uint64_t shmrpci_ticks(void)
{
#if defined(__x86_64__)
    /* Uses the builtin, because <x86intrin.h> has 50,000 lines, ten times as
     * many as everything else that a file includes. */
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
}

/* Whether ticks run at the same rate on all CPUs. If not, spins and leases must
 * not use them. */
bool shmrpci_ticks_are_steady(void);

/* Converts ns to ticks. The first call in a process may take 0.2 ms to measure
 * the rate. */
uint64_t shmrpci_ticks_of_ns(int64_t ns);

/* Converts ticks to ns. */
int64_t shmrpci_ns_of_ticks(uint64_t ticks);

/* Reads the clock and ticks at the same moment: returns the time, and stores
 * the ticks in `*ticks`. A thread may be interrupted between the two readings,
 * so the fastest of several attempts is used. Takes about 1 us. */
int64_t shmrpci_now_and_ticks(uint64_t *ticks);

/* A clock for one thread that reads the time often: ticks, corrected by the
 * real clock every few milliseconds; exact to a few microseconds. Zeroed at
 * first. */
typedef struct shmrpci_tick_clock {
    uint64_t ticks;
    uint64_t span;        /* ticks until the next correction */
    uint64_t ns_per_tick; /* times 2^32; a span can't overflow */
    int64_t ns;
} shmrpci_tick_clock;

/* Corrects the clock and returns the time. */
int64_t shmrpci_tick_clock_set(shmrpci_tick_clock *clock);

/* Returns the monotonic time in nanoseconds at `ticks`, which were read just
 * now. */
static inline int64_t shmrpci_tick_clock_ns(shmrpci_tick_clock *clock,
                                            uint64_t ticks)
{
    uint64_t passed = ticks - clock->ticks;
    if (passed >= clock->span) {
        return shmrpci_tick_clock_set(clock);
    }
    return clock->ns + (int64_t)((passed * clock->ns_per_tick) >> 32);
}

#endif
