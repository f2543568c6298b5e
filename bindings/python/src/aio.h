/*
 * What the files of shmrpc.aio's part in C share: aio.c, which is what a
 * connection has for its loop, aio_send.c, which sends calls and ends them, and
 * aio_call.c, the object that is awaited.
 *
 * Threading: the loop's thread, but for a call that is STARTING, which the
 * thread of start_first has.
 */
#ifndef SHMRPC_PYTHON_AIO_H
#define SHMRPC_PYTHON_AIO_H

#include "method.h"

/* A call that may not wait: the loop would. */
#define CORE_NEVER_WAITS SHMRPC_OPT_NONBLOCK

/* CORE_AIO_QUEUED: it can't be sent yet.  STARTING: start_first sends it.
 * FLYING: the library has it, and a reference to it. */
enum { CORE_AIO_QUEUED, CORE_AIO_STARTING, CORE_AIO_FLYING, CORE_AIO_OVER };

typedef struct core_aio_call {
    PyObject_HEAD core_method *of;
    int state;
    shmrpc_call *call;   /* FLYING */
    core_invocation *in; /* until it is over: it may have to be sent again */
    int64_t deadline_ns;
    struct core_aio_call *next; /* in the queue */
    PyObject *future;           /* that a task waits for, and its iterator */
    PyObject *steps;
    PyObject *value;   /* OVER: what it returned, */
    PyObject *raised;  /* or what it ended in */
    bool wants_turn;   /* of the loop, before the await ends */
    bool was_wanted;   /* somebody has awaited or cancelled it */
    bool is_cancelled; /* STARTING: it is to be given up */
} core_aio_call;

typedef struct core_aio {
    PyObject_HEAD core_connection *connection; /* NULL: gone */
    PyObject *glue;
    PyObject *running_loop; /* asyncio.get_running_loop */
    PyObject *loop;         /* that the connection belongs to, or NULL */
    core_aio_call *first;
    core_aio_call *last;
    core_aio_call *starting;
    unsigned flying;
    unsigned calls; /* since the last turn that we know of */
    int64_t turn_ns;
    int score;    /* what waiting for calls has brought */
    bool is_lost; /* the connection: only start_first sends */
} core_aio;

/* ---- aio.c --------------------------------------------------------------- */

/* The loop looks after its other tasks now. */
void core_aio_note_turn(core_aio *aio);

/* A function of the glue that returns nothing, with an argument or NULL; what
 * it raises is told. */
void core_aio_tell(const core_aio *aio, const char *name, PyObject *argument);

/* ---- aio_send.c ---------------------------------------------------------- */

/* Ends a call with `value`, or with the exception that is set. Takes the
 * reference over. */
void core_aio_settle(core_aio *aio, core_aio_call *c, PyObject *value);

/* The parameters of a call that is not sent again. */
void core_aio_forget_arguments(core_aio_call *c);

/* The library's callback, and the function that it asks for. The thread has the
 * interpreter's lock, as dispatch, send and close are called so. */
void core_aio_on_end(shmrpc_function done, void *user, int status, void *reply,
                     const shmrpc_error *error);
void core_aio_no_function(void);

/* Takes a call out of the queue; the reference is the caller's. */
void core_aio_dequeue(core_aio *aio, core_aio_call *c);

/* Ends one that waits in the queue. */
void core_aio_end_queued(core_aio *aio, core_aio_call *c,
                         const shmrpc_error *error);

/* Sends as many of the queue as there is room for. */
void core_aio_send_queued(core_aio *aio);

/* ---- aio_call.c ---------------------------------------------------------- */

/* Gives a call up. True: it has not run and never will. */
bool core_aio_cancel(core_aio_call *c);

#endif
