/*
 * The tokens that the parser could accept now, as text for people.
 *
 * For parse.c only. Threading: one thread per parser.
 */
#ifndef IDL_EXPECTED_H
#define IDL_EXPECTED_H

#include "idl/memory.h"

/* "`;` or `=`", "a field or `}`"; allocated in the arena. */
const char *idl_expected_text(const void *parser, idl_memory *memory);

#endif
