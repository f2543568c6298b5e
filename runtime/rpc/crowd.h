/*
 * Crowds: a client of all instances of a service (`shm://name@*`).
 *
 * Each instance has a client of its own, a member; a call goes to the one that
 * has the fewest of ours, and on to the next if that is gone or full. Instances
 * that come later join within a second; those that go stay members, and are
 * tried again now and then.
 *
 * Threading: any thread, until close.
 */
#ifndef SHMRPCI_RPC_CROWD_H
#define SHMRPCI_RPC_CROWD_H

#include "rpc/address.h"
#include "rpc/client.h"

#define SHMRPCI_CROWD_MAX 64u

/* Whether an address means all instances. */
static inline bool shmrpci_crowd_is_meant(const shmrpci_place *place)
{
    return place->address.instance[0] == '*';
}

/* Connects to all that there are. UNAVAILABLE: there is none; what else those
 * say that there are, if none lets us in. `opts` is what connect was given. */
int shmrpci_crowd_open(const shmrpc_service *service,
                       const shmrpci_place *place, const shmrpc_opts *opts,
                       shmrpci_crowd **out, shmrpc_error *error);
/* No call is in progress. NULL is fine. */
void shmrpci_crowd_close(shmrpci_crowd *crowd);

/* Lets those join that have come, if it is a second since it was asked last. */
void shmrpci_crowd_look(shmrpci_crowd *crowd);

/* A member that is not in *tried, where it is added, and that was not gone a
 * moment ago; with `any`, also such a one. NULL: there is none. Counts a call,
 * until leave. */
shmrpc_client *shmrpci_crowd_enter(shmrpci_crowd *crowd, uint64_t *tried,
                                   bool any, uint32_t *out_index);
/* `is_gone`: nobody was there. */
void shmrpci_crowd_leave(shmrpci_crowd *crowd, uint32_t index, bool is_gone);

/* The same for a call that is not counted: never NULL. */
shmrpc_client *shmrpci_crowd_pick(shmrpci_crowd *crowd);

#endif
