/*
 * State shared by the files of the queue.
 *
 *   queue.c       planning, opening, ends
 *   queue_push.c  producers
 *   queue_pop.c   consumers
 *   queue_ack.c   consumers that acknowledge
 *   queue_stat.c  statistics
 *
 * Threading: as queue.h; fields as noted.
 */
#ifndef SHMRPCI_RING_QUEUE_INSIDE_H
#define SHMRPCI_RING_QUEUE_INSIDE_H

#include "os/thread.h"
#include "ring/hold.h"
#include "ring/pace.h"
#include "ring/queue.h"
#include "ring/ring.h"
#include "sync/lock.h"

struct shmrpci_queue {
    shmrpci_ring ring;
    shmrpci_overflow overflow;
    /* Held to push, make a lane, inherit, or change a hold. */
    shmrpci_mutex mutex;
    shmrpci_lane_writer writer; /* under the mutex; it has no lane until the
                                 * first push */
    shmrpci_lane_writer again;  /* `order total`, `acked`: our own lane, for
                                 * redelivered records; under the mutex */
    shmrpci_holds holds;        /* for `acked`; under the mutex */
    int64_t buried_ns;          /* when we last looked for dead participants */
    shmrpc_lock turn;           /* `order total`, taken under the mutex */
    shmrpci_pace pace;          /* how long consumers wait for more records */
    shmrpci_spinner items_spinner;
    shmrpci_spinner room_spinner;
    shmrpci_atomic_u32 next_lane; /* the lane where the next pop begins; a
                                   * hint */
};

static inline bool shmrpci_queue_is_total(const shmrpci_queue *queue)
{
    return (queue->ring.options & SHMRPCI_RING_TOTAL) != 0;
}

static inline bool shmrpci_queue_is_acked(const shmrpci_queue *queue)
{
    return (queue->ring.options & SHMRPCI_RING_ACKED) != 0;
}

/* Checks that the limits in the queue's head agree with each other. Returns
 * DATA_LOSS if not. */
shmrpc_status shmrpci_queue_judge(const shmrpci_queue *queue,
                                  shmrpc_error *error);

/* Finds our own lane, and with `acked` our holds; under the mutex. */
shmrpc_status shmrpci_queue_find_own(shmrpci_queue *queue, shmrpc_error *error);

/* Returns DEADLINE or BUSY, with a message that says `what`, such as "nothing
 * came in time". */
shmrpc_status shmrpci_queue_late(int64_t deadline_ns, const char *what,
                                 shmrpc_error *error);

/* For `acked`: does what shmrpci_lane_look_at and shmrpci_lane_take do, and
 * holds the record; under the mutex. Returns NOT_FOUND, BUSY, DATA_LOSS or
 * EXHAUSTED. */
shmrpc_status shmrpci_queue_take_held(shmrpci_queue *queue,
                                      const shmrpci_lane *lane, uint32_t index,
                                      shmrpci_buf *buf, shmrpci_item *item);

/* Inherits from dead participants, unless that was done recently. Returns true
 * if there may be new records. Under the mutex. */
bool shmrpci_queue_bury(shmrpci_queue *queue);

#endif
