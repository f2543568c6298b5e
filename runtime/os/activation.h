/*
 * Listening sockets passed by the process that started us: socket activation,
 * the protocol of sd_listen_fds(3).
 *
 * A program opens the passed sockets when it starts. Its listeners take those
 * that they would otherwise create, and the program checks that none is left: a
 * socket that nobody serves would keep its clients waiting forever.
 *
 * Threading: the main thread calls open and check, before there are other
 * threads; one thread calls take.
 */
#ifndef SHMRPCI_OS_ACTIVATION_H
#define SHMRPCI_OS_ACTIVATION_H

#include <stddef.h>

#include "shmrpc/status.h"

/* Max number of sockets that can be passed. */
#define SHMRPCI_ACTIVATION_MAX 16u

#define SHMRPCI_ACTIVATION_WHY_BYTES 160u

/* Takes over the sockets named by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES,
 * and unsets the variables. There are none if the variables are missing, or
 * meant for another process. Returns INVALID, with details in `why`, if a
 * variable is malformed or a descriptor is not a listening local packet socket;
 * or NO_MEMORY. */
shmrpc_status shmrpci_activation_open(char why[SHMRPCI_ACTIVATION_WHY_BYTES]);

/* Returns the passed socket that is bound to `name` in a folder, or -1. The
 * caller owns it. It is non-blocking and close-on-exec, and keeps its
 * permission bits; its name must not be removed. */
int shmrpci_activation_take(int dir_fd, const char *name);

/* Returns the path of a socket that was not taken, or NULL if none is left. */
const char *shmrpci_activation_left(void);

#endif
