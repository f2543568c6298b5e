/* Worker links as the control loop sees them: its connections to worker
 * processes. */
#include "transport/shm/worker_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/stream.h"

static uint64_t bit_of(const shm_worker_link *link)
{
    return UINT64_C(1) << link->first;
}

/* Makes workers that are awake check their links and the connections that have
 * left. */
static void count_change(shm_listener *listener)
{
    (void)shmrpci_add_seq(&listener->shared->changes, UINT64_C(1));
}

/* ---- handing out connections ----------------------------------------- */

/* Sends a connection to a worker process. Returns false if there is no room
 * now. If the link has hung up, the connection counts as sent, because the
 * process is dead and will be removed soon. */
static bool send_to(shm_worker_link *link, shm_conn *conn)
{
    SHMRPCI_ASSERT((conn->sent & bit_of(link)) == 0,
                   "a process is sent a connection once");
    if (link->unacked >= SHM_WORKER_LINK_WINDOW) {
        return false;
    }
    shm_worker_link_message attach = {.kind = SHM_WORKER_LINK_ATTACH,
                                      .conn = conn->serial,
                                      .bytes = conn->block.map.bytes,
                                      .max_message = conn->max_message,
                                      .uid = conn->peer.uid,
                                      .gid = conn->peer.gid,
                                      .pid = conn->peer.pid};
    attach.group_count = (uint32_t)conn->peer.group_count;
    memcpy(attach.groups, conn->groups, sizeof attach.groups);
    int fds[SHM_WORKER_LINK_FDS] = {conn->block_fd, conn->ledger_fd,
                                    conn->bell_fd};
    shmrpc_status status =
        shm_worker_link_send(link->fd, &attach, fds, SHM_WORKER_LINK_FDS);
    if (status != SHMRPC_OK && status != SHMRPC_E_UNAVAILABLE) {
        return false;
    }
    link->unacked++;
    conn->sent |= bit_of(link);
    return true;
}

void shm_worker_links_offer(shm_listener *listener, shm_conn *conn)
{
    for (uint64_t left = listener->worker_link_mask; left != 0;
         left &= left - 1) {
        shm_worker_link *link = &listener->worker_links[__builtin_ctzll(left)];
        /* A link that lags behind gets the connection later, after the earlier
         * connections that it has not received yet. */
        link->is_lagging = link->is_lagging || !send_to(link, conn);
    }
    if (listener->worker_link_mask != 0) {
        count_change(listener);
    }
}

/* Returns false if there is no room now. */
static bool send_left(const shm_worker_link *link, uint64_t connection)
{
    const shm_worker_link_message left = {.kind = SHM_WORKER_LINK_LEFT,
                                          .conn = connection};
    shmrpc_status status = shm_worker_link_send(link->fd, &left, NULL, 0);
    return status == SHMRPC_OK || status == SHMRPC_E_UNAVAILABLE;
}

/* Frees the notices of departure that every process has received. */
static void sweep_lefts(shm_listener *listener)
{
    for (shm_left **at = &listener->lefts; *at != NULL;) {
        shm_left *left = *at;
        if (left->owed == 0) {
            *at = left->next;
            listener->left_count--;
            free(left);
        } else {
            at = &left->next;
        }
    }
}

static void catch_up_lefts(shm_listener *listener, shm_worker_link *link)
{
    shm_left *left = listener->lefts;
    for (; left != NULL && !link->is_lagging; left = left->next) {
        if ((left->owed & bit_of(link)) != 0) {
            link->is_lagging = !send_left(link, left->connection);
            left->owed &= link->is_lagging ? UINT64_MAX : ~bit_of(link);
        }
    }
    sweep_lefts(listener);
}

void shm_worker_links_part(shm_listener *listener, uint64_t connection)
{
    shm_left owed = {.connection = connection};
    for (uint64_t mask = listener->worker_link_mask; mask != 0;
         mask &= mask - 1) {
        shm_worker_link *link = &listener->worker_links[__builtin_ctzll(mask)];
        if (!send_left(link, connection)) {
            link->is_lagging = true;
            owed.owed |= bit_of(link);
        }
    }
    count_change(listener);
    shm_left *kept = owed.owed != 0 && listener->left_count < SHM_LEFT_MAX
                         ? malloc(sizeof *kept)
                         : NULL;
    if (kept != NULL) {
        owed.next = listener->lefts;
        *kept = owed;
        listener->lefts = kept;
        listener->left_count++;
    }
}

static void catch_up(shm_listener *listener, shm_worker_link *link)
{
    link->is_lagging = false;
    for (size_t i = 0; i < listener->table_count && !link->is_lagging; i++) {
        shm_conn *conn = listener->table[i];
        if ((conn->sent & bit_of(link)) == 0) {
            link->is_lagging = !send_to(link, conn);
        }
    }
    catch_up_lefts(listener, link);
    count_change(listener);
}

bool shm_worker_links_catch_up(shm_listener *listener)
{
    bool is_lagging = false;
    for (uint64_t left = listener->worker_link_mask; left != 0;
         left &= left - 1) {
        shm_worker_link *link = &listener->worker_links[__builtin_ctzll(left)];
        if (link->is_lagging) {
            catch_up(listener, link);
        }
        is_lagging = is_lagging || link->is_lagging;
    }
    return is_lagging;
}

/* Wakes the workers of a process. Sends nothing if many packets are unread: the
 * process checks anyway then, and the rest of the queue is kept free for
 * regions, whose packets must not be lost. */
static void nudge(const shm_worker_link *link)
{
    shm_worker_link_message look = {.kind = SHM_WORKER_LINK_NUDGE};
    if (!shmrpci_socket_is_backed_up(link->fd)) {
        (void)shm_worker_link_send(link->fd, &look, NULL, 0);
    }
}

void shm_worker_links_forget(shm_listener *listener, shm_conn *conn)
{
    shmrpci_store_release(&conn->ledger->entries[SHM_WHOLE].gone, 1u);
    if (listener->worker_link_mask == 0) {
        return;
    }
    count_change(listener);
    for (uint64_t left = listener->worker_link_mask & conn->sent; left != 0;
         left &= left - 1) {
        nudge(&listener->worker_links[__builtin_ctzll(left)]);
    }
}

/* ---- requests of workers --------------------------------------------- */

static shm_conn *find(const shm_listener *listener, uint64_t serial)
{
    for (size_t i = 0; i < listener->table_count; i++) {
        if (listener->table[i]->serial == serial) {
            return listener->table[i];
        }
    }
    return NULL;
}

static void answer(const shm_worker_link *link,
                   const shm_worker_link_message *asked, shmrpc_status status,
                   const shm_conn *conn, uint32_t region)
{
    shm_worker_link_message reply = {.kind = SHM_WORKER_LINK_REGION,
                                     .conn = asked->conn,
                                     .tag = asked->tag,
                                     .status = status};
    int fd = -1;
    if (status == SHMRPC_OK) {
        const shm_extent *extent = shm_extent_of(conn, region);
        reply.region = region;
        /* Relaxed: only this thread writes it. */
        reply.incarnation = shmrpci_load_relaxed(&extent->mapped) - 1;
        reply.bytes = extent->map.bytes;
        fd = extent->fd;
    }
    (void)shm_worker_link_send(link->fd, &reply, &fd, fd >= 0 ? 1 : 0);
}

static void give_region(shm_listener *listener, const shm_worker_link *link,
                        const shm_worker_link_message *asked)
{
    uint32_t region = asked->region;
    shmrpc_status status = SHMRPC_E_NOT_FOUND;
    shm_conn *conn = find(listener, asked->conn);
    if (conn != NULL && asked->kind == SHM_WORKER_LINK_GRANT) {
        status =
            asked->slot < SHM_SLOTS && asked->bytes > 0
                ? shm_extent_grant(conn, asked->bytes, asked->slot, &region)
                : SHMRPC_E_INVALID;
    } else if (conn != NULL && region > 0 && region <= SHM_EXTENTS &&
               shmrpci_load_seq(&conn->ledger->entries[region].live) != 0) {
        status = SHMRPC_OK;
    }
    answer(link, asked, status, conn, region);
}

static void take_packet(shm_listener *listener, shm_worker_link *link,
                        const shm_worker_link_message *head)
{
    shm_conn *conn;
    switch ((shm_worker_link_kind)head->kind) {
    case SHM_WORKER_LINK_ACK:
        link->unacked -=
            head->count < link->unacked ? head->count : link->unacked;
        break;
    case SHM_WORKER_LINK_REFUSE:
        conn = find(listener, head->conn);
        if (conn != NULL && conn->state == SHM_CONN_OPEN) {
            shm_control_close(conn);
        }
        break;
    case SHM_WORKER_LINK_MAP:
    case SHM_WORKER_LINK_GRANT:
        give_region(listener, link, head);
        break;
    case SHM_WORKER_LINK_TELL:
        conn = find(listener, head->conn);
        if (conn != NULL) {
            shm_conn_tell(conn);
        }
        break;
    case SHM_WORKER_LINK_SETUP:
    case SHM_WORKER_LINK_ATTACH:
    case SHM_WORKER_LINK_NUDGE:
    case SHM_WORKER_LINK_REGION:
    case SHM_WORKER_LINK_LEFT:
        break; /* a worker must not send this */
    }
}

void shm_worker_link_event(shm_listener *listener, uint32_t first)
{
    shm_worker_link *link = &listener->worker_links[first];
    shm_worker_link_packet packet;
    while (link->fd >= 0) {
        shmrpc_status status = shm_worker_link_receive(link->fd, &packet);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status == SHMRPC_OK) {
            take_packet(listener, link, &packet.head);
            shm_worker_link_close_fds(&packet);
        } else if (status != SHMRPC_E_EXHAUSTED) {
            /* The link has hung up or sends malformed packets. Shut it, and
             * wait for the end of the process, which is reported elsewhere. */
            shmrpci_poll_remove(listener->poll_set, link->fd);
            shmrpci_socket_shut(link->fd);
            return;
        }
    }
}

/* ---- beginning and end ----------------------------------------------- */

static shmrpc_status set_up(shm_listener *listener, const shm_worker_link *link)
{
    shm_worker_link_message setup = {
        .kind = SHM_WORKER_LINK_SETUP,
        .first = link->first,
        .count = link->count,
        .profile = (uint32_t)listener->opts.profile,
        .max_message = listener->opts.max_message_bytes};
    (void)snprintf(setup.path, sizeof setup.path, "%s", listener->place.path);
    int fds[SHM_WORKER_LINK_SETUP_FDS] = {
        listener->shared_fd, listener->status_fd, listener->bell_fd,
        listener->place.lock_fd};
    return shm_worker_link_send(link->fd, &setup, fds,
                                SHM_WORKER_LINK_SETUP_FDS);
}

static bool is_room(const shm_listener *listener, uint32_t first,
                    uint32_t count)
{
    if (count == 0 || first >= listener->opts.max_workers ||
        count > listener->opts.max_workers - first) {
        return false;
    }
    for (uint32_t i = first; i < first + count; i++) {
        if (shmrpci_load_seq(&listener->places[i].taken) != 0) {
            return false;
        }
    }
    return true;
}

int shm_worker_link_enlist(shmrpci_listener *base, uint32_t first,
                           uint32_t count, int fd, shmrpc_error *error)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    if (!listener->opts.takes_processes || !is_room(listener, first, count)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "no place for workers %u to %u", first,
                                first + count - 1);
    }
    shm_worker_link *link = &listener->worker_links[first];
    SHMRPCI_ASSERT((listener->worker_link_mask >> first & 1) == 0,
                   "a place that is free has no link");
    *link = (shm_worker_link){.fd = fd, .first = first, .count = count};
    shmrpc_status status =
        shmrpci_poll_add(listener->poll_set, fd, SHMRPCI_POLL_LEVEL,
                         SHM_TAG_WORKER_LINKS + first);
    for (uint32_t i = first; i < first + count; i++) {
        shm_worker_shared *worker = &listener->shared->workers[i];
        shmrpci_store_release(&worker->order, (uint32_t)SHM_ORDER_WORK);
        shmrpci_store_release(&worker->arrived, 0u);
        /* Relaxed: the worker is not running yet. */
        shmrpci_store_relaxed(&worker->since, UINT64_C(0));
    }
    if (status == SHMRPC_OK) {
        status = set_up(listener, link);
    }
    if (status != SHMRPC_OK) {
        link->fd = -1;
        return shmrpc_error_set(error, status, "a worker can't be reached: %s",
                                shmrpc_status_text(status));
    }
    for (uint32_t i = first; i < first + count; i++) {
        shmrpci_store_seq(&listener->places[i].taken, 1u);
    }
    listener->worker_link_mask |= bit_of(link);
    catch_up(listener, link);
    return SHMRPC_OK;
}

shmrpc_status shm_worker_link_adopt(shm_listener *listener,
                                    const shm_worker_link *link)
{
    uint32_t first = link->first;
    shmrpc_status status =
        !is_room(listener, first, link->count)
            ? SHMRPC_E_INVALID
            : shmrpci_poll_add(listener->poll_set, link->fd, SHMRPCI_POLL_LEVEL,
                               SHM_TAG_WORKER_LINKS + first);
    if (status != SHMRPC_OK) {
        return status;
    }
    listener->worker_links[first] = *link;
    listener->worker_link_mask |= bit_of(link);
    for (uint32_t i = first; i < first + link->count; i++) {
        shmrpci_store_seq(&listener->places[i].taken, 1u);
    }
    return SHMRPC_OK;
}

void shm_worker_link_retire(shmrpci_listener *base, uint32_t first)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    shm_worker_link *link = &listener->worker_links[first];
    if ((listener->worker_link_mask >> first & 1) == 0) {
        return;
    }
    for (uint32_t i = first; i < first + link->count; i++) {
        shmrpci_store_release(&listener->shared->workers[i].order,
                              (uint32_t)SHM_ORDER_LEAVE);
    }
    nudge(link);
}

void shm_worker_link_cut(shmrpci_listener *base, uint32_t first)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    const shm_worker_link *link = &listener->worker_links[first];
    if ((listener->worker_link_mask >> first & 1) == 0) {
        return;
    }
    for (uint32_t i = first; i < first + link->count; i++) {
        shm_worker_shared *worker = &listener->shared->workers[i];
        /* Set the order before the alarm is raised, so that a thread that the
         * alarm wakes sees the order. */
        shmrpci_store_seq(&worker->order, (uint32_t)SHM_ORDER_CUT);
        shm_stream_raise(&worker->alarm);
    }
}

void shm_worker_link_dismiss(shmrpci_listener *base, uint32_t first)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    shm_worker_link *link = &listener->worker_links[first];
    uint64_t bit = bit_of(link);
    if ((listener->worker_link_mask & bit) == 0) {
        return;
    }
    SHMRPCI_ASSERT(link->first == first && link->count > 0,
                   "a link knows its workers");
    listener->worker_link_mask &= ~bit;
    shmrpci_poll_remove(listener->poll_set, link->fd);
    shmrpci_fd_close(&link->fd);
    for (size_t i = 0; i < listener->table_count; i++) {
        listener->table[i]->sent &= ~bit;
    }
    for (shm_left *left = listener->lefts; left != NULL; left = left->next) {
        left->owed &= ~bit;
    }
    sweep_lefts(listener);
    for (uint32_t i = first; i < first + link->count; i++) {
        shm_recover(base, i);
        shm_recover_closed(listener, i);
    }
}
