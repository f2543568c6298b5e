/*
 * Use after release by a program: of a released reply, a finished call, or a
 * closed client.
 *
 * A checked program then ends with a message that names the method; its replies
 * are never reused, so that the misuse damages no other reply. Other programs
 * log the message and go on, if the misuse can be detected at no cost. To
 * detect it, the objects closed last stay in memory, in a graveyard. The
 * environment variable SHMRPC_CHECK decides whether a program is checked (1: it
 * is, 0: it is not). Without this variable, programs are checked if the library
 * was built for debugging or with a sanitizer.
 *
 * Threading: any thread, also in forked children, because nothing here takes a
 * lock.
 */
#ifndef SHMRPCI_RPC_MISUSE_H
#define SHMRPCI_RPC_MISUSE_H

#include <stdbool.h>

#include "shmrpc/error.h"
#include "sync/atomic.h"

/* Whether the program is checked. Reads the environment, which is too slow for
 * each call. */
bool shmrpci_is_checked(void);

/* Logs the message. Then ends a checked program, or returns INVALID with the
 * same message in `error`. */
int shmrpci_misuse(shmrpc_error *error, const char *format, ...)
    SHMRPC_PRINTF(2, 3);

#define SHMRPCI_GRAVES 64u

/* The objects closed last. A zeroed graveyard is empty. */
typedef struct shmrpci_graveyard {
    shmrpci_atomic_u32 next;
    _Atomic(void *) graves[SHMRPCI_GRAVES];
} shmrpci_graveyard;

/* Keeps `object` until SHMRPCI_GRAVES others have followed; returns the oldest
 * object, which the caller frees, or NULL. */
void *shmrpci_bury(shmrpci_graveyard *yard, void *object);

#endif
