/*
 * Code common to all commands: command lines (os/options.h), reports, and exit
 * statuses.
 *
 * Threading: main thread; getopt has state of its own.
 */
#ifndef SHMRPC_GENERATOR_COMMAND_CLI_H
#define SHMRPC_GENERATOR_COMMAND_CLI_H

#include <stddef.h>

#include "base/buf.h"
#include "generator/report.h"
#include "os/options.h"
#include "shmrpc/status.h"

/* Exit statuses of the program. */
typedef enum gen_exit {
    GEN_EXIT_OK = 0,
    GEN_EXIT_ERRORS = 1, /* errors in a .svc or a template, or a failed check */
    GEN_EXIT_USAGE = 2,
    GEN_EXIT_IO = 3 /* a file can't be read or written, or out of memory */
} gen_exit;

#define GEN_MAX_IMPORT_DIRS 64

/* Adds a folder of --import-dir. Returns INVALID with a message if there are
 * already GEN_MAX_IMPORT_DIRS. */
shmrpc_status gen_cli_add_import_dir(const char *dirs[GEN_MAX_IMPORT_DIRS],
                                     size_t *count, const char *dir,
                                     shmrpci_buf *message);

/* Prints "shmrpcgen: MESSAGE" to standard error; after wrong usage also a hint
 * at --help. Returns `status`. */
gen_exit gen_cli_fail(gen_exit status, shmrpci_buf *message);

/* The exit status for a status: OK for OK, ERRORS for INVALID, IO for all
 * others. */
gen_exit gen_cli_exit(shmrpc_status status);

/* Returns false, and prints a line on standard error, unless `path` is a
 * readable file. */
bool gen_cli_can_read(const char *path);

/* Reads the argument of --diagnostics. */
shmrpc_status gen_cli_report_form(const char *name, gen_report_form *out,
                                  shmrpci_buf *message);

/* Initialises a reporter of this form; with colours if it prints to a
 * terminal. */
void gen_cli_reporter_init(gen_reporter *reporter, gen_report_form form);

/* Prints the collected diagnostics and ends the reporter. The form for people
 * goes to standard error, those for programs to standard output. */
void gen_cli_report(gen_reporter *reporter);

#endif
