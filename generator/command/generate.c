/* Generating: from a .svc to the files of a language, or one stage printed. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>

#include "generator/command/command.h"
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

static void print_diags(const gen_options *options, const idl_diags *diags)
{
    gen_reporter reporter;
    gen_cli_reporter_init(&reporter, options->form);
    gen_reporter_add(&reporter, options->input, diags);
    gen_cli_report(&reporter);
}

static gen_exit print_or_generate(const gen_options *options,
                                  const idl_schema *schema,
                                  const gen_tree *tree, const gen_value *model)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_exit result = GEN_EXIT_OK;
    if (options->dump == GEN_DUMP_MODEL) {
        gen_print_json(model, &text);
        print(stdout, &text);
    } else {
        result =
            gen_cli_exit(gen_generate(options, schema, tree, model, &text));
        if (result != GEN_EXIT_OK) {
            gen_cli_fail(result, &text);
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
    print_diags(options, diags);
    return gen_cli_exit(status);
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
    print_diags(options, diags);
    gen_exit result = gen_cli_exit(status);
    if (status == SHMRPC_OK) {
        result = print_or_generate(options, schema, &tree, model);
    } else if (status != SHMRPC_E_INVALID) {
        fprintf(stderr, "shmrpcgen: %s\n", shmrpc_status_text(status));
    }
    gen_tree_fini(&tree);
    return result;
}

/* What the options name must be there before anything is read. */
static bool can_read(const gen_options *options)
{
    if (!gen_cli_can_read(options->input)) {
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

static void print_help(void)
{
    fputs(
        "usage: shmrpcgen [options] FILE.svc\n"
        "       shmrpcgen COMMAND [options] ...\n"
        "\n"
        "Makes the C of a service description: FILE.h and FILE.c (types and\n"
        "tables), FILE_client.h/.c and FILE_server.h/.c.\n"
        "\n"
        "  --out-dir DIR     where to write (default: here); is created\n"
        "  --kinds LIST      client, server or both, separated by commas\n"
        "                    (default: both)\n"
        "  -I, --import-dir DIR\n"
        "                    where to look for imported files, after the\n"
        "                    folder of the importing one; may be repeated\n"
        "  --prefix NAME     prefix of C names (default: from the package)\n"
        "  --lang NAME       what to make: c (the default), html (a\n"
        "                    reference page), man (a manual page) or openapi\n"
        "                    (OpenAPI 3.1 of what shmrpc-web serves)\n"
        "  --skeleton        write a server and a client to start from, once:\n"
        "                    FILE_server_main.c and FILE_client_main.c\n"
        "  --templates DIR   files of this folder replace built-in templates\n"
        "                    of the same name\n"
        "  --depfile FILE    write what was read, as a rule for Make\n"
        "  --stamp FILE      write an empty file last, every time; the\n"
        "                    depfile then speaks of it\n"
        "  --dump=STAGE      print tokens, ast, schema or model; write\n"
        "                    nothing\n"
        "  --werror          generate nothing when there are warnings\n"
        "  --diagnostics=FORM\n"
        "                    human: to standard error (default); json or\n"
        "                    sarif: to standard output, for programs\n"
        "  -h, --help        print this\n"
        "  --version         print the version\n",
        stdout);
    for (const gen_command *at = gen_commands; at->name != NULL; at++) {
        printf("%s  %-17s %s\n",
               at == gen_commands
                   ? "\nCommands (`shmrpcgen COMMAND --help` says more):\n"
                   : "",
               at->name, at->summary);
    }
    fputs(
        "\nExit status: 0 done, 1 errors in the .svc or a template, 2 wrong\n"
        "usage, 3 a file can't be read or written.\n",
        stdout);
}

gen_exit gen_command_generate(int argc, char **argv)
{
    gen_options options;
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    gen_exit result = GEN_EXIT_OK;
    if (gen_options_parse(argc, argv, &options, &message) != SHMRPC_OK) {
        result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    } else if (options.action == GEN_ACTION_HELP) {
        print_help();
    } else if (options.action == GEN_ACTION_VERSION) {
        puts("shmrpcgen " SHMRPC_VERSION);
    } else {
        result = run(&options);
    }
    shmrpci_buf_fini(&message);
    return result;
}
