/*
 * What a failed system call means in our statuses.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_FAULT_H
#define SHMRPCI_OS_FAULT_H

#include "shmrpc/status.h"

/* The status for an errno: EXHAUSTED for want of descriptors, memory or
 * space, DENIED (also by a file system for reading only), NOT_FOUND, EXISTS,
 * UNAVAILABLE, DEADLINE; else INTERNAL. */
shmrpc_status shmrpci_status_of_errno(int code);

/* The same for errno as it is now. */
shmrpc_status shmrpci_status_of_last(void);

#endif
