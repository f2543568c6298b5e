/*
 * What the files that serve share: worker.c, which calls handlers,
 * worker_async.c, which leaves them to a loop, worker_stream.c, with their
 * streams, and worker_context.c, with what they ask.
 */
#ifndef SHMRPC_PYTHON_WORKER_H
#define SHMRPC_PYTHON_WORKER_H

#include "core.h"

#include "shmrpc/beside.h"
#include "shmrpc/wait.h"

/* Of a method in `nodes`; NULL: it has none. */
enum { CORE_PARAMS, CORE_RESULT, CORE_ITEMS_IN, CORE_ITEMS_OUT, CORE_NODES };

typedef struct core_async core_async;

typedef struct core_program {
    core_state *state;
    PyObject *object; /* shmrpc._worker.Program */
    core_connection *connection;
    PyObject *functions;       /* a list: of each method */
    core_node **nodes;         /* CORE_NODES a method */
    unsigned long main_thread; /* which runs the hooks */
    shmrpc_wait_hooks hooks;   /* of that thread, once it has the lock */
    PyThreadState *main_state; /* while that thread sleeps */
    bool has_lock;             /* the main thread has, but while it sleeps */
    bool is_leaving;           /* the handler has said so */
    long long ended_ms;        /* then: when its last call has */
    unsigned async_limit;      /* calls at a time of a loop; 0: there is none */
    core_async *async;         /* this worker's, then */
} core_program;

/* What a handler has of its call: while it runs in the thread of `seat`, or, of
 * a loop's, until it is answered. */
typedef struct core_call_context {
    PyObject_HEAD shmrpc_ctx *ctx; /* NULL: the call is over */
    core_program *of;
    const void *seat; /* NULL: it is a loop's */
    unsigned long long number;
    struct core_job *job; /* of a loop's; or NULL */
} core_call_context;

/* ---- worker.c ------------------------------------------------------------ */

/* What the exception that is set answers the call with; it is logged. */
int core_worker_fail(core_program *p, shmrpc_ctx *ctx,
                     const shmrpc_method *method, core_scratch *scratch);

/* The parameters, and then `items` unless that is NULL. New reference. */
PyObject *core_worker_arguments(const core_program *p, const core_node *node,
                                const void *params, unsigned how,
                                PyObject *items);

/* The call that this thread's handler is in; NULL: it is in none. */
shmrpc_ctx *core_worker_here(const void **where, unsigned long long *number);

/* ---- worker_context.c ---------------------------------------------------- */

core_call_context *core_context_new(core_program *p, shmrpc_ctx *ctx);

/* ---- worker_async.c ------------------------------------------------------ */

/* In a worker, before its first call. -1 with an exception. */
int core_async_begin(core_program *p);

/* A handler for all methods, without the interpreter's lock: leaves the call to
 * the loop. */
int core_async_handle(core_program *p, shmrpc_ctx *ctx, const void *params);

/* The context of a call that is not over, for the loop's use until release;
 * else NULL. May wait for a step of its stream. */
shmrpc_ctx *core_job_claim(core_call_context *context);
void core_job_release(core_call_context *context);

/* Of the contexts of a loop's calls. */
extern PyMethodDef core_job_methods[];
void core_job_forget(core_call_context *context);

/* ---- worker_stream.c ----------------------------------------------------- */

/* The client's items, for a handler. New reference; `end` when it has returned.
 */
PyObject *core_source_new(core_connection *connection, core_node *node,
                          unsigned how, shmrpc_source *from);
void core_source_end(PyObject *source);
/* Raises what reading has ended in. */
void core_source_fail(core_state *state, int status);

/* Sends what an iterable has; None: nothing. Statuses of a sink; CORE_RAISED. A
 * generator that is not at its end is closed. */
int core_sink_all(core_connection *connection, core_node *node, unsigned how,
                  shmrpc_sink *sink, PyObject *items);

#endif
