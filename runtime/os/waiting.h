/*
 * The hooks that are called around sleeps of the calling thread
 * (shmrpc/wait.h).
 *
 * Every function of this folder that sleeps does it in slices of at most
 * SHMRPC_WAIT_SLICE_NS, with begin before and end after each. To callers the
 * end of a slice is a spurious wake-up, which they must expect anyway.
 *
 * Threading: state of the calling thread.
 */
#ifndef SHMRPCI_OS_WAITING_H
#define SHMRPCI_OS_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/wait.h"

typedef struct shmrpci_waiting {
    const shmrpc_wait_hooks *hooks; /* NULL: none */
    bool is_interrupted;            /* `interrupted` has asked to stop waiting
                                     * since the hooks were set */
} shmrpci_waiting;

/* Read only by threads that are about to sleep, or whose deadline has
 * passed. */
extern _Thread_local shmrpci_waiting shmrpci_my_waiting
    __attribute__((tls_model("initial-exec")));

static inline bool shmrpci_waiting_is_hooked(void)
{
    return shmrpci_my_waiting.hooks != NULL;
}

/* Whether the thread should stop waiting. */
static inline bool shmrpci_waiting_is_interrupted(void)
{
    return shmrpci_my_waiting.is_interrupted;
}

/* Returns the deadline that a wait must use: `deadline_ns`, or a time in the
 * past if the thread should stop waiting. 0, which means not to wait, stays
 * 0. */
static inline int64_t shmrpci_waiting_deadline(int64_t deadline_ns)
{
    return deadline_ns != 0 && shmrpci_waiting_is_interrupted() ? 1
                                                                : deadline_ns;
}

/* Returns whether the thread should stop waiting, and resets the flag, because
 * cleaning up may have to wait again. */
bool shmrpci_waiting_take_interrupt(void);

/* Called by a thread with hooks before it sleeps until `until_ns` (0: without
 * limit). Returns the time at which the first slice of the sleep ends. */
int64_t shmrpci_waiting_begin(int64_t until_ns);

/* Called after the slice. Calls `interrupted` if the time `slice_ns` has come,
 * or a signal ended the sleep. */
void shmrpci_waiting_end(int64_t slice_ns, bool by_signal);

#endif
