/* Counting times. */
#include "tools/shmrpc/histogram.h"

#define SUB      32u /* buckets of a power of two */
#define SUB_BITS 5u

/* Times below 64 ns have buckets of their own; above, the six highest bits
 * decide. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < 2 * SUB) {
        return (uint32_t)ns;
    }
    uint32_t top = 63u - (uint32_t)__builtin_clzll(ns);
    uint32_t shift = top - SUB_BITS;
    return (shift << SUB_BITS) + (uint32_t)(ns >> shift);
}

/* The largest time of a bucket. */
static uint64_t upper_end(uint32_t bucket)
{
    if (bucket < 2 * SUB) {
        return bucket;
    }
    uint32_t shift = (bucket >> SUB_BITS) - 1;
    uint64_t high = (bucket & (SUB - 1)) + SUB;
    return ((high + 1) << shift) - 1;
}

void cli_histogram_note(cli_histogram *h, uint64_t ns)
{
    h->buckets[bucket_of(ns)]++;
    h->min_ns = h->count == 0 || ns < h->min_ns ? ns : h->min_ns;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
    h->sum_ns += (double)ns;
    h->count++;
}

void cli_histogram_add(cli_histogram *sum, const cli_histogram *part)
{
    if (part->count == 0) {
        return;
    }
    for (uint32_t i = 0; i < CLI_HISTOGRAM_BUCKETS; i++) {
        sum->buckets[i] += part->buckets[i];
    }
    if (sum->count == 0 || part->min_ns < sum->min_ns) {
        sum->min_ns = part->min_ns;
    }
    sum->max_ns = part->max_ns > sum->max_ns ? part->max_ns : sum->max_ns;
    sum->sum_ns += part->sum_ns;
    sum->count += part->count;
}

uint64_t cli_histogram_quantile(const cli_histogram *h, double fraction)
{
    double wanted = fraction * (double)h->count;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < CLI_HISTOGRAM_BUCKETS && h->count > 0; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end = upper_end(i);
            return end < h->max_ns ? end : h->max_ns;
        }
    }
    return h->max_ns;
}
