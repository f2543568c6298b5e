/*
 * A log that is rotated: lines are added to NAME, and a few old files are kept.
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
    uint64_t bytes;  /* in the file */
    int64_t made_ns; /* when it was made, since 1970 UTC */
    char name[128];
} tool_log_file;

/* When to rotate: the file becomes NAME.1, and NAME.`keep` is removed. */
typedef struct tool_log_limits {
    uint64_t max_bytes; /* it would grow beyond that */
    int64_t max_age_ns; /* it was created this long ago; 0: no limit */
    uint32_t keep;
} tool_log_limits;

/* Opens NAME in the folder for appending; creates the folder (0750), but not
 * those above it. DENIED: also if it is not a regular file. */
shmrpc_status tool_log_file_open(const char *folder, const char *name,
                                 tool_log_file *out);
void tool_log_file_close(tool_log_file *file);

/* Adds all of it, or, with EXHAUSTED when the disk is full, nothing. A file
 * with something in it that is beyond its limits is ended first. */
shmrpc_status tool_log_file_add(tool_log_file *file, const void *data,
                                size_t len, const tool_log_limits *limits);

/* One of the files, open for reading while others may be written and
 * renamed. */
typedef struct tool_log_look {
    int fd;
    uint64_t bytes; /* the size that it had when it was opened */
    uint64_t id;    /* the same for the same file under another number */
} tool_log_look;

/* Opens NAME (number 0) or NAME.number in the folder. NOT_FOUND; DENIED: also
 * if it is not a regular file. */
shmrpc_status tool_log_look_open(const char *folder, const char *name,
                                 uint32_t number, tool_log_look *out);
void tool_log_look_close(tool_log_look *look);

/* Reads `len` bytes from `offset` on; returns how many there were. */
size_t tool_log_look_read(const tool_log_look *look, uint64_t offset, void *to,
                          size_t len);

#endif
