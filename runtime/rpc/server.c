/*
 * The server: services, the places they listen at, and the threads that serve
 * them.
 *
 * Each listener has a control loop (the last one on the thread that called
 * run) and `workers` worker threads of its own.
 */
#include "rpc/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/reserved.h"
#include "codec/contract.h"
#include "os/process.h"
#include "os/thread.h"
#include "rpc/address.h"
#include "rpc/envelope.h"
#include "rpc/limits.h"
#include "rpc/rows.h"
#include "rpc/shared.h"
#include "sync/atomic.h"

#define SERVICES_MAX  16
#define LISTENERS_MAX 32

#define DEFAULT_CONNECTIONS_PER_UID 1024u
#define DEFAULT_BYTES_PER_UID       ((size_t)1 << 30)

typedef struct outlet_worker {
    const shmrpci_served *served;
    uint32_t place;
    shmrpci_participant *participant;
    shmrpci_thread thread;
} outlet_worker;

/* A place where a service is served. */
typedef struct outlet {
    shmrpci_served *served;
    const shmrpci_transport *transport;
    shmrpci_address address;
    shmrpci_listener *listener; /* NULL: not yet */
    uint32_t first_place;       /* of its worker 0, in the statistics */
    outlet_worker *workers;
    uint32_t worker_count; /* threads that run */
    shmrpci_thread thread; /* of its control loop */
    bool has_thread;
    int status; /* what its control loop returned */
    shmrpc_error error;
    shmrpc_server *server;
} outlet;

struct shmrpc_server {
    shmrpc_server_opts opts; /* without zeroes; pointers are to our copies */
    char *listen;
    uint32_t *allowed_uids;
    uint32_t *allowed_gids;
    shmrpci_served *services[SERVICES_MAX];
    size_t service_count;
    void (*on_successor)(void *user, int fd);
    void *successor_user;
    outlet outlets[LISTENERS_MAX];
    uint32_t planned_count; /* of them; those that listen come first */
    /* Written by serve with release, read by stop, which may interrupt it. */
    shmrpci_atomic_u32 outlet_count;
    shmrpci_atomic_u32 stopping;
};

/* ---- making ---- */

/* A list of users that a server could never let in does nothing. */
static int check_uids(const uint32_t *uids, size_t count, shmrpc_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (shmrpci_process_mistrusts(uids[i])) {
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "user id %u (nobody) can't be allowed: users of other user "
                "namespaces have it too; allow another one, or run the server "
                "as that user",
                uids[i]);
        }
    }
    return SHMRPC_OK;
}

static int check_opts(const shmrpc_server_opts *opts, shmrpc_error *error)
{
    if (opts->workers > SHMRPCI_WORKERS_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "workers is %u, at most %u are possible",
                                opts->workers, SHMRPCI_WORKERS_MAX);
    }
    bool is_cleared =
        shmrpci_reserved_is_zero(opts->reserved, SHMRPC_COUNT(opts->reserved));
    for (size_t i = 0; i < opts->method_access_count; i++) {
        const shmrpc_method_access *access = &opts->method_access[i];
        is_cleared = is_cleared &&
                     shmrpci_reserved_is_zero(access->reserved,
                                              SHMRPC_COUNT(access->reserved));
    }
    if (!is_cleared) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
    }
    if ((unsigned)opts->profile > SHMRPC_PROFILE_POWER) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "profile %d does not exist",
                                (int)opts->profile);
    }
    if (opts->max_streams > SHMRPCI_WORKERS_MAX || opts->stream_stall_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "max_streams is from 0 to %u, stream_stall_ns "
                                "not below 0",
                                SHMRPCI_WORKERS_MAX);
    }
    if ((unsigned)opts->compression > SHMRPC_COMPRESSION_ZLIB) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "compression %d does not exist",
                                (int)opts->compression);
    }
    if ((opts->allowed_uid_count > 0 && opts->allowed_uids == NULL) ||
        (opts->allowed_gid_count > 0 && opts->allowed_gids == NULL)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "allowed_uids or allowed_gids is missing");
    }
    int status = check_uids(opts->allowed_uids, opts->allowed_uid_count, error);
    for (size_t i = 0; i < opts->method_access_count && status == SHMRPC_OK;
         i++) {
        const shmrpc_method_access *access = &opts->method_access[i];
        status = check_uids(access->uids, access->uid_count, error);
    }
    return status;
}

uint32_t shmrpci_server_default_workers(void)
{
    uint32_t cpus = (shmrpci_cpu_quota_percent() + 50) / 100;
    uint32_t allowed = shmrpci_allowed_cpus();
    cpus = cpus < allowed ? cpus : allowed;
    return cpus < 1                     ? 1
           : cpus > SHMRPCI_WORKERS_MAX ? SHMRPCI_WORKERS_MAX
                                        : cpus;
}

static void fill_defaults(shmrpc_server_opts *opts)
{
    if (opts->workers == 0) {
        opts->workers = shmrpci_server_default_workers();
    }
    if (opts->max_message_bytes == 0) {
        opts->max_message_bytes = SHMRPC_DEFAULT_MAX_MESSAGE_BYTES;
    }
    if (opts->max_connections_per_uid == 0) {
        opts->max_connections_per_uid = DEFAULT_CONNECTIONS_PER_UID;
    }
    if (opts->stream_stall_ns == 0) {
        opts->stream_stall_ns = SHMRPCI_STREAM_STALL_NS;
    }
    if (opts->max_bytes_per_uid == 0) {
        opts->max_bytes_per_uid = DEFAULT_BYTES_PER_UID;
    }
}

static bool copy_opts(shmrpc_server *server, const shmrpc_server_opts *opts)
{
    server->opts = *opts;
    fill_defaults(&server->opts);
    if (opts->listen != NULL) {
        server->listen = strdup(opts->listen);
        server->opts.listen = server->listen;
    }
    server->allowed_uids =
        shmrpci_access_copy(opts->allowed_uids, opts->allowed_uid_count);
    server->opts.allowed_uids = server->allowed_uids;
    server->allowed_gids =
        shmrpci_access_copy(opts->allowed_gids, opts->allowed_gid_count);
    server->opts.allowed_gids = server->allowed_gids;
    return (server->listen != NULL || opts->listen == NULL) &&
           (server->allowed_uids != NULL || opts->allowed_uid_count == 0) &&
           (server->allowed_gids != NULL || opts->allowed_gid_count == 0);
}

shmrpc_status shmrpc_server_create(const shmrpc_server_opts *opts,
                                   shmrpc_server **out, shmrpc_error *error)
{
    static const shmrpc_server_opts none;
    opts = opts != NULL ? opts : &none;
    int status = check_opts(opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpc_server *server = calloc(1, sizeof *server);
    if (server == NULL || !copy_opts(server, opts)) {
        shmrpc_server_destroy(server);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    *out = server;
    return SHMRPC_OK;
}

static void served_free(shmrpci_served *served)
{
    if (served != NULL) {
        shmrpci_shared_leave(served);
        shmrpci_shared_end(served);
        free(served->object_fds);
        shmrpci_stats_destroy(&served->stats);
        shmrpci_access_destroy(served->access, served->service->method_count);
        shmrpci_buf_fini(&served->contract);
        free(served->methods);
        free(served->impl);
        free(served);
    }
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
        served_free(server->services[i]);
    }
    free(server->allowed_uids);
    free(server->allowed_gids);
    free(server->listen);
    free(server);
}

/* ---- serving a service ---- */

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
    /* Who was built from the same text needs no tables to compare. */
    bool equal = said.hash == served->service->hash;
    shmrpci_welcome_write(served->service->hash, served->contract.data,
                          equal ? 0 : served->contract.len, welcome);
    return SHMRPC_OK;
}

static int encode_contract(shmrpci_served *served, shmrpc_error *error)
{
    shmrpci_arena arena;
    const shmrpci_contract *contract;
    shmrpci_arena_init(&arena, 0);
    int status = shmrpci_contract_of(served->service, &arena, &contract);
    if (status == SHMRPC_OK) {
        status = shmrpci_contract_encode(contract, &served->contract);
    }
    shmrpci_arena_fini(&arena);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "the contract of %s: %s",
                                  served->service->name,
                                  shmrpc_status_text(status));
}

static int find_codecs(shmrpci_served *served, shmrpc_error *error)
{
    const shmrpc_service *service = served->service;
    for (uint32_t i = 0; i < service->method_count; i++) {
        const shmrpc_method *method = &service->methods[i];
        served->methods[i] = shmrpci_served_method_of(method);
        if (served->methods[i].codec == NULL) {
            return shmrpc_error_set(
                error, SHMRPC_E_UNIMPLEMENTED,
                "method %s: this library lacks its encoding", method->name);
        }
    }
    return SHMRPC_OK;
}

/* A row for each method and a place for each worker at each address. A service
 * that can't count serves all the same. */
static void make_stats(shmrpci_served *served, uint32_t places)
{
    const shmrpc_service *service = served->service;
    shmrpci_stats *stats = &served->stats;
    if (shmrpci_stats_create(service->name, service->method_count + 1, places,
                             stats) != SHMRPC_OK) {
        shmrpci_stats_destroy(stats);
        return;
    }
    shmrpci_stats_set_name(stats, 0, 0, "(describe)");
    for (uint32_t i = 0; i < service->method_count; i++) {
        shmrpci_stats_set_name(stats, i + 1, i + 1, service->methods[i].name);
    }
}

/* Places for the objects that it shares, which are made when it listens. */
static bool plan_objects(shmrpci_served *served)
{
    const shmrpc_objects *objects = served->service->objects;
    uint32_t count = objects != NULL ? objects->count : 0;
    served->object_fds =
        count > 0 ? malloc(count * sizeof *served->object_fds) : NULL;
    for (uint32_t i = 0; i < count && served->object_fds != NULL; i++) {
        served->object_fds[i] = -1;
    }
    return served->object_fds != NULL || count == 0;
}

static int served_new(const shmrpc_server *server,
                      const shmrpc_service *service,
                      const shmrpc_handler *handlers, const void *impl,
                      size_t impl_size, void *user, shmrpci_served **out,
                      shmrpc_error *error)
{
    shmrpci_served *served = calloc(1, sizeof *served);
    if (served == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    *served = (shmrpci_served){
        .service = service,
        .handlers = handlers,
        .impl = malloc(impl_size + 1),
        .user = user,
        .methods =
            calloc((size_t)service->method_count + 1, sizeof *served->methods),
        .decode_limit = SHMRPCI_DECODE_LIMIT(server->opts.max_message_bytes),
        .streams = {.decode_limit =
                        SHMRPCI_DECODE_LIMIT(server->opts.max_message_bytes),
                    .max_places = server->opts.max_streams,
                    .stall_ns = server->opts.stream_stall_ns},
        .uid = shmrpci_process_uid(),
        .stats = {.fd = -1, .read_fd = -1},
    };
    shmrpci_buf_init_heap(&served->contract);
    int status = SHMRPC_E_NO_MEMORY;
    if (served->impl != NULL && served->methods != NULL &&
        plan_objects(served)) {
        memcpy(served->impl, impl, impl_size);
        status = find_codecs(served, error);
        if (status == SHMRPC_OK) {
            status = encode_contract(served, error);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_access_create(service, server->opts.method_access,
                                           server->opts.method_access_count,
                                           &served->access, error);
        }
        if (status == SHMRPC_OK) {
            status = shmrpci_interceptors_take(server->opts.interceptors,
                                               &served->interceptors, error);
        }
        served->authorize = server->opts.authorize;
        served->authorize_user = server->opts.authorize_user;
        served->is_guarded = served->access != NULL ||
                             served->authorize != NULL ||
                             served->interceptors.count > 0;
    } else {
        (void)shmrpc_error_set(error, status, "out of memory");
    }
    if (status != SHMRPC_OK) {
        served_free(served);
        return status;
    }
    *out = served;
    return SHMRPC_OK;
}

/* Native bodies are layouts of memory: between machines they are taken only by
 * who says so. */
static int check_encodings(const shmrpc_server *server,
                           const shmrpc_service *service,
                           const shmrpci_place *where, shmrpc_error *error)
{
    if (!where->address.transport->is_network ||
        server->opts.force_insecure_serialisation) {
        return SHMRPC_OK;
    }
    for (uint32_t i = 0; i < service->method_count; i++) {
        if (service->methods[i].encoding == SHMRPC_ENCODING_NATIVE) {
            return shmrpc_error_set(
                error, SHMRPC_E_PRECONDITION,
                "%.60s: method %.40s is native, which is not for networks; "
                "force_insecure_serialisation allows it",
                where->text, service->methods[i].name);
        }
    }
    return SHMRPC_OK;
}

/* One more place to listen at, later. */
static int plan_outlet(shmrpc_server *server, shmrpci_served *served,
                       const shmrpci_place *where, uint32_t first_place,
                       shmrpc_error *error)
{
    if (where->address.transport == NULL) {
        return shmrpci_place_not_built(where, error);
    }
    int refused = check_encodings(server, served->service, where, error);
    if (refused != SHMRPC_OK) {
        return refused;
    }
    if (server->planned_count == LISTENERS_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "a server listens at %d places at most",
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
            takes_processes ? SHMRPCI_WORKERS_MAX : server->opts.workers,
        .profile = server->opts.profile,
        .max_message_bytes = server->opts.max_message_bytes,
        .max_connections_per_uid = server->opts.max_connections_per_uid,
        .max_bytes_per_uid = server->opts.max_bytes_per_uid,
        .allowed_uids = server->opts.allowed_uids,
        .allowed_uid_count = server->opts.allowed_uid_count,
        .allowed_gids = server->opts.allowed_gids,
        .allowed_gid_count = server->opts.allowed_gid_count,
        .takes_processes = takes_processes,
        .compression = server->opts.compression,
        .has_stats = at->served->stats.read_fd >= 0,
        .stats_fd = at->served->stats.read_fd,
        .gauges = shmrpci_stats_gauges_of(&at->served->stats),
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

/* Listens wherever that is planned and not done yet. */
static int listen_all(shmrpc_server *server, bool takes_processes,
                      shmrpc_error *error)
{
    uint32_t count = shmrpci_load_relaxed(&server->outlet_count);
    int status = SHMRPC_OK;
    while (count < server->planned_count && status == SHMRPC_OK) {
        status =
            listen_at(server, &server->outlets[count], takes_processes, error);
        if (status == SHMRPC_OK) {
            /* Pairs with stop's acquire: what it sees, it can stop. */
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
                   "what was opened was planned");
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
                                "a server has %d services at most",
                                SERVICES_MAX);
    }
    status = shmrpci_places_parse(server->opts.listen, service, &places, error);
    if (status == SHMRPC_OK) {
        status = served_new(server, service, handlers, impl, impl_size, user,
                            &served, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t first = server->planned_count;
    for (size_t i = 0; i < places.count && status == SHMRPC_OK; i++) {
        status = plan_outlet(server, served, &places.items[i],
                             (uint32_t)i * SHMRPCI_WORKERS_MAX, error);
    }
    if (status != SHMRPC_OK) {
        server->planned_count = first;
        served_free(served);
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
    make_stats(served, (uint32_t)places.count * SHMRPCI_WORKERS_MAX);
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
        served_free(server->services[--server->service_count]);
    }
    return status;
}

int shmrpci_server_listen(shmrpc_server *server, shmrpc_error *error)
{
    return listen_all(server, true, error);
}

/* ---- one process takes over from another ---- */

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
    /* As long as the predecessor still answers. */
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

/* ---- running ---- */

static void work(void *user)
{
    outlet_worker *worker = user;
    shmrpci_dispatch_run(worker->served, worker->participant, worker->place);
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
                   "workers start once");
    at->workers = calloc(count, sizeof *at->workers);
    if (at->workers == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        outlet_worker *worker = &at->workers[i];
        worker->served = at->served;
        worker->place = at->first_place + i;
        int status = at->transport->worker->participant_open(
            at->listener, i, &worker->participant, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        status = shmrpci_thread_create(&worker->thread, "shmrpc-worker", work,
                                       worker);
        if (status != SHMRPC_OK) {
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
    at->status = at->transport->listener->run(at->listener, &at->error);
    /* One that fails takes the others along: run reports it. */
    shmrpc_server_stop(at->server);
}

static int start_all(shmrpc_server *server, uint32_t count, shmrpc_error *error)
{
    int status = SHMRPC_OK;
    for (uint32_t i = 0; i < count && status == SHMRPC_OK; i++) {
        status =
            start_workers(&server->outlets[i], server->opts.workers, error);
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

/* Ends what start_all has started and reports the first failure. */
static int finish_all(shmrpc_server *server, uint32_t count, int status,
                      shmrpc_error *error)
{
    for (uint32_t i = 1; i < count; i++) {
        outlet *at = &server->outlets[i];
        if (at->has_thread) {
            shmrpci_thread_join(&at->thread);
            at->has_thread = false;
        } else {
            control(at); /* returns at once, and sends its workers home */
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
    /* A stop that came before the listeners were there is passed on now. */
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
