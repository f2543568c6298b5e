/*
 * Hand-written types of every kind, with the C types that the generator would
 * give them, for the tests of the codecs and for the fuzzers.
 *
 * Call sample_init once before the tables are used: it computes the native
 * sizes and alignments, which generated tables hold as constants.
 */
#ifndef TESTS_RUNTIME_CODEC_SAMPLE_H
#define TESTS_RUNTIME_CODEC_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/types.h"

typedef struct sample_point {
    int32_t x;
    int32_t y;
} sample_point;

typedef uint8_t sample_colour;
enum { SAMPLE_RED = 0, SAMPLE_GREEN = 1, SAMPLE_BLUE = 7 };

typedef int64_t sample_wide;

typedef struct sample_key {
    uint32_t tag; /* 1 id, 2 url, 4 at */
    union {
        uint64_t id;
        shmrpc_str url;
        sample_point at;
    } u;
} sample_key;

typedef struct sample_node sample_node;
typedef struct sample_node_list {
    const sample_node *ptr;
    size_t len;
} sample_node_list;
struct sample_node {
    int32_t value;
    const sample_node *next; /* optional */
    sample_node_list children;
};

typedef struct sample_i32_list {
    const int32_t *ptr;
    size_t len;
} sample_i32_list;
typedef struct sample_u8_list {
    const uint8_t *ptr;
    size_t len;
} sample_u8_list;
typedef struct sample_str_list {
    const shmrpc_str *ptr;
    size_t len;
} sample_str_list;
typedef struct sample_text_entry {
    shmrpc_str key;
    shmrpc_str value;
} sample_text_entry;
typedef struct sample_text_map {
    const sample_text_entry *ptr;
    size_t len;
} sample_text_map;
typedef struct sample_point_entry {
    int32_t key;
    sample_point value;
} sample_point_entry;
typedef struct sample_point_map {
    const sample_point_entry *ptr;
    size_t len;
} sample_point_map;
typedef struct sample_colour_entry {
    sample_colour key;
    bool value;
} sample_colour_entry;
typedef struct sample_colour_map {
    const sample_colour_entry *ptr;
    size_t len;
} sample_colour_map;

/* A struct with a field of every kind. */
typedef struct sample_all {
    bool b;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    float f32;
    double f64;
    shmrpc_str text;
    shmrpc_bytes blob;
    sample_i32_list numbers;
    sample_str_list words;
    sample_text_map filters;
    sample_point_map points;
    sample_colour_map colours;
    uint16_t triple[3];
    shmrpc_str pair[2];
    sample_colour colour;
    sample_wide wide;
    sample_point point;
    sample_key key;
    bool has_maybe;
    int32_t maybe;
    bool has_note;
    shmrpc_str note;
    const sample_point *spot; /* optional */
    const sample_key *other;  /* optional */
    uint32_t limit;           /* = 10 */
    shmrpc_str label;         /* = "none" */
    shmrpc_str name;          /* (1..8) */
    uint8_t level;            /* (1..100) */
    int32_t offset;           /* (-5..5) */
    float gain;               /* (0.5..2) */
    sample_u8_list few;       /* (..4) */
    sample_node node;
    /* Not in sample_native_type: */
    shmrpc_any data;
    bool has_extra;
    shmrpc_any extra;
} sample_all;

/* Parameters with a hole at position 3. */
typedef struct sample_params {
    shmrpc_str text;
    const sample_point *point;
    bool has_count;
    uint32_t count;
    uint32_t limit; /* = 10 */
} sample_params;

/* Flat parameters. */
typedef struct sample_sum {
    int64_t a;
    int64_t b;
} sample_sum;

extern shmrpc_type sample_point_type;
extern shmrpc_type sample_colour_type;
extern shmrpc_type sample_wide_type;
extern shmrpc_type sample_key_type;
extern shmrpc_type sample_node_type;
extern shmrpc_type sample_i32_list_type;
extern shmrpc_type sample_str_list_type;
extern shmrpc_type sample_text_map_type;
extern shmrpc_type sample_point_map_type;
extern shmrpc_type sample_colour_map_type;
extern shmrpc_type sample_triple_type;
extern shmrpc_type sample_all_type;
extern shmrpc_type sample_native_type;  /* sample_all without `any` */
extern shmrpc_type sample_compact_type; /* sample_all, keyed by tags */
extern shmrpc_type sample_params_type;
extern shmrpc_type sample_sum_type;
extern shmrpc_type sample_raw_type; /* parameters: bytes data */

/* Bounded types: string(1..8), u8(1..100), i32(-5..5), f32(0.5..2),
 * list<u8>(..4). */
extern shmrpc_type sample_name_type;
extern shmrpc_type sample_level_type;
extern shmrpc_type sample_offset_type;
extern shmrpc_type sample_gain_type;
extern shmrpc_type sample_few_type;

void sample_init(void);

/* A value in which every field is set; points to constants. */
extern const sample_all sample_full;

/* Whether two values of the type are equal; ignores the memory of absent
 * fields. */
bool sample_equal(const shmrpc_type *type, const void *a, const void *b);

#endif
