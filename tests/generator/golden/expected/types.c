/*
 * Tables of types.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "types.h"

static const int8_t scalars_tiny_default = -128;
static const int32_t scalars_normal_default = INT64_C(-2147483648);
static const int64_t scalars_large_default = INT64_MIN;
static const uint8_t scalars_u_tiny_default = 255;
static const uint32_t scalars_u_normal_default = UINT64_C(4294967295);
static const uint64_t scalars_u_large_default = UINT64_C(18446744073709551615);
static const float scalars_real_default = 1.5F;
static const double scalars_exact_default = 0.1;
static const types_v2_delta scalars_delta_default = TYPES_V2_DELTA_BACK;
static const types_v2_huge scalars_huge_default = TYPES_V2_HUGE_ALL;
static const shmrpc_str bounded_name_default = {"none", 4};
static const shmrpc_bytes bounded_key_default = {(const uint8_t *)"\000k", 2};
static const int32_t bounded_shift_default = -3;
static const uint64_t bounded_floor_default = 10;
static const float bounded_speed_default = 1.0F;
static const shmrpc_str bounded_lang_default = {"en", 2};
static const uint32_t bad_text_at_default = 1;
static const uint32_t everything_number_b_default = 3;

static const shmrpc_enumerator order_names[] = {
    {"RELEVANCE", 0, NULL},
    {"DATE", 1, "The newest first."},
};

const shmrpc_type types_v2_order_descriptor =
    SHMRPC_TYPE_ENUM_INIT(types_v2_order, 1, "acme.types.v2.Order",
                          "How hits are sorted.", &shmrpc_type_u8, order_names);

static const shmrpc_enumerator delta_names[] = {
    {"BACK", -1, NULL},
    {"ZERO", 0, NULL},
};

const shmrpc_type types_v2_delta_descriptor =
    SHMRPC_TYPE_ENUM_INIT(types_v2_delta, 4, "acme.types.v2.Delta", NULL,
                          &shmrpc_type_i32, delta_names);

static const shmrpc_enumerator huge_names[] = {
    {"NONE", (int64_t)0, NULL},
    {"ALL", (int64_t)UINT64_C(18446744073709551615), NULL},
};

const shmrpc_type types_v2_huge_descriptor =
    SHMRPC_TYPE_ENUM_INIT(types_v2_huge, 8, "acme.types.v2.Huge",
                          "Values that ISO C doesn't let an enumerator have.",
                          &shmrpc_type_u64, huge_names);

static const shmrpc_type flat_b_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 16,
                           4, 4, &shmrpc_type_u32);

static const shmrpc_type bounded_name_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 1, 64);

static const shmrpc_type bounded_key_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_BYTES, shmrpc_bytes, 8, 4, 0, 16);

static const shmrpc_type bounded_shift_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_I32, int32_t, 4, 4, (uint64_t)-5, 5);

static const shmrpc_type bounded_floor_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_U64, uint64_t, 8, 8, 10, UINT64_MAX);

static const shmrpc_type bounded_speed_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_F32, float, 4, 4,
                             UINT64_C(0x3fe0000000000000),
                             UINT64_C(0x4000000000000000));

static const shmrpc_type bounded_lang_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 2, 8);

static const shmrpc_type bounded_langs_item_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 2, 8);

static const shmrpc_type bounded_langs_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_str_list, shmrpc_str, SHMRPC_TYPE_BOUNDED, 1,
                          3, &bounded_langs_item_type);

static const shmrpc_type u8_list_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_u8_list, uint8_t, 0, 0, 0, &shmrpc_type_u8);

static const shmrpc_type optionals_triple_type =
    SHMRPC_TYPE_ARRAY_INIT(uint16_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 6, 2,
                           3, &shmrpc_type_u16);

static const shmrpc_type choice_url_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 512);

static const shmrpc_type choice_place_type =
    SHMRPC_TYPE_ARRAY_INIT(float, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 8, 4, 2,
                           &shmrpc_type_f32);

static const shmrpc_type u32_list_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_u32_list, uint32_t, 0, 0, 0, &shmrpc_type_u32);

static const shmrpc_type str_list_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_str_list, shmrpc_str, 0, 0, 0,
                          &shmrpc_type_string);

static const shmrpc_type types_v2_str_list_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_str_list_list, shmrpc_str_list, 0, 0, 0,
                          &str_list_type);

static const shmrpc_type containers_flats_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_flat_list, types_v2_flat,
                          SHMRPC_TYPE_BOUNDED, 0, 100,
                          &types_v2_flat_descriptor);

static const shmrpc_type containers_filters_key_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 64);

static const shmrpc_type containers_filters_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_filters,
                         types_v2_containers_filters_entry, SHMRPC_TYPE_BOUNDED,
                         0, 32, &containers_filters_key_type,
                         &shmrpc_type_string);

static const shmrpc_type containers_deep_value_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_deep_value,
                         types_v2_containers_deep_value_entry, 0, 0, 0,
                         &types_v2_order_descriptor,
                         &types_v2_choice_descriptor);

static const shmrpc_type containers_deep_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_deep,
                         types_v2_containers_deep_entry, 0, 0, 0,
                         &shmrpc_type_u32, &containers_deep_value_type);

static const shmrpc_type containers_grid_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 12,
                           4, 3, &shmrpc_type_u32);

static const shmrpc_type containers_grid_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t[3], SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                           24, 4, 2, &containers_grid_item_type);

static const shmrpc_type containers_pairs_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint16_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 4, 2,
                           2, &shmrpc_type_u16);

static const shmrpc_type types_v2_containers_pairs_item_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_containers_pairs_item_list,
                          types_v2_containers_pairs_item, 0, 0, 0,
                          &containers_pairs_item_type);

static const shmrpc_type containers_vectors_value_type =
    SHMRPC_TYPE_ARRAY_INIT(double, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 24, 8,
                           3, &shmrpc_type_f64);

static const shmrpc_type containers_vectors_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_vectors,
                         types_v2_containers_vectors_entry, 0, 0, 0,
                         &shmrpc_type_string, &containers_vectors_value_type);

static const shmrpc_type containers_tags_item_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 8);

static const shmrpc_type containers_tags_type =
    SHMRPC_TYPE_ARRAY_INIT(shmrpc_str, 0, 16, 4, 2, &containers_tags_item_type);

static const shmrpc_type common_document_list_type =
    SHMRPC_TYPE_LIST_INIT(common_document_list, common_document, 0, 0, 0,
                          &common_document_descriptor);

static const shmrpc_type common_point_list_type =
    SHMRPC_TYPE_LIST_INIT(common_point_list, common_point, 0, 0, 0,
                          &common_point_descriptor);

static const shmrpc_type types_v2_order_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_order_list, types_v2_order, 0, 0, 0,
                          &types_v2_order_descriptor);

static const shmrpc_type containers_places_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_places,
                         types_v2_containers_places_entry, 0, 0, 0,
                         &shmrpc_type_string, &common_point_descriptor);

static const shmrpc_type containers_records_item_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_containers_records_item,
                         types_v2_containers_records_item_entry, 0, 0, 0,
                         &shmrpc_type_string, &shmrpc_type_any);

static const shmrpc_type types_v2_containers_records_item_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_containers_records_item_list,
                          types_v2_containers_records_item, 0, 0, 0,
                          &containers_records_item_type);

static const shmrpc_type types_v2_node_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_node_list, types_v2_node, 0, 0, 0,
                          &types_v2_node_descriptor);

static const shmrpc_type bad_text_message_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 64);

static const shmrpc_type bad_text_hints_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_bad_text_hints, types_v2_bad_text_hints_entry,
                         0, 0, 0, &shmrpc_type_string,
                         &types_v2_hint_descriptor);

static const shmrpc_type everything_number_b_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_U32, uint32_t, 4, 4, 1, 9);

static const shmrpc_type everything_grid_grid_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 12,
                           4, 3, &shmrpc_type_u32);

static const shmrpc_type everything_grid_grid_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t[3], SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                           24, 4, 2, &everything_grid_grid_item_type);

static const shmrpc_type everything_grid_result_item_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 12,
                           4, 3, &shmrpc_type_u32);

static const shmrpc_type everything_grid_result_type =
    SHMRPC_TYPE_ARRAY_INIT(uint32_t[3], SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                           24, 4, 2, &everything_grid_result_item_type);

static const shmrpc_type everything_texts_tags_item_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 8);

static const shmrpc_type everything_texts_tags_type =
    SHMRPC_TYPE_ARRAY_INIT(shmrpc_str, 0, 16, 4, 2,
                           &everything_texts_tags_item_type);

static const shmrpc_type everything_texts_lang_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 2, 8);

static const shmrpc_type everything_texts_result_item_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 8);

static const shmrpc_type everything_texts_result_type =
    SHMRPC_TYPE_ARRAY_INIT(shmrpc_str, 0, 16, 4, 2,
                           &everything_texts_result_item_type);

static const shmrpc_type everything_optionals_triple_type =
    SHMRPC_TYPE_ARRAY_INIT(uint16_t, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 6, 2,
                           3, &shmrpc_type_u16);

static const shmrpc_type types_v2_flat_list_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_flat_list, types_v2_flat, 0, 0, 0,
                          &types_v2_flat_descriptor);

static const shmrpc_type everything_bounded_result_type =
    SHMRPC_TYPE_LIST_INIT(types_v2_bounded_list, types_v2_bounded,
                          SHMRPC_TYPE_BOUNDED, 0, 8,
                          &types_v2_bounded_descriptor);

static const shmrpc_type everything_slow_counts_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_everything_slow_counts,
                         types_v2_everything_slow_counts_entry, 0, 0, 0,
                         &shmrpc_type_string, &shmrpc_type_u32);

static const shmrpc_type everything_slow_result_type =
    SHMRPC_TYPE_MAP_INIT(types_v2_everything_slow_result,
                         types_v2_everything_slow_result_entry, 0, 0, 0,
                         &shmrpc_type_string, &shmrpc_type_u32);

static const shmrpc_field scalars_fields[] = {
    SHMRPC_FIELD_INIT(1, "flag", &shmrpc_type_bool, types_v2_scalars, flag, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "tiny", &shmrpc_type_i8, types_v2_scalars, tiny, 0,
                      &scalars_tiny_default, NULL),
    SHMRPC_FIELD_INIT(3, "small", &shmrpc_type_i16, types_v2_scalars, small, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(4, "normal", &shmrpc_type_i32, types_v2_scalars, normal,
                      0, &scalars_normal_default, NULL),
    SHMRPC_FIELD_INIT(5, "large", &shmrpc_type_i64, types_v2_scalars, large, 0,
                      &scalars_large_default, NULL),
    SHMRPC_FIELD_INIT(6, "u_tiny", &shmrpc_type_u8, types_v2_scalars, u_tiny, 0,
                      &scalars_u_tiny_default, NULL),
    SHMRPC_FIELD_INIT(7, "u_small", &shmrpc_type_u16, types_v2_scalars, u_small,
                      0, NULL, NULL),
    SHMRPC_FIELD_INIT(8, "u_normal", &shmrpc_type_u32, types_v2_scalars,
                      u_normal, 0, &scalars_u_normal_default, NULL),
    SHMRPC_FIELD_INIT(9, "u_large", &shmrpc_type_u64, types_v2_scalars, u_large,
                      0, &scalars_u_large_default, NULL),
    SHMRPC_FIELD_INIT(10, "real", &shmrpc_type_f32, types_v2_scalars, real, 0,
                      &scalars_real_default, NULL),
    SHMRPC_FIELD_INIT(11, "exact", &shmrpc_type_f64, types_v2_scalars, exact, 0,
                      &scalars_exact_default, NULL),
    SHMRPC_FIELD_INIT(12, "delta", &types_v2_delta_descriptor, types_v2_scalars,
                      delta, 0, &scalars_delta_default, NULL),
    SHMRPC_FIELD_INIT(13, "huge", &types_v2_huge_descriptor, types_v2_scalars,
                      huge, 0, &scalars_huge_default, NULL),
};

const shmrpc_type types_v2_scalars_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_scalars, SHMRPC_TYPE_FIXED, 64, 8,
                            "acme.types.v2.Scalars", NULL, scalars_fields);

static const shmrpc_field flat_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_u64, types_v2_flat, a, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "b", &flat_b_type, types_v2_flat, b, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "c", &shmrpc_type_f32, types_v2_flat, c, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(4, "d", &shmrpc_type_i32, types_v2_flat, d, 0, NULL,
                      NULL),
};

const shmrpc_type types_v2_flat_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_flat, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 32, 8,
        "acme.types.v2.Flat",
        "No padding, no bounds: the same bytes in C and on the "
        "wire.", flat_fields);

static const shmrpc_field shuffled_fields[] = {
    SHMRPC_FIELD_INIT(1, "first", &shmrpc_type_u64, types_v2_shuffled, first, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "middle", &shmrpc_type_u16, types_v2_shuffled, middle,
                      0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "last", &shmrpc_type_u8, types_v2_shuffled, last, 0,
                      NULL, NULL),
};

const shmrpc_type types_v2_shuffled_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_shuffled, SHMRPC_TYPE_FIXED, 16, 8,
                            "acme.types.v2.Shuffled",
                            "Tags in another order than the source.",
                            shuffled_fields);

static const shmrpc_field bounded_fields[] = {
    SHMRPC_FIELD_INIT(1, "name", &bounded_name_type, types_v2_bounded, name, 0,
                      &bounded_name_default, NULL),
    SHMRPC_FIELD_INIT(2, "key", &bounded_key_type, types_v2_bounded, key, 0,
                      &bounded_key_default, NULL),
    SHMRPC_FIELD_INIT(3, "shift", &bounded_shift_type, types_v2_bounded, shift,
                      0, &bounded_shift_default, NULL),
    SHMRPC_FIELD_INIT(4, "floor", &bounded_floor_type, types_v2_bounded, floor,
                      0, &bounded_floor_default, NULL),
    SHMRPC_FIELD_INIT(5, "speed", &bounded_speed_type, types_v2_bounded, speed,
                      0, &bounded_speed_default, NULL),
    SHMRPC_FIELD_INIT(6, "lang", &bounded_lang_type, types_v2_bounded, lang, 0,
                      &bounded_lang_default, NULL),
    SHMRPC_FIELD_INIT(7, "langs", &bounded_langs_type, types_v2_bounded, langs,
                      0, NULL, NULL),
};

const shmrpc_type types_v2_bounded_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_bounded, 0, 56, 8, "acme.types.v2.Bounded",
                            NULL, bounded_fields);

static const shmrpc_field optionals_fields[] = {
    SHMRPC_FIELD_HAS_INIT(1, "count", &shmrpc_type_u32, types_v2_optionals,
                          count, has_count, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(2, "text", &shmrpc_type_string, types_v2_optionals,
                          text, has_text, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "flat", &types_v2_flat_descriptor, types_v2_optionals,
                      flat, SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(4, "choice", &types_v2_choice_descriptor,
                      types_v2_optionals, choice,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(5, "items", &u8_list_type, types_v2_optionals, items,
                          has_items, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(6, "order", &types_v2_order_descriptor,
                          types_v2_optionals, order, has_order, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(7, "triple", &optionals_triple_type,
                          types_v2_optionals, triple, has_triple, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(8, "extra", &shmrpc_type_any, types_v2_optionals,
                          extra, has_extra, NULL, NULL),
};

const shmrpc_type types_v2_optionals_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_optionals, 0, 60, 4,
                            "acme.types.v2.Optionals", NULL, optionals_fields);

static const shmrpc_field choice_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, types_v2_choice, u, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "url", &choice_url_type, types_v2_choice, u, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(3, "place", &choice_place_type, types_v2_choice, u, 0,
                      NULL, "Both coordinates."),
    SHMRPC_FIELD_INIT(4, "flat", &types_v2_flat_descriptor, types_v2_choice, u,
                      0, NULL, NULL),
};

const shmrpc_type types_v2_choice_descriptor =
    SHMRPC_TYPE_UNION_INIT(types_v2_choice, 0, 40, 8, "acme.types.v2.Choice",
                           "One of several.", choice_fields);

static const shmrpc_field containers_fields[] = {
    SHMRPC_FIELD_INIT(1, "numbers", &u32_list_type, types_v2_containers,
                      numbers, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "words", &types_v2_str_list_list_type,
                      types_v2_containers, words, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "flats", &containers_flats_type, types_v2_containers,
                      flats, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(4, "filters", &containers_filters_type,
                      types_v2_containers, filters, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(5, "deep", &containers_deep_type, types_v2_containers,
                      deep, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(6, "grid", &containers_grid_type, types_v2_containers,
                      grid, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(7, "pairs", &types_v2_containers_pairs_item_list_type,
                      types_v2_containers, pairs, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(8, "vectors", &containers_vectors_type,
                      types_v2_containers, vectors, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(9, "tags", &containers_tags_type, types_v2_containers,
                      tags, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(10, "documents", &common_document_list_type,
                      types_v2_containers, documents, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(11, "points", &common_point_list_type,
                      types_v2_containers, points, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(12, "level", &common_level_descriptor,
                      types_v2_containers, level, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(13, "orders", &types_v2_order_list_type,
                      types_v2_containers, orders, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(14, "places", &containers_places_type,
                      types_v2_containers, places, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(15, "records",
                      &types_v2_containers_records_item_list_type,
                      types_v2_containers, records, 0, NULL, NULL),
};

const shmrpc_type types_v2_containers_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_containers, 0, 140, 4,
                            "acme.types.v2.Containers", NULL,
                            containers_fields);

static const shmrpc_field node_fields[] = {
    SHMRPC_FIELD_INIT(1, "name", &shmrpc_type_string, types_v2_node, name, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "next", &types_v2_node_descriptor, types_v2_node, next,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "children", &types_v2_node_list_type, types_v2_node,
                      children, 0, NULL, NULL),
};

const shmrpc_type types_v2_node_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_node, 0, 24, 4, "acme.types.v2.Node",
                            "A tree needs something that isn't held by value.",
                            node_fields);

const shmrpc_type types_v2_nothing_descriptor =
    SHMRPC_TYPE_EMPTY_INIT(types_v2_nothing, "acme.types.v2.Nothing", NULL);

static const shmrpc_field compact_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_u32, types_v2_compact, a, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(5, "b", &shmrpc_type_u32, types_v2_compact, b, 0, NULL,
                      NULL),
};

const shmrpc_type types_v2_compact_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_compact,
        SHMRPC_TYPE_COMPACT | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 8, 4,
        "acme.types.v2.Compact", NULL, compact_fields);

static const shmrpc_field keywords_fields[] = {
    SHMRPC_FIELD_INIT(1, "class", &shmrpc_type_u32, types_v2_keywords, class_,
                      0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "namespace", &shmrpc_type_u32, types_v2_keywords,
                      namespace_, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "register", &shmrpc_type_u32, types_v2_keywords,
                      register_, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(4, "sampleRate", &shmrpc_type_u32, types_v2_keywords,
                      sample_rate, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(5, "errno", &shmrpc_type_u32, types_v2_keywords, errno_,
                      0, NULL, NULL),
    SHMRPC_FIELD_INIT(6, "stdout", &shmrpc_type_u32, types_v2_keywords, stdout_,
                      0, NULL, NULL),
};

const shmrpc_type types_v2_keywords_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_keywords, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 24, 4,
        "acme.types.v2.Keywords",
        "Names that C, C++ or the stubs have other uses for.", keywords_fields);

static const shmrpc_field hint_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &shmrpc_type_string, types_v2_hint, text, 0,
                      NULL, NULL),
};

const shmrpc_type types_v2_hint_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_hint, 0, 8, 4, "acme.types.v2.Hint", NULL,
                            hint_fields);

const shmrpc_error_type types_v2_not_found_descriptor =
    {"acme.types.v2.NotFound", 100, NULL, NULL};

const shmrpc_error_type types_v2_busy_descriptor =
    {"acme.types.v2.Busy", 101, NULL,
     "Comment signs, /* and */, must not end the comment they "
     "get into."};

static const shmrpc_field bad_text_fields[] = {
    SHMRPC_FIELD_INIT(1, "at", &shmrpc_type_u32, types_v2_bad_text, at, 0,
                      &bad_text_at_default, "Where, in bytes."),
    SHMRPC_FIELD_INIT(2, "message", &bad_text_message_type, types_v2_bad_text,
                      message, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "flat", &types_v2_flat_descriptor, types_v2_bad_text,
                      flat, SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(4, "hints", &bad_text_hints_type, types_v2_bad_text,
                      hints, 0, NULL, NULL),
};

static const shmrpc_type bad_text_payload =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_bad_text, 0, 28, 4,
                            "acme.types.v2.BadText",
                            "Errors may carry whatever a struct can.",
                            bad_text_fields);

const shmrpc_error_type types_v2_bad_text_descriptor =
    {"acme.types.v2.BadText", 102, &bad_text_payload,
     "Errors may carry whatever a struct can."};

static const shmrpc_field full_fields[] = {
    SHMRPC_FIELD_INIT(1, "free", &shmrpc_type_u64, types_v2_full, free, 0, NULL,
                      NULL),
};

static const shmrpc_type full_payload =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_full, SHMRPC_TYPE_FIXED, 8, 8,
                            "acme.types.v2.Full", NULL, full_fields);

const shmrpc_error_type types_v2_full_descriptor =
    {"acme.types.v2.Full", 103, &full_payload, NULL};

static const shmrpc_field everything_flat_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "flat", &types_v2_flat_descriptor,
                      types_v2_everything_flat_params, flat,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_flat_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_flat_params, SHMRPC_TYPE_PARAMS,
                            32, 8, NULL, NULL, everything_flat_params_fields);

static const shmrpc_field everything_number_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_i64,
                      types_v2_everything_number_params, a, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &everything_number_b_type,
                      types_v2_everything_number_params, b, 0,
                      &everything_number_b_default, NULL),
};

static const shmrpc_type everything_number_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_number_params,
                            SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED, 16, 8, NULL,
                            NULL, everything_number_params_fields);

static const shmrpc_field everything_grid_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "grid", &everything_grid_grid_type,
                      types_v2_everything_grid_params, grid, 0, NULL, NULL),
};

static const shmrpc_type everything_grid_params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_everything_grid_params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 24, 4, NULL,
        NULL, everything_grid_params_fields);

static const shmrpc_field everything_scalars_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "scalars", &types_v2_scalars_descriptor,
                      types_v2_everything_scalars_params, scalars,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_scalars_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_scalars_params,
                            SHMRPC_TYPE_PARAMS, 64, 8, NULL, NULL,
                            everything_scalars_params_fields);

static const shmrpc_error_type *const everything_scalars_throws[] = {
    &types_v2_not_found_descriptor,
    &types_v2_busy_descriptor,
};

static const shmrpc_field everything_containers_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "c", &types_v2_containers_descriptor,
                      types_v2_everything_containers_params, c,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_containers_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_containers_params,
                            SHMRPC_TYPE_PARAMS, 140, 4, NULL, NULL,
                            everything_containers_params_fields);

static const shmrpc_field everything_node_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "node", &types_v2_node_descriptor,
                      types_v2_everything_node_params, node,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "other", &types_v2_node_descriptor,
                      types_v2_everything_node_params, other,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_node_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_node_params, SHMRPC_TYPE_PARAMS,
                            32, 4, NULL, NULL, everything_node_params_fields);

static const shmrpc_field everything_choice_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "choice", &types_v2_choice_descriptor,
                      types_v2_everything_choice_params, choice,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_choice_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_choice_params,
                            SHMRPC_TYPE_PARAMS, 40, 8, NULL, NULL,
                            everything_choice_params_fields);

static const shmrpc_field everything_anything_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "value", &shmrpc_type_any,
                      types_v2_everything_anything_params, value,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "other", &shmrpc_type_any,
                      types_v2_everything_anything_params, other,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_anything_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_anything_params,
                            SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL,
                            everything_anything_params_fields);

static const shmrpc_field everything_blob_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes,
                      types_v2_everything_blob_params, data, 0, NULL, NULL),
};

static const shmrpc_type everything_blob_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_blob_params, SHMRPC_TYPE_PARAMS,
                            8, 4, NULL, NULL, everything_blob_params_fields);

static const shmrpc_field everything_texts_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "tags", &everything_texts_tags_type,
                      types_v2_everything_texts_params, tags, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "lang", &everything_texts_lang_type,
                      types_v2_everything_texts_params, lang, 0, NULL, NULL),
};

static const shmrpc_type everything_texts_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_texts_params,
                            SHMRPC_TYPE_PARAMS, 24, 4, NULL, NULL,
                            everything_texts_params_fields);

static const shmrpc_field everything_optionals_params_fields[] = {
    SHMRPC_FIELD_HAS_INIT(1, "count", &shmrpc_type_u32,
                          types_v2_everything_optionals_params, count,
                          has_count, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(2, "text", &shmrpc_type_string,
                          types_v2_everything_optionals_params, text, has_text,
                          NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(3, "triple", &everything_optionals_triple_type,
                          types_v2_everything_optionals_params, triple,
                          has_triple, NULL, NULL),
    SHMRPC_FIELD_INIT(4, "flat", &types_v2_flat_descriptor,
                      types_v2_everything_optionals_params, flat,
                      SHMRPC_FIELD_OPTIONAL | SHMRPC_FIELD_POINTER, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(5, "flats", &types_v2_flat_list_type,
                          types_v2_everything_optionals_params, flats,
                          has_flats, NULL, NULL),
};

static const shmrpc_type everything_optionals_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_optionals_params,
                            SHMRPC_TYPE_PARAMS, 48, 4, NULL, NULL,
                            everything_optionals_params_fields);

static const shmrpc_field everything_bounded_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "b", &types_v2_bounded_descriptor,
                      types_v2_everything_bounded_params, b,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_bounded_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_bounded_params,
                            SHMRPC_TYPE_PARAMS, 56, 8, NULL, NULL,
                            everything_bounded_params_fields);

static const shmrpc_field everything_fast_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "client", &shmrpc_type_u32,
                      types_v2_everything_fast_params, client, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "opts", &shmrpc_type_u32,
                      types_v2_everything_fast_params, opts, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(3, "out", &shmrpc_type_u32,
                      types_v2_everything_fast_params, out, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(4, "error", &shmrpc_type_u32,
                      types_v2_everything_fast_params, error, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(5, "user", &shmrpc_type_u32,
                      types_v2_everything_fast_params, user, 0, NULL, NULL),
};

static const shmrpc_type everything_fast_params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_everything_fast_params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 20, 4, NULL,
        NULL, everything_fast_params_fields);

static const shmrpc_field everything_slow_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "counts", &everything_slow_counts_type,
                      types_v2_everything_slow_params, counts, 0, NULL, NULL),
};

static const shmrpc_type everything_slow_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_slow_params, SHMRPC_TYPE_PARAMS,
                            8, 4, NULL, NULL, everything_slow_params_fields);

static const shmrpc_field everything_parse_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &shmrpc_type_string,
                      types_v2_everything_parse_params, text, 0, NULL, NULL),
};

static const shmrpc_type everything_parse_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_parse_params,
                            SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL,
                            everything_parse_params_fields);

static const shmrpc_error_type *const everything_parse_throws[] = {
    &types_v2_not_found_descriptor,
    &types_v2_bad_text_descriptor,
    &common_refused_descriptor,
};

static const shmrpc_field everything_store_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "flat", &types_v2_flat_descriptor,
                      types_v2_everything_store_params, flat,
                      SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type everything_store_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_store_params,
                            SHMRPC_TYPE_PARAMS, 32, 8, NULL, NULL,
                            everything_store_params_fields);

static const shmrpc_error_type *const everything_store_throws[] = {
    &types_v2_full_descriptor,
};

static const shmrpc_field everything_touch_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64,
                      types_v2_everything_touch_params, id, 0, NULL, NULL),
    SHMRPC_FIELD_HAS_INIT(2, "why", &shmrpc_type_string,
                          types_v2_everything_touch_params, why, has_why, NULL,
                          NULL),
};

static const shmrpc_type everything_touch_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_touch_params,
                            SHMRPC_TYPE_PARAMS, 24, 8, NULL, NULL,
                            everything_touch_params_fields);

static const shmrpc_field everything_blob_away_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes,
                      types_v2_everything_blob_away_params, data, 0, NULL,
                      NULL),
};

static const shmrpc_type everything_blob_away_params_type =
    SHMRPC_TYPE_STRUCT_INIT(types_v2_everything_blob_away_params,
                            SHMRPC_TYPE_PARAMS, 8, 4, NULL, NULL,
                            everything_blob_away_params_fields);

static const shmrpc_field everything_connect__params_fields[] = {
    SHMRPC_FIELD_INIT(1, "int", &shmrpc_type_u32,
                      types_v2_everything_connect__params, int_, 0, NULL, NULL),
};

static const shmrpc_type everything_connect__params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        types_v2_everything_connect__params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 4, 4, NULL,
        NULL, everything_connect__params_fields);

static const shmrpc_method everything_methods[] = {
    {
        "nothing", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0xe47d7666707fd1d1), 0,
        "native nothing();",
        NULL,
        &shmrpc_type_no_params, NULL, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "flat", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x08f7a8096c608820), 0,
        "native flat(1: acme.types.v2.Flat flat) -> acme.types.v2.Flat;",
        NULL,
        &everything_flat_params_type, &types_v2_flat_descriptor, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "number", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x189f3f9eb59a48f0), 0,
        "native number(1: i64 a, 2: u32(1..9) b = 3) -> f64;",
        NULL,
        &everything_number_params_type, &shmrpc_type_f64, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "grid", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x0d0a343fa6e7542b), 0,
        "native grid(1: u32[2][3] grid) -> u32[2][3];",
        NULL,
        &everything_grid_params_type, &everything_grid_result_type, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "scalars", SHMRPC_ENCODING_JSON, 0, UINT64_C(0xe8c0834380a475ea), 0,
        "json scalars(1: acme.types.v2.Scalars scalars) -> "
        "acme.types.v2.Scalars throws acme.types.v2.Busy, "
        "acme.types.v2.NotFound;",
        NULL,
        &everything_scalars_params_type, &types_v2_scalars_descriptor,
        everything_scalars_throws, 2,
        SHMRPC_NO_STREAMS,
    },
    {
        "containers", SHMRPC_ENCODING_MSGPACK, 0, UINT64_C(0x36b22962d28626b1),
        0,
        "msgpack containers(1: acme.types.v2.Containers c) -> "
        "acme.types.v2.Containers;",
        NULL,
        &everything_containers_params_type, &types_v2_containers_descriptor,
        NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "node", SHMRPC_ENCODING_JSON, 0, UINT64_C(0xc71781bb844d8f82), 0,
        "json node(1: acme.types.v2.Node node, 2: optional "
        "acme.types.v2.Node other) -> acme.types.v2.Node;",
        NULL,
        &everything_node_params_type, &types_v2_node_descriptor, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "choice", SHMRPC_ENCODING_MSGPACK, 0, UINT64_C(0x8e87296f19f27148), 0,
        "msgpack choice(1: acme.types.v2.Choice choice) -> "
        "acme.types.v2.Choice;",
        NULL,
        &everything_choice_params_type, &types_v2_choice_descriptor, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "anything", SHMRPC_ENCODING_JSON, 0, UINT64_C(0x4a15774171060e75), 0,
        "json anything(1: any value, 2: optional any other) -> any;",
        NULL,
        &everything_anything_params_type, &shmrpc_type_any, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "blob", SHMRPC_ENCODING_RAW, 0, UINT64_C(0x84e7f3afe158425e), 0,
        "raw blob(1: bytes data) -> bytes;",
        NULL,
        &everything_blob_params_type, &shmrpc_type_bytes, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "texts", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0xb1d7540bedd46f64), 0,
        "native texts(1: string(..8)[2] tags, 2: string(2..8) "
        "lang) -> string(..8)[2];",
        NULL,
        &everything_texts_params_type, &everything_texts_result_type, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "optionals", SHMRPC_ENCODING_MSGPACK, 0, UINT64_C(0xbd8a4b38a2a0bab3),
        0,
        "msgpack optionals(1: optional u32 count, 2: optional "
        "string text, 3: optional u16[3] triple, 4: optional "
        "acme.types.v2.Flat flat, 5: optional "
        "list<acme.types.v2.Flat> flats) -> "
        "acme.types.v2.Optionals;",
        NULL,
        &everything_optionals_params_type, &types_v2_optionals_descriptor, NULL,
        0,
        SHMRPC_NO_STREAMS,
    },
    {
        "bounded", SHMRPC_ENCODING_MSGPACK, 0, UINT64_C(0x197a2941733e06e0), 0,
        "msgpack bounded(1: acme.types.v2.Bounded b) -> "
        "list<acme.types.v2.Bounded>(..8);",
        NULL,
        &everything_bounded_params_type, &everything_bounded_result_type, NULL,
        0,
        SHMRPC_NO_STREAMS,
    },
    {
        "fast", SHMRPC_ENCODING_JSON, SHMRPC_METHOD_IDEMPOTENT,
        UINT64_C(0xab969476b50f009a), INT64_C(250000000),
        "json fast(1: u32 client, 2: u32 opts, 3: u32 out, 4: "
        "u32 error, 5: u32 user) -> acme.types.v2.Nothing;",
        NULL,
        &everything_fast_params_type, &types_v2_nothing_descriptor, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "slow", SHMRPC_ENCODING_JSON, SHMRPC_METHOD_DEPRECATED,
        UINT64_C(0x1399fa7a01ecef50), 0,
        "json slow(1: map<string, u32> counts) -> map<string, u32>;",
        NULL,
        &everything_slow_params_type, &everything_slow_result_type, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "parse", SHMRPC_ENCODING_JSON, 0, UINT64_C(0x2b3f8b67059b9b91), 0,
        "json parse(1: string text) -> u32 throws "
        "acme.common.Refused, acme.types.v2.BadText, "
        "acme.types.v2.NotFound;",
        NULL,
        &everything_parse_params_type, &shmrpc_type_u32,
        everything_parse_throws, 3,
        SHMRPC_NO_STREAMS,
    },
    {
        "store", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x1c276f6a0c1de631), 0,
        "native store(1: acme.types.v2.Flat flat) throws "
        "acme.types.v2.Full;",
        NULL,
        &everything_store_params_type, NULL, everything_store_throws, 1,
        SHMRPC_NO_STREAMS,
    },
    {
        "touch", SHMRPC_ENCODING_MSGPACK, SHMRPC_METHOD_ONEWAY,
        UINT64_C(0x815892eecfe5d71c), 0,
        "oneway msgpack touch(1: u64 id, 2: optional string why);",
        NULL,
        &everything_touch_params_type, NULL, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "blob_away", SHMRPC_ENCODING_RAW, SHMRPC_METHOD_ONEWAY,
        UINT64_C(0x0beb00ad1edae55b), INT64_C(1000000000),
        "oneway raw blob_away(1: bytes data);",
        NULL,
        &everything_blob_away_params_type, NULL, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "close", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x6c84c284d5d5a85f), 0,
        "native close();",
        NULL,
        &shmrpc_type_no_params, NULL, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "connect", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0xf10f5e2ec9aa8a71), 0,
        "native connect(1: u32 int) -> u32;",
        NULL,
        &everything_connect__params_type, &shmrpc_type_u32, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
};

/* The service's .svc, which clients can request. */
static const char *const everything_text[] = {
    "package acme.types.v2;\n",
    "/// Errors may carry whatever a struct can.\n",
    "error BadText = 102 {\n",
    "  /// Where, in bytes.\n",
    "  1: u32 at = 1;\n",
    "  2: string(..64) message;\n",
    "  3: optional acme.types.v2.Flat flat;\n",
    "  4: map<string, acme.types.v2.Hint> hints;\n",
    "}\n",
    "struct Bounded {\n",
    "  1: string(1..64) name = \"none\";\n",
    "  2: bytes(..16) key = \"\\x00k\";\n",
    "  3: i32(-5..5) shift = -3;\n",
    "  4: u64(10..) floor = 10;\n",
    "  5: f32(0.5..2) speed = 1;\n",
    "  6: string(2..8) lang = \"en\";\n",
    "  7: list<string(2..8)>(1..3) langs;\n",
    "}\n",
    "/// Comment signs, /* and */, must not end the comment ",
    "they get into.\n",
    "error Busy = 101 {\n",
    "}\n",
    "/// One of several.\n",
    "union Choice {\n",
    "  1: u64 id;\n",
    "  2: string(..512) url;\n",
    "  /// Both coordinates.\n",
    "  3: f32[2] place;\n",
    "  4: acme.types.v2.Flat flat;\n",
    "}\n",
    "struct Containers {\n",
    "  1: list<u32> numbers;\n",
    "  2: list<list<string>> words;\n",
    "  3: list<acme.types.v2.Flat>(..100) flats;\n",
    "  4: map<string(..64), string>(..32) filters;\n",
    "  5: map<u32, map<acme.types.v2.Order, ",
    "acme.types.v2.Choice>> deep;\n",
    "  6: u32[2][3] grid;\n",
    "  7: list<u16[2]> pairs;\n",
    "  8: map<string, f64[3]> vectors;\n",
    "  9: string(..8)[2] tags;\n",
    "  10: list<acme.common.Document> documents;\n",
    "  11: list<acme.common.Point> points;\n",
    "  12: acme.common.Level level;\n",
    "  13: list<acme.types.v2.Order> orders;\n",
    "  14: map<string, acme.common.Point> places;\n",
    "  15: list<map<string, any>> records;\n",
    "}\n",
    "enum Delta : i32 {\n",
    "  BACK = -1;\n",
    "  ZERO = 0;\n",
    "}\n",
    "/// No padding, no bounds: the same bytes in C and on ",
    "the wire.\n",
    "struct Flat {\n",
    "  1: u64 a;\n",
    "  2: u32[4] b;\n",
    "  3: f32 c;\n",
    "  4: i32 d;\n",
    "}\n",
    "error Full = 103 {\n",
    "  1: u64 free;\n",
    "}\n",
    "struct Hint {\n",
    "  1: string text;\n",
    "}\n",
    "/// Values that ISO C doesn't let an enumerator have.\n",
    "enum Huge : u64 {\n",
    "  NONE = 0;\n",
    "  ALL = 18446744073709551615;\n",
    "}\n",
    "/// A tree needs something that isn't held by value.\n",
    "struct Node {\n",
    "  1: string name;\n",
    "  2: optional acme.types.v2.Node next;\n",
    "  3: list<acme.types.v2.Node> children;\n",
    "}\n",
    "error NotFound = 100 {\n",
    "}\n",
    "struct Nothing {\n",
    "}\n",
    "struct Optionals {\n",
    "  1: optional u32 count;\n",
    "  2: optional string text;\n",
    "  3: optional acme.types.v2.Flat flat;\n",
    "  4: optional acme.types.v2.Choice choice;\n",
    "  5: optional list<u8> items;\n",
    "  6: optional acme.types.v2.Order order;\n",
    "  7: optional u16[3] triple;\n",
    "  8: optional any extra;\n",
    "}\n",
    "/// How hits are sorted.\n",
    "enum Order : u8 {\n",
    "  RELEVANCE = 0;\n",
    "  /// The newest first.\n",
    "  DATE = 1;\n",
    "  reserved 2;\n",
    "  reserved \"RANDOM\";\n",
    "}\n",
    "struct Scalars {\n",
    "  1: bool flag;\n",
    "  2: i8 tiny = -128;\n",
    "  3: i16 small;\n",
    "  4: i32 normal = -2147483648;\n",
    "  5: i64 large = -9223372036854775808;\n",
    "  6: u8 u_tiny = 255;\n",
    "  7: u16 u_small;\n",
    "  8: u32 u_normal = 4294967295;\n",
    "  9: u64 u_large = 18446744073709551615;\n",
    "  10: f32 real = 1.5;\n",
    "  11: f64 exact = 0.1;\n",
    "  12: acme.types.v2.Delta delta = BACK;\n",
    "  13: acme.types.v2.Huge huge = ALL;\n",
    "}\n",
    "package acme.common;\n",
    "/// What other packages share.\n",
    "struct Document {\n",
    "  1: u64 id;\n",
    "  2: string title;\n",
    "}\n",
    "enum Level : u8 {\n",
    "  LOW = 0;\n",
    "  HIGH = 1;\n",
    "}\n",
    "struct Point {\n",
    "  1: f64 x;\n",
    "  2: f64 y;\n",
    "}\n",
    "/// What any of our services may say.\n",
    "error Refused = 900 {\n",
    "  1: string why;\n",
    "}\n",
    "package acme.types.v2;\n",
    "/// Methods of every shape.\n",
    "service Everything {\n",
    "  port 5601;\n",
    "  name \"everything\";\n",
    "  version 2;\n",
    "  native nothing();\n",
    "  native flat(1: acme.types.v2.Flat flat) -> ",
    "acme.types.v2.Flat;\n",
    "  native number(1: i64 a, 2: u32(1..9) b = 3) -> f64;\n",
    "  native grid(1: u32[2][3] grid) -> u32[2][3];\n",
    "  json scalars(1: acme.types.v2.Scalars scalars) -> ",
    "acme.types.v2.Scalars throws acme.types.v2.Busy, ",
    "acme.types.v2.NotFound;\n",
    "  msgpack containers(1: acme.types.v2.Containers c) -> ",
    "acme.types.v2.Containers;\n",
    "  json node(1: acme.types.v2.Node node, 2: optional ",
    "acme.types.v2.Node other) -> acme.types.v2.Node;\n",
    "  msgpack choice(1: acme.types.v2.Choice choice) -> ",
    "acme.types.v2.Choice;\n",
    "  json anything(1: any value, 2: optional any other) -> ",
    "any;\n",
    "  raw blob(1: bytes data) -> bytes;\n",
    "  native texts(1: string(..8)[2] tags, 2: string(2..8) ",
    "lang) -> string(..8)[2];\n",
    "  msgpack optionals(1: optional u32 count, 2: optional ",
    "string text, 3: optional u16[3] triple, 4: optional ",
    "acme.types.v2.Flat flat, 5: optional ",
    "list<acme.types.v2.Flat> flats) -> ",
    "acme.types.v2.Optionals;\n",
    "  msgpack bounded(1: acme.types.v2.Bounded b) -> ",
    "list<acme.types.v2.Bounded>(..8);\n",
    "  @idempotent\n",
    "  @timeout(250ms)\n",
    "  json fast(1: u32 client, 2: u32 opts, 3: u32 out, 4: ",
    "u32 error, 5: u32 user) -> acme.types.v2.Nothing;\n",
    "  @deprecated(\"use fast\")\n",
    "  json slow(1: map<string, u32> counts) -> map<string, ",
    "u32>;\n",
    "  json parse(1: string text) -> u32 throws ",
    "acme.common.Refused, acme.types.v2.BadText, ",
    "acme.types.v2.NotFound;\n",
    "  native store(1: acme.types.v2.Flat flat) throws ",
    "acme.types.v2.Full;\n",
    "  oneway msgpack touch(1: u64 id, 2: optional string ",
    "why);\n",
    "  @timeout(1s)\n",
    "  oneway raw blob_away(1: bytes data);\n",
    "  native close();\n",
    "  native connect(1: u32 int) -> u32;\n",
    "}\n",
    NULL,
};

const shmrpc_service types_v2_everything_descriptor = {
    SHMRPC_ROWS_INIT,
    "everything", "acme.types.v2.Everything", 5601, 2,
    UINT64_C(0x3162d0a7711b5e42), everything_text,
    "Methods of every shape.",
    everything_methods, 21, NULL,
};

static const shmrpc_method other_methods[] = {
    {
        "ping", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x1c3f25b9d693bf14), 0,
        "native ping() -> acme.types.v2.Order;",
        NULL,
        &shmrpc_type_no_params, &types_v2_order_descriptor, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
};

/* The service's .svc, which clients can request. */
static const char *const other_text[] = {
    "package acme.types.v2;\n",
    "/// How hits are sorted.\n",
    "enum Order : u8 {\n",
    "  RELEVANCE = 0;\n",
    "  /// The newest first.\n",
    "  DATE = 1;\n",
    "  reserved 2;\n",
    "  reserved \"RANDOM\";\n",
    "}\n",
    "service Other {\n",
    "  port 5602;\n",
    "  name \"other\";\n",
    "  version 1;\n",
    "  native ping() -> acme.types.v2.Order;\n",
    "}\n",
    NULL,
};

const shmrpc_service types_v2_other_descriptor = {
    SHMRPC_ROWS_INIT,
    "other", "acme.types.v2.Other", 5602, 1, UINT64_C(0x47e4e216bada9706),
    other_text,
    NULL,
    other_methods, 1, NULL,
};
