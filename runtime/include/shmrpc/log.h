/*
 * Lines for the log of a service, with a level.
 *
 *     shmrpc_log(SHMRPC_LOG_WARNING, "%s: no such page", name);
 *
 * They go to standard error, where the manager (shmrpcd), systemd and terminals
 * find them: each in one piece, also beside those of other threads and
 * processes, with its level in front as <4>, or by name on a terminal.  What is
 * printed otherwise is logged too; its level is guessed.
 *
 * Threading: any thread, also of forked children; not in signal handlers.
 */
#ifndef SHMRPC_LOG_H
#define SHMRPC_LOG_H

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The numbers are those of Python's logging, with NOTICE among them and those
 * of what programs print. Any other number counts as the next one below it. */
typedef enum shmrpc_log_level {
    SHMRPC_LOG_NOTSET = 0, /* no mark: the level is guessed from the text */
    SHMRPC_LOG_DEBUG = 10,
    SHMRPC_LOG_INFO = 20,
    SHMRPC_LOG_NOTICE = 25,
    SHMRPC_LOG_STDOUT = 29, /* shown as info */
    SHMRPC_LOG_WARNING = 30,
    SHMRPC_LOG_ERROR = 40,
    SHMRPC_LOG_STDERR = 49, /* shown as an error */
    SHMRPC_LOG_CRITICAL = 50
} shmrpc_log_level;

/* A line may be so long; what is behind is cut off. */
#define SHMRPC_LOG_BYTES 4000

/* Writes a line, formatted as by printf; where it has newlines they become
 * blanks. Blocks as long as nobody reads standard error; what can't be written
 * is lost. errno stays. */
SHMRPC_API void shmrpc_log(shmrpc_log_level level, const char *format, ...)
    SHMRPC_PRINTF(2, 3);

SHMRPC_END_DECLS

#endif
