/*
 * Reads numbers from JSON text: exact for integers, rounded to the nearest
 * (ties to even) for floats.
 *
 * The lexer has checked the grammar; only valid JSON numbers may be passed in.
 * Floats are read by the Eisel-Lemire algorithm if the first 19 digits decide,
 * which is nearly always; strtod, which is much slower, reads the rest: ties,
 * subnormal numbers, more digits, exponents out of range.
 *
 * Integers are never converted through a double, which is exact only to 53
 * bits.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_number.h"
#include "codec/json_powers.h"

/*
 * strtod and strtof obey the program's locale, which may use a decimal comma.
 * The "C" locale object is a constant in glibc and musl: newlocale allocates
 * nothing here, and freelocale frees nothing.
 */
static double parse_f64(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number = c != (locale_t)0 ? strtod_l(text, NULL, c) : 0;
    freelocale(c);
    return number;
}

static float parse_f32(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    float number = c != (locale_t)0 ? strtof_l(text, NULL, c) : 0;
    freelocale(c);
    return number;
}

/* Stops before the magnitude overflows. The sign is stored separately, so that
 * -0 is negative with magnitude 0. */
bool shmrpci_text_to_int(const char *text, size_t len, shmrpci_int *out)
{
    shmrpci_int number = {.negative = len > 0 && text[0] == '-'};
    for (size_t i = number.negative ? 1 : 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (number.magnitude > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number.magnitude = number.magnitude * 10 + digit;
    }
    *out = number;
    return true;
}

/* Checks the grammar: no plus, no leading zeros, at least one digit. */
bool shmrpci_text_is_int(const char *text, size_t len)
{
    size_t at = len > 0 && text[0] == '-' ? 1 : 0;
    if (at == len || (text[at] == '0' && len > at + 1)) {
        return false;
    }
    while (at < len && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at == len;
}

/* Reads the exponent after the `e`. Counting stops above 10,000: texts have at
 * most 1024 bytes, so no digits can bring such a number back into range. */
static int scan_exponent(const char *text, size_t len)
{
    bool is_below = text[0] == '-';
    int exponent = 0;
    for (size_t at = is_below || text[0] == '+' ? 1 : 0;
         at < len && exponent < 10000; at++) {
        exponent = exponent * 10 + (text[at] - '0');
    }
    return is_below ? -exponent : exponent;
}

/* A JSON number as digits * 10^exponent. */
typedef struct scientific {
    uint64_t digits;
    int exponent;
    bool negative;
} scientific;

/* Returns false if the number needs strtod: more than 19 significant digits
 * don't fit 64 bits, and a huge exponent is out of range anyway. Leading zeros
 * don't count as significant. */
static bool scan_number(const char *text, size_t len, scientific *out)
{
    size_t at = len > 0 && text[0] == '-' ? 1 : 0;
    size_t significant = 0;
    bool is_fraction = false;
    *out = (scientific){.negative = at == 1};
    for (; at < len && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            is_fraction = true;
            continue;
        }
        /* Beyond 19 digits this overflows, perhaps to 0; the result is not used
         * then. */
        out->digits = out->digits * 10 + (uint64_t)(text[at] - '0');
        out->exponent -= is_fraction ? 1 : 0;
        significant += significant != 0 || text[at] != '0' ? 1 : 0;
    }
    if (at < len) {
        at++;
        out->exponent += scan_exponent(text + at, len - at);
    }
    return significant <= 19 && out->exponent > -10000 && out->exponent < 10000;
}

/* How f64 and f32 differ: the parts of IEEE 754. */
typedef struct float_form {
    int bits; /* number of bits of the fraction */
    int bias;
    uint64_t infinity; /* the exponent that means infinity */
} float_form;

/*
 * Eisel-Lemire (Lemire 2021, "Number parsing at a gigabyte per second"): the
 * product of the digits and 64, or if need be 128, bits of the power of ten
 * decides, except for rare ties. Returns false for ties, subnormal numbers and
 * numbers out of range.
 */
static bool round_product(const scientific *number, const float_form *form,
                          uint64_t *bits)
{
    int k = number->exponent;
    if (k < SHMRPCI_POWERS_MIN || k > SHMRPCI_POWERS_MAX) {
        return false;
    }
    /* The caller has excluded 0, for which clz is undefined. */
    int zeros = __builtin_clzll(number->digits);
    uint64_t digits = number->digits << zeros;
    const shmrpci_power *power = &shmrpci_powers_of_ten[k - SHMRPCI_POWERS_MIN];
    /* One extra bit because the top bit of the product may be 0, and one for
     * rounding. */
    const int cut = 64 - form->bits - 3;
    const uint64_t mask = (UINT64_C(1) << cut) - 1;

    shmrpci_product x = shmrpci_multiply(digits, power->high);
    /* Multiplies the lower half of the power only if it could carry into the
     * bits that decide. */
    if ((x.high & mask) == mask && x.low + digits < digits) {
        shmrpci_product y = shmrpci_multiply(digits, power->low);
        uint64_t low = x.low + y.high;
        uint64_t high = x.high + (low < x.low ? 1 : 0);
        if ((high & mask) == mask && low + 1 == 0 && y.low + digits < digits) {
            return false;
        }
        x = (shmrpci_product){high, low};
    }
    int top = (int)(x.high >> 63);
    uint64_t fraction = x.high >> (top + cut);
    /* Exactly half-way, or so close that strtod must decide. */
    if (x.low == 0 && (x.high & mask) == 0 && (fraction & 3) == 1) {
        return false;
    }
    fraction = (fraction + (fraction & 1)) >> 1;
    /* 217706 / 2^16 is log2(10); exact enough for every k of the table. */
    int exponent = ((217706 * k) >> 16) + 64 + form->bias - zeros - (1 - top);
    /* Rounding carried into a new bit. */
    if (fraction >> (form->bits + 1) != 0) {
        fraction >>= 1;
        exponent++;
    }
    if (exponent < 1 || (uint64_t)exponent >= form->infinity) {
        return false;
    }
    *bits = (uint64_t)exponent << form->bits |
            (fraction & ((UINT64_C(1) << form->bits) - 1));
    return true;
}

/* Copies the text and adds a NUL, which the input need not have. The caller has
 * checked the length; it is cut here only to be safe. */
static void copy_text(char copy[SHMRPCI_JSON_MAX_NUMBER_BYTES + 1],
                      const char *text, size_t len)
{
    len = len < SHMRPCI_JSON_MAX_NUMBER_BYTES ? len
                                              : SHMRPCI_JSON_MAX_NUMBER_BYTES;
    memcpy(copy, text, len);
    copy[len] = '\0';
}

double shmrpci_text_to_f64(const char *text, size_t len)
{
    static const float_form form = {52, 1023, 0x7FF};
    scientific number;
    uint64_t bits = 0;
    if (scan_number(text, len, &number) &&
        (number.digits == 0 || round_product(&number, &form, &bits))) {
        bits |= (uint64_t)number.negative << 63;
        double result;
        memcpy(&result, &bits, sizeof result);
        return result;
    }
    char copy[SHMRPCI_JSON_MAX_NUMBER_BYTES + 1];
    copy_text(copy, text, len);
    return parse_f64(copy);
}

/* Reads directly, not through a double, which would round twice. */
float shmrpci_text_to_f32(const char *text, size_t len)
{
    static const float_form form = {23, 127, 0xFF};
    scientific number;
    uint64_t bits = 0;
    if (scan_number(text, len, &number) &&
        (number.digits == 0 || round_product(&number, &form, &bits))) {
        uint32_t half = (uint32_t)bits | (uint32_t)number.negative << 31;
        float result;
        memcpy(&result, &half, sizeof result);
        return result;
    }
    char copy[SHMRPCI_JSON_MAX_NUMBER_BYTES + 1];
    copy_text(copy, text, len);
    return parse_f32(copy);
}

/* Multiplies by 10^count; returns false if the result takes more than 64 bits.
 * Ends early for 0, whose count may be huge. */
static bool append_zeros(uint64_t *number, int count)
{
    for (; *number != 0 && count > 0; count--) {
        if (*number > UINT64_MAX / 10) {
            return false;
        }
        *number *= 10;
    }
    return true;
}

/* Decides by the digits, because a double can't hold all of them. Zeros are
 * held back until another digit follows, so that "1.000" needs no more room
 * than "1". If digits remain after the point at the end, the number is not an
 * integer. */
bool shmrpci_text_to_int_from_real(const char *text, size_t len,
                                   shmrpci_int *out)
{
    shmrpci_int number = {.negative = len > 0 && text[0] == '-'};
    size_t at = number.negative ? 1 : 0;
    bool is_fraction = false;
    int zeros = 0;
    int exponent = 0;
    for (; at < len && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            is_fraction = true;
            continue;
        }
        uint64_t digit = (uint64_t)(text[at] - '0');
        exponent -= is_fraction ? 1 : 0;
        zeros++;
        if (digit != 0) {
            if (!append_zeros(&number.magnitude, zeros) ||
                number.magnitude > UINT64_MAX - digit) {
                return false;
            }
            number.magnitude += digit;
            zeros = 0;
        }
    }
    if (at < len) {
        at++;
        exponent += scan_exponent(text + at, len - at);
    }
    if (number.magnitude != 0 &&
        (exponent + zeros < 0 ||
         !append_zeros(&number.magnitude, exponent + zeros))) {
        return false;
    }
    *out = number;
    return true;
}
