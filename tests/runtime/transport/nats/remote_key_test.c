/* Tests how keys of dicts are encoded as keys of NATS, and names of buckets:
 * each has exactly one form, and no two share a form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/nats/remote_key.h"
#include "transport/nats/remote_place.h"

static void expect_text(nats_key_form form, const char *key, size_t len,
                        const char *text)
{
    char out[NATS_KEY_TEXT_BYTES];
    uint8_t back[NATS_KEY_TEXT_BYTES];
    size_t back_len;
    assert_true(nats_key_write(form, key, len, out));
    assert_string_equal(out, text);
    assert_true(nats_key_read(form, text, back, &back_len));
    assert_int_equal(back_len, len);
    assert_memory_equal(back, key, len);
}

static void a_text_is_itself_where_nats_allows_it(void **state)
{
    (void)state;
    expect_text(NATS_KEY_PLAIN, "", 0, "=");
    expect_text(NATS_KEY_PLAIN, "a.b-C_d/9", 9, "a.b-C_d/9");
    expect_text(NATS_KEY_PLAIN, ".a..b.", 6, "=2Ea=2E=2Eb=2E");
    expect_text(NATS_KEY_PLAIN, "a=b*>", 5, "a=3Db=2A=3E");
    expect_text(NATS_KEY_PLAIN, "\0\xff", 2, "=00=FF");
    expect_text(NATS_KEY_NONE, "", 0, "value");
}

static void of_any_a_text_is_told_from_others(void **state)
{
    (void)state;
    char text[302] = "\xda\x01\x2a";
    expect_text(NATS_KEY_ANY, "\xa0", 1, "=");
    expect_text(NATS_KEY_ANY, "\xa4rate", 5, "rate");
    expect_text(NATS_KEY_ANY, "\xa2=k", 3, "=3Dk");
    expect_text(NATS_KEY_ANY, "\x01", 1, "=k=01");
    expect_text(NATS_KEY_ANY, "\xc0", 1, "=k=C0");
    /* Not the shortest form of a text, so it is not a valid key. */
    expect_text(NATS_KEY_ANY, "\xd9\x01x", 3, "=k=D9=01x");
    memset(text + 3, 'x', 298);
    expect_text(NATS_KEY_ANY, text, 301, text + 3);
}

static void other_forms_are_no_keys(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=",   "a=2",  "a=2g", "a=2e", "a=41",
                                      "=2D",  "a..b", ".a",   "a*",   "=k",
                                      "=kx=", "a b",  "\xc3"};
    uint8_t out[NATS_KEY_TEXT_BYTES];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(nats_key_read(NATS_KEY_PLAIN, bad[i], out, &len));
    }
    assert_false(nats_key_read(NATS_KEY_ANY, "=k=A1x", out, &len));
    assert_false(nats_key_read(NATS_KEY_NONE, "values", out, &len));
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char key[2 * NATS_KEY_TEXT_BYTES];
    char out[NATS_KEY_TEXT_BYTES];
    uint8_t back[NATS_KEY_TEXT_BYTES];
    size_t len;
    memset(key, 'x', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    assert_true(nats_key_write(NATS_KEY_PLAIN, key, 1000, out));
    assert_false(nats_key_write(NATS_KEY_PLAIN, key, 1100, out));
    assert_false(nats_key_read(NATS_KEY_PLAIN, key, back, &len));
    assert_false(nats_key_read(NATS_KEY_ANY, key, back, &len));
    memset(key, '*', sizeof key);
    assert_true(nats_key_write(NATS_KEY_PLAIN, key, 340, out));
    assert_false(nats_key_write(NATS_KEY_PLAIN, key, 345, out));
}

/* Any bytes survive a round trip. A text is either no key, or exactly the form
 * in which its key is written. */
static void random_keys_and_texts_have_one_form(void **state)
{
    (void)state;
    static const char letters[] = "aZ0=kK1FAf.-_/ *";
    srand(17);
    for (int i = 0; i < 20000; i++) {
        uint8_t key[64];
        uint8_t back[NATS_KEY_TEXT_BYTES];
        char text[NATS_KEY_TEXT_BYTES];
        char again[NATS_KEY_TEXT_BYTES];
        size_t len = (size_t)rand() % 12;
        size_t back_len;
        nats_key_form form = i % 2 == 0 ? NATS_KEY_PLAIN : NATS_KEY_ANY;
        for (size_t k = 0; k < len; k++) {
            key[k] = (uint8_t)rand();
            again[k] = letters[(size_t)rand() % (sizeof letters - 1)];
        }
        again[len] = '\0';
        if (len > 0) {
            assert_true(nats_key_write(form, key, len, text));
            assert_null(strpbrk(text, " *>\r\n"));
            assert_true(nats_key_read(form, text, back, &back_len));
            assert_int_equal(back_len, len);
            assert_memory_equal(back, key, len);
        }
        if (nats_key_read(form, again, back, &back_len)) {
            assert_true(nats_key_write(form, back, back_len, text));
            assert_string_equal(text, again);
        }
    }
}

static void names_of_buckets_stay_different(void **state)
{
    (void)state;
    static const char *const names[] = {"a.b", "a-b", "a_b", "a_2Eb", "a b"};
    char buckets[5][NATS_PLACE_SUBJECT_BYTES];
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(nats_place_bucket(names[i], buckets[i], NULL), 0);
        assert_null(strpbrk(buckets[i], " *>.="));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(buckets[i], buckets[k]);
        }
    }
    assert_string_equal(buckets[0], "KV_a-b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_itself_where_nats_allows_it),
        cmocka_unit_test(of_any_a_text_is_told_from_others),
        cmocka_unit_test(other_forms_are_no_keys),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(random_keys_and_texts_have_one_form),
        cmocka_unit_test(names_of_buckets_stay_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
