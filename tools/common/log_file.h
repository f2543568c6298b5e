/*
 * A log file with rotation: lines are added to NAME, and a few old files are
 * kept.
 *
 *     NAME, NAME.1 (the newest of the old ones), NAME.2, ...
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_TOOLS_LOG_FILE_H
#define SHMRPC_TOOLS_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

typedef struct tool_log_file {
    int dir_fd;
    int fd;
    uint64_t bytes;  /* size of the file */
    int64_t made_ns; /* when the file was created, since 1970 UTC */
    char name[128];
} tool_log_file;

/* When to rotate. Rotation renames the file to NAME.1, and removes
 * NAME.`keep`. */
typedef struct tool_log_limits {
    uint64_t max_bytes; /* rotate before the file would grow beyond this size */
    int64_t max_age_ns; /* rotate if the file is older; 0: no limit */
    uint32_t keep;
} tool_log_limits;

/* Opens NAME in the folder for appending. Creates the folder (0750) if it is
 * missing, but not its parents. DENIED also means that NAME is not a regular
 * file. */
shmrpc_status tool_log_file_open(const char *folder, const char *name,
                                 tool_log_file *out);
void tool_log_file_close(tool_log_file *file);

/* Adds all of the data; if the disk is full, it returns EXHAUSTED and adds
 * nothing. A file that is not empty and would exceed its limits is rotated
 * first. */
shmrpc_status tool_log_file_add(tool_log_file *file, const void *data,
                                size_t len, const tool_log_limits *limits);

/* One of the files, open for reading. Meanwhile files may be written and
 * renamed. */
typedef struct tool_log_look {
    int fd;
    uint64_t bytes; /* size when it was opened */
    uint64_t id;    /* identifies the file, even after it was renamed to another
                     * number */
} tool_log_look;

/* Opens NAME (number 0) or NAME.number in the folder. Returns NOT_FOUND if it
 * doesn't exist; DENIED also means that it is not a regular file. */
shmrpc_status tool_log_look_open(const char *folder, const char *name,
                                 uint32_t number, tool_log_look *out);
void tool_log_look_close(tool_log_look *look);

/* Reads up to `len` bytes at `offset`, and returns how many there were. */
size_t tool_log_look_read(const tool_log_look *look, uint64_t offset, void *to,
                          size_t len);

#endif
