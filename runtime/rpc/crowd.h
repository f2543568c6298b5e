/*
 * Crowds: a client of all instances of a service (`shm://name@*`).
 *
 * Each instance has a client of its own, a member; a call goes to the one that
 * has the fewest of ours, and on to the next if that is gone or full. What
 * counts is calls that block, those that were started and not finished, and
 * streams that are open. Instances that come later join within a second; those
 * that go stay members, and are tried again now and then.
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

/* One call, in whatever form. */
typedef struct shmrpci_crowd_call {
    const shmrpc_opts *opts; /* or NULL */
    int64_t timeout_ns;      /* for all of it; INT64_MAX: no limit */
    bool is_stream;          /* EXHAUSTED: there may be room at the next */
    /* Makes it, or begins it, at a member. Its statuses count, and whether it
     * may have run, as `error` says. */
    int (*make)(void *user, shmrpc_client *member, const shmrpc_opts *opts,
                shmrpc_error *error);
    void *user;
} shmrpci_crowd_call;

/* At one member after the other, until one takes it: the one with the fewest
 * calls first. If all are gone, or full, waits as long as it may. `error` may
 * be NULL. */
int shmrpci_crowd_make(shmrpci_crowd *crowd, const shmrpci_crowd_call *call,
                       int64_t *out_deadline_ns, shmrpc_error *error);

/* UNIMPLEMENTED: nothing tells of the calls of several clients at once. */
int shmrpci_crowd_has_no_loop(shmrpc_error *error);

#endif
