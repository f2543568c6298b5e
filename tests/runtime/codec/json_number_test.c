/* Floats as text: written text reads back as the same bits, no shorter text
 * would, and we read texts as strtod and strtof do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json_number.h"
#include "random.h"

enum { NUMBERS = 20000 };

static unsigned number_count(void)
{
    return getenv("SHMRPC_TEST_LONG") != NULL ? NUMBERS * 500 : NUMBERS;
}

/* Returns a finite double. At random it has arbitrary bits, has few significant
 * bits, is of a usual magnitude, or is a short decimal fraction. */
static double random_double(uint64_t *seed)
{
    static const double scales[] = {1, 10, 100, 1000, 1e5, 1e9};
    uint64_t bits = random_bits(seed);
    double number;
    switch (random_below(seed, 4)) {
    case 0:
        bits &= ~UINT64_C(0) << random_below(seed, 53);
        break;
    case 1:
        bits &= ~(UINT64_C(0x7FF) << 52);
        bits |= (uint64_t)(1003 + random_below(seed, 80)) << 52;
        break;
    case 2:
        return (double)random_below(seed, 100000000) /
               scales[random_below(seed, 6)];
    default:
        break;
    }
    memcpy(&number, &bits, sizeof number);
    return isfinite(number) ? number : 1.5;
}

/* Counts the significant digits. */
static int digits_in(const char *text)
{
    int digits = 0;
    int zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += digits > 0 ? 1 : 0;
        } else if (*text != '.' && *text != '-') {
            digits += zeros + 1;
            zeros = 0;
        }
    }
    return digits;
}

static void doubles(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (unsigned i = 0; i < number_count(); i++) {
        char text[64];
        char shorter[64];
        double number = random_double(&seed);
        size_t len = shmrpci_f64_to_text(number, text);
        text[len] = '\0';
        double back = shmrpci_text_to_f64(text, len);
        if (strtod(text, NULL) != number ||
            memcmp(&back, &number, sizeof back) != 0) {
            fail_msg("%.17g became %s", number, text);
        }
        int digits = digits_in(text);
        if (digits > 1) {
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2, number);
            if (strtod(shorter, NULL) == number) {
                fail_msg("%s, but %s would do", text, shorter);
            }
        }
    }
}

static void floats(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (unsigned i = 0; i < number_count(); i++) {
        char text[64];
        char shorter[64];
        float number;
        uint32_t bits = (uint32_t)random_bits(&seed);
        memcpy(&number, &bits, sizeof number);
        number = isfinite(number) ? number : 0.1f;
        size_t len = shmrpci_f32_to_text(number, text);
        text[len] = '\0';
        if (strtof(text, NULL) != number ||
            shmrpci_text_to_f32(text, len) != number) {
            fail_msg("%.9g became %s", (double)number, text);
        }
        int digits = digits_in(text);
        if (digits > 1) {
            snprintf(shorter, sizeof shorter, "%.*e", digits - 2,
                     (double)number);
            if (strtof(shorter, NULL) == number) {
                fail_msg("%s, but %s would do", text, shorter);
            }
        }
    }
}

static void reads_as(const char *text)
{
    size_t len = strlen(text);
    double wanted = strtod(text, NULL);
    double got = shmrpci_text_to_f64(text, len);
    float single_wanted = strtof(text, NULL);
    float single_got = shmrpci_text_to_f32(text, len);
    if (memcmp(&got, &wanted, sizeof got) != 0) {
        fail_msg("%s is %.17g, not %.17g", text, wanted, got);
    }
    if (memcmp(&single_got, &single_wanted, sizeof single_got) != 0) {
        fail_msg("%s is %.9gf, not %.9gf", text, (double)single_wanted,
                 (double)single_got);
    }
}

static void texts(void **state)
{
    /* Ties, the ends of the range, and too many digits for the fast path. */
    static const char *const hard[] = {
        "0",
        "-0.0",
        "0e999999999",
        "1e-400",
        "1e400",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "9007199254740993",
        "9007199254740992.999999999999999999999",
        "9007199254740993.000000000000000000001",
        "16777217",
        "16777217.000000000000000000001",
        "7.038531e-26",
        "1.00000017881393421514957253748434595763683319091796875",
        "1.00000017881393432617187499",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "7.0064923216240853e-46",
        "8.5e22",
        "1e23",
        "-7.378697629483820646400e+19", /* 2^66: its digits overflow to 0 */
        "73786976294838206464",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000000001",
    };
    (void)state;
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        reads_as(hard[i]);
    }
    for (unsigned i = 0; i < number_count(); i++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", (int)random_below(&seed, 22),
                 random_double(&seed));
        reads_as(text);
        snprintf(text, sizeof text, "%llue%d",
                 (unsigned long long)random_bits(&seed) >>
                     random_below(&seed, 64),
                 (int)random_below(&seed, 700) - 360);
        reads_as(text);
    }
}

static void integers(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (unsigned i = 0; i < number_count(); i++) {
        char text[SHMRPCI_NUMBER_TEXT_BYTES];
        char wanted[32];
        shmrpci_int back;
        shmrpci_int number = {.negative = i % 2 == 1,
                              .magnitude = random_bits(&seed) >>
                                           random_below(&seed, 64)};
        size_t len = shmrpci_int_to_text(number, text);
        snprintf(wanted, sizeof wanted, "%s%llu", number.negative ? "-" : "",
                 (unsigned long long)number.magnitude);
        assert_int_equal(len, strlen(wanted));
        assert_memory_equal(text, wanted, len);
        assert_true(shmrpci_text_to_int(text, len, &back));
        assert_true(back.negative == number.negative &&
                    back.magnitude == number.magnitude);
    }
}

/* Integers written with a fraction or an exponent: the digits decide, not the
 * nearest double. */
static void integers_as_reals(void **state)
{
    static const struct {
        const char *text;
        uint64_t magnitude;
        bool negative;
    } exact[] = {
        {"1.0", 1, false},
        {"1e3", 1000, false},
        {"12.30e1", 123, false},
        {"1200e-2", 12, false},
        {"-7.50E+1", 75, true},
        {"-0.0", 0, true},
        {"0e999999999999999999999", 0, false},
        {"0.000e-99999999999999999999", 0, false},
        {"0.0001e4", 1, false},
        {"9007199254740991.0", UINT64_C(9007199254740991), false},
        {"9007199254740993.0", UINT64_C(9007199254740993), false},
        {"9007199254740993e0", UINT64_C(9007199254740993), false},
        {"90071992547409930.0e-1", UINT64_C(9007199254740993), false},
        {"1.8446744073709551615e19", UINT64_MAX, false},
        {"18446744073709551615.000", UINT64_MAX, false},
        {"-9223372036854775808.0", UINT64_C(1) << 63, true},
    };
    static const char *const refused[] = {
        "0.99999999999999999999",
        "1.00000000000000000001",
        "9007199254740991.4",
        "9007199254740992.5",
        "1e-1",
        "12.30",
        "1e-99999999999999999999",
        "4.9e-324",
        "18446744073709551616.0",
        "1.8446744073709551616e19",
        "1e20",
        "1e999999999999999999999",
        "99999999999999999999e0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        shmrpci_int number;
        const char *text = exact[i].text;
        if (!shmrpci_text_to_int_from_real(text, strlen(text), &number) ||
            number.magnitude != exact[i].magnitude ||
            number.negative != exact[i].negative) {
            fail_msg(
                "%s was not read as an integer, or was read as a wrong one",
                text);
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        shmrpci_int number;
        const char *text = refused[i];
        if (shmrpci_text_to_int_from_real(text, strlen(text), &number)) {
            fail_msg("%s is read as %llu", text,
                     (unsigned long long)number.magnitude);
        }
    }
}

/* Writes the same integer in many forms, with its point moved and zeros after
 * it. */
static void integers_in_many_forms(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (unsigned i = 0; i < number_count(); i++) {
        char digits[32];
        char text[96];
        shmrpci_int back;
        uint64_t number = random_bits(&seed) >> random_below(&seed, 64);
        int len =
            snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
        int point = (int)random_below(&seed, (unsigned)len) + 1;
        snprintf(text, sizeof text, "%.*s.%s%.*se%d", point, digits,
                 digits + point, (int)random_below(&seed, 20) + 1,
                 "00000000000000000000", len - point);
        assert_true(shmrpci_text_to_int_from_real(text, strlen(text), &back));
        assert_true(back.magnitude == number);
        /* With an extra digit after the point it is not an integer. */
        snprintf(text, sizeof text, "%s.%.*s1", digits,
                 (int)random_below(&seed, 30), "00000000000000000000000000000");
        assert_false(shmrpci_text_to_int_from_real(text, strlen(text), &back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),
        cmocka_unit_test(floats),
        cmocka_unit_test(texts),
        cmocka_unit_test(integers),
        cmocka_unit_test(integers_as_reals),
        cmocka_unit_test(integers_in_many_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
