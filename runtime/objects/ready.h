/*
 * Descriptors for event loops: an eventfd that is readable when there may be
 * something in a queue, a pipe, a subscription or a watch.
 *
 * One thread a process, made with the first of them, sleeps on the bells of
 * those that were found empty, and sets the eventfd of one whose bell has rung.
 * A consumer that finds the object empty clears it:
 *
 *     found nothing: begin: announces a sleeper, clears the eventfd looks again
 *                    something: found: sets it again nothing:   rest: the
 *                    thread sleeps on the bell from now on
 *
 * so that it stays readable as long as anything was left, and nothing that is
 * published in between is missed. A wake-up lost with a dead producer is made
 * up for as for other sleepers: when a slice is over (50 ms, then twice as long
 * each time up to the object's limit) it becomes readable for nothing, and
 * whoever looks does what a sleeper does.
 *
 * Ringing a queue's bell wakes one sleeper for an item. The thread takes none,
 * so that it wakes the next sleeper: a thread that waits in pop gets the item,
 * others with descriptors look in vain.
 *
 * Idle: the thread wakes up once in ten seconds for each descriptor that
 * nothing comes for. Kernels before 5.16 can't wait for several words: there it
 * looks at all of them every 10 ms, and so it does beyond the first 127.
 *
 * Threading: any thread, except open and close.
 */
#ifndef SHMRPCI_OBJECTS_READY_H
#define SHMRPCI_OBJECTS_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "os/fork.h"
#include "os/futex.h"
#include "shmrpc/status.h"
#include "sync/atomic.h"

struct shmrpci_sentry;

/* Part of a handle; zeros: no descriptor was requested. */
typedef struct shmrpci_ready {
    /* The process that requested it. Written under the mutex, before the
     * descriptor is known to anybody. */
    shmrpci_atomic_u32 generation;
    int fd;
    shmrpci_fork_fd guard;
    /* Under the mutex of the thread's list. */
    struct shmrpci_sentry *sentry;
    struct shmrpci_ready *next;
    shmrpci_futex_on on;
    int64_t until_ns;
    int64_t slice_ns;
    bool is_resting; /* the thread sleeps on it */
    bool was_late;   /* the last slice ended without a ring */
    bool passes_on;  /* wakes the next sleeper */
} shmrpci_ready;

/* Whether this process has requested a descriptor. */
static inline bool shmrpci_ready_is_on(const shmrpci_ready *ready)
{
    /* Acquire: the rest is there. */
    uint32_t generation = shmrpci_load_acquire(&ready->generation);
    return generation != 0 && generation == shmrpci_fork_generation();
}

/* The descriptor, made if need be, readable at first. EXHAUSTED; NO_MEMORY. */
shmrpc_status shmrpci_ready_open(shmrpci_ready *ready, bool passes_on,
                                 int *out_fd);

/* Called before another look: the descriptor is no longer readable. */
void shmrpci_ready_clear(const shmrpci_ready *ready);
/* The look was successful. */
void shmrpci_ready_found(const shmrpci_ready *ready);
/* It found nothing: the thread waits for `on` to change, or until a slice of at
 * most `max_ns` is over. */
void shmrpci_ready_rest(shmrpci_ready *ready, const shmrpci_futex_on *on,
                        int64_t max_ns);

/* Must be called before the engine is closed, or the memory of `on` unmapped.
 * Threads that poll the descriptor are woken before it is closed. */
void shmrpci_ready_close(shmrpci_ready *ready);

#endif
