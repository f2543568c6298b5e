/*
 * Prints the output of `shmrpc ps --clients`.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_CLIENTS_H
#define SHMRPC_TOOLS_CLIENTS_H

#include <stdbool.h>

#include "tools/shmrpc/cli.h"

/* Prints workers and clients of all services whose sockets are in the folders
 * where clients look. Process ids are those of our own namespace, whatever
 * container a process is in. Needs no manager. */
cli_exit cli_clients(bool json);

#endif
