/*
 * Processes that are sampled repeatedly: their current resources, and what they
 * have used since the previous sample.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_TOOLS_SAMPLES_H
#define SHMRPC_TOOLS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/process.h"

/* A process in a sample. */
typedef struct tool_sample {
    int32_t pid;
    tool_process_figures now;
    /* CPU time used since the previous sample; for a new process, since its
     * start. -1: invisible. */
    int64_t cpu_ns;
    int64_t read_bytes;
    int64_t write_bytes;
    bool is_new;
} tool_sample;

/* The last sample. Must be all 0 at first. */
typedef struct tool_samples {
    tool_sample *items;
    size_t count;
    int64_t taken_ns;
    int64_t span_ns; /* time since the previous sample; 0: this is the first */
} tool_samples;

/* Samples these processes, each once. Ended processes are left out. If memory
 * runs out, the sample is empty. */
void tool_samples_take(tool_samples *s, const int32_t *pids, size_t count);

/* Returns NULL if the process is not in the sample. */
const tool_sample *tool_samples_find(const tool_samples *s, int32_t pid);

/* The sum over all processes. A figure is -1 if it is invisible for one of
 * them. */
tool_sample tool_samples_sum(const tool_samples *s);

/* Resets it to its initial state. */
void tool_samples_forget(tool_samples *s);

#endif
