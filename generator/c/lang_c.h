/*
 * The language C: declarations shared by its files only.
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

/* The state of one generated file: lists that collect types and tables from all
 * entities. */
typedef struct gen_c_state {
    gen_value *views;    /* structs of pointer and length, for lists and maps */
    gen_value *entries;  /* structs of key and value, for maps */
    gen_value *wrappers; /* structs that wrap one array, because an element of a
                          * list or map can't be a bare array */
    gen_value *tables;   /* descriptors of unnamed types */
    gen_value *defaults; /* constants that descriptors point to */
    idl_map forms;       /* views, entries and wrappers by name */
    idl_map list_tables; /* descriptors of lists without bounds, by name */
    idl_map names;       /* how many static objects have each name so far */
    idl_map types;       /* C names of all types and services */
    idl_map claims;      /* names with linkage, each with a description of
                          * its owner */

    /* Cache: the names of the last method, since callers ask several times in a
     * row. */
    const idl_method *method;
    const char *function;
    const char *place;
} gen_c_state;

static inline gen_c_state *gen_c_state_of(const gen_model *m)
{
    return (gen_c_state *)m->state;
}

/* Adds `object` (not NULL) under a name; false if the name exists already. */
bool gen_c_enter(gen_model *m, idl_map *map, const char *name,
                 const void *object);

/* ---- names.c; all texts live in the tree ---- */

/* `name` with the prefix of the main file's package: "fts_...". */
const char *gen_c_prefixed(gen_model *m, const char *name);

/* "bad_query" for BadQuery; @c_name replaces the name. */
const char *gen_c_short(gen_model *m, const idl_decl *decl);

/* "fts_bad_query". */
const char *gen_c_name(gen_model *m, const idl_decl *decl);

/* "FTS_BAD_QUERY", and "FTS_ERR_BAD_QUERY". */
const char *gen_c_macro(gen_model *m, const idl_decl *decl);
const char *gen_c_error_macro(gen_model *m, const idl_decl *decl);

/* `name`, with an underscore after it if a type has the same name: in C++ a
 * member can't be named like a type. */
const char *gen_c_unlike_types(gen_model *m, const char *name);

/* The name of a field or parameter as a member of a struct. */
const char *gen_c_member(gen_model *m, const idl_field *field);

/* The name of a parameter as an argument of generated functions; differs if the
 * function uses that name itself. */
const char *gen_c_argument(gen_model *m, const idl_field *param);

/* "find_all": the name of a method as a member of the impl struct. */
const char *gen_c_method(gen_model *m, const idl_method *method);

const char *gen_c_upper(gen_model *m, const char *text);

/* The start of include guards: "FTS_ECHO" for the import path "echo" (without
 * `.svc`). Each path has a different one: "acme/echo" gets
 * "FTS_ACME_ECHO_5A0C11E2", since "acme_echo" is another file. */
const char *gen_c_guard(gen_model *m, const char *path);

const char *gen_c_enumerator(gen_model *m, const idl_enum_item *item);

/* `name`, with _2, _3, ... after it if a static object already has that
 * name. */
const char *gen_c_unique(gen_model *m, const char *name);

/* "fts_search_find_all". */
const char *gen_c_function(gen_model *m, const idl_method *method);

/* "search_find_all": the start of the names of static objects. */
const char *gen_c_method_place(gen_model *m, const idl_method *method);

/* Records that `what` (such as "the list of `Hit`") is called `name`, which is
 * a type, function, object or macro of the generated headers. Reports a clash
 * at `span` if something else has that name. */
void gen_c_claim(gen_model *m, const char *name, const char *what,
                 idl_span span);

/* printf into memory of the tree. */
const char *gen_c_text(gen_model *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- types.c ---- */

/* A C type in two parts, before and after the name: `uint32_t` and `[2][3]`. */
typedef struct gen_c_form {
    const char *base;
    const char *dims; /* array dimensions; else "" */
} gen_c_form;

/* The C form of a type used at `place` ("query_filters"). Adds the views and
 * entries that it needs. */
gen_c_form gen_c_form_of(gen_model *m, const idl_type *type, const char *place);

/* The C type of a value that needs a single type name: an element of a list, an
 * item of a queue. An array is wrapped in a struct. */
const char *gen_c_element(gen_model *m, const idl_type *type,
                          const char *place);

/* An expression for the type's descriptor, such as "&shmrpc_type_u32". Adds the
 * tables that it needs. */
const char *gen_c_table(gen_model *m, const idl_type *type, const char *place);

/* Like gen_c_table, for the type of a field or parameter, whose annotation may
 * require another descriptor. */
const char *gen_c_field_table(gen_model *m, const idl_field *field,
                              const char *place);

/* "uint32_t". */
const char *gen_c_scalar(idl_kind kind);

/* Whether a field has a default, directly or in a struct that it contains. If
 * so, a macro with an initializer is generated. */
bool gen_c_has_defaults(const idl_record *record);

/* "SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER". */
const char *gen_c_field_flags_text(uint32_t flags);

/* ---- values.c ---- */

/* A value of `type` as a C expression for initialisers and macros. */
const char *gen_c_value(gen_model *m, const idl_type *type,
                        const idl_value *value);

/* The positional initialiser of a struct member, valid in C and C++: its
 * default, or zeros. A struct gets its own defaults, except that members inside
 * arrays and unions are zeros. */
const char *gen_c_initial(gen_model *m, const idl_field *field);

/* A bound as the text of a uint64_t. */
const char *gen_c_bound(gen_model *m, const idl_type *type, idl_number number);

/* The text as adjacent string literals of about 60 bytes each, cut after
 * IDL_MAX_LITERAL_BYTES. */
const char *gen_c_literals(gen_model *m, const char *text, size_t len);

/* A whole text as the body of a macro; a long one begins on a new line. */
const char *gen_c_macro_text(gen_model *m, idl_text text);

/* A text as literals of at most one line each; not cut. */
gen_value *gen_c_lines(gen_model *m, const char *text, size_t len);

/* Documentation for a comment: an object { one_line, lines }, or null. */
gen_value *gen_c_doc(gen_model *m, const idl_meta *meta);

/* Bounds and default of a field or parameter for a comment: "u32(1..5), default
 * 3"; NULL if it has neither. */
const char *gen_c_limits(gen_model *m, const idl_field *field);

/* Documentation for a descriptor: string literals, or "NULL". */
const char *gen_c_doc_text(gen_model *m, const idl_docs *docs);

/* ---- lang_c.c: parts of the `c` objects ---- */

/* Sets a string member, or null if `text` is NULL. */
void gen_c_set_text(gen_model *m, gen_value *object, const char *key,
                    const char *text);
/* Sets a bool member, the only kind that templates test. */
void gen_c_set_flag(gen_model *m, gen_value *object, const char *key,
                    bool flag);
void gen_c_set_layout(gen_model *m, gen_value *c, shmrpci_layout layout);

/* Sets the members name, decl and has: the declaration of a struct member and
 * of its has_ companion. */
void gen_c_set_member(gen_model *m, gen_value *c, const idl_field *field,
                      uint32_t flags, const char *place);

/* "const uint32_t *name". */
const char *gen_c_pointed(gen_model *m, const char *base, const char *name);

/* "SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED", or "0". */
const char *gen_c_type_flags(gen_model *m, bool params, bool compact, bool flat,
                             bool fixed);

/* The rows of the field table of the struct `c_type`, sorted by tag. Names of
 * helper objects begin with `short_name`. */
gen_value *gen_c_field_rows(gen_model *m, const idl_field *fields, size_t count,
                            bool is_param, bool is_union,
                            const char *short_name, const char *c_type);

/* Claims `name` alone, and `name` with each of the suffixes, which end with
 * NULL. */
void gen_c_claim_all(gen_model *m, const char *name, const char *full_name,
                     idl_span span, const char *const *suffixes);

/* ---- service.c: for the table of functions ---- */

void gen_c_add_service(gen_model *m, gen_value *object,
                       const idl_service *service);
/* Whether the method has a stream, in either direction. */
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
