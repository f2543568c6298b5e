/* The nearest name. */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *nearest(const char *wanted)
{
    static const char *const names[] = {"string",   "list",  "u8",
                                        "optional", "Color", "X"};
    return shmrpci_nearest_of(wanted, names, sizeof names / sizeof names[0]);
}

static void near_names_are_found(void **state)
{
    (void)state;
    assert_string_equal(nearest("strng"), "string");
    assert_string_equal(nearest("sting"), "string");
    assert_string_equal(nearest("srting"), "string");
    assert_string_equal(nearest("strings"), "string");
    assert_string_equal(nearest("String"), "string");
    assert_string_equal(nearest("Colour"), "Color");
    assert_string_equal(nearest("COLOR"), "Color");
    assert_string_equal(nearest("lst"), "list");
    assert_string_equal(nearest("x"), "X");
}

static void far_names_are_not(void **state)
{
    (void)state;
    assert_null(nearest("strangely"));
    assert_null(nearest("u9"));
    assert_null(nearest("opt"));
    assert_null(nearest(""));
    assert_null(nearest("string")); /* a name is never suggested for itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_names_are_found),
        cmocka_unit_test(far_names_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
