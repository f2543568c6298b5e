/* The tick's length is measured against CLOCK_MONOTONIC, once. */
#include "clock.h"

#include <time.h>

static double ns_per_tick = 1.0;

int64_t bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void bench_clock_init(void)
{
    const int64_t start_ns = bench_now_ns();
    const uint64_t start = bench_ticks();
    int64_t now_ns;
    do {
        now_ns = bench_now_ns();
    } while (now_ns - start_ns < 20000000);
    ns_per_tick = (double)(now_ns - start_ns) / (double)(bench_ticks() - start);
}

double bench_ns_per_tick(void)
{
    return ns_per_tick;
}
