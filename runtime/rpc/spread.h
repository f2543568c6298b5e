/*
 * Calls of clients whose list has a cluster: "shm://,nats://a,nats://b".
 *
 * They stay on this machine as long as a copy of the service runs here. If that
 * copy refuses a call with EXHAUSTED, and the call has not run, it is made in
 * the cluster, where each attempt goes to another instance. Then all calls go
 * to the cluster for a while. This time grows with each refusal of the local
 * copy and shrinks when it serves a call. A client without a local copy looks
 * for one each second.
 *
 * This holds for blocking calls only: an asynchronous call is not sent again,
 * and a stream stays where it was opened.
 *
 * Threading: any thread, until close.
 */
#ifndef SHMRPCI_RPC_SPREAD_H
#define SHMRPCI_RPC_SPREAD_H

#include "rpc/call.h"
#include "rpc/retry.h"

typedef struct shmrpci_spread shmrpci_spread;

/* Called after the first link was made. If the client's list has a cluster, its
 * calls go through shmrpci_spread_make from then on. Returns NO_MEMORY or OK.
 */
int shmrpci_spread_open(shmrpc_client *client, const shmrpc_opts *opts,
                        shmrpc_error *error);
/* No call may be in progress. NULL is allowed. */
void shmrpci_spread_close(shmrpci_spread *spread);

/* Makes a call over the link of its client. */
typedef int shmrpci_spread_call(const shmrpci_invocation *call,
                                shmrpci_attempt *out);

/* Makes a call here or in the cluster. */
int shmrpci_spread_make(const shmrpci_invocation *call, shmrpci_attempt *out,
                        shmrpci_spread_call *make);

#endif
