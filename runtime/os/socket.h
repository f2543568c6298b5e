/*
 * Local sockets that keep message boundaries and carry descriptors
 * (AF_UNIX, SOCK_SEQPACKET).
 *
 * Sockets are addressed by a name in an open folder, so that neither the
 * length of a path nor a swapped symbolic link matters.  Everything is
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

/* The most descriptors in one message. */
#define SHMRPCI_SOCKET_MAX_FDS 8u

typedef struct shmrpci_credentials {
    uint32_t uid;
    uint32_t gid;
    int32_t pid; /* 0: in a namespace that we can't see */
} shmrpci_credentials;

/* Binds `temporary`, then renames it to `name`, so that the name is never
 * missing in between. `mode` are its permission bits. The caller holds the lock
 * of the name. */
shmrpc_status shmrpci_socket_listen(int dir_fd, const char *name,
                                    const char *temporary, uint32_t mode,
                                    int *out_fd);

/* Changes the permission bits of an existing socket; DENIED, NOT_FOUND. */
shmrpc_status shmrpci_socket_permit(int dir_fd, const char *name,
                                    uint32_t mode);

/* NOT_FOUND: no such name; UNAVAILABLE: nobody listens; DENIED; DEADLINE: its
 * queue stayed full; EXHAUSTED. */
shmrpc_status shmrpci_socket_connect(int dir_fd, const char *name,
                                     int64_t deadline_ns, int *out_fd);

/* BUSY: no client waits; EXHAUSTED: no descriptor left. */
shmrpc_status shmrpci_socket_accept(int fd, int *out_fd);

/* A connected pair. */
shmrpc_status shmrpci_socket_pair(int out_fds[2]);

/* The peer's process, user and group when the connection was made. */
shmrpc_status shmrpci_socket_peer(int fd, shmrpci_credentials *out);

/* Its supplementary groups, the first `max` of them; returns how many. */
size_t shmrpci_socket_peer_groups(int fd, uint32_t *out, size_t max);

/* Sends one message with copies of descriptors. EXHAUSTED: the peer does not
 * read; TOO_LARGE; UNAVAILABLE: it hung up. */
shmrpc_status shmrpci_socket_send(int fd, const void *data, size_t len,
                                  const int *fds, size_t fd_count);

/* Whether the peer has not read more than half of what the socket can hold. */
bool shmrpci_socket_is_backed_up(int fd);

/*
 * Receives one message into `data`; `out_fds` has room for
 * SHMRPCI_SOCKET_MAX_FDS and the caller closes what arrives. BUSY: nothing
 * there; UNAVAILABLE: the peer hung up; TOO_LARGE: it was longer than `size`;
 * EXHAUSTED: descriptors were lost for lack of room, but `data` and `*out_len`
 * are valid. After a failure no descriptor is left open.
 */
shmrpc_status shmrpci_socket_receive(int fd, void *data, size_t size,
                                     size_t *out_len, int *out_fds,
                                     size_t *out_fd_count);

/* Copies the beginning of the next message, without removing it; returns its
 * length, 0: there is none. */
size_t shmrpci_socket_peek(int fd, void *data, size_t size);

/* Stops receiving and drops unread input: a last message then reaches the peer,
 * whereas closing over unread input would reset the connection. */
void shmrpci_socket_shut_input(int fd);

/* Ends both directions: the peer sees a hang-up, even if other processes hold
 * the descriptor. */
void shmrpci_socket_shut(int fd);

#endif
