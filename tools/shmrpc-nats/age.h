/*
 * Warns about servers of NATS that are known to lose sight of dead peers, or to
 * let anybody manage JetStream.
 *
 * Threading: one thread, before the sandbox: it resolves names.
 */
#ifndef SHMRPC_TOOLS_NATS_AGE_H
#define SHMRPC_TOOLS_NATS_AGE_H

#include "rpc/address.h"

/* Prints one line if one of the servers is older than 2.10.27. Each may take a
 * second to answer; servers that don't are skipped. */
void age_warn(const shmrpci_address *servers);

#endif
