/*
 * Handles that forked children continue to use: the first thread of a child
 * that uses such a handle attaches again, and the other threads wait for it.
 *
 * A mutex would not do: a fork may happen while it is held.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_SYNC_DESCENT_H
#define SHMRPCI_SYNC_DESCENT_H

#include <stdbool.h>

#include "os/fork.h"
#include "shmrpc/status.h"
#include "sync/atomic.h"

typedef struct shmrpci_descent {
    /* The process that attached (os/fork.h), 0 if none. Release: publishes the
     * handle. */
    shmrpci_atomic_u32 generation;
    /* The process in which a thread is attaching, 0 if none. */
    shmrpci_atomic_u32 attaching;
} shmrpci_descent;

/* Records that this process has attached. */
static inline void shmrpci_descent_settle(shmrpci_descent *descent)
{
    shmrpci_store_release(&descent->generation, shmrpci_fork_generation());
}

/* Whether this process is the one that attached. Acquire: pairs with settle. */
static inline bool shmrpci_descent_is_ours(const shmrpci_descent *descent)
{
    return shmrpci_fork_generation() ==
           shmrpci_load_acquire(&descent->generation);
}

/* The slow path of shmrpci_descent_ensure, in a child. */
shmrpc_status shmrpci_descent_ensure_slowly(shmrpci_descent *descent,
                                            shmrpc_status (*attach)(void *user),
                                            void *user);

/* If this process has not attached, lets one thread call `attach`, and returns
 * its status. Otherwise it does nothing. After a failure the next caller tries
 * again. */
static inline shmrpc_status
shmrpci_descent_ensure(shmrpci_descent *descent,
                       shmrpc_status (*attach)(void *user), void *user)
{
    return shmrpci_descent_is_ours(descent)
               ? SHMRPC_OK
               : shmrpci_descent_ensure_slowly(descent, attach, user);
}

#endif
