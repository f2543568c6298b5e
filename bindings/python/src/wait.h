/*
 * The GIL around calls of the library.
 *
 *     core_wait wait;
 *     core_wait_enter(&wait, CORE_WAIT_LATE);
 *     status = shmrpc_stub_call(...);
 *     if (core_wait_leave(&wait)) { a signal's handler has raised }
 *
 * LATE: the GIL is kept while the thread spins, and released before it sleeps:
 * if other threads want it, releasing it in a short call would cost more than
 * the call. WHOLE: it is released at once, for functions that may take long
 * without a wait of the library.
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
    PyThreadState *thread; /* NULL: we hold the GIL */
    int mode;
    const bool *stop; /* or NULL: ends the wait when it returns true */
};

void core_wait_enter(core_wait *wait, int mode);

/* True: an exception is set, whatever the function returned. */
bool core_wait_leave(core_wait *wait);

/* The clock of deadlines. Any thread, with or without the GIL. */
int64_t core_now_ns(void);

#endif
