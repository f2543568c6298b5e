/*
 * Reads native images into values of a described type.
 *
 * Two rules make it safe to read any bytes. First, the fixed part of a value is
 * known to be within the image before it is read: check_size checks that of the
 * whole value, take_block that of an element or a referenced struct. Second,
 * blocks must follow one another in the order in which they are met. So no byte
 * is read twice, which bounds the decoded value by the size of the image and
 * ends recursion.
 *
 * The image must not change while it is read: references are read once, but
 * blocks are checked and then copied. Callers copy what a peer can write
 * (codec.h).
 */
#include <inttypes.h>

#include "base/utf8.h"
#include "codec/keys.h"
#include "codec/native.h"
#include "codec/value.h"

/* Values up to this size are decoded on the stack. */
#define SMALL_VALUE_BYTES 512

typedef struct reader {
    shmrpci_walk walk;
    const uint8_t *data;
    size_t len;
    size_t end; /* end of the last block */
    shmrpci_arena *arena;
} reader;

static int read_value(reader *in, const shmrpc_type *type, size_t at,
                      void *out);

static int no_memory(const reader *in)
{
    return shmrpci_walk_status(&in->walk, SHMRPC_E_NO_MEMORY);
}

/* Checks the reference at `at`, which is within the image, and moves `end`
 * behind its block. All references must be read by this function, because it
 * enforces the order of blocks. `part_size` and `align` are not 0: `any`, the
 * only type without a native form, is refused when a `.svc` is checked. */
static int take_block(reader *in, size_t at, uint32_t part_size, uint32_t align,
                      size_t *block, size_t *count)
{
    uint32_t reference[2];
    memcpy(reference, in->data + at, sizeof reference);
    uint64_t from = reference[0];
    /* Below 2^64, because it is a u32 times the size of a type, which is
     * limited to 16 MiB. */
    uint64_t size = (uint64_t)reference[1] * part_size;
    *block = reference[0];
    *count = reference[1];
    if (reference[1] == 0) {
        return from == 0 ? SHMRPC_OK
                         : shmrpci_walk_fail(
                               &in->walk,
                               "offset %" PRIu64
                               " of an empty block, expected 0 (at byte %zu)",
                               from, at);
    }
    if (from < in->end || from % align != 0) {
        return shmrpci_walk_fail(&in->walk,
                                 "offset %" PRIu64
                                 ", expected %zu or above, aligned to %" PRIu32
                                 " (at byte %zu)",
                                 from, in->end, align, at);
    }
    if (from > in->len || size > in->len - from) {
        return shmrpci_walk_fail(
            &in->walk,
            "%" PRIu64 " bytes at offset %" PRIu64
            " are not within the image of %zu bytes (at byte %zu)",
            size, from, in->len, at);
    }
    in->end = (size_t)(from + size);
    return SHMRPC_OK;
}

/* Reads a boolean byte. Refuses values other than 0 and 1, because a C bool
 * can't hold them. */
static int read_flag(const reader *in, size_t at, bool *out)
{
    uint8_t byte = in->data[at];
    if (byte > 1) {
        return shmrpci_walk_fail(
            &in->walk, "byte %u, allowed 0..1 (at byte %zu)", byte, at);
    }
    *out = byte != 0;
    return SHMRPC_OK;
}

/* Reads strings and bytes. The copy gets a NUL that the length doesn't
 * count. */
static int read_bytes(reader *in, const shmrpc_type *type, size_t at, void *out)
{
    size_t block;
    size_t len;
    int status = take_block(in, at, 1, 1, &block, &len);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_length(&in->walk, type, len);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    const char *from = (const char *)in->data + block;
    if (type->kind == SHMRPC_KIND_STRING) {
        size_t valid = shmrpci_utf8_valid_prefix(from, len);
        if (valid != len) {
            return shmrpci_walk_fail(&in->walk, "not UTF-8 (at byte %zu)",
                                     block + valid);
        }
    }
    const char *copy = shmrpci_arena_strndup(in->arena, from, len);
    if (copy == NULL) {
        return no_memory(in);
    }
    shmrpci_store_span(out, copy, len);
    return SHMRPC_OK;
}

/* Reads `count` elements side by side from `at`. Those of an array are part of
 * the fixed part, those of a list are a block. */
static int read_elements(reader *in, const shmrpc_type *type, size_t at,
                         size_t count, void *items)
{
    const shmrpc_type *element = type->element;
    /* For flat elements the image is the C array. */
    if ((element->flags & SHMRPC_TYPE_FLAT) != 0 && count > 0) {
        memcpy(items, in->data + at, count * element->native_size);
        return SHMRPC_OK;
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpci_step_index(&step, i);
        status = read_value(in, element, at + i * element->native_size,
                            (uint8_t *)items + i * type->item_size);
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

/* Allocates the items of a list or map. The count has been checked against the
 * image, in which an item takes at least one byte; so the memory is bounded by
 * the message and the size of the C item. */
static void *alloc_items(reader *in, const shmrpc_type *type, size_t count,
                         size_t align)
{
    if (type->item_size != 0 && count > SIZE_MAX / type->item_size) {
        return NULL;
    }
    return shmrpci_arena_alloc(in->arena, count * type->item_size, align);
}

static int read_list(reader *in, const shmrpc_type *type, size_t at, void *out)
{
    size_t block;
    size_t count;
    int status = take_block(in, at, type->element->native_size,
                            type->element->native_align, &block, &count);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_length(&in->walk, type, count);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    void *items = alloc_items(in, type, count, type->element->align);
    if (items == NULL) {
        return no_memory(in);
    }
    shmrpci_store_span(out, items, count);
    return read_elements(in, type, block, count, items);
}

/* Refuses two equal keys, as every encoding does. */
static int check_keys(const reader *in, const shmrpc_type *type,
                      const void *entries, size_t count)
{
    const void *duplicate;
    int status = shmrpci_keys_find_duplicate(
        type->key, entries, count, type->item_size, in->arena, &duplicate);
    if (status != SHMRPC_OK) {
        return shmrpci_walk_status(&in->walk, status);
    }
    return duplicate == NULL
               ? SHMRPC_OK
               : shmrpci_walk_duplicate(&in->walk, type->key, duplicate);
}

/* Reads entries, which are laid out as a struct of key and value; `value_at` is
 * the value's offset. */
static int read_entries(reader *in, const shmrpc_type *type,
                        const shmrpci_layout *layout, uint32_t value_at,
                        size_t block, uint8_t *entries, size_t count)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        uint8_t *entry = entries + i * type->item_size;
        size_t entry_at = block + i * layout->size;
        /* The path of an error in a key ends at the map, because a key that
         * could not be decoded can't be shown as a step. */
        step.kind = SHMRPCI_STEP_NONE;
        status = read_value(in, type->key, entry_at, entry);
        if (status == SHMRPC_OK) {
            shmrpci_step_key(&step, type->key, entry);
            status = read_value(in, type->element, entry_at + value_at,
                                entry + type->value_offset);
        }
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_map(reader *in, const shmrpc_type *type, size_t at, void *out)
{
    uint32_t value_at;
    shmrpci_layout layout =
        shmrpci_layout_entry(shmrpci_native_layout(type->key),
                             shmrpci_native_layout(type->element), &value_at);
    size_t block;
    size_t count;
    int status = take_block(in, at, layout.size, layout.align, &block, &count);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_length(&in->walk, type, count);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    /* The alignment suits every kind of key and value. */
    uint8_t *entries = alloc_items(in, type, count, sizeof(uint64_t));
    if (entries == NULL) {
        return no_memory(in);
    }
    shmrpci_store_span(out, entries, count);
    status = read_entries(in, type, &layout, value_at, block, entries, count);
    return status == SHMRPC_OK ? check_keys(in, type, entries, count) : status;
}

/* Reads the value of a present field, at `at` in the image. */
static int read_present(reader *in, const shmrpc_field *field, size_t at,
                        void *value)
{
    void *target = shmrpci_field_target(field, value, in->arena);
    return target != NULL ? read_value(in, field->type, at, target)
                          : no_memory(in);
}

/* Reads an optional struct or union: a block with one item or none. */
static int read_referred(reader *in, const shmrpc_field *field, size_t at,
                         void *value)
{
    size_t block;
    size_t count;
    int status = take_block(in, at, field->type->native_size,
                            field->type->native_align, &block, &count);
    if (status != SHMRPC_OK || count == 0) {
        return status;
    }
    if (count > 1) {
        return shmrpci_walk_fail(
            &in->walk, "count %zu, allowed 0..1 (at byte %zu)", count, at);
    }
    return read_present(in, field, block, value);
}

/* Reads a field with flags: optional, or a pointer in C. A required parameter
 * that is a pointer in C is stored in place in the image. */
static int read_field(reader *in, const shmrpc_field *field, size_t at,
                      size_t presence, void *value)
{
    if (shmrpci_layout_is_reference(field->flags)) {
        return read_referred(in, field, at, value);
    }
    if ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0) {
        bool is_present = false;
        int status = read_flag(in, presence, &is_present);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (!is_present) {
            return shmrpci_field_missing(&in->walk, field, value);
        }
    }
    return read_present(in, field, at, value);
}

static int read_struct(reader *in, const shmrpc_type *type, size_t at,
                       void *out)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Absent fields are zero in C, and pointers are NULL. */
    if (type->size > 0) {
        memset(out, 0, type->size);
    }
    shmrpci_layout layout = SHMRPCI_LAYOUT_EMPTY;
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        uint32_t presence = 0;
        uint32_t offset = shmrpci_layout_add_field(
            &layout, shmrpci_native_layout(field->type), field->flags,
            &presence);
        shmrpci_step_field(&step, field->name);
        /* Nearly every field takes this path: decoded in place. */
        if (field->flags == 0) {
            status = read_value(in, field->type, at + offset,
                                (uint8_t *)out + field->offset);
        } else {
            status = read_field(in, field, at + offset, at + presence, out);
        }
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

/* Copies the tag into the C value first, because union_member reads it
 * there. */
static int read_union(reader *in, const shmrpc_type *type, size_t at, void *out)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&in->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(out, 0, type->size);
    memcpy(out, in->data + at, sizeof(uint32_t));
    const shmrpc_field *field = NULL;
    status = shmrpci_union_member(&in->walk, type, out, &field);
    if (status == SHMRPC_OK) {
        shmrpci_step_field(&step, field->name);
        status = read_field(in, field, at + shmrpci_native_union_offset(type),
                            at, out);
    }
    shmrpci_walk_leave(&in->walk, &step);
    return status;
}

static int read_bool(const reader *in, size_t at, void *out)
{
    bool value = false;
    int status = read_flag(in, at, &value);
    memcpy(out, &value, sizeof value);
    return status;
}

static int read_value(reader *in, const shmrpc_type *type, size_t at, void *out)
{
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        return read_bool(in, at, out);
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
    case SHMRPC_KIND_ENUM:
        shmrpci_copy_scalar(out, in->data + at, type->size);
        return shmrpci_walk_bounds(&in->walk, type, out);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
        return read_bytes(in, type, at, out);
    case SHMRPC_KIND_LIST:
        return read_list(in, type, at, out);
    case SHMRPC_KIND_MAP:
        return read_map(in, type, at, out);
    case SHMRPC_KIND_ARRAY:
        return read_elements(in, type, at, type->count, out);
    case SHMRPC_KIND_STRUCT:
        if ((type->flags & SHMRPC_TYPE_FLAT) != 0) {
            memcpy(out, in->data + at, type->size);
            return SHMRPC_OK;
        }
        return read_struct(in, type, at, out);
    case SHMRPC_KIND_UNION:
        return read_union(in, type, at, out);
    case SHMRPC_KIND_ANY:
        break;
    }
    return shmrpci_walk_fail(&in->walk, "%s has no native form",
                             shmrpci_type_text(type));
}

/* Checks the header, and that the fixed part is within the image. The length
 * must be exact: nothing may follow the value. */
static int check_size(const reader *in, const shmrpc_type *type)
{
    uint64_t least = (uint64_t)shmrpci_native_start(type) + type->native_size;
    uint32_t size = 0;
    if (in->len >= sizeof size) {
        memcpy(&size, in->data, sizeof size);
    }
    if (in->len < least || size != in->len) {
        return shmrpci_walk_fail(
            &in->walk,
            "image of %zu bytes gives its length as %" PRIu32
            ", expected %" PRIu64 " or more",
            in->len, size, least);
    }
    return SHMRPC_OK;
}

/* Decodes into a temporary, because the value is written only on success.
 * Blocks begin after the fixed part. */
static int read_image(reader *in, const shmrpc_type *type, void *value)
{
    uint32_t start = shmrpci_native_start(type);
    _Alignas(16) uint8_t small[SMALL_VALUE_BYTES];
    void *result = small;
    if (type->size > sizeof small) {
        result = shmrpci_arena_alloc(in->arena, type->size, type->align);
        if (result == NULL) {
            return no_memory(in);
        }
    }
    in->end = start + type->native_size;
    int status = read_value(in, type, start, result);
    if (status == SHMRPC_OK && type->size > 0) {
        memcpy(value, result, type->size);
    }
    return status;
}

/* The parameter is a pointer in C, so the struct gets memory that lives as long
 * as the request. */
static int read_flat_param(reader *in, const shmrpc_type *type,
                           const shmrpc_field *only, void *value)
{
    uint32_t size = only->type->native_size;
    void *flat = shmrpci_arena_alloc(in->arena, size, only->type->align);
    if (flat == NULL) {
        return no_memory(in);
    }
    memcpy(flat, in->data + shmrpci_native_start(type), size);
    memcpy((uint8_t *)value + only->offset, &flat, sizeof flat);
    return SHMRPC_OK;
}

int shmrpci_native_decode(const shmrpc_type *type, const uint8_t *data,
                          size_t len, const char *name, shmrpci_arena *arena,
                          void *value, shmrpc_error *error)
{
    reader in = {.walk = {.root = name, .error = error},
                 .data = data,
                 .len = len,
                 .arena = arena};
    int status = check_size(&in, type);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_native_is_flat(type)) {
        /* Every bit pattern is a valid value, so there is nothing to check. */
        shmrpci_copy_tiny(value, data + shmrpci_native_start(type),
                          type->native_size);
        return SHMRPC_OK;
    }
    const shmrpc_field *only = shmrpci_native_flat_param(type);
    return only != NULL ? read_flat_param(&in, type, only, value)
                        : read_image(&in, type, value);
}
