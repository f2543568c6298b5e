/*
 * Clients that sleep in an event loop: a packet on the control socket notifies
 * them when calls end; the same socket also reports the server's death.
 *
 * A worker sends a packet only while the block's armed word is not 0, so a
 * client that polls causes no system calls. The word counts armings, so a
 * worker that is about to clear it can't clear a later arming.
 */
#include "transport/shm/client.h"

#include "os/clock.h"
#include "os/poll.h"

static shm_client *client_of(shmrpci_conn *conn)
{
    return (shm_client *)(void *)conn;
}

shmrpc_status shm_client_watch(shmrpci_conn *conn, int poll_set, uint64_t tag)
{
    shm_client *client = client_of(conn);
    int fd = -1;
    shmrpc_status status = shmrpci_event_create(&fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(poll_set, fd, SHMRPCI_POLL_LEVEL, tag);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(poll_set, client->control_fd,
                                  SHMRPCI_POLL_LEVEL, tag);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    shmrpci_mutex_lock(&client->control_lock);
    client->told_fd = fd;
    client->watch_set = poll_set;
    shmrpci_mutex_unlock(&client->control_lock);
    return SHMRPC_OK;
}

/* Called before the client sleeps with an unclaimed call: rings, as perhaps no
 * worker is awake to take the call. */
static void leave(shm_client *client, uint32_t index, int64_t now_ns)
{
    shm_client_slot *slot = &client->slots[index];
    if (slot->unclaimed_ns == 0) {
        slot->unclaimed_ns = now_ns;
        if (slot->relied != 0) {
            slot->relied = 0;
            shm_client_hint(client, index);
            shm_client_ring(client, slot);
        }
    } else if (now_ns - slot->unclaimed_ns >= SHM_SLICE_NS) {
        slot->unclaimed_ns = now_ns;
        shm_client_rescue(client, index);
    }
}

int64_t shm_client_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                       size_t count)
{
    shm_client *client = client_of(conn);
    int64_t now_ns = 0;
    client->armings += client->armings == UINT32_MAX ? 2u : 1u;
    /* Sequentially consistent, as are the reads of the words: the worker
     * changes a slot's word and then reads `armed`. */
    (void)shmrpci_exchange_seq(client->block.armed, client->armings);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)calls[i]->data.words[0];
        uint32_t word;
        if (shm_client_look(client, index, &word) != SHMRPC_E_DEADLINE) {
            return 0;
        }
        word = shmrpci_load_relaxed(&client->block.slots[index].word);
        if (shm_word_state(word) == SHM_SUBMITTED &&
            !shm_client_is_held(client, index, word)) {
            now_ns = now_ns != 0 ? now_ns : shmrpci_now_ns();
            leave(client, index, now_ns);
        }
    }
    return now_ns != 0 ? now_ns + SHM_SLICE_NS : SHMRPCI_NEVER_NS;
}

void shm_client_acknowledge(shmrpci_conn *conn)
{
    shm_client *client = client_of(conn);
    shmrpci_store_seq(client->block.armed, 0u);
    /* If another thread holds the lock, that thread reads the socket, and sets
     * the event for us. */
    if (!shmrpci_mutex_lock_until(&client->control_lock, 0)) {
        return;
    }
    if (client->told_fd >= 0) {
        shmrpci_event_clear(client->told_fd);
    }
    client->is_acknowledging = true;
    shm_client_read_control(client);
    client->is_acknowledging = false;
    if (shmrpci_load_relaxed(&client->lost) != 0 && client->watch_set >= 0) {
        /* Remove the socket from the poll set: it would stay readable
         * forever. */
        shmrpci_poll_remove(client->watch_set, client->control_fd);
        client->watch_set = -1;
    }
    shmrpci_mutex_unlock(&client->control_lock);
}

/* ---- for relays -------------------------------------------------------- */

/* Long, because the control loop may get no CPU time for a while. */
#define SAY_NS (2 * SHMRPCI_NS_PER_S)

int shm_client_say_left(shmrpci_conn *conn, uint64_t peer)
{
    const shm_client *client = client_of(conn);
    const shm_message left = {.kind = SHM_MESSAGE_LEFT, .bytes = peer};
    shmrpci_poll_entry room = {.fd = client->control_fd, .write = true};
    int64_t deadline_ns = shmrpci_deadline_after(SAY_NS);
    shmrpc_status status;
    do {
        status = shm_message_send(client->control_fd, left, NULL, NULL, 0);
    } while (status == SHMRPC_E_EXHAUSTED &&
             shmrpci_poll_entries(&room, 1, deadline_ns));
    return status == SHMRPC_OK            ? SHMRPC_OK
           : status == SHMRPC_E_EXHAUSTED ? SHMRPC_E_DEADLINE
                                          : SHMRPC_E_SERVER_LOST;
}
