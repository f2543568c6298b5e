/*
 * Use after release by a program: of a released reply, a finished call, or a
 * closed client.
 *
 * A checked program ends then, with a message that names the method; its
 * replies are never reused, so that the misuse hits no other one.  Other
 * programs log the message and go on, where the misuse can be detected at no
 * cost: the objects closed last stay in memory for that, in a graveyard.
 * Programs are checked if the library was built for debugging or with a
 * sanitizer, and if SHMRPC_CHECK is 1 in the environment; never if it is 0.
 *
 * Threading: any thread, also of forked children: nothing here takes a lock.
 */
#ifndef SHMRPCI_RPC_MISUSE_H
#define SHMRPCI_RPC_MISUSE_H

#include <stdbool.h>

#include "shmrpc/error.h"
#include "sync/atomic.h"

/* Reads the environment: not for each call. */
bool shmrpci_is_checked(void);

/* Logs the message, or ends the program with it; returns INVALID, with the same
 * message. */
int shmrpci_misuse(shmrpc_error *error, const char *format, ...)
    SHMRPC_PRINTF(2, 3);

#define SHMRPCI_GRAVES 64u

/* Zeros: empty. */
typedef struct shmrpci_graveyard {
    shmrpci_atomic_u32 next;
    _Atomic(void *) graves[SHMRPCI_GRAVES];
} shmrpci_graveyard;

/* Keeps `object` until SHMRPCI_GRAVES others have followed; returns the oldest
 * one, which the caller frees, or NULL. */
void *shmrpci_bury(shmrpci_graveyard *yard, void *object);

#endif
