/*
 * The common part of queue, topic and pipe: a region whose roots lead to lanes,
 * and a bell.
 *
 * Threading: one thread at a time may open, close or make lanes; any thread may
 * call the other functions.
 */
#ifndef SHMRPCI_RING_RING_H
#define SHMRPCI_RING_RING_H

#include "os/fork.h"
#include "region/region.h"
#include "ring/bell.h"
#include "ring/lane.h"
#include "shmrpc/error.h"
#include "sync/lock_layout.h"
#include "sync/wait.h"

/* The default for the number of participants. */
#define SHMRPCI_RING_PARTICIPANTS 64u

/* The smallest file size that is chosen by default. */
#define SHMRPCI_RING_MIN_BYTES ((uint64_t)1 << 20)

/* A participant's counters, in its block of the region. All relaxed:
 * statistics. */
typedef struct shmrpci_ring_counts {
    shmrpci_atomic_u64 pushed;
    shmrpci_atomic_u64 popped;
    shmrpci_atomic_u64 dropped;     /* by the overflow rule */
    shmrpci_atomic_u64 redelivered; /* redelivered because readers died or
                                     * released them */
    shmrpci_atomic_u64 evicted;     /* evicted subscribers */
    shmrpci_atomic_u64 sleeps;
    shmrpci_atomic_u64 rescued;      /* records found at the end of a slice,
                                      * without a wake-up */
    shmrpci_atomic_u32 wants_items;  /* threads that wait for items */
    shmrpci_atomic_u32 wants_room;   /* threads that wait for room */
    shmrpci_atomic_u32 has_barriers; /* whether its threads can be made to pass
                                      * a fence (ring_fence) */
} shmrpci_ring_counts;

_Static_assert(sizeof(shmrpci_ring_counts) <=
                   sizeof(((shmrpci_participant_block *)0)->kind),
               "counts fit into a participant's block");

typedef struct shmrpci_ring {
    shmrpci_region region;
    shmrpci_ring_roots *roots;
    shmrpci_lane_shape shape; /* checked copy of the limits in the head */
    uint64_t capacity;
    uint64_t options;
    uint64_t extra;              /* the limit whose meaning the kind defines */
    shmrpci_atomic_u64 *offsets; /* offsets of checked lanes; 0: not checked
                                  * yet */
    shmrpci_atomic_u64 *known;   /* the last known tail of each lane */
    shmrpci_fork_fd guard;
} shmrpci_ring;

/* What the kind asks for. */
typedef struct shmrpci_ring_spec {
    const char *name;
    size_t name_len;
    uint64_t type_hash;
    uint64_t max_bytes; /* 0: enough for all lanes */
    uint64_t capacity;
    uint64_t options;
    uint64_t extra;
    uint64_t desk_bytes; /* of the desk, if it lies in the region */
    uint64_t ring_bytes; /* of a lane's ring */
    uint64_t marks;
    uint32_t kind;
    uint32_t encoding;
    uint32_t participants; /* 0: 64 */
} shmrpci_ring_spec;

/* The smallest power of two that is at least `bytes`. */
uint64_t shmrpci_ring_power(uint64_t bytes);

/* Fills in the region spec (for shmrpci_region_size, shmrpci_region_format).
 * Returns INVALID. */
shmrpc_status shmrpci_ring_plan(const shmrpci_ring_spec *spec,
                                shmrpci_region_spec *out, shmrpc_error *error);

/*
 * Attaches to a region of that kind. Takes over the descriptor, and closes it
 * on failure. Returns CONTRACT if it is of another kind, or DATA_LOSS,
 * DESTROYED, EXHAUSTED as shmrpci_region_attach() does. `ring` must not move
 * until it is closed.
 */
shmrpc_status shmrpci_ring_open(shmrpci_ring *ring, int fd,
                                shmrpci_access access, uint32_t kind,
                                shmrpc_error *error);
void shmrpci_ring_close(shmrpci_ring *ring);

/* Whether this process is a forked child of the one that opened the ring, and
 * does not have its memory. */
bool shmrpci_ring_is_forked(const shmrpci_ring *ring);

/* Returns OK; FORKED if this process is a forked child of the one that opened
 * the ring; or DESTROYED. */
shmrpc_status shmrpci_ring_check(const shmrpci_ring *ring, shmrpc_error *error);

/* The index of the lane that all producers share in `order total`. */
static inline uint32_t shmrpci_ring_common(const shmrpci_ring *ring)
{
    return ring->region.facts.participant_count;
}

/* Finds lane `index`, a participant's or the common one. Returns false if it
 * does not exist (yet), or its offset is damaged. */
bool shmrpci_ring_lane(const shmrpci_ring *ring, uint32_t index,
                       shmrpci_lane *out);

/* The possible lanes: numbers in [first, end). */
typedef struct shmrpci_ring_range {
    uint32_t first;
    uint32_t end;
} shmrpci_ring_range;
shmrpci_ring_range shmrpci_ring_lanes(const shmrpci_ring *ring);

/* Finds lane `index`, and makes it if need be. Only its participant, or the
 * holder of the turn, may call this. Returns EXHAUSTED. */
shmrpc_status shmrpci_ring_make_lane(shmrpci_ring *ring, uint32_t index,
                                     shmrpci_lane *out, shmrpc_error *error);

/* The station beside a lane (layout.h). */
static inline void *shmrpci_ring_station(const shmrpci_ring *ring,
                                         const shmrpci_lane *lane)
{
    return (uint8_t *)lane->words + shmrpci_lane_station_offset(&ring->shape);
}

/* The lock for the turn of `order total`, and the desk, in the region. */
shmrpci_lock_file *shmrpci_ring_turn(const shmrpci_ring *ring);
void *shmrpci_ring_desk(const shmrpci_ring *ring);

/* Whether any lane seems to have records. */
bool shmrpci_ring_has_records(const shmrpci_ring *ring);

/* A participant's counters. */
static inline shmrpci_ring_counts *
shmrpci_ring_counts_of(const shmrpci_ring *ring, uint32_t participant)
{
    return (shmrpci_ring_counts *)(void *)shmrpci_region_participant(
               &ring->region, participant)
        ->kind;
}

static inline shmrpci_ring_counts *
shmrpci_ring_my_counts(const shmrpci_ring *ring)
{
    return shmrpci_ring_counts_of(ring, ring->region.me);
}

/* Increments a counter of our own. Concurrent threads may lose some
 * increments. */
static inline void shmrpci_ring_count(shmrpci_atomic_u64 *at, uint64_t more)
{
    shmrpci_store_relaxed(at, shmrpci_load_relaxed(at) + more);
}

/* Wakes up to `count` threads that wait for published records. */
static inline void shmrpci_ring_announce(const shmrpci_ring *ring,
                                         uint32_t count)
{
    /* The tail was stored without a locked instruction, so that its line can
     * stay with the reader. The fence orders the look at the bell after it. */
    shmrpci_fence_seq();
    shmrpci_bell_ring(&ring->roots->bell, count);
}

/* The first marks the ring as ended, the second as destroyed; both wake
 * everyone. */
void shmrpci_ring_end(shmrpci_ring *ring);
void shmrpci_ring_destroy(shmrpci_ring *ring);
bool shmrpci_ring_is_ended(const shmrpci_ring *ring);

/* Checks all lanes of a ring that nobody uses meanwhile. Returns the number of
 * findings. */
uint64_t shmrpci_ring_judge(const shmrpci_ring *ring,
                            shmrpci_region_finding *finding, void *user);

/* Spins, if that pays, until `is_there(user)` is true; returns whether it
 * is. */
bool shmrpci_ring_spin(shmrpci_spinner *spinner, bool (*is_there)(void *user),
                       void *user);

#endif
