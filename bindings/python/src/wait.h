/*
 * The interpreter's lock around calls of the library.
 *
 *     core_wait wait;
 *     core_wait_enter(&wait, CORE_WAIT_LATE);
 *     status = shmrpc_stub_call(...);
 *     if (core_wait_leave(&wait)) { a signal's handler has raised }
 *
 * LATE: the lock is kept while the thread spins, and given up before it sleeps:
 * giving it up in a short call would cost more than the call where other
 * threads want it.  WHOLE: given up at once, for what may take long without a
 * wait of the library's own.
 *
 * Threading: of the calling thread.
 */
#ifndef SHMRPC_PYTHON_WAIT_H
#define SHMRPC_PYTHON_WAIT_H

#include "core.h"
#include "shmrpc/wait.h"

enum { CORE_WAIT_LATE, CORE_WAIT_WHOLE };

struct core_wait {
    shmrpc_wait_hooks hooks;
    const shmrpc_wait_hooks *before;
    PyThreadState *thread; /* NULL: we hold the lock */
    int mode;
    const bool *stop; /* or NULL: ends the wait when it is true */
};

void core_wait_enter(core_wait *wait, int mode);

/* True: an exception is set, whatever the function has returned. */
bool core_wait_leave(core_wait *wait);

/* The clock of deadlines. Any thread, with or without the lock. */
int64_t core_now_ns(void);

#endif
