/* Sends and receives the packets of worker links. */
#include "transport/shm/worker_link.h"

#include <string.h>

#include "os/socket.h"

shmrpc_status shm_worker_link_send(int fd, const shm_worker_link_message *head,
                                   const int *fds, size_t fd_count)
{
    shm_worker_link_message message = *head;
    message.magic = SHM_WORKER_LINK_MAGIC;
    size_t len = offsetof(shm_worker_link_message, path);
    if (message.kind == SHM_WORKER_LINK_SETUP) {
        len = sizeof message;
    }
    return shmrpci_socket_send(fd, &message, len, fds, fd_count);
}

shmrpc_status shm_worker_link_receive(int fd, shm_worker_link_packet *out)
{
    size_t len = 0;
    memset(&out->head, 0, sizeof out->head);
    out->fd_count = 0;
    shmrpc_status status = shmrpci_socket_receive(
        fd, &out->head, sizeof out->head, &len, out->fds, &out->fd_count);
    bool is_whole = len >= offsetof(shm_worker_link_message, path) &&
                    out->head.magic == SHM_WORKER_LINK_MAGIC;
    out->head.path[sizeof out->head.path - 1] = '\0';
    if ((status == SHMRPC_OK || status == SHMRPC_E_EXHAUSTED) && !is_whole) {
        shm_worker_link_close_fds(out);
        return SHMRPC_E_INVALID;
    }
    return status;
}

void shm_worker_link_close_fds(shm_worker_link_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++) {
        shmrpci_fd_close(&packet->fds[i]);
    }
    packet->fd_count = 0;
}
