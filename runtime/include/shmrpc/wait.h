/*
 * Hooks around waits, for programs that must do something before one of their
 * threads sleeps in this library. Bindings of languages with an interpreter
 * lock release the lock there, and check for signals.
 *
 *     static const shmrpc_wait_hooks hooks = {sizeof hooks, give_up, take_back,
 *                                             signal_came, &interpreter};
 *     const shmrpc_wait_hooks *before = shmrpc_wait_set_hooks(&hooks);
 *     status = shmrpc_stub_call(client, ...);
 *     shmrpc_wait_set_hooks(before);
 *
 * Hooks belong to a thread, and apply to everything that it does in this
 * library: calls, connecting, asking for an interface, locks and shared
 * objects. A wait spins first, as always: if it is over by then, no hook is
 * called, and the wait costs the same as without hooks. A long wait calls the
 * hooks again and again.
 *
 * Threading: hooks are set for the calling thread, and called on it, even while
 * it holds locks of the library. So hooks must not call the library. A hook may
 * wait for a resource only if each thread that holds the resource releases it
 * before it waits in this library, as threads do with the interpreter lock.
 */
#ifndef SHMRPC_WAIT_H
#define SHMRPC_WAIT_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The longest time between two calls of `interrupted` while a thread sleeps. */
#define SHMRPC_WAIT_SLICE_NS INT64_C(50000000)

typedef struct shmrpc_wait_hooks {
    size_t size; /* sizeof(shmrpc_wait_hooks); lets later versions add hooks */
    /* Called before the thread sleeps. */
    void (*block)(void *user);
    /* Called when the thread no longer sleeps. */
    void (*unblock)(void *user);
    /* Called between the two when a signal has come, and every 50 ms. If it
     * returns anything but 0 the thread gives up: a call is cancelled and ends
     * in CANCELLED, as do connecting and asking; waits for locks and shared
     * objects end in DEADLINE, as if their deadline had come. NULL: never
     * interrupted. */
    int (*interrupted)(void *user);
    void *user;
} shmrpc_wait_hooks;

/* Sets the hooks of the calling thread; they must live until other hooks are
 * set. NULL: no hooks. Returns the former hooks. */
SHMRPC_API const shmrpc_wait_hooks *
shmrpc_wait_set_hooks(const shmrpc_wait_hooks *hooks);

SHMRPC_END_DECLS

#endif
