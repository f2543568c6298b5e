/* shmrpc-bench: parses options, makes the plan, runs it, reports. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "clock.h"
#include "duo.h"
#include "plan.h"
#include "plot.h"
#include "report.h"

typedef struct options {
    const char *only;
    const char *json;
    const char *svg;
    bool quick;
    bool busy;
    bool list;
} options;

static const char usage[] =
    "usage: shmrpc-bench [options]\n"
    "\n"
    "Times calls through shared memory and compares them with the least that\n"
    "they could cost on this machine (the floor), with both processes pinned\n"
    "to two CPUs, pinned to one, and free; and compares the codecs with those\n"
    "of others. bench/README.md describes each measurement.\n"
    "\n"
    "  --quick        fewer, shorter rounds: seconds instead of minutes\n"
    "  --only REGEX   the cases whose \"case/place\" matches, such as\n"
    "                 'shmrpc.*/apart'; floors are measured as needed\n"
    "  --busy         with a busy loop on each CPU meanwhile, floors too\n"
    "  --json FILE    also write a JSON object for each case to FILE\n"
    "  --svg FILE     also draw charts that compare calls\n"
    "  --list         print the cases and what they are\n"
    "  --help, --version\n";

/* Returns -1 if the program should go on, else the exit status. */
static int parse(int argc, char **argv, options *o)
{
    static const struct option known[] = {
        {"quick", no_argument, NULL, 'q'},
        {"busy", no_argument, NULL, 'b'},
        {"only", required_argument, NULL, 'o'},
        {"json", required_argument, NULL, 'j'},
        {"svg", required_argument, NULL, 's'},
        {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'q':
            o->quick = true;
            break;
        case 'b':
            o->busy = true;
            break;
        case 'o':
            o->only = optarg;
            break;
        case 'j':
            o->json = optarg;
            break;
        case 's':
            o->svg = optarg;
            break;
        case 'l':
            o->list = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'v':
            puts("shmrpc-bench " BENCH_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "shmrpc-bench: unexpected argument '%s'\n%s",
                argv[optind], usage);
        return 2;
    }
    return -1;
}

static void list_cases(void)
{
    for (size_t s = 0; s < bench_suite_count; s++) {
        for (size_t i = 0; i < bench_suites[s]->count; i++) {
            const bench_case *const c = &bench_suites[s]->cases[i];
            printf("%-32s %8zu  %s\n", c->name, c->payload, c->about);
        }
    }
}

static void show_progress(void *user, int round, const bench_run *run)
{
    const int rounds = *(const int *)user;
    fprintf(stderr, "\rround %d of %d  %-32s %-9s", round + 1, rounds,
            run->c->name, bench_place_name(run->place));
}

static bool write_file(const bench_plan *plan, const char *path,
                       bool (*write)(const bench_plan *plan, FILE *out))
{
    FILE *const file = fopen(path, "w");
    bool ok = file != NULL;
    if (ok) {
        const bool written = write(plan, file);
        ok = !ferror(file);
        ok = fclose(file) == 0 && ok;
        if (ok && !written) {
            fprintf(stderr, "shmrpc-bench: nothing to draw in %s\n", path);
            return false;
        }
    }
    if (!ok) {
        fprintf(stderr, "shmrpc-bench: cannot write %s: %s\n", path,
                strerror(errno));
    }
    return ok;
}

static bool write_json(const bench_plan *plan, FILE *out)
{
    bench_report_json(plan, out);
    return true;
}

static int count_failed(const bench_plan *plan)
{
    int failed = 0;
    for (size_t i = 0; i < plan->run_count; i++) {
        const bench_run *const run = &plan->runs[i];
        failed += run->error[0] != '\0' && !bench_is_missing(run) ? 1 : 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    options o = {0};
    bench_plan plan = {0};
    char error[BENCH_ERROR_BYTES];
    const int status = parse(argc, argv, &o);
    if (status >= 0) {
        return status;
    }
    if (o.list) {
        list_cases();
        return 0;
    }
    bench_cpus_init();
    bench_clock_init();
    if (!bench_plan_make(&plan, o.only, error)) {
        fprintf(stderr, "shmrpc-bench: --only: %s\n", error);
        return 2;
    }
    /* Our services listen in a folder of this run, since killed servers leave
     * their sockets behind. */
    char folder[BENCH_FOLDER_BYTES];
    bench_folder_make(folder);
    (void)setenv("SHMRPC_DIR", folder, 1);
    plan.rounds = o.quick ? 3 : 9;
    plan.budget_ns = o.quick ? 30000000 : 60000000;
    const bool tty = isatty(STDERR_FILENO) == 1;
    if (o.busy) {
        bench_busy_begin();
    }
    bench_plan_run(&plan, tty ? show_progress : NULL, &plan.rounds);
    bench_busy_end();
    if (tty) {
        fprintf(stderr, "\r%-70s\r", "");
    }
    bench_folder_remove(folder);
    bench_report_text(&plan, stdout);
    bool written = o.json == NULL || write_file(&plan, o.json, write_json);
    written =
        (o.svg == NULL || write_file(&plan, o.svg, bench_plot)) && written;
    const int failed = count_failed(&plan);
    bench_plan_fini(&plan);
    return written && failed == 0 ? 0 : 1;
}
