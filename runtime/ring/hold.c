/* Holds of unacknowledged records, and what heirs do with them. */
#include "ring/hold.h"

#include "base/assert.h"

#define WON         (UINT64_C(1) << 61)
#define SET         (UINT64_C(1) << 62)
#define LANE_SHIFT  48
#define LANE_MASK   UINT64_C(0x1FFF)
#define STATE_SHIFT 3
#define STATE_MASK  UINT64_C(7)

/* The identity of a gap in the ring of holds, which readers skip, like a PAD of
 * a lane. */
#define PAD_IDENTITY 0u

static uint64_t identity_of(uint32_t index, uint64_t end)
{
    return SET | (uint64_t)index << LANE_SHIFT | (end / 8 & SHMRPCI_HEAD_MASK);
}

static uint64_t hold_room(uint32_t len)
{
    return sizeof(shmrpci_hold) + ((uint64_t)len + 7) / 8 * 8;
}

static shmrpci_hold *hold_at(const shmrpci_holds *holds, uint64_t position)
{
    return (shmrpci_hold *)(void *)(holds->station->ring +
                                    (position & (holds->size - 1)));
}

/* Bytes from `position` to the end of the ring. */
static uint64_t left_at(const shmrpci_holds *holds, uint64_t position)
{
    return holds->size - (position & (holds->size - 1));
}

/* An entry of the ring of holds. */
typedef struct hold_view {
    shmrpci_hold *hold; /* NULL: a gap, to be skipped */
    uint64_t next;      /* offset of the next entry */
    uint64_t identity;
    uint32_t len;
} hold_view;

/* Reads the entry at `position`, each word once. A PAD counts as an entry, and
 * so does a gap before the ring's end that is too short for a hold. Returns
 * false if there is no valid entry before `limit`. */
static bool view(const shmrpci_holds *holds, uint64_t position, uint64_t limit,
                 hold_view *out)
{
    uint64_t left = left_at(holds, position);
    *out = (hold_view){.next = position + left};
    if (position % 8 != 0) {
        return false; /* damaged: there is no valid hold */
    }
    if (left < sizeof(shmrpci_hold)) {
        return left <= limit - position;
    }
    /* All loads are relaxed: the holds are our own, or those of a dead
     * participant. */
    shmrpci_hold *hold = hold_at(holds, position);
    uint64_t len = shmrpci_load_relaxed(&hold->len);
    uint64_t most = left < limit - position ? left : limit - position;
    if (len > left || hold_room((uint32_t)len) > most ||
        shmrpci_load_relaxed(&hold->position) != position) {
        return false;
    }
    out->len = (uint32_t)len;
    out->next = position + hold_room(out->len);
    out->identity = shmrpci_load_relaxed(&hold->identity);
    out->hold = out->identity != PAD_IDENTITY ? hold : NULL;
    return true;
}

static shmrpci_hold_state state_of(const shmrpci_hold *hold)
{
    return (shmrpci_hold_state)(shmrpci_load_relaxed(&hold->state) &
                                STATE_MASK);
}

static shmrpci_station *station_of(const shmrpci_ring *ring, uint32_t index)
{
    shmrpci_lane lane;
    return shmrpci_ring_lane(ring, index, &lane)
               ? shmrpci_ring_station(ring, &lane)
               : NULL;
}

/* ---- opening ------------------------------------------------------------- */

void shmrpci_holds_open(shmrpci_holds *holds, const shmrpci_ring *ring,
                        shmrpci_lane_writer *writer)
{
    shmrpci_station *station = shmrpci_ring_station(ring, &writer->lane);
    /* Relaxed: the previous writer is dead, or has left, and the kernel's lock
     * orders us after it. */
    *holds = (shmrpci_holds){.station = station,
                             .writer = writer,
                             .size = ring->shape.ring_bytes / 2,
                             .tail = shmrpci_load_relaxed(&station->tail),
                             .head = shmrpci_load_relaxed(&station->head)};
}

/* Continues where the last participant with this number ended. Its heir has
 * already handled its holds. */
static void begin(shmrpci_holds *holds)
{
    holds->tail -= holds->tail % 8;
    holds->head = holds->tail;
    shmrpci_store_release(&holds->station->tail, holds->tail);
    shmrpci_store_release(&holds->station->head, holds->tail);
    shmrpci_store_relaxed(&holds->station->held, 0u);
}

/* ---- room ---------------------------------------------------------------- */

/* The most bytes that a record takes, and so the most that a PAD may waste. */
static uint64_t longest_room(const shmrpci_holds *holds)
{
    return holds->size / 2;
}

void shmrpci_holds_spare(const shmrpci_holds *holds)
{
    holds->writer->spare = holds->need + longest_room(holds);
}

bool shmrpci_holds_may_take(const shmrpci_holds *holds, uint32_t len)
{
    return shmrpci_lane_has_free(holds->writer, holds->need +
                                                    shmrpci_record_room(len) +
                                                    longest_room(holds));
}

/* ---- taking -------------------------------------------------------------- */

/* Relaxed: a participant that reads these words has first read a word that was
 * stored after them. */
static shmrpci_hold *write_head(const shmrpci_holds *holds, uint64_t position,
                                shmrpci_hold_state state, uint64_t identity,
                                uint64_t len)
{
    shmrpci_hold *hold = hold_at(holds, position);
    shmrpci_store_relaxed(&hold->state, (uint64_t)state);
    shmrpci_store_relaxed(&hold->identity, identity);
    shmrpci_store_relaxed(&hold->position, position);
    shmrpci_store_relaxed(&hold->len, len);
    return hold;
}

/* Returns where the hold of a record of `len` bytes will be placed. */
static uint64_t place(const shmrpci_holds *holds, uint32_t len)
{
    uint64_t left = left_at(holds, holds->tail);
    return hold_room(len) <= left ? holds->tail : holds->tail + left;
}

shmrpc_status shmrpci_holds_prepare(shmrpci_holds *holds, uint32_t index,
                                    uint64_t end, const void *data,
                                    uint32_t len)
{
    uint64_t at = place(holds, len);
    uint64_t gap = at - holds->tail;
    if (at + hold_room(len) - holds->head > holds->size) {
        return SHMRPC_E_EXHAUSTED;
    }
    if (gap >= sizeof(shmrpci_hold)) {
        (void)write_head(holds, holds->tail, SHMRPCI_HOLD_DONE, PAD_IDENTITY,
                         gap - sizeof(shmrpci_hold));
    }
    uint64_t identity = identity_of(index, end);
    shmrpci_hold *hold =
        write_head(holds, at, SHMRPCI_HOLD_HELD, identity, len);
    if (len > 0) {
        shmrpci_lane_copy_in(hold->data, data, len);
    }
    /* Seq: pairs with the CAS in confirm. The hold is written before this
     * store, and the head moves after it. */
    shmrpci_store_seq(&holds->station->taking, identity);
    return SHMRPC_OK;
}

uint64_t shmrpci_holds_keep(shmrpci_holds *holds, uint32_t len)
{
    uint64_t at = place(holds, len);
    holds->tail = at + hold_room(len);
    holds->need += shmrpci_record_room(len);
    shmrpci_store_release(&holds->station->tail, holds->tail);
    shmrpci_store_relaxed(&holds->station->held,
                          shmrpci_load_relaxed(&holds->station->held) + 1);
    return at + 1;
}

void shmrpci_holds_confirm(const shmrpci_ring *ring, uint32_t index,
                           uint64_t word, uint64_t from)
{
    uint32_t taker = shmrpci_head_taker(word);
    if (taker == 0 || taker - 1 == ring->region.me ||
        taker > ring->region.facts.participant_count) {
        return;
    }
    shmrpci_station *station = station_of(ring, taker - 1);
    if (station != NULL) {
        uint64_t expected = identity_of(index, from);
        (void)shmrpci_cas_seq(&station->taking, &expected, expected | WON);
    }
}

/* ---- dropping ------------------------------------------------------------ */

/* Pushes the record of a hold into our own lane again. Returns false if there
 * is no room, which happens only after damage. */
static bool push_again(const shmrpci_holds *holds, const hold_view *of)
{
    shmrpci_lane_writer *writer = holds->writer;
    uint64_t limit = writer->limit;
    writer->spare = 0;
    writer->limit = UINT64_MAX;
    bool fits = of->len <= shmrpci_lane_max_len(writer->lane.size);
    void *at = fits ? shmrpci_lane_reserve(writer, of->len) : NULL;
    writer->limit = limit;
    if (at == NULL) {
        return false;
    }
    if (of->len > 0) {
        shmrpci_lane_copy_in(at, of->hold->data, of->len);
    }
    /* Both stores of the state are seq, so that others see the record published
     * after the first and before the second. */
    uint64_t end = shmrpci_lane_end_of(writer, of->len);
    shmrpci_store_seq(&of->hold->state,
                      (uint64_t)SHMRPCI_HOLD_MOVING | end << STATE_SHIFT);
    shmrpci_lane_publish(writer, of->len, SHMRPCI_RECORD_REDELIVERED);
    shmrpci_store_seq(&of->hold->state, (uint64_t)SHMRPCI_HOLD_DONE);
    return true;
}

/* Frees the room of dropped holds at the head of the ring. */
static void advance(shmrpci_holds *holds)
{
    hold_view at;
    while (holds->head != holds->tail &&
           view(holds, holds->head, holds->tail, &at) &&
           (at.hold == NULL || state_of(at.hold) == SHMRPCI_HOLD_DONE)) {
        holds->head = at.next;
    }
    shmrpci_store_release(&holds->station->head, holds->head);
}

static void forget(shmrpci_holds *holds, uint32_t len)
{
    uint64_t held = shmrpci_load_relaxed(&holds->station->held);
    uint64_t room = shmrpci_record_room(len);
    holds->need -= room < holds->need ? room : holds->need;
    shmrpci_store_relaxed(&holds->station->held, held > 0 ? held - 1 : 0);
}

shmrpc_status shmrpci_holds_drop(shmrpci_holds *holds, uint64_t ticket,
                                 bool comes_again)
{
    uint64_t position = ticket - 1;
    hold_view at;
    if (holds->station == NULL || position % 8 != 0 ||
        position - holds->head >= holds->tail - holds->head ||
        !view(holds, position, holds->tail, &at) || at.hold == NULL ||
        state_of(at.hold) != SHMRPCI_HOLD_HELD) {
        return SHMRPC_E_INVALID;
    }
    if (!comes_again) {
        /* Seq: from now on our heir ignores this hold. */
        shmrpci_store_seq(&at.hold->state, (uint64_t)SHMRPCI_HOLD_DONE);
    } else if (!push_again(holds, &at)) {
        return SHMRPC_E_DATA_LOSS;
    }
    forget(holds, at.len);
    advance(holds);
    return SHMRPC_OK;
}

/* Pushes the record of a hold again, unless the hold was dropped or its record
 * was pushed already. */
static bool settle(const shmrpci_holds *holds, const hold_view *at)
{
    uint64_t state = shmrpci_load_relaxed(&at->hold->state);
    if ((state & STATE_MASK) == SHMRPCI_HOLD_MOVING &&
        state >> STATE_SHIFT <= holds->writer->tail) {
        shmrpci_store_seq(&at->hold->state, (uint64_t)SHMRPCI_HOLD_DONE);
        return false;
    }
    return (state & STATE_MASK) != SHMRPCI_HOLD_DONE && push_again(holds, at);
}

static uint32_t push_all_again(shmrpci_holds *holds)
{
    uint64_t position = holds->head;
    uint32_t count = 0;
    hold_view at;
    while (position != holds->tail && view(holds, position, holds->tail, &at)) {
        count += at.hold != NULL && settle(holds, &at) ? 1 : 0;
        position = at.next;
    }
    return count;
}

uint32_t shmrpci_holds_release_all(shmrpci_holds *holds)
{
    if (holds->station == NULL) {
        return 0;
    }
    uint32_t count = push_all_again(holds);
    begin(holds);
    shmrpci_store_seq(&holds->station->taking, 0u);
    return count;
}

/* ---- heirs --------------------------------------------------------------- */

/* Whether the dead participant had won the record that it was taking. */
static bool has_won(const shmrpci_ring *ring, uint32_t participant,
                    const shmrpci_station *station, uint64_t taking)
{
    uint32_t index = (uint32_t)(taking >> LANE_SHIFT & LANE_MASK);
    shmrpci_lane lane;
    if ((taking & WON) != 0) {
        return true;
    }
    if (index > shmrpci_ring_common(ring) ||
        !shmrpci_ring_lane(ring, index, &lane)) {
        return false;
    }
    uint64_t head = shmrpci_load_seq(&lane.words->head);
    if (shmrpci_head_taker(head) == participant + 1 &&
        (head & SHMRPCI_HEAD_MASK) == (taking & SHMRPCI_HEAD_MASK)) {
        return true;
    }
    /* The head has moved on. If the dead participant had won the record,
     * whoever moved the head had set WON before that, so `taking` is read
     * again. */
    return (shmrpci_load_seq(&station->taking) & WON) != 0;
}

/* Adds the dead participant's prepared hold to the valid ones if the
 * participant had won the record. */
static void decide(shmrpci_holds *holds, const shmrpci_ring *ring,
                   uint32_t participant)
{
    shmrpci_station *station = holds->station;
    uint64_t taking = shmrpci_load_seq(&station->taking);
    uint64_t limit = holds->head + holds->size;
    hold_view at;
    if ((taking & SET) == 0 || !view(holds, holds->tail, limit, &at) ||
        (at.hold == NULL && !view(holds, at.next, limit, &at))) {
        return;
    }
    if (at.hold != NULL && at.identity == (taking & ~WON) &&
        has_won(ring, participant, station, taking)) {
        holds->tail = at.next;
        shmrpci_store_release(&station->tail, at.next);
    }
}

uint32_t shmrpci_holds_inherit(const shmrpci_ring *ring, uint32_t participant)
{
    shmrpci_lane lane;
    shmrpci_lane_writer writer;
    if (!shmrpci_ring_lane(ring, participant, &lane) ||
        shmrpci_lane_adopt(&writer, &lane, UINT64_MAX) != SHMRPC_OK) {
        return 0;
    }
    shmrpci_holds holds;
    shmrpci_holds_open(&holds, ring, &writer);
    if (holds.tail - holds.head > holds.size || holds.tail % 8 != 0 ||
        holds.head % 8 != 0) {
        return 0; /* damaged */
    }
    decide(&holds, ring, participant);
    uint32_t count = shmrpci_holds_release_all(&holds);
    if (count > 0) {
        shmrpci_ring_count(
            &shmrpci_ring_counts_of(ring, participant)->redelivered, count);
        shmrpci_ring_announce(ring, count);
    }
    return count;
}

bool shmrpci_holds_are_there(const shmrpci_ring *ring)
{
    uint32_t high = shmrpci_region_high(&ring->region);
    for (uint32_t i = 0; i < high; i++) {
        if (shmrpci_holds_count(ring, i) != 0) {
            return true;
        }
    }
    return false;
}

bool shmrpci_holds_were_taken(const shmrpci_ring *ring)
{
    uint32_t high = shmrpci_region_high(&ring->region);
    for (uint32_t i = 0; i < high; i++) {
        const shmrpci_station *station = station_of(ring, i);
        if (station != NULL && i != ring->region.me &&
            shmrpci_load_relaxed(&station->taking) != 0) {
            return true;
        }
    }
    return false;
}

uint64_t shmrpci_holds_count(const shmrpci_ring *ring, uint32_t participant)
{
    const shmrpci_station *station = station_of(ring, participant);
    return station != NULL ? shmrpci_load_relaxed(&station->held) : 0;
}
