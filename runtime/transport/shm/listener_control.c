/*
 * Connections as the control loop sees them: the handshake, and requests for
 * memory. Closing a connection is in listener_close.c.
 *
 * Nothing here waits for a client: packets are read and sent without blocking,
 * and a handshake that takes too long is dropped.
 */
#include "transport/shm/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/socket.h"

static const char over_quota[] = "your user id has too many connections";

/* Sends a client its last message: a refusal. */
static void refuse_fd(int fd, int status, const char *message)
{
    shmrpci_socket_shut_input(fd);
    size_t len = strlen(message);
    shm_message refused = {
        .kind = SHM_MESSAGE_REFUSED, .status = status, .tail = (uint32_t)len};
    (void)shm_message_send(fd, refused, message, NULL, 0);
}

/* ---- lists ----------------------------------------------------------- */

static void unlink_conn(shm_conn **list, const shm_conn *conn)
{
    while (*list != conn) {
        list = &(*list)->next;
    }
    *list = conn->next;
}

/* Adds the client's bell to the poll set of every worker. Under table_lock. */
static shmrpc_status hang_bell(shm_listener *listener, const shm_conn *conn)
{
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        int set = listener->places[i].poll_set;
        shmrpc_status status =
            set < 0 ? SHMRPC_OK
                    : shmrpci_poll_add(set, conn->bell_fd, SHMRPCI_POLL_BELL,
                                       SHM_TAG_BELL);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return SHMRPC_OK;
}

shmrpc_status shm_table_add(shm_listener *listener, shm_conn *conn)
{
    SHMRPCI_ASSERT(conn->ledger != NULL && conn->block.map.at != NULL,
                   "a connection that workers may see has memory");
    SHMRPCI_ASSERT(listener->table_count <= listener->table_cap,
                   "the table has room");
    if (listener->table_count == listener->table_cap) {
        size_t cap = listener->table_cap == 0 ? 16 : listener->table_cap * 2;
        shm_conn **table =
            realloc(listener->table, cap * sizeof *listener->table);
        if (table == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
        listener->table = table;
        listener->table_cap = cap;
    }
    shmrpc_status status = hang_bell(listener, conn);
    if (status == SHMRPC_OK) {
        listener->table[listener->table_count++] = conn;
        (void)shmrpci_add_seq(&listener->table_version, UINT64_C(1));
    }
    return status;
}

static shmrpc_status publish(shm_listener *listener, shm_conn *conn)
{
    shmrpci_mutex_lock(&listener->table_lock);
    shmrpc_status status = shm_table_add(listener, conn);
    shmrpci_mutex_unlock(&listener->table_lock);
    if (status == SHMRPC_OK) {
        shm_worker_links_offer(listener, conn);
    }
    return status;
}

/* ---- accepting ------------------------------------------------------- */

static bool has(const uint32_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static bool has_group(const shm_listener *listener, int fd, uint32_t gid)
{
    size_t allowed = listener->opts.allowed_gid_count;
    uint32_t groups[SHM_PEER_GROUPS];
    if (allowed == 0) {
        return false;
    }
    size_t count = shmrpci_socket_peer_groups(fd, groups, SHM_PEER_GROUPS);
    for (size_t i = 0; i < count; i++) {
        if (has(listener->allowed_gids, allowed, groups[i])) {
            return true;
        }
    }
    return has(listener->allowed_gids, allowed, gid);
}

static bool is_allowed(const shm_listener *listener, int fd,
                       const shmrpci_credentials *who)
{
    if (shmrpci_process_mistrusts(who->uid)) {
        return false;
    }
    return who->uid == 0 || who->uid == shmrpci_process_uid() ||
           has(listener->allowed_uids, listener->opts.allowed_uid_count,
               who->uid) ||
           has_group(listener, fd, who->gid);
}

void shm_conn_know_groups(shm_conn *conn)
{
    conn->peer.groups = conn->groups;
    conn->peer.group_count =
        shmrpci_socket_peer_groups(conn->fd, conn->groups, SHM_PEER_GROUPS);
}

shm_conn *shm_conn_create(shm_listener *listener)
{
    void *at;
    /* aligned_alloc would require a size that is a multiple of the alignment,
     * which costs 128 bytes more in each process. */
    if (posix_memalign(&at, 128, sizeof(shm_conn)) != 0) {
        return NULL;
    }
    shm_conn *conn = at;
    memset(conn, 0, sizeof *conn);
    conn->listener = listener;
    conn->fd = conn->bell_fd = conn->block_fd = conn->ledger_fd = -1;
    conn->peer.transport = "shm";
    conn->peer.address = listener->place.path;
    shmrpci_mutex_init(&conn->grow_lock);
    return conn;
}

static shm_conn *make_conn(shm_listener *listener, int fd,
                           const shmrpci_credentials *who, shm_account *account)
{
    shm_conn *conn = shm_conn_create(listener);
    if (conn != NULL) {
        conn->serial = ++listener->last_serial;
        conn->fd = fd;
        conn->account = account;
        conn->handshake_deadline_ns = shmrpci_deadline_after(SHM_HANDSHAKE_NS);
        conn->peer.uid = who->uid;
        conn->peer.gid = who->gid;
        conn->peer.pid = who->pid;
        shm_conn_know_groups(conn);
    }
    return conn;
}

static bool may_take_over(uint32_t uid)
{
    return uid == 0 || uid == shmrpci_process_uid();
}

static void admit(shm_listener *listener, int fd)
{
    shmrpci_credentials who;
    shm_account *account;
    bool is_over_quota = false;
    if (shmrpci_socket_peer(fd, &who) != SHMRPC_OK ||
        !is_allowed(listener, fd, &who)) {
        refuse_fd(fd, SHMRPC_E_DENIED, "your user id may not connect");
        shmrpci_fd_close(&fd);
        return;
    }
    shmrpc_status status = shm_account_open(listener, who.uid, &account);
    if (status != SHMRPC_OK && may_take_over(who.uid)) {
        /* The clients of this server may have used up the user's quota. That
         * must not keep out a new server that comes to take over. */
        is_over_quota = true;
        status = shm_account_adopt(listener, who.uid, 0, &account);
    }
    if (status != SHMRPC_OK) {
        refuse_fd(fd, SHMRPC_E_EXHAUSTED, over_quota);
        shmrpci_fd_close(&fd);
        return;
    }
    shm_conn *conn = make_conn(listener, fd, &who, account);
    union {
        shm_conn *conn;
        uint64_t tag;
    } it = {.conn = conn};
    if (conn == NULL ||
        shmrpci_poll_add(listener->poll_set, fd, SHMRPCI_POLL_LEVEL, it.tag) !=
            SHMRPC_OK) {
        refuse_fd(fd, SHMRPC_E_EXHAUSTED, "the server is out of memory");
        shm_account_close(listener, account);
        shmrpci_fd_close(&fd);
        free(conn);
        return;
    }
    conn->is_over_quota = is_over_quota;
    shm_conn_push(&listener->handshakes, conn);
}

/* Called when no descriptor is left: closes the spare one, accepts the client
 * and tells it the reason. Otherwise the client would stay in the queue, and
 * the control loop would spin. */
static void turn_away(shm_listener *listener)
{
    int fd;
    shmrpci_fd_close(&listener->spare_fd);
    if (shmrpci_socket_accept(listener->place.listen_fd, &fd) == SHMRPC_OK) {
        refuse_fd(fd, SHMRPC_E_EXHAUSTED, "the server is out of descriptors");
        shmrpci_fd_close(&fd);
    }
    (void)shmrpci_event_create(&listener->spare_fd);
}

void shm_control_accept(shm_listener *listener)
{
    for (;;) {
        int fd;
        shmrpc_status status =
            shmrpci_socket_accept(listener->place.listen_fd, &fd);
        if (status == SHMRPC_OK) {
            admit(listener, fd);
        } else {
            if (status == SHMRPC_E_EXHAUSTED) {
                turn_away(listener);
            }
            return;
        }
    }
}

/* ---- handshake ------------------------------------------------------- */

static void drop_handshake(shm_conn *conn)
{
    unlink_conn(&conn->listener->handshakes, conn);
    shmrpci_poll_remove(conn->listener->poll_set, conn->fd);
    conn->state = SHM_CONN_CLOSED;
    shm_conn_push(&conn->listener->closed, conn);
}

/* Sends the welcome and the block to the client. The rpc layer's part is in the
 * packet or in a memory file. */
static shmrpc_status send_welcome(const shm_conn *conn, const shmrpci_buf *tail)
{
    int tail_fd = -1;
    int ledger_fd = -1;
    shm_message welcome = {.kind = SHM_MESSAGE_WELCOME,
                           .bytes = conn->block.map.bytes,
                           .max_message = conn->max_message,
                           .tail = (uint32_t)tail->len};
    shmrpc_status status =
        shmrpci_memory_reopen(conn->ledger_fd, SHMRPCI_ACCESS_READ, &ledger_fd);
    if (status == SHMRPC_OK && tail->len > SHM_TAIL_MAX_BYTES) {
        status = shmrpci_memory_create_constant("shmrpc-welcome", tail->data,
                                                tail->len, &tail_fd);
    }
    if (status == SHMRPC_OK) {
        int fds[SHM_FD_MAX] = {conn->block_fd, conn->listener->client_status_fd,
                               conn->bell_fd, ledger_fd, tail_fd};
        status = shm_message_send(conn->fd, welcome, tail->data, fds,
                                  tail_fd >= 0 ? SHM_FD_MAX : SHM_FD_TAIL);
    }
    shmrpci_fd_close(&tail_fd);
    shmrpci_fd_close(&ledger_fd);
    return status;
}

static shmrpc_status make_ledger(shm_conn *conn)
{
    shmrpc_status status = shmrpci_memory_create(
        "shmrpc-ledger", sizeof(shm_ledger), &conn->ledger_fd);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_map(conn->ledger_fd, sizeof(shm_ledger),
                               SHMRPCI_ACCESS_WRITE, true, &conn->ledger_map);
    }
    if (status == SHMRPC_OK) {
        conn->ledger = conn->ledger_map.at;
    }
    return status;
}

static shmrpc_status make_block(shm_conn *conn, const shm_packet *hello)
{
    shm_listener *listener = conn->listener;
    uint64_t left;
    shmrpc_status status =
        shm_account_charge(listener, conn->account, SHM_BLOCK_BYTES, &left);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_event_create(&conn->bell_fd);
    if (status == SHMRPC_OK) {
        status = make_ledger(conn);
    }
    if (status == SHMRPC_OK) {
        shm_ledger_note(conn->ledger, hello->tail, hello->head.tail);
        status =
            shm_block_create(SHM_BLOCK_BYTES, &conn->block, &conn->block_fd);
    }
    if (status != SHMRPC_OK) {
        shm_account_refund(listener, conn->account, SHM_BLOCK_BYTES);
        return status;
    }
    return SHMRPC_OK;
}

static shmrpc_status establish(shm_conn *conn, const shm_packet *hello,
                               const shmrpci_buf *welcome)
{
    shmrpc_status status = make_block(conn, hello);
    if (status == SHMRPC_OK) {
        status = publish(conn->listener, conn);
    }
    if (status == SHMRPC_OK) {
        unlink_conn(&conn->listener->handshakes, conn);
        conn->state = SHM_CONN_OPEN;
        shm_conn_show(conn);
        status = send_welcome(conn, welcome);
    }
    if (!conn->listener->opts.takes_processes) {
        shmrpci_fd_close(&conn->block_fd);
        shmrpci_fd_close(&conn->ledger_fd);
    }
    return status;
}

static void end_conn(shm_conn *conn)
{
    if (conn->state == SHM_CONN_OPEN) {
        shm_control_close(conn);
    } else if (conn->state == SHM_CONN_HANDSHAKE) {
        drop_handshake(conn);
    }
}

/* Answers an observer. The connection stays in the handshake state without a
 * deadline, so that its hang-up tells the observer when we end. */
static void show_stats(shm_conn *conn)
{
    const shm_listener *listener = conn->listener;
    if (!listener->opts.has_stats) {
        refuse_fd(conn->fd, SHMRPC_E_UNIMPLEMENTED,
                  "the service keeps no statistics");
        end_conn(conn);
        return;
    }
    shm_message stats = {.kind = SHM_MESSAGE_STATS};
    if (shm_message_send(conn->fd, stats, NULL, &listener->opts.stats_fd, 1) !=
        SHMRPC_OK) {
        end_conn(conn);
        return;
    }
    conn->handshake_deadline_ns = SHMRPCI_NEVER_NS;
}

/* Answers a request for an object. The client keeps the object, and learns from
 * its socket when the service ends, so this connection stays in the handshake
 * state as well. */
static void show_object(shm_conn *conn, const shm_packet *packet)
{
    const shm_listener *listener = conn->listener;
    shmrpc_error error = {.path = ""};
    char name[SHMRPCI_SHARED_NAME_MAX + 1];
    int fd = -1;
    int failed = shmrpc_error_set(&error, SHMRPC_E_NOT_FOUND,
                                  "the service shares no objects");
    bool as_server = packet->head.tag != 0;
    if (packet->head.tail >= sizeof name || packet->fd_count != 0) {
        failed = shmrpc_error_set(&error, SHMRPC_E_INVALID, "malformed name");
    } else if (as_server && !may_take_over(conn->peer.uid)) {
        failed = shmrpc_error_set(&error, SHMRPC_E_DENIED,
                                  "only root and the server's own user may "
                                  "open objects as the server");
    } else if (listener->opts.on_object != NULL) {
        memcpy(name, packet->tail, packet->head.tail);
        name[packet->head.tail] = '\0';
        failed = listener->opts.on_object(listener->opts.user, name, as_server,
                                          &conn->peer, &fd, &error);
    }
    if (failed == SHMRPC_OK) {
        shm_message object = {.kind = SHM_MESSAGE_OBJECT};
        failed = shm_message_send(conn->fd, object, NULL, &fd, 1);
        shmrpci_fd_close(&fd);
        conn->handshake_deadline_ns = SHMRPCI_NEVER_NS;
    } else {
        refuse_fd(conn->fd, failed, error.message);
    }
    if (failed != SHMRPC_OK) {
        end_conn(conn);
    }
}

static void greet(shm_conn *conn, const shm_packet *packet)
{
    shm_listener *listener = conn->listener;
    shmrpc_error error;
    shmrpci_buf welcome;
    if (conn->is_over_quota) {
        refuse_fd(conn->fd, SHMRPC_E_EXHAUSTED, over_quota);
        end_conn(conn);
        return;
    }
    if (packet->head.kind == SHM_MESSAGE_OBSERVE) {
        show_stats(conn);
        return;
    }
    if (packet->head.kind == SHM_MESSAGE_OBJECT) {
        show_object(conn, packet);
        return;
    }
    if (packet->head.kind != SHM_MESSAGE_HELLO || packet->fd_count != 0 ||
        packet->head.tail > SHMRPCI_HELLO_MAX_BYTES ||
        packet->head.max_message == 0) {
        refuse_fd(conn->fd, SHMRPC_E_INVALID, "malformed hello");
        end_conn(conn);
        return;
    }
    conn->who = (shmrpc_connection_stats){.pid = conn->peer.pid,
                                          .own_pid = (int32_t)packet->head.tag,
                                          .pid_namespace = packet->head.bytes,
                                          .uid = conn->peer.uid,
                                          .gid = conn->peer.gid,
                                          .since_ns = shmrpci_now_ns()};
    conn->max_message = listener->opts.max_message_bytes;
    if (packet->head.max_message < conn->max_message) {
        conn->max_message = (size_t)packet->head.max_message;
    }
    (void)shmrpc_error_set(&error, SHMRPC_E_EXHAUSTED,
                           "the server's memory or its quota is used up");
    shmrpci_buf_init_heap(&welcome);
    int failed = listener->opts.on_hello(listener->opts.user, packet->tail,
                                         packet->head.tail, &conn->peer,
                                         &welcome, &error);
    if (failed == SHMRPC_OK && (welcome.status != SHMRPC_OK ||
                                welcome.len > SHMRPCI_WELCOME_MAX_BYTES)) {
        failed = shmrpc_error_set(&error, SHMRPC_E_INTERNAL,
                                  "the server's welcome is too large");
    }
    if (failed == SHMRPC_OK) {
        failed = establish(conn, packet, &welcome);
    }
    shmrpci_buf_fini(&welcome);
    if (failed != SHMRPC_OK) {
        refuse_fd(conn->fd, failed, error.message);
        end_conn(conn);
    }
}

/* ---- an open connection ---------------------------------------------- */

static void count_rescue(const shm_listener *listener)
{
    shmrpci_stats_gauges *gauges = listener->opts.gauges;
    if (gauges != NULL) {
        (void)shmrpci_add_relaxed(&gauges->rescued, UINT64_C(1));
    }
}

/* Tells the workers of this and other processes that a relay's peer has
 * left. */
static void part(const shm_conn *conn, uint64_t peer)
{
    shm_listener *listener = conn->listener;
    uint64_t connection = shmrpci_peer_connection(conn->peer.uid, peer);
    if (!listener->opts.tells_peers) {
        return;
    }
    if (listener->opts.takes_processes) {
        shm_worker_links_part(listener, connection);
        return;
    }
    shmrpci_mutex_lock(&listener->table_lock);
    shm_part_here(listener, connection);
    /* A new version makes the workers check the table, and with it the list of
     * connections whose end must be reported. */
    (void)shmrpci_add_seq(&listener->table_version, UINT64_C(1));
    shmrpci_mutex_unlock(&listener->table_lock);
    shmrpci_event_set(listener->bell_fd);
}

static void answer_want(shm_conn *conn, const shm_message *want)
{
    shmrpc_status status = SHMRPC_E_INVALID;
    shm_message refused = {.kind = SHM_MESSAGE_EXTENT, .tag = want->tag};
    if (want->bytes > 0 && want->tag != 0) {
        status = shm_extent_want(conn, want->bytes, &refused);
    }
    if (status != SHMRPC_OK) {
        refused.status = status;
        (void)shm_message_send(conn->fd, refused, NULL, NULL, 0);
    }
}

static void refuse_successor(const shm_conn *conn)
{
    char text[128];
    if (conn->listener->opts.on_successor == NULL) {
        refuse_fd(conn->fd, SHMRPC_E_DENIED,
                  "the running server has no worker processes, so it can't be "
                  "taken over");
        return;
    }
    (void)snprintf(text, sizeof text,
                   "the running server belongs to user %u, and you are user "
                   "%u: only that user and root may take it over",
                   shmrpci_process_uid(), conn->peer.uid);
    refuse_fd(conn->fd, SHMRPC_E_DENIED, text);
}

/* Passes the socket to the successor, which owns it from now on. */
static void succeed(shm_conn *conn)
{
    shm_listener *listener = conn->listener;
    if (listener->opts.on_successor == NULL || !may_take_over(conn->peer.uid)) {
        refuse_successor(conn);
        end_conn(conn);
        return;
    }
    int fd = conn->fd;
    drop_handshake(conn);
    conn->fd = -1;
    listener->opts.on_successor(listener->opts.successor_user, fd);
}

void shm_control_event(shm_conn *conn)
{
    if (conn->state == SHM_CONN_CLOSED) {
        return; /* closed by an earlier event of the same batch */
    }
    shm_packet packet;
    shmrpc_status status = shm_message_receive(conn->fd, &packet);
    switch ((int)status) {
    case SHMRPC_OK:
        break;
    case SHMRPC_E_BUSY:
        return;
    case SHMRPC_E_CONTRACT:
        refuse_fd(conn->fd, status,
                  "client and server speak different versions of the "
                  "shared-memory layout; rebuild the older one");
        end_conn(conn);
        return;
    default:
        conn->is_orphan = status == SHMRPC_E_UNAVAILABLE;
        end_conn(conn);
        return;
    }
    if (conn->state == SHM_CONN_HANDSHAKE &&
        packet.head.kind == SHM_MESSAGE_SUCCEED) {
        succeed(conn);
    } else if (conn->state == SHM_CONN_HANDSHAKE) {
        greet(conn, &packet);
    } else if (packet.head.kind == SHM_MESSAGE_WANT) {
        answer_want(conn, &packet.head);
    } else if (packet.head.kind == SHM_MESSAGE_RESCUED) {
        count_rescue(conn->listener);
    } else if (packet.head.kind == SHM_MESSAGE_IDLE) {
        shm_extent_heed(conn);
    } else if (packet.head.kind == SHM_MESSAGE_LEFT) {
        part(conn, packet.head.bytes);
    } else {
        end_conn(conn);
    }
    shm_packet_close_fds(&packet);
}

int64_t shm_control_expire(shm_listener *listener)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    if (listener->handshakes == NULL) {
        return next_ns;
    }
    int64_t now_ns = shmrpci_now_ns();
    for (shm_conn *conn = listener->handshakes; conn != NULL;) {
        shm_conn *next = conn->next;
        if (conn->handshake_deadline_ns <= now_ns) {
            drop_handshake(conn);
        } else if (conn->handshake_deadline_ns < next_ns) {
            next_ns = conn->handshake_deadline_ns;
        }
        conn = next;
    }
    return next_ns;
}
