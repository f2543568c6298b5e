/*
 * Peers of relays: the clients whose calls a relay passes on, and whose ends
 * are reported to the service (`disconnected` of <shmrpc/server.h>).
 *
 * A peer is known from its first call on, in each process by itself, until its
 * relay says that it has left, or is gone itself. Its end is reported when none
 * of its calls runs any more.
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

/* A call of `peer`, over the connection `relay`, begins. NO_MEMORY; EXHAUSTED:
 * that connection has too many peers. */
int shmrpci_relayed_enter(shmrpci_relayed *all, uint64_t peer, uint64_t relay,
                          shmrpc_error *error);
/* The call is over. True: its peer has left meanwhile, and its end is to be
 * reported. */
bool shmrpci_relayed_leave(shmrpci_relayed *all, uint64_t peer);

/* A peer has left. True: its end is to be reported now. */
bool shmrpci_relayed_part(shmrpci_relayed *all, uint64_t peer);
/* A connection is gone. True: it was a relay's; calls `tell` for those of its
 * peers whose ends are to be reported now. */
bool shmrpci_relayed_end(shmrpci_relayed *all, uint64_t relay,
                         void (*tell)(void *user, uint64_t peer), void *user);

#endif
