/* Finds constructs that the target language does not support: in the file, then
 * in its imports. */
#include "generator/judge.h"

#include <string.h>

#include "idl/explore.h"

/* State of one run. The trees are members rather than locals, so that they can
 * be freed after memory has run out, which leaves the run by longjmp. */
typedef struct run {
    const gen_judge *judge;
    const idl_schema *schema;
    idl_memory memory;
    idl_diags *diags;
    gen_tree *tree;
    gen_tree import_tree;
} run;

/* Adds to `diags` the errors that only the target language can find. */
static shmrpc_status see_as_language(const gen_judge *judge, const char *prefix,
                                     const idl_schema *schema, idl_diags *diags,
                                     gen_tree *tree, gen_value **model)
{
    gen_model_opts opts = {.lang = judge->lang,
                           .import_dirs = {judge->idl_opts->import_dirs,
                                           judge->idl_opts->import_dir_count},
                           .async = judge->async,
                           .prefix = prefix,
                           .diags = diags};
    if (!judge->names_only) {
        judge->lang->refuse(schema, diags);
    }
    return gen_model_build(tree, schema, &opts, model);
}

static bool is_refused(const gen_judge *judge, const idl_diags *diags)
{
    return diags->error_count > 0 ||
           (judge->werror && diags->warning_count > 0);
}

/* Adds a note at each import statement on the path from `file` to the main
 * file. */
static void add_import_notes(const idl_schema *schema, const idl_file *file,
                             idl_diags *diags, idl_diag *diag)
{
    /* In the list of files, importers follow the files that they import. */
    for (size_t i = 0; i < schema->file_count && file->imported; i++) {
        const idl_file *importer = schema->files[i];
        for (size_t k = 0; k < importer->import_count; k++) {
            const idl_import *import = &importer->imports[k];
            if (import->file == file) {
                idl_add_note(
                    diags, diag, import->span,
                    "so this import of \"%s\" is refused: nothing is generated "
                    "from that file, so there is nothing to include",
                    import->path);
                file = importer;
                break;
            }
        }
    }
}

/* An import is loaded a second time on its own. Translates a place in that copy
 * to the same place in the file of `schema`. */
static idl_span span_in(const idl_schema *schema, idl_span span)
{
    for (size_t i = 0; span.source != NULL && i < schema->file_count; i++) {
        const idl_source *source = schema->files[i]->source;
        if (strcmp(source->path, span.source->path) == 0 &&
            span.end <= source->len) {
            span.source = source;
        }
    }
    return span;
}

/* Reports the first reason why an import would not be generated, at the place
 * in the import. */
static void report_import(const run *r, const idl_file *file,
                          const idl_diags *found)
{
    const idl_diag *first = found->first;
    while (first != NULL && first->severity != IDL_ERROR &&
           found->error_count > 0) {
        first = first->next;
    }
    if (first == NULL || !is_refused(r->judge, found) ||
        (found->error_count == 0 && r->diags->warning_count > 0)) {
        return; /* the import is not refused; or it has only warnings, but the
                 * importer has warnings too and is refused anyway */
    }
    idl_diag *diag =
        idl_report(r->diags, first->code, span_in(r->schema, first->span), "%s",
                   first->message);
    if (first->expected != NULL) {
        idl_expected(r->diags, diag, "%s", first->expected);
    }
    for (const idl_note *at = first->notes; at != NULL; at = at->next) {
        idl_add_note(r->diags, diag, span_in(r->schema, at->span), "%s",
                     at->message);
    }
    add_import_notes(r->schema, file, r->diags, diag);
}

/* Judges an import as if it were generated itself. In C its importers include
 * its header, which would not exist if the import were refused. */
static shmrpc_status judge_import(run *r, const idl_file *file)
{
    idl_diags found;
    idl_diags_init(&found);
    idl_exploration own;
    shmrpc_status status = idl_explore(r->judge->idl_opts, file->source->path,
                                       r->diags->memory->arena, &found, &own);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (own.complete) {
        const idl_schema *schema = own.resolved.schema;
        /* ---- prefix applies to all files of the main file's package. ----- */
        bool same =
            strcmp(schema->package->name, r->schema->package->name) == 0;
        gen_value *model = NULL;
        found.memory = r->diags->memory;
        gen_tree_init(&r->import_tree);
        status = see_as_language(r->judge, same ? r->judge->prefix : NULL,
                                 schema, &found, &r->import_tree, &model);
        gen_tree_fini(&r->import_tree);
        idl_diags_sort(&found);
    }
    if (status == SHMRPC_OK) {
        report_import(r, file, &found);
    }
    return status;
}

static shmrpc_status judge_all(run *r, gen_value **model)
{
    shmrpc_status status = see_as_language(r->judge, r->judge->prefix,
                                           r->schema, r->diags, r->tree, model);
    for (size_t i = 0; status == SHMRPC_OK && i < r->schema->file_count; i++) {
        if (r->schema->files[i]->imported) {
            status = judge_import(r, r->schema->files[i]);
        }
    }
    idl_diags_sort(r->diags);
    return status == SHMRPC_OK && is_refused(r->judge, r->diags)
               ? SHMRPC_E_INVALID
               : status;
}

shmrpc_status gen_judge_build(const gen_judge *judge, const idl_schema *schema,
                              shmrpci_arena *arena, idl_diags *diags,
                              gen_tree *tree, gen_value **model)
{
    run r = {.judge = judge,
             .schema = schema,
             .memory = {.arena = arena},
             .diags = diags,
             .tree = tree};
    gen_tree_init(&r.import_tree);
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    diags->memory = &r.memory;
    if (setjmp(r.memory.exhausted) == 0) {
        status = judge_all(&r, model);
    }
    diags->memory = NULL;
    gen_tree_fini(&r.import_tree);
    return status;
}

shmrpc_status gen_judge_names(const idl_options *idl_opts,
                              const idl_schema *schema, shmrpci_arena *arena,
                              idl_diags *diags)
{
    gen_judge judge = {
        .lang = &gen_lang_c, .idl_opts = idl_opts, .names_only = true};
    gen_tree tree;
    gen_value *model = NULL;
    gen_tree_init(&tree);
    shmrpc_status status =
        gen_judge_build(&judge, schema, arena, diags, &tree, &model);
    gen_tree_fini(&tree);
    return status;
}
