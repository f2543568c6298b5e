/*
 * Declarations shared by the files any_*.c, which implement shmrpc/any.h.
 *
 *   any_ext.c      makers and readers, except those in the next two files
 *   any_integer.c  integers of any size
 *   any_array.c    arrays of numbers
 *   any_check.c    checks of whole trees
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_CODEC_ANY_EXT_H
#define SHMRPCI_CODEC_ANY_EXT_H

#include "base/arena.h"
#include "shmrpc/any.h"

struct shmrpc_any_memory {
    shmrpci_arena arena; /* must be first: shmrpci_any_memory_of casts an arena
                          * to this */
};

static inline shmrpci_arena *shmrpci_any_arena(shmrpc_any_memory *memory)
{
    return &memory->arena;
}

/* Returns an arena as a memory of shmrpc/any.h. */
static inline shmrpc_any_memory *shmrpci_any_memory_of(shmrpci_arena *arena)
{
    return (shmrpc_any_memory *)(void *)arena;
}

/* Makes an extension value of these bytes, which are not copied. */
shmrpc_any shmrpci_any_ext(shmrpc_ext ext, const void *data, size_t len);

/* Like shmrpc_any_read_items(), with an arena. */
shmrpc_status shmrpci_any_read_items(shmrpci_arena *arena,
                                     const shmrpc_any *value,
                                     shmrpc_any_list *out, shmrpc_error *error);

/* Whether these bytes are a big integer in its only form: two's complement,
 * most significant byte first, outside i64 and u64, without a superfluous
 * byte. */
bool shmrpci_any_is_bigint(const uint8_t *bytes, size_t len);

/* Whether the contents of a value with an extension number from 1 to 12 match
 * that number, not counting the items of tuples and sets. True for all other
 * values. */
bool shmrpci_any_is_sound(const shmrpc_any *value);

#endif
