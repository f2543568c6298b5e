/*
 * Finds names in JSON that the type doesn't have.  Decoders skip unknown
 * fields, because their sender may be newer; a person at a keyboard has
 * mistyped.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_NAMES_H
#define SHMRPC_TOOLS_NAMES_H

#include <stdbool.h>

#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/types.h"

/* The field or member of a struct or union that is called so; NULL: none. */
const shmrpc_field *cli_field_find(const shmrpc_type *type, const char *name,
                                   size_t len);

/* Appends "there is no field `txet`; did you mean `text`?", or the list of
 * existing names. `what`: "parameter", "field". */
void cli_field_unknown(const shmrpc_type *type, const char *what,
                       const char *name, size_t len, shmrpci_buf *message);

/* False if `value`, as it was read from JSON, has a name that `type` lacks, or
 * more positions than there are parameters: `message` says where, with a
 * suggestion. The decoder checks the kinds of values. */
bool cli_names_check(const shmrpc_type *type, const shmrpc_any *value,
                     shmrpci_buf *message);

/* "string", "list", "test.kinds.Colour": for messages. */
const char *cli_type_text(const shmrpc_type *type);

#endif
