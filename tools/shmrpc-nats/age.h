/*
 * Warns about NATS servers whose version is known to lose sight of dead peers,
 * or to let anybody manage JetStream.
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
