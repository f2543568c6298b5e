/*
 * A call while it is made: what sending, failing and decoding share.
 *
 * A plan lives in the caller's memory, from init to the end of its call:
 *
 *     init -> send -> (the transport's receive or cancel) -> value | reply
 *
 * Every function that returns a status fills the plan's error with what it
 * means for this call.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_RPC_CALL_H
#define SHMRPCI_RPC_CALL_H

#include "rpc/client.h"
#include "rpc/link.h"
#include "rpc/reconnect.h"

typedef struct shmrpci_plan {
    shmrpc_client *client;
    shmrpci_link *link;             /* from start to leave */
    shmrpci_atomic_pointer *hazard; /* NULL: that of the thread */
    const shmrpc_method *method;
    shmrpci_client_method *state;
    uint32_t number; /* of the method, at the client */
    unsigned runs;   /* attempts that may have run */
    uint64_t lost;   /* number of a link that is lost; 0: none */
    const void *params;
    uint64_t ticks; /* when timeout_ns was left */
    int64_t timeout_ns;
    int64_t given_ns; /* timeout_ns to begin with */
    int64_t deadline_ns;
    bool nonblock;
    bool in_place;  /* a raw reply is read where it lies */
    uint32_t flags; /* of the request, besides those of client and method */
    bool is_loan;   /* send stops before commit: the body is to be written */
    size_t loan_bytes;
    shmrpc_error *error; /* or NULL */
    shmrpci_call call;
} shmrpci_plan;

static inline const shmrpci_codec *shmrpci_plan_codec(const shmrpci_plan *p)
{
    return p->link->methods[p->number].codec;
}

/* ---- call_send.c ----------------------------------------------------- */

/* Readies all but `call`, which the transport fills. INVALID: the timeout. */
int shmrpci_plan_init(shmrpci_plan *p, shmrpc_client *client, uint32_t method,
                      const void *params, const shmrpc_opts *opts,
                      shmrpc_error *error);

/* Over the link: takes a slot, encodes and commits. On OK the call is to be
 * received or cancelled, unless it is oneway. UNAVAILABLE: not sent, the
 * connection is lost; BUSY, DEADLINE: not sent for want of a slot. */
int shmrpci_plan_send(shmrpci_plan *p);
/* The second half of it, for a loan. */
int shmrpci_plan_commit(shmrpci_plan *p);

/* After a wait the worker is told what is left of the time. */
void shmrpci_plan_shorten(shmrpci_plan *p);

/* ---- call_again.c ---------------------------------------------------- */

/* Takes the client's link and sends, over a new connection if the present one
 * is lost. Unless the status is OK the link has been left again. Statuses of
 * send and of shmrpci_reconnect. */
int shmrpci_plan_start(shmrpci_plan *p);

/* Lets go of the link; after that the call must not be touched. */
static inline void shmrpci_plan_leave(shmrpci_plan *p)
{
    const void *link = p->link; /* for its address only */
    shmrpci_hazard_leave(p->hazard);
    shmrpci_reconnect_left(p->client, link);
}

/* After receive has returned `status`, neither OK nor DEADLINE: whether to
 * start the call again. If not, the error says how it has ended. */
bool shmrpci_plan_is_repeatable(shmrpci_plan *p, int status);

/* ---- call_error.c: each returns the status of the call ---------------- */

/* The connection was gone before the call was: it can't have run. */
int shmrpci_plan_not_sent(shmrpci_plan *p);
/* Request or reply ("request", "reply") can't be made, sent or read. */
int shmrpci_plan_message_failed(shmrpci_plan *p, const char *which, int status);
/* Cancels a call whose deadline has passed. */
int shmrpci_plan_give_up(shmrpci_plan *p);
/* The other side died: SERVER_LOST, WORKER_DIED. */
int shmrpci_plan_lost(shmrpci_plan *p, int status);
/* A reply that doesn't decode: the call has run, its result is lost. */
int shmrpci_plan_damaged(shmrpci_plan *p, int status);
/* The server has answered with a status. `out`: where a reply goes, or NULL.
 * Releases the call. */
int shmrpci_plan_failed(shmrpci_plan *p, const void **out);

/* ---- call_result.c: the call was received, and is released by these ---- */

static inline void shmrpci_plan_release(shmrpci_plan *p)
{
    p->link->transport->release(&p->call);
}

/* How the call has ended. A value of fixed size goes to `result`. */
int shmrpci_plan_value(shmrpci_plan *p, void *result);
/* The same, with a reply object; of a declared error, too. */
int shmrpci_plan_reply(shmrpci_plan *p, const void **out);

#endif
