/*
 * The rules that need the whole schema.
 *
 * For the passes inside idl/ only.  Threading: one thread at a time.
 */
#ifndef IDL_CHECK_H
#define IDL_CHECK_H

#include "idl/resolve.h"

/* Records: what holds itself, sizes, error numbers.  Sets has_any and
 * by_value. */
void idl_check_records(const idl_resolved *resolved, idl_diags *diags);

/* Services, methods and shared objects. */
void idl_check_services(const idl_resolved *resolved, idl_diags *diags);

/* Names that become one in C. */
void idl_check_c_names(const idl_resolved *resolved, idl_diags *diags);

/* Whether a value of the type can hold an `any`; after idl_check_records. */
bool idl_type_has_any(const idl_type *type);

#endif
