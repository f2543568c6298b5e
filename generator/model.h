/*
 * The model: converts a checked schema to the value tree that templates see.
 *
 * Templates only test flags and print texts; everything else is computed here
 * or by the target language (lang.h). The language adds an object under its own
 * key to each entity. templates/README.md documents the model; `shmrpcgen
 * --dump=model` shows it.
 *
 * The model has only the declarations of the main file; imported files have
 * generated files of their own.
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
    bool async;         /* --async: also generate functions that do not block */
    const char *prefix; /* --prefix, for names of the main file's package; or
                         * NULL */
    idl_diags *diags;   /* for errors that only the language can find; its
                         * `memory` must be set: adding an error calls longjmp
                         * when memory is exhausted */
} gen_model_opts;

/* What the language's functions work on. */
typedef struct gen_model {
    gen_tree *tree;
    const idl_schema *schema;
    const gen_model_opts *opts;
    void *state; /* the language's own state, in the tree's arena */
} gen_model;

/* Builds the model in `tree`; `schema` must outlive the model. Returns
 * NO_MEMORY if memory runs out. */
shmrpc_status gen_model_build(gen_tree *tree, const idl_schema *schema,
                              const gen_model_opts *opts, gen_value **out);

#endif
