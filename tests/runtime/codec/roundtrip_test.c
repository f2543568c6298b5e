/* Values of every kind survive each encoding, and encode to the same bytes
 * again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "random.h"
#include "sample.h"

static const uint32_t encodings[] = {
    SHMRPC_ENCODING_JSON, SHMRPC_ENCODING_MSGPACK, SHMRPC_ENCODING_NATIVE};

/* Encodes, decodes, compares, encodes again, compares the bytes. */
static void round_trip(uint32_t encoding, const shmrpc_type *type,
                       const void *value)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_buf first;
    shmrpci_buf second;
    _Alignas(16) uint8_t copy[sizeof(sample_all)];
    assert_true(type->size <= sizeof copy);
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&first);
    shmrpci_buf_init_heap(&second);
    if (codec->encode(type, value, "value", &first, &error) != SHMRPC_OK ||
        codec->decode(type, first.data, first.len, "value", &arena, copy,
                      &error) != SHMRPC_OK ||
        codec->encode(type, copy, "value", &second, &error) != SHMRPC_OK) {
        fail_msg("%s: %s: %s", codec->name, error.path, error.message);
    }
    if (!sample_equal(type, value, copy)) {
        fail_msg("%s: a different value came back: %.*s", codec->name,
                 (int)first.len, (const char *)first.data);
    }
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    shmrpci_buf_fini(&first);
    shmrpci_buf_fini(&second);
    shmrpci_arena_fini(&arena);
}

static void every_field(void **state)
{
    (void)state;
    round_trip(SHMRPC_ENCODING_JSON, &sample_all_type, &sample_full);
    round_trip(SHMRPC_ENCODING_MSGPACK, &sample_all_type, &sample_full);
    round_trip(SHMRPC_ENCODING_MSGPACK, &sample_compact_type, &sample_full);
    round_trip(SHMRPC_ENCODING_NATIVE, &sample_native_type, &sample_full);
}

static void absent_fields(void **state)
{
    (void)state;
    const sample_all least = {
        .key = {.tag = 1}, .name = {"n", 1}, .level = 1, .gain = 1.0f};
    round_trip(SHMRPC_ENCODING_JSON, &sample_all_type, &least);
    round_trip(SHMRPC_ENCODING_MSGPACK, &sample_all_type, &least);
    round_trip(SHMRPC_ENCODING_NATIVE, &sample_native_type, &least);
}

static void integers(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0,
                                     1,
                                     23,
                                     127,
                                     128,
                                     255,
                                     256,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     UINT64_C(0x7FFFFFFF),
                                     UINT64_C(0x80000000),
                                     UINT64_C(0xFFFFFFFF),
                                     UINT64_C(0x100000000),
                                     UINT64_C(9007199254740993),
                                     INT64_MAX,
                                     (uint64_t)INT64_MIN,
                                     UINT64_MAX};
    static const shmrpc_type *const types[] = {
        &shmrpc_type_i8, &shmrpc_type_i16, &shmrpc_type_i32, &shmrpc_type_i64,
        &shmrpc_type_u8, &shmrpc_type_u16, &shmrpc_type_u32, &shmrpc_type_u64};
    for (size_t i = 0; i < SHMRPC_COUNT(edges) * 2; i++) {
        /* Little-endian: for every width the low bytes are the value. */
        uint64_t value = edges[i / 2];
        value = i % 2 == 0 ? value : 0 - value;
        for (size_t t = 0; t < SHMRPC_COUNT(types); t++) {
            for (size_t e = 0; e < SHMRPC_COUNT(encodings); e++) {
                round_trip(encodings[e], types[t], &value);
            }
        }
    }
}

static void floats(void **state)
{
    (void)state;
    static const double edges[] = {0.0,
                                   -0.0,
                                   1.0,
                                   0.1,
                                   1.0 / 3,
                                   1e22,
                                   1e23,
                                   123456789012345680.0,
                                   5e-324,
                                   2.2250738585072014e-308,
                                   1.7976931348623157e308,
                                   9007199254740993.0,
                                   1e-7,
                                   -1e17,
                                   4.35,
                                   (double)INFINITY,
                                   -(double)INFINITY,
                                   (double)NAN};
    for (size_t i = 0; i < SHMRPC_COUNT(edges); i++) {
        float single = (float)edges[i];
        for (size_t e = 0; e < SHMRPC_COUNT(encodings); e++) {
            round_trip(encodings[e], &shmrpc_type_f64, &edges[i]);
            round_trip(encodings[e], &shmrpc_type_f32, &single);
        }
    }
}

static void random_floats(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_bits(&seed);
        uint32_t half = (uint32_t)(bits >> 32);
        double number;
        float single;
        memcpy(&number, &bits, sizeof number);
        memcpy(&single, &half, sizeof single);
        round_trip(SHMRPC_ENCODING_JSON, &shmrpc_type_f64, &number);
        round_trip(SHMRPC_ENCODING_JSON, &shmrpc_type_f32, &single);
    }
}

static void params(void **state)
{
    (void)state;
    const sample_point point = {1, 2};
    sample_params value = {.text = {"t", 1}, .point = &point, .limit = 3};
    for (size_t e = 0; e < SHMRPC_COUNT(encodings); e++) {
        value.has_count = false;
        round_trip(encodings[e], &sample_params_type, &value);
        value.has_count = true;
        value.count = 9;
        round_trip(encodings[e], &sample_params_type, &value);
        round_trip(encodings[e], &shmrpc_type_no_params, NULL);
    }
}

static void flat_params(void **state)
{
    (void)state;
    const sample_sum sum = {INT64_MIN, 2};
    for (size_t e = 0; e < SHMRPC_COUNT(encodings); e++) {
        round_trip(encodings[e], &sample_sum_type, &sum);
    }
}

/* Values that only msgpack can represent. */
static void any_in_msgpack(void **state)
{
    (void)state;
    shmrpc_any_entry entries[] = {
        {shmrpc_any_i64(-1), shmrpc_any_f64((double)NAN)},
        {shmrpc_any_null(), shmrpc_any_bytes("\0\xff", 2)},
        {shmrpc_any_bool(true), shmrpc_any_bytes("ext", 3)},
        {shmrpc_any_f32(0.1f), shmrpc_any_f32((float)NAN)},
        {shmrpc_any_f64((double)0.1f), shmrpc_any_f64(0.1)},
    };
    entries[2].value.kind = SHMRPC_ANY_EXT;
    entries[2].value.ext_type = -1;
    shmrpc_any map = shmrpc_any_map_of(entries, 5);
    shmrpc_any_entry outer = {map, map};
    shmrpc_any value = shmrpc_any_map_of(&outer, 1);
    round_trip(SHMRPC_ENCODING_MSGPACK, &shmrpc_type_any, &value);
}

static void deepest_any(void **state)
{
    (void)state;
    shmrpc_any levels[SHMRPCI_CODEC_MAX_DEPTH];
    levels[0] = shmrpc_any_list_of(NULL, 0);
    for (int i = 1; i < SHMRPCI_CODEC_MAX_DEPTH; i++) {
        levels[i] = shmrpc_any_list_of(&levels[i - 1], 1);
    }
    const shmrpc_any *deepest = &levels[SHMRPCI_CODEC_MAX_DEPTH - 1];
    round_trip(SHMRPC_ENCODING_JSON, &shmrpc_type_any, deepest);
    round_trip(SHMRPC_ENCODING_MSGPACK, &shmrpc_type_any, deepest);
}

static void raw_is_a_view(void **state)
{
    (void)state;
    const shmrpci_codec *raw = shmrpci_codec_of(SHMRPC_ENCODING_RAW);
    const uint8_t data[] = {1, 0, 255};
    shmrpc_bytes in = {data, sizeof data};
    shmrpc_bytes out = {NULL, 0};
    uint8_t memory[8];
    shmrpci_buf buf;
    shmrpci_buf_init_fixed(&buf, memory, sizeof memory);
    assert_int_equal(raw->encode(&sample_raw_type, &in, "", &buf, NULL), 0);
    assert_int_equal(buf.len, 3);
    assert_int_equal(
        raw->decode(&sample_raw_type, memory, 3, "", NULL, &out, NULL), 0);
    assert_ptr_equal(out.ptr, memory);
    assert_memory_equal(out.ptr, data, 3);
    assert_int_equal(
        raw->decode(&shmrpc_type_bytes, memory, 2, "", NULL, &out, NULL), 0);
    assert_int_equal(out.len, 2);
}

static void unknown_encoding(void **state)
{
    (void)state;
    assert_null(shmrpci_codec_of(0));
    assert_null(shmrpci_codec_of(5));
    assert_string_equal(shmrpci_codec_of(SHMRPC_ENCODING_NATIVE)->name,
                        "native");
}

int main(void)
{
    sample_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),      cmocka_unit_test(absent_fields),
        cmocka_unit_test(integers),         cmocka_unit_test(floats),
        cmocka_unit_test(random_floats),    cmocka_unit_test(params),
        cmocka_unit_test(flat_params),      cmocka_unit_test(any_in_msgpack),
        cmocka_unit_test(deepest_any),      cmocka_unit_test(raw_is_a_view),
        cmocka_unit_test(unknown_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
