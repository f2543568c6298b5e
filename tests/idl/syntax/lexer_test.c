/* Tokens: their values and positions. */
#include "idl/syntax/token.h"
#include "load.h"

/* Lexes `text` and compares the dump of its tokens. */
static void assert_tokens(const char *text, const char *expected)
{
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf out;
    const idl_source *source = NULL;
    size_t bad_offset;
    idl_memory memory = {.arena = &arena};
    shmrpci_arena_init(&arena, 0);
    assert_int_equal(idl_source_from_text(&arena, "t", text, strlen(text),
                                          &source, &bad_offset),
                     SHMRPC_OK);
    idl_diags_init(&diags);
    diags.memory = &memory;
    idl_tokens tokens = idl_lex(source, diags.memory, &diags);
    shmrpci_buf_init_heap(&out);
    idl_dump_tokens(&tokens, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
    shmrpci_arena_fini(&arena);
}

static void numbers_and_ranges(void **state)
{
    (void)state;
    assert_tokens("64K 0G ..16M",
                  "1:1 an integer 64K\n1:5 an integer 0G\n1:8 `..` ..\n"
                  "1:10 an integer 16M\n1:13 end of file\n");
    assert_tokens("1..64 0.5..2.0 ..9 0x1F 1e5 2.5E-3",
                  "1:1 an integer 1\n1:2 `..` ..\n1:4 an integer 64\n"
                  "1:7 a number 0.5\n1:10 `..` ..\n1:12 a number 2.0\n"
                  "1:16 `..` ..\n1:18 an integer 9\n1:20 an integer 0x1F\n"
                  "1:25 a number 1e5\n1:29 a number 2.5E-3\n"
                  "1:35 end of file\n");
}

static void durations(void **state)
{
    (void)state;
    assert_tokens("2s 1ms 3m 10ns 7us 1h",
                  "1:1 a duration 2s\n1:4 a duration 1ms\n1:8 a duration 3m\n"
                  "1:11 a duration 10ns\n1:16 a duration 7us\n"
                  "1:20 a duration 1h\n1:22 end of file\n");
}

static void comments(void **state)
{
    (void)state;
    assert_tokens("a // b\n/// c\n//// d\n//\n///\n//",
                  "1:1 a name a\n2:1 `///` /// c\n5:1 `///` ///\n"
                  "6:3 end of file\n");
}

static void keywords_and_signs(void **state)
{
    (void)state;
    assert_tokens("struct structs @x->-1",
                  "1:1 keyword struct\n1:8 a name structs\n1:16 `@` @\n"
                  "1:17 a name x\n1:18 `->` ->\n1:20 `-` -\n"
                  "1:21 an integer 1\n1:22 end of file\n");
}

static void strings(void **state)
{
    (void)state;
    assert_tokens("\"a\\\"b\" \"\" \"\\\\\"",
                  "1:1 a string \"a\\\"b\"\n1:8 a string \"\"\n"
                  "1:11 a string \"\\\\\"\n1:15 end of file\n");
}

static void columns_count_characters(void **state)
{
    (void)state;
    assert_tokens("\"\xc3\xa4\xe6\x97\xa5\"\tx\r\ny",
                  "1:1 a string \"\xc3\xa4\xe6\x97\xa5\"\n1:6 a name x\n"
                  "2:1 a name y\n2:2 end of file\n");
}

static void empty_text(void **state)
{
    (void)state;
    assert_tokens("", "1:1 end of file\n");
    assert_tokens("\n", "2:1 end of file\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_ranges),
        cmocka_unit_test(durations),
        cmocka_unit_test(comments),
        cmocka_unit_test(keywords_and_signs),
        cmocka_unit_test(strings),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(empty_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
