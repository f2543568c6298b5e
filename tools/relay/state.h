/*
 * State shared by the files of the relay.
 *
 * Threading: `lock` guards the fields marked "lock". An errand belongs to its
 * carrier until it is in `fresh`, and then to the returner. Only the returner
 * frees links, once they are lost and nobody uses them, so the returner needs
 * no lock to use a link; relay_close frees the links that are left.
 */
#ifndef SHMRPC_TOOLS_RELAY_STATE_H
#define SHMRPC_TOOLS_RELAY_STATE_H

#include "os/thread.h"
#include "sync/atomic.h"
#include "tools/relay/relay.h"

/* Maximum number of calls on one link: the number of slots of a connection. */
#define LINK_CALLS 64u

/* Maximum number of threads that move items of streams; each has up to 63
 * calls. */
#define RELAY_STREAMERS_MAX 17u

typedef struct streamer streamer;
typedef struct carried carried; /* the streams of an errand */

/* A connection to the service. */
typedef struct link {
    shmrpci_conn *conn;
    uint32_t users;  /* lock: number of errands, and of carriers that are
                      * reserving */
    bool is_lost;    /* lock */
    bool has_peers;  /* the service wants to know which peer made a call */
    bool hears_left; /* the service wants to know when peers leave */
    bool is_watched; /* used by the returner only */
    uint32_t calls;  /* used by the returner only, within one round */
} link;

/* A call that is passed on. */
typedef struct errand {
    struct errand *next;
    link *link;
    int64_t give_up_ns; /* when to stop waiting for the service to report
                         * DEADLINE itself */
    shmrpci_request request;
    shmrpci_call call;
    carried *streams;   /* NULL: the call has no streams */
    streamer *streamer; /* the thread that moves them */
    int broken;         /* lock: why the streams can't continue; OK: they
                         * can */
} errand;

struct relay {
    relay_opts opts;
    const shmrpci_transport *front;
    const shmrpci_transport *back;
    shmrpci_listener *listener;
    int bell_fd;     /* wakes the returner */
    int set;         /* the poll set in which the returner sleeps */
    uint64_t number; /* unique among relays; the numbers of this relay's peers
                      * contain it */
    shmrpci_atomic_u32 stopping;
    shmrpci_atomic_u32 is_awaiting; /* the carrier with the turn has an errand,
                                     * but no request yet */
    shmrpci_atomic_u32 reply_hints[256]; /* largest reply so far, by method */
    shmrpci_mutex lock;
    shmrpci_cond changed; /* signals that an errand, a place on a link, or a
                           * link is free */
    shmrpci_cond wanted;  /* tells the linker that there is work */
    shmrpci_cond turn;    /* tells that the turn is free */
    link *links[RELAY_LINKS_MAX];
    uint32_t epoch;        /* lock: the front's epoch in which `links` were
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
    uint32_t carried_count;                   /* lock: number of errands that
                                               * have streams */
    shmrpci_thread linker;
    shmrpci_thread returner;
    bool has_linker;
    bool has_returner;
};

/* ---- errand.c: one call, from request to reply --------------------------- */

/* Takes a free errand, without a place on a link; waits for one. Returns NULL
 * if the relay is ending. */
errand *errand_await(relay *r);
/* Takes up to `count` more free errands, with places on the link of the errand
 * `first`. If that errand has no link yet, it gets one. Returns how many
 * errands it took. */
size_t errand_take_more(relay *r, errand *first, errand **out, size_t count);
/* Frees an errand and its place on its link. */
void errand_end(relay *r, errand *e);
void errand_end_all(relay *r, errand *const *errands, size_t count);
/* Sends the errand's request, which was just received, over the errand's link.
 * Returns OK; BUSY if there was no place for it; for any other status the
 * errand was answered and freed. `flags` is SHMRPCI_HEAD_MORE or 0. */
int errand_send(relay *r, errand *e, uint32_t flags);
/* Sends a request for which errand_send found no place. Waits until any link
 * has a place. Never returns BUSY. */
int errand_send_late(relay *r, errand *e);

/* Maximum number of replies sent together, and the maximum size of all but the
 * last of them. */
#define TRAIN_MAX   64u
#define TRAIN_BYTES ((size_t)4 << 10)

/* Errands that have ended. Their replies are collected and sent together. */
typedef struct errand_train {
    size_t count;
    errand *errands[TRAIN_MAX];
    shmrpci_request *requests[TRAIN_MAX]; /* requests of these errands */
} errand_train;

/* Called when the call of an errand has ended with `status`, as returned by
 * receive. Adds its reply to the train, and frees the errand when the train was
 * sent. */
void errand_finish(relay *r, errand_train *train, errand *e, int status);
/* Sends all replies of the train, which is empty afterwards. */
void errand_finish_all(relay *r, errand_train *train);
/* Like errand_finish, for an errand with streams: sends its reply at once. */
void errand_finish_stream(relay *r, errand *e, int status);
/* Withdraws a call from the service, because nobody waits for it any more. */
void errand_withdraw(relay *r, errand *e);

/* ---- streamer.c: items of streams ---------------------------------------- */

/* Called instead of commit, and returns the same statuses. Opens the streams of
 * an errand on both sides. */
int streams_open(relay *r, errand *e);
/* From now on the streams are moved, until the errand has ended. Returns false
 * if no thread has room for them. */
bool streams_begin(relay *r, errand *e);
/* Closes and frees the streams, if streams_begin has returned false. */
void streams_drop(relay *r, errand *e);
/* Called by the returner. streams_over: the call is over, and receive returned
 * `status`. streams_withdraw: the call must be withdrawn. The streamer then
 * ends the errand. */
void streams_over(relay *r, errand *e, int status);
void streams_withdraw(relay *r, errand *e);
/* Ends the threads. No errand may be left. */
void streams_end(relay *r);

/* ---- links.c ---- */

/* Called with the lock held. Returns a link with a place for a request of
 * `epoch`: `wish` if it has a place, otherwise the link with the fewest calls.
 * Returns NULL if there is none. */
link *link_choose(relay *r, uint32_t epoch, link *wish);
/* Like link_choose, but waits for a place until the deadline and counts the
 * call on the link (users). Returns UNAVAILABLE if there is no link or the
 * service has changed, or DEADLINE. */
int link_use(relay *r, uint32_t epoch, int64_t deadline_ns, link **out);
void link_unuse(relay *r, link *l);
void link_lose(relay *r, link *l);
/* Tells the service that a peer has left. `peer` is the number by which the
 * service knows it; none of its calls is in progress. */
void links_say_left(relay *r, uint64_t peer);
/* Connects for the first time. Fails only if on_welcome refuses the service. */
int links_open(relay *r, shmrpc_error *error);
/* Frees all links; no thread may use them any more. */
void links_free(relay *r);
/* The main function of the linker, which makes links. */
void links_run(void *user);

/* ---- returner.c ---- */

void returner_run(void *user);

#endif
