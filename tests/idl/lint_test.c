/* Lint: enabling, disabling and allowing rules. The findings of each rule are
 * tested with its explanation (generator/explain_test). */
#include "load.h"

#include "idl/lint.h"

/* Lints `text` and expects these codes, in the order of their places. */
static void expect(const char *text, const idl_lint_options *options,
                   const char *expected)
{
    test_load l;
    char got[256] = "";
    test_load_good(&l, text);
    assert_int_equal(idl_lint(l.schema, options, &l.arena, &l.diags),
                     SHMRPC_OK);
    for (const idl_diag *d = l.diags.first; d != NULL; d = d->next) {
        size_t len = strlen(got);
        assert_int_equal(d->severity, IDL_WARNING);
        (void)snprintf(got + len, sizeof got - len, "%sS%04d",
                       len > 0 ? " " : "", (int)d->code);
    }
    assert_string_equal(got, expected);
    test_load_fini(&l);
}

static const char untidy[] =
    "package untidy;\n"
    "struct bad_type { 1: string(..9) x; 3: u8 camelCase; }\n"
    "struct Unused { 1: u8 x; }\n"
    "service S { port 1; json f(bad_type t, string s) -> bool; }\n";

static void finds_what_it_should(void **state)
{
    (void)state;
    expect(untidy, NULL, "S1003 S1003 S1009 S1006 S1001 S1004");
}

static void strict_finds_more(void **state)
{
    static const idl_lint_options strict = {.strict = true};
    (void)state;
    expect(untidy, &strict, "S1003 S1003 S1009 S1006 S1001 S1002 S1004 S1005");
}

static void rules_can_be_disabled(void **state)
{
    static const idl_code off[] = {IDL_S_NAME_STYLE, IDL_S_UNUSED};
    static const idl_lint_options options = {.disabled = off,
                                             .disabled_count = 2};
    (void)state;
    expect(untidy, &options, "S1009 S1001 S1004");
}

static void allow_reaches_what_is_inside(void **state)
{
    (void)state;
    expect(
        "package a;\n"
        "@allow(S1001, S1004) service S {\n"
        "  port 1;\n"
        "  json f(string s, string wrongName);\n"
        "  @allow(S1003) json g(u8 wrongName);\n"
        "  json h(@allow(S1003) u8 wrongName);\n"
        "}\n",
        NULL, "S1003");
}

static void only_advice_can_be_allowed(void **state)
{
    (void)state;
    test_load_bad("package a; @allow(S0301) struct A {}", "S0703");
    test_load_bad("package a; @allow(S1099) struct A {}", "S0703");
    test_load_bad("package a; @allow struct A {}", "S0703");
    test_load_bad("package a; @allow(1003) struct A {}", "S0703");
}

static void files_without_services_are_for_others(void **state)
{
    (void)state;
    expect("package a; struct A { 1: string x; } error E = 100;", NULL, "");
}

static void records_may_hold_each_other(void **state)
{
    (void)state;
    expect(
        "package a;\n"
        "struct A { 1: list<A>(..3) a; 2: optional B b; }\n"
        "struct B { 1: optional A a; 2: map<string(..3), B>(..3) m; }\n"
        "/// Documented.\n"
        "service S { port 1; json f(A a, B b); }\n",
        NULL, "");
}

static void memory_may_end(void **state)
{
    (void)state;
    test_load l;
    test_load_good(&l, untidy);
    shmrpci_arena small;
    shmrpci_arena_init(&small, 16);
    assert_int_equal(idl_lint(l.schema, NULL, &small, &l.diags),
                     SHMRPC_E_NO_MEMORY);
    shmrpci_arena_fini(&small);
    idl_diags_init(&l.diags);
    test_load_fini(&l);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_it_should),
        cmocka_unit_test(strict_finds_more),
        cmocka_unit_test(rules_can_be_disabled),
        cmocka_unit_test(allow_reaches_what_is_inside),
        cmocka_unit_test(only_advice_can_be_allowed),
        cmocka_unit_test(files_without_services_are_for_others),
        cmocka_unit_test(records_may_hold_each_other),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
