/*
 * Converts errors of system calls to our statuses.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_FAULT_H
#define SHMRPCI_OS_FAULT_H

#include "shmrpc/status.h"

/* Returns the status for an errno: EXHAUSTED for lack of descriptors, memory or
 * space, DENIED (also for a read-only file system), NOT_FOUND, EXISTS,
 * UNAVAILABLE, DEADLINE; else INTERNAL. */
shmrpc_status shmrpci_status_of_errno(int code);

/* Returns the status for the current errno. */
shmrpc_status shmrpci_status_of_last(void);

#endif
