/*
 * Tells writers that a read-only process listens.
 *
 * A sleeper that may write to the region announces itself in a word. A
 * read-only one shares a lock on a byte of the file instead, for which a
 * descriptor open for reading is enough. Writers ask the kernel whether the
 * byte is locked, each at most once per tick of the coarse clock, so that a
 * change costs them one look at that clock. While there is a listener they ring
 * for each change.
 *
 *     listener                           writer
 *     shares the byte                    changes something
 *     s = clock                          c = clock; asks the kernel, unless
 *                                        the last answer is of time c
 *     looks; sleeps until clock > s
 *     looks; sleeps on the bell          somebody listens: rings
 *
 * A writer that does not ring was told at some c <= s that there is no
 * listener, and looked at the clock after its change: a listener that looks
 * when the clock is past s sees the change. So a listener polls for one tick,
 * and from then on sleeps until it is woken.
 *
 * A second file that readers may write to would also work, and cost writers a
 * load rather than a look at the clock; but a process that may write to a file
 * may also truncate it, which would kill the writers by SIGBUS. This way
 * readers can cause nothing but wake-ups.
 *
 * The lock ends with its holder, so nothing needs cleaning up.
 *
 * Threading: any thread may use a shmrpci_listeners, one thread at a time a
 * shmrpci_listening.
 */
#ifndef SHMRPCI_REGION_LISTEN_H
#define SHMRPCI_REGION_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "os/clock.h"
#include "sync/atomic.h"

/* ---- the writers' side --------------------------------------------------- */

/* The kernel's last answer; all zeros: none yet. It has the time of the coarse
 * clock in all bits but the lowest, which is set if there is a listener. It is
 * one word, so that concurrent queries can't mix their answers. */
typedef struct shmrpci_listeners {
    shmrpci_atomic_u64 told;
} shmrpci_listeners;

bool shmrpci_listeners_ask(shmrpci_listeners *of, int fd, uint64_t now);

/* Whether the caller must ring for a change that is already visible. The change
 * was made by a sequentially consistent read-modify-write, or a fence followed
 * it. `fd` is the region's. */
static inline bool shmrpci_listeners_are_there(shmrpci_listeners *of, int fd)
{
    uint64_t now = (uint64_t)shmrpci_coarse_ns() << 1;
    /* Relaxed: an older answer only makes us ask again. */
    uint64_t told = shmrpci_load_relaxed(&of->told);
    return (told & ~UINT64_C(1)) == now ? (told & 1) != 0
                                        : shmrpci_listeners_ask(of, fd, now);
}

/* ---- the listeners' side ------------------------------------------------- */

typedef struct shmrpci_listening {
    int64_t since_ns; /* when it began to listen, by the coarse clock */
    bool is_on;
} shmrpci_listening;

/* Begins to listen on the file `fd`, if `of` does not listen yet. Returns how
 * long the caller may sleep on the bell: `long_ns` if all writers ring, else
 * less. The caller must look for changes after this call and before the
 * sleep. */
int64_t shmrpci_listen(shmrpci_listening *of, int fd, int64_t long_ns);
/* Stops listening. Must not be called for one copy of a descriptor while other
 * copies listen. */
void shmrpci_listen_end(shmrpci_listening *of, int fd);

#endif
