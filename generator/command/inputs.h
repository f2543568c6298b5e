/*
 * Inputs: the .svc files that a command line names, also those in folders.
 *
 * Of a folder, all files in it and below that end in .svc, by name; what begins
 * with a dot is left out, and links to folders are not followed.
 * Threading: main thread.
 */
#ifndef SHMRPC_GENERATOR_COMMAND_INPUTS_H
#define SHMRPC_GENERATOR_COMMAND_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef struct gen_inputs {
    shmrpci_arena arena; /* of the paths */
    const char **paths;
    size_t count;
    size_t room;
} gen_inputs;

void gen_inputs_init(gen_inputs *inputs);
void gen_inputs_fini(gen_inputs *inputs);

/* Adds a file, whether it exists or not, or the files of a folder, of which
 * there may be none. False, and a line on standard error: a folder can't be
 * read, or out of memory. */
bool gen_inputs_add(gen_inputs *inputs, const char *path);

/* Adds the file `name` of a folder, whether it is there or not. */
bool gen_inputs_add_below(gen_inputs *inputs, const char *folder,
                          const char *name);

#endif
