/*
 * What the system says of a process, from /proc.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_PROCESS_H
#define SHMRPC_WEB_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct web_process {
    double cpu_s;          /* since it began */
    uint64_t memory_bytes; /* its share of what it shares with others (PSS),
                            * or, where that is not told, all of it */
    uint64_t io_bytes;     /* read from and written to storage; 0: not told */
} web_process;

/* False: there is no such process, as this one counts. */
bool web_process_read(int32_t pid, web_process *out);

#endif
