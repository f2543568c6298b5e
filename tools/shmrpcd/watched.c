/* Samples a service, and names its series in the store. */
#include "tools/shmrpcd/watched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "shmrpc/discover.h"

/* The timeout for opening a service's statistics. If it doesn't answer, it is
 * asked again at the next sample. */
#define ASK_NS SHMRPCI_NS_PER_S

void mgr_watched_forget_stats(mgr_watched *w)
{
    shmrpc_snapshot_free(w->last);
    shmrpc_stats_close(w->stats);
    w->last = NULL;
    w->stats = NULL;
}

/* ---- writing --------------------------------------------------------- */

/* Names of figures and subjects are part of the interface: manager.svc lists
 * them, and the page asks for them. */
static void add(mgr_figures *f, const mgr_watched *w, const char *subject,
                const char *figure, double value)
{
    const shmrpci_series series = {w->name, subject, figure};
    /* A failure is reported when the store is flushed. */
    (void)shmrpci_store_add(f->store, &series, f->now_s, value, NULL);
}

static void add_known(mgr_figures *f, const mgr_watched *w, const char *subject,
                      const char *figure, int64_t value)
{
    if (value >= 0) { /* negative means invisible */
        add(f, w, subject, figure, (double)value);
    }
}

/* ---- events ---------------------------------------------------------- */

/* Adds a figure only if there were events, so that its series stays short. */
static void add_events(mgr_figures *f, const mgr_watched *w, const char *figure,
                       uint64_t count)
{
    if (count > 0) {
        add(f, w, "", figure, (double)count);
    }
}

/* Adds the events since the last sample. The first start of a service is not a
 * restart. */
void mgr_look_at_events(mgr_figures *f, mgr_watched *w)
{
    uint32_t first = w->starts_told == 0 && w->starts > 0 ? 1 : 0;
    add_events(f, w, "restarts", w->starts - w->starts_told - first);
    add_events(f, w, "crashes", w->deaths - w->deaths_told);
    w->starts_told = w->starts;
    w->deaths_told = w->deaths;
}

/* ---- processes ------------------------------------------------------- */

/* Adds the resources of a process, or of a whole service, used within `ns`,
 * which is 0 the first time. Counters of /proc that we may not read, such as
 * those of other users' processes, are -1. */
static void add_process(mgr_figures *f, const mgr_watched *w,
                        const char *subject, const tool_sample *it, int64_t ns)
{
    add_known(f, w, subject, "pss_bytes", it->now.pss_bytes);
    add_known(f, w, subject, "threads", it->now.threads);
    add_known(f, w, subject, "descriptors", it->now.descriptors);
    if (ns > 0) {
        double seconds = (double)ns / (double)SHMRPCI_NS_PER_S;
        if (it->cpu_ns >= 0) {
            add(f, w, subject, "cpu", (double)it->cpu_ns / (double)ns);
        }
        if (it->read_bytes >= 0 && it->write_bytes >= 0) {
            add(f, w, subject, "read_bytes_per_s",
                (double)it->read_bytes / seconds);
            add(f, w, subject, "write_bytes_per_s",
                (double)it->write_bytes / seconds);
        }
    }
}

/* Writes "worker 3" if the process is a worker. */
static bool name_worker(const mgr_watched *w, int32_t pid, char out[32])
{
    const shmrpc_worker_stats *at;
    for (uint32_t i = 0;
         w->last != NULL && (at = shmrpc_snapshot_worker(w->last, i)) != NULL;
         i++) {
        if (at->pid == pid && !at->has_left) {
            (void)snprintf(out, 32, "worker %u", at->place);
            return true;
        }
    }
    return false;
}

/* A service's processes are found by their session: all processes that it
 * starts stay in the session, even if they have a process group of their own.
 * Workers are also sampled one by one. */
void mgr_look_at_processes(mgr_figures *f, mgr_watched *w)
{
    char subject[32];
    const tool_samples *all = &w->processes;
    int32_t *pids = calloc(f->member_count + 1, sizeof *pids);
    size_t count = 0;
    for (size_t i = 0; pids != NULL && i < f->member_count; i++) {
        if (f->members[i].session == w->pid) {
            pids[count++] = f->members[i].pid;
        }
    }
    tool_samples_take(&w->processes, pids, count);
    free(pids);
    for (size_t i = 0; i < all->count; i++) {
        if (name_worker(w, all->items[i].pid, subject)) {
            add_process(f, w, subject, &all->items[i], all->span_ns);
        }
    }
    if (all->count > 0) {
        tool_sample sum = tool_samples_sum(all);
        add(f, w, "", "processes", (double)all->count);
        add_process(f, w, "", &sum, all->span_ns);
    }
}

/* ---- calls ----------------------------------------------------------- */

/* A search for the port of the service with this name. */
typedef struct search {
    const char *name; /* "echo_serv@two" */
    uint16_t port;
} search;

static void on_found(void *user, const shmrpc_found *found)
{
    search *s = user;
    char name[192];
    (void)snprintf(name, sizeof name, "%s%s%s", found->name,
                   found->instance[0] != '\0' ? "@" : "", found->instance);
    if (s->port == 0 && strcmp(name, s->name) == 0) {
        s->port = found->port;
    }
}

/* Only works over shared memory. The port comes from discovery, because the
 * address doesn't contain it. After a failure the next sample tries
 * again. */
static void open_stats(mgr_watched *w)
{
    static const char shm[] = "shm://";
    const shmrpc_opts opts = {.timeout_ns = ASK_NS};
    search s = {w->address + sizeof shm - 1, 0};
    if (strncmp(w->address, shm, sizeof shm - 1) == 0 &&
        shmrpc_discover(NULL, on_found, &s) == SHMRPC_OK && s.port != 0 &&
        shmrpc_stats_open(w->address, s.port, &opts, &w->stats, NULL) !=
            SHMRPC_OK) {
        w->stats = NULL;
    }
}

/* Adds a figure such as "error DEADLINE" for each status in which a call of the
 * server has ever ended. */
static void add_errors(mgr_figures *f, const mgr_watched *w,
                       const shmrpc_snapshot *now,
                       const shmrpc_snapshot *between, double seconds)
{
    static const int statuses[] = {
#define X(name, number, connect, http, may_have_run, text) number,
        SHMRPC_STATUS_LIST(X)
#undef X
            SHMRPC_DECLARED_ERROR_MIN
    };
    char subject[48];
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (shmrpc_snapshot_errors(now, SHMRPC_STATS_ALL, statuses[i]) > 0) {
            (void)snprintf(subject, sizeof subject, "error %s",
                           shmrpc_status_name(statuses[i]));
            add(f, w, subject, "errors_per_s",
                (double)shmrpc_snapshot_errors(between, SHMRPC_STATS_ALL,
                                               statuses[i]) /
                    seconds);
        }
    }
}

/* Rates refer to the time between two snapshots, which differs a little from
 * the time between two samples. If there were no calls, percentiles are left
 * out instead of being 0. */
static void add_calls(mgr_figures *f, const mgr_watched *w,
                      const shmrpc_snapshot *now,
                      const shmrpc_snapshot *between)
{
    const shmrpc_method_stats *calls =
        shmrpc_snapshot_method(between, SHMRPC_STATS_ALL);
    double seconds = (double)shmrpc_snapshot_service(between)->uptime_ns / 1e9;
    if (calls == NULL || seconds <= 0) {
        return;
    }
    add(f, w, "", "calls_per_s", (double)calls->calls / seconds);
    add(f, w, "", "errors_per_s", (double)calls->errors / seconds);
    add_errors(f, w, now, between, seconds);
    add_events(f, w, "crashes", shmrpc_snapshot_service(between)->crashes);
    if (calls->service.count > 0) {
        add(f, w, "", "p50_us", (double)calls->service.p50_ns / 1e3);
        add(f, w, "", "p99_us", (double)calls->service.p99_ns / 1e3);
        add(f, w, "", "queue_p99_us", (double)calls->queue.p99_ns / 1e3);
    }
}

/* The first snapshot of a server only begins the first interval. After a
 * restart the counters begin at 0, so they are opened again. */
void mgr_look_at_calls(mgr_figures *f, mgr_watched *w)
{
    shmrpc_snapshot *now;
    shmrpc_snapshot *between;
    if (w->stats != NULL && !shmrpc_stats_is_alive(w->stats)) {
        mgr_watched_forget_stats(w);
    }
    if (w->stats == NULL) {
        open_stats(w);
    }
    if (w->stats == NULL ||
        shmrpc_stats_read(w->stats, &now, NULL) != SHMRPC_OK) {
        return;
    }
    if (w->last != NULL &&
        shmrpc_snapshot_since(now, w->last, &between, NULL) == SHMRPC_OK) {
        add_calls(f, w, now, between);
        shmrpc_snapshot_free(between);
    }
    shmrpc_snapshot_free(w->last);
    w->last = now;
}
