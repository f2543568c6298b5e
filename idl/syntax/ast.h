/*
 * The syntax tree: a file as written, with a span in every node.
 *
 * Nothing is looked up and little is checked here; resolve and check do that.
 * The tree is built by the actions of grammar.y, one call each, and not changed
 * afterwards.
 *
 * Lists are linked through `link`, the first member of every type that can be
 * in a list; walk them with AST_EACH.
 * Threading: one thread while it is built, then any number of readers.
 */
#ifndef IDL_AST_H
#define IDL_AST_H

#include "idl/diag.h"
#include "idl/names.h"
#include "idl/schema.h"
#include "idl/syntax/token.h"

typedef struct ast_link {
    struct ast_link *next;
} ast_link;

typedef struct ast_list {
    ast_link *first;
    ast_link *last;
    size_t count;
} ast_list;

/* for (each item of type T in list) */
#define AST_EACH(T, item, list)                                               \
    for (const T *item = (const T *)(const void *)(list).first; item != NULL; \
         item = (const T *)(const void *)item->link.next)

/* An identifier, or a dotted path as one text. */
typedef struct ast_name {
    const char *text;
    idl_span span;
} ast_name;

typedef enum ast_value_kind {
    AST_VALUE_INT, /* has `negative` and `magnitude` */
    AST_VALUE_FLOAT,
    AST_VALUE_TEXT,
    AST_VALUE_DURATION,
    AST_VALUE_BOOL,
    AST_VALUE_PATH
} ast_value_kind;

typedef struct ast_value {
    ast_value_kind kind;
    bool negative;
    union {
        uint64_t magnitude;
        double f;
        idl_text text;
        int64_t duration_ns;
        bool b;
        const char *path;
    } u;
    idl_span span;
} ast_value;

typedef struct ast_doc {
    ast_link link;
    const char *line;
} ast_doc;

typedef struct ast_arg {
    ast_link link;
    ast_name name; /* text is NULL for an argument without a name */
    const ast_value *value;
} ast_arg;

typedef struct ast_annotation {
    ast_link link;
    ast_name name;
    ast_list args; /* ast_arg */
    idl_span span;
} ast_annotation;

/* The documentation and annotations before a declaration. */
typedef struct ast_pre {
    ast_list docs;        /* ast_doc */
    ast_list annotations; /* ast_annotation */
} ast_pre;

typedef struct ast_bound {
    const ast_value *min; /* NULL: no lower bound; equal to max for a single
                           * number */
    const ast_value *max;
    idl_span span;
} ast_bound;

typedef struct ast_dim {
    ast_link link;
    const ast_value *length; /* an INT or a PATH */
} ast_dim;

typedef enum ast_type_kind {
    AST_TYPE_NAME,
    AST_TYPE_LIST,
    AST_TYPE_MAP
} ast_type_kind;

typedef struct ast_type {
    ast_type_kind kind;
    ast_name name; /* NAME */
    const struct ast_type *key;
    const struct ast_type *element;
    const ast_bound *bound; /* or NULL */
    ast_list dims;          /* ast_dim, outermost first */
    idl_span span;
} ast_type;

typedef struct ast_field {
    ast_link link;
    const ast_pre *pre;
    const ast_value *tag; /* or NULL */
    bool optional;
    bool stream;
    const ast_type *type;
    ast_name name;
    const ast_value *default_value; /* or NULL */
} ast_field;

typedef struct ast_enum_item {
    ast_link link;
    const ast_pre *pre;
    ast_name name;
    const ast_value *value;
} ast_enum_item;

typedef struct ast_reserved {
    ast_link link;
    const ast_value *first; /* an INT or a TEXT */
    const ast_value *last;  /* equal to first if the entry is a single one */
} ast_reserved;

/* The contents of the braces of a record, an enum or a shared object. */
typedef struct ast_body {
    ast_list items;    /* ast_field, ast_enum_item or ast_option */
    ast_list reserved; /* ast_reserved */
} ast_body;

typedef struct ast_option {
    ast_link link;
    ast_name name;
    const ast_value *value;
} ast_option;

typedef struct ast_throw {
    ast_link link;
    ast_name name;
} ast_throw;

typedef struct ast_result {
    const ast_type *type; /* NULL: the method returns nothing */
    bool stream;
} ast_result;

typedef struct ast_method {
    bool oneway;
    idl_encoding encoding;
    ast_list params; /* ast_field */
    ast_result result;
    ast_list throws; /* ast_throw */
} ast_method;

typedef enum ast_decl_kind {
    AST_PACKAGE,
    AST_IMPORT,
    AST_CONST,
    AST_ALIAS,
    AST_ENUM,
    AST_STRUCT,
    AST_UNION,
    AST_ERROR,
    AST_SERVICE,
    AST_QUEUE,
    AST_TOPIC,
    AST_PIPE,
    AST_DICT,
    AST_VALUE,
    AST_PORT, /* from here on: in services only */
    AST_SERVICE_NAME,
    AST_VERSION,
    AST_METHOD
} ast_decl_kind;

/* A statement in a file or a service. */
typedef struct ast_decl {
    ast_link link;
    ast_decl_kind kind;
    const ast_pre *pre;
    ast_name name; /* name of the declaration; for PACKAGE its path */
    const ast_value
        *value;           /* CONST; number of ERROR; text of IMPORT; PORT... */
    const ast_type *type; /* CONST, ALIAS; element type of shared objects
                           * except PIPE */
    const ast_type *key;  /* DICT */
    ast_name base;        /* ENUM; text is NULL if not written */
    const ast_body *body; /* ENUM, STRUCT, UNION, ERROR, shared; or NULL */
    const ast_method *method; /* METHOD */
    ast_list items;           /* SERVICE: ast_decl */
    idl_span span;            /* of the first word */
} ast_decl;

typedef struct ast_file {
    const idl_source *source;
    ast_list decls; /* ast_decl */
    idl_map lost;   /* Identifiers in parts that could not be parsed. If a
                     * name is not found but is one of these, no error is
                     * reported. */
} ast_file;

/* ---- building: called by grammar.y only ---- */

typedef struct ast_builder {
    idl_diags *diags;
    idl_memory *memory;
    const idl_source *source;
    ast_file *file;
    bool overflow; /* the parser's stack was full: the tree is incomplete */
} ast_builder;

void ast_file_end(ast_builder *b, ast_list decls);
ast_list ast_empty(void);
ast_list ast_decl_add(ast_list list, const ast_pre *pre, ast_decl *decl);

ast_name ast_identifier(ast_builder *b, idl_token token);
ast_name ast_path_join(ast_builder *b, ast_name path, idl_token token);

const ast_pre *ast_pre_make(ast_builder *b, ast_list docs,
                            ast_list annotations);
ast_list ast_doc_add(ast_builder *b, ast_list list, idl_token token);
ast_list ast_annotation_add(ast_builder *b, ast_list list, idl_token at,
                            idl_token name, ast_list args);
ast_list ast_arg_add(ast_builder *b, ast_list list, ast_name name,
                     const ast_value *value);
ast_name ast_no_name(void);

/* `minus` is the token of the minus sign before the number; its kind is 0 if
 * there is no sign. */
ast_value *ast_int(ast_builder *b, idl_token minus, idl_token token);
ast_value *ast_float(ast_builder *b, idl_token minus, idl_token token);
ast_value *ast_text(ast_builder *b, idl_token token);
ast_value *ast_duration(ast_builder *b, idl_token token);
ast_value *ast_bool(ast_builder *b, idl_token token);
ast_value *ast_path_value(ast_builder *b, ast_name path);
idl_token ast_no_token(void);

ast_type *ast_type_name(ast_builder *b, ast_name name, ast_bound *bound,
                        ast_list dims);
ast_type *ast_type_generic(ast_builder *b, idl_token word, ast_type *key,
                           ast_type *element, ast_bound *bound, ast_list dims);
ast_bound *ast_bound_make(ast_builder *b, idl_token open, const ast_value *min,
                          const ast_value *max, idl_token close);
ast_list ast_dim_add(ast_builder *b, ast_list list, const ast_value *length);

ast_body *ast_body_make(ast_builder *b);
ast_body *ast_body_field(ast_body *body, const ast_pre *pre, ast_field *field);
ast_body *ast_body_enum_item(ast_builder *b, ast_body *body, const ast_pre *pre,
                             idl_token name, const ast_value *value);
ast_body *ast_body_reserve(ast_body *body, ast_list reserved);
ast_body *ast_body_option(ast_builder *b, ast_body *body, idl_token name,
                          const ast_value *value);
ast_list ast_reserved_add(ast_builder *b, ast_list list, const ast_value *first,
                          const ast_value *last);
ast_field *ast_field_make(ast_builder *b, const ast_value *tag, idl_token opt,
                          const ast_type *type, idl_token name,
                          const ast_value *default_value);
ast_field *ast_field_stream(ast_builder *b, const ast_type *type,
                            idl_token name);
ast_list ast_param_add(ast_builder *b, ast_list list, ast_list annotations,
                       ast_field *field);

ast_decl *ast_package(ast_builder *b, idl_token word, ast_name path);
/* For IMPORT, PORT, SERVICE_NAME and VERSION. */
ast_decl *ast_setting(ast_builder *b, ast_decl_kind kind, idl_token word,
                      const ast_value *value);
ast_decl *ast_const(ast_builder *b, idl_token word, const ast_type *type,
                    idl_token name, const ast_value *value);
ast_decl *ast_alias(ast_builder *b, idl_token word, idl_token name,
                    const ast_type *type);
ast_decl *ast_enum(ast_builder *b, idl_token word, idl_token name,
                   ast_name base, const ast_body *body);
/* For STRUCT and UNION. */
ast_decl *ast_record(ast_builder *b, ast_decl_kind kind, idl_token word,
                     idl_token name, const ast_body *body);
/* `body` may be NULL. */
ast_decl *ast_error(ast_builder *b, idl_token word, idl_token name,
                    const ast_value *number, const ast_body *body);
ast_decl *ast_service(ast_builder *b, idl_token word, idl_token name,
                      ast_list items);
ast_decl *ast_method_decl(ast_builder *b, idl_token oneway, idl_token encoding,
                          idl_token name, ast_list params, ast_result result,
                          ast_list throws);
ast_result ast_result_make(const ast_type *type, bool stream);
ast_list ast_throw_add(ast_builder *b, ast_list list, ast_name name);
/* For shared objects; `key`, `element` and `body` may be NULL. */
ast_decl *ast_shared(ast_builder *b, ast_decl_kind kind, idl_token word,
                     const ast_type *key, const ast_type *element,
                     idl_token name, const ast_body *body);

/* ---- reading ---- */

/* Parses `source` as far as possible; the tree is in the memory of `diags`. */
const ast_file *idl_parse(const idl_source *source, idl_diags *diags);

/* The tokens that could follow at the end of `source` (idl/explore.h). */
struct idl_next;
void idl_parse_next(const idl_source *source, idl_diags *diags,
                    struct idl_next *out);

/* Appends one line per node, indented. */
void idl_dump_ast(const ast_file *file, shmrpci_buf *out);

#endif
