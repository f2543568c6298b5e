/*
 * Report: diagnostics for the person at the terminal, or for a program.
 *
 * A reporter collects those of any number of files and says all at the end:
 *
 *   human   place, message, line and mark of each, and a closing line with
 *           their count: "3 errors, 1 warning"
 *   json    one array with an object for each: file, line, column, endLine,
 *           endColumn (from 1, in characters; the end is behind the last; null
 *           for what has no place), code, severity ("error" or "warning"),
 *           message, expected and fix (a text, or null), notes (objects with
 *           the members of a place and a message)
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

/* The names of the forms, in their order. */
#define GEN_REPORT_FORM_COUNT 3
extern const char *const gen_report_forms[GEN_REPORT_FORM_COUNT];

typedef struct gen_reporter {
    gen_report_form form;
    gen_colour colour; /* human only */
    size_t error_count;
    size_t warning_count;
    shmrpci_buf text; /* human: all but the closing line */
    gen_tree tree;    /* json and sarif: */
    gen_value *items; /* one for each diagnostic */
} gen_reporter;

void gen_reporter_init(gen_reporter *reporter, gen_report_form form,
                       gen_colour colour);
void gen_reporter_fini(gen_reporter *reporter);

/* Adds those of `path`; nothing of `diags` is needed afterwards. */
void gen_reporter_add(gen_reporter *reporter, const char *path,
                      const idl_diags *diags);

/* Appends all that was added; once.  Failures stay in `out`. */
void gen_reporter_print(gen_reporter *reporter, shmrpci_buf *out);

/* human, of one list. */
void gen_report(const idl_diags *diags, gen_colour colour, shmrpci_buf *out);

#endif
