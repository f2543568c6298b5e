/*
 * Prints outcomes of calls for people and for programs: results and errors as
 * text or JSON, on standard output and error.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_OUTCOME_H
#define SHMRPC_TOOLS_OUTCOME_H

#include "tools/shmrpc/invocation.h"

typedef struct cli_outcome {
    const cli_invocation *in;
    bool json;             /* print one object with all that is known */
    bool raw;              /* print strings and bytes unchanged */
    const int64_t *ns;     /* duration of the call if it is to be printed; else
                            * NULL */
    const uint64_t *items; /* number of items that came before the end of a call
                            * with streams; else NULL */
} cli_outcome;

/* Appends a value as JSON. Returns INVALID if it has no form in JSON. */
int cli_outcome_value(const shmrpc_type *type, const void *value,
                      const char *name, shmrpci_buf *out, shmrpc_error *error);

/* Prints a string or bytes unchanged. Returns false if it is neither. */
bool cli_outcome_print_raw(const shmrpc_type *type, const void *value);

/* Prints the result of a call; nothing if `reply` is NULL. Prints an error and
 * returns TROUBLE if the result has no form in JSON. */
cli_exit cli_outcome_result(const cli_outcome *outcome, const void *reply);

/* The declared error that `error` stands for, if it has fields; else NULL. */
const shmrpc_error_type *cli_outcome_thrown(const cli_outcome *outcome,
                                            const shmrpc_error *error);

/* Prints how a call failed, and returns the exit status. `payload` is a value
 * of the type that cli_outcome_thrown returns, or a shmrpc_fault for UNKNOWN;
 * it may be NULL. */
cli_exit cli_outcome_error(const cli_outcome *outcome,
                           const shmrpc_error *error, const void *payload);

/* Prints the reply's metadata to standard error. */
void cli_outcome_metadata(const cli_invocation *in);

#endif
