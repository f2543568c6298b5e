/*
 * More kinds of `any`: what Python and others have beyond JSON, as extensions
 * of msgpack with fixed numbers (docs/protocol.md).
 *
 *     shmrpc_any_memory *memory = shmrpc_any_memory_create();
 *     shmrpc_any pair[] = {shmrpc_any_str("x"), shmrpc_any_i64(1)};
 *     shmrpc_any tuple;
 *     status = shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, pair, 2, &tuple,
 *                                    &error);
 *     status = shmrpc_dict_put(dict, &path, &tuple, &error);
 *     shmrpc_any_memory_destroy(memory);
 *
 * Values of these kinds are SHMRPC_ANY_EXT; whoever doesn't know them passes
 * them on as they are.  JSON has none of them: encoding one as JSON is INVALID.
 * Makers check what they are given, readers what somebody else has made:
 * INVALID where it is no such value.
 *
 * Threading: pure functions; a memory belongs to one thread at a time.
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

/* Numbers of extensions, which never change. */
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

/* Where values that are made or read have their bytes. */
typedef struct shmrpc_any_memory shmrpc_any_memory;
/* NULL: out of memory. */
SHMRPC_API shmrpc_any_memory *shmrpc_any_memory_create(void);
/* Ends the life of all that was made in it; NULL is fine. */
SHMRPC_API void shmrpc_any_memory_destroy(shmrpc_any_memory *memory);

/* Whether it is of that kind, by its number alone. */
static inline bool shmrpc_any_is_ext(const shmrpc_any *value, shmrpc_ext ext)
{
    return value->kind == SHMRPC_ANY_EXT && value->ext_type == (int8_t)ext;
}

/* ---- tuples and sets ----------------------------------------------------- */

/* Of a copy of the items; `ext` is TUPLE, SET or FROZENSET. INVALID: an item
 * can't be encoded; NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_any_make_items(
    shmrpc_any_memory *memory, shmrpc_ext ext, const shmrpc_any *items,
    size_t len, shmrpc_any *out, shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* The items of one, in `memory`. */
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

/* Digits of an integer as text, at most. */
#define SHMRPC_BIGINT_MAX_DIGITS 4300

/* Of decimal digits with an optional sign. What an i64 or u64 holds becomes
 * one: a number has one form. INVALID: no integer; TOO_LARGE: more digits;
 * NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_integer(shmrpc_any_memory *memory, shmrpc_str digits,
                        shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* Of an I64, a U64 or a BIGINT. INVALID: none of these; TOO_LARGE. */
SHMRPC_API shmrpc_status
shmrpc_any_read_integer(shmrpc_any_memory *memory, const shmrpc_any *value,
                        shmrpc_str *out_digits) SHMRPC_WARN_UNUSED;

/* As Python writes it: "-1.50E+3", "NaN", "sNaN12", "Infinity". INVALID. */
SHMRPC_API shmrpc_status
shmrpc_any_make_decimal(shmrpc_any_memory *memory, shmrpc_str text,
                        shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* A view of the value. */
SHMRPC_API shmrpc_status shmrpc_any_read_decimal(
    const shmrpc_any *value, shmrpc_str *out_text) SHMRPC_WARN_UNUSED;

/* ---- times --------------------------------------------------------------- */

/* Days and times of the Gregorian calendar, as a clock on a wall shows them. */
typedef struct shmrpc_any_time {
    int64_t micros; /* DATETIME: since 1970-01-01 00:00; TIME: since midnight */
    int32_t offset_s; /* seconds east of UTC, if it has one: within a day */
    bool has_offset;
} shmrpc_any_time;

/* `ext` is DATETIME (years 1 to 9999) or TIME (below a day). INVALID. */
SHMRPC_API shmrpc_status shmrpc_any_make_time(
    shmrpc_any_memory *memory, shmrpc_ext ext, const shmrpc_any_time *time,
    shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_time(
    const shmrpc_any *value, shmrpc_any_time *out) SHMRPC_WARN_UNUSED;

/* Days since 1970-01-01, of years 1 to 9999. INVALID. */
SHMRPC_API shmrpc_status shmrpc_any_make_date(shmrpc_any_memory *memory,
                                              int32_t days, shmrpc_any *out)
    SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_date(
    const shmrpc_any *value, int32_t *out_days) SHMRPC_WARN_UNUSED;

/* As Python keeps it: seconds 0 to 86399 and micros 0 to 999999 count onwards
 * from the days, -999999999 to 999999999. */
typedef struct shmrpc_any_span {
    int32_t days;
    int32_t seconds;
    int32_t micros;
} shmrpc_any_span;

/* INVALID. */
SHMRPC_API shmrpc_status
shmrpc_any_make_span(shmrpc_any_memory *memory, const shmrpc_any_span *span,
                     shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_span(
    const shmrpc_any *value, shmrpc_any_span *out) SHMRPC_WARN_UNUSED;

/* ---- others -------------------------------------------------------------- */

/* 16 bytes, in the order in which they are written. */
SHMRPC_API shmrpc_status
shmrpc_any_make_uuid(shmrpc_any_memory *memory, const uint8_t bytes[16],
                     shmrpc_any *out) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_any_read_uuid(
    const shmrpc_any *value, uint8_t out[16]) SHMRPC_WARN_UNUSED;

/* Elements of an array. */
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

/* Bytes of an element; 0: there is no such type. */
SHMRPC_API size_t shmrpc_dtype_bytes(shmrpc_dtype dtype);

#define SHMRPC_ARRAY_MAX_DIMS 32

/*
 * An array of numbers, little-endian, with the form that numpy and Python's
 * buffers have.  Element (i, j) lies at i * strides[0] + j * strides[1] of
 * `data`; strides are multiples of the element, not negative.  Of a value that
 * was decoded by this library, from a dict or a queue, `data` lies at a
 * multiple of 64, so that it can be used where it is.
 */
typedef struct shmrpc_array {
    shmrpc_dtype dtype;
    uint32_t dims;
    uint64_t shape[SHMRPC_ARRAY_MAX_DIMS];
    uint64_t strides[SHMRPC_ARRAY_MAX_DIMS]; /* bytes */
    const void *data;
    size_t data_len; /* at least up to the last element's end */
} shmrpc_array;

/* Of elements in the order of C, without gaps: fills in the strides and the
 * length of the data. TOO_LARGE: more than memory can hold. */
SHMRPC_API shmrpc_status shmrpc_array_pack(shmrpc_array *array)
    SHMRPC_WARN_UNUSED;
/* With a copy of the data. INVALID; TOO_LARGE; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_any_make_array(shmrpc_any_memory *memory, const shmrpc_array *array,
                      shmrpc_any *out) SHMRPC_WARN_UNUSED;
/* A view of the value. */
SHMRPC_API shmrpc_status shmrpc_any_read_array(
    const shmrpc_any *value, shmrpc_array *out) SHMRPC_WARN_UNUSED;

/* ---- checking ------------------------------------------------------------ */

/*
 * Looks through a whole tree, of whatever origin: kinds that there are, text
 * that is UTF-8, bytes that are there, extensions 1 to 12 that are what their
 * number says, no more than 64 levels.  INVALID: the error's path is the place
 * of the first wrong part, as Python would write it: `['a'][3]`; "" is the
 * whole.  An item of a tuple or set counts as one of a list.
 */
SHMRPC_API shmrpc_status shmrpc_any_check(const shmrpc_any *tree,
                                          shmrpc_error *error);

SHMRPC_END_DECLS

#endif
