/*
 * Items in the user's hands: a value of the object's type, decoded into memory
 * of its own, until it is released.
 *
 * Threading: an item belongs to one thread at a time; any thread may call take
 * and give.
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
    shmrpci_handle *handle; /* holds a reference */
    shmrpci_buf bytes;      /* the encoded bytes, as they were in the object */
    shmrpci_arena arena;    /* the data that the value points to */
    uint64_t ticket;        /* of an item that must be acknowledged */
    uint32_t generation;    /* of the process that took it */
    bool has_ticket;
    bool came_before;
    /* The value follows the structure. */
} shmrpci_held;

/* Offset of the value, aligned for any type. */
#define SHMRPCI_HELD_BYTES ((sizeof(shmrpci_held) + 15) / 16 * 16)

/* Returns NULL if out of memory. */
shmrpci_held *shmrpci_held_take(shmrpci_handle *handle);
void shmrpci_held_give(shmrpci_held *held);

/* Decodes `len` bytes, which must live as long as the item. Returns DATA_LOSS
 * if they are not a value of the type, with the reason in the error, or
 * NO_MEMORY. */
shmrpc_status shmrpci_held_decode(shmrpci_held *held, const uint8_t *data,
                                  size_t len, shmrpc_error *error);

/* Decodes to memory outside of an item. The data that the value points to is in
 * `arena`, or, for raw values, is `data` itself. */
shmrpc_status shmrpci_held_decode_to(const shmrpci_handle *handle,
                                     const uint8_t *data, size_t len,
                                     shmrpci_arena *arena, void *value,
                                     shmrpc_error *error);
/* Decodes an item of a list in the same way. */
shmrpc_status shmrpci_held_decode_item(shmrpci_held *held, const uint8_t *data,
                                       size_t len, shmrpc_error *error);

static inline const void *shmrpci_held_value(const shmrpci_held *held)
{
    return (const uint8_t *)held + SHMRPCI_HELD_BYTES;
}

/* The item that contains a value which the user returns. Any other value is a
 * mistake of the user. */
static inline shmrpci_held *shmrpci_held_of(const void *value)
{
    return (shmrpci_held *)(void *)((uint8_t *)(uintptr_t)value -
                                    SHMRPCI_HELD_BYTES);
}

/* Whether this process took the item, rather than its parent. */
bool shmrpci_held_is_ours(const shmrpci_held *held);

/* Frees the spare items, when a handle ends. */
void shmrpci_held_free_spares(shmrpci_handle *handle);

/*
 * Encodes `value` as the type of an object to `out`, which is a fixed or a heap
 * buffer. Returns INVALID with a path; TOO_LARGE if a fixed buffer is too
 * short; or NO_MEMORY.
 */
shmrpc_status shmrpci_held_encode(const shmrpci_handle *handle,
                                  const shmrpc_type *type, const void *value,
                                  shmrpci_buf *out, shmrpc_error *error);

#endif
