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
    shmrpci_handle *handle; /* which it keeps */
    shmrpci_buf bytes;      /* as they were in the object */
    shmrpci_arena arena;    /* what the value points to */
    uint64_t ticket;        /* of an item that wants to be acknowledged */
    uint32_t generation;    /* of the process that took it */
    bool has_ticket;
    bool came_before;
    /* the value follows */
} shmrpci_held;

/* Values are aligned for anything. */
#define SHMRPCI_HELD_BYTES ((sizeof(shmrpci_held) + 15) / 16 * 16)

/* NULL: no memory. */
shmrpci_held *shmrpci_held_take(shmrpci_handle *handle);
void shmrpci_held_give(shmrpci_held *held);

/* Decodes `len` bytes, which live as long as the item. DATA_LOSS: they are no
 * value of the type, the error says why; NO_MEMORY. */
shmrpc_status shmrpci_held_decode(shmrpci_held *held, const uint8_t *data,
                                  size_t len, shmrpc_error *error);

/* The same for a value elsewhere: what it points to is put into `arena`, or is
 * a view of the data (raw). */
shmrpc_status shmrpci_held_decode_to(const shmrpci_handle *handle,
                                     const uint8_t *data, size_t len,
                                     shmrpci_arena *arena, void *value,
                                     shmrpc_error *error);
/* The same of an item of a list. */
shmrpc_status shmrpci_held_decode_item(shmrpci_held *held, const uint8_t *data,
                                       size_t len, shmrpc_error *error);

static inline const void *shmrpci_held_value(const shmrpci_held *held)
{
    return (const uint8_t *)held + SHMRPCI_HELD_BYTES;
}

/* The item of a value that the user hands back; anything else is the user's
 * mistake. */
static inline shmrpci_held *shmrpci_held_of(const void *value)
{
    return (shmrpci_held *)(void *)((uint8_t *)(uintptr_t)value -
                                    SHMRPCI_HELD_BYTES);
}

/* Whether this process took it, and not its parent. */
bool shmrpci_held_is_ours(const shmrpci_held *held);

/* Frees those that wait to be used again; for the end of a handle. */
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
