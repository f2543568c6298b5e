/*
 * The language C: what its files share.  Not for others.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LANG_C_H
#define SHMRPC_GENERATOR_LANG_C_H

#include <stdbool.h>

#include "generator/model.h"
#include "idl/descriptor.h"
#include "idl/diag.h"
#include "idl/layout.h"
#include "idl/names.h"

/* The C object of the file: lists that the types of all entities need
 * together. */
typedef struct gen_c_state {
    gen_value *views;    /* structs of pointer and length: lists and maps */
    gen_value *entries;  /* of maps */
    gen_value *wrappers; /* arrays as elements of lists and maps */
    gen_value *tables;   /* descriptors of types without a name */
    gen_value *defaults; /* constants that descriptors point to */
    idl_map forms;       /* views, entries and wrappers by name */
    idl_map list_tables; /* descriptors of lists without bounds, by name */
    idl_map names;       /* number of static objects so far */
    idl_map types;       /* C names of all types and services */
    idl_map claims;      /* names with linkage, and the text of their owner */

    /* Names of the last method that was asked for: each is asked for often. */
    const idl_method *method;
    const char *function;
    const char *place;
} gen_c_state;

static inline gen_c_state *gen_c_state_of(const gen_model *m)
{
    return (gen_c_state *)m->state;
}

/* Enters `object` (not NULL) under a name; false when the name is there. */
bool gen_c_enter(gen_model *m, idl_map *map, const char *name,
                 const void *object);

/* ---- names.c; all texts live in the tree ---- */

/* "fts_" of the main file's package before `name`. */
const char *gen_c_prefixed(gen_model *m, const char *name);

/* "bad_query" of BadQuery, with @c_name. */
const char *gen_c_short(gen_model *m, const idl_decl *decl);

/* "fts_bad_query". */
const char *gen_c_name(gen_model *m, const idl_decl *decl);

/* "FTS_BAD_QUERY", and "FTS_ERR_BAD_QUERY". */
const char *gen_c_macro(gen_model *m, const idl_decl *decl);
const char *gen_c_error_macro(gen_model *m, const idl_decl *decl);

/* `name`, or with an underscore behind it when a type is called so: C++ lets no
 * member be. */
const char *gen_c_unlike_types(gen_model *m, const char *name);

/* A field or parameter as a member of a struct. */
const char *gen_c_member(gen_model *m, const idl_field *field);

/* A parameter as an argument of generated functions, which have names of
 * their own there. */
const char *gen_c_argument(gen_model *m, const idl_field *param);

/* "find_all" of a method, as a member of the impl struct. */
const char *gen_c_method(gen_model *m, const idl_method *method);

const char *gen_c_upper(gen_model *m, const char *text);

/* "FTS_ECHO" of the import path "echo" without `.svc`: begins include guards.
 * No other path has it: "FTS_ACME_ECHO_5A0C11E2" of "acme/echo", since
 * "acme_echo" is another file. */
const char *gen_c_guard(gen_model *m, const char *path);

const char *gen_c_enumerator(gen_model *m, const idl_enum_item *item);

/* `name`, or with _2, _3, ... behind it when a static object has that name. */
const char *gen_c_unique(gen_model *m, const char *name);

/* "fts_search_find_all". */
const char *gen_c_function(gen_model *m, const idl_method *method);

/* "search_find_all": names of static objects begin so. */
const char *gen_c_method_place(gen_model *m, const idl_method *method);

/* Notes that `what` (as in "the list of `Hit`") will be called `name`, a type,
 * function, object or macro of the generated headers; reports at `span` when
 * something else is called so already. */
void gen_c_claim(gen_model *m, const char *name, const char *what,
                 idl_span span);

/* printf into the tree. */
const char *gen_c_text(gen_model *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- types.c ---- */

/* A C type in two parts, around the name: `uint32_t` and `[2][3]`. */
typedef struct gen_c_form {
    const char *base;
    const char *dims; /* "" unless an array */
} gen_c_form;

/* The C form of a type used at `place` ("query_filters"); declares the views
 * and entries that it takes. */
gen_c_form gen_c_form_of(gen_model *m, const idl_type *type, const char *place);

/* The C type of a value that must have one name: an element of a list, an item
 * of a queue.  An array gets a struct around it. */
const char *gen_c_element(gen_model *m, const idl_type *type,
                          const char *place);

/* An expression for the type's descriptor, "&shmrpc_type_u32"; adds the tables
 * that it takes. */
const char *gen_c_table(gen_model *m, const idl_type *type, const char *place);

/* The same for the type of a field or parameter, which may be annotated. */
const char *gen_c_field_table(gen_model *m, const idl_field *field,
                              const char *place);

/* "uint32_t". */
const char *gen_c_scalar(idl_kind kind);

/* Whether a field has a default, directly or in a struct that it contains: then
 * an initializer macro is generated. */
bool gen_c_has_defaults(const idl_record *record);

/* "SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER". */
const char *gen_c_field_flags_text(uint32_t flags);

/* ---- values.c ---- */

/* A value of `type` as a C expression for initialisers and macros. */
const char *gen_c_value(gen_model *m, const idl_type *type,
                        const idl_value *value);

/* The member of a struct by position, in C and C++: its default, or zeros; of a
 * struct, that one's defaults, but zeros in arrays and unions. */
const char *gen_c_initial(gen_model *m, const idl_field *field);

/* A bound as a uint64_t. */
const char *gen_c_bound(gen_model *m, const idl_type *type, idl_number number);

/* String literals of some 60 bytes each, one behind the other; the text is cut
 * after IDL_MAX_LITERAL_BYTES. */
const char *gen_c_literals(gen_model *m, const char *text, size_t len);

/* A whole text as the body of a macro, on lines of its own when it is long. */
const char *gen_c_macro_text(gen_model *m, idl_text text);

/* As literals of at most one line each; not cut. */
gen_value *gen_c_lines(gen_model *m, const char *text, size_t len);

/* Documentation for a comment: null, or { one_line, lines }. */
gen_value *gen_c_doc(gen_model *m, const idl_meta *meta);

/* Bounds and default of a field or parameter for a comment: "u32(1..5), default
 * 3"; NULL when it has none. */
const char *gen_c_limits(gen_model *m, const idl_field *field);

/* Documentation for a descriptor: literals, or "NULL". */
const char *gen_c_doc_text(gen_model *m, const idl_docs *docs);

/* ---- lang_c.c: parts of the `c` objects ---- */

/* A string member, or null for NULL. */
void gen_c_set_text(gen_model *m, gen_value *object, const char *key,
                    const char *text);
/* Sets a bool member, the only kind that templates test. */
void gen_c_set_flag(gen_model *m, gen_value *object, const char *key,
                    bool flag);
void gen_c_set_layout(gen_model *m, gen_value *c, shmrpci_layout layout);

/* name, decl and has: the declaration of a member, and of its has_ member. */
void gen_c_set_member(gen_model *m, gen_value *c, const idl_field *field,
                      uint32_t flags, const char *place);

/* "const uint32_t *name". */
const char *gen_c_pointed(gen_model *m, const char *base, const char *name);

/* "SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED", or "0". */
const char *gen_c_type_flags(gen_model *m, bool params, bool compact, bool flat,
                             bool fixed);

/* The rows of the field table of the struct `c_type`, by tag; names of helper
 * objects begin with `short_name`. */
gen_value *gen_c_field_rows(gen_model *m, const idl_field *fields, size_t count,
                            bool is_param, bool is_union,
                            const char *short_name, const char *c_type);

/* Claims `name`, alone and with each of the suffixes, which end with NULL. */
void gen_c_claim_all(gen_model *m, const char *name, const char *full_name,
                     idl_span span, const char *const *suffixes);

/* ---- service.c: for the table of functions ---- */

void gen_c_add_service(gen_model *m, gen_value *object,
                       const idl_service *service);
/* Whether items flow, either way. */
static inline bool gen_c_has_stream(const idl_method *method)
{
    return method->stream_param != NULL || method->result_is_stream;
}

void gen_c_add_method(gen_model *m, gen_value *object,
                      const idl_method *method);
void gen_c_add_param(gen_model *m, gen_value *object, const idl_method *method,
                     const idl_field *param);

/* ---- shared.c ---- */

/* Reserves the names generated for the object. */
void gen_c_reserve_shared(gen_model *m, const idl_shared *shared);

/* Adds an object to the table of functions. */
void gen_c_add_shared(gen_model *m, gen_value *object,
                      const idl_shared *shared);

/* ---- refuse.c ---- */

void gen_c_refuse(const idl_schema *schema, idl_diags *diags);

#endif
