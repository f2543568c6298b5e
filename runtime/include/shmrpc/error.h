/*
 * The error object: detail beside a status, on the caller's stack.
 *
 * Functions that take a `shmrpc_error *` accept NULL, and write it only when
 * they fail.  It is a value: it may be copied, and points to nothing.
 * Threading: an error object belongs to one thread at a time.
 */
#ifndef SHMRPC_ERROR_H
#define SHMRPC_ERROR_H

#include <stdint.h>

#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

#define SHMRPC_ERROR_NAME_BYTES    96
#define SHMRPC_ERROR_PATH_BYTES    64
#define SHMRPC_ERROR_MESSAGE_BYTES 184

typedef struct shmrpc_error {
    int32_t code; /* the status that was returned with it */
    int32_t pid;  /* of the worker that reports it, as the server counts; 0 when
                   * it was found out on this side */
    char name[SHMRPC_ERROR_NAME_BYTES]; /* "DEADLINE", or of a declared error
                                         * "acme.fts.BadQuery" */
    char path[SHMRPC_ERROR_PATH_BYTES]; /* `query.filters["lang"]`, or "" */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* one sentence, UTF-8 */
} shmrpc_error;

/*
 * Fills `error` (NULL is fine) with `status`, its name, an empty path and the
 * formatted message, cut at a character boundary; returns `status`, so that
 * `return shmrpc_error_set(error, SHMRPC_E_INVALID, "...");` works.
 */
SHMRPC_API int shmrpc_error_set(shmrpc_error *error, int status,
                                const char *format, ...) SHMRPC_PRINTF(3, 4);

SHMRPC_END_DECLS

#endif
