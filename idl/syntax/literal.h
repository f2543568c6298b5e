/*
 * The values of numbers, durations and strings. Errors are reported, and then a
 * harmless value is returned. Threading: one thread at a time.
 */
#ifndef IDL_LITERAL_H
#define IDL_LITERAL_H

#include "idl/diag.h"
#include "idl/schema.h"

/* A decimal number, which may be a size (64K, 16M, 1G: powers of 1024), or a
 * hexadecimal one (0x); at most UINT64_MAX. */
uint64_t idl_literal_integer(idl_diags *diags, idl_span span);

double idl_literal_float(idl_diags *diags, idl_span span);

/* An integer followed by ns, us, ms, s, m or h; the result is in
 * nanoseconds. */
int64_t idl_literal_duration(idl_diags *diags, idl_span span);

/* A quoted string with its escapes: \n \t \r \" \\ \0 \xHH \u{H...}. */
idl_text idl_literal_text(idl_diags *diags, idl_span span);

#endif
