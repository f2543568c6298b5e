/*
 * Calls that are detached: their handlers have returned, and another thread
 * will answer (shmrpc_ctx_detach in <shmrpc/server.h>).
 *
 * Such a call takes over its parameters, memory and metadata from its worker,
 * which gets new ones and goes on. The program holds a context of the call's
 * own until it has answered.
 *
 *     OPEN -> ANSWERING --------> ANSWERED    by the program +---> ENDING ->
 *       ENDED -------^        by its worker, which can wait no
 *                                             longer; then by the program
 *
 * An answered call stays in memory until 64 others were answered (misuse.h), so
 * that a second answer is reported and does no harm.
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

/* The streams of one thread, which sleeps on two words of each stream, on its
 * own word, and on the worker's alarm. */
#define SHMRPCI_STEPPER_STREAMS ((SHMRPCI_FUTEX_ANY_MAX - 2) / 2)
#define SHMRPCI_STEPPERS_MAX                               \
    ((SHMRPC_DETACHED_MAX + SHMRPCI_STEPPER_STREAMS - 1) / \
     SHMRPCI_STEPPER_STREAMS)

/* The step of a call with streams whose handler has returned. */
typedef struct shmrpci_stepped {
    shmrpc_stub_step call; /* NULL: it has none */
    shmrpc_function step;
    void *state;
    void (*drop)(void *state);
    void *result; /* NULL: the method has none */
    struct shmrpci_stepper *by;
    struct shmrpci_detached *next; /* in the list of the stepper, or of the
                                    * fresh ones */
    shmrpci_atomic_u32 is_woken;
    shmrpci_served_stream stream;
    bool is_due;   /* an item has arrived, or there is room */
    bool has_left; /* the client has closed it, but not ended the call */
    bool is_last;  /* it ends with `status` once the current item is sent */
    int status;
    int64_t idle_ns; /* deadline for the next item */
} shmrpci_stepped;

typedef enum shmrpci_detached_state {
    SHMRPCI_DETACHED_OPEN,
    SHMRPCI_DETACHED_ANSWERING,
    SHMRPCI_DETACHED_ANSWERED,
    SHMRPCI_DETACHED_ENDING, /* the worker no longer uses it */
    SHMRPCI_DETACHED_ENDED   /* only the program's reference is left */
} shmrpci_detached_state;

typedef struct shmrpci_detached {
    shmrpci_dispatcher w; /* first: the program's handle is its context */
    shmrpci_request request;
    shmrpci_detached_set *set;
    struct shmrpci_detached
        *next; /* under the set's lock, until it has ended */
    struct shmrpci_detached *previous;
    /* shmrpci_detached_state. To ENDING and ENDED under the set's lock. Acquire
     * and release: publishes the members here. */
    shmrpci_atomic_u32 state;
    uint32_t generation; /* identifies the process */
    uint64_t connection;
    shmrpci_overload_detached counted; /* until it is answered */
    shmrpci_stepped stepped;           /* of a call with streams */
    uint32_t result_bytes[];           /* for each method */
} shmrpci_detached;

struct shmrpci_detached_set {
    /* Replies are sent one at a time: they are counted in rows of their own,
     * which have one writer. */
    shmrpci_mutex replies;
    shmrpci_mutex lock; /* for the members below */
    shmrpci_cond changed;
    shmrpci_detached *first;
    uint32_t count;  /* length of the list */
    uint32_t refs;   /* references: the worker's, and one of each call that the
                      * program has */
    bool is_closing; /* streams must end */
    bool is_closed;  /* the threads must end too */
    struct shmrpci_stepper *steppers[SHMRPCI_STEPPERS_MAX];
    uint32_t stepper_count;
};

/* Waits until all are answered, for `drain_ns` at most; then ends the others
 * with ABORTED, and reports that. After this no call can be answered; frees the
 * set. */
void shmrpci_detached_end(shmrpci_detached_set *set, int64_t drain_ns);

/* ---- inside ------------------------------------------------------------ */

/* Detaches the call of `ctx` from its worker. OK; or an error that has been
 * set, and nothing has changed. */
int shmrpci_detached_begin(shmrpc_ctx *ctx, shmrpci_detached **out);
/* Sends the answer of the program or of its step. False: nobody waits for
 * it. */
bool shmrpci_detached_answer(shmrpci_detached *d, int status,
                             const void *result);
/* The worker no longer uses it; its state is `state` from now on. */
void shmrpci_detached_leave(shmrpci_detached *d, shmrpci_detached_state state);
/* The program no longer uses it: kept only to report a second answer. */
void shmrpci_detached_bury(shmrpci_detached *d);

/* ---- detach_stream.c: calls with streams --------------------------------- */

/* Under the lock: ends the streams that are open. */
void shmrpci_steppers_close(shmrpci_detached_set *set);
/* When no streams are left: ends the threads. */
void shmrpci_steppers_end(shmrpci_detached_set *set);

#endif
