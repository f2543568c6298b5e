/*
 * The forms of a report that programs read. For report.c only.
 * Threading: pure functions.
 */
#ifndef SHMRPC_GENERATOR_REPORT_FORM_H
#define SHMRPC_GENERATOR_REPORT_FORM_H

#include "generator/value.h"
#include "idl/diag.h"

/* A place in the form that programs expect: lines and columns from 1, columns
 * count characters, and the end is the place after the last character. */
typedef struct gen_region {
    idl_place begin;
    idl_place end;
} gen_region;

gen_region gen_region_of(idl_span span);

/* The object of one diagnostic, in the form json and in the form sarif. */
gen_value *gen_json_item(gen_tree *tree, const idl_diag *diag);
gen_value *gen_sarif_item(gen_tree *tree, const char *path,
                          const idl_diag *diag);

/* The SARIF log around the items. */
gen_value *gen_sarif_log(gen_tree *tree, gen_value *items);

#endif
