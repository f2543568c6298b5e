/*
 * The tokens that the parser could accept now, as text for people.
 *
 * For parse.c only.  Threading: one thread a parser.
 */
#ifndef IDL_EXPECTED_H
#define IDL_EXPECTED_H

#include "idl/memory.h"

/* "`;` or `=`", "a field or `}`"; in the arena. */
const char *idl_expected_text(const void *parser, idl_memory *memory);

#endif
