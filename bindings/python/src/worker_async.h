/*
 * Declarations shared by the files for handlers in an event loop: in
 * worker_async.c the library's threads pass calls to the loop, in worker_loop.c
 * the loop takes them, and in worker_answer.c it answers.
 *
 * Threading: a thread that holds the lock of core_async waits for nothing else.
 * The context of a call with streams is either used by a step or claimed by the
 * loop.
 */
#ifndef SHMRPC_PYTHON_WORKER_ASYNC_H
#define SHMRPC_PYTHON_WORKER_ASYNC_H

#include "wait.h"
#include "worker.h"

#include <pthread.h>

/* How many items of a call are buffered in each direction. */
#define CORE_IN_MOST  32u
#define CORE_OUT_MOST 32u
/* `number` of a oneway call's context, which has no job. */
#define CORE_ONEWAY 1u

typedef struct core_item {
    struct core_item *next;
    void *value;
    core_scratch scratch;
} core_item;

typedef struct core_job {
    struct core_job *next; /* next in the list core_async.first */
    struct core_job *more; /* next in the list core_async.news */
    core_async *async;
    core_call_context *context; /* for streams: a reference, held until the
                                 * call is dropped */
    shmrpc_ctx *ctx;            /* for streams: the context that steps get */
    const void *params;
    uint32_t method;
    bool is_oneway;
    bool is_taken;
    bool has_streams;
    /* The following members are for streams. The lock protects them, except
     * where noted. */
    bool has_news;
    bool is_stepping;
    unsigned claims;
    bool is_dropped;
    bool is_ended; /* `status` is the call's final status */
    int status;
    void *result;
    core_item *out_first;
    core_item *out_last;
    core_item *sent; /* items that were sent; the loop frees them */
    unsigned out_count;
    unsigned in_count;
    int in_status;        /* MORE, or the status with which the items ended */
    PyObject *in;         /* a list of items, protected by the GIL */
    core_scratch scratch; /* memory of the result; used by the loop */
} core_job;

struct core_async {
    core_program *of;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* signalled when the state changes; uses
                             * CLOCK_MONOTONIC */
    int event;
    core_job *first; /* calls that the loop has not taken yet */
    core_job *last;
    core_job *news;
    int64_t first_ns; /* when the list became non-empty */
    unsigned count;   /* number of unanswered calls */
    int64_t moved_ns; /* when `count` last changed */
};

/* ---- worker_async.c ------------------------------------------------------ */

const shmrpc_method *core_job_method(const core_job *j);

/* Waits until something has changed, or for the time after which a loop counts
 * as stuck. The caller holds the lock, which is released during the wait. */
void core_async_wait(core_async *a);

/* Counts a call as answered. */
void core_async_leave(core_async *a);

/* Makes the loop check this call. The caller holds the lock. */
void core_job_note_news(core_job *j);

/* ---- worker_loop.c ------------------------------------------------------- */

/* Frees items that nobody else uses. The caller holds the GIL, since items
 * point into Python objects. */
void core_items_free(core_item *first);

#endif
