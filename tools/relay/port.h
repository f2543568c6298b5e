/*
 * Finds the port of a service that is named without one.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_RELAY_PORT_H
#define SHMRPC_TOOLS_RELAY_PORT_H

#include <stdint.h>

#include "shmrpc/error.h"

/* The port of NAME or NAME@INSTANCE, if it runs on this machine. NOT_FOUND: it
 * does not. */
int relay_port_of(const char *name, uint16_t *out, shmrpc_error *error);

#endif
