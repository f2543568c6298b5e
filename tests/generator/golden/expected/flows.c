/*
 * Tables of flows.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "flows.h"

static const shmrpc_type word_text_type =
    SHMRPC_TYPE_BOUNDED_INIT(SHMRPC_KIND_STRING, shmrpc_str, 8, 4, 0, 1000);

static const shmrpc_type u32_list_type =
    SHMRPC_TYPE_LIST_INIT(shmrpc_u32_list, uint32_t, 0, 0, 0, &shmrpc_type_u32);

static const shmrpc_type flows_sums_result_type =
    SHMRPC_TYPE_MAP_INIT(flows_flows_sums_result, flows_flows_sums_result_entry,
                         0, 0, 0, &shmrpc_type_string, &shmrpc_type_u64);

static const shmrpc_field word_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &word_text_type, flows_word, text, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "at", &shmrpc_type_u64, flows_word, at, 0, NULL, NULL),
};

const shmrpc_type flows_word_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(flows_word, 0, 16, 8, "flows.Word",
                            "A word, and where it stands.", word_fields);

static const shmrpc_field too_many_fields[] = {
    SHMRPC_FIELD_INIT(1, "most", &shmrpc_type_u64, flows_too_many, most, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "why", &shmrpc_type_string, flows_too_many, why, 0,
                      NULL, NULL),
};

static const shmrpc_type too_many_payload =
    SHMRPC_TYPE_STRUCT_INIT(flows_too_many, 0, 16, 8, "flows.TooMany", NULL,
                            too_many_fields);

const shmrpc_error_type flows_too_many_descriptor =
    {"flows.TooMany", 100, &too_many_payload, NULL};

const shmrpc_error_type flows_tired_descriptor =
    {"flows.Tired", 101, NULL, NULL};

static const shmrpc_field flows_words_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "text", &shmrpc_type_string, flows_flows_words_params,
                      text, 0, NULL, NULL),
};

static const shmrpc_type flows_words_params_type =
    SHMRPC_TYPE_STRUCT_INIT(flows_flows_words_params, SHMRPC_TYPE_PARAMS, 8, 4,
                            NULL, NULL, flows_words_params_fields);

static const shmrpc_error_type *const flows_words_throws[] = {
    &flows_too_many_descriptor,
    &flows_tired_descriptor,
};

static const shmrpc_field flows_count_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "most", &shmrpc_type_u64, flows_flows_count_params,
                      most, 0, NULL, NULL),
};

static const shmrpc_type flows_count_params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        flows_flows_count_params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 8, 8, NULL,
        NULL, flows_count_params_fields);

static const shmrpc_error_type *const flows_count_throws[] = {
    &flows_too_many_descriptor,
};

static const shmrpc_field flows_sums_params_fields[] = {
    SHMRPC_FIELD_HAS_INIT(1, "in", &shmrpc_type_u32, flows_flows_sums_params,
                          in, has_in, NULL, NULL),
};

static const shmrpc_type flows_sums_params_type =
    SHMRPC_TYPE_STRUCT_INIT(flows_flows_sums_params,
                            SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FIXED, 8, 4, NULL,
                            NULL, flows_sums_params_fields);

static const shmrpc_field flows_cat_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes, flows_flows_cat_params,
                      data, 0, NULL, NULL),
};

static const shmrpc_type flows_cat_params_type =
    SHMRPC_TYPE_STRUCT_INIT(flows_flows_cat_params, SHMRPC_TYPE_PARAMS, 8, 4,
                            NULL, NULL, flows_cat_params_fields);

static const shmrpc_field flows_add_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_i64, flows_flows_add_params, a, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_i64, flows_flows_add_params, b, 0,
                      NULL, NULL),
};

static const shmrpc_type flows_add_params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        flows_flows_add_params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 16, 8, NULL,
        NULL, flows_add_params_fields);

static const shmrpc_method flows_methods[] = {
    {
        "words", SHMRPC_ENCODING_MSGPACK, SHMRPC_METHOD_STREAMS_OUT,
        UINT64_C(0x90069085033fbf24), 0,
        "msgpack words(1: string text) -> stream flows.Word "
        "throws flows.Tired, flows.TooMany;",
        "The words of a text as they are found.",
        &flows_words_params_type, NULL, flows_words_throws, 2,
        0, 65536, INT64_C(0), NULL, &flows_word_descriptor, {0, 0, 0, 0},
    },
    {
        "count", SHMRPC_ENCODING_JSON, SHMRPC_METHOD_STREAMS_IN,
        UINT64_C(0x16123ba0f0b039c5), 0,
        "json count(1: u64 most, stream flows.Word word) -> u64 "
        "throws flows.TooMany;",
        "Counts what is sent.",
        &flows_count_params_type, &shmrpc_type_u64, flows_count_throws, 1,
        98144, 0, INT64_C(0), &flows_word_descriptor, NULL, {0, 0, 0, 0},
    },
    {
        "joined", SHMRPC_ENCODING_MSGPACK, SHMRPC_METHOD_STREAMS_IN,
        UINT64_C(0x373cdae2507a9e62), 0,
        "msgpack joined(stream string piece) -> string;",
        "Everything in one text.",
        &shmrpc_type_no_params, &shmrpc_type_string, NULL, 0,
        65536, 0, INT64_C(0), &shmrpc_type_string, NULL, {0, 0, 0, 0},
    },
    {
        "drop", SHMRPC_ENCODING_NATIVE, SHMRPC_METHOD_STREAMS_IN,
        UINT64_C(0x5a731c2a144e58c2), 0,
        "native drop(stream u32 number);",
        "Nothing comes back but the end.",
        &shmrpc_type_no_params, NULL, NULL, 0,
        65536, 0, INT64_C(0), &shmrpc_type_u32, NULL, {0, 0, 0, 0},
    },
    {
        "twice", SHMRPC_ENCODING_NATIVE,
        SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT,
        UINT64_C(0x8d3f1e17d81b750b), 0,
        "native twice(stream i64 number) -> stream i64;",
        "Twice each number.",
        &shmrpc_type_no_params, NULL, NULL, 0,
        8192, 8192, INT64_C(20000000000), &shmrpc_type_i64, &shmrpc_type_i64,
        {0, 0, 0, 0},
    },
    {
        "sums", SHMRPC_ENCODING_JSON,
        SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT,
        UINT64_C(0x3180df5ad28907dd), 0,
        "json sums(1: optional u32 in, stream list<u32> numbers) "
        "-> stream map<string, u64>;",
        "Lists and maps go as well.",
        &flows_sums_params_type, NULL, NULL, 0,
        65536, 65536, INT64_C(0), &u32_list_type, &flows_sums_result_type,
        {0, 0, 0, 0},
    },
    {
        "cat", SHMRPC_ENCODING_RAW, SHMRPC_METHOD_STREAMS_OUT,
        UINT64_C(0x7c9400382b4f9599), 0,
        "raw cat(1: bytes data) -> stream bytes;",
        "The bytes of one, in pieces.",
        &flows_cat_params_type, NULL, NULL, 0,
        0, 65536, INT64_C(0), NULL, &shmrpc_type_bytes, {0, 0, 0, 0},
    },
    {
        "through", SHMRPC_ENCODING_RAW,
        SHMRPC_METHOD_STREAMS_IN | SHMRPC_METHOD_STREAMS_OUT,
        UINT64_C(0x8fc9374a8ee2fcd4), 0,
        "raw through(stream bytes data) -> stream bytes;",
        "Back as they came.",
        &shmrpc_type_no_params, NULL, NULL, 0,
        65536, 65536, INT64_C(0), &shmrpc_type_bytes, &shmrpc_type_bytes,
        {0, 0, 0, 0},
    },
    {
        "add", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x70dfe40300b728a2), 0,
        "native add(1: i64 a, 2: i64 b) -> i64;",
        "No stream: as ever.",
        &flows_add_params_type, &shmrpc_type_i64, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
};

/* The service's .svc, which clients can request. */
static const char *const flows_text[] = {
    "package flows;\n",
    "error Tired = 101 {\n",
    "}\n",
    "error TooMany = 100 {\n",
    "  1: u64 most;\n",
    "  2: string why;\n",
    "}\n",
    "/// A word, and where it stands.\n",
    "struct Word {\n",
    "  1: string(..1000) text;\n",
    "  2: u64 at;\n",
    "}\n",
    "/// Every shape that a stream has.\n",
    "service Flows {\n",
    "  port 5611;\n",
    "  name \"flows\";\n",
    "  version 1;\n",
    "  /// The words of a text as they are found.\n",
    "  msgpack words(1: string text) -> stream flows.Word ",
    "throws flows.Tired, flows.TooMany;\n",
    "  /// Counts what is sent.\n",
    "  json count(1: u64 most, stream flows.Word word) -> ",
    "u64 throws flows.TooMany;\n",
    "  /// Everything in one text.\n",
    "  msgpack joined(stream string piece) -> string;\n",
    "  /// Nothing comes back but the end.\n",
    "  native drop(stream u32 number);\n",
    "  /// Twice each number.\n",
    "  @window(8192)\n",
    "  @idle(20s)\n",
    "  native twice(stream i64 number) -> stream i64;\n",
    "  /// Lists and maps go as well.\n",
    "  json sums(1: optional u32 in, stream list<u32> ",
    "numbers) -> stream map<string, u64>;\n",
    "  /// The bytes of one, in pieces.\n",
    "  @window(65536)\n",
    "  raw cat(1: bytes data) -> stream bytes;\n",
    "  /// Back as they came.\n",
    "  raw through(stream bytes data) -> stream bytes;\n",
    "  /// No stream: as ever.\n",
    "  native add(1: i64 a, 2: i64 b) -> i64;\n",
    "}\n",
    NULL,
};

const shmrpc_service flows_flows_descriptor = {
    SHMRPC_ROWS_INIT,
    "flows", "flows.Flows", 5611, 1, UINT64_C(0x25dff07846f485af), flows_text,
    "Every shape that a stream has.",
    flows_methods, 9, NULL,
};
