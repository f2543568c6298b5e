/* Readers that acknowledge records: taking with a hold, and redelivery. */
#include "ring/queue_inside.h"

#define MAX_TRIES 64u

/* How often to check for dead participants, while there are holds. */
#define BURY_NS (50 * SHMRPCI_NS_PER_MS)

/* Copies the next records, holds them, and tries to take them. Returns BUSY if
 * others were faster. */
static shmrpc_status try_take(shmrpci_queue *queue, const shmrpci_lane *lane,
                              uint32_t index, shmrpci_buf *buf,
                              shmrpci_item *item)
{
    shmrpci_holds *holds = &queue->holds;
    shmrpci_lane_look look;
    shmrpc_status status = shmrpci_lane_look_at(lane, &queue->ring.known[index],
                                                1, buf, item, &look);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Our own lane must have room for the records that we take, in case we die.
     * Taking from our own lane frees as much room as it needs. */
    if (index != queue->ring.region.me &&
        !shmrpci_holds_may_take(holds, item->len)) {
        return SHMRPC_E_NOT_FOUND;
    }
    status = shmrpci_holds_prepare(holds, index, look.to,
                                   item->len > 0 ? buf->data + item->at : NULL,
                                   item->len);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_holds_confirm(&queue->ring, index, look.word, look.from);
    if (!shmrpci_lane_take(lane, &look, queue->ring.region.me + 1)) {
        return SHMRPC_E_BUSY;
    }
    item->lane = index;
    item->ticket = shmrpci_holds_keep(holds, item->len);
    return SHMRPC_OK;
}

shmrpc_status shmrpci_queue_take_held(shmrpci_queue *queue,
                                      const shmrpci_lane *lane, uint32_t index,
                                      shmrpci_buf *buf, shmrpci_item *item)
{
    size_t len = buf->len;
    shmrpc_status status = SHMRPC_E_BUSY;
    for (uint32_t i = 0; status == SHMRPC_E_BUSY && i < MAX_TRIES; i++) {
        status = try_take(queue, lane, index, buf, item);
        if (status != SHMRPC_OK) {
            buf->len = len;
        }
    }
    return status;
}

bool shmrpci_queue_bury(shmrpci_queue *queue)
{
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns - queue->buried_ns < BURY_NS) {
        return false;
    }
    queue->buried_ns = now_ns;
    return shmrpci_holds_were_taken(&queue->ring) &&
           shmrpci_region_bury(&queue->ring.region) > 0;
}

static shmrpc_status drop(shmrpci_queue *queue, uint64_t ticket,
                          bool comes_again)
{
    if (!shmrpci_queue_is_acked(queue)) {
        return SHMRPC_E_PRECONDITION;
    }
    shmrpc_status status = shmrpci_ring_check(&queue->ring, NULL);
    if (status == SHMRPC_OK) {
        shmrpci_mutex_lock(&queue->mutex);
        status = shmrpci_holds_drop(&queue->holds, ticket, comes_again);
        shmrpci_mutex_unlock(&queue->mutex);
    }
    return status;
}

shmrpc_status shmrpci_queue_ack(shmrpci_queue *queue, uint64_t ticket)
{
    shmrpc_status status = drop(queue, ticket, false);
    if (status == SHMRPC_OK && shmrpci_ring_is_ended(&queue->ring) &&
        !shmrpci_holds_are_there(&queue->ring)) {
        /* After the end of the queue no more records can come; sleepers must
         * learn that. */
        shmrpci_bell_ring_all(&queue->ring.roots->bell);
    }
    return status;
}

shmrpc_status shmrpci_queue_release(shmrpci_queue *queue, uint64_t ticket)
{
    shmrpc_status status = drop(queue, ticket, true);
    if (status == SHMRPC_OK) {
        shmrpci_ring_count(&shmrpci_ring_my_counts(&queue->ring)->redelivered,
                           1);
        shmrpci_ring_announce(&queue->ring, 1);
    }
    return status;
}
