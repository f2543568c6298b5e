/* Lines with a caret below them. */
#include "base/excerpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *line, size_t begin, size_t end,
                   const char *expected)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_excerpt(line, strlen(line), 12, begin, end, &out);
    assert_string_equal(shmrpci_buf_text(&out), expected);
    shmrpci_buf_fini(&out);
}

static void the_part_is_marked(void **state)
{
    (void)state;
    expect("port = x", 7, 8, "   12 | port = x\n      |        ^\n");
    expect("port = xyz", 7, 10, "   12 | port = xyz\n      |        ^~~\n");
    expect("", 0, 0, "   12 | \n      | ^\n");
}

static void only_the_line_is_marked(void **state)
{
    (void)state;
    expect("ab", 1, 100, "   12 | ab\n      |  ^\n");
    expect("ab", 2, 100, "   12 | ab\n      |   ^\n");
}

static void characters_count_not_bytes(void **state)
{
    (void)state;
    expect("\tä=öö", 4, 8, "   12 | \tä=öö\n      | \t  ^~\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_part_is_marked),
        cmocka_unit_test(only_the_line_is_marked),
        cmocka_unit_test(characters_count_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
