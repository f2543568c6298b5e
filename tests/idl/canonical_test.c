/* Canonical text: which changes affect it, and which don't. */
#include "load.h"

static const char base[] =
    "package p;\n"
    "struct A { 1: u8 x; 2: string y = \"s\"; }\n"
    "enum E { N = 0; M = 1; }\n"
    "service S { port 1; json f(A a, E e); }\n";

/* The hash of the first method of `text`, or of the service. */
static uint64_t hash_of(const char *text, bool of_method)
{
    test_load l;
    test_load_good(&l, text);
    const idl_service *service = l.schema->services[0];
    uint64_t hash = of_method ? service->methods[0].hash : service->hash;
    test_load_fini(&l);
    return hash;
}

static void assert_same(const char *text)
{
    assert_true(hash_of(base, true) == hash_of(text, true));
    assert_true(hash_of(base, false) == hash_of(text, false));
}

static void assert_differs(const char *text)
{
    assert_true(hash_of(base, true) != hash_of(text, true));
    assert_true(hash_of(base, false) != hash_of(text, false));
}

static void spelling_does_not_count(void **state)
{
    (void)state;
    assert_same(
        "package p;\n"
        "service S { name \"s\"; version 1; port 0x1;\n"
        "  /// docs\n  @deprecated json f(1: p.A a, 2: B e); }\n"
        "type B = E; const string D = \"s\"; type T = u8;\n"
        "enum E { M = 1; N = 0; reserved 7; }\n"
        "struct A { 2: string y = D; 1: T x; reserved 3; }\n"
        "struct Unused { 1: u8 x; }\n");
}

static void names_tags_bounds_and_defaults_count(void **state)
{
    (void)state;
    static const char *const others[] = {
        "struct A { 1: u8 z; 2: string y = \"s\"; }\n",
        "struct A { 1: u8 x; 3: string y = \"s\"; }\n",
        "struct A { 1: u8(..9) x; 2: string y = \"s\"; }\n",
        "struct A { 1: u8 x; 2: string y = \"t\"; }\n",
        "struct A { 1: u8 x; 2: string y; }\n",
        "struct A { 1: u8 x; 2: optional string y; }\n",
        "struct A { 1: u16 x; 2: string y = \"s\"; }\n",
        "@compact struct A { 1: u8 x; 2: string y = \"s\"; }\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "package p;\n%senum E { N = 0; M = 1; }\n"
                       "service S { port 1; json f(A a, E e); }\n",
                       others[i]);
        assert_differs(text);
    }
}

static void method_counts(void **state)
{
    (void)state;
    static const char *const others[] = {
        "msgpack f(A a, E e);", "json g(A a, E e);", "json f(A b, E e);",
        "json f(E a, A e);",    "json f(A a);",      "json f(A a, E e) -> u8;",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "package p;\n"
                       "struct A { 1: u8 x; 2: string y = \"s\"; }\n"
                       "enum E { N = 0; M = 1; }\n"
                       "service S { port 1; %s }\n",
                       others[i]);
        assert_differs(text);
    }
}

static void order_of_methods_counts_for_the_service(void **state)
{
    (void)state;
    const char *one = "package p; service S { port 1; json f(); json g(); }";
    const char *two = "package p; service S { port 1; json g(); json f(); }";
    assert_true(hash_of(one, false) != hash_of(two, false));
}

static void numbers_are_shortest(void **state)
{
    (void)state;
    static const struct {
        idl_kind kind;
        double f;
        const char *text;
    } rows[] = {
        {IDL_F64, 0.1, "0.1"},
        {IDL_F64, 1.0 / 3, "0.3333333333333333"},
        {IDL_F32, (float)0.1, "0.1"},
        {IDL_F64, 2, "2"},
        {IDL_F64, 1e300, "1e+300"},
        {IDL_F64, 123456789.0, "123456789"},
        {IDL_F32, 16777216, "16777216"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        idl_canonical_number(rows[i].kind, (idl_number){.f = rows[i].f}, &out);
        assert_string_equal(shmrpci_buf_text(&out), rows[i].text);
        shmrpci_buf_fini(&out);
    }
}

/* The expected numbers are from sha256sum, for example `printf 'abc' |
 * sha256sum`. */
static void hash_is_the_head_of_sha256(void **state)
{
    (void)state;
    assert_true(idl_canonical_hash("abc", 3) == UINT64_C(0xba7816bf8f01cfea));
    assert_true(idl_canonical_hash("", 0) == UINT64_C(0xe3b0c44298fc1c14));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_does_not_count),
        cmocka_unit_test(names_tags_bounds_and_defaults_count),
        cmocka_unit_test(method_counts),
        cmocka_unit_test(order_of_methods_counts_for_the_service),
        cmocka_unit_test(numbers_are_shortest),
        cmocka_unit_test(hash_is_the_head_of_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
