/* JSON, appended piece by piece. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"

static void check_string(const char *text, size_t len, const char *json)
{
    char memory[128];
    shmrpci_buf out;
    shmrpci_buf_init_fixed(&out, memory, sizeof memory);
    shmrpci_json_string(&out, text, len);
    assert_string_equal(shmrpci_buf_text(&out), json);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    check_string("", 0, "\"\"");
    check_string("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    check_string("\b\t\n\f\r\v", 6, "\"\\b\\t\\n\\f\\r\\u000b\"");
    check_string("\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\"");
    check_string("\xc3\xa4\xf0\x9f\x98\x80", 6, "\"\xc3\xa4\xf0\x9f\x98\x80\"");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    check_string("a\xff\"b", 4, "\"a\xef\xbf\xbd\\\"b\"");
    check_string("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void commas_stand_between_items(void **state)
{
    (void)state;
    char memory[256];
    shmrpci_buf out;
    shmrpci_buf_init_fixed(&out, memory, sizeof memory);
    shmrpci_buf_append_char(&out, '{');
    shmrpci_json_set_text(&out, "a", "x\n");
    shmrpci_json_set_text(&out, "b", NULL);
    shmrpci_json_set_int(&out, "c", INT64_MIN);
    shmrpci_json_set_uint(&out, "d", UINT64_MAX);
    shmrpci_json_set_bool(&out, "e", true);
    shmrpci_json_set_real(&out, "f", 0.25);
    shmrpci_json_set_real(&out, "g", (double)NAN);
    shmrpci_json_set_real(&out, "h", (double)INFINITY);
    shmrpci_json_key(&out, "i");
    shmrpci_json_comma(&out);
    shmrpci_buf_append_char(&out, '[');
    shmrpci_json_comma(&out);
    shmrpci_buf_append_char(&out, '1');
    shmrpci_json_comma(&out);
    shmrpci_buf_append_text(&out, "2]}");
    assert_string_equal(
        shmrpci_buf_text(&out),
        "{\"a\":\"x\\n\",\"b\":null,\"c\":-9223372036854775808,"
        "\"d\":18446744073709551615,\"e\":true,\"f\":0.25,\"g\":null,"
        "\"h\":null,\"i\":[1,2]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(commas_stand_between_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
