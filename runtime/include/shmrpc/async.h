/*
 * Calls that do not block: what the asynchronous functions of generated
 * clients have in common.  `shmrpcgen --async` makes them.
 *
 * Each method that replies comes in two asynchronous forms, which may be mixed
 * with each other and with the one that blocks:
 *
 *   find_start, find_finish   for code that has something else to do meanwhile:
 *                             start returns a call at once, finish waits for
 *                             it and returns what the blocking form would
 *   find_async                for programs with a loop of events: the callback
 *                             is called, once, by the client's ..._dispatch(),
 *                             which is due when the descriptor ..._fd() is
 *                             readable
 *
 * A raw method has a third one: find_loan lends the memory in which the request
 * will travel, and find_send, after it was filled, makes it a call that was
 * started.  What is large is not copied so.
 *
 * All of a call's deadline, errors and replies are as in the blocking form,
 * but for one thing: a call that was started is not sent again, since what it
 * was made of is gone.  When the server is lost it ends in UNAVAILABLE if it
 * has certainly not run, else in SERVER_LOST.
 *
 * A connection has room for 64 calls.  One more waits, until its deadline, for
 * another one to end, or is refused with BUSY (SHMRPC_OPT_NONBLOCK).  A call
 * that finds the server gone waits for another in the same way, or is refused
 * with UNAVAILABLE.  While it waits no callback runs.
 *
 * A process that looks for its replies, by finish or dispatch, makes no system
 * call as long as the server keeps up, and nor does the server.
 *
 * A call ends with finish or release, and with the close of its client.  A
 * program that uses one after that, a reply after its release, or a client
 * after its close, is wrong: the call returns INVALID and the log says which
 * method, where it can be told; if the library was built for debugging or with
 * a sanitizer, or with SHMRPC_CHECK=1 in the environment, the program ends
 * there.
 *
 * Threading: any thread may start calls.  A call is finished, cancelled and
 * released by one thread at a time.  Callbacks run on the thread that
 * dispatches; one thread at a time does, and others find nothing to do.  A
 * callback may do anything but close its client.
 *
 * A forked child may start calls of its own, with a descriptor of its own.
 * Those of the parent end in FORKED there, and are not called back.
 */
#ifndef SHMRPC_ASYNC_H
#define SHMRPC_ASYNC_H

#include <stdbool.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* A call in progress. It is yours from start to finish (or release); one with
 * a callback may be used until that is called. */
typedef struct shmrpc_call shmrpc_call;

/* A callback of any type. */
typedef void (*shmrpc_function)(void);

/* What the callback for the items of a stream may return instead of SHMRPC_MORE
 * (1): no more of them, until the stream's ..._resume. */
#define SHMRPC_PAUSE 2

/* Gives the call up: finish will return CANCELLED, or the callback be called
 * with it by the next dispatch, unless the call is over already. True: no
 * worker had taken it, so that it has not run and never will; else its handler,
 * if one runs, is told to stop. Does not block. */
SHMRPC_API bool shmrpc_call_cancel(shmrpc_call *call);

/* Whether finish would return at once: there is a reply, the server is lost, or
 * the deadline has passed. For calls without a callback. Does not block. */
SHMRPC_API bool shmrpc_call_is_over(shmrpc_call *call);

/* Instead of finish, or of sending a loan: cancels the call unless it is over,
 * and drops what it returned. For calls without a callback. NULL is fine. Does
 * not block. */
SHMRPC_API void shmrpc_call_release(shmrpc_call *call);

SHMRPC_END_DECLS

#endif
