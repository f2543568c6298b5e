/* Quantities as text. */
#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0", 0},
                {"2", 2000000000},
                {"1.5", 1500000000},
                {"5ns", 5},
                {"100us", 100000},
                {"250ms", 250000000},
                {"0.0000019s", 1000},
                {"2m", UINT64_C(120000000000)},
                {"1.5h", UINT64_C(5400000000000)}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t ns = 7;
        assert_true(shmrpci_duration_read(good[i].text, &ns));
        assert_true(ns == good[i].ns);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "s",      "-1",   " 1",
        "1 s", "1.",     ".5s",  "1d",
        "1S",  "1.2.3s", "1e3s", "nan",
        "inf", "0x1",    "1ms2", "18446744073709551615h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t ns;
        assert_false(shmrpci_duration_read(bad[i], &ns));
    }
}

static void units_have_their_names(void **state)
{
    (void)state;
    assert_true(shmrpci_duration_unit("msec", 2) == 1000000);
    assert_true(shmrpci_duration_unit("ns", 2) == 1);
    assert_true(shmrpci_duration_unit("d", 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(units_have_their_names),
    };
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
