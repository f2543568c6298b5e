/*
 * Tests the language by examples: each file in cases/good loads without
 * diagnostics and survives the round trip through its canonical text; each file
 * in cases/bad gives exactly the diagnostics in its .expected file.
 *
 * To run a single case: `cases_test bad/port.svc`. After changing messages, run
 * `IDL_UPDATE=1 cases_test` and review the changed files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cases.h"
#include "idl/canonical.h"
#include "idl/idl.h"

static const char *const import_dirs[] = {"include"};
static const idl_options options = {.import_dirs = import_dirs,
                                    .import_dir_count = 1};

/* One load, its memory and its diagnostics. */
typedef struct load {
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf text; /* the rendered diagnostics */
    const idl_schema *schema;
    shmrpc_status status;
} load;

static void load_file(load *l, const char *path)
{
    shmrpci_arena_init(&l->arena, 0);
    idl_diags_init(&l->diags);
    shmrpci_buf_init_heap(&l->text);
    l->schema = NULL;
    l->status = idl_load(&options, path, &l->arena, &l->diags, &l->schema);
    idl_diags_render(&l->diags, &l->text);
}

static void load_text(load *l, const char *text, size_t len, unsigned flags)
{
    idl_options text_options = options;
    text_options.flags = flags;
    shmrpci_arena_init(&l->arena, 0);
    idl_diags_init(&l->diags);
    shmrpci_buf_init_heap(&l->text);
    l->schema = NULL;
    l->status = idl_load_text(&text_options, "canonical.svc", text, len,
                              &l->arena, &l->diags, &l->schema);
    idl_diags_render(&l->diags, &l->text);
}

static void unload(load *l)
{
    shmrpci_buf_fini(&l->text);
    shmrpci_arena_fini(&l->arena);
}

static void assert_clean(load *l, const char *what)
{
    if (l->status != SHMRPC_OK || l->text.len > 0) {
        (void)printf("%s: status %d\n%s", what, l->status,
                     shmrpci_buf_text(&l->text));
    }
    assert_int_equal(l->status, SHMRPC_OK);
    assert_int_equal(l->text.len, 0);
}

/* ---- bad ---- */

/* Prints how to run only this case, and the difference; then fails. */
static void fail_with_diff(const char *path, const char *expected,
                           const char *got)
{
    (void)printf("%s differs (run alone: cases_test %s)\n", path, path);
    cases_print_diff(expected, got);
    fail();
}

static void compare_with_file(const char *case_path, const char *expected_path,
                              const char *got)
{
    if (getenv("IDL_UPDATE") != NULL) {
        assert_true(cases_write(expected_path, got));
        return;
    }
    char *expected = cases_read(expected_path);
    if (expected == NULL || strcmp(expected, got) != 0) {
        fail_with_diff(case_path, expected != NULL ? expected : "", got);
    }
    free(expected);
}

static void path_beside(const char *path, const char *suffix, char *out,
                        size_t size)
{
    size_t stem = strlen(path) - strlen(".svc");
    (void)snprintf(out, size, "%.*s%s", (int)stem, path, suffix);
}

/* A file with an error makes every file that imports it fail. */
static void assert_importer_fails(const char *path)
{
    char text[160];
    load l;
    (void)snprintf(text, sizeof text, "package importer;\nimport \"%s\";\n",
                   path);
    load_text(&l, text, strlen(text), 0);
    if (l.status != SHMRPC_E_INVALID) {
        (void)printf("an importer of %s: status %d\n", path, l.status);
    }
    assert_int_equal(l.status, SHMRPC_E_INVALID);
    unload(&l);
}

static void bad_case(void **state)
{
    const char *path = *state;
    char expected[256];
    load l;
    load_file(&l, path);
    path_beside(path, ".expected", expected, sizeof expected);
    assert_true(l.text.len > 0);
    assert_int_equal(l.status == SHMRPC_OK, l.diags.error_count == 0);
    compare_with_file(path, expected, shmrpci_buf_text(&l.text));
    if (l.diags.error_count > 0) {
        assert_importer_fails(path);
    }
    unload(&l);
}

/* ---- good ---- */

static void assert_same_service(const idl_service *a, const idl_service *b)
{
    assert_string_equal(a->text, b->text);
    assert_true(a->hash == b->hash);
    assert_int_equal(a->method_count, b->method_count);
    for (size_t i = 0; i < a->method_count; i++) {
        assert_string_equal(a->methods[i].signature, b->methods[i].signature);
        assert_true(a->methods[i].hash == b->methods[i].hash);
        assert_int_equal(a->methods[i].index, b->methods[i].index);
        assert_true(a->methods[i].timeout_ns == b->methods[i].timeout_ns);
        assert_int_equal(a->methods[i].idempotent, b->methods[i].idempotent);
    }
}

static void round_trip(const idl_service *service)
{
    load again;
    load_text(&again, service->text, strlen(service->text), IDL_ANY_C_NAMES);
    assert_clean(&again, service->text);
    assert_int_equal(again.schema->service_count, 1);
    assert_same_service(service, again.schema->services[0]);
    unload(&again);
}

/* The variant of canonical text with documentation, which is meant for people,
 * must describe the same service. */
static void round_trip_with_docs(const idl_service *service)
{
    shmrpci_arena scratch;
    shmrpci_buf text;
    load again;
    shmrpci_arena_init(&scratch, 0);
    shmrpci_buf_init_heap(&text);
    assert_int_equal(
        idl_service_text(service, IDL_CANONICAL_DOCS, &scratch, &text),
        SHMRPC_OK);
    load_text(&again, (const char *)text.data, text.len, 0);
    assert_clean(&again, shmrpci_buf_text(&text));
    assert_same_service(service, again.schema->services[0]);
    unload(&again);
    shmrpci_buf_fini(&text);
    shmrpci_arena_fini(&scratch);
}

static void good_case(void **state)
{
    load l;
    load_file(&l, *state);
    assert_clean(&l, *state);
    for (size_t i = 0; i < l.schema->service_count; i++) {
        round_trip(l.schema->services[i]);
        round_trip_with_docs(l.schema->services[i]);
    }
    unload(&l);
}

/* The dump is what `shmrpcgen --dump=schema` prints: it must be stable and
 * complete. */
static void dump_case(void **state)
{
    const char *path = *state;
    char expected[256];
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf out;
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    shmrpci_buf_init_heap(&out);
    assert_int_equal(
        idl_dump(&options, path, IDL_STAGE_SCHEMA, &arena, &diags, &out),
        SHMRPC_OK);
    path_beside(path, ".schema", expected, sizeof expected);
    compare_with_file(path, expected, shmrpci_buf_text(&out));
    shmrpci_buf_fini(&out);
    shmrpci_arena_fini(&arena);
}

/* ---- every rule has a case ---- */

/* Limits that a single file can't exceed are tested by limits_test. Codes from
 * 900 on belong to the generator. */
static bool is_elsewhere(idl_code code)
{
    return (int)code >= 900 || code == IDL_S_FILE_TOO_LARGE ||
           code == IDL_S_TOO_MANY_FILES || code == IDL_S_TOO_MANY_ERRORS ||
           code == IDL_S_TOO_MANY_MEMBERS || code == IDL_S_FILE_NOT_TEXT ||
           code == IDL_S_BAD_TAG;
}

static const idl_code all_codes[] = {
#define IDL_X(name, number, severity, title) IDL_S_##name,
    IDL_DIAG_LIST(IDL_X)
#undef IDL_X
};

static bool any_file_has(char **names, size_t count, const char *mark)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "bad/%s", names[i]);
        char *text = cases_read(path);
        found = text != NULL && strstr(text, mark) != NULL;
        free(text);
    }
    return found;
}

static void every_rule_has_a_bad_case(void **state)
{
    (void)state;
    size_t count;
    size_t missing = 0;
    char **names = cases_list("bad", ".expected", &count);
    for (size_t i = 0; i < sizeof all_codes / sizeof all_codes[0]; i++) {
        char mark[16];
        (void)snprintf(mark, sizeof mark, "[S%04d]", (int)all_codes[i]);
        if (!is_elsewhere(all_codes[i]) && !any_file_has(names, count, mark)) {
            (void)printf("no case in cases/bad for %s %s\n", mark,
                         idl_code_title(all_codes[i]));
            missing++;
        }
    }
    cases_free(names, count);
    assert_int_equal(missing, 0);
}

/* ---- the list of tests ---- */

#define MAX_TESTS 512

typedef struct suite {
    struct CMUnitTest tests[MAX_TESTS];
    char paths[MAX_TESTS][128];
    size_t count;
} suite;

static void add(suite *s, const char *folder, const char *name,
                const char *only, CMUnitTestFunction run)
{
    assert_true(s->count < MAX_TESTS);
    char *path = s->paths[s->count];
    (void)snprintf(path, sizeof s->paths[0], "%s/%s", folder, name);
    if (only == NULL || strcmp(only, path) == 0) {
        s->tests[s->count++] = (struct CMUnitTest){
            .name = path, .test_func = run, .initial_state = path};
    }
}

static void add_folder(suite *s, const char *folder, const char *only,
                       CMUnitTestFunction run)
{
    size_t count;
    char **names = cases_list(folder, ".svc", &count);
    for (size_t i = 0; i < count; i++) {
        add(s, folder, names[i], only, run);
    }
    cases_free(names, count);
}

int main(int argc, char **argv)
{
    static suite s;
    const char *only = argc > 1 ? argv[1] : NULL;
    if (chdir(IDL_CASES_DIR) != 0) {
        perror(IDL_CASES_DIR);
        return 1;
    }
    add_folder(&s, "good", only, good_case);
    add_folder(&s, "bad", only, bad_case);
    add(&s, "good", "fts.svc", only, dump_case);
    add(&s, "good", "everything.svc", only, dump_case);
    if (only == NULL) {
        s.tests[s.count++] =
            (struct CMUnitTest)cmocka_unit_test(every_rule_has_a_bad_case);
    }
    return _cmocka_run_group_tests("cases", s.tests, s.count, NULL, NULL);
}
