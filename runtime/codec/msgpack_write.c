/*
 * Writes values of a described type as msgpack, packed by msgpack-c straight
 * into the message: the functions with which write_walk.inc writes msgpack.
 *
 * msgpack-c chooses the shortest form of every integer, length and count. The
 * status that its functions return is always 0 here, because a full buffer
 * keeps its own status: hence the casts to void.
 *
 * Maps begin with their count, so present fields are counted before the first
 * one is written.
 */
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

/* Lengths of msgpack are u32; a longer value can't be sent. */
static int check_length(const writer *to, size_t len)
{
    return len <= UINT32_MAX
               ? SHMRPC_OK
               : shmrpci_walk_status(&to->walk, SHMRPC_E_TOO_LARGE);
}

/* Checks UTF-8 before writing, because a receiver refuses other text. */
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

static void write_bool(writer *to, bool value)
{
    (void)(value ? msgpack_pack_true(to->out) : msgpack_pack_false(to->out));
}

static void write_integer(writer *to, const shmrpc_type *type,
                          const void *value)
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

/* Always writes a number: names would make messages longer, and readers have
 * the `.svc`. */
static int write_enum(writer *to, const shmrpc_type *type, const void *value)
{
    write_integer(to, type->element, value);
    return SHMRPC_OK;
}

/* If the count is too large, a wrong head is appended. That does no harm: the
 * walk ends with the returned status, so the message is never sent. */
static int open_list(writer *to, size_t count)
{
    int status = check_length(to, count);
    (void)msgpack_pack_array(to->out, count);
    return status;
}

static int open_map(writer *to, size_t count)
{
    int status = check_length(to, count);
    (void)msgpack_pack_map(to->out, count);
    return status;
}

/* Does nothing: a msgpack container has no end mark, because its head has the
 * count. Nor are items separated. */
static void close_list(const writer *to)
{
    (void)to;
}

static void close_map(const writer *to)
{
    (void)to;
}

static void before_item(const writer *to, size_t index)
{
    (void)to;
    (void)index;
}

static int write_key(writer *to, const shmrpc_type *type, const void *key)
{
    return write_value(to, type, key);
}

/* Returns the length of the array of parameters: the position of the last
 * parameter that is present. Tags ascend, so the last one found is the
 * highest. */
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

static void open_params(writer *to, const shmrpc_type *type, const void *value)
{
    (void)msgpack_pack_array(to->out, positions(type, value));
}

/* Writes an absent parameter that is followed by others. */
static void put_hole(writer *to)
{
    (void)msgpack_pack_nil(to->out);
}

/* Writes a tag for @compact, else the name. */
static void put_field_key(writer *to, const shmrpc_type *type,
                          const shmrpc_field *field, bool is_first)
{
    (void)is_first;
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

static void open_fields(writer *to, const shmrpc_type *type, const void *value)
{
    (void)msgpack_pack_map(to->out, count_present(type, value));
}

/* A union is a map with one entry. */
static void open_chosen(writer *to)
{
    (void)msgpack_pack_map(to->out, 1);
}

static void close_fields(const writer *to, bool is_empty)
{
    (void)to;
    (void)is_empty;
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

/* The walk handles strings, lists and maps, and refuses unknown kinds. */
static int write_any_word(writer *to, const shmrpc_any *value)
{
    switch (value->kind) {
    case SHMRPC_ANY_BOOL:
        write_bool(to, value->u.b);
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
    case SHMRPC_ANY_BYTES:
        return write_bytes(to, value->u.bytes.ptr, value->u.bytes.len);
    case SHMRPC_ANY_EXT:
        return write_ext(to, value->ext_type, value->u.bytes);
    default:
        (void)msgpack_pack_nil(to->out);
        return SHMRPC_OK;
    }
}

#include "codec/write_walk.inc"

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
