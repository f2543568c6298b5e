/*
 * The reference of a .svc: the object `doc` of the model, which the languages
 * html and man share.
 *
 * It holds what the file declares and every imported type that this can reach,
 * so that a page needs no other.  templates/README.md lists its members.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LANG_DOC_H
#define SHMRPC_GENERATOR_LANG_DOC_H

#include "generator/model.h"

/* A language's `begin`: sets `doc` in `root`. */
void gen_doc_begin(gen_model *m, gen_value *root);

/* A language's `refuse`: everything can be described. */
void gen_doc_refuse(const idl_schema *schema, idl_diags *diags);

#endif
