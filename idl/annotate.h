/*
 * Annotations: their list, where they are allowed, and their arguments.
 *
 * For the passes inside idl/ only.  Threading: one thread at a time.
 */
#ifndef IDL_ANNOTATE_H
#define IDL_ANNOTATE_H

#include "idl/resolve.h"

/* Where an annotation is allowed. */
typedef enum idl_target {
    IDL_ON_PACKAGE = 1 << 0,
    IDL_ON_CONST = 1 << 1,
    IDL_ON_ALIAS = 1 << 2,
    IDL_ON_ENUM = 1 << 3,
    IDL_ON_ITEM = 1 << 4,
    IDL_ON_STRUCT = 1 << 5,
    IDL_ON_UNION = 1 << 6,
    IDL_ON_ERROR = 1 << 7,
    IDL_ON_FIELD = 1 << 8, /* also parameters */
    IDL_ON_SERVICE = 1 << 9,
    IDL_ON_METHOD = 1 << 10,
    IDL_ON_SHARED = 1 << 11,
    IDL_ON_SETTING = 1 << 12 /* import, port, name, version */
} idl_target;

/* Results of annotations that idl_meta has no members for. */
typedef struct idl_annotated {
    bool idempotent;
    bool compact;
    bool json_string;
    int64_t timeout_ns;
    uint32_t window_bytes;
    int64_t idle_ns;
    uint32_t attempts;
    int64_t backoff_ns;
    int64_t hedge_ns;
    uint32_t at_once;
    bool python_types;
    idl_rest rest;
    uint32_t http;
    const char *c_prefix;
    idl_span span; /* of the last annotation that set one of these */
} idl_annotated;

/* Checks `pre` and fills `meta`; `extra` may be NULL if no annotation that sets
 * its members is allowed on `target`. */
void idl_annotate(idl_resolver *r, const ast_pre *pre, idl_target target,
                  idl_meta *meta, idl_annotated *extra);

#endif
