/*
 * Types as JSON Schema, for generator/doc/openapi.c alone.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_OPENAPI_TYPES_H
#define SHMRPC_GENERATOR_OPENAPI_TYPES_H

#include "generator/doc/openapi.h"

/* The member `key` as a writable object; NULL if there is none. */
gen_value *gen_openapi_member(gen_value *object, const char *key);

/* Sets `description` to the documentation, if there is any. */
void gen_openapi_docs(gen_openapi *o, gen_value *object, const idl_docs *docs);

/* Fills in an empty schema for a value of `type`; types that it names are added
 * to the document. */
void gen_openapi_type(gen_openapi *o, gen_value *schema, const idl_type *type);

/* The same for a field; adds its documentation and default. */
void gen_openapi_field(gen_openapi *o, gen_value *schema,
                       const idl_field *field);

/* Whether a caller must provide the field. */
bool gen_openapi_is_required(const idl_field *field);

/* Fills in a schema with a reference to a declared error. */
void gen_openapi_ref_error(gen_openapi *o, gen_value *schema,
                           const idl_record *error);

/* Sets the members of an error object: those of `error`, or those common to all
 * errors if it is NULL. */
void gen_openapi_error_members(gen_openapi *o, gen_value *schema,
                               const idl_record *error);

#endif
