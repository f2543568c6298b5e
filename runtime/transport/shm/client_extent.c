/*
 * Extents: memory that the server makes when the arena is too small.
 *
 * An extent that comes unasked is for the reply on one slot, and belongs to
 * that call until it is over; if the call is over already, it is free.
 */
#include "transport/shm/client.h"

#include "os/clock.h"
#include "os/poll.h"

static void note_lost(shm_client *client)
{
    shmrpci_store_relaxed(&client->lost, 1u);
}

bool shm_client_is_lost(shm_client *client)
{
    if (shmrpci_load_relaxed(&client->lost) != 0) {
        return true;
    }
    if (shmrpci_poll_is_hung_up(client->control_fd)) {
        note_lost(client);
        return true;
    }
    return false;
}

/* Maps the extent of a packet. What the server says is checked like any
 * input: number, size, kind of descriptor. */
static shmrpc_status adopt(shm_client *client, shm_packet *packet, bool is_free)
{
    shmrpci_map map;
    if (packet->fd_count != 1 || packet->head.bytes == 0 ||
        packet->head.bytes > SHM_BLOCK_MAX) {
        return SHMRPC_E_INVALID;
    }
    size_t bytes = (size_t)packet->head.bytes;
    shmrpc_status status = shmrpci_memory_check(packet->fds[0], bytes, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(packet->fds[0], bytes, SHMRPCI_ACCESS_WRITE,
                                    false, &map);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shm_pool_add(&client->pool, packet->head.region, map, is_free);
    if (status != SHMRPC_OK) {
        shmrpci_memory_unmap(&map);
    }
    return status;
}

/* Under control_lock. */
static void take_unasked(shm_client *client, shm_packet *packet)
{
    uint32_t index = packet->head.slot;
    if (packet->head.kind != SHM_MESSAGE_EXTENT || index >= SHM_SLOTS ||
        packet->head.status != SHMRPC_OK) {
        return;
    }
    /* Relaxed: the thread whose call it is takes control_lock before it looks
     * at `granted`; for a call that is over, late is as good as never. */
    shm_client_slot *slot = &client->slots[index];
    bool is_current = packet->head.gen == shmrpci_load_relaxed(&slot->gen);
    if (adopt(client, packet, !is_current) != SHMRPC_OK || !is_current) {
        return;
    }
    uint32_t before = shmrpci_exchange_seq(&slot->granted, packet->head.region);
    shm_pool_free_region(&client->pool, before);
}

/* Reads what is there. True when the answer to `tag` was among it. */
static bool read_packets(shm_client *client, uint32_t tag, shm_packet *out)
{
    for (;;) {
        shmrpc_status status = shm_message_receive(client->control_fd, out);
        if (status == SHMRPC_E_BUSY) {
            return false;
        }
        if (status == SHMRPC_E_UNAVAILABLE) {
            note_lost(client);
            return false;
        }
        if (status != SHMRPC_OK) {
            continue; /* a lost descriptor, or nonsense: skip the packet */
        }
        if (out->head.kind == SHM_MESSAGE_EXTENT &&
            out->head.slot == SHM_SLOTS) {
            if (out->head.gen == tag) {
                return true;
            }
            /* The answer that somebody did not wait for. */
            if (out->head.status == SHMRPC_OK) {
                (void)adopt(client, out, true);
            }
        } else {
            take_unasked(client, out);
        }
        shm_packet_close_fds(out);
    }
}

void shm_client_drain_control(shm_client *client)
{
    shm_packet packet;
    shmrpci_mutex_lock(&client->control_lock);
    (void)read_packets(client, 0, &packet);
    shmrpci_mutex_unlock(&client->control_lock);
}

/* Under control_lock: asks for an extent and waits for the answer. */
static shmrpc_status ask(shm_client *client, uint64_t bytes,
                         int64_t deadline_ns)
{
    shm_packet packet;
    uint32_t tag = ++client->want_tag;
    if (tag == 0) {
        tag = ++client->want_tag;
    }
    shm_message want = {.kind = SHM_MESSAGE_WANT,
                        .bytes = bytes,
                        .slot = SHM_SLOTS,
                        .gen = tag};
    shmrpc_status status =
        shm_message_send(client->control_fd, want, NULL, NULL, 0);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_UNAVAILABLE ? SHMRPC_E_SERVER_LOST : status;
    }
    while (!read_packets(client, tag, &packet)) {
        if (shmrpci_load_relaxed(&client->lost) != 0) {
            return SHMRPC_E_SERVER_LOST;
        }
        if (!shmrpci_poll_readable(client->control_fd, deadline_ns)) {
            return SHMRPC_E_DEADLINE;
        }
    }
    status = (shmrpc_status)packet.head.status;
    if (status == SHMRPC_OK) {
        status = adopt(client, &packet, true);
    }
    shm_packet_close_fds(&packet);
    return status > SHMRPC_OK ? SHMRPC_E_INTERNAL : status;
}

shmrpc_status shm_client_room(shm_client *client, uint64_t bytes,
                              int64_t deadline_ns, shm_span *out)
{
    if (shm_pool_alloc(&client->pool, bytes, out)) {
        return SHMRPC_OK;
    }
    shm_client_reclaim(client, UINT64_MAX);
    if (!shmrpci_mutex_lock_until(&client->control_lock, deadline_ns)) {
        return SHMRPC_E_DEADLINE;
    }
    shmrpc_status status = SHMRPC_OK;
    /* Another thread may take what was granted, or have freed enough. */
    while (status == SHMRPC_OK && !shm_pool_alloc(&client->pool, bytes, out)) {
        status = ask(client, bytes, deadline_ns);
    }
    shmrpci_mutex_unlock(&client->control_lock);
    return status;
}
