/* Starts the zygote, reads its messages, and ends it. */
#include "supervise/state.h"

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"

/* A dead zygote is replaced at once. If its replacement dies soon, too, the
 * next one is started after this pause. */
#define ZYGOTE_PAUSE_NS (1 * SHMRPCI_NS_PER_S)

/* Closes what the child has inherited and must not keep. */
static void disown(shmrpci_supervisor *s)
{
    shmrpci_fd_close(&s->poll_set);
    shmrpci_fd_close(&s->stop_event);
    shmrpci_fd_close(&s->successor_fd);
    shmrpci_elders_forget(s);
    if (s->opts.orders_fd > 0) {
        shmrpci_fd_close(&s->opts.orders_fd);
    }
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_fd_close(&s->workers[i].watch_fd);
    }
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        if (outlet.listener != NULL) {
            outlet.transport->processes->disown(outlet.listener);
        }
    }
}

shmrpc_status shmrpci_nursery_start(shmrpci_supervisor *s)
{
    int sockets[2];
    shmrpc_status status = shmrpci_socket_pair(sockets);
    if (status != SHMRPC_OK) {
        return status;
    }
    int32_t pid = shmrpci_crew_fork(&s->opts.crew);
    if (pid == 0) {
        shmrpci_fd_close(&sockets[0]);
        disown(s);
        shmrpci_zygote_run(&s->opts.crew, sockets[1]);
    }
    shmrpci_fd_close(&sockets[1]);
    status = pid < 0 ? SHMRPC_E_EXHAUSTED
                     : shmrpci_poll_add(s->poll_set, sockets[0],
                                        SHMRPCI_POLL_LEVEL, SHMRPCI_TAG_ZYGOTE);
    s->zygote_pid = pid;
    s->zygote_started_ns = shmrpci_now_ns();
    s->zygote_socket = sockets[0];
    s->is_zygote_ready = false;
    return status;
}

void shmrpci_nursery_release(shmrpci_supervisor *s)
{
    shmrpci_zygote_message released = {.kind = SHMRPCI_ZYGOTE_RELEASED};
    if (s->zygote_socket >= 0) {
        (void)shmrpci_zygote_send(s->zygote_socket, &released, NULL, 0);
    }
}

/* Hangs up on the zygote, which then ends if it has not yet. */
void shmrpci_nursery_end(shmrpci_supervisor *s)
{
    if (s->zygote_socket >= 0) {
        shmrpci_poll_remove(s->poll_set, s->zygote_socket);
        shmrpci_fd_close(&s->zygote_socket);
    }
    s->is_zygote_ready = false;
}

void shmrpci_nursery_kill(shmrpci_supervisor *s)
{
    int watch_fd = -1;
    shmrpci_nursery_end(s);
    if (s->zygote_pid > 0 &&
        shmrpci_child_watch(s->zygote_pid, &watch_fd) == SHMRPC_OK) {
        shmrpci_child_signal(watch_fd, SHMRPCI_CHILD_KILL);
        shmrpci_fd_close(&watch_fd);
    }
}

void shmrpci_nursery_bury(shmrpci_supervisor *s)
{
    if (s->zygote_pid > 0) {
        shmrpci_child_wait(s->zygote_pid);
        s->zygote_pid = 0;
    }
}

static void take_packet(shmrpci_supervisor *s, shmrpci_zygote_packet *packet)
{
    switch ((shmrpci_zygote_kind)packet->head.kind) {
    case SHMRPCI_ZYGOTE_READY:
        s->is_zygote_ready = packet->head.status == SHMRPC_OK;
        break;
    case SHMRPCI_ZYGOTE_FORKED:
        shmrpci_worker_forked(s, packet);
        break;
    case SHMRPCI_ZYGOTE_ENDED:
        if (s->workers[packet->head.number].pid == packet->head.pid) {
            shmrpci_worker_bury(s, packet->head.number);
        }
        shmrpci_deaths_tell(s, packet->head.number, packet->head.pid,
                            &packet->head.end);
        break;
    case SHMRPCI_ZYGOTE_SPAWN:
    case SHMRPCI_ZYGOTE_RELEASED:
        break; /* only the supervisor sends these */
    }
}

static void put_off(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    shmrpci_backoff_died_within(&s->zygote_backoff, now_ns,
                                now_ns - s->zygote_started_ns, ZYGOTE_PAUSE_NS);
    s->zygote_next_ns = s->zygote_backoff.next_ns;
}

/* Reports the zygote's death. Running workers continue without it, but the
 * workers that were requested from it will never be forked. */
static void lose_zygote(shmrpci_supervisor *s)
{
    shmrpci_supervisor_say(s,
                           "the zygote has ended; a new one is being started");
    shmrpci_nursery_kill(s);
    shmrpci_nursery_bury(s);
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == SHMRPCI_WORKER_ASKED) {
            shmrpci_worker_bury(s, i);
        }
    }
    put_off(s);
}

void shmrpci_nursery_take(shmrpci_supervisor *s)
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

void shmrpci_nursery_revive(shmrpci_supervisor *s)
{
    if (s->zygote_socket < 0 && s->target > 0 &&
        shmrpci_remaining_ns(s->zygote_next_ns) == 0 &&
        shmrpci_nursery_start(s) != SHMRPC_OK) {
        shmrpci_nursery_kill(s);
        shmrpci_nursery_bury(s);
        put_off(s);
    }
}

/* Waits until preload has succeeded or failed, or until stop is called. */
int shmrpci_nursery_await(shmrpci_supervisor *s, shmrpc_error *error)
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
                                    "the process died in preload");
        }
        (void)shmrpci_poll_wait(s->poll_set, tags, 2, SHMRPCI_NEVER_NS);
    }
}
