/*
 * Resolving: from trees to the schema.
 *
 * For the passes inside idl/ only.  First all names are declared; then
 * constants, aliases and enums are defined, each when it is first needed, and
 * records, services and shared objects in the order of declaration.
 *
 * What could not be resolved becomes idl_broken_type or an IDL_BROKEN symbol:
 * the reason was reported, and nothing that depends on it is reported again.
 * Threading: one thread at a time.
 */
#ifndef IDL_RESOLVE_H
#define IDL_RESOLVE_H

#include "idl/canonical.h"
#include "idl/scope.h"

typedef struct idl_resolver {
    idl_memory *memory;
    idl_diags *diags;
    idl_scopes scopes;
    size_t depth; /* depth of definitions in terms of others */
} idl_resolver;

/* Stands for every type that could not be resolved. */
extern const idl_type idl_broken_type;

/* The schema, and the symbols through which its objects can still be
 * completed. */
typedef struct idl_resolved {
    idl_schema *schema;
    idl_symbol **symbols; /* in order of declaration */
    size_t symbol_count;
    idl_scopes scopes; /* for idl_find_quietly; what reports or makes scopes
                          needs memory that may be gone */
} idl_resolved;

/* Declares and defines everything in `units`.  The result is complete only when
 * no error was reported, but can be walked in any case. */
idl_resolved idl_resolve(const idl_units *units, idl_diags *diags);

/* ---- declare.c ---- */

/* Enters everything that the unit declares into the scopes; objects are made,
 * but empty. */
void idl_declare_unit(idl_resolver *r, idl_unit *unit);

/* Reports a name that isn't letters and digits joined by single underscores, or
 * is too long. */
void idl_check_name(idl_diags *diags, ast_name name);

/* ---- resolve_value.c ---- */

/* Defines the symbol if that has not happened yet; false when it is broken, or
 * reports a cycle, at `span`. */
bool idl_define(idl_resolver *r, idl_symbol *symbol, idl_span span);

/* The value of `value`, with constants resolved; false after reporting. */
bool idl_fold(idl_resolver *r, idl_site site, const ast_value *value,
              idl_value *out);

/* `value` as a value of `type`, within its bounds; false after reporting. */
bool idl_convert(idl_resolver *r, idl_site site, const ast_value *value,
                 const idl_type *type, idl_value *out);

/* Reports that `expected` is required there; false. */
bool idl_report_wrong(idl_resolver *r, idl_span span, const char *expected);

/* A duration from min to max, in ns.  False after reporting. */
bool idl_convert_duration(idl_resolver *r, idl_site site,
                          const ast_value *value, int64_t min, int64_t max,
                          int64_t *out);

/* An integer from min to max; `what` names it in the report.  False after
 * reporting. */
bool idl_convert_integer(idl_resolver *r, idl_site site, const ast_value *value,
                         const char *what, int64_t min, int64_t max,
                         int64_t *out);

/* `value` as a number of `kind` (the length of a string, bytes, list or map);
 * false after reporting. */
bool idl_convert_number(idl_resolver *r, idl_site site, const ast_value *value,
                        idl_kind kind, idl_number *out);

/* -1, 0 or 1 as a is less than, equal to, or greater than b. */
int idl_compare_numbers(idl_kind kind, idl_number a, idl_number b);

/* ---- resolve_type.c ---- */

void idl_define_alias(idl_resolver *r, idl_symbol *symbol);

/* The type that is written as `type`; idl_broken_type after reporting. */
const idl_type *idl_resolve_type(idl_resolver *r, idl_site site,
                                 const ast_type *type);

/* ---- resolve_record.c ---- */

void idl_define_enum(idl_resolver *r, idl_symbol *symbol);
void idl_resolve_record(idl_resolver *r, idl_symbol *symbol);

/* The fields of a method's parameters, without the stream parameter. */
idl_field *idl_resolve_params(idl_resolver *r, idl_site site,
                              const ast_list *params, size_t *count);

/* One field, without its tag. */
void idl_resolve_field(idl_resolver *r, idl_site site, const ast_field *ast,
                       idl_field *out);

/* ---- resolve_service.c ---- */

void idl_resolve_service(idl_resolver *r, idl_symbol *symbol);
void idl_resolve_shared(idl_resolver *r, idl_symbol *symbol);

#endif
