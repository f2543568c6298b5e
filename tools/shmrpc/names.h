/*
 * Finds names in JSON that the type doesn't have.  Decoders skip unknown
 * fields, because the sender may be newer. A person who types such a name has
 * mistyped it.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_NAMES_H
#define SHMRPC_TOOLS_NAMES_H

#include <stdbool.h>

#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/types.h"

/* The field of a struct, or member of a union, with this name; NULL if there is
 * none. */
const shmrpc_field *cli_field_find(const shmrpc_type *type, const char *name,
                                   size_t len);

/* Appends "there is no field `txet`; did you mean `text`?", or the list of
 * existing names. `what`: "parameter", "field". */
void cli_field_unknown(const shmrpc_type *type, const char *what,
                       const char *name, size_t len, shmrpci_buf *message);

/* Returns false if `value`, read from JSON, has a name that `type` lacks, or
 * more positions than there are parameters. `message` then says where, with a
 * suggestion. The decoder checks the kinds of values. */
bool cli_names_check(const shmrpc_type *type, const shmrpc_any *value,
                     shmrpci_buf *message);

/* The name of a type for messages: "string", "list", "test.kinds.Colour". */
const char *cli_type_text(const shmrpc_type *type);

#endif
