/*
 * Values as JSON: one of any described type, from text and to text, as the
 * codec of `json` methods has it.  For tools, tests and bindings; programs with
 * generated code send and receive values without it.
 *
 *     void *query;
 *     status = shmrpc_json_read(method->params, "{\"text\":\"x\"}", 12, &query,
 *                               &error);
 *     ...                                         // of shmrpc_stub_call()
 *     shmrpc_json_free(query);
 *
 * Parameters are read from an object, by name, or from an array, by position,
 * and written as an array.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_JSON_H
#define SHMRPC_JSON_H

#include <stddef.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

/*
 * Makes the C value of `type` that `len` bytes of JSON describe. `*out`, to be
 * freed by shmrpc_json_free(), owns all that it points to, but for constant
 * defaults of the type. INVALID: with path and place; NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_json_read(const shmrpc_type *type, const char *text, size_t len,
                 void **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Writes a C value of `type` as JSON: `*len` bytes and a NUL behind them, to be
 * released with free(). INVALID: out of bounds, not UTF-8, or what JSON can't
 * express, with the path; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_json_write(const shmrpc_type *type, const void *value, char **text,
                  size_t *len, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the life of what was read. NULL is fine. */
SHMRPC_API void shmrpc_json_free(void *value);

SHMRPC_END_DECLS

#endif
