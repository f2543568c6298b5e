/*
 * The house style of names, for lint.
 * Threading: pure functions.
 */
#ifndef IDL_LINT_STYLE_H
#define IDL_LINT_STYLE_H

#include <stdbool.h>

#include "idl/memory.h"

typedef enum idl_style {
    IDL_STYLE_SNAKE, /* fields, parameters, methods */
    IDL_STYLE_CAMEL, /* types, errors, services */
    IDL_STYLE_UPPER  /* constants and values of enums */
} idl_style;

/* "snake_case", written in that style itself, as an example; static. */
const char *idl_style_text(idl_style style);

bool idl_style_fits(idl_style style, const char *name);

/* `name` converted to the style. */
const char *idl_style_make(idl_style style, const char *name,
                           idl_memory *memory);

#endif
