/* Compares the cases of each contest, and prints the ratios. */
#include "contests.h"

#include <string.h>

enum { MAX_OTHERS = 16 };

static bool in_contest(const bench_run *run, bench_summary *out)
{
    return run->c->contest != NULL && bench_summarise(run, out);
}

/* Bytes per ns are GB/s, hence the factor 1e3. */
static double mb_per_s(const bench_run *run, const bench_summary *summary)
{
    return 1e3 * (double)run->c->payload / summary->figures.p50_ns;
}

/* The first word of a contest is its kind: each kind has a table. */
static bool same_kind(const bench_case *a, const bench_case *b)
{
    const size_t length = strcspn(a->contest, " ");
    return length == strcspn(b->contest, " ") &&
           strncmp(a->contest, b->contest, length) == 0;
}

/* Whether the contest compares calls per second instead of the time of a
 * call. */
static bool is_rate(const bench_case *c)
{
    return c->calls > 1;
}

/* Returns the time of case `c` divided by the time of ours. */
static double times_as_long(const bench_case *c, const bench_figures *ours,
                            const bench_figures *theirs)
{
    return is_rate(c) ? ours->ops_per_s / theirs->ops_per_s
                      : theirs->p50_ns / ours->p50_ns;
}

/* Returns the time of the contestant `who` divided by that of `ours`; 0 if
 * `who` was not run. */
static double ratio_to(const bench_plan *plan, const bench_run *ours,
                       const char *who)
{
    bench_summary mine;
    bench_summary theirs;
    for (size_t i = 0; i < plan->run_count; i++) {
        const bench_run *const run = &plan->runs[i];
        if (run->place == ours->place && in_contest(run, &theirs) &&
            in_contest(ours, &mine) &&
            strcmp(run->c->contest, ours->c->contest) == 0 &&
            strcmp(run->c->contestant, who) == 0) {
            return times_as_long(run->c, &mine.figures, &theirs.figures);
        }
    }
    return 0;
}

/* Lists the names of the other contestants in contests of this kind, each
 * once. */
static size_t list_others(const bench_plan *plan, const bench_case *kind,
                          const char *others[MAX_OTHERS])
{
    size_t count = 0;
    for (size_t i = 0; i < plan->run_count && count < MAX_OTHERS; i++) {
        const bench_case *const c = plan->runs[i].c;
        bool is_new = c->contest != NULL && !c->is_ours && same_kind(c, kind);
        for (size_t j = 0; is_new && j < count; j++) {
            is_new = strcmp(others[j], c->contestant) != 0;
        }
        if (is_new) {
            others[count++] = c->contestant;
        }
    }
    return count;
}

static void print_row(const bench_plan *plan, const bench_run *run,
                      const char *const *others, size_t count, FILE *out)
{
    bench_summary s;
    if (!run->c->is_ours || !in_contest(run, &s)) {
        return;
    }
    fprintf(out, "%-16s %-9s %-9s %9.0f %9.0f", run->c->contest,
            run->c->contestant, bench_place_name(run->place), s.figures.p50_ns,
            is_rate(run->c) ? s.figures.ops_per_s : mb_per_s(run, &s));
    for (size_t i = 0; i < count; i++) {
        const double ratio = ratio_to(plan, run, others[i]);
        if (ratio > 0) {
            fprintf(out, " %10.2f", ratio);
        } else {
            fprintf(out, " %10s", "-");
        }
    }
    fputc('\n', out);
}

static void print_table(const bench_plan *plan, const bench_case *kind,
                        FILE *out)
{
    const char *others[MAX_OTHERS];
    const size_t count = list_others(plan, kind, others);
    fprintf(out, "\n%-16s %-9s %-9s %9s %9s  times as long take:\n%-55s",
            "contest", "ours", "place", "p50 ns",
            is_rate(kind) ? "calls/s" : "MB/s", "");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, " %10s", others[i]);
    }
    fputc('\n', out);
    for (size_t i = 0; i < plan->run_count; i++) {
        const bench_run *const run = &plan->runs[i];
        if (run->c->contest != NULL && same_kind(run->c, kind)) {
            print_row(plan, run, others, count, out);
        }
    }
}

/* Whether no earlier run has a contest of this kind. */
static bool is_first_of_kind(const bench_plan *plan, size_t index)
{
    const bench_case *const c = plan->runs[index].c;
    for (size_t i = 0; i < index; i++) {
        if (plan->runs[i].c->contest != NULL && same_kind(plan->runs[i].c, c)) {
            return false;
        }
    }
    return true;
}

void bench_contests_text(const bench_plan *plan, FILE *out)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        if (plan->runs[i].c->contest != NULL && is_first_of_kind(plan, i)) {
            print_table(plan, plan->runs[i].c, out);
        }
    }
}

void bench_contests_json(const bench_plan *plan, const bench_run *run,
                         FILE *out)
{
    const char *others[MAX_OTHERS];
    bench_summary s;
    if (!in_contest(run, &s)) {
        return;
    }
    if (!is_rate(run->c)) {
        fprintf(out, ", \"mb_per_s\": %.1f", mb_per_s(run, &s));
    }
    if (!run->c->is_ours) {
        return;
    }
    const size_t count = list_others(plan, run->c, others);
    const char *separator = "";
    fputs(", \"peer_ratio\": {", out);
    for (size_t i = 0; i < count; i++) {
        const double ratio = ratio_to(plan, run, others[i]);
        if (ratio > 0) {
            fprintf(out, "%s\"%s\": %.3f", separator, others[i], ratio);
            separator = ", ";
        }
    }
    fputc('}', out);
}
