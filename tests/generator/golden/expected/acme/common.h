/*
 * Types and tables of acme/common.svc, made by shmrpcgen: edit that file
 * instead.
 *
 * Strings, bytes, lists and maps are views that own no memory; `ptr` may be
 * NULL if `len` is 0.  Arguments of a call are borrowed until it returns;
 * results are read-only and live in one reply.
 * Threading: values and constant data.
 */
#ifndef COMMON_ACME_COMMON_D9CE377C_H
#define COMMON_ACME_COMMON_D9CE377C_H

#include <shmrpc/descriptor.h>
#include <shmrpc/types.h>

SHMRPC_BEGIN_DECLS

typedef uint8_t common_level; /* open: may hold unknown values */

enum {
    COMMON_LEVEL_LOW = 0,
    COMMON_LEVEL_HIGH = 1,
};

typedef struct common_document common_document;
typedef struct common_point common_point;
typedef struct common_path common_path;

typedef struct common_point_list {
    const common_point *ptr;
    size_t len;
} common_point_list;

/* What other packages share. */
struct common_document {
    uint64_t id;
    shmrpc_str title;
};

struct common_point {
    double x;
    double y;
};

/* Whoever lists points finds the list's type here. */
struct common_path {
    common_point_list points;
};

/* What any of our services may say. */
#define COMMON_ERR_REFUSED 900

/* The details of COMMON_ERR_REFUSED. */
typedef struct common_refused common_refused;
struct common_refused {
    shmrpc_str why;
};

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type common_level_descriptor;
extern const shmrpc_type common_document_descriptor;
extern const shmrpc_type common_point_descriptor;
extern const shmrpc_type common_path_descriptor;
extern const shmrpc_error_type common_refused_descriptor;

SHMRPC_END_DECLS

#endif
