/* The supervisor's loop. */
#include "supervise/supervisor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "supervise/policy.h"
#include "sync/atomic.h"

#define TAG_STOP      UINT64_C(1)
#define TAG_ZYGOTE    UINT64_C(2)
#define TAG_LISTENERS UINT64_C(100)
#define TAG_WORKERS   UINT64_C(200)

/* How often calls are looked at that may never end. */
#define WATCH_NS (1 * SHMRPCI_NS_PER_S)

/* A zygote that died is started again so much later. */
#define ZYGOTE_PAUSE_NS (1 * SHMRPCI_NS_PER_S)

/*
 *     NONE --spawn--> ASKED --FORKED--> RUNS --retire--> LEAVES
 *     ASKED, RUNS, LEAVES --its end--> NONE
 */
typedef enum worker_state {
    WORKER_NONE,
    WORKER_ASKED, /* the zygote is to fork it; its links are there */
    WORKER_RUNS,
    WORKER_LEAVES
} worker_state;

typedef struct worker {
    worker_state state;
    int32_t pid;
    int watch_fd;
    int64_t started_ns;
    bool is_killed; /* by us, as it hung */
} worker;

struct shmrpci_supervisor {
    shmrpci_supervise_opts opts;
    shmrpc_server *server;
    int poll_set;
    int stop_event;
    shmrpci_atomic_u32 stops; /* how often stop was called */

    int zygote_socket; /* -1: none */
    int32_t zygote_pid;
    bool is_zygote_ready;
    int64_t zygote_next_ns;

    uint32_t target; /* so many workers are wanted */
    worker workers[SHMRPCI_WORKERS_MAX];
    shmrpci_backoff backoff;
    bool was_degraded;
    int64_t watch_next_ns;
    int64_t stop_deadline_ns; /* 0: not stopping */
};

static void say(const shmrpci_supervisor *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const shmrpci_supervisor *s, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    s->opts.say(s->opts.user, line);
}

static uint32_t outlet_count(const shmrpci_supervisor *s)
{
    return shmrpci_server_outlet_count(s->server);
}

static uint32_t first_place(const shmrpci_supervisor *s, uint32_t number)
{
    return number * s->opts.crew.threads;
}

static uint32_t count_workers(const shmrpci_supervisor *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        count += s->workers[i].state != WORKER_NONE;
    }
    return count;
}

/* ---- the zygote ------------------------------------------------------ */

/* What the child has inherited and must not keep. */
static void disown(shmrpci_supervisor *s)
{
    shmrpci_fd_close(&s->poll_set);
    shmrpci_fd_close(&s->stop_event);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_fd_close(&s->workers[i].watch_fd);
    }
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        if (outlet.listener != NULL) {
            outlet.transport->disown(outlet.listener);
        }
    }
}

static shmrpc_status start_zygote(shmrpci_supervisor *s)
{
    int sockets[2];
    shmrpc_status status = shmrpci_socket_pair(sockets);
    if (status != SHMRPC_OK) {
        return status;
    }
    int32_t pid = shmrpci_child_fork();
    if (pid == 0) {
        shmrpci_fd_close(&sockets[0]);
        disown(s);
        shmrpci_zygote_run(&s->opts.crew, sockets[1]);
    }
    shmrpci_fd_close(&sockets[1]);
    status = pid < 0 ? SHMRPC_E_EXHAUSTED
                     : shmrpci_poll_add(s->poll_set, sockets[0],
                                        SHMRPCI_POLL_LEVEL, TAG_ZYGOTE);
    s->zygote_pid = pid;
    s->zygote_socket = sockets[0];
    s->is_zygote_ready = false;
    return status;
}

/* It has ended, or is told to by this. */
static void end_zygote(shmrpci_supervisor *s)
{
    if (s->zygote_socket >= 0) {
        shmrpci_poll_remove(s->poll_set, s->zygote_socket);
        shmrpci_fd_close(&s->zygote_socket);
    }
    s->is_zygote_ready = false;
}

static void kill_zygote(shmrpci_supervisor *s)
{
    int watch_fd = -1;
    end_zygote(s);
    if (s->zygote_pid > 0 &&
        shmrpci_child_watch(s->zygote_pid, &watch_fd) == SHMRPC_OK) {
        shmrpci_child_signal(watch_fd, SHMRPCI_CHILD_KILL);
        shmrpci_fd_close(&watch_fd);
    }
}

static void bury_zygote(shmrpci_supervisor *s)
{
    if (s->zygote_pid > 0) {
        shmrpci_child_wait(s->zygote_pid);
        s->zygote_pid = 0;
    }
}

/* ---- workers --------------------------------------------------------- */

static void dismiss(shmrpci_supervisor *s, uint32_t number)
{
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->dismiss(outlet.listener, first_place(s, number));
    }
}

static void retire(shmrpci_supervisor *s, uint32_t number)
{
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->retire(outlet.listener, first_place(s, number));
    }
    s->workers[number].state = WORKER_LEAVES;
}

/* One link of the worker: our end goes to the listener. */
static shmrpc_status make_link(shmrpci_supervisor *s, uint32_t number,
                               uint32_t index, int *out_fd)
{
    int fds[2];
    shmrpc_error error;
    shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, index);
    shmrpc_status status = shmrpci_socket_pair(fds);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = (shmrpc_status)outlet.transport->enlist(
        outlet.listener, first_place(s, number), s->opts.crew.threads, fds[0],
        &error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fds[0]);
        shmrpci_fd_close(&fds[1]);
        return status;
    }
    *out_fd = fds[1];
    return SHMRPC_OK;
}

static shmrpc_status spawn(shmrpci_supervisor *s, uint32_t number)
{
    int links[SHMRPCI_SOCKET_MAX_FDS];
    uint32_t count = 0;
    shmrpc_status status = SHMRPC_OK;
    while (count < outlet_count(s) && status == SHMRPC_OK) {
        status = make_link(s, number, count, &links[count]);
        count += status == SHMRPC_OK;
    }
    if (status == SHMRPC_OK) {
        shmrpci_zygote_message order = {.kind = SHMRPCI_ZYGOTE_SPAWN,
                                        .number = number};
        status = shmrpci_zygote_send(s->zygote_socket, &order, links, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        shmrpci_fd_close(&links[i]);
    }
    if (status != SHMRPC_OK) {
        dismiss(s, number);
        return status;
    }
    s->workers[number].state = WORKER_ASKED;
    s->workers[number].started_ns = shmrpci_now_ns();
    return SHMRPC_OK;
}

/* A failure counts like a death: not too soon again. */
static void spawn_missing(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    uint32_t count = count_workers(s);
    for (uint32_t i = 0; i < s->opts.max_workers && count < s->target; i++) {
        if (!s->is_zygote_ready || now_ns < s->backoff.next_ns) {
            return;
        }
        if (s->workers[i].state != WORKER_NONE) {
            continue;
        }
        if (spawn(s, i) != SHMRPC_OK) {
            shmrpci_backoff_died(&s->backoff, now_ns, 0);
            return;
        }
        count++;
    }
}

static void note_degraded(shmrpci_supervisor *s)
{
    bool is_degraded = shmrpci_backoff_is_degraded(&s->backoff);
    if (is_degraded != s->was_degraded) {
        s->was_degraded = is_degraded;
        say(s, is_degraded ? "degraded: workers die as soon as they are started"
                           : "no longer degraded");
    }
}

/* Its process has ended: what it held is repaired before anything else. */
static void bury(shmrpci_supervisor *s, uint32_t number)
{
    worker *dead = &s->workers[number];
    int64_t now_ns = shmrpci_now_ns();
    if (dead->state == WORKER_NONE) {
        return;
    }
    dismiss(s, number);
    if (dead->state != WORKER_LEAVES) {
        shmrpci_backoff_died(&s->backoff, now_ns, now_ns - dead->started_ns);
    }
    if (dead->watch_fd >= 0) {
        shmrpci_poll_remove(s->poll_set, dead->watch_fd);
        shmrpci_fd_close(&dead->watch_fd);
    }
    *dead = (worker){.watch_fd = -1};
    note_degraded(s);
}

static void tell_end(const shmrpci_supervisor *s,
                     const shmrpci_zygote_message *ended)
{
    if (ended->end.signal != 0) {
        say(s, "worker %u (pid %d) was ended by signal %d (%s)%s",
            ended->number, (int)ended->pid, (int)ended->end.signal,
            strsignal(ended->end.signal),
            ended->end.has_dumped ? ", core dumped" : "");
    } else if (ended->end.status != 0) {
        say(s, "worker %u (pid %d) ended with status %d", ended->number,
            (int)ended->pid, (int)ended->end.status);
    }
}

/* ---- events ---------------------------------------------------------- */

static void take_forked(shmrpci_supervisor *s, shmrpci_zygote_packet *packet)
{
    uint32_t number = packet->head.number;
    worker *forked = &s->workers[number];
    if (packet->head.pid < 0) {
        say(s, "worker %u can't be forked", number);
        bury(s, number);
        return;
    }
    forked->pid = packet->head.pid;
    if (forked->state == WORKER_ASKED) {
        forked->state = WORKER_RUNS;
    }
    if (packet->fd_count == 1) {
        forked->watch_fd = packet->fds[0];
        packet->fd_count = 0;
        (void)shmrpci_poll_add(s->poll_set, forked->watch_fd,
                               SHMRPCI_POLL_LEVEL, TAG_WORKERS + number);
    }
}

static void take_packet(shmrpci_supervisor *s, shmrpci_zygote_packet *packet)
{
    switch ((shmrpci_zygote_kind)packet->head.kind) {
    case SHMRPCI_ZYGOTE_READY:
        s->is_zygote_ready = packet->head.status == SHMRPC_OK;
        break;
    case SHMRPCI_ZYGOTE_FORKED:
        take_forked(s, packet);
        break;
    case SHMRPCI_ZYGOTE_ENDED:
        tell_end(s, &packet->head);
        if (s->workers[packet->head.number].pid == packet->head.pid) {
            bury(s, packet->head.number);
        }
        break;
    case SHMRPCI_ZYGOTE_SPAWN:
        break; /* not the zygote's to send */
    }
}

/* Workers go on without it; those that were asked for will never come. */
static void lose_zygote(shmrpci_supervisor *s)
{
    say(s, "the zygote has ended; another one is started");
    kill_zygote(s);
    bury_zygote(s);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == WORKER_ASKED) {
            bury(s, i);
        }
    }
    s->zygote_next_ns = shmrpci_deadline_after(ZYGOTE_PAUSE_NS);
}

static void take_zygote(shmrpci_supervisor *s)
{
    shmrpci_zygote_packet packet;
    while (s->zygote_socket >= 0) {
        shmrpc_status status =
            shmrpci_zygote_receive(s->zygote_socket, &packet);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status != SHMRPC_OK) {
            lose_zygote(s);
            return;
        }
        take_packet(s, &packet);
        for (size_t i = 0; i < packet.fd_count; i++) {
            shmrpci_fd_close(&packet.fds[i]);
        }
    }
}

static void begin_stop(shmrpci_supervisor *s)
{
    /* In this order: a signal between the two rings again. */
    shmrpci_event_clear(s->stop_event);
    uint32_t stops = shmrpci_load_acquire(&s->stops);
    if (stops == 0) {
        return;
    }
    s->target = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == WORKER_ASKED ||
            s->workers[i].state == WORKER_RUNS) {
            retire(s, i);
        }
    }
    if (s->stop_deadline_ns == 0 || stops > 1) {
        s->stop_deadline_ns =
            shmrpci_deadline_after(stops > 1 ? 0 : s->opts.stop_ns);
    }
}

static void take_event(shmrpci_supervisor *s, uint64_t tag)
{
    if (tag == TAG_STOP) {
        begin_stop(s);
    } else if (tag == TAG_ZYGOTE) {
        take_zygote(s);
    } else if (tag >= TAG_WORKERS) {
        bury(s, (uint32_t)(tag - TAG_WORKERS));
    }
    /* Listeners are stepped in every round. */
}

/* ---- what nobody sends ----------------------------------------------- */

static void kill_worker(shmrpci_supervisor *s, uint32_t number)
{
    worker *it = &s->workers[number];
    if (it->watch_fd >= 0 && !it->is_killed) {
        it->is_killed = true;
        shmrpci_child_signal(it->watch_fd, SHMRPCI_CHILD_KILL);
    }
}

/* Whether a call of this worker is past its deadline by `hang_ns`. */
static bool is_hung(const shmrpci_supervisor *s, uint32_t number,
                    int64_t now_ns)
{
    uint32_t first = first_place(s, number);
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            shmrpci_worker_view view;
            outlet.transport->observe(outlet.listener, first + t, &view);
            if (view.is_busy && view.deadline_ns < now_ns - s->opts.hang_ns) {
                return true;
            }
        }
    }
    return false;
}

static void watch_workers(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t youngest_ns = INT64_MAX;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const worker *it = &s->workers[i];
        if (it->state != WORKER_RUNS && it->state != WORKER_LEAVES) {
            continue;
        }
        if (!it->is_killed && is_hung(s, i, now_ns)) {
            say(s,
                "worker %u (pid %d) hangs in a call whose deadline is long "
                "past: it is killed",
                i, (int)it->pid);
            kill_worker(s, i);
        }
        int64_t lived_ns = now_ns - it->started_ns;
        youngest_ns = lived_ns < youngest_ns ? lived_ns : youngest_ns;
    }
    if (youngest_ns != INT64_MAX) {
        shmrpci_backoff_lives(&s->backoff, youngest_ns);
        note_degraded(s);
    }
}

static void kill_late(shmrpci_supervisor *s)
{
    if (s->stop_deadline_ns == 0 ||
        shmrpci_remaining_ns(s->stop_deadline_ns) > 0) {
        return;
    }
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        kill_worker(s, i);
    }
}

static void revive_zygote(shmrpci_supervisor *s)
{
    if (s->zygote_socket < 0 && s->target > 0 &&
        shmrpci_remaining_ns(s->zygote_next_ns) == 0 &&
        start_zygote(s) != SHMRPC_OK) {
        kill_zygote(s);
        bury_zygote(s);
        s->zygote_next_ns = shmrpci_deadline_after(ZYGOTE_PAUSE_NS);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Everything that time brings; returns when the next of it comes. */
static int64_t take_time(shmrpci_supervisor *s)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    if (shmrpci_remaining_ns(s->watch_next_ns) == 0) {
        s->watch_next_ns = shmrpci_deadline_after(WATCH_NS);
        watch_workers(s);
    }
    kill_late(s);
    revive_zygote(s);
    spawn_missing(s);
    if (s->zygote_socket < 0) {
        next_ns = earlier(next_ns, s->zygote_next_ns);
    } else if (count_workers(s) < s->target) {
        next_ns = earlier(next_ns, s->backoff.next_ns);
    }
    if (s->stop_deadline_ns != 0 &&
        shmrpci_remaining_ns(s->stop_deadline_ns) > 0) {
        next_ns = earlier(next_ns, s->stop_deadline_ns);
    }
    if (count_workers(s) > 0) {
        next_ns = earlier(next_ns, s->watch_next_ns);
    }
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        next_ns = earlier(next_ns, outlet.transport->step(outlet.listener));
    }
    return next_ns;
}

/* ---- running --------------------------------------------------------- */

static int fail(shmrpc_error *error, shmrpc_status status, const char *what)
{
    return shmrpc_error_set(error, status, "%s: %s", what,
                            shmrpc_status_text(status));
}

/* Until preload has ended, one way or the other, or we are stopped. */
static int await_zygote(shmrpci_supervisor *s, shmrpc_error *error)
{
    shmrpci_zygote_packet packet;
    uint64_t tags[2];
    for (;;) {
        if (shmrpci_load_acquire(&s->stops) > 0) {
            return shmrpc_error_set(error, SHMRPC_E_CANCELLED, "stopped");
        }
        shmrpc_status status =
            shmrpci_zygote_receive(s->zygote_socket, &packet);
        if (status == SHMRPC_OK) {
            s->is_zygote_ready = packet.head.status == SHMRPC_OK;
            return packet.head.status == SHMRPC_OK
                       ? SHMRPC_OK
                       : shmrpc_error_set(error, packet.head.status, "%s",
                                          packet.head.text);
        }
        if (status != SHMRPC_E_BUSY) {
            return shmrpc_error_set(error, SHMRPC_E_INTERNAL,
                                    "the process has died in preload");
        }
        (void)shmrpci_poll_wait(s->poll_set, tags, 2, SHMRPCI_NEVER_NS);
    }
}

static int watch_listeners(shmrpci_supervisor *s, shmrpc_error *error)
{
    for (uint32_t i = 0; i < outlet_count(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        shmrpc_status status = shmrpci_poll_add(
            s->poll_set, outlet.transport->poll_fd(outlet.listener),
            SHMRPCI_POLL_LEVEL, TAG_LISTENERS + i);
        if (status != SHMRPC_OK) {
            return fail(error, status, "a listener can't be watched");
        }
    }
    return SHMRPC_OK;
}

static int prepare(shmrpci_supervisor *s, shmrpc_error *error)
{
    shmrpc_status status = start_zygote(s);
    if (status != SHMRPC_OK) {
        return fail(error, status, "the zygote can't be started");
    }
    int failed = await_zygote(s, error);
    if (failed == SHMRPC_OK) {
        shmrpci_process_raise_descriptors();
        failed = shmrpci_server_listen(s->server, error);
    }
    return failed == SHMRPC_OK ? watch_listeners(s, error) : failed;
}

int shmrpci_supervisor_run(shmrpci_supervisor *supervisor, shmrpc_error *error)
{
    shmrpci_supervisor *s = supervisor;
    uint64_t tags[64];
    int failed = prepare(s, error);
    if (failed == SHMRPC_OK) {
        s->target = s->opts.min_workers;
        s->opts.on_serving(s->opts.user);
        begin_stop(s); /* if it was asked for before */
        while (s->stop_deadline_ns == 0 || count_workers(s) > 0) {
            int64_t next_ns = take_time(s);
            size_t count = shmrpci_poll_wait(s->poll_set, tags, 64, next_ns);
            for (size_t i = 0; i < count; i++) {
                take_event(s, tags[i]);
            }
        }
    }
    if (failed == SHMRPC_E_CANCELLED) {
        kill_zygote(s); /* in the midst of preload */
        failed = SHMRPC_OK;
    }
    end_zygote(s);
    bury_zygote(s);
    return failed;
}

void shmrpci_supervisor_stop(shmrpci_supervisor *supervisor)
{
    (void)shmrpci_add_seq(&supervisor->stops, 1u);
    shmrpci_event_set(supervisor->stop_event);
}

/* ---- making ---------------------------------------------------------- */

static int check_opts(const shmrpci_supervise_opts *opts, shmrpc_error *error)
{
    uint32_t outlets = shmrpci_server_outlet_count(opts->crew.server);
    uint64_t places = (uint64_t)opts->max_workers * opts->crew.threads;
    if (opts->crew.threads == 0 || opts->min_workers == 0 ||
        opts->min_workers > opts->max_workers || places > SHMRPCI_WORKERS_MAX) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "%u to %u workers of %u threads: there must be 1 to %u in all",
            opts->min_workers, opts->max_workers, opts->crew.threads,
            SHMRPCI_WORKERS_MAX);
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
        if (outlet.transport->enlist == NULL) {
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
    s->server = opts->crew.server;
    s->poll_set = s->stop_event = s->zygote_socket = -1;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        s->workers[i].watch_fd = -1;
    }
    shmrpc_status status = shmrpci_poll_create(&s->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&s->stop_event);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(s->poll_set, s->stop_event,
                                  SHMRPCI_POLL_LEVEL, TAG_STOP);
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
        shmrpci_fd_close(&supervisor->poll_set);
        shmrpci_fd_close(&supervisor->stop_event);
        free(supervisor);
    }
}
