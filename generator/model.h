/*
 * The model: a checked schema as the value tree that templates see.
 *
 * Everything that is longer than a flag test is computed here or in the
 * language (lang.h), which adds an object under its own key to each entity.
 * templates/README.md is the contract; `shmrpcgen --dump=model` shows it.
 *
 * Only what the main file declares is in the model; what it imports has
 * generated files of its own.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_MODEL_H
#define SHMRPC_GENERATOR_MODEL_H

#include <stdbool.h>

#include "generator/import_path.h"
#include "generator/value.h"
#include "idl/diag.h"
#include "idl/schema.h"
#include "shmrpc/status.h"

typedef struct gen_lang gen_lang;

typedef struct gen_model_opts {
    const gen_lang *lang;
    gen_import_dirs import_dirs;
    bool async;         /* --async: forms that do not block */
    const char *prefix; /* --prefix: of the main file's package, or NULL */
    idl_diags *diags;   /* for what only the language can see; its memory is
                           set, and left by longjmp when it is exhausted */
} gen_model_opts;

/* State that the language's functions work on. */
typedef struct gen_model {
    gen_tree *tree;
    const idl_schema *schema;
    const gen_model_opts *opts;
    void *state; /* the language's own, in the tree's arena */
} gen_model;

/* Builds the model in `tree`; `schema` must outlive it.  NO_MEMORY. */
shmrpc_status gen_model_build(gen_tree *tree, const idl_schema *schema,
                              const gen_model_opts *opts, gen_value **out);

#endif
