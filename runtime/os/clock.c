/* Monotonic time and CPU ticks. */
#include "os/clock.h"

#include <pthread.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "os/waiting.h"

int64_t shmrpci_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SHMRPCI_NS_PER_S + now.tv_nsec;
}

int64_t shmrpci_coarse_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * SHMRPCI_NS_PER_S + now.tv_nsec;
}

int64_t shmrpci_wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SHMRPCI_NS_PER_S + now.tv_nsec;
}

int64_t shmrpci_deadline_after(int64_t timeout_ns)
{
    int64_t now = shmrpci_now_ns();
    if (timeout_ns > SHMRPCI_NEVER_NS - now) {
        return SHMRPCI_NEVER_NS;
    }
    return now + timeout_ns;
}

int64_t shmrpci_remaining_ns(int64_t deadline_ns)
{
    if (deadline_ns == SHMRPCI_NEVER_NS) {
        return SHMRPCI_NEVER_NS;
    }
    int64_t now = shmrpci_now_ns();
    return deadline_ns > now ? deadline_ns - now : 0;
}

void shmrpci_sleep_until(int64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / SHMRPCI_NS_PER_S),
                          .tv_nsec = (long)(at_ns % SHMRPCI_NS_PER_S)};
    bool is_hooked = shmrpci_waiting_is_hooked();
    int64_t slice_ns = is_hooked ? shmrpci_waiting_begin(at_ns) : 0;
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    if (is_hooked) {
        shmrpci_waiting_end(slice_ns, false);
    }
}

bool shmrpci_ticks_are_steady(void)
{
#if defined(__x86_64__)
    /* CPUID 0x80000007: EDX bit 8 is "invariant TSC". */
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & 1u << 8) != 0;
#else
    return true;
#endif
}

__extension__ typedef unsigned __int128 uint128;

/* Both rates as fixed-point numbers with 32 fraction bits; written once, under
 * `rate_once`. */
static uint64_t ticks_per_ns;
static uint64_t ns_per_tick;
static pthread_once_t rate_once = PTHREAD_ONCE_INIT;

/* How long a tick clock runs without correction; its error is 0.05 % of
 * this. */
#define TICK_CLOCK_SPAN_NS (10 * SHMRPCI_NS_PER_MS)

static uint64_t ratio(uint64_t a, uint64_t b)
{
    uint64_t value = (uint64_t)(((uint128)a << 32) / (b == 0 ? 1 : b));
    return value == 0 ? 1 : value;
}

#define READS 16

int64_t shmrpci_now_and_ticks(uint64_t *ticks)
{
    uint64_t shortest = UINT64_MAX;
    int64_t at_ns = 0;
    *ticks = 0;
    for (int i = 0; i < READS; i++) {
        uint64_t before = shmrpci_ticks();
        int64_t now_ns = shmrpci_now_ns();
        uint64_t took = shmrpci_ticks() - before;
        if (took < shortest) {
            shortest = took;
            *ticks = before + took / 2;
            at_ns = now_ns;
        }
    }
    return at_ns;
}

static void find_rate(void)
{
#if defined(__x86_64__)
    /* In a VM the CPU seldom reports its rate, so the rate is measured: two
     * reads 0.2 ms apart, each exact to 50 ns, give it to 0.05 %. */
    uint64_t start;
    uint64_t end;
    int64_t start_ns = shmrpci_now_and_ticks(&start);
    while (shmrpci_now_ns() - start_ns < 200 * SHMRPCI_NS_PER_US) {
    }
    int64_t end_ns = shmrpci_now_and_ticks(&end);
    uint64_t ticks = end - start;
    uint64_t ns = (uint64_t)(end_ns - start_ns);
#else
    uint64_t ticks;
    uint64_t ns = (uint64_t)SHMRPCI_NS_PER_S;
    __asm__("mrs %0, cntfrq_el0" : "=r"(ticks));
#endif
    ticks_per_ns = ratio(ticks, ns);
    ns_per_tick = ratio(ns, ticks);
}

uint64_t shmrpci_ticks_of_ns(int64_t ns)
{
    (void)pthread_once(&rate_once, find_rate);
    if (ns <= 0) {
        return 0;
    }
    return (uint64_t)(((uint128)(uint64_t)ns * ticks_per_ns) >> 32);
}

int64_t shmrpci_ns_of_ticks(uint64_t ticks)
{
    (void)pthread_once(&rate_once, find_rate);
    return (int64_t)(((uint128)ticks * ns_per_tick) >> 32);
}

int64_t shmrpci_tick_clock_set(shmrpci_tick_clock *clock)
{
    clock->ns_per_tick = (uint64_t)shmrpci_ns_of_ticks(UINT64_C(1) << 32);
    clock->span = shmrpci_ticks_of_ns(TICK_CLOCK_SPAN_NS);
    if (clock->span > UINT64_MAX / (clock->ns_per_tick + 1)) {
        clock->span = 0; /* no machine has such a rate */
    }
    clock->ns = shmrpci_now_and_ticks(&clock->ticks);
    return clock->ns;
}
