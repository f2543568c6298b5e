/*
 * Inputs: the .svc files that a command line names, also those in folders.
 *
 * A folder stands for all files in it and below whose names end in .svc, sorted
 * by name. Names that begin with a dot are skipped, and links to folders are
 * not followed.
 * Threading: main thread.
 */
#ifndef SHMRPC_GENERATOR_COMMAND_INPUTS_H
#define SHMRPC_GENERATOR_COMMAND_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef struct gen_inputs {
    shmrpci_arena arena; /* holds the paths */
    const char **paths;
    size_t count;
    size_t room;
} gen_inputs;

void gen_inputs_init(gen_inputs *inputs);
void gen_inputs_fini(gen_inputs *inputs);

/* Adds a file, whether it exists or not, or the files of a folder, which may be
 * empty. Returns false, after printing a line on standard error, if a folder
 * can't be read or memory runs out. */
bool gen_inputs_add(gen_inputs *inputs, const char *path);

/* Adds the file `name` of a folder, whether it exists or not. */
bool gen_inputs_add_below(gen_inputs *inputs, const char *folder,
                          const char *name);

#endif
