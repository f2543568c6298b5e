/*
 * Reports the results of a plan, for people and for programs.
 *
 * Threading: one thread.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "plan.h"

enum { BENCH_DURATION_BYTES = 16 };

/* Fills `text` with a time: "81.2 ns", "8.14 us", "1.20 ms". */
const char *bench_duration(double ns, char text[BENCH_DURATION_BYTES]);

/* Prints a table, sorted by case, then place. */
void bench_report_text(const bench_plan *plan, FILE *out);

/*
 * Prints one JSON object for each run, each on a line:
 *   {"case": "shmrpc.null/apart", "payload": 0, "p50_ns": 81.2, "p99_ns": 120,
 *    "p999_ns": 400, "ops_per_s": 1.2e7, "floor_ratio": 1.3,
 *    "tail_ratio": 1.2, "place": "apart", "rounds_used": 8, "rounds": 9}
 * A run that failed has only "case", "payload", "place" and "error".
 */
void bench_report_json(const bench_plan *plan, FILE *out);

#endif
