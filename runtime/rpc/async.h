/*
 * Asynchronous calls: their objects, and the loop that ends the calls that have
 * a callback.
 *
 * An object belongs to one client forever; a bitmap says which objects are in
 * use. The state of an object says who may use it, so that start and finish
 * take no lock:
 *
 *     LOANED  has a slot, and a body that the caller is writing; to be sent
 *     FLYING  sent, to be finished by the program
 *     OWED    sent, with a callback to be called
 *     HELD    one thread checks it, waits, decodes, or runs the callback; or
 *             the object is free, or is being prepared
 *     ENDED   to be finished: the result is in the object, its slot is free
 *     DUE     as ENDED, but with a callback
 *
 *     LOANED --> HELD --> FLYING, or free
 *     FLYING --> HELD --> FLYING (not over), ENDED, or free
 *     ENDED  --> HELD --> free
 *     OWED and DUE change like FLYING and ENDED.
 *
 * When another call needs a slot, make_room ends the calls that are over. A
 * call enters and leaves OWED and DUE only under `lock`, so that the thread
 * that arms the calls (async_loop.c) sees all calls whose ends are to be
 * reported.
 *
 * A call holds its link by a hazard pointer of its own until its slot is free.
 * Links with unfinished calls that have callbacks stay in a list, because a
 * link that is being replaced may still have calls in flight.
 *
 * A forked child has call objects of its own. In the child, using a call of the
 * parent returns FORKED, and only the parent runs its callback.
 */
#ifndef SHMRPCI_RPC_ASYNC_H
#define SHMRPCI_RPC_ASYNC_H

#include "os/fork.h"
#include "os/thread.h"
#include "rpc/call.h"
#include "sync/bias.h"

#define SHMRPCI_ASYNC_BLOCK_CALLS 64u
/* Most blocks of calls that one client may have. A call occupies its object
 * until it is finished. */
#define SHMRPCI_ASYNC_MAX_BLOCKS 64u
/* Most links with unfinished calls that are watched. Calls over further links
 * are checked by a timer. */
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

/* A program's handle is the address of the object, with the object's use count
 * in the bits that alignment leaves free. So the handle of an ended call
 * differs from that of the next call in the same object. */
#define SHMRPCI_ASYNC_USES 64u

struct shmrpc_call {
    _Alignas(SHMRPCI_ASYNC_USES) shmrpci_pending pending;
    /* How often the object has been used. Relaxed: the number changes when a
     * call ends, and then only the thread that holds the call may use the
     * object. */
    shmrpci_atomic_u32 uses;
    shmrpci_atomic_pointer holds; /* the link of `pending` (rpc/link.h) */
    shmrpci_async *async;
    shmrpci_atomic_u32 state;
    shmrpci_atomic_u64 *busy; /* the bitmap of its block */
    uint64_t bit;
    shmrpc_stub_end end; /* converts the result for `done`; NULL: the program
                          * will finish the call */
    shmrpc_function done;
    void *user;
    /* The outcome, set in states ENDED and DUE. */
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
    uint32_t generation;      /* identifies the process that these calls belong
                               * to */
    shmrpci_async *inherited; /* the parent's calls, in a forked child; or
                               * NULL */
    shmrpci_atomic_u32 is_closing;
    bool is_closed;    /* the client was closed */
    shmrpci_bias bias; /* for `busy` of blocks and `state` of calls */

    shmrpci_mutex lock;
    bool is_dispatching;
    int set; /* -1: the program has not asked for the descriptor yet */
    int timer;
    int64_t timer_ns; /* when the timer will expire */
    int64_t noted_ns; /* when connections were last acknowledged */
    shmrpci_async_link links[SHMRPCI_ASYNC_LINKS];
    unsigned link_count;
    struct shmrpc_stream *streams; /* the streams whose events the loop
                                    * reports */
    uint32_t stream_round;         /* used by the thread in dispatch */
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

/* Returns the client's calls in this process, or NULL if there were none yet.
 */
static inline shmrpci_async *shmrpci_async_have(shmrpc_client *client)
{
    /* Acquire: pairs with the exchange that made it. */
    shmrpci_async *async = shmrpci_load_acquire(&client->async);
    return async != NULL && async->generation == shmrpci_fork_generation()
               ? async
               : NULL;
}

/* Tries to hold a call that is in state `from`. On true the call is HELD. */
static inline bool shmrpci_async_hold(shmrpc_call *call,
                                      shmrpci_async_state from)
{
    /* Acquire: we see what the last holder has written. */
    uint32_t state = (uint32_t)from;
    return shmrpci_bias_cas_u32(&call->async->bias, &call->state, &state,
                                (uint32_t)SHMRPCI_ASYNC_HELD);
}

/* ---- async_pool.c -------------------------------------------------------- */

/* Returns the client's calls in this process, and allocates them on first use.
 * Returns NULL if memory is short or the client is closed. */
shmrpci_async *shmrpci_async_of(shmrpc_client *client);
/* Takes an unused object, which is then HELD. Returns NULL if all are in use or
 * memory is short. */
shmrpc_call *shmrpci_async_take(shmrpci_async *async);
/* Returns the object of a held call for reuse. */
void shmrpci_async_free(shmrpc_call *call);

/* An iterator over the calls that are in use. */
typedef struct shmrpci_async_walk {
    shmrpci_async_block *block;
    uint64_t left;
} shmrpci_async_walk;

shmrpci_async_walk shmrpci_async_walk_from(shmrpci_async_block *first);
/* Returns the next call, or NULL after the last. */
shmrpc_call *shmrpci_async_next(shmrpci_async_walk *walk);

/* ---- async.c ------------------------------------------------------------- */

/* Starts a call like shmrpc_stub_start. `is_repeated` tells the handler that an
 * earlier attempt may have run. */
int shmrpci_async_start(shmrpc_client *client, uint32_t method,
                        const void *params, const shmrpc_opts *opts,
                        bool is_repeated, shmrpc_call **out,
                        shmrpc_error *error);
/* Waits for a call from shmrpci_async_start, until `until_ns` or the call's
 * deadline. Returns whether finishing it would return at once. */
bool shmrpci_async_wait(shmrpc_call *handle, int64_t until_ns);
int64_t shmrpci_async_deadline_ns(const shmrpc_call *handle);

/* Checks whether a held call is over, or past its deadline at `now_ns`. If so,
 * stores its result in the object and returns true. */
bool shmrpci_async_look(shmrpc_call *call, int64_t now_ns);
/* Gives a held call up and stores its result. Returns true if it has not run.
 */
bool shmrpci_async_cancel(shmrpc_call *call);
/* Releases a call of this process, like shmrpc_call_release. */
void shmrpci_async_release(shmrpc_call *call);
/* Whether a call of the client holds a replaced link. */
bool shmrpci_async_holds(const shmrpc_client *client, const void *link);

/* Called when no slot was free: ends calls that are over, or waits a while for
 * one to end if it may wait. Returns true if there may be a slot now, and false
 * if none of the client's asynchronous calls can help. */
bool shmrpci_async_make_room(shmrpci_async *async, int64_t deadline_ns,
                             bool may_wait);

/* ---- async_loop.c; under the lock ---------------------------------------- */

/* Called for a call whose end must be reported, whether it is OWED or not: from
 * now on the loop notices when its server is lost. */
void shmrpci_async_enter(shmrpci_async *async, const shmrpc_call *call);
/* Called when a call has become OWED: arms it, so that its end is reported. */
void shmrpci_async_sent(shmrpci_async *async, shmrpc_call *call);
/* Arms a call whose end is reported by other code, and wakes the loop at
 * `until_ns` at the latest. */
void shmrpci_async_expect(shmrpci_async *async, shmrpc_call *call,
                          int64_t until_ns);
/* Makes the descriptor readable, because a call has become DUE. */
void shmrpci_async_kick(shmrpci_async *async);
/* Checks, at most every 10 ms, whether the server of a link that nobody waits
 * for is lost. */
void shmrpci_async_probe(shmrpci_async *async, shmrpci_link *link);

/* ---- async_loop.c; without the lock -------------------------------------- */

/* Calls the callback of a held call that is over, and frees its object. */
void shmrpci_async_tell(shmrpc_call *call);
/* Ends all calls. */
void shmrpci_async_close(shmrpc_client *client);

#endif
