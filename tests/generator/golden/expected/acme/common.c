/*
 * Tables of acme/common.svc, made by shmrpcgen: edit that file instead.
 * Threading: constant data.
 */
#include "common.h"

static const shmrpc_enumerator level_names[] = {
    {"LOW", 0, NULL},
    {"HIGH", 1, NULL},
};

const shmrpc_type common_level_descriptor =
    SHMRPC_TYPE_ENUM_INIT(common_level, 1, "acme.common.Level", NULL,
                          &shmrpc_type_u8, level_names);

static const shmrpc_type common_point_list_type =
    SHMRPC_TYPE_LIST_INIT(common_point_list, common_point, 0, 0, 0,
                          &common_point_descriptor);

static const shmrpc_field document_fields[] = {
    SHMRPC_FIELD_INIT(1, "id", &shmrpc_type_u64, common_document, id, 0, NULL,
                      NULL),
    SHMRPC_FIELD_INIT(2, "title", &shmrpc_type_string, common_document, title,
                      0, NULL, NULL),
};

const shmrpc_type common_document_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(common_document, 0, 16, 8, "acme.common.Document",
                            "What other packages share.", document_fields);

static const shmrpc_field point_fields[] = {
    SHMRPC_FIELD_INIT(1, "x", &shmrpc_type_f64, common_point, x, 0, NULL, NULL),
    SHMRPC_FIELD_INIT(2, "y", &shmrpc_type_f64, common_point, y, 0, NULL, NULL),
};

const shmrpc_type common_point_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(common_point, SHMRPC_TYPE_FLAT | SHMRPC_TYPE_FIXED,
                            16, 8, "acme.common.Point", NULL, point_fields);

static const shmrpc_field path_fields[] = {
    SHMRPC_FIELD_INIT(1, "points", &common_point_list_type, common_path, points,
                      0, NULL, NULL),
};

const shmrpc_type common_path_descriptor =
    SHMRPC_TYPE_STRUCT_INIT(common_path, 0, 8, 4, "acme.common.Path",
                            "Whoever lists points finds the list's type here.",
                            path_fields);

static const shmrpc_field refused_fields[] = {
    SHMRPC_FIELD_INIT(1, "why", &shmrpc_type_string, common_refused, why, 0,
                      NULL, NULL),
};

static const shmrpc_type refused_payload =
    SHMRPC_TYPE_STRUCT_INIT(common_refused, 0, 8, 4, "acme.common.Refused",
                            "What any of our services may say.",
                            refused_fields);

const shmrpc_error_type common_refused_descriptor =
    {"acme.common.Refused", 900, &refused_payload,
     "What any of our services may say."};
