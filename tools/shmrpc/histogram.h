/*
 * Times of calls, counted: exact to 1/32 from nanoseconds to hours.
 *
 * Buckets as of HdrHistogram: 32 of equal width in each power of two.
 *
 * Threading: one thread at a time; each thread counts in its own, and they are
 * added at the end.
 */
#ifndef SHMRPC_TOOLS_HISTOGRAM_H
#define SHMRPC_TOOLS_HISTOGRAM_H

#include <stdint.h>

#define CLI_HISTOGRAM_BUCKETS (60 * 32)

typedef struct cli_histogram {
    uint64_t buckets[CLI_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t min_ns; /* 0 while there is none */
    uint64_t max_ns;
    double sum_ns;
} cli_histogram;

void cli_histogram_note(cli_histogram *h, uint64_t ns);

void cli_histogram_add(cli_histogram *sum, const cli_histogram *part);

/* A time that `fraction` (0 to 1) of the calls did not take longer than: that
 * of a bucket's upper end, at most the largest. 0 when there are none. */
uint64_t cli_histogram_quantile(const cli_histogram *h, double fraction);

#endif
