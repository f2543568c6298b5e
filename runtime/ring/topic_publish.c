/* Publishers: getting room, slow subscribers, wake-ups. */
#include "ring/topic_inside.h"

/* When room has become free, other threads may take it before us. If that seems
 * to happen this often in a row, the lane is damaged. */
#define MAX_FUTILE 100000u

/* A wait for subscribers. */
typedef struct stall {
    shmrpci_slices slices;
    int64_t began_ns; /* 0: has not begun */
    uint32_t seat;    /* the seat of the subscriber that is furthest behind */
    uint32_t futile;  /* how often other threads took the room */
} stall;

static shmrpc_status enter(shmrpci_topic *topic, int64_t deadline_ns,
                           shmrpc_error *error)
{
    shmrpc_status status = shmrpci_ring_check(&topic->ring, error);
    if (status == SHMRPC_OK && !topic->ring.region.is_writer) {
        status = shmrpc_error_set(error, SHMRPC_E_DENIED,
                                  "the topic was opened read-only");
    }
    if (status == SHMRPC_OK && shmrpci_ring_is_ended(&topic->ring)) {
        status = shmrpc_error_set(error, SHMRPC_E_CANCELLED,
                                  "the topic has been ended");
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpci_mutex_lock_until(&topic->mutex, deadline_ns)) {
        return shmrpci_topic_late(
            deadline_ns, "other threads are publishing with this handle",
            error);
    }
    if (topic->writer.lane.words != NULL) {
        return SHMRPC_OK;
    }
    shmrpci_lane lane;
    status = shmrpci_ring_make_lane(&topic->ring, topic->ring.region.me, &lane,
                                    error);
    if (status == SHMRPC_OK) {
        status = shmrpci_lane_adopt_topic(&topic->writer, &lane, topic->marks);
        (void)(status == SHMRPC_OK ||
               shmrpc_error_set(error, status, "the topic is damaged"));
    }
    if (status != SHMRPC_OK) {
        shmrpci_mutex_unlock(&topic->mutex);
    }
    return status;
}

static void leave(shmrpci_topic *topic)
{
    shmrpci_mutex_unlock(&topic->mutex);
}

/* ---- positions of subscribers -------------------------------------------- */

/* How far the subscriber in a seat has read our lane. The result is our tail if
 * the seat is free. */
static uint64_t read_by(const shmrpci_topic *topic, uint32_t seat)
{
    const shmrpci_desk *desk = &topic->desk;
    uint64_t tail = topic->writer.tail;
    /* Seq: pairs with the store of a subscriber that takes the seat. */
    if (shmrpci_load_seq(&desk->words->seats[seat].state) !=
        SHMRPCI_SEAT_TAKEN) {
        return tail;
    }
    /* Seq: after the announcement of our sleep. */
    uint64_t cursor = shmrpci_load_seq(
        shmrpci_desk_cursor(desk, seat, topic->ring.region.me));
    return cursor <= tail ? cursor : tail;
}

/* The lowest position up to which all subscribers have read; sets
 * stall->seat. */
static uint64_t least_read(const shmrpci_topic *topic, stall *of)
{
    uint64_t least = topic->writer.tail;
    for (uint32_t i = 0; i < topic->desk.seats; i++) {
        uint64_t cursor = read_by(topic, i);
        if (cursor < least) {
            least = cursor;
            of->seat = i;
        }
    }
    return least;
}

/* Frees the seats of dead subscribers, and evicts subscribers that have been
 * too slow for too long. */
static void clear_seats(shmrpci_topic *topic, uint64_t needed,
                        bool is_patience_over)
{
    shmrpci_desk *desk = &topic->desk;
    for (uint32_t i = 0; i < desk->seats; i++) {
        if (read_by(topic, i) >= needed || shmrpci_desk_bury(desk, i) ||
            !is_patience_over) {
            continue;
        }
        uint32_t expected = SHMRPCI_SEAT_TAKEN;
        if (shmrpci_cas_seq(&desk->words->seats[i].state, &expected,
                            (uint32_t)SHMRPCI_SEAT_EVICTED)) {
            shmrpci_ring_count(&shmrpci_ring_my_counts(&topic->ring)->evicted,
                               1);
        }
    }
}

/* ---- room ---------------------------------------------------------------- */

/* Reserves room, if subscribers have read the messages that it will
 * overwrite. */
static void *try_reserve(shmrpci_topic *topic, uint32_t len, stall *of)
{
    shmrpci_lane_writer *writer = &topic->writer;
    if (topic->laps == SHMRPCI_LAPS_OVERWRITE || topic->desk.words == NULL) {
        writer->head = writer->tail;
        return shmrpci_lane_reserve(writer, len);
    }
    void *at = shmrpci_lane_reserve(writer, len);
    if (at == NULL) {
        writer->head = least_read(topic, of);
        at = shmrpci_lane_reserve(writer, len);
    }
    return at;
}

/* The position up to which subscribers must have read before the record can be
 * reserved. */
static uint64_t needed_for(const shmrpci_topic *topic, uint32_t len)
{
    uint64_t end = shmrpci_lane_end_of(&topic->writer, len);
    uint64_t size = topic->writer.lane.size;
    return end > size ? end - size : 0;
}

static shmrpc_status too_slow(const shmrpci_topic *topic, const stall *of,
                              shmrpc_error *error)
{
    return shmrpc_error_set(
        error, of->slices.deadline_ns == 0 ? SHMRPC_E_BUSY : SHMRPC_E_DEADLINE,
        "the subscriber in process %u has not read messages that this one "
        "would overwrite",
        shmrpci_load_relaxed(&topic->desk.words->seats[of->seat].pid));
}

/* Waits until subscribers have read more messages or are gone, or a slice is
 * over. Called with the mutex held; returns with it released. */
static shmrpc_status wait_for_readers(shmrpci_topic *topic, uint32_t len,
                                      stall *of, shmrpc_error *error)
{
    shmrpci_ring_counts *counts = shmrpci_ring_my_counts(&topic->ring);
    shmrpci_atomic_u32 *bell = &topic->desk.words->room;
    int64_t max_stall_ns = (int64_t)topic->ring.extra;
    int64_t now_ns = shmrpci_now_ns();
    of->began_ns = of->began_ns != 0 ? of->began_ns : now_ns;
    bool is_over = max_stall_ns != 0 && now_ns - of->began_ns >= max_stall_ns;
    uint64_t needed = needed_for(topic, len);
    uint32_t seen = shmrpci_bell_announce(bell);
    clear_seats(topic, needed, is_over);
    bool is_there = least_read(topic, of) >= needed;
    leave(topic);
    if (is_there && of->futile++ < MAX_FUTILE) {
        return SHMRPC_OK;
    }
    if (is_there) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the topic's lane is damaged");
    }
    if (now_ns >= of->slices.deadline_ns) {
        return too_slow(topic, of, error);
    }
    if (max_stall_ns != 0) {
        of->slices.max_ns = of->began_ns + max_stall_ns - now_ns;
    }
    (void)shmrpci_add_seq(&counts->wants_room, 1u);
    shmrpci_ring_count(&counts->sleeps, 1);
    (void)shmrpci_bell_sleep(bell, seen, &of->slices);
    (void)shmrpci_sub_seq(&counts->wants_room, 1u);
    return SHMRPC_OK;
}

shmrpc_status shmrpci_topic_reserve(shmrpci_topic *topic, uint32_t len,
                                    int64_t deadline_ns, void **out,
                                    shmrpc_error *error)
{
    stall of = {.slices = shmrpci_slices_until(deadline_ns)};
    *out = NULL;
    if (len > shmrpci_topic_max_len(topic)) {
        return shmrpc_error_set(
            error, SHMRPC_E_TOO_LARGE,
            "a message of %u bytes, but this topic takes at most %u", len,
            shmrpci_topic_max_len(topic));
    }
    while (*out == NULL) {
        shmrpc_status status = enter(topic, deadline_ns, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        *out = try_reserve(topic, len, &of);
        if (*out == NULL && topic->laps == SHMRPCI_LAPS_DROP) {
            /* A dead subscriber must not make us drop messages: its seat is
             * freed, and then we try again. */
            clear_seats(topic, needed_for(topic, len), false);
            *out = try_reserve(topic, len, &of);
            if (*out == NULL) {
                shmrpci_ring_count(
                    &shmrpci_ring_my_counts(&topic->ring)->dropped, 1);
                leave(topic);
                return SHMRPC_OK;
            }
        }
        if (*out == NULL) {
            status = wait_for_readers(topic, len, &of, error);
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    shmrpci_lane_intend(&topic->writer, len);
    return SHMRPC_OK;
}

/* ---- publishing ---------------------------------------------------------- */

/* Wakes all subscribers that may be asleep, since each gets the message. */
static void announce(shmrpci_topic *topic)
{
    shmrpci_desk_words *desk = topic->desk.words;
    /* The fence orders the look at the sleepers after the tail. */
    shmrpci_fence_seq();
    bool sleeps = desk != NULL && shmrpci_load_seq(&desk->sleepers) != 0;
    if (sleeps) {
        (void)shmrpci_exchange_seq(&desk->sleepers, 0u);
    }
    if (sleeps ||
        shmrpci_listeners_are_there(&topic->listeners, topic->ring.region.fd)) {
        shmrpci_bell_ring_all(&topic->ring.roots->bell);
    }
}

void shmrpci_topic_commit(shmrpci_topic *topic, uint32_t len)
{
    shmrpci_lane_mark(&topic->writer, topic->marks);
    shmrpci_lane_publish(&topic->writer, len, 0);
    shmrpci_ring_count(&shmrpci_ring_my_counts(&topic->ring)->pushed, 1);
    leave(topic);
    announce(topic);
}

void shmrpci_topic_give_up(shmrpci_topic *topic)
{
    leave(topic);
}

shmrpc_status shmrpci_topic_publish(shmrpci_topic *topic, const void *data,
                                    uint32_t len, int64_t deadline_ns,
                                    shmrpc_error *error)
{
    void *at;
    shmrpc_status status =
        shmrpci_topic_reserve(topic, len, deadline_ns, &at, error);
    if (status == SHMRPC_OK && at != NULL) {
        if (len > 0) {
            shmrpci_lane_copy_in(at, data, len);
        }
        shmrpci_topic_commit(topic, len);
    }
    return status;
}
