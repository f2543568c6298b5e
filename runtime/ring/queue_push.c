/* Producers: room, overflow, publishing. */
#include "base/assert.h"
#include "ring/queue_inside.h"

#include <string.h>

/* A producer that drops the oldest record competes with consumers, which may
 * take that record first. This many tries may be lost to them without removing
 * a record. */
#define MAX_LOST_DROPS 4096u

/* ---- lanes --------------------------------------------------------------- */

shmrpc_status shmrpci_queue_find_own(shmrpci_queue *queue, shmrpc_error *error)
{
    shmrpci_lane_writer *writer =
        shmrpci_queue_is_total(queue) ? &queue->again : &queue->writer;
    if (writer->lane.words != NULL) {
        return SHMRPC_OK;
    }
    shmrpci_lane lane;
    shmrpc_status status = shmrpci_ring_make_lane(
        &queue->ring, queue->ring.region.me, &lane, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_lane_adopt(writer, &lane, queue->ring.capacity);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(error, status,
                                "the lane of a dead producer is damaged");
    }
    if (shmrpci_queue_is_acked(queue)) {
        shmrpci_holds_open(&queue->holds, &queue->ring, writer);
    }
    return SHMRPC_OK;
}

/* ---- the turn ------------------------------------------------------------ */

static shmrpc_status busy_turn(shmrpci_queue *queue, shmrpc_status status,
                               shmrpc_error *error)
{
    const shmrpci_lock_map *at = &queue->turn.at;
    uint32_t owner = shmrpci_load_seq(queue->turn.word) & SHMRPCI_LOCK_OWNER;
    uint32_t pid = owner == 0 || owner > at->slot_count
                       ? 0
                       : shmrpci_load_relaxed(&at->file->slots[owner - 1].pid);
    return shmrpc_error_set(error, status, "process %u holds the producer lock",
                            pid);
}

/* Opens the common lane as the last producer left it. */
static shmrpc_status find_common(shmrpci_queue *queue, bool is_torn,
                                 shmrpc_error *error)
{
    shmrpci_lane_writer *writer = &queue->writer;
    shmrpc_status status = SHMRPC_OK;
    if (writer->lane.words == NULL || is_torn) {
        shmrpci_lane lane;
        status = shmrpci_ring_make_lane(
            &queue->ring, shmrpci_ring_common(&queue->ring), &lane, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        status = shmrpci_lane_adopt(writer, &lane, queue->ring.capacity);
    } else {
        status = shmrpci_lane_resume(writer);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "the queue is damaged");
}

static shmrpc_status take_turn(shmrpci_queue *queue, int64_t deadline_ns,
                               shmrpc_error *error)
{
    shmrpc_lock *turn = &queue->turn;
    shmrpc_status status = shmrpc_lock_try_acquire(turn);
    if (status == SHMRPC_E_BUSY && deadline_ns != 0) {
        int64_t left_ns = shmrpci_remaining_ns(deadline_ns);
        shmrpc_lock_wait wait = {.timeout_ns = left_ns > 0 ? left_ns : 1};
        status = shmrpc_lock_acquire(turn, &wait);
    }
    bool is_torn = status == SHMRPC_E_OWNER_DIED;
    if (status != SHMRPC_OK && !is_torn) {
        return busy_turn(queue, status, error);
    }
    status = find_common(queue, is_torn, error);
    if (status == SHMRPC_OK && is_torn) {
        (void)shmrpc_lock_consistent(turn);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpc_lock_release(turn);
    }
    return status;
}

/* ---- becoming and ceasing to be the producer ----------------------------- */

static shmrpc_status check_open(const shmrpci_queue *queue, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_ring_check(&queue->ring, error);
    if (status == SHMRPC_OK && shmrpci_ring_is_ended(&queue->ring)) {
        status = shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                  "the queue has been ended");
    }
    return status;
}

static shmrpc_status find_own(shmrpci_queue *queue, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_queue_find_own(queue, error);
    if (status == SHMRPC_OK && shmrpci_queue_is_acked(queue)) {
        shmrpci_holds_spare(&queue->holds);
    }
    return status;
}

/* Becomes the only producer of the lane. */
static shmrpc_status enter(shmrpci_queue *queue, int64_t deadline_ns,
                           shmrpc_error *error)
{
    shmrpc_status status = check_open(queue, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpci_mutex_lock_until(&queue->mutex, deadline_ns)) {
        return shmrpci_queue_late(
            deadline_ns, "other threads are pushing with this handle", error);
    }
    status = shmrpci_queue_is_total(queue)
                 ? take_turn(queue, deadline_ns, error)
                 : find_own(queue, error);
    if (status != SHMRPC_OK) {
        shmrpci_mutex_unlock(&queue->mutex);
    }
    return status;
}

static void leave(shmrpci_queue *queue)
{
    if (shmrpci_queue_is_total(queue)) {
        (void)shmrpc_lock_release(&queue->turn);
    }
    shmrpci_mutex_unlock(&queue->mutex);
}

/* ---- room ---------------------------------------------------------------- */

/* A full ring, for which a producer waits. */
typedef struct full_ring {
    shmrpci_lane_words *words;
    uint64_t head; /* the head when the ring was full */
    uint64_t size;
} full_ring;

static bool has_moved(void *user)
{
    const full_ring *full = user;
    /* Seq: after the announcement of the sleep. */
    return (shmrpci_load_seq(&full->words->head) & SHMRPCI_HEAD_MASK) !=
           (full->head / 8 & SHMRPCI_HEAD_MASK);
}

/* Whether enough of the ring, an eighth, has become free to make it worthwhile
 * to continue. With less, we would soon spin here again, and take the head's
 * cache line from the consumer more often. */
static bool has_moved_far(void *user)
{
    const full_ring *full = user;
    uint64_t head = shmrpci_load_relaxed(&full->words->head);
    uint64_t moved = (head - full->head / 8) & SHMRPCI_HEAD_MASK;
    return moved * 8 >= full->size / 8;
}

/* Sleeps until a record has been taken, or the slice is over. */
static shmrpc_status wait_for_room(shmrpci_queue *queue, full_ring *full,
                                   shmrpci_slices *slices, shmrpc_error *error)
{
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&queue->ring);
    /* The deadline is checked first: a damaged head may change again and again
     * without making room, and then only the deadline ends the loop. */
    if (slices->deadline_ns == 0 || shmrpci_now_ns() >= slices->deadline_ns) {
        return shmrpci_queue_late(slices->deadline_ns,
                                  "the queue is full, and no record was taken",
                                  error);
    }
    if (shmrpci_ring_spin(&queue->room_spinner, has_moved_far, full)) {
        return SHMRPC_OK;
    }
    (void)shmrpci_add_seq(&counts->wants_room, 1u);
    uint32_t seen = shmrpci_bell_announce(&full->words->room);
    if (!has_moved(full)) {
        shmrpci_ring_count(&counts->sleeps, 1);
        bool is_late = shmrpci_bell_sleep(&full->words->room, seen, slices);
        if (is_late && has_moved(full)) {
            shmrpci_ring_count(&counts->rescued, 1);
        }
    }
    (void)shmrpci_sub_seq(&counts->wants_room, 1u);
    return SHMRPC_OK;
}

static bool drop_oldest(shmrpci_queue *queue)
{
    const shmrpci_lane *lane = &queue->writer.lane;
    shmrpci_lane_look look;
    if (!shmrpci_lane_find_oldest(lane, &look)) {
        return false;
    }
    if (shmrpci_queue_is_acked(queue)) {
        uint32_t index = shmrpci_queue_is_total(queue)
                             ? shmrpci_ring_common(&queue->ring)
                             : queue->ring.region.me;
        shmrpci_holds_confirm(&queue->ring, index, look.word, look.from);
    }
    return shmrpci_lane_take(lane, &look, 0);
}

/* Drops the oldest records until there is room. While this producer has the
 * lane, no other adds records to it, so as many tries as the ring has records
 * are enough. Returns NULL if they are not: the lane's words are damaged. */
static void *reserve_by_dropping(shmrpci_queue *queue, uint32_t len)
{
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&queue->ring);
    uint64_t most =
        queue->writer.lane.size / SHMRPCI_RECORD_HEAD + MAX_LOST_DROPS;
    void *at = NULL;
    for (uint64_t i = 0; at == NULL && i < most; i++) {
        if (drop_oldest(queue)) {
            shmrpci_ring_count(&counts->dropped, 1);
        }
        at = shmrpci_lane_reserve(&queue->writer, len);
    }
    return at;
}

/* Applies the overflow rule, because there is no room. OK with NULL means that
 * the record was dropped if `*is_dropped` is set, and otherwise that the caller
 * must try again. */
static shmrpc_status overflow(shmrpci_queue *queue, uint32_t len,
                              shmrpci_slices *slices, void **out,
                              bool *is_dropped, shmrpc_error *error)
{
    full_ring full = {queue->writer.lane.words, queue->writer.head,
                      queue->writer.lane.size};
    switch (queue->overflow) {
    case SHMRPCI_OVERFLOW_DROP_OLDEST:
        *out = reserve_by_dropping(queue, len);
        if (*out != NULL) {
            return SHMRPC_OK;
        }
        leave(queue);
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the queue's records are damaged");
    case SHMRPCI_OVERFLOW_DROP_NEWEST:
        shmrpci_ring_count(&shmrpci_ring_my_counts(&queue->ring)->dropped, 1);
        *is_dropped = true;
        leave(queue);
        return SHMRPC_OK;
    case SHMRPCI_OVERFLOW_FAIL:
        leave(queue);
        return shmrpc_error_set(error, SHMRPC_E_BUSY, "the queue is full");
    case SHMRPCI_OVERFLOW_BLOCK:
        break;
    }
    leave(queue);
    return wait_for_room(queue, &full, slices, error);
}

/* Reserves room in the lane. If it returns OK and `*out` is not NULL, no other
 * producer can use the lane until this thread calls leave(). */
static shmrpc_status reserve(shmrpci_queue *queue, uint32_t len,
                             int64_t deadline_ns, void **out,
                             shmrpc_error *error)
{
    shmrpci_slices slices = shmrpci_slices_until(deadline_ns);
    bool is_dropped = false;
    *out = NULL;
    if (len > shmrpci_queue_max_len(queue)) {
        return shmrpc_error_set(
            error, SHMRPC_E_TOO_LARGE,
            "an item of %u bytes, but this queue takes at most %u", len,
            shmrpci_queue_max_len(queue));
    }
    while (*out == NULL && !is_dropped) {
        shmrpc_status status = enter(queue, deadline_ns, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        *out = shmrpci_lane_reserve(&queue->writer, len);
        if (*out == NULL) {
            status = overflow(queue, len, &slices, out, &is_dropped, error);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return SHMRPC_OK;
}

/* ---- public functions ---------------------------------------------------- */

shmrpc_status shmrpci_queue_reserve(shmrpci_queue *queue, uint32_t len,
                                    int64_t deadline_ns, void **out,
                                    shmrpc_error *error)
{
    return reserve(queue, len, deadline_ns, out, error);
}

void shmrpci_queue_publish(shmrpci_queue *queue, uint32_t len)
{
    shmrpci_lane_publish(&queue->writer, len, 0);
    shmrpci_ring_count(&shmrpci_ring_my_counts(&queue->ring)->pushed, 1);
    leave(queue);
    shmrpci_ring_announce(&queue->ring, 1);
}

void shmrpci_queue_give_up(shmrpci_queue *queue)
{
    leave(queue);
}

shmrpc_status shmrpci_queue_push(shmrpci_queue *queue, const void *data,
                                 uint32_t len, int64_t deadline_ns,
                                 shmrpc_error *error)
{
    void *at;
    shmrpc_status status = reserve(queue, len, deadline_ns, &at, error);
    if (status == SHMRPC_OK && at != NULL) {
        if (len > 0) {
            shmrpci_lane_copy_in(at, data, len);
        }
        shmrpci_queue_publish(queue, len);
    }
    return status;
}

/* How many bytes are appended before they are published together. A larger
 * batch would delay consumers. */
#define SHOW_BYTES 2048u

/* Appends as many records as there is room for, and publishes them. The lane
 * must be ours. */
static uint32_t append(shmrpci_queue *queue, const shmrpci_slice *slices,
                       uint32_t count)
{
    shmrpci_lane_writer *writer = &queue->writer;
    uint32_t done = 0;
    const uint32_t max_len = shmrpci_queue_max_len(queue);
    while (done < count && slices[done].len <= max_len) {
        uint32_t many = shmrpci_lane_append_many(writer, slices + done,
                                                 count - done, max_len);
        if (many == 0) {
            const shmrpci_slice *slice = &slices[done];
            void *at = shmrpci_lane_reserve(writer, slice->len);
            if (at == NULL) {
                break;
            }
            if (slice->len > 0) {
                shmrpci_lane_copy_in(at, slice->data, slice->len);
            }
            shmrpci_lane_append(writer, slice->len, 0);
            many = 1;
        }
        done += many;
        if (writer->tail - writer->shown >= SHOW_BYTES) {
            shmrpci_lane_show(writer);
        }
    }
    if (writer->shown != writer->tail) {
        shmrpci_lane_show(writer);
    }
    return done;
}

shmrpc_status shmrpci_queue_push_many(shmrpci_queue *queue,
                                      const shmrpci_slice *slices,
                                      uint32_t count, int64_t deadline_ns,
                                      uint32_t *out_count, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    *out_count = 0;
    while (*out_count < count && status == SHMRPC_OK) {
        status = enter(queue, deadline_ns, error);
        if (status != SHMRPC_OK) {
            break;
        }
        uint32_t done = append(queue, slices + *out_count, count - *out_count);
        shmrpci_ring_count(&shmrpci_ring_my_counts(&queue->ring)->pushed, done);
        leave(queue);
        *out_count += done;
        if (done > 0) {
            shmrpci_ring_announce(&queue->ring, done);
        }
        if (*out_count < count) {
            /* The overflow rule applies to the first record that did not
             * fit. */
            const shmrpci_slice *next = &slices[*out_count];
            status = shmrpci_queue_push(queue, next->data, next->len,
                                        deadline_ns, error);
            *out_count += status == SHMRPC_OK ? 1 : 0;
        }
    }
    return status;
}
