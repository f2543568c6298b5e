/*
 * Access to C values through their type tables: the functions of value.h that
 * are not inline.
 *
 * Readers and writers work on `void *` and a type. Only this file and value.h
 * know how optional fields, pointers and defaults look in C.
 */
#include "codec/value.h"

#include <inttypes.h>
#include <math.h>

/* The range of each integer kind, as magnitudes; indexed by kind. */
static const struct {
    uint64_t lowest; /* magnitude of the lowest value */
    uint64_t highest;
} ranges[] = {
    [SHMRPC_KIND_I8] = {UINT64_C(1) << 7, INT8_MAX},
    [SHMRPC_KIND_I16] = {UINT64_C(1) << 15, INT16_MAX},
    [SHMRPC_KIND_I32] = {UINT64_C(1) << 31, INT32_MAX},
    [SHMRPC_KIND_I64] = {UINT64_C(1) << 63, INT64_MAX},
    [SHMRPC_KIND_U8] = {0, UINT8_MAX},
    [SHMRPC_KIND_U16] = {0, UINT16_MAX},
    [SHMRPC_KIND_U32] = {0, UINT32_MAX},
    [SHMRPC_KIND_U64] = {0, UINT64_MAX},
};

/* Handles negative numbers, numbers near the limit of their type, and types
 * with bounds. The message shows the range of the kind; bounds have a message
 * of their own. */
int shmrpci_store_int_slow(const shmrpci_walk *walk, const shmrpc_type *type,
                           shmrpci_int number, void *value)
{
    uint64_t limit = number.negative ? ranges[type->kind].lowest
                                     : ranges[type->kind].highest;
    if (number.magnitude > limit) {
        uint64_t lowest = ranges[type->kind].lowest;
        return shmrpci_walk_fail(
            walk,
            "value %s%" PRIu64 " does not fit %s (%s%" PRIu64 "..%" PRIu64 ")",
            number.negative ? "-" : "", number.magnitude,
            shmrpci_kind_text(type->kind), lowest != 0 ? "-" : "", lowest,
            ranges[type->kind].highest);
    }
    shmrpci_store_bits(
        type, value, number.negative ? 0 - number.magnitude : number.magnitude);
    return shmrpci_walk_bounds(walk, type, value);
}

int shmrpci_store_float(const shmrpci_walk *walk, const shmrpc_type *type,
                        double number, void *value)
{
    if (type->kind == SHMRPC_KIND_F32) {
        float single = (float)number;
        /* Rounding to infinity would change the value; infinity itself may be
         * stored. */
        if (isinf(single) && !isinf(number)) {
            return shmrpci_walk_fail(walk, "value %g does not fit f32", number);
        }
        memcpy(value, &single, sizeof single);
    } else {
        memcpy(value, &number, sizeof number);
    }
    return shmrpci_walk_bounds(walk, type, value);
}

/* A linear search, although values ascend, because enums have few names. */
const char *shmrpci_enum_name(const shmrpc_type *type, uint64_t bits)
{
    for (uint32_t i = 0; i < type->count; i++) {
        if ((uint64_t)type->enumerators[i].value == bits) {
            return type->enumerators[i].name;
        }
    }
    return NULL;
}

bool shmrpci_enum_value(const shmrpc_type *type, const char *name, size_t len,
                        uint64_t *bits)
{
    for (uint32_t i = 0; i < type->count; i++) {
        if (shmrpci_is_name(type->enumerators[i].name, name, len)) {
            *bits = (uint64_t)type->enumerators[i].value;
            return true;
        }
    }
    return false;
}

int shmrpci_field_require_slow(const shmrpci_walk *walk,
                               const shmrpc_field *field, const void *value,
                               const void **out)
{
    /* NULL means absence for an optional field; for a parameter passed by
     * pointer it is a mistake of the caller. */
    *out = shmrpci_field_get(field, value);
    if (*out == NULL && (field->flags & SHMRPC_FIELD_OPTIONAL) == 0) {
        return shmrpci_walk_fail(walk, "missing: the pointer is NULL");
    }
    return SHMRPC_OK;
}

/* Stores the pointer at once, even if it is NULL for lack of memory: the caller
 * then fails, and never reads the value. */
void *shmrpci_field_target_slow(const shmrpc_field *field, void *value,
                                shmrpci_arena *arena)
{
    uint8_t *at = (uint8_t *)value + field->offset;
    if ((field->flags & SHMRPC_FIELD_POINTER) != 0) {
        void *target =
            shmrpci_arena_alloc(arena, field->type->size, field->type->align);
        memcpy(at, &target, sizeof target);
        return target;
    }
    if (field->has_offset != SHMRPC_NO_OFFSET) {
        ((uint8_t *)value)[field->has_offset] = 1;
    }
    return at;
}

/* Depending on the C form of the field this stores a copy of the default, a
 * pointer to the constant default, or nothing, because the caller has already
 * cleared the value. An optional field behind a pointer stays NULL. */
int shmrpci_field_missing(const shmrpci_walk *walk, const shmrpc_field *field,
                          void *value)
{
    bool is_optional = (field->flags & SHMRPC_FIELD_OPTIONAL) != 0;
    if (field->default_value == NULL) {
        return is_optional ? SHMRPC_OK : shmrpci_walk_fail(walk, "missing");
    }
    uint8_t *at = (uint8_t *)value + field->offset;
    if ((field->flags & SHMRPC_FIELD_POINTER) == 0) {
        memcpy(at, field->default_value, field->type->size);
    } else if (!is_optional) {
        /* Constants of the type tables outlive every value, so no copy is
         * needed. */
        memcpy(at, &field->default_value, sizeof field->default_value);
    }
    return SHMRPC_OK;
}

/* Tries the field `hint` first: callers pass the one after the field that they
 * found last. Most senders keep the order of the `.svc`, so a struct of n
 * fields takes n comparisons, not n squared. */
size_t shmrpci_field_by_name(const shmrpc_type *type, size_t hint,
                             const char *name, size_t len)
{
    if (hint < type->count &&
        shmrpci_is_name(type->fields[hint].name, name, len)) {
        return hint;
    }
    for (size_t i = 0; i < type->count; i++) {
        if (shmrpci_is_name(type->fields[i].name, name, len)) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t shmrpci_field_by_tag(const shmrpc_type *type, uint64_t tag)
{
    /* Usually tags are 1, 2, 3, ... */
    if (tag - 1 < type->count && type->fields[tag - 1].tag == tag) {
        return (size_t)tag - 1;
    }
    for (size_t i = 0; i < type->count; i++) {
        if (type->fields[i].tag == tag) {
            return i;
        }
    }
    return SIZE_MAX;
}

int shmrpci_union_member(const shmrpci_walk *walk, const shmrpc_type *type,
                         const void *value, const shmrpc_field **out)
{
    uint32_t tag;
    memcpy(&tag, value, sizeof tag);
    size_t index = shmrpci_field_by_tag(type, tag);
    if (index == SIZE_MAX) {
        return shmrpci_walk_fail(walk, "tag %" PRIu32 " is not a member of %s",
                                 tag, shmrpci_type_text(type));
    }
    *out = &type->fields[index];
    return SHMRPC_OK;
}

/* Allocates flags for the fields after the first 64, whose flags are the bits
 * of `few`. */
int shmrpci_seen_init_many(shmrpci_seen *seen, const shmrpc_type *type,
                           shmrpci_arena *arena)
{
    seen->many = shmrpci_arena_calloc(arena, type->count - 64, 1, 1);
    return seen->many != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

bool shmrpci_items_reserve(shmrpci_items *items, size_t count, size_t size,
                           size_t align, shmrpci_arena *arena)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return false;
    }
    items->ptr = shmrpci_arena_alloc(arena, count * size, align);
    items->cap = count;
    return items->ptr != NULL;
}

/* Doubles the array: n items cost at most 2n copies, and the arena at most four
 * times the array, because it can't free the old arrays. */
bool shmrpci_items_grow(shmrpci_items *items, size_t size, size_t align,
                        shmrpci_arena *arena)
{
    shmrpci_items larger = {.len = items->len};
    size_t cap = items->cap == 0 ? 4 : items->cap * 2;
    if (!shmrpci_items_reserve(&larger, cap, size, align, arena)) {
        return false;
    }
    if (items->len > 0) {
        memcpy(larger.ptr, items->ptr, items->len * size);
    }
    *items = larger;
    return true;
}

/* Tables with which the walks read and write the containers of an `any` as if a
 * `.svc` had described them; they have only C sizes, no native form. */
const shmrpc_type shmrpci_type_any_list = {
    .kind = SHMRPC_KIND_LIST,
    .size = sizeof(shmrpc_any_list),
    .align = _Alignof(shmrpc_any_list),
    .item_size = sizeof(shmrpc_any),
    .element = &shmrpc_type_any,
};

const shmrpc_type shmrpci_type_any_map = {
    .kind = SHMRPC_KIND_MAP,
    .size = sizeof(shmrpc_any_map),
    .align = _Alignof(shmrpc_any_map),
    .item_size = sizeof(shmrpc_any_entry),
    .value_offset = offsetof(shmrpc_any_entry, value),
    .element = &shmrpc_type_any,
    .key = &shmrpc_type_any,
};
