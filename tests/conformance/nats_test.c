/*
 * The conformance suite over nats: the clients are at nats://, a relay is their
 * gateway, and the workers are at shm. With the argument "small", the servers
 * take 64 KiB in a message.
 */
#include "suite.h"

#include <stdio.h>

#include "nats_server.h"
#include "os/memory.h"
#include "os/stream.h"
#include "os/tls_secret.h"
#include "tools/relay/relay.h"
#include "transport/adopted.h"
#include "transport/nats/directory.h"
#include "transport/nats/load.h"
#include "transport/nats/pump.h"

#define shm  (&shmrpci_transport_shm)
#define nats (&shmrpci_transport_nats)

extern const nats_carrier_ops shmrpc_nats_carrier;

enum { PAIRS = 64 };

/* A service and its gateway; the suite looks pairs up by the service's
 * listener. */
typedef struct pair {
    shmrpci_listener *listener; /* NULL: unused */
    relay *relay;               /* under lock; NULL: accepts no clients */
    nats_pump *pump;
    nats_who who;
    bool is_known;         /* the NATS server has our subscriptions */
    shmrpci_thread thread; /* of the service's control loop */
    shmrpci_listen_opts opts;
} pair;

static pair pairs[PAIRS];
static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;
static nats_server server;
static char servers[64];

static pair *pair_of(const shmrpci_listener *listener)
{
    shmrpci_mutex_lock(&lock);
    size_t i = 0;
    while (pairs[i].listener != listener) {
        i++;
    }
    shmrpci_mutex_unlock(&lock);
    return &pairs[i];
}

static int on_welcome(void *user, const uint8_t *welcome, size_t len,
                      bool *has_changed, shmrpc_error *error)
{
    (void)user;
    (void)welcome;
    (void)len;
    (void)error;
    *has_changed = false;
    return SHMRPC_OK;
}

/* ---- the gateway's side of NATS ---------------------------------------- */

static void open_link(pair *p, const char *reply)
{
    int fds[2];
    nats_parcel opened = {.kind = NATS_OPENED};
    assert_int_equal(shmrpci_stream_pair(fds), SHMRPC_OK);
    assert_int_equal(nats_pump_link(p->pump, fds[0], reply, &opened.link),
                     SHMRPC_OK);
    shmrpci_adopt(relay_front(p->relay), fds[1]);
    (void)nats_pump_send(p->pump, reply, NULL, &opened);
}

/* The pump outlives the relay: while the gateway closes, clients that have lost
 * their links still send requests for a gateway. */
static void on_client(pair *p, const char *reply, nats_kind kind)
{
    uint8_t who[NATS_WHO_BYTES];
    nats_parcel found = {.kind = NATS_FOUND, .data = who};
    nats_parcel no = {.kind = NATS_CLOSE, .value = -SHMRPC_E_UNAVAILABLE};
    found.len = nats_who_put(&p->who, who);
    shmrpci_mutex_lock(&lock);
    if (p->relay == NULL) {
        (void)nats_pump_send(p->pump, reply, NULL, &no);
    } else if (kind == NATS_FIND) {
        (void)nats_pump_send(p->pump, reply, NULL, &found);
    } else if (kind == NATS_OPEN) {
        open_link(p, reply);
    }
    shmrpci_mutex_unlock(&lock);
}

static void on_message(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    pair *p = user;
    (void)inbox;
    if (result != NATS_DONE || parcel == NULL) {
        return;
    }
    if (parcel->kind == NATS_FIND && message->reply == NULL) {
        p->is_known = true;
    } else if (parcel->kind == NATS_FIND || parcel->kind == NATS_OPEN) {
        on_client(p, message->reply, parcel->kind);
    }
}

static int open_pump(pair *p, const char *name, shmrpc_error *error)
{
    char find[NATS_SUBJECT_BYTES];
    char subject[NATS_SUBJECT_BYTES];
    uint8_t random[16];
    nats_pump_opts opts = {.carrier = {.servers = servers,
                                       .name = name,
                                       .creds_file = "",
                                       .nkey_file = "",
                                       .ca_file = "",
                                       .cert_file = "",
                                       .timeout_ms = 20000},
                           .is_gateway = true,
                           .on_message = on_message,
                           .user = p};
    int status = nats_pump_create(&opts, &p->pump, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    assert_int_equal(shmrpci_random_fill(random, sizeof random), SHMRPC_OK);
    nats_id_of(random, p->who.id);
    nats_subject_find(name, find);
    nats_subject_instance(name, p->who.id, subject);
    assert_int_equal(nats_pump_subscribe(p->pump, subject, NULL, error),
                     SHMRPC_OK);
    assert_int_equal(nats_pump_subscribe(p->pump, find, NULL, error),
                     SHMRPC_OK);
    /* Clients may look for the gateway as soon as it listens. So it sends a
     * NATS_FIND itself, and waits here until that message has come back. */
    nats_parcel self = {.kind = NATS_FIND};
    int64_t deadline_ns = shmrpci_deadline_after(PATIENCE_NS);
    p->is_known = false;
    assert_int_equal(nats_pump_send(p->pump, find, NULL, &self), NATS_DONE);
    while (!p->is_known && shmrpci_now_ns() < deadline_ns) {
        nats_pump_round(p->pump, deadline_ns);
    }
    assert_true(p->is_known);
    return nats_pump_start(p->pump, error);
}

/* Gives each instance of a service its own shm name. */
static void name_of(const shmrpci_address *address, char out[160])
{
    bool is_copy = address->instance[0] != '\0';
    (void)snprintf(out, 160, "%s%s%s", address->name, is_copy ? "@" : "",
                   address->instance);
}

static int open_gateway(pair *p, const shmrpci_address *front,
                        const shmrpci_address *back, shmrpc_error *error)
{
    relay_opts opts = {
        .front = *front,
        .back = *back,
        .listen = p->opts,
        .hello = (const uint8_t *)"relay",
        .hello_len = 5,
        .on_welcome = on_welcome,
    };
    opts.front.transport = &shmrpci_transport_adopted;
    (void)snprintf(opts.front.host, sizeof opts.front.host, "nats://%s/%s",
                   servers, front->name);
    char name[160];
    int status = relay_open(&opts, &p->relay, error);
    name_of(front, name);
    return status == SHMRPC_OK ? open_pump(p, name, error) : status;
}

/* ---- a listener, as the suite sees it ----------------------------------- */

static void run_service(void *user)
{
    pair *p = user;
    (void)shm->listener->run(p->listener, NULL);
}

static int relayed_listen(const shmrpci_address *address,
                          const shmrpci_listen_opts *opts,
                          shmrpci_listener **out, shmrpc_error *error)
{
    shmrpci_address back = *address;
    back.transport = shm;
    pair *p = pair_of(NULL);
    p->opts = *opts;
    int status = shm->listener->listen(&back, opts, &p->listener, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    assert_int_equal(
        shmrpci_thread_create(&p->thread, "service", run_service, p),
        SHMRPC_OK);
    assert_int_equal(open_gateway(p, address, &back, error), SHMRPC_OK);
    *out = p->listener;
    return SHMRPC_OK;
}

static int relayed_run(shmrpci_listener *listener, shmrpc_error *error)
{
    return relay_run(pair_of(listener)->relay, error);
}

static void relayed_stop(shmrpci_listener *listener)
{
    shm->listener->stop(listener);
    relay_stop(pair_of(listener)->relay);
}

static void relayed_close(shmrpci_listener *listener)
{
    pair *p = pair_of(listener);
    shmrpci_mutex_lock(&lock);
    relay *closing = p->relay;
    p->relay = NULL;
    shmrpci_mutex_unlock(&lock);
    shm->listener->stop(listener);
    shmrpci_thread_join(&p->thread);
    shm->listener->close(listener);
    relay_close(closing);
    nats_pump_stop(p->pump);
    nats_pump_destroy(p->pump);
    shmrpci_mutex_lock(&lock);
    p->listener = NULL;
    shmrpci_mutex_unlock(&lock);
}

static const char *relayed_describe(const shmrpci_listener *listener)
{
    return relay_describe(pair_of(listener)->relay);
}

static int relayed_connect(const shmrpci_address *address,
                           const shmrpci_connect_opts *opts, shmrpci_conn **out,
                           shmrpci_buf *welcome, shmrpc_error *error)
{
    shmrpci_address at = *address;
    char name[160];
    at.transport = nats;
    name_of(address, name);
    (void)snprintf(at.name, sizeof at.name, "%.63s", name);
    (void)snprintf(at.host, sizeof at.host, "%s", servers);
    return nats->client->connect(&at, opts, out, welcome, error);
}

/* ---- streams: clients use nats, workers use shm ---- */

/* The workers' ends of streams. */
static shmrpci_stream *accepted[PAIRS]; /* under lock; NULL: unused */

/* Returns shm's operations for a worker's end, else those of nats. If `closes`,
 * also removes the worker's end from `accepted`. */
static const shmrpci_stream_ops *ops_of(const shmrpci_stream *stream,
                                        bool closes)
{
    const shmrpci_stream_ops *ops = nats->streams;
    shmrpci_mutex_lock(&lock);
    for (size_t i = 0; i < PAIRS; i++) {
        if (accepted[i] == stream) {
            ops = shm->streams;
            accepted[i] = closes ? NULL : accepted[i];
            break;
        }
    }
    shmrpci_mutex_unlock(&lock);
    return ops;
}

static int relayed_accept(shmrpci_request *request, uint32_t max_places,
                          shmrpci_stream **out, shmrpc_error *error)
{
    int status = shm->streams->accept(request, max_places, out, error);
    if (status == SHMRPC_OK) {
        size_t i = 0;
        shmrpci_mutex_lock(&lock);
        while (accepted[i] != NULL) {
            i++;
        }
        accepted[i] = *out;
        shmrpci_mutex_unlock(&lock);
    }
    return status;
}

static int relayed_send(shmrpci_stream *stream, const void *data, size_t len,
                        int64_t deadline_ns, bool alone)
{
    return ops_of(stream, false)->send(stream, data, len, deadline_ns, alone);
}

static uint64_t relayed_delivered(shmrpci_stream *stream)
{
    return ops_of(stream, false)->delivered(stream);
}

static void relayed_finish(shmrpci_stream *stream)
{
    ops_of(stream, false)->finish(stream);
}

static int relayed_next(shmrpci_stream *stream, int64_t deadline_ns,
                        shmrpci_stream_item *out)
{
    return ops_of(stream, false)->next(stream, deadline_ns, out);
}

static void relayed_stream_close(shmrpci_stream *stream)
{
    ops_of(stream, true)->close(stream);
}

int main(int argc, char **argv)
{
    static shmrpci_transport relayed;
    static shmrpci_client_ops client;
    static shmrpci_listener_ops listener = {
        .listen = relayed_listen,
        .run = relayed_run,
        .stop = relayed_stop,
        .close = relayed_close,
        .describe = relayed_describe,
    };
    static shmrpci_stream_ops streams = {
        .accept = relayed_accept,
        .send = relayed_send,
        .delivered = relayed_delivered,
        .finish = relayed_finish,
        .next = relayed_next,
        .close = relayed_stream_close,
    };
    bool is_small = argc > 1 && strcmp(argv[1], "small") == 0;
    if (!nats_server_start(&server, is_small ? 64u << 10 : 0)) {
        return NATS_SERVER_SKIP;
    }
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u",
                   (unsigned)server.port);
    nats_load_this(&shmrpc_nats_carrier);
    relayed = *nats;
    listener.recover = shm->listener->recover;
    listener.linger = shm->listener->linger;
    client = *nats->client;
    client.connect = relayed_connect;
    relayed.client = &client;
    relayed.listener = &listener;
    relayed.worker = shm->worker;
    streams.open = nats->streams->open;
    relayed.streams = &streams;
    suite_worker_scheme = "shm";
    suite_windows = 2;
    suite_links = NATS_INSTANCE_LINKS_MAX;
    int status = suite_run(&relayed);
    nats_server_end(&server);
    return status;
}
