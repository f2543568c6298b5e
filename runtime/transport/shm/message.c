/* Packets on the control socket. */
#include "transport/shm/message.h"

#include <string.h>

#include "os/memory.h"
#include "os/socket.h"
#include "transport/shm/layout.h"

_Static_assert(sizeof((shm_packet *)0)->fds / sizeof(int) ==
                   SHMRPCI_SOCKET_MAX_FDS,
               "a packet has room for all descriptors of a message");

shmrpc_status shm_message_send(int fd, shm_message head, const void *tail,
                               const int *fds, size_t fd_count)
{
    uint8_t bytes[sizeof head + SHM_TAIL_MAX_BYTES];
    size_t tail_len = head.tail <= SHM_TAIL_MAX_BYTES ? head.tail : 0;
    head.magic = SHM_MESSAGE_MAGIC;
    head.layout = SHM_LAYOUT_HASH;
    memcpy(bytes, &head, sizeof head);
    if (tail_len > 0) {
        memcpy(bytes + sizeof head, tail, tail_len);
    }
    return shmrpci_socket_send(fd, bytes, sizeof head + tail_len, fds,
                               fd_count);
}

static shmrpc_status check(const shm_packet *packet, size_t len)
{
    const shm_message *head = &packet->head;
    if (len < sizeof *head || head->magic != SHM_MESSAGE_MAGIC) {
        return SHMRPC_E_INVALID;
    }
    if (head->layout != SHM_LAYOUT_HASH) {
        return SHMRPC_E_CONTRACT;
    }
    /* A longer tail is in a memory file, not in the packet. */
    size_t tail = len - sizeof *head;
    if (head->tail != tail && !(tail == 0 && head->tail > SHM_TAIL_MAX_BYTES)) {
        return SHMRPC_E_INVALID;
    }
    return SHMRPC_OK;
}

shmrpc_status shm_message_receive(int fd, shm_packet *out)
{
    uint8_t bytes[sizeof out->head + SHM_TAIL_MAX_BYTES];
    size_t len;
    out->fd_count = 0;
    shmrpc_status status = shmrpci_socket_receive(fd, bytes, sizeof bytes, &len,
                                                  out->fds, &out->fd_count);
    if (status == SHMRPC_E_TOO_LARGE) {
        return SHMRPC_E_INVALID;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    memset(&out->head, 0, sizeof out->head);
    memcpy(&out->head, bytes, len < sizeof out->head ? len : sizeof out->head);
    status = check(out, len);
    if (status != SHMRPC_OK) {
        shm_packet_close_fds(out);
        return status;
    }
    memcpy(out->tail, bytes + sizeof out->head, len - sizeof out->head);
    return SHMRPC_OK;
}

void shm_packet_close_fds(shm_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++) {
        shmrpci_fd_close(&packet->fds[i]);
    }
    packet->fd_count = 0;
}
