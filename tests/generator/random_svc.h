/*
 * Random services, and random changes of them, for property tests of everything
 * that reads a .svc.
 *
 * A service is a tree in fixed arrays, so that it can be copied by assignment.
 * It is printed as a valid .svc; rarely, two changes together make it invalid.
 * It uses every type (except `any` in native methods), every encoding except
 * raw, bounds, defaults, recursion, and errors with details. Tags have gaps,
 * and are not always in the order of the source. It has no streams or shared
 * objects, and no imports, constants or aliases, which leave no trace in a
 * schema.
 *
 * The same seed gives the same service.
 */
#ifndef TESTS_GENERATOR_RANDOM_SVC_H
#define TESTS_GENERATOR_RANDOM_SVC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "idl/schema.h"

#define RANDOM_SVC_ENUMS   3
#define RANDOM_SVC_RECORDS 6
#define RANDOM_SVC_METHODS 4
#define RANDOM_SVC_MEMBERS 8
#define RANDOM_SVC_NODES   4 /* nested in one type */

typedef struct random_node {
    idl_kind kind;
    bool has_bounds;
    int min;
    int max;
    unsigned length; /* ARRAY */
    unsigned index;  /* ENUM, STRUCT, UNION */
    idl_kind key;    /* MAP */
} random_node;

/* nodes[0] contains nodes[1], and so on: each list, map and array has one
 * element type. */
typedef struct random_type {
    random_node nodes[RANDOM_SVC_NODES];
    unsigned depth; /* number of nodes in use */
} random_type;

typedef struct random_field {
    unsigned name;
    unsigned tag;
    bool optional;
    bool has_default;
    unsigned default_seed;
    random_type type;
} random_field;

typedef struct random_record {
    unsigned name;
    idl_record_kind kind;
    unsigned number; /* ERROR */
    bool compact;
    random_field fields[RANDOM_SVC_MEMBERS];
    unsigned field_count;
} random_record;

typedef struct random_enum {
    unsigned name;
    idl_kind base;
    unsigned names[RANDOM_SVC_MEMBERS];
    int values[RANDOM_SVC_MEMBERS];
    unsigned count;
} random_enum;

typedef struct random_method {
    unsigned name;
    idl_encoding encoding;
    random_field params[RANDOM_SVC_MEMBERS];
    unsigned param_count;
    bool has_result;
    random_type result;
    bool throws; /* all errors of the service */
} random_method;

typedef struct random_svc {
    bool has_any; /* if set, no method is native */
    unsigned next_name;
    random_enum enums[RANDOM_SVC_ENUMS];
    unsigned enum_count;
    random_record records[RANDOM_SVC_RECORDS];
    unsigned record_count;
    random_method methods[RANDOM_SVC_METHODS];
    unsigned method_count;
} random_svc;

void random_svc_make(random_svc *svc, uint64_t *seed);

/* Makes one random change. */
void random_svc_change(random_svc *svc, uint64_t *seed);

/* Appends the service as the text of a .svc. */
void random_svc_print(const random_svc *svc, shmrpci_buf *out);

#endif
