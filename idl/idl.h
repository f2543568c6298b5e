/*
 * The language: from a .svc file to a checked schema, in one call.
 *
 * Passes: source -> tokens (lexer.re) -> tree (grammar.y, parse) -> schema
 * (resolve) -> rules (check_*.c) -> canonical text and hashes (seal). Every
 * pass reports to the list of diagnostics and goes on; none prints.
 *
 * Threading: one thread per load; a loaded schema is immutable.
 */
#ifndef IDL_IDL_H
#define IDL_IDL_H

#include "idl/diag.h"
#include "idl/schema.h"

/*
 * Reads the file `path` into `arena`, as idl_source_read does, with its
 * statuses. Called for the main file and for each path where an import may be
 * found. After NOT_FOUND the search goes on with the next path.
 */
typedef shmrpc_status idl_read(shmrpci_arena *arena, const char *path,
                               const idl_source **out, size_t *bad_offset,
                               void *user);

typedef enum idl_flags {
    /* Names that become equal in C are not errors: for text that comes from a
     * server and is not compiled to C. */
    IDL_ANY_C_NAMES = 1u << 0
} idl_flags;

/* All zeros select the defaults. */
typedef struct idl_options {
    const char *const *import_dirs; /* searched after the importing file's
                                     * folder */
    size_t import_dir_count;
    unsigned flags; /* idl_flags */
    idl_read *read; /* NULL: from disk */
    void *user;     /* for read */
} idl_options;

/*
 * Loads `path` and all that it imports. Returns OK and a schema if there was no
 * error (there may be warnings), INVALID if there were errors, which are in
 * `diags`, or NO_MEMORY. Schema and diagnostics live in `arena`. `options` may
 * be NULL.
 */
shmrpc_status idl_load(const idl_options *options, const char *path,
                       shmrpci_arena *arena, idl_diags *diags,
                       const idl_schema **out) SHMRPC_WARN_UNUSED;

/* Like idl_load, for text that is in memory already; `path` is its name in
 * diagnostics. */
shmrpc_status idl_load_text(const idl_options *options, const char *path,
                            const char *text, size_t len, shmrpci_arena *arena,
                            idl_diags *diags,
                            const idl_schema **out) SHMRPC_WARN_UNUSED;

typedef enum idl_stage {
    IDL_STAGE_TOKENS,
    IDL_STAGE_AST,
    IDL_STAGE_SCHEMA
} idl_stage;

/* Appends the result of a pass for `path` as text for people. The first two
 * stages print what they found even if there were errors. Returns the same
 * statuses as idl_load. */
shmrpc_status idl_dump(const idl_options *options, const char *path,
                       idl_stage stage, shmrpci_arena *arena, idl_diags *diags,
                       shmrpci_buf *out) SHMRPC_WARN_UNUSED;

#endif
