/*
 * Watches the servers of services whose objects this process uses, so that a
 * thread that waits in an object learns at once that its server was killed.
 *
 * One thread in each process, which ends with the last watch, sleeps on the
 * sockets over which the objects were opened; the kernel hangs these up when
 * the server ends. Then the thread checks the lock on the creator's byte, which
 * decides: a successor may hold it (hot restart), or the dying process may hold
 * it a little longer. If nobody holds it the thread marks the object as
 * destroyed, as a server that ends properly does. Through a read-only handle it
 * can't do that; then only the handle treats the object as destroyed, and its
 * waiting threads are woken to notice that.
 *
 * Without a watch (in a forked child that goes on with its parent's handle, or
 * after a hot restart) waiting threads find out when their slice is over.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_VIGIL_H
#define SHMRPCI_OBJECTS_VIGIL_H

#include <stdbool.h>
#include <stdint.h>

#include "os/fork.h"
#include "shmrpc/status.h"

struct shmrpci_handle;
struct shmrpci_watchman;

/* Part of a handle. All zeros means that nothing is watched. */
typedef struct shmrpci_vigil {
    struct shmrpci_vigil *next;
    struct shmrpci_watchman *watchman; /* NULL: there is no watch */
    struct shmrpci_handle *handle;
    int fd;
    shmrpci_fork_fd guard;
    uint32_t looks; /* number of looks since the socket was hung up; 0: it was
                     * not */
} shmrpci_vigil;

/* Watches the server of the open `handle`. Takes over the socket, and closes it
 * if no watch can be made. */
void shmrpci_vigil_begin(shmrpci_vigil *vigil, struct shmrpci_handle *handle,
                         int watch_fd);
/* Called before the handle's engine is closed. Does nothing if there is no
 * watch. */
void shmrpci_vigil_end(shmrpci_vigil *vigil);

#endif
