/*
 * Watches the servers of services whose objects this process uses, so that a
 * thread that waits in one learns at once that its server was killed.
 *
 * One thread a process, which ends with the last watch, sleeps on the sockets
 * by which the objects were asked for: the kernel hangs them up when the server
 * ends.  It then looks at the creator's byte, which decides: a successor may
 * have it (hot restart), and a dying process may have it a little longer.  If
 * nobody holds it the thread marks the object as destroyed, as a server that
 * ends properly does; through a read-only handle, only the handle takes it for
 * destroyed, and its waiting threads are woken to see that.
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

/* Part of a handle; zeros: not watched. */
typedef struct shmrpci_vigil {
    struct shmrpci_vigil *next;
    struct shmrpci_watchman *watchman; /* NULL: none */
    struct shmrpci_handle *handle;
    int fd;
    shmrpci_fork_fd guard;
    uint32_t looks; /* since the hang-up; 0: not hung up */
} shmrpci_vigil;

/* Watches the server of the open `handle`. Takes the socket over, and closes it
 * if no watch can be made. */
void shmrpci_vigil_begin(shmrpci_vigil *vigil, struct shmrpci_handle *handle,
                         int watch_fd);
/* Called before its engine is closed; does nothing if there is no watch. */
void shmrpci_vigil_end(shmrpci_vigil *vigil);

#endif
