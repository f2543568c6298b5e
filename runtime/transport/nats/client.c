/* Connecting over NATS, and leaving. */
#include "transport/nats/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/fork.h"
#include "os/memory.h"
#include "os/stream.h"
#include "os/thread.h"
#include "os/tls_secret.h"
#include "transport/adopted.h"
#include "transport/nats/search.h"

/* Time for an attempt to reach a server of the list. */
#define SERVER_MS 2000

typedef struct nats_client {
    shmrpci_conn base;
    shmrpci_conn *inner; /* the protocol's connection, over the link */
    shmrpci_mutex lock;
    shmrpci_conn *shown; /* lock: the same for the pump, while it exists */
    bool is_leaving;     /* lock */
    nats_pump *pump;
    uint32_t generation; /* of the process that connected */
    nats_search search;
    char reply[NATS_SUBJECT_BYTES];
} nats_client;

static const shmrpci_client_ops *inner_ops(void)
{
    return shmrpci_transport_adopted.client;
}

static nats_client *client_of(shmrpci_conn *conn)
{
    return (nats_client *)(void *)conn;
}

/* ---- what the pump asks and tells -------------------------------------- */

static void on_message(void *user, uint32_t inbox, nats_result result,
                       const nats_message *message, const nats_parcel *parcel)
{
    nats_client *client = user;
    (void)inbox;
    (void)message;
    nats_search_take(&client->search, result, parcel);
}

/* While connecting, the client also waits for an answer. */
static uint32_t calls(void *user)
{
    nats_client *client = user;
    shmrpci_mutex_lock(&client->lock);
    uint32_t count = client->shown != NULL
                         ? shmrpci_adopted_calls(client->shown)
                     : client->is_leaving ? 0u
                                          : 1u;
    shmrpci_mutex_unlock(&client->lock);
    return count;
}

/* `conn` NULL: it is about to be closed. */
static void show(nats_client *client, shmrpci_conn *conn)
{
    shmrpci_mutex_lock(&client->lock);
    client->shown = conn;
    client->is_leaving = conn == NULL;
    shmrpci_mutex_unlock(&client->lock);
}

/* ---- connecting -------------------------------------------------------- */

static int open_pump(nats_client *client, const shmrpci_address *address,
                     int64_t deadline_ns, shmrpc_error *error)
{
    char name[96];
    int64_t left_ms = shmrpci_remaining_ns(deadline_ns) / SHMRPCI_NS_PER_MS;
    (void)snprintf(name, sizeof name, "shmrpc client of %s", address->name);
    nats_pump_opts opts = {
        .carrier = {.servers = address->host,
                    .name = name,
                    .creds_file = address->creds_file,
                    .nkey_file = address->key_file,
                    .ca_file = address->ca_file,
                    .cert_file = address->cert_file,
                    .timeout_ms =
                        left_ms < SERVER_MS ? left_ms + 1 : SERVER_MS},
        .on_message = on_message,
        .calls = calls,
        .user = client,
    };
    int status = nats_pump_create(&opts, &client->pump, error);
    if (status == SHMRPC_OK) {
        status = nats_pump_new_subject(client->pump, client->reply, error);
    }
    if (status == SHMRPC_OK) {
        status = nats_pump_subscribe(client->pump, client->reply, NULL, error);
    }
    return status;
}

/* Tries the instances that were found, one after the other. */
static int open_link(nats_client *client, const shmrpci_address *address,
                     int64_t deadline_ns, char subject[NATS_SUBJECT_BYTES],
                     shmrpc_error *error)
{
    int status = nats_search_find(&client->search, client->pump, address->name,
                                  client->reply, deadline_ns, error);
    while (status == SHMRPC_OK) {
        uint64_t random = 0;
        (void)shmrpci_random_fill((uint8_t *)&random, sizeof random);
        nats_found one =
            nats_search_choose(&client->search, address->zone, random);
        nats_subject_instance(address->name, one.who.id, subject);
        int opened = nats_search_open(&client->search, client->pump, subject,
                                      client->reply, deadline_ns);
        if (opened == SHMRPC_OK) {
            return SHMRPC_OK;
        }
        if (client->search.count == 0) {
            status = shmrpc_error_set(
                error, opened, "the gateway of %.60s at %.60s %s",
                address->name, one.who.host,
                client->search.is_refused ? "takes no more clients"
                                          : "did not answer");
        }
    }
    return status;
}

/* Begins the link; *out_fd is the protocol's end. */
static int begin_link(nats_client *client, const char *subject, int *out_fd,
                      shmrpc_error *error)
{
    int fds[2];
    uint64_t number;
    int status = (int)shmrpci_stream_pair(fds);
    if (status == SHMRPC_OK) {
        status = nats_pump_link(client->pump, fds[0], client->search.link,
                                subject, client->reply, &number);
        if (status != SHMRPC_OK) {
            shmrpci_fd_close(&fds[1]);
        }
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "memory or descriptors ran out");
    }
    *out_fd = fds[1];
    return SHMRPC_OK;
}

static void client_free(nats_client *client)
{
    bool is_ours = client->generation == shmrpci_fork_generation();
    if (client->pump != NULL && is_ours) {
        nats_pump_stop(client->pump);
    }
    nats_pump_destroy(client->pump);
    if (is_ours) {
        shmrpci_mutex_fini(&client->lock);
    }
    free(client);
}

static int connect_by_link(nats_client *client, const shmrpci_address *address,
                           const shmrpci_connect_opts *opts,
                           shmrpci_buf *welcome, shmrpc_error *error)
{
    char subject[NATS_SUBJECT_BYTES];
    shmrpci_address over = *address;
    int status = open_link(client, address, opts->deadline_ns, subject, error);
    if (status == SHMRPC_OK) {
        status = begin_link(client, subject, &over.fd, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = nats_pump_start(client->pump, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&over.fd);
        return status;
    }
    over.transport = &shmrpci_transport_adopted;
    over.key_file[0] = '\0';
    (void)snprintf(over.host, sizeof over.host, "nats://%.200s", address->host);
    return inner_ops()->connect(&over, opts, &client->inner, welcome, error);
}

static int connect_to(const shmrpci_address *address,
                      const shmrpci_connect_opts *opts, shmrpci_conn **out,
                      shmrpci_buf *welcome, shmrpc_error *error)
{
    nats_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    client->generation = shmrpci_fork_generation();
    shmrpci_mutex_init(&client->lock);
    int status = open_pump(client, address, opts->deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = connect_by_link(client, address, opts, welcome, error);
    }
    if (status != SHMRPC_OK) {
        client_free(client);
        return status;
    }
    client->base.transport = address->transport;
    client->base.features = client->inner->features;
    show(client, client->inner);
    *out = &client->base;
    return SHMRPC_OK;
}

/* First the pump forgets the connection; queued bytes are still sent. */
static void disconnect(shmrpci_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    nats_client *client = client_of(conn);
    if (client->generation == shmrpci_fork_generation()) {
        show(client, NULL);
    }
    inner_ops()->disconnect(client->inner);
    client_free(client);
}

/* ---- calls: the inner connection's ------------------------------------- */

static int reserve(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                   size_t reply_hint, int64_t deadline_ns, shmrpc_error *error)
{
    int status = inner_ops()->reserve(client_of(conn)->inner, call, size_hint,
                                      reply_hint, deadline_ns, error);
    if (status == SHMRPC_OK) {
        call->conn = conn;
    }
    return status;
}

static void abort_call(shmrpci_call *call)
{
    inner_ops()->abort(call);
}

static int commit(shmrpci_call *call)
{
    return inner_ops()->commit(call);
}

static int receive(shmrpci_call *call, int64_t deadline_ns)
{
    return inner_ops()->receive(call, deadline_ns);
}

static void release(shmrpci_call *call)
{
    inner_ops()->release(call);
}

static bool cancel(shmrpci_call *call)
{
    return inner_ops()->cancel(call);
}

static shmrpc_status watch(shmrpci_conn *conn, int poll_set, uint64_t tag)
{
    return inner_ops()->watch(client_of(conn)->inner, poll_set, tag);
}

static int64_t arm(shmrpci_conn *conn, shmrpci_call *const *calls_of,
                   size_t count)
{
    return inner_ops()->arm(client_of(conn)->inner, calls_of, count);
}

static void acknowledge(shmrpci_conn *conn)
{
    inner_ops()->acknowledge(client_of(conn)->inner);
}

const shmrpci_client_ops nats_client_ops = {
    .connect = connect_to,
    .disconnect = disconnect,
    .reserve = reserve,
    .abort = abort_call,
    .commit = commit,
    .receive = receive,
    .release = release,
    .cancel = cancel,
    .watch = watch,
    .arm = arm,
    .acknowledge = acknowledge,
};
