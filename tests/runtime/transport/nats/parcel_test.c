/* Tests the layout of messages over NATS, and which messages are refused. */
#include "transport/nats/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_parcel_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t bytes[NATS_PARCEL_HEAD + 3] = {0};
    nats_parcel in = {.kind = NATS_DATA,
                      .value = -7,
                      .link = UINT64_C(0x1122334455667788),
                      .at = UINT64_C(1) << 40,
                      .acked = 99};
    nats_parcel out;
    nats_parcel_put(&in, bytes);
    memcpy(bytes + NATS_PARCEL_HEAD, "abc", 3);
    assert_true(nats_parcel_get(bytes, sizeof bytes, &out));
    assert_int_equal(out.kind, NATS_DATA);
    assert_int_equal(out.value, -7);
    assert_true(out.link == in.link && out.at == in.at && out.acked == 99);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "abc", 3);
}

/* Compares the encoded bytes, because other versions rely on them. */
static void the_layout_is_as_specified(void **state)
{
    (void)state;
    static const uint8_t expected[NATS_PARCEL_HEAD] = {
        0xf4, 1, 7, 0, 0xff, 0xff, 0xff, 0xff, 8, 7, 6, 5, 4, 3, 2, 1,
        1,    2, 0, 0, 0,    0,    0,    0,    3, 4, 0, 0, 0, 0, 0, 0};
    uint8_t bytes[NATS_PARCEL_HEAD];
    nats_parcel in = {.kind = NATS_PROBE,
                      .value = -1,
                      .link = UINT64_C(0x0102030405060708),
                      .at = 0x201,
                      .acked = 0x403};
    nats_parcel_put(&in, bytes);
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void what_is_none_of_ours_is_refused(void **state)
{
    (void)state;
    uint8_t good[NATS_PARCEL_HEAD + 1] = {0};
    nats_parcel in = {.kind = NATS_ALIVE};
    nats_parcel out;
    nats_parcel_put(&in, good);
    assert_true(nats_parcel_get(good, NATS_PARCEL_HEAD, &out));
    for (size_t len = 0; len < NATS_PARCEL_HEAD; len++) {
        assert_false(nats_parcel_get(good, len, &out));
    }
    assert_false(nats_parcel_get(good, sizeof good, &out)); /* has no data */
    for (size_t i = 0; i < 4; i++) {
        uint8_t bad[NATS_PARCEL_HEAD];
        memcpy(bad, good, sizeof bad);
        bad[i] = i == 2 ? NATS_KIND_COUNT : (uint8_t)(bad[i] + 1);
        assert_false(nats_parcel_get(bad, sizeof bad, &out));
    }
    in.kind = NATS_DATA;
    nats_parcel_put(&in, good);
    assert_false(nats_parcel_get(good, NATS_PARCEL_HEAD, &out));
    assert_true(nats_parcel_get(good, sizeof good, &out));
}

static void who_answers_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t bytes[NATS_WHO_BYTES + 1] = {0};
    static const uint8_t random[16] = {1, 2, 3, 250};
    nats_who in = {.zone = "cellar", .host = "mole"};
    nats_who out;
    nats_id_of(random, in.id);
    size_t len = nats_who_put(&in, bytes);
    assert_true(nats_who_get(bytes, len, &out));
    assert_string_equal(out.id, in.id);
    assert_string_equal(out.zone, "cellar");
    assert_string_equal(out.host, "mole");
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(nats_who_get(bytes, cut, &out));
    }
    assert_false(nats_who_get(bytes, len + 1, &out));
}

/* An id becomes part of a subject, so other characters are refused. */
static void an_id_has_letters_of_subjects_only(void **state)
{
    (void)state;
    uint8_t bytes[NATS_WHO_BYTES];
    nats_who who = {.id = "AAAAAAAAAAAAAAAAAAAAAA"};
    nats_who out;
    assert_true(nats_who_get(bytes, nats_who_put(&who, bytes), &out));
    static const char bad[] = {'.', '>', '*', ' ', '\n', '$'};
    for (size_t i = 0; i < sizeof bad; i++) {
        who.id[5] = bad[i];
        assert_false(nats_who_get(bytes, nats_who_put(&who, bytes), &out));
    }
    who = (nats_who){.id = "SHORT"};
    assert_false(nats_who_get(bytes, nats_who_put(&who, bytes), &out));
}

static void ids_differ_in_each_bit(void **state)
{
    (void)state;
    uint8_t random[16] = {0};
    char first[NATS_ID_BYTES];
    nats_id_of(random, first);
    assert_int_equal(strlen(first), NATS_ID_BYTES - 1);
    for (size_t bit = 0; bit < 128; bit++) {
        char other[NATS_ID_BYTES];
        random[bit / 8] = (uint8_t)(1u << (bit % 8));
        nats_id_of(random, other);
        assert_string_not_equal(first, other);
        random[bit / 8] = 0;
    }
}

static void names_become_tokens_of_subjects(void **state)
{
    (void)state;
    char subject[NATS_SUBJECT_BYTES];
    nats_subject_find("demo.Echo", subject);
    assert_string_equal(subject, "shmrpc.demo-Echo.find");
    nats_subject_instance("full text>*", "ID", subject);
    assert_string_equal(subject, "shmrpc.full-text--.i.ID");
    assert_true(nats_is_inbox("_INBOX.abc"));
    assert_false(nats_is_inbox("$JS.API.STREAM.DELETE.x"));
    assert_false(nats_is_inbox(NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parcel_is_read_as_it_was_written),
        cmocka_unit_test(the_layout_is_as_specified),
        cmocka_unit_test(what_is_none_of_ours_is_refused),
        cmocka_unit_test(who_answers_is_read_as_it_was_written),
        cmocka_unit_test(an_id_has_letters_of_subjects_only),
        cmocka_unit_test(ids_differ_in_each_bit),
        cmocka_unit_test(names_become_tokens_of_subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
