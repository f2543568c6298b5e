/*
 * The command bench: calls one method repeatedly, from one or more threads.
 *
 * All threads share one client, as the threads of a program would. The command
 * measures how long a caller waits: each thread makes one blocking call at a
 * time. It does not measure the service's maximal throughput.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/histogram.h"
#include "os/clock.h"
#include "os/thread.h"
#include "tools/shmrpc/command.h"
#include "tools/shmrpc/invocation.h"

#define MAX_THREADS 64u

/* Calls made before measuring begins: they touch memory, and both sides adapt
 * how long they spin. */
#define WARM_UP_CALLS 100u

/* The interval of progress reports on a terminal. */
#define PROGRESS_NS (SHMRPCI_NS_PER_S / 4)

const struct option cli_bench_options[] = {
    {"at", required_argument, NULL, 'a'},
    {"deadline", required_argument, NULL, 'd'},
    {"seconds", required_argument, NULL, 's'},
    {"calls", required_argument, NULL, 'n'},
    {"threads", required_argument, NULL, 'T'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

typedef struct bench_opts { /* the command line */
    cli_invocation_opts in;
    int64_t duration_ns; /* how long to call */
    uint64_t calls;      /* calls to make; 0: as many as fit into the time */
    uint64_t threads;    /* threads that call at the same time */
    bool json;           /* print JSON instead of two lines of text */
} bench_opts;

static void print_help(void *user)
{
    (void)user;
    fputs(
        "usage: shmrpc bench [OPTION...] SERVICE METHOD [ARGUMENT...]\n"
        "\n"
        "Calls a method over and over with the same arguments (as `shmrpc\n"
        "call`) and prints the calls per second and how long they took. The\n"
        "service does its work each time.\n"
        "\n"
        "  -s, --seconds=TIME   how long: 2s (the default), 500ms\n"
        "  -n, --calls=COUNT    number of calls in all, instead of a time\n"
        "  -T, --threads=COUNT  threads that call at once (default 1,\n"
        "                       at most 64)\n"
        "  -a, --at=ADDRESSES   where the service is, as in shm://@two\n"
        "  -d, --deadline=TIME  of each call\n"
        "  -j, --json           print one JSON object\n"
        "  -h, --help           print this\n"
        "      --version        print the version\n",
        stdout);
}

/* ---- times ---- */

/* The histogram's precision: a bucket is at most 1/64 of its times wide. */
#define BITS SHMRPCI_HISTOGRAM_MAX_BITS

/* The times of calls. Each thread fills its own; they are added at the end. */
typedef struct times {
    uint64_t counts[SHMRPCI_HISTOGRAM_BUCKETS(BITS)]; /* calls by time */
    uint64_t count;                                   /* number of calls */
    uint64_t min_ns;                                  /* 0: no calls */
    uint64_t max_ns;                                  /* 0: no calls */
    double sum_ns;                                    /* for the mean */
} times;

/* Only counts, and allocates no memory, since it runs between two calls. */
static void note_time(times *t, uint64_t ns)
{
    t->counts[shmrpci_histogram_bucket(ns, BITS)]++;
    t->min_ns = t->count == 0 || ns < t->min_ns ? ns : t->min_ns;
    t->max_ns = ns > t->max_ns ? ns : t->max_ns;
    t->sum_ns += (double)ns;
    t->count++;
}

/* Adds histograms bucket by bucket, so that percentiles of the sum are as exact
 * as those of the parts; averaging percentiles would be wrong. */
static void add_times(times *sum, const times *part)
{
    if (part->count == 0) {
        return;
    }
    for (uint32_t i = 0; i < SHMRPCI_HISTOGRAM_BUCKETS(BITS); i++) {
        sum->counts[i] += part->counts[i];
    }
    if (sum->count == 0 || part->min_ns < sum->min_ns) {
        sum->min_ns = part->min_ns;
    }
    sum->max_ns = part->max_ns > sum->max_ns ? part->max_ns : sum->max_ns;
    sum->sum_ns += part->sum_ns;
    sum->count += part->count;
}

/* The middle of the bucket that the percentile falls into, limited to the range
 * between the shortest and the longest measured time. */
static uint64_t percentile(const times *t, double fraction)
{
    uint64_t ns = shmrpci_histogram_percentile(t->counts, BITS, fraction);
    ns = ns > t->min_ns ? ns : t->min_ns;
    return ns < t->max_ns ? ns : t->max_ns;
}

/* ---- a thread ---- */

/* The state of one thread. Until the thread is joined, only it writes here. */
typedef struct worker {
    shmrpci_thread thread;
    bool started;       /* has a thread to join; the first worker runs on the
                         * main thread */
    cli_invocation *in; /* shared by all workers */
    int64_t end_ns;     /* no call begins after this time */
    uint64_t calls;     /* maximum number of calls */
    bool tells;         /* prints progress */
    int64_t begin_ns;   /* when its first call began */
    int64_t done_ns;    /* when its last call ended */
    int status;         /* status of the call that ended the worker early */
    shmrpc_error error; /* error of that call */
    times times;        /* times of its calls that ended in OK */
} worker;

/* Shows the rate and progress of the first worker only, since the others'
 * counts are private to them. Overwrites its line, which is erased at the
 * end. */
static void show_progress(const worker *w, int64_t now_ns)
{
    double passed = (double)(now_ns - w->begin_ns);
    double whole = (double)(w->end_ns - w->begin_ns);
    double part = (double)w->times.count / (double)w->calls;
    part = passed / whole > part ? passed / whole : part;
    fprintf(stderr, "\r%3.0f %%  %.0f calls/s\033[K",
            part < 1 ? part * 100 : 100,
            (double)w->times.count / (passed / 1e9));
    (void)fflush(stderr);
}

/* The end of a call is the beginning of the next, so the clock is read once for
 * each call; the time that printing takes is not counted. */
static void run_worker(void *user)
{
    worker *w = user;
    const void *reply;
    w->begin_ns = shmrpci_now_ns();
    int64_t now_ns = w->begin_ns;
    int64_t told_ns = now_ns;
    while (now_ns < w->end_ns && w->times.count < w->calls) {
        w->status = cli_invocation_call(w->in, &reply, &w->error);
        shmrpc_stub_release(reply);
        if (w->status != SHMRPC_OK) {
            break;
        }
        int64_t after_ns = shmrpci_now_ns();
        note_time(&w->times, (uint64_t)(after_ns - now_ns));
        now_ns = after_ns;
        if (w->tells && now_ns - told_ns >= PROGRESS_NS) {
            show_progress(w, now_ns);
            told_ns = now_ns;
            now_ns = shmrpci_now_ns();
        }
    }
    w->done_ns = shmrpci_now_ns();
}

/* ---- the report ---- */

/* The columns of the report; `key` is the column's member in JSON. */
static const struct {
    const char *name; /* for people */
    const char *key;
    double fraction; /* fraction of the calls */
} quantiles[] = {
    {"p50", "p50_ns", 0.5},
    {"p90", "p90_ns", 0.9},
    {"p99", "p99_ns", 0.99},
    {"p99.9", "p999_ns", 0.999},
};

#define QUANTILES (sizeof quantiles / sizeof *quantiles)

/* Two lines that are short enough to be pasted into a table. */
static void append_text(shmrpci_buf *out, const times *t, double rate)
{
    shmrpci_buf_printf(out, "%llu calls, %.0f a second\n",
                       (unsigned long long)t->count, rate);
    shmrpci_buf_append_text(out, "min ");
    cli_append_time(out, (double)t->min_ns);
    for (size_t i = 0; i < QUANTILES; i++) {
        shmrpci_buf_printf(out, "  %s ", quantiles[i].name);
        cli_append_time(out, (double)percentile(t, quantiles[i].fraction));
    }
    shmrpci_buf_append_text(out, "  max ");
    cli_append_time(out, (double)t->max_ns);
    shmrpci_buf_append_text(out, "  mean ");
    cli_append_time(out, t->sum_ns / (double)t->count);
}

/* Times are whole nanoseconds: programs need a fixed unit. */
static void append_json(shmrpci_buf *out, const bench_opts *opts,
                        const times *t, double rate)
{
    shmrpci_buf_printf(out,
                       "{\"calls\":%llu,\"threads\":%llu,"
                       "\"calls_per_second\":%.0f,\"min_ns\":%llu",
                       (unsigned long long)t->count,
                       (unsigned long long)opts->threads, rate,
                       (unsigned long long)t->min_ns);
    for (size_t i = 0; i < QUANTILES; i++) {
        shmrpci_json_key(out, quantiles[i].key);
        shmrpci_buf_printf(
            out, "%llu",
            (unsigned long long)percentile(t, quantiles[i].fraction));
    }
    shmrpci_buf_printf(out, ",\"max_ns\":%llu,\"mean_ns\":%.0f}",
                       (unsigned long long)t->max_ns,
                       t->sum_ns / (double)t->count);
}

/* The rate is calls per second of wall clock time, from the start of the first
 * worker to the end of the last one. */
static void report(const bench_opts *opts, const times *t, int64_t wall_ns)
{
    double rate = (double)t->count / ((double)wall_ns / 1e9);
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    if (opts->json) {
        append_json(&out, opts, t, rate);
    } else {
        append_text(&out, t, rate);
    }
    cli_print_line(&out);
    shmrpci_buf_fini(&out);
}

/* ---- running ---- */

/* Makes calls that are not measured: they touch memory, and both sides adapt
 * how long they spin. It takes a second at most, and makes a single call if the
 * bench has few calls. */
static int warm_up(cli_invocation *in, uint64_t calls, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    const void *reply;
    uint64_t count = calls > WARM_UP_CALLS ? WARM_UP_CALLS : 1;
    int64_t end_ns = shmrpci_now_ns() + SHMRPCI_NS_PER_S;
    for (uint64_t i = 0;
         i < count && status == SHMRPC_OK && shmrpci_now_ns() < end_ns; i++) {
        status = cli_invocation_call(in, &reply, error);
        shmrpc_stub_release(reply);
    }
    return status;
}

/* Either the time or the number of calls is limited. The main thread is the
 * first worker, so that a bench with one thread starts no other. */
static void start_all(worker *workers, const bench_opts *opts,
                      cli_invocation *in)
{
    int64_t end_ns = shmrpci_now_ns() + opts->duration_ns;
    uint64_t calls = opts->calls != 0 ? opts->calls : UINT64_MAX;
    for (uint64_t i = 0; i < opts->threads; i++) {
        worker *w = &workers[i];
        w->in = in;
        w->end_ns = opts->calls != 0 ? INT64_MAX : end_ns;
        w->calls = opts->calls != 0 ? calls / opts->threads +
                                          (i < calls % opts->threads ? 1u : 0u)
                                    : calls;
        w->tells = i == 0 && !opts->json && cli_err_is_terminal();
    }
    for (uint64_t i = 1; i < opts->threads; i++) {
        worker *w = &workers[i];
        int status = shmrpci_thread_create(&w->thread, "bench", run_worker, w);
        w->started = status == SHMRPC_OK;
        if (!w->started) {
            w->status = shmrpc_error_set(&w->error, status, "no more threads");
        }
    }
    run_worker(&workers[0]);
}

/* The message names the method, because a script may bench several. */
static cli_exit fail_call(const cli_invocation *in, int status,
                          const shmrpc_error *error)
{
    char what[256];
    (void)snprintf(what, sizeof what, "%.63s.%.128s", in->service.tables->name,
                   in->method->name);
    return cli_fail_error(cli_exit_of_call(status), what, error);
}

/* A failed call ends its worker only. What the other workers measured is still
 * reported, and the exit status is that of the failure. */
static cli_exit measure(const bench_opts *opts, cli_invocation *in,
                        worker *workers, times *sum)
{
    cli_exit result = CLI_OK;
    int64_t begin_ns = shmrpci_now_ns();
    int64_t done_ns = begin_ns;
    start_all(workers, opts, in);
    for (uint64_t i = 0; i < opts->threads; i++) {
        worker *w = &workers[i];
        if (w->started) {
            shmrpci_thread_join(&w->thread);
        }
        add_times(sum, &w->times);
        done_ns = w->done_ns > done_ns ? w->done_ns : done_ns;
        if (w->status != SHMRPC_OK && result == CLI_OK) {
            result = fail_call(in, w->status, &w->error);
        }
    }
    if (workers[0].tells) {
        fputs("\r\033[K", stderr);
    }
    if (sum->count > 0) {
        report(opts, sum, done_ns - begin_ns);
    }
    return result;
}

/* The histograms are large and go on the heap. `in` must be closed even if
 * opening it fails. */
static cli_exit bench(const bench_opts *opts)
{
    cli_invocation in;
    shmrpc_error error;
    worker *workers = calloc(opts->threads, sizeof *workers);
    times *sum = calloc(1, sizeof *sum);
    cli_exit result = cli_invocation_open(&in, &opts->in);
    if (workers == NULL || sum == NULL) {
        fputs("shmrpc: out of memory\n", stderr);
        result = CLI_TROUBLE;
    }
    if (result == CLI_OK) {
        int status = warm_up(&in, opts->calls, &error);
        result = status == SHMRPC_OK ? measure(opts, &in, workers, sum)
                                     : fail_call(&in, status, &error);
    }
    cli_invocation_close(&in);
    free(sum);
    free(workers);
    return result;
}

/* ---- the command line ---- */

/* If both --seconds and --calls are given, the number of calls decides. */
static cli_exit take(void *user, int option, shmrpci_buf *message)
{
    bench_opts *opts = user;
    switch (option) {
    case 'a':
        opts->in.at = optarg;
        return CLI_OK;
    case 'd':
        return cli_read_duration(optarg, &opts->in.timeout_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "deadline",
                                   "a time like 250ms or 2s");
    case 's':
        return cli_read_duration(optarg, &opts->duration_ns)
                   ? CLI_OK
                   : cli_bad_value(message, "seconds",
                                   "a time like 500ms or 2s");
    case 'n':
        return cli_read_count(optarg, 1000000000000, &opts->calls)
                   ? CLI_OK
                   : cli_bad_value(message, "calls", "a number above 0");
    case 'T':
        return cli_read_count(optarg, MAX_THREADS, &opts->threads)
                   ? CLI_OK
                   : cli_bad_value(message, "threads", "1 to 64");
    case 'j':
        opts->json = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

/* The operands are the same as those of `call`, so that a call can be benched
 * by changing one word. */
static cli_exit run(void *user, const cli_line *line, shmrpci_buf *message)
{
    bench_opts *opts = user;
    cli_exit result = cli_invocation_read(line, &opts->in, message);
    return result == CLI_OK ? bench(opts) : result;
}

cli_exit cli_bench(int argc, char **argv)
{
    bench_opts opts = {.duration_ns = 2 * SHMRPCI_NS_PER_S, .threads = 1};
    const cli_syntax syntax = {cli_bench_options, true, print_help, take, run};
    return cli_run(argc, argv, &syntax, &opts);
}
