/*
 * Connections of the protocol between machines (docs/protocol.md) over an
 * existing socket.
 *
 * For transports that bring the protocol's bytes by other ways than TCP: they
 * keep one end of a pair of stream sockets, and give the other one to tcp's
 * code, at a client or at a listener, which treats it as any connection.  Peers
 * are nobody, as over TCP.
 */
#ifndef SHMRPCI_TRANSPORT_ADOPTED_H
#define SHMRPCI_TRANSPORT_ADOPTED_H

#include "transport/transport.h"

/* Connects over `fd` of the address, which it takes over in any case; `host` is
 * for people. Listens nowhere: connections are given to it. */
extern const shmrpci_transport shmrpci_transport_adopted;

/* Its streams, for a transport whose calls are the adopted connection's. */
extern const shmrpci_stream_ops shmrpci_adopted_streams;

/* Gives a connection to a listener of that transport, which takes it over in
 * any case. Any thread. */
void shmrpci_adopt(shmrpci_listener *listener, int fd);

/* The socket of a client's end is about to be closed: of the bytes from
 * `lost_at` on, the peer has certainly not got all, so that calls behind there
 * have not run. Any thread. */
void shmrpci_adopted_lost(shmrpci_conn *conn, uint64_t lost_at);

#endif
