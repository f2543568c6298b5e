/*
 * Writes numbers as JSON text.
 *
 * Every text written here reads back as exactly the same number, and no shorter
 * text does. Integers are written two digits at a time. json_shortest.c
 * converts floats to digits and an exponent; this file chooses between "0.001",
 * "1500" and "1e-7" as JavaScript does, except that "e" begins at 10^17 instead
 * of 10^21. No function depends on the locale.
 */
#include "codec/json_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_shortest.h"

/* Numbers with a decimal exponent outside this range are written with an
 * `e`. */
#define PLAIN_MIN_EXPONENT (-6)
#define PLAIN_MAX_EXPONENT 17

/* All pairs of digits, which halve the number of divisions. */
static const char pairs[] =
    "00010203040506070809"
    "10111213141516171819"
    "20212223242526272829"
    "30313233343536373839"
    "40414243444546474849"
    "50515253545556575859"
    "60616263646566676869"
    "70717273747576777879"
    "80818283848586878889"
    "90919293949596979899";

/* Compares instead of dividing, because most numbers are short. */
static size_t count_digits(uint64_t number)
{
    size_t count = 1;
    for (;;) {
        if (number < 10) {
            return count;
        }
        if (number < 100) {
            return count + 1;
        }
        if (number < 1000) {
            return count + 2;
        }
        if (number < 10000) {
            return count + 3;
        }
        number /= 10000;
        count += 4;
    }
}

/* Writes from the end to the start, because division gives the last digits
 * first. */
static size_t put_digits_of(uint64_t number, char *out)
{
    size_t len = count_digits(number);
    char *at = out + len;
    while (number >= 100) {
        at -= 2;
        memcpy(at, pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        memcpy(out, pairs + number * 2, 2);
    } else {
        *out = (char)('0' + number);
    }
    return len;
}

size_t shmrpci_int_to_text(shmrpci_int number,
                           char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    out[0] = '-';
    size_t sign = number.negative ? 1 : 0;
    return sign + put_digits_of(number.magnitude, out + sign);
}

/* A decimal number without a sign: 0.d1d2d3... * 10^point. */
typedef struct decimal {
    /* A double needs 17; 20 hold any u64. */
    char digits[20];
    int count;
    int point;
} decimal;

/* Writes the digits from position `from` up to `to`; positions before the first
 * digit and after the last are zeros. */
static size_t put_digits(const decimal *number, int from, int to, char *out)
{
    size_t len = 0;
    for (int i = from; i < to; i++) {
        out[len++] = i >= 0 && i < number->count ? number->digits[i] : '0';
    }
    return len;
}

/* Writes the form "d.ddde-7"; the exponent has no plus and no leading zeros. */
static size_t put_scientific(const decimal *number, char *out)
{
    size_t len = put_digits(number, 0, 1, out);
    if (number->count > 1) {
        out[len++] = '.';
        len += put_digits(number, 1, number->count, out + len);
    }
    out[len++] = 'e';
    int exponent = number->point - 1;
    if (exponent < 0) {
        out[len++] = '-';
    }
    return len + put_digits_of((uint64_t)abs(exponent), out + len);
}

static size_t put_decimal(const decimal *number, char *out)
{
    int point = number->point;
    if (point < PLAIN_MIN_EXPONENT + 1 || point > PLAIN_MAX_EXPONENT) {
        return put_scientific(number, out);
    }
    size_t len = 0;
    /* 0.00ddd: the positions from `point` to 0 are the zeros after the decimal
     * point. */
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

/* Converts the shortest digits, without the zeros at their end; the exponent
 * counts from the point before the first digit. */
static decimal to_decimal(shmrpci_shortest number)
{
    char text[SHMRPCI_NUMBER_TEXT_BYTES];
    size_t count = put_digits_of(number.digits, text);
    decimal result = {.point = number.exponent + (int)count};
    while (count > 1 && text[count - 1] == '0') {
        count--;
    }
    memcpy(result.digits, text, count);
    result.count = (int)count;
    return result;
}

/* The float must be finite: callers write NaN and infinity in their own
 * ways. */
static size_t float_to_text(double number, bool is_single,
                            char out[SHMRPCI_NUMBER_TEXT_BYTES])
{
    size_t len = 0;
    /* -0.0 keeps its sign, too. */
    if (signbit(number)) {
        out[len++] = '-';
        number = -number;
    }
    /* Integers below 2^53 (f32: 2^24) are exact, so their digits are the
     * shortest text. */
    double exact = is_single ? 16777216.0 : 9007199254740992.0;
    if (number < exact && number == (double)(uint64_t)number) {
        return len + put_digits_of((uint64_t)number, out + len);
    }
    decimal shortest =
        to_decimal(is_single ? shmrpci_shortest_f32((float)number)
                             : shmrpci_shortest_f64(number));
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
