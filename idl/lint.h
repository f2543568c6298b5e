/*
 * Advice: constructs that are allowed, but will be regretted.
 *
 * Each rule has a code from S1001 on and says what to write instead.
 * `@allow(S1003)` on a declaration silences the rule of that code for the
 * declaration and everything inside it. Only the main file is checked.
 *
 * Threading: any thread, each with its own list of diagnostics.
 */
#ifndef IDL_LINT_H
#define IDL_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "idl/diag.h"
#include "idl/schema.h"

/* All zeros select the defaults. */
typedef struct idl_lint_options {
    const idl_code *disabled;
    size_t disabled_count;
    bool strict; /* also check the rules that many good services break */
} idl_lint_options;

/* Whether the rule is checked only if `strict` is set. */
bool idl_lint_is_strict(idl_code code);

/* Adds warnings to `diags` and sorts the list. The warnings live in `arena`.
 * Returns OK even if it adds warnings, or NO_MEMORY. `options` may be NULL. */
shmrpc_status idl_lint(const idl_schema *schema,
                       const idl_lint_options *options, shmrpci_arena *arena,
                       idl_diags *diags) SHMRPC_WARN_UNUSED;

#endif
