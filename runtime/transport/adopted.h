/*
 * Connections that speak the protocol between machines (docs/protocol.md) over
 * an existing socket.
 *
 * For transports that carry the protocol's bytes by means other than TCP. Such
 * a transport keeps one end of a pair of stream sockets and gives the other end
 * to tcp's client or listener, which treats it like any connection. As over
 * TCP, peers have no user id.
 */
#ifndef SHMRPCI_TRANSPORT_ADOPTED_H
#define SHMRPCI_TRANSPORT_ADOPTED_H

#include "transport/transport.h"

/* A client connects over address->fd, which it owns even if connecting fails;
 * address->host is only for people. A listener has no listening address: it
 * gets its connections from shmrpci_adopt. */
extern const shmrpci_transport shmrpci_transport_adopted;

/* Streams for a transport whose calls run over an adopted connection. */
extern const shmrpci_stream_ops shmrpci_adopted_streams;

/* Gives the connected socket `fd` to a listener of this transport. The listener
 * owns `fd` from now on, even if it can't serve the connection. Any thread. */
void shmrpci_adopt(shmrpci_listener *listener, int fd);

/* Called when the socket of a client's end is about to be closed and the peer
 * has certainly not received the bytes from `lost_at` on: calls whose requests
 * end behind `lost_at` have not run. Any thread. */
void shmrpci_adopted_lost(shmrpci_conn *conn, uint64_t lost_at);

#endif
