/*
 * Report: diagnostics for the person at the terminal.
 * Threading: pure function.
 */
#ifndef SHMRPC_GENERATOR_REPORT_H
#define SHMRPC_GENERATOR_REPORT_H

#include "base/buf.h"
#include "idl/diag.h"

typedef enum gen_colour { GEN_COLOUR_NEVER, GEN_COLOUR_ALWAYS } gen_colour;

/* Appends all diagnostics and, when there are any, a closing line with their
 * count: "3 errors, 1 warning". */
void gen_report(const idl_diags *diags, gen_colour colour, shmrpci_buf *out);

#endif
