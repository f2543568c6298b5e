/*
 * The lock of a service: one server at a time, worker processes included.
 *
 * The supervisor takes it on the service's lock file, and hands its descriptor
 * to the worker processes.  As copies of one descriptor they hold it together:
 * nobody else gets it before the last of them is gone, or while a copy is in
 * flight to a worker.  So no process of a server runs beside the next server.
 *
 * If the supervisor dies, its workers have a moment to end; a server that waits
 * for the lock then kills the remaining ones.  To be found for that, each
 * process also holds a byte of the file (a record lock, which names its
 * process): byte 0 a supervisor, byte 1 + place a worker.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_SERVER_LOCK_H
#define SHMRPCI_OS_SERVER_LOCK_H

#include <stdint.h>

#include "os/child.h"
#include "shmrpc/status.h"

/* Workers that a lock file can name: places are below it. */
#define SHMRPCI_SERVER_LOCK_PLACES 64u

/*
 * Takes the lock file `name`, which is made and never removed; waits for a
 * predecessor that was killed, and for its workers, which are killed after
 * SHMRPCI_ORPHAN_NS. EXISTS: a server has held it for 1 s; DEADLINE: workers of
 * a dead supervisor hold it, and don't end.
 */
shmrpc_status shmrpci_server_lock_take(int dir_fd, const char *name,
                                       int *out_fd);

/* This process becomes a supervisor, as the lock was handed to it. */
void shmrpci_server_lock_inherit(int fd);

/* This process becomes the worker of `place`, until it ends. */
void shmrpci_server_lock_join(int fd, uint32_t place);

#endif
