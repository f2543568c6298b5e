/*
 * Random types, as tables that a random .svc's generated C would hold, and
 * random values of them.
 *
 * Every value keeps the bounds of its type and has a form in every encoding
 * that the type has a form in.  The same seed gives the same type.
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

/* A struct of up to 12 fields of any kind, in the arena. Aborts when that is
 * out of memory. */
const shmrpc_type *random_type(shmrpci_arena *arena, uint64_t *seed,
                               unsigned flags);

/* A value of it, in the arena. */
const void *random_value(shmrpci_arena *arena, uint64_t *seed,
                         const shmrpc_type *type);

#endif
