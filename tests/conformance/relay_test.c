/*
 * The conformance suite over tcp with the service behind a relay: the workers
 * are at shm, the clients at tcp.
 */
#include "suite.h"

#include <stdatomic.h>
#include <stdio.h>

#include "tools/relay/relay.h"

#define shm (&shmrpci_transport_shm)
#define tcp (&shmrpci_transport_tcp)

enum { PAIRS = 64 };

/* A service and its relay; the suite looks pairs up by the service's
 * listener. */
typedef struct pair {
    shmrpci_listener *listener; /* NULL: unused */
    relay *relay;
    shmrpci_thread thread; /* of the service's control loop */
    shmrpci_listen_opts opts;
} pair;

static pair pairs[PAIRS];
static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;

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

static int relay_to(pair *p, const shmrpci_address *front,
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
    opts.front.transport = tcp;
    return relay_open(&opts, &p->relay, error);
}

static void run_service(void *user)
{
    pair *p = user;
    (void)shm->listener->run(p->listener, NULL);
}

static int relayed_listen(const shmrpci_address *address,
                          const shmrpci_listen_opts *opts,
                          shmrpci_listener **out, shmrpc_error *error)
{
    static atomic_uint number;
    shmrpci_address back = {.transport = shm, .port = 1};
    (void)snprintf(back.name, sizeof back.name, "relayed-%u",
                   atomic_fetch_add(&number, 1));
    pair *p = pair_of(NULL);
    p->opts = *opts;
    int status = shm->listener->listen(&back, opts, &p->listener, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    assert_int_equal(
        shmrpci_thread_create(&p->thread, "service", run_service, p),
        SHMRPC_OK);
    status = relay_to(p, address, &back, error);
    if (status != SHMRPC_OK) {
        shm->listener->stop(p->listener);
        shmrpci_thread_join(&p->thread);
        shm->listener->close(p->listener);
        p->listener = NULL;
        return status;
    }
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
    shm->listener->stop(listener);
    shmrpci_thread_join(&p->thread);
    shm->listener->close(listener);
    relay_close(p->relay);
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
    at.transport = tcp;
    return tcp->client->connect(&at, opts, out, welcome, error);
}

/* ---- streams: clients use tcp, workers use shm ---- */

/* The workers' ends of streams. */
static shmrpci_stream *accepted[PAIRS]; /* under lock; NULL: unused */

/* Returns shm's operations for a worker's end, else those of the clients'
 * transport. If `closes`, also removes the worker's end from `accepted`. */
static const shmrpci_stream_ops *ops_of(const shmrpci_stream *stream,
                                        bool closes)
{
    const shmrpci_stream_ops *ops = tcp->streams;
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

static const shmrpci_stream_ops relayed_streams = {
    .accept = relayed_accept,
    .send = relayed_send,
    .delivered = relayed_delivered,
    .finish = relayed_finish,
    .next = relayed_next,
    .close = relayed_stream_close,
};

int main(void)
{
    static shmrpci_transport relayed;
    relayed = *tcp;
    static shmrpci_client_ops client;
    client = *tcp->client;
    client.connect = relayed_connect;
    relayed.client = &client;
    static shmrpci_listener_ops listener;
    listener = (shmrpci_listener_ops){
        .listen = relayed_listen,
        .run = relayed_run,
        .linger = shm->listener->linger,
        .stop = relayed_stop,
        .close = relayed_close,
        .describe = relayed_describe,
        .recover = shm->listener->recover,
    };
    relayed.listener = &listener;
    relayed.worker = shm->worker;
    relayed.relay = NULL;
    static shmrpci_stream_ops streams;
    streams = relayed_streams;
    streams.open = tcp->streams->open;
    streams.is_taken = tcp->streams->is_taken;
    relayed.streams = &streams;
    suite_worker_scheme = "shm";
    suite_windows = 2;
    return suite_run(&relayed);
}
