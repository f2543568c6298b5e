/*
 * The gateway of one service: links of clients, and answers to clients that
 * search for the service.
 *
 * A client's link is one end of a socket pair; the relay has the other end and
 * treats it like a TCP connection. So everything behind the link works as in
 * shmrpc-tcp, and this file handles only NATS: the subjects, who may open a
 * link, and notifications.
 *
 * Threading: the pump's thread calls on_message; the relay's own threads do the
 * rest.
 */
#include "tools/shmrpc-nats/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/memory.h"
#include "os/stream.h"
#include "os/tls_secret.h"
#include "tools/shmrpc-nats/announce.h"
#include "transport/adopted.h"

/* Indexes of the pump's subscriptions, in the order in which they are made. */
enum { INBOX_FIND, INBOX_INSTANCE, INBOX_SERVICES, INBOX_CALLS };

/* Timeout of the attempt to connect to one server of the list; then the next
 * one is tried. */
#define SERVER_MS 2000

/* ---- clients ----------------------------------------------------------- */

/* Returns false while the gateway leaves or the service does not run. Clients
 * that are told so retry, or go elsewhere. */
static bool takes_clients(gate *g)
{
    shmrpci_mutex_lock(&g->lock);
    /* Relaxed: it orders no other data. */
    bool takes = shmrpci_load_relaxed(&g->is_leaving) == 0 &&
                 g->relay != NULL && relay_is_up(g->relay);
    shmrpci_mutex_unlock(&g->lock);
    return takes;
}

/* Best effort: a client that gets no answer asks another gateway. */
static void answer(gate *g, const char *reply, const nats_parcel *parcel)
{
    (void)nats_pump_send(g->pump, reply, NULL, parcel);
}

uint32_t gate_calls(gate *g)
{
    shmrpci_mutex_lock(&g->lock);
    uint32_t calls = g->relay != NULL ? relay_calls(g->relay) : 0;
    shmrpci_mutex_unlock(&g->lock);
    return calls;
}

/* Returns the load of the gateway, which clients compare to choose one. */
static uint32_t load(void *user)
{
    return gate_calls(user);
}

static void say_who(gate *g, const char *subject)
{
    uint8_t who[NATS_WHO_BYTES];
    nats_parcel found = {
        .kind = NATS_FOUND, .value = (int32_t)gate_calls(g), .data = who};
    found.len = nats_who_put(&g->who, who);
    answer(g, subject, &found);
}

/* Tells clients that already have links whether the gateway takes them now.
 * Called when the gateway starts, and when it or its service starts or
 * leaves. */
static void announce(gate *g)
{
    char subject[NATS_SUBJECT_BYTES];
    g->is_announced = takes_clients(g);
    nats_subject_news(g->name, g->is_announced, subject);
    say_who(g, subject);
}

/* Announces the gateway again after each reconnection to NATS, because clients
 * received nothing while the connection was lost. */
static void on_connect(void *user)
{
    announce(user);
}

/* Announces a change since the last second: the service has started or ended,
 * or a signal has told the gateway to leave. The signal handler itself can't
 * send messages. */
static void on_second(void *user)
{
    gate *g = user;
    if (takes_clients(g) != g->is_announced) {
        announce(g);
    }
    /* A gateway that NATS refuses is useless. It ends, so that its parent
     * process learns that. Relaxed: the end of the relay orders the flag. */
    if (nats_pump_is_closed(g->pump) &&
        shmrpci_load_relaxed(&g->is_refused) == 0) {
        shmrpci_store_relaxed(&g->is_refused, 1u);
        /* A signal may end the relay at this moment; with the lock held,
         * gate_close() waits. */
        shmrpci_mutex_lock(&g->lock);
        if (g->relay != NULL) {
            gate_stop(g);
        }
        shmrpci_mutex_unlock(&g->lock);
    }
}

/* To the relay, the other end of the new link is an ordinary connection. */
static int open_link(gate *g, const char *reply, uint64_t *out_number)
{
    int fds[2];
    if (shmrpci_stream_pair(fds) != SHMRPC_OK) {
        return SHMRPC_E_EXHAUSTED;
    }
    int status = nats_pump_link(g->pump, fds[0], reply, out_number);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fds[1]);
        return status;
    }
    shmrpci_mutex_lock(&g->lock);
    if (g->relay != NULL) {
        shmrpci_adopt(relay_front(g->relay), fds[1]);
    } else { /* the relay has just closed: closing the socket ends the link */
        shmrpci_fd_close(&fds[1]);
    }
    shmrpci_mutex_unlock(&g->lock);
    return SHMRPC_OK;
}

/* Answers only subjects that are inboxes. */
static void on_client(gate *g, const char *reply, nats_kind kind)
{
    nats_parcel opened = {.kind = NATS_OPENED};
    nats_parcel no = {.kind = NATS_CLOSE, .value = -SHMRPC_E_UNAVAILABLE};
    if (!nats_is_inbox(reply) || (kind != NATS_FIND && kind != NATS_OPEN)) {
        return;
    }
    if (!takes_clients(g)) {
        answer(g, reply, &no);
    } else if (kind == NATS_FIND) {
        say_who(g, reply);
    } else if (open_link(g, reply, &opened.link) == SHMRPC_OK) {
        answer(g, reply, &opened);
    } else {
        no.value = -SHMRPC_E_EXHAUSTED;
        answer(g, reply, &no);
    }
}

/* Results other than DONE concern messages of ours that found no subscriber:
 * the client is gone, and its link ends by itself. */
static void on_message(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    gate *g = user;
    if (result != NATS_DONE) {
        return;
    }
    if (inbox == INBOX_SERVICES) {
        announce_answer(g, message);
    } else if (inbox == INBOX_CALLS) {
        foreign_take(g->foreign, message,
                     shmrpci_load_relaxed(&g->is_leaving) != 0);
    } else if (parcel != NULL) {
        on_client(g, message->reply, parcel->kind);
    }
}

/* ---- the service ------------------------------------------------------- */

/* Peers have no user, so what they may see does not depend on who they are. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)peer;
    gate *g = user;
    return greeting_answer(&g->greeting, hello, len, welcome, error);
}

/* Called each time the relay connects to the service. Another build may have
 * other methods; then all clients have to say hello again. */
static int on_welcome(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error)
{
    gate *g = user;
    int status = greeting_take(&g->greeting, welcome, len, has_changed, error);
    if (status == SHMRPC_OK && *has_changed && g->foreign != NULL) {
        foreign_renew(g->foreign);
    }
    return status;
}

/* Prints events that the relay reports while it runs, for example that its
 * service is gone. */
static void say(void *user, const char *line)
{
    const gate *g = user;
    (void)fprintf(stderr, "shmrpc-nats: %s: %s\n", g->service, line);
}

/* All clients have the same address, so the pump's limit of links is the quota
 * of that address. */
static int open_relay(gate *g, const shmrpci_address *at,
                      const shmrpci_address *back, const shmrpci_buf *hello,
                      shmrpc_error *error)
{
    const options *o = g->options;
    relay_opts opts = {
        .back = *back,
        .listen = {.profile = SHMRPC_PROFILE_BALANCED,
                   .max_message_bytes = o->max_message_bytes,
                   .max_connections_per_uid = NATS_LINKS_MAX,
                   .max_total_bytes = o->max_memory_bytes / o->service_count,
                   .on_hello = on_hello,
                   .user = g},
        .hello = hello->data,
        .hello_len = hello->len,
        .on_welcome = on_welcome,
        .say = say,
        .carriers = o->threads,
        .drain_ns = o->stop_ns,
    };
    opts.front.transport = &shmrpci_transport_adopted;
    (void)snprintf(opts.front.host, sizeof opts.front.host,
                   "nats://%.120s/%.120s", at->host, g->service);
    return relay_open(&opts, &g->relay, error);
}

/* ---- NATS -------------------------------------------------------------- */

/* The id is new at each start, because links of the previous process are not
 * ours. */
static int name_it(gate *g, const char *zone, shmrpc_error *error)
{
    uint8_t random[16];
    if (shmrpci_random_fill(random, sizeof random) != SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                "the system has no random numbers");
    }
    nats_id_of(random, g->who.id);
    (void)snprintf(g->who.zone, sizeof g->who.zone, "%s", zone);
    if (gethostname(g->who.host, sizeof g->who.host) != 0) {
        g->who.host[0] = '\0';
    }
    g->who.host[sizeof g->who.host - 1] = '\0';
    return SHMRPC_OK;
}

/* Succeeds even if no server answers: the gateway keeps trying without
 * limit. */
static int open_pump(gate *g, const char *servers, const shmrpci_address *at,
                     shmrpc_error *error)
{
    char name[160];
    (void)snprintf(name, sizeof name, "shmrpc-nats %.120s", g->service);
    nats_pump_opts opts = {
        .carrier = {.servers = servers,
                    .name = name,
                    .creds_file = at->creds_file,
                    .nkey_file = at->key_file,
                    .ca_file = at->ca_file,
                    .cert_file = at->cert_file,
                    .timeout_ms = SERVER_MS,
                    .keeps_trying = true},
        .is_gateway = true,
        .on_message = on_message,
        .load = load,
        .on_connect = on_connect,
        .on_second = on_second,
        .user = g,
    };
    return nats_pump_create(&opts, &g->pump, error);
}

/* libnats renews subscriptions when it reconnects. */
static int subscribe(gate *g, shmrpc_error *error)
{
    char find[NATS_SUBJECT_BYTES];
    char calls[NATS_SUBJECT_BYTES];
    nats_subject_find(g->name, find);
    nats_subject_call(g->name, "*", calls);
    nats_subject_instance(g->name, g->who.id, g->instance);
    const char *subjects[] = {[INBOX_FIND] = find,
                              [INBOX_INSTANCE] = g->instance,
                              [INBOX_SERVICES] = "$SRV.>",
                              [INBOX_CALLS] = calls};
    int status = SHMRPC_OK;
    for (size_t i = 0;
         i < sizeof subjects / sizeof *subjects && status == SHMRPC_OK; i++) {
        status = nats_pump_subscribe(
            g->pump, subjects[i], i == INBOX_CALLS ? GATE_QUEUE : NULL, error);
    }
    return status;
}

/* Replaces names by numeric addresses, because in the sandbox the resolver
 * can't open its files. With TLS names are kept, because certificates are
 * issued for names. */
static int resolve(const shmrpci_address *at, shmrpci_buf *out,
                   shmrpc_error *error)
{
    char list[sizeof at->host];
    char *rest = NULL;
    bool keeps = at->ca_file[0] != '\0' || at->cert_file[0] != '\0';
    memcpy(list, at->host, sizeof list);
    for (char *one = strtok_r(list, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        shmrpci_endpoint endpoints[SHMRPCI_ENDPOINTS_MAX];
        char text[SHMRPCI_ENDPOINT_TEXT_BYTES];
        size_t count = 0;
        char *colon = strrchr(one, ':');
        (void)snprintf(text, sizeof text, "%s", one);
        if (!keeps && one[0] != '[' && colon != NULL) {
            uint16_t port = (uint16_t)strtoul(colon + 1, NULL, 10);
            *colon = '\0';
            if (shmrpci_stream_resolve(
                    one, port, shmrpci_deadline_after(5 * SHMRPCI_NS_PER_S),
                    endpoints, &count) != SHMRPC_OK ||
                count == 0) {
                return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                                        "no host is called %.120s", one);
            }
            shmrpci_endpoint_text(&endpoints[0], text, sizeof text);
        }
        shmrpci_buf_printf(out, "%s%s", out->len > 0 ? "," : "", text);
    }
    return (int)out->status;
}

/* From now on clients can find the service; their links wait until the pump
 * runs. */
static int open_nats(gate *g, const shmrpci_address *at, shmrpc_error *error)
{
    shmrpci_buf servers;
    shmrpci_buf_init_heap(&servers);
    int status = resolve(at, &servers, error);
    if (status == SHMRPC_OK) {
        status = open_pump(g, shmrpci_buf_text(&servers), at, error);
    }
    shmrpci_buf_fini(&servers);
    return status == SHMRPC_OK ? subscribe(g, error) : status;
}

static int open_foreign(gate *g, const shmrpci_address *back,
                        shmrpc_error *error)
{
    const foreign_opts opts = {.service = g->service,
                               .port = back->port,
                               .max_message_bytes =
                                   g->options->max_message_bytes,
                               .pump = g->pump};
    return foreign_create(&opts, &g->foreign, error);
}

int gate_open(gate *g, const char *service, const shmrpci_address *at,
              const shmrpci_address *back, const options *o,
              const shmrpci_buf *hello, shmrpc_error *error)
{
    *g = (gate){.service = service, .options = o};
    (void)snprintf(g->name, sizeof g->name, "%s", back->name);
    shmrpci_mutex_init(&g->lock);
    g->started_s = shmrpci_wall_ns() / SHMRPCI_NS_PER_S;
    greeting_init(&g->greeting, o->allows_native);
    (void)snprintf(g->file, sizeof g->file, "%s",
                   at->creds_file[0] != '\0'  ? at->creds_file
                   : at->key_file[0] != '\0'  ? at->key_file
                   : at->cert_file[0] != '\0' ? at->cert_file
                                              : at->host);
    int status = name_it(g, at->zone, error);
    if (status == SHMRPC_OK) {
        status = open_relay(g, at, back, hello, error);
    }
    if (status == SHMRPC_OK) {
        status = open_nats(g, at, error);
    }
    if (status == SHMRPC_OK) {
        status = open_foreign(g, back, error);
    }
    if (status != SHMRPC_OK) {
        gate_close(g);
    }
    return status;
}

/* ---- running and closing ------------------------------------------------- */

/* If the pump's thread can't be started, nobody can connect, so the relay ends
 * at once. */
int gate_run(gate *g, shmrpc_error *error)
{
    int status = foreign_start(g->foreign, error);
    if (status == SHMRPC_OK) {
        status = nats_pump_start(g->pump, error);
    }
    if (status != SHMRPC_OK) {
        relay_stop(g->relay);
    }
    int ran = relay_run(g->relay, error);
    /* Relaxed: the flag was set before the relay was stopped. */
    if (status == SHMRPC_OK && shmrpci_load_relaxed(&g->is_refused) != 0) {
        status = shmrpc_error_set(error, SHMRPC_E_UNAUTHENTICATED,
                                  "%.120s: NATS refuses it", g->file);
    }
    return status != SHMRPC_OK ? status : ran;
}

/* Refuses new clients before it stops the relay. In the other order a client
 * that connects in between would be cut off. */
void gate_stop(gate *g)
{
    shmrpci_store_relaxed(&g->is_leaving, 1u);
    relay_stop(g->relay);
}

/* Calls in progress have stop_ns to end. The pump is stopped last, so that
 * their answers are still sent. */
void gate_close(gate *g)
{
    int64_t until_ns = shmrpci_deadline_after(g->options->stop_ns);
    shmrpci_mutex_lock(&g->lock);
    relay *closing = g->relay;
    g->relay = NULL;
    shmrpci_mutex_unlock(&g->lock);
    if (closing != NULL) {
        relay_close(closing);
    }
    foreign_end(g->foreign, until_ns);
    if (g->pump != NULL) {
        nats_pump_stop(g->pump);
        nats_pump_destroy(g->pump);
        g->pump = NULL;
    }
    foreign_destroy(g->foreign);
    g->foreign = NULL;
    greeting_fini(&g->greeting);
    shmrpci_mutex_fini(&g->lock);
}
