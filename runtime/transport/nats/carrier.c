/*
 * The carrier over libnats, run in the event loop of its owner.
 *
 * libnats can be attached to an external event loop. The functions that libnats
 * calls for this only record the descriptor and whether there is something to
 * write. With sendAsap, libnats reports pending output at once. Without
 * sendAsap, a subscription would wait for one of libnats's threads, and
 * messages published later would overtake it.
 */
#include "transport/nats/carrier.h"

#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/nats/credentials.h"
#include "transport/nats/nkey.h"

/* Limit of the bytes published between the loss of the connection and the
 * moment when the owner notices it. libnats sends them to the next server. Once
 * the owner has noticed, it publishes nothing. */
#define RECONNECT_BYTES (256 * 1024)

/* A server may send the same challenge again, for which the signature would be
 * the same, so the number of attempts is limited. */
#define SIGNED_ATTEMPTS 4

struct nats_carrier {
    natsConnection *nc;
    natsOptions *opts;
    void (*on_change)(void *user);
    void *user;
    atomic_int fd; /* written by the libnats thread that (dis)connects */
    atomic_uint connects;
    atomic_bool wants_write;
    nats_credentials credentials;
    bool is_unsigned; /* libnats has sent no signature; connect_signed then
                       * tries again */
};

struct nats_inbox {
    natsSubscription *sub;
};

/* ---- libnats's interface for event loops ---------------------------- */

static void tell(nats_carrier *c)
{
    c->on_change(c->user);
}

static natsStatus attach(void **out, void *loop, natsConnection *nc,
                         natsSock socket)
{
    nats_carrier *c = loop;
    (void)nc;
    *out = c;
    atomic_store(&c->fd, (int)socket);
    atomic_fetch_add(&c->connects, 1);
    tell(c);
    return NATS_OK;
}

/* libnats closes the descriptor right after this call. */
static natsStatus on_read(void *user, bool add)
{
    nats_carrier *c = user;
    if (!add) {
        atomic_store(&c->fd, -1);
        tell(c);
    }
    return NATS_OK;
}

static natsStatus on_write(void *user, bool add)
{
    nats_carrier *c = user;
    atomic_store(&c->wants_write, add);
    if (add) {
        tell(c);
    }
    return NATS_OK;
}

static natsStatus detach(void *user)
{
    return on_read(user, false);
}

/* ---- opening ----------------------------------------------------------- */

static nats_result result_of(natsStatus status)
{
    switch ((int)status) {
    case NATS_OK:
    case NATS_NOT_YET_CONNECTED:
        return NATS_DONE;
    case NATS_MAX_PAYLOAD:
        return NATS_TOO_LONG;
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
        return NATS_REFUSED;
    case NATS_NO_MEMORY:
        return NATS_OUT_OF_MEMORY;
    case NATS_INVALID_ARG:
    case NATS_ADDRESS_MISSING:
    case NATS_INVALID_SUBJECT:
    case NATS_SSL_ERROR:
    case NATS_ERR:
        return NATS_WRONG;
    default:
        return NATS_AWAY;
    }
}

/* libnats splits lists of servers itself, but expects each to be a URL. */
static natsStatus set_servers(natsOptions *opts, const char *list)
{
    char text[1024];
    const char *servers[16];
    int count = 0;
    if (strlen(list) >= sizeof text) {
        return NATS_INVALID_ARG;
    }
    memcpy(text, list, strlen(list) + 1);
    char *rest = NULL;
    for (char *one = strtok_r(text, ",", &rest); one != NULL && count < 16;
         one = strtok_r(NULL, ",", &rest)) {
        servers[count++] = one;
    }
    return natsOptions_SetServers(opts, servers, count);
}

static natsStatus set_tls(natsOptions *out, const nats_opts *opts)
{
    natsStatus s = natsOptions_SetSecure(out, true);
    if (s == NATS_OK && opts->ca_file[0] != '\0') {
        s = natsOptions_LoadCATrustedCertificates(out, opts->ca_file);
    }
    if (s == NATS_OK && opts->cert_file[0] != '\0') {
        s = natsOptions_LoadCertificatesChain(out, opts->cert_file,
                                              opts->cert_file);
    }
    return s;
}

/* Called for each connection; libnats frees the strings it gets. */
static natsStatus give_jwt(char **out, char **custom, void *user)
{
    const nats_carrier *c = user;
    (void)custom;
    *out = strdup(c->credentials.jwt);
    return *out != NULL ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus sign(char **custom, unsigned char **out, int *out_len,
                       const char *nonce, void *user)
{
    nats_carrier *c = user;
    (void)custom;
    unsigned char *signature = malloc(NATS_SIGNATURE_BYTES);
    if (signature == NULL) {
        return NATS_NO_MEMORY;
    }
    if (!nats_nkey_sign(c->credentials.seed, nonce, signature)) {
        free(signature);
        return NATS_INVALID_ARG;
    }
    c->is_unsigned = signature[0] == '\0';
    *out = signature; /* libnats frees it */
    *out_len = (int)NATS_SIGNATURE_BYTES;
    return NATS_OK;
}

/* If libnats read the seed itself, it would open the file for each connection,
 * which the sandbox of a gateway forbids. */
static natsStatus set_nkey(nats_carrier *c, const char *file,
                           char why[NATS_CARRIER_WHY_BYTES])
{
    char public[NATS_NKEY_BYTES];
    if (!nats_nkey_public(c->credentials.seed, public)) {
        (void)snprintf(why, NATS_CARRIER_WHY_BYTES,
                       "%s: it contains no user's seed", file);
        return NATS_INVALID_ARG;
    }
    return natsOptions_SetNKey(c->opts, public, sign, c);
}

/* Sets `why` if a file can't be used; for other errors libnats has the
 * reason. */
static natsStatus set_identity(nats_carrier *c, const nats_opts *opts,
                               char why[NATS_CARRIER_WHY_BYTES])
{
    natsStatus s = NATS_OK;
    natsOptions *out = c->opts;
    bool has_creds = opts->creds_file[0] != '\0';
    bool has_nkey = opts->nkey_file[0] != '\0';
    if ((has_creds || has_nkey) &&
        !nats_credentials_read(has_creds ? opts->creds_file : opts->nkey_file,
                               !has_creds, &c->credentials, why,
                               NATS_CARRIER_WHY_BYTES)) {
        return NATS_INVALID_ARG;
    }
    if (has_creds) {
        s = natsOptions_SetUserCredentialsCallbacks(out, give_jwt, c, sign, c);
    } else if (has_nkey) {
        s = set_nkey(c, opts->nkey_file, why);
    }
    if (s == NATS_OK &&
        (opts->ca_file[0] != '\0' || opts->cert_file[0] != '\0')) {
        s = set_tls(out, opts);
    }
    return s;
}

/* Does nothing itself. Installing this callback makes libnats keep trying after
 * the first attempt to connect has failed. */
static void on_connected(natsConnection *nc, void *user)
{
    (void)nc;
    (void)user;
}

/* Tries forever, one server after the other, with a pause that differs from
 * client to client, so that thousands of clients that lost the same server
 * don't return at once. */
static natsStatus set_patience(natsOptions *out)
{
    natsStatus s = natsOptions_SetMaxReconnect(out, -1);
    if (s == NATS_OK) {
        s = natsOptions_SetReconnectWait(out, 100);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetReconnectJitter(out, 200, 1000);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetReconnectBufSize(out, RECONNECT_BYTES);
    }
    return s;
}

static natsStatus set_all(nats_carrier *c, const nats_opts *opts,
                          char why[NATS_CARRIER_WHY_BYTES])
{
    natsStatus s = natsOptions_Create(&c->opts);
    if (s == NATS_OK) {
        s = set_servers(c->opts, opts->servers);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetName(c->opts, opts->name);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetTimeout(c->opts, opts->timeout_ms);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetSendAsap(c->opts, true);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetEventLoop(c->opts, c, attach, on_read, on_write,
                                     detach);
    }
    if (s == NATS_OK) {
        s = set_patience(c->opts);
    }
    return s == NATS_OK ? set_identity(c, opts, why) : s;
}

/* If output were left in the buffer, libnats would wait half a second for a
 * server's answer that nobody reads. */
static void free_carrier(nats_carrier *c)
{
    if (c->nc != NULL && atomic_load(&c->wants_write)) {
        natsConnection_ProcessWriteEvent(c->nc);
    }
    natsConnection_Destroy(c->nc);
    natsOptions_Destroy(c->opts);
    nats_credentials_wipe(&c->credentials);
    free(c);
}

/* libnats 3.4.1 takes a signature whose first byte is 0 (one in 256) for an
 * empty one and sends none. The server then refuses us, and the next attempt
 * signs another challenge. When it reconnects, libnats retries by itself. */
static natsStatus connect_signed(nats_carrier *c)
{
    natsStatus s = NATS_OK;
    for (int attempt = 0; attempt < SIGNED_ATTEMPTS; attempt++) {
        c->is_unsigned = false;
        s = natsConnection_Connect(&c->nc, c->opts);
        if (result_of(s) != NATS_REFUSED || !c->is_unsigned) {
            break;
        }
    }
    return s;
}

/* With retries enabled, libnats would hide that a server refuses us and would
 * still give up in the end. So the first attempt is made without retries. */
static natsStatus connect_now(nats_carrier *c, bool keeps_trying)
{
    natsStatus s = connect_signed(c);
    if (!keeps_trying || result_of(s) != NATS_AWAY) {
        return s;
    }
    s = natsOptions_SetRetryOnFailedConnect(c->opts, true, on_connected, NULL);
    return s == NATS_OK ? natsConnection_Connect(&c->nc, c->opts) : s;
}

static nats_result open_carrier(const nats_opts *opts, nats_carrier **out,
                                char why[NATS_CARRIER_WHY_BYTES])
{
    nats_carrier *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)snprintf(why, NATS_CARRIER_WHY_BYTES, "out of memory");
        return NATS_OUT_OF_MEMORY;
    }
    c->on_change = opts->on_change;
    c->user = opts->user;
    atomic_init(&c->fd, -1);
    why[0] = '\0';
    natsStatus s = set_all(c, opts, why);
    if (s == NATS_OK) {
        s = connect_now(c, opts->keeps_trying);
    }
    nats_result result = result_of(s);
    if (result != NATS_DONE) {
        natsStatus last;
        const char *text = nats_GetLastError(&last);
        if (why[0] == '\0') {
            (void)snprintf(
                why, NATS_CARRIER_WHY_BYTES, "%s",
                text != NULL && text[0] != '\0' ? text : natsStatus_GetText(s));
        }
        free_carrier(c);
        return result;
    }
    *out = c;
    return NATS_DONE;
}

static void view(nats_carrier *c, nats_view *out)
{
    int64_t max_payload = natsConnection_GetMaxPayload(c->nc);
    *out = (nats_view){
        .fd = atomic_load(&c->fd),
        .connects = atomic_load(&c->connects),
        .wants_write = atomic_load(&c->wants_write),
        .is_closed = natsConnection_IsClosed(c->nc),
        .max_payload = max_payload > 0 ? (size_t)max_payload : 0,
    };
}

/* ---- messages ---------------------------------------------------------- */

static nats_result new_subject(char *out, size_t size)
{
    natsInbox *inbox = NULL;
    natsStatus s = natsInbox_Create(&inbox);
    if (s == NATS_OK) {
        (void)snprintf(out, size, "%s", inbox);
        natsInbox_Destroy(inbox);
    }
    return result_of(s);
}

static nats_result subscribe(nats_carrier *c, const char *subject,
                             const char *queue, nats_inbox **out)
{
    nats_inbox *inbox = calloc(1, sizeof *inbox);
    if (inbox == NULL) {
        return NATS_OUT_OF_MEMORY;
    }
    natsStatus s =
        queue != NULL
            ? natsConnection_QueueSubscribeSync(&inbox->sub, c->nc, subject,
                                                queue)
            : natsConnection_SubscribeSync(&inbox->sub, c->nc, subject);
    if (s != NATS_OK) {
        free(inbox);
        return result_of(s);
    }
    *out = inbox;
    return NATS_DONE;
}

static void unsubscribe(nats_inbox *inbox)
{
    if (inbox != NULL) {
        (void)natsSubscription_Unsubscribe(inbox->sub);
        natsSubscription_Destroy(inbox->sub);
        free(inbox);
    }
}

static nats_result publish(nats_carrier *c, const char *subject,
                           const char *reply, const void *data, size_t len)
{
    natsStatus s = reply != NULL
                       ? natsConnection_PublishRequest(c->nc, subject, reply,
                                                       data, (int)len)
                       : natsConnection_Publish(c->nc, subject, data, (int)len);
    return result_of(s);
}

/* A line end in a value would split the header in two. */
static natsStatus set_header(natsMsg *msg, const nats_header *header)
{
    char value[1024];
    size_t len = 0;
    for (; header->value[len] != '\0' && len + 1 < sizeof value; len++) {
        unsigned char c = (unsigned char)header->value[len];
        value[len] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
    value[len] = '\0';
    return natsMsgHeader_Set(msg, header->name, value);
}

static nats_result publish_with(nats_carrier *c, const char *subject,
                                const char *reply, const nats_header *headers,
                                size_t header_count, const void *data,
                                size_t len)
{
    natsMsg *msg = NULL;
    if (header_count == 0) {
        return publish(c, subject, reply, data, len);
    }
    natsStatus s = natsMsg_Create(&msg, subject, reply, data, (int)len);
    for (size_t i = 0; i < header_count && s == NATS_OK; i++) {
        s = set_header(msg, &headers[i]);
    }
    if (s == NATS_OK) {
        s = natsConnection_PublishMsg(c->nc, msg);
    }
    natsMsg_Destroy(msg);
    return result_of(s);
}

/* libnats parses the headers of a message when they are first read. */
static bool headers(const nats_message *message,
                    void (*each)(void *user, const nats_header *header),
                    void *user)
{
    const char **keys = NULL;
    int count = 0;
    natsStatus s = natsMsgHeader_Keys(message->own, &keys, &count);
    if (s != NATS_OK) {
        return s == NATS_NOT_FOUND; /* the message has no headers */
    }
    for (int i = 0; i < count; i++) {
        nats_header header = {.name = keys[i]};
        if (natsMsgHeader_Get(message->own, keys[i], &header.value) ==
                NATS_OK &&
            header.value != NULL) {
            each(user, &header);
        }
    }
    free((void *)keys);
    return true;
}

static void read_some(nats_carrier *c)
{
    natsConnection_ProcessReadEvent(c->nc);
}

static void write_some(nats_carrier *c)
{
    natsConnection_ProcessWriteEvent(c->nc);
}

/* Asks for the number of messages first: when there are none, libnats would
 * create an error with a stack trace. */
static nats_result take(nats_inbox *inbox, nats_message *out)
{
    natsMsg *msg = NULL;
    int count = 0;
    int bytes = 0;
    if (natsSubscription_GetPending(inbox->sub, &count, &bytes) != NATS_OK ||
        count == 0) {
        return NATS_NOTHING;
    }
    natsStatus s = natsSubscription_NextMsg(&msg, inbox->sub, 0);
    switch ((int)s) {
    case NATS_OK:
        *out = (nats_message){.subject = natsMsg_GetSubject(msg),
                              .reply = natsMsg_GetReply(msg),
                              .data = (const uint8_t *)natsMsg_GetData(msg),
                              .len = (size_t)natsMsg_GetDataLength(msg),
                              .own = msg};
        return NATS_DONE;
    case NATS_NO_RESPONDERS:
        return NATS_NOBODY;
    case NATS_SLOW_CONSUMER:
        return NATS_DROPPED;
    default:
        return NATS_NOTHING;
    }
}

static void drop(nats_message *message)
{
    natsMsg_Destroy(message->own);
    message->own = NULL;
}

static int status(const nats_message *message)
{
    const char *value = NULL;
    return natsMsgHeader_Get(message->own, "Status", &value) == NATS_OK
               ? atoi(value)
               : 0;
}

static bool header(const nats_message *message, const char *name, char *out,
                   size_t size)
{
    const char *value = NULL;
    if (natsMsgHeader_Get(message->own, name, &value) != NATS_OK ||
        strlen(value) >= size) {
        return false;
    }
    memcpy(out, value, strlen(value) + 1);
    return true;
}

__attribute__((visibility("default")))
const nats_carrier_ops shmrpc_nats_carrier = {
    .abi = NATS_CARRIER_ABI,
    .open = open_carrier,
    .close = free_carrier,
    .view = view,
    .new_subject = new_subject,
    .subscribe = subscribe,
    .unsubscribe = unsubscribe,
    .publish = publish,
    .publish_with = publish_with,
    .headers = headers,
    .read = read_some,
    .write = write_some,
    .take = take,
    .drop = drop,
    .status = status,
    .header = header,
};
