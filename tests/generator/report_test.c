/* Report: the closing line and the colours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "generator/report.h"

typedef struct fixture {
    shmrpci_arena arena;
    idl_memory memory;
    idl_diags diags;
    const idl_source *source;
    shmrpci_buf out;
} fixture;

static void set_up(fixture *f)
{
    memset(f, 0, sizeof *f);
    shmrpci_arena_init(&f->arena, 0);
    f->memory.arena = &f->arena;
    idl_diags_init(&f->diags);
    f->diags.memory = &f->memory;
    size_t bad = 0;
    const char *text = "struct A {\n  1: u23 x;\n}\n";
    assert_int_equal(idl_source_from_text(&f->arena, "a.svc", text,
                                          strlen(text), &f->source, &bad),
                     SHMRPC_OK);
    shmrpci_buf_init_heap(&f->out);
}

static void tear_down(fixture *f)
{
    shmrpci_buf_fini(&f->out);
    shmrpci_arena_fini(&f->arena);
}

static void report_one(fixture *f, idl_code code)
{
    idl_span span = {f->source, 16, 19};
    (void)idl_report(&f->diags, code, span, "unknown type `u23`");
}

static void says_nothing_of_nothing(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    gen_report(&f.diags, GEN_COLOUR_ALWAYS, &f.out);
    assert_int_equal(f.out.len, 0);
    tear_down(&f);
}

static void counts_at_the_end(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    report_one(&f, IDL_S_UNKNOWN_NAME);
    gen_report(&f.diags, GEN_COLOUR_NEVER, &f.out);
    assert_non_null(strstr(shmrpci_buf_text(&f.out),
                           "a.svc:2:6: error[S0301]: unknown type `u23`\n"));
    assert_non_null(strstr(shmrpci_buf_text(&f.out), "\n1 error\n"));
    assert_null(strchr(shmrpci_buf_text(&f.out), '\033'));
    tear_down(&f);
}

static void counts_warnings_apart(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    report_one(&f, IDL_S_UNKNOWN_NAME);
    report_one(&f, IDL_S_DUPLICATE_NAME);
    report_one(&f, IDL_S_IMPORT_UNUSED);
    gen_report(&f.diags, GEN_COLOUR_NEVER, &f.out);
    assert_non_null(
        strstr(shmrpci_buf_text(&f.out), "\n2 errors, 1 warning\n"));
    tear_down(&f);
}

static void colours_head_and_mark(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    report_one(&f, IDL_S_UNKNOWN_NAME);
    gen_report(&f.diags, GEN_COLOUR_ALWAYS, &f.out);
    const char *text = shmrpci_buf_text(&f.out);
    assert_non_null(strstr(text,
                           "\033[1ma.svc:2:6: \033[1;31merror[S0301]:"
                           "\033[0m\033[1m unknown type `u23`\033[0m\n"));
    assert_non_null(strstr(text, "\033[1;32m"));
    assert_non_null(strstr(text, "^~~\033[0m\n"));
    assert_non_null(strstr(text, "1: u23 x;\n"));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_nothing_of_nothing),
        cmocka_unit_test(counts_at_the_end),
        cmocka_unit_test(counts_warnings_apart),
        cmocka_unit_test(colours_head_and_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
