/*
 * The client's allocator of shared spans: the arena and the extents of a
 * connection.
 *
 * All of its own state is private memory: the server allocates nothing, so
 * that a dead worker leaks nothing, and no peer can spoil it.  Each region
 * keeps a sorted list of free ranges; with two spans a slot at most, a list
 * never has more than SHM_POOL_RANGES.
 *
 * Threading: locks itself; spans are used without it.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_POOL_H
#define SHMRPCI_TRANSPORT_SHM_POOL_H

#include <stdbool.h>

#include "os/memory.h"
#include "os/thread.h"
#include "transport/shm/block.h"

/* Spans begin at multiples of this. */
#define SHM_SPAN_ALIGN  UINT64_C(128)
#define SHM_POOL_RANGES (2 * SHM_SLOTS + 2)

typedef struct shm_range {
    uint64_t offset;
    uint64_t bytes;
} shm_range;

/* Whose an extent is. Spans are allocated from the pool's own only. */
typedef enum shm_pool_owner {
    SHM_OWNER_POOL,
    SHM_OWNER_CALL,  /* granted for one reply */
    SHM_OWNER_SERVER /* given back, until it is granted again */
} shm_pool_owner;

typedef struct shm_pool_region {
    shm_region memory;
    shmrpci_map map; /* empty for the arena: the block's */
    shm_pool_owner owner;
    size_t range_count;
    shm_range ranges[SHM_POOL_RANGES];
} shm_pool_region;

typedef struct shm_pool {
    shmrpci_mutex lock;
    shm_pool_region *regions[SHM_EXTENTS + 1]; /* [0]: the arena */
} shm_pool;

/* A span of size 0 is no span. */

shmrpc_status shm_pool_init(shm_pool *pool, shm_region arena);
/* Unmaps the extents. */
void shm_pool_fini(shm_pool *pool);

/* Takes over a new extent with the number `region`, granted for a call.
 * INVALID: a number that is out of range or known; NO_MEMORY. */
shmrpc_status shm_pool_add(shm_pool *pool, uint32_t region, shmrpci_map map);

/* Moves an extent from one owner to another; false, and no change, when it is
 * not `from`'s. For the pool, all of it becomes free. */
bool shm_pool_move(shm_pool *pool, uint32_t region, shm_pool_owner from,
                   shm_pool_owner to);

/* Finds room; false when there is none. `out->size` is what was asked for. */
bool shm_pool_alloc(shm_pool *pool, uint64_t bytes, shm_span *out);
/* Gives it back. No span: does nothing. */
void shm_pool_free(shm_pool *pool, shm_span span);

/* Where a span that was allocated, or a region that was added, begins. */
uint8_t *shm_pool_at(shm_pool *pool, uint32_t region, uint64_t offset);
/* Size of a region; 0 for one that is not there. */
uint64_t shm_pool_region_bytes(shm_pool *pool, uint32_t region);

#endif
