/*
 * A service that is sampled repeatedly.
 *
 * Keeps two snapshots of the service's counters and the samples of its
 * processes, so that each sample yields the difference from the one before.
 */
#include <stdlib.h>

#include "tools/shmrpc/figures.h"

/* May be called again after close. */
int cli_watched_open(cli_watched *w, int64_t timeout_ns, shmrpc_error *error)
{
    const shmrpc_opts opts = {.timeout_ns = timeout_ns};
    return shmrpc_stats_open(w->where, w->port, &opts, &w->stats, error);
}

/* CPUs in use since the previous sample, or, in the first sample of a process,
 * since its worker started. Returns -1 for another user's process. */
static double cpu_of(const tool_samples *all, const tool_sample *it,
                     int64_t started_ns)
{
    int64_t span_ns = it->is_new ? it->now.taken_ns - started_ns : all->span_ns;
    if (it->cpu_ns < 0) {
        return -1;
    }
    return span_ns > 0 ? (double)it->cpu_ns / (double)span_ns : 0;
}

/* The resources of the worker's process. If several workers share a process,
 * each is shown with the figures of the whole process. */
static cli_usage usage_of(const tool_samples *all,
                          const shmrpc_worker_stats *worker)
{
    static const cli_usage unknown = {-1, -1, -1, -1};
    const tool_sample *it =
        worker->has_left ? NULL : tool_samples_find(all, worker->pid);
    return it == NULL ? unknown
                      : (cli_usage){.cpu = cpu_of(all, it, worker->started_ns),
                                    .pss_bytes = it->now.pss_bytes,
                                    .threads = it->now.threads,
                                    .descriptors = it->now.descriptors};
}

/* Samples the processes of all workers. If memory runs out their figures are
 * unknown, and only the counters are shown. */
static void look_at_processes(cli_watched *w)
{
    uint32_t count = shmrpc_snapshot_service(w->now)->worker_count;
    int32_t *pids = calloc((size_t)count + 1, sizeof *pids);
    size_t known = 0;
    for (uint32_t i = 0; pids != NULL && i < count; i++) {
        const shmrpc_worker_stats *worker = shmrpc_snapshot_worker(w->now, i);
        if (!worker->has_left) {
            pids[known++] = worker->pid;
        }
    }
    tool_samples_take(&w->processes, pids, known);
    free(pids);
    free(w->usages);
    w->usages = calloc((size_t)count + 1, sizeof *w->usages);
    for (uint32_t i = 0; w->usages != NULL && i < count; i++) {
        w->usages[i] =
            usage_of(&w->processes, shmrpc_snapshot_worker(w->now, i));
    }
}

/* On failure the previous sample stays, because it is freed only when there is
 * a new one. */
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

/* Drops both samples. After another open the next sample counts as the
 * first. */
void cli_watched_close(cli_watched *w)
{
    shmrpc_snapshot_free(w->before);
    shmrpc_snapshot_free(w->now);
    shmrpc_snapshot_free(w->between);
    shmrpc_stats_close(w->stats);
    tool_samples_forget(&w->processes);
    free(w->usages);
    w->before = w->now = w->between = NULL;
    w->stats = NULL;
    w->usages = NULL;
}
