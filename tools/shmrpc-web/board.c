/*
 * Reads figures of services and of their processes, each second.
 *
 * Only the board's thread changes the board. So it reads without the lock, and
 * takes the lock to write what other threads see. It never holds the lock while
 * it reads a service, which may block, so a page waits for no service.
 */
#include "tools/shmrpc-web/board.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "os/clock.h"
#include "os/poll.h"
#include "os/thread.h"
#include "tools/common/samples.h"

#define TICK_NS SHMRPCI_NS_PER_S
/* Number of ticks between two points of the history, and between two samples of
 * /proc. */
#define MARK_TICKS 5u
/* How long a service may take to return its statistics. */
#define OPEN_NS (SHMRPCI_NS_PER_S / 4)
/* Number of ticks after which a service that did not answer is asked again. */
#define RETRY_TICKS   5u
#define MAX_PROCESSES 256

/* One service. It exists as long as there is a socket with its name. */
typedef struct entry {
    web_place place;     /* place with a reference to its service */
    shmrpc_stats *stats; /* NULL: not attached */
    uint64_t retry_tick;
    shmrpc_snapshot *total; /* the latest snapshot */
    shmrpc_snapshot *mark;  /* snapshot at the last mark, where a point of the
                             * history ended */
    web_figures now;
    uint32_t workers;
    tool_samples processes;
    int64_t started_ns; /* start of the latest server; 0: none was seen */
    uint32_t restarts;  /* number of restarts since the last mark */
    web_past past;
} entry;

struct web_board {
    web_directory *directory;
    int ticked_fd;
    shmrpci_thread thread;
    web_place places[WEB_MAX_SERVICES]; /* used by the thread only */
    shmrpci_mutex mutex;                /* protects all that follows */
    shmrpci_cond cond;
    entry *entries[WEB_MAX_SERVICES]; /* sorted by name; only the thread adds
                                       * and removes entries */
    size_t count;
    uint64_t tick;
    bool is_closing;
};

static void destroy_entry(entry *e)
{
    if (e != NULL) {
        shmrpc_snapshot_free(e->total);
        if (e->mark != e->total) {
            shmrpc_snapshot_free(e->mark);
        }
        shmrpc_stats_close(e->stats);
        tool_samples_forget(&e->processes);
        free(e);
    }
}

/* ---- processes ---- */

/* A worker that has left keeps its slot and its counts, but its pid may belong
 * to another program by now. */
static size_t pids_of(const shmrpc_snapshot *total, int32_t *out, size_t max)
{
    size_t count = 0;
    uint32_t workers = shmrpc_snapshot_service(total)->worker_count;
    for (uint32_t i = 0; i < workers && count < max; i++) {
        const shmrpc_worker_stats *w = shmrpc_snapshot_worker(total, i);
        if (!w->has_left) {
            out[count++] = w->pid;
        }
    }
    return count;
}

/* Values that are not visible count as 0: the kernel shows I/O and PSS of
 * another user's processes only to root. */
static int64_t known(int64_t value)
{
    return value > 0 ? value : 0;
}

/* Reads the figures of the processes. If it returns false, the rates are
 * unknown and keep their old values. */
static bool read_processes(entry *e, const shmrpc_snapshot *total,
                           web_figures *figures)
{
    int32_t pids[MAX_PROCESSES];
    const tool_samples *all = &e->processes;
    int64_t used_ns = 0;
    int64_t memory_bytes = 0;
    int64_t io_bytes = 0;
    tool_samples_take(&e->processes, pids, pids_of(total, pids, MAX_PROCESSES));
    figures->cpu_ns = 0;
    for (size_t i = 0; i < all->count; i++) {
        const tool_sample *it = &all->items[i];
        const tool_process_figures *p = &it->now;
        figures->cpu_ns += known(p->cpu_ns);
        memory_bytes += known(p->pss_bytes > 0 ? p->pss_bytes : p->rss_bytes);
        used_ns += known(it->cpu_ns);
        io_bytes += known(it->read_bytes) + known(it->write_bytes);
    }
    bool has_rates = e->restarts == 0 && all->span_ns > 0;
    if (has_rates) {
        double passed_ns = (double)all->span_ns;
        figures->cpu = (float)((double)used_ns / passed_ns);
        figures->io_bytes_per_s =
            (uint64_t)((double)io_bytes / (passed_ns / 1e9));
    }
    figures->memory_bytes = (uint64_t)memory_bytes;
    return has_rates;
}

/* ---- rates ---- */

/* `part` is the difference of two snapshots. Its uptime is the time between
 * them, which may be more than a tick on a busy machine. */
static void set_rates(web_figures *figures, const shmrpc_snapshot *part)
{
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(part, SHMRPC_STATS_ALL);
    double seconds = (double)shmrpc_snapshot_service(part)->uptime_ns / 1e9;
    if (seconds > 0) {
        figures->calls_per_s = (float)((double)all->calls / seconds);
        figures->errors_per_s = (float)((double)all->errors / seconds);
        figures->items_per_s =
            (float)((double)(all->streams.items_in + all->streams.items_out) /
                    seconds);
        figures->stalled =
            (float)((double)all->streams.stalled_ns / 1e9 / seconds);
    }
}

static void set_percentiles(web_figures *figures, const shmrpc_snapshot *part)
{
    const shmrpc_method_stats *all =
        shmrpc_snapshot_method(part, SHMRPC_STATS_ALL);
    figures->p50_us = (float)all->service.p50_ns / 1000;
    figures->p99_us = (float)all->service.p99_ns / 1000;
    figures->queue_p99_us = (float)all->queue.p99_ns / 1000;
}

/* The difference between `before` and `total`. Returns NULL if there is none:
 * `before` is NULL or from another server, or memory ran out. */
static shmrpc_snapshot *since(const shmrpc_snapshot *total,
                              const shmrpc_snapshot *before)
{
    shmrpc_snapshot *part = NULL;
    if (before == NULL ||
        shmrpc_snapshot_since(total, before, &part, NULL) != SHMRPC_OK) {
        return NULL;
    }
    return part;
}

static uint32_t count_workers(const shmrpc_snapshot *total)
{
    uint32_t count = 0;
    uint32_t places = shmrpc_snapshot_service(total)->worker_count;
    for (uint32_t i = 0; i < places; i++) {
        count += !shmrpc_snapshot_worker(total, i)->has_left;
    }
    return count;
}

/* ---- one service ---- */

/* Attaches to the service's counters once per server; after that reading them
 * takes no call. A service that did not answer is not asked every second,
 * because all other services wait for it. */
static void open_stats(entry *e, uint64_t tick)
{
    const shmrpc_opts opts = {.timeout_ns = OPEN_NS};
    if (e->stats != NULL && shmrpc_stats_is_alive(e->stats)) {
        return;
    }
    shmrpc_stats_close(e->stats);
    e->stats = NULL;
    if (e->place.is_alive && tick >= e->retry_tick) {
        e->retry_tick = tick + RETRY_TICKS;
        if (shmrpc_stats_open(e->place.address, e->place.port, &opts, &e->stats,
                              NULL) != SHMRPC_OK) {
            e->stats = NULL;
        }
    }
}

static void point_set_calls(web_point *point, const shmrpc_snapshot *part)
{
    web_figures rates = {.calls_per_s = 0};
    set_rates(&rates, part);
    set_percentiles(&rates, part);
    point->values[WEB_CALLS] = rates.calls_per_s;
    point->values[WEB_ERRORS] = rates.errors_per_s;
    if (shmrpc_snapshot_method(part, SHMRPC_STATS_ALL)->service.count > 0) {
        point->values[WEB_P50] = rates.p50_us;
        point->values[WEB_P99] = rates.p99_us;
        point->values[WEB_QUEUE_P99] = rates.queue_p99_us;
    }
    double seconds = (double)shmrpc_snapshot_service(part)->uptime_ns / 1e9;
    for (int i = 0; i < WEB_STATUSES && seconds > 0; i++) {
        uint64_t count = shmrpc_snapshot_errors(
            part, SHMRPC_STATS_ALL, i == 0 ? SHMRPC_DECLARED_ERROR_MIN : -i);
        point->errors[i] = (float)((double)count / seconds);
    }
    point->values[WEB_CRASHES] = (float)shmrpc_snapshot_service(part)->crashes;
}

/* Fills in a point of the history. `part` is the difference since the last
 * point; NULL if unknown. */
static void set_point(web_point *point, const entry *e,
                      const shmrpc_snapshot *part, const web_figures *now,
                      bool has_rates)
{
    point->values[WEB_RESTARTS] = (float)e->restarts;
    point->values[WEB_MEMORY] = (float)now->memory_bytes;
    if (has_rates) {
        point->values[WEB_CPU] = now->cpu;
        point->values[WEB_IO] = (float)now->io_bytes_per_s;
    }
    if (part != NULL) {
        point_set_calls(point, part);
    }
}

/* Computes the figures of this tick. At a mark it also fills in `point`, which
 * covers the time since the last mark. */
static web_figures figures_of(entry *e, const shmrpc_snapshot *total,
                              bool is_mark, web_point *point)
{
    shmrpc_snapshot *second = since(total, e->total);
    shmrpc_snapshot *part = since(total, e->mark);
    web_figures now = e->now;
    now.calls_per_s = now.errors_per_s = 0;
    now.items_per_s = now.stalled = 0;
    if (second != NULL) {
        set_rates(&now, second);
    }
    if (part != NULL) {
        set_percentiles(&now, part);
    }
    if (is_mark) {
        bool has_rates = read_processes(e, total, &now);
        set_point(point, e, part, &now, has_rates);
        e->restarts = 0;
    }
    shmrpc_snapshot_free(second);
    shmrpc_snapshot_free(part);
    return now;
}

/* A server with another start time is another server. */
static void notice_restart(entry *e, const shmrpc_snapshot *total)
{
    int64_t started_ns = shmrpc_snapshot_service(total)->started_ns;
    e->restarts += e->started_ns != 0 && e->started_ns != started_ns;
    e->started_ns = started_ns;
}

/*
 * Reads the figures. The lock is held only while the values that other threads
 * see are changed.
 *
 * `total` and `mark` may be the same snapshot, which is freed when neither
 * points to it. The mark moves in the tick after the one that added a point, so
 * that percentiles never cover less than one second.
 */
static void read_entry(web_board *b, entry *e, uint64_t tick)
{
    shmrpc_snapshot *total = NULL;
    web_figures now = {.cpu_ns = e->now.cpu_ns};
    web_point point;
    bool is_mark = tick % MARK_TICKS == 0;
    web_point_clear(&point);
    if (tick % MARK_TICKS == 1 || e->mark == NULL) {
        shmrpc_snapshot_free(e->mark);
        e->mark = e->total; /* `mark` owns the snapshot from now on */
    }
    open_stats(e, tick);
    if (e->stats != NULL &&
        shmrpc_stats_read(e->stats, &total, NULL) == SHMRPC_OK) {
        notice_restart(e, total);
        now = figures_of(e, total, is_mark, &point);
    } else {
        /* The samples are too old now: the next difference must not be computed
         * from them. */
        tool_samples_forget(&e->processes);
    }
    shmrpci_mutex_lock(&b->mutex);
    if (is_mark) {
        web_past_add(&e->past, (int64_t)time(NULL), &point);
    }
    shmrpc_snapshot *old = e->total;
    e->total = total;
    e->now = now;
    e->workers = total != NULL ? count_workers(total) : 0;
    shmrpci_mutex_unlock(&b->mutex);
    if (old != e->mark) {
        shmrpc_snapshot_free(old);
    }
}

/* ---- all services -------------------------------------------------------- */

/* References to be released without the lock: releasing the last one closes a
 * client, which may take time. */
typedef struct gone {
    web_service *items[2 * WEB_MAX_SERVICES];
    size_t count;
} gone;

static void gone_add(gone *g, web_service *service)
{
    if (service != NULL) {
        g->items[g->count++] = service;
    }
}

/* Makes the entries match `places`; both are sorted by name. Takes over the
 * places' references. */
static void match(web_board *b, const web_place *places, size_t count, gone *g)
{
    entry *old[WEB_MAX_SERVICES];
    size_t old_count = b->count;
    size_t at = 0;
    size_t kept = 0;
    memcpy(old, b->entries, sizeof old);
    for (size_t i = 0; i < old_count; i++) {
        gone_add(g, old[i]->place.service);
    }
    for (size_t i = 0; i < count; i++) {
        while (at < old_count &&
               strcmp(old[at]->place.name, places[i].name) < 0) {
            destroy_entry(old[at++]);
        }
        entry *e = NULL;
        if (at < old_count &&
            strcmp(old[at]->place.name, places[i].name) == 0) {
            e = old[at++];
        } else {
            e = calloc(1, sizeof *e);
        }
        if (e != NULL) {
            e->place = places[i];
            b->entries[kept++] = e;
        } else {
            gone_add(g, places[i].service);
        }
    }
    while (at < old_count) {
        destroy_entry(old[at++]);
    }
    b->count = kept;
}

/* Retains the services (`true`), because rows are shown with the tables of
 * their services, and the directory may replace a service at any time. */
static void tick_once(web_board *b, uint64_t tick)
{
    gone old = {.count = 0};
    size_t count =
        web_directory_list(b->directory, true, b->places, WEB_MAX_SERVICES);
    shmrpci_mutex_lock(&b->mutex);
    match(b, b->places, count, &old);
    shmrpci_mutex_unlock(&b->mutex);
    for (size_t i = 0; i < old.count; i++) {
        web_service_release(b->directory, old.items[i]);
    }
    for (size_t i = 0; i < b->count; i++) {
        read_entry(b, b->entries[i], tick);
    }
}

/* If a tick took longer than a second, the next one follows at once. Missed
 * ticks are skipped. */
static void run(void *user)
{
    web_board *b = user;
    int64_t next_ns = shmrpci_now_ns();
    shmrpci_mutex_lock(&b->mutex);
    while (!b->is_closing) {
        uint64_t tick = b->tick;
        shmrpci_mutex_unlock(&b->mutex);
        tick_once(b, tick);
        shmrpci_event_set(b->ticked_fd);
        int64_t now_ns = shmrpci_now_ns();
        next_ns = next_ns + TICK_NS > now_ns ? next_ns + TICK_NS : now_ns;
        shmrpci_mutex_lock(&b->mutex);
        b->tick = tick + 1;
        while (!b->is_closing &&
               shmrpci_cond_wait_until(&b->cond, &b->mutex, next_ns)) {
        }
    }
    shmrpci_mutex_unlock(&b->mutex);
}

/* ---- queries ------------ */

void web_board_see(web_board *b, web_see *see, void *user)
{
    shmrpci_mutex_lock(&b->mutex);
    for (size_t i = 0; i < b->count; i++) {
        const entry *e = b->entries[i];
        const web_row row = {.place = &e->place,
                             .total = e->total,
                             .now = e->now,
                             .workers = e->workers};
        see(&row, user);
    }
    shmrpci_mutex_unlock(&b->mutex);
}

bool web_board_append_past(web_board *b, const char *name, web_span span,
                           shmrpci_buf *out)
{
    bool is_found = false;
    shmrpci_mutex_lock(&b->mutex);
    for (size_t i = 0; i < b->count && !is_found; i++) {
        if (strcmp(b->entries[i]->place.name, name) == 0) {
            is_found = true;
            shmrpci_buf_append_char(out, '{');
            web_past_append(&b->entries[i]->past, span, out);
            shmrpci_buf_append_char(out, '}');
        }
    }
    shmrpci_mutex_unlock(&b->mutex);
    return is_found;
}

/* ---- opening and closing ------------------------------------------------- */

int web_board_open(web_directory *directory, int ticked_fd, web_board **out,
                   shmrpc_error *error)
{
    web_board *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    b->directory = directory;
    b->ticked_fd = ticked_fd;
    b->tick = 1;
    shmrpci_mutex_init(&b->mutex);
    shmrpci_cond_init(&b->cond);
    if (shmrpci_thread_create(&b->thread, "board", run, b) != SHMRPC_OK) {
        free(b);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED, "no thread left");
    }
    *out = b;
    return SHMRPC_OK;
}

/* Ends the thread first; then no lock is needed. */
void web_board_close(web_board *b)
{
    shmrpci_mutex_lock(&b->mutex);
    b->is_closing = true;
    shmrpci_cond_signal(&b->cond);
    shmrpci_mutex_unlock(&b->mutex);
    shmrpci_thread_join(&b->thread);
    for (size_t i = 0; i < b->count; i++) {
        if (b->entries[i]->place.service != NULL) {
            web_service_release(b->directory, b->entries[i]->place.service);
        }
        destroy_entry(b->entries[i]);
    }
    shmrpci_cond_fini(&b->cond);
    shmrpci_mutex_fini(&b->mutex);
    free(b);
}
