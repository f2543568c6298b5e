/* A service that is looked at now and then. */
#include <stdlib.h>

#include "observe/process.h"
#include "os/clock.h"
#include "tools/shmrpc/figures.h"

/* A worker's process at the look before. */
typedef struct cli_process {
    int32_t pid;
    shmrpci_process_figures figures;
} cli_process;

int cli_watched_open(cli_watched *w, int64_t timeout_ns, shmrpc_error *error)
{
    const shmrpc_opts opts = {.timeout_ns = timeout_ns};
    return shmrpc_stats_open(w->where, w->port, &opts, &w->stats, error);
}

static const cli_process *find_process(const cli_watched *w, int32_t pid,
                                       uint64_t began)
{
    for (uint32_t i = 0; i < w->process_count; i++) {
        if (w->processes[i].pid == pid &&
            w->processes[i].figures.began == began) {
            return &w->processes[i];
        }
    }
    return NULL;
}

/* Without a look before: since it began, as far as that is known. */
static double cpu_of(const shmrpci_process_figures *now,
                     const cli_process *before, int64_t started_ns)
{
    int64_t cpu_ns = now->cpu_ns;
    int64_t span_ns = now->taken_ns - started_ns;
    if (now->cpu_ns < 0) {
        return -1;
    }
    if (before != NULL) {
        cpu_ns -= before->figures.cpu_ns;
        span_ns = now->taken_ns - before->figures.taken_ns;
    }
    return span_ns > 0 ? (double)cpu_ns / (double)span_ns : 0;
}

static const cli_usage unknown = {-1, -1, -1, -1};

/* Workers of one process, with several threads, share a process. */
static cli_usage usage_of(const cli_watched *w,
                          const shmrpc_worker_stats *worker, cli_process *out)
{
    const shmrpci_process_figures *figures = &out->figures;
    if (worker->has_left ||
        shmrpci_process_read(worker->pid, &out->figures) != SHMRPC_OK) {
        return unknown;
    }
    out->pid = worker->pid;
    return (cli_usage){.cpu = cpu_of(figures,
                                     find_process(w, out->pid, figures->began),
                                     worker->started_ns),
                       .pss_bytes = figures->pss_bytes,
                       .threads = figures->threads,
                       .descriptors = figures->descriptors};
}

/* Without memory nothing is known of them. */
static void look_at_processes(cli_watched *w)
{
    uint32_t count = shmrpc_snapshot_service(w->now)->worker_count;
    cli_process *processes = calloc((size_t)count + 1, sizeof *processes);
    cli_usage *usages = calloc((size_t)count + 1, sizeof *usages);
    for (uint32_t i = 0; processes != NULL && usages != NULL && i < count;
         i++) {
        usages[i] =
            usage_of(w, shmrpc_snapshot_worker(w->now, i), &processes[i]);
    }
    free(w->processes);
    free(w->usages);
    w->processes = processes;
    w->process_count = processes != NULL ? count : 0;
    w->usages = usages;
}

int cli_watched_look(cli_watched *w, shmrpc_error *error)
{
    shmrpc_snapshot *now;
    if (!shmrpc_stats_is_alive(w->stats)) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE, "it has ended");
    }
    int status = shmrpc_stats_read(w->stats, &now, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpc_snapshot_free(w->before);
    shmrpc_snapshot_free(w->between);
    w->before = w->now;
    w->now = now;
    w->between = NULL;
    if (w->before != NULL) {
        status = shmrpc_snapshot_since(w->now, w->before, &w->between, error);
    }
    look_at_processes(w);
    return status;
}

void cli_watched_close(cli_watched *w)
{
    shmrpc_snapshot_free(w->before);
    shmrpc_snapshot_free(w->now);
    shmrpc_snapshot_free(w->between);
    shmrpc_stats_close(w->stats);
    free(w->processes);
    free(w->usages);
    w->before = w->now = w->between = NULL;
    w->stats = NULL;
    w->processes = NULL;
    w->usages = NULL;
    w->process_count = 0;
}
