/* Planning, opening and ending topics, and their statistics. */
#include "ring/topic.h"

#include <stdlib.h>

#include "ring/topic_inside.h"

#define DEFAULT_ITEM_BYTES 256u
#define DEFAULT_MAX_BYTES  (64u << 10)
#define DEFAULT_SEATS      64u

/* How many messages a subscriber may fall behind in addition to the history. */
#define SLACK 256u

/* ---- planning ------------------------------------------------------------ */

static uint32_t seats_of(const shmrpci_topic_spec *spec)
{
    return spec->seats != 0 ? spec->seats : DEFAULT_SEATS;
}

static uint32_t lanes_of(const shmrpci_topic_spec *spec)
{
    return spec->participants != 0 ? spec->participants
                                   : SHMRPCI_RING_PARTICIPANTS;
}

uint64_t shmrpci_topic_desk_bytes(const shmrpci_topic_spec *spec)
{
    return shmrpci_desk_bytes(seats_of(spec), lanes_of(spec));
}

static uint64_t ring_bytes_of(const shmrpci_topic_spec *spec)
{
    uint64_t item =
        spec->item_bytes != 0 ? spec->item_bytes : DEFAULT_ITEM_BYTES;
    uint64_t longest =
        spec->max_item_bytes != 0 ? spec->max_item_bytes : DEFAULT_MAX_BYTES;
    uint64_t least = 2 * (longest + 2 * SHMRPCI_RECORD_HEAD);
    uint64_t bytes =
        (spec->history + (uint64_t)SLACK) * (item + 2 * SHMRPCI_RECORD_HEAD);
    bytes = shmrpci_ring_power(bytes > 2 * least ? bytes : 2 * least);
    while (spec->max_bytes != 0 && bytes > spec->max_bytes / 2 &&
           bytes / 2 >= least && bytes > SHMRPCI_LANE_MIN_RING) {
        bytes /= 2;
    }
    return bytes;
}

/* One more than the history, as one mark may be half written. */
static uint64_t marks_of(uint32_t history)
{
    uint64_t marks = 2;
    while (marks < history + (uint64_t)1) {
        marks *= 2;
    }
    return marks;
}

static shmrpc_status check_spec(const shmrpci_topic_spec *spec,
                                shmrpc_error *error)
{
    if (spec->history >= SHMRPCI_LANE_MAX_COUNT) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "history %u, allowed 0..%u", spec->history,
                                SHMRPCI_LANE_MAX_COUNT - 1);
    }
    if (spec->max_item_bytes > SHMRPCI_LANE_MAX_RING / 4 - 16) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "messages of %u bytes, allowed %llu",
            spec->max_item_bytes,
            (unsigned long long)SHMRPCI_LANE_MAX_RING / 4 - 16);
    }
    if (seats_of(spec) > SHMRPCI_DESK_MAX_SEATS || spec->max_stall_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "%u seats, allowed 1..%u, or max_stall is "
                                "negative",
                                spec->seats, SHMRPCI_DESK_MAX_SEATS);
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_topic_plan(const shmrpci_topic_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error)
{
    shmrpc_status status = check_spec(spec, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_ring_spec ring = {
        .name = spec->name,
        .name_len = spec->name_len,
        .type_hash = spec->type_hash,
        .max_bytes = spec->max_bytes,
        .capacity = spec->history,
        .options = (uint64_t)spec->laps |
                   (spec->is_desk_apart ? SHMRPCI_RING_DESK_APART : 0) |
                   (uint64_t)seats_of(spec) << SHMRPCI_TOPIC_SEATS_SHIFT,
        .extra = (uint64_t)spec->max_stall_ns,
        .desk_bytes = spec->is_desk_apart ? 0 : shmrpci_topic_desk_bytes(spec),
        .ring_bytes = ring_bytes_of(spec),
        .marks = marks_of(spec->history),
        .kind = SHMRPCI_RING_KIND_TOPIC,
        .encoding = spec->encoding,
        .participants = spec->participants,
    };
    return shmrpci_ring_plan(&ring, out, error);
}

/* ---- opening ------------------------------------------------------------- */

static bool is_sound(const shmrpci_topic *topic)
{
    const shmrpci_ring *ring = &topic->ring;
    return topic->laps <= SHMRPCI_LAPS_BLOCK && topic->desk.seats > 0 &&
           topic->desk.seats <= SHMRPCI_DESK_MAX_SEATS && topic->marks >= 2 &&
           ring->capacity < topic->marks && (int64_t)ring->extra >= 0 &&
           (ring->options & (SHMRPCI_RING_TOTAL | SHMRPCI_RING_ACKED)) == 0;
}

static shmrpc_status map_desk(shmrpci_topic *topic)
{
    uint64_t bytes = shmrpci_desk_bytes(topic->desk.seats, topic->desk.lanes);
    uint64_t there;
    shmrpc_status status = shmrpci_memory_size(topic->desk_fd, &there);
    if (status == SHMRPC_OK && there < bytes) {
        status = SHMRPC_E_DATA_LOSS;
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_pay(topic->desk_fd, 0, bytes);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_map(topic->desk_fd, bytes, SHMRPCI_ACCESS_WRITE,
                                    false, &topic->desk_map);
    }
    if (status == SHMRPC_OK) {
        topic->desk.words = topic->desk_map.at;
        topic->desk.fd = topic->desk_fd;
        status = shmrpci_fork_close_fd(&topic->desk_guard, &topic->desk_fd);
    }
    return status;
}

static shmrpc_status find_desk(shmrpci_topic *topic, shmrpc_error *error)
{
    shmrpci_ring *ring = &topic->ring;
    const shmrpci_region_head *facts = &ring->region.facts;
    shmrpci_desk *desk = &topic->desk;
    bool is_apart = (ring->options & SHMRPCI_RING_DESK_APART) != 0;
    desk->seats = (uint32_t)(ring->options >> SHMRPCI_TOPIC_SEATS_SHIFT &
                             SHMRPCI_TOPIC_SEATS_MASK);
    desk->lanes = facts->participant_count;
    topic->laps = (shmrpci_laps)(ring->options & SHMRPCI_RING_OVERFLOW_MASK);
    topic->marks = ring->shape.marks;
    uint64_t bytes = shmrpci_desk_bytes(desk->seats, desk->lanes);
    uint64_t at =
        (uint64_t)((uint8_t *)shmrpci_ring_desk(ring) - (uint8_t *)ring->roots);
    if (!is_sound(topic) || (!is_apart && at + bytes > facts->roots_bytes)) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the topic is damaged: its limits contradict "
                                "each other");
    }
    desk->own = calloc(desk->seats, sizeof *desk->own);
    if (desk->own == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    if (is_apart && topic->desk_fd < 0 && ring->region.is_writer) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "publishers need the topic's desk");
    }
    if (is_apart && topic->desk_fd >= 0) {
        shmrpc_status status = map_desk(topic);
        return status == SHMRPC_OK
                   ? SHMRPC_OK
                   : shmrpc_error_set(error, status,
                                      "the topic's desk can't be mapped: %s",
                                      shmrpc_status_text(status));
    }
    if (!is_apart && ring->region.is_writer) {
        desk->words = shmrpci_ring_desk(ring);
        desk->fd = ring->region.fd;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_topic_open(int fd, int desk_fd, shmrpci_access access,
                                 shmrpc_profile profile, shmrpci_topic **out,
                                 shmrpc_error *error)
{
    shmrpci_topic *topic = calloc(1, sizeof *topic);
    if (topic == NULL) {
        shmrpci_fd_close(&fd);
        shmrpci_fd_close(&desk_fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    topic->desk_fd = desk_fd;
    shmrpc_status status = shmrpci_ring_open(&topic->ring, fd, access,
                                             SHMRPCI_RING_KIND_TOPIC, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&topic->desk_fd);
        free(topic);
        return status;
    }
    shmrpci_mutex_init(&topic->mutex);
    shmrpci_spinner_init(&topic->spinner, profile, SHMRPCI_SIDE_CLIENT);
    status = find_desk(topic, error);
    if (status != SHMRPC_OK) {
        shmrpci_topic_close(topic);
        return status;
    }
    *out = topic;
    return SHMRPC_OK;
}

void shmrpci_topic_close(shmrpci_topic *topic)
{
    if (topic != NULL) {
        shmrpci_fork_keep_fd(&topic->desk_guard);
        shmrpci_memory_unmap(&topic->desk_map);
        shmrpci_fd_close(&topic->desk_fd);
        free(topic->desk.own);
        shmrpci_ring_close(&topic->ring);
        shmrpci_mutex_fini(&topic->mutex);
        free(topic);
    }
}

/* ---- facts and ending ---------------------------------------------------- */

const shmrpci_region *shmrpci_topic_region(const shmrpci_topic *topic)
{
    return &topic->ring.region;
}

uint32_t shmrpci_topic_max_len(const shmrpci_topic *topic)
{
    /* A message has at most half of what fits into the ring, so that a
     * subscriber has time to read it before it is overwritten. */
    return (uint32_t)shmrpci_lane_max_len(topic->ring.shape.ring_bytes / 2);
}

shmrpc_status shmrpci_topic_late(int64_t deadline_ns, const char *what,
                                 shmrpc_error *error)
{
    return deadline_ns == 0
               ? shmrpc_error_set(error, SHMRPC_E_BUSY, "%s", what)
               : shmrpc_error_set(error, SHMRPC_E_DEADLINE, "%s in time", what);
}

static shmrpc_status check_writer(const shmrpci_topic *topic)
{
    return topic->ring.region.is_writer ? shmrpci_ring_check(&topic->ring, NULL)
                                        : SHMRPC_E_DENIED;
}

/* Wakes the publishers that wait for subscribers. They sleep on a word of the
 * desk. */
static void wake_publishers(const shmrpci_topic *topic)
{
    if (topic->desk.words != NULL) {
        shmrpci_bell_ring_all(&topic->desk.words->room);
    }
}

shmrpc_status shmrpci_topic_end(shmrpci_topic *topic)
{
    shmrpc_status status = check_writer(topic);
    if (status == SHMRPC_OK) {
        shmrpci_ring_end(&topic->ring);
        wake_publishers(topic);
    }
    return status;
}

void shmrpci_topic_destroy(shmrpci_topic *topic)
{
    if (topic->ring.region.is_writer && !shmrpci_ring_is_forked(&topic->ring)) {
        shmrpci_ring_destroy(&topic->ring);
        wake_publishers(topic);
    }
}

void shmrpci_topic_wake_all(const shmrpci_topic *topic)
{
    (void)shmrpci_futex_wake(&topic->ring.roots->bell, INT32_MAX);
}

/* ---- statistics ---------------------------------------------------------- */

static void add_publisher(const shmrpci_ring *ring, uint32_t participant,
                          shmrpci_topic_stat *out)
{
    const shmrpci_ring_counts *counts =
        shmrpci_ring_counts_of(ring, participant);
    shmrpci_lane lane;
    out->dropped += shmrpci_load_relaxed(&counts->dropped);
    out->evicted += shmrpci_load_relaxed(&counts->evicted);
    out->publishers +=
        shmrpci_region_is_alive(&ring->region, participant) ? 1 : 0;
    if (shmrpci_ring_lane(ring, participant, &lane)) {
        out->published += shmrpci_load_relaxed(&lane.words->count);
    }
}

static bool add_subscriber(void *user,
                           const shmrpci_topic_subscriber *subscriber)
{
    shmrpci_topic_stat *out = user;
    out->subscribers++;
    out->received += subscriber->received;
    out->lost += subscriber->lost;
    return true;
}

void shmrpci_topic_get_stat(const shmrpci_topic *topic, shmrpci_topic_stat *out)
{
    const shmrpci_ring *ring = &topic->ring;
    *out = (shmrpci_topic_stat){0};
    if (shmrpci_ring_is_forked(ring)) {
        return;
    }
    *out = (shmrpci_topic_stat){.history = ring->capacity,
                                .is_ended = shmrpci_ring_is_ended(ring),
                                .is_destroyed =
                                    shmrpci_region_is_destroyed(&ring->region)};
    uint32_t high = shmrpci_region_high(&ring->region);
    for (uint32_t i = 0; i < high; i++) {
        add_publisher(ring, i, out);
    }
    shmrpci_topic_each_subscriber(topic, add_subscriber, out);
}

shmrpc_status shmrpci_topic_look(int fd, shmrpci_topic_stat *out,
                                 shmrpc_error *error)
{
    shmrpci_topic *topic;
    shmrpc_status status = shmrpci_topic_open(
        fd, -1, SHMRPCI_ACCESS_READ, SHMRPC_PROFILE_POWER, &topic, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_topic_get_stat(topic, out);
    shmrpci_topic_close(topic);
    return SHMRPC_OK;
}

/* The desk of the topic, for reading. A read-only handle has none in
 * `topic->desk`, because it can't take a seat; but it can read a desk that lies
 * in the region. */
static shmrpci_desk visible_desk(const shmrpci_topic *topic)
{
    const shmrpci_ring *ring = &topic->ring;
    shmrpci_desk desk = topic->desk;
    if (desk.words == NULL && (ring->options & SHMRPCI_RING_DESK_APART) == 0) {
        desk.words = shmrpci_ring_desk(ring);
        desk.fd = ring->region.fd;
    }
    return desk;
}

/* The number of bytes in all lanes that the subscriber has not read. */
static uint64_t behind(const shmrpci_topic *topic, const shmrpci_desk *desk,
                       uint32_t seat)
{
    uint32_t high = shmrpci_region_high(&topic->ring.region);
    uint64_t sum = 0;
    shmrpci_lane lane;
    for (uint32_t i = 0; i < high; i++) {
        if (shmrpci_ring_lane(&topic->ring, i, &lane)) {
            uint64_t cursor =
                shmrpci_load_relaxed(shmrpci_desk_cursor(desk, seat, i));
            uint64_t tail = shmrpci_load_relaxed(&lane.words->tail);
            sum += cursor < tail ? tail - cursor : 0;
        }
    }
    return sum;
}

void shmrpci_topic_each_subscriber(const shmrpci_topic *topic,
                                   shmrpci_topic_visit *visit, void *user)
{
    const shmrpci_desk desk = visible_desk(topic);
    bool goes_on = desk.words != NULL && !shmrpci_ring_is_forked(&topic->ring);
    for (uint32_t i = 0; goes_on && i < desk.seats; i++) {
        const shmrpci_seat *seat = &desk.words->seats[i];
        uint32_t state = shmrpci_load_seq(&seat->state);
        if (state != SHMRPCI_SEAT_FREE) {
            shmrpci_topic_subscriber subscriber = {
                .seat = i,
                .pid = (int32_t)shmrpci_load_relaxed(&seat->pid),
                .received = shmrpci_load_relaxed(&seat->received),
                .lost = shmrpci_load_relaxed(&seat->lost),
                .behind_bytes = behind(topic, &desk, i),
                .is_evicted = state == SHMRPCI_SEAT_EVICTED};
            goes_on = visit(user, &subscriber);
        }
    }
}

uint64_t shmrpci_topic_check(const shmrpci_topic *topic,
                             shmrpci_region_finding *finding, void *user)
{
    const shmrpci_ring *ring = &topic->ring;
    uint64_t count = shmrpci_region_check(&ring->region, finding, user);
    for (uint32_t i = 0; i < ring->region.facts.participant_count; i++) {
        uint64_t offset = shmrpci_load_seq(&ring->roots->lanes[i]);
        shmrpci_lane lane;
        shmrpci_lane_writer writer;
        if (offset != 0 && (!shmrpci_ring_lane(ring, i, &lane) ||
                            shmrpci_lane_adopt_topic(
                                &writer, &lane, topic->marks) != SHMRPC_OK)) {
            count++;
            if (finding != NULL) {
                finding(user, offset, "a lane that can't be continued");
            }
        }
    }
    return count;
}
