/*
 * Formatting: a .svc in the one layout of the language.
 *
 * Each level is indented by two spaces. The types, names, values and comments
 * of neighbouring lines are aligned in columns. Lines that are too long are
 * broken after commas. Comments, documentation and blank lines between groups
 * are kept; several blank lines become one. A block that stands on one line
 * stays on one line if it fits there.
 *
 * The result has the same tokens and comments in the same order, and so the
 * same meaning; each run checks this. Formatting the result again changes
 * nothing. Imports are not read.
 *
 * Threading: any thread, each with its own arena.
 */
#ifndef IDL_FORMAT_H
#define IDL_FORMAT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "idl/diag.h"

/* Longer lines are broken if possible. */
#define IDL_FORMAT_WIDTH 100

/*
 * Appends `text`, formatted, to `out`; `path` names it in diagnostics. Returns
 * OK; INVALID if the text has syntax errors, which are in `diags`; NO_MEMORY;
 * INTERNAL if the result does not have the tokens and comments of the text.
 * After INVALID and INTERNAL nothing was appended. Diagnostics live in `arena`.
 */
shmrpc_status idl_format(const char *path, const char *text, size_t len,
                         shmrpci_arena *arena, idl_diags *diags,
                         shmrpci_buf *out) SHMRPC_WARN_UNUSED;

#endif
