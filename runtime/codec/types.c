/*
 * Types that need no table of their own, and `any` as a value.
 *
 * Every program that links the library shares these tables: generated tables
 * refer to them, so pointers to them identify types (contract.c numbers types
 * by their address).
 */
#include "shmrpc/types.h"

#include "shmrpc/descriptor.h"

/* A plain number: its C form is its native form on every platform that we
 * support, because all are little-endian. */
#define NUMBER(suffix, number_kind, c_type)            \
    const shmrpc_type shmrpc_type_##suffix = {         \
        .kind = number_kind,                           \
        .flags = SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, \
        .size = sizeof(c_type),                        \
        .align = _Alignof(c_type),                     \
        .native_size = sizeof(c_type),                 \
        .native_align = sizeof(c_type),                \
    }

NUMBER(i8, SHMRPC_KIND_I8, int8_t);
NUMBER(i16, SHMRPC_KIND_I16, int16_t);
NUMBER(i32, SHMRPC_KIND_I32, int32_t);
NUMBER(i64, SHMRPC_KIND_I64, int64_t);
NUMBER(u8, SHMRPC_KIND_U8, uint8_t);
NUMBER(u16, SHMRPC_KIND_U16, uint16_t);
NUMBER(u32, SHMRPC_KIND_U32, uint32_t);
NUMBER(u64, SHMRPC_KIND_U64, uint64_t);
NUMBER(f32, SHMRPC_KIND_F32, float);
NUMBER(f64, SHMRPC_KIND_F64, double);

/* Not FLAT, because only 0 and 1 of the 256 possible bytes are a valid bool. */
const shmrpc_type shmrpc_type_bool = {
    .kind = SHMRPC_KIND_BOOL,
    .flags = SHMRPC_TYPE_FIXED,
    .size = sizeof(bool),
    .align = _Alignof(bool),
    .native_size = 1,
    .native_align = 1,
};

/* In a native image this is a reference (offset, length) to a block; so are
 * bytes. */
const shmrpc_type shmrpc_type_string = {
    .kind = SHMRPC_KIND_STRING,
    .size = sizeof(shmrpc_str),
    .align = _Alignof(shmrpc_str),
    .native_size = 8,
    .native_align = 4,
};

const shmrpc_type shmrpc_type_bytes = {
    .kind = SHMRPC_KIND_BYTES,
    .size = sizeof(shmrpc_bytes),
    .align = _Alignof(shmrpc_bytes),
    .native_size = 8,
    .native_align = 4,
};

/* `any` has no native form. */
const shmrpc_type shmrpc_type_any = {
    .kind = SHMRPC_KIND_ANY,
    .size = sizeof(shmrpc_any),
    .align = _Alignof(shmrpc_any),
};

/* An empty struct has one byte, in C and in a native image (layout.h). Codecs
 * copy that byte, so a pointer to empty parameters must point to a byte. */
const shmrpc_type shmrpc_type_no_params = {
    .kind = SHMRPC_KIND_STRUCT,
    .flags = SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED,
    .size = 1,
    .align = 1,
    .native_size = 1,
    .native_align = 1,
};

/* Equality for programs, not that of IEEE 754: a value must equal its copy, so
 * all NaNs are equal, and 0.0 differs from -0.0. */
static bool same_number(const shmrpc_any *a, const shmrpc_any *b)
{
    if (a->kind == SHMRPC_ANY_F64) {
        /* Identical bits, or both not a number. */
        return memcmp(&a->u.f64, &b->u.f64, sizeof a->u.f64) == 0 ||
               (a->u.f64 != a->u.f64 && b->u.f64 != b->u.f64);
    }
    if (a->kind == SHMRPC_ANY_F32) {
        return memcmp(&a->u.f32, &b->u.f32, sizeof a->u.f32) == 0 ||
               (a->u.f32 != a->u.f32 && b->u.f32 != b->u.f32);
    }
    return a->u.u64 == b->u.u64;
}

static bool same_list(shmrpc_any_list a, shmrpc_any_list b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        same = shmrpc_any_equal(&a.ptr[i], &b.ptr[i]);
    }
    return same;
}

/* Compares in order: the entries of a decoded map are in the message's order.
 * Two maps with the same entries in another order are different. */
static bool same_map(shmrpc_any_map a, shmrpc_any_map b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        same = shmrpc_any_equal(&a.ptr[i].key, &b.ptr[i].key) &&
               shmrpc_any_equal(&a.ptr[i].value, &b.ptr[i].value);
    }
    return same;
}

/* An integer that both integer kinds can hold is equal in both. */
static bool same_kind(const shmrpc_any *a, const shmrpc_any *b)
{
    if (a->kind == b->kind) {
        return true;
    }
    return ((a->kind == SHMRPC_ANY_I64 && b->kind == SHMRPC_ANY_U64) ||
            (a->kind == SHMRPC_ANY_U64 && b->kind == SHMRPC_ANY_I64)) &&
           a->u.i64 >= 0;
}

bool shmrpc_any_equal(const shmrpc_any *a, const shmrpc_any *b)
{
    if (!same_kind(a, b)) {
        return false;
    }
    switch (a->kind) {
    case SHMRPC_ANY_NULL:
        return true;
    case SHMRPC_ANY_BOOL:
        return a->u.b == b->u.b;
    case SHMRPC_ANY_I64:
    case SHMRPC_ANY_U64:
    case SHMRPC_ANY_F64:
    case SHMRPC_ANY_F32:
        return same_number(a, b);
    /* Compares the extension number, too; then the bytes, as for
     * SHMRPC_ANY_BYTES. */
    case SHMRPC_ANY_EXT:
        if (a->ext_type != b->ext_type) {
            return false;
        }
        /* fall through */
    case SHMRPC_ANY_BYTES:
        return a->u.bytes.len == b->u.bytes.len &&
               (a->u.bytes.len == 0 ||
                memcmp(a->u.bytes.ptr, b->u.bytes.ptr, a->u.bytes.len) == 0);
    case SHMRPC_ANY_STR:
        return shmrpc_str_equal(a->u.str, b->u.str);
    case SHMRPC_ANY_LIST:
        return same_list(a->u.list, b->u.list);
    case SHMRPC_ANY_MAP:
        return same_map(a->u.map, b->u.map);
    }
    return false;
}

/* A linear search: maps of `any` are small, and have no index. */
const shmrpc_any *shmrpc_any_find(const shmrpc_any *map, const char *key)
{
    if (map == NULL || map->kind != SHMRPC_ANY_MAP) {
        return NULL;
    }
    shmrpc_str wanted = shmrpc_str_of(key);
    for (size_t i = 0; i < map->u.map.len; i++) {
        const shmrpc_any_entry *entry = &map->u.map.ptr[i];
        if (entry->key.kind == SHMRPC_ANY_STR &&
            shmrpc_str_equal(entry->key.u.str, wanted)) {
            return &entry->value;
        }
    }
    return NULL;
}
