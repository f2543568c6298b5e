/*
 * How values of a schema's types lie in memory: in C, as the generated structs
 * have them, and in the image of the encoding native, by the rule of
 * codec/layout.h.
 *
 * For descriptors (idl/descriptor.h) and for the generator, which must agree.
 * Only for types without errors.
 *
 * Threading: pure functions.
 */
#ifndef IDL_LAYOUT_H
#define IDL_LAYOUT_H

#include <stdbool.h>

#include "codec/layout.h"
#include "idl/schema.h"

/* The layout in the native image. */
shmrpci_layout idl_layout(const idl_type *type);
shmrpci_layout idl_record_layout(const idl_record *record);
/* The layout of a method's parameters, as a struct. */
shmrpci_layout idl_params_layout(const idl_method *method);

/* Whether the C image equals the native image: SHMRPC_TYPE_FLAT. */
bool idl_is_flat(const idl_type *type);
bool idl_record_is_flat(const idl_record *record);
bool idl_params_are_flat(const idl_method *method);

/* Whether the C value holds no pointer: SHMRPC_TYPE_FIXED. */
bool idl_is_fixed(const idl_type *type);
bool idl_record_is_fixed(const idl_record *record);

/* SHMRPC_FIELD_ flags of a field or, with `is_param`, of a parameter. */
uint32_t idl_field_flags(const idl_field *field, bool is_param);

/* The field with the smallest tag above `tag`, or NULL. */
const idl_field *idl_next_by_tag(const idl_field *fields, size_t count,
                                 uint32_t tag);

#endif
