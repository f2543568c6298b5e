/* Consumers: checking lanes, taking records, waiting. */
#include "ring/queue_inside.h"

#define MAX_TRIES 64u

/* The longest sleep while anybody holds records, so that the death of a holder
 * is noticed. */
#define HOLDS_SLICE_NS (500 * SHMRPCI_NS_PER_MS)

/* The results of one pop. */
typedef struct haul {
    shmrpci_buf *buf;
    shmrpci_item *items;
    uint32_t max;
    uint32_t count;
    bool may_wait; /* may wait once for more records, if the pace says so */
    int64_t deadline_ns;
} haul;

/* Taken records leave room: wakes producers that sleep on the lane for it. */
static void announce_room(const shmrpci_lane *lane, uint32_t count)
{
    /* Seq, after the CAS of the head: either we see the sleeping producer, or
     * it sees our CAS. */
    shmrpci_bell_ring(&lane->words->room, count);
}

static void mark_items(const haul *of, uint32_t index)
{
    for (uint32_t i = 0; i < of->count; i++) {
        of->items[i].lane = index;
        of->items[i].ticket = 0;
    }
}

/* Takes records from one lane. Returns NOT_FOUND if the lane is empty, or BUSY
 * if other readers were faster in every attempt. */
static shmrpc_status take_from(shmrpci_queue *queue, const shmrpci_lane *lane,
                               uint32_t index, haul *of)
{
    size_t len = of->buf->len;
    shmrpci_atomic_u64 *known = &queue->ring.known[index];
    if (of->may_wait && shmrpci_lane_is_spent(lane, known)) {
        of->may_wait = false;
        shmrpci_pace_wait();
    }
    for (uint32_t i = 0; i < MAX_TRIES; i++) {
        shmrpci_lane_look look;
        shmrpc_status status = shmrpci_lane_look_at(lane, known, of->max,
                                                    of->buf, of->items, &look);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (shmrpci_lane_take(lane, &look, queue->ring.region.me + 1)) {
            of->count = look.count;
            mark_items(of, index);
            announce_room(lane, look.count);
            shmrpci_pace_count(&queue->pace, look.count);
            return SHMRPC_OK;
        }
        of->buf->len = len;
    }
    return SHMRPC_E_BUSY;
}

/* Like take_from, but for `acked`: also holds the record. */
static shmrpc_status take_held_from(shmrpci_queue *queue,
                                    const shmrpci_lane *lane, uint32_t index,
                                    haul *of)
{
    shmrpc_status status = SHMRPC_OK;
    while (of->count < of->max && status == SHMRPC_OK) {
        status = shmrpci_queue_take_held(queue, lane, index, of->buf,
                                         &of->items[of->count]);
        of->count += status == SHMRPC_OK ? 1 : 0;
    }
    if (of->count == 0) {
        return status;
    }
    announce_room(lane, of->count);
    return SHMRPC_OK;
}

typedef shmrpc_status look_into(shmrpci_queue *queue, const shmrpci_lane *lane,
                                uint32_t index, haul *of);

/* Tries all lanes, beginning where the last scan ended. Returns NOT_FOUND if
 * all are empty, otherwise the first status that isn't NOT_FOUND. */
static shmrpc_status scan(shmrpci_queue *queue, look_into *look, haul *of)
{
    shmrpci_ring_range range = shmrpci_ring_lanes(&queue->ring);
    uint32_t count = range.end - range.first;
    /* Relaxed: a hint. */
    uint32_t start = shmrpci_load_relaxed(&queue->next_lane);
    shmrpci_lane lane;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = range.first + (start + i) % count;
        if (!shmrpci_ring_lane(&queue->ring, index, &lane)) {
            continue;
        }
        shmrpc_status status = look(queue, &lane, index, of);
        if (status != SHMRPC_E_NOT_FOUND) {
            atomic_store_explicit(&queue->next_lane, index - range.first + 1,
                                  memory_order_relaxed);
            return status;
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

static bool has_items(void *user)
{
    const shmrpci_queue *queue = user;
    if (shmrpci_pace_waits(&queue->pace)) {
        shmrpci_pace_wait();
    }
    return shmrpci_ring_has_records(&queue->ring);
}

static shmrpc_status say(shmrpc_status status, shmrpc_error *error)
{
    switch ((int)status) {
    case SHMRPC_OK:
        return SHMRPC_OK;
    case SHMRPC_E_DATA_LOSS:
        return shmrpc_error_set(error, status,
                                "a lane of the queue is damaged");
    case SHMRPC_E_CANCELLED:
        return shmrpc_error_set(error, status,
                                "the queue has been ended, and is empty");
    default:
        return shmrpc_error_set(error, status, "%s",
                                shmrpc_status_text(status));
    }
}

/* Under the mutex, which protects the holds. */
static shmrpc_status scan_and_hold(shmrpci_queue *queue, haul *of)
{
    if (!shmrpci_mutex_lock_until(&queue->mutex, of->deadline_ns)) {
        return SHMRPC_E_BUSY;
    }
    shmrpc_status status = shmrpci_queue_find_own(queue, NULL);
    if (status == SHMRPC_OK) {
        status = scan(queue, take_held_from, of);
    }
    if (status == SHMRPC_E_NOT_FOUND && shmrpci_queue_bury(queue)) {
        status = scan(queue, take_held_from, of);
    }
    shmrpci_mutex_unlock(&queue->mutex);
    return status;
}

/* Looks once at all lanes. Returns NOT_FOUND if there is no record now, but
 * records may still come. */
static shmrpc_status try_pop(shmrpci_queue *queue, haul *of)
{
    bool is_ended = shmrpci_ring_is_ended(&queue->ring);
    shmrpc_status status = shmrpci_queue_is_acked(queue)
                               ? scan_and_hold(queue, of)
                               : scan(queue, take_from, of);
    if (is_ended && shmrpci_queue_is_acked(queue) &&
        shmrpci_holds_are_there(&queue->ring)) {
        return status; /* held records may still be delivered again */
    }
    /* The end was read first, so everything that was pushed before it is
     * visible. */
    return status == SHMRPC_E_NOT_FOUND && is_ended ? SHMRPC_E_CANCELLED
                                                    : status;
}

void shmrpci_queue_announce(shmrpci_queue *queue, shmrpci_futex_on *out,
                            int64_t *out_max_ns)
{
    shmrpci_atomic_u32 *bell = &queue->ring.roots->bell;
    *out = (shmrpci_futex_on){bell, shmrpci_bell_announce(bell)};
    *out_max_ns =
        shmrpci_queue_is_acked(queue) && shmrpci_holds_are_there(&queue->ring)
            ? HOLDS_SLICE_NS
            : SHMRPCI_BELL_MAX_SLICE_NS;
}

/* Sleeps for a slice unless there are records. Then calls try_pop, and returns
 * its status. */
static shmrpc_status sleep_once(shmrpci_queue *queue, haul *of,
                                shmrpci_slices *slices)
{
    shmrpci_futex_on on;
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&queue->ring);
    shmrpci_queue_announce(queue, &on, &slices->max_ns);
    shmrpc_status status = try_pop(queue, of);
    if (status != SHMRPC_E_NOT_FOUND ||
        shmrpci_region_is_destroyed(&queue->ring.region)) {
        return status;
    }
    shmrpci_ring_count(&counts->sleeps, 1);
    bool is_late = shmrpci_bell_sleep(on.word, on.expected, slices);
    status = try_pop(queue, of);
    if (is_late && status == SHMRPC_OK) {
        shmrpci_ring_count(&counts->rescued, 1);
    }
    return status;
}

static shmrpc_status wait_and_pop(shmrpci_queue *queue, haul *of,
                                  int64_t deadline_ns, shmrpc_error *error)
{
    shmrpci_slices slices = shmrpci_slices_until(deadline_ns);
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&queue->ring);
    shmrpc_status status = SHMRPC_E_NOT_FOUND;
    if (shmrpci_ring_spin(&queue->items_spinner, has_items, queue)) {
        status = try_pop(queue, of);
    }
    (void)shmrpci_add_seq(&counts->wants_items, 1u);
    while (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_BUSY) {
        status = shmrpci_ring_check(&queue->ring, error);
        if (status != SHMRPC_OK) {
            break;
        }
        if (shmrpci_now_ns() >= slices.deadline_ns) {
            status = SHMRPC_E_DEADLINE;
            break;
        }
        status = sleep_once(queue, of, &slices);
    }
    (void)shmrpci_sub_seq(&counts->wants_items, 1u);
    return status;
}

shmrpc_status shmrpci_queue_pop(shmrpci_queue *queue, uint32_t max,
                                int64_t deadline_ns, shmrpci_buf *buf,
                                shmrpci_item *items, uint32_t *out_count,
                                shmrpc_error *error)
{
    haul of = {.buf = buf,
               .items = items,
               .max = max,
               .may_wait = shmrpci_pace_waits(&queue->pace),
               .deadline_ns = deadline_ns};
    shmrpc_status status = shmrpci_ring_check(&queue->ring, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = try_pop(queue, &of);
    if (status == SHMRPC_E_NOT_FOUND || status == SHMRPC_E_BUSY) {
        if (deadline_ns == 0) {
            return shmrpci_queue_late(0, "the queue is empty", error);
        }
        status = wait_and_pop(queue, &of, deadline_ns, error);
    }
    switch ((int)status) {
    case SHMRPC_OK:
        shmrpci_ring_count(&shmrpci_ring_my_counts(&queue->ring)->popped,
                           of.count);
        *out_count = of.count;
        return SHMRPC_OK;
    case SHMRPC_E_DESTROYED: /* the failed call has set `error` */
        return status;
    case SHMRPC_E_DEADLINE:
        return shmrpci_queue_late(deadline_ns, "nothing came", error);
    default:
        return say(status, error);
    }
}

/* ---- peeking ------------------------------------------------------------- */

static shmrpc_status copy_from(shmrpci_queue *queue, const shmrpci_lane *lane,
                               uint32_t index, haul *of)
{
    shmrpci_lane_look look;
    shmrpc_status status = shmrpci_lane_look_at(lane, &queue->ring.known[index],
                                                1, of->buf, of->items, &look);
    if (status == SHMRPC_OK) {
        of->count = 1;
        mark_items(of, index);
    }
    return status;
}

shmrpc_status shmrpci_queue_peek(shmrpci_queue *queue, shmrpci_buf *buf,
                                 shmrpci_item *item, shmrpc_error *error)
{
    haul of = {.buf = buf, .items = item, .max = 1};
    shmrpc_status status = shmrpci_ring_check(&queue->ring, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint32_t start = shmrpci_load_relaxed(&queue->next_lane);
    bool is_ended = shmrpci_ring_is_ended(&queue->ring);
    status = SHMRPC_E_BUSY;
    /* BUSY means that another reader has just taken the record. */
    for (uint32_t i = 0; status == SHMRPC_E_BUSY && i < MAX_TRIES; i++) {
        status = scan(queue, copy_from, &of);
    }
    atomic_store_explicit(&queue->next_lane, start, memory_order_relaxed);
    if (status == SHMRPC_E_NOT_FOUND && !is_ended) {
        return shmrpci_queue_late(0, "the queue is empty", error);
    }
    return say(status == SHMRPC_E_NOT_FOUND ? SHMRPC_E_CANCELLED : status,
               error);
}
