/*
 * A server run by a manager: the options that it gets, and the notices that it
 * sends.
 *
 * Managers are shmrpcd, and systemd with Type=notify. shmrpcd passes options in
 * the variable SHMRPC_OPTIONS, one per line, so that it need not parse the
 * command line. Options on the command line follow them and take precedence.
 *
 * Threading: main thread.
 */
#ifndef SHMRPCI_SUPERVISE_MANAGED_H
#define SHMRPCI_SUPERVISE_MANAGED_H

#include "rpc/server.h"

/* Returns the command line, preceded by the options in SHMRPC_OPTIONS, which
 * children of this process don't inherit. Returns NULL if memory is short. The
 * result is never freed. */
char **shmrpci_managed_arguments(int argc, char **argv, int *out_argc);

/* Tells the manager that the server can be called (READY=1), and its addresses
 * (X_SHMRPC_ADDRESSES). To be called once. */
void shmrpci_managed_serving(const shmrpc_server *server);

/* Reports that the server was told to end, and is finishing its calls:
 * STOPPING=1. */
void shmrpci_managed_ending(void);

/* Takes over the sockets that the program was started with (os/activation.h).
 * Returns INVALID, NO_MEMORY or OK. */
int shmrpci_managed_open(shmrpc_error *error);

/* Called when the server listens. Returns INVALID if the program was passed a
 * socket that the server does not serve. */
int shmrpci_managed_check(const shmrpc_server *server, shmrpc_error *error);

#endif
