/* Hands a listener over to its successor. */
#include "transport/shm/listener_handover.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "os/poll.h"

/* Pause before a retry. The successor reads as fast as it can, but for a moment
 * the kernel may refuse to pass more descriptors. */
#define AGAIN_NS (1 * SHMRPCI_NS_PER_MS)

typedef struct giver {
    int fd;
    int64_t deadline_ns;
    shmrpc_status status;
} giver;

static void give(giver *to, shm_heir_message *message, const int *fds,
                 size_t count)
{
    message->magic = SHM_HEIR_MAGIC;
    size_t len = message->kind == SHM_HEIR_PLACE
                     ? sizeof *message
                     : offsetof(shm_heir_message, path);
    while (to->status == SHMRPC_OK) {
        to->status = shmrpci_socket_send(to->fd, message, len, fds, count);
        if (to->status != SHMRPC_E_EXHAUSTED) {
            return;
        }
        to->status = shmrpci_remaining_ns(to->deadline_ns) > 0
                         ? SHMRPC_OK
                         : SHMRPC_E_DEADLINE;
        (void)shmrpci_poll_readable(to->fd, shmrpci_deadline_after(AGAIN_NS));
    }
}

static void give_place(giver *to, const shm_listener *listener)
{
    shm_heir_message message = {.kind = SHM_HEIR_PLACE,
                                .serial = listener->last_serial,
                                .sizes = SHM_HEIR_SIZES,
                                .is_lent = listener->place.is_lent};
    int fds[SHM_HEIR_PLACE_FDS] = {
        [SHM_HEIR_FD_LOCK] = listener->place.lock_fd,
        [SHM_HEIR_FD_LISTEN] = listener->place.listen_fd,
        [SHM_HEIR_FD_STATUS] = listener->status_fd,
        [SHM_HEIR_FD_CLIENT_STATUS] = listener->client_status_fd,
        [SHM_HEIR_FD_SHARED] = listener->shared_fd,
        [SHM_HEIR_FD_DOORBELL] = listener->bell_fd,
    };
    (void)snprintf(message.path, sizeof message.path, "%s",
                   listener->place.path);
    give(to, &message, fds, SHM_HEIR_PLACE_FDS);
}

static void give_extents(giver *to, const shm_conn *conn)
{
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        const shm_extent *extent = shm_extent_of(conn, i);
        if (extent == NULL || extent->map.at == NULL) {
            continue;
        }
        /* Relaxed: only this thread writes it. */
        shm_heir_message message = {
            .kind = SHM_HEIR_EXTENT,
            .region = i,
            .incarnations = shmrpci_load_relaxed(&extent->mapped) - 1,
            .bytes = extent->map.bytes};
        give(to, &message, &extent->fd, 1);
    }
}

static void give_conn(giver *to, const shm_conn *conn)
{
    shm_heir_message message = {.kind = SHM_HEIR_CONN,
                                .serial = conn->serial,
                                .bytes = conn->block.map.bytes,
                                .max_message = conn->max_message,
                                .sent = conn->sent,
                                .incarnations = conn->incarnations,
                                .is_closed = conn->state == SHM_CONN_CLOSED,
                                .uid = conn->peer.uid,
                                .gid = conn->peer.gid,
                                .pid = conn->peer.pid,
                                .who = conn->who};
    int fds[SHM_HEIR_CONN_FDS] = {[SHM_HEIR_FD_CONTROL] = conn->fd,
                                  [SHM_HEIR_FD_BELL] = conn->bell_fd,
                                  [SHM_HEIR_FD_BLOCK] = conn->block_fd,
                                  [SHM_HEIR_FD_LEDGER] = conn->ledger_fd};
    SHMRPCI_ASSERT(conn->ledger != NULL && conn->block.map.at != NULL,
                   "a connection in the table is mapped");
    give(to, &message, fds, SHM_HEIR_CONN_FDS);
    give_extents(to, conn);
}

static void give_knock(giver *to, const shm_conn *conn)
{
    shm_heir_message message = {.kind = SHM_HEIR_KNOCK,
                                .uid = conn->peer.uid,
                                .gid = conn->peer.gid,
                                .pid = conn->peer.pid};
    give(to, &message, &conn->fd, 1);
}

static void give_link(giver *to, const shm_worker_link *link)
{
    SHMRPCI_ASSERT(link->fd >= 0 && link->count > 0,
                   "a link of the mask belongs to a worker process");
    shm_heir_message message = {.kind = SHM_HEIR_LINK,
                                .first = link->first,
                                .count = link->count,
                                .unacked = link->unacked,
                                .is_lagging = link->is_lagging};
    give(to, &message, &link->fd, 1);
}

/* The successor does not get connections that have already left the table;
 * their memory is freed with our mappings. */
shmrpc_status shm_hand_over(shmrpci_listener *base, int fd, int64_t deadline_ns)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    giver to = {fd, deadline_ns, SHMRPC_OK};
    shm_heir_message end = {.kind = SHM_HEIR_END};
    give_place(&to, listener);
    for (size_t i = 0; i < listener->table_count; i++) {
        give_conn(&to, listener->table[i]);
    }
    for (const shm_conn *conn = listener->handshakes; conn != NULL;
         conn = conn->next) {
        /* A connection without a deadline is an observer's, and must see the
         * end of this process. */
        if (conn->handshake_deadline_ns != SHMRPCI_NEVER_NS) {
            give_knock(&to, conn);
        }
    }
    for (uint64_t left = listener->worker_link_mask; left != 0;
         left &= left - 1) {
        give_link(&to, &listener->worker_links[__builtin_ctzll(left)]);
    }
    give(&to, &end, NULL, 0);
    return to.status;
}

void shm_abandon(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    listener->is_abandoned = true;
    shm_listener_disown(base);
}
