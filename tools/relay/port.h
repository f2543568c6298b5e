/*
 * Finds the port of a service that is named without one.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_RELAY_PORT_H
#define SHMRPC_TOOLS_RELAY_PORT_H

#include <stdint.h>

#include "shmrpc/error.h"

/* Returns the port of NAME or NAME@INSTANCE. Returns NOT_FOUND if the service
 * does not run on this machine. */
int relay_port_of(const char *name, uint16_t *out, shmrpc_error *error);

#endif
