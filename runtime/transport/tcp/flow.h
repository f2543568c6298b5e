/*
 * The streams of a connection, at either end: credit, items, ends.
 *
 * Credit counts bytes, TCP_FLOW_ITEM_BYTES for each frame of an item included.
 * A sender starts with the window of each stream and that of the connection,
 * and begins an item only while it has some of both left: then all of the item
 * is sent, so that no item is too large.  A receiver returns credit when its
 * user has released half a window; credit of the connection is returned when
 * the amount due exceeds what the peer has left, so that unread streams don't
 * delay the others. When a stream ends, all the credit that it held is
 * returned.
 *
 * A frame without credit, out of order or larger than agreed breaks its stream:
 * DATA_LOSS, after the whole items before it.
 *
 * A stream has a reference of its user, from open or accept to close, and one
 * of its call, until that has ended.
 *
 * Threading: everything is guarded by the flow's lock, which is the client's or
 * the connection's own; the outbox's may be taken inside it. At a time, one
 * thread sends on a stream and one reads from it.
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

/* The credit that a frame costs besides the bytes of its item. */
#define TCP_FLOW_ITEM_BYTES ((int64_t)TCP_HEAD_BYTES)

typedef struct tcp_flow tcp_flow;

/* The operations in which the two sides of a connection differ. */
typedef struct tcp_flow_ops {
    /* With the lock held, which it releases meanwhile: waits until `cond`
     * signals that something may have changed; false: it did not in time. */
    bool (*wait)(tcp_flow *flow, shmrpci_cond *cond, int64_t deadline_ns);
    /* With the lock held: ends such a wait, or a non-blocking check. */
    void (*leave)(tcp_flow *flow);
    /* Without the lock: sends the outbox. */
    void (*flush)(tcp_flow *flow);
    /* Without the lock: whether frames in a lane may wait for more, at most for
     * TCP_HOLD_NS. */
    void (*hold)(tcp_flow *flow);
    /* With the lock held: we keep that many more bytes for the peer, or fewer
     * (below 0). False: that is too much. NULL: not counted. */
    bool (*keep)(tcp_flow *flow, int64_t bytes);
    /* A user has closed a stream and no longer needs the flow. May be NULL. */
    void (*closed)(tcp_flow *flow);
} tcp_flow_ops;

struct tcp_flow {
    const tcp_flow_ops *ops;
    shmrpci_mutex *lock;
    tcp_outbox *outbox;
    shmrpci_stream *streams; /* whose calls have not ended */
    uint32_t count;
    bool is_lost;
    bool is_cut; /* a call with streams has waited too long for a worker */
    bool is_server;
    size_t max_message_bytes;
    shmrpc_compression compression;
    int64_t credit;   /* our credit */
    int64_t left;     /* the peer's credit */
    int64_t owed;     /* credit to be returned to the peer */
    int64_t kept;     /* the amount reported to ops->keep */
    int64_t held;     /* bytes from the peer that nobody has taken yet */
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
    /* Outgoing items. */
    bool sends;
    bool has_ended;
    bool has_failed; /* an item could not be sent completely */
    int refused;     /* status of further sends; OK: sending goes on */
    uint64_t number; /* of the next item */
    int64_t window;
    int64_t credit;
    int64_t given;     /* all the credit that we ever got */
    int64_t said_wait; /* `given` when we reported that we wait; 0: not
                        * waiting */
    uint64_t flushed;  /* when the lane was last flushed, in ticks */
    tcp_sent sent;
    tcp_lane *lane; /* its call's; NULL: the call has ended */
    tcp_pack_room packed;
    size_t part_bytes;        /* size so far of an item sent in parts */
    int64_t part_cost;        /* the credit that these parts cost */
    bool is_midway;           /* such an item has begun and not ended */
    shmrpci_atomic_u32 *bell; /* rung on changes; or NULL */
    shmrpci_cond room;
    /* Incoming items. */
    bool reads;
    bool is_deaf; /* incoming items are dropped */
    int over;     /* status after the last item here; MORE: not ended yet */
    uint64_t next_number;
    int64_t in_window;
    int64_t left;      /* the peer's credit */
    int64_t owed;      /* credit to be returned to the peer */
    int64_t gave;      /* all the credit that the peer ever got */
    int64_t peer_wait; /* `gave` when the peer reported that it waits; 0: it
                        * does not */
    int64_t held;      /* cost of received items that were not released */
    int64_t lent;      /* cost of the item that the user has */
    tcp_inbox inbox;
    shmrpci_cond come;
};

void tcp_flow_init(tcp_flow *flow, const tcp_flow_ops *ops, shmrpci_mutex *lock,
                   tcp_outbox *outbox);
void tcp_flow_fini(tcp_flow *flow);

/* ---- by the call's owner, with the lock held ---- */

/* Makes a stream, which is then in the flow. It has one reference, which
 * belongs to the call. NULL: out of memory, or the connection is lost. */
shmrpci_stream *tcp_flow_open(tcp_flow *flow, uint32_t call,
                              const tcp_windows *windows,
                              size_t max_item_bytes);
shmrpci_stream *tcp_flow_find(const tcp_flow *flow, uint32_t call);
/* Another reference. */
void tcp_stream_ref(shmrpci_stream *stream);
void tcp_stream_unref(shmrpci_stream *stream);
/* The other side no longer reads or sends. */
void tcp_stream_over(shmrpci_stream *stream);
/* The same, because the call has ended: the stream leaves the flow, and loses a
 * reference. */
void tcp_stream_leave(shmrpci_stream *stream);
/* The connection is gone. */
void tcp_flow_lose(tcp_flow *flow);
/* Sending and reading on our side is UNAVAILABLE from now on; the calls go
 * on. */
void tcp_flow_cut(tcp_flow *flow);

/* ---- by the reader ---- */

/* Handles ITEM, END or WINDOW. FIELD: the connection must end. */
tcp_end tcp_flow_frame(tcp_flow *flow, const tcp_head *head,
                       const tcp_body *body);
/* The same with the lock held; tcp_flow_pay must follow, without it. */
tcp_end tcp_flow_take(tcp_flow *flow, const tcp_head *head,
                      const tcp_body *body);
/* Returns credit of the connection, if there is enough. */
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
