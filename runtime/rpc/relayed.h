/*
 * Peers of relays: the clients whose calls a relay passes on, and whose ends
 * are reported to the service (`disconnected` of <shmrpc/server.h>).
 *
 * Each process learns of a peer by its first call there, and knows it until its
 * relay reports that it has left, or the relay itself is gone. The peer's end
 * is reported when none of its calls is running any more.
 *
 *     known -> left -> reported and forgotten when none of its calls is running
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

/* A call of `peer` begins, over the connection `relay`. NO_MEMORY; EXHAUSTED:
 * that connection has too many peers. */
int shmrpci_relayed_enter(shmrpci_relayed *all, uint64_t peer, uint64_t relay,
                          shmrpc_error *error);
/* The call is over. True: its peer has left meanwhile, and its end must be
 * reported. */
bool shmrpci_relayed_leave(shmrpci_relayed *all, uint64_t peer);

/* A peer has left. True: its end must be reported now. */
bool shmrpci_relayed_part(shmrpci_relayed *all, uint64_t peer);
/* A connection is gone. True: it was a relay's; `tell` is called for those of
 * its peers whose ends must be reported now. */
bool shmrpci_relayed_end(shmrpci_relayed *all, uint64_t relay,
                         void (*tell)(void *user, uint64_t peer), void *user);

#endif
