/* shmrpcgen: the program.  Only here is anything printed. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <unistd.h>

#include "generator/generate.h"
#include "generator/options.h"
#include "generator/output.h"
#include "generator/report.h"
#include "idl/idl.h"
#include "shmrpc/version.h"

static void print(FILE *stream, const shmrpci_buf *text)
{
    if (text->len > 0) {
        fwrite(text->data, 1, text->len, stream);
    }
}

static gen_exit fail(gen_exit status, shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpcgen: %s\n", text != NULL ? text : "out of memory");
    if (status == GEN_EXIT_USAGE) {
        fputs("`shmrpcgen --help` lists the options.\n", stderr);
    }
    return status;
}

static gen_exit exit_of(shmrpc_status status)
{
    return status == SHMRPC_OK          ? GEN_EXIT_OK
           : status == SHMRPC_E_INVALID ? GEN_EXIT_ERRORS
                                        : GEN_EXIT_IO;
}

/* What only the language can see joins the other diagnostics. */
static shmrpc_status build_model(const gen_options *options,
                                 const idl_schema *schema, idl_memory *memory,
                                 idl_diags *diags, gen_tree *tree,
                                 gen_value **model)
{
    diags->memory = memory;
    if (setjmp(memory->exhausted) != 0) {
        return SHMRPC_E_NO_MEMORY;
    }
    gen_model_opts opts = {
        .lang = options->lang, .prefix = options->prefix, .diags = diags};
    options->lang->refuse(schema, diags);
    shmrpc_status status = gen_model_build(tree, schema, &opts, model);
    idl_diags_sort(diags);
    bool refused =
        diags->error_count > 0 || (options->werror && diags->warning_count > 0);
    return status == SHMRPC_OK && refused ? SHMRPC_E_INVALID : status;
}

static void print_diags(const idl_diags *diags)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_report(diags,
               isatty(STDERR_FILENO) ? GEN_COLOUR_ALWAYS : GEN_COLOUR_NEVER,
               &text);
    print(stderr, &text);
    shmrpci_buf_fini(&text);
}

static gen_exit print_or_generate(const gen_options *options,
                                  const idl_schema *schema,
                                  const gen_value *model)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_exit result = GEN_EXIT_OK;
    if (options->dump == GEN_DUMP_MODEL) {
        gen_print_json(model, &text);
        print(stdout, &text);
    } else {
        result = exit_of(gen_generate(options, schema, model, &text));
        if (result != GEN_EXIT_OK) {
            fail(result, &text);
        }
    }
    shmrpci_buf_fini(&text);
    return result;
}

static gen_exit dump_stage(const gen_options *options,
                           const idl_options *idl_opts, shmrpci_arena *arena,
                           idl_diags *diags)
{
    idl_stage stage = options->dump == GEN_DUMP_TOKENS ? IDL_STAGE_TOKENS
                      : options->dump == GEN_DUMP_AST  ? IDL_STAGE_AST
                                                       : IDL_STAGE_SCHEMA;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_status status =
        idl_dump(idl_opts, options->input, stage, arena, diags, &text);
    print(stdout, &text);
    shmrpci_buf_fini(&text);
    print_diags(diags);
    return exit_of(status);
}

static gen_exit load_and_generate(const gen_options *options,
                                  const idl_options *idl_opts,
                                  shmrpci_arena *arena, idl_diags *diags)
{
    const idl_schema *schema = NULL;
    gen_value *model = NULL;
    idl_memory memory = {.arena = arena};
    gen_tree tree;
    gen_tree_init(&tree);
    shmrpc_status status =
        idl_load(idl_opts, options->input, arena, diags, &schema);
    if (status == SHMRPC_OK) {
        status = build_model(options, schema, &memory, diags, &tree, &model);
    }
    print_diags(diags);
    gen_exit result = exit_of(status);
    if (status == SHMRPC_OK) {
        result = print_or_generate(options, schema, model);
    } else if (status != SHMRPC_E_INVALID) {
        fprintf(stderr, "shmrpcgen: %s\n", shmrpc_status_text(status));
    }
    gen_tree_fini(&tree);
    return result;
}

/* What the options name must be there before anything is read. */
static bool can_read(const gen_options *options)
{
    if (access(options->input, R_OK) != 0) {
        perror(options->input);
        return false;
    }
    if (gen_output_is_folder(options->input)) {
        fprintf(stderr, "%s: is a folder (expected a .svc file)\n",
                options->input);
        return false;
    }
    if (options->templates != NULL &&
        !gen_output_is_folder(options->templates)) {
        fprintf(stderr, "%s: no such folder (--templates)\n",
                options->templates);
        return false;
    }
    return true;
}

static gen_exit run(const gen_options *options)
{
    idl_options idl_opts = {.import_dirs = options->import_dirs,
                            .import_dir_count = options->import_dir_count};
    if (!can_read(options)) {
        return GEN_EXIT_IO;
    }
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    bool is_dump =
        options->dump != GEN_DUMP_NONE && options->dump != GEN_DUMP_MODEL;
    gen_exit result =
        is_dump ? dump_stage(options, &idl_opts, &arena, &diags)
                : load_and_generate(options, &idl_opts, &arena, &diags);
    shmrpci_arena_fini(&arena);
    return result;
}

int main(int argc, char **argv)
{
    gen_options options;
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    gen_exit result = GEN_EXIT_OK;
    if (gen_options_parse(argc, argv, &options, &message) != SHMRPC_OK) {
        result = fail(GEN_EXIT_USAGE, &message);
    } else if (options.action == GEN_ACTION_HELP) {
        fputs(gen_options_help(), stdout);
    } else if (options.action == GEN_ACTION_VERSION) {
        puts("shmrpcgen " SHMRPC_VERSION);
    } else {
        result = run(&options);
    }
    shmrpci_buf_fini(&message);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("shmrpcgen: standard output");
        return GEN_EXIT_IO;
    }
    return (int)result;
}
