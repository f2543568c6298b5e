/*
 * The measuring core: how long a call takes.
 *
 * Calls run back to back: a warm-up, then batches. A sample is one call, timed
 * from the end of the previous one. Calls below a microsecond are timed in
 * groups, so that the time of reading the clock does not count; their high
 * percentiles come from a further batch of single calls, which include one
 * clock read (about 10 ns).
 *
 * Threading: one thread.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_figures {
    double p50_ns;    /* median of the batches' medians, or of all single
                       * calls if that is lower */
    double p99_ns;    /* 99th percentile of all samples */
    double p999_ns;   /* 99.9th percentile of all samples */
    double ops_per_s; /* median of the batches' calls per second */
} bench_figures;

/* Times `call(state)` for about `budget_ns`, and at least 15 calls unless they
 * are very slow. */
void bench_measure(void (*call)(void *state), void *state, int64_t budget_ns,
                   bench_figures *out);

/* Returns the value at `fraction` (0 to 1) of the sorted values: 0.5 gives the
 * median. Sorts `values`. Returns 0 if there are none. */
double bench_quantile(double *values, size_t count, double fraction);

#endif
