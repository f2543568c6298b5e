/* A worker process's table of connections, and its end of the worker link. */
#include "transport/shm/worker_mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/map_alias.h"
#include "os/poll.h"
#include "os/server_lock.h"
#include "os/socket.h"
#include "transport/shm/stream.h"
#include "transport/shm/worker_link.h"

#define SETUP_WAIT_NS (10 * SHMRPCI_NS_PER_S)

/* A thread waits for its answer in slices of this length, because another
 * thread may read that answer from the socket. */
#define ASK_SLICE_NS (2 * SHMRPCI_NS_PER_MS)

/* ---- connections ----------------------------------------------------- */

static shm_conn *make_conn(shm_listener *listener,
                           const shm_worker_link_message *head)
{
    shm_conn *conn = shm_conn_create(listener);
    if (conn != NULL) {
        conn->serial = head->conn;
        conn->state = SHM_CONN_OPEN;
        conn->max_message = (size_t)head->max_message;
        conn->peer.uid = head->uid;
        conn->peer.gid = head->gid;
        conn->peer.pid = head->pid;
        conn->peer.groups = conn->groups;
        conn->peer.group_count = head->group_count < SHM_PEER_GROUPS
                                     ? head->group_count
                                     : SHM_PEER_GROUPS;
        memcpy(conn->groups, head->groups, sizeof conn->groups);
    }
    return conn;
}

static shmrpc_status map_conn(shm_conn *conn, shm_worker_link_packet *packet)
{
    if (packet->fd_count != SHM_WORKER_LINK_FDS) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_status status =
        shm_memory_attach(packet->fds[SHM_WORKER_LINK_FD_LEDGER],
                          sizeof(shm_ledger), &conn->ledger_map);
    if (status == SHMRPC_OK) {
        conn->ledger = conn->ledger_map.at;
        status = shm_block_attach(packet->fds[SHM_WORKER_LINK_FD_BLOCK],
                                  packet->head.bytes, &conn->block);
    }
    if (status == SHMRPC_OK) {
        conn->bell_fd = packet->fds[SHM_WORKER_LINK_FD_BELL];
        packet->fds[SHM_WORKER_LINK_FD_BELL] = -1;
    }
    return status;
}

static void attach_conn(shm_listener *listener, shm_worker_link_packet *packet)
{
    shm_mirror *mirror = listener->mirror;
    shm_conn *conn = make_conn(listener, &packet->head);
    shmrpc_status status =
        conn == NULL ? SHMRPC_E_NO_MEMORY : map_conn(conn, packet);
    if (status == SHMRPC_OK) {
        status = shm_table_add(listener, conn);
    }
    mirror->owed++;
    if (status != SHMRPC_OK) {
        shm_worker_link_message refuse = {.kind = SHM_WORKER_LINK_REFUSE,
                                          .conn = packet->head.conn};
        (void)shm_worker_link_send(mirror->link_fd, &refuse, NULL, 0);
        if (conn != NULL) {
            shm_conn_destroy(conn);
        }
    }
}

static shm_conn *find(const shm_listener *listener, uint64_t serial)
{
    for (size_t i = 0; i < listener->table_count; i++) {
        if (listener->table[i]->serial == serial) {
            return listener->table[i];
        }
    }
    return NULL;
}

/* ---- answers of the supervisor --------------------------------------- */

/* Maps a region that the supervisor has sent. Nobody uses the earlier mapping
 * of that number any more, because the supervisor only takes unused extents
 * away. Under table_lock. */
static shmrpc_status map_region(shm_conn *conn,
                                const shm_worker_link_packet *packet)
{
    uint32_t region = packet->head.region;
    uint32_t live = packet->head.incarnation + 1;
    size_t bytes = packet->head.bytes;
    if (region == 0 || region > SHM_EXTENTS || bytes > SHM_BLOCK_MAX ||
        packet->fd_count != 1) {
        return SHMRPC_E_INVALID;
    }
    if (!shm_extents_prepare(conn)) {
        return SHMRPC_E_NO_MEMORY;
    }
    shm_extent *extent = shm_extent_of(conn, region);
    /* Relaxed: only written under table_lock, which we hold. */
    if (shmrpci_load_relaxed(&extent->mapped) == live) {
        return SHMRPC_OK;
    }
    shmrpci_store_release(&extent->mapped, 0u);
    shmrpci_memory_unmap(&extent->map);
    shmrpc_status status =
        shm_memory_attach(packet->fds[0], bytes, &extent->map);
    if (status == SHMRPC_OK) {
        shmrpci_store_release(&extent->mapped, live);
    }
    return status;
}

static void take_region(shm_listener *listener,
                        const shm_worker_link_packet *packet)
{
    shm_conn *conn = find(listener, packet->head.conn);
    shmrpc_status status = (shmrpc_status)packet->head.status;
    if (status == SHMRPC_OK) {
        status = conn == NULL ? SHMRPC_E_NOT_FOUND : map_region(conn, packet);
    }
    for (size_t i = 0; i < SHM_MIRROR_ASKS; i++) {
        shm_mirror_ask *ask = &listener->mirror->asks[i];
        if (ask->tag != 0 && ask->tag == packet->head.tag) {
            ask->is_done = true;
            ask->status = status;
            ask->region = packet->head.region;
        }
    }
}

/* ---- reading the link ------------------------------------------------ */

/* Called when the supervisor is gone: our workers finish the calls they have
 * claimed, and leave. The clients' sockets have hung up too. */
static void be_alone(shm_listener *listener)
{
    shm_mirror *mirror = listener->mirror;
    if (mirror->is_alone) {
        return;
    }
    SHMRPCI_ASSERT(mirror->count <= SHM_MAX_WORKERS - mirror->first,
                   "SETUP was checked");
    mirror->is_alone = true;
    shmrpci_store_seq(&mirror->has_lost, 1u);
    for (uint32_t i = 0; i < mirror->count; i++) {
        shmrpci_store_release(
            &listener->shared->workers[mirror->first + i].order,
            (uint32_t)SHM_ORDER_LEAVE);
    }
}

static void told(void *user)
{
    const shm_listener *listener = user;
    shm_mirror *mirror = listener->mirror;
    shmrpci_store_seq(&mirror->has_lost, 1u);
    for (uint32_t i = 0; i < mirror->count; i++) {
        shm_stream_raise(&listener->shared->workers[mirror->first + i].alarm);
    }
}

shmrpc_status shm_mirror_watch(shm_listener *listener)
{
    shm_mirror *mirror = listener->mirror;
    shmrpci_mutex_lock(&listener->table_lock);
    shmrpc_status status =
        shmrpci_hangup_begin(&mirror->hangup, mirror->link_fd, told, listener);
    shmrpci_mutex_unlock(&listener->table_lock);
    return status;
}

static void take_packet(shm_listener *listener, shm_worker_link_packet *packet)
{
    switch ((shm_worker_link_kind)packet->head.kind) {
    case SHM_WORKER_LINK_ATTACH:
        attach_conn(listener, packet);
        break;
    case SHM_WORKER_LINK_REGION:
        take_region(listener, packet);
        break;
    case SHM_WORKER_LINK_LEFT:
        shm_part_here(listener, packet->head.conn);
        break;
    case SHM_WORKER_LINK_NUDGE:
    case SHM_WORKER_LINK_SETUP:
    case SHM_WORKER_LINK_ACK:
    case SHM_WORKER_LINK_REFUSE:
    case SHM_WORKER_LINK_MAP:
    case SHM_WORKER_LINK_GRANT:
    case SHM_WORKER_LINK_TELL:
        break;
    }
}

static void read_packets(shm_listener *listener)
{
    shm_mirror *mirror = listener->mirror;
    shm_worker_link_packet packet;
    for (;;) {
        shmrpc_status status =
            shm_worker_link_receive(mirror->link_fd, &packet);
        if (status == SHMRPC_E_BUSY) {
            return;
        }
        if (status != SHMRPC_OK && status != SHMRPC_E_EXHAUSTED) {
            be_alone(listener);
            return;
        }
        /* EXHAUSTED: the packet came without its descriptors, so take_packet
         * refuses it. */
        take_packet(listener, &packet);
        shm_worker_link_close_fds(&packet);
    }
}

static void acknowledge(shm_mirror *mirror)
{
    shm_worker_link_message ack = {.kind = SHM_WORKER_LINK_ACK,
                                   .count = mirror->owed};
    if (mirror->owed > 0 &&
        shm_worker_link_send(mirror->link_fd, &ack, NULL, 0) == SHMRPC_OK) {
        mirror->owed = 0;
    }
}

/* Moves connections that are marked gone from the table to the closed list, as
 * listener_close.c does. */
static void prune(shm_listener *listener)
{
    for (size_t i = 0; i < listener->table_count;) {
        shm_conn *conn = listener->table[i];
        /* Acquire: pairs with the release in listener_worker_links.c. */
        if (shmrpci_load_acquire(&conn->ledger->entries[SHM_WHOLE].gone) != 0) {
            shm_table_remove(listener, conn);
            conn->state = SHM_CONN_CLOSED;
            shm_conn_push(&listener->closed, conn);
        } else {
            i++;
        }
    }
}

void shm_mirror_read(shm_listener *listener)
{
    if (!listener->mirror->is_alone) {
        read_packets(listener);
        acknowledge(listener->mirror);
    }
    prune(listener);
}

void shm_mirror_reap(shm_listener *listener)
{
    for (shm_conn **at = &listener->closed; *at != NULL;) {
        shm_conn *conn = *at;
        if (shm_conn_is_unused(conn)) {
            *at = conn->next;
            shm_conn_destroy(conn);
        } else {
            at = &conn->next;
        }
    }
}

/* ---- requests to the supervisor -------------------------------------- */

/* Sends a packet that must not be lost; waits if the link is full. Reports of
 * ended calls can fill it while the control loop gets no CPU time. */
static shmrpc_status say(const shm_mirror *mirror,
                         const shm_worker_link_message *message,
                         int64_t deadline_ns)
{
    shmrpci_poll_entry room = {.fd = mirror->link_fd, .write = true};
    shmrpc_status status;
    do {
        status = shm_worker_link_send(mirror->link_fd, message, NULL, 0);
    } while (status == SHMRPC_E_EXHAUSTED &&
             shmrpci_poll_entries(&room, 1, deadline_ns));
    return status;
}

/* Registers a request to the supervisor. Returns NULL if too many are pending,
 * which is possible because threads other than workers answer detached calls.
 * Under table_lock. */
static shm_mirror_ask *begin_ask(shm_listener *listener,
                                 shm_worker_link_message *want)
{
    shm_mirror *mirror = listener->mirror;
    shm_mirror_ask *ask = mirror->asks;
    const shm_mirror_ask *end = mirror->asks + SHM_MIRROR_ASKS;
    while (ask < end && ask->tag != 0) {
        ask++;
    }
    if (ask == end) {
        return NULL;
    }
    mirror->last_tag =
        mirror->last_tag == UINT32_MAX ? 1 : mirror->last_tag + 1;
    want->tag = mirror->last_tag;
    *ask = (shm_mirror_ask){.tag = want->tag};
    return ask;
}

/* Checks once for the answer. Returns true when the wait is over. */
static bool look(shm_listener *listener, shm_mirror_ask *ask)
{
    shmrpci_mutex_lock(&listener->table_lock);
    if (!ask->is_done) {
        shm_mirror_read(listener);
    }
    if (!ask->is_done && listener->mirror->is_alone) {
        ask->is_done = true;
        ask->status = SHMRPC_E_UNAVAILABLE;
    }
    bool is_done = ask->is_done;
    shmrpci_mutex_unlock(&listener->table_lock);
    return is_done;
}

static shmrpc_status ask_for(shm_listener *listener,
                             shm_worker_link_message *want,
                             uint32_t *out_region)
{
    shm_mirror *mirror = listener->mirror;
    int64_t deadline_ns = shmrpci_deadline_after(SHM_WORKER_LINK_WAIT_NS);
    shmrpci_mutex_lock(&listener->table_lock);
    shm_mirror_ask *ask = begin_ask(listener, want);
    shmrpci_mutex_unlock(&listener->table_lock);
    if (ask == NULL) {
        return SHMRPC_E_EXHAUSTED;
    }
    shmrpc_status status = say(mirror, want, deadline_ns);
    bool is_done = status != SHMRPC_OK || look(listener, ask);
    while (!is_done && shmrpci_remaining_ns(deadline_ns) > 0) {
        /* Wake up after a slice: another thread may have read the answer. */
        int64_t slice_ns = shmrpci_deadline_after(ASK_SLICE_NS);
        (void)shmrpci_poll_readable(
            mirror->link_fd, slice_ns < deadline_ns ? slice_ns : deadline_ns);
        is_done = look(listener, ask);
    }
    shmrpci_mutex_lock(&listener->table_lock);
    if (status == SHMRPC_OK) {
        status = ask->is_done ? ask->status : SHMRPC_E_DEADLINE;
    }
    SHMRPCI_ASSERT(ask->tag == want->tag,
                   "a request to the supervisor keeps its entry until it ends");
    *out_region = ask->region;
    ask->tag = 0;
    shmrpci_mutex_unlock(&listener->table_lock);
    return status;
}

shmrpc_status shm_mirror_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t *out_region)
{
    shm_worker_link_message want = {.kind = SHM_WORKER_LINK_GRANT,
                                    .conn = conn->serial,
                                    .bytes = bytes,
                                    .slot = slot};
    shmrpc_status status = ask_for(conn->listener, &want, out_region);
    /* If another thread used the extent before, the supervisor has seen in the
     * extent's word that this use is over. Tells ThreadSanitizer so. */
    shmrpci_note_after(conn);
    return status;
}

const shm_extent *shm_mirror_map(shm_conn *conn, uint32_t region, uint32_t live)
{
    shm_worker_link_message want = {
        .kind = SHM_WORKER_LINK_MAP, .conn = conn->serial, .region = region};
    uint32_t got;
    if (ask_for(conn->listener, &want, &got) != SHMRPC_OK) {
        return NULL;
    }
    /* Acquire: pairs with the release in map_region. */
    const shm_extent *extent = shm_extent_of(conn, region);
    return extent != NULL && shmrpci_load_acquire(&extent->mapped) == live
               ? extent
               : NULL;
}

static shmrpc_status say_of(const shm_conn *conn, shm_worker_link_kind kind)
{
    shm_worker_link_message message = {.kind = kind, .conn = conn->serial};
    return say(conn->listener->mirror, &message,
               shmrpci_deadline_after(SHM_WORKER_LINK_WAIT_NS));
}

void shm_mirror_tell(shm_conn *conn, uint32_t armed)
{
    /* Relaxed: if another worker of this process misses the store, it only
     * sends the supervisor one more packet. */
    if (shmrpci_load_relaxed(&conn->said_of) != armed &&
        say_of(conn, SHM_WORKER_LINK_TELL) == SHMRPC_OK) {
        shmrpci_store_relaxed(&conn->said_of, armed);
    }
}

void shm_mirror_refuse(const shm_conn *conn)
{
    (void)say_of(conn, SHM_WORKER_LINK_REFUSE);
}

/* ---- beginning and end ----------------------------------------------- */

/* Joins the lock of the service and holds it until this process ends; forked
 * children don't hold it. */
static shmrpc_status join_lock(shm_listener *listener,
                               shm_worker_link_packet *packet)
{
    shm_place *place = &listener->place;
    place->lock_fd = packet->fds[SHM_WORKER_LINK_FD_LOCK];
    packet->fds[SHM_WORKER_LINK_FD_LOCK] = -1;
    shmrpci_server_lock_join(place->lock_fd, listener->mirror->first);
    return shmrpci_fork_close_fd(&place->lock_guard, &place->lock_fd);
}

static shmrpc_status take_setup(shm_listener *listener,
                                shm_worker_link_packet *packet)
{
    const shm_worker_link_message *head = &packet->head;
    shm_mirror *mirror = listener->mirror;
    if (head->kind != SHM_WORKER_LINK_SETUP ||
        packet->fd_count != SHM_WORKER_LINK_SETUP_FDS || head->count == 0 ||
        head->first >= SHM_MAX_WORKERS ||
        head->count > SHM_MAX_WORKERS - head->first) {
        return SHMRPC_E_INVALID;
    }
    mirror->first = head->first;
    mirror->count = head->count;
    listener->opts.max_workers = head->first + head->count;
    listener->opts.profile = (shmrpc_profile)head->profile;
    listener->opts.max_message_bytes = (size_t)head->max_message;
    (void)snprintf(listener->place.path, sizeof listener->place.path, "%s",
                   head->path);
    (void)snprintf(listener->description, sizeof listener->description,
                   "shm %s", listener->place.path);
    shmrpc_status status = join_lock(listener, packet);
    if (status == SHMRPC_OK) {
        status = shm_memory_attach(packet->fds[SHM_WORKER_LINK_FD_SHARED],
                                   sizeof(shm_service_shared),
                                   &listener->shared_map);
    }
    if (status == SHMRPC_OK) {
        status =
            shm_memory_attach(packet->fds[SHM_WORKER_LINK_FD_STATUS],
                              sizeof(shm_status_page), &listener->status_map);
    }
    if (status == SHMRPC_OK) {
        listener->shared = listener->shared_map.at;
        listener->status = listener->status_map.at;
        listener->signal = &listener->shared->changes;
        listener->bell_fd = packet->fds[SHM_WORKER_LINK_FD_DOORBELL];
        packet->fds[SHM_WORKER_LINK_FD_DOORBELL] = -1;
        status = listener->shared->magic == SHM_SHARED_MAGIC &&
                         listener->shared->version == SHM_LAYOUT_VERSION
                     ? SHMRPC_OK
                     : SHMRPC_E_CONTRACT;
    }
    return status;
}

static shmrpc_status receive_setup(shm_listener *listener)
{
    shm_worker_link_packet packet;
    int fd = listener->mirror->link_fd;
    if (!shmrpci_poll_readable(fd, shmrpci_deadline_after(SETUP_WAIT_NS))) {
        return SHMRPC_E_DEADLINE;
    }
    shmrpc_status status = shm_worker_link_receive(fd, &packet);
    if (status == SHMRPC_OK) {
        status = take_setup(listener, &packet);
        shm_worker_link_close_fds(&packet);
    }
    return status;
}

int shm_mirror_attach(int link_fd, shmrpci_listener **out, shmrpc_error *error)
{
    static const shmrpci_listen_opts none;
    shm_listener *listener = shm_listener_create(&none);
    shm_mirror *mirror = calloc(1, sizeof *mirror);
    shmrpc_status status = SHMRPC_E_NO_MEMORY;
    if (listener != NULL && mirror != NULL) {
        mirror->link_fd = link_fd;
        listener->mirror = mirror;
        status = shmrpci_event_create(&listener->stop_fd);
        if (status == SHMRPC_OK) {
            status = receive_setup(listener);
        }
    } else {
        shmrpci_fd_close(&link_fd);
        free(mirror);
    }
    if (status != SHMRPC_OK) {
        if (listener != NULL) {
            shm_listener_close(&listener->base);
        }
        return shmrpc_error_set(error, status, "can't join the supervisor: %s",
                                shmrpc_status_text(status));
    }
    *out = &listener->base;
    return SHMRPC_OK;
}

void shm_mirror_close(shm_listener *listener)
{
    while (listener->table_count > 0) {
        shm_conn *conn = listener->table[0];
        shm_table_remove(listener, conn);
        shm_conn_destroy(conn);
    }
    while (listener->closed != NULL) {
        shm_conn *next = listener->closed->next;
        shm_conn_destroy(listener->closed);
        listener->closed = next;
    }
    shmrpci_hangup_end(&listener->mirror->hangup);
    shmrpci_fd_close(&listener->mirror->link_fd);
    free(listener->mirror);
    listener->mirror = NULL;
}
