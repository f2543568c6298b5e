/*
 * Calls that are detached: their handlers have returned, and another thread
 * will answer (shmrpc_ctx_detach in <shmrpc/server.h>).
 *
 * Such a call takes along what its worker had for it: parameters, memory,
 * metadata.  The worker gets new room, and goes on.  What the program holds is
 * a context of the call's own, until it has answered.
 *
 *     OPEN -> ANSWERING --------> ANSWERED    by the program
 *       +---> ENDING -> ENDED -------^        by its worker, which can wait no
 *                                             longer; then by the program
 *
 * Who answered last stays in memory until 64 others have (misuse.h), so that a
 * second answer is a sentence, and does no harm.
 *
 * Threading: detach: the handler's thread; reply: any, one at a time for each
 * call; end: the worker's thread, when its handlers have returned.
 */
#ifndef SHMRPCI_RPC_DETACH_H
#define SHMRPCI_RPC_DETACH_H

#include "os/thread.h"
#include "rpc/dispatch.h"
#include "shmrpc/stream_stub.h"

/* The detached calls of a worker. */
typedef struct shmrpci_detached_set shmrpci_detached_set;

/* A thread for so many streams sleeps on two words of each, its own, and the
 * worker's alarm. */
#define SHMRPCI_STEPPER_STREAMS ((SHMRPCI_FUTEX_ANY_MAX - 2) / 2)
#define SHMRPCI_STEPPERS_MAX                               \
    ((SHMRPC_DETACHED_MAX + SHMRPCI_STEPPER_STREAMS - 1) / \
     SHMRPCI_STEPPER_STREAMS)

/* Who serves a call with streams whose handler has returned. */
typedef struct shmrpci_stepped {
    shmrpc_stub_step call; /* NULL: it has none */
    shmrpc_function step;
    void *state;
    void (*drop)(void *state);
    void *result; /* NULL: the method has none */
    struct shmrpci_stepper *by;
    struct shmrpci_detached *next; /* the stepper's; or fresh */
    shmrpci_atomic_u32 is_woken;
    shmrpci_served_stream stream;
    bool is_due;   /* something has come, or there is room */
    bool has_left; /* the client has closed it, and not said so by its call */
    bool is_last;  /* it ends in `status`, when the rest of an item has gone */
    int status;
    int64_t idle_ns; /* until then an item must come */
} shmrpci_stepped;

typedef enum shmrpci_detached_state {
    SHMRPCI_DETACHED_OPEN,
    SHMRPCI_DETACHED_ANSWERING,
    SHMRPCI_DETACHED_ANSWERED,
    SHMRPCI_DETACHED_ENDING, /* by the worker; */
    SHMRPCI_DETACHED_ENDED   /* what is left is the program's then */
} shmrpci_detached_state;

typedef struct shmrpci_detached {
    shmrpci_dispatcher w; /* its context is what the program has */
    shmrpci_request request;
    shmrpci_detached_set *set;
    struct shmrpci_detached
        *next; /* under the set's lock, until it has ended */
    struct shmrpci_detached *previous;
    /* shmrpci_detached_state. To ENDING and ENDED under the set's lock.
     * Acquire and release: of all that is here. */
    shmrpci_atomic_u32 state;
    uint32_t generation; /* of the process */
    uint64_t connection;
    shmrpci_overload_detached counted; /* until it is answered */
    shmrpci_stepped stepped;           /* of a call with streams */
    uint32_t result_bytes[];           /* of each method */
} shmrpci_detached;

struct shmrpci_detached_set {
    /* One answer at a time: they are counted in rows of their own, which have
     * one writer. */
    shmrpci_mutex replies;
    shmrpci_mutex lock; /* of what follows */
    shmrpci_cond changed;
    shmrpci_detached *first;
    uint32_t count;  /* of those in the list */
    uint32_t refs;   /* the worker, and each call that the program has */
    bool is_closing; /* streams are to end */
    bool is_closed;  /* their threads, too */
    struct shmrpci_stepper *steppers[SHMRPCI_STEPPERS_MAX];
    uint32_t stepper_count;
};

/* Waits until all are answered, for `drain_ns` at most; then ends the others in
 * ABORTED, and says so. None is answered any more; the set is given back.
 */
void shmrpci_detached_end(shmrpci_detached_set *set, int64_t drain_ns);

/* ---- inside ------------------------------------------------------------ */

/* Parts the call of `ctx` from its worker. OK; or a status that has been
 * explained, and nothing has changed. */
int shmrpci_detached_begin(shmrpc_ctx *ctx, shmrpci_detached **out);
/* The program answers, or its step has: sends it. False: nobody waits. */
bool shmrpci_detached_answer(shmrpci_detached *d, int status,
                             const void *result);
/* It is over, as far as the worker is concerned, and in `state`. */
void shmrpci_detached_leave(shmrpci_detached *d, shmrpci_detached_state state);
/* The program has no more to do with it: only to tell a second answer. */
void shmrpci_detached_bury(shmrpci_detached *d);

/* ---- detach_stream.c: calls with streams --------------------------------- */

/* Under the lock: those that are open are to end. */
void shmrpci_steppers_close(shmrpci_detached_set *set);
/* When there are none any more: ends the threads. */
void shmrpci_steppers_end(shmrpci_detached_set *set);

#endif
