/*
 * Explanations: what each code of a diagnostic means, with an example that
 * gives it and one that doesn't.
 *
 * They are the files explain/S0301.md, built into the program; the examples
 * are run by tests (explain_test), so they are true.
 * Threading: constant data.
 */
#ifndef SHMRPC_GENERATOR_EXPLAIN_H
#define SHMRPC_GENERATOR_EXPLAIN_H

#include <stddef.h>

#include "base/buf.h"
#include "idl/diag.h"

/* The whole explanation, in Markdown; `*len` bytes, with a NUL behind them. */
const char *gen_explain(idl_code code, size_t *len);

/* Appends the paragraphs between the title and the examples. */
void gen_explain_meaning(idl_code code, shmrpci_buf *out);

#endif
