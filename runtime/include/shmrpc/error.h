/*
 * The error object: detail beside a status, on the caller's stack.
 *
 *     char text[SHMRPC_ERROR_TEXT_BYTES];
 *     fprintf(stderr, "%s\n", shmrpc_error_text(&error, text, sizeof text));
 *
 * Functions that take a `shmrpc_error *` accept NULL, and write it only when
 * they fail.  It is a value: it may be copied, and points to nothing.
 * Threading: an error object belongs to one thread at a time.
 */
#ifndef SHMRPC_ERROR_H
#define SHMRPC_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

#define SHMRPC_ERROR_NAME_BYTES    256
#define SHMRPC_ERROR_PATH_BYTES    64
#define SHMRPC_ERROR_MESSAGE_BYTES 184

typedef struct shmrpc_error {
    int32_t code; /* the status that was returned with it */
    int32_t pid;  /* of the worker that reports it, as the server sees it; 0:
                   * the error was detected on this side. When the lock of a
                   * dict is not available: of the process that holds it, if
                   * known */
    /* Of a call: whether it may have been executed, so that sending it again
     * could execute it twice. False: it has certainly not run. More exact than
     * shmrpc_status_may_have_run(), which gives the worst case of the status: a
     * call that ended in DEADLINE may never have reached a worker. */
    bool may_have_run;
    uint8_t reserved[7]; /* 0; later members take its place */
    int64_t held_ns;     /* of that lock: for how long it has been held */
    /* Of EXHAUSTED: how long to wait before another try, as the server
     * suggests; 0: it does not say. `@retry` waits that long. */
    int64_t retry_after_ns;
    char name[SHMRPC_ERROR_NAME_BYTES]; /* "DEADLINE", or for a declared error
                                         * "acme.fts.BadQuery" */
    char path[SHMRPC_ERROR_PATH_BYTES]; /* `query.filters["lang"]`, or "" */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* one sentence, UTF-8 */
} shmrpc_error;

/* Room for all that shmrpc_error_text() can say. */
#define SHMRPC_ERROR_TEXT_BYTES                          \
    (SHMRPC_ERROR_NAME_BYTES + SHMRPC_ERROR_PATH_BYTES + \
     SHMRPC_ERROR_MESSAGE_BYTES + 4)

/*
 * Writes an error as one line for people to `text`, and returns `text`: name,
 * path if there is one, and message, as in "INVALID: query.limit: value 0,
 * allowed 1..20000". NUL-terminated, and cut at a character boundary where
 * `size`, at least 1, is below SHMRPC_ERROR_TEXT_BYTES.
 */
SHMRPC_API const char *shmrpc_error_text(const shmrpc_error *error, char *text,
                                         size_t size);

/*
 * Fills `error` (NULL is fine) with `status`, its name, an empty path and the
 * formatted message, cut at a character boundary, and `may_have_run` as the
 * status has it; returns `status`, so that
 * `return shmrpc_error_set(error, SHMRPC_E_INVALID, "...");` works.
 */
SHMRPC_API int shmrpc_error_set(shmrpc_error *error, int status,
                                const char *format, ...) SHMRPC_PRINTF(3, 4);

SHMRPC_END_DECLS

#endif
