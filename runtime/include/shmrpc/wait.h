/*
 * Hooks around waits: for programs that must do something before a thread of
 * theirs sleeps in this library.  Bindings of languages with an interpreter
 * lock give it up there, and look for signals.
 *
 *     static const shmrpc_wait_hooks hooks = {sizeof hooks, give_up, take_back,
 *                                             signal_came, &interpreter};
 *     const shmrpc_wait_hooks *before = shmrpc_wait_set_hooks(&hooks);
 *     status = shmrpc_stub_call(client, ...);
 *     shmrpc_wait_set_hooks(before);
 *
 * Hooks are of a thread, and hold for all that it does in this library: calls,
 * connecting, asking for an interface, locks and shared objects.  A wait spins
 * first, as ever: what is over by then calls no hook, and costs nothing more
 * than without hooks.  A wait that is long calls them again and again.
 *
 * Threading: of the calling thread.  Hooks are called on it, also while it
 * holds locks of the library: so they must not call the library, and may only
 * wait for what another thread gives up when that one waits in its turn.
 */
#ifndef SHMRPC_WAIT_H
#define SHMRPC_WAIT_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* How often `interrupted` is asked while a thread sleeps, at least. */
#define SHMRPC_WAIT_SLICE_NS INT64_C(50000000)

typedef struct shmrpc_wait_hooks {
    size_t size; /* sizeof(shmrpc_wait_hooks); lets hooks be added */
    /* The thread may sleep from now on. */
    void (*block)(void *user);
    /* It does no longer. */
    void (*unblock)(void *user);
    /* Asked between the two when a signal has come, and every 50 ms. Not 0: the
     * thread is to give up: a call is cancelled, and ends in CANCELLED, as do
     * connecting and asking; other waits end at their deadlines. NULL: never.
     */
    int (*interrupted)(void *user);
    void *user;
} shmrpc_wait_hooks;

/* Sets the hooks of the calling thread, which live until others are set; NULL:
 * none. Returns those that it had. */
SHMRPC_API const shmrpc_wait_hooks *
shmrpc_wait_set_hooks(const shmrpc_wait_hooks *hooks);

SHMRPC_END_DECLS

#endif
