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
 *                                   descriptor, or with a status why not
 *                             <-    EXTENT(region, incarnation, bytes) +
 *                                   descriptor: before a reply that needs it
 *                             <-    TOLD: a call has ended, and the block's
 *                                   armed word asked for it
 *     RESCUED                 ->    a worker had to be woken once more
 *     IDLE                    ->    an extent is, which nobody looks after
 *     LEFT(peer)              ->    of a relay: one of its peers is gone
 *
 *     OBSERVE                 ->    instead of HELLO
 *                             <-    STATS + descriptor of the statistics, for
 *                                   reading; nothing more is said
 *
 *     OBJECT(tag) + name      ->    instead of HELLO
 *                             <-    OBJECT + descriptor of that object; nothing
 *                                   more is said
 *
 * Nothing else is said of extents that are there already: their words in the
 * block tell (layout.h).
 *
 * A process of the server's own user, or root's, may say SUCCEED instead of
 * HELLO: what follows then is in listener_handover.h, or REFUSED.
 *
 * Each is one packet: the head below, then `tail` bytes.  The socket stays
 * open for the life of the connection; its hang-up is how either side learns
 * that the other is gone.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_MESSAGE_H
#define SHMRPCI_TRANSPORT_SHM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "transport/transport.h"

#define SHM_MESSAGE_MAGIC UINT32_C(0x52504D53) /* "SMPR" */

/* Tails up to this size travel in the packet, others in a memory file. */
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
    SHM_FD_LEDGER, /* for reading only */
    SHM_FD_TAIL,   /* only when the tail is longer than SHM_TAIL_MAX_BYTES */
    SHM_FD_MAX
};

typedef struct shm_message {
    uint32_t magic;
    uint32_t layout; /* SHM_LAYOUT_HASH */
    uint32_t kind;
    int32_t status; /* REFUSED, EXTENT */
    uint64_t bytes; /* HELLO: number of the client's pid namespace; WELCOME:
                     * size of the block; WANT, EXTENT: size of the extent, or,
                     * if it was refused for lack of memory, how much is left;
                     * LEFT: the peer */
    uint64_t max_message; /* HELLO: the client's limit; WELCOME: the limit for
                           * both; EXTENT: how much it needed, if that wasn't
                           * left; else 0 */
    uint32_t region;      /* EXTENT */
    uint32_t incarnation; /* EXTENT: incarnation of the region, 16 bits */
    uint32_t tag;         /* HELLO: the client's process id in that namespace;
                           * WANT: a tag, not 0, which the answer repeats;
                           * OBJECT: 1: to write, as a process of the server */
    uint32_t tail;        /* how many bytes follow */
} shm_message;

_Static_assert(sizeof(shm_message) == 48, "message");

/* One packet as received. The caller closes what is left in `fds`. */
typedef struct shm_packet {
    shm_message head;
    uint8_t tail[SHM_TAIL_MAX_BYTES];
    int fds[8];
    size_t fd_count;
} shm_packet;

/* Sends the head, the tail unless it is longer than SHM_TAIL_MAX_BYTES, and
 * descriptors; fills in magic and layout. Never blocks. Statuses as
 * shmrpci_socket_send. */
shmrpc_status shm_message_send(int fd, shm_message head, const void *tail,
                               const int *fds, size_t fd_count);

/* Receives one packet and checks everything that does not depend on its kind.
 * BUSY: none has arrived; UNAVAILABLE: hung up; INVALID: not ours; CONTRACT: of
 * another layout; EXHAUSTED: descriptors were lost. */
shmrpc_status shm_message_receive(int fd, shm_packet *out);

/* Closes the packet's descriptors that nobody has taken (those not set to
 * -1). */
void shm_packet_close_fds(shm_packet *packet);

#endif
