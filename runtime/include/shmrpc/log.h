/*
 * Writes lines with a level to the log of a service.
 *
 *     shmrpc_log(SHMRPC_LOG_WARNING, "%s: no such page", name);
 *
 * The lines go to standard error, where the manager (shmrpcd), systemd and
 * terminals read them. Each line is written in one piece, even when other
 * threads and processes write at the same time. It begins with its level, as
 * <4>, or by name on a terminal. For the manager it also holds the thread and
 * the call that the thread serves, and the manager's log shows both. Other
 * output of a program is logged too; its level is guessed.
 *
 * Threading: any thread, also in forked children, but not in signal handlers.
 */
#ifndef SHMRPC_LOG_H
#define SHMRPC_LOG_H

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The numbers are those of Python's logging, plus NOTICE and the levels of
 * plain output. Any other number counts as the next lower one. */
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

/* The longest line, in bytes; the rest is cut off. */
#define SHMRPC_LOG_BYTES 4000

/* Writes a line, formatted as by printf; newlines in it become blanks. Blocks
 * while standard error is a full pipe; what can't be written is lost. Leaves
 * errno unchanged. */
SHMRPC_API void shmrpc_log(shmrpc_log_level level, const char *format, ...)
    SHMRPC_PRINTF(2, 3);

SHMRPC_END_DECLS

#endif
