/*
 * The schema: the meaning of a checked .svc.
 *
 * This is the form that the generator and the tools read. Names are resolved,
 * constants folded, aliases followed, defaults and bounds typed and checked; a
 * schema exists only when its files had no error. It says nothing about C:
 * idl/cname.h has the rule for names in C.
 *
 * Invariants: everything is immutable and lives in the arena that was given to
 * idl_load. Lists are in source order; lists over several files begin with the
 * imported files, each after the files that it imports, and end with the main
 * file. Pointers are never NULL unless their comments say so; a list of `count`
 * 0 may have a NULL pointer.
 * Threading: any number of readers.
 */
#ifndef IDL_SCHEMA_H
#define IDL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idl/syntax/source.h"

typedef struct idl_decl idl_decl;
typedef struct idl_enum idl_enum;
typedef struct idl_enum_item idl_enum_item;
typedef struct idl_field idl_field;
typedef struct idl_file idl_file;
typedef struct idl_package idl_package;
typedef struct idl_record idl_record;
typedef struct idl_service idl_service;
typedef struct idl_type idl_type;

/* Bytes that may hold anything, with a NUL after them that `len` does not
 * count. */
typedef struct idl_text {
    const char *ptr;
    size_t len;
} idl_text;

/* ---- types ---- */

/* X(NAME, word in the language). Scalars come first, and integers are
 * contiguous: the predicates below depend on this order. */
#define IDL_KIND_LIST(X) \
    X(BOOL, "bool")      \
    X(I8, "i8")          \
    X(I16, "i16")        \
    X(I32, "i32")        \
    X(I64, "i64")        \
    X(U8, "u8")          \
    X(U16, "u16")        \
    X(U32, "u32")        \
    X(U64, "u64")        \
    X(F32, "f32")        \
    X(F64, "f64")        \
    X(STRING, "string")  \
    X(BYTES, "bytes")    \
    X(ANY, "any")        \
    X(LIST, "list")      \
    X(MAP, "map")        \
    X(ARRAY, "array")    \
    X(ENUM, "enum")      \
    X(STRUCT, "struct")  \
    X(UNION, "union")

typedef enum idl_kind {
#define IDL_X(name, word) IDL_##name,
    IDL_KIND_LIST(IDL_X)
#undef IDL_X
} idl_kind;

static inline bool idl_kind_is_signed(idl_kind kind)
{
    return kind >= IDL_I8 && kind <= IDL_I64;
}

static inline bool idl_kind_is_unsigned(idl_kind kind)
{
    return kind >= IDL_U8 && kind <= IDL_U64;
}

static inline bool idl_kind_is_float(idl_kind kind)
{
    return kind == IDL_F32 || kind == IDL_F64;
}

/* Kinds whose bounds are a length: bytes for strings and bytes, elements for
 * lists, entries for maps. */
static inline bool idl_kind_has_length(idl_kind kind)
{
    return kind == IDL_STRING || kind == IDL_BYTES || kind == IDL_LIST ||
           kind == IDL_MAP;
}

/* "u32", "list", "struct"; static. */
const char *idl_kind_name(idl_kind kind);

/* One exact number. The type's kind says which member holds it: i for signed
 * integers and enums, u for unsigned integers and lengths, f for floats (an f32
 * is rounded to float). */
typedef union idl_number {
    int64_t i;
    uint64_t u;
    double f;
} idl_number;

/* One use of a type. Aliases are resolved: kind, bounds and parts are those of
 * the type that an alias stands for. */
struct idl_type {
    idl_kind kind;
    /* Inclusive bounds, as written or from the alias. The limits of the kind
     * itself (u8: 0..255) are not stored here. */
    bool has_min;
    bool has_max;
    idl_number min;
    idl_number max;
    uint32_t length;             /* ARRAY: elements, at least 1 */
    const idl_type *key;         /* MAP, else NULL */
    const idl_type *element;     /* LIST, ARRAY, and MAP's value; else NULL */
    const idl_enum *enumeration; /* ENUM, else NULL */
    const idl_record *record;    /* STRUCT and UNION, else NULL */
    const char *alias; /* the full name of the alias used in the source,
                        * "acme.fts.Lang"; else NULL */
    idl_span span;
};

/* ---- values ---- */

typedef enum idl_value_kind {
    IDL_VALUE_NONE, /* there is no value */
    IDL_VALUE_BOOL,
    IDL_VALUE_INT,      /* a signed integer in i */
    IDL_VALUE_UINT,     /* an unsigned integer in u */
    IDL_VALUE_FLOAT,    /* in f */
    IDL_VALUE_TEXT,     /* a string or bytes in text */
    IDL_VALUE_DURATION, /* ns in i; in annotations and options only */
    IDL_VALUE_ENUM,     /* in item */
    IDL_VALUE_WORD      /* a bare word in text; in annotations and options
                         * only */
} idl_value_kind;

typedef struct idl_value {
    idl_value_kind kind;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        idl_text text;
        const idl_enum_item *item;
    } u;
    idl_span span;
} idl_value;

/* ---- properties of declarations ---- */

/* The lines of `///` comments, without the slashes and one space after them. */
typedef struct idl_docs {
    const char *const *lines;
    size_t count;
} idl_docs;

typedef struct idl_annotation_arg {
    const char *name; /* NULL for an argument without a name */
    idl_value value;
} idl_annotation_arg;

typedef struct idl_annotation {
    const char *name; /* without the @ */
    const idl_annotation_arg *args;
    size_t arg_count;
    idl_span span;
} idl_annotation;

/* Documentation and annotations before a declaration, a field, a method or an
 * enum item. Annotations that any of them can have are unpacked into
 * members. */
typedef struct idl_meta {
    idl_docs docs;
    const idl_annotation *annotations; /* all annotations, including the
                                        * unpacked ones */
    size_t annotation_count;
    uint32_t since;          /* @since: a version of the service, or 0 */
    bool deprecated;         /* @deprecated */
    const char *deprecation; /* the text of @deprecated, or NULL */
    const char *doc_url;     /* @doc, or NULL */
    const char *c_name;      /* @c_name, or NULL */
    const char *c_prefix;    /* @c_prefix of a service, or NULL */
} idl_meta;

/* The first member of everything that is declared by name in a file. */
struct idl_decl {
    const char *name;      /* "Query" */
    const char *full_name; /* "acme.fts.Query" */
    const idl_package *package;
    const idl_file *file;
    bool imported; /* not declared in the main file */
    idl_meta meta;
    idl_span span; /* of the name */
};

/* ---- declarations ---- */

typedef struct idl_const {
    idl_decl decl;
    const idl_type *type;
    idl_value value; /* never NONE, DURATION or WORD */
} idl_const;

/* A name for a type. Uses of it are resolved already; it is listed for
 * documentation, and for target languages that keep the name. */
typedef struct idl_alias {
    idl_decl decl;
    const idl_type *type;
} idl_alias;

struct idl_enum_item {
    const char *name;
    int64_t value; /* in a u64 enum: the unsigned value's bits */
    const idl_enum *owner;
    idl_meta meta;
    idl_span span;
};

/* Numbers and names that must never be used again. Each entry is either a name
 * or a range of numbers. */
typedef struct idl_reserved {
    const char *name; /* NULL: the entry is the numbers first..last */
    int64_t first;
    int64_t last;
    idl_span span;
} idl_reserved;

struct idl_enum {
    idl_decl decl;
    idl_kind base;              /* an integer kind; I32 unless written */
    const idl_enum_item *items; /* at least one; one of them has the value 0 */
    size_t item_count;
    const idl_reserved *reserved;
    size_t reserved_count;
};

/* A member of a struct, union or error, or a parameter of a method. */
struct idl_field {
    const char *name;
    uint32_t tag; /* from 1; unique in its record; 0 for a stream parameter */
    bool optional;
    bool json_string; /* @json(string): a 64-bit integer is a text in JSON */
    const idl_type *type;
    idl_value default_value; /* NONE, or a value of the type within its
                              * bounds */
    idl_meta meta;
    idl_span span; /* of the name */
};

typedef enum idl_record_kind {
    IDL_RECORD_STRUCT, /* may have no fields */
    IDL_RECORD_UNION,  /* at least one field; none is optional or has a
                        * default */
    IDL_RECORD_ERROR   /* the payload of an error; may have no fields */
} idl_record_kind;

/* Structs, unions and errors: a name with fields. Fields are in source order,
 * which may differ from the order of tags. */
struct idl_record {
    idl_decl decl;
    idl_record_kind kind;
    int32_t number; /* ERROR: at least 100; else 0 */
    uint32_t http;  /* ERROR: the HTTP status of @http with which the gateway
                     * answers; 0: the default status */
    bool compact;   /* @compact: msgpack uses tags as keys */
    bool has_any;   /* it is or can contain an `any` */
    const idl_field *fields;
    size_t field_count;
    const idl_reserved *reserved;
    size_t reserved_count;
};

/* ---- services ---- */

#define IDL_ENCODING_LIST(X) \
    X(RAW, "raw")            \
    X(JSON, "json")          \
    X(MSGPACK, "msgpack")    \
    X(NATIVE, "native")

typedef enum idl_encoding {
#define IDL_X(name, word) IDL_ENCODING_##name,
    IDL_ENCODING_LIST(IDL_X)
#undef IDL_X
} idl_encoding;

/* "msgpack"; static. */
const char *idl_encoding_name(idl_encoding encoding);

/* @rest(GET, "/v2/docs/{key}"): each {name} in the path is a parameter. */
typedef struct idl_rest {
    const char *verb; /* "GET", "POST", ...; NULL without @rest */
    const char *path;
} idl_rest;

typedef struct idl_method {
    const char *name;
    uint32_t index; /* from 1, in source order; 0 is a method of the runtime */
    const idl_service *service;
    idl_encoding encoding;
    bool oneway;
    bool idempotent;       /* @idempotent */
    int64_t timeout_ns;    /* @timeout of the method, else of the service,
                            * else 0 */
    uint32_t window_bytes; /* @window, or 0 */
    int64_t idle_ns;       /* @idle, or 0 */
    uint32_t attempts;     /* @retry, or 0 */
    int64_t backoff_ns;
    int64_t hedge_ns;  /* @hedge, or 0 */
    uint32_t at_once;  /* @limit, or 0 */
    bool python_types; /* @types(python) */
    idl_rest rest;
    const idl_field *params; /* without the stream parameter */
    size_t param_count;
    const idl_field *stream_param; /* the parameter `stream T x`, whose type
                                    * is T; or NULL */
    const idl_type *result;        /* NULL: the method returns nothing */
    bool result_is_stream;         /* `result` is the type of the items */
    const idl_record *const *throws;
    size_t throw_count;
    /* One line of canonical text, for people:
     * `msgpack find(1: acme.fts.Query query) -> list<acme.fts.Hit>;`. */
    const char *signature;
    /* Hash of the canonical text (idl/canonical.h): the signature and every
     * type and error that it can reach. */
    uint64_t hash;
    idl_meta meta;
    idl_span span; /* of the name */
} idl_method;

/* X(NAME, word in the language) */
#define IDL_SHARED_LIST(X) \
    X(QUEUE, "queue")      \
    X(TOPIC, "topic")      \
    X(PIPE, "pipe")        \
    X(DICT, "dict")        \
    X(VALUE, "value")

typedef enum idl_shared_kind {
#define IDL_X(name, word) IDL_SHARED_##name,
    IDL_SHARED_LIST(IDL_X)
#undef IDL_X
} idl_shared_kind;

/* "queue"; static. */
const char *idl_shared_kind_name(idl_shared_kind kind);

typedef enum idl_overflow {
    IDL_OVERFLOW_BLOCK,
    IDL_OVERFLOW_FAIL,
    IDL_OVERFLOW_DROP_OLDEST,
    IDL_OVERFLOW_DROP_NEWEST,
    IDL_OVERFLOW_OVERWRITE
} idl_overflow;

typedef enum idl_order { IDL_ORDER_PRODUCER, IDL_ORDER_TOTAL } idl_order;

typedef enum idl_delivery {
    IDL_DELIVERY_ONCE,
    IDL_DELIVERY_ACKED
} idl_delivery;

typedef enum idl_lifetime {
    IDL_LIFETIME_FILE,
    IDL_LIFETIME_LAST_CLOSE,
    IDL_LIFETIME_CREATOR
} idl_lifetime;

typedef enum idl_writers { IDL_WRITERS_SERVER, IDL_WRITERS_ALL } idl_writers;

/* The options in braces; option.h says which kind has which. */
typedef enum idl_option {
    IDL_OPTION_CAPACITY,  /* entries; PIPE: bytes; 0: unlimited */
    IDL_OPTION_MAX_BYTES, /* 0: computed from capacity and type */
    IDL_OPTION_OVERFLOW,  /* idl_overflow */
    IDL_OPTION_MAX_STALL, /* ns */
    IDL_OPTION_ORDER,     /* idl_order */
    IDL_OPTION_DELIVERY,  /* idl_delivery */
    IDL_OPTION_HISTORY,   /* messages */
    IDL_OPTION_LOG,       /* changes */
    IDL_OPTION_ENCODING,  /* idl_encoding */
    IDL_OPTION_LIFETIME,  /* idl_lifetime */
    IDL_OPTION_WRITERS,   /* idl_writers */
    IDL_OPTION_MODE,      /* permission bits */
    IDL_OPTION_SNAPSHOT   /* ns; 0: never */
} idl_option;

#define IDL_OPTION_COUNT ((size_t)IDL_OPTION_SNAPSHOT + 1)

/* An object that processes share. */
typedef struct idl_shared {
    idl_decl decl;
    idl_shared_kind kind;
    const idl_service *service; /* NULL if declared outside of a service */
    const idl_type *key;        /* DICT, else NULL */
    const idl_type *element;    /* item, message or value; PIPE: NULL */
    /* Indexed by idl_option: the written value, or the default; 0 if the kind
     * has no such option. */
    int64_t options[IDL_OPTION_COUNT];
    unsigned given; /* set of bits 1 << idl_option: the options that are
                     * written */
    /* "dict<string(1..64), acme.tts.Voice>", for people. */
    const char *signature;
    /* Hash of the kind, the encoding, and all reachable types: the properties
     * on which two programs must agree. The name and the other options are not
     * part of it. */
    uint64_t hash;
} idl_shared;

struct idl_service {
    idl_decl decl;
    uint16_t port;      /* 1..65535, never 5155 */
    const char *name;   /* the setting `name`, or the declared name in
                         * snake_case */
    uint32_t version;   /* at least 1; 1 unless written */
    int64_t timeout_ns; /* @timeout, or 0 */
    const idl_method *methods;
    size_t method_count;
    const idl_shared *const *shared;
    size_t shared_count;
    const char *text; /* canonical text (idl/canonical.h), which is a valid
                       * .svc */
    uint64_t hash;    /* of `text` */
};

/* ---- files, packages, the whole ---- */

typedef struct idl_import {
    const char *path; /* as written */
    const idl_file *file;
    idl_span span;
} idl_import;

struct idl_file {
    const idl_source *source;   /* its path is the one under which it was
                                 * opened */
    const idl_package *package; /* the first package of the file */
    const idl_import *imports;
    size_t import_count;
    bool imported; /* it is not the main file */
};

struct idl_package {
    const char *name;     /* "acme.fts" */
    const char *c_prefix; /* @c_prefix, or NULL: then the rule of cname.h
                           * decides */
    idl_docs docs;
};

typedef struct idl_schema {
    const idl_file *main;
    const idl_package *package; /* the package of the main file */

    const idl_file *const *files; /* all files, the main file last */
    size_t file_count;
    const idl_package *const *packages;
    size_t package_count;
    const idl_const *const *consts;
    size_t const_count;
    const idl_alias *const *aliases;
    size_t alias_count;
    const idl_enum *const *enums;
    size_t enum_count;
    const idl_record *const *structs;
    size_t struct_count;
    const idl_record *const *unions;
    size_t union_count;
    const idl_record *const *errors;
    size_t error_count;
    const idl_shared *const *shared; /* only those outside of services */
    size_t shared_count;
    const idl_service *const *services;
    size_t service_count;

    /* Every struct, union and error once, each after all records that it holds
     * by value: in a field that isn't optional, or in an array. Records in
     * optional fields, lists and maps are held through pointers. This is the
     * order in which C needs the definitions. */
    const idl_record *const *by_value;
    size_t by_value_count;
} idl_schema;

#endif
