/*
 * The clock of the measurements: the processor's own counter. Reading it costs
 * a third of a clock_gettime(), and that cost varies by a few ns only.
 *
 * Threading: call bench_clock_init() before the forks; afterwards everything is
 * constant.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

/* Measures the length of a tick, which takes 20 ms. */
void bench_clock_init(void);

/* Length of a tick: 10 ns on a 100 MHz counter; below 1 ns on x86. */
double bench_ns_per_tick(void);

int64_t bench_now_ns(void);

static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
#error "bench/clock.h knows no counter of this processor"
#endif
}

#endif
