/*
 * Interceptors: their lists, and the state of one intercepted call.
 *
 * Invariant: an interceptor whose `begin` was called gets `end`, exactly once.
 *
 * Threading: lists never change once calls are made; a call belongs to one
 * thread at a time.
 */
#ifndef SHMRPCI_RPC_INTERCEPT_H
#define SHMRPCI_RPC_INTERCEPT_H

#include <stdint.h>

#include "shmrpc/beside.h"

typedef struct shmrpci_interceptors {
    uint32_t count;
    const shmrpc_interceptor *items[SHMRPC_INTERCEPTORS_MAX];
} shmrpci_interceptors;

/* Copies a NULL-terminated list, which may be NULL. Returns INVALID if it is
 * too long, or if an entry has a size that this library does not know. */
int shmrpci_interceptors_take(const shmrpc_interceptor *const *list,
                              shmrpci_interceptors *out, shmrpc_error *error);

typedef struct shmrpci_interception {
    shmrpc_intercepted call;
    const shmrpci_interceptors *by;
    uint32_t begun;
    void *states[SHMRPC_INTERCEPTORS_MAX];
} shmrpci_interception;

/* Calls `begin` of the interceptors. Whatever it returns, shmrpci_intercept_end
 * must be called. */
int shmrpci_intercept_begin(shmrpci_interception *looks,
                            const shmrpci_interceptors *by,
                            shmrpc_error *error);
void shmrpci_intercept_item(shmrpci_interception *looks);
void shmrpci_intercept_end(shmrpci_interception *looks, int status,
                           const shmrpc_error *error);

#endif
