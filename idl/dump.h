/*
 * Dumps: the result of a pass as text for people.
 *
 * For idl.c; other code calls idl_dump. Threading: pure functions.
 */
#ifndef IDL_DUMP_H
#define IDL_DUMP_H

#include "idl/canonical.h"

/* Appends the whole schema, in the order of its lists. */
void idl_dump_schema(const idl_schema *schema, idl_memory *memory,
                     shmrpci_buf *out);

#endif
