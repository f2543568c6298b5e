/* Connects and disconnects a client. */
#include "transport/shm/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/poll.h"
#include "os/process.h"
#include "os/socket.h"
#include "transport/shm/client_stream.h"
#include "transport/shm/locate.h"

/* Waits for one packet from the server. */
static shmrpc_status await_packet(int fd, int64_t deadline_ns, shm_packet *out)
{
    for (;;) {
        shmrpc_status status = shm_message_receive(fd, out);
        if (status != SHMRPC_E_BUSY) {
            return status;
        }
        if (!shmrpci_poll_readable(fd, deadline_ns)) {
            return SHMRPC_E_DEADLINE;
        }
    }
}

/* Reads the welcome of the server's rpc layer, from the packet or from its
 * memory file. */
static shmrpc_status read_welcome(shm_packet *packet, shmrpci_buf *welcome)
{
    uint32_t len = packet->head.tail;
    if (len > SHMRPCI_WELCOME_MAX_BYTES) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (len == 0) {
        return SHMRPC_OK;
    }
    if (len <= SHM_TAIL_MAX_BYTES) {
        shmrpci_buf_append(welcome, packet->tail, len);
        return welcome->status;
    }
    if (packet->fd_count <= SHM_FD_TAIL) {
        return SHMRPC_E_INVALID;
    }
    int fd = packet->fds[SHM_FD_TAIL];
    shmrpc_status status = shmrpci_memory_check(fd, len, NULL);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint8_t *at = shmrpci_buf_extend(welcome, len);
    return at == NULL ? welcome->status : shmrpci_memory_read(fd, at, len);
}

/* Maps memory of the server read-only. */
static shmrpc_status map_for_reading(int fd, size_t bytes, shmrpci_map *out)
{
    shmrpc_status status = shmrpci_memory_check(fd, bytes, NULL);
    return status != SHMRPC_OK
               ? status
               : shmrpci_memory_map(fd, bytes, SHMRPCI_ACCESS_READ, true, out);
}

static shmrpc_status map_status_page(shm_client *client, int fd)
{
    shmrpc_status status =
        map_for_reading(fd, sizeof *client->status, &client->status_map);
    if (status != SHMRPC_OK) {
        return status;
    }
    client->status = client->status_map.at;
    return client->status->magic == SHM_STATUS_MAGIC &&
                   client->status->version == SHM_LAYOUT_VERSION
               ? SHMRPC_OK
               : SHMRPC_E_CONTRACT;
}

/* Whether the server runs as our own user. Such a process can write to our
 * memory anyway, so we need not copy what we read from it. */
static bool is_of_our_user(int control_fd)
{
    shmrpci_credentials who;
    return shmrpci_socket_peer(control_fd, &who) == SHMRPC_OK &&
           who.uid == shmrpci_process_uid();
}

static shmrpc_status map_ledger(shm_client *client, int fd)
{
    shmrpc_status status =
        map_for_reading(fd, sizeof *client->ledger, &client->ledger_map);
    client->ledger = client->ledger_map.at;
    return status;
}

static shmrpc_status take_welcome(shm_client *client, shm_packet *packet,
                                  shmrpci_buf *welcome)
{
    if (packet->head.kind != SHM_MESSAGE_WELCOME ||
        packet->fd_count <= SHM_FD_LEDGER || packet->head.max_message == 0) {
        return SHMRPC_E_INVALID;
    }
    if (packet->head.max_message < client->max_message) {
        client->max_message = (size_t)packet->head.max_message;
    }
    client->is_trusted = is_of_our_user(client->control_fd);
    shmrpc_status status = shm_block_attach(
        packet->fds[SHM_FD_BLOCK], (size_t)packet->head.bytes, &client->block);
    if (status == SHMRPC_OK) {
        status = map_status_page(client, packet->fds[SHM_FD_STATUS]);
    }
    if (status == SHMRPC_OK) {
        status = map_ledger(client, packet->fds[SHM_FD_LEDGER]);
    }
    if (status == SHMRPC_OK) {
        shm_pool_init(&client->pool, client->block.arena, client->block.extents,
                      client->arena_ranges);
        client->pool.on_idle = shm_client_say_idle;
        client->pool.user = client;
        status = read_welcome(packet, welcome);
    }
    if (status == SHMRPC_OK) {
        client->bell_fd = packet->fds[SHM_FD_BELL];
        packet->fds[SHM_FD_BELL] = -1;
    }
    return status;
}

static shmrpc_status say_hello(int fd, const shmrpci_connect_opts *opts)
{
    if (opts->hello_len > SHMRPCI_HELLO_MAX_BYTES) {
        return SHMRPC_E_INVALID;
    }
    shm_message hello = {.kind = SHM_MESSAGE_HELLO,
                         .max_message = opts->max_message_bytes,
                         .bytes = shmrpci_process_namespace(),
                         .tag = (uint32_t)shmrpci_process_id(),
                         .tail = (uint32_t)opts->hello_len};
    return shm_message_send(fd, hello, opts->hello, NULL, 0);
}

static int report(shmrpc_status status, shmrpc_error *error)
{
    switch ((int)status) {
    case SHMRPC_E_CONTRACT:
        return shmrpc_error_set(error, status,
                                "the server speaks another version of the "
                                "shared-memory layout; rebuild the older one");
    case SHMRPC_E_UNAVAILABLE:
        return shmrpc_error_set(error, status,
                                "the server hung up during the handshake; it "
                                "is stopping, or has no descriptors left");
    case SHMRPC_E_DEADLINE:
        return shmrpc_error_set(error, status,
                                "the server listens, but did not answer in "
                                "time; is it stopped, or busy?");
    case SHMRPC_E_EXHAUSTED:
        return shmrpc_error_set(error, status,
                                "descriptors or memory ran out while "
                                "connecting");
    case SHMRPC_E_INVALID:
    case SHMRPC_E_DENIED:
        return shmrpc_error_set(error, status,
                                "the socket belongs to another program, or to "
                                "another version of this library");
    default:
        break;
    }
    return shmrpc_error_set(error, status, "connecting failed: %s",
                            shmrpc_status_text(status));
}

/* A refusal carries its message for people as the packet's tail. */
static int report_refusal(const shm_packet *packet, shmrpc_error *error)
{
    int status = packet->head.status;
    if (status >= 0) {
        status = SHMRPC_E_UNAVAILABLE;
    }
    int len = packet->head.tail < SHM_TAIL_MAX_BYTES ? (int)packet->head.tail
                                                     : (int)SHM_TAIL_MAX_BYTES;
    return shmrpc_error_set(error, status, "%.*s", len,
                            (const char *)packet->tail);
}

static shm_client *create(int control_fd, const shmrpci_connect_opts *opts)
{
    /* Slots take most of a client's memory, but few of them are ever used, so
     * whole pages are allocated: unused ones cost nothing. */
    shm_client *client = shmrpci_pages_create(sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->base.transport = &shmrpci_transport_shm;
    client->base.features = SHMRPCI_FEATURE_STREAMS | SHMRPCI_FEATURE_METADATA;
    client->control_fd = control_fd;
    client->bell_fd = -1;
    client->told_fd = -1;
    client->watch_set = -1;
    client->max_message = opts->max_message_bytes;
    shmrpci_store_relaxed(&client->free, UINT64_MAX);
    shmrpci_mutex_init(&client->slot_lock);
    shmrpci_cond_init(&client->slot_freed);
    shmrpci_mutex_init(&client->control_lock);
    shmrpci_spinner_init(&client->spinner, opts->profile, SHMRPCI_SIDE_CLIENT);
    shmrpci_spinner_init(&client->stream_spinner, opts->profile,
                         SHMRPCI_SIDE_CLIENT);
    shmrpci_yielder_init(&client->yielder, opts->profile);
    client->generation = shmrpci_fork_generation();
    if (shmrpci_fork_close_fd(&client->control_place, &client->control_fd) !=
            SHMRPC_OK ||
        shmrpci_fork_close_fd(&client->bell_place, &client->bell_fd) !=
            SHMRPC_OK) {
        client->control_fd = -1; /* the caller closes it */
        shm_client_disconnect(&client->base);
        return NULL;
    }
    return client;
}

int shm_client_handshake(int control_fd, const shmrpci_connect_opts *opts,
                         shmrpci_conn **out, shmrpci_buf *welcome,
                         shmrpc_error *error)
{
    shm_client *client = create(control_fd, opts);
    if (client == NULL) {
        shmrpci_fd_close(&control_fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    shm_packet packet = {.fd_count = 0};
    shmrpc_status status = say_hello(control_fd, opts);
    /* If the server refuses us on connect we can't send, but we can read its
     * reason. */
    if (status == SHMRPC_OK || status == SHMRPC_E_UNAVAILABLE) {
        status = await_packet(control_fd, opts->deadline_ns, &packet);
    }
    if (status == SHMRPC_OK && packet.head.kind == SHM_MESSAGE_REFUSED) {
        shm_packet_close_fds(&packet);
        shm_client_disconnect(&client->base);
        return report_refusal(&packet, error);
    }
    if (status == SHMRPC_OK) {
        status = take_welcome(client, &packet, welcome);
    }
    shm_packet_close_fds(&packet);
    if (status != SHMRPC_OK) {
        shm_client_disconnect(&client->base);
        return report(status, error);
    }
    *out = &client->base;
    return SHMRPC_OK;
}

int shm_client_connect(const shmrpci_address *address,
                       const shmrpci_connect_opts *opts, shmrpci_conn **out,
                       shmrpci_buf *welcome, shmrpc_error *error)
{
    int fd;
    char path[SHM_PATH_BYTES];
    int failed =
        shm_place_connect(address, opts->deadline_ns, &fd, path, error);
    if (failed != SHMRPC_OK) {
        return failed;
    }
    shmrpc_error reason = {.path = ""};
    failed = shm_client_handshake(fd, opts, out, welcome, &reason);
    if (failed == SHMRPC_E_UNAVAILABLE) { /* the address doesn't name the
                                           * socket's folder */
        return shmrpc_error_set(error, failed, "%s: %s", path, reason.message);
    }
    if (failed != SHMRPC_OK && error != NULL) {
        *error = reason;
    }
    return failed;
}

/* ---- queries without connecting as a client --------------------------- */

/* Sends `asks` instead of a hello, and waits for an answer of the given `kind`
 * with a descriptor. On OK the caller owns the descriptor. */
static int ask(int control_fd, shm_message asks, const char *tail,
               shm_message_kind kind, int64_t deadline_ns, int *out_fd,
               shmrpc_error *error)
{
    shm_packet packet = {.fd_count = 0};
    shmrpc_status status = shm_message_send(control_fd, asks, tail, NULL, 0);
    if (status == SHMRPC_OK || status == SHMRPC_E_UNAVAILABLE) {
        status = await_packet(control_fd, deadline_ns, &packet);
    }
    if (status == SHMRPC_OK && packet.head.kind == SHM_MESSAGE_REFUSED) {
        shm_packet_close_fds(&packet);
        return report_refusal(&packet, error);
    }
    if (status == SHMRPC_OK &&
        (packet.head.kind != kind || packet.fd_count != 1)) {
        status = SHMRPC_E_INVALID;
    }
    if (status == SHMRPC_OK) {
        *out_fd = packet.fds[0];
        packet.fds[0] = -1;
    }
    shm_packet_close_fds(&packet);
    return status == SHMRPC_OK ? SHMRPC_OK : report(status, error);
}

/* As ask, but at an address. The socket stays open, because its hang-up reports
 * the server's end. */
static int ask_at(const shmrpci_address *address, shm_message asks,
                  const char *tail, shm_message_kind kind, int64_t deadline_ns,
                  int *out_fd, int *out_watch_fd, shmrpc_error *error)
{
    int fd;
    char path[SHM_PATH_BYTES];
    int failed = shm_place_connect(address, deadline_ns, &fd, path, error);
    if (failed == SHMRPC_OK) {
        failed = ask(fd, asks, tail, kind, deadline_ns, out_fd, error);
        if (failed != SHMRPC_OK) {
            shmrpci_fd_close(&fd);
            return failed;
        }
        *out_watch_fd = fd;
    }
    return failed;
}

int shm_client_open_stats(const shmrpci_address *address, int64_t deadline_ns,
                          int *out_fd, int *out_watch_fd, shmrpc_error *error)
{
    shm_message observe = {.kind = SHM_MESSAGE_OBSERVE};
    return ask_at(address, observe, NULL, SHM_MESSAGE_STATS, deadline_ns,
                  out_fd, out_watch_fd, error);
}

int shm_client_open_object(const shmrpci_address *address, const char *name,
                           bool as_server, int64_t deadline_ns, int *out_fd,
                           int *out_watch_fd, shmrpc_error *error)
{
    size_t len = strlen(name);
    shm_message object = {.kind = SHM_MESSAGE_OBJECT,
                          .tag = as_server ? 1 : 0,
                          .tail = (uint32_t)len};
    if (len > SHMRPCI_SHARED_NAME_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND,
                                "the object's name is too long");
    }
    return ask_at(address, object, name, SHM_MESSAGE_OBJECT, deadline_ns,
                  out_fd, out_watch_fd, error);
}

void shm_client_disconnect(shmrpci_conn *conn)
{
    shm_client *client = (shm_client *)(void *)conn;
    /* A forked child doesn't have the thread that watches for the hang-up. */
    if (client->generation == shmrpci_fork_generation()) {
        shmrpci_hangup_end(&client->hangup);
    }
    shm_client_streams_forget(client);
    if (client->pool.regions[0] != NULL) {
        shm_pool_fini(&client->pool);
    }
    shmrpci_fork_keep_fd(&client->control_place);
    shmrpci_fork_keep_fd(&client->bell_place);
    shmrpci_fd_close(&client->control_fd);
    shmrpci_fd_close(&client->bell_fd);
    shmrpci_fd_close(&client->told_fd);
    shm_block_unmap(&client->block);
    shmrpci_memory_unmap(&client->status_map);
    shmrpci_memory_unmap(&client->ledger_map);
    /* In a forked child these functions would wait for threads that only the
     * parent has. */
    if (client->generation == shmrpci_fork_generation()) {
        shmrpci_mutex_fini(&client->control_lock);
        shmrpci_cond_fini(&client->slot_freed);
        shmrpci_mutex_fini(&client->slot_lock);
    }
    shmrpci_pages_destroy(client, sizeof *client);
}
