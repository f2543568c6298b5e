/*
 * Handover of a listener from the running supervisor to a new one, perhaps of a
 * newer program version.
 *
 *     successor                    predecessor
 *     SUCCEED                 ->   on the service's own socket (message.h)
 *                             <-   PLACE + lock, listening socket, status page
 *                                    (two descriptors), shared page, doorbell
 *                             <-   CONN + socket, bell, block, ledger
 *                             <-     EXTENT + memory: of the connection that
 *                                    was sent last
 *                             <-   KNOCK + socket: a client without hello yet
 *                             <-   LINK + socket: of a worker process
 *                             <-   END
 *
 * The predecessor is paused meanwhile: packets from clients and workers stay in
 * their sockets until one of the two processes continues. The memory stays in
 * the same files, and the ledgers stay the authority on who holds which call.
 * So calls in progress end in the workers that run them, to which the successor
 * now has links.
 *
 * Connection numbers (serial), worker indices and the layout of all memory stay
 * the same. `sizes` lets the successor check that both were built with the same
 * layout.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_LISTENER_HANDOVER_H
#define SHMRPCI_TRANSPORT_SHM_LISTENER_HANDOVER_H

#include "os/socket.h"
#include "transport/shm/server.h"

#define SHM_HEIR_MAGIC UINT32_C(0x52494548) /* "HEIR" */

typedef enum shm_heir_kind {
    SHM_HEIR_PLACE = 1,
    SHM_HEIR_CONN,
    SHM_HEIR_EXTENT,
    SHM_HEIR_KNOCK,
    SHM_HEIR_LINK,
    SHM_HEIR_END
} shm_heir_kind;

/* Descriptors of PLACE and of CONN, in the order in which they are sent. */
enum {
    SHM_HEIR_FD_LOCK,
    SHM_HEIR_FD_LISTEN,
    SHM_HEIR_FD_STATUS,
    SHM_HEIR_FD_CLIENT_STATUS,
    SHM_HEIR_FD_SHARED,
    SHM_HEIR_FD_DOORBELL,
    SHM_HEIR_PLACE_FDS
};
enum {
    SHM_HEIR_FD_CONTROL,
    SHM_HEIR_FD_BELL,
    SHM_HEIR_FD_BLOCK,
    SHM_HEIR_FD_LEDGER,
    SHM_HEIR_CONN_FDS
};

/* One packet. Members that a kind does not use are 0. */
typedef struct shm_heir_message {
    uint32_t magic;
    uint32_t kind;
    uint64_t serial; /* PLACE: the last serial number used; CONN: its own */
    uint64_t sizes;  /* PLACE: SHM_HEIR_SIZES */
    uint64_t bytes;  /* CONN: size of the block; EXTENT: size of the extent */
    uint64_t max_message;
    uint64_t sent;         /* CONN: bitmap of worker links to which it was
                            * sent */
    uint32_t incarnations; /* CONN: count so far; EXTENT: its own incarnation */
    uint32_t region;       /* EXTENT */
    uint32_t is_closed;    /* CONN: closed, with residual oneway calls left */
    uint32_t uid;          /* CONN, KNOCK */
    uint32_t gid;
    int32_t pid;
    uint32_t first; /* LINK */
    uint32_t count;
    uint32_t unacked;
    uint32_t is_lagging;
    uint32_t is_lent;            /* PLACE: is_lent of the predecessor's
                                  * shm_place (locate.h) */
    shmrpc_connection_stats who; /* CONN */
    char path[SHM_PATH_BYTES];   /* PLACE */
} shm_heir_message;

/* A checksum of the sizes of all structures whose layout must be equal in both
 * programs. */
#define SHM_HEIR_SIZES                            \
    ((uint64_t)SHM_LAYOUT_HASH << 32 ^            \
     (uint64_t)sizeof(shm_service_shared) << 20 ^ \
     (uint64_t)sizeof(shm_worker_shared) << 10 ^ sizeof(shm_heir_message))

#endif
