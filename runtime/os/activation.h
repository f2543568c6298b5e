/*
 * Listening sockets passed by the process that started us: socket activation,
 * the protocol of sd_listen_fds(3).
 *
 * A program opens what it was passed when it begins, its listeners take what
 * they would make, and the program checks that nothing is left: a socket that
 * nobody serves would keep its clients waiting for ever.
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

/* Takes over what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES tell of, and
 * forgets the variables. Nothing is passed if they are not there, or are meant
 * for another process. INVALID: they, or a descriptor, are not what they have
 * to be: listening, local, and with packets; `why` says more. NO_MEMORY. */
shmrpc_status shmrpci_activation_open(char why[SHMRPCI_ACTIVATION_WHY_BYTES]);

/* The socket that was passed and is bound to `name` in a folder, or -1. It is
 * the caller's, does not block, closes on exec, and keeps its permission bits;
 * nobody is to remove its name. */
int shmrpci_activation_take(int dir_fd, const char *name);

/* The path of one that nobody has taken; NULL: none is left. */
const char *shmrpci_activation_left(void);

#endif
