/*
 * Crowds: a client of all instances of a service (`shm://name@*`).
 *
 * Each instance has a client of its own, a member; a call goes to the one with
 * the fewest calls of this client, and to the next one if that member is gone
 * or full. Calls in progress, blocking or started, and open streams count. New
 * instances join within a second. Instances that are gone stay members, and are
 * retried now and then.
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

/* Connects to all instances. Returns UNAVAILABLE if there is none, or the first
 * refusal if no instance accepts us. `opts` are the options of connect. */
int shmrpci_crowd_open(const shmrpc_service *service,
                       const shmrpci_place *place, const shmrpc_opts *opts,
                       shmrpci_crowd **out, shmrpc_error *error);
/* No call may be in progress. NULL is allowed. */
void shmrpci_crowd_close(shmrpci_crowd *crowd);

/* One call, of any kind. */
typedef struct shmrpci_crowd_call {
    const shmrpc_opts *opts; /* or NULL */
    int64_t timeout_ns;      /* for the whole call; INT64_MAX: no limit */
    bool is_stream;          /* then EXHAUSTED means that another member may
                              * have room */
    /* Makes or begins the call at a member. Its status decides whether the next
     * member is tried, and `error` says whether the call may have run. */
    int (*make)(void *user, shmrpc_client *member, const shmrpc_opts *opts,
                shmrpc_error *error);
    void *user;
} shmrpci_crowd_call;

/* Tries one member after another, the one with the fewest calls first, until
 * one takes the call. If all are gone or full, waits until one takes it or the
 * timeout expires. `error` may be NULL. */
int shmrpci_crowd_make(shmrpci_crowd *crowd, const shmrpci_crowd_call *call,
                       int64_t *out_deadline_ns, shmrpc_error *error);

/* Sets the error of a call with a callback: there is no event loop for several
 * clients. Returns UNIMPLEMENTED. */
int shmrpci_crowd_has_no_loop(shmrpc_error *error);

#endif
