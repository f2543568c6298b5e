/*
 * Asynchronous calls: their objects, and the loop that ends those with a
 * callback.
 *
 * An object belongs to one client forever; a bitmap says which are in use. Its
 * state says who may use it, so that start and finish take no lock:
 *
 *     LOANED  has a slot, and a body that the caller is writing; to be sent
 *     FLYING  sent, to be finished
 *     OWED    sent, with a callback
 *     HELD one thread checks it, waits, decodes, or runs the callback; or the
 *     object is free, or being made ready ENDED to be finished: the result is
 *     in the object, its slot is free DUE the same, with a callback
 *
 *     LOANED --> HELD --> FLYING, or free FLYING --> HELD --> FLYING (not
 *     over), ENDED, or free
 *     ENDED  --> HELD --> free                    the same with OWED and DUE
 *
 * Calls that are over are ended early when another call needs a slot
 * (make_room). OWED and DUE change under `lock` only, so that the thread that
 * arms sees all calls whose ends are to be reported.
 *
 * A call holds its link, by a hazard of its own, until its slot is free, and
 * the links of calls with callbacks stay in a list as long as they have any: a
 * link that is being replaced may still have calls in progress.
 *
 * A forked child has objects of its own.  Calls of its parent are FORKED, and
 * their callbacks are the parent's.
 */
#ifndef SHMRPCI_RPC_ASYNC_H
#define SHMRPCI_RPC_ASYNC_H

#include "os/fork.h"
#include "os/thread.h"
#include "rpc/call.h"
#include "sync/bias.h"

#define SHMRPCI_ASYNC_BLOCK_CALLS 64u
/* Calls in flight, or ended and not finished, that one client may have. */
#define SHMRPCI_ASYNC_MAX_BLOCKS 64u
/* Lost links with unfinished calls; if there are more, the others are not
 * watched. */
#define SHMRPCI_ASYNC_LINKS 8u

typedef enum shmrpci_async_state {
    SHMRPCI_ASYNC_HELD,
    SHMRPCI_ASYNC_LOANED,
    SHMRPCI_ASYNC_FLYING,
    SHMRPCI_ASYNC_OWED,
    SHMRPCI_ASYNC_ENDED,
    SHMRPCI_ASYNC_DUE
} shmrpci_async_state;

typedef struct shmrpci_async shmrpci_async;

/* A program's handle is the address of the object, with its use count in the
 * bits that alignment leaves free: so a call that has ended can be
 * distinguished from the next one in the same object. */
#define SHMRPCI_ASYNC_USES 64u

struct shmrpc_call {
    _Alignas(SHMRPCI_ASYNC_USES) shmrpci_pending pending;
    /* How often the object has been used. Relaxed: it changes when the call
     * ends, and only the thread that has the call may use it then. */
    shmrpci_atomic_u32 uses;
    shmrpci_atomic_pointer holds; /* the link of `pending` (rpc/link.h) */
    shmrpci_async *async;
    shmrpci_atomic_u32 state;
    shmrpci_atomic_u64 *busy; /* index in its block */
    uint64_t bit;
    shmrpc_stub_end end; /* NULL: the program will finish it */
    shmrpc_function done;
    void *user;
    /* Set when ENDED or DUE. */
    int status;
    const void *reply;
    shmrpc_error error;
};

typedef struct shmrpci_async_block {
    shmrpci_atomic_u64 busy;
    _Atomic(struct shmrpci_async_block *) next;
    shmrpc_call calls[SHMRPCI_ASYNC_BLOCK_CALLS];
} shmrpci_async_block;

/* A link used by calls with callbacks. */
typedef struct shmrpci_async_link {
    shmrpci_link *link;
    bool is_watched;
} shmrpci_async_link;

struct shmrpci_async {
    shmrpc_client *client;
    uint32_t generation;      /* identifies the process that it belongs to */
    shmrpci_async *inherited; /* the parent's */
    shmrpci_atomic_u32 is_closing;
    bool is_closed;    /* references: the client's, and one for each open
                        * stream */
    shmrpci_bias bias; /* for `busy` of blocks and `state` of calls */

    shmrpci_mutex lock;
    bool is_dispatching;
    int set; /* -1: the program has not asked for the descriptor yet */
    int timer;
    int64_t timer_ns; /* when the timer will expire */
    int64_t noted_ns; /* when connections were last acknowledged */
    shmrpci_async_link links[SHMRPCI_ASYNC_LINKS];
    unsigned link_count;
    struct shmrpc_stream *streams; /* whose events the loop reports */
    uint32_t stream_round;         /* the thread that is in dispatch */
    struct shmrpci_waker *waker;   /* NULL: not needed yet */

    shmrpci_async_block first;
};

static inline uintptr_t shmrpci_async_use(const shmrpc_call *call)
{
    return shmrpci_load_relaxed(&call->uses) % SHMRPCI_ASYNC_USES;
}

/* The program's handle of the call. */
static inline shmrpc_call *shmrpci_async_handle(shmrpc_call *call)
{
    return (shmrpc_call *)((uintptr_t)call | shmrpci_async_use(call));
}

/* The object of a handle, whatever call it holds now. */
static inline shmrpc_call *shmrpci_async_object(const shmrpc_call *handle)
{
    return (shmrpc_call *)((uintptr_t)handle &
                           ~(uintptr_t)(SHMRPCI_ASYNC_USES - 1));
}

/* The call of a handle; NULL: it has ended. */
static inline shmrpc_call *shmrpci_async_call(const shmrpc_call *handle)
{
    shmrpc_call *call = shmrpci_async_object(handle);
    return shmrpci_async_use(call) == (uintptr_t)handle % SHMRPCI_ASYNC_USES
               ? call
               : NULL;
}

/* This process's calls; NULL: none yet. */
static inline shmrpci_async *shmrpci_async_have(shmrpc_client *client)
{
    /* Acquire: pairs with the exchange that made it. */
    shmrpci_async *async = shmrpci_load_acquire(&client->async);
    return async != NULL && async->generation == shmrpci_fork_generation()
               ? async
               : NULL;
}

/* True: it was in state `from`, and is now HELD. */
static inline bool shmrpci_async_hold(shmrpc_call *call,
                                      shmrpci_async_state from)
{
    /* Acquire: publishes what the last holder has written. */
    uint32_t state = (uint32_t)from;
    return shmrpci_bias_cas_u32(&call->async->bias, &call->state, &state,
                                (uint32_t)SHMRPCI_ASYNC_HELD);
}

/* ---- async_pool.c ---------------------------------------------------- */

/* This process's calls, allocated when first needed; NULL: out of memory, or
 * the client is closed. */
shmrpci_async *shmrpci_async_of(shmrpc_client *client);
/* An unused object, now HELD. NULL: all are in use, or memory is short. */
shmrpc_call *shmrpci_async_take(shmrpci_async *async);
/* Returns the object of a held call for reuse. */
void shmrpci_async_free(shmrpc_call *call);

/* An iterator over the calls that are in use. */
typedef struct shmrpci_async_walk {
    shmrpci_async_block *block;
    uint64_t left;
} shmrpci_async_walk;

shmrpci_async_walk shmrpci_async_walk_from(shmrpci_async_block *first);
/* NULL: no more. */
shmrpc_call *shmrpci_async_next(shmrpci_async_walk *walk);

/* ---- async.c --------------------------------------------------------- */

/* As shmrpc_stub_start; `is_repeated`: tells the handler that an earlier
 * attempt may have run. */
int shmrpci_async_start(shmrpc_client *client, uint32_t method,
                        const void *params, const shmrpc_opts *opts,
                        bool is_repeated, shmrpc_call **out,
                        shmrpc_error *error);
/* Waits for such a call, until `until_ns` or its deadline. True: finishing it
 * would not wait. */
bool shmrpci_async_wait(shmrpc_call *handle, int64_t until_ns);
int64_t shmrpci_async_deadline_ns(const shmrpc_call *handle);

/* Checks whether a held call is over, or late at `now_ns`; if so, stores its
 * result in the object. */
bool shmrpci_async_look(shmrpc_call *call, int64_t now_ns);
/* The same after giving the call up. True: it has not run. */
bool shmrpci_async_cancel(shmrpc_call *call);
/* As shmrpc_call_release, for a call of this process. */
void shmrpci_async_release(shmrpc_call *call);
/* Whether a call of the client holds a replaced link. */
bool shmrpci_async_holds(const shmrpc_client *client, const void *link);

/* No slot was free: ends calls that are over, or waits a while for one to end,
 * if it may wait. True: there may be a slot now. False: none of the client's
 * asynchronous calls can help. */
bool shmrpci_async_make_room(shmrpci_async *async, int64_t deadline_ns,
                             bool may_wait);

/* ---- async_loop.c; under the lock -------------------------------------- */

/* The end of a call will be reported, whether it is OWED or not: from now on
 * the loop notices when its server is lost. */
void shmrpci_async_enter(shmrpci_async *async, const shmrpc_call *call);
/* A call has become OWED: its end will be reported. */
void shmrpci_async_sent(shmrpci_async *async, shmrpc_call *call);
/* The same for a call whose end is reported by other code, until `until_ns`. */
void shmrpci_async_expect(shmrpci_async *async, shmrpc_call *call,
                          int64_t until_ns);
/* A call has become DUE. */
void shmrpci_async_kick(shmrpci_async *async);
/* Checks now and then whether the server of a link that nobody waits for is
 * lost. */
void shmrpci_async_probe(shmrpci_async *async, shmrpci_link *link);

/* ---- not under it ---- */

/* Calls the callback of a held call that is over, and frees its object. */
void shmrpci_async_tell(shmrpc_call *call);
/* Ends all calls. */
void shmrpci_async_close(shmrpc_client *client);

#endif
