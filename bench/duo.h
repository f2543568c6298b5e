/*
 * Runs one case once: forks its processes, pins them, measures in the client
 * and returns the figures.
 *
 * No process outlives a run: the server gets SIGTERM, and SIGKILL two seconds
 * later; both sides die with the parent; a client that hangs is killed.
 *
 * Threading: the parent's one thread.
 */
#ifndef BENCH_DUO_H
#define BENCH_DUO_H

#include <stdbool.h>
#include <stdint.h>

#include "case.h"
#include "measure.h"

enum { BENCH_ERROR_BYTES = 200 };

/* Chooses two usable CPUs that belong to different cores, if there are any. */
void bench_cpus_init(void);

/* Returns the CPU of the client (side 0) or the server (side 1) in
 * BENCH_PLACE_APART. */
int bench_cpu(int side);

/* Keeps both CPUs busy with a loop each, until bench_busy_end() is called or
 * this process ends. bench_busy_end() does nothing if no loop runs. */
void bench_busy_begin(void);
void bench_busy_end(void);

/* Whether the machine offers `place`: BENCH_PLACE_APART needs two CPUs. */
bool bench_has_place(bench_place place);

/* Measures the case for about `budget_ns`. Returns false if a process failed;
 * `error` then holds its message. */
bool bench_run_case(const bench_case *c, bench_place place, int64_t budget_ns,
                    bench_figures *out, char error[BENCH_ERROR_BYTES]);

#endif
