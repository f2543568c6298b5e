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

/* Writes "tcp://host:port" or "unix:///path", with the defaults filled in. */
void tcp_place_text(const shmrpci_address *address, char out[TCP_PLACE_BYTES]);

/* Connects to the first endpoint that answers. Returns UNAVAILABLE if no
 * service listens there (the message names all endpoints that were tried), else
 * DENIED, DEADLINE or EXHAUSTED. */
int tcp_place_connect(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, shmrpc_error *error);

/* Returns the host of an address; this machine's if the address names none. */
const char *tcp_place_host(const shmrpci_address *address);

/* A listening socket. */
typedef struct tcp_place {
    int listen_fd;
    int dir_fd; /* folder of a unix socket; -1: not a unix socket */
    int lock_fd;
    shmrpci_fork_fd listen_place; /* closed in forked children */
    shmrpci_fork_fd lock_place;
    char name[128];             /* name of the socket in its folder */
    char text[TCP_PLACE_BYTES]; /* address as text, with the port that the
                                 * system chose */
} tcp_place;

/* Listens at an address. `mode` is the permission bits of a unix socket.
 * Returns EXISTS if the address is in use, DENIED if we may not listen there or
 * others may write to the folder, or INVALID. */
int tcp_place_listen(const shmrpci_address *address, uint32_t mode,
                     tcp_place *out, shmrpc_error *error);

/* Stops listening and removes the socket of a unix address. */
void tcp_place_close(tcp_place *place);

#endif
