/*
 * What a request takes along from a peer to the service: which peer it is from,
 * and the token that this one has shown at hello.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_RELAY_BESIDE_H
#define SHMRPC_TOOLS_RELAY_BESIDE_H

#include "rpc/metadata.h"
#include "transport/transport.h"

/* By what number the service knows a peer, by its connection to us: `number`
 * makes it one of our own among those of all gateways. */
uint64_t beside_peer(uint64_t number, uint64_t connection);

/* The metadata block for a request that was received: its own, with what is
 * known of its peer. `number`: see beside_peer. *out_old: bytes of the block
 * that it replaces; *out_new: of the new one. Both are 0, and nothing is to be
 * changed, if the request's own is malformed. TOO_LARGE: there is no room in
 * it. */
int beside_make(const shmrpci_worker_ops *front, const shmrpci_request *request,
                uint64_t number, shmrpci_metadata *out, size_t *out_old,
                size_t *out_new);

#endif
