/*
 * Watching over the servers of services whose objects this process uses, so
 * that whoever waits in one learns at once that its server was killed.
 *
 * One thread a process, which ends with the last watch, sleeps on the sockets
 * by which the objects were asked for: the kernel hangs them up when the server
 * ends.  It then looks at the creator's byte, which decides: a successor may
 * have it (hot restart), and a dying process may have it a little longer. Where
 * nobody has it the thread marks the object as destroyed, as a server that ends
 * properly does; where it may only be read, this handle takes it for destroyed,
 * and those who wait are woken to see that.
 *
 * Without a watch (in a forked child that goes on with its parent's handle, or
 * behind a hot restart) those who wait find out when their slice is over.
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

/* A handle's; zeros: not watched. */
typedef struct shmrpci_vigil {
    struct shmrpci_vigil *next;
    struct shmrpci_watchman *watchman; /* NULL: none */
    struct shmrpci_handle *handle;
    int fd;
    shmrpci_fork_fd guard;
    uint32_t looks; /* since it hung up; 0: it has not */
} shmrpci_vigil;

/* Watches the server of the open `handle`. Takes the socket over, and closes it
 * if no watch can be made. */
void shmrpci_vigil_begin(shmrpci_vigil *vigil, struct shmrpci_handle *handle,
                         int watch_fd);
/* Before its engine is closed; none: does nothing. */
void shmrpci_vigil_end(shmrpci_vigil *vigil);

#endif
