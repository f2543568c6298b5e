/*
 * Anything that a server may leave in a slot, together with a packet that it
 * may send: the client must accept or refuse each of them.
 *
 *   0    48  head of an EXTENT packet, sent with a descriptor if byte 0 is
 *            odd; magic, layout and tail are corrected
 *   48    2  message flags
 *   50    4  length
 *   54  232  payload
 * 286    1  word of extent 1: its state
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/client.h"

typedef struct fake {
    int fd;
    shm_block block;
    shmrpci_conn *conn;
} fake;

static void need(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* Connects to a fake server. */
static void set_up(fake *it)
{
    int pair[2];
    int fds[SHM_FD_TAIL];
    shmrpci_map status = {.at = NULL};
    shmrpci_buf welcome;
    need(shmrpci_socket_pair(pair) == SHMRPC_OK);
    need(shm_block_create(SHM_BLOCK_BYTES, &it->block, &fds[SHM_FD_BLOCK]) ==
         SHMRPC_OK);
    need(shmrpci_memory_create("status", sizeof(shm_status_page),
                               &fds[SHM_FD_STATUS]) == SHMRPC_OK);
    need(shmrpci_memory_map(fds[SHM_FD_STATUS], sizeof(shm_status_page),
                            SHMRPCI_ACCESS_WRITE, false, &status) == SHMRPC_OK);
    shm_status_page *page = status.at;
    page->magic = SHM_STATUS_MAGIC;
    page->version = SHM_LAYOUT_VERSION;
    need(shmrpci_event_create(&fds[SHM_FD_BELL]) == SHMRPC_OK);
    need(shmrpci_memory_create("ledger", sizeof(shm_ledger),
                               &fds[SHM_FD_LEDGER]) == SHMRPC_OK);
    shm_message head = {.kind = SHM_MESSAGE_WELCOME,
                        .bytes = SHM_BLOCK_BYTES,
                        .max_message = 1u << 20};
    need(shm_message_send(pair[0], head, NULL, fds, SHM_FD_TAIL) == SHMRPC_OK);
    shmrpci_connect_opts opts = {.deadline_ns =
                                     shmrpci_deadline_after(SHMRPCI_NS_PER_S),
                                 .max_message_bytes = (size_t)1 << 20};
    shmrpci_buf_init_heap(&welcome);
    need(shm_client_handshake(pair[1], &opts, &it->conn, &welcome, NULL) ==
         SHMRPC_OK);
    for (size_t i = 0; i < SHM_FD_TAIL; i++) {
        shmrpci_fd_close(&fds[i]);
    }
    shmrpci_memory_unmap(&status);
    it->fd = pair[0];
}

static void send_extent(const fake *it, const uint8_t *bytes)
{
    int fd = -1;
    shm_message head;
    memcpy(&head, bytes, sizeof head);
    bool has_fd = (head.magic & 1) != 0;
    head.kind = SHM_MESSAGE_EXTENT;
    head.tail = 0;
    if (has_fd) {
        need(shmrpci_memory_create("extent", 8192, &fd) == SHMRPC_OK);
    }
    (void)shm_message_send(it->fd, head, NULL, &fd, has_fd ? 1 : 0);
    shmrpci_fd_close(&fd);
}

static uint8_t touched;

static void answer(const fake *it, shmrpci_call *call, const uint8_t *bytes)
{
    uint16_t flags;
    uint32_t length;
    shm_slot *slot = &it->block.slots[0];
    shmrpci_store_relaxed(
        &it->block.extents[1],
        shm_extent_word(0, (shm_extent_state)bytes[6 + SHM_PAYLOAD_BYTES], 0));
    memcpy(&flags, bytes, sizeof flags);
    memcpy(&length, bytes + 2, sizeof length);
    memcpy(slot->payload, bytes + 6, SHM_PAYLOAD_BYTES);
    shmrpci_store_relaxed(&slot->flags, flags);
    shmrpci_store_relaxed(&slot->length, length);
    uint32_t word = shmrpci_load_acquire(&slot->word);
    (void)shmrpci_exchange_seq(&slot->word, shm_word_moved(word, SHM_DONE));
    if (it->conn->transport->client->receive(call, 0) == SHMRPC_OK) {
        for (size_t i = 0; i < call->in_len; i++) {
            touched ^= call->in[i];
        }
        it->conn->transport->client->release(call);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t input[55 + SHM_PAYLOAD_BYTES] = {0};
    memcpy(input, data, size < sizeof input ? size : sizeof input);
    fake it;
    set_up(&it);
    shmrpci_call call = {0};
    need(it.conn->transport->client->reserve(it.conn, &call, 8, 1000, 0,
                                             NULL) == SHMRPC_OK);
    shmrpci_buf_append(&call.out, "request", 8);
    need(it.conn->transport->client->commit(&call) == SHMRPC_OK);
    send_extent(&it, input);
    answer(&it, &call, input + sizeof(shm_message));
    it.conn->transport->client->disconnect(it.conn);
    shm_block_unmap(&it.block);
    shmrpci_fd_close(&it.fd);
    return 0;
}
