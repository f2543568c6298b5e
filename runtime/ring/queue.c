/* Planning, opening and ending queues. */
#include "ring/queue.h"

#include <stdlib.h>

#include "ring/queue_inside.h"

#define DEFAULT_CAPACITY   1024u
#define DEFAULT_ITEM_BYTES 256u
#define DEFAULT_MAX_BYTES  (64u << 10)

/* ---- planning ------------------------------------------------------------ */

/* The bytes of a lane's ring: enough for the capacity and for two of the
 * longest records. If records may be redelivered it is twice that. */
static uint64_t ring_bytes_of(const shmrpci_queue_spec *spec, uint64_t capacity)
{
    uint32_t item =
        spec->item_bytes != 0 ? spec->item_bytes : DEFAULT_ITEM_BYTES;
    uint64_t longest =
        spec->max_item_bytes != 0 ? spec->max_item_bytes : DEFAULT_MAX_BYTES;
    uint64_t bytes = capacity * shmrpci_record_room(item);
    uint64_t least = 2 * (longest + 2 * SHMRPCI_RECORD_HEAD);
    bytes = shmrpci_ring_power(bytes > least ? bytes : least);
    bytes *= spec->is_acked ? 2 : 1;
    while (spec->max_bytes != 0 && bytes > spec->max_bytes / 2 &&
           bytes / 2 >= least && bytes > SHMRPCI_LANE_MIN_RING) {
        bytes /= 2;
    }
    return bytes;
}

static shmrpc_status check_spec(const shmrpci_queue_spec *spec,
                                uint64_t capacity, shmrpc_error *error)
{
    if (capacity > SHMRPCI_LANE_MAX_COUNT) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "capacity %llu, allowed 1..%u",
            (unsigned long long)capacity, SHMRPCI_LANE_MAX_COUNT);
    }
    if (spec->max_item_bytes > SHMRPCI_LANE_MAX_RING / 4) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "items of %u bytes, allowed %llu",
                                spec->max_item_bytes,
                                (unsigned long long)SHMRPCI_LANE_MAX_RING / 4);
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_queue_plan(const shmrpci_queue_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error)
{
    uint64_t capacity = spec->capacity != 0 ? spec->capacity : DEFAULT_CAPACITY;
    shmrpc_status status = check_spec(spec, capacity, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_ring_spec ring = {
        .name = spec->name,
        .name_len = spec->name_len,
        .type_hash = spec->type_hash,
        .max_bytes = spec->max_bytes,
        .capacity = capacity,
        .options = (uint64_t)spec->overflow |
                   (spec->is_total ? SHMRPCI_RING_TOTAL : 0) |
                   (spec->is_acked ? SHMRPCI_RING_ACKED : 0),
        .ring_bytes = ring_bytes_of(spec, capacity),
        .kind = SHMRPCI_RING_KIND_QUEUE,
        .encoding = spec->encoding,
        .participants = spec->participants,
    };
    return shmrpci_ring_plan(&ring, out, error);
}

/* ---- opening ------------------------------------------------------------- */

shmrpc_status shmrpci_queue_judge(const shmrpci_queue *queue,
                                  shmrpc_error *error)
{
    if (queue->ring.capacity > 0 &&
        queue->ring.capacity <= SHMRPCI_LANE_MAX_COUNT &&
        queue->overflow <= SHMRPCI_OVERFLOW_DROP_NEWEST) {
        return SHMRPC_OK;
    }
    return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                            "the queue is damaged: its limits contradict each "
                            "other");
}

/* Opens the lock of `order total`. It lies in the region, and its participants
 * are those of the region, with the same bytes. */
static void open_turn(shmrpci_queue *queue, shmrpc_profile profile)
{
    shmrpci_ring *ring = &queue->ring;
    shmrpc_lock *turn = &queue->turn;
    shmrpci_lock_file *file = shmrpci_ring_turn(ring);
    uint32_t me = ring->region.me;
    *turn = (shmrpc_lock){
        .word = &file->word,
        .me = me + 1,
        .at = {.file = file,
               .slot_count = ring->region.facts.participant_count},
        .self = &file->slots[me],
        .fd = ring->region.fd};
    shmrpci_descent_settle(&turn->descent);
    shmrpci_spinner_init(&turn->spinner, profile, SHMRPCI_SIDE_CLIENT);
    shmrpci_store_relaxed(
        &turn->self->pid,
        shmrpci_load_relaxed(
            &shmrpci_region_participant(&ring->region, me)->pid));
}

shmrpc_status shmrpci_queue_open(int fd, shmrpc_profile profile,
                                 shmrpci_queue **out, shmrpc_error *error)
{
    shmrpci_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        shmrpci_fd_close(&fd);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    }
    shmrpc_status status = shmrpci_ring_open(
        &queue->ring, fd, SHMRPCI_ACCESS_WRITE, SHMRPCI_RING_KIND_QUEUE, error);
    if (status != SHMRPC_OK) {
        free(queue);
        return status;
    }
    queue->overflow =
        (shmrpci_overflow)(queue->ring.options & SHMRPCI_RING_OVERFLOW_MASK);
    shmrpci_mutex_init(&queue->mutex);
    status = shmrpci_queue_judge(queue, error);
    if (status != SHMRPC_OK) {
        shmrpci_queue_close(queue);
        return status;
    }
    shmrpci_spinner_init(&queue->items_spinner, profile, SHMRPCI_SIDE_CLIENT);
    shmrpci_spinner_init(&queue->room_spinner, profile, SHMRPCI_SIDE_CLIENT);
    if (shmrpci_queue_is_total(queue)) {
        open_turn(queue, profile);
    }
    *out = queue;
    return SHMRPC_OK;
}

void shmrpci_queue_close(shmrpci_queue *queue)
{
    if (queue != NULL) {
        if (shmrpci_ring_check(&queue->ring, NULL) == SHMRPC_OK &&
            shmrpci_holds_release_all(&queue->holds) > 0) {
            shmrpci_ring_announce(&queue->ring, UINT32_MAX);
        }
        shmrpci_ring_close(&queue->ring);
        shmrpci_mutex_fini(&queue->mutex);
        free(queue);
    }
}

/* ---- statistics, ending, destroying -------------------------------------- */

const shmrpci_region *shmrpci_queue_region(const shmrpci_queue *queue)
{
    return &queue->ring.region;
}

uint32_t shmrpci_queue_max_len(const shmrpci_queue *queue)
{
    /* With `acked` a lane keeps room for one of the longest records, see
     * hold.h. */
    uint64_t ring_bytes = queue->ring.shape.ring_bytes;
    return (uint32_t)shmrpci_lane_max_len(
        shmrpci_queue_is_acked(queue) ? ring_bytes / 2 : ring_bytes);
}

shmrpc_status shmrpci_queue_late(int64_t deadline_ns, const char *what,
                                 shmrpc_error *error)
{
    return deadline_ns == 0
               ? shmrpc_error_set(error, SHMRPC_E_BUSY, "%s", what)
               : shmrpc_error_set(error, SHMRPC_E_DEADLINE, "%s in time", what);
}

shmrpc_status shmrpci_queue_end(shmrpci_queue *queue)
{
    shmrpc_status status = shmrpci_ring_check(&queue->ring, NULL);
    if (status == SHMRPC_OK) {
        shmrpci_ring_end(&queue->ring);
    }
    return status;
}

void shmrpci_queue_destroy(shmrpci_queue *queue)
{
    /* Runs even if the region looks destroyed already because its owner has
     * ended: sleepers must still be woken. */
    if (shmrpci_ring_is_forked(&queue->ring)) {
        return;
    }
    if (shmrpci_queue_is_total(queue)) {
        shmrpci_lock_mark_destroyed(&queue->turn.at);
    }
    shmrpci_ring_destroy(&queue->ring);
}
