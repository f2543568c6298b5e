/*
 * Releases the GIL around calls of the library.
 *
 *   core_wait wait;
 *   core_wait_enter(&wait, CORE_WAIT_LATE);
 *   status = shmrpc_stub_call(...);
 *   if (core_wait_leave(&wait)) { a signal handler has raised }
 *
 * LATE keeps the GIL while the thread spins, and releases it before the thread
 * sleeps: if other threads want the GIL, releasing it in a short call would
 * cost more than the call. WHOLE releases it at once, for functions that may
 * take long without waiting in the library.
 *
 * Threading: a core_wait belongs to the calling thread.
 */
#ifndef SHMRPC_PYTHON_WAIT_H
#define SHMRPC_PYTHON_WAIT_H

#include "core.h"
#include "shmrpc/wait.h"

enum { CORE_WAIT_LATE, CORE_WAIT_WHOLE };

struct core_wait {
    shmrpc_wait_hooks hooks;
    const shmrpc_wait_hooks *before;
    PyThreadState *thread; /* NULL while this thread holds the GIL */
    int mode;
    const bool *stop; /* or NULL; the wait ends when it points to true */
};

void core_wait_enter(core_wait *wait, int mode);

/* Returns true if an exception is set, whatever the function returned. */
bool core_wait_leave(core_wait *wait);

/* The clock of deadlines. Callable from any thread, with or without the GIL. */
int64_t core_now_ns(void);

#endif
