/*
 * What the files of handlers in a loop share: worker_async.c, where the
 * library's threads leave calls to the loop, worker_loop.c, where the loop
 * takes them, and worker_answer.c, where it answers.
 *
 * Threading: whoever has the lock of core_async waits for nothing else.  The
 * context of a call with streams is used by a step, or is claimed by the loop.
 */
#ifndef SHMRPC_PYTHON_WORKER_ASYNC_H
#define SHMRPC_PYTHON_WORKER_ASYNC_H

#include "wait.h"
#include "worker.h"

#include <pthread.h>

/* Items of a call that are held on their way, in each direction. */
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
    struct core_job *next; /* in `first` */
    struct core_job *more; /* in `news` */
    core_async *async;
    core_call_context *context; /* with streams: a reference until the drop */
    shmrpc_ctx *ctx;            /* with streams: what steps are given */
    const void *params;
    uint32_t method;
    bool is_oneway;
    bool is_taken;
    bool has_streams;
    /* What follows is of those, under the lock but for what is named. */
    bool has_news;
    bool is_stepping;
    unsigned claims;
    bool is_dropped;
    bool is_ended; /* `status` is how */
    int status;
    void *result;
    core_item *out_first;
    core_item *out_last;
    core_item *sent; /* to be freed by the loop */
    unsigned out_count;
    unsigned in_count;
    int in_status;        /* MORE, or how the items have ended */
    PyObject *in;         /* a list; with the interpreter's lock */
    core_scratch scratch; /* of the result; the loop's */
} core_job;

struct core_async {
    core_program *of;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of CLOCK_MONOTONIC */
    int event;
    core_job *first; /* not taken yet */
    core_job *last;
    core_job *news;
    int64_t first_ns; /* since when there is a first */
    unsigned count;   /* calls that are not answered */
    int64_t moved_ns; /* when that has changed */
};

/* ---- worker_async.c ------------------------------------------------------ */

const shmrpc_method *core_job_method(const core_job *j);

/* Under the lock, which it gives up: until something has changed, or for as
 * long as a loop may be stuck. */
void core_async_wait(core_async *a);

/* A call was answered. */
void core_async_leave(core_async *a);

/* Under the lock: the loop is to look at this call. */
void core_job_note_news(core_job *j);

/* ---- worker_loop.c ------------------------------------------------------- */

/* Of items that nobody else has; with the interpreter's lock, as they point
 * into Python's objects. */
void core_items_free(core_item *first);

#endif
