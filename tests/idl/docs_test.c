/* Checks that the examples in docs/language.md that are complete files load,
 * and that they are formatted. */
#include <stdlib.h>

#include "cases.h"
#include "idl/syntax/format.h"
#include "load.h"

static const char fence[] = "\n```svc\n";

static void assert_formatted(const char *text)
{
    test_load l;
    test_load_init(&l, 0);
    assert_int_equal(idl_format("page.svc", text, strlen(text), &l.arena,
                                &l.diags, &l.rendered),
                     SHMRPC_OK);
    if (strcmp(shmrpci_buf_text(&l.rendered), text) != 0) {
        cases_print_diff(shmrpci_buf_text(&l.rendered), text);
        fail();
    }
    test_load_fini(&l);
}

/* Loads the example at `at`; returns the end of the example. */
static char *load_example(char *at)
{
    char *end = strstr(at, "\n```");
    assert_non_null(end);
    end[1] = '\0'; /* the last line end is part of the example */
    test_load l;
    assert_formatted(at);
    test_load_text(&l, at);
    if (l.status != SHMRPC_OK || l.rendered.len > 0) {
        (void)printf("%s\n%s", at, shmrpci_buf_text(&l.rendered));
    }
    assert_int_equal(l.status, SHMRPC_OK);
    assert_int_equal(l.rendered.len, 0);
    test_load_fini(&l);
    return end + 2;
}

static void examples_load(void **state)
{
    (void)state;
    size_t count = 0;
    char *text = cases_read(IDL_LANGUAGE_PAGE);
    assert_non_null(text);
    for (char *at = strstr(text, fence); at != NULL; at = strstr(at, fence)) {
        at = load_example(at + strlen(fence));
        count++;
    }
    assert_true(count >= 8);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_load)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
