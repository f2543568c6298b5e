/*
 * Resources of a process, read from /proc: CPU, memory, I/O, threads,
 * descriptors.
 *
 * Some figures of other users' processes are invisible, and are -1.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_PROCESS_H
#define SHMRPC_TOOLS_PROCESS_H

#include <stdint.h>

#include "shmrpc/status.h"

typedef struct tool_process_figures {
    int64_t taken_ns;    /* CLOCK_MONOTONIC */
    uint64_t began;      /* start time, which distinguishes it from a later
                          * process with the same pid */
    int64_t cpu_ns;      /* CPU time of all threads, since it began */
    int64_t rss_bytes;   /* resident memory */
    int64_t pss_bytes;   /* proportional share of memory: a page that n
                          * processes share counts 1/n in each */
    int64_t read_bytes;  /* bytes read from disks, since it began */
    int64_t write_bytes; /* bytes written to disks */
    int64_t threads;
    int64_t descriptors;
} tool_process_figures;

/* Reads the figures. Returns NOT_FOUND if there is no such process or it has
 * ended, INVALID if `pid` can't be a process number. For a large process the
 * kernel needs about 10 ms for each GiB of memory to compute pss_bytes. */
shmrpc_status tool_process_read(int32_t pid, tool_process_figures *out);

#endif
