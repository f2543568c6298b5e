/* The successor's side of a handover: receives a listener from the process that
 * has it. */
#include "transport/shm/listener_handover.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/message.h"

typedef struct heir_packet {
    shm_heir_message head;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    size_t fd_count;
} heir_packet;

typedef struct taker {
    const shmrpci_address *address;
    shm_listener *listener;
    shm_conn *conn; /* the connection received last */
    int64_t deadline_ns;
    int fd;
    bool is_over;
    shmrpc_error *error;
} taker;

static int fail(const taker *t, shmrpc_status status)
{
    return shmrpc_error_set(t->error, status, "can't take over: %s",
                            shmrpc_status_text(status));
}

/* Closes the packet's descriptors that nobody has taken. */
static void drop(heir_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++) {
        shmrpci_fd_close(&packet->fds[i]);
    }
    packet->fd_count = 0;
}

static shmrpc_status receive(const taker *t, heir_packet *out)
{
    size_t len = 0;
    memset(out, 0, sizeof *out);
    if (!shmrpci_poll_readable(t->fd, t->deadline_ns)) {
        return SHMRPC_E_DEADLINE;
    }
    shmrpc_status status = shmrpci_socket_receive(
        t->fd, &out->head, sizeof out->head, &len, out->fds, &out->fd_count);
    out->head.path[sizeof out->head.path - 1] = '\0';
    if (status == SHMRPC_OK && (len < offsetof(shm_heir_message, path) ||
                                out->head.magic != SHM_HEIR_MAGIC)) {
        drop(out);
        status = SHMRPC_E_CONTRACT;
    }
    return status;
}

/* Takes a descriptor out of the packet. */
static int keep(heir_packet *packet, size_t index)
{
    SHMRPCI_ASSERT(index < packet->fd_count && packet->fds[index] >= 0,
                   "a descriptor is taken once, and its number was checked");
    int fd = packet->fds[index];
    packet->fds[index] = -1;
    return fd;
}

/* ---- the listener ---------------------------------------------------- */

static shmrpc_status take_pages(shm_listener *listener, heir_packet *packet)
{
    SHMRPCI_ASSERT(listener->status == NULL && listener->shared == NULL,
                   "a listener has one pair of pages");
    listener->status_fd = keep(packet, SHM_HEIR_FD_STATUS);
    listener->client_status_fd = keep(packet, SHM_HEIR_FD_CLIENT_STATUS);
    listener->shared_fd = keep(packet, SHM_HEIR_FD_SHARED);
    listener->bell_fd = keep(packet, SHM_HEIR_FD_DOORBELL);
    shmrpc_status status = shm_memory_attach(
        listener->status_fd, sizeof(shm_status_page), &listener->status_map);
    if (status == SHMRPC_OK) {
        status =
            shm_memory_attach(listener->shared_fd, sizeof(shm_service_shared),
                              &listener->shared_map);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    listener->status = listener->status_map.at;
    listener->shared = listener->shared_map.at;
    return listener->status->magic == SHM_STATUS_MAGIC &&
                   listener->shared->magic == SHM_SHARED_MAGIC
               ? SHMRPC_OK
               : SHMRPC_E_CONTRACT;
}

static int take_place(taker *t)
{
    heir_packet packet;
    shm_listener *listener = t->listener;
    shmrpc_status status = receive(t, &packet);
    if (status != SHMRPC_OK) {
        return fail(t, status);
    }
    if (packet.head.kind != SHM_HEIR_PLACE ||
        packet.fd_count != SHM_HEIR_PLACE_FDS ||
        packet.head.sizes != SHM_HEIR_SIZES) {
        drop(&packet);
        return fail(t, SHMRPC_E_CONTRACT);
    }
    int failed = shm_place_adopt(
        t->address, packet.head.path, packet.fds[SHM_HEIR_FD_LOCK],
        packet.fds[SHM_HEIR_FD_LISTEN], &listener->place, t->error);
    if (failed == SHMRPC_OK) {
        (void)keep(&packet, SHM_HEIR_FD_LOCK);
        (void)keep(&packet, SHM_HEIR_FD_LISTEN);
        listener->place.is_lent = packet.head.is_lent != 0;
        listener->last_serial = packet.head.serial;
        status = take_pages(listener, &packet);
        if (status == SHMRPC_OK) {
            status = shm_listener_equip(listener);
        }
        failed = status == SHMRPC_OK ? SHMRPC_OK : fail(t, status);
    }
    drop(&packet);
    return failed;
}

/* ---- connections ----------------------------------------------------- */

static shm_conn *make_conn(shm_listener *listener, const heir_packet *packet)
{
    shm_conn *conn = shm_conn_create(listener);
    if (conn != NULL) {
        conn->peer.uid = packet->head.uid;
        conn->peer.gid = packet->head.gid;
        conn->peer.pid = packet->head.pid;
        conn->who = packet->head.who;
    }
    return conn;
}

static shmrpc_status listen_to(shm_conn *conn)
{
    union {
        shm_conn *conn;
        uint64_t tag;
    } it = {.conn = conn};
    return shmrpci_poll_add(conn->listener->poll_set, conn->fd,
                            SHMRPCI_POLL_LEVEL, it.tag);
}

static shmrpc_status map_conn(shm_conn *conn, heir_packet *packet)
{
    SHMRPCI_ASSERT(conn->state == SHM_CONN_HANDSHAKE && conn->ledger == NULL,
                   "a connection is mapped before others see it");
    conn->fd = keep(packet, SHM_HEIR_FD_CONTROL);
    conn->bell_fd = keep(packet, SHM_HEIR_FD_BELL);
    conn->block_fd = keep(packet, SHM_HEIR_FD_BLOCK);
    conn->ledger_fd = keep(packet, SHM_HEIR_FD_LEDGER);
    shm_conn_know_groups(conn);
    shmrpc_status status = shm_memory_attach(
        conn->ledger_fd, sizeof(shm_ledger), &conn->ledger_map);
    if (status == SHMRPC_OK) {
        conn->ledger = conn->ledger_map.at;
        status = shm_block_attach(conn->block_fd, (size_t)packet->head.bytes,
                                  &conn->block);
    }
    if (status == SHMRPC_OK) {
        status = shm_account_adopt(conn->listener, conn->peer.uid,
                                   conn->block.map.bytes, &conn->account);
    }
    return status;
}

/* Adds a connection to the table, in the state it had. A closed connection only
 * waits to be freed. */
static shmrpc_status enter(shm_conn *conn, const heir_packet *packet)
{
    shm_listener *listener = conn->listener;
    SHMRPCI_ASSERT(conn->ledger != NULL && conn->block.map.at != NULL,
                   "a connection in the table is mapped");
    shmrpc_status status =
        packet->head.is_closed != 0 ? SHMRPC_OK : listen_to(conn);
    if (status == SHMRPC_OK) {
        status = shm_table_add(listener, conn);
    }
    if (status == SHMRPC_OK) {
        conn->state = SHM_CONN_OPEN;
        if (packet->head.is_closed != 0) {
            conn->state = SHM_CONN_CLOSED;
            shm_conn_push(&listener->closed, conn);
        } else {
            shm_conn_show(conn);
        }
    }
    return status;
}

static shmrpc_status take_conn(taker *t, heir_packet *packet)
{
    if (packet->fd_count != SHM_HEIR_CONN_FDS) {
        return SHMRPC_E_INVALID;
    }
    shm_conn *conn = make_conn(t->listener, packet);
    if (conn == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    conn->serial = packet->head.serial;
    conn->sent = packet->head.sent;
    conn->incarnations = packet->head.incarnations;
    conn->max_message = (size_t)packet->head.max_message;
    shmrpc_status status = map_conn(conn, packet);
    if (status == SHMRPC_OK) {
        status = enter(conn, packet);
    }
    if (status != SHMRPC_OK) {
        shm_conn_destroy(conn);
        return status;
    }
    t->conn = conn;
    return SHMRPC_OK;
}

static shmrpc_status take_extent(const taker *t, heir_packet *packet)
{
    const shm_heir_message *head = &packet->head;
    if (t->conn == NULL || packet->fd_count != 1) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_status status =
        shm_extent_adopt(t->conn, head->region, head->incarnations,
                         (size_t)head->bytes, packet->fds[0]);
    if (status == SHMRPC_OK) {
        (void)keep(packet, 0);
        t->conn->account->bytes += (size_t)head->bytes;
    }
    return status;
}

/* Adds a client that has not said hello yet; it gets the full time of a new
 * connection. */
static shmrpc_status take_knock(const taker *t, heir_packet *packet)
{
    if (packet->fd_count != 1) {
        return SHMRPC_E_INVALID;
    }
    shm_conn *conn = make_conn(t->listener, packet);
    if (conn == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    conn->fd = keep(packet, 0);
    shm_conn_know_groups(conn);
    conn->serial = ++t->listener->last_serial;
    conn->handshake_deadline_ns = shmrpci_deadline_after(SHM_HANDSHAKE_NS);
    shmrpc_status status =
        shm_account_adopt(t->listener, conn->peer.uid, 0, &conn->account);
    if (status == SHMRPC_OK) {
        status = listen_to(conn);
    }
    if (status != SHMRPC_OK) {
        shm_conn_destroy(conn);
        return status;
    }
    shm_conn_push(&t->listener->handshakes, conn);
    return SHMRPC_OK;
}

static shmrpc_status take_link(const taker *t, heir_packet *packet)
{
    const shm_heir_message *head = &packet->head;
    if (packet->fd_count != 1) {
        return SHMRPC_E_INVALID;
    }
    shm_worker_link link = {.fd = packet->fds[0],
                            .first = head->first,
                            .count = head->count,
                            .unacked = head->unacked,
                            .is_lagging = head->is_lagging != 0};
    shmrpc_status status = shm_worker_link_adopt(t->listener, &link);
    if (status == SHMRPC_OK) {
        (void)keep(packet, 0);
    }
    return status;
}

static shmrpc_status take_packet(taker *t, heir_packet *packet)
{
    SHMRPCI_ASSERT(!t->is_over, "nothing is read after END");
    switch ((shm_heir_kind)packet->head.kind) {
    case SHM_HEIR_CONN:
        return take_conn(t, packet);
    case SHM_HEIR_EXTENT:
        return take_extent(t, packet);
    case SHM_HEIR_KNOCK:
        return take_knock(t, packet);
    case SHM_HEIR_LINK:
        return take_link(t, packet);
    case SHM_HEIR_END:
        t->is_over = true;
        return SHMRPC_OK;
    case SHM_HEIR_PLACE:
        break;
    }
    return SHMRPC_E_INVALID;
}

static int take_all(taker *t)
{
    int failed = take_place(t);
    while (failed == SHMRPC_OK && !t->is_over) {
        heir_packet packet;
        shmrpc_status status = receive(t, &packet);
        if (status == SHMRPC_OK) {
            status = take_packet(t, &packet);
            drop(&packet);
        }
        failed = status == SHMRPC_OK ? SHMRPC_OK : fail(t, status);
    }
    return failed;
}

/* The socket may be restricted to its owner: opens it to other users if the
 * options ask for that. Never restricts it, because the predecessor may
 * continue, and the access lists decide anyway. */
static int open_to_others(taker *t, const shmrpci_listen_opts *opts)
{
    const shm_place *place = &t->listener->place;
    shmrpc_status status = SHMRPC_OK;
    if (opts->allowed_uid_count + opts->allowed_gid_count > 0) {
        status = shmrpci_socket_permit(place->dir_fd, place->socket_name, 0666);
    }
    return status == SHMRPC_OK ? SHMRPC_OK : fail(t, status);
}

int shm_take_over(const shmrpci_address *address,
                  const shmrpci_listen_opts *opts, int fd, int64_t deadline_ns,
                  shmrpci_listener **out, shmrpc_error *error)
{
    taker t = {.address = address,
               .listener = shm_listener_create(opts),
               .deadline_ns = deadline_ns,
               .fd = fd,
               .error = error};
    if (t.listener == NULL) {
        return fail(&t, SHMRPC_E_NO_MEMORY);
    }
    int failed = take_all(&t);
    if (failed == SHMRPC_OK) {
        failed = open_to_others(&t, opts);
    }
    if (failed != SHMRPC_OK) {
        shm_abandon(&t.listener->base);
        shm_listener_close(&t.listener->base);
        return failed;
    }
    SHMRPCI_ASSERT(t.is_over, "a listener is whole when END has come");
    *out = &t.listener->base;
    return SHMRPC_OK;
}

/* Waits for the first packet. If it is the place that we take over, leaves it
 * to the caller to read. A refusal has another format, and is read here. */
static int await_answer(int fd, int64_t deadline_ns, shmrpc_error *error)
{
    shm_packet packet;
    shm_message head;
    if (!shmrpci_poll_readable(fd, deadline_ns)) {
        return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                "the old server does not answer");
    }
    if (shmrpci_socket_peek(fd, &head, sizeof head) != sizeof head ||
        head.magic != SHM_MESSAGE_MAGIC || head.kind != SHM_MESSAGE_REFUSED) {
        return SHMRPC_OK;
    }
    shmrpc_status status = shm_message_receive(fd, &packet);
    shm_packet_close_fds(&packet);
    /* A packet with another layout counts as a refusal too. */
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "can't take over: %s",
                                shmrpc_status_text(status));
    }
    return shmrpc_error_set(error, packet.head.status, "can't take over: %.*s",
                            (int)packet.head.tail, (char *)packet.tail);
}

int shm_summon(const shmrpci_address *address, int64_t deadline_ns, int *out_fd,
               shmrpc_error *error)
{
    char path[SHM_PATH_BYTES];
    int failed = shm_place_connect(address, deadline_ns, out_fd, path, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shm_message succeed = {.kind = SHM_MESSAGE_SUCCEED};
    shmrpc_status status = shm_message_send(*out_fd, succeed, NULL, NULL, 0);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(out_fd);
        return shmrpc_error_set(error, status, "%s: %s", path,
                                shmrpc_status_text(status));
    }
    failed = await_answer(*out_fd, deadline_ns, error);
    if (failed != SHMRPC_OK) {
        shmrpci_fd_close(out_fd);
    }
    return failed;
}
