/* Command lines and output of all commands. Everything is printed here or by
 * the reporter, so that people see one style and programs one format. */
#define _POSIX_C_SOURCE 200809L
#include "generator/command/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "generator/output.h"

/* The folder's name is not copied: it belongs to argv or to the caller's
 * inputs. */
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

/* Only wrong usage gets the hint at --help: a list of options doesn't help with
 * errors in a file. */
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

/* Checked before the file is loaded, so that the system's message explains a
 * wrong name. Loading reports errors in the contents. */
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

/* A misspelt name gets a suggestion. */
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
    shmrpci_nearest_suggest(message, name, gen_report_forms,
                            GEN_REPORT_FORM_COUNT, "");
    return SHMRPC_E_INVALID;
}

void gen_cli_reporter_init(gen_reporter *reporter, gen_report_form form)
{
    /* Only for terminals: pipes and files get no escape sequences. */
    bool colour = form == GEN_REPORT_HUMAN && isatty(STDERR_FILENO);
    gen_reporter_init(reporter, form,
                      colour ? GEN_COLOUR_ALWAYS : GEN_COLOUR_NEVER);
}

/* The report is complete before any of it is printed, so a program never gets
 * half a document. */
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
