/*
 * Extents: memory that the server makes when the arena is too small.
 *
 * An extent that comes unasked is for the reply on one slot, and belongs to
 * that call until it is over.  Then the first few stay in our pool, the others
 * go back to the server, which has one at hand for its next large reply.
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

/* Takes the extent of a packet for a call. What the server says is checked
 * like any input: number, size, kind of descriptor. One without a descriptor
 * must be one that we gave back. */
static shmrpc_status adopt(shm_client *client, shm_packet *packet)
{
    shmrpci_map map;
    uint64_t bytes = packet->head.bytes;
    uint32_t region = packet->head.region;
    if (packet->fd_count == 0) {
        return shm_pool_move(&client->pool, region, SHM_OWNER_SERVER,
                             SHM_OWNER_CALL)
                   ? SHMRPC_OK
                   : SHMRPC_E_INVALID;
    }
    if (packet->fd_count != 1 || bytes == 0 || bytes > SHM_BLOCK_MAX) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_status status = shmrpci_memory_check(packet->fds[0], bytes, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(packet->fds[0], bytes, SHMRPCI_ACCESS_WRITE,
                                    false, &map);
    }
    if (status == SHMRPC_OK) {
        status = shm_pool_add(&client->pool, region, map);
        if (status != SHMRPC_OK) {
            shmrpci_memory_unmap(&map);
        }
    }
    return status;
}

void shm_client_drop_extent(shm_client *client, uint32_t region)
{
    if (region > SHM_EXTENTS_KEPT &&
        shm_pool_move(&client->pool, region, SHM_OWNER_CALL,
                      SHM_OWNER_SERVER)) {
        /* Releases the extent to the server's next reply. */
        (void)shmrpci_or_seq(client->block.given, UINT64_C(1) << region);
        return;
    }
    (void)shm_pool_move(&client->pool, region, SHM_OWNER_CALL, SHM_OWNER_POOL);
}

/* Under control_lock. */
static void take_unasked(shm_client *client, shm_packet *packet)
{
    uint32_t index = packet->head.slot;
    uint32_t region = packet->head.region;
    if (packet->head.kind != SHM_MESSAGE_EXTENT || index >= SHM_SLOTS ||
        packet->head.status != SHMRPC_OK ||
        adopt(client, packet) != SHMRPC_OK) {
        return;
    }
    /* Relaxed: the thread whose call it is takes control_lock before it looks
     * at `granted`; for a call that is over, late is as good as never. */
    shm_client_slot *slot = &client->slots[index];
    if (packet->head.gen == shmrpci_load_relaxed(&slot->gen)) {
        region = shmrpci_exchange_seq(&slot->granted, region);
    }
    shm_client_drop_extent(client, region);
}

/* An extent that we asked for is the pool's. */
static shmrpc_status take_answer(shm_client *client, shm_packet *packet)
{
    shmrpc_status status = (shmrpc_status)packet->head.status;
    if (status == SHMRPC_OK) {
        status = adopt(client, packet);
    }
    if (status == SHMRPC_OK) {
        (void)shm_pool_move(&client->pool, packet->head.region, SHM_OWNER_CALL,
                            SHM_OWNER_POOL);
    }
    return status > SHMRPC_OK ? SHMRPC_E_INTERNAL : status;
}

/* Who watches sleeps on the socket, and must hear of what it won't read. */
static void note_told(const shm_client *client)
{
    if (client->told_fd >= 0 && !client->is_acknowledging) {
        shmrpci_event_set(client->told_fd);
    }
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
            (void)take_answer(client, out);
        } else if (out->head.kind == SHM_MESSAGE_TOLD) {
            note_told(client);
        } else {
            take_unasked(client, out);
        }
        shm_packet_close_fds(out);
    }
}

void shm_client_read_control(shm_client *client)
{
    shm_packet packet;
    (void)read_packets(client, 0, &packet);
}

void shm_client_drain_control(shm_client *client)
{
    shmrpci_mutex_lock(&client->control_lock);
    shm_client_read_control(client);
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
    status = take_answer(client, &packet);
    shm_packet_close_fds(&packet);
    return status;
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
