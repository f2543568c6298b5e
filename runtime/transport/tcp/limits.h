/*
 * Limits on what a peer may make us wait for, keep or allocate.
 *
 * The defaults are for servers; tests of time-outs use smaller ones
 * (tcp_listen). Threading: values.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LIMITS_H
#define SHMRPCI_TRANSPORT_TCP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"

/* Most calls that a client has in flight on a connection. */
#define TCP_SLOTS 64u

/* Bytes read from a socket at once, into the reader's stack. */
#define TCP_SCRATCH_BYTES ((size_t)32 << 10)

/* When the rest of a large body is due, a sleeping reader is woken only after
 * this much has arrived. */
#define TCP_MARK_BYTES ((size_t)256 << 10)

/* Memory for a body starts with this and grows as its bytes arrive. */
#define TCP_BODY_FIRST_BYTES ((size_t)64 << 10)

/* How long ready frames may wait for others, so that one system call sends
 * many; the size of the largest frame that waits, and how many may wait. */
#define TCP_HOLD_NS     (500 * SHMRPCI_NS_PER_US)
#define TCP_HOLD_BYTES  ((size_t)2 << 10)
#define TCP_HOLD_FRAMES 64u

/* Memory that a call keeps for its next use, and that all calls of a listener
 * keep. */
#define TCP_KEEP_BYTES     ((size_t)256 << 10)
#define TCP_KEEP_ALL_BYTES ((size_t)16 << 20)

/* A client keeps larger buffers too, up to this size: one for requests and one
 * for replies. Allocating a megabyte again, page by page, takes longer than
 * sending it. */
#define TCP_SPARE_BYTES ((size_t)4 << 20)

/* Free calls that a listener keeps for reuse. */
#define TCP_KEEP_CALLS 256u

/* Frames without a body that may wait to be sent before PINGs stay unanswered.
 * A peer that respects its credits can be owed an ENDED and a TOLD for each of
 * its calls, and bytes count as unsent until the system call returns; beyond
 * these the limit leaves room for the PONGs that the protocol promises. */
#define TCP_UNSENT_NOTES 256u

/* A certificate's subject is cut to this length, including its NUL. */
#define TCP_SUBJECT_BYTES 256u

/* How long a client that gives up a call waits to learn whether it has run. */
#define TCP_CANCEL_NS (250 * SHMRPCI_NS_PER_MS)

/* How long each side waits, when it closes, for the other to read
 * everything. */
#define TCP_LINGER_NS SHMRPCI_NS_PER_S

/* Most bytes in flight in one direction of a connection, for all its streams.
 * The protocol limits a stream's window and a piece of an item
 * (wire/frame.h). */
#define TCP_FLOW_BYTES ((uint32_t)1 << 20)

typedef struct tcp_limits {
    /* From accept to the end of hello; arriving bytes don't extend it. */
    int64_t handshake_ns;
    /* How long a frame may take, in either direction, from its first byte, plus
     * a second for each `min_bytes_per_s` of its length. */
    int64_t frame_ns;
    uint32_t min_bytes_per_s;
    uint32_t max_connections; /* in all, including handshakes */
    uint32_t max_handshakes;  /* at a time, per address */
    uint32_t credits;         /* calls in flight per connection */
    /* Bytes of requests and replies kept for a connection; it is not read while
     * there are more. One message is always accepted, however large. */
    size_t max_held_bytes;
    /* The same for all connections: half of it for requests, half for replies.
     * At least twice the largest message. */
    size_t max_total_bytes;
    /* How long a request waits for room in that before the slowest sender or
     * reader is disconnected. Only a peer that has been slow for as long,
     * moving fewer bytes than this a second, is disconnected. */
    int64_t room_ns;
    uint32_t slow_bytes_per_s;
    /* As frame_ns, for frames of streams, whose reader may be busy elsewhere as
     * long as a handler waits for it. */
    int64_t stream_stall_ns;
    /* A call with streams ends with DEADLINE if no worker has taken it after
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
