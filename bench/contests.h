/*
 * Contests: cases that do the same in different ways, ours beside others'.
 *
 * The report shows how many times longer each other way takes, from the same
 * run.  Threading: one thread.
 */
#ifndef BENCH_CONTESTS_H
#define BENCH_CONTESTS_H

#include <stdio.h>

#include "plan.h"

/* A table for each kind of contest (the first word of its name): a row for each
 * of ours, a column for each of the others; nothing when none was run. */
void bench_contests_text(const bench_plan *plan, FILE *out);

/* Of a run in a contest: ", "mb_per_s": ..., "peer_ratio": {"yajl": 3.20, ...}"
 * (the ratios only of ours); else nothing. */
void bench_contests_json(const bench_plan *plan, const bench_run *run,
                         FILE *out);

#endif
