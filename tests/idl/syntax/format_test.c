/*
 * Formatting: each file in cases/format becomes its .formatted file. However a
 * good .svc is spaced, its formatted text has the same tokens and hashes, and
 * formatting it again changes nothing.
 *
 * After a change of layout, run `IDL_UPDATE=1 format_test` and review the
 * result.
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
#include "idl/idl.h"
#include "idl/limits.h"
#include "idl/syntax/format.h"
#include "idl/syntax/token.h"

#define ROUNDS      20
#define ROUNDS_LONG 500

/* ---- formatting ---- */

typedef struct formatted {
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf text;
    shmrpc_status status;
} formatted;

static const char *format(formatted *f, const char *text)
{
    shmrpci_arena_init(&f->arena, 0);
    idl_diags_init(&f->diags);
    shmrpci_buf_init_heap(&f->text);
    f->status = idl_format("test.svc", text, strlen(text), &f->arena, &f->diags,
                           &f->text);
    return shmrpci_buf_text(&f->text);
}

static void format_fini(formatted *f)
{
    shmrpci_buf_fini(&f->text);
    shmrpci_arena_fini(&f->arena);
}

static void assert_same_text(const char *what, const char *expected,
                             const char *got)
{
    if (strcmp(expected, got) != 0) {
        (void)printf("%s differs\n", what);
        cases_print_diff(expected, got);
        fail();
    }
}

static void assert_formatted(const char *text, const char *expected)
{
    formatted f;
    const char *got = format(&f, text);
    assert_int_equal(f.status, SHMRPC_OK);
    assert_same_text(text, expected, got);
    format_fini(&f);
}

/* ---- golden files ---- */

static void becomes_golden(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "format/%s", name);
    char *text = cases_read(path);
    formatted f;
    const char *got = format(&f, text);
    assert_int_equal(f.status, SHMRPC_OK);
    (void)snprintf(path + strlen(path) - strlen(".svc"), sizeof ".formatted",
                   ".formatted");
    if (getenv("IDL_UPDATE") != NULL) {
        assert_true(cases_write(path, got));
    }
    char *expected = cases_read(path);
    assert_same_text(path, expected != NULL ? expected : "", got);
    assert_formatted(expected, expected);
    format_fini(&f);
    free(expected);
    free(text);
}

static void golden(void **state)
{
    (void)state;
    size_t count;
    char **names = cases_list("format", ".svc", &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        becomes_golden(names[i]);
    }
    cases_free(names, count);
}

/* ---- special cases ------------------------------------------------------- */

static void nothing_stays_nothing(void **state)
{
    (void)state;
    assert_formatted("", "");
    assert_formatted(" \n\n\t", "");
    assert_formatted("\n\n// only this", "// only this\n");
}

static void syntax_errors_are_reported(void **state)
{
    (void)state;
    formatted f;
    const char *got = format(&f, "package a;\nstruct A { u8 }\n");
    assert_int_equal(f.status, SHMRPC_E_INVALID);
    assert_int_equal(f.diags.error_count, 1);
    assert_string_equal(got, "");
    format_fini(&f);
    (void)format(&f, "package a;\n/* no */ struct A {}\n");
    assert_int_equal(f.status, SHMRPC_E_INVALID);
    format_fini(&f);
    (void)format(&f, "\xff");
    assert_int_equal(f.status, SHMRPC_E_INVALID);
    format_fini(&f);
}

/* Only syntax errors stop formatting; other errors don't. */
static void meaning_does_not_matter(void **state)
{
    (void)state;
    assert_formatted("struct A{1:Unknown a;1:u8 a;}",
                     "struct A { 1: Unknown a; 1: u8 a; }\n");
    assert_formatted("package a;import \"not/there.svc\";",
                     "package a;\nimport \"not/there.svc\";\n");
}

static void memory_may_end(void **state)
{
    (void)state;
    const char *text = "package a; struct A { 1: u8 a; } // and a comment\n";
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    for (size_t limit = 0; status == SHMRPC_E_NO_MEMORY; limit += 4096) {
        shmrpci_arena arena;
        idl_diags diags;
        shmrpci_buf out;
        shmrpci_arena_init(&arena, limit + 1);
        idl_diags_init(&diags);
        shmrpci_buf_init_heap(&out);
        status = idl_format("a.svc", text, strlen(text), &arena, &diags, &out);
        assert_true(status == SHMRPC_OK || out.len == 0);
        shmrpci_buf_fini(&out);
        shmrpci_arena_fini(&arena);
    }
    assert_int_equal(status, SHMRPC_OK);
}

/* The result grows, because each field gets its own line. */
static void may_grow_too_large(void **state)
{
    (void)state;
    size_t fields = IDL_MAX_FILE_BYTES / 5;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpci_buf_append_text(&text, "struct A{");
    for (size_t i = 0; i < fields; i++) {
        shmrpci_buf_append_text(&text, "u8 x;");
    }
    text.len -= 20;
    shmrpci_buf_append_text(&text, "}");
    formatted f;
    (void)format(&f, shmrpci_buf_text(&text));
    assert_int_equal(f.status, SHMRPC_E_INVALID);
    assert_int_equal(f.diags.first->code, IDL_S_FILE_TOO_LARGE);
    assert_int_equal(f.text.len, 0);
    format_fini(&f);
    shmrpci_buf_fini(&text);
}

/* All blocks are on one line. The test would take minutes if the formatter
 * searched that line from its start for each block. */
static void lines_may_be_long(void **state)
{
    (void)state;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    for (size_t i = 0; i < 150000; i++) {
        shmrpci_buf_append_text(&text, "struct A{}");
    }
    formatted f;
    const char *got = format(&f, shmrpci_buf_text(&text));
    assert_int_equal(f.status, SHMRPC_OK);
    assert_int_equal(f.text.len, 150000 * strlen("struct A {}\n"));
    assert_memory_equal(got, "struct A {}\nstruct A {}\n", 24);
    format_fini(&f);
    shmrpci_buf_fini(&text);
}

/* ---- any layout ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *random_gap(uint32_t *seed, size_t number, char *buffer,
                              size_t size)
{
    static const char *const gaps[] = {" ", "  ", "\n", "\n\n\n", "\t", "\r\n"};
    uint32_t kind = next_random(seed) % 12;
    if (kind < 6) {
        return gaps[kind];
    }
    if (kind < 8) {
        (void)snprintf(buffer, size, "%s// c%zu %s\n", kind == 6 ? " " : "\n",
                       number, kind == 6 ? "" : " \xc3\xa4 ");
        return buffer;
    }
    return " ";
}

/* Prints the tokens of `text`, separated by random white space and comments. */
static void strew(const char *text, uint32_t *seed, shmrpci_buf *out)
{
    shmrpci_arena arena;
    idl_memory memory = {.arena = &arena};
    idl_diags diags;
    const idl_source *source;
    size_t bad;
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    diags.memory = &memory;
    assert_int_equal(idl_source_from_text(&arena, "a.svc", text, strlen(text),
                                          &source, &bad),
                     SHMRPC_OK);
    idl_tokens tokens = idl_lex(source, diags.memory, &diags);
    for (size_t i = 0; i < tokens.count; i++) {
        idl_span span = tokens.items[i].span;
        char buffer[64];
        bool is_doc = source->text[span.begin] == '/';
        shmrpci_buf_append(out, source->text + span.begin,
                           span.end - span.begin);
        shmrpci_buf_append_text(out, is_doc ? "\n" : "");
        shmrpci_buf_append_text(out,
                                random_gap(seed, i, buffer, sizeof buffer));
    }
    shmrpci_arena_fini(&arena);
}

typedef struct load {
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *schema;
} load;

static bool load_text(load *l, const char *path, const char *text)
{
    static const char *const dirs[] = {"include", "../../generator/golden"};
    idl_options options = {.import_dirs = dirs, .import_dir_count = 2};
    shmrpci_arena_init(&l->arena, 0);
    idl_diags_init(&l->diags);
    l->schema = NULL;
    return idl_load_text(&options, path, text, strlen(text), &l->arena,
                         &l->diags, &l->schema) == SHMRPC_OK;
}

static void assert_same_meaning(const idl_schema *a, const idl_schema *b)
{
    assert_int_equal(a->service_count, b->service_count);
    assert_int_equal(a->by_value_count, b->by_value_count);
    assert_int_equal(a->const_count, b->const_count);
    assert_int_equal(a->alias_count, b->alias_count);
    for (size_t i = 0; i < a->service_count; i++) {
        assert_string_equal(a->services[i]->text, b->services[i]->text);
        assert_true(a->services[i]->hash == b->services[i]->hash);
    }
}

/* Formats `text` twice, loads the result as `path`, and compares it. */
static void keeps_meaning(const char *path, const idl_schema *before,
                          const char *text)
{
    formatted f;
    load after;
    const char *once = format(&f, text);
    if (f.status != SHMRPC_OK) {
        (void)printf("%s: status %d for\n%s\n", path, f.status, text);
    }
    assert_int_equal(f.status, SHMRPC_OK);
    assert_formatted(once, once);
    assert_true(load_text(&after, path, once));
    assert_same_meaning(before, after.schema);
    shmrpci_arena_fini(&after.arena);
    format_fini(&f);
}

static void any_layout_of(const char *path, uint32_t *seed, size_t rounds)
{
    char *text = cases_read(path);
    load before;
    if (!load_text(&before, path, text)) {
        (void)printf("%s: can't be loaded\n", path);
        fail();
    }
    keeps_meaning(path, before.schema, text);
    for (size_t i = 0; i < rounds; i++) {
        shmrpci_buf strewn;
        shmrpci_buf_init_heap(&strewn);
        strew(text, seed, &strewn);
        keeps_meaning(path, before.schema, shmrpci_buf_text(&strewn));
        shmrpci_buf_fini(&strewn);
    }
    shmrpci_arena_fini(&before.arena);
    free(text);
}

static void any_layout_in(const char *folder, uint32_t *seed, size_t rounds)
{
    size_t count;
    char **names = cases_list(folder, ".svc", &count);
    for (size_t i = 0; i < count; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        any_layout_of(path, seed, rounds);
    }
    cases_free(names, count);
}

static void every_schema_of_the_tree(void **state)
{
    static const char *const folders[] = {
        "good",
        "../../generator",
        "../../generator/golden",
        "../../integration",
        "../../../examples/calc",
        "../../../examples/echo",
        "../../../bench",
        "../../../examples/search",
    };
    (void)state;
    uint32_t seed = 1;
    size_t rounds = getenv("SHMRPC_TEST_LONG") != NULL ? ROUNDS_LONG : ROUNDS;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        any_layout_in(folders[i], &seed, rounds);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(nothing_stays_nothing),
        cmocka_unit_test(syntax_errors_are_reported),
        cmocka_unit_test(meaning_does_not_matter),
        cmocka_unit_test(memory_may_end),
        cmocka_unit_test(may_grow_too_large),
        cmocka_unit_test(lines_may_be_long),
        cmocka_unit_test(every_schema_of_the_tree),
    };
    if (chdir(IDL_CASES_DIR) != 0) {
        perror(IDL_CASES_DIR);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
