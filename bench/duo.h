/*
 * Runs one case once: forks its processes, puts them in their places, measures
 * in the client and returns the figures.
 *
 * Nothing outlives a run: the server gets SIGTERM, and SIGKILL two seconds
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

/* Chooses the CPUs: two of the usable ones that are not threads of one core,
 * if there are. */
void bench_cpus_init(void);

/* The CPU of the client's (0) or the server's (1) side when apart. */
int bench_cpu(int side);

/* Keeps both CPUs busy with a loop each, in processes that end with this one,
 * until the end function is called, which needs no beginning. */
void bench_busy_begin(void);
void bench_busy_end(void);

/* Whether the machine has that place: two CPUs for APART. */
bool bench_has_place(bench_place place);

/* Measures for about `budget_ns`.  False when a process failed; `error` then
 * holds its message. */
bool bench_run_case(const bench_case *c, bench_place place, int64_t budget_ns,
                    bench_figures *out, char error[BENCH_ERROR_BYTES]);

#endif
