/* Connecting to a server, the handshake, and closing the connection. */
#include "transport/tcp/client.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/stream.h"
#include "transport/tcp/place.h"

/* ---- creating and freeing ------------------------------------------------ */

/* In a forked child it frees only memory; the connection is the parent's. */
static void client_free(tcp_client *client)
{
    bool is_ours = tcp_client_is_ours(client);
    if (is_ours) {
        tcp_outbox_fail(&client->outbox);
    }
    shmrpci_fork_keep_fd(&client->fd_place);
    shmrpci_fd_close(&client->fd);
    shmrpci_fd_close(&client->wake_fd);
    shmrpci_fd_close(&client->told_fd);
    for (uint32_t i = 0; i < TCP_SLOTS; i++) {
        tcp_slot *slot = &client->slots[i];
        if (is_ours) {
            tcp_slot_leave_streams(slot);
        }
        free(slot->request);
        free(slot->reply);
        free(slot->packed.data);
        if (is_ours) {
            shmrpci_cond_fini(&slot->changed);
        }
    }
    if (is_ours) {
        shmrpci_tls_destroy(client->tls);
        shmrpci_cond_fini(&client->slot_free);
        shmrpci_cond_fini(&client->push);
        shmrpci_mutex_fini(&client->lock);
        tcp_outbox_fini(&client->outbox);
    }
    free(client->spare_request.data);
    free(client->spare_reply.data);
    tcp_reader_fini(&client->reader);
    tcp_flow_fini(&client->flow);
    free(client);
}

/* Makes the client's descriptors. */
static bool make_descriptors(tcp_client *client)
{
    return shmrpci_event_create(&client->wake_fd) == SHMRPC_OK &&
           shmrpci_event_create(&client->told_fd) == SHMRPC_OK &&
           shmrpci_fork_close_fd(&client->fd_place, &client->fd) == SHMRPC_OK;
}

/* Takes `fd` over, even on failure. Returns NULL if memory is exhausted. */
static tcp_client *client_new(int fd, const shmrpci_connect_opts *opts)
{
    tcp_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        shmrpci_fd_close(&fd);
        return NULL;
    }
    client->fd = fd;
    client->wake_fd = client->told_fd = client->watch_set = -1;
    client->auth.key = &client->key;
    client->generation = shmrpci_fork_generation();
    client->lost_at = UINT64_MAX;
    client->max_message_bytes = opts->max_message_bytes < UINT32_MAX
                                    ? opts->max_message_bytes
                                    : UINT32_MAX;
    client->is_local = shmrpci_stream_is_local(fd);
    shmrpci_spinner_init(&client->spinner, opts->profile, SHMRPCI_SIDE_CLIENT);
    tcp_reader_init(&client->reader, TCP_FROM_SERVER,
                    (uint32_t)client->max_message_bytes);
    tcp_outbox_init(&client->outbox, fd);
    shmrpci_mutex_init(&client->lock);
    tcp_flow_init(&client->flow, &tcp_client_flow_ops, &client->lock,
                  &client->outbox);
    shmrpci_cond_init(&client->slot_free);
    shmrpci_cond_init(&client->push);
    for (uint32_t i = 0; i < TCP_SLOTS; i++) {
        tcp_slot *slot = &client->slots[i];
        slot->client = client;
        slot->call_id = i;
        slot->is_out = true;
        shmrpci_cond_init(&slot->changed);
    }
    if (!make_descriptors(client)) {
        client_free(client);
        return NULL;
    }
    return client;
}

/* ---- handshake ----------------------------------------------------------- */

/* Sends bytes at once; there are so few that they fit into any socket's
 * buffer. */
static bool send_all(tcp_client *client, const shmrpci_buf *bytes)
{
    tcp_piece piece = {.data = bytes->data, .len = bytes->len};
    if (bytes->status != SHMRPC_OK) {
        return false;
    }
    (void)tcp_outbox_add(&client->outbox, &piece);
    if (tcp_outbox_flush(&client->outbox) != TCP_FLUSHED) {
        tcp_outbox_fail(&client->outbox);
        return false;
    }
    return true;
}

static void put_frame(shmrpci_buf *out, tcp_type type, const void *body,
                      size_t len)
{
    tcp_head head = {.type = (uint8_t)type, .len = (uint32_t)len};
    uint8_t *at = shmrpci_buf_extend(out, TCP_HEAD_BYTES);
    if (at != NULL) {
        tcp_head_put(&head, at);
    }
    shmrpci_buf_append(out, body, len);
}

static void put_hello(const tcp_client *client, shmrpci_buf *out)
{
    uint8_t body[TCP_HELLO_BYTES + SHMRPCI_HELLO_MAX_BYTES];
    const shmrpci_connect_opts *opts = client->opts;
    tcp_terms terms = {.max_message = (uint32_t)client->max_message_bytes,
                       .compression = TCP_PACK_OFFER,
                       .features = TCP_FEATURES};
    tcp_terms_put(&terms, body);
    memcpy(body + TCP_HELLO_BYTES, opts->hello, opts->hello_len);
    put_frame(out, TCP_HELLO, body, TCP_HELLO_BYTES + opts->hello_len);
}

/* Sends our opening. Sends hello with it, unless a key must be proved first. */
static bool say_opening(tcp_client *client)
{
    tcp_auth *auth = &client->auth;
    tcp_opening opening = {.major = TCP_MAJOR, .minor = TCP_MINOR};
    bool has_key = auth->key->len > 0;
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    if (has_key) {
        out.status = tcp_auth_say(TCP_FROM_CLIENT, auth->client);
    } else {
        tcp_opening_put(&opening, auth->client);
    }
    shmrpci_buf_append(&out, auth->client,
                       has_key ? TCP_SAID_BYTES : TCP_OPENING_BYTES);
    if (!has_key) {
        put_hello(client, &out);
    }
    bool said = send_all(client, &out);
    shmrpci_buf_fini(&out);
    return said;
}

/* Called once the server has proved that it has the key. Sends our proof and
 * hello. */
static bool say_proof(tcp_client *client)
{
    uint8_t proof[SHMRPCI_PROOF_BYTES];
    shmrpci_buf out;
    shmrpci_buf_init_heap(&out);
    out.status = tcp_auth_prove(&client->auth, TCP_FROM_CLIENT, proof);
    put_frame(&out, TCP_AUTH, proof, sizeof proof);
    put_hello(client, &out);
    bool said = send_all(client, &out);
    shmrpci_buf_fini(&out);
    return said;
}

/* Copies bytes to `to` until `wanted` have arrived in total. Returns false if
 * some are missing. */
static bool take(tcp_client *client, uint8_t *to, size_t wanted,
                 const uint8_t **data, size_t *len)
{
    if (client->opening_len < wanted) {
        size_t missing = wanted - client->opening_len;
        size_t taken = *len < missing ? *len : missing;
        memcpy(to, *data, taken);
        client->opening_len += taken;
        *data += taken;
        *len -= taken;
    }
    return client->opening_len >= wanted;
}

static tcp_end no_key(tcp_client *client, const char *format)
{
    client->refused = shmrpc_error_set(client->error, SHMRPC_E_UNAUTHENTICATED,
                                       "%.120s %s", client->where, format);
    return TCP_END_AUTH;
}

/* Takes the server's nonce and proof. */
static tcp_end take_proof(tcp_client *client, const uint8_t **data, size_t *len)
{
    tcp_auth *auth = &client->auth;
    size_t at = client->opening_len;
    if (at < TCP_SAID_BYTES &&
        !take(client, auth->server + at, TCP_SAID_BYTES, data, len)) {
        return TCP_END_NONE;
    }
    at = client->opening_len - TCP_SAID_BYTES;
    if (!take(client, client->proof + at, TCP_SAID_BYTES + SHMRPCI_PROOF_BYTES,
              data, len)) {
        return TCP_END_NONE;
    }
    if (!tcp_auth_is_proof(auth, TCP_FROM_SERVER, client->proof)) {
        return no_key(client, "has another key than this client");
    }
    client->has_opened = true;
    return say_proof(client) ? TCP_END_NONE : TCP_END_CUT;
}

tcp_end tcp_client_open(tcp_client *client, const uint8_t **data, size_t *len)
{
    tcp_auth *auth = &client->auth;
    tcp_opening opening = {0};
    size_t at = client->opening_len;
    bool is_whole =
        at >= TCP_OPENING_BYTES ||
        take(client, auth->server + at, TCP_OPENING_BYTES, data, len);
    tcp_end end = tcp_opening_get(
        auth->server, is_whole ? TCP_OPENING_BYTES : client->opening_len,
        &opening);
    if (end != TCP_END_NONE || !is_whole) {
        return end;
    }
    bool has_key = auth->key->len > 0;
    if (opening.auth == TCP_AUTH_TLS) {
        return no_key(client, "accepts TLS only: use tls:// instead of tcp://");
    }
    if (opening.auth != TCP_AUTH_NONE && !has_key) {
        return no_key(client, "demands a key: add ?key=FILE to the address");
    }
    if (opening.auth == TCP_AUTH_NONE && has_key) {
        return no_key(client, "has no key: it was started without ?key=FILE");
    }
    client->has_opened = !has_key;
    if (!has_key) {
        return TCP_END_NONE;
    }
    return opening.auth_len == TCP_NONCE_BYTES + SHMRPCI_PROOF_BYTES
               ? take_proof(client, data, len)
               : TCP_END_OPENING;
}

/* Sets the error for a welcome that did not arrive. */
static int no_welcome(const tcp_client *client, const shmrpci_buf *welcome,
                      shmrpc_error *error)
{
    if (welcome->status != SHMRPC_OK) {
        return shmrpc_error_set(error, welcome->status, "out of memory");
    }
    if (client->refused != SHMRPC_OK) {
        return client->refused;
    }
    if (!client->is_lost) {
        return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                "%s listens, but did not answer in time",
                                client->where);
    }
    const char *alert =
        client->tls != NULL ? shmrpci_tls_alert(client->tls) : "";
    if (alert[0] != '\0') {
        return shmrpc_error_set(error, SHMRPC_E_UNAUTHENTICATED,
                                "%.70s refused this client: %.60s (?cert=FILE "
                                "gives its certificate)",
                                client->where, alert);
    }
    switch ((int)client->end) {
    case TCP_END_PEER:
    case TCP_END_CUT:
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "%s closed the connection before it answered",
                                client->where);
    case TCP_END_AUTH:
        return shmrpc_error_set(
            error, SHMRPC_E_UNAUTHENTICATED,
            "%s demands an authentication that this client does not support",
            client->where);
    case TCP_END_MEMORY:
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    default:
        return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                                "can't talk to %s: %s", client->where,
                                tcp_end_text(client->end));
    }
}

static int shake_hands(tcp_client *client, const shmrpci_connect_opts *opts,
                       shmrpci_buf *welcome, shmrpc_error *error)
{
    client->welcome = welcome;
    client->error = error;
    client->opts = opts;
    if (!say_opening(client)) {
        tcp_client_lose(client, TCP_END_CUT);
    }
    shmrpci_mutex_lock(&client->lock);
    bool in_time = true;
    while (!client->is_open && !client->is_lost && in_time) {
        in_time = tcp_client_wait(client, NULL, opts->deadline_ns);
    }
    bool is_open = client->is_open && welcome->status == SHMRPC_OK;
    shmrpci_mutex_unlock(&client->lock);
    return is_open ? SHMRPC_OK : no_welcome(client, welcome, error);
}

static int tls_failed(const tcp_client *client, shmrpc_status status,
                      const char *why, shmrpc_error *error)
{
    switch ((int)status) {
    case SHMRPC_E_UNAUTHENTICATED:
        return shmrpc_error_set(error, status,
                                "%.70s is not trusted: %.70s (?ca=FILE names "
                                "trusted authorities)",
                                client->where, why);
    case SHMRPC_E_CONTRACT:
    case SHMRPC_E_UNAVAILABLE:
        return shmrpc_error_set(error, status,
                                "the TLS 1.3 handshake with %.60s failed: "
                                "%.60s (is it at tcp:// instead?)",
                                client->where, why);
    default:
        return shmrpc_error_set(error, status, "%.40s: %.130s", client->where,
                                why[0] != '\0' ? why : "out of memory");
    }
}

/* Begins TLS, if the address asks for it. */
static int begin_tls(tcp_client *client, const shmrpci_address *address,
                     int64_t deadline_ns, shmrpc_error *error)
{
    char why[SHMRPCI_TLS_WHY_BYTES] = "";
    shmrpci_tls_context *context = NULL;
    if (address->transport != &shmrpci_transport_tls) {
        return SHMRPC_OK;
    }
    shmrpc_status status =
        shmrpci_tls_context_create(SHMRPCI_TLS_CLIENT, address->cert_file,
                                   address->ca_file, &context, why);
    if (status == SHMRPC_OK) {
        client->tls =
            shmrpci_tls_create(context, SHMRPCI_TLS_CLIENT, client->fd);
        client->outbox.tls = client->tls;
        shmrpci_tls_context_destroy(context);
        status = client->tls == NULL
                     ? SHMRPC_E_NO_MEMORY
                     : shmrpci_tls_connect(client->tls, tcp_place_host(address),
                                           deadline_ns, why);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_tls_binding(client->tls, client->auth.binding);
        client->auth.has_binding = true;
    }
    return status == SHMRPC_OK ? SHMRPC_OK
                               : tls_failed(client, status, why, error);
}

int tcp_client_connect(const shmrpci_address *address,
                       const shmrpci_connect_opts *opts, shmrpci_conn **out,
                       shmrpci_buf *welcome, shmrpc_error *error)
{
    int fd = -1;
    int failed = tcp_place_connect(address, opts->deadline_ns, &fd, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    tcp_client *client = client_new(fd, opts);
    if (client == NULL) {
        char where[TCP_PLACE_BYTES];
        tcp_place_text(address, where);
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "descriptors or memory ran out while "
                                "connecting to %s",
                                where);
    }
    client->base.transport = address->transport;
    tcp_place_text(address, client->where);
    failed = tcp_auth_read_key(address->key_file, &client->key, error);
    if (failed == SHMRPC_OK) {
        failed = begin_tls(client, address, opts->deadline_ns, error);
    }
    if (failed == SHMRPC_OK) {
        failed = shake_hands(client, opts, welcome, error);
    }
    if (failed != SHMRPC_OK) {
        client_free(client);
        return failed;
    }
    *out = &client->base;
    return SHMRPC_OK;
}

/* ---- closing ------------------------------------------------------------- */

/* Oneway calls run even if their client closes, so this waits until the server
 * has read everything and closes its side. (If a client closed with unread
 * replies, the kernel would reset the connection and discard bytes in flight to
 * the server.) */
static void see_off(tcp_client *client)
{
    int64_t deadline_ns = shmrpci_deadline_after(TCP_LINGER_NS);
    if (!tcp_client_drain(client, deadline_ns)) {
        return;
    }
    tcp_bytes_end(client->fd, client->tls);
    shmrpci_mutex_lock(&client->lock);
    bool in_time = true;
    while (!client->is_lost && in_time) {
        in_time = tcp_client_wait(client, NULL, deadline_ns);
    }
    shmrpci_mutex_unlock(&client->lock);
}

void tcp_client_disconnect(shmrpci_conn *base)
{
    if (base == NULL) {
        return;
    }
    tcp_client *client = (tcp_client *)(void *)base;
    if (tcp_client_is_ours(client)) {
        if (client->sent_oneway && !client->is_lost) {
            see_off(client);
        }
        tcp_client_push_no_more(client);
    }
    client_free(client);
}
