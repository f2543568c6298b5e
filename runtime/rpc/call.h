/*
 * A pending call: the state that sending, error reporting and decoding share.
 *
 * It lies in the caller's memory, from init to value or reply:
 *
 *     init -> send -> (the transport's receive or cancel) -> value | reply
 *
 * Every function that returns a status also sets the error, with a message for
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
    /* The following members, before `number`, are zeroed at first. */
    shmrpci_link *link;             /* held from start to leave */
    shmrpci_atomic_pointer *hazard; /* NULL: the hazard of the thread */
    shmrpci_beside *beside;         /* rpc/beside.h; NULL for most calls */
    uint64_t lost;                  /* number of a link that is lost; 0: none */
    unsigned runs;                  /* number of attempts that may have run */
    unsigned deaths;                /* number of attempts that ended with the
                                     * death of the worker */
    int64_t retry_after_ns;         /* the server's retry-after; 0: unknown */
    uint32_t
        flags;    /* request flags in addition to those of client and method */
    bool is_long; /* the body is too long for the transport's `post` */
    bool is_held; /* send stops before commit */
    bool is_loan; /* is_held is set too, because the program writes the body */
    bool nonblock;
    bool in_place;   /* a raw reply is read in place */
    bool has_faults; /* a fault is also returned as a reply object */
    bool is_retry;   /* an earlier attempt by the program has failed */
    uint32_t number; /* index of the method, at the client */
    uint64_t ticks;  /* when timeout_ns was last updated */
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

/* ---- call_send.c --------------------------------------------------------- */

/* Sets all members except `call`, which the transport sets. Returns INVALID if
 * the timeout is negative. */
int shmrpci_pending_init(shmrpci_pending *p, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, shmrpc_error *error);

/* Prepares a ping like a call. `state` is scratch space, which is cleared. */
int shmrpci_pending_init_ping(shmrpci_pending *p, shmrpc_client *client,
                              shmrpci_client_method *state,
                              const shmrpc_opts *opts, shmrpc_error *error);

/* Sends the call over its link: takes a slot, encodes and commits. After OK the
 * call must be received or cancelled, unless it is oneway. Returns UNAVAILABLE
 * if the connection was lost before sending, and BUSY or DEADLINE if no slot
 * was free. */
int shmrpci_pending_send(shmrpci_pending *p);
/* Commits a call that send has left uncommitted: a loan. */
int shmrpci_pending_commit(shmrpci_pending *p);
/* Commits a call with streams, and opens them. Returns EXHAUSTED if there are
 * too many streams. */
int shmrpci_pending_open(shmrpci_pending *p, const shmrpci_stream_ops *ops,
                         const shmrpci_stream_opts *opts, shmrpci_stream **out);

/* Writes the remaining time to the request after a wait, for the worker. */
void shmrpci_pending_shorten(shmrpci_pending *p);

/* ---- call_again.c -------------------------------------------------------- */

/* Holds the client's link and sends the call, over a new connection if the
 * present one is lost. Returns the statuses of send and of shmrpci_reconnect;
 * unless it is OK, the link has been dropped. */
int shmrpci_pending_start(shmrpci_pending *p);

/* Drops the link; after that the call must not be used. */
static inline void shmrpci_pending_leave(shmrpci_pending *p)
{
    const void *link = p->link; /* only its address is used */
    shmrpci_hazard_leave(p->hazard);
    shmrpci_reconnect_left(p->client, link);
}

/* Called after receive has returned `status`, which is neither OK nor DEADLINE.
 * Returns whether to start the call again. If not, the error says how the call
 * ended. */
bool shmrpci_pending_is_repeatable(shmrpci_pending *p, int status);

/* ---- call_error.c: each returns the status of the call ------------------- */

/* Sets the error: the connection was lost before the call was sent. */
int shmrpci_pending_not_sent(shmrpci_pending *p);
/* Marks the error, which is already set to `status`: this attempt has not run.
 */
int shmrpci_pending_not_run(shmrpci_pending *p, int status);
/* Sets the error: a message can't be made, sent or read. `which` is "request"
 * or "reply". */
int shmrpci_pending_message_failed(shmrpci_pending *p, const char *which,
                                   int status);
/* Sets the error: there is no memory for the request. The transport says how
 * much is left. */
int shmrpci_pending_no_room(shmrpci_pending *p);
/* Cancels a call whose deadline has passed. */
int shmrpci_pending_give_up(shmrpci_pending *p);
/* Sets the error: the other side died. `status` is SERVER_LOST or WORKER_DIED.
 */
int shmrpci_pending_lost(shmrpci_pending *p, int status);
/* Sets the error: several workers died while running this call. Returns
 * WORKER_DIED. */
int shmrpci_pending_deadly(shmrpci_pending *p);
/* Sets the error: the call has run, but its reply does not decode. */
int shmrpci_pending_damaged(shmrpci_pending *p, int status);
/* Takes the error from a reply whose status is not OK, and releases the call.
 * `out` receives the reply object, or is NULL. */
int shmrpci_pending_failed(shmrpci_pending *p, const void **out);

/* ---- call_result.c: decodes the reply of a received call and releases it - */

static inline void shmrpci_pending_release(shmrpci_pending *p)
{
    p->link->client->release(&p->call);
}

/* Takes the result of the call. The value, which has a fixed size, goes to
 * `result`. */
int shmrpci_pending_value(shmrpci_pending *p, void *result);
/* Takes the result as a reply object, also for a declared error. */
int shmrpci_pending_reply(shmrpci_pending *p, const void **out);

#endif
