/*
 * The bytes of a connection: over the socket itself, or over TLS on it.
 *
 * Threading: as os/stream.h and os/tls_stream.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_WIRE_H
#define SHMRPCI_TRANSPORT_TCP_WIRE_H

#include "os/tls_stream.h"

/* `tls` NULL: in plain. */
static inline shmrpc_status tcp_wire_receive(int fd, shmrpci_tls *tls,
                                             void *data, size_t size,
                                             size_t *out_len)
{
    return tls != NULL ? shmrpci_tls_receive(tls, data, size, out_len)
                       : shmrpci_stream_receive(fd, data, size, out_len);
}

static inline shmrpc_status tcp_wire_send(int fd, shmrpci_tls *tls,
                                          const shmrpci_part *parts,
                                          size_t count, size_t *out_len)
{
    return tls != NULL ? shmrpci_tls_send(tls, parts, count, out_len)
                       : shmrpci_stream_send(fd, parts, count, out_len);
}

static inline void tcp_wire_end(int fd, shmrpci_tls *tls)
{
    if (tls != NULL) {
        shmrpci_tls_end(tls);
    }
    shmrpci_stream_end(fd);
}

#endif
