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

/*
 * Renders `model`, which is in `tree`, into every file of the kinds that
 * `options` asks for, then writes those that changed, and the depfile; a
 * template with an error writes nothing.  Memory does not grow with the files:
 * large ones wait on the disk, beside those that they will replace.
 * INVALID: a template has an error; other statuses: a file can't be read or
 * written.  `message` then has a line for people.
 */
shmrpc_status gen_generate(const gen_options *options, const idl_schema *schema,
                           const gen_tree *tree, const gen_value *model,
                           shmrpci_buf *message);

#endif
