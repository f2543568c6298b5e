/*
 * Explanations: what each code of a diagnostic means. If a single file can show
 * it, there is an example that gives the diagnostic and one that doesn't.
 *
 * They are the files explain/S0301.md and so on, built into the program. A test
 * (explain_test) runs the examples.
 * Threading: constant data.
 */
#ifndef SHMRPC_GENERATOR_EXPLAIN_H
#define SHMRPC_GENERATOR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "idl/diag.h"

/* All codes that the program may print, in ascending order: those of
 * idl/diag.h, then those of check/check.h. */
size_t gen_explain_count(void);
idl_code gen_explain_code(size_t index);

/* Reads "S1109"; false if there is no such code. */
bool gen_explain_parse(const char *text, idl_code *out);

/* The title from the table; static. */
const char *gen_explain_title(idl_code code);

/* Errors or warnings. Breaks that `check` finds count as errors, although they
 * may be allowed. */
idl_severity gen_explain_severity(idl_code code);

/* The whole explanation, in Markdown: `*len` bytes, followed by a NUL. */
const char *gen_explain(idl_code code, size_t *len);

/* Appends the paragraphs between the title and the examples. */
void gen_explain_meaning(idl_code code, shmrpci_buf *out);

#endif
