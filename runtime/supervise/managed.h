/*
 * A server run by a manager: the options that it gets, and the notices that it
 * sends.
 *
 * Managers are shmrpcd, and systemd with Type=notify.  shmrpcd passes options
 * in the variable SHMRPC_OPTIONS, one a line, so that it need not parse the
 * command line; options there follow them, and win.
 *
 * Threading: main thread.
 */
#ifndef SHMRPCI_SUPERVISE_MANAGED_H
#define SHMRPCI_SUPERVISE_MANAGED_H

#include "rpc/server.h"

/* The command line, preceded by the options of SHMRPC_OPTIONS; children of this
 * process don't inherit them. NULL: out of memory. Never freed. */
char **shmrpci_managed_arguments(int argc, char **argv, int *out_argc);

/* Tells that the server can be called, and where: READY=1, and in the line
 * X_SHMRPC_ADDRESSES what clients connect to. Once. */
void shmrpci_managed_serving(const shmrpc_server *server);

/* Reports that the server was told to end, and is finishing its calls:
 * STOPPING=1. */
void shmrpci_managed_ending(void);

/* Takes over the sockets that we were started with (os/activation.h). INVALID,
 * NO_MEMORY. */
int shmrpci_managed_open(shmrpc_error *error);

/* INVALID: one of them is a socket that this server, which already listens,
   does not serve. */
int shmrpci_managed_check(const shmrpc_server *server, shmrpc_error *error);

#endif
