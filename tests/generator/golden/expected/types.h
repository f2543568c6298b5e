/*
 * Types and tables of types.svc, made by shmrpcgen: edit that file instead.
 *
 * Every type of the language, and whatever is awkward in C.
 *
 * Strings, bytes, lists and maps are views that own no memory; `ptr` may be
 * NULL if `len` is 0.  Arguments of a call are borrowed until it returns;
 * results are read-only and live in one reply.
 * Threading: values and constant data.
 */
#ifndef TYPES_V2_TYPES_C298DD43_H
#define TYPES_V2_TYPES_C298DD43_H

#include <shmrpc/descriptor.h>
#include <shmrpc/types.h>

#include "acme/common.h"

SHMRPC_BEGIN_DECLS

/* The most hits that anyone gets. */
#define TYPES_V2_MAX_HITS 1000

#define TYPES_V2_LOWEST INT64_MIN

#define TYPES_V2_HIGHEST UINT64_C(18446744073709551615)

#define TYPES_V2_RATIO 0.1F

#define TYPES_V2_YES true

#define TYPES_V2_GREETING \
    "say \"hi\"?\077/\n" \
    "\tthen \\ leave, and this text is so long that one line " \
    "can't hold it"

#define TYPES_V2_MAGIC "\000\377"

#define TYPES_V2_FAVOURITE TYPES_V2_ORDER_DATE

/* How hits are sorted. */
typedef uint8_t types_v2_order; /* open: may hold unknown values */

enum {
    TYPES_V2_ORDER_RELEVANCE = 0,
    /* The newest first. */
    TYPES_V2_ORDER_DATE = 1,
};

typedef int32_t types_v2_delta; /* open: may hold unknown values */

enum {
    TYPES_V2_DELTA_ZERO = 0,
    TYPES_V2_DELTA_BACK = -1,
};

/* Values that ISO C doesn't let an enumerator have. */
typedef uint64_t types_v2_huge; /* open: may hold unknown values */

#define TYPES_V2_HUGE_NONE 0
#define TYPES_V2_HUGE_ALL UINT64_C(18446744073709551615)

typedef struct types_v2_scalars types_v2_scalars;
typedef struct types_v2_flat types_v2_flat;
typedef struct types_v2_shuffled types_v2_shuffled;
typedef struct types_v2_bounded types_v2_bounded;
typedef struct types_v2_optionals types_v2_optionals;
typedef struct types_v2_choice types_v2_choice;
typedef struct types_v2_containers types_v2_containers;
typedef struct types_v2_node types_v2_node;
typedef struct types_v2_nothing types_v2_nothing;
typedef struct types_v2_compact types_v2_compact;
typedef struct types_v2_keywords types_v2_keywords;
typedef struct types_v2_hint types_v2_hint;
typedef struct types_v2_containers_filters_entry
    types_v2_containers_filters_entry;
typedef struct types_v2_containers_deep_value_entry
    types_v2_containers_deep_value_entry;
typedef struct types_v2_containers_deep_entry types_v2_containers_deep_entry;
typedef struct types_v2_containers_vectors_entry
    types_v2_containers_vectors_entry;
typedef struct types_v2_containers_places_entry
    types_v2_containers_places_entry;
typedef struct types_v2_containers_records_item_entry
    types_v2_containers_records_item_entry;
typedef struct types_v2_bad_text_hints_entry types_v2_bad_text_hints_entry;
typedef struct types_v2_everything_slow_counts_entry
    types_v2_everything_slow_counts_entry;
typedef struct types_v2_everything_slow_result_entry
    types_v2_everything_slow_result_entry;
typedef struct types_v2_containers_pairs_item types_v2_containers_pairs_item;
typedef struct types_v2_containers_vectors_value
    types_v2_containers_vectors_value;

#ifndef TYPES_V2_STR_LIST_LIST_DEFINED
#define TYPES_V2_STR_LIST_LIST_DEFINED
typedef struct types_v2_str_list_list {
    const shmrpc_str_list *ptr;
    size_t len;
} types_v2_str_list_list;
#endif

typedef struct types_v2_flat_list {
    const types_v2_flat *ptr;
    size_t len;
} types_v2_flat_list;

typedef struct types_v2_containers_filters {
    const types_v2_containers_filters_entry *ptr;
    size_t len;
} types_v2_containers_filters;

typedef struct types_v2_containers_deep_value {
    const types_v2_containers_deep_value_entry *ptr;
    size_t len;
} types_v2_containers_deep_value;

typedef struct types_v2_containers_deep {
    const types_v2_containers_deep_entry *ptr;
    size_t len;
} types_v2_containers_deep;

typedef struct types_v2_containers_pairs_item_list {
    const types_v2_containers_pairs_item *ptr;
    size_t len;
} types_v2_containers_pairs_item_list;

typedef struct types_v2_containers_vectors {
    const types_v2_containers_vectors_entry *ptr;
    size_t len;
} types_v2_containers_vectors;

#ifndef COMMON_DOCUMENT_LIST_DEFINED
#define COMMON_DOCUMENT_LIST_DEFINED
typedef struct common_document_list {
    const common_document *ptr;
    size_t len;
} common_document_list;
#endif

typedef struct types_v2_order_list {
    const types_v2_order *ptr;
    size_t len;
} types_v2_order_list;

typedef struct types_v2_containers_places {
    const types_v2_containers_places_entry *ptr;
    size_t len;
} types_v2_containers_places;

typedef struct types_v2_containers_records_item {
    const types_v2_containers_records_item_entry *ptr;
    size_t len;
} types_v2_containers_records_item;

typedef struct types_v2_containers_records_item_list {
    const types_v2_containers_records_item *ptr;
    size_t len;
} types_v2_containers_records_item_list;

typedef struct types_v2_node_list {
    const types_v2_node *ptr;
    size_t len;
} types_v2_node_list;

typedef struct types_v2_bad_text_hints {
    const types_v2_bad_text_hints_entry *ptr;
    size_t len;
} types_v2_bad_text_hints;

typedef struct types_v2_bounded_list {
    const types_v2_bounded *ptr;
    size_t len;
} types_v2_bounded_list;

typedef struct types_v2_everything_slow_counts {
    const types_v2_everything_slow_counts_entry *ptr;
    size_t len;
} types_v2_everything_slow_counts;

typedef struct types_v2_everything_slow_result {
    const types_v2_everything_slow_result_entry *ptr;
    size_t len;
} types_v2_everything_slow_result;

struct types_v2_scalars {
    bool flag;
    /* default -128 */
    int8_t tiny;
    int16_t small;
    /* default -2147483648 */
    int32_t normal;
    /* default -9223372036854775808 */
    int64_t large;
    /* default 255 */
    uint8_t u_tiny;
    uint16_t u_small;
    /* default 4294967295 */
    uint32_t u_normal;
    /* default 18446744073709551615 */
    uint64_t u_large;
    /* default 1.5 */
    float real;
    /* default 0.1 */
    double exact;
    /* default BACK */
    types_v2_delta delta;
    /* default ALL */
    types_v2_huge huge;
};

/* Initialises a types_v2_scalars: fields get their defaults, or zeros. */
#define TYPES_V2_SCALARS_DEFAULTS \
    { \
        false, /* flag */ \
        -128, /* tiny */ \
        0, /* small */ \
        INT64_C(-2147483648), /* normal */ \
        INT64_MIN, /* large */ \
        255, /* u_tiny */ \
        0, /* u_small */ \
        UINT64_C(4294967295), /* u_normal */ \
        UINT64_C(18446744073709551615), /* u_large */ \
        1.5F, /* real */ \
        0.1, /* exact */ \
        TYPES_V2_DELTA_BACK, /* delta */ \
        TYPES_V2_HUGE_ALL, /* huge */ \
    }

/* No padding, no bounds: the same bytes in C and on the wire. */
struct types_v2_flat {
    uint64_t a;
    uint32_t b[4];
    float c;
    int32_t d;
};

/* Tags in another order than the source. */
struct types_v2_shuffled {
    uint8_t last;
    uint64_t first;
    uint16_t middle;
};

struct types_v2_bounded {
    /* string(1..64), default "none" */
    shmrpc_str name;
    /* bytes(..16), default "\x00k" */
    shmrpc_bytes key;
    /* i32(-5..5), default -3 */
    int32_t shift;
    /* u64(10..), default 10 */
    uint64_t floor;
    /* f32(0.5..2), default 1 */
    float speed;
    /* string(2..8), default "en" */
    shmrpc_str lang;
    /* list<string(2..8)>(1..3) */
    shmrpc_str_list langs;
};

/* Initialises a types_v2_bounded: fields get their defaults, or zeros. */
#define TYPES_V2_BOUNDED_DEFAULTS \
    { \
        {"none", 4}, /* name */ \
        {(const uint8_t *)"\000k", 2}, /* key */ \
        -3, /* shift */ \
        10, /* floor */ \
        1.0F, /* speed */ \
        {"en", 2}, /* lang */ \
        {NULL, 0}, /* langs */ \
    }

struct types_v2_optionals {
    bool has_count;
    uint32_t count;
    bool has_text;
    shmrpc_str text;
    const types_v2_flat *flat;
    const types_v2_choice *choice;
    bool has_items;
    shmrpc_u8_list items;
    bool has_order;
    types_v2_order order;
    bool has_triple;
    uint16_t triple[3];
    bool has_extra;
    shmrpc_any extra;
};

/* The tags of types_v2_choice; later versions may add others. */
typedef uint32_t types_v2_choice_tag;

enum {
    TYPES_V2_CHOICE_ID = 1,
    TYPES_V2_CHOICE_URL = 2,
    TYPES_V2_CHOICE_PLACE = 3,
    TYPES_V2_CHOICE_FLAT = 4,
};

/* One of several. */
struct types_v2_choice {
    types_v2_choice_tag tag; /* which member of u holds the value */
    union {
        uint64_t id;
        /* string(..512) */
        shmrpc_str url;
        /* Both coordinates. */
        float place[2];
        types_v2_flat flat;
    } u;
};

struct types_v2_containers {
    shmrpc_u32_list numbers;
    types_v2_str_list_list words;
    /* list<acme.types.v2.Flat>(..100) */
    types_v2_flat_list flats;
    /* map<string(..64), string>(..32) */
    types_v2_containers_filters filters;
    types_v2_containers_deep deep;
    uint32_t grid[2][3];
    types_v2_containers_pairs_item_list pairs;
    types_v2_containers_vectors vectors;
    /* string(..8)[2] */
    shmrpc_str tags[2];
    common_document_list documents;
    common_point_list points;
    common_level level;
    types_v2_order_list orders;
    types_v2_containers_places places;
    types_v2_containers_records_item_list records;
};

/* A tree needs something that isn't held by value. */
struct types_v2_node {
    shmrpc_str name;
    const types_v2_node *next;
    types_v2_node_list children;
};

struct types_v2_nothing {
    char unused; /* C has no empty structs */
};

struct types_v2_compact {
    uint32_t a;
    uint32_t b;
};

/* Names that C, C++ or the stubs have other uses for. */
struct types_v2_keywords {
    uint32_t class_;
    uint32_t namespace_;
    uint32_t register_;
    uint32_t sample_rate;
    uint32_t errno_;
    uint32_t stdout_;
};

struct types_v2_hint {
    shmrpc_str text;
};

/* Wraps an array, for places where C needs a type with a single name. */
struct types_v2_containers_pairs_item {
    uint16_t items[2];
};

/* Wraps an array, for places where C needs a type with a single name. */
struct types_v2_containers_vectors_value {
    double items[3];
};

struct types_v2_containers_filters_entry {
    shmrpc_str key;
    shmrpc_str value;
};

struct types_v2_containers_deep_value_entry {
    types_v2_order key;
    types_v2_choice value;
};

struct types_v2_containers_deep_entry {
    uint32_t key;
    types_v2_containers_deep_value value;
};

struct types_v2_containers_vectors_entry {
    shmrpc_str key;
    types_v2_containers_vectors_value value;
};

struct types_v2_containers_places_entry {
    shmrpc_str key;
    common_point value;
};

struct types_v2_containers_records_item_entry {
    shmrpc_str key;
    shmrpc_any value;
};

struct types_v2_bad_text_hints_entry {
    shmrpc_str key;
    types_v2_hint value;
};

struct types_v2_everything_slow_counts_entry {
    shmrpc_str key;
    uint32_t value;
};

struct types_v2_everything_slow_result_entry {
    shmrpc_str key;
    uint32_t value;
};

#define TYPES_V2_ERR_NOT_FOUND 100

/* Comment signs, / * and * /, must not end the comment they get into. */
#define TYPES_V2_ERR_BUSY 101

/* Errors may carry whatever a struct can. */
#define TYPES_V2_ERR_BAD_TEXT 102

/* The details of TYPES_V2_ERR_BAD_TEXT. */
typedef struct types_v2_bad_text types_v2_bad_text;
struct types_v2_bad_text {
    /* Where, in bytes. */
    /* default 1 */
    uint32_t at;
    /* string(..64) */
    shmrpc_str message;
    const types_v2_flat *flat;
    types_v2_bad_text_hints hints;
};

/* Initialises a types_v2_bad_text: fields get their defaults, or zeros. */
#define TYPES_V2_BAD_TEXT_DEFAULTS \
    { \
        1, /* at */ \
        {NULL, 0}, /* message */ \
        NULL, /* flat */ \
        {NULL, 0}, /* hints */ \
    }

#define TYPES_V2_ERR_FULL 103

/* The details of TYPES_V2_ERR_FULL. */
typedef struct types_v2_full types_v2_full;
struct types_v2_full {
    uint64_t free;
};

/* The methods of Everything: indices into
 * types_v2_everything_descriptor.methods. */
enum {
    TYPES_V2_EVERYTHING_METHOD_NOTHING,
    TYPES_V2_EVERYTHING_METHOD_FLAT,
    TYPES_V2_EVERYTHING_METHOD_NUMBER,
    TYPES_V2_EVERYTHING_METHOD_GRID,
    TYPES_V2_EVERYTHING_METHOD_SCALARS,
    TYPES_V2_EVERYTHING_METHOD_CONTAINERS,
    TYPES_V2_EVERYTHING_METHOD_NODE,
    TYPES_V2_EVERYTHING_METHOD_CHOICE,
    TYPES_V2_EVERYTHING_METHOD_ANYTHING,
    TYPES_V2_EVERYTHING_METHOD_BLOB,
    TYPES_V2_EVERYTHING_METHOD_TEXTS,
    TYPES_V2_EVERYTHING_METHOD_OPTIONALS,
    TYPES_V2_EVERYTHING_METHOD_BOUNDED,
    TYPES_V2_EVERYTHING_METHOD_FAST,
    TYPES_V2_EVERYTHING_METHOD_SLOW,
    TYPES_V2_EVERYTHING_METHOD_PARSE,
    TYPES_V2_EVERYTHING_METHOD_STORE,
    TYPES_V2_EVERYTHING_METHOD_TOUCH,
    TYPES_V2_EVERYTHING_METHOD_BLOB_AWAY,
    TYPES_V2_EVERYTHING_METHOD_CLOSE_,
    TYPES_V2_EVERYTHING_METHOD_CONNECT_,
};

/* The parameters of flat, in the form that the stubs encode. */
typedef struct types_v2_everything_flat_params {
    const types_v2_flat *flat;
} types_v2_everything_flat_params;

/* The parameters of number, in the form that the stubs encode. */
typedef struct types_v2_everything_number_params {
    int64_t a;
    uint32_t b;
} types_v2_everything_number_params;

/* The parameters of grid, in the form that the stubs encode. */
typedef struct types_v2_everything_grid_params {
    uint32_t grid[2][3];
} types_v2_everything_grid_params;

/* The parameters of scalars, in the form that the stubs encode. */
typedef struct types_v2_everything_scalars_params {
    const types_v2_scalars *scalars;
} types_v2_everything_scalars_params;

/* The parameters of containers, in the form that the stubs encode. */
typedef struct types_v2_everything_containers_params {
    const types_v2_containers *c;
} types_v2_everything_containers_params;

/* The parameters of node, in the form that the stubs encode. */
typedef struct types_v2_everything_node_params {
    const types_v2_node *node;
    const types_v2_node *other;
} types_v2_everything_node_params;

/* The parameters of choice, in the form that the stubs encode. */
typedef struct types_v2_everything_choice_params {
    const types_v2_choice *choice;
} types_v2_everything_choice_params;

/* The parameters of anything, in the form that the stubs encode. */
typedef struct types_v2_everything_anything_params {
    const shmrpc_any *value;
    const shmrpc_any *other;
} types_v2_everything_anything_params;

/* The parameters of blob, in the form that the stubs encode. */
typedef struct types_v2_everything_blob_params {
    shmrpc_bytes data;
} types_v2_everything_blob_params;

/* The parameters of texts, in the form that the stubs encode. */
typedef struct types_v2_everything_texts_params {
    shmrpc_str tags[2];
    shmrpc_str lang;
} types_v2_everything_texts_params;

/* The parameters of optionals, in the form that the stubs encode. */
typedef struct types_v2_everything_optionals_params {
    bool has_count;
    uint32_t count;
    bool has_text;
    shmrpc_str text;
    bool has_triple;
    uint16_t triple[3];
    const types_v2_flat *flat;
    bool has_flats;
    types_v2_flat_list flats;
} types_v2_everything_optionals_params;

/* The parameters of bounded, in the form that the stubs encode. */
typedef struct types_v2_everything_bounded_params {
    const types_v2_bounded *b;
} types_v2_everything_bounded_params;

/* The parameters of fast, in the form that the stubs encode. */
typedef struct types_v2_everything_fast_params {
    uint32_t client;
    uint32_t opts;
    uint32_t out;
    uint32_t error;
    uint32_t user;
} types_v2_everything_fast_params;

/* The parameters of slow, in the form that the stubs encode. */
typedef struct types_v2_everything_slow_params {
    types_v2_everything_slow_counts counts;
} types_v2_everything_slow_params;

/* The parameters of parse, in the form that the stubs encode. */
typedef struct types_v2_everything_parse_params {
    shmrpc_str text;
} types_v2_everything_parse_params;

/* The parameters of store, in the form that the stubs encode. */
typedef struct types_v2_everything_store_params {
    const types_v2_flat *flat;
} types_v2_everything_store_params;

/* The parameters of touch, in the form that the stubs encode. */
typedef struct types_v2_everything_touch_params {
    uint64_t id;
    bool has_why;
    shmrpc_str why;
} types_v2_everything_touch_params;

/* The parameters of blob_away, in the form that the stubs encode. */
typedef struct types_v2_everything_blob_away_params {
    shmrpc_bytes data;
} types_v2_everything_blob_away_params;

/* The parameters of connect, in the form that the stubs encode. */
typedef struct types_v2_everything_connect__params {
    uint32_t int_;
} types_v2_everything_connect__params;

/* The methods of Other: indices into types_v2_other_descriptor.methods. */
enum {
    TYPES_V2_OTHER_METHOD_PING,
};

/* Descriptors of these types, for codecs and tools. */
extern const shmrpc_type types_v2_order_descriptor;
extern const shmrpc_type types_v2_delta_descriptor;
extern const shmrpc_type types_v2_huge_descriptor;
extern const shmrpc_type types_v2_scalars_descriptor;
extern const shmrpc_type types_v2_flat_descriptor;
extern const shmrpc_type types_v2_shuffled_descriptor;
extern const shmrpc_type types_v2_bounded_descriptor;
extern const shmrpc_type types_v2_optionals_descriptor;
extern const shmrpc_type types_v2_choice_descriptor;
extern const shmrpc_type types_v2_containers_descriptor;
extern const shmrpc_type types_v2_node_descriptor;
extern const shmrpc_type types_v2_nothing_descriptor;
extern const shmrpc_type types_v2_compact_descriptor;
extern const shmrpc_type types_v2_keywords_descriptor;
extern const shmrpc_type types_v2_hint_descriptor;
extern const shmrpc_error_type types_v2_not_found_descriptor;
extern const shmrpc_error_type types_v2_busy_descriptor;
extern const shmrpc_error_type types_v2_bad_text_descriptor;
extern const shmrpc_error_type types_v2_full_descriptor;
extern const shmrpc_service types_v2_everything_descriptor;
extern const shmrpc_service types_v2_other_descriptor;

SHMRPC_END_DECLS

#endif
