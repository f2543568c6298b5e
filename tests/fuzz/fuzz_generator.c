/*
 * The whole generator: any bytes end in diagnostics, or in a model and the text
 * of every C file. Diagnostics and models are also printed in every form.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/embedded.h"
#include "generator/lang.h"
#include "generator/model.h"
#include "generator/mustache.h"
#include "generator/report.h"
#include "idl/idl.h"
#include "idl/lint.h"

/* More than the schemas of the corpus need. */
#define ARENA_BYTES ((size_t)256 << 20)

/* Gives the same small file for every import. */
static shmrpc_status read_part(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user)
{
    static const char part[] = "package part; struct Part { u8 x; }";
    (void)user;
    return idl_source_from_text(arena, path, part, sizeof part - 1, out,
                                bad_offset);
}

static void require(bool holds, const char *what, const char *detail)
{
    if (!holds) {
        (void)fprintf(stderr, "%s: %s\n", what, detail);
        abort();
    }
}

/* ---- reports ------------------------------------------------------------- */

static void report(const idl_diags *diags)
{
    for (int form = GEN_REPORT_HUMAN; form <= GEN_REPORT_SARIF; form++) {
        gen_reporter reporter;
        shmrpci_buf out;
        shmrpci_buf_init_heap(&out);
        gen_reporter_init(&reporter, (gen_report_form)form, GEN_COLOUR_ALWAYS);
        gen_reporter_add(&reporter, "fuzz.svc", diags);
        gen_reporter_print(&reporter, &out);
        require(out.status == SHMRPC_OK, "report", gen_report_forms[form]);
        shmrpci_buf_fini(&out);
        gen_reporter_fini(&reporter);
    }
}

/* ---- templates ----------------------------------------------------------- */

static bool find_template(void *user, const char *name, const char **text,
                          size_t *len)
{
    char path[256];
    (void)user;
    (void)snprintf(path, sizeof path, "c/%s.mustache", name);
    for (size_t i = 0; i < gen_embedded_count; i++) {
        if (strcmp(gen_embedded[i].name, path) == 0) {
            *text = (const char *)gen_embedded[i].data;
            *len = gen_embedded[i].len;
            return true;
        }
    }
    return false;
}

static void render(const gen_value *model, const gen_lang_file *file)
{
    const char *text = "";
    size_t len = 0;
    gen_mustache_opts opts = {.escape = GEN_ESCAPE_NONE,
                              .missing = GEN_MISSING_ERROR,
                              .lookup = find_template};
    gen_mustache_error error = {.line = 0};
    shmrpci_buf raw;
    shmrpci_buf tidy;
    shmrpci_buf_init_heap(&raw);
    shmrpci_buf_init_heap(&tidy);
    require(find_template(NULL, file->template, &text, &len), "no template",
            file->template);
    shmrpc_status status = gen_mustache_render(&opts, file->template, text, len,
                                               model, &raw, &error);
    require(status == SHMRPC_OK, file->template, error.message);
    if (raw.len > 0) {
        gen_tidying state = {.gap = false};
        gen_lang_c.tidy(&state, (const char *)raw.data, raw.len, &tidy);
        require(tidy.status == SHMRPC_OK, "tidy", file->template);
    }
    shmrpci_buf_fini(&tidy);
    shmrpci_buf_fini(&raw);
}

/* ---- the whole generator ------------------------------------------------- */

/* Builds the model as the command does; returns NULL if the language refuses
 * the input, or memory runs out. */
static gen_value *build(const idl_schema *schema, shmrpci_arena *arena,
                        idl_diags *diags, gen_tree *tree)
{
    idl_memory memory = {.arena = arena};
    gen_model_opts opts = {.lang = &gen_lang_c, .diags = diags};
    gen_value *model = NULL;
    diags->memory = &memory;
    if (setjmp(memory.exhausted) != 0) {
        return NULL;
    }
    gen_lang_c.refuse(schema, diags);
    shmrpc_status status = gen_model_build(tree, schema, &opts, &model);
    idl_diags_sort(diags);
    return status == SHMRPC_OK && diags->error_count == 0 ? model : NULL;
}

static void print_model(const gen_value *model)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    gen_print_json(model, &out);
    require(out.status == SHMRPC_OK, "model", "not printed");
    shmrpci_buf_fini(&out);
}

static void generate(const idl_schema *schema, shmrpci_arena *arena,
                     idl_diags *diags)
{
    gen_tree tree;
    gen_tree_init(&tree);
    const gen_value *model = build(schema, arena, diags, &tree);
    if (model != NULL) {
        print_model(model);
        for (size_t i = 0; i < gen_lang_c.file_count; i++) {
            render(model, &gen_lang_c.files[i]);
        }
    }
    gen_tree_fini(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    idl_options options = {.read = read_part};
    idl_lint_options strict = {.strict = true};
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *schema = NULL;
    shmrpci_arena_init(&arena, ARENA_BYTES);
    idl_diags_init(&diags);
    shmrpc_status status =
        idl_load_text(&options, "fuzz.svc", (const char *)data, size, &arena,
                      &diags, &schema);
    if (status == SHMRPC_OK) {
        generate(schema, &arena, &diags);
        status = idl_lint(schema, &strict, &arena, &diags);
    }
    if (status != SHMRPC_E_NO_MEMORY) {
        report(&diags);
    }
    shmrpci_arena_fini(&arena);
    return 0;
}
