/*
 * The client's side of a call with streams: its object, and the code shared by
 * blocking (stream.c) and non-blocking (stream_loop.c) functions.
 *
 * Threading: see shmrpc/stream_stub.h.
 */
#ifndef SHMRPCI_RPC_STREAM_H
#define SHMRPCI_RPC_STREAM_H

#include "rpc/async.h"
#include "rpc/stream_lend.h"
#include "shmrpc/stream_stub.h"

/* A stream's state in the loop of its client; used by the dispatching thread,
 * except where marked. */
typedef struct shmrpci_stream_loop {
    shmrpc_stream_ready ready; /* NULL: the loop does not report it */
    void *user;
    shmrpc_stream *next; /* in the client's list; under the lock of async */
    uint32_t round;      /* the round of dispatch that reported it last; under
                          * the lock of async */
    bool is_known;       /* it is in the loop's list */
    /* The events to wait for, after a try returned BUSY. */
    bool for_item;
    bool for_room;
    bool for_end;
    bool is_armed; /* armed at the transport; the waker may read it */
    bool is_due;   /* an event occurred before it was armed */
    /* A part of the item in `out` has yet to be sent. */
    bool has_rest;
    size_t sent;
    int64_t idle_since_ns; /* 0: no item is waited for */
    /* These members belong to the waker, under its lock. */
    shmrpc_stream *next_armed;
    shmrpci_futex_on on[2];
    size_t on_count; /* 0: the bell reports events */
    uint32_t rings;  /* the bell's count before arming */
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
    /* A worker must take the call before this time. 0: a worker has taken it,
     * or the call's deadline is earlier anyway. Relaxed: any thread that
     * notices may write it. */
    shmrpci_atomic_u64 taken_until_ns;
    shmrpci_stream_anew *anew; /* how to reopen it; NULL: it can't be reopened
                                */
    const shmrpc_ctx *parent;  /* the call's parent, or NULL */
    /* Identifies the thread that reads, by the address of a thread-local
     * variable. A sender in the same thread must not wait for itself to read.
     * Relaxed: a hint. */
    shmrpci_atomic_pointer reader;
    shmrpci_buf out;     /* the item being sent */
    shmrpci_lent lent;   /* the loan of the next item */
    shmrpci_flat flat;   /* form of received items, if they are flat */
    shmrpci_arena arena; /* holds the item that was read last */
    void *item;
    bool items_over;    /* used by the reader */
    bool has_come;      /* an item has arrived, so the stream can't be
                         * reopened; used by the reader */
    shmrpci_mutex lock; /* for the members below: how the call ended */
    bool is_over;
    int status;
    const void *reply;
    shmrpc_error error;
    shmrpci_stream_loop loop;
    shmrpci_stream_calls
        *calls; /* the callbacks that dispatch calls, or NULL */
};

/* Whether this process opened the stream. A forked child only has a copy of the
 * parent's. */
static inline bool shmrpci_stream_is_ours(const shmrpc_stream *s)
{
    const shmrpci_async *async = s->call->async;
    return async->generation == shmrpci_fork_generation() && !async->is_closed;
}

/* ---- stream.c ------------------------------------------------------------ */

/* Returns the error for a stream that is not ours: FORKED, or INVALID after its
 * client was closed. */
int shmrpci_stream_forked(const shmrpc_stream *s, shmrpc_error *error);

/* Waits for the reply until `until_ns` (0: only checks), unless it was
 * received. Returns whether the call has ended; if so, stores how in *status
 * and *error. */
bool shmrpci_stream_settle(shmrpc_stream *s, int64_t until_ns, int *status,
                           shmrpc_error *error);

/* Gives the call up, unless it is over. `reason` is the status, and `format`
 * makes the message. Returns how the call ended. */
int shmrpci_stream_give_up(shmrpc_stream *s, shmrpc_error *error, int reason,
                           const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Decodes an item that has arrived and returns MORE. If that fails, gives the
 * call up and returns its status. */
int shmrpci_stream_read(shmrpc_stream *s, const shmrpci_stream_item *raw,
                        const void **item, shmrpc_error *error);

/* Returns true if no worker has taken the call in time. The caller then gives
 * the call up with not_taken, which returns how it ended. */
bool shmrpci_stream_is_late(shmrpc_stream *s);
int shmrpci_stream_not_taken(shmrpc_stream *s, shmrpc_error *error);

/* Sends the request. `runs` is how many earlier attempts a handler may have
 * run. s->call must be free. */
int shmrpci_stream_start(shmrpc_stream *s, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, uint32_t runs,
                         shmrpc_error *error);

/* Encodes an item into s->out. */
int shmrpci_stream_encode(shmrpc_stream *s, const void *item,
                          shmrpc_error *error);

/* Sets the error of a failed send, and returns its status. */
int shmrpci_stream_not_sent(const shmrpc_stream *s, int status,
                            shmrpc_error *error);

/* Called when the handler accepts no more items. `status` is how the call
 * ended. Returns this status, or CANCELLED if it is OK, because the item was
 * not sent. */
int shmrpci_stream_not_wanted(const shmrpc_stream *s, int status,
                              shmrpc_error *error);

/* Tells the interceptors of an item. */
void shmrpci_stream_tell(shmrpc_stream *s, bool is_in);

/* ---- stream_loop.c ------------------------------------------------------- */

/* Removes the stream from the loop, before it is closed. */
void shmrpci_stream_loop_leave(shmrpc_stream *s);

/* Calls `ready` of the streams that may have an event, and returns how many.
 * The caller has the lock of `async`, which is released during callbacks. */
int shmrpci_streams_call_back(shmrpci_async *async);

/* Appends the calls of streams that wait over `link` to the list of `count`
 * calls, and returns the new count. Lowers *until_ns to the earliest time at
 * which one is due. */
size_t shmrpci_streams_gather(const shmrpci_async *async,
                              const shmrpci_link *link, shmrpci_call **calls,
                              size_t count, size_t max, int64_t *until_ns);

/* Makes a later turn of dispatch call `ready`, although no function returned
 * BUSY. */
void shmrpci_stream_again(shmrpc_stream *s);

/* ---- stream_anew.c ------------------------------------------------------- */

/* Keeps the request for reopening an open stream, if reopening is allowed. If
 * memory is short, the stream can't be reopened. */
void shmrpci_stream_anew_keep(shmrpc_stream *s, shmrpc_client *client,
                              uint32_t method, const void *params,
                              const shmrpc_opts *opts);
/* Called when opening failed: waits as `@retry` says, and returns whether to
 * try again. `number` counts the attempts. */
bool shmrpci_stream_open_again(shmrpc_stream *s, shmrpc_client *client,
                               const shmrpc_opts *opts, int status,
                               unsigned number);
/* Called when the stream has ended with *status. Returns false if the stream
 * must not be reopened. Otherwise reopens it, stores in *status whether that
 * succeeded, and returns true. */
bool shmrpci_stream_anew_try(shmrpc_stream *s, int *status,
                             shmrpc_error *error);
void shmrpci_stream_anew_free(shmrpci_stream_anew *anew);

/* ---- stream_async.c ------------------------------------------------------ */

/* Frees the callbacks of a stream that is being closed. */
void shmrpci_stream_calls_free(shmrpc_stream *s);

/* ---- stream_loop.c ------------------------------------------------------- */

/* Ends the waker thread; open streams get no more events. */
void shmrpci_streams_close(shmrpci_async *async);

#endif
