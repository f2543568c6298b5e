/* The bytes that each encoding writes, checked by hand, and the alternative
 * forms that decoders accept. */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "sample.h"

/* Shows binary encodings as "a1 61", text unchanged. */
static void show(const shmrpci_buf *buf, uint32_t encoding, char *out,
                 size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < buf->len && len + 4 < size; i++) {
        len += (size_t)snprintf(
            out + len, size - len,
            encoding == SHMRPC_ENCODING_JSON ? "%s%c" : "%s%02x",
            i > 0 && encoding != SHMRPC_ENCODING_JSON ? " " : "", buf->data[i]);
    }
}

static void gives(uint32_t encoding, const shmrpc_type *type, const void *value,
                  const char *expected)
{
    static char text[8192];
    shmrpc_error error = {0};
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    if (shmrpci_codec_of(encoding)->encode(type, value, "v", &buf, &error) !=
        SHMRPC_OK) {
        fail_msg("%s: %s", error.path, error.message);
    }
    show(&buf, encoding, text, sizeof text);
    assert_string_equal(text, expected);
    shmrpci_buf_fini(&buf);
}

static void json(const shmrpc_type *type, const void *value,
                 const char *expected)
{
    gives(SHMRPC_ENCODING_JSON, type, value, expected);
}

static void msgpack(const shmrpc_type *type, const void *value,
                    const char *expected)
{
    gives(SHMRPC_ENCODING_MSGPACK, type, value, expected);
}

static void native(const shmrpc_type *type, const void *value,
                   const char *expected)
{
    gives(SHMRPC_ENCODING_NATIVE, type, value, expected);
}

static void json_every_field(void **state)
{
    (void)state;
    json(&sample_all_type, &sample_full,
         "{\"b\":true,\"i8\":-128,\"i16\":-32768,\"i32\":-2147483648,"
         "\"i64\":-9223372036854775808,\"u8\":255,\"u16\":65535,"
         "\"u32\":4294967295,\"u64\":18446744073709551615,\"f32\":0.1,"
         "\"f64\":-1.7976931348623157e308,\"text\":\"gr\xc3\xbc\xc3\x9f\","
         "\"blob\":\"AAEC/f7/AA==\",\"numbers\":[-2147483648,-1,0,1,"
         "2147483647],\"words\":[\"\",\"two words\",\"a\\u0000b\"],"
         "\"filters\":{\"lang\":\"de\",\"\":"
         "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\"},"
         "\"points\":{\"-7\":{\"x\":1,\"y\":2},\"7\":{\"x\":3,\"y\":4}},"
         "\"colours\":{\"BLUE\":true,\"200\":false},\"triple\":[1,2,65535],"
         "\"pair\":[\"l\",\"r\"],\"colour\":\"GREEN\",\"wide\":\"HIGH\","
         "\"point\":{\"x\":5,\"y\":-5},\"key\":{\"at\":{\"x\":8,\"y\":9}},"
         "\"maybe\":-3,\"note\":\"\",\"spot\":{\"x\":-1,\"y\":-2},"
         "\"other\":{\"url\":\"file:///\"},\"limit\":11,\"label\":\"some\","
         "\"name\":\"12345678\",\"level\":100,\"offset\":-5,\"gain\":2,"
         "\"few\":[0,1,2,253],\"node\":{\"value\":1,\"next\":{\"value\":2,"
         "\"children\":[{\"value\":3,\"children\":[]},{\"value\":4,"
         "\"children\":[]}]},\"children\":[]},\"data\":{\"k\":[true,"
         "18446744073709551615,-9223372036854775808,1.0,"
         "\"\xf0\x9f\x98\x80\",[]],\"\":null},\"extra\":null}");
}

static void json_floats(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1e15, "1000000000000000"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740992.0, "9007199254740992"},
        {12345678901234567.0, "12345678901234568"},
        {1e17, "1e17"},
        {1e21, "1e21"},
        {1e-6, "0.000001"},
        {1.5e-7, "1.5e-7"},
        {123456.789, "123456.789"},
        {0.30000000000000004, "0.30000000000000004"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {9.5, "9.5"},
        {(double)NAN, "\"NaN\""},
        {(double)INFINITY, "\"Infinity\""},
        {-(double)INFINITY, "\"-Infinity\""},
    };
    for (size_t i = 0; i < SHMRPC_COUNT(cases); i++) {
        json(&shmrpc_type_f64, &cases[i].number, cases[i].text);
    }
    static const struct {
        float number;
        const char *text;
    } singles[] = {{0.1f, "0.1"},
                   {16777216.0f, "16777216"},
                   {3.4028235e38f, "3.4028235e38"},
                   {1e-45f, "1e-45"},
                   {1.17549435e-38f, "1.1754944e-38"},
                   {0.2f + 0.1f, "0.3"}};
    for (size_t i = 0; i < SHMRPC_COUNT(singles); i++) {
        json(&shmrpc_type_f32, &singles[i].number, singles[i].text);
    }
}

/* A program whose locale writes 1,5 must still send 1.5. */
static void json_floats_in_any_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL) {
        print_message("no locale de_DE.UTF-8 (Debian's package locales)\n");
        skip();
    }
    assert_string_equal(localeconv()->decimal_point, ",");
    const double number = 0.1234567890123456789;
    json(&shmrpc_type_f64, &number, "0.12345678901234568");
    (void)setlocale(LC_NUMERIC, "C");
}

static void json_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"\"", "\"Zg==\"", "\"Zm8=\"",
                                        "\"Zm9v\"", "\"Zm9vYg==\""};
    for (size_t len = 0; len < SHMRPC_COUNT(texts); len++) {
        shmrpc_bytes bytes = shmrpc_bytes_of("foobar", len);
        json(&shmrpc_type_bytes, &bytes, texts[len]);
    }
    shmrpc_bytes high = shmrpc_bytes_of("\xfb\xef\xff", 3);
    json(&shmrpc_type_bytes, &high, "\"++//\"");
}

static void json_integers_as_text(void **state)
{
    static const shmrpc_type u64_text = SHMRPC_TYPE_JSON_TEXT_INIT(
        SHMRPC_KIND_U64, uint64_t, SHMRPC_TYPE_FIXED, 0, 0);
    static const shmrpc_type i64_text = SHMRPC_TYPE_JSON_TEXT_INIT(
        SHMRPC_KIND_I64, int64_t, SHMRPC_TYPE_BOUNDED | SHMRPC_TYPE_FIXED,
        (uint64_t)INT64_MIN, 5);
    const uint64_t most = UINT64_MAX;
    const int64_t least = INT64_MIN;
    const int64_t above = 6;
    uint8_t bytes[32];
    shmrpci_buf out;
    (void)state;
    json(&u64_text, &most, "\"18446744073709551615\"");
    json(&i64_text, &least, "\"-9223372036854775808\"");
    msgpack(&u64_text, &most, "cf ff ff ff ff ff ff ff ff");
    shmrpci_buf_init_fixed(&out, bytes, sizeof bytes);
    assert_int_equal(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                         ->encode(&i64_text, &above, "", &out, NULL),
                     SHMRPC_E_INVALID);
}

static void json_unknown_enumerator(void **state)
{
    (void)state;
    const sample_colour colour = 9;
    json(&sample_colour_type, &colour, "9");
}

/* For clients of other versions enumerators are written as numbers, which
 * readers accept as well. */
static void json_numbered_enumerators(void **state)
{
    (void)state;
    sample_colour_entry entry = {SAMPLE_BLUE, true};
    const sample_colour_map map = {&entry, 1};
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    const shmrpci_codec *codec =
        shmrpci_codec_numbered(shmrpci_codec_of(SHMRPC_ENCODING_JSON));
    assert_int_equal(
        codec->encode(&sample_colour_type, &entry.key, "v", &buf, NULL), 0);
    shmrpci_buf_append_char(&buf, ' ');
    assert_int_equal(
        codec->encode(&sample_colour_map_type, &map, "v", &buf, NULL), 0);
    assert_string_equal(shmrpci_buf_text(&buf), "7 {\"7\":true}");
    shmrpci_buf_fini(&buf);
    assert_ptr_equal(
        shmrpci_codec_numbered(shmrpci_codec_of(SHMRPC_ENCODING_NATIVE)),
        shmrpci_codec_of(SHMRPC_ENCODING_NATIVE));
}

static const sample_point point = {1, 2};

static void positions(void **state)
{
    (void)state;
    sample_params params = {.text = {"t", 1}, .point = &point, .limit = 10};
    json(&sample_params_type, &params,
         "[\"t\",{\"x\":1,\"y\":2},null,null,10]");
    msgpack(&sample_params_type, &params,
            "95 a1 74 82 a1 78 01 a1 79 02 c0 c0 0a");
    native(&sample_params_type, &params,
           "21 00 00 00 20 00 00 00 01 00 00 00 01 00 00 00 02 00 00 00 "
           "00 00 00 00 00 00 00 00 0a 00 00 00 74");
    params.has_count = true;
    params.count = 258;
    json(&sample_params_type, &params, "[\"t\",{\"x\":1,\"y\":2},null,258,10]");
    msgpack(&sample_params_type, &params,
            "95 a1 74 82 a1 78 01 a1 79 02 c0 cd 01 02 0a");
    native(&sample_params_type, &params,
           "21 00 00 00 20 00 00 00 01 00 00 00 01 00 00 00 02 00 00 00 "
           "01 00 00 00 02 01 00 00 0a 00 00 00 74");
    json(&shmrpc_type_no_params, NULL, "[]");
    msgpack(&shmrpc_type_no_params, NULL, "90");
    native(&shmrpc_type_no_params, NULL, "05 00 00 00 00");
}

static void msgpack_integers(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        const char *bytes;
    } cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc 80"},
        {255, "cc ff"},
        {256, "cd 01 00"},
        {65536, "ce 00 01 00 00"},
        {INT64_C(4294967296), "cf 00 00 00 01 00 00 00 00"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0 df"},
        {-129, "d1 ff 7f"},
        {-32769, "d2 ff ff 7f ff"},
        {INT64_MIN, "d3 80 00 00 00 00 00 00 00"},
    };
    for (size_t i = 0; i < SHMRPC_COUNT(cases); i++) {
        msgpack(&shmrpc_type_i64, &cases[i].number, cases[i].bytes);
    }
    const uint64_t most = UINT64_MAX;
    msgpack(&shmrpc_type_u64, &most, "cf ff ff ff ff ff ff ff ff");
}

static void msgpack_others(void **state)
{
    (void)state;
    const bool yes = true;
    const float one = 1.0f;
    const double half = 0.5;
    const shmrpc_str text = {"ab", 2};
    const shmrpc_bytes bytes = {(const uint8_t *)"\0\1", 2};
    const sample_key key = {.tag = 1, .u = {.id = 5}};
    const sample_colour blue = SAMPLE_BLUE;
    msgpack(&shmrpc_type_bool, &yes, "c3");
    msgpack(&shmrpc_type_f32, &one, "ca 3f 80 00 00");
    msgpack(&shmrpc_type_f64, &half, "cb 3f e0 00 00 00 00 00 00");
    const shmrpc_any singles[] = {shmrpc_any_f32(0.1f), shmrpc_any_f32(2)};
    const shmrpc_any list = shmrpc_any_list_of(singles, 2);
    msgpack(&shmrpc_type_any, &list, "92 ca 3d cc cc cd ca 40 00 00 00");
    json(&shmrpc_type_any, &list, "[0.1,2.0]");
    msgpack(&shmrpc_type_string, &text, "a2 61 62");
    msgpack(&shmrpc_type_bytes, &bytes, "c4 02 00 01");
    msgpack(&sample_key_type, &key, "81 a2 69 64 05");
    msgpack(&sample_colour_type, &blue, "07");
    msgpack(&sample_triple_type, sample_full.triple, "93 01 02 cd ff ff");
    shmrpc_type compact = sample_point_type;
    compact.flags |= SHMRPC_TYPE_COMPACT;
    msgpack(&compact, &point, "82 01 01 02 02");
}

static void native_flat(void **state)
{
    (void)state;
    const sample_sum sum = {1, -2};
    native(&sample_sum_type, &sum,
           "18 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 "
           "fe ff ff ff ff ff ff ff");
    native(&sample_point_type, &point, "0c 00 00 00 01 00 00 00 02 00 00 00");
}

/* Parameters that are one flat struct take the fast path, and must have the
 * same image. */
static void native_flat_param(void **state)
{
    typedef struct {
        const sample_point *point;
    } params;
    const shmrpc_field fields[] = {
        SHMRPC_FIELD_INIT(1, "point", &sample_point_type, params, point,
                          SHMRPC_FIELD_POINTER, NULL, NULL),
    };
    const shmrpc_type type = SHMRPC_TYPE_STRUCT_INIT(params, SHMRPC_TYPE_PARAMS,
                                                     8, 4, NULL, NULL, fields);
    static const uint8_t image[] = {12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_NATIVE);
    sample_point given = {.x = 1, .y = 2};
    params value = {&given};
    shmrpci_arena arena;
    shmrpci_buf buf;
    shmrpc_error error = {0};
    (void)state;
    native(&type, &value, "0c 00 00 00 01 00 00 00 02 00 00 00");

    shmrpci_arena_init(&arena, 0);
    value.point = NULL;
    assert_int_equal(
        codec->decode(&type, image, sizeof image, "", &arena, &value, &error),
        SHMRPC_OK);
    assert_memory_equal(value.point, &given, sizeof given);
    assert_int_equal(codec->decode(&type, image, sizeof image - 1, "", &arena,
                                   &value, &error),
                     SHMRPC_E_INVALID);
    shmrpci_arena_fini(&arena);

    value.point = NULL;
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(codec->encode(&type, &value, "", &buf, &error),
                     SHMRPC_E_INVALID);
    assert_string_equal(error.path, "point");
    shmrpci_buf_fini(&buf);
}

static void native_tree(void **state)
{
    (void)state;
    const sample_node child = {.value = 3};
    const sample_node next = {.value = 2};
    const sample_node node = {
        .value = 1, .next = &next, .children = {&child, 1}};
    native(&sample_node_type, &node,
           "40 00 00 00 "
           "01 00 00 00 18 00 00 00 01 00 00 00 2c 00 00 00 01 00 00 00 "
           "02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
           "03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
}

static void native_map_and_union(void **state)
{
    (void)state;
    native(&sample_colour_map_type, &sample_full.colours,
           "10 00 00 00 0c 00 00 00 02 00 00 00 07 01 c8 00");
    /* Tag, padding to 8, the widest member. */
    const sample_key key = {.tag = 4, .u = {.at = {8, 9}}};
    native(&sample_key_type, &key,
           "18 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 "
           "08 00 00 00 09 00 00 00");
}

/* Decodes, and compares with the expected value. */
static void accepts(uint32_t encoding, const shmrpc_type *type,
                    const char *data, size_t len, const void *expected)
{
    _Alignas(16) uint8_t value[sizeof(sample_all)];
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    if (shmrpci_codec_of(encoding)->decode(type, (const uint8_t *)data, len,
                                           "v", &arena, value,
                                           &error) != SHMRPC_OK) {
        fail_msg("%s: %s: %s", data, error.path, error.message);
    }
    if (!sample_equal(type, value, expected)) {
        fail_msg("%s: another value", data);
    }
    shmrpci_arena_fini(&arena);
}

static void from_json(const shmrpc_type *type, const char *text,
                      const void *expected)
{
    accepts(SHMRPC_ENCODING_JSON, type, text, strlen(text), expected);
}

#define FROM_MSGPACK(type, bytes, expected) \
    accepts(SHMRPC_ENCODING_MSGPACK, type, bytes, sizeof(bytes) - 1, expected)

static void json_accepts(void **state)
{
    (void)state;
    const uint64_t most = UINT64_MAX;
    const int64_t least = INT64_MIN;
    const uint32_t hundred = 100;
    const float third = 0.33333334f;
    const double nan_value = (double)NAN;
    const sample_colour green = SAMPLE_GREEN;
    const sample_colour other = 200;
    const shmrpc_str text = {"A\xf0\x9f\x98\x80/\n", 7};
    from_json(&shmrpc_type_u64, "\"18446744073709551615\"", &most);
    from_json(&shmrpc_type_i64, "\"-9223372036854775808\"", &least);
    from_json(&shmrpc_type_u32, "1e2", &hundred);
    from_json(&shmrpc_type_u32, " 100.0\n", &hundred);
    from_json(&shmrpc_type_f32, "0.333333333333333333333333333333", &third);
    from_json(&shmrpc_type_f64, "\"NaN\"", &nan_value);
    from_json(&sample_colour_type, "\"GREEN\"", &green);
    from_json(&sample_colour_type, "1", &green);
    from_json(&sample_colour_type, "200", &other);
    from_json(&shmrpc_type_string, "\"\\u0041\\ud83d\\ude00\\/\\n\"", &text);
}

static void json_accepts_params(void **state)
{
    (void)state;
    sample_params params = {.text = {"t", 1}, .point = &point, .limit = 10};
    from_json(&sample_params_type, "[\"t\",{\"y\":2,\"x\":1}]", &params);
    from_json(&sample_params_type,
              "[\"t\",{\"x\":1,\"y\":2},\"hole\",null,null,{\"later\":[]}]",
              &params);
    from_json(&sample_params_type,
              "{\"point\":{\"x\":1,\"z\":{\"n\":[{}]},\"y\":2},\"text\":\"t\","
              "\"count\":null,\"unknown\":false}",
              &params);
    from_json(&shmrpc_type_no_params, "{}", NULL);
}

static void msgpack_accepts(void **state)
{
    (void)state;
    const int8_t minus = -1;
    const uint8_t five = 5;
    const float one = 1.0f;
    const double two = 2.0;
    sample_params params = {.text = {"t", 1}, .point = &point, .limit = 10};
    const sample_key key = {.tag = 1, .u = {.id = 5}};
    FROM_MSGPACK(&shmrpc_type_i8, "\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
                 &minus);
    FROM_MSGPACK(&shmrpc_type_u8, "\xd2\0\0\0\x05", &five);
    FROM_MSGPACK(&shmrpc_type_f32, "\xcb\x3f\xf0\0\0\0\0\0\0", &one);
    FROM_MSGPACK(&shmrpc_type_f64, "\x02", &two);
    FROM_MSGPACK(&sample_params_type, "\x92\xd9\x01t\x82\x02\x02\xa1x\x01",
                 &params);
    FROM_MSGPACK(&sample_params_type,
                 "\xde\0\x03\xa5point\x82\xa1x\x01\xa1y\x02\xa4text\xa1t"
                 "\xa3new\x81\x90\xc0",
                 &params);
    FROM_MSGPACK(&sample_key_type, "\x81\x01\x05", &key);
}

int main(void)
{
    sample_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_every_field),
        cmocka_unit_test(json_floats),
        cmocka_unit_test(json_floats_in_any_locale),
        cmocka_unit_test(json_bytes),
        cmocka_unit_test(json_integers_as_text),
        cmocka_unit_test(json_unknown_enumerator),
        cmocka_unit_test(json_numbered_enumerators),
        cmocka_unit_test(positions),
        cmocka_unit_test(msgpack_integers),
        cmocka_unit_test(msgpack_others),
        cmocka_unit_test(native_flat),
        cmocka_unit_test(native_flat_param),
        cmocka_unit_test(native_tree),
        cmocka_unit_test(native_map_and_union),
        cmocka_unit_test(json_accepts),
        cmocka_unit_test(json_accepts_params),
        cmocka_unit_test(msgpack_accepts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
