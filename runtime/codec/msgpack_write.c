/* Values of a described type to msgpack, packed by msgpack-c straight into the
 * message. */
#include "base/utf8.h"
#include "codec/engines.h"
#include "codec/keys.h"
#include "codec/msgpack_pack.h"
#include "codec/value.h"

typedef struct writer {
    shmrpci_walk walk;
    shmrpci_buf *out;
} writer;

static int write_value(writer *to, const shmrpc_type *type, const void *value);
static int write_any(writer *to, const shmrpc_any *value);

/* Every length of msgpack is a u32. */
static int check_length(const writer *to, size_t len)
{
    return len <= UINT32_MAX
               ? SHMRPC_OK
               : shmrpci_walk_status(&to->walk, SHMRPC_E_TOO_LARGE);
}

static int write_text(writer *to, const char *text, size_t len)
{
    size_t valid = shmrpci_utf8_valid_prefix(text, len);
    if (valid != len) {
        return shmrpci_walk_fail(&to->walk, "not UTF-8 (at byte %zu)", valid);
    }
    int status = check_length(to, len);
    if (status == SHMRPC_OK) {
        (void)msgpack_pack_str(to->out, len);
        (void)msgpack_pack_str_body(to->out, text, len);
    }
    return status;
}

static int write_bytes(writer *to, const void *data, size_t len)
{
    int status = check_length(to, len);
    if (status == SHMRPC_OK) {
        (void)msgpack_pack_bin(to->out, len);
        (void)msgpack_pack_bin_body(to->out, data, len);
    }
    return status;
}

static void write_int(writer *to, const shmrpc_type *type, const void *value)
{
    uint64_t bits = shmrpci_load_bits(type, value);
    if (shmrpci_is_signed(type)) {
        int64_t number;
        memcpy(&number, &bits, sizeof number);
        (void)msgpack_pack_int64(to->out, number);
    } else {
        (void)msgpack_pack_uint64(to->out, bits);
    }
}

static void write_float(writer *to, const shmrpc_type *type, const void *value)
{
    if (type->kind == SHMRPC_KIND_F32) {
        float single;
        memcpy(&single, value, sizeof single);
        (void)msgpack_pack_float(to->out, single);
    } else {
        double number;
        memcpy(&number, value, sizeof number);
        (void)msgpack_pack_double(to->out, number);
    }
}

/* Opens a container of `count` items: the level and its header. */
static int open_array(writer *to, shmrpci_step *step, size_t count)
{
    int status = check_length(to, count);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_enter(&to->walk, step);
        (void)msgpack_pack_array(to->out, count);
    }
    return status;
}

static int open_map(writer *to, shmrpci_step *step, size_t count)
{
    int status = check_length(to, count);
    if (status == SHMRPC_OK) {
        status = shmrpci_walk_enter(&to->walk, step);
        (void)msgpack_pack_map(to->out, count);
    }
    return status;
}

static int write_list(writer *to, const shmrpc_type *type, const void *items,
                      size_t count)
{
    shmrpci_step step;
    int status = open_array(to, &step, count);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        shmrpci_step_index(&step, i);
        status = write_value(to, type->element,
                             (const uint8_t *)items + i * type->item_size);
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_map(writer *to, const shmrpc_type *type, shmrpci_span entries)
{
    if (!shmrpci_key_type_ok(type->key)) {
        return shmrpci_walk_fail(&to->walk, "%s can't be a key",
                                 shmrpci_type_text(type->key));
    }
    shmrpci_step step;
    int status = open_map(to, &step, entries.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < entries.len; i++) {
        const uint8_t *entry =
            (const uint8_t *)entries.ptr + i * type->item_size;
        shmrpci_step_key(&step, type->key, entry);
        status = write_value(to, type->key, entry);
        if (status == SHMRPC_OK) {
            status = write_value(to, type->element, entry + type->value_offset);
        }
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

/* One more than the position of the last parameter that is there. */
static uint32_t positions(const shmrpc_type *type, const void *value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        if (shmrpci_field_get(&type->fields[i], value) != NULL) {
            count = type->fields[i].tag;
        }
    }
    return count;
}

static int write_params(writer *to, const shmrpc_type *type, const void *value)
{
    shmrpci_step step;
    int status = open_array(to, &step, positions(type, value));
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t written = 0;
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        const void *at;
        shmrpci_step_field(&step, field->name);
        status = shmrpci_field_require(&to->walk, field, value, &at);
        if (status != SHMRPC_OK || at == NULL) {
            continue;
        }
        for (; written + 1 < field->tag; written++) {
            (void)msgpack_pack_nil(to->out);
        }
        written++;
        status = write_value(to, field->type, at);
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static void write_field_key(writer *to, const shmrpc_type *type,
                            const shmrpc_field *field)
{
    if ((type->flags & SHMRPC_TYPE_COMPACT) != 0) {
        (void)msgpack_pack_uint32(to->out, field->tag);
    } else {
        size_t len = strlen(field->name);
        (void)msgpack_pack_str(to->out, len);
        (void)msgpack_pack_str_body(to->out, field->name, len);
    }
}

static uint32_t count_present(const shmrpc_type *type, const void *value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        count += shmrpci_field_get(&type->fields[i], value) != NULL;
    }
    return count;
}

static int write_struct(writer *to, const shmrpc_type *type, const void *value)
{
    shmrpci_step step;
    int status = open_map(to, &step, count_present(type, value));
    if (status != SHMRPC_OK) {
        return status;
    }
    for (uint32_t i = 0; status == SHMRPC_OK && i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        const void *at;
        shmrpci_step_field(&step, field->name);
        status = shmrpci_field_require(&to->walk, field, value, &at);
        if (status == SHMRPC_OK && at != NULL) {
            write_field_key(to, type, field);
            status = write_value(to, field->type, at);
        }
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_union(writer *to, const shmrpc_type *type, const void *value)
{
    const shmrpc_field *field = NULL;
    const void *at = NULL;
    shmrpci_step step;
    int status = shmrpci_union_member(&to->walk, type, value, &field);
    if (status == SHMRPC_OK) {
        status = open_map(to, &step, 1);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_step_field(&step, field->name);
    status = shmrpci_field_require(&to->walk, field, value, &at);
    if (status == SHMRPC_OK) {
        write_field_key(to, type, field);
        status = write_value(to, field->type, at);
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_any_list(writer *to, shmrpc_any_list list)
{
    shmrpci_step step;
    int status = open_array(to, &step, list.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < list.len; i++) {
        shmrpci_step_index(&step, i);
        status = write_any(to, &list.ptr[i]);
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_any_map(writer *to, shmrpc_any_map map)
{
    shmrpci_step step;
    int status = open_map(to, &step, map.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; status == SHMRPC_OK && i < map.len; i++) {
        shmrpci_step_key(&step, &shmrpc_type_any, &map.ptr[i].key);
        status = write_any(to, &map.ptr[i].key);
        if (status == SHMRPC_OK) {
            status = write_any(to, &map.ptr[i].value);
        }
    }
    shmrpci_walk_leave(&to->walk, &step);
    return status;
}

static int write_ext(writer *to, int8_t ext_type, shmrpc_bytes bytes)
{
    int status = check_length(to, bytes.len);
    if (status == SHMRPC_OK) {
        (void)msgpack_pack_ext(to->out, bytes.len, ext_type);
        (void)msgpack_pack_ext_body(to->out, bytes.ptr, bytes.len);
    }
    return status;
}

static int write_any(writer *to, const shmrpc_any *value)
{
    int status = shmrpci_walk_any(&to->walk, value);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (value->kind) {
    case SHMRPC_ANY_NULL:
        (void)msgpack_pack_nil(to->out);
        return SHMRPC_OK;
    case SHMRPC_ANY_BOOL:
        (void)(value->u.b ? msgpack_pack_true(to->out)
                          : msgpack_pack_false(to->out));
        return SHMRPC_OK;
    case SHMRPC_ANY_I64:
        (void)msgpack_pack_int64(to->out, value->u.i64);
        return SHMRPC_OK;
    case SHMRPC_ANY_U64:
        (void)msgpack_pack_uint64(to->out, value->u.u64);
        return SHMRPC_OK;
    case SHMRPC_ANY_F64:
        (void)msgpack_pack_double(to->out, value->u.f64);
        return SHMRPC_OK;
    case SHMRPC_ANY_F32:
        (void)msgpack_pack_float(to->out, value->u.f32);
        return SHMRPC_OK;
    case SHMRPC_ANY_STR:
        return write_text(to, value->u.str.ptr, value->u.str.len);
    case SHMRPC_ANY_BYTES:
        return write_bytes(to, value->u.bytes.ptr, value->u.bytes.len);
    case SHMRPC_ANY_LIST:
        return write_any_list(to, value->u.list);
    case SHMRPC_ANY_MAP:
        return write_any_map(to, value->u.map);
    case SHMRPC_ANY_EXT:
        return write_ext(to, value->ext_type, value->u.bytes);
    }
    return shmrpci_walk_fail(&to->walk, "unknown kind of any: %d",
                             (int)value->kind);
}

static int write_sized(writer *to, const shmrpc_type *type, shmrpci_span span)
{
    int status = shmrpci_walk_view(&to->walk, type, span.ptr, span.len);
    if (status != SHMRPC_OK) {
        return status;
    }
    switch (type->kind) {
    case SHMRPC_KIND_STRING:
        return write_text(to, span.ptr, span.len);
    case SHMRPC_KIND_BYTES:
        return write_bytes(to, span.ptr, span.len);
    case SHMRPC_KIND_LIST:
        return write_list(to, type, span.ptr, span.len);
    default:
        return write_map(to, type, span);
    }
}

static int write_value(writer *to, const shmrpc_type *type, const void *value)
{
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
        (void)(*(const uint8_t *)value != 0 ? msgpack_pack_true(to->out)
                                            : msgpack_pack_false(to->out));
        return SHMRPC_OK;
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
        write_int(to, type, value);
        return shmrpci_walk_bounds(&to->walk, type, value);
    case SHMRPC_KIND_F32:
    case SHMRPC_KIND_F64:
        write_float(to, type, value);
        return shmrpci_walk_bounds(&to->walk, type, value);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        return write_sized(to, type, shmrpci_load_span(value));
    case SHMRPC_KIND_ANY:
        return write_any(to, value);
    case SHMRPC_KIND_ARRAY:
        return write_list(to, type, value, type->count);
    case SHMRPC_KIND_ENUM:
        write_int(to, type->element, value);
        return SHMRPC_OK;
    case SHMRPC_KIND_STRUCT:
        return (type->flags & SHMRPC_TYPE_PARAMS) != 0
                   ? write_params(to, type, value)
                   : write_struct(to, type, value);
    case SHMRPC_KIND_UNION:
        return write_union(to, type, value);
    }
    return shmrpci_walk_fail(&to->walk, "unknown kind");
}

static int encode(const shmrpc_type *type, const void *value, const char *name,
                  shmrpci_buf *out, shmrpc_error *error)
{
    writer to = {.walk = {.root = name, .error = error}, .out = out};
    int status = write_value(&to, type, value);
    if (status == SHMRPC_OK && out->status != SHMRPC_OK) {
        status = shmrpci_walk_status(&to.walk, out->status);
    }
    return status;
}

const shmrpci_codec shmrpci_codec_msgpack = {
    .encoding = SHMRPC_ENCODING_MSGPACK,
    .name = "msgpack",
    .encode = encode,
    .decode = shmrpci_msgpack_decode,
};
