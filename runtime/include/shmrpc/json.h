/*
 * Converts values of any described type to and from JSON text, with the codec
 * of `json` methods. For tools, tests and bindings; programs with generated
 * code don't need it to send and receive values.
 *
 *     void *query;
 *     status = shmrpc_json_read(method->params, "{\"text\":\"x\"}", 12, &query,
 *                               &error);
 *     ...                     // pass it to shmrpc_stub_call()
 *     shmrpc_json_free(query);
 *
 * Parameters are read from an object, by name, or from an array, by position;
 * they are written as an array.
 *
 * Threading: all functions are pure.
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
 * Makes the C value of `type` from `len` bytes of JSON. Free `*out` with
 * shmrpc_json_free(); it owns everything that it points to except constant
 * defaults of the type. Returns INVALID if the text is not a valid value (the
 * error has the path and the place in the text), or NO_MEMORY.
 */
SHMRPC_API shmrpc_status
shmrpc_json_read(const shmrpc_type *type, const char *text, size_t len,
                 void **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Writes a C value of `type` as JSON: `*len` bytes followed by a NUL; release
 * them with free(). Returns INVALID, with the path, if the value violates its
 * bounds, is not UTF-8, or can't be expressed in JSON; or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_json_write(const shmrpc_type *type, const void *value, char **text,
                  size_t *len, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Frees the value of shmrpc_json_read(). NULL is fine. */
SHMRPC_API void shmrpc_json_free(void *value);

SHMRPC_END_DECLS

#endif
