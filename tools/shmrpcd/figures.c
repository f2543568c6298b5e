/* Looks at services, and writes down what it sees. */
#include "tools/shmrpcd/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/process.h"
#include "os/clock.h"
#include "os/folder.h"
#include "os/program.h"
#include "shmrpc/discover.h"
#include "shmrpc/observe.h"

#define LOOK_NS (5 * SHMRPCI_NS_PER_S)
/* A service that is new, of which only the second look tells rates, and the
 * manager's own first moments: there is soon something to be seen. */
#define LOOK_NEW_NS SHMRPCI_NS_PER_S
#define FIRST_LOOKS 3u
/* A service that doesn't answer is asked again at the next look. */
#define ASK_NS SHMRPCI_NS_PER_S

/* A process at the last look, for what has come since. */
typedef struct seen {
    int32_t pid;
    shmrpci_process_figures figures;
} seen;

/* A service that runs. */
typedef struct watched {
    char name[64];
    char address[256]; /* the first one; "" for none */
    int32_t pid;       /* and session */
    seen *seen;
    size_t seen_count;
    shmrpc_stats *stats;
    shmrpc_snapshot *last;
    bool is_there; /* still */
} watched;

/* A process of the system. */
typedef struct member {
    int32_t pid;
    int32_t session;
} member;

struct mgr_figures {
    mgr_manager *m;
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_mutex lock; /* of what follows */
    shmrpci_cond stopped;
    bool stops;
    shmrpci_store *store;
    char path[512]; /* of the store; "" for none */
    bool has_said;  /* why it can't be had */

    /* The thread's own. */
    watched **all;
    size_t count;
    member *members;
    size_t member_count;
    size_t member_room;
    int64_t now_s;
    uint32_t looks;
};

/* ---- what runs ------------------------------------------------------- */

static void watched_free(watched *w)
{
    shmrpc_snapshot_free(w->last);
    shmrpc_stats_close(w->stats);
    free(w->seen);
    free(w);
}

static void forget_stats(watched *w)
{
    shmrpc_snapshot_free(w->last);
    shmrpc_stats_close(w->stats);
    w->last = NULL;
    w->stats = NULL;
}

static watched *watched_of(mgr_figures *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->all[i]->name, name) == 0) {
            return f->all[i];
        }
    }
    watched **all = realloc(f->all, (f->count + 1) * sizeof *all);
    watched *w = calloc(1, sizeof *w);
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

static void take_unit(mgr_figures *f, const mgr_unit *unit)
{
    watched *w = watched_of(f, unit->plan->name);
    if (w == NULL) {
        return;
    }
    if (w->pid != unit->run->pid) {
        forget_stats(w);
        w->seen_count = 0;
    }
    w->pid = unit->run->pid;
    w->is_there = true;
    (void)snprintf(w->address, sizeof w->address, "%.*s",
                   (int)strcspn(unit->addresses, ","), unit->addresses);
}

/* Those that run now; the log_dir is that of the first that has one. */
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
        if (unit->run != NULL && unit->state == MGR_RUNNING) {
            take_unit(f, unit);
        }
    }
    shmrpci_mutex_unlock(&m->lock);
    for (size_t i = f->count; i-- > 0;) {
        if (!f->all[i]->is_there) {
            watched_free(f->all[i]);
            f->all[i] = f->all[--f->count];
        }
    }
}

static void on_member(void *user, int32_t pid, int32_t session)
{
    mgr_figures *f = user;
    if (f->member_count == f->member_room) {
        size_t room = f->member_room == 0 ? 256 : 2 * f->member_room;
        member *members = realloc(f->members, room * sizeof *members);
        if (members == NULL) {
            return;
        }
        f->members = members;
        f->member_room = room;
    }
    f->members[f->member_count++] = (member){pid, session};
}

/* ---- writing --------------------------------------------------------- */

static void add(mgr_figures *f, const watched *w, const char *subject,
                const char *figure, double value)
{
    const shmrpci_series series = {w->name, subject, figure};
    /* What fails is told by the flush. */
    (void)shmrpci_store_add(f->store, &series, f->now_s, value, NULL);
}

static void add_known(mgr_figures *f, const watched *w, const char *subject,
                      const char *figure, int64_t value)
{
    if (value >= 0) { /* else it may not be seen */
        add(f, w, subject, figure, (double)value);
    }
}

/* ---- processes ------------------------------------------------------- */

static void sum_one(int64_t *sum, int64_t part)
{
    *sum = part < 0 || *sum < 0 ? -1 : *sum + part;
}

static void sum_up(shmrpci_process_figures *sum,
                   const shmrpci_process_figures *part)
{
    sum_one(&sum->cpu_ns, part->cpu_ns);
    sum_one(&sum->rss_bytes, part->rss_bytes);
    sum_one(&sum->pss_bytes, part->pss_bytes);
    sum_one(&sum->read_bytes, part->read_bytes);
    sum_one(&sum->write_bytes, part->write_bytes);
    sum_one(&sum->threads, part->threads);
    sum_one(&sum->descriptors, part->descriptors);
}

static int64_t since(int64_t later, int64_t earlier)
{
    return later < 0 || earlier < 0 ? -1 : later - earlier;
}

/* A process that is new has done all of it since. */
static shmrpci_process_figures rates_of(const watched *w, const seen *now)
{
    shmrpci_process_figures rates = now->figures;
    for (size_t i = 0; i < w->seen_count; i++) {
        const shmrpci_process_figures *then = &w->seen[i].figures;
        if (w->seen[i].pid == now->pid && then->began == rates.began) {
            rates.cpu_ns = since(rates.cpu_ns, then->cpu_ns);
            rates.read_bytes = since(rates.read_bytes, then->read_bytes);
            rates.write_bytes = since(rates.write_bytes, then->write_bytes);
        }
    }
    return rates;
}

/* What a process, or all of a service, costs; `rates` over `ns`, 0 the first
 * time. */
static void add_process(mgr_figures *f, const watched *w, const char *subject,
                        const shmrpci_process_figures *rates, int64_t ns)
{
    add_known(f, w, subject, "pss_bytes", rates->pss_bytes);
    add_known(f, w, subject, "threads", rates->threads);
    add_known(f, w, subject, "descriptors", rates->descriptors);
    if (ns > 0) {
        double seconds = (double)ns / (double)SHMRPCI_NS_PER_S;
        if (rates->cpu_ns >= 0) {
            add(f, w, subject, "cpu", (double)rates->cpu_ns / (double)ns);
        }
        if (rates->read_bytes >= 0 && rates->write_bytes >= 0) {
            add(f, w, subject, "read_bytes_per_s",
                (double)rates->read_bytes / seconds);
            add(f, w, subject, "write_bytes_per_s",
                (double)rates->write_bytes / seconds);
        }
    }
}

/* "worker 3", if it is one. */
static bool name_worker(const watched *w, int32_t pid, char out[32])
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

static void look_at_processes(mgr_figures *f, watched *w)
{
    char subject[32];
    shmrpci_process_figures sum = {.began = 0};
    seen *all = calloc(f->member_count + 1, sizeof *all);
    size_t count = 0;
    int64_t ns = 0;
    for (size_t i = 0; all != NULL && i < f->member_count; i++) {
        seen *now = &all[count];
        now->pid = f->members[i].pid;
        if (f->members[i].session != w->pid ||
            shmrpci_process_read(now->pid, &now->figures) != SHMRPC_OK) {
            continue;
        }
        count++;
        ns = w->seen_count > 0
                 ? now->figures.taken_ns - w->seen[0].figures.taken_ns
                 : 0;
        shmrpci_process_figures rates = rates_of(w, now);
        sum_up(&sum, &rates);
        if (name_worker(w, now->pid, subject)) {
            add_process(f, w, subject, &rates, ns);
        }
    }
    if (count > 0) {
        add(f, w, "", "processes", (double)count);
        add_process(f, w, "", &sum, ns);
    }
    free(w->seen);
    w->seen = all;
    w->seen_count = count;
}

/* ---- calls ----------------------------------------------------------- */

/* Which port a service of that name has. */
typedef struct search {
    const char *name; /* "echo_serv@two" */
    uint16_t port;
} search;

static void on_found(const shmrpc_found *found, void *user)
{
    search *s = user;
    char name[192];
    (void)snprintf(name, sizeof name, "%s%s%s", found->name,
                   found->instance[0] != '\0' ? "@" : "", found->instance);
    if (s->port == 0 && strcmp(name, s->name) == 0) {
        s->port = found->port;
    }
}

static void open_stats(watched *w)
{
    static const char shm[] = "shm://";
    const shmrpc_opts opts = {.timeout_ns = ASK_NS};
    search s = {w->address + sizeof shm - 1, 0};
    if (strncmp(w->address, shm, sizeof shm - 1) == 0 &&
        shmrpc_discover(on_found, &s, NULL) == SHMRPC_OK && s.port != 0 &&
        shmrpc_stats_open(w->address, s.port, &opts, &w->stats, NULL) !=
            SHMRPC_OK) {
        w->stats = NULL;
    }
}

static void add_calls(mgr_figures *f, const watched *w,
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
    if (calls->service.count > 0) {
        add(f, w, "", "p50_us", (double)calls->service.p50_ns / 1e3);
        add(f, w, "", "p99_us", (double)calls->service.p99_ns / 1e3);
        add(f, w, "", "queue_p99_us", (double)calls->queue.p99_ns / 1e3);
    }
}

static void look_at_calls(mgr_figures *f, watched *w)
{
    shmrpc_snapshot *now;
    shmrpc_snapshot *between;
    if (w->stats != NULL && !shmrpc_stats_is_alive(w->stats)) {
        forget_stats(w);
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
        add_calls(f, w, between);
        shmrpc_snapshot_free(between);
    }
    shmrpc_snapshot_free(w->last);
    w->last = now;
}

/* ---- the thread ------------------------------------------------------ */

static void say_once(mgr_figures *f, const shmrpc_error *error)
{
    if (!f->has_said) {
        fprintf(stderr, "shmrpcd: no figures are kept in %s: %s\n", f->path,
                error->message);
    }
    f->has_said = true;
}

/* As for the logs that may come there later. */
static void make_folder(const char *path)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    (void)shmrpci_folder_create(folder, 0750);
}

/* Opens the file, or another one when the log_dir has changed. */
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

/* Returns when the next one is due. */
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
        has_new = has_new || f->all[i]->seen_count == 0;
        look_at_calls(f, f->all[i]);
        look_at_processes(f, f->all[i]);
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

/* ---- for others ------------------------------------------------------ */

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
               : shmrpc_error_set(error, status, "no thread to be had");
}

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
