/*
 * The reference of a .svc: the object `doc` of the model, which the languages
 * html and man share.
 *
 * It holds the declarations of the file and every imported type that they can
 * reach, so that a page needs no other page. templates/README.md lists its
 * members.
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_LANG_DOC_H
#define SHMRPC_GENERATOR_LANG_DOC_H

#include "generator/model.h"

/* The `begin` function of both languages: sets `doc` in `root`. */
void gen_doc_begin(gen_model *m, gen_value *root);

/* The `refuse` function of html, man and openapi: nothing is refused, since
 * everything can be described. */
void gen_doc_refuse(const idl_schema *schema, idl_diags *diags);

#endif
