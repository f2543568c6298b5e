/*
 * Warns about NATS servers whose version has known defects: they do not notice
 * dead peers while there is traffic, read stale keys after a restart, or let
 * anybody manage JetStream.
 *
 * Threading: one thread. Must be called before the sandbox, because it resolves
 * names.
 */
#ifndef SHMRPC_TOOLS_NATS_AGE_H
#define SHMRPC_TOOLS_NATS_AGE_H

#include "rpc/address.h"

/* Prints one line for the servers that are older than 2.10.27. Each server may
 * take a second to answer; servers that don't answer are skipped. */
void age_warn(const shmrpci_address *servers);

#endif
