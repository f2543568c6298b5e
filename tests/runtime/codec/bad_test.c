/* Input that decoders and encoders refuse, with path and message. Also: running
 * out of memory at any point gives a status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/codec.h"
#include "sample.h"

typedef struct bad {
    const shmrpc_type *type;
    const char *data;
    size_t len;
    const char *path;
    const char *message;
} bad;

#define BAD(type, data, path, message)              \
    {                                               \
        type, data, sizeof(data) - 1, path, message \
    }

static void refuses(uint32_t encoding, const bad *cases, size_t count)
{
    const shmrpci_codec *codec = shmrpci_codec_of(encoding);
    for (size_t i = 0; i < count; i++) {
        _Alignas(16) uint8_t value[sizeof(sample_all)];
        uint8_t untouched[sizeof value];
        memset(value, 0xA5, sizeof value);
        memcpy(untouched, value, sizeof value);
        shmrpc_error error = {0};
        shmrpci_arena arena;
        shmrpci_arena_init(&arena, 0);
        /* A copy of exactly this length, for the sanitizer. */
        uint8_t *data = malloc(cases[i].len > 0 ? cases[i].len : 1);
        assert_non_null(data);
        memcpy(data, cases[i].data, cases[i].len);
        int status = codec->decode(cases[i].type, data, cases[i].len, "v",
                                   &arena, value, &error);
        if (status != SHMRPC_E_INVALID ||
            strcmp(error.path, cases[i].path) != 0 ||
            strcmp(error.message, cases[i].message) != 0) {
            fail_msg("%s %zu (%s):\n  expected %s: %s\n  got %d %s: %s",
                     codec->name, i, cases[i].data, cases[i].path,
                     cases[i].message, status, error.path, error.message);
        }
        assert_memory_equal(value, untouched, sizeof value);
        assert_int_equal(codec->decode(cases[i].type, data, cases[i].len, "v",
                                       &arena, value, NULL),
                         SHMRPC_E_INVALID);
        free(data);
        shmrpci_arena_fini(&arena);
    }
}

static void json(void **state)
{
    (void)state;
    static const bad cases[] = {
        BAD(&shmrpc_type_u32, "", "v",
            "expected u32, found the end (at byte 0)"),
        BAD(&shmrpc_type_u32, "\"x\"", "v",
            "expected u32, found string (at byte 0)"),
        BAD(&shmrpc_type_u32, "\"1\"", "v",
            "expected u32, found string (at byte 0)"),
        BAD(&shmrpc_type_u64, "\"01\"", "v",
            "expected u64, found string (at byte 0)"),
        BAD(&shmrpc_type_u32, "1.5", "v",
            "expected u32, found 1.5 (at byte 0)"),
        BAD(&shmrpc_type_u64, "9007199254740991.4", "v",
            "expected u64, found 9007199254740991.4 (at byte 0)"),
        BAD(&shmrpc_type_u8, "0.99999999999999999999", "v",
            "expected u8, found 0.99999999999999999999 (at byte 0)"),
        BAD(&shmrpc_type_u64, "1e20", "v",
            "expected u64, found 1e20 (at byte 0)"),
        BAD(&shmrpc_type_i64, "9223372036854775808.0", "v",
            "value 9223372036854775808 does not fit i64 "
            "(-9223372036854775808..9223372036854775807)"),
        BAD(&shmrpc_type_u32, "-1", "v",
            "value -1 does not fit u32 (0..4294967295)"),
        BAD(&shmrpc_type_i8, "128", "v",
            "value 128 does not fit i8 (-128..127)"),
        BAD(&shmrpc_type_u64, "18446744073709551616", "v",
            "expected u64, found 18446744073709551616 (at byte 0)"),
        BAD(&shmrpc_type_u32, "1 2", "v",
            "expected the end, found number (at byte 2)"),
        BAD(&shmrpc_type_bool, "1", "v",
            "expected bool, found number (at byte 0)"),
        BAD(&shmrpc_type_bool, "null", "v",
            "expected bool, found null (at byte 0)"),
        BAD(&shmrpc_type_f64, "\"nan\"", "v",
            "expected f64, found string (at byte 0)"),
        BAD(&shmrpc_type_f64, "1e400", "v", "number out of range (at byte 0)"),
        BAD(&shmrpc_type_f32, "1e39", "v", "number out of range (at byte 0)"),
        BAD(&shmrpc_type_f64, "01", "v",
            "expected the end, found number (at byte 1)"),
        BAD(&shmrpc_type_f64, "+1", "v", "unexpected character (at byte 0)"),
        BAD(&shmrpc_type_f64, "1.", "v", "unexpected character (at byte 1)"),
        BAD(&shmrpc_type_any, "NaN", "v", "unexpected character (at byte 0)"),
        BAD(&shmrpc_type_any, "nul", "v", "unexpected character (at byte 0)"),
        BAD(&shmrpc_type_any, "[1,]", "v[1]",
            "expected a value, found `]` (at byte 3)"),
        BAD(&shmrpc_type_any, "[1 2]", "v",
            "expected `,` or `]`, found number (at byte 3)"),
        BAD(&shmrpc_type_any, "{\"a\":1,}", "v",
            "expected a key, found `}` (at byte 7)"),
        BAD(&shmrpc_type_any, "{\"a\" 1}", "v",
            "expected `:`, found number (at byte 5)"),
        BAD(&shmrpc_type_any, "{1:2}", "v",
            "expected a key, found number (at byte 1)"),
        BAD(&shmrpc_type_any, "{\"a\":{\"b\":1,\"\\u0062\":2}}",
            "v[\"a\"][\"b\"]", "duplicate key"),
        BAD(&shmrpc_type_any, "\"\xff\"", "v", "not UTF-8 (at byte 1)"),
        BAD(&shmrpc_type_any, "\"a\xc3\"", "v", "not UTF-8 (at byte 2)"),
        BAD(&shmrpc_type_any, "\"\xed\xa0\x80\"", "v", "not UTF-8 (at byte 1)"),
        BAD(&shmrpc_type_any, "\"\\ud800x\"", "v",
            "unpaired surrogate (at byte 1)"),
        BAD(&shmrpc_type_any, "\"\\udc00\"", "v",
            "unpaired surrogate (at byte 1)"),
        BAD(&shmrpc_type_any, "\"\\x41\"", "v", "unknown escape (at byte 1)"),
        BAD(&shmrpc_type_any, "\"\\u12g4\"", "v", "unknown escape (at byte 1)"),
        BAD(&shmrpc_type_any, "\"a\nb\"", "v",
            "control character in a string (at byte 2)"),
        BAD(&shmrpc_type_any, "\"abc", "v", "unterminated string (at byte 4)"),
        BAD(&shmrpc_type_any, "\xef\xbb\xbf{}", "v",
            "unexpected character (at byte 0)"),
        BAD(&shmrpc_type_any, "[\0]", "v", "unexpected NUL (at byte 1)"),
        BAD(&shmrpc_type_bytes, "\"Zg=\"", "v", "not base64 (at byte 0)"),
        BAD(&shmrpc_type_bytes, "\"Zh==\"", "v", "not base64 (at byte 0)"),
        BAD(&shmrpc_type_bytes, "\"Z g=\"", "v", "not base64 (at byte 0)"),
        BAD(&shmrpc_type_bytes, "\"====\"", "v", "not base64 (at byte 0)"),
        BAD(&sample_colour_type, "\"PINK\"", "v",
            "`PINK` is not a name of sample.Colour (at byte 0)"),
        BAD(&sample_colour_type, "256", "v",
            "value 256 does not fit u8 (0..255)"),
        BAD(&sample_triple_type, "[1,2]", "v", "fewer than 3 elements"),
        BAD(&sample_triple_type, "[1,2,3,4]", "v", "more than 3 elements"),
        BAD(&sample_triple_type, "[1,2,\"x\"]", "v[2]",
            "expected u16, found string (at byte 5)"),
        BAD(&sample_name_type, "\"123456789\"", "v", "length 9, allowed 1..8"),
        BAD(&sample_name_type, "\"\"", "v", "length 0, allowed 1..8"),
        BAD(&sample_level_type, "101", "v", "value 101, allowed 1..100"),
        BAD(&sample_offset_type, "-6", "v", "value -6, allowed -5..5"),
        BAD(&sample_gain_type, "2.5", "v", "value 2.5, allowed 0.5..2"),
        BAD(&sample_gain_type, "\"NaN\"", "v", "value nan, allowed 0.5..2"),
        BAD(&sample_few_type, "[1,2,3,4,5]", "v", "length 5, allowed 0..4"),
        BAD(&sample_key_type, "{}", "v", "no member of sample.Key"),
        BAD(&sample_key_type, "{\"id\":1,\"url\":\"x\"}", "v",
            "more than one member"),
        BAD(&sample_key_type, "{\"isbn\":1}", "v[\"isbn\"]",
            "no member of sample.Key"),
        BAD(&sample_key_type, "{\"url\":1}", "v.url",
            "expected string, found number (at byte 7)"),
        BAD(&sample_point_type, "[1,2]", "v",
            "expected sample.Point, found array (at byte 0)"),
        BAD(&sample_point_type, "{\"x\":1}", "v.y", "missing"),
        BAD(&sample_point_type, "{\"x\":1,\"x\":1,\"y\":2}", "v.x",
            "duplicate key"),
        BAD(&sample_point_type, "{\"x\":1,\"q\":1,\"q\":1,\"y\":2}", "v[\"q\"]",
            "duplicate key"),
        BAD(&sample_point_type, "{\"x\":1,\"y\":2,\"q\":[}", "v[\"q\"][0]",
            "expected a value, found `}` (at byte 18)"),
        BAD(&sample_point_map_type, "{\"7\":{\"x\":1,\"y\":true}}", "v[7].y",
            "expected i32, found bool (at byte 16)"),
        BAD(&sample_point_map_type, "{\"x\":{}}", "v",
            "expected a key of type i32 in quotes (at byte 1)"),
        BAD(&sample_colour_map_type, "{\"BLUE\":true,\"7\":false}", "v[7]",
            "duplicate key"),
        BAD(&sample_text_map_type, "{\"a\":\"\",\"b\":1}", "v[\"b\"]",
            "expected string, found number (at byte 12)"),
        BAD(&sample_point_type, "{\"x\\u0000\":1,\"y\":2}", "v.x", "missing"),
        BAD(&sample_params_type, "[\"t\"]", "v.point", "missing"),
        BAD(&sample_params_type, "[null,{\"x\":1,\"y\":2}]", "v.text",
            "expected string, found null (at byte 1)"),
        BAD(&shmrpc_type_no_params, "3", "v",
            "expected struct, found number (at byte 0)"),
    };
    refuses(SHMRPC_ENCODING_JSON, cases, SHMRPC_COUNT(cases));
}

static void msgpack(void **state)
{
    (void)state;
    static const bad cases[] = {
        BAD(&shmrpc_type_u32, "", "v", "cut off (at byte 0)"),
        BAD(&shmrpc_type_u32, "\xce\0\0\0", "v", "cut off (at byte 0)"),
        BAD(&shmrpc_type_u32, "\x01\x02", "v", "expected the end (at byte 1)"),
        BAD(&shmrpc_type_u32, "\xa1\x31", "v",
            "expected u32, found string (at byte 0)"),
        BAD(&shmrpc_type_u32, "\xff", "v",
            "value -1 does not fit u32 (0..4294967295)"),
        BAD(&shmrpc_type_i64, "\xcf\x80\0\0\0\0\0\0\0", "v",
            "value 9223372036854775808 does not fit i64 "
            "(-9223372036854775808..9223372036854775807)"),
        BAD(&shmrpc_type_u32, "\xca\x3f\x80\0\0", "v",
            "expected u32, found float (at byte 0)"),
        BAD(&shmrpc_type_bool, "\x01", "v",
            "expected bool, found integer (at byte 0)"),
        BAD(&shmrpc_type_f32, "\xcb\x47\xf0\0\0\0\0\0\0", "v",
            "value 3.40282e+38 does not fit f32"),
        BAD(&shmrpc_type_f64, "\xcf\0\x20\0\0\0\0\0\x01", "v",
            "integer has no exact f64 (at byte 0)"),
        BAD(&shmrpc_type_string, "\xc4\x01\x61", "v",
            "expected string, found bytes (at byte 0)"),
        BAD(&shmrpc_type_bytes, "\xa1\x61", "v",
            "expected bytes, found string (at byte 0)"),
        BAD(&shmrpc_type_bytes, "\xd4\x01\x61", "v",
            "expected bytes, found extension (at byte 0)"),
        BAD(&shmrpc_type_string, "\xa2\x61\xff", "v", "not UTF-8 (at byte 2)"),
        BAD(&shmrpc_type_string, "\xdb\xff\xff\xff\xff\x61", "v",
            "longer than the message (at byte 0)"),
        BAD(&shmrpc_type_any, "\xc1", "v",
            "byte 0xc1 is never used (at byte 0)"),
        BAD(&shmrpc_type_any, "\xdd\xff\xff\xff\xff", "v",
            "more items than the message has bytes (at byte 0)"),
        BAD(&shmrpc_type_any, "\xdf\x80\0\0\0\0\0", "v",
            "more items than the message has bytes (at byte 0)"),
        BAD(&shmrpc_type_any, "\x92\x92\x00\x00", "v[0]",
            "more items than the message has bytes (at byte 1)"),
        BAD(&shmrpc_type_any, "\x82\x01\xc0\xcc\x01\xc0", "v[1]",
            "duplicate key"),
        BAD(&shmrpc_type_any, "\x82\xa1\x61\xc0\xd9\x01\x61\xc0", "v[\"a\"]",
            "duplicate key"),
        BAD(&sample_point_type, "\x82\xa1x\x01\x01\x02", "v.x",
            "duplicate key"),
        BAD(&sample_point_type, "\x81\xa1x\x01", "v.y", "missing"),
        BAD(&sample_point_type, "\x92\x01\x02", "v",
            "expected sample.Point, found array (at byte 0)"),
        BAD(&sample_point_type, "\x82\xa1x\xc0\xa1y\x01", "v.x",
            "expected i32, found nil (at byte 3)"),
        BAD(&sample_point_type, "\x84\xa1x\x01\xa1y\x01\x09\xc0\x09\xc0",
            "v[9]", "duplicate key"),
        BAD(&sample_point_type, "\x82\xa2x\0\x01\xa1y\x01", "v.x", "missing"),
        BAD(&sample_key_type, "\x80", "v", "no member of sample.Key"),
        BAD(&sample_key_type, "\x82\x01\x05\x02\xa1x", "v",
            "more than one member"),
        BAD(&sample_key_type, "\x81\x03\xc0", "v[3]",
            "no member of sample.Key"),
        BAD(&sample_triple_type, "\x92\x01\x02", "v", "fewer than 3 elements"),
        BAD(&sample_few_type, "\x95\x01\x02\x03\x04\x05", "v",
            "length 5, allowed 0..4"),
        BAD(&sample_colour_type, "\xa3RED", "v",
            "expected sample.Colour, found string (at byte 0)"),
        BAD(&sample_text_map_type, "\x81\x01\xa0", "v",
            "expected string, found integer (at byte 1)"),
    };
    refuses(SHMRPC_ENCODING_MSGPACK, cases, SHMRPC_COUNT(cases));
}

static void native(void **state)
{
    (void)state;
    static const bad cases[] = {
        BAD(&shmrpc_type_u32, "", "v",
            "image of 0 bytes gives its length as 0, expected 8 or more"),
        BAD(&shmrpc_type_u32, "\x07\0\0\0\0\0\0", "v",
            "image of 7 bytes gives its length as 7, expected 8 or more"),
        BAD(&shmrpc_type_u32, "\x09\0\0\0\0\0\0\0", "v",
            "image of 8 bytes gives its length as 9, expected 8 or more"),
        BAD(&sample_sum_type, "\x08\0\0\0\0\0\0\0", "v",
            "image of 8 bytes gives its length as 8, expected 24 or more"),
        BAD(&shmrpc_type_bool, "\x05\0\0\0\x02", "v",
            "byte 2, allowed 0..1 (at byte 4)"),
        BAD(&shmrpc_type_string, "\x0c\0\0\0\x0c\0\0\0\0\0\0\0", "v",
            "offset 12 of an empty block, expected 0 (at byte 4)"),
        BAD(&shmrpc_type_string, "\x0d\0\0\0\x0b\0\0\0\x01\0\0\0x", "v",
            "offset 11, expected 12 or above, aligned to 1 (at byte 4)"),
        BAD(&shmrpc_type_string, "\x0d\0\0\0\x0c\0\0\0\x02\0\0\0x", "v",
            "2 bytes at offset 12 are not within the image of 13 bytes (at "
            "byte 4)"),
        BAD(&shmrpc_type_string,
            "\x0d\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"
            "x",
            "v",
            "4294967295 bytes at offset 4294967295 are not within the image of "
            "13 bytes (at byte 4)"),
        BAD(&shmrpc_type_string, "\x0d\0\0\0\x0c\0\0\0\x01\0\0\0\xff", "v",
            "not UTF-8 (at byte 12)"),
        BAD(&sample_i32_list_type, "\x11\0\0\0\x0d\0\0\0\x01\0\0\0\0\0\0\0\0",
            "v", "offset 13, expected 12 or above, aligned to 4 (at byte 4)"),
        /* Two strings that share their bytes. */
        BAD(&sample_str_list_type,
            "\x1d\0\0\0\x0c\0\0\0\x02\0\0\0\x1c\0\0\0\x01\0\0\0\x1c\0\0\0\x01"
            "\0\0\0x",
            "v[1]",
            "offset 28, expected 29 or above, aligned to 1 (at byte 20)"),
        BAD(&sample_key_type,
            "\x18\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "v",
            "tag 3 is not a member of sample.Key"),
        BAD(&sample_colour_map_type,
            "\x10\0\0\0\x0c\0\0\0\x02\0\0\0\x07\x01\x07\x01", "v[7]",
            "duplicate key"),
        BAD(&sample_colour_map_type, "\x0e\0\0\0\x0c\0\0\0\x01\0\0\0\x07\x02",
            "v[7]", "byte 2, allowed 0..1 (at byte 13)"),
        BAD(&sample_level_type, "\x05\0\0\0\0", "v", "value 0, allowed 1..100"),
        BAD(&sample_params_type,
            "\x20\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0"
            "\x0a\0\0\0",
            "v.count", "byte 2, allowed 0..1 (at byte 20)"),
        BAD(&sample_node_type,
            "\x2c\0\0\0\0\0\0\0\x18\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "v.next",
            "40 bytes at offset 24 are not within the image of 44 bytes (at "
            "byte 8)"),
        BAD(&sample_node_type,
            "\x40\0\0\0\0\0\0\0\x18\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0\0\0",
            "v.next", "count 2, allowed 0..1 (at byte 8)"),
        BAD(&shmrpc_type_any, "\x04\0\0\0", "v", "any has no native form"),
    };
    refuses(SHMRPC_ENCODING_NATIVE, cases, SHMRPC_COUNT(cases));
}

static void raw(void **state)
{
    (void)state;
    static const bad cases[] = {
        BAD(&shmrpc_type_u32, "1234", "v", "raw carries bytes, not u32"),
        BAD(&shmrpc_type_no_params, "1", "v", "length 1, allowed 0..0"),
    };
    refuses(SHMRPC_ENCODING_RAW, cases, SHMRPC_COUNT(cases));
}

/* Decodes `count` times `open`, then `count` times `close`, as `any`. */
static void check_depth(uint32_t encoding, const char *open, const char *close,
                        const char *expected_path)
{
    char text[2 * SHMRPCI_CODEC_MAX_DEPTH + 2];
    for (size_t levels = SHMRPCI_CODEC_MAX_DEPTH;
         levels <= SHMRPCI_CODEC_MAX_DEPTH + 1; levels++) {
        size_t len = 0;
        for (size_t i = 0; i < levels; i++) {
            text[len++] = i + 1 < levels || close[0] != '\0' ? open[0] : '\x90';
        }
        for (size_t i = 0; close[0] != '\0' && i < levels; i++) {
            text[len++] = close[0];
        }
        shmrpc_any value;
        shmrpc_error error = {0};
        shmrpci_arena arena;
        shmrpci_arena_init(&arena, 0);
        int status = shmrpci_codec_of(encoding)->decode(
            &shmrpc_type_any, (const uint8_t *)text, len, "v", &arena, &value,
            &error);
        if (levels == SHMRPCI_CODEC_MAX_DEPTH) {
            assert_int_equal(status, SHMRPC_OK);
        } else {
            assert_int_equal(status, SHMRPC_E_INVALID);
            assert_string_equal(error.message, "nested deeper than 64 levels");
            assert_string_equal(error.path, expected_path);
        }
        shmrpci_arena_fini(&arena);
    }
}

static void depth(void **state)
{
    (void)state;
    const char *path =
        "v[0][0][0][0][0][0][0...[0][0][0][0][0][0][0][0][0][0][0][0][0]";
    check_depth(SHMRPC_ENCODING_JSON, "[", "]", path);
    check_depth(SHMRPC_ENCODING_MSGPACK, "\x91", "", path);
}

/* A path of sixty keys of 24 bytes is too long; its beginning and its end are
 * kept. */
static void paths_of_long_keys(void **state)
{
    (void)state;
    enum { LEVELS = 60 };
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    for (int i = 0; i < LEVELS; i++) {
        shmrpci_buf_append_text(&buf, "{\"an \u00fcber long name here\":");
    }
    shmrpci_buf_append_text(&buf, "{\"last\":1e999}");
    shmrpc_any value;
    shmrpc_error error = {0};
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    assert_int_equal(shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                         ->decode(&shmrpc_type_any, buf.data, buf.len, "v",
                                  &arena, &value, &error),
                     SHMRPC_E_INVALID);
    assert_string_equal(error.path,
                        "v[\"an \u00fcber long name...re\"][\"an \u00fcber "
                        "long name here\"][\"last\"]");
    shmrpci_arena_fini(&arena);
    shmrpci_buf_fini(&buf);
}

/* A list that contains itself would be endless; encoding stops at the depth
 * limit. */
static void depth_of_encoders(void **state)
{
    (void)state;
    sample_node loop = {.value = 1};
    loop.next = &loop;
    shmrpc_any item;
    shmrpc_any_list list = {&item, 1};
    item = shmrpc_any_list_of(list.ptr, list.len);
    for (uint32_t encoding = SHMRPC_ENCODING_JSON;
         encoding <= SHMRPC_ENCODING_NATIVE; encoding++) {
        const shmrpci_codec *codec = shmrpci_codec_of(encoding);
        shmrpc_error error = {0};
        shmrpci_buf buf;
        shmrpci_buf_init_heap(&buf);
        assert_int_equal(
            codec->encode(&sample_node_type, &loop, "v", &buf, &error),
            SHMRPC_E_INVALID);
        assert_string_equal(error.message, "nested deeper than 64 levels");
        if (encoding != SHMRPC_ENCODING_NATIVE) {
            assert_int_equal(
                codec->encode(&shmrpc_type_any, &item, "v", &buf, &error),
                SHMRPC_E_INVALID);
        }
        shmrpci_buf_fini(&buf);
    }
}

static void refuses_to_encode(uint32_t encoding, const shmrpc_type *type,
                              const void *value, const char *path,
                              const char *message)
{
    shmrpc_error error = {0};
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    assert_int_equal(
        shmrpci_codec_of(encoding)->encode(type, value, "v", &buf, &error),
        SHMRPC_E_INVALID);
    assert_string_equal(error.path, path);
    assert_string_equal(error.message, message);
    shmrpci_buf_fini(&buf);
}

/* A length without data is a mistake of the caller, and must not crash. */
static void encoders_refuse_views_of_nothing(void **state)
{
    (void)state;
    static const shmrpc_str text = {NULL, 3};
    static const shmrpc_bytes bytes = {NULL, 3};
    static const shmrpc_str texts[] = {{"ok", 2}, {NULL, 1}};
    for (uint32_t encoding = SHMRPC_ENCODING_JSON;
         encoding <= SHMRPC_ENCODING_NATIVE; encoding++) {
        sample_all value = sample_full;
        refuses_to_encode(encoding, &shmrpc_type_string, &text, "v",
                          "length 3, but no data (NULL)");
        refuses_to_encode(encoding, &shmrpc_type_bytes, &bytes, "v",
                          "length 3, but no data (NULL)");
        value.words.ptr = texts;
        value.words.len = 2;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.words[1]",
                          "length 1, but no data (NULL)");
    }
    refuses_to_encode(SHMRPC_ENCODING_RAW, &shmrpc_type_bytes, &bytes, "v",
                      "length 3, but no data (NULL)");
}

static shmrpc_any empty_handed(shmrpc_any_kind kind)
{
    shmrpc_any value = shmrpc_any_null();
    value.kind = kind;
    value.u.bytes = (shmrpc_bytes){NULL, 3};
    return value;
}

static void encoders_refuse_any_of_nothing(void **state)
{
    (void)state;
    static const shmrpc_any_kind kinds[] = {SHMRPC_ANY_STR, SHMRPC_ANY_BYTES,
                                            SHMRPC_ANY_LIST, SHMRPC_ANY_MAP,
                                            SHMRPC_ANY_EXT};
    for (size_t i = 0; i < SHMRPC_COUNT(kinds); i++) {
        const shmrpc_any value = empty_handed(kinds[i]);
        const shmrpc_any list = shmrpc_any_list_of(&value, 1);
        for (uint32_t e = SHMRPC_ENCODING_JSON; e <= SHMRPC_ENCODING_MSGPACK;
             e++) {
            refuses_to_encode(e, &shmrpc_type_any, &value, "v",
                              "length 3, but no data (NULL)");
            refuses_to_encode(e, &shmrpc_type_any, &list, "v[0]",
                              "length 3, but no data (NULL)");
        }
    }
}

static void encoders_refuse_keys_of_nothing(void **state)
{
    (void)state;
    const shmrpc_any_entry entry = {.key = empty_handed(SHMRPC_ANY_STR)};
    const shmrpc_any map = shmrpc_any_map_of(&entry, 1);
    static const sample_text_entry texts[] = {{{NULL, 3}, {"", 0}}};
    static const sample_text_map typed = {texts, 1};
    for (uint32_t e = SHMRPC_ENCODING_JSON; e <= SHMRPC_ENCODING_NATIVE; e++) {
        refuses_to_encode(e, &sample_text_map_type, &typed, "v[\"\"]",
                          "length 3, but no data (NULL)");
        if (e != SHMRPC_ENCODING_NATIVE) {
            refuses_to_encode(e, &shmrpc_type_any, &map, "v[\"\"]",
                              "length 3, but no data (NULL)");
        }
    }
}

static void encoders_check_bounds(void **state)
{
    (void)state;
    sample_all value = sample_full;
    static const shmrpc_str bad_words[] = {{"ok", 2}, {"a\xff", 2}};
    for (uint32_t encoding = SHMRPC_ENCODING_JSON;
         encoding <= SHMRPC_ENCODING_NATIVE; encoding++) {
        value = sample_full;
        value.name.len = 0;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.name",
                          "length 0, allowed 1..8");
        value = sample_full;
        value.level = 0;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.level",
                          "value 0, allowed 1..100");
        value = sample_full;
        value.gain = 0.25f;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.gain",
                          "value 0.25, allowed 0.5..2");
        value = sample_full;
        value.words.ptr = bad_words;
        value.words.len = 2;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.words[1]",
                          "not UTF-8 (at byte 1)");
        value = sample_full;
        value.key.tag = 3;
        refuses_to_encode(encoding, &sample_native_type, &value, "v.key",
                          "tag 3 is not a member of sample.Key");
        sample_params params = {.text = {"", 0}};
        refuses_to_encode(encoding, &sample_params_type, &params, "v.point",
                          "missing: the pointer is NULL");
    }
}

static void json_cannot_say(void **state)
{
    (void)state;
    shmrpc_any bytes = shmrpc_any_bytes("x", 1);
    shmrpc_any infinite = shmrpc_any_f64(1e308 * 10);
    shmrpc_any_entry entry = {shmrpc_any_i64(1), shmrpc_any_null()};
    shmrpc_any map = shmrpc_any_map_of(&entry, 1);
    refuses_to_encode(SHMRPC_ENCODING_JSON, &shmrpc_type_any, &bytes, "v",
                      "JSON has no bytes");
    refuses_to_encode(SHMRPC_ENCODING_JSON, &shmrpc_type_any, &infinite, "v",
                      "JSON has no such number: inf");
    refuses_to_encode(SHMRPC_ENCODING_JSON, &shmrpc_type_any, &map, "v[1]",
                      "JSON has string keys only");
}

static void full_buffers(void **state)
{
    (void)state;
    static uint8_t memory[4096];
    for (uint32_t encoding = SHMRPC_ENCODING_JSON;
         encoding <= SHMRPC_ENCODING_NATIVE; encoding++) {
        int status = SHMRPC_E_TOO_LARGE;
        size_t cap = 0;
        for (; status != SHMRPC_OK; cap++) {
            shmrpc_error error = {0};
            shmrpci_buf buf;
            shmrpci_buf_init_fixed(&buf, memory, cap);
            status = shmrpci_codec_of(encoding)->encode(
                &sample_native_type, &sample_full, "v", &buf, &error);
            assert_true(status == SHMRPC_OK || status == SHMRPC_E_TOO_LARGE);
            assert_int_equal(error.code, status);
        }
        assert_true(cap > 100);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (uint32_t encoding = SHMRPC_ENCODING_JSON;
         encoding <= SHMRPC_ENCODING_NATIVE; encoding++) {
        const shmrpci_codec *codec = shmrpci_codec_of(encoding);
        const shmrpc_type *type = encoding == SHMRPC_ENCODING_NATIVE
                                      ? &sample_native_type
                                      : &sample_all_type;
        shmrpci_buf buf;
        shmrpci_buf_init_heap(&buf);
        assert_int_equal(codec->encode(type, &sample_full, "v", &buf, NULL), 0);
        int status = SHMRPC_E_NO_MEMORY;
        for (size_t limit = 1; status != SHMRPC_OK; limit += 7) {
            sample_all value;
            shmrpc_error error = {0};
            shmrpci_arena arena;
            shmrpci_arena_init(&arena, limit);
            status = codec->decode(type, buf.data, buf.len, "v", &arena, &value,
                                   &error);
            assert_true(status == SHMRPC_OK || status == SHMRPC_E_NO_MEMORY);
            assert_int_equal(error.code, status);
            shmrpci_arena_fini(&arena);
        }
        shmrpci_buf_fini(&buf);
    }
}

/* Long keys and deep paths are cut; bytes that are not text are replaced. */
static void paths(void **state)
{
    (void)state;
    static const bad cases[] = {
        BAD(&sample_text_map_type,
            "{\"0123456789012345678901234567890123456789\":1}",
            "v[\"012345678901234567890123...\"]",
            "expected string, found number (at byte 44)"),
        BAD(&sample_text_map_type, "{\"a\\\"\\u0007\\u007f\":1}",
            "v[\"a\\\"??\"]", "expected string, found number (at byte 19)"),
        BAD(&sample_node_type,
            "{\"value\":1,\"next\":{\"value\":1,\"next\":{\"value\":1"
            ",\"next\":{\"value\":1,\"next\":{\"value\":1,\"children"
            "\":[{\"value\":1,\"next\":{\"value\":1,\"next\":{\"value"
            "\":1,\"next\":{\"value\":1,\"children\":[{\"value\":\"x"
            "\"}]}}}}]}}}}}",
            "v.next.next.next.next...ren[0].next.next.next.children[0].value",
            "expected i32, found string (at byte 181)"),
    };
    refuses(SHMRPC_ENCODING_JSON, cases, SHMRPC_COUNT(cases));
}

/* Finding duplicates takes n log n, also for keys that an attacker chose. */
static void many_keys(void **state)
{
    (void)state;
    const size_t count = 200000;
    shmrpci_buf buf;
    shmrpci_buf_init_heap(&buf);
    shmrpci_buf_append_char(&buf, '{');
    for (size_t i = 0; i < count; i++) {
        shmrpci_buf_printf(&buf, "%s\"%08zu\":0", i > 0 ? "," : "",
                           i * 7919 % count);
    }
    shmrpci_buf_append_char(&buf, '}');
    shmrpc_any value;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_JSON);
    assert_int_equal(codec->decode(&shmrpc_type_any, buf.data, buf.len, "v",
                                   &arena, &value, NULL),
                     SHMRPC_OK);
    assert_int_equal(value.u.map.len, count);
    /* Overwrite the last key with the first one. */
    memcpy(buf.data + buf.len - 13, buf.data + 1, 10);
    shmrpc_error error = {0};
    assert_int_equal(codec->decode(&shmrpc_type_any, buf.data, buf.len, "v",
                                   &arena, &value, &error),
                     SHMRPC_E_INVALID);
    assert_string_equal(error.message, "duplicate key");
    assert_string_equal(error.path, "v[\"00000000\"]");
    shmrpci_arena_fini(&arena);
    shmrpci_buf_fini(&buf);
}

/* Two equal keys are found wherever they are. */
static void every_pair_of_keys(void **state)
{
    (void)state;
    enum { COUNT = 41 };
    sample_point_entry entries[COUNT];
    sample_point_map map = {entries, COUNT};
    const shmrpci_codec *codec = shmrpci_codec_of(SHMRPC_ENCODING_NATIVE);
    shmrpci_arena arena;
    shmrpci_buf buf;
    shmrpci_arena_init(&arena, 0);
    shmrpci_buf_init_heap(&buf);
    for (int pair = 0; pair < COUNT * COUNT; pair++) {
        int first = pair / COUNT;
        int second = pair % COUNT;
        for (int i = 0; i < COUNT; i++) {
            entries[i] = (sample_point_entry){.key = i * 19 % COUNT - 20};
        }
        entries[second].key = entries[first].key;
        sample_point_map out;
        shmrpci_arena_reset(&arena);
        shmrpci_buf_reset(&buf);
        assert_int_equal(
            codec->encode(&sample_point_map_type, &map, "v", &buf, NULL),
            SHMRPC_OK);
        assert_int_equal(codec->decode(&sample_point_map_type, buf.data,
                                       buf.len, "v", &arena, &out, NULL),
                         first == second ? SHMRPC_OK : SHMRPC_E_INVALID);
    }
    shmrpci_buf_fini(&buf);
    shmrpci_arena_fini(&arena);
}

int main(void)
{
    sample_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(msgpack),
        cmocka_unit_test(native),
        cmocka_unit_test(raw),
        cmocka_unit_test(depth),
        cmocka_unit_test(paths_of_long_keys),
        cmocka_unit_test(depth_of_encoders),
        cmocka_unit_test(encoders_refuse_views_of_nothing),
        cmocka_unit_test(encoders_refuse_any_of_nothing),
        cmocka_unit_test(encoders_refuse_keys_of_nothing),
        cmocka_unit_test(encoders_check_bounds),
        cmocka_unit_test(json_cannot_say),
        cmocka_unit_test(full_buffers),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(paths),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(every_pair_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
