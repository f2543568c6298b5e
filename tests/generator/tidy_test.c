/* Tidy: removes empty lines, breaks comments, and breaks long lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "generator/tidy.h"

static void expect(const char *text, const char *expected)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    gen_tidying state = {.gap = false};
    gen_tidy(&state, text, strlen(text), &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void removes_what_templates_leave(void **state)
{
    (void)state;
    expect("\n\na;  \n\n\n\t\nb;\n\n", "a;\n\nb;\n");
    expect("f()\n{\n\n    a;\n\n}\n", "f()\n{\n    a;\n}\n");
    expect("a;", "a;\n");
    expect("", "");
}

static void leaves_what_fits(void **state)
{
    (void)state;
    const char *line =
        "int f(int a23456789, int b23456789, int c23456789, "
        "int d23456789, int e3456789);\n";
    assert_int_equal(strlen(line), 81);
    expect(line, line);
}

static void breaks_arguments_behind_commas(void **state)
{
    (void)state;
    expect(
        "int demo_echo_add(demo_echo *client, int64_t a, int64_t b, const "
        "shmrpc_opts *opts, int64_t *out, shmrpc_error *error);\n",
        "int demo_echo_add(demo_echo *client, int64_t a, int64_t b,\n"
        "                  const shmrpc_opts *opts, int64_t *out, shmrpc_error "
        "*error);\n");
    expect(
        "    return call((shmrpc_client *)client, 0, pair(first, second), "
        "pair(third, fourth), error);\n",
        "    return call((shmrpc_client *)client, 0, pair(first, second),\n"
        "                pair(third, fourth), error);\n");
}

static void leaves_calls_in_lists_whole(void **state)
{
    (void)state;
    expect(
        "        \"echo_msgpack\", ENCODING_MSGPACK_OF_MANY, 0, UINT64_C("
        "0x0123456789abcdef), 0,\n",
        "        \"echo_msgpack\", ENCODING_MSGPACK_OF_MANY, 0,\n"
        "        UINT64_C(0x0123456789abcdef), 0,\n");
}

static void breaks_far_right_arguments_below(void **state)
{
    (void)state;
    expect(
        "static int a_name_that_takes_nearly_all_of_the_line_for_itself_"
        "alone_you_see(int a, int b);\n",
        "static int a_name_that_takes_nearly_all_of_the_line_for_itself_"
        "alone_you_see(\n    int a, int b);\n");
}

static void breaks_behind_assignments(void **state)
{
    (void)state;
    expect(
        "const shmrpc_type acme_query_type = TABLE(acme_query, 40, 8, "
        "\"acme.Query\", a_bc);\n",
        "const shmrpc_type acme_query_type =\n"
        "    TABLE(acme_query, 40, 8, \"acme.Query\", a_bc);\n");
}

static void breaks_between_literals_not_inside(void **state)
{
    (void)state;
    expect(
        "    FIELD(1, \"name\", &type, \"a text with, commas, and (parens) "
        "\" \"in two parts\", NULL),\n",
        "    FIELD(1, \"name\", &type, \"a text with, commas, and (parens) "
        "\"\n          \"in two parts\", NULL),\n");
    const char *long_literal =
        "    \"a literal that is longer than a line, and can't be broken by "
        "anyone, ever\";\n";
    expect(long_literal, long_literal);
}

static void breaks_comments_at_words(void **state)
{
    (void)state;
    expect(
        "    /* A comment that is too long for a line by just about a word "
        "or two words. */\n",
        "    /* A comment that is too long for a line by just about a word "
        "or two\n     * words. */\n");
    expect(
        " * Inside a block, the margin is repeated when a line is too long "
        "for its columns.\n",
        " * Inside a block, the margin is repeated when a line is too long "
        "for its\n * columns.\n");
}

static void counts_characters_not_bytes(void **state)
{
    (void)state;
    const char *line =
        "/* \xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6"
        " exactly eighty columns and not a single one more, see "
        "*/\n";
    expect(line, line);
}

static void leaves_directives_alone(void **state)
{
    (void)state;
    const char *line =
        "#define A_MACRO_THAT_IS_TOO_LONG_FOR_ONE_LINE(but, "
        "can, not, be, broken, without, a, sign) 1\n";
    expect(line, line);
    const char *continued =
        "        .member_of_a_macro = {\"first, text\", 11, "
        "\"second, text\", 12, 13, 1, 2}, \\\n";
    expect(continued, continued);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removes_what_templates_leave),
        cmocka_unit_test(leaves_what_fits),
        cmocka_unit_test(breaks_arguments_behind_commas),
        cmocka_unit_test(leaves_calls_in_lists_whole),
        cmocka_unit_test(breaks_far_right_arguments_below),
        cmocka_unit_test(breaks_behind_assignments),
        cmocka_unit_test(breaks_between_literals_not_inside),
        cmocka_unit_test(breaks_comments_at_words),
        cmocka_unit_test(counts_characters_not_bytes),
        cmocka_unit_test(leaves_directives_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
