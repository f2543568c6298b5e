/*
 * Types and tables of flows.svc, made by shmrpcgen: edit that file instead.
 *
 * Strings, bytes, lists and maps are views that own no memory; `ptr` may be
 * NULL if `len` is 0.  Arguments of a call are borrowed until it returns;
 * results are read-only and live in one reply.
 * Threading: values and constant data.
 */
#ifndef FLOWS_FLOWS_H
#define FLOWS_FLOWS_H

#include <shmrpc/descriptor.h>
#include <shmrpc/types.h>

SHMRPC_BEGIN_DECLS

typedef struct flows_word flows_word;
typedef struct flows_flows_sums_result_entry flows_flows_sums_result_entry;

typedef struct flows_flows_sums_result {
    const flows_flows_sums_result_entry *ptr;
    size_t len;
} flows_flows_sums_result;

/* A word, and where it stands. */
struct flows_word {
    /* string(..1000) */
    shmrpc_str text;
    uint64_t at;
};

struct flows_flows_sums_result_entry {
    shmrpc_str key;
    uint64_t value;
};

#define FLOWS_ERR_TOO_MANY 100

/* The details of FLOWS_ERR_TOO_MANY. */
typedef struct flows_too_many flows_too_many;
struct flows_too_many {
    uint64_t most;
    shmrpc_str why;
};

#define FLOWS_ERR_TIRED 101

/* The methods of Flows: indices into flows_flows_descriptor.methods. */
enum {
    FLOWS_FLOWS_METHOD_WORDS,
    FLOWS_FLOWS_METHOD_COUNT,
    FLOWS_FLOWS_METHOD_JOINED,
    FLOWS_FLOWS_METHOD_DROP,
    FLOWS_FLOWS_METHOD_TWICE,
    FLOWS_FLOWS_METHOD_SUMS,
    FLOWS_FLOWS_METHOD_CAT,
    FLOWS_FLOWS_METHOD_THROUGH,
    FLOWS_FLOWS_METHOD_ADD,
};

/* The parameters of words, in the form that the stubs encode. */
typedef struct flows_flows_words_params {
    shmrpc_str text;
} flows_flows_words_params;

/* The parameters of count, in the form that the stubs encode. */
typedef struct flows_flows_count_params {
    uint64_t most;
} flows_flows_count_params;

/* The parameters of sums, in the form that the stubs encode. */
typedef struct flows_flows_sums_params {
    bool has_in;
    uint32_t in;
} flows_flows_sums_params;

/* The parameters of cat, in the form that the stubs encode. */
typedef struct flows_flows_cat_params {
    shmrpc_bytes data;
} flows_flows_cat_params;

/* The parameters of add, in the form that the stubs encode. */
typedef struct flows_flows_add_params {
    int64_t a;
    int64_t b;
} flows_flows_add_params;

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type flows_word_descriptor;
extern const shmrpc_error_type flows_too_many_descriptor;
extern const shmrpc_error_type flows_tired_descriptor;
extern const shmrpc_service flows_flows_descriptor;

SHMRPC_END_DECLS

#endif
