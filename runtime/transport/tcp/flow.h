/*
 * The streams of a connection, at either end: credit, items, and how they end.
 *
 * Credit counts bytes, including TCP_FLOW_ITEM_BYTES for each frame of an item.
 * A sender starts with the window of each stream and that of the connection. It
 * begins an item only while it has credit left, both of the stream and of the
 * connection. It then sends the whole item, so that no item is too large for
 * the credit. A receiver returns credit when its user has released half a
 * window. It returns credit of the connection when the amount due is at least
 * what the peer has left, so that unread streams don't delay the others. When a
 * stream ends, all the credit that it held is returned.
 *
 * A frame without credit, out of order or larger than agreed breaks its stream:
 * the stream ends with DATA_LOSS after the complete items before that frame.
 *
 * A stream has two references: that of its user, from open or accept to close,
 * and that of its call, until the call has ended.
 *
 * Threading: everything is guarded by the flow's lock. This is the client's
 * lock or, at a server, the connection's flow_lock. The lock of the outbox may
 * be taken inside it. At a time, one thread sends on a stream and one reads
 * from it.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_H

#include "os/thread.h"
#include "sync/atomic.h"
#include "transport/tcp/flow_sent.h"
#include "transport/tcp/inbox.h"
#include "transport/tcp/lane.h"
#include "transport/tcp/limits.h"
#include "transport/tcp/pack.h"
#include "transport/tcp/reader.h"
#include "transport/transport.h"

/* The credit that a frame costs in addition to the bytes of its item. */
#define TCP_FLOW_ITEM_BYTES ((int64_t)TCP_HEAD_BYTES)

typedef struct tcp_flow tcp_flow;

/* The operations that differ between the two sides of a connection. */
typedef struct tcp_flow_ops {
    /* Called with the lock held, and releases it meanwhile. Waits until `cond`
     * signals that something may have changed; returns false at the
     * deadline. */
    bool (*wait)(tcp_flow *flow, shmrpci_cond *cond, int64_t deadline_ns);
    /* Called with the lock held when the caller stops waiting, also if it only
     * checked without waiting. */
    void (*leave)(tcp_flow *flow);
    /* Called without the lock. Flushes the outbox. */
    void (*flush)(tcp_flow *flow);
    /* Called without the lock. Frames in a lane may now wait for more frames,
     * at most for TCP_HOLD_NS. */
    void (*hold)(tcp_flow *flow);
    /* Called with the lock held when we keep `bytes` more (below 0: fewer) for
     * the peer. Returns false if these are too many. NULL: not counted. */
    bool (*keep)(tcp_flow *flow, int64_t bytes);
    /* Called when a user has closed a stream and no longer needs the flow; may
     * be NULL. */
    void (*closed)(tcp_flow *flow);
} tcp_flow_ops;

struct tcp_flow {
    const tcp_flow_ops *ops;
    shmrpci_mutex *lock;
    tcp_outbox *outbox;
    shmrpci_stream *streams; /* streams whose calls have not ended */
    uint32_t count;
    bool is_lost;
    bool is_cut; /* a call with streams has waited too long for a worker */
    bool is_server;
    size_t max_message_bytes;
    shmrpc_compression compression;
    int64_t credit;   /* credit of the connection that we have */
    int64_t left;     /* credit of the connection that the peer has */
    int64_t owed;     /* credit to be returned to the peer */
    int64_t kept;     /* the amount that was reported to ops->keep */
    int64_t held;     /* bytes received from the peer that nobody has taken
                       * yet */
    uint8_t *scratch; /* TCP_PIECE_BYTES for unpacking; NULL: not allocated
                       * yet */
};

struct shmrpci_stream {
    tcp_flow *flow;
    shmrpci_stream *next;
    uint32_t call;
    uint32_t refs;
    bool is_closed; /* closed by its user */
    size_t max_item_bytes;
    /* Fields for outgoing items. */
    bool sends;
    bool has_ended;
    bool has_failed; /* an item could not be sent completely */
    int refused;     /* status of further sends; OK: sending is possible */
    uint64_t number; /* number of the next item */
    int64_t window;
    int64_t credit;
    int64_t given;     /* all the credit that we ever got for this stream */
    int64_t said_wait; /* value of `given` when we reported that we wait; 0: not
                        * waiting */
    uint64_t flushed;  /* when the lane was last flushed, in ticks */
    tcp_sent sent;
    tcp_lane *lane; /* lane of the call; NULL: the call has ended */
    tcp_pack_room packed;
    size_t part_bytes;        /* size so far of an item that is sent in parts */
    int64_t part_cost;        /* the credit that these parts cost */
    bool is_midway;           /* an item in parts has begun and not ended */
    shmrpci_atomic_u32 *bell; /* rung on changes; may be NULL */
    shmrpci_cond room;
    /* Fields for incoming items. */
    bool reads;
    bool is_deaf; /* incoming items are dropped */
    int over;     /* status after the last item that was received; MORE: not
                   * ended yet */
    uint64_t next_number;
    int64_t in_window;
    int64_t left;      /* credit that the peer has */
    int64_t owed;      /* credit to be returned to the peer */
    int64_t gave;      /* all the credit that the peer ever got for this
                        * stream */
    int64_t peer_wait; /* value of `gave` when the peer reported that it waits;
                        * 0: the peer does not wait */
    int64_t held;      /* cost of the received items that the user has not
                        * released */
    int64_t lent;      /* cost of the item that the user has now */
    tcp_inbox inbox;
    shmrpci_cond come;
};

void tcp_flow_init(tcp_flow *flow, const tcp_flow_ops *ops, shmrpci_mutex *lock,
                   tcp_outbox *outbox);
void tcp_flow_fini(tcp_flow *flow);

/* ---- called by the call's owner, with the lock held ---------------------- */

/* Creates a stream in the flow, with one reference, which belongs to the call.
 * Returns NULL if memory is exhausted or the connection is lost. */
shmrpci_stream *tcp_flow_open(tcp_flow *flow, uint32_t call,
                              const tcp_windows *windows,
                              size_t max_item_bytes);
shmrpci_stream *tcp_flow_find(const tcp_flow *flow, uint32_t call);
/* Adds a reference. */
void tcp_stream_ref(shmrpci_stream *stream);
void tcp_stream_unref(shmrpci_stream *stream);
/* Called when the other side will neither read nor send any more. */
void tcp_stream_over(shmrpci_stream *stream);
/* Like tcp_stream_over, but called when the call has ended. The stream leaves
 * the flow, and the reference of the call is dropped. */
void tcp_stream_leave(shmrpci_stream *stream);
/* Called when the connection is lost. */
void tcp_flow_lose(tcp_flow *flow);
/* From now on sending and reading on our side fail with UNAVAILABLE. The calls
 * themselves go on. */
void tcp_flow_cut(tcp_flow *flow);

/* ---- called by the reader ------------------------------------------------ */

/* Handles an ITEM, END or WINDOW. Returns FIELD if the connection must end. */
tcp_end tcp_flow_frame(tcp_flow *flow, const tcp_head *head,
                       const tcp_body *body);
/* Like tcp_flow_frame, with the lock held. The caller must call tcp_flow_pay
 * afterwards, without the lock. */
tcp_end tcp_flow_take(tcp_flow *flow, const tcp_head *head,
                      const tcp_body *body);
/* Returns credit of the connection to the peer, if enough is due. */
void tcp_flow_pay(tcp_flow *flow);

/* ---- the operations of a stream ---- */

extern const shmrpci_pump_ops tcp_stream_pump_ops; /* flow_pump.c */

int tcp_stream_send(shmrpci_stream *stream, const void *data, size_t len,
                    int64_t deadline_ns, bool alone);
uint64_t tcp_stream_delivered(shmrpci_stream *stream);
void tcp_stream_finish(shmrpci_stream *stream);
int tcp_stream_next(shmrpci_stream *stream, int64_t deadline_ns,
                    shmrpci_stream_item *out);
void tcp_stream_close(shmrpci_stream *stream);

#endif
