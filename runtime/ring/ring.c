/* Planning and opening rings, and finding their lanes. */
#include "ring/ring.h"

#include <stdlib.h>

#include "base/assert.h"
#include "ring/hold.h"
#include "sync/lock.h"

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

uint64_t shmrpci_ring_power(uint64_t bytes)
{
    uint64_t power = SHMRPCI_LANE_MIN_RING;
    while (power < bytes && power < SHMRPCI_LANE_MAX_RING) {
        power *= 2;
    }
    return power;
}

/* ---- roots --------------------------------------------------------------- */

static uint64_t turn_offset(uint32_t participants)
{
    /* One more than participants: the last word is for the common lane. */
    return round_up(sizeof(shmrpci_ring_roots) + (participants + (uint64_t)1) *
                                                     sizeof(shmrpci_atomic_u64),
                    128);
}

static uint64_t desk_offset(uint32_t participants, uint64_t options)
{
    uint64_t turn_bytes = (options & SHMRPCI_RING_TOTAL) != 0
                              ? shmrpci_lock_file_bytes(participants)
                              : 0;
    return turn_offset(participants) + round_up(turn_bytes, 128);
}

static void *root_at(const shmrpci_ring *ring, uint64_t offset)
{
    return (uint8_t *)ring->roots + offset;
}

shmrpci_lock_file *shmrpci_ring_turn(const shmrpci_ring *ring)
{
    return root_at(ring, turn_offset(ring->region.facts.participant_count));
}

void *shmrpci_ring_desk(const shmrpci_ring *ring)
{
    return root_at(
        ring, desk_offset(ring->region.facts.participant_count, ring->options));
}

/* ---- planning a region --------------------------------------------------- */

shmrpc_status shmrpci_ring_plan(const shmrpci_ring_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error)
{
    uint32_t participants = spec->participants != 0 ? spec->participants
                                                    : SHMRPCI_RING_PARTICIPANTS;
    bool is_common = (spec->options & SHMRPCI_RING_TOTAL) != 0;
    bool is_own = !is_common || (spec->options & SHMRPCI_RING_ACKED) != 0;
    uint64_t lanes = (is_common ? 1u : 0u) + (is_own ? participants : 0u);
    shmrpci_lane_shape shape = {.ring_bytes = spec->ring_bytes,
                                .marks = spec->marks,
                                .station_bytes = shmrpci_station_bytes(
                                    spec->ring_bytes, spec->options)};
    uint64_t lane_bytes =
        round_up(shmrpci_lane_bytes(&shape), SHMRPCI_REGION_MIN_SPAN_BYTES);
    uint64_t max_bytes = spec->max_bytes;
    if (max_bytes == 0) {
        max_bytes = lanes * lane_bytes;
        max_bytes = max_bytes > SHMRPCI_RING_MIN_BYTES ? max_bytes
                                                       : SHMRPCI_RING_MIN_BYTES;
    }
    if (max_bytes < lane_bytes || max_bytes > SHMRPCI_REGION_MAX_BYTES) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "max_bytes is %llu, but one producer needs "
                                "%llu; increase it, or reduce the capacity",
                                (unsigned long long)max_bytes,
                                (unsigned long long)lane_bytes);
    }
    *out = (shmrpci_region_spec){
        .name = spec->name,
        .name_len = spec->name_len,
        .max_bytes = max_bytes,
        .type_hash = spec->type_hash,
        .roots_bytes =
            desk_offset(participants, spec->options) + spec->desk_bytes,
        .limits = {spec->capacity, spec->ring_bytes,
                   spec->options | spec->marks << SHMRPCI_RING_MARKS_SHIFT,
                   spec->extra},
        .kind = spec->kind,
        .encoding = spec->encoding,
        .participants = participants,
    };
    return SHMRPC_OK;
}

/* ---- opening ------------------------------------------------------------- */

static bool is_reachable(void *user, const shmrpci_region *region,
                         uint64_t offset)
{
    (void)user;
    const shmrpci_ring_roots *roots = shmrpci_region_at(
        region, region->facts.roots_offset, region->facts.roots_bytes);
    for (uint32_t i = 0; i <= region->facts.participant_count; i++) {
        if (shmrpci_load_seq(&roots->lanes[i]) == offset) {
            return true;
        }
    }
    return false;
}

static bool is_power(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

/* Accepts only limits that shmrpci_ring_plan() could have set. */
static bool read_limits(shmrpci_ring *ring)
{
    const shmrpci_region_head *facts = &ring->region.facts;
    uint64_t marks = facts->limits[2] >> SHMRPCI_RING_MARKS_SHIFT;
    ring->capacity = facts->limits[0];
    ring->options =
        facts->limits[2] & ((UINT64_C(1) << SHMRPCI_RING_MARKS_SHIFT) - 1);
    ring->extra = facts->limits[3];
    ring->shape = (shmrpci_lane_shape){.ring_bytes = facts->limits[1],
                                       .marks = marks,
                                       .station_bytes = shmrpci_station_bytes(
                                           facts->limits[1], ring->options)};
    return ring->shape.ring_bytes >= SHMRPCI_LANE_MIN_RING &&
           ring->shape.ring_bytes <= SHMRPCI_LANE_MAX_RING &&
           is_power(ring->shape.ring_bytes) && is_power(marks) &&
           marks <= SHMRPCI_LANE_MAX_COUNT &&
           desk_offset(facts->participant_count, ring->options) <=
               facts->roots_bytes;
}

/* Releases the turn of `order total` that the dead participant held, and
 * redelivers its held records. */
static void inherit_queue(const shmrpci_ring *ring, uint32_t participant)
{
    if ((ring->options & SHMRPCI_RING_TOTAL) != 0) {
        shmrpci_lock_map at = {.file = shmrpci_ring_turn(ring),
                               .slot_count =
                                   ring->region.facts.participant_count};
        shmrpci_lock_bury(&at, participant);
    }
    if ((ring->options & SHMRPCI_RING_ACKED) != 0) {
        (void)shmrpci_holds_inherit(ring, participant);
    }
}

/* If the dead participant was the writer, marks the stream as broken at its
 * present end, unless it was ended. */
static void inherit_pipe(const shmrpci_ring *ring, uint32_t participant)
{
    shmrpci_pipe_words *words = shmrpci_ring_desk(ring);
    shmrpci_lane lane;
    uint32_t writer = participant + 1;
    if (shmrpci_load_seq(&words->writer) != writer) {
        return;
    }
    if (!shmrpci_ring_is_ended(ring)) {
        bool is_there =
            shmrpci_ring_lane(ring, shmrpci_ring_common(ring), &lane);
        uint64_t tail = is_there ? shmrpci_load_seq(&lane.words->tail) : 0;
        shmrpci_store_seq(&words->broken, tail + 1);
    }
    (void)shmrpci_cas_seq(&words->writer, &writer, 0u);
    shmrpci_bell_ring_all(&ring->roots->bell);
}

/* Finishes the work of a dead participant. */
static void inherit(void *user, shmrpci_region *region, uint32_t participant)
{
    (void)user;
    /* `region` need not be part of a shmrpci_ring yet. */
    shmrpci_ring ring = {.region = *region};
    uint64_t least = region->facts.kind == SHMRPCI_RING_KIND_PIPE
                         ? sizeof(shmrpci_pipe_words)
                         : 0;
    if (!read_limits(&ring) ||
        desk_offset(region->facts.participant_count, ring.options) + least >
            region->facts.roots_bytes) {
        return;
    }
    ring.roots = shmrpci_region_at(region, region->facts.roots_offset,
                                   region->facts.roots_bytes);
    if (region->facts.kind == SHMRPCI_RING_KIND_QUEUE) {
        inherit_queue(&ring, participant);
    } else if (region->facts.kind == SHMRPCI_RING_KIND_PIPE) {
        inherit_pipe(&ring, participant);
    }
}

static const shmrpci_region_kind ring_kind = {.is_reachable = is_reachable,
                                              .inherit = inherit};

static shmrpc_status settle(shmrpci_ring *ring, uint32_t kind,
                            shmrpc_error *error)
{
    const shmrpci_region_head *facts = &ring->region.facts;
    if (facts->kind != kind) {
        return shmrpc_error_set(error, SHMRPC_E_CONTRACT,
                                "the object is of another kind: 0x%x, not 0x%x",
                                facts->kind, kind);
    }
    if (!read_limits(ring)) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the object is damaged: its limits contradict "
                                "each other");
    }
    ring->roots = shmrpci_region_at(&ring->region, facts->roots_offset,
                                    facts->roots_bytes);
    size_t lanes = facts->participant_count + (size_t)1;
    ring->offsets = calloc(lanes, sizeof *ring->offsets);
    ring->known = calloc(lanes, sizeof *ring->known);
    if (ring->offsets == NULL || ring->known == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    if (ring->region.is_writer) {
        /* The last process with our number may have died while its threads
         * waited. Then the counters still count those threads. Our threads do
         * not wait yet. */
        shmrpci_ring_counts *counts = shmrpci_ring_my_counts(ring);
        shmrpci_store_relaxed(&counts->wants_items, 0u);
        shmrpci_store_relaxed(&counts->wants_room, 0u);
    }
    return shmrpci_fork_close_fd(&ring->guard, &ring->region.fd);
}

shmrpc_status shmrpci_ring_open(shmrpci_ring *ring, int fd,
                                shmrpci_access access, uint32_t kind,
                                shmrpc_error *error)
{
    *ring = (shmrpci_ring){.region = {.fd = -1}};
    shmrpc_status status =
        shmrpci_region_attach(fd, access, &ring_kind, &ring->region, error);
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    status = settle(ring, kind, error);
    if (status != SHMRPC_OK) {
        shmrpci_ring_close(ring);
    }
    return status;
}

bool shmrpci_ring_is_forked(const shmrpci_ring *ring)
{
    return ring->region.map.generation != shmrpci_fork_generation();
}

void shmrpci_ring_close(shmrpci_ring *ring)
{
    shmrpci_fork_keep_fd(&ring->guard);
    if (ring->region.map.at != NULL && shmrpci_ring_is_forked(ring)) {
        /* The place and the memory belong to our parent. */
        ring->region.me = SHMRPCI_REGION_NOBODY;
    }
    shmrpci_region_detach(&ring->region);
    free(ring->offsets);
    free(ring->known);
    ring->offsets = NULL;
    ring->known = NULL;
}

shmrpc_status shmrpci_ring_check(const shmrpci_ring *ring, shmrpc_error *error)
{
    if (shmrpci_ring_is_forked(ring)) {
        return shmrpc_error_set(error, SHMRPC_E_FORKED,
                                "opened before fork: open it again here");
    }
    if (shmrpci_region_is_destroyed(&ring->region)) {
        return shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                "the object has been destroyed");
    }
    return SHMRPC_OK;
}

/* ---- lanes --------------------------------------------------------------- */

bool shmrpci_ring_lane(const shmrpci_ring *ring, uint32_t index,
                       shmrpci_lane *out)
{
    SHMRPCI_ASSERT(index <= shmrpci_ring_common(ring),
                   "a lane number is in range");
    /* Relaxed: every thread stores the same value here, because each finds it
     * with the acquire below. */
    uint64_t offset =
        ring->offsets != NULL ? shmrpci_load_relaxed(&ring->offsets[index]) : 0;
    if (offset == 0) {
        /* Acquire: pairs with the release of the thread that made it. */
        offset = shmrpci_load_acquire(&ring->roots->lanes[index]);
        if (offset == 0 || offset % 128 != 0 ||
            shmrpci_region_at(&ring->region, offset,
                              shmrpci_lane_bytes(&ring->shape)) == NULL ||
            offset < ring->region.facts.spans_offset) {
            return false;
        }
        if (ring->offsets != NULL) {
            atomic_store_explicit(&ring->offsets[index], offset,
                                  memory_order_relaxed);
        }
    }
    *out =
        shmrpci_lane_at((uint8_t *)ring->region.map.at + offset, &ring->shape);
    return true;
}

shmrpci_ring_range shmrpci_ring_lanes(const shmrpci_ring *ring)
{
    uint32_t common = shmrpci_ring_common(ring);
    if ((ring->options & SHMRPCI_RING_TOTAL) == 0) {
        return (shmrpci_ring_range){0, shmrpci_region_high(&ring->region)};
    }
    bool is_own = (ring->options & SHMRPCI_RING_ACKED) != 0;
    return (shmrpci_ring_range){is_own ? 0 : common, common + 1};
}

shmrpc_status shmrpci_ring_make_lane(shmrpci_ring *ring, uint32_t index,
                                     shmrpci_lane *out, shmrpc_error *error)
{
    shmrpci_atomic_u64 *word = &ring->roots->lanes[index];
    uint64_t offset = shmrpci_load_acquire(word);
    if (offset == 0) {
        shmrpc_status status = shmrpci_region_take(
            &ring->region, shmrpci_lane_bytes(&ring->shape), 0, &offset, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        /* The lane is all zeros, since spans of lanes are never reused. Seq:
         * the journal of the run is cleared after this. */
        shmrpci_store_seq(word, offset);
        shmrpci_region_keep(&ring->region);
    }
    if (!shmrpci_ring_lane(ring, index, out)) {
        return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                                "the directory of lanes is damaged at %u",
                                index);
    }
    return SHMRPC_OK;
}

bool shmrpci_ring_has_records(const shmrpci_ring *ring)
{
    shmrpci_ring_range range = shmrpci_ring_lanes(ring);
    shmrpci_lane lane;
    for (uint32_t i = range.first; i < range.end; i++) {
        if (shmrpci_ring_lane(ring, i, &lane) &&
            shmrpci_lane_has_records(&lane)) {
            return true;
        }
    }
    return false;
}

/* ---- ending -------------------------------------------------------------- */

/* Wakes all threads that wait for items, or for room in any lane. */
static void wake_everyone(const shmrpci_ring *ring)
{
    shmrpci_ring_range range = shmrpci_ring_lanes(ring);
    shmrpci_lane lane;
    shmrpci_bell_ring_all(&ring->roots->bell);
    for (uint32_t i = range.first; i < range.end; i++) {
        if (shmrpci_ring_lane(ring, i, &lane)) {
            shmrpci_bell_ring_all(&lane.words->room);
        }
    }
}

void shmrpci_ring_end(shmrpci_ring *ring)
{
    shmrpci_store_seq(&ring->roots->ended, 1u);
    wake_everyone(ring);
}

void shmrpci_ring_destroy(shmrpci_ring *ring)
{
    shmrpci_region_destroy(&ring->region);
    wake_everyone(ring);
}

bool shmrpci_ring_is_ended(const shmrpci_ring *ring)
{
    return shmrpci_load_seq(&ring->roots->ended) != 0;
}

/* ---- checking ------------------------------------------------------------ */

uint64_t shmrpci_ring_judge(const shmrpci_ring *ring,
                            shmrpci_region_finding *finding, void *user)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i <= shmrpci_ring_common(ring); i++) {
        uint64_t offset = shmrpci_load_seq(&ring->roots->lanes[i]);
        const char *what = NULL;
        shmrpci_lane lane;
        shmrpci_lane_writer writer;
        if (offset != 0 && !shmrpci_ring_lane(ring, i, &lane)) {
            what = "a lane outside of the region";
        } else if (offset != 0 &&
                   shmrpci_lane_adopt(&writer, &lane, 1) != SHMRPC_OK) {
            what = "a lane whose records can't be read";
        }
        if (what != NULL) {
            count++;
            if (finding != NULL) {
                finding(user, offset, what);
            }
        }
    }
    return count;
}

/* ---- spinning ------------------------------------------------------------ */

bool shmrpci_ring_spin(shmrpci_spinner *spinner, bool (*is_there)(void *user),
                       void *user)
{
    uint64_t start = shmrpci_ticks();
    shmrpci_spinner_refresh(spinner, start);
    uint64_t budget = shmrpci_spinner_budget(spinner, SHMRPCI_CPU_UNKNOWN);
    uint64_t step = shmrpci_spinner_step_ticks();
    uint64_t next = step;
    uint64_t spent = 0;
    while (spent < budget) {
        shmrpci_pause();
        if (is_there(user)) {
            shmrpci_spinner_hit(spinner, spent);
            return true;
        }
        spent = shmrpci_ticks() - start;
        if (spent >= next) {
            if (shmrpci_spinner_step_aside(spinner, spent - next)) {
                break;
            }
            next = shmrpci_ticks() - start + step;
        }
    }
    if (budget > 0) {
        shmrpci_spinner_miss(spinner);
    }
    return is_there(user);
}
