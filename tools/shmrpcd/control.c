/* Handlers that change something: they record what is wanted, and wait until
 * the loop has done it. */
#include "tools/shmrpcd/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager_server.h" /* generated */
#include "os/clock.h"
#include "shmrpc/discover.h"
#include "tools/shmrpcd/handlers.h"

/* The number of threads, and how many of them may wait for a service at the
 * same time. The others stay free for queries. */
#define THREADS 16u
#define WAITERS 12u

/* How often a waiting handler checks whether its caller has gone. */
#define LOOK_NS (100 * SHMRPCI_NS_PER_MS)

/* The port in manager.svc. Name and port together identify our socket. */
#define PORT 5154u

/* ---- waiting --------------------------------------------------------- */

/* The goal that a call waits for. If `is_up` is true, the service must run and
 * must have been started at least `starts` times; the wait ends with an error
 * if the service dies, or an heir is refused, after the call began. If `is_up`
 * is false, all processes of the service must have ended. */
typedef struct wait_goal {
    bool is_up;
    uint32_t starts;
    uint32_t deaths;
    uint32_t refusals;
} wait_goal;

/* `starts` distinguishes a restarted service from one that has not been
 * restarted yet. */
static bool is_reached(const mgr_unit *unit, const wait_goal *goal)
{
    return goal->is_up
               ? unit->state == MGR_RUNNING && unit->starts >= goal->starts
               : unit->state == MGR_STOPPED && unit->run_count == 0;
}

/* Looks up the unit by name again, since a reload may have removed it. Returns
 * OK if it has reached the goal or may still reach it. Otherwise the call has
 * failed, with a message that says what to do. */
static int look(shmrpc_ctx *ctx, const mgr_manager *m, shmrpc_str name,
                const wait_goal *goal, const mgr_unit **out)
{
    const mgr_unit *unit = mgr_find(m, name.ptr, name.len);
    *out = unit;
    if (unit == NULL) {
        return mgr_answer_no_service(ctx, m, name);
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
                               "the old `%s` goes on, because the new one has "
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

/* Waits until the goal is reached or can't be reached. The caller holds the
 * lock, which is released while waiting, so the unit may be destroyed
 * meanwhile. If WAITERS threads are waiting already it returns BUSY, so that
 * `shmrpc ps` always finds a free thread. */
static int await(shmrpc_ctx *ctx, mgr_control *control, shmrpc_str name,
                 const wait_goal *goal, manager_service *ret)
{
    mgr_manager *m = control->m;
    const mgr_unit *unit;
    int result = look(ctx, m, name, goal, &unit);
    if (result == SHMRPC_OK && control->waiters >= WAITERS &&
        !is_reached(unit, goal)) {
        return shmrpc_ctx_fail(ctx, SHMRPC_E_BUSY,
                               "%u calls wait for services already", WAITERS);
    }
    control->waiters++;
    while (result == SHMRPC_OK && !is_reached(unit, goal)) {
        /* The caller's deadline also ends the wait here; the service goes on
         * starting. */
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
        mgr_answer_service(ctx, unit, ret);
    }
    return result;
}

typedef enum wish_kind { WISH_START, WISH_STOP, WISH_RESTART } wish_kind;

/* Start, stop and restart: records the wish, wakes the loop, and waits. Deaths
 * and refusals before the call don't count as failures. */
static int want(shmrpc_ctx *ctx, mgr_control *control, shmrpc_str name,
                wish_kind wish, manager_service *ret)
{
    mgr_manager *m = control->m;
    shmrpci_mutex_lock(&m->lock);
    mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    int result = SHMRPC_OK;
    if (unit == NULL) {
        result = mgr_answer_no_service(ctx, m, name);
    } else {
        /* Copy the name first: the next start clears the addresses, by which
         * the caller may have named the service. */
        name = mgr_answer_text(ctx, unit->plan->name);
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
        if (wish != WISH_STOP && mgr_unit_backs_off(unit)) {
            unit->backoff.next_ns = 0; /* start at once, without backing off */
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

/* `most` is at most 64 (manager.svc), and so are the plan's threads
 * (service.ini), so their product can't overflow. */
static int check_scale(shmrpc_ctx *ctx, const mgr_unit *unit, uint32_t least,
                       uint32_t most)
{
    const mgr_plan *plan = unit->plan;
    if (unit->state == MGR_RUNNING && unit->addresses[0] == '\0') {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                               "`%s` is not a server with workers", plan->name);
    }
    if (plan->most == 0) {
        return shmrpc_ctx_fail(ctx, MANAGER_ERR_NOT_SCALABLE,
                               "`%s` is served by threads", plan->name);
    }
    if (least > most) {
        return shmrpc_ctx_fail(
            ctx, MANAGER_ERR_NOT_SCALABLE,
            "the minimum of %u workers is above the maximum of %u", least,
            most);
    }
    if (most * plan->threads > MGR_MAX_THREADS) {
        return shmrpc_ctx_fail(
            ctx, MANAGER_ERR_NOT_SCALABLE,
            "%u workers with %u threads each exceed %u threads", most,
            plan->threads, MGR_MAX_THREADS);
    }
    return SHMRPC_OK;
}

/* Doesn't wait until workers have started or ended. If the program isn't
 * running, the numbers are kept for its next start. */
static int scale(shmrpc_ctx *ctx, void *user, shmrpc_str name,
                 uint32_t min_workers, uint32_t max_workers,
                 manager_service *ret)
{
    mgr_manager *m = ((const mgr_control *)user)->m;
    shmrpci_mutex_lock(&m->lock);
    mgr_unit *unit = mgr_find_called(m, name.ptr, name.len);
    int result = unit == NULL
                     ? mgr_answer_no_service(ctx, m, name)
                     : check_scale(ctx, unit, min_workers, max_workers);
    if (result == SHMRPC_OK && !mgr_run_scale(unit, min_workers, max_workers)) {
        result = shmrpc_ctx_fail(
            ctx, MANAGER_ERR_NOT_SCALABLE,
            "the program of `%s` does not accept orders from the manager",
            unit->plan->name);
    }
    if (result == SHMRPC_OK) {
        mgr_answer_service(ctx, unit, ret);
    }
    shmrpci_mutex_unlock(&m->lock);
    return result;
}

/* ---- reload ---------------------------------------------------------- */

/* Frees the buffer, even if it is empty or ran out of memory. */
static shmrpc_str_list copy_names(shmrpc_ctx *ctx, shmrpci_buf *names)
{
    const char *text = shmrpci_buf_text(names);
    shmrpc_str_list list =
        mgr_answer_words(ctx, text != NULL ? text : "", '\n');
    shmrpci_buf_fini(names);
    return list;
}

/* Reads the file on the handler's thread, under the lock. Programs are only
 * started and stopped by the loop. A manager that is about to end refuses to
 * reload. */
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
            .messages = mgr_answer_text(ctx, text != NULL ? text : "")};
        result = manager_raise_bad_file(ctx, &detail);
    }
    ret->added = copy_names(ctx, &changes.added);
    ret->removed = copy_names(ctx, &changes.removed);
    ret->changed = copy_names(ctx, &changes.changed);
    shmrpci_buf_fini(&messages);
    return result;
}

/* ---- serving --------------------------------------------------------- */

/* The search for the path of our own socket. */
typedef struct search {
    const char *instance;
    char *where;
    size_t size;
} search;

/* Keeps the first socket with our name, instance and port, because clients
 * connect to that one. */
static void found(void *user, const shmrpc_found *at)
{
    const search *s = user;
    if (s->where[0] == '\0' && strcmp(at->name, "shmrpcd") == 0 &&
        strcmp(at->instance, s->instance) == 0 && at->port == PORT) {
        (void)snprintf(s->where, s->size, "%s", at->where);
    }
}

/* Uses threads rather than worker processes, because handlers read the
 * manager's memory. Threads never spin, because the control interface is idle
 * nearly always. */
static int serve(mgr_control *control, const char *instance,
                 shmrpc_error *error)
{
    char listen[128];
    manager_control_impl impl = MANAGER_CONTROL_IMPL_INIT;
    mgr_asking_fill(&impl);
    impl.start = start;
    impl.stop = stop;
    impl.restart = restart;
    impl.reload = reload;
    impl.scale = scale;
    (void)snprintf(listen, sizeof listen, "shm://%s%.100s",
                   instance[0] != '\0' ? "@" : "", instance);
    const shmrpc_server_opts opts = {
        .listen = listen, .workers = THREADS, .profile = SHMRPC_PROFILE_POWER};
    int result = shmrpc_server_create(&opts, &control->server, error);
    return result == SHMRPC_OK
               ? manager_control_serve(control->server, &impl, control, error)
               : result;
}

/* Listens, and so takes the lock of the name, but answers no call before
 * mgr_control_start. Callers wait until then. */
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
        result = shmrpc_discover(error, found, &s);
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

/* If serving fails, the manager goes on without a control interface: ending it
 * would end all services. */
static void run(void *user)
{
    const mgr_control *control = user;
    shmrpc_error error;
    if (shmrpc_server_run(control->server, &error) != SHMRPC_OK) {
        char text[SHMRPC_ERROR_TEXT_BYTES];
        fprintf(stderr, "shmrpcd: no control interface: %s\n",
                shmrpc_error_text(&error, text, sizeof text));
    }
}

int mgr_control_start(mgr_control *control, shmrpc_error *error)
{
    shmrpc_status result =
        shmrpci_thread_create(&control->thread, "control", run, control);
    control->has_thread = result == SHMRPC_OK;
    return result == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, result, "can't start a thread");
}

/* Stops the threads first, because they use the manager, which is destroyed
 * next. */
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
