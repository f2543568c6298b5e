/*
 * A file that lines are added to, with a few old ones behind it.
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
    uint64_t bytes; /* in the file */
    char name[128];
} tool_log_file;

/* Opens NAME in the folder, to add to it; the folder is made (0750), not those
 * above it. DENIED: also what is no plain file. */
shmrpc_status tool_log_file_open(const char *folder, const char *name,
                                 tool_log_file *out);
void tool_log_file_close(tool_log_file *file);

/* Adds all of it, or, with EXHAUSTED when the disk is full, nothing. A file
 * that would grow beyond `max_bytes` is ended first: it becomes NAME.1, and
 * NAME.`keep` is removed. */
shmrpc_status tool_log_file_add(tool_log_file *file, const void *data,
                                size_t len, uint64_t max_bytes, uint32_t keep);

/* One of the files, to be read while others may be written and renamed. */
typedef struct tool_log_look {
    int fd;
    uint64_t bytes; /* that it had when it was opened */
    uint64_t id;    /* the same for the same file under another number */
} tool_log_look;

/* Opens NAME (number 0) or NAME.number in the folder. NOT_FOUND; DENIED: also
 * what is no plain file. */
shmrpc_status tool_log_look_open(const char *folder, const char *name,
                                 uint32_t number, tool_log_look *out);
void tool_log_look_close(tool_log_look *look);

/* Reads `len` bytes from `offset` on; returns how many there were. */
size_t tool_log_look_read(const tool_log_look *look, uint64_t offset, void *to,
                          size_t len);

#endif
