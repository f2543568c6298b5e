/*
 * The service as seen by NATS's own tools: answers to $SRV.PING, $SRV.INFO and
 * $SRV.STATS, of all services, of one name, or of one instance (ADR-32 of NATS,
 * "micro").
 *
 * Threading: the pump's.
 */
#ifndef SHMRPC_TOOLS_NATS_ANNOUNCE_H
#define SHMRPC_TOOLS_NATS_ANNOUNCE_H

#include "tools/shmrpc-nats/gate.h"

/* Answers a message to $SRV.>, if it is for this service. */
void announce_answer(gate *g, const nats_message *message);

#endif
