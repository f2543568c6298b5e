/*
 * Listening sockets passed by the process that started us: socket activation,
 * the protocol of sd_listen_fds(3).
 *
 * A program opens the passed sockets when it begins, its listeners take those
 * that they would otherwise make, and the program checks that none is left: a
 * socket that nobody serves would keep its clients waiting forever.
 *
 * Threading: open and check: the main thread, before there are others; take:
 * one thread.
 */
#ifndef SHMRPCI_OS_ACTIVATION_H
#define SHMRPCI_OS_ACTIVATION_H

#include <stddef.h>

#include "shmrpc/status.h"

/* The most sockets that can be passed. */
#define SHMRPCI_ACTIVATION_MAX 16u

#define SHMRPCI_ACTIVATION_WHY_BYTES 160u

/* Takes over the sockets named by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES,
 * and unsets the variables. None are passed if these are missing, or meant for
 * another process. INVALID: they, or a descriptor, are malformed: it must
 * listen, be local, and use packets; `why` says more. NO_MEMORY. */
shmrpc_status shmrpci_activation_open(char why[SHMRPCI_ACTIVATION_WHY_BYTES]);

/* The socket that was passed and is bound to `name` in a folder, or -1. It is
 * the caller's, does not block, closes on exec, and keeps its permission bits;
 * its name must not be removed. */
int shmrpci_activation_take(int dir_fd, const char *name);

/* The path of a socket that was not taken; NULL: none is left. */
const char *shmrpci_activation_left(void);

#endif
