/* Numbers as JSON text. */
#include "codec/json_number.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Exponents outside this range are written with an `e`. */
#define PLAIN_MIN_EXPONENT (-6)
#define PLAIN_MAX_EXPONENT 17

size_t shmrpci_int_to_text(shmrpci_int number,
                           char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    char digits[20];
    size_t count = 0;
    uint64_t rest = number.magnitude;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    size_t len = 0;
    if (number.negative) {
        out[len++] = '-';
    }
    while (count > 0) {
        out[len++] = digits[--count];
    }
    return len;
}

/*
 * strtod and strtof obey the program's locale, which may write a comma. The
 * "C" locale object is a constant in glibc and musl: newlocale allocates
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

/* A decimal number: 0.d1d2d3... * 10^point. */
typedef struct decimal {
    char digits[20];
    int count;
    int point;
} decimal;

/* `precision` significant digits of a positive number. */
static decimal digits_of(double number, int precision)
{
    /* As in "1.2345e+02", but the point may be any text: only digits count. */
    char text[48];
    (void)snprintf(text, sizeof text, "%.*e", precision - 1, number);
    decimal result = {.count = 0};
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9' &&
            result.count < (int)sizeof result.digits) {
            result.digits[result.count++] = *at;
        }
    }
    result.point = (*at == 'e' ? atoi(at + 1) : 0) + 1;
    while (result.count > 1 && result.digits[result.count - 1] == '0') {
        result.count--;
    }
    return result;
}

static size_t put_digits(const decimal *number, int from, int to, char *out)
{
    size_t len = 0;
    for (int i = from; i < to; i++) {
        out[len++] = i >= 0 && i < number->count ? number->digits[i] : '0';
    }
    return len;
}

static size_t put_scientific(const decimal *number, char *out)
{
    size_t len = put_digits(number, 0, 1, out);
    if (number->count > 1) {
        out[len++] = '.';
        len += put_digits(number, 1, number->count, out + len);
    }
    out[len++] = 'e';
    int exponent = number->point - 1;
    shmrpci_int as_int = {.negative = exponent < 0,
                          .magnitude = (uint64_t)abs(exponent)};
    return len + shmrpci_int_to_text(as_int, out + len);
}

static size_t put_decimal(const decimal *number, char *out)
{
    int point = number->point;
    if (point < PLAIN_MIN_EXPONENT + 1 || point > PLAIN_MAX_EXPONENT) {
        return put_scientific(number, out);
    }
    size_t len = 0;
    if (point <= 0) {
        out[len++] = '0';
        out[len++] = '.';
        return len + put_digits(number, point, number->count, out + len);
    }
    len = put_digits(number, 0, point, out);
    if (number->count > point) {
        out[len++] = '.';
        len += put_digits(number, point, number->count, out + len);
    }
    return len;
}

static bool reads_back(const decimal *number, double wanted, bool is_single)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    text[put_scientific(number, text)] = '\0';
    return is_single ? parse_f32(text) == (float)wanted
                     : parse_f64(text) == wanted;
}

static size_t float_to_text(double number, bool is_single,
                            char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    size_t len = 0;
    if (signbit(number)) {
        out[len++] = '-';
        number = -number;
    }
    /* Integers below 2^53 are their own shortest text; below 2^24 in f32. */
    double exact = is_single ? 16777216.0 : 9007199254740992.0;
    if (number < exact && number == (double)(uint64_t)number) {
        shmrpci_int as_int = {.magnitude = (uint64_t)number};
        return len + shmrpci_int_to_text(as_int, out + len);
    }
    /* What has up to 15 (6) digits reads back with that many, and the zeros
     * behind are cut; subnormal numbers hold fewer. */
    double normal = is_single ? (double)FLT_MIN : DBL_MIN;
    int precision = number < normal ? 1 : is_single ? 6 : 15;
    int enough = is_single ? 9 : 17;
    decimal shortest = digits_of(number, precision);
    while (precision < enough && !reads_back(&shortest, number, is_single)) {
        precision++;
        shortest = digits_of(number, precision);
    }
    return len + put_decimal(&shortest, out + len);
}

size_t shmrpci_f64_to_text(double number, char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    return float_to_text(number, false, out);
}

size_t shmrpci_f32_to_text(float number, char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    return float_to_text((double)number, true, out);
}

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

/* Up to 15 digits and a small power of ten: both are exact doubles, and so one
 * operation rounds correctly (Clinger 1990). False: not this simple. */
static bool parse_simple(const char *text, size_t len, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3, 1e4,  1e5,
                                    1e6,  1e7,  1e8,  1e9, 1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15};
    bool negative = text[0] == '-';
    uint64_t digits = 0;
    size_t count = 0;
    size_t fraction = 0;
    bool after_point = false;
    for (size_t i = negative ? 1 : 0; i < len; i++) {
        if (text[i] == '.') {
            after_point = true;
        } else if (text[i] >= '0' && text[i] <= '9' && count < 15) {
            digits = digits * 10 + (uint64_t)(text[i] - '0');
            count++;
            fraction += after_point ? 1 : 0;
        } else {
            return false;
        }
    }
    double number = (double)digits / powers[fraction];
    *out = negative ? -number : number;
    return true;
}

/* A copy that ends with a NUL: the input need not. */
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
    double number;
    if (parse_simple(text, len, &number)) {
        return number;
    }
    char copy[SHMRPCI_JSON_MAX_NUMBER_BYTES + 1];
    copy_text(copy, text, len);
    return parse_f64(copy);
}

float shmrpci_text_to_f32(const char *text, size_t len)
{
    char copy[SHMRPCI_JSON_MAX_NUMBER_BYTES + 1];
    copy_text(copy, text, len);
    return parse_f32(copy);
}

bool shmrpci_text_to_int_from_real(const char *text, size_t len,
                                   shmrpci_int *out)
{
    double number = shmrpci_text_to_f64(text, len);
    double magnitude = fabs(number);
    if (!(magnitude <= 9007199254740992.0) ||
        magnitude != (double)(uint64_t)magnitude) {
        return false;
    }
    *out =
        (shmrpci_int){.negative = number < 0, .magnitude = (uint64_t)magnitude};
    return true;
}
