/* Queues of many machines: the functions that queue.c calls for them. */
#include "objects/queue_remote.h"

#include <string.h>

/* The most items that a pop takes; queue.c asks for no more. */
#define BATCH 64u

static const shmrpci_remote_ops *const ops = &shmrpci_remote_nats;

bool shmrpci_queue_remote_is_acked(const shmrpci_handle *handle)
{
    shmrpci_remote_facts facts;
    ops->facts(handle->remote, &facts);
    return facts.is_acked;
}

/* The length limit is a property of the object, set by its maker. */
static shmrpc_status push(const shmrpci_handle *handle, const void *data,
                          size_t len, int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_remote_facts facts;
    ops->facts(handle->remote, &facts);
    if (len > facts.max_item_bytes) {
        (void)shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                               "the item takes %zu bytes, but at most %u fit: "
                               "raise max_item_bytes, or pass a reference",
                               len, facts.max_item_bytes);
        return SHMRPC_E_TOO_LARGE;
    }
    return ops->push(handle->remote, data, len, deadline_ns, error);
}

shmrpc_status shmrpci_queue_remote_push(const shmrpci_handle *handle,
                                        const shmrpci_buf *item,
                                        int64_t deadline_ns,
                                        shmrpc_error *error)
{
    return push(handle, item->data, item->len, deadline_ns, error);
}

/* Pushes one item after another, and stops at the first that is refused, so
 * that exactly the first `*out_pushed` items are in the queue. */
shmrpc_status shmrpci_queue_remote_push_many(
    const shmrpci_handle *handle, const shmrpci_slice *items, uint32_t count,
    int64_t deadline_ns, uint32_t *out_pushed, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    uint32_t pushed = 0;
    while (pushed < count && status == SHMRPC_OK) {
        status = push(handle, items[pushed].data, items[pushed].len,
                      deadline_ns, error);
        pushed += status == SHMRPC_OK ? 1 : 0;
    }
    *out_pushed = pushed;
    return status;
}

shmrpc_status shmrpci_queue_remote_pop(const shmrpci_handle *handle,
                                       uint32_t max, int64_t deadline_ns,
                                       shmrpci_buf *buf, shmrpci_item *items,
                                       uint32_t *out_count, shmrpc_error *error)
{
    shmrpci_remote_item got[BATCH];
    uint32_t count = 0;
    shmrpc_status status = ops->pop(handle->remote, max < BATCH ? max : BATCH,
                                    deadline_ns, buf, got, &count, error);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (shmrpci_item){
            .at = got[i].at,
            .len = got[i].len,
            .flags = got[i].came_before ? SHMRPCI_RECORD_REDELIVERED : 0,
            .ticket = got[i].ticket};
    }
    *out_count = count;
    return status;
}

/* NATS servers report neither waiting readers nor participants. */
shmrpc_status shmrpci_queue_remote_stat(const shmrpci_handle *handle,
                                        shmrpc_queue_stat *out)
{
    shmrpci_remote_figures figures;
    shmrpci_remote_facts facts;
    shmrpc_status status = ops->figures(handle->remote, &figures);
    if (status != SHMRPC_OK) {
        return status;
    }
    ops->facts(handle->remote, &facts);
    memset(out, 0, sizeof *out);
    out->item_count = figures.item_count;
    out->byte_count = figures.byte_count;
    out->capacity = figures.capacity;
    out->max_item_bytes = facts.max_item_bytes;
    out->pushed_count = figures.pushed_count;
    out->dropped_count = figures.dropped_count;
    out->redelivered_count = figures.redelivered_count;
    out->unacked_count = figures.unacked_count;
    out->open_count = 1; /* only this handle is known */
    out->is_ended = figures.is_ended;
    return SHMRPC_OK;
}
