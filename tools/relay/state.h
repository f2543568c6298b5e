/*
 * State shared by the files of the relay.
 *
 * Threading: `lock` guards the members marked so. An errand belongs to its
 * carrier until it is in `fresh`, and then to the returner. Only the returner
 * frees links, when they are lost and nobody uses them, so it needs no lock to
 * use one; relay_close frees those that are left.
 */
#ifndef SHMRPC_TOOLS_RELAY_STATE_H
#define SHMRPC_TOOLS_RELAY_STATE_H

#include "os/thread.h"
#include "sync/atomic.h"
#include "tools/relay/relay.h"

/* Calls on one link: as many as a connection has slots. */
#define LINK_CALLS 64u

/* Threads that move items of streams, each for up to 63 calls. */
#define RELAY_STREAMERS_MAX 17u

typedef struct streamer streamer;
typedef struct carried carried; /* the streams of an errand */

/* A connection to the service. */
typedef struct link {
    shmrpci_conn *conn;
    uint32_t users;  /* lock: errands, and carriers that are reserving */
    bool is_lost;    /* lock */
    bool has_peers;  /* the service wants to know which peer made a call */
    bool hears_left; /* and when peers leave */
    bool is_watched; /* the returner's */
    uint32_t calls;  /* the returner's, within one round */
} link;

/* A call that is passed on. */
typedef struct errand {
    struct errand *next;
    link *link;
    int64_t give_up_ns; /* when to stop waiting even for the service's own
                         * DEADLINE */
    shmrpci_request request;
    shmrpci_call call;
    carried *streams;   /* NULL: it has no streams */
    streamer *streamer; /* the thread that moves them */
    int broken;         /* lock: the status with which they can't go on; OK:
                         * they can */
} errand;

struct relay {
    relay_opts opts;
    const shmrpci_transport *front;
    const shmrpci_transport *back;
    shmrpci_listener *listener;
    int bell_fd;     /* wakes the returner */
    int set;         /* the poll set in which the returner sleeps */
    uint64_t number; /* our number, unique among relays, for the peers'
                      * numbers */
    shmrpci_atomic_u32 stopping;
    shmrpci_atomic_u32 is_awaiting; /* the carrier with the turn has no request
                                     * yet */
    shmrpci_atomic_u32 reply_hints[256]; /* largest reply, by method */
    shmrpci_mutex lock;
    shmrpci_cond changed; /* signals that an errand, a place on a link, or a
                           * link is free */
    shmrpci_cond wanted;  /* signals work for the linker */
    shmrpci_cond turn;    /* signals that the turn is free */
    link *links[RELAY_LINKS_MAX];
    uint32_t epoch;        /* lock: epoch of the front, in which `links` were
                            * made */
    bool turn_is_taken;    /* lock: a carrier has the turn to read requests */
    bool more_is_wanted;   /* lock: one more link is wanted */
    bool is_ending;        /* lock: no new errands */
    bool is_over;          /* lock: the threads must leave */
    errand *free_errands;  /* lock */
    errand *fresh;         /* lock: errands for the returner */
    uint32_t errand_count; /* lock: number of errands in progress */
    errand *errands;
    shmrpci_thread carriers[RELAY_CARRIERS_MAX];
    struct seat {
        relay *relay;
        shmrpci_participant *participant; /* NULL: not taken */
    } seats[RELAY_CARRIERS_MAX];
    uint32_t carrier_count;                   /* number of carriers that run */
    streamer *streamers[RELAY_STREAMERS_MAX]; /* lock */
    uint32_t streamer_count;                  /* lock */
    uint32_t carried_count;                   /* lock: number of errands they
                                               * have */
    shmrpci_thread linker;
    shmrpci_thread returner;
    bool has_linker;
    bool has_returner;
};

/* ---- errand.c: one call, whoever holds it ---- */

/* Takes a free errand, without a place on a link. NULL: the relay is ending. */
errand *errand_await(relay *r);
/* Takes up to `count` more free errands, with places on the link of `first`,
 * which gets a link first if it has none. Returns how many. */
size_t errand_take_more(relay *r, errand *first, errand **out, size_t count);
/* Frees it, and its place on its link. */
void errand_end(relay *r, errand *e);
void errand_end_all(relay *r, errand *const *errands, size_t count);
/* Sends a request that was just received to its link. OK; BUSY: there was no
 * place for it; otherwise it was answered and freed. `flags`:
 * SHMRPCI_HEAD_MORE, or 0. */
int errand_send(relay *r, errand *e, uint32_t flags);
/* Sends a request without a place over any link, as soon as there is a place:
 * never BUSY. */
int errand_send_late(relay *r, errand *e);

/* Most answers sent together, and the size that all but the last may have. */
#define TRAIN_MAX   64u
#define TRAIN_BYTES ((size_t)4 << 10)

/* Errands that have ended: their answers are collected, to be sent together. */
typedef struct errand_train {
    size_t count;
    errand *errands[TRAIN_MAX];
    shmrpci_request *requests[TRAIN_MAX]; /* theirs */
} errand_train;

/* Its call has ended with `status`, as returned by receive: adds its answer to
 * the others, and frees it. */
void errand_finish(relay *r, errand_train *train, errand *e, int status);
/* Sends all answers; `train` is empty afterwards. */
void errand_finish_all(relay *r, errand_train *train);
/* The same for one with streams, at once. */
void errand_finish_stream(relay *r, errand *e, int status);
/* Nobody waits for it any more: withdraws it from the service. */
void errand_withdraw(relay *r, errand *e);

/* ---- streamer.c: items beside calls ---- */

/* Instead of commit, with the same statuses: opens the streams of an errand on
 * both sides. */
int streams_open(relay *r, errand *e);
/* From now on they are moved, until the errand has ended. False: no thread
 * can. */
bool streams_begin(relay *r, errand *e);
/* They are closed instead. */
void streams_drop(relay *r, errand *e);
/* Called by the returner: the call is over, with the `status` that receive
 * returned, or is to be withdrawn. The streamer then ends the errand. */
void streams_over(relay *r, errand *e, int status);
void streams_withdraw(relay *r, errand *e);
/* No errand is left: ends the threads. */
void streams_end(relay *r);

/* ---- links.c ---- */

/* With the lock held: a link with a place for a request of that epoch: `wish`,
 * if that has one, otherwise the one with the fewest calls. NULL: there is
 * none. */
link *link_choose(relay *r, uint32_t epoch, link *wish);
/* The same, counted as used. Waits for a place until the deadline. UNAVAILABLE:
 * there is no link, or the service has changed; DEADLINE. */
int link_use(relay *r, uint32_t epoch, int64_t deadline_ns, link **out);
void link_unuse(relay *r, link *l);
void link_lose(relay *r, link *l);
/* A peer, given by the number that the service knows, is gone, and none of its
 * calls is in progress: tells the service. */
void links_say_left(relay *r, uint64_t peer);
/* Connects for the first time. Fails only if on_welcome does. */
int links_open(relay *r, shmrpc_error *error);
/* Frees all links; no thread uses them any more. */
void links_free(relay *r);
/* The linker's thread: makes links. */
void links_run(void *user);

/* ---- returner.c ---- */

void returner_run(void *user);

#endif
