/*
 * Values in the user's hands. An item is one block: its head, then the C value.
 * It owns a buffer with the bytes it was decoded from, and an arena with the
 * data it points to. Released items stay in the handle for reuse, with their
 * memory, so that a steady load of pops or gets doesn't allocate.
 *
 * The handle's array of spare items is changed only by atomic exchange: the
 * thread that gets an item owns it.
 */
#include "objects/held.h"

#include <stdlib.h>
#include <string.h>

/* The most bytes that the buffer and the arena of a spare item may each keep;
 * larger ones are freed. */
#define KEEP_BYTES ((size_t)64 << 10)

/* Frees an item that belongs neither to the user nor to the array. */
static void destroy(shmrpci_held *held)
{
    shmrpci_buf_fini(&held->bytes);
    shmrpci_arena_fini(&held->arena);
    free(held);
}

/* Makes an item with room for a value of the object's type. */
static shmrpci_held *make(const shmrpci_handle *handle)
{
    const shmrpc_type *type = handle->row.element;
    size_t size = type != NULL ? type->size : 0;
    if (type != NULL && type->kind == SHMRPC_KIND_LIST &&
        type->item_size > size) {
        size = type->item_size; /* it may hold an item of the list, too */
    }
    shmrpci_held *held = calloc(1, SHMRPCI_HELD_BYTES + size);
    if (held != NULL) {
        shmrpci_buf_init_heap(&held->bytes);
        shmrpci_arena_init(&held->arena, 0);
    }
    return held;
}

shmrpci_held *shmrpci_held_take(shmrpci_handle *handle)
{
    shmrpci_held *held = NULL;
    for (uint32_t i = 0; i < SHMRPCI_HANDLE_SPARES && held == NULL; i++) {
        /* Checked first, because an exchange takes away a cache line that other
         * threads use. */
        if (shmrpci_load_relaxed(&handle->spares[i]) != NULL) {
            /* Seq, which includes acquire: makes the writes of the item's last
             * user visible to us. */
            held = shmrpci_exchange_seq(&handle->spares[i], NULL);
        }
    }
    held = held != NULL ? held : make(handle);
    if (held != NULL) {
        shmrpci_handle_ref(handle);
        held->handle = handle;
        held->generation = shmrpci_fork_generation();
        held->has_ticket = false;
        held->came_before = false;
    }
    return held;
}

void shmrpci_held_give(shmrpci_held *held)
{
    shmrpci_handle *handle = held->handle;
    if (held->bytes.cap > KEEP_BYTES || held->arena.total_bytes > KEEP_BYTES) {
        destroy(held);
    } else {
        shmrpci_buf_reset(&held->bytes);
        shmrpci_arena_reset(&held->arena);
        for (uint32_t i = 0; i < SHMRPCI_HANDLE_SPARES && held != NULL; i++) {
            if (shmrpci_load_relaxed(&handle->spares[i]) == NULL) {
                /* Another thread may have filled the place meanwhile. Then we
                 * have got its item, and continue with that. */
                held = shmrpci_exchange_seq(&handle->spares[i], held);
            }
        }
        if (held != NULL) {
            destroy(held);
        }
    }
    shmrpci_handle_unref(handle);
}

shmrpc_status shmrpci_held_decode(shmrpci_held *held, const uint8_t *data,
                                  size_t len, shmrpc_error *error)
{
    return shmrpci_held_decode_to(held->handle, data, len, &held->arena,
                                  (uint8_t *)held + SHMRPCI_HELD_BYTES, error);
}

/* Decodes a value. Paths in its errors begin with "item". */
static shmrpc_status decode(const shmrpci_handle *handle,
                            const shmrpc_type *type, const uint8_t *data,
                            size_t len, shmrpci_arena *arena, void *value,
                            shmrpc_error *error)
{
    int status =
        handle->codec->decode(type, data, len, "item", arena, value, error);
    if (status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY) {
        return (shmrpc_status)status;
    }
    /* The value was checked when it was encoded. If it is invalid now, another
     * process has written there. */
    if (error != NULL) {
        char text[SHMRPC_ERROR_MESSAGE_BYTES];
        memcpy(text, error->message, sizeof text);
        (void)shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                               "the item is damaged: %s", text);
    }
    return SHMRPC_E_DATA_LOSS;
}

shmrpc_status shmrpci_held_decode_to(const shmrpci_handle *handle,
                                     const uint8_t *data, size_t len,
                                     shmrpci_arena *arena, void *value,
                                     shmrpc_error *error)
{
    return decode(handle, handle->row.element, data, len, arena, value, error);
}

shmrpc_status shmrpci_held_decode_item(shmrpci_held *held, const uint8_t *data,
                                       size_t len, shmrpc_error *error)
{
    return decode(held->handle, held->handle->row.element->element, data, len,
                  &held->arena, (uint8_t *)held + SHMRPCI_HELD_BYTES, error);
}

bool shmrpci_held_is_ours(const shmrpci_held *held)
{
    return held->generation == shmrpci_fork_generation();
}

void shmrpci_held_free_spares(shmrpci_handle *handle)
{
    for (uint32_t i = 0; i < SHMRPCI_HANDLE_SPARES; i++) {
        shmrpci_held *held = shmrpci_exchange_seq(&handle->spares[i], NULL);
        if (held != NULL) {
            destroy(held);
        }
    }
}

/* If a fixed buffer is full this returns TOO_LARGE, and the caller tries again
 * on the heap. */
shmrpc_status shmrpci_held_encode(const shmrpci_handle *handle,
                                  const shmrpc_type *type, const void *value,
                                  shmrpci_buf *out, shmrpc_error *error)
{
    int status = handle->codec->encode(type, value, "item", out, error);
    if (status == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    return out->status == SHMRPC_OK ? (shmrpc_status)status : out->status;
}
