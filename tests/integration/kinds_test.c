/* Values of every type through real programs: a generated client and a
 * generated server, in each encoding. */
#include "harness.h"

#include <math.h>
#include <signal.h>

#include "kinds_client.h"

typedef struct both {
    harness_service service;
    kinds_kinds *client;
} both;

static int set_up(void **state)
{
    both *b = calloc(1, sizeof *b);
    shmrpc_error error;
    b->service = harness_serve_over(*state, KINDS_SERVER, "kinds", 5801, "1");
    if (kinds_kinds_connect(b->service.where, NULL, &b->client, &error) != 0) {
        fail_msg("connect: %s", error.message);
    }
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    both *b = *state;
    kinds_kinds_close(b->client);
    harness_end(&b->service);
    free(b);
    return 0;
}

/* The type of the three methods, one for each encoding. */
typedef int all_fn(kinds_kinds *client, const kinds_all *value, int64_t by,
                   const kinds_all **out, shmrpc_error *error);

#define ALL_FN(encoding)                                                      \
    static int encoding##_all(kinds_kinds *client, const kinds_all *value,    \
                              int64_t by, const kinds_all **out,              \
                              shmrpc_error *error)                            \
    {                                                                         \
        const kinds_kinds_##encoding##_all_reply *reply;                      \
        int status = kinds_kinds_##encoding##_all(client, value, by, NULL,    \
                                                  &reply, error);             \
        *out = status == 0 ? &reply->value : NULL;                            \
        return status;                                                        \
    }                                                                         \
    static void encoding##_release(const kinds_all *value)                    \
    {                                                                         \
        kinds_kinds_##encoding##_all_release(                                 \
            (const kinds_kinds_##encoding##_all_reply *)(const void *)value); \
    }

ALL_FN(json)
ALL_FN(msgpack)
ALL_FN(native)

static const struct {
    const char *name;
    all_fn *call;
    void (*release)(const kinds_all *value);
} encodings[] = {
    {"json", json_all, json_release},
    {"msgpack", msgpack_all, msgpack_release},
    {"native", native_all, native_release},
};

static shmrpc_str str(const char *text)
{
    return shmrpc_str_of(text);
}

static bool same(shmrpc_str a, const char *b)
{
    return shmrpc_str_equal(a, str(b)) && a.ptr[a.len] == '\0';
}

static const uint16_t row[] = {1, 2, 65535};

/* Returns the extreme values of every type. Parts behind pointers are
 * static. */
static kinds_all everything(void)
{
    static const int64_t numbers[] = {INT64_MIN, -1, 0, INT64_MAX - 1};
    static const shmrpc_str words[] = {
        {"", 0}, {"b\0c", 3}, {"\xf0\x9f\x98\x80 \"quoted\"\n", 14}};
    static const kinds_point path[] = {{1.5f, -2.5f}, {0, 1e30f}};
    static const kinds_all_counts_entry counts[] = {{{"one", 3}, 1},
                                                    {{"two", 3}, 2}};
    static const kinds_all_places_entry places[] = {{0, {1, 2}},
                                                    {65535, {3, 4}}};
    static const shmrpc_u16_list rows[] = {{row, 3}, {NULL, 0}, {row, 1}};
    static const kinds_colour palette[] = {KINDS_COLOUR_BLUE, 0, 200};
    kinds_all v = KINDS_ALL_DEFAULTS;
    v.flag = true;
    v.small = INT8_MIN;
    v.less = INT16_MIN;
    v.int_ = INT32_MIN;
    v.large = INT64_MIN;
    v.tiny = UINT8_MAX;
    v.little = UINT16_MAX;
    v.bounded = 1000000;
    v.huge = UINT64_MAX;
    v.single = 0.1f;
    v.precise = 0.1;
    v.name = str("a name");
    v.data = shmrpc_bytes_of("\x00\xff\x80z", 4);
    v.colour = KINDS_COLOUR_BLUE;
    v.level = KINDS_LEVEL_LOW;
    v.point = path[0];
    v.has_maybe = true;
    v.maybe = -7;
    v.has_perhaps = true;
    v.perhaps = str("");
    v.somewhere = &path[1];
    v.numbers = (shmrpc_i64_list){numbers, 4};
    v.words = (shmrpc_str_list){words, 3};
    v.path = (kinds_point_list){path, 2};
    v.counts = (kinds_all_counts){counts, 2};
    v.places = (kinds_all_places){places, 2};
    memcpy(v.address, "\x7f\x00\x00\x01", 4);
    v.corners[0] = path[1];
    v.corners[1] = path[0];
    v.shape.tag = KINDS_SHAPE_TEXT;
    v.shape.u.text = str("union");
    v.rows = (kinds_u16_list_list){rows, 3};
    v.has_palette = true;
    v.palette = (kinds_colour_list){palette, 3};
    return v;
}

static void expect_scalars(const kinds_all *v, int64_t large)
{
    assert_true(v->flag);
    assert_int_equal(v->small, INT8_MIN);
    assert_int_equal(v->less, INT16_MIN);
    assert_int_equal(v->int_, INT32_MIN);
    assert_true(v->large == large);
    assert_int_equal(v->tiny, UINT8_MAX);
    assert_int_equal(v->little, UINT16_MAX);
    assert_int_equal(v->bounded, 1000000);
    assert_true(v->huge == UINT64_MAX);
    assert_true(v->single == 0.1f);
    assert_true(v->precise == 0.1);
    assert_true(same(v->name, "a name"));
    assert_int_equal(v->data.len, 4);
    assert_memory_equal(v->data.ptr, "\x00\xff\x80z", 4);
    assert_int_equal(v->colour, KINDS_COLOUR_BLUE);
    assert_int_equal(v->level, KINDS_LEVEL_LOW);
}

static void expect_point(kinds_point p, float x, float y)
{
    assert_true(p.x == x && p.y == y);
}

static void expect_lists(const kinds_all *v, int64_t by)
{
    assert_int_equal(v->numbers.len, 4);
    assert_true(v->numbers.ptr[0] == INT64_MIN + by);
    assert_true(v->numbers.ptr[3] == INT64_MAX - 1 + by);
    assert_int_equal(v->words.len, 3);
    assert_int_equal(v->words.ptr[0].len, 0);
    assert_int_equal(v->words.ptr[1].len, 3);
    assert_memory_equal(v->words.ptr[1].ptr, "b\0c", 4);
    assert_true(same(v->words.ptr[2], "\xf0\x9f\x98\x80 \"quoted\"\n"));
    assert_int_equal(v->path.len, 2);
    expect_point(v->path.ptr[1], 0, 1e30f);
    assert_int_equal(v->counts.len, 2);
    assert_true(same(v->counts.ptr[1].key, "two"));
    assert_int_equal(v->counts.ptr[1].value, 2);
    assert_int_equal(v->places.len, 2);
    assert_int_equal(v->places.ptr[1].key, 65535);
    expect_point(v->places.ptr[1].value, 3, 4);
    assert_int_equal(v->rows.len, 3);
    assert_int_equal(v->rows.ptr[0].len, 3);
    assert_memory_equal(v->rows.ptr[0].ptr, row, sizeof row);
    assert_int_equal(v->rows.ptr[1].len, 0);
    assert_true(v->has_palette);
    assert_int_equal(v->palette.len, 3);
    assert_int_equal(v->palette.ptr[2], 200);
}

static void expect_rest(const kinds_all *v)
{
    expect_point(v->point, 1.5f, -2.5f);
    assert_false(v->has_maybe); /* the server clears it */
    assert_true(v->has_perhaps);
    assert_true(same(v->perhaps, ""));
    assert_non_null(v->somewhere);
    expect_point(*v->somewhere, 0, 1e30f);
    assert_memory_equal(v->address, "\x7f\x00\x00\x01", 4);
    expect_point(v->corners[1], 1.5f, -2.5f);
    assert_int_equal(v->shape.tag, KINDS_SHAPE_TEXT);
    assert_true(same(v->shape.u.text, "union"));
}

static void every_type_goes_through_every_encoding(void **state)
{
    both *b = *state;
    kinds_all value = everything();
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        const kinds_all *reply;
        shmrpc_error error;
        if (encodings[i].call(b->client, &value, 1, &reply, &error) != 0) {
            fail_msg("%s: %s: %s", encodings[i].name, error.path,
                     error.message);
        }
        expect_scalars(reply, INT64_MIN + 1);
        expect_lists(reply, 1);
        expect_rest(reply);
        encodings[i].release(reply);
    }
}

static void absent_and_empty_stay_what_they_are(void **state)
{
    both *b = *state;
    kinds_all value = KINDS_ALL_DEFAULTS;
    value.name = str("n");
    value.shape.tag = KINDS_SHAPE_DOT;
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        const kinds_all *reply;
        shmrpc_error error;
        if (encodings[i].call(b->client, &value, 5, &reply, &error) != 0) {
            fail_msg("%s: %s: %s", encodings[i].name, error.path,
                     error.message);
        }
        assert_int_equal(reply->large, 5);
        assert_int_equal(reply->bounded, 17);
        assert_int_equal(reply->colour, KINDS_COLOUR_RED);
        assert_int_equal(reply->level, KINDS_LEVEL_HIGH);
        assert_false(reply->has_perhaps);
        assert_false(reply->has_palette);
        assert_null(reply->somewhere);
        assert_int_equal(reply->words.len, 0);
        assert_int_equal(reply->counts.len, 0);
        assert_int_equal(reply->data.len, 0);
        assert_int_equal(reply->shape.tag, KINDS_SHAPE_DOT);
        assert_true(reply->has_maybe); /* the server inverts it */
        encodings[i].release(reply);
    }
}

/* Bounds cause the same message in every encoding. */
static void value_out_of_bounds_is_named_by_its_path(void **state)
{
    both *b = *state;
    static const int64_t six[6];
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        const kinds_all *reply;
        shmrpc_error error;
        kinds_all value = everything();
        value.bounded = 1000001;
        assert_int_equal(
            encodings[i].call(b->client, &value, 1, &reply, &error),
            SHMRPC_E_INVALID);
        assert_string_equal(error.path, "value.bounded");
        value = everything();
        value.numbers = (shmrpc_i64_list){six, 6};
        assert_int_equal(
            encodings[i].call(b->client, &value, 1, &reply, &error),
            SHMRPC_E_INVALID);
        assert_string_equal(error.path, "value.numbers");
        value = everything();
        value.perhaps = str("\xff");
        assert_int_equal(
            encodings[i].call(b->client, &value, 1, &reply, &error),
            SHMRPC_E_INVALID);
        assert_string_equal(error.path, "value.perhaps");
    }
}

static void declared_errors_arrive_by_name(void **state)
{
    both *b = *state;
    kinds_all value = everything();
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        const kinds_all *reply;
        shmrpc_error error;
        assert_int_equal(
            encodings[i].call(b->client, &value, 100, &reply, &error),
            KINDS_ERR_TOO_MANY);
        assert_non_null(strstr(error.name, "TooMany"));
        assert_string_equal(error.message, "100 is too many");
        assert_int_equal(
            encodings[i].call(b->client, &value, 101, &reply, &error),
            KINDS_ERR_NOT_HERE);
        assert_non_null(strstr(error.name, "NotHere"));
    }
}

/* A tree with every kind of value in JSON. */
static void any_goes_through_json_and_msgpack(void **state)
{
    both *b = *state;
    const shmrpc_any list[] = {
        shmrpc_any_null(),         shmrpc_any_bool(true),
        shmrpc_any_i64(INT64_MIN), shmrpc_any_u64(UINT64_MAX),
        shmrpc_any_f64(0.1),       shmrpc_any_of_str(shmrpc_str_of("text"))};
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_str("list"), shmrpc_any_list_of(list, 6)},
        {shmrpc_any_str(""), shmrpc_any_map_of(NULL, 0)},
    };
    kinds_loose value = {.all = everything(),
                         .extra = shmrpc_any_map_of(entries, 2),
                         .more = {list, 6}};
    const kinds_kinds_json_loose_reply *json;
    const kinds_kinds_msgpack_loose_reply *msgpack;
    shmrpc_error error;
    if (kinds_kinds_json_loose(b->client, &value, NULL, &json, &error) != 0) {
        fail_msg("json: %s: %s", error.path, error.message);
    }
    assert_true(shmrpc_any_equal(&json->value.extra, &value.extra));
    assert_int_equal(json->value.more.len, 6);
    assert_true(shmrpc_any_equal(&json->value.more.ptr[5], &list[5]));
    kinds_kinds_json_loose_release(json);
    if (kinds_kinds_msgpack_loose(b->client, &value, NULL, &msgpack, &error) !=
        0) {
        fail_msg("msgpack: %s: %s", error.path, error.message);
    }
    assert_true(shmrpc_any_equal(&msgpack->value.extra, &value.extra));
    kinds_kinds_msgpack_loose_release(msgpack);
}

static void what_json_cannot_say_goes_through_msgpack(void **state)
{
    both *b = *state;
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_i64(-3), shmrpc_any_bytes("\x00\xff", 2)},
        {shmrpc_any_bool(false), shmrpc_any_f64(1.0)},
    };
    kinds_loose value = {.all = everything(),
                         .extra = shmrpc_any_map_of(entries, 2)};
    const kinds_kinds_json_loose_reply *json;
    const kinds_kinds_msgpack_loose_reply *msgpack;
    assert_int_equal(
        kinds_kinds_msgpack_loose(b->client, &value, NULL, &msgpack, NULL), 0);
    assert_true(shmrpc_any_equal(&msgpack->value.extra, &value.extra));
    kinds_kinds_msgpack_loose_release(msgpack);
    assert_int_equal(
        kinds_kinds_json_loose(b->client, &value, NULL, &json, NULL),
        SHMRPC_E_INVALID);
}

/* Maps of other languages, in msgpack: keys of any kind, and extensions, which
 * stand for sets, big integers, complex numbers and dates. */
static void keys_of_any_kind_and_extensions_pass(void **state)
{
    both *b = *state;
    const shmrpc_any inner[] = {shmrpc_any_bool(true), shmrpc_any_null()};
    const shmrpc_any pair[] = {shmrpc_any_i64(1), shmrpc_any_str("two"),
                               shmrpc_any_list_of(inner, 2)};
    shmrpc_any date = shmrpc_any_bytes("\x65\x00\x00\x00", 4);
    shmrpc_any odd = shmrpc_any_bytes("12345678901234567", 17);
    shmrpc_any empty = shmrpc_any_bytes("", 0);
    date.kind = odd.kind = empty.kind = SHMRPC_ANY_EXT;
    date.ext_type = -1; /* msgpack's own type: a timestamp */
    odd.ext_type = INT8_MAX;
    empty.ext_type = INT8_MIN;
    const shmrpc_any_entry nested[] = {{shmrpc_any_u64(UINT64_MAX), odd}};
    const shmrpc_any_entry entries[] = {
        {shmrpc_any_i64(7), shmrpc_any_str("int")},
        {shmrpc_any_i64(INT64_MIN), shmrpc_any_null()},
        {shmrpc_any_str("7"), shmrpc_any_str("not the same key as 7")},
        {shmrpc_any_list_of(pair, 3), shmrpc_any_str("tuple")},
        {shmrpc_any_list_of(NULL, 0), date},
        {shmrpc_any_map_of(nested, 1), shmrpc_any_list_of(pair, 3)},
        {shmrpc_any_f64(0.5), empty},
        {date, shmrpc_any_bool(false)},
    };
    kinds_loose value = {.all = everything(),
                         .extra = shmrpc_any_map_of(entries, 8),
                         .more = {pair, 3}};
    const kinds_kinds_msgpack_loose_reply *reply;
    shmrpc_error error;
    if (kinds_kinds_msgpack_loose(b->client, &value, NULL, &reply, &error) !=
        0) {
        fail_msg("%s: %s", error.path, error.message);
    }
    assert_true(shmrpc_any_equal(&reply->value.extra, &value.extra));
    const shmrpc_any_map *map = &reply->value.extra.u.map;
    assert_int_equal(map->len, 8);
    assert_int_equal(map->ptr[4].value.kind, SHMRPC_ANY_EXT);
    assert_int_equal(map->ptr[4].value.ext_type, -1);
    assert_int_equal(map->ptr[6].value.ext_type, INT8_MIN);
    assert_int_equal(reply->value.more.len, 3);
    kinds_kinds_msgpack_loose_release(reply);

    /* A duplicate key is refused, whatever its kind. */
    const shmrpc_any_entry twice[] = {
        {shmrpc_any_list_of(pair, 3), shmrpc_any_null()},
        {shmrpc_any_i64(7), shmrpc_any_null()},
        {shmrpc_any_list_of(pair, 3), shmrpc_any_null()},
    };
    value.extra = shmrpc_any_map_of(twice, 3);
    assert_int_equal(
        kinds_kinds_msgpack_loose(b->client, &value, NULL, &reply, &error),
        SHMRPC_E_INVALID);
    assert_non_null(strstr(error.path, "extra"));
}

static void numbers_come_back_by_value(void **state)
{
    both *b = *state;
    double sum = 0;
    assert_int_equal(
        kinds_kinds_json_sum(b->client, 0.1, 0.2, NULL, &sum, NULL), 0);
    assert_true(sum == 0.1 + 0.2);
    assert_int_equal(
        kinds_kinds_msgpack_sum(b->client, 1e300, 1, NULL, &sum, NULL), 0);
    assert_true(sum == 1e300 + 1);
    assert_int_equal(
        kinds_kinds_native_sum(b->client, -0.0, -0.0, NULL, &sum, NULL), 0);
    assert_true(sum == 0 && signbit(sum));
    assert_int_equal(
        kinds_kinds_json_sum(b->client, INFINITY, 1, NULL, &sum, NULL), 0);
    assert_true(isinf(sum));
    assert_int_equal(
        kinds_kinds_json_sum(b->client, INFINITY, -INFINITY, NULL, &sum, NULL),
        0);
    assert_true(isnan(sum));
}

static void bytes_of_a_megabyte_come_back(void **state)
{
    both *b = *state;
    size_t len = (size_t)1 << 20;
    uint8_t *data = malloc(len);
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 12));
    }
    for (int i = 0; i < 100; i++) {
        const kinds_kinds_raw_bytes_reply *reply;
        assert_int_equal(kinds_kinds_raw_bytes(b->client,
                                               shmrpc_bytes_of(data, len), NULL,
                                               &reply, NULL),
                         0);
        assert_int_equal(reply->value.len, len);
        assert_memory_equal(reply->value.ptr, data, len);
        kinds_kinds_raw_bytes_release(reply);
    }
    free(data);
}

static void methods_without_results_and_without_code(void **state)
{
    both *b = *state;
    uint32_t nobody = 7;
    assert_int_equal(kinds_kinds_nothing(b->client, NULL, NULL), 0);
    assert_int_equal(
        kinds_kinds_nobody_wrote_this(b->client, NULL, &nobody, NULL),
        SHMRPC_E_UNIMPLEMENTED);
    assert_int_equal(nobody, 7);
}

#define CASE(name) HARNESS_CASES(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(every_type_goes_through_every_encoding),
        CASE(absent_and_empty_stay_what_they_are),
        CASE(value_out_of_bounds_is_named_by_its_path),
        CASE(declared_errors_arrive_by_name),
        CASE(any_goes_through_json_and_msgpack),
        CASE(keys_of_any_kind_and_extensions_pass),
        CASE(what_json_cannot_say_goes_through_msgpack),
        CASE(numbers_come_back_by_value),
        CASE(bytes_of_a_megabyte_come_back),
        CASE(methods_without_results_and_without_code),
    };
    return harness_main(tests, sizeof tests / sizeof *tests);
}
