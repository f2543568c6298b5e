/*
 * Worker links: how workers in other processes get connections.
 *
 * The supervisor runs the control loop; it holds the clients' sockets and makes
 * all memory. Each worker process has one socket to the supervisor, its worker
 * link (below: link), and a listener of its own, the mirror. Packets on the
 * link fill the mirror's table:
 *
 *     supervisor                   worker process
 *     SETUP + shared memory,  ->
 *       status page, doorbell,
 *       the service's lock
 *     ATTACH(conn) + block,   ->   maps them, listens to the client's bell
 *       ledger, bell
 *                             <-   ACK(count): number of ATTACHes read
 *                             <-   REFUSE(conn): can't or won't serve it; the
 *                                  supervisor closes it
 *     NUDGE                   ->   check for an order or a lost connection
 *     LEFT(conn)              ->   a relay's peer is gone
 *                             <-   MAP(conn, region): a request lies there
 *                             <-   GRANT(conn, bytes, slot): for a reply
 *                             <-   TELL(conn): its client sleeps on its socket
 *     REGION(tag, incarnation)->
 *       + the memory, or a status if refused
 *
 * After a change the supervisor increments `changes` in the shared memory.
 * Awake workers compare it before they search; the packet wakes sleeping ones.
 * A NUDGE is not sent to a link that is half full, because a worker with unread
 * packets reads them anyway. An ATTACH or LEFT that finds no room is sent again
 * later. At most SHM_WORKER_LINK_WINDOW ATTACHes are unacknowledged, because
 * the kernel limits descriptors in flight. A worker that finds no room for a
 * packet of its own waits until there is room. A worker that has not received a
 * connection yet doesn't serve it. At its next wake-up or search it reads its
 * link first.
 *
 * The link's hang-up tells a worker that its supervisor is gone: it finishes
 * the calls that it has claimed, and leaves.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_WORKER_LINK_H
#define SHMRPCI_TRANSPORT_SHM_WORKER_LINK_H

#include "os/socket.h"
#include "transport/shm/server.h"

#define SHM_WORKER_LINK_MAGIC  UINT32_C(0x4B4E4C53) /* "SLNK" */
#define SHM_WORKER_LINK_WINDOW 32u
/* Max time for which a worker waits for memory from its supervisor, which may
 * be gone. */
#define SHM_WORKER_LINK_WAIT_NS (2 * SHMRPCI_NS_PER_S)

typedef enum shm_worker_link_kind {
    SHM_WORKER_LINK_SETUP = 1,
    SHM_WORKER_LINK_ATTACH,
    SHM_WORKER_LINK_NUDGE,
    SHM_WORKER_LINK_REGION,
    SHM_WORKER_LINK_ACK,
    SHM_WORKER_LINK_REFUSE,
    SHM_WORKER_LINK_MAP,
    SHM_WORKER_LINK_GRANT,
    SHM_WORKER_LINK_TELL,
    SHM_WORKER_LINK_LEFT
} shm_worker_link_kind;

/* Descriptors of SETUP and of ATTACH, in the order in which they are sent. */
enum {
    SHM_WORKER_LINK_FD_SHARED,
    SHM_WORKER_LINK_FD_STATUS,
    SHM_WORKER_LINK_FD_DOORBELL,
    SHM_WORKER_LINK_FD_LOCK /* of the service (os/server_lock.h) */
};
enum {
    SHM_WORKER_LINK_FD_BLOCK,
    SHM_WORKER_LINK_FD_LEDGER,
    SHM_WORKER_LINK_FD_BELL
};
#define SHM_WORKER_LINK_SETUP_FDS 4u
#define SHM_WORKER_LINK_FDS       3u

/* One packet. Members that a kind does not use are 0. */
typedef struct shm_worker_link_message {
    uint32_t magic;
    uint32_t kind;
    uint64_t conn;        /* serial number of the connection; LEFT: the peer's
                           * number, as passed to on_end */
    uint64_t bytes;       /* ATTACH: of the block; GRANT, REGION */
    uint64_t max_message; /* SETUP, ATTACH */
    int32_t status;       /* REGION */
    uint32_t region;      /* MAP, REGION */
    uint32_t slot;        /* GRANT */
    uint32_t incarnation; /* REGION */
    uint32_t tag;         /* MAP, GRANT; REGION repeats it */
    uint32_t first;       /* SETUP: the worker's first index */
    uint32_t count;       /* SETUP: number of workers; ACK: number of
                           * ATTACHes */
    uint32_t profile;     /* SETUP */
    uint32_t uid;         /* ATTACH: the client's credentials, as the two
                           * below */
    uint32_t gid;
    int32_t pid;
    uint32_t group_count; /* ATTACH */
    uint32_t groups[SHM_PEER_GROUPS];
    char path[SHM_PATH_BYTES]; /* SETUP: path of the socket where clients
                                * connect */
} shm_worker_link_message;

typedef struct shm_worker_link_packet {
    shm_worker_link_message head;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    size_t fd_count;
} shm_worker_link_packet;

/* Send and receive never block and return the statuses of shmrpci_socket_send
 * and shmrpci_socket_receive. receive also returns EXHAUSTED if descriptors
 * were lost (the head is valid), and INVALID if the packet is not in our
 * format. */
shmrpc_status shm_worker_link_send(int fd, const shm_worker_link_message *head,
                                   const int *fds, size_t fd_count);
shmrpc_status shm_worker_link_receive(int fd, shm_worker_link_packet *out);
void shm_worker_link_close_fds(shm_worker_link_packet *packet);

#endif
