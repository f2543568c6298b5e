/* The client of nats://: connecting, calls, and closing. */
#include "transport/nats/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/fork.h"
#include "os/tls_secret.h"
#include "os/waiting.h"

/* Timeout of the attempt to connect to one server of the list. */
#define SERVER_MS 2000

/* The calling thread does the pump's rounds only for requests up to this
 * length. Such a request fits into the buffer of the socket to the pump, so
 * sending it does not depend on a round. */
#define DRIVEN_BYTES ((size_t)16 << 10)

/* ---- connecting -------------------------------------------------------- */

static int subscribe(nats_client *client, shmrpc_error *error)
{
    char up[NATS_SUBJECT_BYTES];
    char down[NATS_SUBJECT_BYTES];
    nats_subject_news(client->over.name, true, up);
    nats_subject_news(client->over.name, false, down);
    const char *subjects[] = {[NATS_INBOX_ANSWERS] = client->reply,
                              [NATS_INBOX_UP] = up,
                              [NATS_INBOX_DOWN] = down};
    int status = nats_pump_new_subject(client->pump, client->reply, error);
    for (size_t i = 0;
         i < sizeof subjects / sizeof *subjects && status == SHMRPC_OK; i++) {
        status = nats_pump_subscribe(client->pump, subjects[i], NULL, error);
    }
    return status;
}

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
                    /* libnats may return a millisecond early. */
                    .timeout_ms =
                        left_ms < SERVER_MS ? left_ms + 2 : SERVER_MS},
        .user = client,
    };
    nats_client_callbacks(&opts);
    int status = nats_pump_create(&opts, &client->pump, error);
    if (status == SHMRPC_E_UNAVAILABLE &&
        shmrpci_remaining_ns(deadline_ns) == 0) {
        return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                "no NATS server at nats://%.100s answered in "
                                "time",
                                address->host);
    }
    if (status == SHMRPC_OK) {
        status = subscribe(client, error);
    }
    return status == SHMRPC_OK ? nats_pump_start(client->pump, error) : status;
}

static void client_free(nats_client *client)
{
    bool is_ours = nats_client_is_ours(client);
    if (client->pump != NULL) {
        nats_client_end(client);
    }
    if (client->pump != NULL && is_ours) {
        nats_pump_stop(client->pump);
    }
    nats_pump_destroy(client->pump);
    if (is_ours) {
        shmrpci_cond_fini(&client->changed);
        shmrpci_mutex_fini(&client->lock);
    }
    shmrpci_buf_fini(&client->welcome);
    free(client);
}

/* Creates a client with everything that is needed to open more links later. */
static nats_client *client_new(const shmrpci_address *address,
                               const shmrpci_connect_opts *opts)
{
    nats_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    SHMRPCI_ASSERT(opts->hello_len <= sizeof client->hello,
                   "the length of a hello is limited");
    client->generation = shmrpci_fork_generation();
    client->base.transport = address->transport;
    client->watch_set = -1;
    client->opts = *opts;
    memcpy(client->hello, opts->hello, opts->hello_len);
    client->opts.hello = client->hello;
    client->over = *address;
    client->over.transport = &shmrpci_transport_adopted;
    client->over.key_file[0] = '\0';
    (void)snprintf(client->over.host, sizeof client->over.host, "nats://%.200s",
                   address->host);
    if (shmrpci_random_fill((uint8_t *)&client->random,
                            sizeof client->random) != SHMRPC_OK) {
        client->random = shmrpci_ticks();
    }
    client->random |= 1;
    nats_directory_init(&client->directory, address->zone);
    shmrpci_buf_init_heap(&client->welcome);
    shmrpci_mutex_init(&client->lock);
    shmrpci_cond_init(&client->changed);
    return client;
}

static int connect_to(const shmrpci_address *address,
                      const shmrpci_connect_opts *opts, shmrpci_conn **out,
                      shmrpci_buf *welcome, shmrpc_error *error)
{
    nats_client *client = client_new(address, opts);
    if (client == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = open_pump(client, address, opts->deadline_ns, error);
    if (status == SHMRPC_OK) {
        status = nats_client_begin(client, welcome, opts->deadline_ns, error);
    }
    if (status == SHMRPC_OK) {
        status = nats_client_scout(client, error);
    }
    if (status != SHMRPC_OK) {
        client_free(client);
        return status;
    }
    *out = &client->base;
    return SHMRPC_OK;
}

static void disconnect(shmrpci_conn *conn)
{
    if (conn != NULL) {
        client_free(nats_client_of(conn));
    }
}

/* ---- calls ------------------------------------------------------------- */

/* Waits until the client has fewer calls in flight than its limit. */
static int wait_for_turn(nats_client *client, int64_t deadline_ns,
                         bool *out_waited)
{
    bool in_time = deadline_ns != 0;
    shmrpci_mutex_lock(&client->lock);
    while (client->calls >= NATS_CALLS_MAX && in_time) {
        client->waiting++;
        *out_waited = true;
        in_time = shmrpci_cond_wait_until(&client->changed, &client->lock,
                                          deadline_ns);
        client->waiting--;
    }
    bool has_turn = client->calls < NATS_CALLS_MAX;
    shmrpci_mutex_unlock(&client->lock);
    return has_turn           ? (int)SHMRPC_OK
           : deadline_ns == 0 ? (int)SHMRPC_E_BUSY
                              : (int)SHMRPC_E_DEADLINE;
}

static void give_up_route(nats_route *route, bool is_lost)
{
    nats_client *client = route->client;
    if (is_lost) {
        shmrpci_mutex_lock(&client->lock);
        nats_route_retire(route);
        shmrpci_mutex_unlock(&client->lock);
    }
    nats_route_over(route);
}

/* Tries once to start the call, on the link that the directory chooses. */
static int reserve_once(nats_client *client, shmrpci_call *call,
                        size_t size_hint, size_t reply_hint,
                        int64_t deadline_ns, shmrpc_error *error)
{
    nats_route *route = nats_route_take(client);
    if (route == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_SERVER_LOST,
                                "no gateway of %.60s is left",
                                client->over.name);
    }
    int status = nats_inner()->reserve(route->inner, call, size_hint,
                                       reply_hint, deadline_ns, error);
    if (status == SHMRPC_OK) {
        call->conn = &client->base;
        call->data.pointers[7] = route;
        return SHMRPC_OK;
    }
    give_up_route(route, status == SHMRPC_E_SERVER_LOST);
    /* ABORTED: another gateway may take the call */
    return status == SHMRPC_E_SERVER_LOST ? (int)SHMRPC_E_ABORTED : status;
}

static int reserve(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                   size_t reply_hint, int64_t deadline_ns, shmrpc_error *error)
{
    nats_client *client = nats_client_of(conn);
    bool has_waited = false;
    if (!nats_client_is_ours(client)) {
        return shmrpc_error_set(error, SHMRPC_E_FORKED,
                                "the connection belongs to the process that "
                                "opened it");
    }
    int status = wait_for_turn(client, deadline_ns, &has_waited);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status,
                                "all %u calls of a client are in use",
                                NATS_CALLS_MAX);
    }
    do {
        status = reserve_once(client, call, size_hint, reply_hint, deadline_ns,
                              error);
    } while (status == SHMRPC_E_ABORTED);
    call->waited = call->waited || (has_waited && status == SHMRPC_OK);
    return status;
}

static void abort_call(shmrpci_call *call)
{
    nats_route *route = nats_route_of(call);
    nats_inner()->abort(call);
    nats_route_over(route);
}

/* Whether the client has exactly one call, no streams, and is not watched. Only
 * then may the thread of that call do the pump's rounds. */
static bool is_alone(nats_client *client)
{
    shmrpci_mutex_lock(&client->lock);
    bool is_alone =
        client->calls == 1 && !client->has_streams && client->watch_set < 0;
    shmrpci_mutex_unlock(&client->lock);
    return is_alone;
}

int nats_client_begin_streams(nats_client *client, shmrpc_error *error)
{
    shmrpci_mutex_lock(&client->lock);
    bool has_room = client->streams < SHMRPCI_STREAMS_MAX;
    if (has_room) {
        client->streams++;
        client->has_streams = true;
    }
    shmrpci_mutex_unlock(&client->lock);
    if (!has_room) {
        return shmrpc_error_set(
            error, SHMRPC_E_EXHAUSTED,
            "%u of %u streams of this connection are already open",
            SHMRPCI_STREAMS_MAX, SHMRPCI_STREAMS_MAX);
    }
    nats_pump_want(client->pump);
    return SHMRPC_OK;
}

void nats_client_end_streams(nats_client *client)
{
    shmrpci_mutex_lock(&client->lock);
    SHMRPCI_ASSERT(client->streams > 0, "a stream is closed once");
    client->streams--;
    shmrpci_mutex_unlock(&client->lock);
}

/* If this is the only call and the pump's thread is parked, the calling thread
 * does a round, which sends the request at once. A request longer than
 * DRIVEN_BYTES is left to the pump's thread, and so is every request while
 * several calls are in flight. */
static int commit(shmrpci_call *call)
{
    nats_route *route = nats_route_of(call);
    nats_client *client = route->client;
    bool is_oneway = (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
    bool may_drive = call->out.len <= DRIVEN_BYTES;
    int status = nats_inner()->commit(call);
    call->data.pointers[6] = may_drive ? client : NULL;
    if (may_drive && is_alone(client)) {
        nats_pump_push(client->pump);
    } else {
        nats_pump_want(client->pump);
    }
    if (status != SHMRPC_OK || is_oneway) {
        give_up_route(route, status == SHMRPC_E_SERVER_LOST);
    }
    return status;
}

/* Waits for the reply by doing the pump's rounds, for as long as this is the
 * only call. */
static int receive_driving(nats_client *client, shmrpci_call *call,
                           int64_t deadline_ns)
{
    shmrpci_conn *inner = nats_route_of(call)->inner;
    int status = SHMRPC_E_DEADLINE;
    while (status == SHMRPC_E_DEADLINE && is_alone(client) &&
           !shmrpci_waiting_is_interrupted() &&
           shmrpci_remaining_ns(deadline_ns) > 0) {
        nats_pump_drive(client->pump, deadline_ns);
        nats_inner()->acknowledge(inner); /* reads what has arrived */
        status = nats_inner()->receive(call, 0);
    }
    nats_pump_give_back(client->pump);
    if (!is_alone(client)) {
        nats_pump_want(client->pump);
    }
    return status;
}

static int receive_it(nats_client *client, shmrpci_call *call,
                      int64_t deadline_ns)
{
    int status = SHMRPC_E_DEADLINE;
    if (deadline_ns != 0 && call->data.pointers[6] != NULL &&
        nats_client_is_ours(client) && is_alone(client) &&
        nats_pump_take_over(client->pump)) {
        status = receive_driving(client, call, deadline_ns);
    }
    if (status == SHMRPC_E_DEADLINE) {
        if (nats_client_is_ours(client)) {
            nats_pump_want(client->pump);
        }
        status = nats_inner()->receive(call, deadline_ns);
    }
    return status;
}

static int receive(shmrpci_call *call, int64_t deadline_ns)
{
    nats_route *route = nats_route_of(call);
    int status = receive_it(route->client, call, deadline_ns);
    if (status == SHMRPC_OK) {
        nats_route_answered(route, call->head.status);
    } else if (status != SHMRPC_E_DEADLINE && status != SHMRPC_E_FORKED) {
        /* UNAVAILABLE means that the gateway takes no calls. It would refuse
         * the next one too, so its route is retired. */
        give_up_route(route, status == SHMRPC_E_UNAVAILABLE);
    }
    return status;
}

static void release(shmrpci_call *call)
{
    nats_route *route = nats_route_of(call);
    nats_inner()->release(call);
    nats_route_over(route);
}

static bool cancel(shmrpci_call *call)
{
    nats_route *route = nats_route_of(call);
    bool is_withdrawn = nats_inner()->cancel(call);
    if (nats_client_is_ours(route->client)) {
        nats_pump_want(route->client->pump);
    }
    nats_route_over(route);
    return is_withdrawn;
}

/* ---- watching ---------------------------------------------------------- */

static shmrpc_status watch(shmrpci_conn *conn, int poll_set, uint64_t tag)
{
    nats_client *client = nats_client_of(conn);
    shmrpc_status status = SHMRPC_OK;
    shmrpci_mutex_lock(&client->lock);
    for (uint32_t i = 0; i < client->route_top && status == SHMRPC_OK; i++) {
        nats_route *route = &client->routes[i];
        if (route->inner != NULL) {
            status = nats_inner()->watch(route->inner, poll_set, tag);
        }
    }
    if (status == SHMRPC_OK) { /* routes made later are watched too */
        client->watch_set = poll_set;
        client->watch_tag = tag;
    }
    shmrpci_mutex_unlock(&client->lock);
    return status;
}

/* Collects the calls that use one route. `out` has room for all calls that a
 * client may have in flight. */
static size_t calls_of(const nats_route *route, shmrpci_call *const *calls,
                       size_t count, shmrpci_call *out[NATS_CALLS_MAX])
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < NATS_CALLS_MAX; i++) {
        if (nats_route_of(calls[i]) == route) {
            out[found++] = calls[i];
        }
    }
    return found;
}

static int64_t arm(shmrpci_conn *conn, shmrpci_call *const *calls, size_t count)
{
    nats_client *client = nats_client_of(conn);
    shmrpci_call *own[NATS_CALLS_MAX];
    int64_t again_ns = SHMRPCI_NEVER_NS;
    shmrpci_mutex_lock(&client->lock);
    for (uint32_t i = 0; i < client->route_top && again_ns != 0; i++) {
        nats_route *route = &client->routes[i];
        size_t found = calls_of(route, calls, count, own);
        if (found > 0) {
            int64_t at_ns = nats_inner()->arm(route->inner, own, found);
            again_ns = at_ns < again_ns ? at_ns : again_ns;
        }
    }
    shmrpci_mutex_unlock(&client->lock);
    return again_ns;
}

static void acknowledge(shmrpci_conn *conn)
{
    nats_client *client = nats_client_of(conn);
    shmrpci_mutex_lock(&client->lock);
    for (uint32_t i = 0; i < client->route_top; i++) {
        if (client->routes[i].inner != NULL) {
            nats_inner()->acknowledge(client->routes[i].inner);
        }
    }
    shmrpci_mutex_unlock(&client->lock);
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
