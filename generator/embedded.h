/*
 * The files that are built into the program (cmake/Embed.cmake generates this
 * data): the templates and the explanations of diagnostics.
 * Threading: constant data.
 */
#ifndef SHMRPC_GENERATOR_EMBEDDED_H
#define SHMRPC_GENERATOR_EMBEDDED_H

#include <stddef.h>

typedef struct gen_embedded_file {
    const char *name; /* "c/types.h.mustache" */
    const unsigned char *data;
    size_t len;
} gen_embedded_file;

extern const gen_embedded_file gen_embedded[]; /* templates */
extern const size_t gen_embedded_count;

extern const gen_embedded_file gen_explanations[]; /* "S0301.md" */
extern const size_t gen_explanations_count;

#endif
