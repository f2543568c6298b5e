/* Times counted, against the times themselves. */
#include "tools/shmrpc/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void empty_is_zero(void **state)
{
    (void)state;
    static cli_histogram h;
    assert_int_equal(cli_histogram_quantile(&h, 0.5), 0);
    assert_int_equal(h.min_ns, 0);
}

/* One time alone is every quantile of itself, within 1/32 and never below. */
static void each_time_has_its_bucket(void **state)
{
    (void)state;
    static const uint64_t odd[] = {0, 1, 63, 64, 65, 127, 128, 4095, 4096};
    static cli_histogram h;
    for (uint32_t i = 0; i < 9 + 54; i++) {
        uint64_t ns = i < 9 ? odd[i] : (UINT64_C(3) << (i - 9)) + 1;
        memset(&h, 0, sizeof h);
        cli_histogram_note(&h, ns);
        h.max_ns = UINT64_MAX; /* show the bucket's own end */
        uint64_t end = cli_histogram_quantile(&h, 0.5);
        assert_true(end >= ns && end <= ns + ns / 32);
    }
}

static void quantiles_of_a_ramp(void **state)
{
    (void)state;
    static cli_histogram h;
    static cli_histogram half;
    static cli_histogram sum;
    for (uint64_t ns = 1; ns <= 100000; ns++) {
        cli_histogram_note(ns % 2 == 0 ? &h : &half, ns);
    }
    cli_histogram_add(&sum, &h);
    cli_histogram_add(&sum, &half);
    assert_int_equal(sum.count, 100000);
    assert_int_equal(sum.min_ns, 1);
    assert_int_equal(sum.max_ns, 100000);
    static const double fractions[] = {0.1, 0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        double exact = fractions[i] * 100000;
        double got = (double)cli_histogram_quantile(&sum, fractions[i]);
        assert_true(got >= exact && got <= exact * (1 + 1.0 / 32) + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_zero),
        cmocka_unit_test(each_time_has_its_bucket),
        cmocka_unit_test(quantiles_of_a_ramp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
