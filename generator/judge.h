/*
 * Errors of a file that is valid in the language, but that can't be generated
 * in the target language: names that clash in C, constructs that are not
 * generated yet. Imports are judged as if they were generated themselves, since
 * their headers are included.
 *
 * Threading: one thread at a time; blocks on the disk when there are imports.
 */
#ifndef SHMRPC_GENERATOR_JUDGE_H
#define SHMRPC_GENERATOR_JUDGE_H

#include <stdbool.h>

#include "generator/lang.h"
#include "idl/idl.h"

typedef struct gen_judge {
    const gen_lang *lang;
    const idl_options *idl_opts; /* the options with which the file was
                                  * loaded */
    bool async;                  /* --async */
    const char *prefix;          /* --prefix, or NULL */
    bool werror;                 /* an import with warnings is refused, too */
    bool names_only;             /* ignore constructs that can't be generated */
} gen_judge;

/*
 * Builds the model of `schema` in `tree`, and adds errors to `diags`, sorted
 * among those already there; they live in `arena`. Returns INVALID if the file
 * can't be generated, or NO_MEMORY.
 */
shmrpc_status gen_judge_build(const gen_judge *judge, const idl_schema *schema,
                              shmrpci_arena *arena, idl_diags *diags,
                              gen_tree *tree,
                              gen_value **model) SHMRPC_WARN_UNUSED;

/* Checks only the names that would be generated in C without options. For
 * programs that generate nothing. `schema` may come from idl_explore. Returns
 * the same statuses as gen_judge_build. */
shmrpc_status gen_judge_names(const idl_options *idl_opts,
                              const idl_schema *schema, shmrpci_arena *arena,
                              idl_diags *diags) SHMRPC_WARN_UNUSED;

#endif
