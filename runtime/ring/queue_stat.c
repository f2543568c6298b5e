/* Statistics of a queue, and a check of one that nobody uses. */
#include "ring/queue_inside.h"

static void add_lanes(const shmrpci_ring *ring, shmrpci_queue_stat *out)
{
    shmrpci_ring_range range = shmrpci_ring_lanes(ring);
    shmrpci_lane lane;
    for (uint32_t i = range.first; i < range.end; i++) {
        uint64_t records;
        uint64_t bytes;
        if (shmrpci_ring_lane(ring, i, &lane)) {
            shmrpci_lane_depth(&lane, &records, &bytes);
            out->lanes++;
            out->depth += records;
            out->depth_bytes += bytes;
            out->pushed += shmrpci_load_relaxed(&lane.words->count);
        }
    }
}

static uint64_t unacked(const shmrpci_ring *ring, uint32_t participant)
{
    return (ring->options & SHMRPCI_RING_ACKED) != 0
               ? shmrpci_holds_count(ring, participant)
               : 0;
}

static void add_counts(const shmrpci_ring *ring, uint32_t participant,
                       shmrpci_queue_stat *out)
{
    const shmrpci_ring_counts *counts =
        shmrpci_ring_counts_of(ring, participant);
    out->dropped += shmrpci_load_relaxed(&counts->dropped);
    out->redelivered += shmrpci_load_relaxed(&counts->redelivered);
    out->sleeps += shmrpci_load_relaxed(&counts->sleeps);
    out->rescued += shmrpci_load_relaxed(&counts->rescued);
    if (shmrpci_region_is_alive(&ring->region, participant)) {
        out->participants++;
        out->unacked += unacked(ring, participant);
        out->waiting_for_items += shmrpci_load_relaxed(&counts->wants_items);
        out->waiting_for_room += shmrpci_load_relaxed(&counts->wants_room);
    }
}

void shmrpci_queue_get_stat(const shmrpci_queue *queue, shmrpci_queue_stat *out)
{
    const shmrpci_ring *ring = &queue->ring;
    *out = (shmrpci_queue_stat){0};
    if (shmrpci_ring_is_forked(ring)) {
        return;
    }
    *out = (shmrpci_queue_stat){.capacity = ring->capacity,
                                .is_ended = shmrpci_ring_is_ended(ring),
                                .is_destroyed =
                                    shmrpci_region_is_destroyed(&ring->region)};
    add_lanes(ring, out);
    uint32_t high = shmrpci_region_high(&ring->region);
    for (uint32_t i = 0; i < high; i++) {
        add_counts(ring, i, out);
    }
    /* A record that is no longer in a lane was popped, or was dropped by
     * overflow. */
    uint64_t gone = out->pushed - out->depth;
    uint64_t dropped =
        queue->overflow == SHMRPCI_OVERFLOW_DROP_OLDEST ? out->dropped : 0;
    out->popped = gone > dropped ? gone - dropped : 0;
}

shmrpc_status shmrpci_queue_look(int fd, shmrpci_queue_stat *out,
                                 shmrpc_error *error)
{
    shmrpci_queue queue = {.buried_ns = 0};
    shmrpc_status status = shmrpci_ring_open(
        &queue.ring, fd, SHMRPCI_ACCESS_READ, SHMRPCI_RING_KIND_QUEUE, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    queue.overflow =
        (shmrpci_overflow)(queue.ring.options & SHMRPCI_RING_OVERFLOW_MASK);
    status = shmrpci_queue_judge(&queue, error);
    if (status == SHMRPC_OK) {
        shmrpci_queue_get_stat(&queue, out);
    }
    shmrpci_ring_close(&queue.ring);
    return status;
}

static void describe(const shmrpci_ring *ring, uint32_t participant,
                     shmrpci_queue_member *out)
{
    const shmrpci_participant_block *block =
        shmrpci_region_participant(&ring->region, participant);
    const shmrpci_ring_counts *counts =
        shmrpci_ring_counts_of(ring, participant);
    shmrpci_lane lane;
    *out = (shmrpci_queue_member){
        .number = participant,
        .pid = (int32_t)shmrpci_load_relaxed(&block->pid),
        .is_alive = shmrpci_region_is_alive(&ring->region, participant),
        .pushed = shmrpci_load_relaxed(&counts->pushed),
        .popped = shmrpci_load_relaxed(&counts->popped),
        .dropped = shmrpci_load_relaxed(&counts->dropped),
        .unacked = unacked(ring, participant)};
    if (out->is_alive) {
        out->waiting_for_items = shmrpci_load_relaxed(&counts->wants_items);
        out->waiting_for_room = shmrpci_load_relaxed(&counts->wants_room);
    }
    if (shmrpci_ring_lane(ring, participant, &lane)) {
        shmrpci_lane_depth(&lane, &out->depth, &out->depth_bytes);
    }
}

void shmrpci_queue_each_member(const shmrpci_queue *queue,
                               shmrpci_queue_visit *visit, void *user)
{
    bool goes_on = !shmrpci_ring_is_forked(&queue->ring);
    uint32_t high = goes_on ? shmrpci_region_high(&queue->ring.region) : 0;
    for (uint32_t i = 0; goes_on && i < high; i++) {
        shmrpci_queue_member member;
        describe(&queue->ring, i, &member);
        goes_on = visit(user, &member);
    }
}

uint64_t shmrpci_queue_check(const shmrpci_queue *queue,
                             shmrpci_region_finding *finding, void *user)
{
    const shmrpci_ring *ring = &queue->ring;
    uint64_t count = shmrpci_region_check(&ring->region, finding, user);
    return count + shmrpci_ring_judge(ring, finding, user);
}
