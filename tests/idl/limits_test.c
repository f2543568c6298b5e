/* Tests each limit of limits.h: exceeding it gives a diagnostic or a status. */
#include <stdlib.h>

#include "idl/limits.h"
#include "load.h"

/* `head`, then `count` copies of `item` with its number replacing %d, then
 * `tail`. */
static char *repeat(const char *head, const char *item, int count,
                    const char *tail)
{
    size_t size =
        strlen(head) + strlen(tail) + 1 + (size_t)count * (strlen(item) + 24);
    char *text = malloc(size);
    assert_non_null(text);
    size_t len = (size_t)snprintf(text, size, "%s", head);
    for (int i = 0; i < count; i++) {
        const char *at = strstr(item, "%d");
        int before = at != NULL ? (int)(at - item) : (int)strlen(item);
        len += (size_t)snprintf(text + len, size - len, "%.*s", before, item);
        if (at != NULL) {
            len += (size_t)snprintf(text + len, size - len, "%d%s", i, at + 2);
        }
    }
    (void)snprintf(text + len, size - len, "%s", tail);
    return text;
}

static void too_many_errors(void **state)
{
    (void)state;
    char *text = repeat("package p;\nstruct A {\n", "u9 f%d;\n", 300, "}\n");
    test_load l;
    test_load_text(&l, text);
    assert_int_equal(l.diags.error_count, IDL_MAX_ERRORS + 1);
    assert_non_null(
        strstr(shmrpci_buf_text(&l.rendered), "error[S0008]: too many errors"));
    test_load_fini(&l);
    free(text);
}

static void too_many_members(void **state)
{
    (void)state;
    char *text = repeat("package p;\nstruct A {\n", "u8 f%d;\n",
                        IDL_MAX_MEMBERS + 1, "}\n");
    test_load_bad(text, "error[S0411]");
    free(text);
    text = repeat("package p;\nenum A {\n", "F%d = 0;\n", IDL_MAX_MEMBERS + 1,
                  "}\n");
    test_load_bad(text, "error[S0411]");
    free(text);
}

static void too_many_methods(void **state)
{
    (void)state;
    char *text = repeat("package p;\nservice S { port 1;\n", "json f%d();\n",
                        IDL_MAX_METHODS, "}\n");
    test_load l;
    test_load_good(&l, text);
    assert_int_equal(l.schema->services[0]->method_count, IDL_MAX_METHODS);
    test_load_fini(&l);
    free(text);
    text = repeat("package p;\nservice S { port 1;\n", "json f%d();\n",
                  IDL_MAX_METHODS + 1, "}\n");
    test_load_bad(text, "error[S0411]");
    free(text);
}

static void tags_run_out(void **state)
{
    (void)state;
    test_load_bad("package p; struct A { reserved 1..65535; u8 x; }",
                  "error[S0501]");
    char *text = repeat("package p; service S { port 1; json f(u8 x",
                        ", u8 f%d", IDL_MAX_PARAM_TAG, "); }");
    test_load_bad(text, "error[S0501]");
    free(text);
}

static void not_text(void **state)
{
    (void)state;
    test_load_bad("package p; // \xff\n", "error[S0002]");
    test_load l;
    test_load_init(&l, 0);
    assert_int_equal(
        idl_load_text(NULL, "t", "a\0b", 3, &l.arena, &l.diags, &l.schema),
        SHMRPC_E_INVALID);
    test_load_fini(&l);
}

static void too_large(void **state)
{
    (void)state;
    char *text = repeat("package p;", " ", (int)IDL_MAX_FILE_BYTES, "");
    test_load_bad(text, "error[S0003]");
    free(text);
}

/* Serves files of which each imports the next, without end. */
static shmrpc_status read_endless(shmrpci_arena *arena, const char *path,
                                  const idl_source **out, size_t *bad_offset,
                                  void *user)
{
    char text[64];
    int *number = user;
    int len =
        snprintf(text, sizeof text, "package p;\nimport \"f%d\";\n", ++*number);
    return idl_source_from_text(arena, path, text, (size_t)len, out,
                                bad_offset);
}

static void too_many_files(void **state)
{
    (void)state;
    int number = 0;
    idl_options options = {.read = read_endless, .user = &number};
    test_load l;
    test_load_init(&l, 0);
    l.status = idl_load(&options, "f0", &l.arena, &l.diags, &l.schema);
    idl_diags_render(&l.diags, &l.rendered);
    assert_int_equal(l.status, SHMRPC_E_INVALID);
    assert_non_null(strstr(shmrpci_buf_text(&l.rendered), "error[S0004]"));
    test_load_fini(&l);
}

static const char sample[] =
    "package p;\nenum E { A = 0; }\nunion U { 1: E e; 2: list<U> us; }\n"
    "struct S { 1: map<string, U> m; 2: u9 wrong; }\n"
    "service T { port 1; json f(S s) -> stream U }\n";

/* Wherever memory runs out, the result is a status, and nothing leaks (the
 * address sanitizer would report it). */
static void memory_ends_anywhere(void **state)
{
    (void)state;
    size_t failures = 0;
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    for (size_t limit = 64; status == SHMRPC_E_NO_MEMORY; limit += 1024) {
        test_load l;
        test_load_init(&l, limit);
        status = idl_load_text(NULL, "t", sample, strlen(sample), &l.arena,
                               &l.diags, &l.schema);
        failures += status == SHMRPC_E_NO_MEMORY;
        test_load_fini(&l);
    }
    assert_int_equal(status, SHMRPC_E_INVALID);
    assert_true(failures > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_errors),
        cmocka_unit_test(too_many_members),
        cmocka_unit_test(too_many_methods),
        cmocka_unit_test(tags_run_out),
        cmocka_unit_test(not_text),
        cmocka_unit_test(too_large),
        cmocka_unit_test(too_many_files),
        cmocka_unit_test(memory_ends_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
