/*
 * The native image: a value as bytes that are nearly its C form.
 *
 *   offset  size  what
 *   0       4     u32: length of the whole image, these four bytes included
 *   4       0|4   zero, when the value is aligned to 8
 *   4|8     n     the fixed part of the value, as layout.h lays it out
 *   ...           blocks, one behind the other, each on its alignment
 *
 * All numbers are little-endian; all offsets count from the image's start.
 *
 *   bool           one byte, 0 or 1
 *   numbers        as in memory; an enum as its base type, any value
 *   array          its elements
 *   struct         its fields by ascending tag, each on its alignment; an
 *                  optional field has one byte before it: 1, or 0 if the field
 *                  is absent and its bytes are zero
 *   union          u32 tag, then the member it chooses, zeros behind it
 *   string, bytes  u32 offset, u32 length of a block of bytes; no NUL
 *   list, map      u32 offset, u32 count of a block of elements or entries
 *   optional       u32 offset, u32 count (0 or 1) of a block that holds the
 *    struct, union struct or union
 *
 * A reference of length 0 has offset 0. Blocks are in the order in which a
 * depth-first walk meets their references (a list, then the blocks of its first
 * element, ...), and each begins at or after the end of the previous one. So no
 * two references share a byte, and the size of the decoded value is bounded by
 * the size of the image. Padding is written as zero and ignored when read.
 *
 * Both sides must have the same layout of the type; contract.h checks that at
 * connect. Flat types (SHMRPC_TYPE_FLAT) are copied whole, because their C form
 * is their native form.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_NATIVE_H
#define SHMRPCI_CODEC_NATIVE_H

#include "codec/codec.h"
#include "codec/layout.h"

#define SHMRPCI_NATIVE_HEADER_BYTES 4

/* Returns where the fixed part of the value begins. */
static inline uint32_t shmrpci_native_start(const shmrpc_type *type)
{
    return type->native_align > SHMRPCI_NATIVE_HEADER_BYTES
               ? type->native_align
               : SHMRPCI_NATIVE_HEADER_BYTES;
}

static inline shmrpci_layout shmrpci_native_layout(const shmrpc_type *type)
{
    return (shmrpci_layout){.size = type->native_size,
                            .align = type->native_align};
}

/* Whether the image is just the bytes of the value; also true for a type
 * without fields. */
static inline bool shmrpci_native_is_flat(const shmrpc_type *type)
{
    return (type->flags & SHMRPC_TYPE_FLAT) != 0 ||
           (type->count == 0 && type->kind == SHMRPC_KIND_STRUCT);
}

/* If parameters consist of one flat struct, returns the field of that struct:
 * the image of the parameters then equals the image of the struct. Returns NULL
 * for all other types. */
static inline const shmrpc_field *
shmrpci_native_flat_param(const shmrpc_type *type)
{
    bool is_one = type->count == 1 && type->kind == SHMRPC_KIND_STRUCT &&
                  type->fields[0].flags == SHMRPC_FIELD_POINTER &&
                  (type->fields[0].type->flags & SHMRPC_TYPE_FLAT) != 0;
    return is_one ? &type->fields[0] : NULL;
}

/* Returns the offset of a union's members. */
static inline uint32_t shmrpci_native_union_offset(const shmrpc_type *type)
{
    return shmrpci_layout_union_offset(type->native_align);
}

/* The decode function of the codec, see codec.h. */
int shmrpci_native_decode(const shmrpc_type *type, const uint8_t *data,
                          size_t len, const char *name, shmrpci_arena *arena,
                          void *value, shmrpc_error *error);

#endif
