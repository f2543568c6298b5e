/* Positions, lines and URIs of the language server. */
#include "generator/lsp/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static shmrpci_arena arena;

static int set_up(void **state)
{
    (void)state;
    shmrpci_arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shmrpci_arena_fini(&arena);
    return 0;
}

static lsp_lines lines_of(const char *text)
{
    lsp_lines lines;
    assert_true(lsp_lines_init(&lines, &arena, text, strlen(text)));
    return lines;
}

static void test_all_line_ends_count(void **state)
{
    (void)state;
    lsp_lines lines = lines_of("a\nb\r\nc\rd");
    assert_int_equal(lines.count, 4);
    assert_int_equal(lines.starts[1], 2);
    assert_int_equal(lines.starts[2], 5);
    assert_int_equal(lines.starts[3], 7);
}

/* Every offset at the beginning of a character survives the round trip to a
 * position and back. */
static void test_offsets_round_trip(void **state)
{
    (void)state;
    static const char text[] = "aé😀\r\n😀b\n\n\xef\xbf\xbf";
    lsp_lines lines = lines_of(text);
    for (size_t i = 0; i <= strlen(text); i++) {
        bool inside = ((unsigned char)text[i] & 0xC0) == 0x80 ||
                      (i > 0 && text[i - 1] == '\r');
        for (int e = LSP_UTF16; e <= LSP_UTF8 && !inside; e++) {
            lsp_position at = lsp_position_at(&lines, i, (lsp_encoding)e);
            assert_int_equal(lsp_offset_at(&lines, at, (lsp_encoding)e), i);
        }
    }
}

static void test_places_between_are_moved_back(void **state)
{
    (void)state;
    lsp_lines lines = lines_of("é😀x\ny");
    static const struct {
        lsp_encoding encoding;
        uint32_t line;
        uint32_t character;
        size_t offset;
    } cases[] = {
        {LSP_UTF16, 0, 1, 2},          {LSP_UTF16, 0, 2, 2},
        {LSP_UTF16, 0, 3, 6},          {LSP_UTF16, 0, 99, 7},
        {LSP_UTF8, 0, 1, 0},           {LSP_UTF8, 0, 5, 2},
        {LSP_UTF8, 0, 6, 6},           {LSP_UTF16, 1, 1, 9},
        {LSP_UTF16, 2, 0, 9},          {LSP_UTF16, UINT32_MAX, 0, 9},
        {LSP_UTF16, 0, UINT32_MAX, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lsp_position at = {cases[i].line, cases[i].character};
        print_message("case %zu\n", i);
        assert_int_equal(lsp_offset_at(&lines, at, cases[i].encoding),
                         cases[i].offset);
    }
}

static void test_reads_uris(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"file:///a/b.svc", "/a/b.svc"},
        {"file://host/a/b.svc", "/a/b.svc"},
        {"file:///a%20b/%C3%A9.svc", "/a b/\xc3\xa9.svc"},
        {"file:///a/./b//../c.svc", "/a/c.svc"},
        {"file:///../../x", "/x"},
        {"file:///a%00b", "file:///a%00b"},
        {"file:///a%4", "file:///a%4"},
        {"file:///a%", "file:///a%"},
        {"untitled:Untitled-1", "untitled:Untitled-1"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(lsp_path_of_uri(&arena, cases[i][0]), cases[i][1]);
    }
}

static void test_writes_uris(void **state)
{
    (void)state;
    assert_string_equal(lsp_uri_of_path(&arena, "/a b/\xc3\xa9#.svc"),
                        "file:///a%20b/%C3%A9%23.svc");
    assert_string_equal(lsp_uri_of_path(&arena, "untitled:x"), "untitled:x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_line_ends_count),
        cmocka_unit_test(test_offsets_round_trip),
        cmocka_unit_test(test_places_between_are_moved_back),
        cmocka_unit_test(test_reads_uris),
        cmocka_unit_test(test_writes_uris),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
