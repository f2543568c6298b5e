/*
 * Memory of one case of the conformance file, freed in one step; and values
 * that JSON can't express, which the file writes as objects with one key:
 *
 *     {"$int": "18446744073709551615"}   an integer that JSON readers may round
 *     {"$float": "NaN"}, {"$float": 1}   a float, even if its value is integral
 *     {"$bytes": "AP8="}                 bytes
 *     {"$ext": [7, "AP8="]}              an extension of msgpack
 *     {"$map": [[1, "one"]]}             a map with keys of any kind
 *
 * Threading: one thread.
 */
#ifndef TESTS_LANGUAGES_SCRAP_H
#define TESTS_LANGUAGES_SCRAP_H

#include <stddef.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/types.h"

/* A list of pointers, each with the function that frees it. */
typedef struct scrap {
    struct scrap_row {
        void *memory;
        void (*free_it)(void *memory);
    } * rows;
    size_t count;
} scrap;

/* Allocates zeroed memory. Ends the program if there is none. */
void *scrap_alloc(scrap *s, size_t bytes);

/* Takes over `memory`, which `free_it` frees, and returns it. */
void *scrap_take(scrap *s, void *memory, void (*free_it)(void *memory));

void scrap_clear(scrap *s);

/* Reads a value of `type` from JSON. On failure returns the reader's status,
 * with *out NULL. */
int scrap_read(scrap *s, const shmrpc_type *type, const char *text, size_t len,
               const void **out, shmrpc_error *error);

/* Returns the JSON of a value. If the value has no JSON form, returns "?" with
 * the reason. */
const char *scrap_text(scrap *s, const shmrpc_type *type, const void *value);

/* Returns the tree, with each object of one `$` key replaced by the value that
 * it stands for. */
shmrpc_any scrap_decode(scrap *s, const shmrpc_any *tree);

#endif
