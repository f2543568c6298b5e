/*
 * Tables of echo.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "echo.h"

const shmrpc_error_type demo_overflow_descriptor =
    {"demo.Overflow", 100, NULL, NULL};

static const shmrpc_field echo_echo_json_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_any, demo_echo_echo_json_params,
                      data, SHMRPC_FIELD_POINTER, NULL, NULL),
};

static const shmrpc_type echo_echo_json_params_type =
    SHMRPC_TYPE_STRUCT_INIT(demo_echo_echo_json_params, SHMRPC_TYPE_PARAMS, 1,
                            1, NULL, NULL, echo_echo_json_params_fields);

static const shmrpc_field echo_echo_msgpack_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_any,
                      demo_echo_echo_msgpack_params, data, SHMRPC_FIELD_POINTER,
                      NULL, NULL),
};

static const shmrpc_type echo_echo_msgpack_params_type =
    SHMRPC_TYPE_STRUCT_INIT(demo_echo_echo_msgpack_params, SHMRPC_TYPE_PARAMS,
                            1, 1, NULL, NULL, echo_echo_msgpack_params_fields);

static const shmrpc_field echo_echo_raw_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "data", &shmrpc_type_bytes, demo_echo_echo_raw_params,
                      data, 0, NULL, NULL),
};

static const shmrpc_type echo_echo_raw_params_type =
    SHMRPC_TYPE_STRUCT_INIT(demo_echo_echo_raw_params, SHMRPC_TYPE_PARAMS, 8, 4,
                            NULL, NULL, echo_echo_raw_params_fields);

static const shmrpc_field echo_add_params_fields[] = {
    SHMRPC_FIELD_INIT(1, "a", &shmrpc_type_i64, demo_echo_add_params, a, 0,
                      NULL, NULL),
    SHMRPC_FIELD_INIT(2, "b", &shmrpc_type_i64, demo_echo_add_params, b, 0,
                      NULL, NULL),
};

static const shmrpc_type echo_add_params_type =
    SHMRPC_TYPE_STRUCT_INIT(
        demo_echo_add_params,
        SHMRPC_TYPE_PARAMS | SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED, 16, 8, NULL,
        NULL, echo_add_params_fields);

static const shmrpc_error_type *const echo_add_throws[] = {
    &demo_overflow_descriptor,
};

static const shmrpc_method echo_methods[] = {
    {
        "echo_json", SHMRPC_ENCODING_JSON, 0, UINT64_C(0xc5742997069ffd30), 0,
        "json echo_json(1: any data) -> any;",
        "Returns its argument unchanged (any JSON value).",
        &echo_echo_json_params_type, &shmrpc_type_any, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "echo_msgpack", SHMRPC_ENCODING_MSGPACK, 0,
        UINT64_C(0x51ca50139caeef7e), 0,
        "msgpack echo_msgpack(1: any data) -> any;",
        NULL,
        &echo_echo_msgpack_params_type, &shmrpc_type_any, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "echo_raw", SHMRPC_ENCODING_RAW, 0, UINT64_C(0xda8e7601837a8d57), 0,
        "raw echo_raw(1: bytes data) -> bytes;",
        NULL,
        &echo_echo_raw_params_type, &shmrpc_type_bytes, NULL, 0,
        SHMRPC_NO_STREAMS,
    },
    {
        "add", SHMRPC_ENCODING_NATIVE, 0, UINT64_C(0x872e028983f94dd9), 0,
        "native add(1: i64 a, 2: i64 b) -> i64 throws demo.Overflow;",
        NULL,
        &echo_add_params_type, &shmrpc_type_i64, echo_add_throws, 1,
        SHMRPC_NO_STREAMS,
    },
};

/* The service's .svc, which clients can request. */
static const char *const echo_text[] = {
    "package demo;\n",
    "error Overflow = 100 {\n",
    "}\n",
    "/// The smallest service: one method per encoding.\n",
    "service Echo {\n",
    "  port 5555;\n",
    "  name \"echo_serv\";\n",
    "  version 1;\n",
    "  /// Returns its argument unchanged (any JSON value).\n",
    "  json echo_json(1: any data) -> any;\n",
    "  msgpack echo_msgpack(1: any data) -> any;\n",
    "  raw echo_raw(1: bytes data) -> bytes;\n",
    "  native add(1: i64 a, 2: i64 b) -> i64 throws ",
    "demo.Overflow;\n",
    "}\n",
    NULL,
};

const shmrpc_service demo_echo_descriptor = {
    SHMRPC_ROWS_INIT,
    "echo_serv", "demo.Echo", 5555, 1, UINT64_C(0xa16fa04ff76e906f), echo_text,
    "The smallest service: one method per encoding.",
    echo_methods, 4, NULL,
};
