/*
 * Detached calls: their handlers have returned, and another thread will answer
 * (shmrpc_ctx_detach in <shmrpc/server.h>).
 *
 * A detached call takes over its parameters, memory and metadata from its
 * worker, which gets new ones and continues. The program holds a context that
 * belongs to the call until it has answered.
 *
 *     OPEN -+-> ANSWERING -------> ANSWERED    by the program
 *           |                          ^
 *           +-> ENDING --> ENDED ------+       by its worker, which can't wait
 *                                              any longer; then by the program
 *
 * An answered call stays in memory until 64 others were answered (misuse.h), so
 * that a second answer is reported and does no harm.
 *
 * Threading: the handler's thread detaches. Any thread may reply, one at a time
 * for each call. The worker's thread ends the set, when its handlers have
 * returned.
 */
#ifndef SHMRPCI_RPC_DETACH_H
#define SHMRPCI_RPC_DETACH_H

#include "os/thread.h"
#include "rpc/dispatch.h"
#include "shmrpc/stream_stub.h"

/* The detached calls of a worker. */
typedef struct shmrpci_detached_set shmrpci_detached_set;

/* Most streams of one thread, which sleeps on two words of each stream, on its
 * own word, and on the worker's alarm. */
#define SHMRPCI_STEPPER_STREAMS ((SHMRPCI_FUTEX_ANY_MAX - 2) / 2)
#define SHMRPCI_STEPPERS_MAX                               \
    ((SHMRPC_DETACHED_MAX + SHMRPCI_STEPPER_STREAMS - 1) / \
     SHMRPCI_STEPPER_STREAMS)

/* The state of a detached call with streams, whose step function is called when
 * there is something to do (detach_stream.c). */
typedef struct shmrpci_stepped {
    shmrpc_stub_step call; /* calls `step`; NULL: the call has no streams */
    shmrpc_function step;
    void *state;
    void (*drop)(void *state);
    void *result; /* NULL: the method has none */
    struct shmrpci_stepper *by;
    struct shmrpci_detached
        *next; /* in the stepper's list `streams` or `fresh` */
    shmrpci_atomic_u32 is_woken;
    shmrpci_served_stream stream;
    bool is_due;   /* an item has arrived, or there is room */
    bool has_left; /* the client has left the stream, but not ended the call */
    bool is_last;  /* it ends with `status` once the current item is sent */
    int status;
    int64_t idle_ns; /* deadline for the next item */
} shmrpci_stepped;

typedef enum shmrpci_detached_state {
    SHMRPCI_DETACHED_OPEN,
    SHMRPCI_DETACHED_ANSWERING,
    SHMRPCI_DETACHED_ANSWERED,
    SHMRPCI_DETACHED_ENDING, /* the worker is ending it */
    SHMRPCI_DETACHED_ENDED   /* only the program's reference is left */
} shmrpci_detached_state;

typedef struct shmrpci_detached {
    shmrpci_dispatcher w; /* the program's handle points to its context */
    shmrpci_request request;
    shmrpci_detached_set *set;
    struct shmrpci_detached
        *next; /* under the set's lock, until it has ended */
    struct shmrpci_detached *previous;
    /* A shmrpci_detached_state. It changes to ENDING and ENDED under the set's
     * lock. Acquire and release: publishes the other members. */
    shmrpci_atomic_u32 state;
    uint32_t generation; /* identifies the process */
    uint64_t connection;
    shmrpci_overload_detached counted; /* until it is answered */
    shmrpci_stepped stepped;           /* of a call with streams */
    uint32_t result_bytes[];           /* for each method */
} shmrpci_detached;

struct shmrpci_detached_set {
    /* Replies are sent one at a time, because the rows in which they are
     * counted may have only one writer at a time. */
    shmrpci_mutex replies;
    shmrpci_mutex lock; /* for the members below */
    shmrpci_cond changed;
    shmrpci_detached *first;
    uint32_t count;  /* length of the list */
    uint32_t refs;   /* references: the worker's, and one for each call that the
                      * program has */
    bool is_closing; /* open streams must end */
    bool is_closed;  /* the threads must end too */
    struct shmrpci_stepper *steppers[SHMRPCI_STEPPERS_MAX];
    uint32_t stepper_count;
};

/* Waits until all calls are answered, at most `drain_ns`. Then ends the others
 * with ABORTED and reports each of them. After this no call can be answered.
 * Frees the set when the last reference is dropped. */
void shmrpci_detached_end(shmrpci_detached_set *set, int64_t drain_ns);

/* ---- inside -------------------------------------------------------------- */

/* Detaches the call of `ctx` from its worker. If this fails the error is set,
 * and nothing has changed. */
int shmrpci_detached_begin(shmrpc_ctx *ctx, shmrpci_detached **out);
/* Sends the program's answer, or the result of its step. Returns false if the
 * caller no longer waits. */
bool shmrpci_detached_answer(shmrpci_detached *d, int status,
                             const void *result);
/* Removes the call from the set and sets its state to `state`. */
void shmrpci_detached_leave(shmrpci_detached *d, shmrpci_detached_state state);
/* Keeps an answered call in memory only to report a second answer. */
void shmrpci_detached_bury(shmrpci_detached *d);

/* ---- detach_stream.c: calls with streams --------------------------------- */

/* Makes the threads end all open streams. The caller has the lock. */
void shmrpci_steppers_close(shmrpci_detached_set *set);
/* Ends the threads. No stream may be left. */
void shmrpci_steppers_end(shmrpci_detached_set *set);

#endif
