/*
 * Keys as bytes. key.h has the forms; here they are made and checked.
 *
 * A key of `any` is normalized first, so that equal keys have equal bytes
 * whoever encodes them: Python's 1.0 and C's 1 find the same entry. Tuples are
 * normalized item by item. NaN, which equals nothing, and lists and maps, which
 * can change, are refused.
 *
 * Keys that are read from a region are checked again: untrusted bytes must not
 * become a C value that its type doesn't allow.
 */
#include "objects/key.h"

#include <string.h>

#include "base/utf8.h"
#include "codec/codec.h"
#include "shmrpc/any.h"

/* ---- any ----------------------------------------------------------------- */

/* 2^63 and 2^64, which doubles represent exactly. */
#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

/* A float that is an integer within 64 bits becomes that integer. Any other
 * float becomes an f64, even if it was an f32. */
static shmrpc_any normal_number(double number)
{
    /* In this range the conversion is defined; comparing the result shows
     * whether there was a fraction. */
    if (number >= -TWO_63 && number < TWO_63 &&
        (double)(int64_t)number == number) {
        return shmrpc_any_i64((int64_t)number);
    }
    if (number >= TWO_63 && number < TWO_64) {
        return shmrpc_any_u64((uint64_t)number); /* has no fraction */
    }
    return shmrpc_any_f64(number);
}

bool shmrpci_key_normalize(const shmrpc_any *key, shmrpc_any *out)
{
    switch (key->kind) {
    case SHMRPC_ANY_NULL:
        *out = shmrpc_any_null();
        return true;
    case SHMRPC_ANY_F32:
        *out = normal_number((double)key->u.f32);
        return key->u.f32 == key->u.f32;
    case SHMRPC_ANY_F64:
        /* NaN can't be a key: it would never be found again. */
        *out = normal_number(key->u.f64);
        return key->u.f64 == key->u.f64;
    case SHMRPC_ANY_U64:
        *out = key->u.u64 <= (uint64_t)INT64_MAX
                   ? shmrpc_any_i64((int64_t)key->u.u64)
                   : *key;
        return true;
    case SHMRPC_ANY_BOOL:
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_STR:
    case SHMRPC_ANY_BYTES:
        *out = *key;
        return true;
    case SHMRPC_ANY_LIST:
    case SHMRPC_ANY_MAP:
    case SHMRPC_ANY_EXT:
        break;
    }
    return false;
}

/* Limit of nested tuples. Keys are short, and this bounds recursion. */
#define MAX_DEPTH 16u

static shmrpc_status refuse(shmrpc_error *error)
{
    return shmrpc_error_set(
        error, SHMRPC_E_INVALID,
        "a key must be null, bool, a number, text, bytes, or a tuple of these");
}

/* Like shmrpci_key_normalize(), but also for tuples; uses `memory`. */
static shmrpc_status normal_form(const shmrpc_any *key, unsigned depth,
                                 shmrpc_any_memory *memory, shmrpc_any *out,
                                 shmrpc_error *error)
{
    shmrpc_any_list items;
    if (shmrpci_key_normalize(key, out)) {
        return SHMRPC_OK;
    }
    if (!shmrpc_any_is_ext(key, SHMRPC_EXT_TUPLE) || depth == MAX_DEPTH) {
        return refuse(error);
    }
    shmrpc_status status = shmrpc_any_read_items(memory, key, &items, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t i = 0; i < items.len && status == SHMRPC_OK; i++) {
        /* The cast is safe: the items were decoded for us, so we may change
         * them. */
        shmrpc_any *item = (shmrpc_any *)(uintptr_t)&items.ptr[i];
        shmrpc_any normal;
        status = normal_form(item, depth + 1, memory, &normal, error);
        if (status == SHMRPC_OK) {
            *item = normal;
        }
    }
    return status == SHMRPC_OK
               ? shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, items.ptr,
                                       items.len, out, error)
               : status;
}

/* msgpack-c writes integers and lengths in their shortest form, which makes the
 * encoding unique. */
static shmrpc_status encode_normal(const shmrpc_any *normal, shmrpci_buf *out,
                                   shmrpc_error *error)
{
    return (shmrpc_status)shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
        ->encode(&shmrpc_type_any, normal, "key", out, error);
}

/* Tuples are the only keys that need memory. */
static shmrpc_status encode_tuple(const shmrpc_any *key, shmrpci_buf *out,
                                  shmrpc_error *error)
{
    shmrpc_any normal;
    shmrpc_any_memory *memory = shmrpc_any_memory_create();
    if (memory == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpc_status status = normal_form(key, 0, memory, &normal, error);
    if (status == SHMRPC_OK) {
        status = encode_normal(&normal, out, error);
    }
    shmrpc_any_memory_destroy(memory);
    return status;
}

static shmrpc_status encode_any(const shmrpc_any *key, shmrpci_buf *out,
                                shmrpc_error *error)
{
    shmrpc_any normal;
    if (shmrpc_any_is_ext(key, SHMRPC_EXT_TUPLE)) {
        return encode_tuple(key, out, error);
    }
    return shmrpci_key_normalize(key, &normal)
               ? encode_normal(&normal, out, error)
               : refuse(error);
}

/* INVALID from the codec means damaged bytes, as we have encoded them
 * ourselves. */
static shmrpc_status decode_any(const uint8_t *data, size_t len,
                                shmrpci_arena *arena, shmrpc_any *out,
                                shmrpc_error *error)
{
    int status =
        shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
            ->decode(&shmrpc_type_any, data, len, "key", arena, out, error);
    return status == SHMRPC_E_INVALID ? SHMRPC_E_DATA_LOSS
                                      : (shmrpc_status)status;
}

/* ---- types --------------------------------------------------------------- */

/* The length of a key whose C value is its encoding (bool, integers, enums,
 * flat structs and arrays); 0 for other types. Floats can't be keys. */
static size_t plain_bytes(const shmrpc_type *type)
{
    bool is_number =
        (type->kind >= SHMRPC_KIND_BOOL && type->kind <= SHMRPC_KIND_U64) ||
        type->kind == SHMRPC_KIND_ENUM;
    bool is_flat =
        (type->kind == SHMRPC_KIND_STRUCT || type->kind == SHMRPC_KIND_ARRAY) &&
        (type->flags & SHMRPC_TYPE_FLAT) != 0;
    return is_number || is_flat ? type->size : 0;
}

static bool is_text(const shmrpc_type *type)
{
    return type->kind == SHMRPC_KIND_STRING || type->kind == SHMRPC_KIND_BYTES;
}

bool shmrpci_key_is_type(const shmrpc_type *type)
{
    return type != NULL && (plain_bytes(type) > 0 || is_text(type) ||
                            type->kind == SHMRPC_KIND_ANY);
}

static shmrpc_status check_text(const shmrpc_type *type, shmrpc_bytes text,
                                shmrpc_error *error)
{
    bool is_bounded = (type->flags & SHMRPC_TYPE_BOUNDED) != 0;
    if (is_bounded && (text.len < type->min || text.len > type->max)) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID,
                               "a key of %zu bytes, allowed %llu..%llu",
                               text.len, (unsigned long long)type->min,
                               (unsigned long long)type->max);
        return SHMRPC_E_INVALID;
    }
    if (type->kind == SHMRPC_KIND_STRING &&
        shmrpci_utf8_valid_prefix(text.ptr, text.len) != text.len) {
        (void)shmrpc_error_set(error, SHMRPC_E_INVALID, "the key is not UTF-8");
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

static shmrpc_status encode_text(const shmrpc_type *type, const void *value,
                                 shmrpci_buf *out, shmrpc_error *error)
{
    shmrpc_bytes text;
    memcpy(&text, value, sizeof text); /* a shmrpc_str has the same layout */
    shmrpc_status status = check_text(type, text, error);
    if (status == SHMRPC_OK && text.len > 0) {
        shmrpci_buf_append(out, text.ptr, text.len);
    }
    return status;
}

bool shmrpci_key_view(const shmrpc_type *type, const void *value,
                      shmrpc_bytes *out)
{
    if (type->kind == SHMRPC_KIND_ANY) {
        return false;
    }
    if (!is_text(type)) {
        *out = (shmrpc_bytes){value, plain_bytes(type)};
        return true;
    }
    memcpy(out, value, sizeof *out); /* a shmrpc_str has the same layout */
    return out->len > 0 && out->len <= SHMRPCI_KEY_MAX_BYTES &&
           check_text(type, *out, NULL) == SHMRPC_OK;
}

shmrpc_status shmrpci_key_encode(const shmrpc_type *type, const void *value,
                                 shmrpci_buf *out, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    size_t before = out->len;
    if (type->kind == SHMRPC_KIND_ANY) {
        status = encode_any(value, out, error);
    } else if (is_text(type)) {
        status = encode_text(type, value, out, error);
    } else {
        shmrpci_buf_append(out, value, plain_bytes(type));
    }
    if (out->status == SHMRPC_OK && status == SHMRPC_OK &&
        out->len - before <= SHMRPCI_KEY_MAX_BYTES) {
        return SHMRPC_OK;
    }
    if (out->status == SHMRPC_E_NO_MEMORY) {
        (void)shmrpc_error_set(error, out->status, "out of memory");
        return out->status;
    }
    if (status == SHMRPC_OK || out->status != SHMRPC_OK) {
        status = SHMRPC_E_TOO_LARGE;
        (void)shmrpc_error_set(error, status, "a key has at most %zu bytes",
                               SHMRPCI_KEY_MAX_BYTES);
    }
    return status;
}

static shmrpc_status damaged(shmrpc_error *error)
{
    (void)shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                           "a key of the dict is damaged");
    return SHMRPC_E_DATA_LOSS;
}

shmrpc_status shmrpci_key_decode(const shmrpc_type *type, const uint8_t *data,
                                 size_t len, shmrpci_arena *arena, void *value,
                                 shmrpc_error *error)
{
    size_t plain = plain_bytes(type);
    if (type->kind == SHMRPC_KIND_ANY) {
        return decode_any(data, len, arena, value, error);
    }
    if (is_text(type)) {
        shmrpc_bytes text = {data, len};
        if (check_text(type, text, NULL) != SHMRPC_OK) {
            return damaged(error);
        }
        memcpy(value, &text, sizeof text);
        return SHMRPC_OK;
    }
    if (len != plain || (type->kind == SHMRPC_KIND_BOOL && data[0] > 1)) {
        return damaged(error);
    }
    memcpy(value, data, plain);
    return SHMRPC_OK;
}
