/* Runs the passes, one after the other. */
#include "idl/idl.h"

#include <string.h>

#include "idl/check.h"
#include "idl/dump.h"
#include "idl/explore.h"
#include "idl/load.h"
#include "idl/seal.h"

static const idl_options no_options = {.flags = 0};

/* A file without declarations is probably a mistake. */
static void check_not_empty(const idl_units *units, const idl_source *source,
                            idl_diags *diags)
{
    const idl_unit *main_unit = units->items[units->count - 1];
    AST_EACH(ast_decl, decl, main_unit->ast->decls)
    {
        if (decl->kind != AST_PACKAGE && decl->kind != AST_IMPORT) {
            return;
        }
    }
    if (diags->error_count == 0) {
        idl_diag *diag =
            idl_report(diags, IDL_S_EMPTY_FILE, (idl_span){.source = source},
                       "the file declares nothing");
        idl_expected(diags, diag, "a service or a type");
    }
}

/* Runs all passes after the main file was read. */
static void explore(const idl_options *options, const idl_source *source,
                    idl_diags *diags, idl_exploration *out)
{
    out->source = source;
    out->units = idl_load_units(options, source, diags);
    out->resolved = idl_resolve(&out->units, diags);
    idl_check_records(&out->resolved, diags);
    idl_check_services(&out->resolved, diags);
    idl_check_shared(&out->resolved, diags);
    check_not_empty(&out->units, source, diags);
    if ((options->flags & IDL_ANY_C_NAMES) == 0) {
        idl_check_c_names(&out->resolved, diags);
    }
    idl_diags_sort(diags);
    out->complete = diags->error_count == 0;
}

static const idl_schema *build(const idl_options *options,
                               const idl_source *source, idl_diags *diags)
{
    idl_exploration whole = {.source = NULL};
    explore(options, source, diags, &whole);
    if (!whole.complete) {
        return NULL;
    }
    idl_seal(&whole.resolved, diags->memory);
    return whole.resolved.schema;
}

static const idl_source *read_main(const idl_options *options, const char *path,
                                   idl_diags *diags)
{
    shmrpc_status status;
    const idl_source *source = idl_load_source(
        options, path, (idl_span){.source = NULL}, diags, &status);
    if (status == SHMRPC_E_NOT_FOUND) {
        (void)idl_report(diags, IDL_S_FILE_NOT_FOUND,
                         (idl_span){.source = NULL}, "can't open %s", path);
    }
    return source;
}

/* The arguments of one of the public functions. */
typedef struct job {
    const idl_options *options;
    const char *path;
    const char *text; /* NULL: the file `path` is read */
    size_t len;
    bool dump;
    idl_stage stage;
    shmrpci_buf *dump_out;
    idl_exploration *exploration; /* or NULL */
} job;

static void dump(const job *j, const idl_source *source, idl_diags *diags)
{
    if (j->stage == IDL_STAGE_TOKENS) {
        idl_tokens tokens = idl_lex(source, diags->memory, diags);
        idl_dump_tokens(&tokens, j->dump_out);
    } else if (j->stage == IDL_STAGE_AST) {
        idl_dump_ast(idl_parse(source, diags), j->dump_out);
    } else {
        const idl_schema *schema = build(j->options, source, diags);
        if (schema != NULL) {
            idl_dump_schema(schema, diags->memory, j->dump_out);
        }
    }
}

static const idl_schema *work(const job *j, idl_diags *diags)
{
    const idl_source *source =
        j->text != NULL ? idl_load_memory(j->path, j->text, j->len, diags)
                        : read_main(j->options, j->path, diags);
    const idl_schema *schema = NULL;
    if (source != NULL && j->dump) {
        dump(j, source, diags);
    } else if (source != NULL && j->exploration != NULL) {
        explore(j->options, source, diags, j->exploration);
    } else if (source != NULL) {
        schema = build(j->options, source, diags);
    }
    idl_diags_sort(diags);
    return schema;
}

/* Runs the job. Only this function calls setjmp for running out of memory. */
static shmrpc_status run(const job *j, shmrpci_arena *arena, idl_diags *diags,
                         const idl_schema **out)
{
    idl_memory memory = {.arena = arena};
    diags->memory = &memory;
    if (setjmp(memory.exhausted) != 0) {
        diags->memory = NULL;
        return SHMRPC_E_NO_MEMORY;
    }
    const idl_schema *schema = work(j, diags);
    diags->memory = NULL;
    if (diags->error_count > 0) {
        return SHMRPC_E_INVALID;
    }
    if (j->dump) {
        return j->dump_out->status;
    }
    *out = schema;
    return SHMRPC_OK;
}

shmrpc_status idl_load(const idl_options *options, const char *path,
                       shmrpci_arena *arena, idl_diags *diags,
                       const idl_schema **out)
{
    job j = {.options = options != NULL ? options : &no_options, .path = path};
    return run(&j, arena, diags, out);
}

shmrpc_status idl_load_text(const idl_options *options, const char *path,
                            const char *text, size_t len, shmrpci_arena *arena,
                            idl_diags *diags, const idl_schema **out)
{
    job j = {.options = options != NULL ? options : &no_options,
             .path = path,
             .text = text,
             .len = len};
    return run(&j, arena, diags, out);
}

shmrpc_status idl_dump(const idl_options *options, const char *path,
                       idl_stage stage, shmrpci_arena *arena, idl_diags *diags,
                       shmrpci_buf *out)
{
    const idl_schema *unused = NULL;
    job j = {.options = options != NULL ? options : &no_options,
             .path = path,
             .dump = true,
             .stage = stage,
             .dump_out = out};
    return run(&j, arena, diags, &unused);
}

shmrpc_status idl_explore(const idl_options *options, const char *path,
                          shmrpci_arena *arena, idl_diags *diags,
                          idl_exploration *out)
{
    const idl_schema *unused = NULL;
    *out = (idl_exploration){.source = NULL};
    job j = {.options = options != NULL ? options : &no_options,
             .path = path,
             .exploration = out};
    shmrpc_status status = run(&j, arena, diags, &unused);
    return status == SHMRPC_E_INVALID ? SHMRPC_OK : status;
}

/* Diagnostics of the text are discarded: only the next tokens matter. */
static void next_of(const idl_source *source, idl_memory *memory, idl_next *out)
{
    idl_diags diags;
    idl_diags_init(&diags);
    diags.memory = memory;
    idl_parse_next(source, &diags, out);
}

shmrpc_status idl_explore_next(const char *text, size_t len,
                               shmrpci_arena *arena, idl_next *out)
{
    const idl_source *source = NULL;
    size_t bad_offset = 0;
    shmrpc_status status =
        idl_source_from_text(arena, "", text, len, &source, &bad_offset);
    if (status != SHMRPC_OK) {
        return status;
    }
    idl_memory memory = {.arena = arena};
    if (setjmp(memory.exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    next_of(source, &memory, out);
    return SHMRPC_OK;
}
