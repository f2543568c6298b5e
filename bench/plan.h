/*
 * The plan: which cases run where and in which order, and their results.
 *
 * In each round, all runs are done once. The floor is measured right before and
 * right after each run, and the run's time is divided by the mean of these two
 * floors. So a disturbance, or a hypervisor that moves the CPUs apart, either
 * spoils only one round or slows run and floor alike.
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
    bool steady; /* whether the floor was about the same before and after */
} bench_round;

/* A case in one place. */
typedef struct bench_run {
    const bench_case *c;
    bench_place place;
    bench_round rounds[BENCH_MAX_ROUNDS];
    size_t round_count;
    /* "", or why the run failed; a failed run gets no more rounds. */
    char error[BENCH_ERROR_BYTES];
} bench_run;

typedef struct bench_plan {
    bench_run *runs;
    size_t run_count;
    int rounds;
    int64_t budget_ns; /* how long a run is measured in one round */
} bench_plan;

/* The figures of a run in the report: medians over the rounds that count. */
typedef struct bench_summary {
    bench_figures figures;
    double floor_ratio; /* time divided by that of the floor; 0 without a
                         * floor */
    double tail_ratio;  /* p99.9 divided by that of the floor; 0 without a
                         * floor */
    size_t rounds_used; /* rounds whose floor was steady and not far from the
                         * best */
} bench_summary;

/* Lists the runs whose "case/place" matches the extended regular expression
 * `only` (NULL: all runs). Returns false, with a message in `error`, if `only`
 * is malformed. */
bool bench_plan_make(bench_plan *plan, const char *only,
                     char error[BENCH_ERROR_BYTES]);
void bench_plan_fini(bench_plan *plan);

/* Runs the plan; calls `progress` (may be NULL) before each run. */
void bench_plan_run(bench_plan *plan,
                    void (*progress)(void *user, int round,
                                     const bench_run *run),
                    void *user);

/* Computes the figures of a run; returns false if the run failed. */
bool bench_summarise(const bench_run *run, bench_summary *out);

/* Whether the run failed only because a program or library that it needs is not
 * installed. */
bool bench_is_missing(const bench_run *run);

#endif
