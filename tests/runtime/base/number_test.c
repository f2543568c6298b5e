/* Numbers as text. */
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void whole_numbers_are_read(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(shmrpci_number_read("0", 0, 0, &value));
    assert_int_equal(value, 0);
    assert_true(shmrpci_number_read("0064", 1, 64, &value));
    assert_int_equal(value, 64);
    assert_true(
        shmrpci_number_read("18446744073709551615", 0, UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

static void what_is_none_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "x",
                                      "0x1",
                                      "1.0",
                                      "1\n",
                                      "0",
                                      "65",
                                      "18446744073709551616",
                                      "99999999999999999999999",
                                      "\xd9\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value = 7;
        assert_false(shmrpci_number_read(bad[i], 1, 64, &value));
        assert_int_equal(value, 7);
    }
    uint64_t value = 7;
    assert_false(
        shmrpci_number_read("18446744073709551616", 0, UINT64_MAX, &value));
    assert_false(
        shmrpci_number_read("184467440737095516150", 0, UINT64_MAX, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read),
        cmocka_unit_test(what_is_none_changes_nothing),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
