/*
 * The names in a file: their places and meanings.
 *
 * Works on the syntax trees, so it also works if a file has errors. Threading:
 * one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LSP_NAMES_H
#define SHMRPC_GENERATOR_LSP_NAMES_H

#include "generator/lsp/workspace.h"

typedef enum lsp_name_kind {
    LSP_NAME_SYMBOL, /* the name of a declaration; the first four kinds stand
                      * where something is declared */
    LSP_NAME_METHOD, /* a declared method */
    LSP_NAME_FIELD,  /* a declared field or parameter */
    LSP_NAME_ITEM,   /* a declared item of an enum */
    LSP_NAME_TYPE,   /* a use of a type; all kinds from here on are uses */
    LSP_NAME_VALUE,
    LSP_NAME_ERROR,
    LSP_NAME_IMPORT /* the text of an import */
} lsp_name_kind;

typedef struct lsp_name {
    lsp_name_kind kind;
    const char *text; /* uses: a path */
    idl_span span;
    const char *package;     /* the package in which the name occurs */
    const ast_decl *decl;    /* the declaration in which it occurs, or which
                              * it names */
    const ast_decl *service; /* the enclosing service; then `decl` is the
                              * method */
    const ast_type *type;    /* VALUE: type of the value, or NULL */
    const ast_pre *pre;      /* documentation and annotations of the
                              * declaration, or NULL */
} lsp_name;

/* Returns false to end the walk. */
typedef bool lsp_visit(const lsp_name *name, void *user);

/* Visits the names of a file, an outer name before those inside it. */
void lsp_each_name(const ast_file *file, lsp_visit *visit, void *user);

/* The meaning of a name. */
typedef struct lsp_target {
    idl_span span; /* the declared name; for an import, the beginning of the
                    * file */
    const idl_symbol *symbol; /* the symbol, or the one that contains it;
                               * NULL for an import */
    /* The member of the symbol: at most one of method, field and item is set,
     * none if the target is the symbol or if errors left no object. */
    const idl_method *method;
    const idl_field *field;
    const idl_enum_item *item;
    const ast_pre *pre; /* documentation of a declared name, or NULL */
} lsp_target;

/* Resolves a name. False if it has no meaning, as is true of built-in names. */
bool lsp_resolve(const lsp_analysis *analysis, idl_unit *unit,
                 const lsp_name *name, lsp_target *out);

/* Finds the name that contains or ends at the byte `offset` of a unit's file.
 * False if there is none. */
bool lsp_name_at(idl_unit *unit, size_t offset, lsp_name *out);

/* The main file's unit; NULL when it could not be read. */
idl_unit *lsp_main_unit(const lsp_analysis *analysis);

/* The package in effect at `offset`; "" before the first one. */
const char *lsp_package_at(const ast_file *file, size_t offset);

/* The symbol that a path in this package means; NULL if there is none. */
idl_symbol *lsp_find_symbol(const lsp_analysis *analysis, idl_unit *unit,
                            const char *package, const char *path);

#endif
