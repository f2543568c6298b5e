/*
 * One link of a pump (pump.h): the offsets of its bytes.
 *
 *     socket -> sent_at --- in flight ------> peer          acked_at <= sent_at
 *     socket <- given_at, waiting, got_at <-- peer          given_at <= got_at
 *
 * Threading: used in the pump's rounds only.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_LINK_H
#define SHMRPCI_TRANSPORT_NATS_LINK_H

#include "base/buf.h"
#include "os/fork.h"
#include "transport/nats/parcel.h"
#include "transport/nats/pump.h"

typedef struct nats_link nats_link;

struct nats_link {
    uint64_t number;   /* 0: the gateway has not answered OPEN yet */
    void *owner;       /* of a client's link: who opened it */
    nats_inbox *inbox; /* of a client's link: its subscription */
    bool has_asked;    /* OPEN was sent */
    int fd;            /* our end of the socket pair */
    shmrpci_fork_fd fd_place;
    char subject[NATS_SUBJECT_BYTES]; /* subject where the peer listens */
    char reply[NATS_SUBJECT_BYTES];   /* reply subject; "": none */
    bool can_read;                    /* the socket may have input */
    bool can_write;                   /* the socket may have room */
    bool has_ended;                   /* our side has closed its direction, and
                                       * END was sent */
    bool peer_ended;                  /* the peer has closed its direction */
    bool is_shut;                     /* our side was told that the peer has
                                       * ended */
    bool is_deaf; /* our side has closed its socket: incoming data is dropped */
    uint64_t sent_at;
    uint64_t acked_at;  /* offset that the peer has acknowledged */
    uint32_t unacked;   /* messages sent since the last acknowledgement */
    uint32_t refusals;  /* number of our messages that NATS has refused; after
                         * the first, nothing is sent */
    int64_t verdict_ns; /* until when to wait for more refusals */
    uint64_t got_at;
    uint64_t given_at;   /* offset up to which received bytes were written to
                          * the socket */
    uint64_t said_at;    /* the last value of `given_at` that we acknowledged */
    shmrpci_buf waiting; /* bytes from given_at to got_at */
    size_t waiting_from; /* number of bytes of `waiting` that were given to the
                          * socket */
    /* State of the check whether the peer is alive. */
    int64_t heard_ns;
    int64_t asked_ns; /* since when the peer owes us an answer; 0: it owes
                       * none */
    int64_t probe_ns; /* when to send the next probe */
    uint32_t probes;  /* probes sent since the peer was last heard */
};

void nats_link_init(nats_link *link, int fd, uint64_t number,
                    const char *subject, const char *reply);
/* Closes the socket. */
void nats_link_fini(nats_link *link);

/* Returns how many bytes may now be read from the socket and sent. */
size_t nats_link_room(const nats_link *link, size_t piece);

/* Handles a message. Returns NATS_CUT_NONE, or why the link must end. */
nats_cut nats_link_take(nats_link *link, const nats_parcel *parcel);

/* Writes waiting bytes to the socket. */
void nats_link_give(nats_link *link);

/* Whether an acknowledgement must be sent to the peer. */
bool nats_link_owes_ack(const nats_link *link);

/* Makes the head of a message to the peer, including our acknowledgement. */
nats_parcel nats_link_parcel(nats_link *link, nats_kind kind);

/* Called after a message was sent. */
void nats_link_sent(nats_link *link);

/* Called when NATS has refused one of our messages. Returns true when there is
 * no need to wait for more refusals. */
bool nats_link_refuse(nats_link *link, int64_t now_ns);

/* Returns the offset from which on the peer has certainly not received our
 * bytes. */
uint64_t nats_link_lost_at(const nats_link *link);

/* Whether both directions have ended. */
bool nats_link_is_over(const nats_link *link);

/* Checks the peer of a link with `calls` in flight: reports whether to probe it
 * now and when to check again. Returns NATS_CUT_SILENT if the peer counts as
 * dead. */
nats_cut nats_link_watch(nats_link *link, uint32_t calls, int64_t now_ns,
                         bool *out_asks, int64_t *out_wake_ns);

#endif
