/*
 * Streams of bytes: TCP, and AF_UNIX sockets that behave the same.
 *
 * All descriptors are close-on-exec and never raise SIGPIPE. Sending and
 * receiving never block; callers wait with os/poll.h.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_STREAM_H
#define SHMRPCI_OS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* The address of one end: TCP over IPv4 or IPv6, or the path of a Unix
 * socket. */
typedef struct shmrpci_endpoint {
    _Alignas(8) uint8_t bytes[128]; /* a struct sockaddr */
    uint32_t len;
} shmrpci_endpoint;

/* Room for shmrpci_endpoint_text. */
#define SHMRPCI_ENDPOINT_TEXT_BYTES 160u

/* Max number of addresses of one host that are tried. */
#define SHMRPCI_ENDPOINTS_MAX 8u

/*
 * Gives the addresses of a host name, or of a numeric address. Waits for the
 * name service until the deadline, on a thread that may outlive the call.
 * Returns NOT_FOUND if there is no such host; DEADLINE; EXHAUSTED.
 */
shmrpc_status shmrpci_stream_resolve(const char *host, uint16_t port,
                                     int64_t deadline_ns, shmrpci_endpoint *out,
                                     size_t *out_count);

/* Returns INVALID for a path of more than 107 bytes. */
shmrpc_status shmrpci_endpoint_of_path(const char *path, shmrpci_endpoint *out);

/* Writes "127.0.0.1:5555" or "[::1]:5555"; for a path "unix". */
void shmrpci_endpoint_text(const shmrpci_endpoint *endpoint, char *out,
                           size_t size);

/* Whether two endpoints are on the same machine; ports are not compared. */
bool shmrpci_endpoint_same_host(const shmrpci_endpoint *a,
                                const shmrpci_endpoint *b);

/* Listens at a TCP address; with port 0 the system chooses a port. Returns
 * EXISTS if the address is taken; DENIED; NOT_FOUND if it is not an address of
 * this machine. */
shmrpc_status shmrpci_stream_listen(const shmrpci_endpoint *endpoint,
                                    int *out_fd);

/* Like shmrpci_socket_listen (os/socket.h), but with a Unix stream socket. */
shmrpc_status shmrpci_stream_listen_at(int dir_fd, const char *name,
                                       const char *temporary, uint32_t mode,
                                       int *out_fd);

/* Gives the address that a socket is bound to. */
shmrpc_status shmrpci_stream_local(int fd, shmrpci_endpoint *out);

/* Returns BUSY if no client waits, or EXHAUSTED if no descriptor is left. The
 * socket is set up for short messages, and so that a vanished peer is noticed
 * within some 30 s. */
shmrpc_status shmrpci_stream_accept(int fd, int *out_fd,
                                    shmrpci_endpoint *peer);

/* Returns UNAVAILABLE if nobody listens or the host is unreachable; NOT_FOUND
 * if there is no such path; DENIED; DEADLINE; EXHAUSTED. */
shmrpc_status shmrpci_stream_connect(const shmrpci_endpoint *endpoint,
                                     int64_t deadline_ns, int *out_fd);

/* Makes the two ends of a connection within this machine. Returns EXHAUSTED on
 * failure. */
shmrpc_status shmrpci_stream_pair(int out_fds[2]);

/* Returns BUSY if there is nothing to receive, or UNAVAILABLE if the peer has
 * closed its end. After UNAVAILABLE, `*out_len` is 0 if the peer closed its end
 * in good order. */
shmrpc_status shmrpci_stream_receive(int fd, void *data, size_t size,
                                     size_t *out_len);

/* Returns how many bytes can be received now. */
size_t shmrpci_stream_queued(int fd);

/* Whether the peer is on this machine: its address equals ours. */
bool shmrpci_stream_is_local(int fd);

/* Returns the CPU on which the kernel handled the last bytes: for a peer on
 * this machine, the CPU from which it sent. UINT32_MAX if unknown. */
uint32_t shmrpci_stream_peer_cpu(int fd);

/* Makes the socket readable only when `bytes` bytes, or the end of the stream,
 * have arrived. The default is 1. Affects only TCP sockets. */
void shmrpci_stream_set_mark(int fd, size_t bytes);

/* Gives the next byte, without removing it. Returns the same statuses as
 * shmrpci_stream_receive. */
shmrpc_status shmrpci_stream_peek(int fd, uint8_t *out);

typedef struct shmrpci_part {
    const void *data;
    size_t len;
} shmrpci_part;

#define SHMRPCI_PARTS_MAX 64u

/* Sends as much as there is room for; `*out_len` may be less than everything.
 * Returns BUSY if there is no room, or UNAVAILABLE if the connection is
 * gone. */
shmrpc_status shmrpci_stream_send(int fd, const shmrpci_part *parts,
                                  size_t count, size_t *out_len);

/* Ends our direction of the stream: the peer reads what was sent, and then the
 * end. */
void shmrpci_stream_end(int fd);

/* Whether everything sent, including the end, has reached the peer's system. */
bool shmrpci_stream_is_acknowledged(int fd);

#endif
