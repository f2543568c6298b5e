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

/* The kinds of symbol that a name is wanted for. */
typedef enum idl_want {
    IDL_WANT_TYPE,  /* alias, enum, struct, union */
    IDL_WANT_VALUE, /* const, and enums as the first part of a path */
    IDL_WANT_ERROR
} idl_want;

typedef enum idl_progress {
    IDL_UNTOUCHED,
    IDL_IN_PROGRESS, /* meeting it again is a cycle */
    IDL_DEFINED,
    IDL_BROKEN /* the reason has been reported */
} idl_progress;

typedef struct idl_scope idl_scope;

typedef struct idl_symbol {
    idl_symbol_kind kind;
    idl_progress progress;
    idl_progress ordering; /* depth of records by value, and their weight in */
    uint64_t weight;       /* scalars: check_records.c */
    const ast_decl *ast;
    idl_unit *unit;
    idl_scope *scope;
    idl_decl *decl; /* the first member of the object below */
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
    idl_map symbols;                 /* idl_symbol by bare name */
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

/* The place of a name, which decides what it can mean. */
typedef struct idl_site {
    idl_unit *unit;
    idl_scope *scope;
} idl_site;

/* The scope of package `name`, made at its first appearance. */
idl_scope *idl_scope_of(idl_scopes *scopes, const char *name);

/*
 * The symbol that `name` means at `site`; NULL after reporting why there is
 * none.  A symbol of a kind that isn't wanted is reported too.
 */
idl_symbol *idl_find(idl_scopes *scopes, idl_site site, ast_name name,
                     idl_want want);

/* As find, but reports nothing when there is no such symbol, and returns those
 * of any kind. */
idl_symbol *idl_find_quietly(idl_scopes *scopes, idl_site site,
                             const char *path);

#endif
