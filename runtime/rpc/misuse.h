/*
 * What a program uses after it has given it back: a reply that was released, a
 * call that was finished, a client that was closed.
 *
 * Checked programs end then, with a sentence that names the method; their
 * replies are never used again, so that no other one is hit.  Others write the
 * sentence to the log and go on, as far as it can be told at no cost: the
 * memory of what was closed last stays for that, in a graveyard.  Programs are
 * checked if the library was built for debugging or with a sanitizer, and if
 * SHMRPC_CHECK is 1 in the environment; never if it is 0.
 *
 * Threading: any thread, also of forked children: nothing here takes a lock.
 */
#ifndef SHMRPCI_RPC_MISUSE_H
#define SHMRPCI_RPC_MISUSE_H

#include <stdbool.h>

#include "shmrpc/error.h"
#include "sync/atomic.h"

/* Looks into the environment: not for each call. */
bool shmrpci_is_checked(void);

/* Says it, or ends the program; returns INVALID, with the same sentence. */
int shmrpci_misuse(shmrpc_error *error, const char *format, ...)
    SHMRPC_PRINTF(2, 3);

#define SHMRPCI_GRAVES 64u

/* Zeros: empty. */
typedef struct shmrpci_graveyard {
    shmrpci_atomic_u32 next;
    _Atomic(void *) graves[SHMRPCI_GRAVES];
} shmrpci_graveyard;

/* Keeps `object` until SHMRPCI_GRAVES others have followed it; returns the one
 * whose time is over, which the caller frees, or NULL. */
void *shmrpci_bury(shmrpci_graveyard *yard, void *object);

#endif
