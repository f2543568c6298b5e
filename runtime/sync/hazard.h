/*
 * Hazard pointers: they let a thread replace and free an object that other
 * threads may be using.
 *
 * Each thread has one place for the object that it is about to use; a thread
 * that has replaced an object frees it when no place names it. A reader pays
 * only a store and two loads. The fence that the scheme needs between them
 * (Michael, "Hazard Pointers", 2004) is made by the freeing thread, for all
 * threads (membarrier). A counter in the object would cost each call two locked
 * instructions on a line that all its threads write to.
 *
 *     reader                              who replaces
 *     held = object                       current = other
 *     current is object still?            fence in all threads
 *     uses it                             nobody holds object? frees it
 *     held = NULL
 *
 * Threading: a place belongs to its thread; any thread may call the functions
 * without a place. A thread holds one object at a time.
 */
#ifndef SHMRPCI_SYNC_HAZARD_H
#define SHMRPCI_SYNC_HAZARD_H

#include <stdbool.h>
#include <stddef.h>

#include "sync/atomic.h"

typedef _Atomic(void *) shmrpci_atomic_pointer;

typedef struct shmrpci_hazard {
    _Alignas(128) shmrpci_atomic_pointer held;
    shmrpci_atomic_u32 taken;    /* 1 while a living thread owns the place */
    struct shmrpci_hazard *next; /* places are never freed, only reused */
} shmrpci_hazard;

/* This thread's place; NULL until it is registered. For the attribute see
 * shmrpci_this_thread (os/thread.h). */
extern _Thread_local shmrpci_hazard *shmrpci_hazard_own
    __attribute__((tls_model("initial-exec")));
shmrpci_hazard *shmrpci_hazard_first(void);

/* Returns the calling thread's place, made on first use, or NULL if out of
 * memory. */
static inline shmrpci_hazard *shmrpci_hazard_mine(void)
{
    shmrpci_hazard *mine = shmrpci_hazard_own;
    return mine != NULL ? mine : shmrpci_hazard_first();
}

/* Loads `current` and protects the object until leave. `held` is the thread's
 * place; to hold an object for longer it may be another place, which the
 * freeing thread must check after settle. */
static inline void *shmrpci_hazard_enter(shmrpci_atomic_pointer *held,
                                         shmrpci_atomic_pointer *current)
{
    void *object = shmrpci_load_acquire(current);
    for (;;) {
        /* Relaxed: the barrier in shmrpci_hazard_settle orders it before the
         * load below, or lets that load see the replacement. */
        shmrpci_store_relaxed(held, object);
        atomic_signal_fence(memory_order_seq_cst);
        /* Acquire: pairs with the release that published the object. */
        void *again = shmrpci_load_acquire(current);
        if (again == object) {
            return object;
        }
        object = again;
    }
}

static inline void shmrpci_hazard_leave(shmrpci_atomic_pointer *held)
{
    /* Release: pairs with the acquire in is_held; our uses come before. */
    shmrpci_store_release(held, NULL);
}

/* Called after objects were replaced: makes a barrier in all threads, after
 * which is_held is reliable for these objects. Returns false if the machine
 * can't make such a barrier; then the objects must be kept. */
bool shmrpci_hazard_settle(void);

/* Whether a thread uses `object`, which must have been replaced before settle
 * was called. */
bool shmrpci_hazard_is_held(const void *object);

#endif
