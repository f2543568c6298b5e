/* Opens a listener, runs its loop, and closes it. */
#include "transport/shm/worker_mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/futex.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/stream.h"

/* Tags of the control loop's poll set; all other tags are connections or worker
 * links. */
#define TAG_STOP   UINT64_C(1)
#define TAG_LISTEN UINT64_C(2)
#define TAG_SWEEP  UINT64_C(3)

/* How often closed connections are checked while there are some. */
#define REAP_NS (5 * SHMRPCI_NS_PER_MS)

static shmrpc_status make_page(const char *label, size_t bytes, int *out_fd,
                               shmrpci_map *out)
{
    shmrpc_status status = shmrpci_memory_create(label, bytes, out_fd);
    return status != SHMRPC_OK
               ? status
               : shmrpci_memory_map(*out_fd, bytes, SHMRPCI_ACCESS_WRITE, true,
                                    out);
}

static shmrpc_status make_pages(shm_listener *listener)
{
    shmrpc_status status =
        make_page("shmrpc-status", sizeof(shm_status_page),
                  &listener->status_fd, &listener->status_map);
    if (status == SHMRPC_OK) {
        /* Clients get this read-only descriptor. */
        status = shmrpci_memory_reopen(listener->status_fd, SHMRPCI_ACCESS_READ,
                                       &listener->client_status_fd);
    }
    if (status == SHMRPC_OK) {
        status = make_page("shmrpc-shared", sizeof(shm_service_shared),
                           &listener->shared_fd, &listener->shared_map);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    listener->status = listener->status_map.at;
    listener->status->magic = SHM_STATUS_MAGIC;
    listener->status->version = SHM_LAYOUT_VERSION;
    listener->shared = listener->shared_map.at;
    listener->shared->magic = SHM_SHARED_MAGIC;
    listener->shared->version = SHM_LAYOUT_VERSION;
    return SHMRPC_OK;
}

shmrpc_status shm_listener_equip(shm_listener *listener)
{
    shmrpc_status status = shmrpci_poll_create(&listener->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->stop_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->spare_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->sweep_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->poll_set, listener->stop_fd,
                                  SHMRPCI_POLL_BELL, TAG_STOP);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->poll_set, listener->place.listen_fd,
                                  SHMRPCI_POLL_LEVEL, TAG_LISTEN);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->poll_set, listener->sweep_fd,
                                  SHMRPCI_POLL_BELL, TAG_SWEEP);
    }
    (void)snprintf(listener->description, sizeof listener->description,
                   "shm %s", listener->place.path);
    return status;
}

static shmrpc_status make_descriptors(shm_listener *listener)
{
    shmrpc_status status = shm_listener_equip(listener);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->bell_fd);
    }
    return status == SHMRPC_OK ? make_pages(listener) : status;
}

static uint32_t *copy_ids(const uint32_t *ids, size_t count)
{
    uint32_t *copy = count > 0 ? calloc(count, sizeof *copy) : NULL;
    if (copy != NULL) {
        memcpy(copy, ids, count * sizeof *copy);
    }
    return copy;
}

shm_listener *shm_listener_create(const shmrpci_listen_opts *opts)
{
    shm_listener *listener =
        aligned_alloc(128, (sizeof *listener + 127) / 128 * 128);
    if (listener == NULL) {
        return NULL;
    }
    memset(listener, 0, sizeof *listener);
    listener->base.transport = &shmrpci_transport_shm;
    listener->opts = *opts;
    listener->place = (shm_place){.dir_fd = -1, .lock_fd = -1, .listen_fd = -1};
    listener->poll_set = listener->stop_fd = listener->spare_fd = -1;
    listener->bell_fd = listener->status_fd = listener->sweep_fd = -1;
    listener->client_status_fd = listener->shared_fd = -1;
    listener->sweep_ns = SHMRPCI_NEVER_NS;
    listener->signal = &listener->table_version;
    shmrpci_mutex_init(&listener->accounts_lock);
    shmrpci_mutex_init(&listener->table_lock);
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        shmrpci_store_relaxed(&listener->places[i].seen, SHM_OFFLINE);
        listener->places[i].poll_set = -1;
        listener->worker_links[i].fd = -1;
    }
    listener->allowed_uids =
        copy_ids(opts->allowed_uids, opts->allowed_uid_count);
    listener->allowed_gids =
        copy_ids(opts->allowed_gids, opts->allowed_gid_count);
    if ((listener->allowed_uids == NULL && opts->allowed_uid_count > 0) ||
        (listener->allowed_gids == NULL && opts->allowed_gid_count > 0)) {
        shm_listener_close(&listener->base);
        return NULL;
    }
    return listener;
}

int shm_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error)
{
    shm_listener *listener = shm_listener_create(opts);
    if (listener == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    bool for_others = opts->allowed_uid_count + opts->allowed_gid_count > 0;
    int failed = shm_place_listen(address, for_others ? 0666u : 0600u,
                                  &listener->place, error);
    if (failed == SHMRPC_OK) {
        failed = make_descriptors(listener);
        if (failed != SHMRPC_OK) {
            (void)shmrpc_error_set(error, failed, "can't listen: %s",
                                   shmrpc_status_text(failed));
        }
    }
    if (failed != SHMRPC_OK) {
        shm_listener_close(&listener->base);
        return failed;
    }
    *out = &listener->base;
    return SHMRPC_OK;
}

static void dispatch(shm_listener *listener, uint64_t tag)
{
    if (tag == TAG_STOP) {
        return; /* the loops read the state that the event announces */
    }
    if (tag == TAG_LISTEN) {
        shm_control_accept(listener);
    } else if (tag == TAG_SWEEP) {
        listener->sweep_ns = 0;
    } else if (tag >= SHM_TAG_WORKER_LINKS &&
               tag < SHM_TAG_WORKER_LINKS + SHM_MAX_WORKERS) {
        shm_worker_link_event(listener, (uint32_t)(tag - SHM_TAG_WORKER_LINKS));
    } else {
        union {
            uint64_t tag;
            shm_conn *conn;
        } it = {.tag = tag};
        shm_control_event(it.conn);
    }
}

/* Does work that no event triggers. Returns when to do it again. Closed
 * connections are freed here, between two batches of events, so no tag of a
 * batch can refer to a freed one. */
static int64_t tidy(shm_listener *listener)
{
    int64_t wake_ns = shm_control_expire(listener);
    int64_t sweep_ns = shm_extent_sweep(listener);
    wake_ns = sweep_ns < wake_ns ? sweep_ns : wake_ns;
    bool is_lagging = shm_worker_links_catch_up(listener);
    bool is_closing = shm_control_reap(listener);
    if (is_lagging || is_closing) {
        int64_t soon_ns = shmrpci_deadline_after(REAP_NS);
        wake_ns = soon_ns < wake_ns ? soon_ns : wake_ns;
    }
    return wake_ns;
}

static void take_events(shm_listener *listener, int64_t until_ns)
{
    uint64_t tags[64];
    size_t count = shmrpci_poll_wait(listener->poll_set, tags, 64, until_ns);
    for (size_t i = 0; i < count; i++) {
        dispatch(listener, tags[i]);
    }
}

int shm_listener_run(shmrpci_listener *base, shmrpc_error *error)
{
    (void)error;
    shm_listener *listener = (shm_listener *)(void *)base;
    while (shmrpci_load_acquire(&listener->stopping) == SHM_ORDER_WORK) {
        take_events(listener, tidy(listener));
    }
    return SHMRPC_OK;
}

/* Ends the streams of the workers of this process. */
static void cut_streams(shm_listener *listener)
{
    /* Set before the alarms are raised, so that the woken threads see it. */
    shmrpci_store_seq(&listener->stopping, (uint32_t)SHM_ORDER_CUT);
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        shm_stream_raise(&listener->shared->workers[i].alarm);
    }
}

void shm_listener_linger(shmrpci_listener *base,
                         const shmrpci_atomic_u32 *working, int64_t cut_ns)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    SHMRPCI_ASSERT(listener->mirror == NULL, "a mirror has no control loop");
    if (listener->place.listen_fd >= 0) {
        shmrpci_poll_remove(listener->poll_set, listener->place.listen_fd);
    }
    while (shmrpci_load_acquire(working) != 0) {
        int64_t wake_ns = tidy(listener);
        take_events(listener, wake_ns < cut_ns ? wake_ns : cut_ns);
        if (shmrpci_now_ns() >= cut_ns) {
            cut_streams(listener);
            cut_ns = SHMRPCI_NEVER_NS;
        }
    }
}

int shm_listener_poll_fd(const shmrpci_listener *base)
{
    return ((const shm_listener *)(const void *)base)->poll_set;
}

int64_t shm_listener_step(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    take_events(listener, 0);
    return tidy(listener);
}

void shm_listener_stop(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    uint32_t order = SHM_ORDER_WORK;
    /* The exchange changes nothing if streams were already cut. */
    (void)shmrpci_cas_seq(&listener->stopping, &order,
                          (uint32_t)SHM_ORDER_LEAVE);
    if (listener->mirror != NULL) {
        for (uint32_t i = 0; i < listener->mirror->count; i++) {
            shmrpci_store_release(
                &listener->shared->workers[listener->mirror->first + i].order,
                (uint32_t)SHM_ORDER_LEAVE);
        }
    }
    shmrpci_event_set(listener->stop_fd);
}

static void disown_conn(shm_conn *conn)
{
    shmrpci_fd_close(&conn->fd);
    shmrpci_fd_close(&conn->bell_fd);
    shmrpci_fd_close(&conn->block_fd);
    shmrpci_fd_close(&conn->ledger_fd);
    for (uint32_t i = 1; i <= SHM_EXTENTS; i++) {
        shm_extent *extent = shm_extent_of(conn, i);
        if (extent != NULL) {
            shmrpci_fd_close(&extent->fd);
        }
    }
}

void shm_listener_disown(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    for (size_t i = 0; i < listener->table_count; i++) {
        disown_conn(listener->table[i]);
    }
    shm_conn *lists[] = {listener->handshakes, listener->closed};
    for (size_t i = 0; i < 2; i++) {
        for (shm_conn *conn = lists[i]; conn != NULL; conn = conn->next) {
            disown_conn(conn);
        }
    }
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        shmrpci_fd_close(&listener->worker_links[i].fd);
    }
    int *const fds[] = {
        &listener->place.listen_fd,  &listener->place.lock_fd,
        &listener->place.dir_fd,     &listener->poll_set,
        &listener->stop_fd,          &listener->spare_fd,
        &listener->bell_fd,          &listener->status_fd,
        &listener->client_status_fd, &listener->shared_fd,
        &listener->sweep_fd,
    };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        shmrpci_fd_close(fds[i]);
    }
}

/* Wakes the threads of a client that sleep while they wait for a reply. Without
 * this each would sleep until the end of its slice. */
static void wake_waiters(const shm_conn *conn)
{
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        shmrpci_futex_wake(&conn->block.slots[i].word, INT32_MAX);
    }
}

static void close_connections(shm_listener *listener)
{
    for (size_t i = 0; i < listener->table_count && !listener->is_abandoned;
         i++) {
        shm_conn *conn = listener->table[i];
        shmrpci_store_release(conn->block.closed, 1u);
        shmrpci_socket_shut(conn->fd);
        wake_waiters(conn);
    }
    for (size_t i = 0; i < listener->table_count; i++) {
        if (listener->table[i]->state == SHM_CONN_OPEN) {
            shm_conn_destroy(listener->table[i]);
        } /* one that has been closed is destroyed with the list below */
    }
    shm_conn *lists[] = {listener->handshakes, listener->closed};
    for (size_t i = 0; i < 2; i++) {
        for (shm_conn *conn = lists[i]; conn != NULL;) {
            shm_conn *next = conn->next;
            shm_conn_destroy(conn);
            conn = next;
        }
    }
    free(listener->table);
}

void shm_listener_close(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    shm_place_close(&listener->place);
    if (listener->mirror != NULL) {
        shm_mirror_close(listener);
    }
    close_connections(listener);
    shmrpci_fd_close(&listener->poll_set);
    shmrpci_fd_close(&listener->stop_fd);
    shmrpci_fd_close(&listener->spare_fd);
    shmrpci_fd_close(&listener->bell_fd);
    shmrpci_fd_close(&listener->sweep_fd);
    shmrpci_fd_close(&listener->status_fd);
    shmrpci_fd_close(&listener->client_status_fd);
    shmrpci_fd_close(&listener->shared_fd);
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        shmrpci_fd_close(&listener->worker_links[i].fd);
    }
    shmrpci_memory_unmap(&listener->status_map);
    shmrpci_memory_unmap(&listener->shared_map);
    shmrpci_mutex_fini(&listener->table_lock);
    shmrpci_mutex_fini(&listener->accounts_lock);
    free(listener->allowed_uids);
    free(listener->allowed_gids);
    shmrpci_farewell_drop_all(&listener->farewells);
    for (shm_left *left; (left = listener->lefts) != NULL;) {
        listener->lefts = left->next;
        free(left);
    }
    free(listener);
}

const char *shm_listener_describe(const shmrpci_listener *base)
{
    return ((const shm_listener *)(const void *)base)->description;
}
