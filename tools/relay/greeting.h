/*
 * The answer to a client's hello: the service's own contract.
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

/* Makes a hello that any service answers with its contract. */
void greeting_hello(shmrpci_buf *out);

/* Stores the service's answer to our hello. *has_changed tells whether it
 * differs from the previous one. Returns PRECONDITION if the service has
 * methods that may not be used between machines; INVALID or CONTRACT if the
 * answer is malformed. */
int greeting_take(greeting *g, const uint8_t *welcome, size_t len,
                  bool *has_changed, shmrpc_error *error);

/* Returns the contract, in memory of `arena`. Returns UNAVAILABLE if it is not
 * known yet. */
int greeting_contract(greeting *g, shmrpci_arena *arena,
                      const shmrpci_contract **out, uint64_t *out_hash);

/* Answers a client's hello as the service itself would. */
int greeting_answer(greeting *g, const uint8_t *hello, size_t len,
                    shmrpci_buf *welcome, shmrpc_error *error);

#endif
