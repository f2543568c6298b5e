/*
 * The transports tcp, tls and unix: one protocol (docs/protocol.md) over TCP
 * and over stream sockets of this machine. This header is for their own tests.
 *
 * Threading: like the transport interface.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_TCP_H
#define SHMRPCI_TRANSPORT_TCP_TCP_H

#include "transport/tcp/limits.h"
#include "transport/transport.h"
#include "transport/wire/frame.h"

/* Like the interface's listen, with the caller's limits. */
int tcp_listen(const shmrpci_address *address, const shmrpci_listen_opts *opts,
               const tcp_limits *limits, shmrpci_listener **out,
               shmrpc_error *error);

/* Counts of bodies sent or received compressed. */
typedef struct tcp_packed {
    uint64_t bodies;
    uint64_t plain_bytes;
    uint64_t packed_bytes;
} tcp_packed;

/* Counters of a listener's connections. */
typedef struct tcp_counts {
    uint64_t accepted;
    uint64_t ended[TCP_END_COUNT]; /* by the reason why they ended */
    uint32_t open;                 /* number now, including handshakes */
    uint32_t calls;                /* number of their calls that are in memory
                                    * now */
    size_t most_kept_bytes;        /* the most bytes of requests and replies
                                    * kept at a time so far */
    tcp_packed requests;
    tcp_packed replies;
} tcp_counts;

void tcp_listener_counts(shmrpci_listener *listener, tcp_counts *out);

#endif
