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

typedef struct shm_pool_region {
    shm_region memory;
    shmrpci_map map; /* empty for the arena: the block's */
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

/* Takes over an extent with the number `region`, all of it free or all of it
 * in use. INVALID: a number that is out of range or known; NO_MEMORY. */
shmrpc_status shm_pool_add(shm_pool *pool, uint32_t region, shmrpci_map map,
                           bool is_free);

/* Finds room; false when there is none. `out->size` is what was asked for. */
bool shm_pool_alloc(shm_pool *pool, uint64_t bytes, shm_span *out);
/* Gives it back. No span: does nothing. */
void shm_pool_free(shm_pool *pool, shm_span span);

/* Gives back the whole of an extent that was added in use; 0: does nothing. */
void shm_pool_free_region(shm_pool *pool, uint32_t region);

/* Where a span that was allocated, or a region that was added, begins. */
uint8_t *shm_pool_at(shm_pool *pool, uint32_t region, uint64_t offset);
/* Size of a region; 0 for one that is not there. */
uint64_t shm_pool_region_bytes(shm_pool *pool, uint32_t region);

#endif
