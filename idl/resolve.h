/*
 * Resolving: turns syntax trees into the schema.
 *
 * For the passes inside idl/ only.  First all names are declared; then
 * constants, aliases and enums are defined, each when it is first needed, and
 * records, services and shared objects in the order of declaration.
 *
 * Anything that could not be resolved becomes idl_broken_type or an IDL_BROKEN
 * symbol. The reason was reported; errors that only follow from it are not
 * reported.
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
    size_t depth; /* current depth of nested definitions */
} idl_resolver;

/* Stands for every type that could not be resolved. */
extern const idl_type idl_broken_type;

/* The schema, and its symbols, through which later passes can still change its
 * objects. */
typedef struct idl_resolved {
    idl_schema *schema;
    idl_symbol **symbols; /* in order of declaration */
    size_t symbol_count;
    idl_scopes scopes; /* For idl_find_quietly only: other functions of
                        * scope.h allocate, and the memory may be gone. */
} idl_resolved;

/* Declares and defines everything in `units`. The result is complete only if no
 * error was reported, but can be walked in any case. */
idl_resolved idl_resolve(const idl_units *units, idl_diags *diags);

/* ---- declare.c ---- */

/* Enters everything that the unit declares into the scopes. The objects are
 * created, but have no contents yet. */
void idl_declare_unit(idl_resolver *r, idl_unit *unit);

/* Reports a name that is too long, or is not made of letters and digits joined
 * by single underscores. */
void idl_check_name(idl_diags *diags, ast_name name);

/* ---- resolve_value.c ---- */

/* Defines the symbol unless that has happened already. Returns false if it is
 * broken, or if defining it is a cycle, which is reported at `span`. */
bool idl_define(idl_resolver *r, idl_symbol *symbol, idl_span span);

/* Evaluates `value`, with constants resolved; false after reporting an
 * error. */
bool idl_fold(idl_resolver *r, idl_site site, const ast_value *value,
              idl_value *out);

/* Converts `value` to `type` and checks its bounds; false after reporting an
 * error. */
bool idl_convert(idl_resolver *r, idl_site site, const ast_value *value,
                 const idl_type *type, idl_value *out);

/* Reports that `expected` is required at `span`. Always returns false. */
bool idl_report_wrong(idl_resolver *r, idl_span span, const char *expected);

/* Evaluates a duration from min to max, in ns; false after reporting an
 * error. */
bool idl_convert_duration(idl_resolver *r, idl_site site,
                          const ast_value *value, int64_t min, int64_t max,
                          int64_t *out);

/* Evaluates an integer from min to max; `what` names it in messages. False
 * after reporting an error. */
bool idl_convert_integer(idl_resolver *r, idl_site site, const ast_value *value,
                         const char *what, int64_t min, int64_t max,
                         int64_t *out);

/* Evaluates `value` as a number of `kind`, or as a length if `kind` is a
 * string, bytes, list or map; false after reporting an error. */
bool idl_convert_number(idl_resolver *r, idl_site site, const ast_value *value,
                        idl_kind kind, idl_number *out);

/* -1, 0 or 1 as a is less than, equal to, or greater than b. */
int idl_compare_numbers(idl_kind kind, idl_number a, idl_number b);

/* ---- resolve_type.c ---- */

void idl_define_alias(idl_resolver *r, idl_symbol *symbol);

/* The type that `type` means; idl_broken_type after reporting an error. */
const idl_type *idl_resolve_type(idl_resolver *r, idl_site site,
                                 const ast_type *type);

/* ---- resolve_record.c ---- */

void idl_define_enum(idl_resolver *r, idl_symbol *symbol);
void idl_resolve_record(idl_resolver *r, idl_symbol *symbol);

/* The fields for a method's parameters, without the stream parameter. */
idl_field *idl_resolve_params(idl_resolver *r, idl_site site,
                              const ast_list *params, size_t *count);

/* Resolves one field, except for its tag. */
void idl_resolve_field(idl_resolver *r, idl_site site, const ast_field *ast,
                       idl_field *out);

/* ---- resolve_service.c ---- */

void idl_resolve_service(idl_resolver *r, idl_symbol *symbol);
void idl_resolve_shared(idl_resolver *r, idl_symbol *symbol);

#endif
