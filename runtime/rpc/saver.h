/*
 * Snapshots of the objects of a service that have `snapshot` in the .svc: loads
 * the objects when the server makes them, and saves them periodically and when
 * the server ends in an orderly way.
 *
 * A separate thread does this, because disks may be slow. A snapshot delays no
 * user of the object. Failures are logged, once for each reason.
 *
 * Threading: the server's thread starts and stops it.
 */
#ifndef SHMRPCI_RPC_SAVER_H
#define SHMRPCI_RPC_SAVER_H

#include "rpc/server.h"

typedef struct shmrpci_saver shmrpci_saver;

/* Loads the objects that are new, and starts the thread. *out is NULL if no
 * object has snapshots. Returns EXHAUSTED, NO_MEMORY or OK. */
int shmrpci_saver_start(const shmrpci_served *served, shmrpci_saver **out,
                        shmrpc_error *error);

/* Stops the thread, after a last snapshot of each object if `is_last`, which
 * means that no other server has the objects. In a forked child it only frees
 * memory. NULL is allowed. */
void shmrpci_saver_stop(shmrpci_saver *saver, bool is_last);

#endif
