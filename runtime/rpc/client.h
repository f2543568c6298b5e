/*
 * What the parts of the client share: one connection and what it has learnt
 * about its methods.
 *
 * Threading: any number of threads call at once; everything that changes after
 * connect is atomic and only a hint.
 */
#ifndef SHMRPCI_RPC_CLIENT_H
#define SHMRPCI_RPC_CLIENT_H

#include "codec/codec.h"
#include "rpc/call_clock.h"
#include "rpc/reply.h"
#include "shmrpc/stub.h"
#include "sync/atomic.h"
#include "transport/transport.h"

typedef struct shmrpci_client_method {
    const shmrpci_codec *codec;
    uint32_t id; /* the server's */
    /* How much room to ask for. */
    shmrpci_atomic_u32 request_bytes;
    shmrpci_atomic_u32 reply_bytes;
} shmrpci_client_method;

struct shmrpc_client {
    const shmrpc_service *service;
    const shmrpci_transport *transport;
    shmrpci_conn *conn;
    int64_t timeout_ns;  /* of calls for which nobody has set another */
    uint32_t head_flags; /* of every request */
    size_t decode_limit; /* bytes in which one reply is decoded */
    shmrpci_call_clock clock;
    shmrpci_reply_pool *pool;
    shmrpci_client_method *methods;
    char where[128];
};

/* The most that a call of the method has needed. It never shrinks: room that is
 * not used costs nothing, and a reply for which too little was reserved costs a
 * new piece of shared memory. */
static inline void shmrpci_estimate(shmrpci_atomic_u32 *estimate, size_t bytes)
{
    uint32_t size = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
    if (size > shmrpci_load_relaxed(estimate)) {
        shmrpci_store_relaxed(estimate, size);
    }
}

#endif
