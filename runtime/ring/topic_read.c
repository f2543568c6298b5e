/* Subscribers: reading at their own pace, being lapped, waiting. */
#include <stdlib.h>

#include "os/process.h"
#include "ring/topic_inside.h"

#define MAX_TRIES 64u

/* A subscriber without a desk stops listening when it has read this many
 * messages without a sleep, so that publishers need not ring for each. */
#define AWAKE_MAX 64u

/* ---- one lane ------------------------------------------------------------ */

/* The number nearest to `near` that has the low bits of `number`. */
static uint64_t nearest(uint64_t number, uint64_t near)
{
    uint64_t ahead = (number - near) & SHMRPCI_RECORD_NUMBER;
    return ahead <= SHMRPCI_RECORD_NUMBER / 2
               ? near + ahead
               : near - (SHMRPCI_RECORD_NUMBER + 1 - ahead);
}

/* Whether message `number` is still at the position that its mark gives. */
static bool is_there(const shmrpci_topic *topic, const shmrpci_lane *lane,
                     uint64_t number, uint64_t *out_position)
{
    /* Acquire, both: the record that they publish is read after this. */
    uint64_t position =
        shmrpci_load_acquire(&lane->words->marks[number & (topic->marks - 1)]);
    uint64_t tail = shmrpci_load_acquire(&lane->words->tail);
    uint64_t end;
    *out_position = position;
    if (position % 8 != 0 || position >= tail || tail - position > lane->size) {
        return false;
    }
    uint64_t word = shmrpci_load_relaxed(shmrpci_lane_record(lane, position));
    return shmrpci_lane_is_record(lane, position, tail, word, &end) &&
           shmrpci_record_kind_of(word) == SHMRPCI_RECORD_DATA &&
           shmrpci_record_number(word) == (number & SHMRPCI_RECORD_NUMBER) &&
           !shmrpci_lane_is_lapped(lane, position);
}

/* Sets the cursor to the oldest of the last `most` messages that still exists,
 * or to the end. */
static void find_place(const shmrpci_topic *topic, const shmrpci_lane *lane,
                       uint64_t most, shmrpci_reading *out)
{
    uint64_t tail = shmrpci_load_acquire(&lane->words->tail);
    uint64_t count = shmrpci_load_acquire(&lane->words->count);
    uint64_t number = count > most ? count - most : 0;
    for (; number < count; number++) {
        if (is_there(topic, lane, number, &out->cursor)) {
            out->number = number;
            out->is_known = true;
            return;
        }
    }
    /* The cursor is the tail that was read before the count, so a message
     * published since then is not skipped. */
    out->cursor = tail - tail % 8;
    out->number = count;
    out->is_known = false;
}

/* ---- cursors ------------------------------------------------------------- */

/* Tells publishers how far we have read a lane. */
static void tell(const shmrpci_subscription *of, uint32_t index)
{
    const shmrpci_topic *topic = of->topic;
    if (of->seat == SHMRPCI_REGION_NOBODY) {
        return;
    }
    /* Seq: before the look at the bell. For the cursor itself, release would be
     * enough. */
    shmrpci_store_seq(shmrpci_desk_cursor(&topic->desk, of->seat, index),
                      of->readings[index].cursor);
    if (topic->laps == SHMRPCI_LAPS_BLOCK) {
        shmrpci_bell_ring(&topic->desk.words->room, UINT32_MAX);
    }
}

/* Begins to read a lane that was made after we subscribed, so that all of it is
 * new. */
static void begin_lane(shmrpci_subscription *of, uint32_t index)
{
    if (!of->readings[index].is_begun) {
        of->readings[index] =
            (shmrpci_reading){.is_known = true, .is_begun = true};
    }
}

/* Called after publishers have lapped us: continues where messages are left.
 * Returns true if lost messages must be reported, because they were not only
 * history. */
static bool catch_up(shmrpci_subscription *of, uint32_t index,
                     const shmrpci_lane *lane)
{
    shmrpci_topic *topic = of->topic;
    shmrpci_reading *at = &of->readings[index];
    if (at->cursor < at->start) {
        at->cursor = at->start;
        at->is_known = false;
        tell(of, index);
        return false;
    }
    uint64_t was = at->number;
    uint64_t history = topic->ring.capacity;
    find_place(topic, lane, history > 0 ? history : 1, at);
    of->lost += at->number > was ? at->number - was : 1;
    tell(of, index);
    return true;
}

static void note(const shmrpci_subscription *of, uint64_t lost)
{
    if (of->seat != SHMRPCI_REGION_NOBODY) {
        shmrpci_seat *seat = &of->topic->desk.words->seats[of->seat];
        shmrpci_ring_count(lost > 0 ? &seat->lost : &seat->received,
                           lost > 0 ? lost : 1);
    }
}

/* Reads the next message of a lane. Returns NOT_FOUND or LOST if there is
 * none. */
static shmrpc_status read_lane(shmrpci_subscription *of, uint32_t index,
                               const shmrpci_lane *lane, shmrpci_buf *buf,
                               shmrpci_item *item)
{
    shmrpci_reading *at = &of->readings[index];
    begin_lane(of, index);
    for (uint32_t i = 0; i < MAX_TRIES; i++) {
        uint64_t end = at->cursor;
        uint64_t number = 0;
        shmrpc_status status =
            shmrpci_lane_read(lane, at->cursor, buf, item, &end, &number);
        if (status == SHMRPC_OK) {
            item->lane = index;
            at->number = nearest(number, at->number) + 1;
            at->is_known = true;
            at->cursor = end;
            tell(of, index);
            return SHMRPC_OK;
        }
        if (status != SHMRPC_E_LOST || catch_up(of, index, lane)) {
            return status;
        }
    }
    return SHMRPC_E_LOST;
}

/* ---- all lanes ----------------------------------------------------------- */

static shmrpc_status scan(shmrpci_subscription *of, shmrpci_buf *buf,
                          shmrpci_item *item)
{
    shmrpci_ring *ring = &of->topic->ring;
    uint32_t count = shmrpci_region_high(&ring->region);
    shmrpci_lane lane;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (of->next_lane + i) % count;
        if (!shmrpci_ring_lane(ring, index, &lane)) {
            continue;
        }
        shmrpc_status status = read_lane(of, index, &lane, buf, item);
        if (status != SHMRPC_E_NOT_FOUND) {
            of->next_lane = index + 1;
            return status;
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

static bool has_messages(void *user)
{
    const shmrpci_subscription *of = user;
    const shmrpci_ring *ring = &of->topic->ring;
    uint32_t count = shmrpci_region_high(&ring->region);
    shmrpci_lane lane;
    for (uint32_t i = 0; i < count; i++) {
        if (shmrpci_ring_lane(ring, i, &lane) &&
            shmrpci_load_seq(&lane.words->tail) != of->readings[i].cursor) {
            return true;
        }
    }
    return false;
}

static bool is_evicted(const shmrpci_subscription *of)
{
    return of->seat != SHMRPCI_REGION_NOBODY &&
           shmrpci_load_seq(&of->topic->desk.words->seats[of->seat].state) !=
               SHMRPCI_SEAT_TAKEN;
}

/* Looks once at all lanes. */
static shmrpc_status try_next(shmrpci_subscription *of, shmrpci_buf *buf,
                              shmrpci_item *item)
{
    bool is_ended = shmrpci_ring_is_ended(&of->topic->ring);
    if (is_evicted(of)) {
        return SHMRPC_E_EVICTED;
    }
    shmrpc_status status = scan(of, buf, item);
    return status == SHMRPC_E_NOT_FOUND && is_ended ? SHMRPC_E_CANCELLED
                                                    : status;
}

/* Begins to listen. All subscriptions of a handle share its descriptor, and so
 * its lock on the byte. They are counted, because only the last one that stops
 * may release that lock. */
static int64_t listen(shmrpci_subscription *of)
{
    shmrpci_topic *topic = of->topic;
    shmrpci_mutex_lock(&topic->mutex);
    topic->listening_count += of->is_listening ? 0 : 1;
    of->is_listening = true;
    int64_t max_ns = shmrpci_listen(&topic->listening, topic->ring.region.fd,
                                    SHMRPCI_BELL_MAX_SLICE_NS);
    shmrpci_mutex_unlock(&topic->mutex);
    return max_ns;
}

static void stop_listening(shmrpci_subscription *of)
{
    shmrpci_topic *topic = of->topic;
    if (!of->is_listening) {
        return;
    }
    shmrpci_mutex_lock(&topic->mutex);
    of->is_listening = false;
    if (--topic->listening_count == 0) {
        shmrpci_listen_end(&topic->listening, topic->ring.region.fd);
    }
    shmrpci_mutex_unlock(&topic->mutex);
}

void shmrpci_topic_announce(shmrpci_subscription *of, shmrpci_futex_on *out,
                            int64_t *out_max_ns)
{
    shmrpci_topic *topic = of->topic;
    shmrpci_atomic_u32 *bell = &topic->ring.roots->bell;
    /* The bell is read before we announce our sleep. A publisher that clears
     * the announcement increments the bell afterwards, so we don't sleep on the
     * old value. */
    *out = (shmrpci_futex_on){bell, shmrpci_load_seq(bell)};
    of->awake = 0;
    if (topic->desk.words != NULL) {
        shmrpci_store_seq(&topic->desk.words->sleepers, 1u);
        *out_max_ns = SHMRPCI_BELL_MAX_SLICE_NS;
    } else {
        *out_max_ns = listen(of);
    }
}

static shmrpc_status sleep_once(shmrpci_subscription *of, shmrpci_buf *buf,
                                shmrpci_item *item, shmrpci_slices *slices)
{
    const shmrpci_topic *topic = of->topic;
    shmrpci_futex_on on;
    shmrpci_topic_announce(of, &on, &slices->max_ns);
    shmrpc_status status = try_next(of, buf, item);
    if (status == SHMRPC_E_NOT_FOUND &&
        !shmrpci_region_is_destroyed(&topic->ring.region)) {
        (void)shmrpci_bell_sleep(on.word, on.expected, slices);
        status = try_next(of, buf, item);
    }
    return status;
}

static shmrpc_status wait_for_message(shmrpci_subscription *of,
                                      int64_t deadline_ns, shmrpci_buf *buf,
                                      shmrpci_item *item, shmrpc_error *error)
{
    shmrpci_slices slices = shmrpci_slices_until(deadline_ns);
    shmrpc_status status = SHMRPC_E_NOT_FOUND;
    if (shmrpci_ring_spin(&of->topic->spinner, has_messages, of)) {
        status = try_next(of, buf, item);
    }
    while (status == SHMRPC_E_NOT_FOUND) {
        status = shmrpci_ring_check(&of->topic->ring, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        if (shmrpci_now_ns() >= slices.deadline_ns) {
            return shmrpci_topic_late(deadline_ns, "no message came", error);
        }
        status = sleep_once(of, buf, item, &slices);
    }
    return status;
}

/* ---- public functions ---------------------------------------------------- */

shmrpc_status shmrpci_topic_next(shmrpci_subscription *subscription,
                                 int64_t deadline_ns, shmrpci_buf *buf,
                                 shmrpci_item *item, uint64_t *out_lost,
                                 shmrpc_error *error)
{
    shmrpci_subscription *of = subscription;
    shmrpc_status status = shmrpci_ring_check(&of->topic->ring, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    *out_lost = 0;
    of->lost = 0;
    if (++of->awake > AWAKE_MAX) {
        stop_listening(of);
    }
    status = try_next(of, buf, item);
    if (status == SHMRPC_E_NOT_FOUND) {
        status = deadline_ns == 0
                     ? shmrpci_topic_late(0, "there is no message", error)
                     : wait_for_message(of, deadline_ns, buf, item, error);
    }
    switch ((int)status) {
    case SHMRPC_OK:
        note(of, 0);
        return SHMRPC_OK;
    case SHMRPC_E_LOST:
        *out_lost = of->lost;
        note(of, of->lost);
        return shmrpc_error_set(error, status,
                                "%llu messages were overwritten before they "
                                "were read",
                                (unsigned long long)of->lost);
    case SHMRPC_E_EVICTED:
        return shmrpc_error_set(error, status,
                                "too slow for too long: subscribe again");
    case SHMRPC_E_CANCELLED:
        return shmrpc_error_set(error, status,
                                "the topic has been ended, and all is read");
    case SHMRPC_E_DATA_LOSS:
        return shmrpc_error_set(error, status, "the topic is damaged");
    default: /* the failed call has set `error`, or `buf` failed */
        return status;
    }
}

static shmrpc_status take_seat(shmrpci_subscription *of, shmrpc_error *error)
{
    shmrpci_topic *topic = of->topic;
    if (topic->desk.words == NULL) {
        return SHMRPC_OK;
    }
    shmrpci_mutex_lock(&topic->mutex);
    shmrpc_status status = shmrpci_desk_take(&topic->desk, &of->seat);
    shmrpci_mutex_unlock(&topic->mutex);
    if (status == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    of->seat = SHMRPCI_REGION_NOBODY;
    return topic->laps == SHMRPCI_LAPS_OVERWRITE
               ? SHMRPC_OK
               : shmrpc_error_set(error, status,
                                  "all %u seats for subscribers are taken",
                                  topic->desk.seats);
}

/* From here on publishers with `block` wait for us. Messages that were
 * published before that count as history, whose loss is not reported. */
static void sit_down(shmrpci_subscription *of)
{
    shmrpci_topic *topic = of->topic;
    shmrpci_lane lane;
    for (uint32_t i = 0; i < topic->desk.lanes; i++) {
        shmrpci_reading *at = &of->readings[i];
        if (i < shmrpci_region_high(&topic->ring.region) &&
            shmrpci_ring_lane(&topic->ring, i, &lane)) {
            find_place(topic, &lane, topic->ring.capacity, at);
            at->is_begun = true;
        }
        if (of->seat != SHMRPCI_REGION_NOBODY) {
            shmrpci_store_relaxed(
                shmrpci_desk_cursor(&topic->desk, of->seat, i), at->cursor);
        }
    }
    if (of->seat != SHMRPCI_REGION_NOBODY) {
        shmrpci_store_seq(&topic->desk.words->seats[of->seat].state,
                          (uint32_t)SHMRPCI_SEAT_TAKEN);
    }
    for (uint32_t i = 0; i < topic->desk.lanes; i++) {
        shmrpci_reading *at = &of->readings[i];
        if (at->is_begun && shmrpci_ring_lane(&topic->ring, i, &lane)) {
            /* Seq, after the store of the state: a publisher that has not seen
             * us yet can overwrite only messages before this tail. */
            uint64_t tail = shmrpci_load_seq(&lane.words->tail);
            at->start = tail % 8 == 0 ? tail : at->cursor;
        }
    }
}

shmrpc_status shmrpci_topic_subscribe(shmrpci_topic *topic,
                                      shmrpci_subscription **out,
                                      shmrpc_error *error)
{
    shmrpc_status status = shmrpci_ring_check(&topic->ring, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_subscription *of =
        calloc(1, sizeof *of + topic->desk.lanes * sizeof of->readings[0]);
    if (of == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    of->topic = topic;
    of->seat = SHMRPCI_REGION_NOBODY;
    status = take_seat(of, error);
    if (status != SHMRPC_OK) {
        free(of);
        return status;
    }
    sit_down(of);
    *out = of;
    return SHMRPC_OK;
}

void shmrpci_topic_unsubscribe(shmrpci_subscription *subscription)
{
    if (subscription == NULL) {
        return;
    }
    shmrpci_topic *topic = subscription->topic;
    if (!shmrpci_ring_is_forked(&topic->ring)) {
        stop_listening(subscription);
    }
    if (subscription->seat != SHMRPCI_REGION_NOBODY &&
        !shmrpci_ring_is_forked(&topic->ring)) {
        shmrpci_mutex_lock(&topic->mutex);
        shmrpci_desk_leave(&topic->desk, subscription->seat);
        shmrpci_mutex_unlock(&topic->mutex);
        shmrpci_bell_ring_all(&topic->desk.words->room);
    }
    free(subscription);
}
