/*
 * The plan: which cases run where, in which order, and their results.
 *
 * All runs are done once, then all again, for some rounds; right before and
 * after each run its floor is measured, and the round's ratio is to the mean
 * of these two.  So a disturbance, or a hypervisor that moves the CPUs apart,
 * costs a round or falls on both sides of the ratio.
 *
 * Threading: one thread.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case.h"
#include "duo.h"
#include "measure.h"

enum { BENCH_MAX_ROUNDS = 16 };

typedef struct bench_round {
    bench_figures figures;
    double floor_ns;
    double floor_p999_ns;
    bool steady; /* the floor was the same before and after */
} bench_round;

/* A case in a place. */
typedef struct bench_run {
    const bench_case *c;
    bench_place place;
    bench_round rounds[BENCH_MAX_ROUNDS];
    size_t round_count;
    char error[BENCH_ERROR_BYTES]; /* not empty: it failed, and has no more
                                    * rounds */
} bench_run;

typedef struct bench_plan {
    bench_run *runs;
    size_t run_count;
    int rounds;
    int64_t budget_ns; /* figures of a run in one round */
} bench_plan;

/* The figures of a run in the report: medians over the rounds that count. */
typedef struct bench_summary {
    bench_figures figures;
    double floor_ratio; /* 0: it has no floor */
    double tail_ratio;  /* ratio of the p99.9 to that of the floor; 0: none */
    size_t rounds_used; /* the rounds with a steady floor that is not far from
                         * the best */
} bench_summary;

/* Lists the runs whose "case/place" matches the extended regular expression
 * `only` (NULL: all). False, with a message in `error`, if it is malformed. */
bool bench_plan_make(bench_plan *plan, const char *only,
                     char error[BENCH_ERROR_BYTES]);
void bench_plan_fini(bench_plan *plan);

/* Runs it; `progress` (may be NULL) is called before each run. */
void bench_plan_run(bench_plan *plan,
                    void (*progress)(void *user, int round,
                                     const bench_run *run),
                    void *user);

/* False for a run that failed. */
bool bench_summarise(const bench_run *run, bench_summary *out);

/* Whether it failed only because a program or library that it needs is not
 * installed. */
bool bench_is_missing(const bench_run *run);

#endif
