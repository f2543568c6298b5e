/*
 * The inside of shmrpc/any.h, which the files any_*.c share.
 *
 *   any_ext.c      makers and readers, but for the next two
 *   any_integer.c  integers of any size
 *   any_array.c    arrays of numbers
 *   any_check.c    whole trees
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_CODEC_ANY_EXT_H
#define SHMRPCI_CODEC_ANY_EXT_H

#include "base/arena.h"
#include "shmrpc/any.h"

struct shmrpc_any_memory {
    shmrpci_arena arena; /* the first member: an arena may serve as one */
};

static inline shmrpci_arena *shmrpci_any_arena(shmrpc_any_memory *memory)
{
    return &memory->arena;
}

/* For those who have an arena. */
static inline shmrpc_any_memory *shmrpci_any_memory_of(shmrpci_arena *arena)
{
    return (shmrpc_any_memory *)(void *)arena;
}

/* A value of these bytes, which are not copied. */
shmrpc_any shmrpci_any_ext(shmrpc_ext ext, const void *data, size_t len);

/* As shmrpc_any_read_items(). */
shmrpc_status shmrpci_any_read_items(shmrpci_arena *arena,
                                     const shmrpc_any *value,
                                     shmrpc_any_list *out, shmrpc_error *error);

/* Whether these bytes are an integer that needs them: two's complement, most
 * significant byte first, beyond i64 and u64, and no byte too many. */
bool shmrpci_any_is_bigint(const uint8_t *bytes, size_t len);

/* Whether a value with a number from 1 to 12 is what that says, but for the
 * items of tuples and sets. Others are. */
bool shmrpci_any_is_sound(const shmrpc_any *value);

#endif
