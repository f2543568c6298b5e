/*
 * The rules that need the whole schema.
 *
 * For the passes inside idl/ only.  Threading: one thread at a time.
 */
#ifndef IDL_CHECK_H
#define IDL_CHECK_H

#include "idl/resolve.h"

/* Checks records: those that contain themselves, sizes, error numbers. Sets
 * has_any and by_value. */
void idl_check_records(const idl_resolved *resolved, idl_diags *diags);

/* Checks services and methods. */
void idl_check_services(const idl_resolved *resolved, idl_diags *diags);

/* Checks the keys and encodings of shared objects, and fills in the options
 * that are not written. Must run after idl_check_records. */
void idl_check_shared(const idl_resolved *resolved, idl_diags *diags);

/* Reports at `span` if the type holds an `any`; `where` names the place in the
 * message. */
void idl_check_no_any(idl_diags *diags, const idl_type *type, idl_span span,
                      const char *where, const char *expected);

/* Checks for names that become equal in C. */
void idl_check_c_names(const idl_resolved *resolved, idl_diags *diags);

/* Whether a value of the type can hold an `any`. Valid after
 * idl_check_records. */
bool idl_type_has_any(const idl_type *type);

#endif
