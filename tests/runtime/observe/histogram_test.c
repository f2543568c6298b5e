/* Histograms compared with sorted samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/histogram.h"

/* Chosen so that the percentiles don't fall exactly on a sample. */
enum { SAMPLES = 4997 };

static uint64_t state_of_random = 0x9E3779B97F4A7C15u;

static uint64_t next_random(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return state_of_random;
}

static uint64_t bits_of_random(uint32_t bits)
{
    return next_random() >> (64 - bits);
}

/* ---- buckets ------------------------------------------------------------- */

static void buckets_follow_each_other_without_gaps(void **state)
{
    (void)state;
    for (uint32_t bits = SHMRPCI_HISTOGRAM_MIN_BITS;
         bits <= SHMRPCI_HISTOGRAM_MAX_BITS; bits++) {
        uint32_t count = shmrpci_histogram_buckets(bits);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t low = shmrpci_histogram_low(i, bits);
            uint64_t above = shmrpci_histogram_low(i + 1, bits);
            assert_true(above > low);
            assert_int_equal(shmrpci_histogram_bucket(low, bits), i);
            assert_int_equal(shmrpci_histogram_bucket(above - 1, bits), i);
            /* No bucket is wider than the resolution. */
            assert_true((above - low - 1) << bits <= low);
            uint64_t middle = shmrpci_histogram_middle(i, bits);
            assert_true(middle >= low && middle < above);
        }
        assert_int_equal(shmrpci_histogram_low(count, bits),
                         SHMRPCI_HISTOGRAM_MAX + 1);
    }
}

static void what_is_too_large_is_in_the_last_bucket(void **state)
{
    (void)state;
    uint32_t last = shmrpci_histogram_buckets(6) - 1;
    assert_int_equal(shmrpci_histogram_bucket(UINT64_MAX, 6), last);
    assert_int_equal(shmrpci_histogram_bucket(SHMRPCI_HISTOGRAM_MAX, 6), last);
    assert_int_equal(shmrpci_histogram_bucket(0, 6), 0);
}

/* ---- percentiles --------------------------------------------------------- */

typedef uint64_t source(uint32_t i);

static uint64_t uniform(uint32_t i)
{
    (void)i;
    return bits_of_random(20);
}

/* Values of any order of magnitude. */
static uint64_t spread(uint32_t i)
{
    (void)i;
    return bits_of_random(1 + (uint32_t)(next_random() % 37));
}

static uint64_t constant(uint32_t i)
{
    (void)i;
    return 123456;
}

/* One value in a hundred is a thousand times as large. */
static uint64_t two_peaks(uint32_t i)
{
    return (i % 100 == 99 ? 4000000 : 4000) + bits_of_random(8);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void expect_near(uint64_t got, uint64_t expected, uint32_t bits,
                        double fraction)
{
    uint64_t apart = got > expected ? got - expected : expected - got;
    /* The error may be half a bucket. */
    if (apart << (bits + 1) > expected) {
        fail_msg("%u bits, %.4f of the samples: %llu instead of %llu", bits,
                 fraction, (unsigned long long)got,
                 (unsigned long long)expected);
    }
}

static void check_source(source *draw, uint32_t bits)
{
    static uint64_t samples[SAMPLES];
    static const double fractions[] = {0.0, 0.01, 0.25,  0.5, 0.75,
                                       0.9, 0.99, 0.999, 1.0};
    uint32_t buckets = shmrpci_histogram_buckets(bits);
    uint64_t *counts = calloc(buckets, sizeof *counts);
    assert_non_null(counts);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        samples[i] = draw(i);
        counts[shmrpci_histogram_bucket(samples[i], bits)]++;
    }
    qsort(samples, SAMPLES, sizeof *samples, by_value);
    assert_int_equal(shmrpci_histogram_count(counts, bits), SAMPLES);
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        double exact = fractions[i] * SAMPLES;
        size_t rank = (size_t)exact;
        rank += (double)rank < exact;
        rank = rank < 1 ? 1 : rank;
        expect_near(shmrpci_histogram_percentile(counts, bits, fractions[i]),
                    samples[rank - 1], bits, fractions[i]);
    }
    /* All samples in a bucket are at or below its last value. */
    for (size_t i = 0; i < SAMPLES; i += 97) {
        uint32_t bucket = shmrpci_histogram_bucket(samples[i], bits);
        uint64_t above = shmrpci_histogram_low(bucket + 1, bits);
        size_t within = i;
        while (within < SAMPLES && samples[within] < above) {
            within++;
        }
        assert_int_equal(shmrpci_histogram_within(counts, bits, samples[i]),
                         within);
    }
    free(counts);
}

static void percentiles_agree_with_sorted_samples(void **state)
{
    (void)state;
    source *const sources[] = {uniform, spread, constant, two_peaks};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        for (uint32_t bits = SHMRPCI_HISTOGRAM_MIN_BITS;
             bits <= SHMRPCI_HISTOGRAM_MAX_BITS; bits++) {
            check_source(sources[i], bits);
        }
    }
}

static void nothing_has_no_percentiles(void **state)
{
    (void)state;
    uint64_t *counts = calloc(shmrpci_histogram_buckets(6), sizeof *counts);
    assert_non_null(counts);
    assert_int_equal(shmrpci_histogram_percentile(counts, 6, 0.5), 0);
    assert_int_equal(shmrpci_histogram_within(counts, 6, UINT64_MAX), 0);
    free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_each_other_without_gaps),
        cmocka_unit_test(what_is_too_large_is_in_the_last_bucket),
        cmocka_unit_test(percentiles_agree_with_sorted_samples),
        cmocka_unit_test(nothing_has_no_percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
