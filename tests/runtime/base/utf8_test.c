/* UTF-8 against the table of RFC 3629 and a plain decoder. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Decodes by arithmetic, to compare with the table-driven decoder: returns the
 * length of the first character, or 0 if it is not the shortest form of a
 * scalar value. */
static size_t plain_decode(const uint8_t *p, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80) {
        return 1;
    }
    size_t count = p[0] >= 0xF8   ? 0
                   : p[0] >= 0xF0 ? 4
                   : p[0] >= 0xE0 ? 3
                   : p[0] >= 0xC0 ? 2
                                  : 0;
    if (count == 0 || count > left) {
        return 0;
    }
    uint32_t c = p[0] & (0x7Fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        c = (c << 6) | (p[i] & 0x3Fu);
    }
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    return c >= smallest[count] && c <= 0x10FFFF && !surrogate ? count : 0;
}

static void check_first(const uint8_t *p, size_t len)
{
    size_t step = plain_decode(p, len);
    size_t got = shmrpci_utf8_valid_prefix(p, len);
    if ((step == 0) != (got == 0) || got < step) {
        fail_msg(
            "%02x %02x %02x %02x: expected a first character of %zu "
            "bytes, got a valid prefix of %zu",
            p[0], p[1], p[2], p[3], step, got);
    }
}

static void every_lead_and_second_byte_agrees_with_arithmetic(void **state)
{
    (void)state;
    static const uint8_t tails[] = {0x00, 0x41, 0x7F, 0x80,
                                    0xBF, 0xC0, 0xE0, 0xFF};
    for (unsigned lead = 0; lead < 256; lead++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t t = 0; t < sizeof tails; t++) {
                for (size_t u = 0; u < sizeof tails; u++) {
                    uint8_t p[4] = {(uint8_t)lead, (uint8_t)second, tails[t],
                                    tails[u]};
                    for (size_t len = 1; len <= 4; len++) {
                        check_first(p, len);
                    }
                }
            }
        }
    }
}

static void every_scalar_survives_encode_and_validate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        uint8_t out[4];
        size_t len = shmrpci_utf8_encode(c, out);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        assert_int_equal(shmrpci_utf8_valid_prefix(out, len), len);
        assert_int_equal(plain_decode(out, len), len);
        if (surrogate) {
            assert_memory_equal(out, "\xEF\xBF\xBD", 3);
        }
    }
    uint8_t out[4];
    assert_int_equal(shmrpci_utf8_encode(0x110000, out), 3);
    assert_memory_equal(out, "\xEF\xBF\xBD", 3);
}

/* The eight-byte stride must not skip or misplace what follows it. */
static void a_bad_byte_is_found_at_every_offset(void **state)
{
    (void)state;
    char text[40];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        text[at] = (char)0xFF;
        assert_int_equal(shmrpci_utf8_valid_prefix(text, sizeof text), at);
        assert_int_equal(shmrpci_utf8_valid_prefix(text, at), at);
    }
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    size_t len = sizeof text - 1;
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t limit = 0; limit < sizeof cuts / sizeof cuts[0]; limit++) {
        assert_int_equal(shmrpci_utf8_cut(text, len, limit), cuts[limit]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lead_and_second_byte_agrees_with_arithmetic),
        cmocka_unit_test(every_scalar_survives_encode_and_validate),
        cmocka_unit_test(a_bad_byte_is_found_at_every_offset),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
