/*
 * The server: services, the places they listen at, and the threads that serve
 * them.
 *
 * Each listener has a control loop (the first one on the thread that called
 * run) and `workers` worker threads of its own. The loop outlives its workers:
 * a handler that waits for its client must be told that the client has gone, or
 * the server would never end.
 */
#include "rpc/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/thread.h"
#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/rows.h"
#include "rpc/shared.h"
#include "sync/atomic.h"

#define SERVICES_MAX  16
#define LISTENERS_MAX 32

typedef struct outlet outlet;

typedef struct outlet_worker {
    outlet *at;
    uint32_t place;
    shmrpci_participant *participant;
    shmrpci_thread thread;
} outlet_worker;

/* A place where a service is served. */
struct outlet {
    shmrpci_served *served;
    const shmrpci_transport *transport;
    shmrpci_address address;
    shmrpci_listener *listener; /* NULL: not listening yet */
    uint32_t first_place;       /* index of its worker 0 in the statistics */
    outlet_worker *workers;
    uint32_t worker_count; /* how many threads to join */
    /* Number of threads that have not ended. Each thread decrements it with
     * release. */
    shmrpci_atomic_u32 working;
    shmrpci_thread thread; /* of its control loop */
    bool has_thread;
    int status; /* the status that its control loop returned */
    shmrpc_error error;
    shmrpc_server *server;
};

struct shmrpc_server {
    shmrpci_server_opts own;
    shmrpci_served *services[SERVICES_MAX];
    size_t service_count;
    void (*on_successor)(void *user, int fd);
    void *successor_user;
    outlet outlets[LISTENERS_MAX];
    uint32_t planned_count; /* number of entries in `outlets`; those that listen
                             * come first */
    /* Written by serve with release. Read by stop, which may run in a signal
     * handler that interrupts serve. */
    shmrpci_atomic_u32 outlet_count;
    shmrpci_atomic_u32 stopping;
};

/* ---- making -------------------------------------------------------------- */

shmrpc_status shmrpc_server_create(const shmrpc_server_opts *opts,
                                   shmrpc_server **out, shmrpc_error *error)
{
    shmrpci_server_opts own;
    int status = shmrpci_server_opts_init(&own, opts, error);
    shmrpc_server *server =
        status == SHMRPC_OK ? calloc(1, sizeof *server) : NULL;
    if (server == NULL) {
        shmrpci_server_opts_fini(&own);
        return status != SHMRPC_OK
                   ? status
                   : (int)shmrpc_error_set(error, SHMRPC_E_NO_MEMORY,
                                           "out of memory");
    }
    server->own = own;
    *out = server;
    return SHMRPC_OK;
}

void shmrpc_server_destroy(shmrpc_server *server)
{
    if (server == NULL) {
        return;
    }
    uint32_t count = shmrpci_load_acquire(&server->outlet_count);
    for (uint32_t i = 0; i < count; i++) {
        server->outlets[i].transport->listener->close(
            server->outlets[i].listener);
    }
    for (size_t i = 0; i < server->service_count; i++) {
        shmrpci_served_destroy(server->services[i]);
    }
    shmrpci_server_opts_fini(&server->own);
    free(server);
}

/* ---- serving a service --------------------------------------------------- */

/* Refuses or welcomes a client; `user` is the shmrpci_served. */
static int on_hello(void *user, const uint8_t *hello, size_t len,
                    const shmrpc_peer *peer, shmrpci_buf *welcome,
                    shmrpc_error *error)
{
    (void)peer;
    const shmrpci_served *served = user;
    shmrpci_hello said;
    int status = shmrpci_hello_read(hello, len, &said, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_metadata block;
    if (said.block_len > 0 &&
        shmrpci_metadata_read(said.block, said.block_len, &block) == 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the client's hello is malformed");
    }
    /* A client built from the same .svc needs no contract. */
    bool equal = said.hash == served->service->hash;
    shmrpci_welcome_write(served->service->hash, served->contract.data,
                          equal ? 0 : served->contract.len, welcome);
    return SHMRPC_OK;
}

/* Native bodies are memory layouts: over networks they are accepted only if the
 * server allows that. */
static int check_encodings(const shmrpc_server *server,
                           const shmrpc_service *service,
                           const shmrpci_place *where, shmrpc_error *error)
{
    if (!where->address.transport->is_network ||
        server->own.opts.force_insecure_serialisation) {
        return SHMRPC_OK;
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        if (service->methods[i].encoding == SHMRPC_ENCODING_NATIVE) {
            return shmrpc_error_set(
                error, SHMRPC_E_PRECONDITION,
                "%.60s: method %.40s is native, which is not allowed over "
                "networks; force_insecure_serialisation allows it",
                where->text, service->methods[i].name);
        }
    }
    return SHMRPC_OK;
}

/* Adds a place at which to listen later. */
static int plan_outlet(shmrpc_server *server, shmrpci_served *served,
                       const shmrpci_place *where, uint32_t first_place,
                       shmrpc_error *error)
{
    if (where->address.transport == NULL) {
        return shmrpci_place_not_built(where, error);
    }
    if (where->address.instance[0] == '*') {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "address \"%.60s\": * is for clients that use all instances",
            where->text);
    }
    if (where->address.token_file[0] != '\0') {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "address \"%.60s\": a token is for clients",
                                where->text);
    }
    int refused = check_encodings(server, served->service, where, error);
    if (refused != SHMRPC_OK) {
        return refused;
    }
    if (server->planned_count == LISTENERS_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "a server can listen at %d addresses at most",
                                LISTENERS_MAX);
    }
    server->outlets[server->planned_count++] =
        (outlet){.served = served,
                 .transport = where->address.transport,
                 .address = where->address,
                 .first_place = first_place,
                 .server = server};
    return SHMRPC_OK;
}

static shmrpci_listen_opts listen_opts(const shmrpc_server *server,
                                       const outlet *at, bool takes_processes)
{
    return (shmrpci_listen_opts){
        .max_workers =
            takes_processes ? SHMRPCI_WORKERS_MAX : server->own.opts.workers,
        .profile = server->own.opts.profile,
        .max_message_bytes = server->own.opts.max_message_bytes,
        .max_connections_per_uid = server->own.opts.max_connections_per_uid,
        .max_bytes_per_uid = server->own.opts.max_bytes_per_uid,
        .allowed_uids = server->own.opts.allowed_uids,
        .allowed_uid_count = server->own.opts.allowed_uid_count,
        .allowed_gids = server->own.opts.allowed_gids,
        .allowed_gid_count = server->own.opts.allowed_gid_count,
        .takes_processes = takes_processes,
        .compression = server->own.opts.compression,
        .has_stats = at->served->stats.read_fd >= 0,
        .stats_fd = at->served->stats.read_fd,
        .gauges = shmrpci_stats_gauges_of(&at->served->stats),
        .tells_peers = at->served->disconnected != NULL,
        .on_hello = on_hello,
        .on_object = shmrpci_shared_on_object,
        .user = at->served,
        .on_successor = server->on_successor,
        .successor_user = server->successor_user,
    };
}

static int listen_at(const shmrpc_server *server, outlet *at,
                     bool takes_processes, shmrpc_error *error)
{
    shmrpci_listen_opts opts = listen_opts(server, at, takes_processes);
    int status = shmrpci_shared_make(at->served, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    return at->transport->listener->listen(&at->address, &opts, &at->listener,
                                           error);
}

/* Listens at the planned places that don't listen yet. */
static int listen_all(shmrpc_server *server, bool takes_processes,
                      shmrpc_error *error)
{
    uint32_t count = shmrpci_load_relaxed(&server->outlet_count);
    int status = SHMRPC_OK;
    while (count < server->planned_count && status == SHMRPC_OK) {
        status =
            listen_at(server, &server->outlets[count], takes_processes, error);
        if (status == SHMRPC_OK) {
            /* Pairs with the acquire in stop: stop only sees complete
             * listeners. */
            shmrpci_store_release(&server->outlet_count, ++count);
        }
    }
    return status;
}

static void close_from(shmrpc_server *server, uint32_t first)
{
    uint32_t count = shmrpci_load_relaxed(&server->outlet_count);
    shmrpci_store_release(&server->outlet_count, first);
    for (uint32_t i = first; i < count; i++) {
        server->outlets[i].transport->listener->close(
            server->outlets[i].listener);
    }
    SHMRPCI_ASSERT(first <= count && count <= server->planned_count,
                   "an open outlet was planned");
    server->planned_count = first;
}

int shmrpci_server_add(shmrpc_server *server, const shmrpc_service *service,
                       const shmrpc_handler *handlers, const void *impl,
                       size_t impl_size, void *user, shmrpc_error *error)
{
    shmrpci_place_list places;
    shmrpci_served *served = NULL;
    int status = shmrpci_rows_check(service, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (server->service_count == SERVICES_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "a server can have at most %d services",
                                SERVICES_MAX);
    }
    status =
        shmrpci_places_parse(server->own.opts.listen, service, &places, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_served_create(&server->own.opts, service, handlers,
                                       impl, impl_size, user, &served, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t first = server->planned_count;
    uint32_t all = (uint32_t)places.count * SHMRPCI_WORKERS_MAX;
    status = shmrpci_served_limit(served, &server->own.opts, all, error);
    for (size_t i = 0; i < places.count && status == SHMRPC_OK; i++) {
        status = plan_outlet(server, served, &places.items[i],
                             (uint32_t)i * SHMRPCI_WORKERS_MAX, error);
    }
    if (status != SHMRPC_OK) {
        server->planned_count = first;
        shmrpci_served_destroy(served);
        return status;
    }
    for (uint32_t i = server->planned_count; i-- > first;) {
        const shmrpci_address *at = &server->outlets[i].address;
        served->address =
            served->address == NULL || at->transport->discovery != NULL
                ? at
                : served->address;
    }
    shmrpci_shared_enter(served);
    shmrpci_served_count(served, all);
    server->services[server->service_count++] = served;
    return SHMRPC_OK;
}

int shmrpc_stub_serve(shmrpc_server *server, const shmrpc_service *service,
                      const shmrpc_handler *handlers, const void *impl,
                      size_t impl_size, void *user, shmrpc_error *error)
{
    uint32_t first = server->planned_count;
    int status = shmrpci_server_add(server, service, handlers, impl, impl_size,
                                    user, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = listen_all(server, false, error);
    if (status != SHMRPC_OK) {
        close_from(server, first);
        shmrpci_served_destroy(server->services[--server->service_count]);
    }
    return status;
}

int shmrpci_server_listen(shmrpc_server *server, shmrpc_error *error)
{
    return listen_all(server, true, error);
}

/* ---- handover to another process ----------------------------------------- */

void shmrpci_server_set_successor(shmrpc_server *server,
                                  void (*on_successor)(void *user, int fd),
                                  void *user)
{
    server->on_successor = on_successor;
    server->successor_user = user;
}

int shmrpci_server_summon(const shmrpc_server *server, int64_t deadline_ns,
                          int *out_fd, shmrpc_error *error)
{
    const outlet *at = &server->outlets[0];
    /* Done now, because the predecessor answers only until the handover. */
    for (uint32_t i = 0; i < server->planned_count; i++) {
        const outlet *other = &server->outlets[i];
        int status = shmrpci_shared_inherit(other->served, &other->address,
                                            deadline_ns, error);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return at->transport->takeover->summon(&at->address, deadline_ns, out_fd,
                                           error);
}

shmrpc_status shmrpci_server_hand_over(shmrpc_server *server, int fd,
                                       int64_t deadline_ns)
{
    uint32_t count = shmrpci_load_relaxed(&server->outlet_count);
    shmrpc_status status = SHMRPC_OK;
    for (uint32_t i = 0; i < count && status == SHMRPC_OK; i++) {
        const outlet *at = &server->outlets[i];
        status =
            at->transport->takeover->hand_over(at->listener, fd, deadline_ns);
    }
    return status;
}

int shmrpci_server_take_over(shmrpc_server *server, int fd, int64_t deadline_ns,
                             shmrpc_error *error)
{
    int status = SHMRPC_OK;
    uint32_t count = 0;
    while (count < server->planned_count && status == SHMRPC_OK) {
        outlet *at = &server->outlets[count];
        shmrpci_listen_opts opts = listen_opts(server, at, true);
        status = shmrpci_shared_make(at->served, error);
        if (status != SHMRPC_OK) {
            break;
        }
        status = at->transport->takeover->take_over(
            &at->address, &opts, fd, deadline_ns, &at->listener, error);
        if (status == SHMRPC_OK) {
            shmrpci_store_release(&server->outlet_count, ++count);
        }
    }
    if (status != SHMRPC_OK) {
        shmrpci_server_abandon(server);
    }
    return status;
}

void shmrpci_server_abandon(shmrpc_server *server)
{
    uint32_t count = shmrpci_load_relaxed(&server->outlet_count);
    for (uint32_t i = 0; i < count; i++) {
        server->outlets[i].transport->takeover->abandon(
            server->outlets[i].listener);
        shmrpci_shared_abandon(server->outlets[i].served);
    }
}

uint32_t shmrpci_server_outlet_count(const shmrpc_server *server)
{
    return server->planned_count;
}

shmrpci_outlet_view shmrpci_server_outlet(const shmrpc_server *server,
                                          uint32_t index)
{
    const outlet *at = &server->outlets[index];
    return (shmrpci_outlet_view){at->served, at->transport, at->listener,
                                 at->first_place};
}

const char *shmrpci_server_describe(const shmrpc_server *server, uint32_t index)
{
    return index < shmrpci_load_acquire(&server->outlet_count)
               ? server->outlets[index].transport->listener->describe(
                     server->outlets[index].listener)
               : NULL;
}

/* ---- running ------------------------------------------------------------- */

static void work(void *user)
{
    const outlet_worker *worker = user;
    outlet *at = worker->at;
    shmrpci_dispatch_run(at->served, worker->participant, worker->place);
    if (shmrpci_sub_seq(&at->working, 1u) == 1) {
        at->transport->listener->stop(at->listener); /* has an effect only if
                                                      * the listener lingers */
    }
}

static void join_workers(outlet *at)
{
    for (uint32_t i = 0; i < at->worker_count; i++) {
        shmrpci_thread_join(&at->workers[i].thread);
        at->transport->worker->participant_close(at->workers[i].participant);
    }
    at->worker_count = 0;
    free(at->workers);
    at->workers = NULL;
}

static int start_workers(outlet *at, uint32_t count, shmrpc_error *error)
{
    SHMRPCI_ASSERT(at->workers == NULL && at->worker_count == 0,
                   "workers are started once");
    at->workers = calloc(count, sizeof *at->workers);
    if (at->workers == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        outlet_worker *worker = &at->workers[i];
        worker->at = at;
        worker->place = at->first_place + i;
        int status = at->transport->worker->participant_open(
            at->listener, i, &worker->participant, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        (void)shmrpci_add_seq(&at->working, 1u);
        status = shmrpci_thread_create(&worker->thread, "shmrpc-worker", work,
                                       worker);
        if (status != SHMRPC_OK) {
            (void)shmrpci_sub_seq(&at->working, 1u);
            at->transport->worker->participant_close(worker->participant);
            return shmrpc_error_set(error, status,
                                    "worker thread %u can't be started", i);
        }
        at->worker_count++;
    }
    return SHMRPC_OK;
}

static void control(void *user)
{
    outlet *at = user;
    const shmrpci_listener_ops *ops = at->transport->listener;
    at->status = ops->run(at->listener, &at->error);
    /* If one listener fails, all are stopped, and run reports the failure. */
    shmrpc_server_stop(at->server);
    ops->linger(at->listener, &at->working,
                shmrpci_deadline_after(at->served->drain_ns));
}

static int start_all(shmrpc_server *server, uint32_t count, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    for (uint32_t i = 0; i < count && status == SHMRPC_OK; i++) {
        status =
            start_workers(&server->outlets[i], server->own.opts.workers, error);
    }
    for (uint32_t i = 1; i < count && status == SHMRPC_OK; i++) {
        outlet *at = &server->outlets[i];
        status =
            shmrpci_thread_create(&at->thread, "shmrpc-control", control, at);
        at->has_thread = status == SHMRPC_OK;
        if (status != SHMRPC_OK) {
            (void)shmrpc_error_set(error, status,
                                   "a control thread can't be started");
        }
    }
    return status;
}

/* Ends the threads of start_all and reports the first failure. */
static int finish_all(shmrpc_server *server, uint32_t count, int status,
                      shmrpc_error *error)
{
    for (uint32_t i = 1; i < count; i++) {
        outlet *at = &server->outlets[i];
        if (at->has_thread) {
            shmrpci_thread_join(&at->thread);
            at->has_thread = false;
        } else {
            control(at); /* ends the workers; returns at once, because the
                          * listener was stopped */
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        outlet *at = &server->outlets[i];
        join_workers(at);
        if (status == SHMRPC_OK && at->status != SHMRPC_OK) {
            status = at->status;
            if (error != NULL) {
                *error = at->error;
            }
        }
    }
    return status;
}

int shmrpci_server_run(shmrpc_server *server, void (*on_serving)(void *user),
                       void *user, shmrpc_error *error)
{
    uint32_t count = shmrpci_load_acquire(&server->outlet_count);
    if (count == 0) {
        return shmrpc_error_set(error, SHMRPC_E_PRECONDITION,
                                "the server serves nothing yet");
    }
    int status = start_all(server, count, error);
    if (status != SHMRPC_OK) {
        shmrpc_server_stop(server);
    } else {
        on_serving(user);
    }
    /* Repeats a stop that was called before the listeners existed. */
    if (shmrpci_load_seq(&server->stopping) != 0) {
        shmrpc_server_stop(server);
    }
    control(&server->outlets[0]);
    return finish_all(server, count, status, error);
}

static void tell_nobody(void *user)
{
    (void)user;
}

shmrpc_status shmrpc_server_run(shmrpc_server *server, shmrpc_error *error)
{
    return shmrpci_server_run(server, tell_nobody, NULL, error);
}

void shmrpc_server_stop(shmrpc_server *server)
{
    shmrpci_store_seq(&server->stopping, 1);
    uint32_t count = shmrpci_load_acquire(&server->outlet_count);
    for (uint32_t i = 0; i < count; i++) {
        server->outlets[i].transport->listener->stop(
            server->outlets[i].listener);
    }
}
