/*
 * Limits on how long a peer may make us wait, and how much memory it may make
 * us keep or allocate.
 *
 * The defaults are for servers; tests of timeouts use smaller ones
 * (tcp_listen). Threading: plain values.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LIMITS_H
#define SHMRPCI_TRANSPORT_TCP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"

/* Maximum number of calls that a client has in flight on a connection. */
#define TCP_SLOTS 64u

/* Maximum number of bytes that one system call reads into the stack of the
 * reading thread. */
#define TCP_SCRATCH_BYTES ((size_t)32 << 10)

/* While the rest of a large body is arriving, a sleeping reader is woken only
 * after this many bytes. */
#define TCP_MARK_BYTES ((size_t)256 << 10)

/* The memory for a body starts with this size and grows as bytes arrive. */
#define TCP_BODY_FIRST_BYTES ((size_t)64 << 10)

/* How long ready frames may wait for others, so that one system call sends
 * several; the largest frame that may wait; and how many frames may wait. */
#define TCP_HOLD_NS     (500 * SHMRPCI_NS_PER_US)
#define TCP_HOLD_BYTES  ((size_t)2 << 10)
#define TCP_HOLD_FRAMES 64u

/* Maximum memory that a call keeps for its next use, and that all calls of a
 * listener keep together. */
#define TCP_KEEP_BYTES     ((size_t)256 << 10)
#define TCP_KEEP_ALL_BYTES ((size_t)16 << 20)

/* A client keeps even larger buffers, up to this size: one for requests and one
 * for replies. Allocating a megabyte again, page by page, takes longer than
 * sending it. */
#define TCP_SPARE_BYTES ((size_t)4 << 20)

/* Maximum number of free calls that a listener keeps for reuse. */
#define TCP_KEEP_CALLS 256u

/* How many frames without a body may wait to be sent before PINGs are no longer
 * answered. A peer that respects its credits can be owed an ENDED and a TOLD
 * for each of its calls, and bytes count as unsent until the system call
 * returns. The limit leaves room for these and for the PONGs that the protocol
 * promises. */
#define TCP_UNSENT_NOTES 256u

/* The subject of a certificate is cut to this length, including its NUL. */
#define TCP_SUBJECT_BYTES 256u

/* How long a client that gives up a call waits to learn whether the call has
 * run. */
#define TCP_CANCEL_NS (250 * SHMRPCI_NS_PER_MS)

/* How long a closing side waits for the other to read everything. */
#define TCP_LINGER_NS SHMRPCI_NS_PER_S

/* Maximum bytes of stream items in flight in one direction of a connection. The
 * protocol also limits the window of each stream and the size of one piece of
 * an item (wire/frame.h). */
#define TCP_FLOW_BYTES ((uint32_t)1 << 20)

typedef struct tcp_limits {
    /* Timeout of the handshake, from accept to the end of hello; arriving bytes
     * don't extend it. */
    int64_t handshake_ns;
    /* How long a frame may take in either direction, counted from its first
     * byte. A frame gets a further second for each `min_bytes_per_s` of its
     * length. */
    int64_t frame_ns;
    uint32_t min_bytes_per_s;
    uint32_t max_connections; /* over all peers, including handshakes */
    uint32_t max_handshakes;  /* at the same time, per address */
    uint32_t credits;         /* maximum calls in flight per connection */
    /* Maximum bytes of requests and replies kept for one connection; it is not
     * read while there are more. One message is always accepted, however
     * large. */
    size_t max_held_bytes;
    /* Maximum bytes kept for all connections: half for requests, half for
     * replies. Must be at least twice the largest message. */
    size_t max_total_bytes;
    /* How long a request waits for room before the slowest sender or reader is
     * disconnected. Only a peer that has been slower than slow_bytes_per_s for
     * this long is disconnected. */
    int64_t room_ns;
    uint32_t slow_bytes_per_s;
    /* Like frame_ns, for frames of streams. It is longer, because the peer may
     * be busy elsewhere for a while before it reads more items. */
    int64_t stream_stall_ns;
    /* A call with streams ends with DEADLINE if no worker has taken it within
     * this time. */
    int64_t stream_wait_ns;
} tcp_limits;

#define TCP_LIMITS_DEFAULT                                                 \
    {                                                                      \
        .handshake_ns = 5 * SHMRPCI_NS_PER_S,                              \
        .frame_ns = 10 * SHMRPCI_NS_PER_S, .min_bytes_per_s = 16u << 10,   \
        .max_connections = 4096, .max_handshakes = 64, .credits = 64,      \
        .max_held_bytes = (size_t)16 << 20,                                \
        .max_total_bytes = (size_t)256 << 20, .room_ns = SHMRPCI_NS_PER_S, \
        .slow_bytes_per_s = 1u << 20,                                      \
        .stream_stall_ns = 60 * SHMRPCI_NS_PER_S,                          \
        .stream_wait_ns = 30 * SHMRPCI_NS_PER_S                            \
    }

#endif
