/*
 * The frames to be sent over a connection, in order, and which thread sends
 * them.
 *
 * Frames wait in a list of pieces. The memory of a piece belongs to its owner,
 * which is notified when the piece was sent. A thread that adds a piece sends
 * as much as the socket takes, including pieces that other threads add
 * meanwhile, so these threads need not wait. The rest stays until a thread
 * flushes again.
 *
 * Frames of streams wait in lanes (lane.h). They are moved to the list when
 * little else is left there, a piece of each lane in turn.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_OUTBOX_H
#define SHMRPCI_TRANSPORT_TCP_OUTBOX_H

#include <stdbool.h>

#include "os/thread.h"
#include "transport/tcp/bytes.h"
#include "transport/wire/frame.h"

typedef struct tcp_piece tcp_piece;
typedef struct tcp_lane tcp_lane;

/* Called when a list of pieces with the same on_sent has left the outbox: they
 * were sent, or never will be. It runs on the thread that flushes or fails the
 * outbox, which must not hold the owner's locks. */
typedef void tcp_on_sent(tcp_piece *first);

struct tcp_piece {
    tcp_piece *next;
    const uint8_t *data;
    size_t len;
    size_t sent_bytes;
    uint64_t end_at;      /* offset of its end in the bytes of the connection,
                           * set once it is sent */
    tcp_on_sent *on_sent; /* NULL: the owner is not notified */
};

typedef struct tcp_outbox {
    shmrpci_mutex lock;
    int fd;
    shmrpci_tls *tls; /* set by the owner before anything is sent; NULL:
                       * unencrypted */
    tcp_piece *first;
    tcp_piece *last;
    bool is_flushing;
    bool again; /* another thread has asked for a flush meanwhile */
    bool has_failed;
    bool is_sealed;    /* some bytes of `first` may have been sent in a TLS
                        * record */
    tcp_lane *lanes;   /* ring of the non-empty lanes; points to the lane whose
                        * turn comes last */
    size_t lane_bytes; /* bytes of lanes that are in the list */
    size_t bytes;      /* bytes not sent yet, without those of lanes */
    uint32_t pieces;   /* number of pieces in the list, with those of lanes */
    uint32_t notes;    /* number of notes (tcp_outbox_note) not sent yet */
    int64_t first_since_ns; /* since when `first` has waited; 0: not waiting */
    int64_t full_since_ns;  /* since when any piece has waited; 0: none waits */
    size_t full_sent_bytes; /* bytes that the socket has taken since then */
    uint64_t sent_at;       /* bytes that the socket has taken since the
                             * start */
} tcp_outbox;

typedef enum tcp_flushed {
    TCP_FLUSHED,     /* nothing is left, or another thread is sending it */
    TCP_FLUSH_WAITS, /* the socket is full */
    TCP_FLUSH_FAILED /* the connection is gone */
} tcp_flushed;

void tcp_outbox_init(tcp_outbox *outbox, int fd);
void tcp_outbox_fini(tcp_outbox *outbox);

/* Appends a list of new pieces, and returns how many pieces wait now. After a
 * failure it calls on_sent at once and returns 0. */
uint32_t tcp_outbox_add(tcp_outbox *outbox, tcp_piece *first);

/* Sends as much as the socket takes. */
tcp_flushed tcp_outbox_flush(tcp_outbox *outbox);

/* Withdraws a piece of which nothing was sent; on_sent is not called. Returns
 * false if it is too late. */
bool tcp_outbox_take_back(tcp_outbox *outbox, tcp_piece *piece);

/* Gives all pieces back to their owners; from now on every new piece is given
 * back at once. */
void tcp_outbox_fail(tcp_outbox *outbox);

/* The bytes that were not sent yet. */
typedef struct tcp_unsent {
    size_t bytes;      /* bytes in the list, without those of lanes */
    size_t lane_bytes; /* bytes of lanes in the list */
    bool has_lanes;    /* lanes have more bytes */
    bool first_is_of_lane;
    size_t first;     /* length of the first piece */
    int64_t since_ns; /* since when the first piece has waited; 0: not
                       * waiting */
} tcp_unsent;

tcp_unsent tcp_outbox_waiting(tcp_outbox *outbox);

/* Reports since when bytes have waited for the socket, and how many bytes the
 * socket has taken since then. Returns false if none wait. */
bool tcp_outbox_pace(tcp_outbox *outbox, int64_t *out_since_ns,
                     size_t *out_sent);

/* A frame without a body that is freed once it is sent. */
typedef struct tcp_note {
    tcp_piece piece;
    uint8_t bytes[TCP_HEAD_BYTES];
} tcp_note;

/* Appends a note. Returns false if memory is exhausted. */
bool tcp_outbox_note(tcp_outbox *outbox, const tcp_head *head);

/* Whether the peer does not read its notes: more than TCP_UNSENT_NOTES wait,
 * and the socket is full. */
bool tcp_outbox_is_stuck(tcp_outbox *outbox);

/* Appends a PONG, or nothing while TCP_UNSENT_NOTES notes wait: a peer that
 * does not read the answers does not need them. Other waiting bytes don't
 * prevent a PONG, because even a reply that the peer already has stays in the
 * list until the thread that sent it returns from its system call. Returns
 * false if memory is exhausted. */
bool tcp_outbox_pong(tcp_outbox *outbox, uint64_t value);

#endif
