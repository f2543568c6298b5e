/*
 * Generate: renders a model into files with the language's templates.
 * Threading: one thread at a time; blocks on the disk.
 */
#ifndef SHMRPC_GENERATOR_GENERATE_H
#define SHMRPC_GENERATOR_GENERATE_H

#include "generator/options.h"
#include "generator/value.h"
#include "idl/schema.h"
#include "shmrpc/status.h"

/* The files that a run has written or left unchanged, and their sources. */
typedef struct gen_made {
    gen_tree tree;
    gen_value *targets; /* paths */
    gen_value *sources;
} gen_made;

void gen_made_init(gen_made *made);
void gen_made_fini(gen_made *made);

/*
 * Renders `model`, which is in `tree`, into every file of the kinds that
 * `options` asks for. Then writes those that changed, and adds all to `made`.
 * Nothing is written after an error in a template, or if an existing file was
 * not written by the generator. Memory use does not grow with the files: large
 * ones are written to temporary files beside those that they will replace.
 * Returns INVALID if a template has an error, EXISTS if an existing file is not
 * ours, other statuses if a file can't be read or written; `message` then has a
 * line for people.
 */
shmrpc_status gen_generate(const gen_options *options, const idl_schema *schema,
                           const gen_tree *tree, const gen_value *model,
                           gen_made *made, shmrpci_buf *message);

/* Whether `options` asks for files of this kind (lang.h). */
bool gen_is_wanted(const gen_options *options, const char *kind);

/* Writes the depfile and the stamp of everything in `made`, if `options` asks
 * for them. Statuses and `message` as above. */
shmrpc_status gen_made_write(const gen_options *options, gen_made *made,
                             shmrpci_buf *message);

#endif
