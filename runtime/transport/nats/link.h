/*
 * One link of a pump (pump.h): where its bytes are.
 *
 *     socket -> sent_at --- on their way ---> peer          acked_at <= sent_at
 *     socket <- given_at, waiting, got_at <-- peer          given_at <= got_at
 *
 * Threading: the pump's.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_LINK_H
#define SHMRPCI_TRANSPORT_NATS_LINK_H

#include "base/buf.h"
#include "os/fork.h"
#include "transport/nats/parcel.h"
#include "transport/nats/pump.h"

typedef struct nats_link nats_link;

/* Why a link ended, other than in good order. */
typedef enum nats_cut {
    NATS_CUT_NONE,
    NATS_CUT_GAP,    /* bytes were lost */
    NATS_CUT_LIE,    /* what the peer says can't be */
    NATS_CUT_NOBODY, /* NATS says that nobody is there */
    NATS_CUT_SILENT,
    NATS_CUT_PEER,  /* it said CLOSE */
    NATS_CUT_MEMORY /* ours */
} nats_cut;

struct nats_link {
    uint64_t number;
    int fd; /* our end of the pair */
    shmrpci_fork_fd fd_place;
    char subject[NATS_SUBJECT_BYTES]; /* where the peer listens */
    char reply[NATS_SUBJECT_BYTES];   /* "": none */
    bool can_read;                    /* the socket may have something */
    bool can_write;                   /* it may have room */
    bool has_ended;                   /* our side sends no more: END is sent */
    bool peer_ended;                  /* it sends no more */
    bool is_shut;                     /* our side knows that */
    bool is_deaf; /* our side has closed its socket: data for it is dropped */
    uint64_t sent_at;
    uint64_t acked_at; /* by the peer */
    uint64_t got_at;
    uint64_t given_at;   /* to the socket */
    uint64_t said_at;    /* what the peer knows of that */
    shmrpci_buf waiting; /* from given_at to got_at */
    size_t waiting_from; /* of it have been given */
    /* Whether the peer is there: */
    int64_t heard_ns;
    int64_t asked_ns; /* since when it owes us something; 0: it does not */
    int64_t probe_ns; /* when to ask next */
    uint32_t probes;  /* since it said something */
};

void nats_link_init(nats_link *link, int fd, uint64_t number,
                    const char *subject, const char *reply);
/* Closes the socket. */
void nats_link_fini(nats_link *link);

/* How many bytes may be read from the socket, to be sent. */
size_t nats_link_room(const nats_link *link, size_t piece);

/* What came. NONE, or why the link is over. */
nats_cut nats_link_take(nats_link *link, const nats_parcel *parcel);

/* Gives what waits to the socket. */
void nats_link_give(nats_link *link);

/* Whether the peer should hear how much was taken. */
bool nats_link_owes_ack(const nats_link *link);

/* A head for a message to the peer, which then knows what we have taken. */
nats_parcel nats_link_parcel(nats_link *link, nats_kind kind);

/* Both directions have ended. */
bool nats_link_is_over(const nats_link *link);

/* `calls` are in flight: whether to ask the peer now, and when to look again;
 * or SILENT. */
nats_cut nats_link_watch(nats_link *link, uint32_t calls, int64_t now_ns,
                         bool *out_asks, int64_t *out_wake_ns);

#endif
