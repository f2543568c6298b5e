/*
 * The old version of a .svc: from a file, a folder or a git revision.
 *
 * Threading: one thread at a time; blocks on the disk, or while git runs.
 */
#ifndef SHMRPC_GENERATOR_OLD_VERSION_H
#define SHMRPC_GENERATOR_OLD_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "idl/idl.h"

typedef struct gen_old_version {
    const char *against; /* a file, a folder, or a git revision */
    const char *root;    /* NULL, or the folder that `against`, a folder, is
                            another version of */
    const char *const *import_dirs;
    size_t import_dir_count;
} gen_old_version;

/*
 * Loads the old version of `path`. In a folder it is searched for by its path
 * from the root, then as it is, then from each of `import_dirs`, then by its
 * bare name. Imports come from the same place: those of `import_dirs` that the
 * old version has too are searched only there, others where they are. The same
 * applies to a revision, with its repository. OK; INVALID: the old version has
 * errors, which are in `diags`; NOT_FOUND: there is none, and `message` has one
 * line with the reason; NO_MEMORY. The schema and its sources, whose paths show
 * where they are from, live in `arena`.
 */
shmrpc_status gen_old_version_load(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out,
                                   shmrpci_buf *message) SHMRPC_WARN_UNUSED;

#endif
