/* Runs rounds, measures the floor before and after each of them, and takes
 * medians over the rounds that count. */
#include "plan.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a floor is measured, before and after each run. */
static const int64_t probe_ns = 6000000;

/* A round is not counted if its floor took at least this many times as long as
 * the run's best floor: the CPUs were far apart or did other work meanwhile. */
static const double near_factor = 1.4;

/* ---- choosing runs ------------------------------------------------------- */

const bench_case *bench_find_case(const char *name, size_t payload)
{
    for (size_t s = 0; s < bench_suite_count; s++) {
        for (size_t i = 0; i < bench_suites[s]->count; i++) {
            const bench_case *const c = &bench_suites[s]->cases[i];
            if (strcmp(c->name, name) == 0 && c->payload >= payload) {
                return c;
            }
        }
    }
    return NULL;
}

static bool wanted(const bench_case *c, bench_place place, const regex_t *only)
{
    char key[128];
    if ((c->places & (1u << place)) == 0 || !bench_has_place(place)) {
        return false;
    }
    snprintf(key, sizeof key, "%s/%s", c->name, bench_place_name(place));
    return only == NULL || regexec(only, key, 0, NULL, 0) == 0;
}

/* Lists the runs ordered by place, so that consecutive runs can share a
 * measured floor. */
static size_t list_runs(bench_run *runs, const regex_t *only)
{
    size_t count = 0;
    for (int place = 0; place < BENCH_PLACE_COUNT; place++) {
        for (size_t s = 0; s < bench_suite_count; s++) {
            for (size_t i = 0; i < bench_suites[s]->count; i++) {
                const bench_case *const c = &bench_suites[s]->cases[i];
                if (!wanted(c, (bench_place)place, only)) {
                    continue;
                }
                if (runs != NULL) {
                    memset(&runs[count], 0, sizeof runs[count]);
                    runs[count].c = c;
                    runs[count].place = (bench_place)place;
                }
                count++;
            }
        }
    }
    return count;
}

bool bench_plan_make(bench_plan *plan, const char *only,
                     char error[BENCH_ERROR_BYTES])
{
    regex_t regex;
    const regex_t *filter = NULL;
    if (only != NULL) {
        const int code = regcomp(&regex, only, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            const int n = snprintf(error, BENCH_ERROR_BYTES, "'%s': ", only);
            if (n > 0 && n < BENCH_ERROR_BYTES) {
                regerror(code, &regex, error + n,
                         BENCH_ERROR_BYTES - (size_t)n);
            }
            return false;
        }
        filter = &regex;
    }
    plan->run_count = list_runs(NULL, filter);
    plan->runs = bench_alloc((plan->run_count + 1) * sizeof *plan->runs);
    list_runs(plan->runs, filter);
    if (filter != NULL) {
        regfree(&regex);
    }
    if (plan->run_count == 0) {
        snprintf(error, BENCH_ERROR_BYTES, "no case matches '%s' (see --list)",
                 only != NULL ? only : "");
        bench_plan_fini(plan);
        return false;
    }
    return true;
}

void bench_plan_fini(bench_plan *plan)
{
    free(plan->runs);
    plan->runs = NULL;
    plan->run_count = 0;
}

/* ---- floors -------------------------------------------------------------- */

/* Measures the case of a floor; all figures are 0 if it fails. */
static bench_figures probe(const char *name, size_t payload, bench_place place)
{
    bench_figures figures;
    char error[BENCH_ERROR_BYTES];
    const bench_case *const c = bench_find_case(name, payload);
    if (c == NULL || !bench_run_case(c, place, probe_ns, &figures, error)) {
        return (bench_figures){0};
    }
    return figures;
}

/* Measures one ping-pong. Unpinned processes are compared with the floor of
 * processes on two cores, which is the best that the scheduler could do for
 * them. */
static bench_figures probe_signal(bench_place place)
{
    return place != BENCH_PLACE_TOGETHER && bench_has_place(BENCH_PLACE_APART)
               ? probe("floor.line", 0, BENCH_PLACE_APART)
               : probe("floor.futex", 0, BENCH_PLACE_TOGETHER);
}

/* Adds the time of two copies, one in each direction. */
static bench_figures with_copies(bench_figures signal, size_t payload)
{
    const bench_figures copy =
        probe("floor.memcpy", payload, BENCH_PLACE_ALONE);
    signal.p50_ns += 2 * copy.p50_ns;
    signal.p999_ns += 2 * copy.p999_ns;
    return signal;
}

static bench_figures measure_floor(const bench_case *c, bench_place place)
{
    switch (c->floor) {
    case BENCH_FLOOR_SELF:
    case BENCH_FLOOR_NONE:
        break;
    case BENCH_FLOOR_SIGNAL:
        return probe_signal(place);
    case BENCH_FLOOR_COPY:
        return with_copies(probe_signal(place), c->payload);
    case BENCH_FLOOR_CONNECT:
        return probe("floor.connect", 0, place);
    }
    return (bench_figures){0};
}

/* The floor that was measured last; the next run may reuse it. */
typedef struct last_floor {
    double ns;
    double p999_ns;
    bench_floor kind;
    size_t payload; /* payload of a BENCH_FLOOR_COPY */
    bench_place place;
} last_floor;

static void take_floor(last_floor *last, const bench_run *run)
{
    const bench_figures figures = measure_floor(run->c, run->place);
    last->ns = figures.p50_ns;
    last->p999_ns = figures.p999_ns;
    last->kind = run->c->floor;
    last->payload = run->c->payload;
    last->place = run->place;
}

static bool is_floor_of(const last_floor *last, const bench_run *run)
{
    return last->ns > 0 && last->kind == run->c->floor &&
           last->place == run->place &&
           (last->kind != BENCH_FLOOR_COPY || last->payload == run->c->payload);
}

/* ---- rounds -------------------------------------------------------------- */

static void run_round(bench_run *run, int64_t budget_ns, last_floor *last)
{
    bench_round *const round = &run->rounds[run->round_count];
    if (!is_floor_of(last, run)) {
        take_floor(last, run);
    }
    const double before = last->ns;
    const double tail_before = last->p999_ns;
    if (!bench_run_case(run->c, run->place, budget_ns, &round->figures,
                        run->error)) {
        return;
    }
    take_floor(last, run);
    round->floor_ns = (before + last->ns) / 2;
    round->floor_p999_ns = (tail_before + last->p999_ns) / 2;
    round->steady =
        before < near_factor * last->ns && last->ns < near_factor * before;
    if (run->c->floor == BENCH_FLOOR_SELF ||
        run->c->floor == BENCH_FLOOR_NONE) {
        /* Rounds of a case with many calls differ because of the scheduler, not
         * because of a floor: all of them count. */
        round->floor_ns = run->c->calls > 1 ? 1 : round->figures.p50_ns;
        round->floor_p999_ns = 0;
        round->steady = true;
    }
    run->round_count++;
}

void bench_plan_run(bench_plan *plan,
                    void (*progress)(void *user, int round,
                                     const bench_run *run),
                    void *user)
{
    for (int round = 0; round < plan->rounds; round++) {
        last_floor last = {0};
        for (size_t i = 0; i < plan->run_count; i++) {
            bench_run *const run = &plan->runs[i];
            if (run->error[0] != '\0') {
                continue;
            }
            if (progress != NULL) {
                progress(user, round, run);
            }
            run_round(run, plan->budget_ns, &last);
        }
    }
}

/* Marks the rounds that count; if no round is steady, all of them count.
 * Returns the number of marked rounds. */
static size_t choose_rounds(const bench_run *run, bool chosen[BENCH_MAX_ROUNDS])
{
    double best = 0;
    size_t count = 0;
    for (size_t i = 0; i < run->round_count; i++) {
        const bench_round *const r = &run->rounds[i];
        if (r->steady && (best == 0 || r->floor_ns < best)) {
            best = r->floor_ns;
        }
    }
    for (size_t i = 0; i < run->round_count; i++) {
        const bench_round *const r = &run->rounds[i];
        chosen[i] =
            best == 0 || (r->steady && r->floor_ns < near_factor * best);
        count += chosen[i] ? 1 : 0;
    }
    return count;
}

bool bench_summarise(const bench_run *run, bench_summary *out)
{
    bool chosen[BENCH_MAX_ROUNDS];
    double values[6][BENCH_MAX_ROUNDS];
    const size_t count = choose_rounds(run, chosen);
    size_t n = 0;
    if (run->error[0] != '\0' || count == 0) {
        return false;
    }
    for (size_t i = 0; i < run->round_count; i++) {
        const bench_round *const r = &run->rounds[i];
        if (chosen[i]) {
            values[0][n] = r->figures.p50_ns;
            values[1][n] = r->figures.p99_ns;
            values[2][n] = r->figures.ops_per_s;
            values[3][n] =
                r->floor_ns > 0 ? r->figures.p50_ns / r->floor_ns : 0;
            values[4][n] = r->figures.p999_ns;
            values[5][n] = r->floor_p999_ns > 0
                               ? r->figures.p999_ns / r->floor_p999_ns
                               : 0;
            n++;
        }
    }
    out->figures.p50_ns = bench_quantile(values[0], n, 0.5);
    out->figures.p99_ns = bench_quantile(values[1], n, 0.5);
    out->figures.ops_per_s = bench_quantile(values[2], n, 0.5);
    out->floor_ratio = run->c->floor != BENCH_FLOOR_NONE
                           ? bench_quantile(values[3], n, 0.5)
                           : 0;
    out->figures.p999_ns = bench_quantile(values[4], n, 0.5);
    out->tail_ratio = bench_quantile(values[5], n, 0.5);
    out->rounds_used = n;
    return true;
}

bool bench_is_missing(const bench_run *run)
{
    return strncmp(run->error, BENCH_NOT_INSTALLED,
                   strlen(BENCH_NOT_INSTALLED)) == 0;
}
