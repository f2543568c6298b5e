/*
 * The clients connected to a service: seats in the memory that outsiders may
 * read (layout.h). The server's control loops write them. A client keeps its
 * seat as long as its connection, so that a new process with a reused process
 * id is not taken for that client.
 *
 * Threading: any thread may enter and leave; one seat is used by one thread at
 * a time.
 */
#ifndef SHMRPCI_OBSERVE_CLIENTS_H
#define SHMRPCI_OBSERVE_CLIENTS_H

#include "observe/layout.h"
#include "shmrpc/observe.h"

/* Takes a seat. Returns its number, or 0 if none is left. `gauges` may be NULL.
 */
uint32_t shmrpci_stats_client_enter(shmrpci_stats_gauges *gauges,
                                    const shmrpc_connection_stats *client);

/* Gives a seat back. `seat` may be 0, for no seat. */
void shmrpci_stats_client_leave(shmrpci_stats_gauges *gauges, uint32_t seat);

/* Copies all taken seats, up to SHMRPCI_STATS_CLIENTS. Returns how many. Seats
 * that change meanwhile may be missing. */
uint32_t shmrpci_stats_clients_read(const shmrpci_stats_gauges *gauges,
                                    shmrpc_connection_stats *out);

#endif
