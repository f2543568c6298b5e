/*
 * Histograms with a constant relative width of buckets, as HdrHistogram has
 * them: the highest bit of a value and the `bits` bits below it select its
 * bucket.
 *
 *     bits = 6:  0 .. 127 have a bucket each; from 128 on there are 64 buckets
 *                in each octave, each 1/64 as wide as the octave's first value
 *
 * Pure arithmetic on arrays of counts, which the caller owns.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_OBSERVE_HISTOGRAM_H
#define SHMRPCI_OBSERVE_HISTOGRAM_H

#include <stdint.h>

/* The highest bit of a value. Greater values count as the maximum, which is
 * some minutes in ticks. */
#define SHMRPCI_HISTOGRAM_TOP 38u
#define SHMRPCI_HISTOGRAM_MAX ((UINT64_C(2) << SHMRPCI_HISTOGRAM_TOP) - 1)

#define SHMRPCI_HISTOGRAM_MIN_BITS 3u
#define SHMRPCI_HISTOGRAM_MAX_BITS 6u

/* Number of buckets; a macro for arrays of a constant size, and a function. */
#define SHMRPCI_HISTOGRAM_BUCKETS(bits) \
    ((SHMRPCI_HISTOGRAM_TOP + 2 - (bits)) << (bits))

static inline uint32_t shmrpci_histogram_buckets(uint32_t bits)
{
    return SHMRPCI_HISTOGRAM_BUCKETS(bits);
}

/* The bucket of a value. */
static inline uint32_t shmrpci_histogram_bucket(uint64_t value, uint32_t bits)
{
    value = value < SHMRPCI_HISTOGRAM_MAX ? value : SHMRPCI_HISTOGRAM_MAX;
    uint32_t top = 63u ^ (uint32_t)__builtin_clzll(value | UINT64_C(1) << bits);
    uint32_t shift = top - bits;
    return (shift << bits) + (uint32_t)(value >> shift);
}

/* The smallest value of a bucket. For the index after the last bucket: the
 * smallest value that is beyond all buckets. */
static inline uint64_t shmrpci_histogram_low(uint32_t bucket, uint32_t bits)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint32_t octave = bucket >> bits;
    return octave == 0 ? bucket
                       : ((bucket & mask) | (mask + 1)) << (octave - 1);
}

/* The value that stands for a bucket: its middle. */
static inline uint64_t shmrpci_histogram_middle(uint32_t bucket, uint32_t bits)
{
    uint64_t low = shmrpci_histogram_low(bucket, bits);
    return low + (shmrpci_histogram_low(bucket + 1, bits) - low - 1) / 2;
}

/* The sum of all buckets. */
uint64_t shmrpci_histogram_count(const uint64_t *counts, uint32_t bits);

/* Returns the middle of the bucket at which `fraction` of all values are
 * reached, or 0 if there are no values. `fraction` is clamped to 0 .. 1. */
uint64_t shmrpci_histogram_percentile(const uint64_t *counts, uint32_t bits,
                                      double fraction);

/* Returns how many values are at or below `value`, to the precision of the
 * buckets. */
uint64_t shmrpci_histogram_within(const uint64_t *counts, uint32_t bits,
                                  uint64_t value);

#endif
