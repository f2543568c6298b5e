/* What the text of calls needs of the rest, but for never.c. */
#include "engine.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"
#include "transport/shm/mirror.h"
#include "transport/shm/worker.h"

#undef shmrpci_event_set

/* ---- packets: only one is ever sent
 * ------------------------------------------ */

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

/* ---- the rest
 * ------------------------------------------------------------------ */

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
