/*
 * Objects that a service shares, as connections know them: a name and a
 * descriptor. runtime/objects implements their contents.
 *
 * The server makes them before it listens, or gets them from its predecessor.
 * Its own processes get them in the same way as its clients do, but writable.
 *
 * Threading: made and ended by the server's thread; everything else any thread.
 */
#ifndef SHMRPCI_RPC_SHARED_H
#define SHMRPCI_RPC_SHARED_H

#include "rpc/server.h"

/* Creates the objects of the service that don't exist yet. */
int shmrpci_shared_make(shmrpci_served *served, shmrpc_error *error);

/* Gets the objects from the server that listens at `address`, if there is one
 * and it has them. */
int shmrpci_shared_inherit(shmrpci_served *served,
                           const shmrpci_address *address, int64_t deadline_ns,
                           shmrpc_error *error);

/* Called when another server has taken over the objects: from then on only that
 * server may end them. */
void shmrpci_shared_abandon(shmrpci_served *served);

/* Ends the objects that this process has made or inherited, for all their
 * users. */
void shmrpci_shared_end(shmrpci_served *served);

/* The callback of listeners that hands out an object. `user` is the
 * shmrpci_served. */
int shmrpci_shared_on_object(void *user, const char *name, bool as_server,
                             const shmrpc_peer *peer, int *out_fd,
                             shmrpc_error *error);

/* Between enter and leave, this process and its children find the service's
 * objects without a client. */
void shmrpci_shared_enter(shmrpci_served *served);
void shmrpci_shared_leave(shmrpci_served *served);

#endif
