/*
 * Declarations shared by the C files behind shmrpc.aio: aio.c, a connection's
 * state for its loop, aio_send.c, which sends and ends calls, and aio_call.c,
 * the awaitable object.
 *
 * Threading: the loop's thread, except that a call in state STARTING belongs to
 * the thread that runs start_first.
 */
#ifndef SHMRPC_PYTHON_AIO_H
#define SHMRPC_PYTHON_AIO_H

#include "method.h"

/* A call that may not wait: waiting would block the loop. */
#define CORE_NEVER_WAITS SHMRPC_OPT_NONBLOCK

/* CORE_AIO_QUEUED: it can't be sent yet. STARTING: start_first is sending it.
 * FLYING: the library has it, with a reference to it. */
enum { CORE_AIO_QUEUED, CORE_AIO_STARTING, CORE_AIO_FLYING, CORE_AIO_OVER };

typedef struct core_aio_call {
    PyObject_HEAD core_method *of;
    int state;
    shmrpc_call *call;   /* FLYING */
    core_invocation *in; /* kept until it is over: it may have to be sent
                          * again */
    int64_t deadline_ns;
    struct core_aio_call *next; /* in the queue */
    PyObject *future;           /* the future that a task waits for, and its
                                 * iterator */
    PyObject *steps;
    PyObject *value;   /* OVER: the result, */
    PyObject *raised;  /* or the exception */
    bool wants_turn;   /* the loop needs a turn before the await ends */
    bool was_wanted;   /* it was awaited or cancelled */
    bool is_cancelled; /* STARTING: it will be given up */
} core_aio_call;

typedef struct core_aio {
    PyObject_HEAD core_connection *connection; /* NULL: the connection is
                                                * gone */
    PyObject *glue;
    PyObject *running_loop; /* asyncio.get_running_loop */
    PyObject *loop;         /* the loop that the connection belongs to, or
                             * NULL */
    core_aio_call *first;
    core_aio_call *last;
    core_aio_call *starting;
    unsigned flying;
    unsigned calls; /* since the last known turn of the loop */
    int64_t turn_ns;
    int score;    /* how well waiting for calls has paid */
    bool is_lost; /* the connection is lost: only start_first sends */
} core_aio;

/* ---- aio.c --------------------------------------------------------------- */

/* Gives the loop a turn for its other tasks. */
void core_aio_note_turn(core_aio *aio);

/* Calls a function of the glue that returns nothing, with an argument or NULL;
 * an exception is reported. */
void core_aio_tell(const core_aio *aio, const char *name, PyObject *argument);

/* ---- aio_send.c ---------------------------------------------------------- */

/* Ends a call with `value`, or with the exception that is set. Takes over the
 * reference. */
void core_aio_settle(core_aio *aio, core_aio_call *c, PyObject *value);

/* Frees the parameters of a call that will not be sent again. */
void core_aio_forget_arguments(core_aio_call *c);

/* The library's callback, and the function that it asks for. The thread has the
 * GIL, because dispatch, send and close are called with it. */
void core_aio_on_end(shmrpc_function done, void *user, int status, void *reply,
                     const shmrpc_error *error);
void core_aio_no_function(void);

/* Takes a call out of the queue; the reference becomes the caller's. */
void core_aio_dequeue(core_aio *aio, core_aio_call *c);

/* Ends a call that waits in the queue. */
void core_aio_end_queued(core_aio *aio, core_aio_call *c,
                         const shmrpc_error *error);

/* Sends as many calls of the queue as there is room for. */
void core_aio_send_queued(core_aio *aio);

/* ---- aio_call.c ---------------------------------------------------------- */

/* Gives a call up. True: it has not run and never will. */
bool core_aio_cancel(core_aio_call *c);

#endif
