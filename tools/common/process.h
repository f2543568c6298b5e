/*
 * Resources of a process: CPU, memory, I/O, threads, descriptors, from /proc.
 *
 * Another user's process shows less: invisible values are -1.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_PROCESS_H
#define SHMRPC_TOOLS_PROCESS_H

#include <stdint.h>

#include "shmrpc/status.h"

typedef struct tool_process_figures {
    int64_t taken_ns;    /* CLOCK_MONOTONIC */
    uint64_t began;      /* distinguishes it from a later process with its
                          * number */
    int64_t cpu_ns;      /* of all threads, since it began */
    int64_t rss_bytes;   /* resident memory */
    int64_t pss_bytes;   /* the same, where memory that n processes share counts
                          * 1/n */
    int64_t read_bytes;  /* from disks, since it began */
    int64_t write_bytes; /* to disks */
    int64_t threads;
    int64_t descriptors;
} tool_process_figures;

/* NOT_FOUND: there is no such process, or it has ended; INVALID: not a process
 * number. For large processes the kernel takes a while to compute shared
 * memory: about 10 ms a GiB. */
shmrpc_status tool_process_read(int32_t pid, tool_process_figures *out);

#endif
