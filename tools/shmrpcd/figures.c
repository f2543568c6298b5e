/* The schedule on which services are sampled, and the files that keep the
 * figures. */
#include "tools/shmrpcd/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/folder.h"
#include "os/program.h"
#include "tools/shmrpcd/watched.h"

#define LOOK_NS (5 * SHMRPCI_NS_PER_S)
/* A new service is sampled again after this time, because rates need two
 * samples. So are all services for the first FIRST_LOOKS samples of the
 * manager. */
#define LOOK_NEW_NS SHMRPCI_NS_PER_S
#define FIRST_LOOKS 3u

/* ---- the list of services -------------------------------------------- */

static void watched_free(mgr_watched *w)
{
    shmrpc_snapshot_free(w->last);
    shmrpc_stats_close(w->stats);
    tool_samples_forget(&w->processes);
    free(w);
}

/* Finds the entry by name rather than by unit: a unit may be destroyed while
 * this thread works without the manager's lock. */
static mgr_watched *watched_of(mgr_figures *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->all[i]->name, name) == 0) {
            return f->all[i];
        }
    }
    mgr_watched **all = realloc(f->all, (f->count + 1) * sizeof *all);
    mgr_watched *w = calloc(1, sizeof *w);
    if (all != NULL) {
        f->all = all;
    }
    if (all == NULL || w == NULL) {
        free(w);
        return NULL;
    }
    (void)snprintf(w->name, sizeof w->name, "%s", name);
    f->all[f->count++] = w;
    return w;
}

/* Copies what this thread needs to know about a unit. Samples of an earlier
 * process are dropped, since the difference between counters of two processes
 * is meaningless. */
static void take_unit(mgr_figures *f, const mgr_unit *unit)
{
    mgr_watched *w = watched_of(f, unit->plan->name);
    if (w == NULL) {
        return;
    }
    bool runs = unit->run != NULL && unit->state == MGR_RUNNING;
    if (!runs || w->pid != unit->run->pid) {
        mgr_watched_forget_stats(w);
        tool_samples_forget(&w->processes);
    }
    w->pid = runs ? unit->run->pid : 0;
    w->is_there = true;
    w->starts = unit->starts;
    w->deaths = unit->deaths;
    (void)snprintf(w->address, sizeof w->address, "%.*s",
                   (int)strcspn(unit->addresses, ","), unit->addresses);
}

/* Brings our list up to date with the manager's. The manager's lock is held
 * only for copying, without access to disks or /proc. `path` gets the log_dir
 * of the first service that has one. */
static void list_units(mgr_figures *f, char *path, size_t size)
{
    mgr_manager *m = f->m;
    path[0] = '\0';
    for (size_t i = 0; i < f->count; i++) {
        f->all[i]->is_there = false;
    }
    shmrpci_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->unit_count; i++) {
        const mgr_unit *unit = m->units[i];
        if (unit->plan->log_dir != NULL && path[0] == '\0') {
            (void)snprintf(path, size, "%s/" MGR_FIGURES_FILE,
                           unit->plan->log_dir);
        }
        take_unit(f, unit);
    }
    shmrpci_mutex_unlock(&m->lock);
    /* Go from the end, because the last entry fills the gap of a removed
     * one. */
    for (size_t i = f->count; i-- > 0;) {
        if (!f->all[i]->is_there) {
            watched_free(f->all[i]);
            f->all[i] = f->all[--f->count];
        }
    }
}

/* If memory runs out, the remaining processes are missing in this sample. */
static void on_member(void *user, int32_t pid, int32_t session)
{
    mgr_figures *f = user;
    if (f->member_count == f->member_room) {
        size_t room = f->member_room == 0 ? 256 : 2 * f->member_room;
        mgr_member *members = realloc(f->members, room * sizeof *members);
        if (members == NULL) {
            return;
        }
        f->members = members;
        f->member_room = room;
    }
    f->members[f->member_count++] = (mgr_member){pid, session};
}

/* ---- the thread ------------------------------------------------------ */

/* Reports a failure once for each file, because every sample would fail in the
 * same way. */
static void say_once(mgr_figures *f, const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    if (!f->has_said) {
        fprintf(stderr, "shmrpcd: no figures are kept in %s: %s\n", f->path,
                shmrpc_error_text(error, text, sizeof text));
    }
    f->has_said = true;
}

/* Uses the same permissions as the code for logs, since the folder may be
 * needed for figures before there is any log. */
static void make_folder(const char *path)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    (void)shmrpci_folder_create(folder, 0750);
}

/* Opens the file. If the log_dir has changed, it closes the old file first. */
static bool have_store(mgr_figures *f, const char *path)
{
    shmrpc_error error;
    if (strcmp(f->path, path) != 0) {
        shmrpci_store_close(f->store);
        f->store = NULL;
        f->has_said = false;
        (void)snprintf(f->path, sizeof f->path, "%s", path);
    }
    if (f->store == NULL && path[0] != '\0') {
        make_folder(path);
    }
    if (f->store == NULL && path[0] != '\0' &&
        shmrpci_store_open(path, &f->store, NULL, &error) != SHMRPC_OK) {
        f->store = NULL;
        say_once(f, &error);
    }
    return f->store != NULL;
}

/* Samples everything once, and returns when the next sample is due. The lock is
 * released between services, so that readers and destroy wait for the sample of
 * one service at most. */
static int64_t look(mgr_figures *f)
{
    bool has_new = f->looks < FIRST_LOOKS;
    char path[512];
    shmrpc_error error;
    list_units(f, path, sizeof path);
    shmrpci_mutex_lock(&f->lock);
    bool has_store = have_store(f, path);
    bool stops = f->stops;
    shmrpci_mutex_unlock(&f->lock);
    f->now_s = mgr_now_unix_ms() / 1000;
    f->member_count = 0;
    if (has_store) {
        shmrpci_program_each(on_member, f);
    }
    for (size_t i = 0; has_store && !stops && i < f->count; i++) {
        shmrpci_mutex_lock(&f->lock);
        mgr_look_at_events(f, f->all[i]);
        if (f->all[i]->pid != 0) {
            has_new = has_new || f->all[i]->processes.count == 0;
            mgr_look_at_calls(f, f->all[i]);
            mgr_look_at_processes(f, f->all[i]);
        }
        stops = f->stops;
        shmrpci_mutex_unlock(&f->lock);
    }
    shmrpci_mutex_lock(&f->lock);
    if (has_store &&
        shmrpci_store_flush(f->store, f->now_s, &error) != SHMRPC_OK) {
        say_once(f, &error);
    }
    shmrpci_mutex_unlock(&f->lock);
    f->looks++;
    return shmrpci_deadline_after(has_new ? LOOK_NEW_NS : LOOK_NS);
}

/* Waits on a condition instead of sleeping, so that destroy can end the wait at
 * once. */
static void run(void *user)
{
    mgr_figures *f = user;
    bool stops = false;
    while (!stops) {
        int64_t next_ns = look(f);
        shmrpci_mutex_lock(&f->lock);
        while (!f->stops &&
               shmrpci_cond_wait_until(&f->stopped, &f->lock, next_ns)) {
        }
        stops = f->stops;
        shmrpci_mutex_unlock(&f->lock);
    }
}

/* ---- functions for other threads ----------------------------------------- */

mgr_figures *mgr_figures_create(mgr_manager *m)
{
    mgr_figures *f = calloc(1, sizeof *f);
    if (f != NULL) {
        f->m = m;
        shmrpci_mutex_init(&f->lock);
        shmrpci_cond_init(&f->stopped);
    }
    return f;
}

int mgr_figures_start(mgr_figures *figures, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_thread_create(&figures->thread, "figures", run, figures);
    figures->has_thread = status == SHMRPC_OK;
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "can't start a thread");
}

/* Also works if the thread was never started. */
void mgr_figures_destroy(mgr_figures *figures)
{
    mgr_figures *f = figures;
    if (f == NULL) {
        return;
    }
    if (f->has_thread) {
        shmrpci_mutex_lock(&f->lock);
        f->stops = true;
        shmrpci_cond_signal(&f->stopped);
        shmrpci_mutex_unlock(&f->lock);
        shmrpci_thread_join(&f->thread);
    }
    while (f->count > 0) {
        watched_free(f->all[--f->count]);
    }
    shmrpci_store_close(f->store);
    shmrpci_cond_fini(&f->stopped);
    shmrpci_mutex_fini(&f->lock);
    free(f->all);
    free(f->members);
    free(f);
}

static int no_store(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_PRECONDITION,
                            "no figures are kept: no service has a log_dir, or "
                            "nothing can be written there");
}

int mgr_figures_list(mgr_figures *figures, const char *service,
                     shmrpci_on_series *series, void *user, shmrpc_error *error)
{
    shmrpci_mutex_lock(&figures->lock);
    int status =
        figures->store != NULL
            ? shmrpci_store_list(figures->store, service, series, user, error)
            : no_store(error);
    shmrpci_mutex_unlock(&figures->lock);
    return status;
}

int mgr_figures_read(mgr_figures *figures, const shmrpci_series *series,
                     int64_t from_s, int64_t to_s, shmrpci_on_point *point,
                     void *user, shmrpc_error *error)
{
    shmrpci_mutex_lock(&figures->lock);
    int status =
        figures->store != NULL
            ? shmrpci_store_read(figures->store, series, from_s, to_s,
                                 mgr_now_unix_ms() / 1000, point, user, error)
            : no_store(error);
    shmrpci_mutex_unlock(&figures->lock);
    return status;
}
