/*
 * The measuring core: how long a call takes.
 *
 * Calls run back to back: warm-up, then batches. A sample is one call, timed
 * from the end of the previous one; calls below a microsecond are timed in
 * groups, so that the clock's own time does not count, and their tail comes
 * from a further batch of single calls, one clock read (about 10 ns) included.
 *
 * Threading: one thread.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_figures {
    double p50_ns;    /* median over the batches of their medians (or of all
                         single calls, should that be less) */
    double p99_ns;    /* 99th percentile of all samples */
    double p999_ns;   /* 99.9th */
    double ops_per_s; /* median over the batches of calls by time */
} bench_figures;

/* Times `call(state)` for about `budget_ns`; at least 15 calls. */
void bench_measure(void (*call)(void *state), void *state, int64_t budget_ns,
                   bench_figures *out);

/* The smallest value that is not below `fraction` (0 to 1) of the values; sorts
 * them. 0 for no values. */
double bench_quantile(double *values, size_t count, double fraction);

#endif
