/*
 * Writes values of a described type as native images.
 *
 * The fixed part is appended first, as zeros, then filled in. Whatever has no
 * fixed size becomes a block at the end, when the walk meets it. So blocks are
 * in the order that the reader requires, and padding, absent fields and empty
 * references are already zero.
 *
 * Code keeps offsets, never addresses, because each new block may move the
 * buffer.
 *
 * Values are checked while they are written. An image that turns out to be
 * invalid half-way stays in the buffer, and is not sent.
 */
#include "base/utf8.h"
#include "codec/engines.h"
#include "codec/keys.h"
#include "codec/native.h"
#include "codec/value.h"

/* Positions are offsets into the image: the buffer may move as it grows. */
typedef struct writer {
    shmrpci_walk walk;
    shmrpci_buf *out;
    size_t start; /* offset of the image in the buffer */
} writer;

static int write_value(writer *to, const shmrpc_type *type, const void *value,
                       size_t at);

/* Returns the address of `at`, valid until the buffer grows. */
static uint8_t *address(const writer *to, size_t at)
{
    return to->out->data + to->start + at;
}

/* Appends a block and stores its offset in `*at`. Only the padding before the
 * block is written. Returns NULL, with a status in `*status`, if there is no
 * room, or an offset would need more than 32 bits. */
static uint8_t *extend(writer *to, uint64_t size, uint32_t align, size_t *at,
                       int *status)
{
    size_t end = to->out->len - to->start;
    size_t from = (end + align - 1) & ~((size_t)align - 1);
    if (size > UINT32_MAX || from + size > UINT32_MAX) {
        *status = shmrpci_walk_status(&to->walk, SHMRPC_E_TOO_LARGE);
        return NULL;
    }
    uint8_t *bytes = shmrpci_buf_extend(to->out, from + (size_t)size - end);
    if (bytes == NULL) {
        *status = shmrpci_walk_status(&to->walk, to->out->status);
        return NULL;
    }
    for (; end < from; end++) {
        *bytes++ = 0;
    }
    *at = from;
    *status = SHMRPC_OK;
    return bytes;
}

/* Appends a block of zeros, for values that are filled in later. */
static int add_block(writer *to, uint64_t size, uint32_t align, size_t *at)
{
    int status;
    uint8_t *bytes = extend(to, size, align, at, &status);
    if (bytes != NULL) {
        memset(bytes, 0, (size_t)size);
    }
    return status;
}

/* Writes a reference. Its place is zero beforehand, and stays zero for an empty
 * list or string. */
static void put_reference(writer *to, size_t at, size_t block, size_t count)
{
    uint32_t reference[2] = {(uint32_t)block, (uint32_t)count};
    memcpy(address(to, at), reference, sizeof reference);
}

/* Adds a block of zeros for `count` parts of `size` bytes, and the reference to
 * it at `at`. */
static int add_parts(writer *to, size_t at, size_t count, uint32_t size,
                     uint32_t align, size_t *block)
{
    if (count > UINT32_MAX) {
        return shmrpci_walk_status(&to->walk, SHMRPC_E_TOO_LARGE);
    }
    int status = add_block(to, (uint64_t)count * size, align, block);
    if (status == SHMRPC_OK) {
        put_reference(to, at, *block, count);
    }
    return status;
}

/* Adds a block that is a copy of `size` bytes, and the reference to its `count`
 * parts: for values that need no walk. */
static int add_copy(writer *to, size_t at, const void *from, uint64_t size,
                    size_t count, uint32_t align)
{
    size_t block = 0;
    int status;
    uint8_t *bytes = extend(to, size, align, &block, &status);
    if (bytes != NULL) {
        shmrpci_copy_tiny(bytes, from, (size_t)size);
        put_reference(to, at, block, count);
    }
    return status;
}

static int write_bytes(writer *to, const shmrpc_type *type, shmrpci_span span,
                       size_t at)
{
    if (span.len == 0) {
        return SHMRPC_OK;
    }
    if (type->kind == SHMRPC_KIND_STRING) {
        size_t valid = shmrpci_utf8_valid_prefix(span.ptr, span.len);
        if (valid != span.len) {
            return shmrpci_walk_fail(&to->walk, "not UTF-8 (at byte %zu)",
                                     valid);
        }
    }
    return add_copy(to, at, span.ptr, span.len, span.len, 1);
}

/* Writes elements side by side from `at`. */
static int write_elements(writer *to, const shmrpc_type *type,
                          const void *items, size_t count, size_t at)
{
    const shmrpc_type *element = type->element;
    if ((element->flags & SHMRPC_TYPE_FLAT) != 0 && count > 0) {
        memcpy(address(to, at), items, count * element->native_size);
        return SHMRPC_OK;
    }
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpci_step_index(&step, i);
        status = write_value(to, element,
                             (const uint8_t *)items + i * type->item_size,
                             at + i * element->native_size);
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* A list of flat elements is one copy, however long it is. */
static int write_list(writer *to, const shmrpc_type *type, shmrpci_span items,
                      size_t at)
{
    if (items.len == 0) {
        return SHMRPC_OK;
    }
    if ((type->element->flags & SHMRPC_TYPE_FLAT) != 0 &&
        items.len <= UINT32_MAX) {
        return add_copy(to, at, items.ptr,
                        (uint64_t)items.len * type->element->native_size,
                        items.len, type->element->native_align);
    }
    size_t block = 0;
    int status = add_parts(to, at, items.len, type->element->native_size,
                           type->element->native_align, &block);
    return status == SHMRPC_OK
               ? write_elements(to, type, items.ptr, items.len, block)
               : status;
}

/* Adds the whole block before its entries are written, so that their own blocks
 * come after it. */
static int write_entries(writer *to, const shmrpc_type *type,
                         shmrpci_span entries, size_t at)
{
    uint32_t value_at;
    shmrpci_layout layout =
        shmrpci_layout_entry(shmrpci_native_layout(type->key),
                             shmrpci_native_layout(type->element), &value_at);
    size_t block = 0;
    shmrpci_step step;
    int status =
        add_parts(to, at, entries.len, layout.size, layout.align, &block);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_enter(&to->walk, &step);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < entries.len; i++) {
        const uint8_t *entry =
            (const uint8_t *)entries.ptr + i * type->item_size;
        size_t entry_at = block + i * layout.size;
        /* The path of an error includes even a bad key, since the writer,
         * unlike the reader, has the key's value. */
        shmrpci_step_key(&step, type->key, entry);
        status = write_value(to, type->key, entry, entry_at);
        if (status == SHMRPC_OK) {
            status = write_value(to, type->element, entry + type->value_offset,
                                 entry_at + value_at);
        }
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* The generator allows only valid key types; types made at run time are checked
 * here. */
static int write_map(writer *to, const shmrpc_type *type, shmrpci_span entries,
                     size_t at)
{
    if (!shmrpci_key_type_ok(type->key)) {
        return shmrpci_walk_fail(&to->walk, "%s can't be a key",
                                 shmrpci_type_text(type->key));
    }
    return entries.len == 0 ? SHMRPC_OK : write_entries(to, type, entries, at);
}

/* Writes a field with flags: its presence byte or reference, and then its
 * value. */
static int write_field(writer *to, const shmrpc_field *field, const void *value,
                       size_t at, size_t presence)
{
    const void *from;
    int status = shmrpci_field_require(&to->walk, field, value, &from);
    /* An absent field's bytes are already zero. */
    if (status != SHMRPC_OK || from == NULL) {
        return status;
    }
    if (shmrpci_layout_is_reference(field->flags)) {
        size_t block = 0;
        status = add_parts(to, at, 1, field->type->native_size,
                           field->type->native_align, &block);
        return status == SHMRPC_OK ? write_value(to, field->type, from, block)
                                   : status;
    }
    if ((field->flags & SHMRPC_FIELD_OPTIONAL) != 0) {
        *address(to, presence) = 1;
    }
    return write_value(to, field->type, from, at);
}

static int write_struct(writer *to, const shmrpc_type *type, const void *value,
                        size_t at)
{
    shmrpci_step step;
    int status = shmrpci_walk_enter(&to->walk, &step);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_layout layout = SHMRPCI_LAYOUT_EMPTY;
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        uint32_t presence = 0;
        uint32_t offset = shmrpci_layout_add_field(
            &layout, shmrpci_native_layout(field->type), field->flags,
            &presence);
        shmrpci_step_field(&step, field->name);
        if (field->flags == 0) {
            status = write_value(to, field->type,
                                 (const uint8_t *)value + field->offset,
                                 at + offset);
        } else {
            status = write_field(to, field, value, at + offset, at + presence);
        }
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* Members are never optional; bytes after the member stay zero. */
static int write_union(writer *to, const shmrpc_type *type, const void *value,
                       size_t at)
{
    const shmrpc_field *field = NULL;
    shmrpci_step step;
    int status = shmrpci_union_member(&to->walk, type, value, &field);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_enter(&to->walk, &step);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    memcpy(address(to, at), &field->tag, sizeof field->tag);
    shmrpci_step_field(&step, field->name);
    status = write_field(to, field, value,
                         at + shmrpci_native_union_offset(type), at);
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* Writes a value that is a pointer and a length in C. */
static int write_sized(writer *to, const shmrpc_type *type, const void *value,
                       size_t at)
{
    shmrpci_span span = shmrpci_load_span(value);
    int status = shmrpci_walk_view(&to->walk, type, span.ptr, span.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (type->kind == SHMRPC_KIND_LIST) {
        return write_list(to, type, span, at);
    }
    if (type->kind == SHMRPC_KIND_MAP) {
        return write_map(to, type, span, at);
    }
    return write_bytes(to, type, span, at);
}

static int write_value(writer *to, const shmrpc_type *type, const void *value,
                       size_t at)
{
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        *address(to, at) = *(const uint8_t *)value != 0;
        return SHMRPC_OK;
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
        shmrpci_copy_scalar(address(to, at), value, type->size);
        return shmrpci_walk_bounds(&to->walk, type, value);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return write_sized(to, type, value, at);
    case SHMRPC_KIND_ARRAY:
        return write_elements(to, type, value, type->count, at);
    case SHMRPC_KIND_STRUCT:
        if ((type->flags & SHMRPC_TYPE_FLAT) != 0) {
            memcpy(address(to, at), value, type->size);
            return SHMRPC_OK;
        }
        return write_struct(to, type, value, at);
    case SHMRPC_KIND_UNION:
        return write_union(to, type, value, at);
    case SHMRPC_KIND_ANY:
        break;
    }
    return shmrpci_walk_fail(&to->walk, "%s has no native form",
                             shmrpci_type_text(type));
}

/* Returns the C value that makes up the whole image, or NULL if the image needs
 * the walk. Also returns NULL for a parameter that the caller left out, which
 * the walk then reports by name. */
static const void *whole_flat(const shmrpc_type *type, const void *value)
{
    const shmrpc_field *only = shmrpci_native_flat_param(type);
    const void *flat = NULL;
    if (shmrpci_native_is_flat(type)) {
        flat = value;
    } else if (only != NULL) {
        memcpy(&flat, (const uint8_t *)value + only->offset, sizeof flat);
    }
    return flat;
}

/* Writes the whole image of a flat value at once: header, padding, value. */
static int write_flat(const shmrpc_type *type, const void *value,
                      shmrpci_buf *out)
{
    uint32_t start = shmrpci_native_start(type);
    uint32_t size = start + type->native_size;
    uint8_t *image = shmrpci_buf_extend(out, size);
    if (image == NULL) {
        return out->status;
    }
    /* `start` is 4 or 8 bytes. If it is 8, because the value is aligned to 8,
     * the upper half of `header` fills the padding with zeros. */
    uint64_t header = size;
    memcpy(image, &header, start);
    shmrpci_copy_tiny(image + start, value, type->native_size);
    return SHMRPC_OK;
}

/* Writes the length of the image last, because it is known only when the whole
 * value has been written. */
static int write_image(writer *to, const shmrpc_type *type, const void *value)
{
    size_t at;
    uint32_t start = shmrpci_native_start(type);
    int status = add_block(to, (uint64_t)start + type->native_size, 1, &at);
    if (status == SHMRPC_OK) {
        status = write_value(to, type, value, start);
    }
    if (status == SHMRPC_OK) {
        uint32_t size = (uint32_t)(to->out->len - to->start);
        memcpy(address(to, 0), &size, sizeof size);
    }
    return status;
}

static int encode(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error)
{
    /* write_flat fails only if the buffer does. Then write_image fails in the
     * same way, and reports the failure with the path. */
    const void *flat = whole_flat(type, value);
    if (flat != NULL && write_flat(type, flat, out) == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    writer to = {
        .walk = {.root = name, .error = error}, .out = out, .start = out->len};
    return write_image(&to, type, value);
}

const shmrpci_codec shmrpci_codec_native = {
    .encoding = SHMRPC_ENCODING_NATIVE,
    .name = "native",
    .encode = encode,
    .decode = shmrpci_native_decode,
};
