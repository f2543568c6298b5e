/*
 * How a process with connections handles a fork.
 *
 * A forked child has copies of its parent's memory and descriptors, but not its
 * threads, and not its shared memory (os/memory.h keeps that out). This has two
 * consequences: the child must know that it is a child before it touches the
 * parent's state; and it must close descriptors that would keep the parent's
 * connections open after the parent's death.
 *
 * For the first, there is a number, the generation, in a page that the kernel
 * wipes in children. For the second, there is a list of descriptors, which
 * children made by fork() close at once. Children made by vfork, posix_spawn
 * and exec need nothing, because all our descriptors are close-on-exec.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_FORK_H
#define SHMRPCI_OS_FORK_H

#include <stdatomic.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* The word that holds the generation; 0 in a child that has not called
 * shmrpci_fork_generation yet. Only that function uses it. */
extern _Atomic(_Atomic uint32_t *) shmrpci_fork_word;

uint32_t shmrpci_fork_renew(void);

/* Returns a number of this process: never 0, constant, and different in a
 * forked child and in the child's children. Costs two loads. */
static inline uint32_t shmrpci_fork_generation(void)
{
    /* Acquire: pairs with the release that published the page. The generation
     * itself is read relaxed, because a thread always sees the effect of its
     * own fork. */
    _Atomic uint32_t *word =
        atomic_load_explicit(&shmrpci_fork_word, memory_order_acquire);
    uint32_t generation = atomic_load_explicit(word, memory_order_relaxed);
    return generation != 0 ? generation : shmrpci_fork_renew();
}

/* An entry of the list, in its owner's memory, which must not move. */
typedef struct shmrpci_fork_fd {
    struct shmrpci_fork_fd *next;
    struct shmrpci_fork_fd *before;
    int *fd; /* NULL: not in the list */
} shmrpci_fork_fd;

/* From now on forked children close *fd (unless it is negative) and set their
 * copy of it to -1. Returns OK or NO_MEMORY. */
shmrpc_status shmrpci_fork_close_fd(shmrpci_fork_fd *place, int *fd);

/* Removes an entry from the list; must be called before the descriptor is
 * closed. Allows an entry that was never in the list (zeroed). */
void shmrpci_fork_keep_fd(shmrpci_fork_fd *place);

#endif
