/* Openings, hello and what it is answered with. */
#include "transport/tcp/server.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/poll.h"
#include "os/process.h"

/* The uid that the kernel shows for one that our namespace doesn't know. */
#define UNMAPPED_UID 65534u

/* A frame with its body, before it our opening, that frees itself. */
typedef struct message {
    tcp_piece piece;
    uint8_t bytes[];
} message;

static void free_message(tcp_piece *piece)
{
    free(piece); /* it is the message's first member */
}

/* Sends our opening, and a frame behind it if `head` is not NULL. */
static bool say(tcp_conn *conn, tcp_head *head, const void *body, size_t len)
{
    size_t bytes =
        TCP_OPENING_BYTES + (head != NULL ? TCP_HEAD_BYTES + len : 0);
    message *out = malloc(sizeof *out + bytes);
    if (out == NULL) {
        return false;
    }
    tcp_opening opening = {.major = TCP_MAJOR, .minor = TCP_MINOR};
    tcp_opening_put(&opening, out->bytes);
    if (head != NULL) {
        head->len = (uint32_t)len;
        tcp_head_put(head, out->bytes + TCP_OPENING_BYTES);
        if (len > 0) {
            memcpy(out->bytes + TCP_OPENING_BYTES + TCP_HEAD_BYTES, body, len);
        }
    }
    out->piece =
        (tcp_piece){.data = out->bytes, .len = bytes, .on_sent = free_message};
    tcp_outbox_add(&conn->outbox, &out->piece);
    tcp_conn_flush(conn);
    return true;
}

/* From now on the client may read why it was refused, until it closes. */
static void linger(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    if (conn->state == TCP_CONN_HANDSHAKE) {
        conn->state = TCP_CONN_LINGER;
        conn->deadline_ns = shmrpci_deadline_after(TCP_LINGER_NS);
    }
    shmrpci_mutex_unlock(&listener->lock);
    shmrpci_stream_end(conn->fd);
}

static tcp_end refuse(tcp_conn *conn, int status, const char *text)
{
    tcp_head head = {.type = TCP_REFUSED, .status = status};
    size_t len = strlen(text);
    len = len < TCP_REFUSAL_MAX_BYTES ? len : TCP_REFUSAL_MAX_BYTES;
    if (!say(conn, &head, text, len)) {
        return TCP_END_MEMORY;
    }
    linger(conn);
    return TCP_END_NONE;
}

/* ---- the opening ----------------------------------------------------- */

tcp_end tcp_hello_opening(tcp_conn *conn, const uint8_t **data, size_t *len)
{
    tcp_opening opening = {0};
    size_t missing = TCP_OPENING_BYTES - conn->opening_len;
    size_t taken = *len < missing ? *len : missing;
    memcpy(conn->opening + conn->opening_len, *data, taken);
    conn->opening_len += taken;
    *data += taken;
    *len -= taken;
    tcp_end end = tcp_opening_get(conn->opening, conn->opening_len, &opening);
    if (end == TCP_END_VERSION) {
        /* Ours tells it which version there is. */
        (void)say(conn, NULL, NULL, 0);
    }
    return end;
}

/* ---- hello ----------------------------------------------------------- */

bool tcp_hello_is_allowed(const tcp_listener *listener, uint32_t uid)
{
    if (listener->base.transport != &shmrpci_transport_unix) {
        return true; /* the system does not know who it is */
    }
    if (uid == UNMAPPED_UID) {
        return false;
    }
    bool allowed = uid == 0 || uid == shmrpci_process_uid();
    for (size_t i = 0; i < listener->opts.allowed_uid_count; i++) {
        allowed = allowed || listener->allowed_uids[i] == uid;
    }
    return allowed;
}

/* With the lock held: how many connections its host, or its user, has. */
static uint32_t connections_of(const tcp_listener *listener,
                               const tcp_conn *conn)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < listener->seat_count; i++) {
        const tcp_conn *other = listener->seats[i].conn;
        count += other != NULL && other->state == TCP_CONN_OPEN &&
                 other->peer.uid == conn->peer.uid &&
                 shmrpci_endpoint_same_host(&other->endpoint, &conn->endpoint);
    }
    return count;
}

static bool is_within_quota(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    uint32_t most = listener->opts.max_connections_per_uid;
    shmrpci_mutex_lock(&listener->lock);
    bool within = most == 0 || connections_of(listener, conn) < most;
    shmrpci_mutex_unlock(&listener->lock);
    return within;
}

/* The handshake is over: from now on the workers read it. */
static tcp_end settle(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    bool is_alive = conn->state == TCP_CONN_HANDSHAKE;
    if (is_alive) {
        conn->state = TCP_CONN_OPEN;
        listener->unsettled--;
    }
    shmrpci_mutex_unlock(&listener->lock);
    shmrpci_poll_remove(listener->control_set, conn->fd);
    /* Whoever is woken by it waits until we are done with the reader: this
     * thread is in the middle of an event. */
    return is_alive &&
                   shmrpci_poll_add(listener->edge_set, conn->fd,
                                    SHMRPCI_POLL_EDGE, conn->tag) != SHMRPC_OK
               ? TCP_END_MEMORY
               : TCP_END_NONE;
}

static tcp_end welcome(tcp_conn *conn, const tcp_terms *asked,
                       const shmrpci_buf *text)
{
    tcp_listener *listener = conn->listener;
    size_t most = listener->opts.max_message_bytes;
    most = most < asked->max_message ? most : asked->max_message;
    conn->max_message_bytes = most;
    conn->reader.max_message = (uint32_t)most;
    shmrpc_compression ours = listener->opts.compression;
    conn->compression = (asked->compression & 1u << (unsigned)ours) != 0
                            ? ours
                            : SHMRPC_COMPRESSION_NONE;
    tcp_terms terms = {.max_message = (uint32_t)most,
                       .compression = (uint32_t)conn->compression,
                       .credits = listener->limits.credits};
    tcp_head head = {.type = TCP_WELCOME};
    shmrpci_buf body;
    shmrpci_buf_init_heap(&body);
    uint8_t *at = shmrpci_buf_extend(&body, TCP_WELCOME_BYTES);
    if (at != NULL) {
        tcp_terms_put(&terms, at);
    }
    shmrpci_buf_append(&body, text->data, text->len);
    bool said =
        body.status == SHMRPC_OK && say(conn, &head, body.data, body.len);
    shmrpci_buf_fini(&body);
    return said ? settle(conn) : TCP_END_MEMORY;
}

tcp_end tcp_hello_answer(tcp_conn *conn, const tcp_head *head,
                         const tcp_body *body)
{
    tcp_listener *listener = conn->listener;
    tcp_terms asked;
    shmrpc_error error = {.message = ""};
    (void)head;
    tcp_end end = tcp_terms_get(body->data, body->len, TCP_FROM_CLIENT, &asked);
    if (end != TCP_END_NONE) {
        return end;
    }
    if (!tcp_hello_is_allowed(listener, conn->peer.uid)) {
        return refuse(conn, SHMRPC_E_DENIED, "your user id may not connect");
    }
    if (!is_within_quota(conn)) {
        return refuse(conn, SHMRPC_E_EXHAUSTED,
                      "there are too many connections from your address");
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    /* Before it is told what may change meanwhile. */
    shmrpci_mutex_lock(&listener->lock);
    conn->epoch = listener->epoch;
    shmrpci_mutex_unlock(&listener->lock);
    int status = listener->opts.on_hello(
        listener->opts.user, body->data + TCP_HELLO_BYTES,
        body->len - TCP_HELLO_BYTES, &conn->peer, &text, &error);
    status = status == SHMRPC_OK ? (int)text.status : status;
    if (status != SHMRPC_OK) {
        end = refuse(conn, status, error.message);
    } else {
        end = welcome(conn, &asked, &text);
    }
    shmrpci_buf_fini(&text);
    return end;
}
