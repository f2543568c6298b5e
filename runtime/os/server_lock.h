/*
 * The lock of a service: one server at a time, worker processes included.
 *
 * The supervisor takes it on the service's lock file, and passes the descriptor
 * to the worker processes. As copies of one descriptor they hold it together:
 * nobody else gets it before the last of them is gone, or while a copy is in
 * flight to a worker. So no process of a server runs beside the next server.
 *
 * If the supervisor dies, its workers have a moment to end; after that, a
 * server that waits for the lock kills the remaining ones. To find them, each
 * process also holds a byte of the file with a record lock, which names its
 * process: byte 0 for a supervisor, byte 1 + place for a worker.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_SERVER_LOCK_H
#define SHMRPCI_OS_SERVER_LOCK_H

#include <stdint.h>

#include "os/child.h"
#include "shmrpc/status.h"

/* Places are below this number, because a lock file has bytes for so many
 * workers. */
#define SHMRPCI_SERVER_LOCK_PLACES 64u

/*
 * Takes the lock file `name`, which is created if missing and never removed.
 * Waits for a predecessor that was killed, and for its workers, which are
 * killed after SHMRPCI_ORPHAN_NS. Returns EXISTS if a server has held the lock
 * for 1 s, or DEADLINE if workers of a dead supervisor hold it and don't end.
 */
shmrpc_status shmrpci_server_lock_take(int dir_fd, const char *name,
                                       int *out_fd);

/* Registers this process as a supervisor. `fd` has the lock, which another
 * process has passed to this one. */
void shmrpci_server_lock_inherit(int fd);

/* Registers this process as the worker of `place`, until it ends. */
void shmrpci_server_lock_join(int fd, uint32_t place);

#endif
