/* Command lines, as all commands read them. */
#define _POSIX_C_SOURCE 200809L
#include "generator/command/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "generator/output.h"

#define MAX_OPTIONS 64

void gen_cli_suggest(shmrpci_buf *message, const char *wanted,
                     const char *const *names, size_t count, const char *before)
{
    const char *best = shmrpci_nearest_of(wanted, names, count);
    if (best != NULL) {
        shmrpci_buf_printf(message, "; did you mean `%s%s`?", before, best);
        return;
    }
    for (size_t i = 0; i < count && *before == '\0'; i++) {
        const char *lead = i == 0           ? " (expected "
                           : i + 1 == count ? " or "
                                            : ", ";
        shmrpci_buf_printf(message, "%s%s", lead, names[i]);
    }
    shmrpci_buf_append_text(message, *before == '\0' ? ")" : "");
}

/* `argument` as it stands on the command line: "--out-dri=x". */
static void unknown_option(const char *argument, const struct option *longs,
                           shmrpci_buf *message)
{
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    for (const struct option *at = longs; at->name != NULL; at++) {
        if (count < MAX_OPTIONS) {
            names[count++] = at->name;
        }
    }
    size_t len = strcspn(argument, "=");
    shmrpci_buf_printf(message, "unknown option `%.*s`", (int)len, argument);
    char name[32] = "";
    if (strncmp(argument, "--", 2) == 0 && len - 2 < sizeof name) {
        memcpy(name, argument + 2, len - 2);
        name[len - 2] = '\0';
        gen_cli_suggest(message, name, names, count, "--");
    }
}

int gen_cli_next(int argc, char **argv, const char *shorts,
                 const struct option *longs, shmrpci_buf *message)
{
    /* The colon tells a missing argument from an unknown option. */
    char with_colon[MAX_OPTIONS * 2] = ":";
    (void)snprintf(with_colon + 1, sizeof with_colon - 1, "%s", shorts);
    opterr = 0;
    int option = getopt_long(argc, argv, with_colon, longs, NULL);
    if (option == '?') {
        unknown_option(argv[optind - 1], longs, message);
    } else if (option == ':') {
        shmrpci_buf_printf(message, "option `%s` needs an argument",
                           argv[optind - 1]);
        return GEN_CLI_BAD;
    }
    return option;
}

shmrpc_status gen_cli_add_import_dir(const char *dirs[GEN_MAX_IMPORT_DIRS],
                                     size_t *count, const char *dir,
                                     shmrpci_buf *message)
{
    if (*count == GEN_MAX_IMPORT_DIRS) {
        shmrpci_buf_printf(message, "more than %d import folders",
                           GEN_MAX_IMPORT_DIRS);
        return SHMRPC_E_INVALID;
    }
    dirs[(*count)++] = dir;
    return SHMRPC_OK;
}

gen_exit gen_cli_fail(gen_exit status, shmrpci_buf *message)
{
    const char *text = shmrpci_buf_text(message);
    fprintf(stderr, "shmrpcgen: %s\n", text != NULL ? text : "out of memory");
    if (status == GEN_EXIT_USAGE) {
        fputs("`shmrpcgen --help` lists the options.\n", stderr);
    }
    return status;
}

gen_exit gen_cli_exit(shmrpc_status status)
{
    return status == SHMRPC_OK          ? GEN_EXIT_OK
           : status == SHMRPC_E_INVALID ? GEN_EXIT_ERRORS
                                        : GEN_EXIT_IO;
}

bool gen_cli_can_read(const char *path)
{
    if (access(path, R_OK) != 0) {
        perror(path);
        return false;
    }
    if (gen_output_is_folder(path)) {
        fprintf(stderr, "%s: is a folder (expected a .svc file)\n", path);
        return false;
    }
    return true;
}

shmrpc_status gen_cli_report_form(const char *name, gen_report_form *out,
                                  shmrpci_buf *message)
{
    for (size_t i = 0; i < GEN_REPORT_FORM_COUNT; i++) {
        if (strcmp(name, gen_report_forms[i]) == 0) {
            *out = (gen_report_form)i;
            return SHMRPC_OK;
        }
    }
    shmrpci_buf_printf(message, "unknown form `%s` for --diagnostics", name);
    gen_cli_suggest(message, name, gen_report_forms, GEN_REPORT_FORM_COUNT, "");
    return SHMRPC_E_INVALID;
}

void gen_cli_reporter_init(gen_reporter *reporter, gen_report_form form)
{
    bool colour = form == GEN_REPORT_HUMAN && isatty(STDERR_FILENO);
    gen_reporter_init(reporter, form,
                      colour ? GEN_COLOUR_ALWAYS : GEN_COLOUR_NEVER);
}

void gen_cli_report(gen_reporter *reporter)
{
    FILE *stream = reporter->form == GEN_REPORT_HUMAN ? stderr : stdout;
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    gen_reporter_print(reporter, &text);
    if (text.status != SHMRPC_OK) {
        fputs("shmrpcgen: out of memory\n", stderr);
    } else if (text.len > 0) {
        fwrite(text.data, 1, text.len, stream);
    }
    shmrpci_buf_fini(&text);
    gen_reporter_fini(reporter);
}
