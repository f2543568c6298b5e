/*
 * The endpoints of tcp:// and unix:// addresses, and their text for people.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_PLACE_H
#define SHMRPCI_TRANSPORT_TCP_PLACE_H

#include "os/fork.h"
#include "os/stream.h"
#include "transport/transport.h"

#define TCP_PLACE_BYTES 300u

/* "tcp://host:port" or "unix:///path", with defaults filled in. */
void tcp_place_text(const shmrpci_address *address, char out[TCP_PLACE_BYTES]);

/* Connects to the first endpoint that answers. UNAVAILABLE: none, the message
 * says where; DENIED, DEADLINE, EXHAUSTED. */
int tcp_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, shmrpc_error *error);

/* The host: this machine's own if none is named. */
const char *tcp_place_host(const shmrpci_address *address);

/* A listening socket. */
typedef struct tcp_place {
    int listen_fd;
    int dir_fd; /* of a unix socket, else -1 */
    int lock_fd;
    shmrpci_fork_fd listen_place; /* closed in forked children */
    shmrpci_fork_fd lock_place;
    char name[128];             /* name of the socket in its folder */
    char text[TCP_PLACE_BYTES]; /* with the port that the system chose */
} tcp_place;

/* Listens. `mode`: the permission bits of a unix socket. EXISTS: the address is
 * in use; DENIED: not allowed, or others may write to the folder; INVALID. */
int tcp_place_listen(const shmrpci_address *address, uint32_t mode,
                     tcp_place *out, shmrpc_error *error);

/* Stops listening; removes the socket of a unix address. */
void tcp_place_close(tcp_place *place);

#endif
