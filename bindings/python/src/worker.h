/*
 * Declarations shared by the files that serve: worker.c, which calls handlers,
 * worker_async.c, which hands calls to a loop, worker_stream.c, their streams,
 * and worker_context.c, what handlers ask of their calls.
 */
#ifndef SHMRPC_PYTHON_WORKER_H
#define SHMRPC_PYTHON_WORKER_H

#include "core.h"

#include "shmrpc/beside.h"
#include "shmrpc/wait.h"

/* Indices of a method's parts in `nodes`; NULL: it has none. */
enum { CORE_PARAMS, CORE_RESULT, CORE_ITEMS_IN, CORE_ITEMS_OUT, CORE_NODES };

typedef struct core_async core_async;

typedef struct core_program {
    core_state *state;
    PyObject *object; /* shmrpc._worker.Program */
    core_connection *connection;
    PyObject *functions;       /* a list: the handler of each method */
    core_node **nodes;         /* CORE_NODES for each method */
    unsigned long main_thread; /* the thread that runs the hooks */
    shmrpc_wait_hooks hooks;   /* for that thread, once it has the GIL */
    PyThreadState *main_state; /* set while that thread sleeps */
    bool has_lock;             /* the main thread holds the GIL, except while it
                                * sleeps */
    bool is_leaving;           /* a handler has raised SystemExit */
    long long ended_ms;        /* then: when its last call ended */
    unsigned async_limit;      /* most calls at a time in a loop; 0: there is no
                                * loop */
    core_async *async;         /* the state of this worker's loop, if it has
                                * one */
} core_program;

/* A handler's context of its call: valid while it runs in the thread of `seat`,
 * or, in a loop, until it is answered. */
typedef struct core_call_context {
    PyObject_HEAD shmrpc_ctx *ctx; /* NULL: the call is over */
    core_program *of;
    const void *seat; /* NULL: the call runs in a loop */
    unsigned long long number;
    struct core_job *job; /* job of a call in a loop; or NULL */
} core_call_context;

/* ---- worker.c ------------------------------------------------------------ */

/* Sets the answer to the exception that is set, which is logged. */
int core_worker_fail(core_program *p, shmrpc_ctx *ctx,
                     const shmrpc_method *method, core_scratch *scratch);

/* A tuple of the parameters, and then `items` unless that is NULL. New
 * reference. */
PyObject *core_worker_arguments(const core_program *p, const core_node *node,
                                const void *params, unsigned how,
                                PyObject *items);

/* The call that this thread's handler is in; NULL: it is in none. */
shmrpc_ctx *core_worker_here(const void **where, unsigned long long *number);

/* ---- worker_context.c ---------------------------------------------------- */

core_call_context *core_context_new(core_program *p, shmrpc_ctx *ctx);

/* ---- worker_async.c ------------------------------------------------------ */

/* Called in a worker before its first call. -1 with an exception. */
int core_async_begin(core_program *p);

/* The handler of all methods, called without the GIL: hands the call to the
 * loop. */
int core_async_handle(core_program *p, shmrpc_ctx *ctx, const void *params);

/* The context of a call that is not over, reserved for the loop until release;
 * otherwise NULL. May wait for a step of its stream. */
shmrpc_ctx *core_job_claim(core_call_context *context);
void core_job_release(core_call_context *context);

/* Methods of contexts; those that begin with "_" are for calls in a loop. */
extern PyMethodDef core_context_methods[];
void core_job_forget(core_call_context *context);
/* context.set_reply_metadata(key, value) */
PyObject *core_context_set_reply_metadata(PyObject *self, PyObject *args);

/* ---- worker_stream.c ----------------------------------------------------- */

/* The client's items, for a handler. New reference; call `end` when the handler
 * has returned. */
PyObject *core_source_new(core_connection *connection, core_node *node,
                          unsigned how, shmrpc_source *from);
void core_source_end(PyObject *source);
/* Raises the error with which reading ended. */
void core_source_fail(core_state *state, int status);

/* Sends the items of an iterable; None: no items. Statuses of a sink;
 * CORE_RAISED. Closes a generator that is not at its end. */
int core_sink_all(core_connection *connection, core_node *node, unsigned how,
                  shmrpc_sink *sink, PyObject *items);

#endif
