/* Queries on an array of buckets. */
#include "observe/histogram.h"

uint64_t shmrpci_histogram_count(const uint64_t *counts, uint32_t bits)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < shmrpci_histogram_buckets(bits); i++) {
        count += counts[i];
    }
    return count;
}

/* Returns how many of `count` values are at or below the percentile: at least
 * one. */
static uint64_t rank_of(uint64_t count, double fraction)
{
    if (!(fraction > 0.0)) {
        return 1;
    }
    if (fraction >= 1.0) {
        return count;
    }
    double exact = fraction * (double)count;
    uint64_t rank = (uint64_t)exact;
    rank += (double)rank < exact;
    return rank < 1 ? 1 : rank < count ? rank : count;
}

uint64_t shmrpci_histogram_percentile(const uint64_t *counts, uint32_t bits,
                                      double fraction)
{
    uint64_t count = shmrpci_histogram_count(counts, bits);
    if (count == 0) {
        return 0;
    }
    uint64_t left = rank_of(count, fraction);
    uint32_t bucket = 0;
    while (counts[bucket] < left) {
        left -= counts[bucket++];
    }
    return shmrpci_histogram_middle(bucket, bits);
}

uint64_t shmrpci_histogram_within(const uint64_t *counts, uint32_t bits,
                                  uint64_t value)
{
    uint32_t last = shmrpci_histogram_bucket(value, bits);
    uint64_t count = 0;
    for (uint32_t i = 0; i <= last; i++) {
        count += counts[i];
    }
    return count;
}
