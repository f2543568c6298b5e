/*
 * Names: where they are declared, and what a name in a file means.
 *
 * For the passes inside idl/ only.  Threading: one thread at a time.
 */
#ifndef IDL_SCOPE_H
#define IDL_SCOPE_H

#include "idl/load.h"
#include "idl/names.h"

typedef enum idl_symbol_kind {
    IDL_SYMBOL_CONST,
    IDL_SYMBOL_ALIAS,
    IDL_SYMBOL_ENUM,
    IDL_SYMBOL_STRUCT,
    IDL_SYMBOL_UNION,
    IDL_SYMBOL_ERROR,
    IDL_SYMBOL_SERVICE,
    IDL_SYMBOL_SHARED
} idl_symbol_kind;

/* The kinds of symbol that a caller of idl_find accepts. */
typedef enum idl_want {
    IDL_WANT_TYPE,  /* alias, enum, struct, union */
    IDL_WANT_VALUE, /* const, and enums as the first part of a path */
    IDL_WANT_ERROR
} idl_want;

typedef enum idl_progress {
    IDL_UNTOUCHED,
    IDL_IN_PROGRESS, /* reaching it again means a cycle */
    IDL_DEFINED,
    IDL_BROKEN /* the reason has been reported */
} idl_progress;

typedef struct idl_scope idl_scope;

typedef struct idl_symbol {
    idl_symbol_kind kind;
    idl_progress progress;
    idl_progress ordering; /* check_records.c: order of records held by value */
    uint64_t weight;       /* check_records.c: number of scalars */
    const ast_decl *ast;
    idl_unit *unit;
    idl_scope *scope;
    idl_decl *decl; /* points to the first member of the object below */
    union {
        idl_const *constant;
        idl_alias *alias;
        idl_enum *enumeration;
        idl_record *record;
        idl_service *service;
        idl_shared *shared;
    } u;
} idl_symbol;

/* A package: its names, from all files. */
struct idl_scope {
    idl_package package;
    const idl_source *prefix_source; /* where @c_prefix was given, or NULL */
    idl_map symbols;                 /* bare name to idl_symbol */
};

typedef struct idl_scopes {
    idl_memory *memory;
    idl_diags *diags;
    idl_scope **items; /* in order of appearance */
    size_t count;
    idl_map by_name;
    idl_symbol **symbols; /* all, in order of declaration */
    size_t symbol_count;
} idl_scopes;

/* Where a name is used, which decides what it can mean. */
typedef struct idl_site {
    idl_unit *unit;
    idl_scope *scope;
} idl_site;

/* The scope of package `name`; created on first use. */
idl_scope *idl_scope_of(idl_scopes *scopes, const char *name);

/*
 * The symbol that `name` means at `site`; NULL after reporting that there is
 * none, or that it is not of a wanted kind.
 */
idl_symbol *idl_find(idl_scopes *scopes, idl_site site, ast_name name,
                     idl_want want);

/* Like idl_find, but reports nothing if there is no such symbol, and returns
 * symbols of any kind. */
idl_symbol *idl_find_quietly(idl_scopes *scopes, idl_site site,
                             const char *path);

#endif
