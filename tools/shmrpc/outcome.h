/*
 * Outcomes of calls, for people and for programs: results and errors as text or
 * JSON on standard output and error.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_OUTCOME_H
#define SHMRPC_TOOLS_OUTCOME_H

#include "tools/shmrpc/invocation.h"

typedef struct cli_outcome {
    const cli_invocation *in;
    bool json;         /* one object with all that is known */
    bool raw;          /* strings and bytes as they are */
    const int64_t *ns; /* how long the call took, to be printed; else NULL */
    const uint64_t *items; /* number of items before the end, for a call with
                            * streams */
} cli_outcome;

/* Appends a value as JSON. INVALID: it has no such form. */
int cli_outcome_value(const shmrpc_type *type, const void *value,
                      const char *name, shmrpci_buf *out, shmrpc_error *error);

/* Prints a string or bytes unchanged. False: it is neither. */
bool cli_outcome_print_raw(const shmrpc_type *type, const void *value);

/* Prints the result of a call; `reply` NULL: nothing. TROUBLE: it has no form
 * in JSON; that is printed. */
cli_exit cli_outcome_result(const cli_outcome *outcome, const void *reply);

/* The declared error with fields that this error is; NULL: none. */
const shmrpc_error_type *cli_outcome_thrown(const cli_outcome *outcome,
                                            const shmrpc_error *error);

/* Prints how a call failed, and returns the exit status. `payload` is a value
 * of the type that cli_outcome_thrown returns, for UNKNOWN a shmrpc_fault, or
 * NULL. */
cli_exit cli_outcome_error(const cli_outcome *outcome,
                           const shmrpc_error *error, const void *payload);

/* Prints the reply's metadata to standard error. */
void cli_outcome_metadata(const cli_invocation *in);

#endif
