/*
 * Local sockets that keep message boundaries and carry descriptors
 * (AF_UNIX, SOCK_SEQPACKET).
 *
 * Sockets are addressed by a name in an open folder, so that neither the length
 * of a path nor a swapped symbolic link matters. All descriptors are
 * close-on-exec; sending and receiving never block and never raise SIGPIPE.
 *
 * Threading: any thread; messages of several senders don't mix.
 */
#ifndef SHMRPCI_OS_SOCKET_H
#define SHMRPCI_OS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* Max number of descriptors in one message. */
#define SHMRPCI_SOCKET_MAX_FDS 8u

typedef struct shmrpci_credentials {
    uint32_t uid;
    uint32_t gid;
    int32_t pid; /* 0 if it is in a namespace that we can't see */
} shmrpci_credentials;

/* Binds `temporary`, then renames it to `name`, so that the name is never
 * missing in between. `mode` has its permission bits. The caller must hold a
 * lock that covers the name. */
shmrpc_status shmrpci_socket_listen(int dir_fd, const char *name,
                                    const char *temporary, uint32_t mode,
                                    int *out_fd);

/* Changes the permission bits of an existing socket. Returns DENIED or
 * NOT_FOUND on failure. */
shmrpc_status shmrpci_socket_permit(int dir_fd, const char *name,
                                    uint32_t mode);

/* Returns NOT_FOUND if there is no such name; UNAVAILABLE if nobody listens;
 * DENIED; DEADLINE if the listener's queue stayed full; EXHAUSTED. */
shmrpc_status shmrpci_socket_connect(int dir_fd, const char *name,
                                     int64_t deadline_ns, int *out_fd);

/* Returns BUSY if no client waits, or EXHAUSTED if no descriptor is left. */
shmrpc_status shmrpci_socket_accept(int fd, int *out_fd);

/* Makes a connected pair. */
shmrpc_status shmrpci_socket_pair(int out_fds[2]);

/* Gives the process, user and group of the peer when the connection was
 * made. */
shmrpc_status shmrpci_socket_peer(int fd, shmrpci_credentials *out);

/* Gives the first `max` supplementary groups of the peer; returns how many. */
size_t shmrpci_socket_peer_groups(int fd, uint32_t *out, size_t max);

/* Sends one message with copies of descriptors. Returns EXHAUSTED if the peer
 * does not read, TOO_LARGE, or UNAVAILABLE if the peer hung up. */
shmrpc_status shmrpci_socket_send(int fd, const void *data, size_t len,
                                  const int *fds, size_t fd_count);

/* Whether the peer has left more than half of the socket's capacity unread. */
bool shmrpci_socket_is_backed_up(int fd);

/*
 * Receives one message into `data`; `out_fds` has room for
 * SHMRPCI_SOCKET_MAX_FDS, and the caller closes what arrives. Returns BUSY if
 * there is nothing; UNAVAILABLE if the peer hung up; TOO_LARGE if the message
 * was longer than `size`; EXHAUSTED if descriptors were lost for lack of room,
 * but `data` and `*out_len` are valid. After a failure no descriptor is left
 * open.
 */
shmrpc_status shmrpci_socket_receive(int fd, void *data, size_t size,
                                     size_t *out_len, int *out_fds,
                                     size_t *out_fd_count);

/* Copies the beginning of the next message, without removing it; returns its
 * length, or 0 if there is none. */
size_t shmrpci_socket_peek(int fd, void *data, size_t size);

/* Stops receiving and drops unread input, so that a last message reaches the
 * peer; closing with unread input would reset the connection. */
void shmrpci_socket_shut_input(int fd);

/* Ends both directions: the peer sees a hang-up, even if other processes hold
 * the descriptor. */
void shmrpci_socket_shut(int fd);

#endif
