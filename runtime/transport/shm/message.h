/*
 * Messages on the control socket of a connection.
 *
 *     client                        server
 *     HELLO  + rpc's hello    ->
 *                             <-    WELCOME + rpc's welcome, descriptors of
 *                                   block, status page, doorbell, ledger,
 *                                   [welcome]
 *                             <- or REFUSED + text; then it hangs up
 *     WANT(bytes)             ->
 *                             <-    EXTENT(region, incarnation, bytes, tag) +
 *                                   descriptor, or a status that says why
 *                                   there is no extent
 *                             <-    EXTENT(region, incarnation, bytes) +
 *                                   descriptor: before a reply that lies there
 *                             <-    TOLD: a call has ended, and the block's
 *                                   armed word was set
 *     RESCUED                 ->    a worker had to be woken a second time
 *     IDLE                    ->    an extent is idle, and no sweep is due
 *     LEFT(peer)              ->    from a relay: one of its peers is gone
 *
 *     OBSERVE                 ->    instead of HELLO
 *                             <-    STATS + read-only descriptor of the
 *                                   statistics; no packet follows
 *
 *     OBJECT(tag) + name      ->    instead of HELLO
 *                             <-    OBJECT + descriptor of that object; no
 *                                   packet follows
 *
 * Extents that already exist need no further packets: their words in the block
 * say who uses them (layout.h).
 *
 * A process of the server's own user, or of root, may send SUCCEED instead of
 * HELLO. The answer is REFUSED, or the handover of listener_handover.h.
 *
 * Each message is one packet: the head below, then `tail` bytes. The socket
 * stays open for the life of the connection; its hang-up tells either side that
 * the other one is gone.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_MESSAGE_H
#define SHMRPCI_TRANSPORT_SHM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "transport/transport.h"

#define SHM_MESSAGE_MAGIC UINT32_C(0x52504D53) /* "SMPR" */

/* Tails up to this size travel in the packet, longer ones in a memory file. */
#define SHM_TAIL_MAX_BYTES 4096u

typedef enum shm_message_kind {
    SHM_MESSAGE_HELLO = 1,
    SHM_MESSAGE_WELCOME,
    SHM_MESSAGE_REFUSED,
    SHM_MESSAGE_WANT,
    SHM_MESSAGE_EXTENT,
    SHM_MESSAGE_TOLD,
    SHM_MESSAGE_RESCUED,
    SHM_MESSAGE_OBSERVE,
    SHM_MESSAGE_STATS,
    SHM_MESSAGE_SUCCEED,
    SHM_MESSAGE_OBJECT,
    SHM_MESSAGE_LEFT,
    SHM_MESSAGE_IDLE
} shm_message_kind;

/* The descriptors of WELCOME, in this order. */
enum {
    SHM_FD_BLOCK,
    SHM_FD_STATUS,
    SHM_FD_BELL,
    SHM_FD_LEDGER, /* read-only */
    SHM_FD_TAIL,   /* only when the tail is longer than SHM_TAIL_MAX_BYTES */
    SHM_FD_MAX
};

typedef struct shm_message {
    uint32_t magic;
    uint32_t layout; /* SHM_LAYOUT_HASH */
    uint32_t kind;
    int32_t status; /* REFUSED, EXTENT */
    uint64_t bytes; /* HELLO: number of the client's pid namespace; WELCOME:
                     * size of the block; WANT: size of the extent; EXTENT: its
                     * size, or how much is left if it was refused for lack of
                     * memory; LEFT: the peer's number */
    uint64_t max_message; /* HELLO: the client's limit; WELCOME: the limit for
                           * both; EXTENT: how much was needed, if it was
                           * refused for lack of memory; else 0 */
    uint32_t region;      /* EXTENT */
    uint32_t incarnation; /* EXTENT: incarnation of the region, 16 bits */
    uint32_t tag;         /* HELLO: the client's process id in that namespace;
                           * WANT: a tag, not 0, which the answer repeats;
                           * OBJECT: 1 if the asker is a process of the server
                           * and wants to write */
    uint32_t tail;        /* number of bytes that follow */
} shm_message;

_Static_assert(sizeof(shm_message) == 48, "message");

/* One received packet. The caller closes the descriptors left in `fds`. */
typedef struct shm_packet {
    shm_message head;
    uint8_t tail[SHM_TAIL_MAX_BYTES];
    int fds[8];
    size_t fd_count;
} shm_packet;

/* Sends the head, the tail unless it is longer than SHM_TAIL_MAX_BYTES, and
 * descriptors; fills in magic and layout. Never blocks. Returns the statuses of
 * shmrpci_socket_send. */
shmrpc_status shm_message_send(int fd, shm_message head, const void *tail,
                               const int *fds, size_t fd_count);

/* Receives one packet and checks everything that does not depend on its kind.
 * Returns BUSY if none has arrived, UNAVAILABLE if the peer hung up, INVALID if
 * the packet is not in our format, CONTRACT if the peer has another layout,
 * EXHAUSTED if descriptors were lost. */
shmrpc_status shm_message_receive(int fd, shm_packet *out);

/* Closes the descriptors that are left in the packet. A caller that takes a
 * descriptor sets its entry to -1. */
void shm_packet_close_fds(shm_packet *packet);

#endif
