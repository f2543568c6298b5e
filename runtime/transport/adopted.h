/*
 * Connections that speak the protocol between machines (docs/protocol.md) over
 * an existing socket.
 *
 * For transports that carry the protocol's bytes by means other than TCP: they
 * keep one end of a pair of stream sockets and give the other to tcp's client
 * or listener, which treats it like any connection. Peers have no user, as over
 * TCP.
 */
#ifndef SHMRPCI_TRANSPORT_ADOPTED_H
#define SHMRPCI_TRANSPORT_ADOPTED_H

#include "transport/transport.h"

/* Connects over `fd`, which it takes over even when it fails; `host` is for
 * people. There is no listening address: connections are given to a listener by
 * adopt. */
extern const shmrpci_transport shmrpci_transport_adopted;

/* Its streams, for a transport whose calls are the adopted connection's. */
extern const shmrpci_stream_ops shmrpci_adopted_streams;

/* Gives a connection to a listener of that transport, which takes it over even
 * when it fails. Any thread. */
void shmrpci_adopt(shmrpci_listener *listener, int fd);

/* The socket of a client's end is about to be closed: the peer has certainly
 * not received all bytes from `lost_at` on, so calls whose requests end behind
 * it have not run. Any thread. */
void shmrpci_adopted_lost(shmrpci_conn *conn, uint64_t lost_at);

#endif
