/*
 * Generate: from a model to files, through the language's templates.
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
 * `options` asks for, then writes those that changed, and adds all to `made`;
 * after an error in a template, or if a file was not written by the generator,
 * nothing is written. Memory does not grow with the files: large ones are kept
 * on disk beside those that they will replace. INVALID: a template has an
 * error; EXISTS: a file is not ours; other statuses: a file can't be read or
 * written. `message` then has a line for people.
 */
shmrpc_status gen_generate(const gen_options *options, const idl_schema *schema,
                           const gen_tree *tree, const gen_value *model,
                           gen_made *made, shmrpci_buf *message);

/* Whether files of this kind (lang.h) are asked for. */
bool gen_is_wanted(const gen_options *options, const char *kind);

/* Writes the depfile and the stamp of all that was made, if they are wanted.
 * Statuses and `message` as above. */
shmrpc_status gen_made_write(const gen_options *options, gen_made *made,
                             shmrpci_buf *message);

#endif
