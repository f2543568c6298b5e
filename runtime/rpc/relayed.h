/*
 * Peers of relays: whose calls a relay passes on, and who is to be told of
 * their ends (`disconnected` of <shmrpc/server.h>).
 *
 * A peer is known from its first call on, in each process by itself, until its
 * relay says that it has left, or is gone itself. Its end is told when none of
 * its calls runs any more.
 *
 *     known -> left -> told and forgotten     when no call of it runs
 *
 * Threading: any thread of a process.
 */
#ifndef SHMRPCI_RPC_RELAYED_H
#define SHMRPCI_RPC_RELAYED_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/error.h"

/* Peers that one connection of a relay may have. */
#define SHMRPCI_RELAYED_MAX 16384u

typedef struct shmrpci_relayed shmrpci_relayed;

/* NULL: no memory. */
shmrpci_relayed *shmrpci_relayed_create(void);
void shmrpci_relayed_destroy(shmrpci_relayed *all);

/* A call of `peer` begins, which has come by the connection `relay`. NO_MEMORY;
 * EXHAUSTED: that one has too many peers. */
int shmrpci_relayed_enter(shmrpci_relayed *all, uint64_t peer, uint64_t relay,
                          shmrpc_error *error);
/* It is over. True: its peer has left meanwhile, and its end is to be told. */
bool shmrpci_relayed_leave(shmrpci_relayed *all, uint64_t peer);

/* A peer has left. True: its end is to be told now. */
bool shmrpci_relayed_part(shmrpci_relayed *all, uint64_t peer);
/* A connection is gone. True: it was a relay's; those of its peers whose end is
 * to be told now are told by `tell`. */
bool shmrpci_relayed_end(shmrpci_relayed *all, uint64_t relay,
                         void (*tell)(void *user, uint64_t peer), void *user);

#endif
