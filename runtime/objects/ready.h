/*
 * Descriptors for event loops: an eventfd that is readable when there may be
 * something in a queue, a pipe, a subscription or a watch.
 *
 * One thread in each process, started with the first descriptor, sleeps on the
 * bells of the objects that were found empty. When a bell rings it sets the
 * eventfd of that object. A consumer that finds the object empty clears it:
 *
 *     found nothing: clear: announces a sleeper, clears the eventfd
 *     looks again:   something: found: sets the eventfd again
 *                    nothing:   rest: the thread sleeps on the bell from now on
 *
 * So the eventfd stays readable as long as anything is left, and nothing that
 * is published in between is missed. A wake-up may be lost with a dead
 * producer. So, as for other sleepers, the wait is cut into slices (50 ms, then
 * twice as long each time up to the object's limit). When a slice is over, the
 * thread makes the eventfd readable although no bell has rung. Then the
 * consumer looks, as a sleeper does at the end of its slice.
 *
 * Ringing a queue's bell wakes one sleeper for an item. The thread takes no
 * items, so it wakes the next sleeper: a thread that waits in pop gets the
 * item, and consumers with descriptors find nothing.
 *
 * When idle, the thread wakes up once in ten seconds for each descriptor.
 * Kernels before 5.16 can't wait for several words; there the thread looks at
 * all of them every 10 ms. It does the same for descriptors beyond the first
 * 127.
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

/* Part of a handle. All zeros means that no descriptor was requested. */
typedef struct shmrpci_ready {
    /* The process that requested the descriptor. Written under the mutex,
     * before the descriptor is known to anybody. */
    shmrpci_atomic_u32 generation;
    int fd;
    shmrpci_fork_fd guard;
    /* These members are protected by the mutex of the thread's list. */
    struct shmrpci_sentry *sentry;
    struct shmrpci_ready *next;
    shmrpci_futex_on on;
    int64_t until_ns;
    int64_t slice_ns;
    bool is_resting; /* whether the thread sleeps on its bell */
    bool was_late;   /* whether the last slice ended without a ring */
    bool passes_on;  /* whether it wakes the next sleeper */
} shmrpci_ready;

/* Whether this process has requested a descriptor. */
static inline bool shmrpci_ready_is_on(const shmrpci_ready *ready)
{
    /* Acquire: the other members have been written. */
    uint32_t generation = shmrpci_load_acquire(&ready->generation);
    return generation != 0 && generation == shmrpci_fork_generation();
}

/* Returns the descriptor, which is made on first use and readable at first.
 * Returns EXHAUSTED or NO_MEMORY. */
shmrpc_status shmrpci_ready_open(shmrpci_ready *ready, bool passes_on,
                                 int *out_fd);

/* Called before looking again: makes the descriptor unreadable. */
void shmrpci_ready_clear(const shmrpci_ready *ready);
/* Called if that look found something: makes the descriptor readable again. */
void shmrpci_ready_found(const shmrpci_ready *ready);
/* Called if it found nothing: from now on the thread waits until `on` changes,
 * or until a slice of at most `max_ns` is over. */
void shmrpci_ready_rest(shmrpci_ready *ready, const shmrpci_futex_on *on,
                        int64_t max_ns);

/* Must be called before the engine is closed, or the memory of `on` is
 * unmapped. Wakes threads that poll the descriptor, then closes it. */
void shmrpci_ready_close(shmrpci_ready *ready);

#endif
