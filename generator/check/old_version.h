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
 * Loads what `path` was.  In a folder it is looked for by its path from the
 * root, then as it is, then from each of `import_dirs`, then by its name alone.
 * Imports come from the same place: of `import_dirs`, those that the old
 * version has too are looked for only there, and those outside, of others,
 * where they are.  So it is in a revision, with its repository.
 * OK; INVALID: the old version has errors, which are in `diags`; NOT_FOUND:
 * there is none, and `message` has a line that says why; NO_MEMORY.  The
 * schema and its sources, whose paths show where they are from, live in
 * `arena`.
 */
shmrpc_status gen_old_version_load(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out,
                                   shmrpci_buf *message) SHMRPC_WARN_UNUSED;

#endif
