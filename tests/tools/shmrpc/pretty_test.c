/* Laying out JSON for people. */
#include "tools/shmrpc/pretty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *json, const char *expected)
{
    shmrpci_buf in;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&in);
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append_text(&in, json);
    cli_pretty(&in, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&in);
    shmrpci_buf_fini(&out);
}

static void short_values_stay_on_a_line(void **state)
{
    (void)state;
    expect("3", "3");
    expect("\"a{b,c:\\\"\"", "\"a{b,c:\\\"\"");
    expect("[]", "[]");
    expect("{\"a\":1,\"b\":[2,3]}", "{\n  \"a\": 1,\n  \"b\": [2, 3]\n}");
    expect("{\"a\":1,\"b\":2}", "{\"a\": 1, \"b\": 2}");
}

static void long_ones_get_lines(void **state)
{
    (void)state;
    expect(
        "[\"012345678901234567890123456789\","
        "\"012345678901234567890123456789\"]",
        "[\n  \"012345678901234567890123456789\",\n"
        "  \"012345678901234567890123456789\"\n]");
    expect("[[1],{\"k\":{}}]", "[\n  [1],\n  {\n    \"k\": {}\n  }\n]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_values_stay_on_a_line),
        cmocka_unit_test(long_ones_get_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
