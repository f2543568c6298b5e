/*
 * Saves the objects of a service whose .svc says `snapshot`: fills them when
 * the server makes them, writes them so often, and at its orderly end.
 *
 * By a thread of its own, since a disk may take its time; a snapshot delays
 * nobody who uses the object. What fails is logged, once for each reason.
 *
 * Threading: started and stopped by the thread that has the server.
 */
#ifndef SHMRPCI_RPC_SAVER_H
#define SHMRPCI_RPC_SAVER_H

#include "rpc/server.h"

typedef struct shmrpci_saver shmrpci_saver;

/* Fills the objects that are new, and begins. `*out` is NULL if none of them
 * has snapshots. EXHAUSTED, NO_MEMORY. */
int shmrpci_saver_start(const shmrpci_served *served, shmrpci_saver **out,
                        shmrpc_error *error);

/* Ends it, after a last snapshot of each if `is_last`: then nobody else has
 * the objects. In a forked child it only forgets. NULL is fine. */
void shmrpci_saver_stop(shmrpci_saver *saver, bool is_last);

#endif
