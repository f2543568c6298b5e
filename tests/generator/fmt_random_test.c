/* Formatting never changes the meaning of a .svc, and formatting the result
 * again changes nothing. Tests 500 random services, or 50,000 with
 * SHMRPC_TEST_LONG=1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idl/idl.h"
#include "idl/syntax/format.h"
#include "random_svc.h"

#define ROUNDS      500
#define ROUNDS_LONG 50000

static shmrpci_arena arena;
static idl_diags diags;

static const idl_service *load(const char *text)
{
    const idl_schema *schema = NULL;
    idl_diags_init(&diags);
    if (idl_load_text(NULL, "random.svc", text, strlen(text), &arena, &diags,
                      &schema) != SHMRPC_OK) {
        fail_msg("does not load:\n%s", text);
    }
    assert_int_equal(schema->service_count, 1);
    return schema->services[0];
}

static const char *format(const char *text, shmrpci_buf *out)
{
    shmrpci_buf_init_heap(out);
    idl_diags_init(&diags);
    assert_int_equal(
        idl_format("random.svc", text, strlen(text), &arena, &diags, out),
        SHMRPC_OK);
    return shmrpci_buf_text(out);
}

static void random_services(void **state)
{
    (void)state;
    bool is_long = getenv("SHMRPC_TEST_LONG") != NULL;
    for (uint64_t seed = 1; seed <= (is_long ? ROUNDS_LONG : ROUNDS); seed++) {
        random_svc service;
        shmrpci_buf source;
        shmrpci_buf once;
        shmrpci_buf twice;
        uint64_t random = seed;
        shmrpci_arena_init(&arena, 0);
        shmrpci_buf_init_heap(&source);
        random_svc_make(&service, &random);
        random_svc_print(&service, &source);
        const char *before = shmrpci_buf_text(&source);
        const char *after = format(before, &once);
        assert_string_equal(format(after, &twice), after);
        const idl_service *wanted = load(before);
        const idl_service *got = load(after);
        assert_string_equal(got->text, wanted->text);
        assert_int_equal(got->hash, wanted->hash);
        shmrpci_buf_fini(&source);
        shmrpci_buf_fini(&once);
        shmrpci_buf_fini(&twice);
        shmrpci_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_services)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
