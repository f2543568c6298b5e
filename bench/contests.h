/*
 * Contests: cases that do the same in different ways, ours and those of others.
 *
 * The report shows how many times longer each other way takes, from the same
 * run.  Threading: one thread.
 */
#ifndef BENCH_CONTESTS_H
#define BENCH_CONTESTS_H

#include <stdio.h>

#include "plan.h"

/* Prints a table for each kind of contest (the first word of its name): a row
 * for each of our cases, a column for each of the others; nothing when none was
 * run. */
void bench_contests_text(const bench_plan *plan, FILE *out);

/* Prints a run's part in a contest: ", "mb_per_s": ..., "peer_ratio": {"yajl":
 * 3.20, ...}" (the ratios only for ours); otherwise nothing. */
void bench_contests_json(const bench_plan *plan, const bench_run *run,
                         FILE *out);

#endif
