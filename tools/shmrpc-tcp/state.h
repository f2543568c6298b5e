/*
 * What the files of the relay share.
 *
 * Threading: `lock` guards what is marked so.  An errand belongs to its carrier
 * until it is in `fresh`, and then to the returner.  A link is freed by the
 * returner alone, when it is lost and nobody uses it, so that the returner
 * needs no lock to look at one.
 */
#ifndef SHMRPC_TOOLS_TCP_STATE_H
#define SHMRPC_TOOLS_TCP_STATE_H

#include "os/thread.h"
#include "sync/atomic.h"
#include "tools/shmrpc-tcp/relay.h"

/* Calls on one link: that of a transport's slots. */
#define LINK_CALLS 64u

/* A connection to the service. */
typedef struct link {
    shmrpci_conn *conn;
    uint32_t users;  /* lock: errands, and carriers that reserve */
    bool is_lost;    /* lock */
    bool is_watched; /* the returner's */
    uint32_t calls;  /* the returner's, of one round */
} link;

/* A call on its way. */
typedef struct errand {
    struct errand *next;
    link *link;
    int64_t give_up_ns; /* when not even the service's DEADLINE is awaited */
    shmrpci_request request;
    shmrpci_call call;
} errand;

struct relay {
    relay_opts opts;
    const shmrpci_transport *front;
    const shmrpci_transport *back;
    shmrpci_listener *listener;
    int bell_fd; /* wakes the returner */
    int set;     /* what the returner sleeps in */
    shmrpci_atomic_u32 stopping;
    shmrpci_atomic_u32 reply_hints[256]; /* the largest, by method */
    shmrpci_mutex lock;
    shmrpci_cond changed; /* an errand, a place on a link, or a link is free */
    shmrpci_cond wanted;  /* the linker is to do something */
    shmrpci_cond turn;    /* is free */
    link *links[RELAY_LINKS_MAX];
    uint32_t epoch;        /* lock: of the front; what `links` were told */
    bool turn_is_taken;    /* lock: to read requests; a carrier's */
    bool more_is_wanted;   /* lock: one more link */
    bool is_ending;        /* lock: no new errands */
    bool is_over;          /* lock: the threads are to leave */
    errand *free_errands;  /* lock */
    errand *fresh;         /* lock: for the returner */
    uint32_t errand_count; /* lock: on their way */
    errand *errands;
    shmrpci_thread carriers[RELAY_CARRIERS_MAX];
    struct seat {
        relay *relay;
        shmrpci_participant *participant; /* NULL: not taken */
    } seats[RELAY_CARRIERS_MAX];
    uint32_t carrier_count; /* that run */
    shmrpci_thread linker;
    shmrpci_thread returner;
    bool has_linker;
    bool has_returner;
};

/* ---- errand.c: one call, whoever holds it ---- */

/* With the lock held. */
errand *errand_take(relay *r);
/* Gives it back, and its place on its link. */
void errand_end(relay *r, errand *e);
/* Sends it: OK. BUSY: there was no place for it until `until_ns` (0: does not
 * wait). Or else it was answered and given back. `before` is one that this
 * thread has just sent and not ended, whose link is taken if it has a place;
 * or NULL. `flags`: SHMRPCI_HEAD_MORE, or 0. */
int errand_send(relay *r, errand *e, const errand *before, uint32_t flags,
                int64_t until_ns);

/* Errands that end one behind the other: the answer to each is kept until that
 * of the next is known, so that the transport may send them together. */
typedef struct errand_train {
    errand *last; /* NULL: none is kept */
    int status;
} errand_train;

/* Its call has ended in `status`, as receive says: answers and gives back the
 * one before it. */
void errand_finish(relay *r, errand_train *train, errand *e, int status);
/* No other one comes at once. */
void errand_finish_last(relay *r, errand_train *train);
/* Nobody waits for it any more: takes it back from the service. */
void errand_withdraw(relay *r, errand *e);

/* ---- links.c ---- */

/* A link for a request of that epoch, counted as used: `wish`, if that has a
 * place (NULL: any). Waits for a place until the deadline. UNAVAILABLE: there
 * is none, or another service by now; DEADLINE. */
int link_use(relay *r, uint32_t epoch, link *wish, int64_t deadline_ns,
             link **out);
void link_unuse(relay *r, link *l);
void link_lose(relay *r, link *l);
/* Connects for the first time. Fails only if on_welcome does. */
int links_open(relay *r, shmrpc_error *error);
/* The linker's thread: makes links. */
void links_run(void *user);

/* ---- returner.c ---- */

void returner_run(void *user);

#endif
