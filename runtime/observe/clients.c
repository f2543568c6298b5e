/* Seats of clients in the statistics. */
#include "observe/clients.h"

uint32_t shmrpci_stats_client_enter(shmrpci_stats_gauges *gauges,
                                    const shmrpc_connection_stats *client)
{
    for (uint32_t i = 0; gauges != NULL && i < SHMRPCI_STATS_CLIENTS; i++) {
        shmrpci_stats_client *at = &gauges->clients[i];
        uint32_t expected = SHMRPCI_STATS_SEAT_FREE;
        if (!shmrpci_cas_seq(&at->seat, &expected, SHMRPCI_STATS_SEAT_TAKEN)) {
            continue;
        }
        /* Relaxed: published by the store to `seat`. */
        shmrpci_store_relaxed(&at->pid, (uint32_t)client->pid);
        shmrpci_store_relaxed(&at->own_pid, (uint32_t)client->own_pid);
        shmrpci_store_relaxed(&at->uid, client->uid);
        shmrpci_store_relaxed(&at->gid, client->gid);
        shmrpci_store_relaxed(&at->pid_namespace, client->pid_namespace);
        shmrpci_store_relaxed(&at->since_ns, (uint64_t)client->since_ns);
        /* Release: pairs with the acquire in read_one. */
        shmrpci_store_release(&at->seat, SHMRPCI_STATS_SEAT_SHOWN);
        return i + 1;
    }
    return 0;
}

void shmrpci_stats_client_leave(shmrpci_stats_gauges *gauges, uint32_t seat)
{
    if (gauges != NULL && seat != 0) {
        /* Release: the seat's next occupant writes after these stores. */
        shmrpci_store_release(&gauges->clients[seat - 1].seat,
                              SHMRPCI_STATS_SEAT_FREE);
    }
}

/* Copies a seat. Returns false if it is empty, or if its occupant changed while
 * it was read. */
static bool read_one(const shmrpci_stats_client *at,
                     shmrpc_connection_stats *out)
{
    if (shmrpci_load_acquire(&at->seat) != SHMRPCI_STATS_SEAT_SHOWN) {
        return false;
    }
    uint64_t since_ns = shmrpci_load_acquire(&at->since_ns);
    *out = (shmrpc_connection_stats){
        .pid = (int32_t)shmrpci_load_acquire(&at->pid),
        .own_pid = (int32_t)shmrpci_load_acquire(&at->own_pid),
        .pid_namespace = shmrpci_load_acquire(&at->pid_namespace),
        .uid = shmrpci_load_acquire(&at->uid),
        .gid = shmrpci_load_acquire(&at->gid),
        .since_ns = (int64_t)since_ns};
    return shmrpci_load_acquire(&at->seat) == SHMRPCI_STATS_SEAT_SHOWN &&
           shmrpci_load_relaxed(&at->since_ns) == since_ns;
}

uint32_t shmrpci_stats_clients_read(const shmrpci_stats_gauges *gauges,
                                    shmrpc_connection_stats *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SHMRPCI_STATS_CLIENTS; i++) {
        count += read_one(&gauges->clients[i], &out[count]);
    }
    return count;
}
