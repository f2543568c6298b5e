/* Packets to the control loop of a server. The first byte says how many
 * descriptors the first packet has, and whether its magic and layout are
 * corrected; then come packets, each after its length in 2 bytes. */
#include "fuzz_shm.h"

#include <string.h>

#include "os/folder.h"
#include "os/memory.h"
#include "os/socket.h"
#include "transport/shm/layout.h"
#include "transport/shm/server.h"

static shm_listener *listener;

static int connect_to(void)
{
    int dir_fd;
    int fd;
    if (shmrpci_folder_open(fuzz_folder, &dir_fd) != SHMRPC_OK ||
        shmrpci_socket_connect(dir_fd, "fuzz.1.sock",
                               shmrpci_deadline_after(SHMRPCI_NS_PER_S),
                               &fd) != SHMRPC_OK) {
        abort();
    }
    shmrpci_fd_close(&dir_fd);
    return fd;
}

static void send_packet(int fd, const uint8_t *data, size_t len, uint8_t how)
{
    uint8_t bytes[8192];
    int fds[3] = {0, 1, 2};
    if (len == 0) {
        return; /* the server takes this for a hang-up */
    }
    memcpy(bytes, data, len);
    if ((how & 4) != 0 && len >= sizeof(shm_message)) {
        shm_message head;
        memcpy(&head, bytes, sizeof head);
        head.magic = SHM_MESSAGE_MAGIC;
        head.layout = SHM_LAYOUT_HASH;
        memcpy(bytes, &head, sizeof head);
    }
    (void)shmrpci_socket_send(fd, bytes, len, fds, how & 3u);
}

/* Returns the connection that was accepted last, in whatever list it is now. */
static shm_conn *newest(void)
{
    if (listener->handshakes != NULL) {
        return listener->handshakes;
    }
    return listener->table_count > 0
               ? listener->table[listener->table_count - 1]
               : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (listener == NULL) {
        listener = (shm_listener *)(void *)fuzz_listen();
    }
    if (size == 0) {
        return 0;
    }
    uint8_t how = data[0];
    int fd = connect_to();
    shm_control_accept(listener);
    shm_conn *conn = newest();
    for (size_t at = 1; at + 2 <= size && conn != NULL;) {
        size_t len = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        len = len < size - at ? len : size - at;
        len = len < 8192 ? len : 8192;
        send_packet(fd, data + at, len, how);
        how &= 4;
        at += len;
        shm_control_event(conn);
        conn = newest();
    }
    shmrpci_fd_close(&fd);
    if (conn != NULL) {
        /* The server first reads the remaining messages, then the hang-up. */
        for (int i = 0; i < 100 && conn->state != SHM_CONN_CLOSED; i++) {
            shm_control_event(conn);
        }
    }
    if (shm_control_reap(listener)) {
        abort(); /* no thread holds it, so it must have been freed */
    }
    return 0;
}
