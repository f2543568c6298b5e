/*
 * Values that are copied unchanged: the native image (native.h) of a flat value
 * is a length and the bytes of the C value.
 *
 * A caller that sends and receives many values of one type asks for its form
 * once and then copies; the codec would walk the type's tables for each value.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_FLAT_H
#define SHMRPCI_CODEC_FLAT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/copy.h"
#include "codec/codec.h"

/* Max size; the codec handles larger values, except items of streams. */
#define SHMRPCI_FLAT_MAX_BYTES 128

typedef struct shmrpci_flat {
    uint32_t bytes;  /* size of the image; 0: the type has no flat form */
    uint16_t start;  /* offset of the value in the image: 4 or 8 */
    bool is_pointed; /* parameters that are just one pointer to the value */
} shmrpci_flat;

/* Returns the flat form of a type. `type` may be NULL: no value, which has no
 * image either. */
shmrpci_flat shmrpci_flat_of(const shmrpci_codec *codec,
                             const shmrpc_type *type);

/* Returns the flat form for a single value, however large it is. */
shmrpci_flat shmrpci_flat_item(const shmrpci_codec *codec,
                               const shmrpc_type *type);

/* Returns the first flat->start bytes of a value's image. */
static inline uint64_t shmrpci_flat_header(const shmrpci_flat *flat)
{
    uint64_t header = 0;
    memcpy(&header, &flat->bytes, sizeof flat->bytes);
    return header;
}

/* Returns the address of the bytes that follow the header in a value's image:
 * the C value itself. If is_pointed is set, `value` is parameters that hold a
 * pointer to it. */
static inline const void *shmrpci_flat_value(const shmrpci_flat *flat,
                                             const void *value)
{
    const void *at = value;
    if (flat->is_pointed) {
        memcpy(&at, value, sizeof at);
    }
    return at;
}

/* Whether the `len` bytes are an image of this form. If not, the caller decodes
 * them with the codec. This check and shmrpci_flat_read each read a byte only
 * once, so it is safe if a peer changes the bytes meanwhile. */
static inline bool shmrpci_flat_fits(const shmrpci_flat *flat,
                                     const uint8_t *image, size_t len)
{
    uint32_t bytes;
    if (flat->bytes == 0 || len != flat->bytes) {
        return false;
    }
    memcpy(&bytes, image, sizeof bytes);
    return bytes == flat->bytes;
}

/* Copies the value out of an image that shmrpci_flat_fits accepted. The value
 * contains no pointers. */
static inline void shmrpci_flat_read(const shmrpci_flat *flat,
                                     const uint8_t *image, void *value)
{
    shmrpci_copy_short(value, image + flat->start, flat->bytes - flat->start);
}

#endif
