/* Handlers that change nothing. */
#include <string.h>

#include "manager_server.h" /* generated */
#include "os/process.h"
#include "shmrpc/version.h"
#include "tools/shmrpcd/handlers.h"

/* ---- services -------------------------------------------------------- */

/* The file's path comes from a command line and may contain any bytes, but a
 * string of the interface must be UTF-8. The fields never change, so no lock is
 * needed. */
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
                          .file = mgr_answer_text_of(ctx, file, len)};
    return SHMRPC_OK;
}

/* Allocates one entry more than needed, so that an empty list is not taken for
 * a lack of memory. */
static int list(shmrpc_ctx *ctx, void *user, manager_service_list *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    shmrpci_mutex_lock(&m->lock);
    manager_service *services = shmrpc_ctx_alloc(
        ctx, (m->unit_count + 1) * sizeof *services, _Alignof(manager_service));
    size_t count = m->unit_count;
    for (size_t i = 0; services != NULL && i < count; i++) {
        mgr_answer_service(ctx, m->units[i], &services[i]);
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
    const mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    if (unit != NULL) {
        mgr_answer_service(ctx, unit, ret);
    } else {
        result = mgr_answer_no_service(ctx, m, name);
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* ---- logs ------------------------------------------------------------ */

typedef struct line_filter {
    mgr_level least;
    shmrpc_str contains;
} line_filter;

/* strstr can't be used, because texts in the ring are not NUL-terminated. */
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

/* How many lines to skip so that the newest `limit` are left. */
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

/* Must be called under the lock, because the next line may overwrite the ring's
 * text. */
static manager_line copy_line(shmrpc_ctx *ctx, const mgr_line *line)
{
    return (manager_line){
        .unix_ms = line->unix_ms,
        .level = (manager_level)line->level,
        .origin = (manager_origin)line->origin,
        .text = mgr_answer_text_of(ctx, line->text, line->len),
        .truncated = line->truncated,
        .section =
            mgr_answer_text(ctx, line->service != NULL ? line->service : ""),
        .thread = line->thread,
        .call = line->call};
}

/* Returns lines from the cursor on, oldest first; without a cursor the newest
 * `limit` lines. `next` also counts lines that the filter dropped, so that they
 * are not checked again. `skipped` counts lines that the ring has dropped since
 * the cursor. */
static int read_lines(shmrpc_ctx *ctx, const mgr_ring *ring,
                      const uint64_t *cursor, uint32_t limit,
                      const line_filter *filter, manager_lines *ret)
{
    mgr_line line;
    mgr_ring_at at = mgr_ring_first(ring);
    /* A cursor beyond our last line came from an earlier manager. */
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
    const mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    const mgr_ring *ring = name.len == 0  ? &m->console->ring
                           : unit != NULL ? &unit->ring
                                          : NULL;
    int result = ring == NULL
                     ? mgr_answer_no_service(ctx, m, name)
                     : read_lines(ctx, ring, cursor, limit, &filter, ret);
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

/* Doubles the room when it is full. The old array is freed with the call. */
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
        (manager_series){.subject = mgr_answer_text(list->ctx, series->subject),
                         .figure = mgr_answer_text(list->ctx, series->figure)};
    return true;
}

/* The caller gets the declared error whatever the reason: figures are optional,
 * and it is no defect of the manager if they are missing. */
static int fail_figures(shmrpc_ctx *ctx, const shmrpc_error *error)
{
    return shmrpc_ctx_fail(ctx, MANAGER_ERR_NO_FIGURES, "%s", error->message);
}

/* The store names services by their sections, but a caller may use the name by
 * which the service is called. */
static shmrpc_str section_of(shmrpc_ctx *ctx, const mgr_control *control,
                             shmrpc_str name)
{
    shmrpci_mutex_lock(&control->m->lock);
    shmrpc_str section = mgr_answer_section(ctx, control->m, name);
    shmrpci_mutex_unlock(&control->m->lock);
    return section;
}

static int figures_of(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                      manager_series_list *ret)
{
    const mgr_control *control = user;
    series_list list = {.ctx = ctx};
    shmrpc_error error;
    if (mgr_figures_list(control->figures, section_of(ctx, control, name).ptr,
                         on_series, &list, &error) != SHMRPC_OK) {
        return fail_figures(ctx, &error);
    }
    *ret = (manager_series_list){list.items, list.count};
    return SHMRPC_OK;
}

/* A list of points, with room for MANAGER_MAX_POINTS. */
typedef struct point_list {
    manager_point *items;
    size_t count;
} point_list;

/* Returns false if the list is full, which ends the reading. */
static bool on_point(void *user, const shmrpci_point *point)
{
    point_list *list = user;
    list->items[list->count++] = (manager_point){.at_unix_s = point->at_s,
                                                 .seconds = point->span_s,
                                                 .mean = point->mean,
                                                 .least = point->least,
                                                 .greatest = point->greatest,
                                                 .count = point->count};
    return list->count < MANAGER_MAX_POINTS;
}

/* The range ends at `now_s + 1` so that it includes points of the current
 * second. */
static int history(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                   shmrpc_str figure, shmrpc_str subject, uint32_t seconds,
                   manager_point_list *ret)
{
    const mgr_control *control = user;
    const shmrpci_series series = {section_of(ctx, control, name).ptr,
                                   subject.ptr, figure.ptr};
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

/* ---- the table of handlers ----------------------------------------------- */

void mgr_asking_fill(struct manager_control_impl *impl)
{
    impl->info = info;
    impl->list = list;
    impl->status = status;
    impl->logs = logs;
    impl->figures = figures_of;
    impl->history = history;
    mgr_search_fill(impl);
}
