/*
 * Access to C values through their type tables: integers of any width, lists,
 * the presence of fields. Knows no encoding.
 *
 * Threading: pure functions; an arena belongs to one thread at a time.
 */
#ifndef SHMRPCI_CODEC_VALUE_H
#define SHMRPCI_CODEC_VALUE_H

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "codec/walk.h"
#include "shmrpc/descriptor.h"

/* The C form of every list and map. Generated types differ only in the type of
 * the pointer, so they are read and written through memcpy. */
typedef struct shmrpci_span {
    const void *ptr;
    size_t len;
} shmrpci_span;

/* An integer of any kind: a magnitude with a sign. */
typedef struct shmrpci_int {
    bool negative; /* if true, the value is -magnitude */
    uint64_t magnitude;
} shmrpci_int;

/* Returns the base type of an enum. Returns any other type unchanged. */
static inline const shmrpc_type *shmrpci_base_type(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_ENUM ? type->element : type;
}

static inline bool shmrpci_is_integer(const shmrpc_type *type)
{
    return type->kind >= SHMRPC_KIND_I8 && type->kind <= SHMRPC_KIND_U64;
}

static inline bool shmrpci_is_signed(const shmrpc_type *type)
{
    return type->kind >= SHMRPC_KIND_I8 && type->kind <= SHMRPC_KIND_I64;
}

static inline shmrpci_span shmrpci_load_span(const void *value)
{
    shmrpci_span span;
    memcpy(&span, value, sizeof span);
    return span;
}

static inline void shmrpci_store_span(void *value, const void *ptr, size_t len)
{
    shmrpci_span span = {.ptr = ptr, .len = len};
    memcpy(value, &span, sizeof span);
}

/* Copies 1, 2, 4 or 8 bytes: memcpy with a size that the compiler knows. */
static inline void shmrpci_copy_scalar(void *to, const void *from, size_t size)
{
    switch (size) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    default:
        memcpy(to, from, 8);
        break;
    }
}

/* Like memcpy, for data that is usually short, such as names: up to 16 bytes
 * without a call. `from` may be NULL if `len` is 0. */
static inline void shmrpci_copy_tiny(uint8_t *to, const void *from, size_t len)
{
    const uint8_t *bytes = from;
    if (len > 16) {
        memcpy(to, bytes, len);
    } else if (len >= 8) {
        uint64_t ends[2];
        memcpy(&ends[0], bytes, 8);
        memcpy(&ends[1], bytes + len - 8, 8);
        memcpy(to, &ends[0], 8);
        memcpy(to + len - 8, &ends[1], 8);
    } else if (len >= 4) {
        uint32_t ends[2];
        memcpy(&ends[0], bytes, 4);
        memcpy(&ends[1], bytes + len - 4, 4);
        memcpy(to, &ends[0], 4);
        memcpy(to + len - 4, &ends[1], 4);
    } else {
        for (size_t i = 0; i < len; i++) {
            to[i] = bytes[i];
        }
    }
}

/* Whether `text`, which may hold NULs and need not end with one, equals the
 * name. Makes no call, because names are short. */
static inline bool shmrpci_is_name(const char *name, const char *text,
                                   size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] != text[i] || name[i] == '\0') {
            return false;
        }
    }
    return name[len] == '\0';
}

/* Returns the bits of an integer, sign-extended to 64; `type` is an integer
 * type. */
static inline uint64_t shmrpci_load_bits(const shmrpc_type *type,
                                         const void *value)
{
    /* Little-endian, so the low bytes come first. */
    uint64_t bits = 0;
    shmrpci_copy_scalar(&bits, value, type->size);
    if (shmrpci_is_signed(type) && type->size < 8) {
        uint64_t sign = UINT64_C(1) << (type->size * 8 - 1);
        bits = (bits ^ sign) - sign;
    }
    return bits;
}

static inline void shmrpci_store_bits(const shmrpc_type *type, void *value,
                                      uint64_t bits)
{
    shmrpci_copy_scalar(value, &bits, type->size);
}

static inline shmrpci_int shmrpci_load_int(const shmrpc_type *type,
                                           const void *value)
{
    uint64_t bits = shmrpci_load_bits(type, value);
    bool negative = shmrpci_is_signed(type) && (bits >> 63) != 0;
    return (shmrpci_int){.negative = negative,
                         .magnitude = negative ? 0 - bits : bits};
}

/* Stores an integer that fits the type and its bounds; otherwise fails with
 * INVALID and the allowed range. */
int shmrpci_store_int_slow(const shmrpci_walk *walk, const shmrpc_type *type,
                           shmrpci_int number, void *value);

static inline int shmrpci_store_int(const shmrpci_walk *walk,
                                    const shmrpc_type *type, shmrpci_int number,
                                    void *value)
{
    /* Numbers without the sign bit fit both signed and unsigned types. */
    if (!number.negative && (type->flags & SHMRPC_TYPE_BOUNDED) == 0 &&
        number.magnitude >> (type->size * 8 - 1) == 0) {
        shmrpci_store_bits(type, value, number.magnitude);
        return SHMRPC_OK;
    }
    return shmrpci_store_int_slow(walk, type, number, value);
}

/* Stores a float, and checks its bounds. `number` must fit f32 if the type is
 * f32. */
int shmrpci_store_float(const shmrpci_walk *walk, const shmrpc_type *type,
                        double number, void *value);

/* Returns the name of an enum's value, or NULL. */
const char *shmrpci_enum_name(const shmrpc_type *type, uint64_t bits);

/* Gives the value of the enumerator with this name; returns false if there is
 * none. */
bool shmrpci_enum_value(const shmrpc_type *type, const char *name, size_t len,
                        uint64_t *bits);

/* Returns the C value of a field, or NULL if it is absent. */
static inline const void *shmrpci_field_get(const shmrpc_field *field,
                                            const void *value)
{
    const uint8_t *at = (const uint8_t *)value + field->offset;
    if ((field->flags & SHMRPC_FIELD_POINTER) != 0) {
        const void *target;
        memcpy(&target, at, sizeof target);
        return target;
    }
    if (field->has_offset != SHMRPC_NO_OFFSET &&
        ((const uint8_t *)value)[field->has_offset] == 0) {
        return NULL;
    }
    return at;
}

/* Like shmrpci_field_get, for encoders: fails if the value is absent and the
 * field is not optional. */
int shmrpci_field_require_slow(const shmrpci_walk *walk,
                               const shmrpc_field *field, const void *value,
                               const void **out);

static inline int shmrpci_field_require(const shmrpci_walk *walk,
                                        const shmrpc_field *field,
                                        const void *value, const void **out)
{
    if (field->flags == 0) {
        *out = (const uint8_t *)value + field->offset;
        return SHMRPC_OK;
    }
    return shmrpci_field_require_slow(walk, field, value, out);
}

/* Returns the address at which to decode a field's value. Marks the field as
 * present, and allocates what its pointer refers to. Returns NULL if out of
 * memory. */
void *shmrpci_field_target_slow(const shmrpc_field *field, void *value,
                                shmrpci_arena *arena);

static inline void *shmrpci_field_target(const shmrpc_field *field, void *value,
                                         shmrpci_arena *arena)
{
    if (field->flags == 0) {
        return (uint8_t *)value + field->offset;
    }
    return shmrpci_field_target_slow(field, value, arena);
}

/* Handles a field that was not sent: stores its default, or leaves it absent,
 * or returns INVALID "missing". */
int shmrpci_field_missing(const shmrpci_walk *walk, const shmrpc_field *field,
                          void *value);

/* Return the field's index in a struct or union, by name (`hint` is tried
 * first) or by tag; SIZE_MAX if there is none. */
size_t shmrpci_field_by_name(const shmrpc_type *type, size_t hint,
                             const char *name, size_t len);
size_t shmrpci_field_by_tag(const shmrpc_type *type, uint64_t tag);

/* Finds the union member that the tag chooses, or returns INVALID. */
int shmrpci_union_member(const shmrpci_walk *walk, const shmrpc_type *type,
                         const void *value, const shmrpc_field **out);

/* Which fields of a struct have been read. */
typedef struct shmrpci_seen {
    uint64_t few; /* bits of the first 64 fields */
    uint8_t *many;
} shmrpci_seen;

/* Returns NO_MEMORY if the struct has more than 64 fields and the arena is
 * full. */
int shmrpci_seen_init_many(shmrpci_seen *seen, const shmrpc_type *type,
                           shmrpci_arena *arena);

static inline int shmrpci_seen_init(shmrpci_seen *seen, const shmrpc_type *type,
                                    shmrpci_arena *arena)
{
    seen->few = 0;
    seen->many = NULL;
    return type->count <= 64 ? SHMRPC_OK
                             : shmrpci_seen_init_many(seen, type, arena);
}
static inline bool shmrpci_seen_has(const shmrpci_seen *seen, size_t index)
{
    return index < 64 ? (seen->few >> index & 1) != 0
                      : seen->many[index - 64] != 0;
}

static inline void shmrpci_seen_add(shmrpci_seen *seen, size_t index)
{
    if (index < 64) {
        seen->few |= UINT64_C(1) << index;
    } else {
        seen->many[index - 64] = 1;
    }
}

/* Whether all fields are known to have been read. False for every struct of
 * more than 63 fields: there the caller must check each field. */
static inline bool shmrpci_seen_all(const shmrpci_seen *seen,
                                    const shmrpc_type *type)
{
    return type->count < 64 &&
           seen->few == (UINT64_C(1) << type->count) - UINT64_C(1);
}

/* A growing array in an arena, for counts that are not known in advance. */
typedef struct shmrpci_items {
    uint8_t *ptr;
    size_t len;
    size_t cap;
} shmrpci_items;

/* Makes room for `count` items in an array that has none yet; returns false if
 * out of memory. */
bool shmrpci_items_reserve(shmrpci_items *items, size_t count, size_t size,
                           size_t align, shmrpci_arena *arena);

bool shmrpci_items_grow(shmrpci_items *items, size_t size, size_t align,
                        shmrpci_arena *arena);

/* Returns the address of one new item, not cleared, or NULL if out of memory.
 * Earlier addresses become invalid. */
static inline void *shmrpci_items_add(shmrpci_items *items, size_t size,
                                      size_t align, shmrpci_arena *arena)
{
    if (items->len == items->cap &&
        !shmrpci_items_grow(items, size, align, arena)) {
        return NULL;
    }
    return items->ptr + items->len++ * size;
}

/* The contents of an `any`, described as a list type and a map type. */
extern const shmrpc_type shmrpci_type_any_list;
extern const shmrpc_type shmrpci_type_any_map;

#endif
