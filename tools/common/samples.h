/*
 * Processes that are sampled repeatedly: their present resources, and what they
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
    /* Used since the previous sample; for a new process, all that it has used;
     * -1: invisible. */
    int64_t cpu_ns;
    int64_t read_bytes;
    int64_t write_bytes;
    bool is_new;
} tool_sample;

/* All 0 at first. */
typedef struct tool_samples {
    tool_sample *items;
    size_t count;
    int64_t taken_ns;
    int64_t span_ns; /* time since the previous sample; 0: there was none */
} tool_samples;

/* Looks at these processes, at each once; those that have ended are left out.
 * Without memory nothing is known of any. */
void tool_samples_take(tool_samples *s, const int32_t *pids, size_t count);

/* NULL: it is not among them. */
const tool_sample *tool_samples_find(const tool_samples *s, int32_t pid);

/* The sum of all; -1 if a part of it is invisible. */
tool_sample tool_samples_sum(const tool_samples *s);

/* Resets it to its initial state. */
void tool_samples_forget(tool_samples *s);

#endif
