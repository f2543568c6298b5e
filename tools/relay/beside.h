/*
 * What a request carries from a peer to the service besides its body: which
 * peer it is from, and the token in that peer's hello.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_RELAY_BESIDE_H
#define SHMRPC_TOOLS_RELAY_BESIDE_H

#include "rpc/metadata.h"
#include "transport/transport.h"

/* The number by which the service knows a peer, made from the number of its
 * connection to us: `number` makes it unique among all gateways. */
uint64_t beside_peer(uint64_t number, uint64_t connection);

/* Makes the metadata block of a received request: its own block, with what is
 * known of its peer. `number`: see beside_peer. *out_old: bytes of the block
 * that it replaces; *out_new: bytes of the new one. Both are 0, and nothing is
 * to be changed, if the request's own block is malformed. TOO_LARGE: there is
 * no room in it. */
int beside_make(const shmrpci_worker_ops *front, const shmrpci_request *request,
                uint64_t number, shmrpci_metadata *out, size_t *out_old,
                size_t *out_new);

#endif
