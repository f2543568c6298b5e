/* Python literals: writing, reading, and refusing them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/any_ext.h"
#include "codec/python_text.h"

static shmrpci_arena arena;
static shmrpci_buf buf;

static int begin(void **state)
{
    (void)state;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shmrpci_arena_fini(&arena);
    shmrpci_buf_fini(&buf);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static shmrpc_any read_text(const char *text)
{
    shmrpc_any value;
    shmrpc_error error = {0};
    if (shmrpci_python_read(text, strlen(text), &arena, &value, &error) !=
        SHMRPC_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    return value;
}

static const char *write_text(const shmrpc_any *value)
{
    shmrpc_error error = {0};
    shmrpci_buf_reset(&buf);
    if (shmrpci_python_write(value, &buf, &error) != SHMRPC_OK) {
        fail_msg("%s", error.message);
    }
    return shmrpci_buf_text(&buf);
}

/* How a text that was read is written again; NULL: unchanged. */
static const struct {
    const char *text;
    const char *repr;
} rows[] = {
    {"None", NULL},
    {" True # yes\n", "True"},
    {"False", NULL},
    {"0", NULL},
    {"-1", NULL},
    {"- + 5", "-5"},
    {"1_000_000", "1000000"},
    {"0xFF", "255"},
    {"0b101", "5"},
    {"-0o17", "-15"},
    {"18446744073709551615", NULL},
    {"-340282366920938463463374607431768211456", NULL},
    {"1.5", NULL},
    {"1.", "1.0"},
    {".5", "0.5"},
    {"-0.0", NULL},
    {"1e5", "100000.0"},
    {"1e999", NULL},
    {"-1e999", NULL},
    {"float('nan')", NULL},
    {"float('-inf')", "-1e999"},
    {"2j", "(0.0+2.0j)"},
    {"1-2.5j", "(1.0-2.5j)"},
    {"(1+2j)", "(1.0+2.0j)"},
    {"'text'", NULL},
    {"\"it's\"", NULL},
    {"'\"'", NULL},
    {"'a\\n\\t\\\\\\x41\\u00e4\\101'",
     "'a\\n\\t\\\\A\xC3\xA4"
     "A'"},
    {"'\\U0001F600'", "'\xF0\x9F\x98\x80'"},
    {"r'\\d'", "'\\\\d'"},
    {"'''a\n'b'''", "\"a\\n'b\""},
    {"'one' \"two\"", "'onetwo'"},
    {"b'\\x00\\xff'", NULL},
    {"rb'\\x'", "b'\\\\x'"},
    {"[]", NULL},
    {"[1, [2, 3,],]", "[1, [2, 3]]"},
    {"()", NULL},
    {"(1,)", NULL},
    {"(1)", "1"},
    {"(1, 'a')", NULL},
    {"{}", NULL},
    {"{'a': 1, 2: [3], (1, 2): None}", NULL},
    {"set()", NULL},
    {"{1, 2}", NULL},
    {"frozenset()", NULL},
    {"frozenset({1, 'x'})", NULL},
    {"set([1, 2])", "{1, 2}"},
    {"Decimal('1.50')", NULL},
    {"Ext(11, b'0123456789abcdef')", NULL},
};

static void literals_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *repr = rows[i].repr != NULL ? rows[i].repr : rows[i].text;
        shmrpc_any value = read_text(rows[i].text);
        assert_string_equal(write_text(&value), repr);
        shmrpc_any again = read_text(shmrpci_buf_text(&buf));
        assert_true(shmrpc_any_equal(&value, &again));
        assert_int_equal(shmrpc_any_check(&value, NULL), SHMRPC_OK);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        {"", "expected a literal (at byte 0)"},
        {"1 2", "expected the end (at byte 2)"},
        {"[1, 2", "expected a comma or a closing bracket (at byte 5)"},
        {"[1 2]", "expected a comma or a closing bracket (at byte 3)"},
        {"{1: 2, 3}", "expected a colon (at byte 8)"},
        {"{1, 2: 3}", "expected a comma (at byte 6)"},
        {"'a", "expected the end of the text (at byte 2)"},
        {"'\\q'", "expected an escape (at byte 2)"},
        {"'\\ud800'", "expected a character (at byte 7)"},
        {"b'\xC3\xA4'", "expected ASCII, or an escape (at byte 3)"},
        {"'\xFF'", "expected UTF-8 before this (at byte 3)"},
        {"1x", "expected the end of the number (at byte 1)"},
        {"0xg", "expected digits (at byte 2)"},
        {"1+2", "expected an imaginary number (at byte 3)"},
        {"1__0", "expected the end of the number (at byte 1)"},
        {"exit()", "expected a literal (at byte 0)"},
        {"Decimal('x')",
         "expected the text of a decimal number before this (at byte 12)"},
        {"Ext(300, b'')",
         "expected a number and bytes before this (at byte "
         "13)"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shmrpc_any value;
        shmrpc_error error = {0};
        assert_int_equal(shmrpci_python_read(bad[i].text, strlen(bad[i].text),
                                             &arena, &value, &error),
                         SHMRPC_E_INVALID);
        assert_string_equal(error.message, bad[i].message);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[200];
    shmrpc_any value;
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    assert_int_equal(
        shmrpci_python_read(text, sizeof text, &arena, &value, NULL),
        SHMRPC_E_INVALID);
    assert_int_equal(shmrpci_python_read(text + 40, 120, &arena, &value, NULL),
                     SHMRPC_OK);
    (void)write_text(&value);
}

/* For arbitrary bytes, the reader returns a status. */
static void any_text_is_judged(void **state)
{
    (void)state;
    static const char alphabet[] =
        "[](){}'\"\\,:.-+ 019_abejnrtuxEN#\n\xC3\xA4";
    uint64_t seed = 1;
    for (int i = 0; i < 50000; i++) {
        char text[24];
        shmrpc_any value;
        size_t len = seed >> 40 & 15;
        for (size_t at = 0; at < len; at++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[at] = alphabet[(seed >> 33) % (sizeof alphabet - 1)];
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (shmrpci_python_read(text, len, &arena, &value, NULL) == SHMRPC_OK) {
            (void)write_text(&value);
            shmrpc_any again = read_text(shmrpci_buf_text(&buf));
            assert_true(shmrpc_any_equal(&value, &again));
        }
        shmrpci_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(literals_are_read_and_written),
        TEST(what_is_none_is_refused),
        TEST(depth_is_bounded),
        TEST(any_text_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
