/*
 * Calls of clients whose list has a cluster: "shm://,nats://a,nats://b".
 *
 * They stay on this machine while a copy of the service is here.  One that it
 * refuses as EXHAUSTED, and that has not run, is made in the cluster, where
 * each further try goes to another instance; for a while all calls go there
 * then, ever longer while they are refused when they come back, ever shorter
 * while they are not.  A client that has found no copy here looks for one again
 * each second.
 *
 * Blocking calls alone: what was started is not sent again, and streams stay
 * where they are.
 *
 * Threading: any thread, until close.
 */
#ifndef SHMRPCI_RPC_SPREAD_H
#define SHMRPCI_RPC_SPREAD_H

#include "rpc/call.h"
#include "rpc/retry.h"

typedef struct shmrpci_spread shmrpci_spread;

/* After the first link: if the client's list has a cluster, its calls are made
 * by shmrpci_spread_make. NO_MEMORY. */
int shmrpci_spread_open(shmrpc_client *client, const shmrpc_opts *opts,
                        shmrpc_error *error);
/* No call may be in progress. NULL is allowed. */
void shmrpci_spread_close(shmrpci_spread *spread);

/* Makes a call over the link of its client. */
typedef int shmrpci_spread_call(const shmrpci_invocation *call,
                                shmrpci_attempt *out);

/* Makes a call here or there. */
int shmrpci_spread_make(const shmrpci_invocation *call, shmrpci_attempt *out,
                        shmrpci_spread_call *make);

#endif
