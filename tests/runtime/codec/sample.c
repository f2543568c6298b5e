/* Types of every kind, written by hand. */
#include "sample.h"

#include "codec/layout.h"
#include "codec/value.h"

#define FIELD(tag, c_struct, c_field, type) \
    SHMRPC_FIELD_INIT(tag, #c_field, type, c_struct, c_field, 0, NULL, NULL)

static const shmrpc_field point_fields[] = {
    FIELD(1, sample_point, x, &shmrpc_type_i32),
    FIELD(2, sample_point, y, &shmrpc_type_i32),
};
shmrpc_type sample_point_type =
    SHMRPC_TYPE_STRUCT_INIT(sample_point, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                            8, 4, "sample.Point", NULL, point_fields);

static const shmrpc_enumerator colour_names[] = {
    {"RED", SAMPLE_RED, NULL},
    {"GREEN", SAMPLE_GREEN, NULL},
    {"BLUE", SAMPLE_BLUE, NULL},
};
shmrpc_type sample_colour_type = SHMRPC_TYPE_ENUM_INIT(
    sample_colour, 1, "sample.Colour", NULL, &shmrpc_type_u8, colour_names);

static const shmrpc_enumerator wide_names[] = {
    {"LOW", INT64_MIN, NULL},
    {"NONE", 0, NULL},
    {"HIGH", INT64_MAX, NULL},
};
shmrpc_type sample_wide_type = SHMRPC_TYPE_ENUM_INIT(
    sample_wide, 8, "sample.Wide", NULL, &shmrpc_type_i64, wide_names);

static const shmrpc_field key_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, sample_key, u.id, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "url", &shmrpc_type_string, sample_key, u.url, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(4, "at", &sample_point_type, sample_key, u.at, 0, NULL,
                      NULL),
};
shmrpc_type sample_key_type =
    SHMRPC_TYPE_UNION_INIT(sample_key, 0, 0, 0, "sample.Key", NULL, key_fields);

static shmrpc_type node_list_type = SHMRPC_TYPE_LIST_INIT(
    sample_node_list, sample_node, 0, 0, 0, &sample_node_type);
static const shmrpc_field node_fields[] = {
    FIELD(1, sample_node, value, &shmrpc_type_i32),
    SHMRPC_FIELD_INIT(2, "next", &sample_node_type, sample_node, next,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    FIELD(3, sample_node, children, &node_list_type),
};
shmrpc_type sample_node_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_node, 0, 0, 0, "sample.Node", NULL, node_fields);

shmrpc_type sample_i32_list_type =
    SHMRPC_TYPE_LIST_INIT(sample_i32_list, int32_t, 0, 0, 0, &shmrpc_type_i32);
shmrpc_type sample_str_list_type = SHMRPC_TYPE_LIST_INIT(
    sample_str_list, shmrpc_str, 0, 0, 0, &shmrpc_type_string);
shmrpc_type sample_text_map_type =
    SHMRPC_TYPE_MAP_INIT(sample_text_map, sample_text_entry, 0, 0, 0,
                         &shmrpc_type_string, &shmrpc_type_string);
shmrpc_type sample_point_map_type =
    SHMRPC_TYPE_MAP_INIT(sample_point_map, sample_point_entry, 0, 0, 0,
                         &shmrpc_type_i32, &sample_point_type);
shmrpc_type sample_colour_map_type =
    SHMRPC_TYPE_MAP_INIT(sample_colour_map, sample_colour_entry, 0, 0, 0,
                         &sample_colour_type, &shmrpc_type_bool);
shmrpc_type sample_triple_type = SHMRPC_TYPE_ARRAY_INIT(
    uint16_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 6, 2, 3, &shmrpc_type_u16);
static shmrpc_type pair_type =
    SHMRPC_TYPE_ARRAY_INIT(shmrpc_str, 0, 16, 4, 2, &shmrpc_type_string);

/* The bits of 0.5 and 2.0. */
#define BITS_HALF UINT64_C(0x3FE0000000000000)
#define BITS_TWO  UINT64_C(0x4000000000000000)

shmrpc_type sample_name_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 1, 8);
shmrpc_type sample_level_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_U8, uint8_t, 1, 1, 1, 100);
shmrpc_type sample_offset_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_I32, int32_t, 4, 4, (uint64_t)-5, 5);
shmrpc_type sample_gain_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_F32, float, 4, 4, BITS_HALF, BITS_TWO);
shmrpc_type sample_few_type = SHMRPC_TYPE_LIST_INIT(
    sample_u8_list, uint8_t, SHMRPC_TYPE_BOUNDED, 0, 4, &shmrpc_type_u8);

static const uint32_t ten = 10;
static const shmrpc_str none = {"none", 4};

static const shmrpc_field all_fields[] = {
    FIELD(1, sample_all, b, &shmrpc_type_bool),
    FIELD(2, sample_all, i8, &shmrpc_type_i8),
    FIELD(3, sample_all, i16, &shmrpc_type_i16),
    FIELD(4, sample_all, i32, &shmrpc_type_i32),
    FIELD(5, sample_all, i64, &shmrpc_type_i64),
    FIELD(6, sample_all, u8, &shmrpc_type_u8),
    FIELD(7, sample_all, u16, &shmrpc_type_u16),
    FIELD(8, sample_all, u32, &shmrpc_type_u32),
    FIELD(9, sample_all, u64, &shmrpc_type_u64),
    FIELD(10, sample_all, f32, &shmrpc_type_f32),
    FIELD(11, sample_all, f64, &shmrpc_type_f64),
    FIELD(12, sample_all, text, &shmrpc_type_string),
    FIELD(13, sample_all, blob, &shmrpc_type_bytes),
    FIELD(14, sample_all, numbers, &sample_i32_list_type),
    FIELD(15, sample_all, words, &sample_str_list_type),
    FIELD(16, sample_all, filters, &sample_text_map_type),
    FIELD(17, sample_all, points, &sample_point_map_type),
    FIELD(18, sample_all, colours, &sample_colour_map_type),
    FIELD(19, sample_all, triple, &sample_triple_type),
    FIELD(20, sample_all, pair, &pair_type),
    FIELD(21, sample_all, colour, &sample_colour_type),
    FIELD(22, sample_all, wide, &sample_wide_type),
    FIELD(23, sample_all, point, &sample_point_type),
    FIELD(24, sample_all, key, &sample_key_type),
    SHMRPC_FIELD_HAS_INIT(25, "maybe", &shmrpc_type_i32, sample_all, maybe,
                          has_maybe, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(26, "note", &shmrpc_type_string, sample_all, note,
                          has_note, NULL, NULL),
    SHMRPC_FIELD_INIT(27, "spot", &sample_point_type, sample_all, spot,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_INIT(28, "other", &sample_key_type, sample_all, other,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_INIT(29, "limit", &shmrpc_type_u32, sample_all, limit, 0, &ten,
                      NULL),
    SHMRPC_FIELD_INIT(30, "label", &shmrpc_type_string, sample_all, label, 0,
                      &none, NULL),
    FIELD(31, sample_all, name, &sample_name_type),
    FIELD(32, sample_all, level, &sample_level_type),
    FIELD(33, sample_all, offset, &sample_offset_type),
    FIELD(34, sample_all, gain, &sample_gain_type),
    FIELD(35, sample_all, few, &sample_few_type),
    FIELD(36, sample_all, node, &sample_node_type),
    FIELD(37, sample_all, data, &shmrpc_type_any),
    SHMRPC_FIELD_HAS_INIT(38, "extra", &shmrpc_type_any, sample_all, extra,
                          has_extra, NULL, NULL),
};
#define ANY_FIELDS 2

shmrpc_type sample_all_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_all, 0, 0, 0, "sample.All", NULL, all_fields);
shmrpc_type sample_native_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_all, 0, 0, 0, "sample.Native", NULL, all_fields);
shmrpc_type sample_compact_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_all, SHMRPC_TYPE_COMPACT, 0, 0, "sample.Compact", NULL, all_fields);

static const shmrpc_field params_fields[] = {
    FIELD(1, sample_params, text, &shmrpc_type_string),
    SHMRPC_FIELD_INIT(2, "point", &sample_point_type, sample_params, point,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(4, "count", &shmrpc_type_u32, sample_params, count,
                          has_count, NULL, NULL),
    SHMRPC_FIELD_INIT(5, "limit", &shmrpc_type_u32, sample_params, limit, 0,
                      &ten, NULL),
};
shmrpc_type sample_params_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_params, SHMRPC_TYPE_PARAMS, 0, 0, NULL, NULL, params_fields);

static const shmrpc_field sum_fields[] = {
    FIELD(1, sample_sum, a, &shmrpc_type_i64),
    FIELD(2, sample_sum, b, &shmrpc_type_i64),
};
shmrpc_type sample_sum_type = SHMRPC_TYPE_STRUCT_INIT(
    sample_sum, SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 16,
    8, NULL, NULL, sum_fields);

typedef struct raw_params {
    shmrpc_bytes data;
} raw_params;
static const shmrpc_field raw_fields[] = {
    FIELD(1, raw_params, data, &shmrpc_type_bytes),
};
shmrpc_type sample_raw_type = SHMRPC_TYPE_STRUCT_INIT(
    raw_params, SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL, raw_fields);

static void lay_out(shmrpc_type *type)
{
    shmrpci_layout layout = SHMRPCI_LAYOUT_EMPTY;
    for (uint32_t i = 0; i < type->count; i++) {
        const shmrpc_field *field = &type->fields[i];
        shmrpci_layout value = {field->type->native_size,
                                field->type->native_align};
        uint32_t presence;
        if (type->kind == SHMRPC_KIND_UNION) {
            shmrpci_layout_add_member(&layout, value);
        } else {
            (void)shmrpci_layout_add_field(&layout, value, field->flags,
                                           &presence);
        }
    }
    layout = type->kind == SHMRPC_KIND_UNION ? shmrpci_layout_union_end(layout)
                                             : shmrpci_layout_end(layout);
    type->native_size = layout.size;
    type->native_align = layout.align;
}

void sample_init(void)
{
    sample_native_type.count = SHMRPC_COUNT(all_fields) - ANY_FIELDS;
    lay_out(&sample_key_type);
    lay_out(&sample_node_type);
    lay_out(&sample_native_type);
    lay_out(&sample_params_type);
}

static const int32_t numbers[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
static const shmrpc_str words[] = {{"", 0}, {"two words", 9}, {"a\0b", 3}};
static const sample_text_entry filters[] = {
    {{"lang", 4}, {"de", 2}},
    {{"", 0}, {"\"\\/\b\f\n\r\t\x01\x7f", 10}},
};
static const sample_point_entry points[] = {{-7, {1, 2}}, {7, {3, 4}}};
static const sample_colour_entry colours[] = {{SAMPLE_BLUE, true},
                                              {200, false}};
static const uint8_t blob[] = {0, 1, 2, 253, 254, 255, 0};
static const sample_point spot = {-1, -2};
static const sample_key other = {.tag = 2, .u = {.url = {"file:///", 8}}};
static const sample_node leaves[] = {{.value = 3}, {.value = 4}};
static const sample_node next_node = {.value = 2, .children = {leaves, 2}};
static const shmrpc_any any_items[] = {
    {.kind = SHMRPC_ANY_BOOL, .u = {.b = true}},
    {.kind = SHMRPC_ANY_U64, .u = {.u64 = UINT64_MAX}},
    {.kind = SHMRPC_ANY_I64, .u = {.i64 = INT64_MIN}},
    {.kind = SHMRPC_ANY_F64, .u = {.f64 = 1.0}},
    {.kind = SHMRPC_ANY_STR, .u = {.str = {"\xf0\x9f\x98\x80", 4}}},
    {.kind = SHMRPC_ANY_LIST},
};
static const shmrpc_any_entry any_entries[] = {
    {{.kind = SHMRPC_ANY_STR, .u = {.str = {"k", 1}}},
     {.kind = SHMRPC_ANY_LIST, .u = {.list = {any_items, 6}}}},
    {{.kind = SHMRPC_ANY_STR, .u = {.str = {"", 0}}}, {.kind = 0}},
};

const sample_all sample_full = {
    .b = true,
    .i8 = INT8_MIN,
    .i16 = INT16_MIN,
    .i32 = INT32_MIN,
    .i64 = INT64_MIN,
    .u8 = UINT8_MAX,
    .u16 = UINT16_MAX,
    .u32 = UINT32_MAX,
    .u64 = UINT64_MAX,
    .f32 = 0.1f,
    .f64 = -1.7976931348623157e308,
    .text = {"gr\xc3\xbc\xc3\x9f", 6},
    .blob = {blob, sizeof blob},
    .numbers = {numbers, 5},
    .words = {words, 3},
    .filters = {filters, 2},
    .points = {points, 2},
    .colours = {colours, 2},
    .triple = {1, 2, 65535},
    .pair = {{"l", 1}, {"r", 1}},
    .colour = SAMPLE_GREEN,
    .wide = INT64_MAX,
    .point = {5, -5},
    .key = {.tag = 4, .u = {.at = {8, 9}}},
    .has_maybe = true,
    .maybe = -3,
    .has_note = true,
    .note = {"", 0},
    .spot = &spot,
    .other = &other,
    .limit = 11,
    .label = {"some", 4},
    .name = {"12345678", 8},
    .level = 100,
    .offset = -5,
    .gain = 2.0f,
    .few = {blob, 4},
    .node = {.value = 1, .next = &next_node},
    .data = {.kind = SHMRPC_ANY_MAP, .u = {.map = {any_entries, 2}}},
    .has_extra = true,
    .extra = {.kind = SHMRPC_ANY_NULL},
};

static bool equal_items(const shmrpc_type *type, const void *a, const void *b,
                        size_t count)
{
    bool same = true;
    for (size_t i = 0; same && i < count; i++) {
        const uint8_t *left = (const uint8_t *)a + i * type->item_size;
        const uint8_t *right = (const uint8_t *)b + i * type->item_size;
        if (type->kind == SHMRPC_KIND_MAP) {
            same = sample_equal(type->key, left, right);
            left += type->value_offset;
            right += type->value_offset;
        }
        same = same && sample_equal(type->element, left, right);
    }
    return same;
}

static bool equal_fields(const shmrpc_type *type, const void *a, const void *b)
{
    bool same = true;
    for (uint32_t i = 0; same && i < type->count; i++) {
        const void *left = shmrpci_field_get(&type->fields[i], a);
        const void *right = shmrpci_field_get(&type->fields[i], b);
        same = left == NULL || right == NULL
                   ? left == right
                   : sample_equal(type->fields[i].type, left, right);
    }
    return same;
}

static bool equal_unions(const shmrpc_type *type, const void *a, const void *b)
{
    size_t index = shmrpci_field_by_tag(type, *(const uint32_t *)a);
    return *(const uint32_t *)a == *(const uint32_t *)b && index != SIZE_MAX &&
           sample_equal(type->fields[index].type,
                        shmrpci_field_get(&type->fields[index], a),
                        shmrpci_field_get(&type->fields[index], b));
}

bool sample_equal(const shmrpc_type *type, const void *a, const void *b)
{
    shmrpci_span left = {NULL, 0};
    shmrpci_span right = {NULL, 0};
    switch (type->kind) {
    case SHMRPC_KIND_BOOL:
    case SHMRPC_KIND_I8:
    case SHMRPC_KIND_I16:
    case SHMRPC_KIND_I32:
    case SHMRPC_KIND_I64:
    case SHMRPC_KIND_U8:
    case SHMRPC_KIND_U16:
    case SHMRPC_KIND_U32:
    case SHMRPC_KIND_U64:
    case SHMRPC_KIND_ENUM:
        return memcmp(a, b, type->size) == 0;
    case SHMRPC_KIND_F32:
        return memcmp(a, b, type->size) == 0 ||
               (*(const float *)a != *(const float *)a &&
                *(const float *)b != *(const float *)b);
    case SHMRPC_KIND_F64:
        return memcmp(a, b, type->size) == 0 ||
               (*(const double *)a != *(const double *)a &&
                *(const double *)b != *(const double *)b);
    case SHMRPC_KIND_ANY:
        return shmrpc_any_equal(a, b);
    case SHMRPC_KIND_ARRAY:
        return equal_items(type, a, b, type->count);
    case SHMRPC_KIND_STRUCT:
        return equal_fields(type, a, b);
    case SHMRPC_KIND_UNION:
        return equal_unions(type, a, b);
    case SHMRPC_KIND_STRING:
    case SHMRPC_KIND_BYTES:
    case SHMRPC_KIND_LIST:
    case SHMRPC_KIND_MAP:
        left = shmrpci_load_span(a);
        right = shmrpci_load_span(b);
        break;
    }
    if (left.len != right.len) {
        return false;
    }
    if (type->kind == SHMRPC_KIND_LIST || type->kind == SHMRPC_KIND_MAP) {
        return equal_items(type, left.ptr, right.ptr, left.len);
    }
    return left.len == 0 || memcmp(left.ptr, right.ptr, left.len) == 0;
}
