/*
 * The names in a file: their places and meanings.
 *
 * Works on the trees, so that it also works while a file has errors. Threading:
 * one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LSP_NAMES_H
#define SHMRPC_GENERATOR_LSP_NAMES_H

#include "generator/lsp/workspace.h"

typedef enum lsp_name_kind {
    LSP_NAME_SYMBOL, /* the name of a declaration; this and the next three */
    LSP_NAME_METHOD, /* declare something */
    LSP_NAME_FIELD,  /* or parameter */
    LSP_NAME_ITEM,   /* of an enum */
    LSP_NAME_TYPE,   /* a use, as are the rest */
    LSP_NAME_VALUE,
    LSP_NAME_ERROR,
    LSP_NAME_IMPORT /* the text of an import */
} lsp_name_kind;

typedef struct lsp_name {
    lsp_name_kind kind;
    const char *text; /* a path for uses */
    idl_span span;
    const char *package;     /* in which the name occurs */
    const ast_decl *decl;    /* in which it occurs, or which it names */
    const ast_decl *service; /* the method, for a name within one */
    const ast_type *type;    /* VALUE: its type, or NULL */
    const ast_pre *pre;      /* modifiers of the declaration, or NULL */
} lsp_name;

/* Returns false to end the walk. */
typedef bool lsp_visit(const lsp_name *name, void *user);

/* Visits the names of a file, outer before inner. */
void lsp_each_name(const ast_file *file, lsp_visit *visit, void *user);

/* The meaning of a name. */
typedef struct lsp_target {
    idl_span span; /* of the declared name; of an import: the file's begin */
    const idl_symbol *symbol; /* it, or in which it is; NULL for an import */
    const idl_method *method; /* the rest: at most one level inside, or NULL; */
    const idl_field *field;   /* all NULL where errors left no object */
    const idl_enum_item *item;
    const ast_pre *pre; /* its documentation, when declared in the walk */
} lsp_target;

/* False when it means nothing, as names of the language do. */
bool lsp_resolve(const lsp_analysis *analysis, idl_unit *unit,
                 const lsp_name *name, lsp_target *out);

/* The name at a byte of a unit's file, or ending there. False if there is
 * none. */
bool lsp_name_at(idl_unit *unit, size_t offset, lsp_name *out);

/* The main file's unit; NULL when it could not be read. */
idl_unit *lsp_main_unit(const lsp_analysis *analysis);

/* The package in which `offset` stands; "" before any. */
const char *lsp_package_at(const ast_file *file, size_t offset);

/* The meaning of a path there; NULL when it means nothing. */
idl_symbol *lsp_find_symbol(const lsp_analysis *analysis, idl_unit *unit,
                            const char *package, const char *path);

#endif
