/*
 * Reads and writes the bytes of a connection: on the socket itself, or through
 * TLS.
 *
 * Threading: as os/stream.h and os/tls_stream.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_BYTES_H
#define SHMRPCI_TRANSPORT_TCP_BYTES_H

#include "os/tls_stream.h"
#include "transport/tcp/limits.h"

/* Reads bytes. `tls` NULL: the connection is unencrypted. */
static inline shmrpc_status tcp_bytes_receive(int fd, shmrpci_tls *tls,
                                              void *data, size_t size,
                                              size_t *out_len)
{
    return tls != NULL ? shmrpci_tls_receive(tls, data, size, out_len)
                       : shmrpci_stream_receive(fd, data, size, out_len);
}

static inline shmrpc_status tcp_bytes_send(int fd, shmrpci_tls *tls,
                                           const shmrpci_part *parts,
                                           size_t count, size_t *out_len)
{
    return tls != NULL ? shmrpci_tls_send(tls, parts, count, out_len)
                       : shmrpci_stream_send(fd, parts, count, out_len);
}

/* Returns how many of the `missing` bytes of a large body are ready to be
 * read. */
static inline size_t tcp_bytes_queued(int fd, const shmrpci_tls *tls,
                                      size_t missing)
{
    return tls == NULL && missing > 0 ? shmrpci_stream_queued(fd) : 0;
}

/* Called while `missing` bytes of a large body have not arrived: keeps a
 * waiting thread asleep until many of them have. `*mark` holds the present
 * setting of the socket; it starts at 0. */
static inline void tcp_bytes_mark(int fd, const shmrpci_tls *tls,
                                  size_t missing, size_t *mark)
{
    size_t wanted = missing < TCP_MARK_BYTES ? missing : TCP_MARK_BYTES;
    if (tls == NULL && wanted != *mark) {
        shmrpci_stream_set_mark(fd, wanted > 0 ? wanted : 1);
        *mark = wanted;
    }
}

static inline void tcp_bytes_end(int fd, shmrpci_tls *tls)
{
    if (tls != NULL) {
        shmrpci_tls_end(tls);
    }
    shmrpci_stream_end(fd);
}

#endif
