/*
 * Queues of many machines. queue.c calls these functions, and they call the
 * engine that objects/remote.h describes.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_QUEUE_REMOTE_H
#define SHMRPCI_OBJECTS_QUEUE_REMOTE_H

#include "objects/handle.h"
#include "ring/lane.h"
#include "shmrpc/queue.h"

bool shmrpci_queue_remote_is_acked(const shmrpci_handle *handle);

/* Like the functions for a queue of this machine (ring/queue.h). */
shmrpc_status shmrpci_queue_remote_push(const shmrpci_handle *handle,
                                        const shmrpci_buf *item,
                                        int64_t deadline_ns,
                                        shmrpc_error *error);
shmrpc_status shmrpci_queue_remote_push_many(
    const shmrpci_handle *handle, const shmrpci_slice *items, uint32_t count,
    int64_t deadline_ns, uint32_t *out_pushed, shmrpc_error *error);
shmrpc_status shmrpci_queue_remote_pop(const shmrpci_handle *handle,
                                       uint32_t max, int64_t deadline_ns,
                                       shmrpci_buf *buf, shmrpci_item *items,
                                       uint32_t *out_count,
                                       shmrpc_error *error);
shmrpc_status shmrpci_queue_remote_stat(const shmrpci_handle *handle,
                                        shmrpc_queue_stat *out);

#endif
