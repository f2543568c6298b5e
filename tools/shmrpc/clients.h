/*
 * Prints the output of `shmrpc ps --clients`.
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_CLIENTS_H
#define SHMRPC_TOOLS_CLIENTS_H

#include <stdbool.h>

#include "tools/shmrpc/cli.h"

/* Workers and clients of all services whose sockets are in the folders where
 * clients look, with their process ids here, whatever container they are in.
 * Needs no manager. */
cli_exit cli_clients(bool json);

#endif
