/* Splitting bytes into lines, and making them safe to show. */
#include "tools/shmrpcd/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct seen {
    size_t count;
    mgr_line last;
    char text[MGR_LINE_BYTES + 1]; /* text of the last line */
} seen;

static void on_line(void *user, const mgr_line *line)
{
    seen *s = user;
    s->count++;
    s->last = *line;
    memcpy(s->text, line->text, line->len);
    s->text[line->len] = '\0';
}

static mgr_lines stream;

static void feed(seen *s, const char *text, int64_t unix_ms)
{
    mgr_lines_feed(&stream, text, strlen(text), unix_ms, on_line, s);
}

static int setup(void **state)
{
    static seen s;
    memset(&stream, 0, sizeof stream);
    memset(&s, 0, sizeof s);
    *state = &s;
    return 0;
}

static void pieces_become_lines(void **state)
{
    seen *s = *state;
    feed(s, "he", 10);
    feed(s, "llo", 20);
    assert_int_equal(s->count, 0);
    feed(s, "\nwor", 30);
    assert_int_equal(s->count, 1);
    assert_string_equal(s->text, "hello");
    assert_int_equal(s->last.unix_ms, 10); /* when the line began */
    feed(s, "ld\r\n\n", 40);
    assert_int_equal(s->count, 3);
    assert_int_equal(s->last.len, 0);
    feed(s, "half", 50);
    mgr_lines_flush(&stream, on_line, s);
    assert_int_equal(s->count, 4);
    assert_string_equal(s->text, "half");
    mgr_lines_flush(&stream, on_line, s);
    mgr_lines_end(&stream, on_line, s);
    assert_int_equal(s->count, 4);
}

static void long_lines_are_cut_once(void **state)
{
    seen *s = *state;
    static char block[100000];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 100; i++) {
        mgr_lines_feed(&stream, block, sizeof block, 1, on_line, s);
        mgr_lines_flush(&stream, on_line, s);
    }
    assert_int_equal(s->count, 0); /* the line has not ended yet */
    feed(s, "\nnext\n", 2);
    assert_int_equal(s->count, 2);
    assert_string_equal(s->text, "next");
    assert_false(s->last.truncated);
    mgr_lines_feed(&stream, block, sizeof block, 3, on_line, s);
    mgr_lines_end(&stream, on_line, s);
    assert_int_equal(s->count, 3);
    assert_true(s->last.truncated);
    assert_int_equal(s->last.len, MGR_LINE_BYTES);
}

static void inert(const char *data, size_t len, const char *wanted)
{
    char out[MGR_LINE_BYTES];
    bool truncated = false;
    size_t used = mgr_text_inert(data, len, out, &truncated);
    assert_int_equal(used, strlen(wanted));
    assert_memory_equal(out, wanted, used);
    assert_false(truncated);
}

static void text_is_harmless(void **state)
{
    (void)state;
    inert("a\tb", 3, "a\tb");
    inert("\x1b[31mred\x07", 9, "\\x1b[31mred\\x07");
    inert("\0\x7f", 2, "\\x00\\x7f");
    inert("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    inert("\xc2\x85", 2, "\\xc2\\x85");                   /* U+0085 */
    inert("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");          /* U+202E */
    inert("\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6");          /* U+2066 */
    inert("\xd8\x9c", 2, "\\xd8\\x9c");                   /* U+061C */
    inert("\xe2\x80\x94", 3, "\xe2\x80\x94");             /* a dash */
    inert("\xff\xc3", 2, "\\xff\\xc3");                   /* not UTF-8 */
    inert("\xf0\x9f\x90\xa2 x", 6, "\xf0\x9f\x90\xa2 x"); /* a turtle */
    inert("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");          /* a surrogate */
}

/* Any input gives UTF-8 of limited length without control sequences. */
static void any_bytes_become_text(void **state)
{
    (void)state;
    static char data[MGR_LINE_BYTES];
    static char out[MGR_LINE_BYTES];
    srand(7);
    for (int round = 0; round < 200; round++) {
        size_t len = (size_t)rand() % sizeof data;
        for (size_t i = 0; i < len; i++) {
            data[i] = (char)(rand() % (round % 2 == 0 ? 256 : 160));
        }
        bool truncated = false;
        size_t used = mgr_text_inert(data, len, out, &truncated);
        assert_true(used <= sizeof out);
        for (size_t i = 0; i < used; i++) {
            assert_true((unsigned char)out[i] >= 0x20 || out[i] == '\t');
            assert_int_not_equal(out[i], 0x7f);
        }
    }
}

static void level(const char *text, mgr_level wanted)
{
    if (mgr_level_of(text, strlen(text)) != wanted) {
        fail_msg("\"%s\" has level %d, not %d", text,
                 (int)mgr_level_of(text, strlen(text)), (int)wanted);
    }
}

/* Marks of shmrpc_log also contain thread and call. Text that is not a mark
 * belongs to the line. */
static void threads_and_calls_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        mgr_level level;
        int32_t thread;
        uint64_t call;
        const char *text;
    } cases[] = {
        {"<4;71;1f>disk", MGR_LEVEL_WARNING, 71, 0x1f, "disk"},
        {"<6;7;0>", MGR_LEVEL_INFO, 7, 0, ""},
        {"<2;1;ffffffffffffffff>x", MGR_LEVEL_CRITICAL, 1, UINT64_MAX, "x"},
        {"<4;71;1f", MGR_LEVEL_INFO, 0, 0, "<4;71;1f"},
        {"<4;71>x", MGR_LEVEL_INFO, 0, 0, "<4;71>x"},
        {"<4;-1;0>x", MGR_LEVEL_INFO, 0, 0, "<4;-1;0>x"},
        {"<4;9999999999;0>x", MGR_LEVEL_INFO, 0, 0, "<4;9999999999;0>x"},
        {"<4;1;11112222333344445>x", MGR_LEVEL_INFO, 0, 0,
         "<4;1;11112222333344445>x"},
        {"<9;1;1>x", MGR_LEVEL_INFO, 0, 0, "<9;1;1>x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mgr_lines lines = {.origin = MGR_ORIGIN_STDERR};
        seen s = {.count = 0};
        mgr_lines_feed(&lines, cases[i].line, strlen(cases[i].line), 1, on_line,
                       &s);
        mgr_lines_end(&lines, on_line, &s);
        assert_int_equal(s.count, 1);
        assert_int_equal(s.last.level, cases[i].level);
        assert_int_equal(s.last.thread, cases[i].thread);
        assert_true(s.last.call == cases[i].call);
        assert_int_equal(s.last.len, strlen(cases[i].text));
        assert_memory_equal(s.text, cases[i].text, s.last.len);
    }
}

static void levels_are_seen(void **state)
{
    (void)state;
    level("hello", MGR_LEVEL_INFO);
    level("", MGR_LEVEL_INFO);
    level("<3>disk", MGR_LEVEL_ERROR);
    level("<7>tick", MGR_LEVEL_DEBUG);
    level("<8>no", MGR_LEVEL_INFO);
    level("<3", MGR_LEVEL_INFO);
    level("error: no such file", MGR_LEVEL_ERROR);
    level("echo_serv: error: EXISTS: taken", MGR_LEVEL_ERROR);
    level("WARNING something", MGR_LEVEL_WARNING);
    level("[warn] something", MGR_LEVEL_WARNING);
    level("2026-01-01 12:00:00 [DEBUG] x", MGR_LEVEL_DEBUG);
    level("12:00 NOTICE: x", MGR_LEVEL_NOTICE);
    level("==12==ERROR: AddressSanitizer: x", MGR_LEVEL_ERROR);
    level("Fatal: x", MGR_LEVEL_CRITICAL);
    level("no error here", MGR_LEVEL_INFO);
    level("an information: x", MGR_LEVEL_INFO);
    level("errors: 0", MGR_LEVEL_INFO);
    level("ERROR", MGR_LEVEL_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pieces_become_lines, setup),
        cmocka_unit_test_setup(long_lines_are_cut_once, setup),
        cmocka_unit_test(text_is_harmless),
        cmocka_unit_test(any_bytes_become_text),
        cmocka_unit_test(threads_and_calls_are_seen),
        cmocka_unit_test(levels_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
