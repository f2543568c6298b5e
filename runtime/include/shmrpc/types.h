/*
 * The C form of the .svc types that are not plain C scalars.
 *
 * Everything here is a view: a pointer and a length that own nothing. Views
 * passed to a call are borrowed until it returns; views in a reply live as long
 * as the reply; views in a handler's parameters live until it returns.
 * Threading: these are plain values; share them as any const data.
 */
#ifndef SHMRPC_TYPES_H
#define SHMRPC_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* UTF-8 text. Decoded strings are also NUL-terminated, but may contain NULs. */
typedef struct shmrpc_str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;      /* bytes */
} shmrpc_str;

/* Any bytes. */
typedef struct shmrpc_bytes {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;
} shmrpc_bytes;

/* Lists of built-in types: list<u32> is a shmrpc_u32_list. */
#define SHMRPC_X(name, c_type) \
    typedef struct name {      \
        const c_type *ptr;     \
        size_t len;            \
    } name;
SHMRPC_X(shmrpc_bool_list, bool)
SHMRPC_X(shmrpc_i8_list, int8_t)
SHMRPC_X(shmrpc_i16_list, int16_t)
SHMRPC_X(shmrpc_i32_list, int32_t)
SHMRPC_X(shmrpc_i64_list, int64_t)
SHMRPC_X(shmrpc_u8_list, uint8_t)
SHMRPC_X(shmrpc_u16_list, uint16_t)
SHMRPC_X(shmrpc_u32_list, uint32_t)
SHMRPC_X(shmrpc_u64_list, uint64_t)
SHMRPC_X(shmrpc_f32_list, float)
SHMRPC_X(shmrpc_f64_list, double)
SHMRPC_X(shmrpc_str_list, shmrpc_str)
SHMRPC_X(shmrpc_bytes_list, shmrpc_bytes)
#undef SHMRPC_X

typedef enum shmrpc_any_kind {
    SHMRPC_ANY_NULL = 0,
    SHMRPC_ANY_BOOL = 1,
    SHMRPC_ANY_I64 = 2, /* decoders produce I64 if the value fits, else U64 */
    SHMRPC_ANY_U64 = 3,
    SHMRPC_ANY_F64 = 4,
    SHMRPC_ANY_STR = 5,
    SHMRPC_ANY_BYTES = 6, /* msgpack only: JSON has no bytes */
    SHMRPC_ANY_LIST = 7,
    SHMRPC_ANY_MAP = 8,
    SHMRPC_ANY_EXT = 9, /* msgpack only: `bytes` tagged with `ext_type`;
                         * shmrpc/any.h defines types 1 to 12 */
    SHMRPC_ANY_F32 = 10 /* kept by msgpack; JSON reads it back as an F64 */
} shmrpc_any_kind;

typedef struct shmrpc_any shmrpc_any;
typedef struct shmrpc_any_entry shmrpc_any_entry;

typedef struct shmrpc_any_list {
    const shmrpc_any *ptr;
    size_t len;
} shmrpc_any_list;

/* Ordered key/value pairs; JSON takes string keys only. */
typedef struct shmrpc_any_map {
    const shmrpc_any_entry *ptr;
    size_t len;
} shmrpc_any_map;

/* A value of any type: an immutable tagged tree. */
struct shmrpc_any {
    shmrpc_any_kind kind;
    int8_t ext_type;
    union {
        bool b;
        int64_t i64;
        uint64_t u64;
        double f64;
        float f32;
        shmrpc_str str;
        shmrpc_bytes bytes;
        shmrpc_any_list list;
        shmrpc_any_map map;
    } u;
};

struct shmrpc_any_entry {
    shmrpc_any key;
    shmrpc_any value;
};

/* A view of a C string; NULL gives the empty string. */
static inline shmrpc_str shmrpc_str_of(const char *text)
{
    shmrpc_str s;
    s.ptr = text;
    s.len = text != NULL ? strlen(text) : 0;
    return s;
}

static inline shmrpc_bytes shmrpc_bytes_of(const void *data, size_t len)
{
    shmrpc_bytes b;
    b.ptr = (const uint8_t *)data;
    b.len = len;
    return b;
}

static inline bool shmrpc_str_equal(shmrpc_str a, shmrpc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Constructors of `any`: nothing is copied or allocated. */
static inline shmrpc_any shmrpc_any_null(void)
{
    shmrpc_any a;
    memset(&a, 0, sizeof a);
    return a;
}

static inline shmrpc_any shmrpc_any_bool(bool value)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_BOOL;
    a.u.b = value;
    return a;
}

static inline shmrpc_any shmrpc_any_i64(int64_t value)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_I64;
    a.u.i64 = value;
    return a;
}

static inline shmrpc_any shmrpc_any_u64(uint64_t value)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_U64;
    a.u.u64 = value;
    return a;
}

static inline shmrpc_any shmrpc_any_f64(double value)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_F64;
    a.u.f64 = value;
    return a;
}

static inline shmrpc_any shmrpc_any_f32(float value)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_F32;
    a.u.f32 = value;
    return a;
}

static inline shmrpc_any shmrpc_any_of_str(shmrpc_str text)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_STR;
    a.u.str = text;
    return a;
}

static inline shmrpc_any shmrpc_any_str(const char *text)
{
    return shmrpc_any_of_str(shmrpc_str_of(text));
}

static inline shmrpc_any shmrpc_any_of_bytes(shmrpc_bytes data)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_BYTES;
    a.u.bytes = data;
    return a;
}

static inline shmrpc_any shmrpc_any_bytes(const void *data, size_t len)
{
    return shmrpc_any_of_bytes(shmrpc_bytes_of(data, len));
}

static inline shmrpc_any shmrpc_any_list_of(const shmrpc_any *items, size_t len)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_LIST;
    a.u.list.ptr = items;
    a.u.list.len = len;
    return a;
}

static inline shmrpc_any shmrpc_any_map_of(const shmrpc_any_entry *entries,
                                           size_t len)
{
    shmrpc_any a = shmrpc_any_null();
    a.kind = SHMRPC_ANY_MAP;
    a.u.map.ptr = entries;
    a.u.map.len = len;
    return a;
}

/* Whether both trees hold the same values in the same order. An I64 and a U64
 * of the same value are equal; an F32 and an F64 never are. Floats are compared
 * by their bits, except that NaN equals NaN. */
SHMRPC_API bool shmrpc_any_equal(const shmrpc_any *a, const shmrpc_any *b);

/* Returns the value that a map has under the text `key`; if the key occurs
 * twice, either one. Returns NULL if there is no such key, or if `map` is NULL
 * or not a map. Takes time proportional to the size of the map. */
SHMRPC_API const shmrpc_any *shmrpc_any_find(const shmrpc_any *map,
                                             const char *key);

SHMRPC_END_DECLS

#endif
