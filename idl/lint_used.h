/*
 * Types that the methods, shared objects and constants of a schema use, for
 * lint. Threading: one thread at a time.
 */
#ifndef IDL_LINT_USED_H
#define IDL_LINT_USED_H

#include "idl/names.h"
#include "idl/schema.h"

/* Puts the full name of every alias, enum, record and error that one of these
 * can reach into `used`; the map's objects carry no information. */
void idl_find_used(const idl_schema *schema, idl_memory *memory, idl_map *used);

#endif
