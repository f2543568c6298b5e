/*
 * Report: formats diagnostics for people or for programs.
 *
 * A reporter collects the diagnostics of any number of files and prints them at
 * the end, in one of these forms:
 *
 *   human   the place, message, source line and mark of each diagnostic, and a
 *           closing line with their count: "3 errors, 1 warning"
 *   json    one array with an object for each diagnostic. Its members: file,
 *           line, column, endLine and endColumn (the place, null if there is
 *           none), code, severity ("error" or "warning"), message, expected and
 *           fix (each a text, or null), and notes (objects with a place and a
 *           message). Lines and columns count from 1, columns in characters;
 *           the end is the place after the last character.
 *   sarif   SARIF 2.1.0 with one run, as code scanning services take it
 *
 * Equal diagnostics give equal bytes.
 * Threading: one thread a reporter.
 */
#ifndef SHMRPC_GENERATOR_REPORT_H
#define SHMRPC_GENERATOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "generator/value.h"
#include "idl/diag.h"

typedef enum gen_colour { GEN_COLOUR_NEVER, GEN_COLOUR_ALWAYS } gen_colour;

typedef enum gen_report_form {
    GEN_REPORT_HUMAN,
    GEN_REPORT_JSON,
    GEN_REPORT_SARIF
} gen_report_form;

/* The names of the forms, in the order of gen_report_form. */
#define GEN_REPORT_FORM_COUNT 3
extern const char *const gen_report_forms[GEN_REPORT_FORM_COUNT];

typedef struct gen_reporter {
    gen_report_form form;
    gen_colour colour; /* human form only */
    size_t error_count;
    size_t warning_count;
    shmrpci_buf text; /* human form: everything except the closing line */
    gen_tree tree;    /* json and sarif forms: */
    gen_value *items; /* one item for each diagnostic */
} gen_reporter;

void gen_reporter_init(gen_reporter *reporter, gen_report_form form,
                       gen_colour colour);
void gen_reporter_fini(gen_reporter *reporter);

/* Adds the diagnostics of `path`. Copies them, so `diags` is not needed
 * afterwards. */
void gen_reporter_add(gen_reporter *reporter, const char *path,
                      const idl_diags *diags);

/* Appends the whole report; may be called once. Failures are recorded in
 * `out`. */
void gen_reporter_print(gen_reporter *reporter, shmrpci_buf *out);

/* Appends one list of diagnostics in the human form. */
void gen_report(const idl_diags *diags, gen_colour colour, shmrpci_buf *out);

#endif
