/*
 * The native layout: where a value's parts are in a native image.
 *
 * One rule for every platform: a value has its natural alignment (8 for 64-bit
 * numbers), a size is a multiple of its alignment.
 *
 *   bool, numbers       their size, aligned to it
 *   enum                as its base type
 *   string, bytes,      8 bytes, aligned to 4: u32 offset, u32 length
 *     list, map
 *   array               count times the element
 *   struct              the fields by ascending tag; an optional field is
 *                       preceded by one byte that says whether it is there; an
 *                       optional struct or union is 8 bytes, aligned to 4,
 *                       like a list of at most one item; an empty struct is
 *                       one byte
 *   union               u32 tag, then the widest member
 *   map entry           as a struct of key and value
 *   any                 has no native form
 *
 * The C layout is where a C compiler of our platforms puts the same parts. It
 * follows the same rule, because LP64 uses natural alignment, but some kinds
 * have other forms (shmrpc/descriptor.h lists them): a view is a pointer and a
 * length, an optional field is preceded by a `bool`, optional structs and
 * unions are pointers, fields are in source order, and a union has its members
 * at the first offset that suits them all. The functions that build the native
 * layout of a struct or union from its parts build the C layout as well.
 *
 * Used by the codec and by the generator, which writes native sizes and
 * alignments into the type tables and leaves those of C to the compiler; tools
 * that make tables at run time compute both. Sizes saturate above
 * SHMRPCI_LAYOUT_MAX_BYTES: check the final result against it, once. Threading:
 * pure functions.
 */
#ifndef SHMRPCI_CODEC_LAYOUT_H
#define SHMRPCI_CODEC_LAYOUT_H

#include <stdint.h>

#include "shmrpc/descriptor.h"

/* Max size of a fixed part; the generator refuses larger ones. */
#define SHMRPCI_LAYOUT_MAX_BYTES ((uint32_t)16 << 20)

typedef struct shmrpci_layout {
    uint32_t size;
    uint32_t align; /* 1, 2, 4 or 8; 0 for `any` */
} shmrpci_layout;

/* The layout of a reference. Strings, bytes, lists, maps and optional structs
 * and unions have a reference in the fixed part. */
#define SHMRPCI_LAYOUT_REFERENCE ((shmrpci_layout){.size = 8, .align = 4})

static inline uint32_t shmrpci_layout_clamp(uint64_t size)
{
    return size > SHMRPCI_LAYOUT_MAX_BYTES ? SHMRPCI_LAYOUT_MAX_BYTES + 1
                                           : (uint32_t)size;
}

/* Returns `at` rounded up to `align`, a power of two. */
static inline uint32_t shmrpci_layout_align(uint32_t at, uint32_t align)
{
    return (at + align - 1) & ~(align - 1);
}

/* Returns the native layout of a kind that needs no further description: bool,
 * numbers, string, bytes, list, map; {0, 0} for every other kind. */
static inline shmrpci_layout shmrpci_layout_of_kind(shmrpc_kind kind)
{
    switch (kind) {
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_U8:
        return (shmrpci_layout){1, 1};
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_U16:
        return (shmrpci_layout){2, 2};
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_F32:
        return (shmrpci_layout){4, 4};
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_F64:
        return (shmrpci_layout){8, 8};
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return SHMRPCI_LAYOUT_REFERENCE;
    case SHMRPC_KIND_ANY:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        break;
    }
    return (shmrpci_layout){0, 0};
}

/* An optional struct is a pointer in C. */
#define SHMRPCI_LAYOUT_C_POINTER \
    ((shmrpci_layout){sizeof(void *), _Alignof(void *)})

/* Returns the C layout of a kind that needs no further description; {0, 0} for
 * every other kind. */
static inline shmrpci_layout shmrpci_layout_c_of_kind(shmrpc_kind kind)
{
    switch (kind) {
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return (shmrpci_layout){sizeof(shmrpc_str), _Alignof(shmrpc_str)};
    case SHMRPC_KIND_ANY:
        return (shmrpci_layout){sizeof(shmrpc_any), _Alignof(shmrpc_any)};
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_F64:
    case SHMRPC_KIND_ARRAY:
    case SHMRPC_KIND_ENUM:
    case SHMRPC_KIND_STRUCT:
    case SHMRPC_KIND_UNION:
        break;
    }
    return shmrpci_layout_of_kind(kind);
}

static inline shmrpci_layout shmrpci_layout_array(shmrpci_layout element,
                                                  uint32_t count)
{
    return (shmrpci_layout){
        shmrpci_layout_clamp((uint64_t)element.size * count), element.align};
}

/* The layout that a struct begins with. Add its fields in order, then call
 * shmrpci_layout_end. */
#define SHMRPCI_LAYOUT_EMPTY ((shmrpci_layout){.size = 0, .align = 1})

/* Adds a value to the struct and returns its offset. */
static inline uint32_t shmrpci_layout_add(shmrpci_layout *structure,
                                          shmrpci_layout value)
{
    uint32_t align = value.align == 0 ? 1 : value.align;
    uint32_t at = shmrpci_layout_align(structure->size, align);
    structure->size = shmrpci_layout_clamp((uint64_t)at + value.size);
    if (align > structure->align) {
        structure->align = align;
    }
    return at;
}

/* Whether a field with these SHMRPC_FIELD_ flags is stored as a reference. */
static inline bool shmrpci_layout_is_reference(uint32_t field_flags)
{
    return (field_flags & SHMRPC_FIELD_OPTIONAL) != 0 &&
           (field_flags & SHMRPC_FIELD_POINTER) != 0;
}

/* Adds a field to the struct. An optional struct or union is added as a
 * reference. Any other optional field is added as a presence byte, whose offset
 * is stored in `*presence`, and then its value. Returns the offset of the value
 * or reference. */
static inline uint32_t shmrpci_layout_add_field(shmrpci_layout *structure,
                                                shmrpci_layout value,
                                                uint32_t field_flags,
                                                uint32_t *presence)
{
    if (shmrpci_layout_is_reference(field_flags)) {
        return shmrpci_layout_add(structure, SHMRPCI_LAYOUT_REFERENCE);
    }
    if ((field_flags & SHMRPC_FIELD_OPTIONAL) != 0) {
        *presence = shmrpci_layout_add(structure, (shmrpci_layout){1, 1});
    }
    return shmrpci_layout_add(structure, value);
}

/* Completes the struct, after its last field. */
static inline shmrpci_layout shmrpci_layout_end(shmrpci_layout structure)
{
    uint32_t size = structure.size == 0 ? 1 : structure.size;
    structure.size =
        shmrpci_layout_clamp(shmrpci_layout_align(size, structure.align));
    return structure;
}

/* The members of a union also start as SHMRPCI_LAYOUT_EMPTY: add each of them,
 * then call shmrpci_layout_union_end. No member may be optional. */
static inline void shmrpci_layout_add_member(shmrpci_layout *members,
                                             shmrpci_layout member)
{
    if (member.size > members->size) {
        members->size = member.size;
    }
    if (member.align > members->align) {
        members->align = member.align;
    }
}

/* Returns the offset of the members, which follow the tag. */
static inline uint32_t shmrpci_layout_union_offset(uint32_t members_align)
{
    return members_align > 4 ? members_align : 4;
}

static inline shmrpci_layout shmrpci_layout_union_end(shmrpci_layout members)
{
    shmrpci_layout whole = {4, 4};
    (void)shmrpci_layout_add(&whole, members);
    return shmrpci_layout_end(whole);
}

/* Returns the layout of a map entry, and the offset of the value in
 * `*value_offset`. */
static inline shmrpci_layout shmrpci_layout_entry(shmrpci_layout key,
                                                  shmrpci_layout value,
                                                  uint32_t *value_offset)
{
    shmrpci_layout entry = SHMRPCI_LAYOUT_EMPTY;
    (void)shmrpci_layout_add(&entry, key);
    *value_offset = shmrpci_layout_add(&entry, value);
    return shmrpci_layout_end(entry);
}

#endif
