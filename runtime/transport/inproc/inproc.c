/*
 * Listeners of the inproc transport, the registry of their names, and the
 * operations table.
 *
 * The registry is the one global of the transport: a list of hubs in which each
 * combination of name, instance and port occurs at most once. A forked child
 * inherits the list but none of the threads that serve it. Each hub therefore
 * carries the fork generation of the process that made it, and hubs of other
 * processes are ignored.
 *
 * A hub is refcounted: the listener holds a reference, each connection holds
 * one, and so does each thread that is working with the hub. Closing the
 * listener removes the hub from the registry; connections that are still open
 * then see `closed` and end their calls.
 */
#include "transport/inproc/inproc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/futex.h"
#include "os/memory.h"

/* All hubs, as a linked list. */
static struct {
    shmrpci_mutex lock;
    inproc_hub *first;
} registry = {.lock = SHMRPCI_MUTEX_INIT};

/* Returns whether `hub` listens at `address` in this process. Hubs inherited
 * from a parent process don't count: their threads are not in this process. */
static bool is_at(const inproc_hub *hub, const shmrpci_address *address)
{
    return hub->generation == shmrpci_fork_generation() &&
           strcmp(hub->name, address->name) == 0 &&
           strcmp(hub->instance, address->instance) == 0 &&
           hub->port == address->port;
}

static inproc_hub *find_locked(const shmrpci_address *address)
{
    inproc_hub *hub = registry.first;
    while (hub != NULL && !is_at(hub, address)) {
        hub = hub->next;
    }
    return hub;
}

/* Takes both locks: the registry's keeps the hub alive until the new reference
 * is counted, and the hub's guards the refcount. */
inproc_hub *shmrpci_inproc_find(const shmrpci_address *address)
{
    shmrpci_mutex_lock(&registry.lock);
    inproc_hub *hub = find_locked(address);
    if (hub != NULL) {
        shmrpci_mutex_lock(&hub->lock);
        hub->refs++;
        shmrpci_mutex_unlock(&hub->lock);
    }
    shmrpci_mutex_unlock(&registry.lock);
    return hub;
}

void shmrpci_inproc_unref(inproc_hub *hub)
{
    shmrpci_mutex_lock(&hub->lock);
    /* After the last reference is dropped nobody else can see the hub: it has
     * already left the registry. */
    bool last = --hub->refs == 0;
    shmrpci_mutex_unlock(&hub->lock);
    if (last) {
        shmrpci_farewell_drop_all(&hub->farewells);
        shmrpci_cond_fini(&hub->work);
        shmrpci_semaphore_fini(&hub->wake);
        shmrpci_mutex_fini(&hub->lock);
        free(hub);
    }
}

/* Returns a hub with one reference, the listener's, that is not yet in the
 * registry; NULL when out of memory. */
static inproc_hub *hub_new(const shmrpci_address *address,
                           const shmrpci_listen_opts *opts)
{
    inproc_hub *hub = calloc(1, sizeof *hub);
    if (hub == NULL) {
        return NULL;
    }
    hub->base.transport = &shmrpci_transport_inproc;
    hub->refs = 1;
    hub->generation = shmrpci_fork_generation();
    hub->opts = *opts;
    hub->port = address->port;
    memcpy(hub->name, address->name, sizeof hub->name);
    memcpy(hub->instance, address->instance, sizeof hub->instance);
    (void)snprintf(hub->address, sizeof hub->address, "inproc://%s%s%s",
                   hub->name, hub->instance[0] != '\0' ? "@" : "",
                   hub->instance);
    shmrpci_mutex_init(&hub->lock);
    shmrpci_semaphore_init(&hub->wake);
    shmrpci_cond_init(&hub->work);
    return hub;
}

/* Searches and inserts under one lock, so that of two services with the same
 * name only the first can listen. */
static int listen_at(const shmrpci_address *address,
                     const shmrpci_listen_opts *opts, shmrpci_listener **out,
                     shmrpc_error *error)
{
    if (opts->max_workers > SHMRPCI_INPROC_MAX_WORKERS) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "%u workers are too many (at most %u)",
                                opts->max_workers, SHMRPCI_INPROC_MAX_WORKERS);
    }
    inproc_hub *hub = hub_new(address, opts);
    if (hub == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shmrpci_mutex_lock(&registry.lock);
    bool exists = find_locked(address) != NULL;
    if (!exists) {
        hub->next = registry.first;
        registry.first = hub;
    }
    shmrpci_mutex_unlock(&registry.lock);
    if (exists) {
        int status =
            shmrpc_error_set(error, SHMRPC_E_EXISTS,
                             "%s runs already in this process", hub->address);
        shmrpci_inproc_unref(hub);
        return status;
    }
    *out = &hub->base;
    return SHMRPC_OK;
}

/* The control loop: answers one client after the other until stop is called,
 * then turns away the clients that still wait. Handshakes run here, on the
 * listener's thread, as with every transport. */
static int run(shmrpci_listener *listener, shmrpc_error *error)
{
    (void)error;
    inproc_hub *hub = (inproc_hub *)listener;
    /* Acquire: pairs with the increment in stop. What the caller of stop has
     * written before is visible here. */
    while (shmrpci_load_acquire(&hub->stops) == 0) {
        if (!shmrpci_inproc_answer(hub)) {
            shmrpci_semaphore_wait(&hub->wake);
        }
    }
    shmrpci_mutex_lock(&hub->lock);
    hub->stopped = true;
    shmrpci_inproc_turn_away(hub);
    shmrpci_cond_broadcast(&hub->work);
    shmrpci_mutex_unlock(&hub->lock);
    return SHMRPC_OK;
}

/* Waits until no worker is busy. At `cut_ns` ends the streams of workers that
 * are still busy. Does not watch for clients that leave, since such a client
 * wakes its workers itself. */
static void linger(shmrpci_listener *listener,
                   const shmrpci_atomic_u32 *working, int64_t cut_ns)
{
    inproc_hub *hub = (inproc_hub *)listener;
    for (;;) {
        /* Read before `working` is checked: the last worker to finish calls
         * stop, and a count that has changed ends the wait below. */
        uint32_t seen = shmrpci_load_seq(&hub->stops);
        if (shmrpci_load_acquire(working) == 0) {
            return;
        }
        if (shmrpci_now_ns() >= cut_ns) {
            break;
        }
        (void)shmrpci_futex_wait(&hub->stops, seen, cut_ns);
    }
    shmrpci_store_seq(&hub->cut, 1u);
    (void)shmrpci_futex_wake(&hub->cut, INT32_MAX);
}

/* May be called from any thread and from a signal handler: it only increments
 * `stops` and wakes run or linger. */
static void stop(shmrpci_listener *listener)
{
    inproc_hub *hub = (inproc_hub *)listener;
    int saved_errno = errno;
    (void)shmrpci_add_seq(&hub->stops, 1u);
    (void)shmrpci_futex_wake(&hub->stops, INT32_MAX);
    shmrpci_semaphore_post(&hub->wake);
    errno = saved_errno;
}

/* Takes the hub out of the registry; from then on no client finds it, and the
 * name is free. */
static void forget(inproc_hub *hub)
{
    shmrpci_mutex_lock(&registry.lock);
    inproc_hub **at = &registry.first;
    while (*at != hub) {
        at = &(*at)->next;
    }
    *at = hub->next;
    shmrpci_mutex_unlock(&registry.lock);
}

/* Ends all calls: queued ones have not run, claimed ones may have. Each
 * connection stays until its client closes it, and the hub stays as long as any
 * connection does. */
static void close_listener(shmrpci_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    inproc_hub *hub = (inproc_hub *)listener;
    forget(hub);
    shmrpci_mutex_lock(&hub->lock);
    hub->stopped = true;
    hub->closed = true;
    shmrpci_inproc_turn_away(hub);
    /* The queued slots stay SUBMITTED; receive sees `closed` and returns
     * UNAVAILABLE for them. */
    hub->queue_head = NULL;
    hub->queue_tail = NULL;
    inproc_conn *next;
    for (inproc_conn *conn = hub->conns; conn != NULL; conn = next) {
        /* Losing a oneway call may free the connection. */
        next = conn->next;
        shmrpci_inproc_conn_lose(conn);
    }
    shmrpci_mutex_unlock(&hub->lock);
    shmrpci_inproc_unref(hub);
}

/* Calls `found` with the registry's lock held, so `found` must not call the
 * transport. */
static int find_all(shmrpci_on_found *found, void *user, shmrpc_error *error)
{
    (void)error;
    shmrpci_mutex_lock(&registry.lock);
    for (const inproc_hub *hub = registry.first; hub != NULL; hub = hub->next) {
        if (hub->generation == shmrpci_fork_generation()) {
            shmrpci_address address = {.transport = &shmrpci_transport_inproc,
                                       .port = hub->port};
            memcpy(address.name, hub->name, sizeof address.name);
            memcpy(address.instance, hub->instance, sizeof address.instance);
            found(user, &address, hub->address);
        }
    }
    shmrpci_mutex_unlock(&registry.lock);
    return SHMRPC_OK;
}

static int not_here(const shmrpci_address *address, shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                            "inproc://%s does not run in this process",
                            address->name);
}

/* Opens the same statistics page as shm does, as a separate read-only
 * descriptor. */
static int open_stats(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, int *out_watch_fd, shmrpc_error *error)
{
    (void)deadline_ns;
    inproc_hub *hub = shmrpci_inproc_find(address);
    if (hub == NULL) {
        return not_here(address, error);
    }
    /* The lock keeps the descriptor from being closed while it is reopened. */
    shmrpci_mutex_lock(&hub->lock);
    int status = hub->closed ? SHMRPC_E_UNAVAILABLE
                 : hub->opts.has_stats
                     ? shmrpci_memory_reopen(hub->opts.stats_fd,
                                             SHMRPCI_ACCESS_READ, out_fd)
                     : SHMRPC_E_UNIMPLEMENTED;
    shmrpci_mutex_unlock(&hub->lock);
    shmrpci_inproc_unref(hub);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status, "the statistics of %s: %s",
                                address->name, shmrpc_status_text(status));
    }
    *out_watch_fd = -1;
    return SHMRPC_OK;
}

/* Runs on_object on the client's thread, which transport.h allows: there is no
 * other process to ask. */
static int open_object(const shmrpci_address *address, const char *name,
                       bool as_server, int64_t deadline_ns, int *out_fd,
                       int *out_watch_fd, shmrpc_error *error)
{
    (void)deadline_ns;
    inproc_hub *hub = shmrpci_inproc_find(address);
    if (hub == NULL) {
        return not_here(address, error);
    }
    int status = shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                  "the service shares no objects");
    shmrpci_mutex_lock(&hub->lock);
    if (hub->closed) {
        status = not_here(address, error);
    } else if (hub->opts.on_object != NULL) {
        const shmrpc_peer peer = shmrpci_inproc_self(hub);
        status = hub->opts.on_object(hub->opts.user, name, as_server, &peer,
                                     out_fd, error);
    }
    shmrpci_mutex_unlock(&hub->lock);
    shmrpci_inproc_unref(hub);
    *out_watch_fd = -1;
    return status;
}

static const char *describe(const shmrpci_listener *listener)
{
    return ((const inproc_hub *)listener)->address;
}

/* The hub has an array of places, one for each worker index, so that a new
 * worker can take over the place of a dead one. */
static int participant_open(shmrpci_listener *listener, uint32_t index,
                            shmrpci_participant **out, shmrpc_error *error)
{
    inproc_hub *hub = (inproc_hub *)listener;
    if (index >= hub->opts.max_workers) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "worker %u is beyond the limit (at most %u)",
                                index, hub->opts.max_workers);
    }
    shmrpci_mutex_lock(&hub->lock);
    inproc_participant *participant = &hub->participants[index];
    bool taken = participant->taken;
    if (!taken) {
        *participant = (inproc_participant){
            .base = {.transport = &shmrpci_transport_inproc},
            .hub = hub,
            .index = index,
            .taken = true,
        };
    }
    shmrpci_mutex_unlock(&hub->lock);
    if (taken) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the place of worker %u is taken", index);
    }
    *out = &participant->base;
    return SHMRPC_OK;
}

/* Frees a worker's place after the worker left or died, and ABORTs the calls
 * that it held. Does nothing if the place is already free. */
static void leave(inproc_hub *hub, uint32_t index)
{
    shmrpci_mutex_lock(&hub->lock);
    if (hub->participants[index].taken) {
        hub->participants[index].taken = false;
        shmrpci_inproc_recover_slots(hub, index);
    }
    shmrpci_mutex_unlock(&hub->lock);
}

static void participant_close(shmrpci_participant *base)
{
    if (base != NULL) {
        inproc_participant *participant = (inproc_participant *)base;
        leave(participant->hub, participant->index);
    }
}

static void recover(shmrpci_listener *listener, uint32_t index)
{
    inproc_hub *hub = (inproc_hub *)listener;
    if (index < hub->opts.max_workers) {
        leave(hub, index);
    }
}

/* Operations that inproc lacks are left out of these tables: callers test for
 * NULL. */
static const shmrpci_client_ops client = {
    .connect = shmrpci_inproc_connect,
    .disconnect = shmrpci_inproc_disconnect,
    .reserve = shmrpci_inproc_reserve,
    .abort = shmrpci_inproc_abort,
    .commit = shmrpci_inproc_commit,
    .receive = shmrpci_inproc_receive,
    .release = shmrpci_inproc_release,
    .cancel = shmrpci_inproc_cancel,
    .watch = shmrpci_inproc_watch,
    .arm = shmrpci_inproc_arm,
    .acknowledge = shmrpci_inproc_acknowledge,
};

static const shmrpci_listener_ops listener = {
    .listen = listen_at,
    .run = run,
    .linger = linger,
    .stop = stop,
    .close = close_listener,
    .describe = describe,
    .recover = recover,
};

static const shmrpci_worker_ops worker = {
    .participant_open = participant_open,
    .participant_close = participant_close,
    .next = shmrpci_inproc_next,
    .reply_reserve = shmrpci_inproc_reply_reserve,
    .reply_commit = shmrpci_inproc_reply_commit,
    .drop = shmrpci_inproc_drop,
    .is_cancelled = shmrpci_inproc_is_cancelled,
    .is_draining = shmrpci_inproc_is_draining,
    .connection = shmrpci_inproc_connection,
    .detach = shmrpci_inproc_detach,
    .detached_end = shmrpci_inproc_detached_end,
    .watch = shmrpci_inproc_watch_end,
    .hello = shmrpci_inproc_hello,
};

static const shmrpci_discovery_ops discovery = {
    .find = find_all,
    .open_stats = open_stats,
    .open_object = open_object,
};

const shmrpci_transport shmrpci_transport_inproc = {
    .scheme = "inproc",
    .client = &client,
    .listener = &listener,
    .worker = &worker,
    .discovery = &discovery,
    .lends = &shmrpci_inproc_lend_ops,
    .streams = &shmrpci_inproc_stream_ops,
    .pump = &shmrpci_inproc_pump_ops,
};
