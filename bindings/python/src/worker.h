/*
 * Declarations shared by the files that serve: worker.c calls handlers,
 * worker_async.c passes calls to an event loop, worker_stream.c handles their
 * streams, and worker_context.c tells handlers about their calls.
 */
#ifndef SHMRPC_PYTHON_WORKER_H
#define SHMRPC_PYTHON_WORKER_H

#include "core.h"

#include "shmrpc/beside.h"
#include "shmrpc/wait.h"

/* Indexes of a method's nodes in `nodes`; a node is NULL if the method has no
 * such part. */
enum { CORE_PARAMS, CORE_RESULT, CORE_ITEMS_IN, CORE_ITEMS_OUT, CORE_NODES };

typedef struct core_async core_async;

typedef struct core_program {
    core_state *state;
    PyObject *object; /* shmrpc._worker.Program */
    core_connection *connection;
    PyObject *functions;       /* a list: the handler of each method */
    core_node **nodes;         /* CORE_NODES for each method */
    unsigned long main_thread; /* the thread that runs the hooks */
    shmrpc_wait_hooks hooks;   /* of the main thread, once it has the GIL */
    PyThreadState *main_state; /* set while the main thread sleeps */
    bool has_lock;             /* whether the main thread holds the GIL,
                                * except while it sleeps */
    bool is_leaving;           /* whether a handler has raised SystemExit */
    long long ended_ms;        /* if so: when its last call ended */
    unsigned async_limit;      /* maximum number of calls at a time in the event
                                * loop; 0 if there is no loop */
    core_async *async;         /* state of this worker's loop, or NULL */
} core_program;

/* What a handler can ask about its call. It is valid while the handler runs in
 * the thread of `seat` or, in an event loop, until the call is answered. */
typedef struct core_call_context {
    PyObject_HEAD shmrpc_ctx *ctx; /* NULL if the call is over */
    core_program *of;
    const void *seat; /* NULL if the call runs in an event loop */
    unsigned long long number;
    struct core_job *job; /* the job of a call in an event loop; or NULL */
} core_call_context;

/* ---- worker.c ------------------------------------------------------------ */

/* Answers with the exception that is set, and logs it. */
int core_worker_fail(core_program *p, shmrpc_ctx *ctx,
                     const shmrpc_method *method, core_scratch *scratch);

/* Makes a tuple of the parameters, followed by `items` unless that is NULL. New
 * reference. */
PyObject *core_worker_arguments(const core_program *p, const core_node *node,
                                const void *params, unsigned how,
                                PyObject *items);

/* Returns the call that this thread is handling, or NULL if there is none. */
shmrpc_ctx *core_worker_here(const void **where, unsigned long long *number);

/* ---- worker_context.c ---------------------------------------------------- */

core_call_context *core_context_new(core_program *p, shmrpc_ctx *ctx);

/* ---- worker_async.c ------------------------------------------------------ */

/* Called in a worker before its first call. Returns -1 with an exception. */
int core_async_begin(core_program *p);

/* The handler of all methods, called without the GIL: passes the call to the
 * event loop. */
int core_async_handle(core_program *p, shmrpc_ctx *ctx, const void *params);

/* Reserves a call's context for the loop until core_job_release(); NULL if the
 * call is over. May wait until the current step of a stream ends. */
shmrpc_ctx *core_job_claim(core_call_context *context);
void core_job_release(core_call_context *context);

/* Methods of contexts. Names that begin with "_" are for calls in an event
 * loop. */
extern PyMethodDef core_context_methods[];
void core_job_forget(core_call_context *context);
/* context.set_reply_metadata(key, value) */
PyObject *core_context_set_reply_metadata(PyObject *self, PyObject *args);

/* ---- worker_stream.c ----------------------------------------------------- */

/* Makes the iterator of the client's items, which a handler gets. New
 * reference; call `end` when the handler has returned. */
PyObject *core_source_new(core_connection *connection, core_node *node,
                          unsigned how, shmrpc_source *from);
void core_source_end(PyObject *source);
/* Raises the error with which reading the items ended. */
void core_source_fail(core_state *state, int status);

/* Sends the items of an iterable; None stands for no items. Closes a generator
 * that is not at its end. Returns a status of a sink, or CORE_RAISED. */
int core_sink_all(core_connection *connection, core_node *node, unsigned how,
                  shmrpc_sink *sink, PyObject *items);

#endif
