/*
 * Clients that are watched by an event loop.
 *
 * While the client is armed, the loop's poll set contains the socket, so any
 * input wakes the loop. Input that another thread has read meanwhile is
 * reported by an event descriptor in the same set.
 */
#include "transport/tcp/client.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"

/* How soon to try again when the socket did not take everything. */
#define UNSENT_NS (5 * SHMRPCI_NS_PER_MS)

shmrpc_status tcp_client_watch(shmrpci_conn *conn, int poll_set, uint64_t tag)
{
    tcp_client *client = (tcp_client *)(void *)conn;
    shmrpc_status status =
        shmrpci_poll_add(poll_set, client->told_fd, SHMRPCI_POLL_LEVEL, tag);
    if (status == SHMRPC_OK) {
        client->watch_set = poll_set;
        client->watch_tag = tag;
    }
    return status;
}

/* Called with the lock held. */
static void disarm(tcp_client *client)
{
    if (client->is_armed) {
        SHMRPCI_ASSERT(client->watch_set >= 0,
                       "an armed connection is in a set");
        client->is_armed = false;
        shmrpci_poll_remove(client->watch_set, client->fd);
    }
}

void tcp_client_tell(tcp_client *client)
{
    if (client->is_armed) {
        disarm(client);
        shmrpci_event_set(client->told_fd);
    }
}

static bool is_over(const shmrpci_call *call)
{
    const tcp_slot *slot = call->data.pointers[0];
    return slot->state == TCP_SLOT_DONE || slot->state == TCP_SLOT_ENDED;
}

int64_t tcp_client_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                       size_t count)
{
    tcp_client *client = (tcp_client *)(void *)conn;
    SHMRPCI_ASSERT(client->watch_set >= 0, "an armed connection is in a set");
    int64_t again_ns = SHMRPCI_NEVER_NS;
    if (tcp_outbox_flush(&client->outbox) == TCP_FLUSH_WAITS) {
        tcp_client_push_later(client);
        again_ns = shmrpci_deadline_after(UNSENT_NS);
    }
    shmrpci_mutex_lock(&client->lock);
    tcp_client_look(client);
    bool over = client->is_lost;
    for (size_t i = 0; i < count && !over; i++) {
        over = is_over(calls[i]);
    }
    if (!over && !client->is_armed) {
        client->is_armed =
            shmrpci_poll_add(client->watch_set, client->fd, SHMRPCI_POLL_LEVEL,
                             client->watch_tag) == SHMRPC_OK;
    }
    if (!over && !client->is_armed) {
        again_ns = shmrpci_deadline_after(UNSENT_NS);
    }
    shmrpci_mutex_unlock(&client->lock);
    return over ? 0 : again_ns;
}

void tcp_client_acknowledge(shmrpci_conn *conn)
{
    tcp_client *client = (tcp_client *)(void *)conn;
    if (tcp_outbox_flush(&client->outbox) == TCP_FLUSH_WAITS) {
        tcp_client_push_later(client);
    }
    shmrpci_event_clear(client->told_fd);
    shmrpci_mutex_lock(&client->lock);
    disarm(client);
    tcp_client_look(client);
    shmrpci_mutex_unlock(&client->lock);
}
