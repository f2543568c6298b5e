/*
 * Files: reading the main file and its imports, each once.
 *
 * For the passes inside idl/ only.  Threading: one thread at a time.
 */
#ifndef IDL_LOAD_H
#define IDL_LOAD_H

#include "idl/idl.h"
#include "idl/syntax/ast.h"

typedef struct idl_unit idl_unit;

typedef struct idl_use {
    const ast_decl *decl; /* the import statement */
    idl_unit *unit;
    bool used; /* set by resolve when a name of the unit is found */
} idl_use;

/* A file that was read. */
struct idl_unit {
    const idl_source *source;
    const ast_file *ast;
    idl_use *uses;
    size_t use_count;
    bool loading; /* its imports are being read: importing it now is a cycle */
    bool imported;
    bool import_failed; /* at least one of its imports is missing */
    idl_file *file;     /* its file in the schema; set by resolve */
};

typedef struct idl_units {
    idl_unit **items; /* each file after those that it imports */
    size_t count;
} idl_units;

/* Reads the imports of `main_source`, and their imports in turn; parses all of
 * these files. */
idl_units idl_load_units(const idl_options *options,
                         const idl_source *main_source, idl_diags *diags);

/* Reads one file. Returns NULL and sets `*status` to NOT_FOUND, without a
 * report, if it doesn't exist. Returns NULL after any other error, which is
 * reported at `span`. */
const idl_source *idl_load_source(const idl_options *options, const char *path,
                                  idl_span span, idl_diags *diags,
                                  shmrpc_status *status);

/* The source of text that is already in memory; NULL after reporting an
 * error. */
const idl_source *idl_load_memory(const char *path, const char *text,
                                  size_t len, idl_diags *diags);

#endif
