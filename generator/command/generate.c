/*
 * Generates the files of a language from .svc files, or prints one stage of a
 * file (--dump).
 *
 * Inputs whose outputs would have the same names are refused before anything is
 * read, so that one never silently overwrites the other.
 *
 * An input's files are written only if it has no errors, and only if they
 * changed: a failed input leaves its old output intact, and a build tool that
 * compares times compiles nothing again. The depfile and the stamp are written
 * last, if all inputs succeeded.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "generator/command/command.h"
#include "generator/command/inputs.h"
#include "generator/generate.h"
#include "generator/judge.h"
#include "generator/options.h"
#include "generator/output.h"
#include "generator/report.h"
#include "idl/idl.h"
#include "shmrpc/version.h"

/* An empty buffer has no data to pass to fwrite. */
static void print(FILE *stream, const shmrpci_buf *text)
{
    if (text->len > 0) {
        fwrite(text->data, 1, text->len, stream);
    }
}

/* A run over all files. `made` collects the outputs of all of them. */
typedef struct run {
    const gen_options *options;
    idl_options idl_opts;
    gen_reporter reporter;
    gen_made made;
    gen_exit result; /* the worst so far */
} run;

/* Keeps the worst status: statuses are ordered by severity. */
static void note_result(run *r, gen_exit result)
{
    r->result = result > r->result ? result : r->result;
}

/* Prints the model if that stage was asked for, else generates. The front end
 * prints the other stages. */
static shmrpc_status print_or_generate(run *r, const idl_schema *schema,
                                       const gen_tree *tree,
                                       const gen_value *model)
{
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_status status = SHMRPC_OK;
    if (r->options->dump == GEN_DUMP_MODEL) {
        gen_print_json(model, &text);
        print(stdout, &text);
    } else {
        status = gen_generate(r->options, schema, tree, model, &r->made, &text);
        if (status != SHMRPC_OK) {
            gen_cli_fail(gen_cli_exit(status), &text);
        }
    }
    shmrpci_buf_fini(&text);
    return status;
}

/* Prints the stage even if there are errors, since it is used to find them. */
static shmrpc_status dump_stage(run *r, const char *path, shmrpci_arena *arena,
                                idl_diags *diags)
{
    gen_dump dump = r->options->dump;
    idl_stage stage = dump == GEN_DUMP_TOKENS ? IDL_STAGE_TOKENS
                      : dump == GEN_DUMP_AST  ? IDL_STAGE_AST
                                              : IDL_STAGE_SCHEMA;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    shmrpc_status status =
        idl_dump(&r->idl_opts, path, stage, arena, diags, &text);
    print(stdout, &text);
    shmrpci_buf_fini(&text);
    gen_reporter_add(&r->reporter, path, diags);
    return status;
}

/* Loads one file, and generates its outputs. Diagnostics always go to the
 * reporter; a failure after the front end has its own message. */
static shmrpc_status load_and_generate(run *r, const char *path,
                                       shmrpci_arena *arena, idl_diags *diags)
{
    const idl_schema *schema = NULL;
    gen_value *model = NULL;
    gen_tree tree;
    gen_tree_init(&tree);
    shmrpc_status status = idl_load(&r->idl_opts, path, arena, diags, &schema);
    if (status == SHMRPC_OK) {
        /* Constructs that the target language does not support are errors of
         * the .svc; they are found before any template runs. */
        gen_judge judge = {.lang = r->options->lang,
                           .idl_opts = &r->idl_opts,
                           .async = r->options->async,
                           .prefix = r->options->prefix,
                           .werror = r->options->werror};
        status = gen_judge_build(&judge, schema, arena, diags, &tree, &model);
    }
    gen_reporter_add(&r->reporter, path, diags);
    if (status == SHMRPC_OK) {
        status = print_or_generate(r, schema, &tree, model);
    } else if (status != SHMRPC_E_INVALID) {
        fprintf(stderr, "shmrpcgen: %s\n", shmrpc_status_text(status));
    }
    gen_tree_fini(&tree);
    return status;
}

/* Each file has its own arena; only the record of its outputs stays
 * afterwards. */
static void generate_file(run *r, const char *path)
{
    if (!gen_cli_can_read(path)) {
        note_result(r, GEN_EXIT_IO);
        return;
    }
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    idl_diags diags;
    idl_diags_init(&diags);
    gen_dump dump = r->options->dump;
    /* The model needs all passes; the earlier stages need no model. */
    bool is_stage = dump != GEN_DUMP_NONE && dump != GEN_DUMP_MODEL;
    shmrpc_status status = is_stage
                               ? dump_stage(r, path, &arena, &diags)
                               : load_and_generate(r, path, &arena, &diags);
    note_result(r, gen_cli_exit(status));
    shmrpci_arena_fini(&arena);
}

/* Records the names of the files that an input will generate. Returns false,
 * after printing a message, if another input generates the same file. An input
 * may have several outputs: echo.svc generates echo_client.h too. */
static bool enter_outputs(const gen_options *options, gen_tree *tree,
                          gen_value *seen, const char *input)
{
    const gen_lang *lang = options->lang;
    /* Outputs are named after the path by which other files import the input,
     * not after its path on the command line. */
    gen_import_dirs dirs = {options->import_dirs, options->import_dir_count};
    const char *stem =
        gen_import_stem(tree, gen_import_path(tree, dirs, input));
    for (size_t i = 0; i < lang->file_count; i++) {
        const char *name = gen_print(tree, "%s%s", stem, lang->files[i].suffix);
        const gen_value *first = gen_get(seen, name, strlen(name));
        if (!gen_is_wanted(options, lang->files[i].kind)) {
            continue;
        }
        if (first != NULL) {
            fprintf(stderr,
                    "shmrpcgen: %s and %s would both become %s (rename one, or "
                    "pass -I with a folder above both, so that their import "
                    "paths differ)\n",
                    first->text, input, name);
            return false;
        }
        gen_set(seen, name, gen_ref(tree, input));
    }
    return true;
}

/* Checks that no two inputs have the same outputs. No file is read: outputs are
 * named after the import path of the input. */
static bool are_distinct(const gen_options *options, const gen_inputs *inputs)
{
    gen_tree tree;
    gen_tree_init(&tree);
    gen_value *seen = gen_object(&tree);
    bool distinct = true;
    for (size_t i = 0; i < inputs->count && distinct; i++) {
        distinct = enter_outputs(options, &tree, seen, inputs->paths[i]);
    }
    gen_tree_fini(&tree);
    return distinct;
}

/* Called only after success: a stamp says that all outputs are up to date. */
static void write_made(run *r)
{
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    shmrpc_status status = gen_made_write(r->options, &r->made, &message);
    if (status != SHMRPC_OK) {
        note_result(r, gen_cli_exit(status));
        gen_cli_fail(r->result, &message);
    }
    shmrpci_buf_fini(&message);
}

/* Processes all files even if one has errors, so that one run reports
 * everything. */
static gen_exit generate_all(const gen_options *options,
                             const gen_inputs *inputs)
{
    run r = {.options = options,
             .idl_opts = {.import_dirs = options->import_dirs,
                          .import_dir_count = options->import_dir_count}};
    gen_made_init(&r.made);
    gen_cli_reporter_init(&r.reporter, options->form);
    for (size_t i = 0; i < inputs->count; i++) {
        generate_file(&r, inputs->paths[i]);
    }
    /* Warnings are reported even if everything is written. */
    gen_cli_report(&r.reporter);
    if (r.result == GEN_EXIT_OK && options->dump == GEN_DUMP_NONE) {
        write_made(&r);
    }
    gen_made_fini(&r.made);
    return r.result;
}

/* Collects files, and the contents of folders. A folder is also searched for
 * imports of its files, after the folders of -I. A folder without any .svc is
 * an error: otherwise a build with a misspelt folder would silently generate
 * nothing. */
static gen_exit find_inputs(gen_options *options, gen_inputs *inputs,
                            shmrpci_buf *message)
{
    for (size_t i = 0; i < options->input_count; i++) {
        const char *path = options->inputs[i];
        size_t before = inputs->count;
        bool is_folder = gen_output_is_folder(path);
        if (!gen_inputs_add(inputs, path)) {
            return GEN_EXIT_IO;
        }
        if (inputs->count == before) {
            fprintf(stderr, "%s: no .svc file in this folder\n", path);
            return GEN_EXIT_IO;
        }
        /* The folder is added after its files were listed, because only then is
         * it known to exist. */
        if (is_folder && gen_cli_add_import_dir(options->import_dirs,
                                                &options->import_dir_count,
                                                path, message) != SHMRPC_OK) {
            return gen_cli_fail(GEN_EXIT_USAGE, message);
        }
    }
    /* Only one file can be dumped: the dumps of two could not be told apart. */
    if (inputs->count > 1 && options->dump != GEN_DUMP_NONE) {
        shmrpci_buf_append_text(message, "--dump is for one .svc file");
        return gen_cli_fail(GEN_EXIT_USAGE, message);
    }
    return are_distinct(options, inputs) ? GEN_EXIT_OK : GEN_EXIT_ERRORS;
}

/* A template folder that doesn't exist is an error: otherwise the built-in
 * templates would silently be used. */
static gen_exit run_all(gen_options *options, shmrpci_buf *message)
{
    if (options->templates != NULL &&
        !gen_output_is_folder(options->templates)) {
        fprintf(stderr, "%s: no such folder (--templates)\n",
                options->templates);
        return GEN_EXIT_IO;
    }
    gen_inputs inputs;
    gen_inputs_init(&inputs);
    gen_exit result = find_inputs(options, &inputs, message);
    if (result == GEN_EXIT_OK) {
        result = generate_all(options, &inputs);
    }
    gen_inputs_fini(&inputs);
    return result;
}

/* ---- help prints to standard output and succeeds. ------------------------ */
static void print_help(void)
{
    fputs(
        "usage: shmrpcgen [options] FILE.svc|FOLDER...\n"
        "       shmrpcgen COMMAND [options] ...\n"
        "\n"
        "Generates C from service descriptions: FILE.h and FILE.c (types and\n"
        "tables), FILE_client.h/.c and FILE_server.h/.c.  For a folder, from\n"
        "all .svc files in it and below.  FILE is the import path: relative "
        "to\n"
        "the first folder of -I, or FOLDER, that contains the file; else its\n"
        "name.\n"
        "\n"
        "  --out-dir DIR     where to write (default: here); created if "
        "missing\n"
        "  --kinds LIST      client, server or both, separated by commas\n"
        "                    (default: both)\n"
        "  --async           also generate asynchronous calls "
        "(shmrpc/async.h)\n"
        "  -I, --import-dir DIR\n"
        "                    where to look for imported files, after the\n"
        "                    folder of the importing one; may be repeated\n"
        "  --prefix NAME     prefix of C names (default: from the package)\n"
        "  --lang NAME       what to generate: c (default), html (a\n"
        "                    reference page), man (a manual page), openapi\n"
        "                    (OpenAPI 3.1 of what shmrpc-web serves) or\n"
        "                    python (a typed module)\n"
        "  --skeleton        write a server and a client to start from, once:\n"
        "                    FILE_server_main.c and FILE_client_main.c\n"
        "  --templates DIR   files in this folder replace built-in templates\n"
        "                    of the same name\n"
        "  --depfile FILE    write the files that were read, as a Make rule\n"
        "  --stamp FILE      write an empty file last, every time; it becomes\n"
        "                    the target in the depfile\n"
        "  --dump=STAGE      print tokens, ast, schema or model; write\n"
        "                    nothing\n"
        "  --force           also replace files that shmrpcgen did not write\n"
        "  --werror          generate nothing when there are warnings\n"
        "  --diagnostics=FORM\n"
        "                    human: to standard error (default); json or\n"
        "                    sarif: to standard output, for programs\n"
        "  -h, --help        print this\n"
        "  --version         print the version\n",
        stdout);
    /* The list comes from the table, so a new command needs no change here. */
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

/* Runs if no command is named: argv[0] is the program's name, and options may
 * stand before and after files. */
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
        result = run_all(&options, &message);
    }
    shmrpci_buf_fini(&message);
    return result;
}
