/*
 * The client's end of a call with streams: its object, and what those who wait
 * (stream.c) and those who never do (stream_loop.c) have in common.
 *
 * Threading: shmrpc/stream_stub.h.
 */
#ifndef SHMRPCI_RPC_STREAM_H
#define SHMRPCI_RPC_STREAM_H

#include "rpc/async.h"
#include "rpc/stream_lend.h"
#include "shmrpc/stream_stub.h"

/* What the loop of its client has to know of a stream; of the thread that
 * dispatches but for what is marked. */
typedef struct shmrpci_stream_loop {
    shmrpc_stream_ready ready; /* NULL: it is none of the loop's */
    void *user;
    shmrpc_stream *next; /* async: under its lock */
    uint32_t round;      /* of dispatch, that it was told in; likewise */
    bool is_known;       /* to the loop: it is in the list */
    /* What was in vain, and is waited for. */
    bool for_item;
    bool for_room;
    bool for_end;
    bool is_armed; /* the transport tells; the waker may look */
    bool is_due;   /* it had come before it was armed */
    /* Of an item that was taken, and has not gone as a whole. */
    bool has_rest;
    size_t sent;
    int64_t idle_since_ns; /* 0: no item is waited for */
    /* The waker's, under its lock: */
    shmrpc_stream *next_armed;
    shmrpci_futex_on on[2];
    size_t on_count; /* 0: the bell tells: */
    uint32_t rings;  /* of it, before */
    bool is_woken;
} shmrpci_stream_loop;

typedef struct shmrpci_stream_calls shmrpci_stream_calls;
typedef struct shmrpci_stream_anew shmrpci_stream_anew;

struct shmrpc_stream {
    shmrpc_call *call;
    const shmrpc_method *method;
    const shmrpci_codec *codec;
    const shmrpci_stream_ops *ops;
    const shmrpci_lend_ops *lends;
    shmrpci_stream *end; /* NULL: closed */
    int64_t deadline_ns;
    /* A worker is to have the call by then; 0: one has, or its deadline is
     * earlier anyway. Relaxed: who finds that out may write it. */
    shmrpci_atomic_u64 taken_until_ns;
    shmrpci_stream_anew *anew; /* how to open it anew; NULL: it never is */
    const shmrpc_ctx *parent;  /* of the call; or NULL */
    /* The thread that reads, by the address of something of its own: who sends
     * without it can't be waiting for itself. Relaxed: a hint. */
    shmrpci_atomic_pointer reader;
    shmrpci_buf out;     /* the item that is sent */
    shmrpci_lent lent;   /* the next one */
    shmrpci_flat flat;   /* what is read, if it is */
    shmrpci_arena arena; /* of the item that was read */
    void *item;
    bool items_over;    /* the reader's */
    bool has_come;      /* an item; the same */
    shmrpci_mutex lock; /* of what follows: how it ended */
    bool is_over;
    int status;
    const void *reply;
    shmrpc_error error;
    shmrpci_stream_loop loop;
    shmrpci_stream_calls *calls; /* of one that dispatch reads; or NULL */
};

/* A child's memory has a copy of it, whose other end is the parent's. */
static inline bool shmrpci_stream_is_ours(const shmrpc_stream *s)
{
    const shmrpci_async *async = s->call->async;
    return async->generation == shmrpci_fork_generation() && !async->is_closed;
}

/* ---- stream.c ---------------------------------------------------------- */

/* Why it is not: FORKED, or INVALID after its client was closed. */
int shmrpci_stream_forked(const shmrpc_stream *s, shmrpc_error *error);

/* Waits for the reply until then (0: only looks), unless somebody has; tells
 * how the call has ended, or false: it has not. */
bool shmrpci_stream_settle(shmrpc_stream *s, int64_t until_ns, int *status,
                           shmrpc_error *error);

/* Gives the call up, unless it is over; `format` says why. Tells how it has
 * ended. */
int shmrpci_stream_give_up(shmrpc_stream *s, shmrpc_error *error, int reason,
                           const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* MORE: reads an item that has come. Else the call is given up. */
int shmrpci_stream_read(shmrpc_stream *s, const shmrpci_stream_item *raw,
                        const void **item, shmrpc_error *error);

/* It is time for a worker to have it, and none has: the call is to be given up
 * by not_taken, which tells how it has ended. */
bool shmrpci_stream_is_late(shmrpc_stream *s);
int shmrpci_stream_not_taken(shmrpc_stream *s, shmrpc_error *error);

/* Sends the request, which may have run so often; s->call is nobody's. */
int shmrpci_stream_start(shmrpc_stream *s, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, uint32_t runs,
                         shmrpc_error *error);

/* An item into s->out. */
int shmrpci_stream_encode(shmrpc_stream *s, const void *item,
                          shmrpc_error *error);

/* Why a send has failed, for people. */
int shmrpci_stream_not_sent(const shmrpc_stream *s, int status,
                            shmrpc_error *error);

/* The handler reads no more: how the call has ended, or that it was OK. */
int shmrpci_stream_not_wanted(const shmrpc_stream *s, int status,
                              shmrpc_error *error);

/* Tells those who look at all calls of an item. */
void shmrpci_stream_tell(shmrpc_stream *s, bool is_in);

/* ---- stream_loop.c ----------------------------------------------------- */

/* Before it is closed: the loop knows it no more. */
void shmrpci_stream_loop_leave(shmrpc_stream *s);

/* Under the lock of `async`, which is free while one is told: tells the streams
 * for which something may have come. Returns how many. */
int shmrpci_streams_call_back(shmrpci_async *async);

/* The calls of those over `link` that wait, behind the `count` calls that are
 * there already; and when one is due at the latest. */
size_t shmrpci_streams_gather(const shmrpci_async *async,
                              const shmrpci_link *link, shmrpci_call **calls,
                              size_t count, size_t max, int64_t *until_ns);

/* Has `ready` called by a later turn of dispatch, though nothing was BUSY. */
void shmrpci_stream_again(shmrpc_stream *s);

/* ---- stream_anew.c ---------------------------------------------------- */

/* Keeps what it takes to open a stream anew that has been opened, if it may
 * be; without memory it isn't. */
void shmrpci_stream_anew_keep(shmrpc_stream *s, shmrpc_client *client,
                              uint32_t method, const void *params,
                              const shmrpc_opts *opts);
/* It could not be opened: whether to try once more, `number` counts how often.
 * Waits as `@retry` says. */
bool shmrpci_stream_open_again(shmrpc_stream *s, shmrpc_client *client,
                               const shmrpc_opts *opts, int status,
                               unsigned number);
/* It has ended in `*status`. True: it was opened anew, or that has failed, and
 * `*status` says how. */
bool shmrpci_stream_anew_try(shmrpc_stream *s, int *status,
                             shmrpc_error *error);
void shmrpci_stream_anew_free(shmrpci_stream_anew *anew);

/* ---- stream_async.c ---------------------------------------------------- */

/* The stream is being closed. */
void shmrpci_stream_calls_free(shmrpc_stream *s);

/* ---- stream_loop.c ----------------------------------------------------- */

/* Ends the thread that watches; streams that are open are told of nothing. */
void shmrpci_streams_close(shmrpci_async *async);

#endif
