/* Functions of other files that the source of calls needs, besides those in
 * never.c. */
#include "engine.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"
#include "transport/shm/stream.h"
#include "transport/shm/worker.h"
#include "transport/shm/worker_mirror.h"

#undef shmrpci_event_set

/* ---- packets, of which only one is ever sent ----------------------------- */

shmrpc_status shm_message_send(int fd, shm_message message, const void *body,
                               const int *fds, size_t fd_count)
{
    (void)body;
    (void)fds;
    (void)fd_count;
    ENGINE_CHECK(message.kind != SHM_MESSAGE_RESCUED);
    shmrpci_event_set(fd);
    return SHMRPC_OK;
}

void shm_client_read_control(shm_client *client)
{
    shmrpci_event_clear(client->control_fd);
}

bool shmrpci_socket_is_backed_up(int fd)
{
    (void)fd;
    return false;
}

/* ---- other functions ----------------------------------------------------- */

bool shm_client_is_lost(shm_client *client)
{
    (void)client;
    return false;
}

void shm_extent_recover(shm_conn *conn, uint32_t slot)
{
    (void)conn;
    (void)slot;
}

void shm_streams_lose(shm_conn *conn, uint32_t slot)
{
    (void)conn;
    (void)slot;
}

void shm_stream_raise(shmrpci_atomic_u32 *alarm)
{
    (void)alarm;
}

void shm_extent_destroy_all(shm_conn *conn)
{
    (void)conn;
}

void shm_block_unmap(shm_block *block)
{
    engine_forbid(block->map.at, block->map.bytes);
}

void shmrpci_socket_shut(int fd)
{
    (void)fd;
}

void shm_conn_hide(shm_conn *conn)
{
    (void)conn;
}

void shm_worker_links_forget(shm_listener *listener, shm_conn *conn)
{
    (void)listener;
    (void)conn;
}

void shmrpci_mutex_fini(shmrpci_mutex *mutex)
{
    (void)mutex;
}
