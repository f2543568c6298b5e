/*
 * Import paths: the name of a .svc, the same for all importers.
 *
 * An example is `acme/common.svc`, the form that importers write: the path from
 * the first import folder that contains the file, or its bare name if none
 * does. Generated files are laid out by import paths, so that two files of the
 * same name in different folders don't clash, and C includes headers by the
 * same paths by which the language imports .svc files. Paths are compared as
 * they are written: symbolic links are not followed. Threading: one thread at a
 * time.
 */
#ifndef SHMRPC_GENERATOR_IMPORT_PATH_H
#define SHMRPC_GENERATOR_IMPORT_PATH_H

#include <stddef.h>

#include "generator/value.h"
#include "idl/schema.h"

typedef struct gen_import_dirs {
    const char *const *dirs;
    size_t count;
} gen_import_dirs;

/* The import path of the file `path`; allocated in the tree. */
const char *gen_import_path(gen_tree *tree, gen_import_dirs dirs,
                            const char *path);

/* The import path that an import statement means: as written, unless it leaves
 * its folder ("../x.svc") or is absolute. */
const char *gen_import_path_of(gen_tree *tree, gen_import_dirs dirs,
                               const idl_import *import);

/* `path` without `.svc`. */
const char *gen_import_stem(gen_tree *tree, const char *path);

/* `path` relative to `dir`; "" for `dir` itself; NULL if it is not below `dir`.
 * Allocated in the tree. */
const char *gen_path_below(gen_tree *tree, const char *dir, const char *path);

#endif
