/*
 * Telling writers that somebody listens who may only read.
 *
 * Who may write to a region says so in a word before it sleeps.  Who may not
 * shares a lock on a byte of the file instead, for which a descriptor that is
 * open for reading suffices, and writers ask the kernel for it: each at most
 * once in a tick of the coarse clock, so that a change costs them a look at
 * that clock.  While somebody listens they ring for each change.
 *
 *     listener                           writer
 *     shares the byte                    changes something
 *     s = clock                          c = clock; asked at c? what it was
 * told looks; sleeps until clock > s        else asks the kernel looks; sleeps
 * on the bell          somebody listens: rings
 *
 * A writer that rings for nothing was told at a c <= s that nobody listens, and
 * looked at the clock behind its change: the change is seen by who looks when
 * the clock is past s.  So a listener sleeps lightly for one tick, and from
 * then on until it is woken.
 *
 * A second file that readers may write to would do as well, and cost a load
 * rather than a clock; but whoever may write to a file may also truncate it,
 * which would end the writers by SIGBUS.  Like this, all that readers can cause
 * is wake-ups.
 *
 * The lock ends with its holder: there is nothing to bury.
 *
 * Threading: shmrpci_listeners: any thread. shmrpci_listening: one thread at a
 * time.
 */
#ifndef SHMRPCI_REGION_LISTEN_H
#define SHMRPCI_REGION_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "os/clock.h"
#include "sync/atomic.h"

/* ---- who writes ---------------------------------------------------------- */

/* What a handle was told last; zeros: nothing yet. The time of the coarse clock
 * in all bits but the lowest, which is set if somebody listens. One word, so
 * that of threads that ask at once none leaves half of an answer. */
typedef struct shmrpci_listeners {
    shmrpci_atomic_u64 told;
} shmrpci_listeners;

bool shmrpci_listeners_ask(shmrpci_listeners *of, int fd, uint64_t now);

/* Whether a change that is visible by now must be rung for. The change was made
 * by a sequentially consistent read-modify-write, or a fence followed it. `fd`
 * is the region's. */
static inline bool shmrpci_listeners_are_there(shmrpci_listeners *of, int fd)
{
    uint64_t now = (uint64_t)shmrpci_coarse_ns() << 1;
    /* Relaxed: an older answer only makes us ask again. */
    uint64_t told = shmrpci_load_relaxed(&of->told);
    return (told & ~UINT64_C(1)) == now ? (told & 1) != 0
                                        : shmrpci_listeners_ask(of, fd, now);
}

/* ---- who listens --------------------------------------------------------- */

typedef struct shmrpci_listening {
    int64_t since_ns; /* by the coarse clock */
    bool is_on;
} shmrpci_listening;

/* How long one may sleep on the bell, at most, having looked after this call:
 * `long_ns` if all writers ring, else less. Begins to listen, by the file `fd`,
 * where that was not so. */
int64_t shmrpci_listen(shmrpci_listening *of, int fd, int64_t long_ns);
/* Not by one copy of a descriptor of which others still listen. */
void shmrpci_listen_end(shmrpci_listening *of, int fd);

#endif
