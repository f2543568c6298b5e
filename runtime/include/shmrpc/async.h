/*
 * Calls that do not block: what all asynchronous functions of generated clients
 * have in common. `shmrpcgen --async` generates these functions.
 *
 * Each method that replies has two asynchronous forms, which may be mixed with
 * each other and with the blocking form:
 *
 *   find_start, find_finish   for code that has something else to do meanwhile:
 *                             start returns a call at once, finish waits for
 *                             it and returns what the blocking form would
 *   find_async                for programs with an event loop: when the
 *                             descriptor ..._fd() is readable, the program
 *                             calls the client's ..._dispatch(), which calls
 *                             the callback, once
 *
 * A raw method has a third form: find_loan lends the memory in which the
 * request is sent; when the caller has filled it, find_send sends it and so
 * starts the call. This saves the copy of a large request.
 *
 * Deadline, errors and replies are as in the blocking form, with one exception:
 * a started call is never resent, because its parameters are no longer
 * available. When the server is lost, the call ends in UNAVAILABLE if it has
 * certainly not run, else in SERVER_LOST.
 *
 * A connection has room for 64 calls. When all are in use, starting a call
 * waits, until its deadline, for another call to end; with SHMRPC_OPT_NONBLOCK
 * it fails with BUSY. When the server is gone, starting a call waits in the
 * same way for a new server, or fails with UNAVAILABLE. No callback runs during
 * these waits.
 *
 * As long as the server keeps up, neither it nor a process that collects
 * replies with finish or dispatch makes a system call.
 *
 * Finish and release free a call, and so does closing its client. Using a call
 * after that, a reply after its release, or a client after its close, is a bug
 * in the program: where it can be detected, the function returns INVALID and
 * the log names the method. In a checked program (the library was built for
 * debugging or with a sanitizer, or SHMRPC_CHECK=1 is in the environment) the
 * function aborts the program.
 *
 * Threading: any thread may start calls. One thread at a time finishes, cancels
 * or releases a call. Callbacks run on the thread that dispatches. If several
 * threads dispatch at once, one of them runs the callbacks, and for the others
 * dispatch does nothing. A callback may do anything except close its client.
 *
 * A forked child may start calls of its own, and gets a descriptor of its own.
 * In the child, calls that the parent started end in FORKED, and their
 * callbacks don't run.
 */
#ifndef SHMRPC_ASYNC_H
#define SHMRPC_ASYNC_H

#include <stdbool.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* A call in progress. The caller owns it from start to finish (or release); a
 * call with a callback may be used until its callback runs. */
typedef struct shmrpc_call shmrpc_call;

/* A callback of any type. */
typedef void (*shmrpc_function)(void);

/* A stream's item callback may return this instead of SHMRPC_MORE (1): it gets
 * no more items until the stream's ..._resume is called. */
#define SHMRPC_PAUSE 2

/* Cancels the call, unless it is over already: finish will return CANCELLED, or
 * the next dispatch calls the callback with that status. Returns true if no
 * worker had taken the call, so that it has not run and never will; otherwise
 * false, and the handler, if it is running, is told to stop. Does not block. */
SHMRPC_API bool shmrpc_call_cancel(shmrpc_call *call);

/* Whether finish would return at once: there is a reply, the server is lost, or
 * the deadline has passed. Only for calls without a callback. Does not
 * block. */
SHMRPC_API bool shmrpc_call_is_over(shmrpc_call *call);

/* Cancels the call unless it is over, and frees it and its reply. Call it
 * instead of finish, or instead of sending a loan; only for calls without a
 * callback. NULL is fine. Does not block. */
SHMRPC_API void shmrpc_call_release(shmrpc_call *call);

SHMRPC_END_DECLS

#endif
