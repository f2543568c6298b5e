/*
 * The zygote: the process that workers are forked from.
 *
 * It runs the preload hook once, so that all workers share the loaded memory;
 * stays single-threaded; and holds no socket except its pair with the
 * supervisor:
 *
 *     supervisor              zygote
 *                        <-   READY, or the error
 *     SPAWN(number)      ->
 *     + links
 *                        <-   FORKED(number, pid) + its descriptor
 *                        <-   ENDED(number, pid, how)
 *
 *     RELEASED           ->
 *
 * As the parent of all workers it also ensures that none outlives the service:
 * when the supervisor is gone, workers have SHMRPCI_ORPHAN_NS to end their
 * calls; then the zygote kills those that are left, and ends. If the supervisor
 * has handed them over to another one (RELEASED), they have SHMRPCI_ELDER_NS
 * or, if that is more, 5 s longer than the time for their streams.
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_SUPERVISE_ZYGOTE_H
#define SHMRPCI_SUPERVISE_ZYGOTE_H

#include "os/child.h"
#include "os/socket.h"
#include "rpc/server.h"

#define SHMRPCI_ELDER_NS (30 * SHMRPCI_NS_PER_S)

typedef enum shmrpci_zygote_kind {
    SHMRPCI_ZYGOTE_READY = 1,
    SHMRPCI_ZYGOTE_SPAWN,
    SHMRPCI_ZYGOTE_FORKED,
    SHMRPCI_ZYGOTE_ENDED,
    SHMRPCI_ZYGOTE_RELEASED
} shmrpci_zygote_kind;

typedef struct shmrpci_zygote_message {
    uint32_t kind;
    uint32_t number; /* the worker's number */
    int32_t pid;     /* FORKED: -1 if the fork failed */
    int32_t status;  /* READY */
    shmrpci_child_end end;
    char
        text[SHMRPC_ERROR_MESSAGE_BYTES]; /* READY, FORKED: the error message */
} shmrpci_zygote_message;

typedef struct shmrpci_zygote_packet {
    shmrpci_zygote_message head;
    int fds[SHMRPCI_SOCKET_MAX_FDS];
    size_t fd_count;
} shmrpci_zygote_packet;

/* Send and receive a packet without blocking. Return the statuses of
 * shmrpci_socket_send and _receive. */
shmrpc_status shmrpci_zygote_send(int fd, const shmrpci_zygote_message *head,
                                  const int *fds, size_t fd_count);
shmrpc_status shmrpci_zygote_receive(int fd, shmrpci_zygote_packet *out);

/* The settings of workers; fixed before the zygote starts. */
typedef struct shmrpci_crew {
    shmrpc_server *server;
    uint32_t threads; /* number of threads of each worker, for each outlet */
    int64_t drain_ns; /* how long leaving workers keep their streams */
    shmrpc_hooks hooks;
    void *user;
} shmrpci_crew;

/* Forks, and calls the hooks before and after. Returns the child's pid, 0 in
 * the child, or -1. */
int32_t shmrpci_crew_fork(const shmrpci_crew *crew);

/* Runs as the zygote, until the supervisor hangs up `socket`. */
void shmrpci_zygote_run(const shmrpci_crew *crew, int socket)
    __attribute__((noreturn));

/* ---- worker.c ------------------------------------------------------------ */

/* Runs as worker `number` until it is told to leave. It owns `links`, one for
 * each outlet. */
void shmrpci_worker_run(const shmrpci_crew *crew, uint32_t number,
                        const int *links) __attribute__((noreturn));

#endif
