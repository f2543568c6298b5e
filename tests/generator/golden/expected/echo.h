/*
 * Types and tables of echo.svc, made by shmrpcgen: edit that file instead.
 *
 * Strings, bytes, lists and maps are views that own no memory; `ptr` may be
 * NULL if `len` is 0.  Arguments of a call are borrowed until it returns;
 * results are read-only and live in one reply.
 * Threading: values and constant data.
 */
#ifndef DEMO_ECHO_H
#define DEMO_ECHO_H

#include <shmrpc/descriptor.h>
#include <shmrpc/types.h>

SHMRPC_BEGIN_DECLS

#define DEMO_ERR_OVERFLOW 100

/* The methods of Echo: indices into demo_echo_descriptor.methods. */
enum {
    DEMO_ECHO_METHOD_ECHO_JSON,
    DEMO_ECHO_METHOD_ECHO_MSGPACK,
    DEMO_ECHO_METHOD_ECHO_RAW,
    DEMO_ECHO_METHOD_ADD,
};

/* The parameters of echo_json, in the form that the stubs encode. */
typedef struct demo_echo_echo_json_params {
    const shmrpc_any *data;
} demo_echo_echo_json_params;

/* The parameters of echo_msgpack, in the form that the stubs encode. */
typedef struct demo_echo_echo_msgpack_params {
    const shmrpc_any *data;
} demo_echo_echo_msgpack_params;

/* The parameters of echo_raw, in the form that the stubs encode. */
typedef struct demo_echo_echo_raw_params {
    shmrpc_bytes data;
} demo_echo_echo_raw_params;

/* The parameters of add, in the form that the stubs encode. */
typedef struct demo_echo_add_params {
    int64_t a;
    int64_t b;
} demo_echo_add_params;

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_error_type demo_overflow_descriptor;
extern const shmrpc_service demo_echo_descriptor;

SHMRPC_END_DECLS

#endif
