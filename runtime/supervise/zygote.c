/* The zygote: runs preload once, then forks workers. */
#include "supervise/zygote.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

#define TAG_SOCKET UINT64_C(1)
#define TAG_CHILD  UINT64_C(2)

/* How long elders have to end their calls after their streams were cut. */
#define AFTER_DRAIN_NS (5 * SHMRPCI_NS_PER_S)

typedef struct zygote {
    const shmrpci_crew *crew;
    int socket;
    int child_event;
    int poll_set;
    bool is_alone;                     /* the supervisor is gone */
    int64_t patience_ns;               /* how long workers may run after that */
    int64_t deadline_ns;               /* when the remaining workers are killed,
                                        * if is_alone */
    int32_t pids[SHMRPCI_WORKERS_MAX]; /* 0: none */
} zygote;

/* ---- packets ------------------------------------------------------------- */

shmrpc_status shmrpci_zygote_send(int fd, const shmrpci_zygote_message *head,
                                  const int *fds, size_t fd_count)
{
    return shmrpci_socket_send(fd, head, sizeof *head, fds, fd_count);
}

shmrpc_status shmrpci_zygote_receive(int fd, shmrpci_zygote_packet *out)
{
    size_t len = 0;
    out->fd_count = 0;
    shmrpc_status status = shmrpci_socket_receive(
        fd, &out->head, sizeof out->head, &len, out->fds, &out->fd_count);
    if (status == SHMRPC_OK &&
        (len != sizeof out->head || out->head.number >= SHMRPCI_WORKERS_MAX)) {
        status = SHMRPC_E_INVALID;
    }
    out->head.text[sizeof out->head.text - 1] = '\0';
    return status;
}

/* ---- workers ------------------------------------------------------------- */

static uint32_t reap(zygote *z)
{
    uint32_t alive = 0;
    shmrpci_event_clear(z->child_event);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_zygote_message ended = {
            .kind = SHMRPCI_ZYGOTE_ENDED, .number = i, .pid = z->pids[i]};
        if (z->pids[i] == 0) {
            continue;
        }
        if (!shmrpci_child_reap(z->pids[i], &ended.end)) {
            alive++;
            continue;
        }
        z->pids[i] = 0;
        if (!z->is_alone) {
            (void)shmrpci_zygote_send(z->socket, &ended, NULL, 0);
        }
    }
    return alive;
}

int32_t shmrpci_crew_fork(const shmrpci_crew *crew)
{
    if (crew->hooks.before_fork != NULL) {
        crew->hooks.before_fork(crew->user);
    }
    int32_t pid = shmrpci_child_fork();
    if (crew->hooks.after_fork != NULL) {
        crew->hooks.after_fork(crew->user, pid);
    }
    return pid;
}

static void leave_behind(zygote *z)
{
    shmrpci_fd_close(&z->socket);
    shmrpci_fd_close(&z->child_event);
    shmrpci_fd_close(&z->poll_set);
}

static void spawn(zygote *z, shmrpci_zygote_packet *packet)
{
    uint32_t number = packet->head.number;
    shmrpci_zygote_message forked = {
        .kind = SHMRPCI_ZYGOTE_FORKED, .number = number, .pid = -1};
    int watch_fd = -1;
    /* The supervisor may have noticed the end of the number's previous worker
     * before the zygote did. */
    (void)reap(z);
    if (z->pids[number] == 0 &&
        packet->fd_count == shmrpci_server_outlet_count(z->crew->server)) {
        forked.pid = shmrpci_crew_fork(z->crew);
        shmrpci_process_limits(forked.text, sizeof forked.text);
    }
    if (forked.pid == 0) {
        shmrpci_child_notify(-1);
        leave_behind(z);
        shmrpci_worker_run(z->crew, number, packet->fds);
    }
    if (forked.pid > 0) {
        z->pids[number] = forked.pid;
        (void)shmrpci_child_watch(forked.pid, &watch_fd);
    }
    (void)shmrpci_zygote_send(z->socket, &forked, &watch_fd,
                              watch_fd >= 0 ? 1 : 0);
    shmrpci_fd_close(&watch_fd);
}

static void close_fds(shmrpci_zygote_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++) {
        shmrpci_fd_close(&packet->fds[i]);
    }
}

static void be_alone(zygote *z)
{
    z->is_alone = true;
    z->deadline_ns = shmrpci_deadline_after(z->patience_ns);
    shmrpci_poll_remove(z->poll_set, z->socket);
    shmrpci_fd_close(&z->socket);
}

/* Returns how long elders (workers that were handed over) may run. Before this
 * time is over, the new supervisor cuts their streams and tells the clients. */
static int64_t patience_with_elders(const shmrpci_crew *crew)
{
    int64_t drained_ns = crew->drain_ns + AFTER_DRAIN_NS;
    return drained_ns > SHMRPCI_ELDER_NS ? drained_ns : SHMRPCI_ELDER_NS;
}

static void take_packets(zygote *z)
{
    shmrpci_zygote_packet packet;
    while (!z->is_alone) {
        shmrpc_status status = shmrpci_zygote_receive(z->socket, &packet);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status != SHMRPC_OK) {
            be_alone(z);
            return;
        }
        if (packet.head.kind == SHMRPCI_ZYGOTE_SPAWN) {
            spawn(z, &packet);
        } else if (packet.head.kind == SHMRPCI_ZYGOTE_RELEASED) {
            z->patience_ns = patience_with_elders(z->crew);
        }
        close_fds(&packet);
    }
}

static void kill_all(const zygote *z)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        int watch_fd = -1;
        if (z->pids[i] != 0 &&
            shmrpci_child_watch(z->pids[i], &watch_fd) == SHMRPC_OK) {
            shmrpci_child_signal(watch_fd, SHMRPCI_CHILD_KILL);
            shmrpci_fd_close(&watch_fd);
        }
    }
}

static void serve(zygote *z)
{
    uint64_t tags[2];
    for (;;) {
        uint32_t alive = reap(z);
        if (z->is_alone && alive == 0) {
            return;
        }
        if (z->is_alone && shmrpci_remaining_ns(z->deadline_ns) == 0) {
            kill_all(z);
            z->deadline_ns = SHMRPCI_NEVER_NS;
        }
        (void)shmrpci_poll_wait(z->poll_set, tags, 2,
                                z->is_alone ? z->deadline_ns
                                            : SHMRPCI_NEVER_NS);
        take_packets(z);
    }
}

/* ---- preparing ----------------------------------------------------------- */

/* Refuses preload hooks that start threads: a forked worker would lack the
 * thread, but inherit the locks that it held, forever. A sanitizer's own
 * thread, counted in `before`, does no harm. */
static int check_threads(size_t before, shmrpc_error *error)
{
    char names[256];
    size_t count = shmrpci_process_other_threads(names, sizeof names);
    count -= before < count ? before : count;
    return count == 0
               ? SHMRPC_OK
               : shmrpc_error_set(
                     error, SHMRPC_E_PRECONDITION,
                     "preload left %zu thread%s running (%s): workers are "
                     "forked, and would lack %s; start threads in the start "
                     "hook",
                     count, count == 1 ? "" : "s", names,
                     count == 1 ? "it" : "them");
}

static int prepare(const shmrpci_crew *crew, shmrpc_error *error)
{
    char names[256];
    size_t before = shmrpci_process_other_threads(names, sizeof names);
    int status = SHMRPC_OK;
    if (crew->hooks.preload != NULL) {
        (void)shmrpc_error_set(error, SHMRPC_E_INTERNAL, "preload has failed");
        status = crew->hooks.preload(crew->user, error);
    }
    bool may_leave_any = (crew->hooks.flags & SHMRPC_HOOKS_ALLOW_THREADS) != 0;
    return status == SHMRPC_OK && !may_leave_any ? check_threads(before, error)
                                                 : status;
}

static shmrpc_status open_all(zygote *z)
{
    shmrpc_status status = shmrpci_poll_create(&z->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&z->child_event);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(z->poll_set, z->child_event,
                                  SHMRPCI_POLL_LEVEL, TAG_CHILD);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(z->poll_set, z->socket, SHMRPCI_POLL_LEVEL,
                                  TAG_SOCKET);
    }
    return status;
}

void shmrpci_zygote_run(const shmrpci_crew *crew, int socket)
{
    static zygote z;
    shmrpc_error error = {.message = ""};
    z = (zygote){.crew = crew,
                 .socket = socket,
                 .child_event = -1,
                 .poll_set = -1,
                 .patience_ns = SHMRPCI_ORPHAN_NS};
    shmrpci_zygote_message ready = {.kind = SHMRPCI_ZYGOTE_READY};
    shmrpci_child_set_end_signals(SHMRPCI_END_DEFAULT);
    ready.status = prepare(crew, &error);
    if (ready.status == SHMRPC_OK) {
        ready.status = (int32_t)open_all(&z);
        if (ready.status != SHMRPC_OK) {
            (void)shmrpc_error_set(&error, ready.status,
                                   "the zygote can't watch its workers");
        }
    }
    (void)snprintf(ready.text, sizeof ready.text, "%s", error.message);
    /* From now on the supervisor decides when the zygote ends. */
    shmrpci_child_set_end_signals(SHMRPCI_END_IGNORED);
    shmrpci_child_notify(z.child_event);
    if (shmrpci_zygote_send(z.socket, &ready, NULL, 0) != SHMRPC_OK ||
        ready.status != SHMRPC_OK) {
        shmrpci_child_leave(1);
    }
    serve(&z);
    shmrpci_child_leave(0);
}
