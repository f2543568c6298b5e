/*
 * Replacing a lost connection.
 *
 * The first thread that needs a connection tries the places of the client's
 * address list while the others wait, each until its own deadline. An attempt
 * that finds no server is followed by a pause of 1 ms, doubled each time up to
 * 1 s, and shortened at random, so that the clients of a restarted service
 * don't all return at once. An attempt that fails for another reason, say
 * because the interface has changed, ends the waiting calls with its error, and
 * all further calls until the pause is over.
 *
 * In a forked child the connection of the parent counts as lost, and nothing
 * that another thread of the parent may have held is touched: the child has a
 * keeper of its own.
 *
 * Threading: any thread that holds no link.
 */
#ifndef SHMRPCI_RPC_RECONNECT_H
#define SHMRPCI_RPC_RECONNECT_H

#include "rpc/client.h"

/* The lock, the state of the attempts, and the replaced links. */
typedef struct shmrpci_keeper shmrpci_keeper;

typedef enum shmrpci_patience {
    SHMRPCI_TRY_ONCE,   /* at most one attempt, without pauses */
    SHMRPCI_KEEP_TRYING /* attempts until the deadline */
} shmrpci_patience;

/*
 * Gets the client a link of this process other than number `seen` (0: any), by
 * waiting or by connecting. Returns UNAVAILABLE if no server was found before
 * the deadline (the message names the places), else the statuses of
 * shmrpc_stub_connect. The error's text says that nothing was sent, unless this
 * is the first link.
 */
int shmrpci_reconnect(shmrpc_client *client, uint64_t seen, int64_t deadline_ns,
                      shmrpci_patience patience, shmrpc_error *error);

/* Moves the client to one of the first `places` of its list, if a server is
 * there and no other thread is connecting. */
void shmrpci_reconnect_nearer(shmrpc_client *client, uint32_t places,
                              int64_t deadline_ns);

/* Frees the replaced links that nobody holds any more. */
void shmrpci_reconnect_sweep(shmrpc_client *client);

/* Called after a link was dropped: frees the link if it was replaced. The link
 * may already be freed, so only its address is used. */
static inline void shmrpci_reconnect_left(shmrpc_client *client,
                                          const void *link)
{
    /* Relaxed: the thread that replaces the link forces a barrier on all CPUs
     * of the process. After it, either that thread sees that we have left, or
     * we see that the link was replaced. */
    atomic_signal_fence(memory_order_seq_cst);
    if (shmrpci_load_relaxed(&client->link) != link) {
        shmrpci_reconnect_sweep(client);
    }
}

/* Closes all links. No call may be in progress. */
void shmrpci_reconnect_close(shmrpc_client *client);

#endif
