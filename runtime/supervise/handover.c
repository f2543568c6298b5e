/*
 * Hot restart: one supervisor takes over from another.
 *
 *     successor                    predecessor
 *     (asks: takeover->summon)  ->
 *                               <-   ESTATE: what there is
 *                               <-   each listener (takeover->hand_over)
 *                               <-   WORKER + pidfd, for each worker
 *                               <-   END
 *     TAKEN                     ->
 *
 * TAKEN decides for both processes: the successor serves as soon as it has sent
 * TAKEN, and the predecessor continues unless it has received it. If the
 * predecessor's wait times out, it shuts the socket for input and then checks
 * it a last time. After that TAKEN can't be sent any more, so exactly one of
 * them serves, whichever process dies or stops at any time.
 */
#include "supervise/state.h"

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

/* Timeouts. A handover takes a few ms; a process that takes longer is stopped
 * or dead. */
#define GIVE_NS (5 * SHMRPCI_NS_PER_S)
#define TAKE_NS (10 * SHMRPCI_NS_PER_S)

#define MAGIC UINT32_C(0x45545345) /* "ESTE" */

typedef enum estate_kind {
    ESTATE = 1,
    ESTATE_WORKER,
    ESTATE_END,
    ESTATE_TAKEN
} estate_kind;

/* One packet; members that a kind does not use are 0. */
typedef struct estate_message {
    uint32_t magic;
    uint32_t kind;
    uint64_t hash;    /* ESTATE: of the service's interface */
    uint32_t outlets; /* ESTATE */
    uint32_t target;  /* ESTATE: how many workers were wanted */
    uint32_t first;   /* WORKER: its first place */
    uint32_t count;   /* WORKER: number of its places */
    int32_t pid;
    uint32_t reserved;
} estate_message;

static uint64_t hash_of(const shmrpci_supervisor *s)
{
    return shmrpci_server_outlet(s->server, 0).served->service->hash;
}

static shmrpc_status send(int fd, estate_message message, const int *watch_fd)
{
    message.magic = MAGIC;
    return shmrpci_socket_send(fd, &message, sizeof message, watch_fd,
                               watch_fd != NULL ? 1 : 0);
}

/* Receives one packet. `out_fd` receives the descriptor that came with it, or
 * -1. */
static shmrpc_status receive(int fd, int64_t deadline_ns, estate_message *out,
                             int *out_fd)
{
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    size_t count = 0;
    size_t len = 0;
    *out_fd = -1;
    if (!shmrpci_poll_readable(fd, deadline_ns)) {
        return SHMRPC_E_DEADLINE;
    }
    shmrpc_status status =
        shmrpci_socket_receive(fd, out, sizeof *out, &len, fds, &count);
    for (size_t i = count > 1 ? 0 : count; i < count; i++) {
        shmrpci_fd_close(&fds[i]);
    }
    if (status == SHMRPC_OK && count == 1) {
        *out_fd = fds[0];
    }
    if (status == SHMRPC_E_TOO_LARGE ||
        (status == SHMRPC_OK &&
         (len != sizeof *out || out->magic != MAGIC || count > 1))) {
        shmrpci_fd_close(out_fd);
        return SHMRPC_E_CONTRACT;
    }
    return status;
}

/* ---- giving -------------------------------------------------------------- */

static shmrpc_status give_workers(const shmrpci_supervisor *s)
{
    shmrpc_status status = SHMRPC_OK;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX && status == SHMRPC_OK; i++) {
        const shmrpci_worker *it = &s->workers[i];
        const shmrpci_elder *elder = &s->elders[i];
        estate_message message = {.kind = ESTATE_WORKER};
        if (it->state != SHMRPCI_WORKER_NONE) {
            message.first = shmrpci_worker_place(s, i);
            message.count = s->opts.crew.threads;
            message.pid = it->pid;
            status = send(s->successor_fd, message, &it->watch_fd);
        }
        if (elder->count > 0 && status == SHMRPC_OK) {
            message.first = i;
            message.count = elder->count;
            message.pid = elder->pid;
            status = send(s->successor_fd, message, &elder->watch_fd);
        }
    }
    return status;
}

static shmrpc_status await_taken(const shmrpci_supervisor *s,
                                 int64_t deadline_ns)
{
    estate_message answer;
    int fd;
    shmrpc_status status = receive(s->successor_fd, deadline_ns, &answer, &fd);
    if (status == SHMRPC_E_DEADLINE) {
        shmrpci_socket_shut(s->successor_fd);
        status = receive(s->successor_fd, 0, &answer, &fd);
    }
    shmrpci_fd_close(&fd);
    return status == SHMRPC_OK && answer.kind != ESTATE_TAKEN ? SHMRPC_E_INVALID
                                                              : status;
}

static shmrpc_status give_all(shmrpci_supervisor *s)
{
    int64_t deadline_ns = shmrpci_deadline_after(GIVE_NS);
    estate_message head = {.kind = ESTATE,
                           .hash = hash_of(s),
                           .outlets = shmrpci_supervisor_outlets(s),
                           .target = s->target};
    estate_message end = {.kind = ESTATE_END};
    shmrpc_status status = send(s->successor_fd, head, NULL);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_server_hand_over(s->server, s->successor_fd, deadline_ns);
    }
    if (status == SHMRPC_OK) {
        status = give_workers(s);
    }
    if (status == SHMRPC_OK) {
        status = send(s->successor_fd, end, NULL);
    }
    return status == SHMRPC_OK ? await_taken(s, deadline_ns) : status;
}

/* Whether a worker is being forked. It can't be handed over, because its pid is
 * not known yet. */
static bool is_in_between(const shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const shmrpci_worker *it = &s->workers[i];
        if (it->state == SHMRPCI_WORKER_ASKED ||
            (it->state != SHMRPCI_WORKER_NONE && it->watch_fd < 0)) {
            return true;
        }
    }
    return false;
}

static void retire_from_it(shmrpci_supervisor *s)
{
    s->is_succeeded = true;
    s->target = 0;
    shmrpci_nursery_release(s);
    shmrpci_server_abandon(s->server);
    shmrpci_elders_forget(s);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_fd_close(&s->workers[i].watch_fd);
        s->workers[i].state = SHMRPCI_WORKER_NONE;
    }
    shmrpci_supervisor_say(s, "another process has taken over");
}

void shmrpci_handover_give(shmrpci_supervisor *s)
{
    if (s->successor_fd < 0 || (s->target > 0 && is_in_between(s))) {
        return;
    }
    /* A supervisor that is ending has nothing to hand over. */
    shmrpc_status status = s->target > 0 ? give_all(s) : SHMRPC_E_UNAVAILABLE;
    shmrpci_fd_close(&s->successor_fd);
    if (status == SHMRPC_OK) {
        retire_from_it(s);
    } else {
        shmrpci_supervisor_say(s,
                               "another process tried to take over and failed "
                               "(%s): this one goes on",
                               shmrpc_status_text(status));
    }
}

/* ---- taking -------------------------------------------------------------- */

static int refuse(shmrpc_error *error, shmrpc_status status)
{
    if (status == SHMRPC_E_CONTRACT) {
        return shmrpc_error_set(
            error, status,
            "the running server has another interface or other addresses, or "
            "is another build of the library: stop it, and its clients will "
            "find the next one");
    }
    return shmrpc_error_set(error, status, "can't take over: %s",
                            shmrpc_status_text(status));
}

static shmrpc_status take_head(shmrpci_supervisor *s, int fd,
                               int64_t deadline_ns)
{
    estate_message head;
    int none;
    shmrpc_status status = receive(fd, deadline_ns, &head, &none);
    shmrpci_fd_close(&none);
    if (status != SHMRPC_OK) {
        return status;
    }
    s->target = head.target;
    return head.kind == ESTATE && head.hash == hash_of(s) &&
                   head.outlets == shmrpci_supervisor_outlets(s)
               ? SHMRPC_OK
               : SHMRPC_E_CONTRACT;
}

static shmrpc_status take_workers(shmrpci_supervisor *s, int fd,
                                  int64_t deadline_ns)
{
    for (;;) {
        estate_message message;
        int watch_fd;
        shmrpc_status status = receive(fd, deadline_ns, &message, &watch_fd);
        if (status == SHMRPC_OK && message.kind == ESTATE_WORKER) {
            status = shmrpci_elder_add(s, message.first, message.count,
                                       message.pid, watch_fd);
        } else {
            shmrpci_fd_close(&watch_fd);
            return status == SHMRPC_OK && message.kind != ESTATE_END
                       ? SHMRPC_E_CONTRACT
                       : status;
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

static int take_all(shmrpci_supervisor *s, int fd, shmrpc_error *error)
{
    int64_t deadline_ns = shmrpci_deadline_after(TAKE_NS);
    estate_message taken = {.kind = ESTATE_TAKEN};
    shmrpc_status status = take_head(s, fd, deadline_ns);
    if (status != SHMRPC_OK) {
        return refuse(error, status);
    }
    int failed = shmrpci_server_take_over(s->server, fd, deadline_ns, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    status = take_workers(s, fd, deadline_ns);
    if (status == SHMRPC_OK) {
        status = send(fd, taken, NULL);
    }
    if (status != SHMRPC_OK) {
        shmrpci_server_abandon(s->server);
        return refuse(error, status);
    }
    return SHMRPC_OK;
}

int shmrpci_handover_take(shmrpci_supervisor *s, shmrpc_error *error)
{
    int fd;
    int failed = shmrpci_server_summon(
        s->server, shmrpci_deadline_after(TAKE_NS), &fd, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    failed = take_all(s, fd, error);
    shmrpci_fd_close(&fd);
    if (failed == SHMRPC_E_UNAVAILABLE) {
        /* Not UNAVAILABLE, because a server was there and has just hung up. */
        failed = shmrpc_error_set(error, SHMRPC_E_SERVER_LOST,
                                  "the old server has ended");
    }
    if (failed != SHMRPC_OK) {
        shmrpci_elders_forget(s);
    }
    return failed;
}
