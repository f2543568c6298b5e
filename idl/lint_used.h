/*
 * Types that the methods, shared objects and constants of a schema use. For
 * lint. Threading: one thread at a time.
 */
#ifndef IDL_LINT_USED_H
#define IDL_LINT_USED_H

#include "idl/names.h"
#include "idl/schema.h"

/* Adds to `used` the full name of every alias, enum, record and error that
 * methods, shared objects and constants can reach. The objects of the map have
 * no meaning. */
void idl_find_used(const idl_schema *schema, idl_memory *memory, idl_map *used);

#endif
