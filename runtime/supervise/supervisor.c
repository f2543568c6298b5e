/* The supervisor's loop. */
#include "supervise/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

/* How often to check for hung calls. */
#define WATCH_NS (1 * SHMRPCI_NS_PER_S)

void shmrpci_supervisor_say(const shmrpci_supervisor *s, const char *format,
                            ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    s->opts.say(s->opts.user, line);
}

uint32_t shmrpci_supervisor_outlets(const shmrpci_supervisor *s)
{
    return shmrpci_server_outlet_count(s->server);
}

/* ---- events -------------------------------------------------------------- */

static void begin_stop(shmrpci_supervisor *s)
{
    /* The event is cleared before the counter is read, so that a stop in
     * between is noticed: it sets the event again. */
    shmrpci_event_clear(s->stop_event);
    uint32_t stops = shmrpci_load_acquire(&s->stops);
    if (stops == 0) {
        return;
    }
    if (s->stop_deadline_ns == 0) {
        s->opts.on_ending(s->opts.user);
    }
    s->target = 0;
    shmrpci_elders_retire(s);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == SHMRPCI_WORKER_ASKED ||
            s->workers[i].state == SHMRPCI_WORKER_RUNS) {
            shmrpci_worker_retire(s, i);
        }
    }
    if (s->stop_deadline_ns == 0 || stops > 1) {
        s->stop_deadline_ns =
            shmrpci_deadline_after(stops > 1 ? 0 : s->opts.stop_ns);
    }
}

static void take_event(shmrpci_supervisor *s, uint64_t tag)
{
    if (tag == SHMRPCI_TAG_STOP) {
        begin_stop(s);
    } else if (tag == SHMRPCI_TAG_ZYGOTE) {
        shmrpci_nursery_take(s);
    } else if (tag >= SHMRPCI_TAG_ELDERS) {
        shmrpci_elder_bury(s, (uint32_t)(tag - SHMRPCI_TAG_ELDERS));
    } else if (tag == SHMRPCI_TAG_ORDERS) {
        shmrpci_orders_take(s);
    } else if (tag >= SHMRPCI_TAG_WORKERS) {
        shmrpci_worker_bury(s, (uint32_t)(tag - SHMRPCI_TAG_WORKERS));
    }
    /* Listeners are stepped in every round. */
}

/* ---- checks without an event --------------------------------------------- */

static void kill_late(shmrpci_supervisor *s)
{
    if (s->stop_deadline_ns == 0 ||
        shmrpci_remaining_ns(s->stop_deadline_ns) > 0) {
        return;
    }
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_worker_kill(s, i);
    }
    shmrpci_elders_kill(s);
}

/* ---- start --------------------------------------------------------------- */

/* The start fails if this many workers in a row can't begin, and none serves.
 */
#define START_TRIES 3

/* How often to check whether the first worker has started. */
#define BEGIN_NS (1 * SHMRPCI_NS_PER_MS)

static void give_up_start(shmrpci_supervisor *s)
{
    char memory[160];
    shmrpci_buf text;
    shmrpci_buf_init_fixed(&text, (uint8_t *)memory, sizeof memory - 1);
    if (s->start_error.code == SHMRPC_OK) {
        shmrpci_deaths_describe_last(s, &text);
        memory[text.len] = '\0';
        (void)shmrpc_error_set(&s->start_error, SHMRPC_E_INTERNAL,
                               "can't start a worker: %s", memory);
    }
    s->target = 0;
    s->stop_deadline_ns = shmrpci_now_ns();
}

/* Reports that the service serves, once a worker can take calls. Returns when
 * to check again. */
static int64_t look_at_start(shmrpci_supervisor *s)
{
    if (s->is_serving || s->target == 0) {
        return SHMRPCI_NEVER_NS;
    }
    if (shmrpci_workers_have_begun(s)) {
        s->is_serving = true;
        s->opts.on_serving(s->opts.user);
        return SHMRPCI_NEVER_NS;
    }
    if (s->start_failures >= START_TRIES && !shmrpci_workers_serve(s)) {
        give_up_start(s);
        return 0;
    }
    return shmrpci_deadline_after(BEGIN_NS);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Does everything that depends on time. Returns when to call it again. */
static int64_t take_time(shmrpci_supervisor *s)
{
    int64_t next_ns = shmrpci_scaling_look(s);
    if (shmrpci_remaining_ns(s->watch_next_ns) == 0) {
        s->watch_next_ns = shmrpci_deadline_after(WATCH_NS);
        shmrpci_workers_watch(s);
    }
    next_ns = earlier(next_ns, shmrpci_recycle(s));
    next_ns = earlier(next_ns, shmrpci_drain_look(s));
    kill_late(s);
    shmrpci_nursery_revive(s);
    shmrpci_workers_spawn(s);
    next_ns = earlier(next_ns, shmrpci_workers_relieve(s));
    if (s->zygote_socket < 0 && s->target > 0) {
        next_ns = earlier(next_ns, s->zygote_next_ns);
    }
    next_ns = earlier(next_ns, shmrpci_workers_next_ns(s));
    next_ns = earlier(next_ns, shmrpci_unserved_look(s));
    next_ns = earlier(next_ns, look_at_start(s));
    if (s->stop_deadline_ns != 0 &&
        shmrpci_remaining_ns(s->stop_deadline_ns) > 0) {
        next_ns = earlier(next_ns, s->stop_deadline_ns);
    }
    if (shmrpci_workers_count(s) + shmrpci_elders_count(s) > 0) {
        next_ns = earlier(next_ns, s->watch_next_ns);
    }
    shmrpci_deaths_show(s);
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        next_ns = earlier(next_ns,
                          outlet.transport->processes->step(outlet.listener));
    }
    return next_ns;
}

/* ---- running ------------------------------------------------------------- */

static int fail(shmrpc_error *error, shmrpc_status status, const char *what)
{
    return shmrpc_error_set(error, status, "%s: %s", what,
                            shmrpc_status_text(status));
}

/* Accepts one successor at a time. Others may ask again. */
static void on_successor(void *user, int fd)
{
    shmrpci_supervisor *s = user;
    if (s->successor_fd < 0) {
        s->successor_fd = fd;
    } else {
        shmrpci_fd_close(&fd);
    }
}

static int watch_listeners(shmrpci_supervisor *s, shmrpc_error *error)
{
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        shmrpc_status status = shmrpci_poll_add(
            s->poll_set, outlet.transport->processes->poll_fd(outlet.listener),
            SHMRPCI_POLL_LEVEL, SHMRPCI_TAG_LISTENERS + i);
        if (status != SHMRPC_OK) {
            return fail(error, status, "a listener can't be watched");
        }
    }
    return SHMRPC_OK;
}

static int prepare(shmrpci_supervisor *s, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_nursery_start(s);
    if (status != SHMRPC_OK) {
        return fail(error, status, "can't start the zygote");
    }
    int failed = shmrpci_nursery_await(s, error);
    if (failed == SHMRPC_OK) {
        shmrpci_process_raise_descriptors();
        failed = s->opts.takes_over ? shmrpci_handover_take(s, error)
                                    : SHMRPC_E_UNAVAILABLE;
        if (failed == SHMRPC_E_UNAVAILABLE) {
            failed = shmrpci_server_listen(s->server, error);
        }
    }
    return failed == SHMRPC_OK ? watch_listeners(s, error) : failed;
}

/* Returns `target`, limited to the configured range. It is the predecessor's
 * number of workers, which is the best initial guess, or 0 if there is no
 * predecessor. */
static uint32_t within(const shmrpci_supervisor *s, uint32_t target)
{
    return target < s->opts.min_workers   ? s->opts.min_workers
           : target > s->opts.max_workers ? s->opts.max_workers
                                          : target;
}

static bool goes_on(const shmrpci_supervisor *s)
{
    return s->stop_deadline_ns == 0 ||
           shmrpci_workers_count(s) + shmrpci_elders_count(s) > 0;
}

int shmrpci_supervisor_run(shmrpci_supervisor *supervisor, shmrpc_error *error)
{
    shmrpci_supervisor *s = supervisor;
    uint64_t tags[64];
    int failed = prepare(s, error);
    if (failed == SHMRPC_OK) {
        s->target = within(s, s->target);
        shmrpci_orders_watch(s);
        begin_stop(s); /* stop may have been called before */
        while (goes_on(s)) {
            int64_t next_ns = take_time(s);
            shmrpci_handover_give(s);
            if (s->is_succeeded) {
                break;
            }
            size_t count = shmrpci_poll_wait(s->poll_set, tags, 64, next_ns);
            for (size_t i = 0; i < count; i++) {
                take_event(s, tags[i]);
            }
        }
    }
    if (failed == SHMRPC_OK && !s->is_serving &&
        s->start_error.code != SHMRPC_OK &&
        shmrpci_load_acquire(&s->stops) == 0) {
        failed = s->start_error.code;
        if (error != NULL) {
            *error = s->start_error;
        }
    }
    if (failed == SHMRPC_E_CANCELLED) {
        shmrpci_nursery_kill(s); /* it may be in the middle of preload */
        failed = SHMRPC_OK;
    }
    shmrpci_nursery_end(s);
    shmrpci_nursery_bury(s);
    return failed;
}

void shmrpci_supervisor_stop(shmrpci_supervisor *supervisor)
{
    (void)shmrpci_add_seq(&supervisor->stops, 1u);
    shmrpci_event_set(supervisor->stop_event);
}

/* ---- making -------------------------------------------------------------- */

static int check_opts(const shmrpci_supervise_opts *opts, shmrpc_error *error)
{
    uint32_t outlets = shmrpci_server_outlet_count(opts->crew.server);
    uint64_t places = (uint64_t)opts->max_workers * opts->crew.threads;
    if (opts->crew.threads == 0 || opts->min_workers == 0 ||
        opts->min_workers > opts->max_workers || places > SHMRPCI_WORKERS_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "%u to %u workers with %u threads each: there "
                                "must be 1 to %u threads in all",
                                opts->min_workers, opts->max_workers,
                                opts->crew.threads, SHMRPCI_WORKERS_MAX);
    }
    if (outlets == 0 || outlets > SHMRPCI_SOCKET_MAX_FDS) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "worker processes can serve 1 to %u addresses, not %u",
            SHMRPCI_SOCKET_MAX_FDS, outlets);
    }
    for (uint32_t i = 0; i < outlets; i++) {
        shmrpci_outlet_view outlet =
            shmrpci_server_outlet(opts->crew.server, i);
        if (outlet.transport->processes == NULL) {
            return shmrpc_error_set(
                error, SHMRPC_E_UNIMPLEMENTED,
                "%s:// can't be served by worker processes, only by threads "
                "(--workers=0)",
                outlet.transport->scheme);
        }
    }
    return SHMRPC_OK;
}

int shmrpci_supervisor_create(const shmrpci_supervise_opts *opts,
                              shmrpci_supervisor **out, shmrpc_error *error)
{
    int failed = check_opts(opts, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shmrpci_supervisor *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    s->opts = *opts;
    s->opts.scale.min_workers = opts->min_workers;
    s->opts.scale.max_workers = opts->max_workers;
    s->server = opts->crew.server;
    s->poll_set = s->stop_event = s->zygote_socket = s->successor_fd = -1;
    shmrpci_server_set_successor(s->server, on_successor, s);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        s->workers[i].watch_fd = -1;
    }
    shmrpc_status status = shmrpci_poll_create(&s->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&s->stop_event);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(s->poll_set, s->stop_event,
                                  SHMRPCI_POLL_LEVEL, SHMRPCI_TAG_STOP);
    }
    if (status != SHMRPC_OK) {
        shmrpci_supervisor_destroy(s);
        return fail(error, status, "the supervisor can't be made");
    }
    *out = s;
    return SHMRPC_OK;
}

void shmrpci_supervisor_destroy(shmrpci_supervisor *supervisor)
{
    if (supervisor != NULL) {
        shmrpci_orders_close(supervisor);
        shmrpci_fd_close(&supervisor->poll_set);
        shmrpci_fd_close(&supervisor->stop_event);
        shmrpci_fd_close(&supervisor->successor_fd);
        free(supervisor);
    }
}
