/*
 * The command fmt: formats .svc files.
 *
 * A file is read whole, formatted in memory, and replaced atomically, only if
 * it differs: an editor or a build never sees half of it, and a file that is
 * already formatted keeps its modification time. A file with syntax errors is
 * left unchanged. Other files are still formatted; the exit status is the worst
 * of all.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/command/command.h"
#include "generator/output.h"
#include "idl/limits.h"
#include "idl/syntax/format.h"

enum { OPT_CHECK = 256, OPT_DIAGNOSTICS };

static const struct option long_options[] = {
    {"check", no_argument, NULL, OPT_CHECK},
    {"diagnostics", required_argument, NULL, OPT_DIAGNOSTICS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The command line, and the worst status so far. */
typedef struct fmt {
    /* Whether --check was given: writes nothing, but prints the names of files
     * that would change. */
    bool check;
    bool help;
    /* The form in which syntax errors are reported; `reporter` collects those
     * of all files. */
    gen_report_form form;
    gen_reporter reporter;
    gen_exit result; /* the worst so far */
} fmt;

static void print_help(void)
{
    fputs(
        "usage: shmrpcgen fmt [options] FILE.svc...\n"
        "\n"
        "Formats the files in the standard layout of the language.  Comments,\n"
        "documentation and groups of lines stay; the meaning never changes.\n"
        "A file with syntax errors is left alone.  `-` formats standard\n"
        "input to standard output.\n"
        "\n"
        "  --check             write nothing; print the names of the files\n"
        "                      that would change\n"
        "  --diagnostics=FORM  human: to standard error (default); json or\n"
        "                      sarif: to standard output, for programs\n"
        "  -h, --help          print this\n"
        "\n"
        "Exit status: 0 done, 1 syntax errors, or --check found a file that\n"
        "would change, 2 wrong usage, 3 a file can't be read or written.\n",
        stdout);
}

/* Keeps the worst status: statuses are ordered by severity. */
static void note_result(fmt *f, gen_exit result)
{
    f->result = result > f->result ? result : f->result;
}

/* Reports a file that can't be read or written; the command continues with the
 * next file. */
static void fail(fmt *f, const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    note_result(f, GEN_EXIT_IO);
}

/* Reads standard input up to slightly more than the limit: idl_format then
 * refuses a longer text with its own message. */
static bool read_input(fmt *f, const char *path, shmrpci_buf *out)
{
    shmrpc_error error;
    if (strcmp(path, "-") != 0) {
        if (!gen_cli_can_read(path)) {
            note_result(f, GEN_EXIT_IO);
            return false;
        }
        if (gen_output_read(path, out, &error) == SHMRPC_OK) {
            return true;
        }
        fail(f, path, error.message);
        return false;
    }
    char chunk[8192];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0 &&
           out->len <= IDL_MAX_FILE_BYTES) {
        shmrpci_buf_append(out, chunk, got);
    }
    if (ferror(stdin) || out->status != SHMRPC_OK) {
        fail(f, "standard input", "can't be read");
        return false;
    }
    return true;
}

/* Follows a symbolic link and replaces its target, so that the link stays a
 * link. */
static void write_back(fmt *f, const char *path, const shmrpci_buf *text)
{
    shmrpc_error error;
    char *target = realpath(path, NULL);
    if (target == NULL) {
        fail(f, path, "can't be found any more");
    } else if (gen_output_write(target, text->data, text->len, NULL, &error) !=
               SHMRPC_OK) {
        fail(f, path, error.message);
    }
    free(target);
}

/* With --check the names of files that would change are the output: on standard
 * output, unless a report for programs goes there. */
static void put_result(fmt *f, const char *path, const shmrpci_buf *before,
                       const shmrpci_buf *after)
{
    /* The buffer of an empty file has no memory to compare. */
    bool same =
        before->len == after->len &&
        (after->len == 0 || memcmp(before->data, after->data, after->len) == 0);
    if (f->check) {
        if (!same) {
            fprintf(f->form == GEN_REPORT_HUMAN ? stdout : stderr, "%s\n",
                    path);
            note_result(f, GEN_EXIT_ERRORS);
        }
    } else if (strcmp(path, "-") == 0) {
        fwrite(after->len > 0 ? (const char *)after->data : "", 1, after->len,
               stdout);
    } else if (!same) {
        write_back(f, path, after);
    }
}

/* Diagnostics name standard input `<stdin>`, as compilers do. */
static void format_text(fmt *f, const char *path, const shmrpci_buf *before)
{
    shmrpci_arena arena;
    idl_diags diags;
    shmrpci_buf after;
    shmrpci_arena_init(&arena, 0);
    idl_diags_init(&diags);
    shmrpci_buf_init_heap(&after);
    const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
    shmrpc_status status =
        idl_format(name, before->len > 0 ? (const char *)before->data : "",
                   before->len, &arena, &diags, &after);
    gen_reporter_add(&f->reporter, name, &diags);
    if (status == SHMRPC_OK) {
        put_result(f, path, before, &after);
    } else if (status == SHMRPC_E_INVALID) {
        note_result(f, GEN_EXIT_ERRORS);
    } else {
        fail(f, name, shmrpc_status_text(status));
    }
    shmrpci_buf_fini(&after);
    shmrpci_arena_fini(&arena);
}

/* Formats one file; only one is in memory at a time. */
static void format_file(fmt *f, const char *path)
{
    shmrpci_buf before;
    shmrpci_buf_init_heap(&before);
    if (read_input(f, path, &before)) {
        format_text(f, path, &before);
    }
    shmrpci_buf_fini(&before);
}

/* Usage errors end the command before any file is read. */
static shmrpc_status parse(int argc, char **argv, fmt *f, shmrpci_buf *message)
{
    int option;
    while ((option = shmrpci_options_next(argc, argv, "h", long_options,
                                          message)) != SHMRPCI_OPTIONS_END) {
        shmrpc_status status = SHMRPC_OK;
        if (option == OPT_CHECK) {
            f->check = true;
        } else if (option == OPT_DIAGNOSTICS) {
            status = gen_cli_report_form(optarg, &f->form, message);
        } else if (option == 'h') {
            f->help = true;
            return SHMRPC_OK;
        } else {
            status = SHMRPC_E_INVALID;
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    /* `-` is refused together with other files or a report for programs:
     * readers of standard output could not tell the texts apart. */
    for (int i = optind; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0 && !f->check &&
            (argc - optind > 1 || f->form != GEN_REPORT_HUMAN)) {
            shmrpci_buf_append_text(message,
                                    "`-` stands alone: its text goes to "
                                    "standard output");
            return SHMRPC_E_INVALID;
        }
    }
    if (optind == argc) {
        shmrpci_buf_append_text(message, "no .svc file given");
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

gen_exit gen_command_fmt(int argc, char **argv)
{
    fmt f = {.form = GEN_REPORT_HUMAN};
    shmrpci_buf message;
    shmrpci_buf_init_heap(&message);
    if (parse(argc, argv, &f, &message) != SHMRPC_OK) {
        f.result = gen_cli_fail(GEN_EXIT_USAGE, &message);
    } else if (f.help) {
        print_help();
    } else {
        gen_cli_reporter_init(&f.reporter, f.form);
        for (int i = optind; i < argc; i++) {
            format_file(&f, argv[i]);
        }
        /* At the end, because a report for programs is one document. */
        gen_cli_report(&f.reporter);
    }
    shmrpci_buf_fini(&message);
    return f.result;
}
