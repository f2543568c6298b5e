/*
 * Extensions of `any`: the make and read functions of shmrpc/any.h, except for
 * big integers (any_integer.c) and arrays (any_array.c).
 *
 * docs/protocol.md has a table of the formats, which never change. Makers check
 * what the caller passes, readers check what anyone may have sent. Both use the
 * same predicate for a kind, so that whatever a maker accepts, a reader
 * accepts.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/any_ext.h"
#include "codec/codec.h"

/* Seconds in a day; without leap seconds, as in Python. */
#define DAY_S      86400
#define DAY_MICROS ((int64_t)DAY_S * 1000000)

/* 0001-01-01 and 9999-12-31 as days since 1970-01-01: the range of Python's
 * `datetime` and of `date` in most databases. */
#define FIRST_DAY (-719162)
#define LAST_DAY  2932896

shmrpc_any_memory *shmrpc_any_memory_create(void)
{
    shmrpc_any_memory *memory = calloc(1, sizeof *memory);
    if (memory != NULL) {
        shmrpci_arena_init(&memory->arena, 0);
    }
    return memory;
}

void shmrpc_any_memory_destroy(shmrpc_any_memory *memory)
{
    if (memory != NULL) {
        shmrpci_arena_fini(&memory->arena);
        free(memory);
    }
}

shmrpc_any shmrpci_any_ext(shmrpc_ext ext, const void *data, size_t len)
{
    shmrpc_any value = shmrpc_any_bytes(data, len);
    value.kind = SHMRPC_ANY_EXT;
    value.ext_type = (int8_t)ext;
    return value;
}

/* Makes an extension from a copy of the bytes in `memory`. */
static shmrpc_status make(shmrpc_any_memory *memory, shmrpc_ext ext,
                          const void *data, size_t len, shmrpc_any *out)
{
    const char *copy =
        shmrpci_arena_strndup(&memory->arena, len > 0 ? data : "", len);
    if (copy == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *out = shmrpci_any_ext(ext, copy, len);
    return SHMRPC_OK;
}

/* Returns the bytes of an extension of this kind with exactly this length, or
 * NULL for any other value. */
static const uint8_t *bytes_of(const shmrpc_any *value, shmrpc_ext ext,
                               size_t len)
{
    return shmrpc_any_is_ext(value, ext) && value->u.bytes.len == len
               ? value->u.bytes.ptr
               : NULL;
}

/* ---- big-endian ---------------------------------------------------------- */

static void put(uint8_t *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
    }
}

static uint64_t get(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static int32_t get_i32(const uint8_t *at)
{
    uint32_t bits = (uint32_t)get(at, 4);
    int32_t number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static int64_t get_i64(const uint8_t *at)
{
    uint64_t bits = get(at, 8);
    int64_t number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* Floats are encoded as their IEEE 754 bits; NaN keeps its payload. */
static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* ---- tuples and sets ----------------------------------------------------- */

/* Kinds whose bytes are a msgpack array of items. */
static bool has_items(shmrpc_ext ext)
{
    return ext == SHMRPC_EXT_TUPLE || ext == SHMRPC_EXT_SET ||
           ext == SHMRPC_EXT_FROZENSET;
}

/* Encodes the items immediately and keeps no tree of them, because a program
 * that passes an extension on treats it as bytes. Duplicates in a set are not
 * detected, and callers must not rely on the order of its elements. */
shmrpc_status shmrpc_any_make_items(shmrpc_any_memory *memory, shmrpc_ext ext,
                                    const shmrpc_any *items, size_t len,
                                    shmrpc_any *out, shmrpc_error *error)
{
    shmrpc_any list = shmrpc_any_list_of(items, len);
    shmrpci_buf buf;
    if (!has_items(ext)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "extension %d has no items", (int)ext);
    }
    shmrpci_buf_init_heap(&buf);
    shmrpc_status status =
        shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
            ->encode(&shmrpc_type_any, &list, "", &buf, error);
    if (status == SHMRPC_OK) {
        status = make(memory, ext, buf.data, buf.len, out);
    }
    shmrpci_buf_fini(&buf);
    return status;
}

/* The decoder checks the items like a message, because the bytes may be
 * anything. */
shmrpc_status shmrpci_any_read_items(shmrpci_arena *arena,
                                     const shmrpc_any *value,
                                     shmrpc_any_list *out, shmrpc_error *error)
{
    shmrpc_any list;
    if (value->kind != SHMRPC_ANY_EXT ||
        !has_items((shmrpc_ext)value->ext_type)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the value is neither a tuple nor a set");
    }
    shmrpc_status status =
        shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
            ->decode(&shmrpc_type_any, value->u.bytes.ptr, value->u.bytes.len,
                     "", arena, &list, error);
    if (status == SHMRPC_OK && list.kind != SHMRPC_ANY_LIST) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the content of a tuple or set is not a list");
    }
    if (status == SHMRPC_OK) {
        *out = list.u.list;
    }
    return status;
}

shmrpc_status shmrpc_any_read_items(shmrpc_any_memory *memory,
                                    const shmrpc_any *value,
                                    shmrpc_any_list *out, shmrpc_error *error)
{
    return shmrpci_any_read_items(&memory->arena, value, out, error);
}

/* ---- numbers ------------------------------------------------------------- */

shmrpc_status shmrpc_any_make_complex(shmrpc_any_memory *memory, double real,
                                      double imag, shmrpc_any *out)
{
    uint8_t bytes[16];
    put(bytes, bits_of(real), 8);
    put(bytes + 8, bits_of(imag), 8);
    return make(memory, SHMRPC_EXT_COMPLEX, bytes, sizeof bytes, out);
}

shmrpc_status shmrpc_any_read_complex(const shmrpc_any *value, double *out_real,
                                      double *out_imag)
{
    const uint8_t *bytes = bytes_of(value, SHMRPC_EXT_COMPLEX, 16);
    if (bytes == NULL) {
        return SHMRPC_E_INVALID;
    }
    *out_real = double_of(get(bytes, 8));
    *out_imag = double_of(get(bytes + 8, 8));
    return SHMRPC_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Counts the digits at the start of the text. */
static size_t count_digits(const char *at, size_t len)
{
    size_t count = 0;
    while (count < len && is_digit(at[count])) {
        count++;
    }
    return count;
}

static bool is_word(shmrpc_str text, const char *word)
{
    return shmrpc_str_equal(text, shmrpc_str_of(word));
}

/* Whether the text is infinity, or NaN, optionally with an `s` before it and
 * digits after it. The sign has already been removed. */
static bool is_special(shmrpc_str text)
{
    if (is_word(text, "Infinity") || is_word(text, "Inf")) {
        return true;
    }
    size_t skip = text.len > 0 && text.ptr[0] == 's' ? 1 : 0;
    return text.len >= skip + 3 && memcmp(text.ptr + skip, "NaN", 3) == 0 &&
           count_digits(text.ptr + skip + 3, text.len - skip - 3) ==
               text.len - skip - 3;
}

/* Checks the grammar of Python's `str(Decimal)`: sign, digits with at most one
 * point, exponent. There must be at least one digit before or after the point,
 * so `digits` counts both. */
static bool is_decimal(shmrpc_str text)
{
    const char *at = text.ptr;
    size_t left = text.len;
    if (left > 0 && (*at == '-' || *at == '+')) {
        at++;
        left--;
    }
    if (is_special((shmrpc_str){at, left})) {
        return true;
    }
    size_t digits = count_digits(at, left);
    at += digits;
    left -= digits;
    if (left > 0 && *at == '.') {
        size_t more = count_digits(at + 1, left - 1);
        at += 1 + more;
        left -= 1 + more;
        digits += more;
    }
    if (digits > 0 && left > 1 && (*at == 'E' || *at == 'e')) {
        size_t sign = left > 2 && (at[1] == '-' || at[1] == '+') ? 1 : 0;
        return count_digits(at + 1 + sign, left - 1 - sign) == left - 1 - sign;
    }
    return digits > 0 && left == 0;
}

shmrpc_status shmrpc_any_make_decimal(shmrpc_any_memory *memory,
                                      shmrpc_str text, shmrpc_any *out)
{
    return is_decimal(text)
               ? make(memory, SHMRPC_EXT_DECIMAL, text.ptr, text.len, out)
               : SHMRPC_E_INVALID;
}

shmrpc_status shmrpc_any_read_decimal(const shmrpc_any *value,
                                      shmrpc_str *out_text)
{
    if (!shmrpc_any_is_ext(value, SHMRPC_EXT_DECIMAL)) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_str text = {(const char *)value->u.bytes.ptr, value->u.bytes.len};
    if (!is_decimal(text)) {
        return SHMRPC_E_INVALID;
    }
    *out_text = text;
    return SHMRPC_OK;
}

/* ---- times --------------------------------------------------------------- */

/* Whether the members are in range. An offset is less than a day in either
 * direction, as in Python's `timezone`. */
static bool is_time(shmrpc_ext ext, const shmrpc_any_time *time)
{
    bool is_within =
        ext == SHMRPC_EXT_TIME
            ? time->micros >= 0 && time->micros < DAY_MICROS
            : ext == SHMRPC_EXT_DATETIME &&
                  time->micros >= FIRST_DAY * DAY_MICROS &&
                  time->micros < (LAST_DAY + (int64_t)1) * DAY_MICROS;
    return is_within && (!time->has_offset ||
                         (time->offset_s > -DAY_S && time->offset_s < DAY_S));
}

shmrpc_status shmrpc_any_make_time(shmrpc_any_memory *memory, shmrpc_ext ext,
                                   const shmrpc_any_time *time, shmrpc_any *out)
{
    uint8_t bytes[12];
    if (!is_time(ext, time)) {
        return SHMRPC_E_INVALID;
    }
    put(bytes, (uint64_t)time->micros, 8);
    put(bytes + 8, (uint32_t)time->offset_s, 4);
    return make(memory, ext, bytes, time->has_offset ? 12 : 8, out);
}

/* The length tells whether there is an offset: 8 bytes without one, 12 with
 * one. */
shmrpc_status shmrpc_any_read_time(const shmrpc_any *value,
                                   shmrpc_any_time *out)
{
    if (value->kind != SHMRPC_ANY_EXT ||
        (value->u.bytes.len != 8 && value->u.bytes.len != 12)) {
        return SHMRPC_E_INVALID;
    }
    const uint8_t *bytes = value->u.bytes.ptr;
    bool has_offset = value->u.bytes.len == 12;
    shmrpc_any_time time = {.micros = get_i64(bytes),
                            .offset_s = has_offset ? get_i32(bytes + 8) : 0,
                            .has_offset = has_offset};
    if (!is_time((shmrpc_ext)value->ext_type, &time)) {
        return SHMRPC_E_INVALID;
    }
    *out = time;
    return SHMRPC_OK;
}

static bool is_date(int32_t days)
{
    return days >= FIRST_DAY && days <= LAST_DAY;
}

shmrpc_status shmrpc_any_make_date(shmrpc_any_memory *memory, int32_t days,
                                   shmrpc_any *out)
{
    uint8_t bytes[4];
    put(bytes, (uint32_t)days, 4);
    return is_date(days) ? make(memory, SHMRPC_EXT_DATE, bytes, 4, out)
                         : SHMRPC_E_INVALID;
}

shmrpc_status shmrpc_any_read_date(const shmrpc_any *value, int32_t *out_days)
{
    const uint8_t *bytes = bytes_of(value, SHMRPC_EXT_DATE, 4);
    if (bytes == NULL || !is_date(get_i32(bytes))) {
        return SHMRPC_E_INVALID;
    }
    *out_days = get_i32(bytes);
    return SHMRPC_OK;
}

/* Python's normal form of a `timedelta`: only the days may be negative, so that
 * each span has only one form. */
static bool is_span(const shmrpc_any_span *span)
{
    return span->days >= -999999999 && span->days <= 999999999 &&
           span->seconds >= 0 && span->seconds < DAY_S && span->micros >= 0 &&
           span->micros < 1000000;
}

shmrpc_status shmrpc_any_make_span(shmrpc_any_memory *memory,
                                   const shmrpc_any_span *span, shmrpc_any *out)
{
    uint8_t bytes[12];
    put(bytes, (uint32_t)span->days, 4);
    put(bytes + 4, (uint32_t)span->seconds, 4);
    put(bytes + 8, (uint32_t)span->micros, 4);
    return is_span(span)
               ? make(memory, SHMRPC_EXT_TIMEDELTA, bytes, sizeof bytes, out)
               : SHMRPC_E_INVALID;
}

shmrpc_status shmrpc_any_read_span(const shmrpc_any *value,
                                   shmrpc_any_span *out)
{
    const uint8_t *bytes = bytes_of(value, SHMRPC_EXT_TIMEDELTA, 12);
    if (bytes == NULL) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_any_span span = {get_i32(bytes), get_i32(bytes + 4),
                            get_i32(bytes + 8)};
    if (!is_span(&span)) {
        return SHMRPC_E_INVALID;
    }
    *out = span;
    return SHMRPC_OK;
}

/* ---- identifiers --------------------------------------------------------- */

shmrpc_status shmrpc_any_make_uuid(shmrpc_any_memory *memory,
                                   const uint8_t bytes[16], shmrpc_any *out)
{
    return make(memory, SHMRPC_EXT_UUID, bytes, 16, out);
}

shmrpc_status shmrpc_any_read_uuid(const shmrpc_any *value, uint8_t out[16])
{
    const uint8_t *bytes = bytes_of(value, SHMRPC_EXT_UUID, 16);
    if (bytes == NULL) {
        return SHMRPC_E_INVALID;
    }
    memcpy(out, bytes, 16);
    return SHMRPC_OK;
}
