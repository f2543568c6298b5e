/*
 * Shows the service to NATS's own tools: answers $SRV.PING, $SRV.INFO and
 * $SRV.STATS for all services, for one name, or for one instance (ADR-32 of
 * NATS, "micro").
 *
 * Threading: the pump's thread.
 */
#ifndef SHMRPC_TOOLS_NATS_ANNOUNCE_H
#define SHMRPC_TOOLS_NATS_ANNOUNCE_H

#include "tools/shmrpc-nats/gate.h"

/* Answers a message to $SRV.> if it concerns this service. */
void announce_answer(gate *g, const nats_message *message);

#endif
