/*
 * The error object: details that accompany a status, on the caller's stack.
 *
 *     char text[SHMRPC_ERROR_TEXT_BYTES];
 *     fprintf(stderr, "%s\n", shmrpc_error_text(&error, text, sizeof text));
 *
 * Functions that take a `shmrpc_error *` accept NULL, and write to it only when
 * they fail. An error object is a plain value: it may be copied, and points to
 * nothing. Threading: an error object belongs to one thread at a time.
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
    int32_t pid;  /* the worker that reported the error, as the server sees it;
                   * 0 if the error was detected on this side. If a lock of a
                   * dict is not available: the process that holds the lock, 0
                   * if not known */
    /* Whether the call may have been executed, so that sending it again could
     * execute it twice. False: it has certainly not run. More exact than
     * shmrpc_status_may_have_run(), which gives the worst case of the status: a
     * call that ended in DEADLINE may never have reached a worker. */
    bool may_have_run;
    uint8_t reserved[7]; /* 0; later members take its place */
    int64_t held_ns;     /* if a lock of a dict is not available: how long it
                          * has been held */
    /* With EXHAUSTED: how long the server suggests to wait before a retry; 0 if
     * it suggests nothing. `@retry` waits that long. */
    int64_t retry_after_ns;
    char name[SHMRPC_ERROR_NAME_BYTES]; /* "DEADLINE", or for a declared error
                                         * "acme.fts.BadQuery" */
    char path[SHMRPC_ERROR_PATH_BYTES]; /* where in the value the error is, as
                                         * in `query.filters["lang"]`, or "" */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* one sentence, UTF-8 */
} shmrpc_error;

/* Size of a buffer that holds any text of shmrpc_error_text(). */
#define SHMRPC_ERROR_TEXT_BYTES                          \
    (SHMRPC_ERROR_NAME_BYTES + SHMRPC_ERROR_PATH_BYTES + \
     SHMRPC_ERROR_MESSAGE_BYTES + 4)

/*
 * Writes the error to `text` as one human-readable line, and returns `text`:
 * the name, the path if there is one, and the message, as in "INVALID:
 * query.limit: value 0, allowed 1..20000". The line is NUL-terminated. It is
 * cut, at a character boundary, if it does not fit into `size` bytes; `size` is
 * at least 1, and SHMRPC_ERROR_TEXT_BYTES always suffices.
 */
SHMRPC_API const char *shmrpc_error_text(const shmrpc_error *error, char *text,
                                         size_t size);

/*
 * Fills `error` (may be NULL) with `status`, its name, an empty path, the
 * formatted message, cut at a character boundary, and the `may_have_run` of
 * shmrpc_status_may_have_run(). Returns `status`, so that `return
 * shmrpc_error_set(error, SHMRPC_E_INVALID, "...");` works.
 */
SHMRPC_API int shmrpc_error_set(shmrpc_error *error, int status,
                                const char *format, ...) SHMRPC_PRINTF(3, 4);

SHMRPC_END_DECLS

#endif
