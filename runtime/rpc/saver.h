/*
 * Saves the objects of a service whose .svc says `snapshot`: loads them when
 * the server makes them, saves them periodically and at its orderly end.
 *
 * A thread of its own does this, since disks may be slow; a snapshot delays no
 * user of the object. Failures are logged, once for each reason.
 *
 * Threading: started and stopped by the server's thread.
 */
#ifndef SHMRPCI_RPC_SAVER_H
#define SHMRPCI_RPC_SAVER_H

#include "rpc/server.h"

typedef struct shmrpci_saver shmrpci_saver;

/* Loads the objects that are new, and starts the thread. `*out` is NULL if none
 * of them has snapshots. EXHAUSTED, NO_MEMORY. */
int shmrpci_saver_start(const shmrpci_served *served, shmrpci_saver **out,
                        shmrpc_error *error);

/* Stops it, after a last snapshot of each if `is_last`: then nobody else has
 * the objects. In a forked child it only frees memory. NULL is allowed. */
void shmrpci_saver_stop(shmrpci_saver *saver, bool is_last);

#endif
