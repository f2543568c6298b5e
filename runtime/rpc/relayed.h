/*
 * Peers of relays: the clients whose calls a relay passes on, and whose ends
 * are reported to the service (`disconnected` of <shmrpc/server.h>).
 *
 * Each process learns of a peer by its first call there, and remembers it until
 * the relay reports that the peer has left, or until the relay itself is gone.
 * The peer's end is reported when none of its calls is running any more.
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

/* Called when a call of `peer` begins, over the connection `relay`. Returns
 * NO_MEMORY, or EXHAUSTED if the connection has too many peers. */
int shmrpci_relayed_enter(shmrpci_relayed *all, uint64_t peer, uint64_t relay,
                          shmrpc_error *error);
/* Called when the call is over. Returns true if its peer has left meanwhile,
 * and its end must be reported. */
bool shmrpci_relayed_leave(shmrpci_relayed *all, uint64_t peer);

/* Called when a peer has left. Returns true if its end must be reported now. */
bool shmrpci_relayed_part(shmrpci_relayed *all, uint64_t peer);
/* Called when a connection is gone. Calls `tell` for each of its peers whose
 * end must be reported now. Returns true if the connection was a relay's. */
bool shmrpci_relayed_end(shmrpci_relayed *all, uint64_t relay,
                         void (*tell)(void *user, uint64_t peer), void *user);

#endif
