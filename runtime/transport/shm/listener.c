/* Opening a listener, its loop, and its end. */
#include "transport/shm/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/fault.h"
#include "os/futex.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"

/* Tags of the poll set; all others are connections. */
#define TAG_STOP   UINT64_C(1)
#define TAG_LISTEN UINT64_C(2)

/* How often closed connections are looked after while there are some. */
#define REAP_NS (5 * SHMRPCI_NS_PER_MS)

static shmrpc_status make_status_page(shm_listener *listener)
{
    size_t bytes = sizeof(shm_status_page);
    shmrpc_status status =
        shmrpci_memory_create("shmrpc-status", bytes, &listener->status_fd);
    if (status == SHMRPC_OK) {
        status =
            shmrpci_memory_map(listener->status_fd, bytes, SHMRPCI_ACCESS_WRITE,
                               true, &listener->status_map);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    /* From here on nobody else can map it for writing. */
    (void)shmrpci_memory_seal_writers(listener->status_fd);
    listener->status = listener->status_map.at;
    listener->status->magic = SHM_STATUS_MAGIC;
    listener->status->version = SHM_LAYOUT_VERSION;
    return SHMRPC_OK;
}

static shmrpc_status make_descriptors(shm_listener *listener)
{
    shmrpc_status status = shmrpci_poll_create(&listener->poll_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->stop_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->spare_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->bell_fd);
    }
    if (status == SHMRPC_OK) {
        status = make_status_page(listener);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->poll_set, listener->stop_fd,
                                  SHMRPCI_POLL_LEVEL, TAG_STOP);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->poll_set, listener->place.listen_fd,
                                  SHMRPCI_POLL_LEVEL, TAG_LISTEN);
    }
    return status;
}

static shm_listener *create(const shmrpci_listen_opts *opts)
{
    shm_listener *listener =
        aligned_alloc(128, (sizeof *listener + 127) / 128 * 128);
    if (listener == NULL) {
        return NULL;
    }
    memset(listener, 0, sizeof *listener);
    listener->base.transport = &shmrpci_transport_shm;
    listener->opts = *opts;
    listener->place = (shm_place){-1, -1, -1, "", ""};
    listener->poll_set = listener->stop_fd = listener->spare_fd = -1;
    listener->bell_fd = listener->status_fd = -1;
    shmrpci_mutex_init(&listener->accounts_lock);
    shmrpci_mutex_init(&listener->table_lock);
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        shmrpci_store_relaxed(&listener->places[i].seen, SHM_OFFLINE);
        listener->places[i].poll_set = -1;
    }
    if (opts->allowed_uid_count > 0) {
        size_t bytes = opts->allowed_uid_count * sizeof *opts->allowed_uids;
        listener->allowed_uids = malloc(bytes);
        if (listener->allowed_uids == NULL) {
            shm_listener_close(&listener->base);
            return NULL;
        }
        memcpy(listener->allowed_uids, opts->allowed_uids, bytes);
    }
    return listener;
}

int shm_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error)
{
    shm_listener *listener = create(opts);
    if (listener == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int failed = shm_place_listen(address, &listener->place, error);
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
    (void)snprintf(listener->description, sizeof listener->description,
                   "shm %s", listener->place.path);
    *out = &listener->base;
    return SHMRPC_OK;
}

static void dispatch(shm_listener *listener, uint64_t tag)
{
    switch (tag) {
    case TAG_STOP:
        break; /* stays readable: `stopping` ends the loop */
    case TAG_LISTEN:
        shm_control_accept(listener);
        break;
    default: {
        union {
            uint64_t tag;
            shm_conn *conn;
        } it = {.tag = tag};
        shm_control_event(it.conn);
        break;
    }
    }
}

int shm_listener_run(shmrpci_listener *base, shmrpc_error *error)
{
    (void)error;
    shm_listener *listener = (shm_listener *)(void *)base;
    uint64_t tags[64];
    while (shmrpci_load_acquire(&listener->stopping) == 0) {
        int64_t wake_ns = shm_control_expire(listener);
        /* Closed connections are freed here, between two batches of events,
         * so that no tag of a batch can point to one. */
        if (shm_control_reap(listener)) {
            int64_t reap_ns = shmrpci_deadline_after(REAP_NS);
            wake_ns = reap_ns < wake_ns ? reap_ns : wake_ns;
        }
        size_t count = shmrpci_poll_wait(listener->poll_set, tags, 64, wake_ns);
        for (size_t i = 0; i < count; i++) {
            dispatch(listener, tags[i]);
        }
    }
    return SHMRPC_OK;
}

void shm_listener_stop(shmrpci_listener *base)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    shmrpci_store_release(&listener->stopping, 1u);
    shmrpci_event_set(listener->stop_fd);
}

/* Whoever waits for a reply learns now, not at the end of its slice. */
static void wake_waiters(const shm_conn *conn)
{
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        shmrpci_futex_wake(&conn->block.slots[i].word, INT32_MAX);
    }
}

static void close_connections(shm_listener *listener)
{
    for (size_t i = 0; i < listener->table_count; i++) {
        shm_conn *conn = listener->table[i];
        shmrpci_store_release(conn->block.closed, 1u);
        shmrpci_socket_shut(conn->fd);
        wake_waiters(conn);
    }
    for (size_t i = 0; i < listener->table_count; i++) {
        if (listener->table[i]->state == SHM_CONN_OPEN) {
            shm_conn_destroy(listener->table[i]);
        } /* else it is in the list of the closed as well */
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
    close_connections(listener);
    shmrpci_fd_close(&listener->poll_set);
    shmrpci_fd_close(&listener->stop_fd);
    shmrpci_fd_close(&listener->spare_fd);
    shmrpci_fd_close(&listener->bell_fd);
    shmrpci_fd_close(&listener->status_fd);
    shmrpci_memory_unmap(&listener->status_map);
    shmrpci_mutex_fini(&listener->table_lock);
    shmrpci_mutex_fini(&listener->accounts_lock);
    free(listener->allowed_uids);
    free(listener);
}

const char *shm_listener_describe(const shmrpci_listener *base)
{
    return ((const shm_listener *)(const void *)base)->description;
}
