/*
 * Explanations: every code of the table has one, its wrong example gives
 * exactly this code at the marked places, and its right example gives no
 * diagnostic.
 *
 * An example may have several files. The first one is main.svc; each further
 * one begins with a line `// file: NAME`. A line with `^` and `~` marks a part
 * of the line above it.
 *
 * To test a single code, run `explain_test S0301`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generator/explain.h"
#include "generator/lang.h"
#include "idl/idl.h"
#include "idl/lint.h"

/* Codes of breaks between two versions: check_test has a pair of versions for
 * each. */
#define FIRST_OF_CHECK 1100

#define MAX_FILES 4
#define MAX_MARKS 16

/* Codes whose example would be too long; limits_test tests these. */
static bool has_no_example(idl_code code)
{
    return code == IDL_S_FILE_NOT_TEXT || code == IDL_S_FILE_TOO_LARGE ||
           code == IDL_S_TOO_MANY_FILES || code == IDL_S_TOO_MANY_ERRORS ||
           code == IDL_S_TOO_MANY_MEMBERS || code == IDL_S_TOO_DEEP ||
           code == IDL_S_NESTED_TOO_DEEPLY;
}

/* ---- an example ---- */

typedef struct mark {
    const char *file;
    uint32_t line;
    uint32_t column;
    uint32_t width;
} mark;

typedef struct example {
    char names[MAX_FILES][64];
    shmrpci_buf texts[MAX_FILES];
    size_t file_count;
    mark marks[MAX_MARKS];
    size_t mark_count;
} example;

static void add_file(example *e, const char *name, size_t len)
{
    assert_true(e->file_count < MAX_FILES && len < sizeof e->names[0]);
    memcpy(e->names[e->file_count], name, len);
    e->names[e->file_count][len] = '\0';
    shmrpci_buf_init_heap(&e->texts[e->file_count++]);
}

static bool is_mark(const char *line, size_t len)
{
    size_t begin = strspn(line, " ");
    return begin < len && line[begin] == '^' &&
           begin + 1 + strspn(line + begin + 1, "~") == len;
}

static void add_line(example *e, uint32_t *number, const char *line, size_t len)
{
    static const char file[] = "// file: ";
    if (strncmp(line, file, strlen(file)) == 0) {
        add_file(e, line + strlen(file), len - strlen(file));
        *number = 0;
    } else if (is_mark(line, len)) {
        assert_true(e->mark_count < MAX_MARKS);
        uint32_t column = (uint32_t)strspn(line, " ");
        e->marks[e->mark_count++] = (mark){.file = e->names[e->file_count - 1],
                                           .line = *number,
                                           .column = column + 1,
                                           .width = (uint32_t)len - column};
    } else {
        shmrpci_buf *text = &e->texts[e->file_count - 1];
        shmrpci_buf_append(text, line, len);
        shmrpci_buf_append_char(text, '\n');
        ++*number;
    }
}

/* Finds the block after `heading`; false if there is none. */
static bool find_example(const char *text, const char *heading, example *e)
{
    *e = (example){.file_count = 0};
    const char *at = strstr(text, heading);
    if (at == NULL) {
        return false;
    }
    add_file(e, "main.svc", strlen("main.svc"));
    uint32_t number = 0;
    for (at += strlen(heading); strncmp(at, "```", 3) != 0;) {
        size_t len = strcspn(at, "\n");
        assert_true(at[len] == '\n');
        add_line(e, &number, at, len);
        at += len + 1;
    }
    return true;
}

static void example_fini(example *e)
{
    for (size_t i = 0; i < e->file_count; i++) {
        shmrpci_buf_fini(&e->texts[i]);
    }
}

/* ---- running it ---- */

static shmrpc_status read_file(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user)
{
    example *e = user;
    for (size_t i = 0; i < e->file_count; i++) {
        if (strcmp(e->names[i], path) == 0) {
            const char *text = shmrpci_buf_text(&e->texts[i]);
            return idl_source_from_text(arena, path, text, e->texts[i].len, out,
                                        bad_offset);
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

/* Adds the errors that only the generator reports. */
static void refuse(const idl_schema *schema, shmrpci_arena *arena,
                   idl_diags *diags)
{
    idl_memory memory = {.arena = arena};
    diags->memory = &memory;
    if (setjmp(memory.exhausted) != 0) {
        fail();
    }
    gen_lang_c.refuse(schema, diags);
    idl_diags_sort(diags);
}

static void run(idl_code code, example *e, shmrpci_arena *arena,
                idl_diags *diags)
{
    idl_options options = {.read = read_file, .user = e};
    idl_lint_options strict = {.strict = true};
    const idl_schema *schema = NULL;
    shmrpc_status status =
        idl_load(&options, "main.svc", arena, diags, &schema);
    if (status == SHMRPC_OK && idl_code_is_advice(code)) {
        assert_int_equal(idl_lint(schema, &strict, arena, diags), SHMRPC_OK);
    } else if (status == SHMRPC_OK && code == IDL_S_NOT_GENERATED) {
        refuse(schema, arena, diags);
    }
}

static void print_diags(const char *what, const idl_diags *diags)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    idl_diags_render(diags, &text);
    (void)printf("%s gives:\n%s\n", what, shmrpci_buf_text(&text));
    shmrpci_buf_fini(&text);
}

/* The width of the mark as diagnostics draw it: at least one character, and not
 * past the end of the line. */
static uint32_t width_of(idl_span span)
{
    idl_place begin = idl_source_place(span.source, span.begin);
    idl_span line = idl_source_line(span.source, begin.line);
    uint32_t stop = span.end < line.end ? span.end : line.end;
    idl_place end = idl_source_place(span.source, stop);
    return end.column > begin.column ? end.column - begin.column : 1;
}

static bool is_marked(const example *e, idl_span span)
{
    idl_place place = idl_source_place(span.source, span.begin);
    for (size_t i = 0; i < e->mark_count; i++) {
        const mark *m = &e->marks[i];
        if (strcmp(m->file, span.source->path) == 0 && m->line == place.line &&
            m->column == place.column && m->width == width_of(span)) {
            return true;
        }
    }
    return false;
}

static void check_wrong(idl_code code, const char *text)
{
    example e;
    shmrpci_arena arena;
    idl_diags diags;
    size_t count = 0;
    assert_true(find_example(text, "\n## Wrong\n\n```svc\n", &e));
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    run(code, &e, &arena, &diags);
    bool good = true;
    for (const idl_diag *at = diags.first; at != NULL; at = at->next) {
        good = good && at->code == code && at->span.source != NULL &&
               is_marked(&e, at->span);
        count++;
    }
    if (!good || count != e.mark_count) {
        print_diags("the wrong example", &diags);
        fail();
    }
    shmrpci_arena_fini(&arena);
    example_fini(&e);
}

static void check_right(idl_code code, const char *text)
{
    example e;
    shmrpci_arena arena;
    idl_diags diags;
    assert_true(find_example(text, "\n## Right\n\n```svc\n", &e));
    assert_int_equal(e.mark_count, 0);
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    run(code, &e, &arena, &diags);
    if (diags.first != NULL) {
        print_diags("the right example", &diags);
        fail();
    }
    shmrpci_arena_fini(&arena);
    example_fini(&e);
}

static void is_explained(void **state)
{
    idl_code code = *(const idl_code *)*state;
    size_t len;
    char title[128];
    const char *text = gen_explain(code, &len);
    int title_len = snprintf(title, sizeof title, "# S%04d: %s\n\n", (int)code,
                             gen_explain_title(code));
    assert_true(len > (size_t)title_len);
    assert_memory_equal(text, title, (size_t)title_len);
    shmrpci_buf meaning;
    shmrpci_buf_init_heap(&meaning);
    gen_explain_meaning(code, &meaning);
    assert_true(meaning.len > 40);
    assert_null(strstr(shmrpci_buf_text(&meaning), "##"));
    shmrpci_buf_fini(&meaning);
    if (!has_no_example(code) && (int)code < FIRST_OF_CHECK) {
        check_wrong(code, text);
        check_right(code, text);
    }
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[1024];
    static char names[1024][8];
    static idl_code codes[1024];
    size_t used = 0;
    for (size_t i = 0; i < gen_explain_count() && i < 1024; i++) {
        idl_code code = codes[i] = gen_explain_code(i);
        (void)snprintf(names[i], sizeof names[i], "S%04u",
                       (unsigned)code % 10000);
        if (argc < 2 || strcmp(argv[1], names[i]) == 0) {
            tests[used++] = (struct CMUnitTest){.name = names[i],
                                                .test_func = is_explained,
                                                .initial_state = &codes[i]};
        }
    }
    return _cmocka_run_group_tests("explain", tests, used, NULL, NULL);
}
