/*
 * The frames to be sent over a connection, in order, and which thread sends
 * them.
 *
 * Frames wait in a list of pieces, in memory of their owners, which are
 * notified when a piece is sent. A thread that adds a piece sends as much as
 * the socket takes, including what other threads add meanwhile, so these need
 * not wait. The rest stays until a thread flushes again.
 *
 * Frames of streams wait in lanes (lane.h): they are moved to the list, a piece
 * of each lane in turn, when little else is left there.
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

/* These pieces, a list with the same on_sent, are no longer in the outbox: they
 * were sent, or never will be. Called on the thread that flushes or fails the
 * outbox; the owner's locks must not be held then. */
typedef void tcp_on_sent(tcp_piece *first);

struct tcp_piece {
    tcp_piece *next;
    const uint8_t *data;
    size_t len;
    size_t sent_bytes;
    uint64_t end_at;      /* offset in the connection's bytes, set once it is
                           * sent */
    tcp_on_sent *on_sent; /* NULL: no notification */
};

typedef struct tcp_outbox {
    shmrpci_mutex lock;
    int fd;
    shmrpci_tls *tls; /* the owner's, set before anything is sent; NULL: none */
    tcp_piece *first;
    tcp_piece *last;
    bool is_flushing;
    bool again; /* another thread wanted to flush meanwhile */
    bool has_failed;
    bool is_sealed;    /* some of `first` may be in flight, in a TLS record */
    tcp_lane *lanes;   /* the non-empty ones: points to the last in turn */
    size_t lane_bytes; /* bytes of lanes in the list */
    size_t bytes;      /* not sent yet, without bytes of lanes */
    uint32_t pieces;   /* the number of these pieces */
    uint32_t notes;    /* notes (tcp_outbox_note) that are not sent yet */
    int64_t first_since_ns; /* since when `first` has waited; 0: it is not
                             * waiting */
    int64_t full_since_ns;  /* since when any piece has waited; 0: none is
                             * waiting */
    size_t full_sent_bytes; /* bytes that the socket has taken since then */
    uint64_t sent_at;       /* bytes that the socket has taken in all */
} tcp_outbox;

typedef enum tcp_flushed {
    TCP_FLUSHED,     /* nothing is left, or another thread is sending it */
    TCP_FLUSH_WAITS, /* the socket is full */
    TCP_FLUSH_FAILED /* the connection is gone */
} tcp_flushed;

void tcp_outbox_init(tcp_outbox *outbox, int fd);
void tcp_outbox_fini(tcp_outbox *outbox);

/* Adds a list of new pieces, and returns how many wait now; after a failure
 * calls on_sent at once, and returns 0. */
uint32_t tcp_outbox_add(tcp_outbox *outbox, tcp_piece *first);

/* Sends what can be sent. */
tcp_flushed tcp_outbox_flush(tcp_outbox *outbox);

/* Withdraws a piece of which nothing was sent; false: too late. on_sent is not
 * called. */
bool tcp_outbox_take_back(tcp_outbox *outbox, tcp_piece *piece);

/* Gives all pieces back, and from now on gives every new one back at once. */
void tcp_outbox_fail(tcp_outbox *outbox);

/* The unsent bytes. */
typedef struct tcp_unsent {
    size_t bytes;      /* in the list, without those of lanes */
    size_t lane_bytes; /* of lanes, in the list */
    bool has_lanes;    /* lanes have more */
    bool first_is_of_lane;
    size_t first;     /* the first piece's bytes */
    int64_t since_ns; /* since when it has waited; 0: it is not waiting */
} tcp_unsent;

tcp_unsent tcp_outbox_waiting(tcp_outbox *outbox);

/* Since when bytes have waited for the socket, and how many bytes it has taken
 * since; false: none wait. */
bool tcp_outbox_pace(tcp_outbox *outbox, int64_t *out_since_ns,
                     size_t *out_sent);

/* A frame without a body that frees itself. */
typedef struct tcp_note {
    tcp_piece piece;
    uint8_t bytes[TCP_HEAD_BYTES];
} tcp_note;

/* Adds such a frame; false: out of memory. */
bool tcp_outbox_note(tcp_outbox *outbox, const tcp_head *head);

/* Whether a peer does not read the notes: more than TCP_UNSENT_NOTES wait, and
 * the socket is full. */
bool tcp_outbox_is_stuck(tcp_outbox *outbox);

/* Adds a PONG, or nothing while TCP_UNSENT_NOTES wait: a peer that does not
 * read the answers does not need them. Other waiting bytes don't prevent a
 * PONG: a reply that the peer already has stays in the list until the thread
 * that sent it returns from its system call. False: out of memory. */
bool tcp_outbox_pong(tcp_outbox *outbox, uint64_t value);

#endif
