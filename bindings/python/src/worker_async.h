/*
 * Declarations shared by the files for handlers in a loop: worker_async.c,
 * where the library's threads hand calls to the loop, worker_loop.c, where the
 * loop takes them, and worker_answer.c, where it answers.
 *
 * Threading: a thread that holds the lock of core_async waits for nothing else.
 * The context of a call with streams is used by a step, or is claimed by the
 * loop.
 */
#ifndef SHMRPC_PYTHON_WORKER_ASYNC_H
#define SHMRPC_PYTHON_WORKER_ASYNC_H

#include "wait.h"
#include "worker.h"

#include <pthread.h>

/* How many items of a call are held in each direction. */
#define CORE_IN_MOST  32u
#define CORE_OUT_MOST 32u
/* `number` of the context of a oneway call, which has no job. */
#define CORE_ONEWAY 1u

typedef struct core_item {
    struct core_item *next;
    void *value;
    core_scratch scratch;
} core_item;

typedef struct core_job {
    struct core_job *next; /* it is in the list `first` */
    struct core_job *more; /* it is in the list `news` */
    core_async *async;
    core_call_context *context; /* with streams: holds a reference until the
                                 * drop */
    shmrpc_ctx *ctx;            /* with streams: the context that steps get */
    const void *params;
    uint32_t method;
    bool is_oneway;
    bool is_taken;
    bool has_streams;
    /* The following members are for streams, under the lock except where
     * noted. */
    bool has_news;
    bool is_stepping;
    unsigned claims;
    bool is_dropped;
    bool is_ended; /* `status` is the end's */
    int status;
    void *result;
    core_item *out_first;
    core_item *out_last;
    core_item *sent; /* sent items, to be freed by the loop */
    unsigned out_count;
    unsigned in_count;
    int in_status;        /* MORE, or how the items ended */
    PyObject *in;         /* a list; with the GIL */
    core_scratch scratch; /* of the result; used by the loop */
} core_job;

struct core_async {
    core_program *of;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* with CLOCK_MONOTONIC */
    int event;
    core_job *first; /* not taken by the loop yet */
    core_job *last;
    core_job *news;
    int64_t first_ns; /* since when the list has not been empty */
    unsigned count;   /* number of calls that are not answered */
    int64_t moved_ns; /* signalled when that has changed */
};

/* ---- worker_async.c ------------------------------------------------------ */

const shmrpc_method *core_job_method(const core_job *j);

/* Under the lock, which it releases meanwhile: waits until something has
 * changed, or as long as it takes to count a loop as stuck. */
void core_async_wait(core_async *a);

/* A call was answered. */
void core_async_leave(core_async *a);

/* Under the lock: makes the loop check this call. */
void core_job_note_news(core_job *j);

/* ---- worker_loop.c ------------------------------------------------------- */

/* Frees items that nobody else has; with the GIL, since they point into Python
 * objects. */
void core_items_free(core_item *first);

#endif
