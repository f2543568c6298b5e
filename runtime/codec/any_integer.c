/*
 * Integers of any size: converts decimal text to two's complement and back.
 *
 * Uses schoolbook arithmetic on bytes, which is quadratic in the digits. The
 * cost is bounded: SHMRPC_BIGINT_MAX_DIGITS is the limit that Python itself has
 * for the same reason (4,300 digits, CVE-2020-10735), and the longest number
 * takes 1,786 bytes. Numbers are computed on the stack; only results go to the
 * arena.
 *
 * Each number has one form: SHMRPC_ANY_I64 if it fits an i64, SHMRPC_ANY_U64 if
 * it fits only a u64, and otherwise extension 5 without superfluous bytes.
 * Equality and keys of maps rely on that.
 */
#include <string.h>

#include "codec/any_ext.h"

/* Max bytes of a magnitude: 4,300 digits need 1,786. */
#define MAX_BYTES 1800u

/* A magnitude, least significant byte first. */
typedef struct magnitude {
    uint8_t bytes[MAX_BYTES];
    size_t len;
} magnitude;

/* Computes `of * factor + add` in place. `factor` and `add` must be small
 * enough for the carry: 10 and 9 here. The caller limits the digits, so that
 * MAX_BYTES is never reached. */
static void multiply_add(magnitude *of, uint32_t factor, uint32_t add)
{
    uint32_t carry = add;
    for (size_t i = 0; i < of->len; i++) {
        carry += of->bytes[i] * factor;
        of->bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    while (carry > 0 && of->len < MAX_BYTES) {
        of->bytes[of->len++] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Divides the number in place and returns the remainder. Drops bytes that
 * become zero at the top: a length of 0 is the number 0. */
static uint32_t divide(magnitude *of, uint32_t by)
{
    uint32_t rest = 0;
    for (size_t i = of->len; i > 0; i--) {
        uint32_t part = rest << 8 | of->bytes[i - 1];
        of->bytes[i - 1] = (uint8_t)(part / by);
        rest = part % by;
    }
    while (of->len > 0 && of->bytes[of->len - 1] == 0) {
        of->len--;
    }
    return rest;
}

/* Negates the two's complement number in `bytes`, most significant byte first,
 * in place: inverts all bits and adds one. */
static void negate(uint8_t *bytes, size_t len)
{
    uint32_t carry = 1;
    for (size_t i = len; i > 0; i--) {
        carry += (uint8_t)~bytes[i - 1];
        bytes[i - 1] = (uint8_t)carry;
        carry >>= 8;
    }
}

bool shmrpci_any_is_bigint(const uint8_t *bytes, size_t len)
{
    if (len < 9) {
        return false; /* it fits an i64 */
    }
    if (len == 9 && bytes[0] == 0) {
        return false; /* it fits a u64 */
    }
    bool is_negative = (bytes[0] & 0x80) != 0;
    bool next_is_negative = (bytes[1] & 0x80) != 0;
    /* The first byte may repeat the sign only if the next byte alone would show
     * the other sign. */
    bool is_filler = bytes[0] == (is_negative ? 0xFF : 0);
    return !is_filler || is_negative != next_is_negative;
}

/* ---- from text ----------------------------------------------------------- */

/* Reads an optional sign, then digits only. `*out_negative` is true also for
 * "-0", which `fits` turns into 0. */
static shmrpc_status scan(shmrpc_str digits, bool *out_negative, magnitude *out)
{
    size_t at = digits.len > 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+')
                    ? 1
                    : 0;
    *out_negative = at == 1 && digits.ptr[0] == '-';
    out->len = 0;
    if (digits.len == at) {
        return SHMRPC_E_INVALID;
    }
    /* Checked before any arithmetic, so that a peer can't decide how long we
     * calculate. */
    if (digits.len - at > SHMRPC_BIGINT_MAX_DIGITS) {
        return SHMRPC_E_TOO_LARGE;
    }
    for (; at < digits.len; at++) {
        char c = digits.ptr[at];
        if (c < '0' || c > '9') {
            return SHMRPC_E_INVALID;
        }
        multiply_add(out, 10, (uint32_t)(c - '0'));
    }
    return SHMRPC_OK;
}

/* Whether the number fits an i64 or u64. If so, sets `*out` to an i64 or
 * u64. */
static bool fits(const magnitude *of, bool is_negative, shmrpc_any *out)
{
    uint64_t number = 0;
    if (of->len > 8) {
        return false;
    }
    for (size_t i = of->len; i > 0; i--) {
        number = number << 8 | of->bytes[i - 1];
    }
    if (!is_negative) {
        *out = number <= (uint64_t)INT64_MAX ? shmrpc_any_i64((int64_t)number)
                                             : shmrpc_any_u64(number);
        return true;
    }
    if (number > (uint64_t)INT64_MAX + 1) {
        return false;
    }
    /* Computes -number as an int64_t, without negating INT64_MIN. */
    *out = shmrpc_any_i64(number == 0 ? 0 : -(int64_t)(number - 1) - 1);
    return true;
}

shmrpc_status shmrpc_any_make_integer(shmrpc_any_memory *memory,
                                      shmrpc_str digits, shmrpc_any *out)
{
    magnitude number;
    bool is_negative;
    shmrpc_status status = scan(digits, &is_negative, &number);
    if (status != SHMRPC_OK || fits(&number, is_negative, out)) {
        return status;
    }
    size_t len = number.len + 1; /* with a byte for the sign */
    uint8_t *bytes = shmrpci_arena_alloc(shmrpci_any_arena(memory), len, 1);
    if (bytes == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    bytes[0] = 0;
    for (size_t i = 0; i < number.len; i++) {
        bytes[len - 1 - i] = number.bytes[i];
    }
    if (is_negative) {
        negate(bytes, len);
    }
    if (!shmrpci_any_is_bigint(bytes, len)) {
        bytes++; /* the next byte shows the sign */
        len--;
    }
    *out = shmrpci_any_ext(SHMRPC_EXT_BIGINT, bytes, len);
    return SHMRPC_OK;
}

/* ---- to text ------------------------------------------------------------- */

static void load_number(uint64_t number, magnitude *out)
{
    out->len = 0;
    for (; number > 0; number >>= 8) {
        out->bytes[out->len++] = (uint8_t)number;
    }
}

/* The bytes may come from a peer: checks first their length, then their form,
 * and only then copies them. */
static shmrpc_status load_bigint(const shmrpc_any *value, bool *out_negative,
                                 magnitude *out)
{
    uint8_t bytes[MAX_BYTES];
    size_t len = value->u.bytes.len;
    if (!shmrpc_any_is_ext(value, SHMRPC_EXT_BIGINT)) {
        return SHMRPC_E_INVALID;
    }
    /* Other writers may send longer numbers than we do. */
    if (len > MAX_BYTES - 1) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (!shmrpci_any_is_bigint(value->u.bytes.ptr, len)) {
        return SHMRPC_E_INVALID;
    }
    memcpy(bytes, value->u.bytes.ptr, len);
    *out_negative = (bytes[0] & 0x80) != 0;
    if (*out_negative) {
        negate(bytes, len);
    }
    for (size_t i = 0; i < len; i++) {
        out->bytes[i] = bytes[len - 1 - i];
    }
    out->len = len;
    while (out->len > 0 && out->bytes[out->len - 1] == 0) {
        out->len--;
    }
    return SHMRPC_OK;
}

static shmrpc_status load(const shmrpc_any *value, bool *out_negative,
                          magnitude *out)
{
    *out_negative = false;
    if (value->kind == SHMRPC_ANY_U64) {
        load_number(value->u.u64, out);
        return SHMRPC_OK;
    }
    if (value->kind == SHMRPC_ANY_I64) {
        *out_negative = value->u.i64 < 0;
        load_number(*out_negative ? 0 - (uint64_t)value->u.i64
                                  : (uint64_t)value->u.i64,
                    out);
        return SHMRPC_OK;
    }
    return load_bigint(value, out_negative, out);
}

shmrpc_status shmrpc_any_read_integer(shmrpc_any_memory *memory,
                                      const shmrpc_any *value,
                                      shmrpc_str *out_digits)
{
    /* 1,799 bytes have up to 4,333 digits; with the sign 4,334. */
    char text[SHMRPC_BIGINT_MAX_DIGITS + 40]; /* holds the digits of MAX_BYTES
                                               * bytes */
    magnitude number;
    bool is_negative;
    shmrpc_status status = load(value, &is_negative, &number);
    if (status != SHMRPC_OK) {
        return status;
    }
    size_t at = sizeof text;
    /* Writes from the last digit to the first; at least one digit, for 0. */
    do {
        text[--at] = (char)('0' + divide(&number, 10));
    } while (number.len > 0);
    if (sizeof text - at > SHMRPC_BIGINT_MAX_DIGITS) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (is_negative) {
        text[--at] = '-';
    }
    const char *copy = shmrpci_arena_strndup(shmrpci_any_arena(memory),
                                             text + at, sizeof text - at);
    if (copy == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *out_digits = (shmrpc_str){copy, sizeof text - at};
    return SHMRPC_OK;
}
