/* Extensions of `any` with fixed numbers: making, encoding and reading them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "shmrpc/any.h"

static shmrpc_any_memory *memory;
static shmrpci_arena arena;

static int begin(void **state)
{
    (void)state;
    memory = shmrpc_any_memory_create();
    shmrpci_arena_init(&arena, 0);
    return memory == NULL;
}

static int end(void **state)
{
    (void)state;
    shmrpc_any_memory_destroy(memory);
    shmrpci_arena_fini(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* Encodes a value in msgpack and decodes it again, into the arena. */
static shmrpc_any sent(const shmrpc_any *value)
{
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK);
    shmrpci_buf buf;
    shmrpc_error error = {0};
    shmrpc_any got = {0};
    shmrpci_buf_init_heap(&buf);
    if (codec->encode(&shmrpc_type_any, value, "", &buf, &error) != SHMRPC_OK ||
        codec->decode(&shmrpc_type_any, buf.data, buf.len, "", &arena, &got,
                      &error) != SHMRPC_OK) {
        fail_msg("%s: %s", error.path, error.message);
    }
    shmrpci_buf_fini(&buf);
    assert_true(shmrpc_any_equal(value, &got));
    if (shmrpc_any_check(&got, &error) != SHMRPC_OK) {
        fail_msg("%s: %s", error.path, error.message);
    }
    return got;
}

static shmrpc_any ext_of(int type, const void *bytes, size_t len)
{
    shmrpc_any value = shmrpc_any_bytes(bytes, len);
    value.kind = SHMRPC_ANY_EXT;
    value.ext_type = (int8_t)type;
    return value;
}

static shmrpc_str text(const char *of)
{
    return shmrpc_str_of(of);
}

/* ---- each kind ----------------------------------------------------------- */

static void tuples_and_sets_have_items(void **state)
{
    (void)state;
    static const shmrpc_ext kinds[] = {SHMRPC_EXT_TUPLE, SHMRPC_EXT_SET,
                                       SHMRPC_EXT_FROZENSET};
    shmrpc_any items[] = {shmrpc_any_str("x"), shmrpc_any_i64(-1),
                          shmrpc_any_null()};
    for (size_t i = 0; i < 3; i++) {
        shmrpc_any inner;
        shmrpc_any outer;
        shmrpc_any_list got;
        assert_int_equal(
            shmrpc_any_make_items(memory, kinds[i], items, 2, &inner, NULL),
            SHMRPC_OK);
        items[2] = inner;
        assert_int_equal(
            shmrpc_any_make_items(memory, kinds[i], items, 3, &outer, NULL),
            SHMRPC_OK);
        shmrpc_any back = sent(&outer);
        assert_int_equal(shmrpc_any_read_items(memory, &back, &got, NULL),
                         SHMRPC_OK);
        assert_int_equal(got.len, 3);
        assert_true(shmrpc_any_equal(&got.ptr[0], &items[0]));
        assert_int_equal(shmrpc_any_read_items(memory, &got.ptr[2], &got, NULL),
                         SHMRPC_OK);
        assert_int_equal(got.len, 2);
        assert_int_equal(got.ptr[1].u.i64, -1);
    }
    shmrpc_any none;
    assert_int_equal(
        shmrpc_any_make_items(memory, SHMRPC_EXT_UUID, items, 0, &none, NULL),
        SHMRPC_E_INVALID);
    assert_int_equal(
        shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, NULL, 0, &none, NULL),
        SHMRPC_OK);
}

static void integers_of_any_size(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        shmrpc_any_kind kind;
        size_t bytes;
    } rows[] = {
        {"0", SHMRPC_ANY_I64, 0},
        {"-1", SHMRPC_ANY_I64, 0},
        {"9223372036854775807", SHMRPC_ANY_I64, 0},
        {"-9223372036854775808", SHMRPC_ANY_I64, 0},
        {"9223372036854775808", SHMRPC_ANY_U64, 0},
        {"18446744073709551615", SHMRPC_ANY_U64, 0},
        {"18446744073709551616", SHMRPC_ANY_EXT, 9},
        {"-9223372036854775809", SHMRPC_ANY_EXT, 9},
        {"-18446744073709551616", SHMRPC_ANY_EXT, 9},
        {"-36893488147419103232", SHMRPC_ANY_EXT, 9},
        {"-2361183241434822606848", SHMRPC_ANY_EXT, 9},
        {"-2361183241434822606849", SHMRPC_ANY_EXT, 10},
        {"2361183241434822606847", SHMRPC_ANY_EXT, 9},
        {"2361183241434822606848", SHMRPC_ANY_EXT, 10},
        {"340282366920938463463374607431768211456", SHMRPC_ANY_EXT, 17},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shmrpc_any value;
        shmrpc_str digits;
        assert_int_equal(
            shmrpc_any_make_integer(memory, text(rows[i].digits), &value),
            SHMRPC_OK);
        assert_int_equal(value.kind, rows[i].kind);
        if (value.kind == SHMRPC_ANY_EXT) {
            assert_int_equal(value.u.bytes.len, rows[i].bytes);
        }
        shmrpc_any back = sent(&value);
        assert_int_equal(shmrpc_any_read_integer(memory, &back, &digits),
                         SHMRPC_OK);
        assert_string_equal(digits.ptr, rows[i].digits);
    }
}

static void integers_have_one_form_and_a_bound(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", "1x", "0x1", " 1", "1.0"};
    char long_one[SHMRPC_BIGINT_MAX_DIGITS + 2];
    shmrpc_any value;
    shmrpc_str digits;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(shmrpc_any_make_integer(memory, text(bad[i]), &value),
                         SHMRPC_E_INVALID);
    }
    memset(long_one, '9', sizeof long_one);
    shmrpc_str longest = {long_one, SHMRPC_BIGINT_MAX_DIGITS};
    assert_int_equal(shmrpc_any_make_integer(memory, longest, &value),
                     SHMRPC_OK);
    assert_int_equal(shmrpc_any_read_integer(memory, &value, &digits),
                     SHMRPC_OK);
    assert_true(shmrpc_str_equal(digits, longest));
    longest.len++;
    assert_int_equal(shmrpc_any_make_integer(memory, longest, &value),
                     SHMRPC_E_TOO_LARGE);
    /* Two forms with a superfluous byte, and a number that fits a u64. */
    static const uint8_t forms[][10] = {{0, 1}, {0xFF, 0x80}, {0, 0xFF}};
    static const size_t lens[] = {10, 10, 9};
    for (size_t i = 0; i < 3; i++) {
        value = ext_of(SHMRPC_EXT_BIGINT, forms[i], lens[i]);
        assert_int_equal(shmrpc_any_read_integer(memory, &value, &digits),
                         SHMRPC_E_INVALID);
        assert_int_equal(shmrpc_any_check(&value, NULL), SHMRPC_E_INVALID);
    }
}

static void times_numbers_and_identifiers(void **state)
{
    (void)state;
    shmrpc_any value;
    double real;
    double imag;
    assert_int_equal(shmrpc_any_make_complex(memory, -0.5, 1e300, &value),
                     SHMRPC_OK);
    value = sent(&value);
    assert_int_equal(shmrpc_any_read_complex(&value, &real, &imag), SHMRPC_OK);
    assert_true(real == -0.5 && imag == 1e300);

    const shmrpc_any_time noon = {
        .micros = INT64_C(43200000001), .offset_s = -3600, .has_offset = true};
    static const shmrpc_ext both[] = {SHMRPC_EXT_TIME, SHMRPC_EXT_DATETIME};
    for (size_t i = 0; i < 2; i++) {
        shmrpc_any_time time;
        assert_int_equal(shmrpc_any_make_time(memory, both[i], &noon, &value),
                         SHMRPC_OK);
        value = sent(&value);
        assert_int_equal(shmrpc_any_read_time(&value, &time), SHMRPC_OK);
        assert_true(time.micros == noon.micros && time.has_offset &&
                    time.offset_s == -3600);
    }
    const shmrpc_any_time never = {.micros = INT64_C(86400000000)};
    assert_int_equal(
        shmrpc_any_make_time(memory, SHMRPC_EXT_TIME, &never, &value),
        SHMRPC_E_INVALID);

    int32_t days;
    assert_int_equal(shmrpc_any_make_date(memory, -719162, &value), SHMRPC_OK);
    value = sent(&value);
    assert_int_equal(shmrpc_any_read_date(&value, &days), SHMRPC_OK);
    assert_int_equal(days, -719162);
    assert_int_equal(shmrpc_any_make_date(memory, -719163, &value),
                     SHMRPC_E_INVALID);

    const shmrpc_any_span span = {-1, 86399, 999999};
    shmrpc_any_span got;
    assert_int_equal(shmrpc_any_make_span(memory, &span, &value), SHMRPC_OK);
    value = sent(&value);
    assert_int_equal(shmrpc_any_read_span(&value, &got), SHMRPC_OK);
    assert_memory_equal(&got, &span, sizeof got);

    uint8_t uuid[16] = {0x12, 0x34};
    uint8_t back[16];
    assert_int_equal(shmrpc_any_make_uuid(memory, uuid, &value), SHMRPC_OK);
    value = sent(&value);
    assert_int_equal(shmrpc_any_read_uuid(&value, back), SHMRPC_OK);
    assert_memory_equal(uuid, back, 16);
}

static void decimals_are_what_python_writes(void **state)
{
    (void)state;
    static const char *const good[] = {"0",   "-1.50E+3", "1e5",  ".5",  "5.",
                                       "NaN", "-sNaN12",  "+Inf", "1E-7"};
    static const char *const bad[] = {"",   ".",  "-",   "1e", "1e+",
                                      "na", "1 ", "0x1", "--1"};
    shmrpc_any value;
    shmrpc_str got;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(shmrpc_any_make_decimal(memory, text(good[i]), &value),
                         SHMRPC_OK);
        value = sent(&value);
        assert_int_equal(shmrpc_any_read_decimal(&value, &got), SHMRPC_OK);
        assert_true(shmrpc_str_equal(got, text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(shmrpc_any_make_decimal(memory, text(bad[i]), &value),
                         SHMRPC_E_INVALID);
    }
}

/* ---- arrays -------------------------------------------------------------- */

static void arrays_need_no_copy(void **state)
{
    (void)state;
    double numbers[2][3] = {{1, 2, 3}, {4, 5, 6}};
    shmrpc_array array = {
        .dtype = SHMRPC_DTYPE_F64, .dims = 2, .shape = {2, 3}, .data = numbers};
    shmrpc_any value;
    shmrpc_array got;
    assert_int_equal(shmrpc_array_pack(&array), SHMRPC_OK);
    assert_int_equal(array.data_len, sizeof numbers);
    assert_int_equal(shmrpc_any_make_array(memory, &array, &value), SHMRPC_OK);
    /* In this list the array follows other values, so it may begin at any
     * offset of the message. */
    shmrpc_any list[] = {shmrpc_any_str("odd"), value, shmrpc_any_i64(1),
                         value};
    shmrpc_any all = shmrpc_any_list_of(list, 4);
    all = sent(&all);
    for (size_t i = 1; i < 4; i += 2) {
        assert_int_equal(shmrpc_any_read_array(&all.u.list.ptr[i], &got),
                         SHMRPC_OK);
        assert_int_equal((uintptr_t)got.data % 64, 0);
        assert_int_equal(got.shape[1], 3);
        assert_int_equal(got.strides[0], 24);
        assert_memory_equal(got.data, numbers, sizeof numbers);
    }
    /* Every other column of the same data. */
    array.shape[1] = 2;
    array.strides[1] = 16;
    assert_int_equal(shmrpc_any_make_array(memory, &array, &value), SHMRPC_OK);
    array.shape[1] = 0;
    assert_int_equal(shmrpc_array_pack(&array), SHMRPC_OK);
    assert_int_equal(array.data_len, 0);
    assert_int_equal(shmrpc_any_make_array(memory, &array, &value), SHMRPC_OK);
    assert_int_equal(shmrpc_any_read_array(&value, &got), SHMRPC_OK);
}

static void arrays_that_reach_too_far_are_refused(void **state)
{
    (void)state;
    uint8_t byte = 0;
    shmrpc_any value;
    static const uint64_t shapes[][2] = {
        {2, 1}, {UINT64_MAX, 1}, {1ull << 62, 1ull << 62}};
    for (size_t i = 0; i < 3; i++) {
        shmrpc_array array = {.dtype = SHMRPC_DTYPE_U8,
                              .dims = 2,
                              .shape = {shapes[i][0], shapes[i][1]},
                              .strides = {1, 1},
                              .data = &byte,
                              .data_len = 1};
        assert_int_equal(shmrpc_any_make_array(memory, &array, &value),
                         SHMRPC_E_INVALID);
    }
    shmrpc_array huge = {.dtype = SHMRPC_DTYPE_F64,
                         .dims = 2,
                         .shape = {1ull << 40, 1ull << 40}};
    assert_int_equal(shmrpc_array_pack(&huge), SHMRPC_E_TOO_LARGE);
}

/* ---- trees --------------------------------------------------------------- */

static uint64_t seed = 1;

static unsigned any_number(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static shmrpc_any random_tree(unsigned depth)
{
    static const char *const words[] = {"", "a", "\xC3\xA4", "it's", "\n"};
    shmrpc_any *items = shmrpci_arena_calloc(&arena, 8, sizeof *items, 16);
    shmrpc_any_entry *entries =
        shmrpci_arena_calloc(&arena, 4, sizeof *entries, 16);
    shmrpc_any value = shmrpc_any_null();
    unsigned len = any_number(4);
    char digits[64];
    switch (any_number(depth == 0 ? 12 : 15)) {
    case 0:
        return shmrpc_any_bool(any_number(2) == 1);
    case 1:
        return shmrpc_any_i64((int64_t)(seed ^ seed << 7));
    case 2:
        return shmrpc_any_u64(seed | 1ull << 63);
    case 3:
        return shmrpc_any_f64((double)any_number(1000) / 7);
    case 4:
        return shmrpc_any_f32((float)any_number(1000) / 8);
    case 5:
        return shmrpc_any_str(words[any_number(5)]);
    case 6:
        return shmrpc_any_bytes("\0\xFFxyz", any_number(6));
    case 7:
        (void)snprintf(digits, sizeof digits, "%s%u%020u%09u%u",
                       any_number(2) == 1 ? "-" : "", any_number(1000) + 1,
                       any_number(1u << 30), any_number(1u << 29),
                       any_number(1u << 30));
        (void)!shmrpc_any_make_integer(memory, text(digits), &value);
        return value;
    case 8:
        (void)!shmrpc_any_make_complex(memory, any_number(9), -1.5, &value);
        return value;
    case 9:
        (void)!shmrpc_any_make_date(memory, (int32_t)any_number(100000),
                                    &value);
        return value;
    case 10:
        (void)!shmrpc_any_make_decimal(memory, text("1.50"), &value);
        return value;
    case 11:
        return value;
    case 12:
        for (unsigned i = 0; i < len; i++) {
            items[i] = random_tree(depth - 1);
        }
        return shmrpc_any_list_of(items, len);
    case 13:
        for (unsigned i = 0; i < len; i++) {
            entries[i].key = shmrpc_any_i64(i);
            entries[i].value = random_tree(depth - 1);
        }
        return shmrpc_any_map_of(entries, len);
    default:
        for (unsigned i = 0; i < len; i++) {
            items[i] = random_tree(depth - 1);
        }
        (void)!shmrpc_any_make_items(memory, SHMRPC_EXT_TUPLE, items, len,
                                     &value, NULL);
        return value;
    }
}

static void random_trees_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        shmrpc_any tree = random_tree(5);
        (void)sent(&tree);
        shmrpci_arena_reset(&arena);
    }
}

/* For an extension with arbitrary bytes, the check returns a status. */
static void any_bytes_are_judged(void **state)
{
    (void)state;
    uint8_t bytes[80];
    shmrpc_error error;
    for (int i = 0; i < 20000; i++) {
        size_t len = any_number(sizeof bytes);
        for (size_t b = 0; b < len; b++) {
            bytes[b] =
                (uint8_t)(any_number(3) == 0 ? any_number(256) : any_number(3));
        }
        shmrpc_any value = ext_of((int)any_number(14), bytes, len);
        (void)shmrpc_any_check(&value, &error);
    }
}

static void json_has_none_of_them(void **state)
{
    (void)state;
    shmrpc_any value;
    shmrpc_error error = {0};
    shmrpci_buf buf;
    assert_int_equal(shmrpc_any_make_date(memory, 0, &value), SHMRPC_OK);
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                         ->encode(&shmrpc_type_any, &value, "x", &buf, &error),
                     SHMRPC_E_INVALID);
    shmrpci_buf_fini(&buf);
}

static void expect_wrong(const shmrpc_any *tree, const char *path)
{
    shmrpc_error error = {0};
    assert_int_equal(shmrpc_any_check(tree, &error), SHMRPC_E_INVALID);
    assert_string_equal(error.path, path);
}

static void the_place_of_what_is_wrong_is_told(void **state)
{
    (void)state;
    shmrpc_any bad = shmrpc_any_str("\xFF");
    shmrpc_any list[] = {shmrpc_any_i64(0), shmrpc_any_i64(1),
                         shmrpc_any_i64(2), bad};
    shmrpc_any_entry entry = {shmrpc_any_str("a"), shmrpc_any_list_of(list, 4)};
    shmrpc_any map = shmrpc_any_map_of(&entry, 1);
    expect_wrong(&bad, "");
    expect_wrong(&map, "['a'][3]");
    entry.key = shmrpc_any_i64(-7);
    expect_wrong(&map, "[-7][3]");
    list[3] = ext_of(SHMRPC_EXT_UUID, "short", 5);
    expect_wrong(&map, "[-7][3]");
    list[3] = ext_of(77, "short", 5);
    assert_int_equal(shmrpc_any_check(&map, NULL), SHMRPC_OK);
    list[3].kind = (shmrpc_any_kind)99;
    expect_wrong(&map, "[-7][3]");
    list[3] = shmrpc_any_null();
    list[3].kind = SHMRPC_ANY_BYTES;
    list[3].u.bytes.len = 3;
    expect_wrong(&map, "[-7][3]");
    shmrpc_any deep[70];
    deep[0] = shmrpc_any_null();
    for (size_t i = 1; i < 70; i++) {
        deep[i] = shmrpc_any_list_of(&deep[i - 1], 1);
    }
    assert_int_equal(shmrpc_any_check(&deep[60], NULL), SHMRPC_OK);
    assert_int_equal(shmrpc_any_check(&deep[69], NULL), SHMRPC_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tuples_and_sets_have_items),
        TEST(integers_of_any_size),
        TEST(integers_have_one_form_and_a_bound),
        TEST(times_numbers_and_identifiers),
        TEST(decimals_are_what_python_writes),
        TEST(arrays_need_no_copy),
        TEST(arrays_that_reach_too_far_are_refused),
        TEST(random_trees_come_back),
        TEST(any_bytes_are_judged),
        TEST(json_has_none_of_them),
        TEST(the_place_of_what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
