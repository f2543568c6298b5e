/*
 * The forms of a report that programs read.  For report.c.
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_REPORT_FORM_H
#define SHMRPC_GENERATOR_REPORT_FORM_H

#include "generator/value.h"
#include "idl/diag.h"

/* A place as programs want it: lines and columns from 1, columns in
 * characters, the end behind the last one. */
typedef struct gen_region {
    idl_place begin;
    idl_place end;
} gen_region;

gen_region gen_region_of(idl_span span);

/* One diagnostic. */
gen_value *gen_json_item(gen_tree *tree, const idl_diag *diag);
gen_value *gen_sarif_item(gen_tree *tree, const char *path,
                          const idl_diag *diag);

/* The log around the items of sarif. */
gen_value *gen_sarif_log(gen_tree *tree, gen_value *items);

#endif
