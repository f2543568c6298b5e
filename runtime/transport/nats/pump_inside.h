/*
 * The inside of a pump, for pump.c (the connection and its rounds),
 * pump_thread.c (who does the rounds), pump_links.c (links: beginning, end, and
 * what they send) and pump_messages.c (sending a message, and handling one that
 * came).
 *
 * Threading: that of the round (pump.h), except the atomic fields, and those
 * guarded by `parking`.
 */
#ifndef SHMRPCI_TRANSPORT_NATS_PUMP_INSIDE_H
#define SHMRPCI_TRANSPORT_NATS_PUMP_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/fork.h"
#include "os/thread.h"
#include "sync/atomic.h"
#include "transport/nats/link.h"
#include "transport/nats/pump.h"

/* Tags in the set of descriptors; links follow. */
enum { NATS_TAG_BELL, NATS_TAG_NATS, NATS_TAG_LINKS };

struct nats_pump {
    nats_pump_opts opts;
    const nats_carrier_ops *ops;
    nats_carrier *carrier;
    uint32_t generation; /* of the process that opened it */
    int set;
    int bell_fd;
    int fd; /* the descriptor of NATS in the set; -1: not connected */
    shmrpci_fork_fd fd_place;
    uint32_t connects; /* counts connections: the present one */
    bool can_read;     /* NATS may have input */
    bool is_full;      /* its socket was full */
    bool has_more;     /* a link has more to send than its turn allows */
    bool has_told;     /* a callback of the owner was called in this round */
    bool is_woken;
    size_t piece;     /* the most data that fits into a message */
    uint8_t *scratch; /* room for a head and the data behind it */
    nats_inbox *inboxes[NATS_INBOXES_MAX];
    bool is_queue[NATS_INBOXES_MAX];
    uint32_t inbox_count;
    nats_link *links[NATS_LINKS_MAX];
    uint32_t link_count;
    uint32_t link_top; /* first place that was never used */
    int64_t second_ns;
    shmrpci_mutex turn;    /* held during a round, not while waiting for the
                            * next */
    int64_t wake_ns;       /* turn: when the next round is due */
    shmrpci_mutex parking; /* nothing is locked while it is held */
    shmrpci_cond changed;  /* tells the thread that it may have to continue */
    bool is_driven;        /* parking: another thread does the rounds */
    bool is_parked;        /* parking: the thread does none */
    bool is_wanted;        /* parking: it is to do them again */
    int64_t driven_ns;     /* parking: when others did the last; 0: never */
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_atomic_u32 stopping;
    shmrpci_atomic_u32 thread_number; /* the pump's own thread, which needs no
                                       * bell to wake */
    shmrpci_atomic_u64 counts[sizeof(nats_counts) / sizeof(uint64_t)];
};

/* The most events handled in a round. */
#define NATS_EVENTS_MAX 64u

/* ---- pump.c ------------------------------------------------------------ */

/* Waits for events; returns how many. */
size_t nats_pump_await(nats_pump *pump, uint64_t tags[NATS_EVENTS_MAX],
                       int64_t deadline_ns);
/* Handles events, and moves what can be moved; returns when to do so again. */
int64_t nats_pump_step(nats_pump *pump, const uint64_t *tags, size_t count);

/* ---- pump_messages.c ----------------------------------------------------- */

void nats_pump_add_count(nats_pump *pump, size_t offset);

#define NATS_COUNT(pump, field) \
    nats_pump_add_count((pump), offsetof(nats_counts, field))

/* Sends a message of a link; data of a parcel may be in the scratch. */
nats_result nats_pump_send_of(nats_pump *pump, nats_link *link,
                              nats_parcel *parcel);
/* The same without data, of that kind. */
nats_result nats_pump_say(nats_pump *pump, nats_link *link, nats_kind kind);

/* Handles all messages that have come. */
void nats_pump_take_all(nats_pump *pump);

/* ---- pump_links.c -------------------------------------------------------- */

/* Only forgets a link: nobody is told. */
void nats_pump_free_link(nats_pump *pump, uint32_t place);
/* Ends a link; tells its owner, and the peer, unless the peer caused it. */
void nats_pump_cut_link(nats_pump *pump, uint32_t place, nats_cut why);
/* The place of a gateway's link of that number; NATS_LINKS_MAX: none. */
uint32_t nats_pump_place_of(const nats_pump *pump, uint64_t number);
/* Moves the bytes of all links, and checks that their peers are alive. Returns
 * when to look again. */
int64_t nats_pump_tend_links(nats_pump *pump);

#endif
