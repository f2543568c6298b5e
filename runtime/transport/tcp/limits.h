/*
 * What a peer may make us wait for, keep or allocate.
 *
 * The defaults are right for servers; tests of time-outs listen with smaller
 * ones (tcp_listen).  Threading: values.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LIMITS_H
#define SHMRPCI_TRANSPORT_TCP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"

/* Calls that a client of ours has on a connection at most. */
#define TCP_SLOTS 64u

/* Bytes read from a socket at once, into the reader's stack. */
#define TCP_SCRATCH_BYTES ((size_t)32 << 10)

/* A reader waiting for the rest of a large body sleeps until so much came. */
#define TCP_MARK_BYTES ((size_t)256 << 10)

/* Memory for a body grows from here as its bytes arrive. */
#define TCP_BODY_FIRST_BYTES ((size_t)64 << 10)

/* Frames that are ready wait for others so long at most, so that one system
 * call sends many; only those of so many bytes, and so many of them. */
#define TCP_HOLD_NS     (500 * SHMRPCI_NS_PER_US)
#define TCP_HOLD_BYTES  ((size_t)2 << 10)
#define TCP_HOLD_FRAMES 64u

/* Memory that a call keeps for the next one; and all calls of a listener. */
#define TCP_KEEP_BYTES     ((size_t)256 << 10)
#define TCP_KEEP_ALL_BYTES ((size_t)16 << 20)

/* Larger ones are kept by a client, up to so many bytes, one of a request and
 * one of a reply: the system takes longer to give a megabyte anew, page by
 * page, than to send it. */
#define TCP_SPARE_BYTES ((size_t)4 << 20)

/* Calls without a connection that a listener keeps for the next ones. */
#define TCP_KEEP_CALLS 256u

/* Frames without a body that may wait to be sent before PINGs stay unanswered.
 * A peer that keeps to its credits is owed an ENDED and a TOLD for each of its
 * calls at most, and what one system call has sent is counted until that has
 * returned; there is room for the PONGs that the protocol promises still. */
#define TCP_UNSENT_NOTES 256u

/* A certificate's subject is cut to this length, with its final 0. */
#define TCP_SUBJECT_BYTES 256u

/* How long a client asks whether a call has run that it gives up. */
#define TCP_CANCEL_NS (250 * SHMRPCI_NS_PER_MS)

/* How long either end waits for the other one to have read everything when it
 * closes. */
#define TCP_LINGER_NS SHMRPCI_NS_PER_S

/* What a direction of a connection may have on its way, of all streams
 * together; a stream's window and an item's piece are the protocol's
 * (wire/frame.h). */
#define TCP_FLOW_BYTES ((uint32_t)1 << 20)

typedef struct tcp_limits {
    /* From accept to the end of hello; nothing that arrives prolongs it. */
    int64_t handshake_ns;
    /* A frame, in either direction, may take this from its first byte, and a
     * second for each `min_bytes_per_s` that it has. */
    int64_t frame_ns;
    uint32_t min_bytes_per_s;
    uint32_t max_connections; /* in all, those that shake hands included */
    uint32_t max_handshakes;  /* at a time, from one address */
    uint32_t credits;         /* calls that one connection has in flight */
    /* Requests and replies of a connection that are kept; it is not read while
     * they are more. One message is always taken, however large. */
    size_t max_held_bytes;
    /* The same of all connections: half of it for requests, half for replies.
     * At least twice the largest message. */
    size_t max_total_bytes;
    /* How long a request waits for room in that, before whoever sends or takes
     * most slowly is ended for it; only who does so for as long, and moves
     * fewer bytes than this a second. */
    int64_t room_ns;
    uint32_t slow_bytes_per_s;
    /* The same as frame_ns for frames of streams, whose reader may look at
     * other things for as long as a handler waits for it. */
    int64_t stream_stall_ns;
    /* A call with streams that no worker has taken by then ends: DEADLINE. */
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
