/*
 * Declarations shared by the C files behind shmrpc.aio: aio.c keeps a
 * connection's state for its loop, aio_send.c sends and ends calls, and
 * aio_call.c defines the awaitable object.
 *
 * Threading: the loop's thread, except that a call in state STARTING belongs to
 * the thread that runs start_first.
 */
#ifndef SHMRPC_PYTHON_AIO_H
#define SHMRPC_PYTHON_AIO_H

#include "method.h"

/* Flag for calls from the loop: waiting would block the loop. */
#define CORE_NEVER_WAITS SHMRPC_OPT_NONBLOCK

/* States of a call. QUEUED: the call can't be sent yet. STARTING: start_first
 * is sending it. FLYING: the library runs it and holds a reference to the
 * object. OVER: the call has ended. */
enum { CORE_AIO_QUEUED, CORE_AIO_STARTING, CORE_AIO_FLYING, CORE_AIO_OVER };

typedef struct core_aio_call {
    PyObject_HEAD core_method *of;
    int state;
    shmrpc_call *call;   /* set while FLYING */
    core_invocation *in; /* kept until the call is over, since the call may
                          * have to be sent again */
    int64_t deadline_ns;
    struct core_aio_call *next; /* in the queue */
    PyObject *future;           /* the future that a task waits for, and its
                                 * iterator */
    PyObject *steps;
    PyObject *value;   /* if OVER: the result, */
    PyObject *raised;  /* or the exception */
    bool wants_turn;   /* the loop must run other tasks before the await ends */
    bool was_wanted;   /* the call was awaited or cancelled */
    bool is_cancelled; /* was cancelled while STARTING */
} core_aio_call;

typedef struct core_aio {
    PyObject_HEAD core_connection *connection; /* NULL if the connection is
                                                * gone */
    PyObject *glue;
    PyObject *running_loop; /* asyncio.get_running_loop */
    PyObject *loop;         /* the loop that the connection belongs to, or
                             * NULL */
    core_aio_call *first;
    core_aio_call *last;
    core_aio_call *starting;
    unsigned flying;
    unsigned calls; /* number of calls that ended at once since `turn_ns`, the
                     * loop's last known turn */
    int64_t turn_ns;
    int score;    /* how well waiting for calls has paid off so far */
    bool is_lost; /* the connection is lost: only start_first sends */
} core_aio;

/* ---- aio.c --------------------------------------------------------------- */

/* Notes that the loop has had a turn, in which its other tasks could run. */
void core_aio_note_turn(core_aio *aio);

/* Calls the function `name` of the Python part, with `argument` unless that is
 * NULL. Ignores its result; an exception is reported as unraisable. */
void core_aio_tell(const core_aio *aio, const char *name, PyObject *argument);

/* ---- aio_send.c ---------------------------------------------------------- */

/* Ends a call with `value`, or with the exception that is set if `value` is
 * NULL. Takes over the reference to `value`. */
void core_aio_settle(core_aio *aio, core_aio_call *c, PyObject *value);

/* Frees the parameters of a call that will not be sent again. */
void core_aio_forget_arguments(core_aio_call *c);

/* The callback that the library calls at the end of a call, and the function
 * that shmrpc_stub_async() requires. The thread holds the GIL, because
 * dispatch, send and close are called with it. */
void core_aio_on_end(shmrpc_function done, void *user, int status, void *reply,
                     const shmrpc_error *error);
void core_aio_no_function(void);

/* Takes a call out of the queue; the caller gets the queue's reference. */
void core_aio_dequeue(core_aio *aio, core_aio_call *c);

/* Ends a queued call with an error. */
void core_aio_end_queued(core_aio *aio, core_aio_call *c,
                         const shmrpc_error *error);

/* Sends queued calls while there is room in the connection. */
void core_aio_send_queued(core_aio *aio);

/* ---- aio_call.c ---------------------------------------------------------- */

/* Gives a call up. Returns true if the call has not run and never will. */
bool core_aio_cancel(core_aio_call *c);

#endif
