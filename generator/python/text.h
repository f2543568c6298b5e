/*
 * Formats text as Python literals and docstrings.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_GENERATOR_PYTHON_TEXT_H
#define SHMRPC_GENERATOR_PYTHON_TEXT_H

#include "generator/model.h"
#include "idl/schema.h"

/* Python literals for UTF-8 and for any bytes; allocated in the model's
 * tree. */
const char *gen_py_string(gen_model *m, const char *text, size_t len);
const char *gen_py_bytes(gen_model *m, const char *data, size_t len);

/* A docstring; each line except the first begins with `indent`. NULL if there
 * is no documentation. */
const char *gen_py_doc(gen_model *m, const idl_docs *docs, const char *indent);

#endif
