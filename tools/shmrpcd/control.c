/* Handlers: they say what is wanted, and wait until the loop has brought it
 * about. */
#include "tools/shmrpcd/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "manager_server.h" /* generated */
#include "os/clock.h"
#include "os/process.h"
#include "shmrpc/discover.h"
#include "shmrpc/version.h"

/* Threads, and how many of them may wait for a service at the same time: some
 * are left to those who only ask. */
#define THREADS 16u
#define WAITERS 12u

/* How often one who waits looks whether its caller has gone. */
#define LOOK_NS (100 * SHMRPCI_NS_PER_MS)

#define PORT 5154u

_Static_assert((int)MANAGER_STATE_BACKOFF == (int)MGR_BACKOFF &&
                   (int)MANAGER_STATE_RUNNING == (int)MGR_RUNNING &&
                   (int)MANAGER_LEVEL_CRITICAL == (int)MGR_LEVEL_CRITICAL &&
                   (int)MANAGER_ORIGIN_MANAGER == (int)MGR_ORIGIN_MANAGER,
               "the same numbers");

struct mgr_control {
    mgr_manager *m;
    mgr_figures *figures;
    shmrpc_server *server;
    shmrpci_thread thread;
    bool has_thread;
    uint32_t waiters; /* under the manager's lock */
};

/* ---- answers --------------------------------------------------------- */

/* A copy that lives as long as the call; empty without memory. */
static shmrpc_str copy(shmrpc_ctx *ctx, const char *text, size_t len)
{
    char *kept = shmrpc_ctx_alloc(ctx, len + 1, 1);
    if (kept == NULL) {
        return shmrpc_str_of("");
    }
    memcpy(kept, text, len);
    kept[len] = '\0';
    return (shmrpc_str){kept, len};
}

static shmrpc_str copy_text(shmrpc_ctx *ctx, const char *text)
{
    return copy(ctx, text, strlen(text));
}

/* Words, with a separator between them, perhaps one behind the last. */
static shmrpc_str_list copy_words(shmrpc_ctx *ctx, const char *text,
                                  char separator)
{
    size_t room = 1;
    for (const char *at = text; *at != '\0'; at++) {
        room += *at == separator;
    }
    shmrpc_str *words =
        shmrpc_ctx_alloc(ctx, room * sizeof *words, _Alignof(shmrpc_str));
    size_t count = 0;
    while (words != NULL && *text != '\0') {
        const char *end = strchr(text, separator);
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
        words[count++] = copy(ctx, text, len);
        text += len + (end != NULL);
    }
    return (shmrpc_str_list){words, count};
}

static void describe(shmrpc_ctx *ctx, const mgr_unit *unit,
                     manager_service *out)
{
    *out = (manager_service){
        .name = copy_text(ctx, unit->plan->name),
        .state = (manager_state)unit->state,
        .degraded = shmrpci_backoff_is_degraded(&unit->backoff),
        .command = copy_text(ctx, unit->plan->command),
        .pid = unit->run != NULL ? unit->run->pid : 0,
        .since_unix_ms = unit->since_unix_ms,
        .restarts = unit->deaths,
        .last_end = copy_text(ctx, unit->last_end),
        .addresses = copy_words(
            ctx, unit->state == MGR_RUNNING ? unit->addresses : "", ','),
        .min_workers = unit->least > 0 ? unit->least : unit->plan->least,
        .max_workers = unit->least > 0 ? unit->most : unit->plan->most};
}

static int no_service(shmrpc_ctx *ctx, const mgr_manager *m, shmrpc_str name)
{
    shmrpci_buf message;
    const char **names = calloc(m->unit_count + 1, sizeof *names);
    shmrpci_buf_init_heap(&message);
    shmrpci_buf_printf(&message, "there is no service `%.*s`", (int)name.len,
                       name.ptr);
    for (size_t i = 0; names != NULL && i < m->unit_count; i++) {
        names[i] = m->units[i]->plan->name;
    }
    if (names != NULL) {
        shmrpci_nearest_suggest(&message, name.ptr, names, m->unit_count, "");
    }
    const char *text = shmrpci_buf_text(&message);
    int status = shmrpc_ctx_fail(ctx, MANAGER_ERR_NO_SERVICE, "%s",
                                 text != NULL ? text : "no such service");
    shmrpci_buf_fini(&message);
    free(names);
    return status;
}

/* ---- asking ---------------------------------------------------------- */

static int info(shmrpc_ctx *ctx, void *user, manager_info *ret)
{
    const mgr_control *control = user;
    mgr_manager *m = control->m;
    char file[MGR_LINE_BYTES];
    bool truncated = false;
    size_t len = mgr_text_inert(m->file, strlen(m->file), file, &truncated);
    *ret = (manager_info){.version = shmrpc_str_of(SHMRPC_VERSION),
                          .pid = shmrpci_process_id(),
                          .since_unix_ms = m->since_unix_ms,
                          .file = copy(ctx, file, len)};
    return SHMRPC_OK;
}

static int list(shmrpc_ctx *ctx, void *user, manager_service_list *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    shmrpci_mutex_lock(&m->lock);
    manager_service *services = shmrpc_ctx_alloc(
        ctx, (m->unit_count + 1) * sizeof *services, _Alignof(manager_service));
    size_t count = m->unit_count;
    for (size_t i = 0; services != NULL && i < count; i++) {
        describe(ctx, m->units[i], &services[i]);
    }
    shmrpci_mutex_unlock(&m->lock);
    *ret = (manager_service_list){services, count};
    return services != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

static int status(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                  manager_service *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    int result = SHMRPC_OK;
    shmrpci_mutex_lock(&m->lock);
    const mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    if (unit != NULL) {
        describe(ctx, unit, ret);
    } else {
        result = no_service(ctx, m, name);
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* ---- waiting --------------------------------------------------------- */

/* What a call waits for: that the service can be called, after so many starts
 * and none more that has failed, or that it has ended. */
typedef struct wait_goal {
    bool is_up;
    uint32_t starts;
    uint32_t deaths;
    uint32_t refusals;
} wait_goal;

static bool is_reached(const mgr_unit *unit, const wait_goal *goal)
{
    return goal->is_up
               ? unit->state == MGR_RUNNING && unit->starts >= goal->starts
               : unit->state == MGR_STOPPED && unit->run_count == 0;
}

/* OK: the unit is there still, and what was waited for may be so. */
static int look(shmrpc_ctx *ctx, const mgr_manager *m, shmrpc_str name,
                const wait_goal *goal, const mgr_unit **out)
{
    const mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    *out = unit;
    if (unit == NULL) {
        return no_service(ctx, m, name);
    }
    if (m->stops > 0 && goal->is_up) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_READY,
                               "the manager is about to end");
    }
    if (goal->is_up && unit->deaths != goal->deaths) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_READY,
                               "`%s` has ended: %s (`shmrpc logs %s` may say "
                               "why)",
                               unit->plan->name, unit->last_end,
                               unit->plan->name);
    }
    if (goal->is_up && unit->refusals != goal->refusals) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_READY,
                               "`%s` goes on as it was, for the new one has "
                               "ended: %s (stop and start it if its interface "
                               "has changed)",
                               unit->plan->name, unit->refusal);
    }
    if (goal->is_up && !unit->is_wanted) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_READY,
                               "`%s` was stopped meanwhile", unit->plan->name);
    }
    return SHMRPC_OK;
}

/* Under the lock. The unit may go while it is given up. */
static int await(shmrpc_ctx *ctx, mgr_control *control, shmrpc_str name,
                 const wait_goal *goal, manager_service *ret)
{
    mgr_manager *m = control->m;
    const mgr_unit *unit;
    int result = look(ctx, m, name, goal, &unit);
    if (result == SHMRPC_OK && control->waiters >= WAITERS &&
        !is_reached(unit, goal)) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_BUSY,
                               "%u others wait for services already", WAITERS);
    }
    control->waiters++;
    while (result == SHMRPC_OK && !is_reached(unit, goal)) {
        if (shmrpc_ctx_cancelled(ctx)) {
            result = SHMRPC_E_CANCELLED;
            break;
        }
        (void)shmrpci_cond_wait_until(&m->changed, &m->lock,
                                      shmrpci_deadline_after(LOOK_NS));
        result = look(ctx, m, name, goal, &unit);
    }
    control->waiters--;
    if (result == SHMRPC_OK) {
        describe(ctx, unit, ret);
    }
    return result;
}

typedef enum wish_kind { WISH_START, WISH_STOP, WISH_RESTART } wish_kind;

static int want(shmrpc_ctx *ctx, mgr_control *control, shmrpc_str name,
                wish_kind wish, manager_service *ret)
{
    mgr_manager *m = control->m;
    shmrpci_mutex_lock(&m->lock);
    mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    int result = SHMRPC_OK;
    if (unit == NULL) {
        result = no_service(ctx, m, name);
    } else {
        wait_goal goal = {wish != WISH_STOP, 0, unit->deaths, unit->refusals};
        if (wish == WISH_STOP) {
            unit->is_wanted = false;
        } else {
            mgr_want(m, unit);
        }
        if (wish == WISH_RESTART) {
            unit->restarts = unit->run_count > 0;
            goal.starts = unit->starts + 1;
        }
        if (wish != WISH_STOP && unit->state == MGR_BACKOFF) {
            unit->backoff.next_ns = 0; /* at once */
        }
        mgr_wake(m);
        result = await(ctx, control, name, &goal, ret);
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

static int start(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                 manager_service *ret)
{
    return want(ctx, user, name, WISH_START, ret);
}

static int stop(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                manager_service *ret)
{
    return want(ctx, user, name, WISH_STOP, ret);
}

static int restart(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                   manager_service *ret)
{
    return want(ctx, user, name, WISH_RESTART, ret);
}

/* ---- scale ----------------------------------------------------------- */

static int check_scale(shmrpc_ctx *ctx, const mgr_plan *plan, uint32_t least,
                       uint32_t most)
{
    if (plan->most == 0) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                               "`%s` is served by threads", plan->name);
    }
    if (least > most) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                               "%u workers at least is more than %u at most",
                               least, most);
    }
    if (most * plan->threads > MGR_MAX_THREADS) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                               "%u workers of %u threads are more than %u",
                               most, plan->threads, MGR_MAX_THREADS);
    }
    return SHMRPC_OK;
}

static int scale(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                 uint32_t min_workers, uint32_t max_workers,
                 manager_service *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    shmrpci_mutex_lock(&m->lock);
    mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    int result = unit == NULL
                     ? no_service(ctx, m, name)
                     : check_scale(ctx, unit->plan, min_workers, max_workers);
    if (result == SHMRPC_OK && !mgr_run_scale(unit, min_workers, max_workers)) {
        result = shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                                 "the program of `%s` takes no orders",
                                 unit->plan->name);
    }
    if (result == SHMRPC_OK) {
        describe(ctx, unit, ret);
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* ---- reload ---------------------------------------------------------- */

static shmrpc_str_list copy_names(shmrpc_ctx *ctx, shmrpci_buf *names)
{
    const char *text = shmrpci_buf_text(names);
    shmrpc_str_list list = copy_words(ctx, text != NULL ? text : "", '\n');
    shmrpci_buf_fini(names);
    return list;
}

static int reload(shmrpc_ctx *ctx, void *user, manager_reloaded *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    mgr_changes changes;
    shmrpci_buf messages;
    shmrpci_buf_init_heap(&messages);
    shmrpci_buf_init_heap(&changes.added);
    shmrpci_buf_init_heap(&changes.removed);
    shmrpci_buf_init_heap(&changes.changed);
    shmrpci_mutex_lock(&m->lock);
    int result =
        m->stops == 0 ? mgr_reload(m, &changes, &messages) : SHMRPC_E_CANCELLED;
    shmrpci_mutex_unlock(&m->lock);
    if (result == SHMRPC_E_INVALID) {
        const char *text = shmrpci_buf_text(&messages);
        const manager_bad_file detail = {
            .messages = copy_text(ctx, text != NULL ? text : "")};
        result = manager_raise_bad_file(ctx, &detail);
    }
    ret->added = copy_names(ctx, &changes.added);
    ret->removed = copy_names(ctx, &changes.removed);
    ret->changed = copy_names(ctx, &changes.changed);
    shmrpci_buf_fini(&messages);
    return result;
}

/* ---- logs ------------------------------------------------------------ */

typedef struct line_filter {
    mgr_level least;
    shmrpc_str contains;
} line_filter;

static bool holds(const mgr_line *line, shmrpc_str part)
{
    for (size_t i = 0; i + part.len <= line->len; i++) {
        if (memcmp(line->text + i, part.ptr, part.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool passes(const line_filter *filter, const mgr_line *line)
{
    return line->level >= filter->least &&
           (filter->contains.len == 0 || holds(line, filter->contains));
}

/* How many of them are to be left out so that the newest `limit` are left. */
static size_t count_older(const mgr_ring *ring, const line_filter *filter,
                          uint32_t limit)
{
    size_t count = 0;
    mgr_line line;
    mgr_ring_at at = mgr_ring_first(ring);
    while (mgr_ring_next(ring, &at, &line)) {
        count += passes(filter, &line);
    }
    return count > limit ? count - limit : 0;
}

static manager_line copy_line(shmrpc_ctx *ctx, const mgr_line *line)
{
    return (manager_line){.unix_ms = line->unix_ms,
                          .level = (manager_level)line->level,
                          .origin = (manager_origin)line->origin,
                          .text = copy(ctx, line->text, line->len),
                          .truncated = line->truncated};
}

/* From the cursor on; without one the newest. */
static int read_lines(shmrpc_ctx *ctx, const mgr_ring *ring,
                      const uint64_t *cursor, uint32_t limit,
                      const line_filter *filter, manager_lines *ret)
{
    mgr_line line;
    mgr_ring_at at = mgr_ring_first(ring);
    /* A cursor that is ahead of us is of a former manager. */
    uint64_t from = cursor != NULL && *cursor <= ring->next ? *cursor : 0;
    size_t older = cursor == NULL ? count_older(ring, filter, limit) : 0;
    size_t count = 0;
    manager_line *lines =
        shmrpc_ctx_alloc(ctx, limit * sizeof *lines, _Alignof(manager_line));
    if (lines == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    ret->skipped = cursor != NULL && *cursor <= ring->next && from < at.number
                       ? at.number - from
                       : 0;
    while (count < limit && mgr_ring_next(ring, &at, &line)) {
        if (at.number <= from || !passes(filter, &line)) {
            continue;
        }
        if (older > 0) {
            older--;
        } else {
            lines[count++] = copy_line(ctx, &line);
        }
    }
    ret->lines = (manager_line_list){lines, count};
    ret->next = at.number > from ? at.number : from;
    return SHMRPC_OK;
}

static int logs(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                const uint64_t *cursor, uint32_t limit, manager_level least,
                shmrpc_str contains, manager_lines *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    const line_filter filter = {(mgr_level)least, contains};
    shmrpci_mutex_lock(&m->lock);
    const mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    int result = unit == NULL ? no_service(ctx, m, name)
                              : read_lines(ctx, &unit->ring, cursor, limit,
                                           &filter, ret);
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* ---- figures --------------------------------------------------------- */

/* A list that grows in the memory of a call. */
typedef struct series_list {
    shmrpc_ctx *ctx;
    manager_series *items;
    size_t count;
    size_t room;
} series_list;

static bool on_series(void *user, const shmrpci_series *series)
{
    series_list *list = user;
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : 2 * list->room;
        manager_series *items = shmrpc_ctx_alloc(
            list->ctx, room * sizeof *items, _Alignof(manager_series));
        if (items == NULL) {
            return false;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] =
        (manager_series){.subject = copy_text(list->ctx, series->subject),
                         .figure = copy_text(list->ctx, series->figure)};
    return true;
}

static int fail_figures(shmrpc_ctx *ctx, const shmrpc_error *error)
{
    return shmrpc_ctx_fail(ctx, MANAGER_ERR_NO_FIGURES, "%s", error->message);
}

static int figures_of(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                      manager_series_list *ret)
{
    const mgr_control *control = user;
    series_list list = {.ctx = ctx};
    shmrpc_error error;
    if (mgr_figures_list(control->figures, name.ptr, on_series, &list,
                         &error) != SHMRPC_OK) {
        return fail_figures(ctx, &error);
    }
    *ret = (manager_series_list){list.items, list.count};
    return SHMRPC_OK;
}

typedef struct point_list {
    manager_point *items;
    size_t count;
} point_list;

static bool on_point(void *user, const shmrpci_point *point)
{
    point_list *list = user;
    list->items[list->count++] = (manager_point){.at_unix_s = point->at_s,
                                                 .seconds = point->span_s,
                                                 .mean = point->mean,
                                                 .least = point->least,
                                                 .greatest = point->greatest};
    return list->count < MANAGER_MAX_POINTS;
}

static int history(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                   shmrpc_str figure, shmrpc_str subject, uint32_t seconds,
                   manager_point_list *ret)
{
    const mgr_control *control = user;
    const shmrpci_series series = {name.ptr, subject.ptr, figure.ptr};
    int64_t now_s = mgr_now_unix_ms() / 1000;
    shmrpc_error error;
    point_list list = {.items = shmrpc_ctx_alloc(
                           ctx, MANAGER_MAX_POINTS * sizeof(manager_point),
                           _Alignof(manager_point))};
    if (list.items == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (mgr_figures_read(control->figures, &series, now_s - seconds, now_s + 1,
                         on_point, &list, &error) != SHMRPC_OK) {
        return fail_figures(ctx, &error);
    }
    *ret = (manager_point_list){list.items, list.count};
    return SHMRPC_OK;
}

/* ---- serving --------------------------------------------------------- */

/* The socket's path, for we are the first of that name to be found. */
typedef struct search {
    const char *instance;
    char *where;
    size_t size;
} search;

static void found(const shmrpc_found *at, void *user)
{
    const search *s = user;
    if (s->where[0] == '\0' && strcmp(at->name, "shmrpcd") == 0 &&
        strcmp(at->instance, s->instance) == 0 && at->port == PORT) {
        (void)snprintf(s->where, s->size, "%s", at->where);
    }
}

static int serve(mgr_control *control, const char *instance,
                 shmrpc_error *error)
{
    char listen[128];
    manager_control_impl impl = MANAGER_CONTROL_IMPL_INIT;
    impl.info = info;
    impl.list = list;
    impl.status = status;
    impl.start = start;
    impl.stop = stop;
    impl.restart = restart;
    impl.reload = reload;
    impl.logs = logs;
    impl.scale = scale;
    impl.figures = figures_of;
    impl.history = history;
    (void)snprintf(listen, sizeof listen, "shm://%s%.100s",
                   instance[0] != '\0' ? "@" : "", instance);
    const shmrpc_server_opts opts = {
        .listen = listen, .workers = THREADS, .profile = SHMRPC_PROFILE_POWER};
    int result = shmrpc_server_create(&opts, &control->server, error);
    return result == SHMRPC_OK
               ? manager_control_serve(control->server, &impl, control, error)
               : result;
}

int mgr_control_create(mgr_manager *m, mgr_figures *figures,
                       const char *instance, char *where, size_t where_size,
                       mgr_control **out, shmrpc_error *error)
{
    search s = {instance, where, where_size};
    mgr_control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    control->m = m;
    control->figures = figures;
    where[0] = '\0';
    int result = serve(control, instance, error);
    if (result == SHMRPC_OK) {
        result = shmrpc_discover(found, &s, error);
    }
    if (result == SHMRPC_OK && where[0] == '\0') {
        result = shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                  "our own socket can't be found");
    }
    if (result != SHMRPC_OK) {
        mgr_control_destroy(control);
        return result;
    }
    *out = control;
    return SHMRPC_OK;
}

static void run(void *user)
{
    const mgr_control *control = user;
    shmrpc_error error;
    if (shmrpc_server_run(control->server, &error) != SHMRPC_OK) {
        fprintf(stderr, "shmrpcd: no control interface: %s\n", error.message);
    }
}

int mgr_control_start(mgr_control *control, shmrpc_error *error)
{
    shmrpc_status result =
        shmrpci_thread_create(&control->thread, "control", run, control);
    control->has_thread = result == SHMRPC_OK;
    return result == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, result, "no thread to be had");
}

void mgr_control_destroy(mgr_control *control)
{
    if (control == NULL) {
        return;
    }
    if (control->has_thread) {
        shmrpc_server_stop(control->server);
        shmrpci_thread_join(&control->thread);
    }
    shmrpc_server_destroy(control->server);
    free(control);
}
