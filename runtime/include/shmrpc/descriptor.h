/*
 * Descriptors: constant tables that describe a service.
 *
 * The generator emits them from a .svc. Codecs interpret these tables, and
 * connect (to verify the contract), reflection and the gateways use them too.
 * Programs may read them, but never write one by hand.
 *
 * Invariants: every pointer is to constant data that lives as long as the
 * program; offsets and sizes are those of the C types in the generated header.
 * Tables are initialised by position through the macros at the end, so that
 * they compile as C11 and as C++17.
 *
 * Threading: constant data.
 */
#ifndef SHMRPC_DESCRIPTOR_H
#define SHMRPC_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/platform.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

/* How the values of a method are encoded. The numbers are part of the
 * protocol. */
typedef enum shmrpc_encoding {
    SHMRPC_ENCODING_RAW = 1,
    SHMRPC_ENCODING_JSON = 2,
    SHMRPC_ENCODING_MSGPACK = 3,
    SHMRPC_ENCODING_NATIVE = 4
} shmrpc_encoding;

/* The kind of a value, each with its C type. The numbers are part of the
 * protocol. */
typedef enum shmrpc_kind {
    SHMRPC_KIND_BOOL = 1, /* bool */
    SHMRPC_KIND_I8 = 2,   /* int8_t */
    SHMRPC_KIND_I16 = 3,
    SHMRPC_KIND_I32 = 4,
    SHMRPC_KIND_I64 = 5,
    SHMRPC_KIND_U8 = 6, /* uint8_t */
    SHMRPC_KIND_U16 = 7,
    SHMRPC_KIND_U32 = 8,
    SHMRPC_KIND_U64 = 9,
    SHMRPC_KIND_F32 = 10,    /* float */
    SHMRPC_KIND_F64 = 11,    /* double */
    SHMRPC_KIND_STRING = 12, /* shmrpc_str */
    SHMRPC_KIND_BYTES = 13,  /* shmrpc_bytes */
    SHMRPC_KIND_ANY = 14,    /* shmrpc_any */
    SHMRPC_KIND_LIST = 15,   /* struct { const T *ptr; size_t len; } */
    SHMRPC_KIND_MAP = 16,    /* as LIST; T is struct { K key; V value; } */
    SHMRPC_KIND_ARRAY = 17,  /* T[count] */
    SHMRPC_KIND_ENUM = 18,   /* its base integer type; may hold any value of
                              * it */
    SHMRPC_KIND_STRUCT = 19, /* struct of its fields */
    SHMRPC_KIND_UNION = 20   /* struct { uint32_t tag; union { ... } u; } */
} shmrpc_kind;

enum {
    /* min and max apply: to the value of a number, else to the length. */
    SHMRPC_TYPE_BOUNDED = 1u << 0,
    /* The native encoding equals the C value in memory: no padding, and every
     * bit pattern is a valid value (integers and floats only, no bounds). */
    SHMRPC_TYPE_FLAT = 1u << 1,
    /* The parameters of a method: in json and msgpack an array by position
     * (position = tag - 1) rather than a map. */
    SHMRPC_TYPE_PARAMS = 1u << 2,
    /* A struct whose keys are its tags in msgpack (@compact). */
    SHMRPC_TYPE_COMPACT = 1u << 3,
    /* The C value holds no pointer: no string, bytes, list, map, any, and no
     * field with SHMRPC_FIELD_POINTER. */
    SHMRPC_TYPE_FIXED = 1u << 4,
    /* An I64 or U64 that json writes as a string (@json(string)); readers
     * always accept strings and numbers. */
    SHMRPC_TYPE_JSON_TEXT = 1u << 5
};

enum {
    /* May be absent. */
    SHMRPC_FIELD_OPTIONAL = 1u << 0,
    /* The C field is `const T *` instead of `T`. Set for optional structs and
     * unions (NULL when absent), and for parameters that are a struct, a union
     * or `any`. */
    SHMRPC_FIELD_POINTER = 1u << 1
};

typedef struct shmrpc_type shmrpc_type;
typedef struct shmrpc_field shmrpc_field;

typedef struct shmrpc_enumerator {
    const char *name;
    int64_t value; /* for u64 enums: the same bits */
    const char *doc;
} shmrpc_enumerator;

struct shmrpc_type {
    shmrpc_kind kind;
    uint32_t flags;        /* SHMRPC_TYPE_... */
    uint32_t size;         /* sizeof the C value */
    uint32_t align;        /* its alignment */
    uint32_t native_size;  /* size of the fixed part in the native encoding */
    uint32_t native_align; /* 1, 2, 4 or 8 */
    uint32_t item_size;    /* LIST, MAP: sizeof one C element or entry */
    uint32_t value_offset; /* MAP: offset of `value` in an entry; UNION: of
                            * `u` */
    uint32_t count;   /* ARRAY: elements; STRUCT, UNION: fields; ENUM: names */
    const char *name; /* of ENUM, STRUCT, UNION: "acme.fts.Query"; else NULL */
    const char *doc;  /* text without comment signs, or NULL */
    uint64_t min;     /* inclusive; signed numbers: the bits of an int64_t, */
    uint64_t max;     /* floats: the bits of a double */
    const shmrpc_type *element; /* LIST, ARRAY: of elements; MAP: of values;
                                 * ENUM: the base type */
    const shmrpc_type *key;     /* MAP */
    const shmrpc_field *fields; /* STRUCT, UNION; by ascending tag */
    const shmrpc_enumerator *enumerators; /* ENUM; by ascending value */
};

/* `has_offset` of a field that has no `has_` member. */
#define SHMRPC_NO_OFFSET UINT32_MAX

struct shmrpc_field {
    const char *name; /* in the .svc and on the wire */
    const shmrpc_type *type;
    uint32_t tag;        /* 1 and up */
    uint32_t flags;      /* SHMRPC_FIELD_... */
    uint32_t offset;     /* of the C field */
    uint32_t has_offset; /* of its `bool has_<name>`, or SHMRPC_NO_OFFSET */
    const void *default_value; /* a constant of the C type, or NULL for none */
    const char *doc;
};

/* An error that a service declares. */
typedef struct shmrpc_error_type {
    const char *name;           /* "acme.fts.BadQuery" */
    int32_t number;             /* 100 and up */
    const shmrpc_type *payload; /* a STRUCT, or NULL */
    const char *doc;
} shmrpc_error_type;

enum {
    SHMRPC_METHOD_ONEWAY = 1u << 0,
    SHMRPC_METHOD_IDEMPOTENT = 1u << 1, /* may be retried */
    SHMRPC_METHOD_DEPRECATED = 1u << 2,
    SHMRPC_METHOD_STREAMS_IN = 1u << 3,  /* the client sends items */
    SHMRPC_METHOD_STREAMS_OUT = 1u << 4, /* the server returns items */
    /* @types(python): Python's types in `any` travel as extensions 1 to 11
     * (shmrpc/any.h), and are those types again in Python. */
    SHMRPC_METHOD_PYTHON_TYPES = 1u << 5
};

/* Policies that clients and servers apply by themselves; 0: none. */
typedef struct shmrpc_policy {
    uint64_t attempts;  /* @retry: max number of attempts */
    int64_t backoff_ns; /* before the second attempt; doubles each time */
    int64_t hedge_ns;   /* @hedge: a second copy is sent if no reply has come
                         * after this time */
    uint64_t at_once;   /* @limit: max calls running at once, at each address */
} shmrpc_policy;

typedef struct shmrpc_method {
    const char *name;
    shmrpc_encoding encoding;
    uint32_t flags;        /* SHMRPC_METHOD_... */
    uint64_t hash;         /* first 8 bytes of SHA-256 over the signature */
                           /* and the canonical text of everything it refers
                            * to */
    int64_t timeout_ns;    /* @timeout, or 0 */
    const char *signature; /* canonical, on one line, human-readable */
    const char *doc;
    const shmrpc_type *params; /* a STRUCT with SHMRPC_TYPE_PARAMS */
    const shmrpc_type *result; /* NULL: returns nothing */
    const shmrpc_error_type *const *throws; /* NULL when throws_count is 0 */
    uint32_t throws_count;
    /* Streams, one in each direction; NULL and 0 if the method has none. With
     * SHMRPC_METHOD_STREAMS_OUT `result` is NULL. */
    uint32_t window_in;  /* max bytes in flight from the client */
    uint32_t window_out; /* max bytes in flight from the server */
    int64_t idle_ns;     /* @idle, or 0 */
    const shmrpc_type *items_in;
    const shmrpc_type *items_out;
    shmrpc_policy policy;
} shmrpc_method;

/* The sizes that the rows of the tables had when the program was compiled. A
 * library whose rows have other sizes refuses the service with CONTRACT. This
 * struct is the first member of the service's table, from which all other
 * tables are reached, and it never grows. */
typedef struct shmrpc_rows {
    uint16_t service;
    uint16_t method;
    uint16_t error;
    uint16_t type;
    uint16_t field;
    uint16_t enumerator;
    uint16_t reserved[2]; /* 0 */
} shmrpc_rows;

/* A kind of shared object. The numbers are part of the format. */
typedef enum shmrpc_shared_kind {
    SHMRPC_SHARED_QUEUE = 1,
    SHMRPC_SHARED_TOPIC = 2,
    SHMRPC_SHARED_PIPE = 3,
    SHMRPC_SHARED_DICT = 4,
    SHMRPC_SHARED_VALUE = 5
} shmrpc_shared_kind;

/* What happens when there is no room. The numbers are part of the format. */
typedef enum shmrpc_overflow {
    SHMRPC_OVERFLOW_DEFAULT = 0,     /* queue: BLOCK; topic: OVERWRITE */
    SHMRPC_OVERFLOW_BLOCK = 1,       /* wait until the deadline */
    SHMRPC_OVERFLOW_FAIL = 2,        /* queue: fail with BUSY */
    SHMRPC_OVERFLOW_DROP_OLDEST = 3, /* queue: drop the oldest item, and count
                                      * it */
    SHMRPC_OVERFLOW_DROP_NEWEST = 4, /* drop the new item, and count it */
    SHMRPC_OVERFLOW_OVERWRITE = 5    /* topic: slow subscribers get LOST */
} shmrpc_overflow;

/* How long an object lives that no service owns. The numbers are part of the
 * format. */
typedef enum shmrpc_lifetime {
    SHMRPC_LIFETIME_DEFAULT = 0,    /* FILE */
    SHMRPC_LIFETIME_FILE = 1,       /* until it is removed */
    SHMRPC_LIFETIME_LAST_CLOSE = 2, /* until nobody has it open */
    SHMRPC_LIFETIME_CREATOR = 3     /* until its creator closes it, or dies */
} shmrpc_lifetime;

enum {
    /* QUEUE: all items are in one order; producers take turns for it. */
    SHMRPC_SHARED_TOTAL_ORDER = 1u << 0,
    /* QUEUE: an item is redelivered if its reader dies before it acknowledges
     * it. */
    SHMRPC_SHARED_ACKED = 1u << 1,
    /* Object of a service: only the service's own processes write; clients may
     * only read. */
    SHMRPC_SHARED_SERVER_WRITES = 1u << 2
};

/* An object that processes share. A number that is 0 stands for the default. */
typedef struct shmrpc_shared {
    uint32_t row_bytes; /* sizeof(shmrpc_shared) where it was compiled */
    shmrpc_shared_kind kind;
    const char *name;           /* "acme.tts.voices": the name used when NULL is
                                 * passed to open */
    shmrpc_encoding encoding;   /* of keys and elements; PIPE: raw */
    uint32_t flags;             /* SHMRPC_SHARED_TOTAL_ORDER... */
    const shmrpc_type *key;     /* DICT; else NULL */
    const shmrpc_type *element; /* item, message, value; PIPE: NULL */
    uint64_t hash;           /* first 8 bytes of SHA-256 over the encoding and
                              * the canonical text of everything it refers to */
    const char *signature;   /* "dict<VoiceId, Voice>", human-readable */
    const char *const *text; /* a .svc that declares it and everything it refers
                              * to, in pieces; NULL ends it */
    const char *doc;
    uint64_t capacity;       /* QUEUE: items; PIPE: bytes; DICT: entries, 0: no
                              * limit */
    uint64_t max_bytes;      /* of the object's memory */
    uint64_t max_item_bytes; /* QUEUE, TOPIC: the longest item, encoded; 0: 64
                              * KiB, or what the type needs */
    uint64_t history;        /* TOPIC: messages kept for late subscribers */
    uint64_t log;            /* DICT, VALUE: changes kept for watchers */
    int64_t max_stall_ns;    /* TOPIC with BLOCK: how long a publisher waits
                              * before it evicts the slowest subscriber */
    int64_t snapshot_ns;     /* DICT, VALUE of a service: how often its server
                              * saves it; 0: never */
    shmrpc_overflow overflow;
    shmrpc_lifetime lifetime;
    uint32_t permissions; /* of the file, as in 0660; 0: 0600 */
    uint32_t reserved[5]; /* 0 */
} shmrpc_shared;

/* The shared objects of a service, which live as long as the service. The
 * functions are libshmrpc's own, called through this table so that programs
 * without shared objects don't link them. */
typedef struct shmrpc_objects {
    const shmrpc_shared *rows; /* `name` is the name in the service */
    uint32_t count;
    /* Creates an object's memory: a file that each user of the object opens
     * again. `old_fd` is the file of the server's predecessor, or -1; this
     * function takes ownership of it, and continues with that file if it has
     * the same type. Returns the statuses of shmrpc_..._open. */
    int (*make)(const shmrpc_shared *row, int old_fd, int *out_fd,
                shmrpc_error *error);
    /* Ends an object for all who use it. */
    void (*end)(const shmrpc_shared *row, int fd);
    /* If the object has snapshots, and nobody has ever written to the object,
     * fills it from its last snapshot. `place` is where the service is found:
     * "tts", "tts@2". A snapshot that can't be read is renamed to FILE.old; the
     * object is empty then, and the error says why. */
    int (*restore)(const shmrpc_shared *row, const char *place, int fd,
                   shmrpc_error *error);
    /* Writes a snapshot of the object, unless the number of its last change is
     * still `*change`. Sets `*change` to the number of the last change in the
     * snapshot. Returns BUSY if another process is writing the snapshot. */
    int (*save)(const shmrpc_shared *row, const char *place, int fd,
                uint64_t *change, shmrpc_error *error);
} shmrpc_objects;

typedef struct shmrpc_service {
    shmrpc_rows rows; /* SHMRPC_ROWS_INIT */
    const char *name; /* "echo_serv": the name it is found by */
    const char *id;   /* "demo.Echo": its name in the .svc */
    uint16_t port;
    uint32_t version;
    uint64_t hash;           /* first 8 bytes of SHA-256 over the canonical */
                             /* .svc, without documentation and other parts for
                              * people */
    const char *const *text; /* that .svc, in pieces, with documentation; */
                             /* NULL ends it */
    const char *doc;
    const shmrpc_method *methods; /* method i has id i + 1; id 0 requests the
                                   * interface */
    uint32_t method_count;
    const shmrpc_objects *objects; /* NULL if it shares none */
} shmrpc_service;

/* Types that need no table of their own. */
SHMRPC_API extern const shmrpc_type shmrpc_type_bool;
SHMRPC_API extern const shmrpc_type shmrpc_type_i8;
SHMRPC_API extern const shmrpc_type shmrpc_type_i16;
SHMRPC_API extern const shmrpc_type shmrpc_type_i32;
SHMRPC_API extern const shmrpc_type shmrpc_type_i64;
SHMRPC_API extern const shmrpc_type shmrpc_type_u8;
SHMRPC_API extern const shmrpc_type shmrpc_type_u16;
SHMRPC_API extern const shmrpc_type shmrpc_type_u32;
SHMRPC_API extern const shmrpc_type shmrpc_type_u64;
SHMRPC_API extern const shmrpc_type shmrpc_type_f32;
SHMRPC_API extern const shmrpc_type shmrpc_type_f64;
SHMRPC_API extern const shmrpc_type shmrpc_type_string;
SHMRPC_API extern const shmrpc_type shmrpc_type_bytes;
SHMRPC_API extern const shmrpc_type shmrpc_type_any;
/* The parameters of a method that has none. */
SHMRPC_API extern const shmrpc_type shmrpc_type_no_params;

/*
 * Initialisers of tables, one macro for each kind. `fields` and `names` are
 * arrays, not pointers. `nsize` and `nalign` are native_size and native_align.
 */
#define SHMRPC_COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

#define SHMRPC_ROWS_INIT                                                   \
    {                                                                      \
        (uint16_t)sizeof(shmrpc_service), (uint16_t)sizeof(shmrpc_method), \
            (uint16_t)sizeof(shmrpc_error_type),                           \
            (uint16_t)sizeof(shmrpc_type), (uint16_t)sizeof(shmrpc_field), \
            (uint16_t)sizeof(shmrpc_enumerator),                           \
        {                                                                  \
            0, 0                                                           \
        }                                                                  \
    }

/* The last members of a method that has no stream. */
#define SHMRPC_NO_STREAMS \
    0, 0, 0, NULL, NULL,  \
    {                     \
        0, 0, 0, 0        \
    }

/* A number, string or bytes with bounds. */
#define SHMRPC_TYPE_BOUNDED_INIT(kind, c_type, nsize, nalign, min, max)        \
    {                                                                          \
        kind,                                                                  \
            SHMRPC_TYPE_BOUNDED |                                              \
                ((kind) < SHMRPC_KIND_STRING ? (uint32_t)SHMRPC_TYPE_FIXED     \
                                             : (uint32_t)0),                   \
            (uint32_t)sizeof(c_type), (uint32_t)SHMRPC_ALIGNOF(c_type), nsize, \
            nalign, 0, 0, 0, NULL, NULL, min, max, NULL, NULL, NULL, NULL      \
    }

/* A 64-bit integer that json writes as text. */
#define SHMRPC_TYPE_JSON_TEXT_INIT(kind, c_type, flags, min, max)             \
    {                                                                         \
        kind, SHMRPC_TYPE_JSON_TEXT | (flags), (uint32_t)sizeof(c_type),      \
            (uint32_t)SHMRPC_ALIGNOF(c_type), 8, 8, 0, 0, 0, NULL, NULL, min, \
            max, NULL, NULL, NULL, NULL                                       \
    }

#define SHMRPC_TYPE_LIST_INIT(c_type, c_item, flags, min, max, element)       \
    {                                                                         \
        SHMRPC_KIND_LIST, flags, (uint32_t)sizeof(c_type),                    \
            (uint32_t)SHMRPC_ALIGNOF(c_type), 8, 4, (uint32_t)sizeof(c_item), \
            0, 0, NULL, NULL, min, max, element, NULL, NULL, NULL             \
    }

#define SHMRPC_TYPE_MAP_INIT(c_type, c_entry, flags, min, max, key, element)   \
    {                                                                          \
        SHMRPC_KIND_MAP, flags, (uint32_t)sizeof(c_type),                      \
            (uint32_t)SHMRPC_ALIGNOF(c_type), 8, 4, (uint32_t)sizeof(c_entry), \
            (uint32_t)offsetof(c_entry, value), 0, NULL, NULL, min, max,       \
            element, key, NULL, NULL                                           \
    }

#define SHMRPC_TYPE_ARRAY_INIT(c_item, flags, nsize, nalign, count, element) \
    {                                                                        \
        SHMRPC_KIND_ARRAY, flags, (uint32_t)sizeof(c_item) * (count),        \
            (uint32_t)SHMRPC_ALIGNOF(c_item), nsize, nalign,                 \
            (uint32_t)sizeof(c_item), 0, count, NULL, NULL, 0, 0, element,   \
            NULL, NULL, NULL                                                 \
    }

#define SHMRPC_TYPE_ENUM_INIT(c_type, nsize, name, doc, base, names)      \
    {                                                                     \
        SHMRPC_KIND_ENUM, SHMRPC_TYPE_FIXED, (uint32_t)sizeof(c_type),    \
            (uint32_t)SHMRPC_ALIGNOF(c_type), nsize, nsize, 0, 0,         \
            SHMRPC_COUNT(names), name, doc, 0, 0, base, NULL, NULL, names \
    }

#define SHMRPC_TYPE_STRUCT_INIT(c_type, flags, nsize, nalign, name, doc,    \
                                fields)                                     \
    {                                                                       \
        SHMRPC_KIND_STRUCT, flags, (uint32_t)sizeof(c_type),                \
            (uint32_t)SHMRPC_ALIGNOF(c_type), nsize, nalign, 0, 0,          \
            SHMRPC_COUNT(fields), name, doc, 0, 0, NULL, NULL, fields, NULL \
    }

/* A struct without fields. Its C struct has a char, because C has no empty
 * structs. */
#define SHMRPC_TYPE_EMPTY_INIT(c_type, name, doc)                             \
    {                                                                         \
        SHMRPC_KIND_STRUCT, SHMRPC_TYPE_FIXED, (uint32_t)sizeof(c_type),      \
            (uint32_t)SHMRPC_ALIGNOF(c_type), 1, 1, 0, 0, 0, name, doc, 0, 0, \
            NULL, NULL, NULL, NULL                                            \
    }

#define SHMRPC_TYPE_UNION_INIT(c_type, flags, nsize, nalign, name, doc,        \
                               fields)                                         \
    {                                                                          \
        SHMRPC_KIND_UNION, flags, (uint32_t)sizeof(c_type),                    \
            (uint32_t)SHMRPC_ALIGNOF(c_type), nsize, nalign, 0,                \
            (uint32_t)offsetof(c_type, u), SHMRPC_COUNT(fields), name, doc, 0, \
            0, NULL, NULL, fields, NULL                                        \
    }

#define SHMRPC_FIELD_INIT(tag, name, type, c_struct, c_field, flags,   \
                          default_value, doc)                          \
    {                                                                  \
        name, type, tag, flags, (uint32_t)offsetof(c_struct, c_field), \
            SHMRPC_NO_OFFSET, default_value, doc                       \
    }

/* An optional field with a has_ member. */
#define SHMRPC_FIELD_HAS_INIT(tag, name, type, c_struct, c_field, c_has, \
                              default_value, doc)                        \
    {                                                                    \
        name, type, tag, SHMRPC_FIELD_OPTIONAL,                          \
            (uint32_t)offsetof(c_struct, c_field),                       \
            (uint32_t)offsetof(c_struct, c_has), default_value, doc      \
    }

#ifdef __cplusplus
#define SHMRPC_ALIGNOF(c_type) alignof(c_type)
#else
#define SHMRPC_ALIGNOF(c_type) _Alignof(c_type)
#endif

SHMRPC_END_DECLS

#endif
