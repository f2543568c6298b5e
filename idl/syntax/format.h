/*
 * Formatting: a .svc in the one layout of the language.
 *
 * Two blanks a level; the types, names, values and comments of neighbouring
 * lines in columns; what is longer than a line broken behind its commas.
 * Comments, documentation and the blank lines between groups stay (two become
 * one), and so does whether a block stands on one line, if it fits there.
 *
 * The result has the tokens and comments of the source in their order, which is
 * tested each time, so its meaning is the same; formatting it again changes
 * nothing. Imports are not read.
 *
 * Threading: any thread, one arena each.
 */
#ifndef IDL_FORMAT_H
#define IDL_FORMAT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "idl/diag.h"

/* Lines are not longer than this if they can be broken. */
#define IDL_FORMAT_WIDTH 100

/*
 * Appends `text`, formatted, to `out`; `path` names it in diagnostics.  OK;
 * INVALID when the text has syntax errors: `diags` says which, and nothing is
 * appended; NO_MEMORY; INTERNAL, with nothing appended, when the result would
 * not be what was there.  Diagnostics live in `arena`.
 */
shmrpc_status idl_format(const char *path, const char *text, size_t len,
                         shmrpci_arena *arena, idl_diags *diags,
                         shmrpci_buf *out) SHMRPC_WARN_UNUSED;

#endif
