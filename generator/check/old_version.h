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
    const char *root;    /* NULL, or the current folder of which the folder
                          * `against` is an old version */
    const char *const *import_dirs;
    size_t import_dir_count;
} gen_old_version;

/*
 * Loads the old version of `path`. If `against` is a folder, the file is
 * searched there by its path from the root, then by `path` unchanged, then by
 * its path from each of `import_dirs`, then by its bare name. Imports come from
 * the old version too: if it contains a folder of `import_dirs`, only the old
 * copy of this folder is searched; other folders are searched in their current
 * place. The same applies to a revision and its repository. Returns OK; INVALID
 * if the old version has errors, which are in `diags`; NOT_FOUND if there is no
 * old version (`message` has one line with the reason); NO_MEMORY. The schema
 * and its sources, whose paths show where they come from, live in `arena`.
 */
shmrpc_status gen_old_version_load(const gen_old_version *old, const char *path,
                                   shmrpci_arena *arena, idl_diags *diags,
                                   const idl_schema **out,
                                   shmrpci_buf *message) SHMRPC_WARN_UNUSED;

#endif
