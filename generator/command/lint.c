/* The command lint: prints advice on .svc files that are valid. The rules and
 * their texts are in idl/lint.h; names that a target language does not support
 * are found by generator/judge.h. This file reads the command line and reports.
 * Any advice makes the command fail, so that CI can require that there is
 * none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/command/command.h"
#include "generator/judge.h"
#include "idl/idl.h"
#include "idl/lint.h"

/* Larger than the number of rules. */
#define MAX_DISABLED 64

enum { OPT_DISABLE = 256, OPT_STRICT, OPT_DIAGNOSTICS };

static const struct option long_options[] = {
    {"disable", required_argument, NULL, OPT_DISABLE},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"import-dir", required_argument, NULL, 'I'},
    {"diagnostics", required_argument, NULL, OPT_DIAGNOSTICS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The command line, and the worst status so far. */
typedef struct lint {
    idl_code disabled[MAX_DISABLED];
    size_t disabled_count;
    bool strict;
    bool help;
    const char *import_dirs[GEN_MAX_IMPORT_DIRS];
    size_t import_dir_count;
    /* The form in which findings are reported; `reporter` collects those of all
     * files. */
    gen_report_form form;
    gen_reporter reporter;
    gen_exit result; /* the worst so far */
} lint;

/* Printed from the table of codes, so that help lists every rule. */
static void print_rules(void)
{
    size_t count;
    const idl_code *codes = idl_codes(&count);
    for (size_t i = 0; i < count; i++) {
        if (idl_code_is_advice(codes[i])) {
            printf("  S%04d  %s%s\n", (int)codes[i], idl_code_title(codes[i]),
                   idl_lint_is_strict(codes[i]) ? " (--strict)" : "");
        }
    }
}

/* The help lists the rules, because --disable takes their codes. */
static void print_help(void)
{
    fputs(
        "usage: shmrpcgen lint [options] FILE.svc...\n"
        "\n"
        "Warns of things that are allowed but likely to cause trouble.\n"
        "\n"
        "  --disable CODES     leave out these rules: S1003,S1004; may be\n"
        "                      repeated.  In the file, @allow(S1003) before a\n"
        "                      declaration does it for that one\n"
        "  --strict            also apply rules that many good services break\n"
        "  -I, --import-dir DIR\n"
        "                      where to look for imported files, after the\n"
        "                      folder of the importing one; may be repeated\n"
        "  --diagnostics=FORM  human: to standard error (default); json or\n"
        "                      sarif: to standard output, for programs\n"
        "  -h, --help          print this\n"
        "\n"
        "The rules (`shmrpcgen explain CODE` says more):\n",
        stdout);
    print_rules();
    fputs(
        "\n"
        "Exit status: 0 nothing found, 1 findings or errors, 2 wrong usage,\n"
        "3 a file can't be read.\n",
        stdout);
}

/* ---- options ---- */

/* Only advice can be disabled, not errors. A name longer than any code is cut,
 * and refused as unknown. */
static shmrpc_status disable(lint *l, const char *list, shmrpci_buf *message)
{
    while (*list != '\0') {
        char name[16] = "";
        size_t len = strcspn(list, ",");
        memcpy(name, list, len < sizeof name ? len : sizeof name - 1);
        if (l->disabled_count == MAX_DISABLED) {
            shmrpci_buf_printf(message, "more than %d codes", MAX_DISABLED);
            return SHMRPC_E_INVALID;
        }
        idl_code *code = &l->disabled[l->disabled_count++];
        if (!idl_code_parse(name, code) || !idl_code_is_advice(*code)) {
            shmrpci_buf_printf(message, "no rule of lint has the code `%s`",
                               name);
            return SHMRPC_E_INVALID;
        }
        list += len + (list[len] == ',');
    }
    return SHMRPC_OK;
}

/* Each --disable and -I adds to the earlier ones. */
static shmrpc_status set_option(int option, lint *l, shmrpci_buf *message)
{
    switch (option) {
    case OPT_DISABLE:
        return disable(l, optarg, message);
    case OPT_STRICT:
        l->strict = true;
        return SHMRPC_OK;
    case 'I':
        return gen_cli_add_import_dir(l->import_dirs, &l->import_dir_count,
                                      optarg, message);
    case OPT_DIAGNOSTICS:
        return gen_cli_report_form(optarg, &l->form, message);
    case 'h':
        l->help = true;
        return SHMRPC_OK;
    default:
        return SHMRPC_E_INVALID;
    }
}

/* Usage errors end the command before any file is read; --help ends it at
 * once. */
static shmrpc_status parse(int argc, char **argv, lint *l, shmrpci_buf *message)
{
    int option;
    while ((option = shmrpci_options_next(argc, argv, "I:h", long_options,
                                          message)) != SHMRPCI_OPTIONS_END) {
        shmrpc_status status = set_option(option, l, message);
        if (status != SHMRPC_OK || l->help) {
            return status;
        }
    }
    if (optind == argc) {
        shmrpci_buf_append_text(message, "no .svc file given");
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

/* ---- files ---- */

/* Keeps the worst status: statuses are ordered by severity. */
static void note_result(lint *l, gen_exit result)
{
    l->result = result > l->result ? result : l->result;
}

/* A file with errors gets no advice. Each file has its own arena; the reporter
 * copies what it prints. */
static void lint_file(lint *l, const char *path)
{
    idl_options idl_opts = {.import_dirs = l->import_dirs,
                            .import_dir_count = l->import_dir_count};
    idl_lint_options options = {.disabled = l->disabled,
                                .disabled_count = l->disabled_count,
                                .strict = l->strict};
    shmrpci_arena arena;
    idl_diags diags;
    const idl_schema *schema = NULL;
    if (!gen_cli_can_read(path)) {
        note_result(l, GEN_EXIT_IO);
        return;
    }
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    shmrpc_status status = idl_load(&idl_opts, path, &arena, &diags, &schema);
    if (status == SHMRPC_OK) {
        status = idl_lint(schema, &options, &arena, &diags);
    }
    if (status == SHMRPC_OK) {
        status = gen_judge_names(&idl_opts, schema, &arena, &diags);
    }
    /* Findings make the exit status GEN_EXIT_ERRORS, which INVALID stands
     * for. */
    if (status == SHMRPC_OK && diags.warning_count > 0) {
        status = SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_E_NO_MEMORY) {
        fprintf(stderr, "%s: %s\n", path, shmrpc_status_text(status));
    } else {
        gen_reporter_add(&l->reporter, path, &diags);
    }
    note_result(l, gen_cli_exit(status));
    shmrpci_arena_fini(&arena);
}

gen_exit gen_command_lint(int argc, char **argv)
{
    lint l = {.form = GEN_REPORT_HUMAN};
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    if (parse(argc, argv, &l, &message) != SHMRPC_OK) {
        l.result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    } else if (l.help) {
        print_help();
    } else {
        gen_cli_reporter_init(&l.reporter, l.form);
        for (int i = optind; i < argc; i++) {
            lint_file(&l, argv[i]);
        }
        /* At the end, because a report for programs is one document. */
        gen_cli_report(&l.reporter);
    }
    shmrpci_buf_fini(&message);
    return l.result;
}
