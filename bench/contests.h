/*
 * Contests: cases that do the same thing in different ways, ours and those of
 * other libraries.
 *
 * For each other contestant, the report shows its time divided by the time of
 * our case in the same run.
 *
 * Threading: one thread.
 */
#ifndef BENCH_CONTESTS_H
#define BENCH_CONTESTS_H

#include <stdio.h>

#include "plan.h"

/* Prints a table for each kind of contest (the first word of its name): a row
 * for each of our cases, a column for each of the other contestants. Prints
 * nothing if no case of a contest was run. */
void bench_contests_text(const bench_plan *plan, FILE *out);

/* Prints the JSON members that describe a run's part in a contest: `,
 * "mb_per_s": ..., "peer_ratio": {"yajl": 3.20, ...}` (the ratios only for our
 * cases). Prints nothing for a case without a contest. */
void bench_contests_json(const bench_plan *plan, const bench_run *run,
                         FILE *out);

#endif
