/* Connections on the server's side: their table, the frames they receive, and
 * how they end. */
#include "transport/tcp/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/socket.h"

/* How many bytes one event may read before other connections have their
 * turn. */
#define TURN_BYTES ((size_t)1 << 20)

/* ---- the table ------------------------------------------------------- */

/* Called with the lock held. Returns the index of a free place, or seat_count
 * if there is none. */
static uint32_t free_seat(const tcp_listener *listener)
{
    uint32_t i = 0;
    while (i < listener->seat_count && listener->seats[i].conn != NULL) {
        i++;
    }
    return i;
}

static bool sit_down(tcp_listener *listener, tcp_conn *conn)
{
    uint32_t index = free_seat(listener);
    if (index == listener->seat_count) {
        uint32_t count = index == 0 ? 16 : index * 2;
        tcp_seat *seats =
            realloc(listener->seats, count * sizeof *listener->seats);
        if (seats == NULL) {
            return false;
        }
        memset(seats + index, 0, (count - index) * sizeof *seats);
        listener->seats = seats;
        listener->seat_count = count;
    }
    tcp_seat *seat = &listener->seats[index];
    SHMRPCI_ASSERT(seat->conn == NULL, "the seat is free");
    seat->conn = conn;
    /* Generations start at 1, since 0 means "no connection". They don't use the
     * top bit, so that no connection's tag equals a special tag. */
    seat->generation = seat->generation % INT32_MAX + 1;
    conn->tag = (uint64_t)seat->generation << 32 | index;
    return true;
}

static void stand_up(tcp_conn *conn)
{
    tcp_seat *seat = &conn->listener->seats[(uint32_t)conn->tag];
    SHMRPCI_ASSERT(seat->conn == conn && seat->generation == conn->tag >> 32,
                   "a connection leaves its own seat");
    seat->conn = NULL;
}

/* Returns the connection of a tag, with a reference; NULL: it has ended. */
static tcp_conn *find(tcp_listener *listener, uint64_t tag)
{
    uint32_t index = (uint32_t)tag;
    tcp_conn *conn = NULL;
    shmrpci_mutex_lock(&listener->lock);
    if (index < listener->seat_count &&
        listener->seats[index].generation == tag >> 32) {
        conn = listener->seats[index].conn;
    }
    if (conn != NULL) {
        conn->refs++;
    }
    shmrpci_mutex_unlock(&listener->lock);
    return conn;
}

/* ---- reference counts and the end ---------------------------------------- */

static void conn_free(tcp_conn *conn)
{
    shmrpci_fork_keep_fd(&conn->fd_place);
    shmrpci_tls_destroy(conn->tls);
    shmrpci_fd_close(&conn->fd);
    tcp_outbox_fini(&conn->outbox);
    tcp_reader_fini(&conn->reader);
    tcp_flow_fini(&conn->flow);
    shmrpci_mutex_fini(&conn->flow_lock);
    free(conn->hello);
    free(conn);
}

void tcp_conn_unref_locked(tcp_conn *conn)
{
    SHMRPCI_ASSERT(conn->refs > 0, "a reference is given back once");
    if (--conn->refs == 0) {
        if (conn->farewell != NULL) {
            shmrpci_farewell_push(&conn->listener->farewells, conn->farewell);
            shmrpci_event_set(conn->listener->bell_fd);
        }
        conn_free(conn);
    }
}

void tcp_conn_unref(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    tcp_conn_unref_locked(conn);
    shmrpci_mutex_unlock(&listener->lock);
}

void tcp_conn_end(tcp_conn *conn, tcp_end why)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    bool was_dead = conn->state == TCP_CONN_DEAD;
    bool was_open = conn->state == TCP_CONN_OPEN;
    if (!was_dead) {
        why = conn->state == TCP_CONN_LINGER ? conn->why : why;
        SHMRPCI_ASSERT(listener->counts.open > 0, "it was counted");
        SHMRPCI_ASSERT(was_open || listener->unsettled > 0, "it was counted");
        conn->state = TCP_CONN_DEAD;
        listener->unsettled -= was_open ? 0u : 1u;
        listener->counts.ended[why]++;
        listener->counts.open--;
        stand_up(conn);
        tcp_call_abandon(conn);
        tcp_budget_leave(conn);
    }
    shmrpci_mutex_unlock(&listener->lock);
    if (was_dead) {
        return;
    }
    shmrpci_poll_remove(was_open ? listener->edge_set : listener->control_set,
                        conn->fd);
    shmrpci_socket_shut(conn->fd);
    tcp_outbox_fail(&conn->outbox);
    shmrpci_mutex_lock(&conn->flow_lock);
    tcp_flow_lose(&conn->flow);
    shmrpci_mutex_unlock(&conn->flow_lock);
    tcp_conn_unref(conn); /* the reference of the table */
}

/* ---- accepting ------------------------------------------------------- */

/* Whether the connection comes from the same host as `peer` or, where users are
 * known, from the same user. */
static bool is_of_same_host(const tcp_conn *conn, const tcp_conn *peer)
{
    return conn->peer.uid == peer->peer.uid &&
           shmrpci_endpoint_same_host(&conn->endpoint, &peer->endpoint);
}

/* Called with the lock held. Counts the connections from a host (NULL: from all
 * hosts) that are in the handshake; *slowest is the one that has been in it for
 * longest. */
static uint32_t handshakes_of(const tcp_listener *listener,
                              const tcp_conn *peer, tcp_conn **slowest)
{
    uint32_t count = 0;
    *slowest = NULL;
    for (uint32_t i = 0; i < listener->seat_count; i++) {
        tcp_conn *conn = listener->seats[i].conn;
        if (conn == NULL || conn->state != TCP_CONN_HANDSHAKE ||
            (peer != NULL && !is_of_same_host(conn, peer))) {
            continue;
        }
        count++;
        if (*slowest == NULL || conn->deadline_ns < (*slowest)->deadline_ns) {
            *slowest = conn;
        }
    }
    return count;
}

/* Returns the peer's address, and its user if the system knows the user. */
static shmrpc_peer peer_of(const tcp_conn *conn, int fd)
{
    const tcp_listener *listener = conn->listener;
    bool is_local = listener->base.transport == &shmrpci_transport_unix;
    shmrpci_credentials who = {.uid = UINT32_MAX, .gid = UINT32_MAX};
    if (is_local) {
        (void)shmrpci_socket_peer(fd, &who);
    }
    return (shmrpc_peer){.uid = who.uid,
                         .gid = who.gid,
                         .pid = who.pid,
                         .transport = listener->base.transport->scheme,
                         .address =
                             is_local ? listener->place.text : conn->peer_text};
}

static tcp_conn *conn_new(tcp_listener *listener, int fd,
                          const shmrpci_endpoint *peer)
{
    tcp_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->listener = listener;
    conn->fd = fd;
    conn->refs = 1;
    if (listener->tls != NULL) {
        conn->tls = shmrpci_tls_create(listener->tls, SHMRPCI_TLS_SERVER, fd);
        if (conn->tls == NULL) {
            free(conn);
            return NULL;
        }
    }
    if (shmrpci_fork_close_fd(&conn->fd_place, &conn->fd) != SHMRPC_OK) {
        shmrpci_tls_destroy(conn->tls);
        free(conn);
        return NULL;
    }
    conn->endpoint = *peer;
    conn->deadline_ns = shmrpci_deadline_after(listener->limits.handshake_ns);
    shmrpci_endpoint_text(peer, conn->peer_text, sizeof conn->peer_text);
    conn->peer = peer_of(conn, fd);
    tcp_outbox_init(&conn->outbox, fd);
    conn->outbox.tls = conn->tls;
    shmrpci_mutex_init(&conn->flow_lock);
    tcp_flow_init(&conn->flow, &tcp_conn_flow_ops, &conn->flow_lock,
                  &conn->outbox);
    conn->flow.is_server = true;
    bool has_key = listener->key.len > 0;
    tcp_reader_init(&conn->reader,
                    has_key ? TCP_FROM_STRANGER : TCP_FROM_CLIENT, 0);
    conn->auth.key = &listener->key;
    conn->arrived_end = &conn->arrived;
    return conn;
}

/* Called with the lock held, and releases it meanwhile. Ends a connection that
 * has not said hello, to make room for a new one. */
static void displace(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    conn->refs++;
    shmrpci_mutex_unlock(&listener->lock);
    tcp_conn_end(conn, TCP_END_DISPLACED);
    shmrpci_mutex_lock(&listener->lock);
    tcp_conn_unref_locked(conn);
}

/* Called with the lock held. */
static tcp_end admit(tcp_listener *listener, tcp_conn *conn)
{
    tcp_conn *slowest;
    bool is_full = listener->counts.open >= listener->limits.max_connections;
    if (handshakes_of(listener, conn, &slowest) >=
        listener->limits.max_handshakes) {
        displace(slowest);
    } else if (is_full) {
        (void)handshakes_of(listener, NULL, &slowest);
        if (slowest == NULL) {
            return TCP_END_FULL;
        }
        displace(slowest);
    }
    if (!sit_down(listener, conn)) {
        return TCP_END_MEMORY;
    }
    listener->counts.open++;
    listener->unsettled++;
    return TCP_END_NONE;
}

void tcp_conn_accept(tcp_listener *listener, int fd,
                     const shmrpci_endpoint *peer)
{
    tcp_conn *conn = conn_new(listener, fd, peer);
    shmrpci_mutex_lock(&listener->lock);
    listener->counts.accepted++;
    tcp_end end = conn != NULL ? admit(listener, conn) : TCP_END_MEMORY;
    if (end != TCP_END_NONE) {
        listener->counts.ended[end]++;
    }
    shmrpci_mutex_unlock(&listener->lock);
    if (end == TCP_END_NONE) {
        if (shmrpci_poll_add(listener->control_set, fd, SHMRPCI_POLL_LEVEL,
                             conn->tag) != SHMRPC_OK) {
            tcp_conn_end(conn, TCP_END_MEMORY);
        }
    } else if (conn != NULL) {
        conn_free(conn);
    } else {
        shmrpci_fd_close(&fd);
    }
}

/* ---- frames ---------------------------------------------------------- */

static tcp_end on_open_frame(tcp_conn *conn, const tcp_head *head,
                             tcp_body *body)
{
    switch (head->type) {
    case TCP_REQUEST:
        return tcp_call_begin(conn, head, body);
    case TCP_CANCEL:
        return tcp_call_cancel(conn, head->call);
    case TCP_ITEM:
    case TCP_STREAM_END:
    case TCP_WINDOW:
        return tcp_flow_frame(&conn->flow, head, body);
    case TCP_PING:
        if (!tcp_outbox_pong(&conn->outbox, head->value)) {
            return TCP_END_MEMORY;
        }
        tcp_conn_flush(conn);
        return TCP_END_NONE;
    case TCP_PONG:
        return TCP_END_NONE;
    default:
        return TCP_END_TYPE;
    }
}

/* While the connection lives, only the reading thread changes the state. */
static tcp_conn_state state_of(tcp_conn *conn)
{
    shmrpci_mutex_lock(&conn->listener->lock);
    tcp_conn_state state = conn->state;
    shmrpci_mutex_unlock(&conn->listener->lock);
    return state;
}

bool tcp_conn_is_open(tcp_conn *conn)
{
    return state_of(conn) == TCP_CONN_OPEN;
}

static tcp_end on_frame(void *user, const tcp_head *head, tcp_body *body)
{
    tcp_conn *conn = user;
    conn->frames++;
    if (conn->was_welcomed) { /* needs no lock: if the connection has ended
                               * since, a later step notices that */
        return on_open_frame(conn, head, body);
    }
    switch (state_of(conn)) {
    case TCP_CONN_HANDSHAKE:
        return head->type == TCP_HELLO  ? tcp_hello_answer(conn, head, body)
               : head->type == TCP_AUTH ? tcp_hello_prove(conn, body)
                                        : TCP_END_TYPE;
    case TCP_CONN_OPEN:
    case TCP_CONN_LINGER:
    case TCP_CONN_DEAD:
        break;
    }
    return TCP_END_NONE;
}

/* ---- reading --------------------------------------------------------- */

/* Whether the connection may be read now. */
static bool is_readable(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    if (tcp_outbox_is_stuck(&conn->outbox)) {
        return false; /* it is read again when the socket has room, which an
                       * event reports */
    }
    shmrpci_mutex_lock(&listener->lock);
    conn->is_paused = conn->is_paused || tcp_budget_is_paused(conn);
    bool is_paused = conn->is_paused;
    bool readable = !is_paused && conn->state != TCP_CONN_DEAD;
    shmrpci_mutex_unlock(&listener->lock);
    if (conn->was_paused && !is_paused) {
        conn->frame_since_ns = 0; /* the pause was ours, so it does not count as
                                   * a delay by the peer */
        shmrpci_store_relaxed(&conn->body_since_ns, (uint64_t)shmrpci_now_ns());
    }
    conn->was_paused = is_paused;
    return readable;
}

/* Tells the budget the size of the body that is arriving. */
static void ask_for_room(tcp_conn *conn)
{
    const tcp_reader *reader = &conn->reader;
    bool has_begun = reader->head_len == TCP_HEAD_BYTES;
    /* Relaxed: used only to estimate the peer's speed. */
    shmrpci_store_relaxed(&conn->body_bytes, (uint64_t)reader->body_len);
    tcp_budget_ask(conn, has_begun ? reader->head.len : 0);
}

static tcp_end feed(tcp_conn *conn, const uint8_t *data, size_t len)
{
    tcp_end end = TCP_END_NONE;
    if (state_of(conn) == TCP_CONN_LINGER) {
        return TCP_END_NONE; /* a refused client is not read */
    }
    if (!conn->has_opened) {
        end = tcp_hello_opening(conn, &data, &len);
    }
    return end == TCP_END_NONE
               ? tcp_reader_feed(&conn->reader, data, len, on_frame, conn)
               : end;
}

/* Whether the peer of a TLS listener has begun a TLS handshake. A peer that
 * sends our opening unencrypted gets an unencrypted answer that TLS is
 * required. */
static bool has_begun(tcp_conn *conn)
{
    uint8_t first;
    if (conn->has_begun || conn->tls == NULL) {
        return true;
    }
    shmrpc_status status = shmrpci_stream_peek(conn->fd, &first);
    conn->has_begun = status != SHMRPC_E_BUSY;
    if (status == SHMRPC_OK && first == TCP_MAGIC_FIRST) {
        shmrpci_tls_destroy(conn->tls);
        conn->tls = conn->outbox.tls = NULL;
        conn->needs_tls = true;
    }
    return conn->has_begun;
}

static shmrpc_status receive(tcp_conn *conn, void *to, size_t room,
                             size_t *out_got)
{
    /* Input of a refused client is ignored. */
    bool in_plain = state_of(conn) == TCP_CONN_LINGER;
    if (!has_begun(conn)) {
        *out_got = 0;
        return SHMRPC_E_BUSY;
    }
    shmrpc_status status = tcp_bytes_receive(
        conn->fd, in_plain ? NULL : conn->tls, to, room, out_got);
    if (status == SHMRPC_E_UNAVAILABLE && *out_got != 0 && !in_plain &&
        conn->tls != NULL && !shmrpci_tls_is_shaken(conn->tls)) {
        tcp_hello_no_tls(conn);
        *out_got = 0;
        return SHMRPC_E_BUSY;
    }
    return status;
}

/* Reads once. *out_got is the number of bytes; *more tells whether there may be
 * more. */
static tcp_end read_once(tcp_conn *conn, size_t *out_got, bool *more)
{
    uint8_t scratch[TCP_SCRATCH_BYTES];
    size_t room;
    size_t missing = tcp_reader_missing(&conn->reader);
    uint8_t *space = tcp_reader_space(
        &conn->reader, tcp_bytes_queued(conn->fd, conn->tls, missing), &room);
    room = space != NULL ? room : sizeof scratch;
    shmrpc_status status =
        receive(conn, space != NULL ? space : scratch, room, out_got);
    /* After a short read nothing more has arrived, unless the peer has closed.
     * Relaxed: the thread that set has_hung_up has increased `events`
     * afterwards. */
    conn->arrived_ns = shmrpci_now_ns();
    *more = status == SHMRPC_OK &&
            (*out_got == room || shmrpci_load_relaxed(&conn->has_hung_up) != 0);
    if (status == SHMRPC_E_BUSY) {
        return TCP_END_NONE;
    }
    if (status != SHMRPC_OK) {
        return *out_got == 0 && !tcp_reader_is_midway(&conn->reader)
                   ? TCP_END_PEER
                   : TCP_END_CUT;
    }
    tcp_end end = space != NULL ? tcp_reader_filled(&conn->reader, *out_got,
                                                    on_frame, conn)
                                : feed(conn, scratch, *out_got);
    tcp_end arrived = tcp_call_arrive(conn); /* also queues the calls that
                                              * precede an invalid frame */
    return end != TCP_END_NONE ? end : arrived;
}

/* Sets the deadline of an incomplete frame, counted from its first byte. */
static void set_deadline(tcp_conn *conn)
{
    const tcp_limits *limits = &conn->listener->limits;
    uint64_t deadline_ns = 0;
    bool is_new = false;
    if (tcp_reader_is_midway(&conn->reader)) {
        uint64_t allowed_ns = (uint64_t)limits->frame_ns;
        if (conn->reader.head_len == TCP_HEAD_BYTES) {
            allowed_ns += (uint64_t)SHMRPCI_NS_PER_S * conn->reader.head.len /
                          limits->min_bytes_per_s;
        }
        is_new =
            conn->frame_since_ns == 0 || conn->frame_number != conn->frames;
        if (is_new) {
            conn->frame_since_ns = shmrpci_now_ns();
            conn->frame_number = conn->frames;
        }
        deadline_ns = (uint64_t)conn->frame_since_ns + allowed_ns;
    } else {
        conn->frame_since_ns = 0;
    }
    /* Relaxed: the patrol may see the value one round later. */
    shmrpci_store_relaxed(&conn->frame_deadline_ns, deadline_ns);
    if (is_new) {
        shmrpci_mutex_lock(&conn->listener->lock);
        tcp_listener_watch(conn->listener);
        shmrpci_mutex_unlock(&conn->listener->lock);
    }
}

/* Reads what has arrived, up to the limits of one event. */
static void read_all(tcp_conn *conn)
{
    size_t turn = 0;
    bool more = true;
    while (more && is_readable(conn)) {
        size_t got = 0;
        tcp_end end = read_once(conn, &got, &more);
        if (end != TCP_END_NONE) {
            tcp_conn_end(conn, end);
            return;
        }
        turn += got;
        ask_for_room(conn);
        if (more && turn >= TURN_BYTES) {
            shmrpci_poll_again(conn->listener->edge_set, conn->fd, conn->tag);
            break;
        }
    }
    tcp_bytes_mark(conn->fd, conn->tls, tcp_reader_missing(&conn->reader),
                   &conn->mark);
    set_deadline(conn);
}

static void work_on(tcp_conn *conn)
{
    if (shmrpci_add_seq(&conn->events, 1u) != 0) {
        return; /* another thread works on it, and handles this event in a
                 * further round */
    }
    uint32_t seen = 1;
    do {
        tcp_conn_flush(conn);
        read_all(conn);
    } while (!shmrpci_cas_seq(&conn->events, &seen, 0u));
}

void tcp_conn_event(tcp_listener *listener, uint64_t tag)
{
    tcp_conn *conn = find(listener, tag & ~SHMRPCI_POLL_HUNG_UP);
    if (conn == NULL) {
        return;
    }
    if ((tag & SHMRPCI_POLL_HUNG_UP) != 0) {
        shmrpci_store_relaxed(&conn->has_hung_up, 1u);
    }
    work_on(conn);
    tcp_conn_unref(conn);
}

/* ---- deadlines ------------------------------------------------------- */

/* Returns when the bytes in the outbox will have waited too long. */
static int64_t receiver_deadline_ns(tcp_conn *conn)
{
    const tcp_limits *limits = &conn->listener->limits;
    tcp_unsent unsent = tcp_outbox_waiting(&conn->outbox);
    if (unsent.since_ns == 0) {
        return SHMRPCI_NEVER_NS;
    }
    /* A peer that reads streams may be busy elsewhere for a while, so it gets
     * more time. */
    int64_t allowed_ns =
        unsent.first_is_of_lane ? limits->stream_stall_ns : limits->frame_ns;
    return unsent.since_ns + allowed_ns +
           (int64_t)((uint64_t)SHMRPCI_NS_PER_S * unsent.first /
                     limits->min_bytes_per_s);
}

static int64_t sender_deadline_ns(tcp_conn *conn)
{
    uint64_t deadline_ns = shmrpci_load_relaxed(&conn->frame_deadline_ns);
    return deadline_ns == 0 ? SHMRPCI_NEVER_NS : (int64_t)deadline_ns;
}

bool tcp_conn_is_watched(tcp_conn *conn)
{
    return receiver_deadline_ns(conn) != SHMRPCI_NEVER_NS ||
           sender_deadline_ns(conn) != SHMRPCI_NEVER_NS;
}

int64_t tcp_conn_patrol(tcp_conn *conn, int64_t now_ns)
{
    shmrpci_mutex_lock(&conn->listener->lock);
    tcp_conn_state state = conn->state;
    int64_t settle_ns = conn->deadline_ns;
    bool is_paused = conn->is_paused;
    shmrpci_mutex_unlock(&conn->listener->lock);
    if (state != TCP_CONN_OPEN) {
        if (now_ns >= settle_ns) {
            tcp_conn_end(conn, TCP_END_HANDSHAKE);
        }
        return settle_ns;
    }
    int64_t call_ns = tcp_call_patrol(conn, now_ns);
    int64_t receiver_ns = receiver_deadline_ns(conn);
    /* While we don't read, the sender can't be late. */
    int64_t sender_ns = is_paused ? SHMRPCI_NEVER_NS : sender_deadline_ns(conn);
    if (now_ns >= receiver_ns) {
        tcp_conn_end(conn, TCP_END_SLOW_RECEIVER);
    } else if (now_ns >= sender_ns) {
        tcp_conn_end(conn, TCP_END_SLOW_SENDER);
    }
    receiver_ns = call_ns < receiver_ns ? call_ns : receiver_ns;
    return receiver_ns < sender_ns ? receiver_ns : sender_ns;
}
