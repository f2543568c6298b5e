/*
 * What a request carries to the service in addition to its body: which peer
 * sent it, and the token of that peer's hello.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_RELAY_BESIDE_H
#define SHMRPC_TOOLS_RELAY_BESIDE_H

#include "rpc/metadata.h"
#include "transport/transport.h"

/* Returns the number by which the service knows a peer. `connection` is the
 * number of the peer's connection to us; `number` makes the result unique among
 * all gateways. */
uint64_t beside_peer(uint64_t number, uint64_t connection);

/* Makes the metadata block for a received request: the request's own block and
 * what is known of its peer. `number`: see beside_peer. *out_old is the size of
 * the block to be replaced, *out_new that of the new one. If the request's own
 * block is malformed both are 0, and the caller changes nothing. Returns
 * TOO_LARGE if the additions don't fit into the block. */
int beside_make(const shmrpci_worker_ops *front, const shmrpci_request *request,
                uint64_t number, shmrpci_metadata *out, size_t *out_old,
                size_t *out_new);

#endif
