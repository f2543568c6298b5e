/*
 * Random types, as the tables in generated C of a random .svc, and random
 * values of them.
 *
 * Every value keeps the bounds of its type and can be represented in every
 * encoding that the type allows. The same seed gives the same type.
 */
#ifndef TESTS_RUNTIME_CODEC_RANDOM_TYPE_H
#define TESTS_RUNTIME_CODEC_RANDOM_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/descriptor.h"

enum {
    RANDOM_WITH_ANY = 1u << 0, /* has no native form */
    RANDOM_PARAMS = 1u << 1    /* the parameters of a method */
};

/* Makes a struct of up to 12 fields of any kind, in the arena. Aborts if the
 * arena is out of memory. */
const shmrpc_type *random_type(shmrpci_arena *arena, uint64_t *seed,
                               unsigned flags);

/* Makes a value of a type, in the arena. */
const void *random_value(shmrpci_arena *arena, uint64_t *seed,
                         const shmrpc_type *type);

#endif
