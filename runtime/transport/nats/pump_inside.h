/*
 * The private declarations of a pump, shared by pump.c (the connection and its
 * rounds), pump_thread.c (which thread does the rounds), pump_links.c
 * (beginning and end of links, and what they send) and pump_messages.c (sending
 * and handling messages).
 *
 * Threading: fields are used within a round (pump.h), except the atomic ones
 * and those guarded by `parking`.
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

/* Tags in the poll set; the tags of links follow these. */
enum { NATS_TAG_BELL, NATS_TAG_NATS, NATS_TAG_LINKS };

struct nats_pump {
    nats_pump_opts opts;
    const nats_carrier_ops *ops;
    nats_carrier *carrier;
    uint32_t generation; /* of the process that opened it (os/fork.h) */
    int set;
    int bell_fd;
    int fd; /* the descriptor of NATS in the set; -1: not connected */
    shmrpci_fork_fd fd_place;
    uint32_t connects; /* number of the present connection */
    bool can_read;     /* NATS may have input */
    bool is_full;      /* the socket of NATS was full */
    bool has_more;     /* a link has more to send than its turn allows */
    bool has_told;     /* a callback of the owner was called in this round */
    bool is_woken;
    size_t piece;     /* the most data that fits into one message */
    uint8_t *scratch; /* room for a head and the data after it */
    nats_inbox *inboxes[NATS_INBOXES_MAX];
    bool is_queue[NATS_INBOXES_MAX];
    uint32_t inbox_count;
    nats_link *links[NATS_LINKS_MAX];
    uint32_t link_count;
    uint32_t link_top; /* the first place that was never used */
    int64_t second_ns;
    shmrpci_mutex turn;    /* held during a round, but not while waiting for the
                            * next one */
    int64_t wake_ns;       /* guarded by turn: when the next round is due */
    shmrpci_mutex parking; /* a leaf lock: no other lock is taken while it is
                            * held */
    shmrpci_cond changed;  /* tells the pump's thread that it may have to
                            * continue */
    bool is_driven;        /* guarded by parking: another thread does the
                            * rounds */
    bool is_parked;        /* guarded by parking: the pump's thread does no
                            * rounds */
    bool is_wanted;        /* guarded by parking: nats_pump_want has asked the
                            * pump's thread to do the rounds */
    int64_t driven_ns;     /* guarded by parking: when another thread did the
                            * last round; 0: never */
    shmrpci_thread thread;
    bool has_thread;
    shmrpci_atomic_u32 stopping;
    /* Number of the thread that did the last round. Changes that this thread
     * causes need not ring the bell, since it is awake. */
    shmrpci_atomic_u32 thread_number;
    shmrpci_atomic_u64 counts[sizeof(nats_counts) / sizeof(uint64_t)];
};

/* Maximum number of events handled in a round. */
#define NATS_EVENTS_MAX 64u

/* ---- pump.c ------------------------------------------------------------ */

/* Waits for events and returns how many there are. */
size_t nats_pump_await(nats_pump *pump, uint64_t tags[NATS_EVENTS_MAX],
                       int64_t deadline_ns);
/* Handles events and moves all bytes that can be moved. Returns when the next
 * round is due. */
int64_t nats_pump_step(nats_pump *pump, const uint64_t *tags, size_t count);

/* ---- pump_messages.c ----------------------------------------------------- */

void nats_pump_add_count(nats_pump *pump, size_t offset);

#define NATS_COUNT(pump, field) \
    nats_pump_add_count((pump), offsetof(nats_counts, field))

/* Sends a message of a link. The data of `parcel` may already lie in
 * `scratch`. */
nats_result nats_pump_send_of(nats_pump *pump, nats_link *link,
                              nats_parcel *parcel);
/* Sends a message of the given kind, without data. */
nats_result nats_pump_say(nats_pump *pump, nats_link *link, nats_kind kind);

/* Handles all messages that have arrived. */
void nats_pump_take_all(nats_pump *pump);

/* ---- pump_links.c -------------------------------------------------------- */

/* Frees a link without telling its owner or its peer. */
void nats_pump_free_link(nats_pump *pump, uint32_t place);
/* Ends a link. Tells its owner, and also the peer unless the peer caused the
 * end. */
void nats_pump_cut_link(nats_pump *pump, uint32_t place, nats_cut why);
/* Returns the place of a gateway's link by the link's number; NATS_LINKS_MAX:
 * there is none. */
uint32_t nats_pump_place_of(const nats_pump *pump, uint64_t number);
/* Moves the bytes of all links and checks that their peers are alive. Returns
 * when to check again. */
int64_t nats_pump_tend_links(nats_pump *pump);

#endif
