/* Prints the results as text and as JSON. */
#include "report.h"

#include <string.h>
#include <sys/utsname.h>

#include "contests.h"
#include "duo.h"

const char *bench_duration(double ns, char text[BENCH_DURATION_BYTES])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;
    while (ns >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        ns /= 1000;
        unit++;
    }
    const int decimals = ns >= 100 ? 0 : ns >= 10 ? 1 : 2;
    snprintf(text, BENCH_DURATION_BYTES, "%.*f %s", decimals, ns, units[unit]);
    return text;
}

static const char *size_text(size_t bytes, char text[24])
{
    if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
        snprintf(text, 24, "%zu MiB", bytes >> 20);
    } else if (bytes >= 1 << 10 && bytes % (1 << 10) == 0) {
        snprintf(text, 24, "%zu KiB", bytes >> 10);
    } else {
        snprintf(text, 24, "%zu B", bytes);
    }
    return text;
}

/* Prints a ratio to the floor; 0 means that the case has no floor. */
static void print_ratio(double ratio, FILE *out)
{
    if (ratio > 0) {
        fprintf(out, " %8.2f", ratio);
    } else {
        fprintf(out, " %8s", "-");
    }
}

static void print_run(const bench_run *run, int rounds, FILE *out)
{
    char payload[24];
    char p50[BENCH_DURATION_BYTES];
    char p99[BENCH_DURATION_BYTES];
    char p999[BENCH_DURATION_BYTES];
    bench_summary s;
    fprintf(out, "%-32s %8s  %-8s ", run->c->name,
            size_text(run->c->payload, payload), bench_place_name(run->place));
    if (!bench_summarise(run, &s)) {
        fprintf(out, "  %s%s\n",
                bench_is_missing(run) ? "" : "failed: ", run->error);
        return;
    }
    fprintf(out, "%9s %9s %9s %11.0f", bench_duration(s.figures.p50_ns, p50),
            bench_duration(s.figures.p99_ns, p99),
            bench_duration(s.figures.p999_ns, p999), s.figures.ops_per_s);
    print_ratio(s.floor_ratio, out);
    print_ratio(s.tail_ratio, out);
    if (s.rounds_used * 2 < (size_t)rounds) {
        fprintf(out, "  (only %zu of %d rounds were quiet)", s.rounds_used,
                rounds);
    }
    fputc('\n', out);
}

static void print_places(const bench_plan *plan, const bench_case *c, FILE *out)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        if (plan->runs[i].c == c) {
            print_run(&plan->runs[i], plan->rounds, out);
        }
    }
}

void bench_report_text(const bench_plan *plan, FILE *out)
{
    struct utsname name;
    memset(&name, 0, sizeof name);
    uname(&name);
    fprintf(out, "%s %s, %s; apart: CPUs %d and %d; %d rounds of %.0f ms\n\n",
            name.sysname, name.release, name.machine, bench_cpu(0),
            bench_cpu(1), plan->rounds, (double)plan->budget_ns / 1e6);
    fprintf(out, "%-32s %8s  %-8s %9s %9s %9s %11s %8s %8s\n", "case",
            "payload", "place", "p50", "p99", "p99.9", "calls/s", "x floor",
            "x p99.9");
    for (size_t s = 0; s < bench_suite_count; s++) {
        for (size_t i = 0; i < bench_suites[s]->count; i++) {
            print_places(plan, &bench_suites[s]->cases[i], out);
        }
    }
    bench_contests_text(plan, out);
}

/* Prints a JSON string. Messages hold no control characters, but may hold
 * quotes. */
static void print_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
    fputc('"', out);
}

void bench_report_json(const bench_plan *plan, FILE *out)
{
    for (size_t i = 0; i < plan->run_count; i++) {
        const bench_run *const run = &plan->runs[i];
        const char *const place = bench_place_name(run->place);
        bench_summary s;
        fprintf(out, "{\"case\": \"%s/%s\", \"payload\": %zu", run->c->name,
                place, run->c->payload);
        if (bench_summarise(run, &s)) {
            fprintf(out,
                    ", \"p50_ns\": %.1f, \"p99_ns\": %.1f, \"p999_ns\": %.1f"
                    ", \"ops_per_s\": %.0f",
                    s.figures.p50_ns, s.figures.p99_ns, s.figures.p999_ns,
                    s.figures.ops_per_s);
            if (s.floor_ratio > 0) {
                fprintf(out, ", \"floor_ratio\": %.3f, \"tail_ratio\": %.3f",
                        s.floor_ratio, s.tail_ratio);
            }
            bench_contests_json(plan, run, out);
            fprintf(out,
                    ", \"place\": \"%s\", \"rounds_used\": %zu"
                    ", \"rounds\": %d}\n",
                    place, s.rounds_used, plan->rounds);
        } else {
            fprintf(out, ", \"place\": \"%s\", \"error\": ", place);
            print_string(run->error, out);
            fputs("}\n", out);
        }
    }
}
