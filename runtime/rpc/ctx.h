/*
 * The context of a call: the worker's side of <shmrpc/server.h>.
 *
 * One worker has one, which is set up anew for each request.  Threading: the
 * worker's thread.
 */
#ifndef SHMRPCI_RPC_CTX_H
#define SHMRPCI_RPC_CTX_H

#include "base/arena.h"
#include "shmrpc/server.h"
#include "transport/transport.h"

struct shmrpc_ctx {
    const shmrpci_transport *transport;
    const shmrpci_request *request;
    shmrpci_arena *arena; /* reset when the reply has been sent */
    char message[SHMRPC_ERROR_MESSAGE_BYTES]; /* of shmrpc_ctx_fail, or "" */
};

#endif
