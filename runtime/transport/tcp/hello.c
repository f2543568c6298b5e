/* The handshake on the server's side: openings, hello, and the answers to
 * it. */
#include "transport/tcp/server.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/poll.h"
#include "os/process.h"

/* Bytes to send; the message frees itself once they are sent. */
typedef struct message {
    tcp_piece piece;
    uint8_t bytes[];
} message;

static void free_message(tcp_piece *first)
{
    while (first != NULL) {
        tcp_piece *piece = first;
        first = piece->next;
        free(piece); /* the piece is the first member of its message */
    }
}

static bool send_copy(tcp_conn *conn, const shmrpci_buf *bytes)
{
    message *out =
        bytes->status == SHMRPC_OK ? malloc(sizeof *out + bytes->len) : NULL;
    if (out == NULL) {
        return false;
    }
    memcpy(out->bytes, bytes->data, bytes->len);
    out->piece = (tcp_piece){
        .data = out->bytes, .len = bytes->len, .on_sent = free_message};
    (void)tcp_outbox_add(&conn->outbox, &out->piece);
    tcp_conn_flush(conn);
    return true;
}

static void put_opening(tcp_conn *conn, shmrpci_buf *out)
{
    bool has_key = conn->auth.key->len > 0;
    tcp_opening opening = {.major = TCP_MAJOR,
                           .minor = TCP_MINOR,
                           .auth = conn->needs_tls ? TCP_AUTH_TLS
                                   : has_key       ? TCP_AUTH_KEY
                                                   : TCP_AUTH_NONE};
    uint8_t *at = shmrpci_buf_extend(out, TCP_OPENING_BYTES);
    if (at != NULL) {
        tcp_opening_put(&opening, at);
    }
    conn->said_opening = true;
}

/* Sends our opening, unless it was sent before, and then a frame if `head` is
 * not NULL. */
static bool say(tcp_conn *conn, tcp_head *head, const void *body, size_t len)
{
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    if (!conn->said_opening) {
        put_opening(conn, &out);
    }
    if (head != NULL) {
        head->len = (uint32_t)len;
        uint8_t *at = shmrpci_buf_extend(&out, TCP_HEAD_BYTES);
        if (at != NULL) {
            tcp_head_put(head, at);
        }
        shmrpci_buf_append(&out, body, len);
    }
    bool said = send_copy(conn, &out);
    shmrpci_buf_fini(&out);
    return said;
}

/* From now on the client may read why it was refused, until it closes the
 * connection or the time is up. */
static void linger(tcp_conn *conn, tcp_end why)
{
    tcp_listener *listener = conn->listener;
    conn->why = why;
    shmrpci_mutex_lock(&listener->lock);
    if (conn->state == TCP_CONN_HANDSHAKE) {
        conn->state = TCP_CONN_LINGER;
        conn->deadline_ns = shmrpci_deadline_after(TCP_LINGER_NS);
    }
    shmrpci_mutex_unlock(&listener->lock);
    tcp_bytes_end(conn->fd, conn->tls);
}

void tcp_hello_no_tls(tcp_conn *conn)
{
    linger(conn, TCP_END_TLS);
}

static tcp_end refuse(tcp_conn *conn, int status, const char *text)
{
    tcp_head head = {.type = TCP_REFUSED, .status = status};
    size_t len = strlen(text);
    len = len < TCP_REFUSAL_MAX_BYTES ? len : TCP_REFUSAL_MAX_BYTES;
    if (!say(conn, &head, text, len)) {
        return TCP_END_MEMORY;
    }
    linger(conn, TCP_END_REFUSED);
    return TCP_END_NONE;
}

/* ---- the opening ----------------------------------------------------- */

/* Takes bytes until `wanted` have arrived. Returns false if some are
 * missing. */
static bool take(tcp_conn *conn, size_t wanted, const uint8_t **data,
                 size_t *len)
{
    if (conn->opening_len < wanted) {
        size_t missing = wanted - conn->opening_len;
        size_t taken = *len < missing ? *len : missing;
        memcpy(conn->auth.client + conn->opening_len, *data, taken);
        conn->opening_len += taken;
        *data += taken;
        *len -= taken;
    }
    return conn->opening_len >= wanted;
}

/* Proves that we have the key, and asks the client to prove the same. */
static tcp_end challenge(tcp_conn *conn)
{
    tcp_auth *auth = &conn->auth;
    uint8_t proof[SHMRPCI_PROOF_BYTES];
    auth->has_binding = conn->tls != NULL;
    if (auth->has_binding &&
        shmrpci_tls_binding(conn->tls, auth->binding) != SHMRPC_OK) {
        return TCP_END_TLS;
    }
    if (tcp_auth_say(TCP_FROM_SERVER, auth->server) != SHMRPC_OK ||
        tcp_auth_prove(auth, TCP_FROM_SERVER, proof) != SHMRPC_OK) {
        return TCP_END_MEMORY;
    }
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    shmrpci_buf_append(&out, auth->server, sizeof auth->server);
    shmrpci_buf_append(&out, proof, sizeof proof);
    conn->said_opening = true;
    bool said = send_copy(conn, &out);
    shmrpci_buf_fini(&out);
    return said ? TCP_END_NONE : TCP_END_MEMORY;
}

tcp_end tcp_hello_opening(tcp_conn *conn, const uint8_t **data, size_t *len)
{
    tcp_opening opening = {0};
    bool is_whole = take(conn, TCP_OPENING_BYTES, data, len);
    tcp_end end = tcp_opening_get(
        conn->auth.client, is_whole ? TCP_OPENING_BYTES : conn->opening_len,
        &opening);
    if (end == TCP_END_NONE && !is_whole) {
        return TCP_END_NONE;
    }
    uint8_t ours = conn->auth.key->len > 0 ? TCP_AUTH_KEY : TCP_AUTH_NONE;
    if (end == TCP_END_NONE && (opening.auth != ours || conn->needs_tls)) {
        end = TCP_END_AUTH;
    }
    if (end == TCP_END_VERSION || end == TCP_END_AUTH) {
        /* Our opening tells which version we speak, or that a key is needed. */
        (void)say(conn, NULL, NULL, 0);
    }
    if (end != TCP_END_NONE || ours == TCP_AUTH_NONE) {
        conn->has_opened = end == TCP_END_NONE;
        return end;
    }
    if (opening.auth_len != TCP_NONCE_BYTES) {
        return TCP_END_OPENING;
    }
    conn->has_opened = take(conn, TCP_SAID_BYTES, data, len);
    return conn->has_opened ? challenge(conn) : TCP_END_NONE;
}

tcp_end tcp_hello_prove(tcp_conn *conn, const tcp_body *body)
{
    if (body->len != SHMRPCI_PROOF_BYTES ||
        !tcp_auth_is_proof(&conn->auth, TCP_FROM_CLIENT, body->data)) {
        return TCP_END_AUTH;
    }
    conn->reader.from = TCP_FROM_CLIENT;
    return TCP_END_NONE;
}

/* ---- hello ----------------------------------------------------------- */

/* Called with the lock held. Whether the user of the peer may connect. */
static bool is_allowed(const tcp_listener *listener, uint32_t uid)
{
    if (listener->base.transport != &shmrpci_transport_unix) {
        return true; /* the system doesn't tell the user of a TCP peer */
    }
    if (shmrpci_process_mistrusts(uid)) {
        return false;
    }
    bool allowed = uid == 0 || uid == shmrpci_process_uid();
    for (size_t i = 0; i < listener->opts.allowed_uid_count; i++) {
        allowed = allowed || listener->allowed_uids[i] == uid;
    }
    return allowed;
}

/* Called with the lock held. Counts the connections of the peer's host or
 * user. */
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

/* Called when the handshake is over. From now on the workers read the
 * connection. */
static tcp_end settle(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    bool is_alive = conn->state == TCP_CONN_HANDSHAKE;
    if (is_alive) {
        conn->state = TCP_CONN_OPEN;
        conn->was_welcomed = true;
        listener->unsettled--;
    }
    shmrpci_mutex_unlock(&listener->lock);
    shmrpci_poll_remove(listener->control_set, conn->fd);
    /* This may wake a worker at once. While this thread uses the reader,
     * `events` is above 0, so the worker leaves the event to this thread. */
    return is_alive &&
                   shmrpci_poll_add(listener->edge_set, conn->fd,
                                    SHMRPCI_POLL_EDGE, conn->tag) != SHMRPC_OK
               ? TCP_END_MEMORY
               : TCP_END_NONE;
}

/* Returns the features that we offer; the service behind a relay may have no
 * streams. */
static uint32_t offered(const tcp_listener *listener)
{
    return tcp_listener_is_relay(listener) && !listener->opts.moves_streams
               ? TCP_FEATURE_METADATA
               : TCP_FEATURES;
}

/* Keeps the client's hello for handlers that ask for it. */
static bool keep_hello(tcp_conn *conn, const uint8_t *said, size_t len)
{
    if (len == 0 || len > SHMRPCI_HELLO_MAX_BYTES) {
        return true;
    }
    conn->hello = malloc(len);
    if (conn->hello != NULL) {
        memcpy(conn->hello, said, len);
        conn->hello_len = len;
    }
    return conn->hello != NULL;
}

static tcp_end welcome(tcp_conn *conn, const tcp_terms *asked,
                       const shmrpci_buf *text)
{
    tcp_listener *listener = conn->listener;
    size_t most = listener->opts.max_message_bytes;
    most = most < asked->max_message ? most : asked->max_message;
    conn->max_message_bytes = most;
    conn->reader.max_message = (uint32_t)most;
    conn->features = asked->features & offered(listener);
    conn->reader.features = conn->features;
    conn->flow.max_message_bytes = most;
    shmrpc_compression ours = listener->opts.compression;
    conn->compression = (asked->compression & 1u << tcp_pack_number(ours)) != 0
                            ? ours
                            : SHMRPC_COMPRESSION_NONE;
    conn->flow.compression = conn->compression;
    tcp_terms terms = {.max_message = (uint32_t)most,
                       .compression = tcp_pack_number(conn->compression),
                       .credits = listener->limits.credits,
                       .features = conn->features};
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
    if (!is_allowed(listener, conn->peer.uid)) {
        return refuse(conn, SHMRPC_E_DENIED, "your user id may not connect");
    }
    if (!is_within_quota(conn)) {
        return refuse(conn, SHMRPC_E_EXHAUSTED,
                      "your address has too many connections");
    }
    shmrpci_buf text;
    shmrpci_buf_init_heap(&text);
    if (conn->tls != NULL) {
        shmrpci_tls_subject(conn->tls, conn->subject, sizeof conn->subject);
        conn->peer.subject = conn->subject[0] != '\0' ? conn->subject : NULL;
    }
    /* Read before the answer is made, because the settings may change
     * meanwhile. */
    shmrpci_mutex_lock(&listener->lock);
    conn->epoch = listener->epoch;
    shmrpci_mutex_unlock(&listener->lock);
    int status = listener->opts.on_hello(
        listener->opts.user, body->data + TCP_HELLO_BYTES,
        body->len - TCP_HELLO_BYTES, &conn->peer, &text, &error);
    status = status == SHMRPC_OK ? (int)text.status : status;
    if (status != SHMRPC_OK) {
        end = refuse(conn, status, error.message);
    } else if (!keep_hello(conn, body->data + TCP_HELLO_BYTES,
                           body->len - TCP_HELLO_BYTES)) {
        end = TCP_END_MEMORY;
    } else {
        end = welcome(conn, &asked, &text);
    }
    shmrpci_buf_fini(&text);
    return end;
}
