/*
 * More kinds of `any`: values of Python and other languages that JSON does not
 * have, as msgpack extensions with fixed numbers (docs/protocol.md).
 *
 *     shmrpc_any_memory *memory = shmrpc_any_memory_create();
 *     shmrpc_any pair[] = {shmrpc_any_str("x"), shmrpc_any_i64(1)};
 *     shmrpc_any tuple;
 *     status = shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, pair, 2, &tuple,
 *                                    &error);
 *     status = shmrpc_dict_put(dict, &path, &tuple, &error);
 *     shmrpc_any_memory_destroy(memory);
 *
 * All of them have the kind SHMRPC_ANY_EXT: a program that doesn't know one can
 * pass it on unchanged. JSON has none of them: encoding one as JSON is INVALID.
 * The make functions check their arguments, the read functions check the value,
 * and both return INVALID if it is not well formed.
 *
 * Threading: all functions are pure; a memory belongs to one thread at a time.
 */
#ifndef SHMRPC_ANY_H
#define SHMRPC_ANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

/* The msgpack extension numbers; they never change. */
typedef enum shmrpc_ext {
    SHMRPC_EXT_TUPLE = 1,
    SHMRPC_EXT_SET = 2,
    SHMRPC_EXT_FROZENSET = 3,
    SHMRPC_EXT_COMPLEX = 4,
    SHMRPC_EXT_BIGINT = 5, /* integers beyond i64 and u64 */
    SHMRPC_EXT_DATETIME = 6,
    SHMRPC_EXT_DATE = 7,
    SHMRPC_EXT_TIME = 8,
    SHMRPC_EXT_TIMEDELTA = 9,
    SHMRPC_EXT_DECIMAL = 10,
    SHMRPC_EXT_UUID = 11,
    SHMRPC_EXT_ARRAY = 12 /* of numbers, with shape and strides */
} shmrpc_ext;

/* Owns the bytes of all values that were made or read with it. */
typedef struct shmrpc_any_memory shmrpc_any_memory;
/* Returns NULL if out of memory. */
SHMRPC_API shmrpc_any_memory *shmrpc_any_memory_create(void);
/* Frees every value that was made with it; NULL is fine. */
SHMRPC_API void shmrpc_any_memory_destroy(shmrpc_any_memory *memory);

/* Checks the extension's number only, not its content. */
static inline bool shmrpc_any_is_ext(const shmrpc_any *value, shmrpc_ext ext)
{
    return value->kind == SHMRPC_ANY_EXT && value->ext_type == (int8_t)ext;
}

/* ---- tuples and sets ----------------------------------------------------- */

/* Makes a tuple or set from a copy of the items; `ext` is TUPLE, SET or
 * FROZENSET. Returns INVALID if an item can't be encoded, or NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_any_make_items(
    shmrpc_any_memory *memory, shmrpc_ext ext, const shmrpc_any *items,
    size_t len, shmrpc_any *out, shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* Reads the items of a tuple or set; they live as long as `memory`. */
SHMRPC_API shmrpc_status shmrpc_any_read_items(
    shmrpc_any_memory *memory, const shmrpc_any *value, shmrpc_any_list *out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* ---- numbers ------------------------------------------------------------- */

SHMRPC_API shmrpc_status
shmrpc_any_make_complex(shmrpc_any_memory *memory, double real, double imag,
                        shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status
shmrpc_any_read_complex(const shmrpc_any *value, double *out_real,
                        double *out_imag) SHMRPC_WARN_UNUSED;

/* The most decimal digits that an integer may have. */
#define SHMRPC_BIGINT_MAX_DIGITS 4300

/* Makes an integer from decimal digits with an optional sign. An integer that
 * fits becomes an I64 or U64, so that each number has a single form. Returns
 * INVALID if the text is not an integer, TOO_LARGE if it has too many digits,
 * or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_integer(shmrpc_any_memory *memory, shmrpc_str digits,
                        shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* Writes an I64, a U64 or a BIGINT as decimal digits. Returns INVALID if the
 * value is none of these, or TOO_LARGE if it has too many digits. */
SHMRPC_API shmrpc_status
shmrpc_any_read_integer(shmrpc_any_memory *memory, const shmrpc_any *value,
                        shmrpc_str *out_digits) SHMRPC_WARN_UNUSED;

/* Makes a decimal from text as Python writes it: "-1.50E+3", "NaN", "sNaN12",
 * "Infinity". Returns INVALID if the text is not a decimal, or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_decimal(shmrpc_any_memory *memory, shmrpc_str text,
                        shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* `*out_text` is a view into the value. */
SHMRPC_API shmrpc_status shmrpc_any_read_decimal(
    const shmrpc_any *value, shmrpc_str *out_text) SHMRPC_WARN_UNUSED;

/* ---- times --------------------------------------------------------------- */

/* Local dates and times of the Gregorian calendar, as a wall clock shows
 * them. */
typedef struct shmrpc_any_time {
    int64_t micros; /* DATETIME: since 1970-01-01 00:00; TIME: since midnight */
    int32_t offset_s; /* seconds east of UTC, less than a day; see has_offset */
    bool has_offset;
} shmrpc_any_time;

/* `ext` is DATETIME (years 1 to 9999) or TIME (below a day). Returns INVALID if
 * the time is out of range, or NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_any_make_time(
    shmrpc_any_memory *memory, shmrpc_ext ext, const shmrpc_any_time *time,
    shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_time(
    const shmrpc_any *value, shmrpc_any_time *out) SHMRPC_WARN_UNUSED;

/* Makes a date from days since 1970-01-01. Returns INVALID outside the years 1
 * to 9999, or NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_any_make_date(shmrpc_any_memory *memory,
                                              int32_t days, shmrpc_any *out)
    SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_date(
    const shmrpc_any *value, int32_t *out_days) SHMRPC_WARN_UNUSED;

/* A difference of times, as in Python: days from -999999999 to 999999999, plus
 * seconds from 0 to 86399, plus micros from 0 to 999999. */
typedef struct shmrpc_any_span {
    int32_t days;
    int32_t seconds;
    int32_t micros;
} shmrpc_any_span;

/* Returns INVALID if a member is out of range, or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_span(shmrpc_any_memory *memory, const shmrpc_any_span *span,
                     shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_span(
    const shmrpc_any *value, shmrpc_any_span *out) SHMRPC_WARN_UNUSED;

/* ---- UUIDs and arrays ---------------------------------------------------- */

/* `bytes` are in the order in which a UUID is written. */
SHMRPC_API shmrpc_status
shmrpc_any_make_uuid(shmrpc_any_memory *memory, const uint8_t bytes[16],
                     shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_uuid(
    const shmrpc_any *value, uint8_t out[16]) SHMRPC_WARN_UNUSED;

/* The types of an array's elements. */
typedef enum shmrpc_dtype {
    SHMRPC_DTYPE_BOOL = 1,
    SHMRPC_DTYPE_I8 = 2,
    SHMRPC_DTYPE_U8 = 3,
    SHMRPC_DTYPE_I16 = 4,
    SHMRPC_DTYPE_U16 = 5,
    SHMRPC_DTYPE_I32 = 6,
    SHMRPC_DTYPE_U32 = 7,
    SHMRPC_DTYPE_I64 = 8,
    SHMRPC_DTYPE_U64 = 9,
    SHMRPC_DTYPE_F16 = 10,
    SHMRPC_DTYPE_F32 = 11,
    SHMRPC_DTYPE_F64 = 12,
    SHMRPC_DTYPE_C64 = 13, /* complex, of two F32 */
    SHMRPC_DTYPE_C128 = 14 /* of two F64 */
} shmrpc_dtype;

/* Returns the size of an element in bytes, or 0 if there is no such type. */
SHMRPC_API size_t shmrpc_dtype_bytes(shmrpc_dtype dtype);

#define SHMRPC_ARRAY_MAX_DIMS 32

/*
 * An array of little-endian numbers, with shape and strides as in numpy and in
 * Python's buffers. Element (i, j) is at byte i * strides[0] + j * strides[1]
 * of `data`; strides are multiples of the element's size and not negative. In
 * a value that this library decoded from a dict or a queue, `data` is aligned
 * to 64 bytes, so that it can be used in place.
 */
typedef struct shmrpc_array {
    shmrpc_dtype dtype;
    uint32_t dims;
    uint64_t shape[SHMRPC_ARRAY_MAX_DIMS];
    uint64_t strides[SHMRPC_ARRAY_MAX_DIMS]; /* bytes */
    const void *data;
    size_t data_len; /* reaches at least to the end of the last element */
} shmrpc_array;

/* Fills in `strides` and `data_len` for elements in C order without gaps.
 * Returns TOO_LARGE if the array would not fit into memory. */
SHMRPC_API shmrpc_status shmrpc_array_pack(shmrpc_array *array)
    SHMRPC_WARN_UNUSED;
/* Makes an array value from a copy of the data. Returns INVALID, TOO_LARGE or
 * NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_array(shmrpc_any_memory *memory, const shmrpc_array *array,
                      shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* `out->data` points into the value. */
SHMRPC_API shmrpc_status shmrpc_any_read_array(
    const shmrpc_any *value, shmrpc_array *out) SHMRPC_WARN_UNUSED;

/* ---- checking ------------------------------------------------------------ */

/*
 * Checks a whole tree from any source: every kind is known, text is UTF-8, no
 * pointer is NULL where there are bytes, extensions 1 to 12 are well formed,
 * and there are at most 64 levels. Returns INVALID if not: the error's path is
 * the place of the first wrong part, as Python would write it, `['a'][3]`, or
 * "" for the whole tree. Items of tuples and sets have positions, as list items
 * do.
 */
SHMRPC_API shmrpc_status shmrpc_any_check(const shmrpc_any *tree,
                                          shmrpc_error *error);

SHMRPC_END_DECLS

#endif
