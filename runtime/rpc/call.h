/*
 * A pending call: what sending, failing and decoding share.
 *
 * It is in the caller's memory, from init to its end:
 *
 *     init -> send -> (the transport's receive or cancel) -> value | reply
 *
 * Every function that returns a status fills the error with its meaning for
 * this call.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_RPC_CALL_H
#define SHMRPCI_RPC_CALL_H

#include "rpc/client.h"
#include "rpc/link.h"
#include "rpc/reconnect.h"

typedef struct shmrpci_beside shmrpci_beside;

/* A blocking call, as the program made it. */
typedef struct shmrpci_invocation {
    shmrpc_client *client;
    uint32_t method;
    const void *params;
    const shmrpc_opts *opts; /* or NULL */
    const void **reply;      /* receives the reply object; NULL: the value goes
                              * to `result` */
    void *result;            /* see `reply` */
    shmrpc_error *error;     /* or NULL */
    bool is_retry;           /* an earlier attempt may have run */
} shmrpci_invocation;

typedef struct shmrpci_pending {
    shmrpc_client *client;
    const shmrpc_method *method;
    shmrpci_client_method *state;
    const void *params;
    /* The members up to `number` are zeroed at first. */
    shmrpci_link *link;             /* held from start to leave */
    shmrpci_atomic_pointer *hazard; /* NULL: the hazard of the thread */
    shmrpci_beside *beside;         /* rpc/beside.h; NULL for most calls */
    uint64_t lost;                  /* number of a link that is lost; 0: none */
    unsigned runs;                  /* number of attempts that may have run */
    unsigned deaths;                /* how many of these ended with the death of
                                     * the worker */
    int64_t retry_after_ns;         /* as the server says; 0: unknown */
    uint32_t flags; /* of the request, besides the flags of client and method */
    bool is_long;   /* the body is too long for the transport's `post` */
    bool is_held;   /* send stops before commit */
    bool is_loan;   /* the same, since the program writes the body */
    bool nonblock;
    bool in_place;   /* a raw reply is read in place */
    bool has_faults; /* a fault is also returned as a reply object */
    bool is_retry;   /* an earlier attempt by the program has failed */
    uint32_t number; /* index of the method, at the client */
    uint64_t ticks;  /* the remaining timeout_ns was computed then */
    int64_t timeout_ns;
    int64_t given_ns; /* the initial timeout_ns */
    int64_t deadline_ns;
    size_t loan_bytes;
    shmrpc_error *error; /* or NULL */
    shmrpci_call call;
} shmrpci_pending;

static inline const shmrpci_codec *
shmrpci_pending_codec(const shmrpci_pending *p)
{
    return p->link->methods[p->number].codec;
}

/* How long a call may take: the timeout set for it, for the method, or for the
 * client. */
static inline int64_t shmrpci_timeout_of(const shmrpc_client *client,
                                         uint32_t method,
                                         const shmrpc_opts *opts)
{
    int64_t timeout_ns = client->service->methods[method].timeout_ns;
    return opts != NULL && opts->timeout_ns != 0 ? opts->timeout_ns
           : timeout_ns != 0                     ? timeout_ns
                                                 : client->timeout_ns;
}

/* ---- call_send.c ----------------------------------------------------- */

/* Sets all members but `call`, which the transport sets. INVALID: the
 * timeout. */
int shmrpci_pending_init(shmrpci_pending *p, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* The same for a ping; `state`: cleared. */
int shmrpci_pending_init_ping(shmrpci_pending *p, shmrpc_client *client,
                              shmrpci_client_method *state,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Over the link: takes a slot, encodes and commits. OK: the call must be
 * received or cancelled, unless it is oneway. UNAVAILABLE: not sent, the
 * connection is lost; BUSY, DEADLINE: not sent, no slot was free. */
int shmrpci_pending_send(shmrpci_pending *p);
/* The second half of send, for a loan. */
int shmrpci_pending_commit(shmrpci_pending *p);
/* The same for a call with streams. EXHAUSTED: too many streams. */
int shmrpci_pending_open(shmrpci_pending *p, const shmrpci_stream_ops *ops,
                         const shmrpci_stream_opts *opts, shmrpci_stream **out);

/* After a wait: tells the worker the remaining time. */
void shmrpci_pending_shorten(shmrpci_pending *p);

/* ---- call_again.c ---------------------------------------------------- */

/* Takes the client's link and sends, over a new connection if the present one
 * is lost. Unless the status is OK it has dropped the link. Statuses of send
 * and of shmrpci_reconnect. */
int shmrpci_pending_start(shmrpci_pending *p);

/* Drops the link; after that the call must not be used. */
static inline void shmrpci_pending_leave(shmrpci_pending *p)
{
    const void *link = p->link; /* only its address is used */
    shmrpci_hazard_leave(p->hazard);
    shmrpci_reconnect_left(p->client, link);
}

/* Called after receive has returned `status`, neither OK nor DEADLINE: whether
 * to start the call again. If not, the error says how it ended. */
bool shmrpci_pending_is_repeatable(shmrpci_pending *p, int status);

/* ---- call_error.c: each returns the status of the call ---------------- */

/* The connection was lost before the call was sent. */
int shmrpci_pending_not_sent(shmrpci_pending *p);
/* The call has ended with `status`, as the error says, and this attempt has not
 * run. */
int shmrpci_pending_not_run(shmrpci_pending *p, int status);
/* A message (`which`: the request or the reply) can't be made, sent or read. */
int shmrpci_pending_message_failed(shmrpci_pending *p, const char *which,
                                   int status);
/* There is no memory for the request; the transport knows how much is left. */
int shmrpci_pending_no_room(shmrpci_pending *p);
/* Cancels a call whose deadline has passed. */
int shmrpci_pending_give_up(shmrpci_pending *p);
/* The other side died: SERVER_LOST, WORKER_DIED. */
int shmrpci_pending_lost(shmrpci_pending *p, int status);
/* Several workers died in this call: WORKER_DIED. */
int shmrpci_pending_deadly(shmrpci_pending *p);
/* A reply doesn't decode: the call has run, and its result is lost. */
int shmrpci_pending_damaged(shmrpci_pending *p, int status);
/* The server has answered with a status. `out`: receives the reply, or NULL.
 * Releases the call. */
int shmrpci_pending_failed(shmrpci_pending *p, const void **out);

/* ---- call_result.c: the call was received, and is released by these ---- */

static inline void shmrpci_pending_release(shmrpci_pending *p)
{
    p->link->client->release(&p->call);
}

/* Takes the outcome of the call. A value of fixed size goes to `result`. */
int shmrpci_pending_value(shmrpci_pending *p, void *result);
/* The same, with a reply object, also for a declared error. */
int shmrpci_pending_reply(shmrpci_pending *p, const void **out);

#endif
