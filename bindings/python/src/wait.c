/* Releases the GIL while a thread waits, and checks for signals. */
#include "wait.h"

#include <time.h>

int64_t core_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void block(void *user)
{
    core_wait *wait = user;
    if (wait->mode == CORE_WAIT_LATE) {
        wait->thread = PyEval_SaveThread();
    }
}

static void unblock(void *user)
{
    core_wait *wait = user;
    if (wait->mode == CORE_WAIT_LATE) {
        PyEval_RestoreThread(wait->thread);
        wait->thread = NULL;
    }
}

/* Checks for signals; ends the wait if a signal handler has raised. */
static int interrupted(void *user)
{
    core_wait *wait = user;
    PyEval_RestoreThread(wait->thread);
    int raised = PyErr_CheckSignals();
    bool stops = wait->stop != NULL && *wait->stop;
    wait->thread = PyEval_SaveThread();
    return raised != 0 || stops;
}

void core_wait_enter(core_wait *wait, int mode)
{
    wait->hooks.size = sizeof wait->hooks;
    wait->hooks.block = block;
    wait->hooks.unblock = unblock;
    wait->hooks.interrupted = interrupted;
    wait->hooks.user = wait;
    wait->mode = mode;
    wait->stop = NULL;
    wait->thread = mode == CORE_WAIT_WHOLE ? PyEval_SaveThread() : NULL;
    wait->before = shmrpc_wait_set_hooks(&wait->hooks);
}

bool core_wait_leave(core_wait *wait)
{
    (void)shmrpc_wait_set_hooks(wait->before);
    if (wait->mode == CORE_WAIT_WHOLE) {
        PyEval_RestoreThread(wait->thread);
    }
    return PyErr_Occurred() != NULL;
}
