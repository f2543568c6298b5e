/*
 * The answer to clients' hellos: the service's own contract.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_TOOLS_RELAY_GREETING_H
#define SHMRPC_TOOLS_RELAY_GREETING_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/contract.h"
#include "os/thread.h"
#include "shmrpc/error.h"

typedef struct greeting {
    bool allows_native;
    shmrpci_mutex lock;
    bool is_known;
    uint64_t hash;
    shmrpci_buf contract;
} greeting;

void greeting_init(greeting *g, bool allows_native);
void greeting_fini(greeting *g);

/* A hello that any service answers with its contract. */
void greeting_hello(shmrpci_buf *out);

/* Stores the service's answer to hello. PRECONDITION: the service has methods
 * that are not for networks; INVALID, CONTRACT: the answer is malformed.
 * *has_changed: it differs from the previous one. */
int greeting_take(greeting *g, const uint8_t *welcome, size_t len,
                  bool *has_changed, shmrpc_error *error);

/* The contract, once it is known, in memory of `arena`. UNAVAILABLE: not known
 * yet. */
int greeting_contract(greeting *g, shmrpci_arena *arena,
                      const shmrpci_contract **out, uint64_t *out_hash);

/* Answers a client as the service would. */
int greeting_answer(greeting *g, const uint8_t *hello, size_t len,
                    shmrpci_buf *welcome, shmrpc_error *error);

#endif
