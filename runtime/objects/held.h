/*
 * Items in the user's hands: a value of the object's type, decoded into memory
 * of its own, until it is released.
 *
 * Threading: an item belongs to one thread at a time; take and give: any
 * thread.
 */
#ifndef SHMRPCI_OBJECTS_HELD_H
#define SHMRPCI_OBJECTS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "objects/handle.h"

typedef struct shmrpci_held {
    shmrpci_handle *handle; /* keeps a reference */
    shmrpci_buf bytes;      /* as they were in the object */
    shmrpci_arena arena;    /* the data that the value points to */
    uint64_t ticket;        /* of an item to be acknowledged */
    uint32_t generation;    /* of the process that took it */
    bool has_ticket;
    bool came_before;
    /* followed by the value */
} shmrpci_held;

/* Values are aligned for any type. */
#define SHMRPCI_HELD_BYTES ((sizeof(shmrpci_held) + 15) / 16 * 16)

/* NULL: no memory. */
shmrpci_held *shmrpci_held_take(shmrpci_handle *handle);
void shmrpci_held_give(shmrpci_held *held);

/* Decodes `len` bytes, which live as long as the item. DATA_LOSS: not a value
 * of the type, the error says why; NO_MEMORY. */
shmrpc_status shmrpci_held_decode(shmrpci_held *held, const uint8_t *data,
                                  size_t len, shmrpc_error *error);

/* The same for a value elsewhere: the data it points to is in `arena`, or is a
 * view of `data` (raw). */
shmrpc_status shmrpci_held_decode_to(const shmrpci_handle *handle,
                                     const uint8_t *data, size_t len,
                                     shmrpci_arena *arena, void *value,
                                     shmrpc_error *error);
/* The same for an item of a list. */
shmrpc_status shmrpci_held_decode_item(shmrpci_held *held, const uint8_t *data,
                                       size_t len, shmrpc_error *error);

static inline const void *shmrpci_held_value(const shmrpci_held *held)
{
    return (const uint8_t *)held + SHMRPCI_HELD_BYTES;
}

/* The item of a value that the user returns; any other value is the user's
 * mistake. */
static inline shmrpci_held *shmrpci_held_of(const void *value)
{
    return (shmrpci_held *)(void *)((uint8_t *)(uintptr_t)value -
                                    SHMRPCI_HELD_BYTES);
}

/* Whether this process took it, not its parent. */
bool shmrpci_held_is_ours(const shmrpci_held *held);

/* Frees the spare items, at the end of a handle. */
void shmrpci_held_free_spares(shmrpci_handle *handle);

/*
 * Encodes `value` as the type of an object, to `out`, which is a fixed or a
 * heap buffer. INVALID with path; TOO_LARGE: a fixed one is too short;
 * NO_MEMORY.
 */
shmrpc_status shmrpci_held_encode(const shmrpci_handle *handle,
                                  const shmrpc_type *type, const void *value,
                                  shmrpci_buf *out, shmrpc_error *error);

#endif
