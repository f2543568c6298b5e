/*
 * Streams of bytes: TCP, and AF_UNIX sockets that behave the same.
 *
 * Everything is close-on-exec and never raises SIGPIPE.  Sending and receiving
 * never block.  Waiting is done with os/poll.h.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_STREAM_H
#define SHMRPCI_OS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* One end: an address of TCP over IPv4 or IPv6, or the path of a socket. */
typedef struct shmrpci_endpoint {
    _Alignas(8) uint8_t bytes[128]; /* the system's own form */
    uint32_t len;
} shmrpci_endpoint;

/* Room for shmrpci_endpoint_text. */
#define SHMRPCI_ENDPOINT_TEXT_BYTES 160u

/* The most addresses of one host that are tried. */
#define SHMRPCI_ENDPOINTS_MAX 8u

/*
 * The addresses of a host name, or of an address in numbers. Waits for the name
 * service until the deadline, on a thread that may outlive it. NOT_FOUND: there
 * is no such host; DEADLINE; EXHAUSTED.
 */
shmrpc_status shmrpci_stream_resolve(const char *host, uint16_t port,
                                     int64_t deadline_ns, shmrpci_endpoint *out,
                                     size_t *out_count);

/* INVALID: a path of more than 107 bytes. */
shmrpc_status shmrpci_endpoint_of_path(const char *path, shmrpci_endpoint *out);

/* "127.0.0.1:5555", "[::1]:5555"; of a path "unix". */
void shmrpci_endpoint_text(const shmrpci_endpoint *endpoint, char *out,
                           size_t size);

/* Whether two are on the same machine: the port does not count. */
bool shmrpci_endpoint_same_host(const shmrpci_endpoint *a,
                                const shmrpci_endpoint *b);

/* Listens at an address of TCP; port 0 chooses one. EXISTS: it is taken;
 * DENIED; NOT_FOUND: not an address of this machine. */
shmrpc_status shmrpci_stream_listen(const shmrpci_endpoint *endpoint,
                                    int *out_fd);

/* The same as shmrpci_socket_listen (os/socket.h) for a stream. */
shmrpc_status shmrpci_stream_listen_at(int dir_fd, const char *name,
                                       const char *temporary, uint32_t mode,
                                       int *out_fd);

/* The address to which a socket is bound. */
shmrpc_status shmrpci_stream_local(int fd, shmrpci_endpoint *out);

/* BUSY: no client waits; EXHAUSTED: no descriptor left. The socket is set up
 * for short messages, and so that a vanished peer is noticed within some 30
 * s. */
shmrpc_status shmrpci_stream_accept(int fd, int *out_fd,
                                    shmrpci_endpoint *peer);

/* UNAVAILABLE: nobody listens, or unreachable; NOT_FOUND: no such path; DENIED;
 * DEADLINE; EXHAUSTED. */
shmrpc_status shmrpci_stream_connect(const shmrpci_endpoint *endpoint,
                                     int64_t deadline_ns, int *out_fd);

/* Two ends of a connection within this machine. EXHAUSTED. */
shmrpc_status shmrpci_stream_pair(int out_fds[2]);

/* BUSY: nothing to receive; UNAVAILABLE: the peer has closed its end, with
 * *out_len 0 if in good order. */
shmrpc_status shmrpci_stream_receive(int fd, void *data, size_t size,
                                     size_t *out_len);

/* How many bytes can be received at the moment. */
size_t shmrpci_stream_queued(int fd);

/* Whether the peer is on this machine: it has our address. */
bool shmrpci_stream_is_local(int fd);

/* The CPU on which the kernel handled the last bytes: for a peer on this
 * machine, the one from which it sent. UINT32_MAX: unknown. */
uint32_t shmrpci_stream_peer_cpu(int fd);

/* Makes the socket readable only when that many bytes, or the end of the
 * stream, have arrived; 1 at first. For TCP; no effect on others. */
void shmrpci_stream_set_mark(int fd, size_t bytes);

/* The next byte, without removing it. Statuses of receive. */
shmrpc_status shmrpci_stream_peek(int fd, uint8_t *out);

typedef struct shmrpci_part {
    const void *data;
    size_t len;
} shmrpci_part;

#define SHMRPCI_PARTS_MAX 64u

/* Sends as much as there is room for; *out_len may be less than all of it.
 * BUSY: no room; UNAVAILABLE: the connection is gone. */
shmrpc_status shmrpci_stream_send(int fd, const shmrpci_part *parts,
                                  size_t count, size_t *out_len);

/* Ends our direction: the peer reads what was sent, and then the end. */
void shmrpci_stream_end(int fd);

/* Whether everything sent, including the end, has reached the peer's system. */
bool shmrpci_stream_is_acknowledged(int fd);

#endif
