/*
 * Extents: memory that the server makes when the arena is too small.
 *
 * The client asks for an extent when a request needs it. The server sends one
 * without being asked when a reply is larger than expected. Both kinds stay in
 * the pool (client_pool.h) until the server takes them back.
 */
#include "transport/shm/client.h"

#include <string.h>

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

/* Maps the extent that came with a packet. Checks number, size and kind of
 * descriptor, because the server's data is not trusted. */
static shmrpc_status adopt(shm_client *client, shm_packet *packet)
{
    shmrpci_map map;
    uint64_t bytes = packet->head.bytes;
    if (packet->fd_count != 1 || bytes == 0 || bytes > SHM_BLOCK_MAX) {
        return SHMRPC_E_INVALID;
    }
    shmrpc_status status = shmrpci_memory_check(packet->fds[0], bytes, NULL);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(packet->fds[0], bytes, SHMRPCI_ACCESS_WRITE,
                                    false, &map);
    }
    if (status == SHMRPC_OK) {
        status = shm_pool_add(&client->pool, packet->head.region,
                              packet->head.incarnation, map);
        if (status != SHMRPC_OK) {
            shmrpci_memory_unmap(&map);
        }
    }
    return status;
}

/* Takes the answer to WANT. The requested extent counts as used until it
 * arrives; then the pool may use it. */
static shmrpc_status take_answer(shm_client *client, shm_packet *packet)
{
    shmrpc_status status = (shmrpc_status)packet->head.status;
    if (status == SHMRPC_OK) {
        status = adopt(client, packet);
    }
    if (status == SHMRPC_OK) {
        shm_pool_offer(&client->pool, packet->head.region);
    }
    shmrpci_store_relaxed(&client->needed_bytes, packet->head.max_message);
    shmrpci_store_relaxed(&client->left_bytes, packet->head.bytes);
    return status > SHMRPC_OK ? SHMRPC_E_INTERNAL : status;
}

/* The event loop sleeps on the socket, so it must be told of packets that
 * another thread has read. */
static void note_told(const shm_client *client)
{
    if (client->told_fd >= 0 && !client->is_acknowledging) {
        shmrpci_event_set(client->told_fd);
    }
}

/* Remembers why an extent could not be mapped. Relaxed: only a thread whose
 * reply is missing reads it, after it has taken control_lock. */
static void note_shortage(shm_client *client, shmrpc_status status)
{
    if (status == SHMRPC_E_NO_MEMORY || status == SHMRPC_E_EXHAUSTED) {
        shmrpci_store_relaxed(&client->shortage, 1u);
    }
}

/* Reads the packets that have arrived. Returns true if one of them answers
 * `tag`. */
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
            note_shortage(client, status);
            continue; /* a descriptor was lost, or the packet is malformed: skip
                       * it */
        }
        if (out->head.kind == SHM_MESSAGE_EXTENT) {
            if (tag != 0 && out->head.tag == tag) {
                return true;
            }
            if (out->head.tag != 0) {
                /* A late answer to a request whose caller has given up. */
                (void)take_answer(client, out);
            } else if (out->head.status == SHMRPC_OK) {
                note_shortage(client, adopt(client, out));
            }
        } else if (out->head.kind == SHM_MESSAGE_TOLD) {
            note_told(client);
        }
        shm_packet_close_fds(out);
    }
}

void shm_client_read_control(shm_client *client)
{
    shm_packet packet;
    (void)read_packets(client, 0, &packet);
}

void shm_client_say_idle(void *user)
{
    const shm_client *client = user;
    /* Sequentially consistent, as is the preceding change of the extent's word:
     * the control loop clears `swept` and then checks the words. If the
     * socket's queue is full this packet may be dropped, because the loop has
     * yet to read another one in the queue. */
    if (shmrpci_load_seq(&client->status->swept) == 0) {
        shm_message idle = {.kind = SHM_MESSAGE_IDLE};
        (void)shm_message_send(client->control_fd, idle, NULL, NULL, 0);
    }
}

void shm_client_drain_control(shm_client *client)
{
    shmrpci_mutex_lock(&client->control_lock);
    shm_client_read_control(client);
    shmrpci_mutex_unlock(&client->control_lock);
}

/* Asks for an extent and waits for the answer. Under control_lock. */
static shmrpc_status ask(shm_client *client, uint64_t bytes,
                         int64_t deadline_ns)
{
    shm_packet packet;
    uint32_t tag = ++client->want_tag;
    if (tag == 0) {
        tag = ++client->want_tag;
    }
    shm_message want = {.kind = SHM_MESSAGE_WANT, .bytes = bytes, .tag = tag};
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
    /* Meanwhile another thread may have taken the extent, or freed enough
     * memory. */
    while (status == SHMRPC_OK && !shm_pool_alloc(&client->pool, bytes, out)) {
        status = ask(client, bytes, deadline_ns);
    }
    shmrpci_mutex_unlock(&client->control_lock);
    return status;
}

/* ---- replies that outlive their calls -------------------------------- */

/* Replies smaller than this are copied, because keeping a span costs about as
 * much as copying them. */
#define KEEP_BYTES 4096

_Static_assert(sizeof(shm_span) == sizeof(shmrpci_kept), "a span is kept");

bool shm_client_keep(shmrpci_call *call, shmrpci_kept *out)
{
    shm_client *client = (shm_client *)(void *)call->conn;
    uint32_t index = (uint32_t)call->data.words[0];
    shm_client_slot *slot = &client->slots[index];
    shm_span kept;
    if (!client->is_trusted || !call->in_shared || call->in_len < KEEP_BYTES) {
        return false;
    }
    if (slot->granted == 0) {
        if (!shm_pool_keep_span(&client->pool, slot->reply, call->in_len,
                                &kept)) {
            return false;
        }
        slot->reply = (shm_span){0, 0, 0};
    } else if (shm_pool_keep_reply(&client->pool, slot->granted,
                                   call->in + call->in_len, &kept)) {
        slot->granted = 0;
    } else {
        return false;
    }
    memcpy(out, &kept, sizeof kept);
    shm_client_free_slot(client, index);
    return true;
}

void shm_client_let_go(shmrpci_conn *conn, const shmrpci_kept *kept)
{
    shm_client *client = (shm_client *)(void *)conn;
    shm_span span;
    memcpy(&span, kept, sizeof span);
    shm_pool_let_go(&client->pool, span);
}
