/*
 * The client's allocator of shared spans, in the arena and the extents of a
 * connection.
 *
 * All of its own state is private memory. The server allocates no spans, so a
 * dead worker leaks none and no peer can corrupt the lists. Each region keeps a
 * sorted list of free ranges. Each slot has at most two spans, a call with
 * streams one more for its rings, and the number of kept spans is limited, so a
 * list never exceeds SHM_POOL_RANGES.
 *
 * Allocating the first span of an idle extent claims the extent, in its word in
 * the block; freeing the last span makes it idle again. So workers can place
 * replies in extents that we don't use, and the server can take back extents
 * that nobody uses. The next allocation unmaps the extents that were taken
 * back.
 *
 * Threading: the pool has its own lock; spans are used without it.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_CLIENT_POOL_H
#define SHMRPCI_TRANSPORT_SHM_CLIENT_POOL_H

#include <stdbool.h>

#include "os/memory.h"
#include "os/thread.h"
#include "transport/shm/block.h"
#include "transport/transport.h"

/* Spans are aligned to this. */
#define SHM_SPAN_ALIGN UINT64_C(128)
#define SHM_POOL_RANGES \
    (2 * SHM_SLOTS + SHMRPCI_STREAMS_MAX + SHM_POOL_KEPT + 2)
/* Max number of replies that outlive their calls. */
#define SHM_POOL_KEPT 16u

typedef struct shm_range {
    uint64_t offset;
    uint64_t bytes;
} shm_range;

/* What we use an extent for; kept apart from its word, which others can
 * write. */
typedef enum shm_pool_use {
    SHM_USE_NONE,
    SHM_USE_SPANS, /* requests, and room for replies */
    SHM_USE_REPLY  /* a reply that a worker has placed there */
} shm_pool_use;

/* Number of ranges that the region itself has room for, so that an idle
 * connection touches no page of the full list. */
#define SHM_POOL_FEW 8u

typedef struct shm_pool_region {
    shm_region memory;
    shmrpci_map map; /* empty for the arena, which is in the block's map */
    uint32_t incarnation;
    shm_pool_use use; /* always SPANS for the arena */
    size_t range_count;
    shm_range *ranges; /* points to `few`, or to `all` once `few` is full */
    shm_range *all;    /* room for SHM_POOL_RANGES */
    shm_range few[SHM_POOL_FEW];
} shm_pool_region;

typedef struct shm_pool {
    shmrpci_mutex lock;
    shmrpci_atomic_u64 *words; /* of the extents, in the block */
    shm_pool_region *regions[SHM_EXTENTS + 1]; /* [0]: the arena */
    uint32_t last; /* the highest region number that has been in use */
    uint32_t kept;
    /* Called under the lock when an extent has become idle. NULL if nobody
     * needs to know. */
    void (*on_idle)(void *user);
    void *user;
    shm_pool_region arena;
} shm_pool;

/* In all functions, a span of size 0 means that there is no span. */

/* `ranges` is the caller's memory for the arena's list; it must live as long as
 * the pool. */
void shm_pool_init(shm_pool *pool, shm_region arena, shmrpci_atomic_u64 *words,
                   shm_range ranges[SHM_POOL_RANGES]);
/* Unmaps the extents. */
void shm_pool_fini(shm_pool *pool);

/* Adds a new extent, which replaces an earlier one with the same number.
 * Returns INVALID if the number is out of range or in use, or NO_MEMORY. */
shmrpc_status shm_pool_add(shm_pool *pool, uint32_t region,
                           uint32_t incarnation, shmrpci_map map);

/* Marks an extent that was made for us as idle, so that any call can use it. */
void shm_pool_offer(shm_pool *pool, uint32_t region);

/* Claims the extent in which the reply on `slot` lies, until
 * shm_pool_drop_reply. Returns NULL if no worker may have placed a reply there,
 * or the extent is too short. */
const uint8_t *shm_pool_take_reply(shm_pool *pool, uint32_t region,
                                   uint32_t slot, uint64_t offset,
                                   uint64_t length);
void shm_pool_drop_reply(shm_pool *pool, uint32_t region);
/* Gives back the extent of a reply on `slot` that will not be read. */
void shm_pool_refuse_reply(shm_pool *pool, uint32_t region, uint32_t slot);

/* Allocates a span; returns false if there is no room. `out->size` is the
 * requested size. */
bool shm_pool_alloc(shm_pool *pool, uint64_t bytes, shm_span *out);
/* Frees a span, which may be empty. */
void shm_pool_free(shm_pool *pool, shm_span span);

/* Let a reply outlive its call, as a span of its own until shm_pool_let_go.
 * keep_reply keeps the extent that was taken for the reply, up to `end`;
 * keep_span keeps the span that begins where `reply` does. Return false if the
 * reply is in the arena or too many are kept. */
bool shm_pool_keep_reply(shm_pool *pool, uint32_t region, const uint8_t *end,
                         shm_span *out);
bool shm_pool_keep_span(shm_pool *pool, shm_span reply, uint64_t bytes,
                        shm_span *out);
void shm_pool_let_go(shm_pool *pool, shm_span kept);

/* Returns the address of an allocated span. */
uint8_t *shm_pool_at(shm_pool *pool, shm_span span);

#endif
