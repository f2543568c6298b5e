/* First-fit allocator over sorted lists of free ranges. */
#include "transport/shm/client_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + SHM_SPAN_ALIGN - 1) / SHM_SPAN_ALIGN * SHM_SPAN_ALIGN;
}

static shm_range whole(shm_region memory)
{
    return (shm_range){0, memory.bytes / SHM_SPAN_ALIGN * SHM_SPAN_ALIGN};
}

static void free_all(shm_pool_region *region)
{
    region->range_count = 1;
    region->ranges[0] = whole(region->memory);
}

static bool is_all_free(const shm_pool_region *region)
{
    return region->range_count == 1 &&
           region->ranges[0].bytes == whole(region->memory).bytes;
}

static void init_region(shm_pool_region *region, shm_region memory,
                        shmrpci_map map, shm_range *ranges)
{
    region->memory = memory;
    region->map = map;
    region->incarnation = 0;
    region->use = SHM_USE_NONE;
    region->ranges = region->few;
    region->all = ranges;
    free_all(region);
}

/* Allocates the state of an extent; `all`, its long list of free ranges,
 * follows in the same allocation. */
static shm_pool_region *make_region(shm_region memory, shmrpci_map map)
{
    shm_pool_region *region =
        malloc(sizeof *region + SHM_POOL_RANGES * sizeof *region->all);
    if (region != NULL) {
        init_region(region, memory, map, (shm_range *)(void *)(region + 1));
    }
    return region;
}

void shm_pool_init(shm_pool *pool, shm_region arena, shmrpci_atomic_u64 *words,
                   shm_range ranges[SHM_POOL_RANGES])
{
    memset(pool, 0, sizeof *pool);
    shmrpci_mutex_init(&pool->lock);
    pool->words = words;
    init_region(&pool->arena, arena, (shmrpci_map){.at = NULL}, ranges);
    pool->arena.use = SHM_USE_SPANS;
    pool->regions[0] = &pool->arena;
}

static void forget(shm_pool *pool, uint32_t region)
{
    SHMRPCI_ASSERT(pool->regions[region] != NULL, "a region is removed once");
    shmrpci_memory_unmap(&pool->regions[region]->map);
    if (region != 0) {
        free(pool->regions[region]);
    }
    pool->regions[region] = NULL;
}

void shm_pool_fini(shm_pool *pool)
{
    for (uint32_t i = 0; i <= SHM_EXTENTS; i++) {
        if (pool->regions[i] != NULL) {
            forget(pool, i);
        }
    }
    shmrpci_mutex_fini(&pool->lock);
}

shmrpc_status shm_pool_add(shm_pool *pool, uint32_t region,
                           uint32_t incarnation, shmrpci_map map)
{
    if (region == 0 || region > SHM_EXTENTS) {
        return SHMRPC_E_INVALID;
    }
    shmrpci_mutex_lock(&pool->lock);
    shmrpc_status status = SHMRPC_OK;
    if (pool->regions[region] != NULL) {
        if (pool->regions[region]->use == SHM_USE_NONE) {
            forget(pool, region);
        } else {
            status = SHMRPC_E_INVALID;
        }
    }
    if (status == SHMRPC_OK) {
        shm_pool_region *made =
            make_region((shm_region){map.at, map.bytes}, map);
        if (made == NULL) {
            status = SHMRPC_E_NO_MEMORY;
        } else {
            made->incarnation = incarnation;
            pool->regions[region] = made;
            pool->last = region > pool->last ? region : pool->last;
        }
    }
    shmrpci_mutex_unlock(&pool->lock);
    return status;
}

/* ---- words of extents ------------------------------------------------ */

/* Changes the word from CLIENT or REPLY to IDLE. If the word has any other
 * value, the server has corrupted it or the extent is no longer ours, and
 * nothing changes. */
static void give_up(shm_pool *pool, uint32_t region, shm_extent_state state)
{
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    if (shm_extent_state_of(word) == (uint32_t)state &&
        shmrpci_cas_seq(&pool->words[region], &word, shm_extent_used(word)) &&
        pool->on_idle != NULL) {
        pool->on_idle(pool->user);
    }
}

/* Changes the word from IDLE to CLIENT, if it stands for the extent that we
 * have mapped. Under the lock. */
static bool take_idle(shm_pool *pool, uint32_t region)
{
    shm_pool_region *it = pool->regions[region];
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    if (shm_extent_incarnation_of(word) != it->incarnation ||
        shm_extent_state_of(word) != SHM_EXTENT_IDLE ||
        !shmrpci_cas_seq(&pool->words[region], &word,
                         shm_extent_moved(word, SHM_EXTENT_CLIENT, 0))) {
        return false;
    }
    SHMRPCI_ASSERT(it->use == SHM_USE_NONE, "an idle extent is not used");
    it->use = SHM_USE_SPANS;
    free_all(it);
    return true;
}

/* Unmaps an extent that the server has taken back. Under the lock. */
static void forget_if_gone(shm_pool *pool, uint32_t region)
{
    const shm_pool_region *it = pool->regions[region];
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    if (it->use == SHM_USE_NONE &&
        (shm_extent_state_of(word) == SHM_EXTENT_NONE ||
         shm_extent_incarnation_of(word) != it->incarnation)) {
        forget(pool, region);
    }
}

void shm_pool_offer(shm_pool *pool, uint32_t region)
{
    give_up(pool, region, SHM_EXTENT_CLIENT);
}

const uint8_t *shm_pool_take_reply(shm_pool *pool, uint32_t region,
                                   uint32_t slot, uint64_t offset,
                                   uint64_t length)
{
    const uint8_t *at = NULL;
    if (region == 0 || region > SHM_EXTENTS) {
        return NULL;
    }
    shmrpci_mutex_lock(&pool->lock);
    shm_pool_region *it = pool->regions[region];
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    if (it != NULL && it->use == SHM_USE_NONE &&
        shm_extent_state_of(word) == SHM_EXTENT_REPLY &&
        shm_extent_slot_of(word) == slot &&
        shm_extent_incarnation_of(word) == it->incarnation &&
        shm_is_within(offset, length, it->memory.bytes)) {
        it->use = SHM_USE_REPLY;
        at = it->memory.at + offset;
    }
    shmrpci_mutex_unlock(&pool->lock);
    return at;
}

void shm_pool_drop_reply(shm_pool *pool, uint32_t region)
{
    shmrpci_mutex_lock(&pool->lock);
    SHMRPCI_ASSERT(pool->regions[region] != NULL &&
                       pool->regions[region]->use == SHM_USE_REPLY,
                   "only a reply that was taken is dropped");
    pool->regions[region]->use = SHM_USE_NONE;
    give_up(pool, region, SHM_EXTENT_REPLY);
    shmrpci_mutex_unlock(&pool->lock);
}

void shm_pool_refuse_reply(shm_pool *pool, uint32_t region, uint32_t slot)
{
    if (region == 0 || region > SHM_EXTENTS) {
        return;
    }
    shmrpci_mutex_lock(&pool->lock);
    const shm_pool_region *it = pool->regions[region];
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    /* Do this whether the extent is mapped or not: the packet with its
     * descriptor may not have been read yet. */
    if ((it == NULL || it->use == SHM_USE_NONE) &&
        shm_extent_slot_of(word) == slot) {
        give_up(pool, region, SHM_EXTENT_REPLY);
    }
    shmrpci_mutex_unlock(&pool->lock);
}

/* ---- spans ----------------------------------------------------------- */

static bool take(shm_pool_region *region, uint64_t bytes, uint64_t *out_offset)
{
    SHMRPCI_ASSERT(bytes > 0 && bytes % SHM_SPAN_ALIGN == 0,
                   "spans are whole units");
    for (size_t i = 0; i < region->range_count; i++) {
        shm_range *range = &region->ranges[i];
        SHMRPCI_ASSERT(range->bytes > 0, "no free range is empty");
        if (range->bytes < bytes) {
            continue;
        }
        *out_offset = range->offset;
        range->offset += bytes;
        range->bytes -= bytes;
        if (range->bytes == 0) {
            region->range_count--;
            memmove(range, range + 1,
                    (region->range_count - i) * sizeof *range);
        }
        return true;
    }
    return false;
}

/* Allocates from a region that is already in use. Under the lock. */
static bool alloc_used(shm_pool *pool, uint64_t needed, shm_span *out)
{
    for (uint32_t i = 0; i <= pool->last; i++) {
        shm_pool_region *region = pool->regions[i];
        /* Large spans go to extents: one span must not take most of the arena
         * away from small ones. */
        if (region == NULL || region->use != SHM_USE_SPANS ||
            (i == 0 && needed > region->memory.bytes / 2)) {
            continue;
        }
        if (take(region, needed, &out->offset)) {
            out->region = i;
            return true;
        }
    }
    return false;
}

/* Allocates from the smallest idle extent that is large enough. Under the
 * lock. */
static bool alloc_idle(shm_pool *pool, uint64_t needed, shm_span *out)
{
    for (uint32_t tries = 0; tries < SHM_EXTENTS; tries++) {
        uint32_t best = 0;
        for (uint32_t i = 1; i <= pool->last; i++) {
            if (pool->regions[i] != NULL) {
                forget_if_gone(pool, i);
            }
            const shm_pool_region *it = pool->regions[i];
            if (it != NULL && it->use == SHM_USE_NONE &&
                whole(it->memory).bytes >= needed &&
                shm_extent_state_of(shmrpci_load_seq(&pool->words[i])) ==
                    SHM_EXTENT_IDLE &&
                (best == 0 ||
                 it->memory.bytes < pool->regions[best]->memory.bytes)) {
                best = i;
            }
        }
        if (best == 0) {
            return false;
        }
        /* A worker or the server may take the extent at the same time; then try
         * again. */
        if (take_idle(pool, best) &&
            take(pool->regions[best], needed, &out->offset)) {
            out->region = best;
            return true;
        }
    }
    return false;
}

bool shm_pool_alloc(shm_pool *pool, uint64_t bytes, shm_span *out)
{
    if (bytes == 0 || bytes > UINT32_MAX) {
        return false;
    }
    shm_span span = {.size = (uint32_t)bytes};
    uint64_t needed = rounded(bytes);
    shmrpci_mutex_lock(&pool->lock);
    bool found =
        alloc_used(pool, needed, &span) || alloc_idle(pool, needed, &span);
    shmrpci_mutex_unlock(&pool->lock);
    if (found) {
        *out = span;
    }
    return found;
}

/* Makes room for one more range in the list. */
static void widen(shm_pool_region *region)
{
    SHMRPCI_ASSERT(region->range_count < SHM_POOL_RANGES,
                   "there is at most one gap more than there are spans");
    if (region->ranges == region->few && region->range_count == SHM_POOL_FEW) {
        memcpy(region->all, region->few, sizeof region->few);
        region->ranges = region->all;
    }
}

/* Inserts a range in order and merges it with its neighbours. */
static void give_back(shm_pool_region *region, shm_range range)
{
    size_t i = 0;
    while (i < region->range_count && region->ranges[i].offset < range.offset) {
        i++;
    }
    SHMRPCI_ASSERT(range.bytes > 0 && range.offset + range.bytes <=
                                          whole(region->memory).bytes,
                   "a span lies in its region");
    SHMRPCI_ASSERT(i == region->range_count ||
                       range.offset + range.bytes <= region->ranges[i].offset,
                   "a span is given back once");
    SHMRPCI_ASSERT(i == 0 || region->ranges[i - 1].offset +
                                     region->ranges[i - 1].bytes <=
                                 range.offset,
                   "a span is given back once");
    if (i < region->range_count &&
        range.offset + range.bytes == region->ranges[i].offset) {
        region->ranges[i].offset = range.offset;
        region->ranges[i].bytes += range.bytes;
    } else {
        widen(region);
        memmove(&region->ranges[i + 1], &region->ranges[i],
                (region->range_count - i) * sizeof range);
        region->ranges[i] = range;
        region->range_count++;
    }
    if (i > 0 && region->ranges[i - 1].offset + region->ranges[i - 1].bytes ==
                     region->ranges[i].offset) {
        region->ranges[i - 1].bytes += region->ranges[i].bytes;
        region->range_count--;
        memmove(&region->ranges[i], &region->ranges[i + 1],
                (region->range_count - i) * sizeof range);
    }
}

void shm_pool_free(shm_pool *pool, shm_span span)
{
    if (span.size == 0) {
        return;
    }
    shmrpci_mutex_lock(&pool->lock);
    shm_pool_region *region = pool->regions[span.region];
    SHMRPCI_ASSERT(region != NULL && region->use == SHM_USE_SPANS,
                   "the region of a span stays while it is used");
    give_back(region, (shm_range){span.offset, rounded(span.size)});
    if (span.region != 0 && is_all_free(region)) {
        region->use = SHM_USE_NONE;
        give_up(pool, span.region, SHM_EXTENT_CLIENT);
    }
    shmrpci_mutex_unlock(&pool->lock);
}

/* ---- replies that outlive their calls -------------------------------- */

bool shm_pool_keep_reply(shm_pool *pool, uint32_t region, const uint8_t *end,
                         shm_span *out)
{
    shmrpci_mutex_lock(&pool->lock);
    shm_pool_region *it = pool->regions[region];
    SHMRPCI_ASSERT(it != NULL && it->use == SHM_USE_REPLY,
                   "only a reply that was taken is kept");
    uint64_t bytes = (uint64_t)(end - it->memory.at);
    uint64_t word = shmrpci_load_seq(&pool->words[region]);
    /* Set the word to CLIENT. If it stayed REPLY with this slot's number, and
     * the worker of the slot's next call died, recovery would make the extent
     * IDLE. */
    bool is_kept =
        pool->kept < SHM_POOL_KEPT &&
        rounded(bytes) <= whole(it->memory).bytes &&
        shm_extent_state_of(word) == SHM_EXTENT_REPLY &&
        shm_extent_incarnation_of(word) == it->incarnation &&
        shmrpci_cas_seq(&pool->words[region], &word,
                        shm_extent_moved(word, SHM_EXTENT_CLIENT, 0));
    if (is_kept) {
        *out = (shm_span){.region = region, .size = (uint32_t)bytes};
        it->use = SHM_USE_SPANS;
        free_all(it);
        (void)take(it, rounded(bytes), &out->offset);
        pool->kept++;
    }
    shmrpci_mutex_unlock(&pool->lock);
    return is_kept;
}

bool shm_pool_keep_span(shm_pool *pool, shm_span reply, uint64_t bytes,
                        shm_span *out)
{
    shmrpci_mutex_lock(&pool->lock);
    bool is_kept = pool->kept < SHM_POOL_KEPT && reply.region != 0;
    if (is_kept) {
        uint64_t used = rounded(bytes);
        SHMRPCI_ASSERT(used <= rounded(reply.size), "a reply fits its span");
        uint64_t spare = rounded(reply.size) - used;
        if (spare > 0) {
            give_back(pool->regions[reply.region],
                      (shm_range){reply.offset + used, spare});
        }
        *out = reply;
        out->size = (uint32_t)bytes;
        pool->kept++;
    }
    shmrpci_mutex_unlock(&pool->lock);
    return is_kept;
}

void shm_pool_let_go(shm_pool *pool, shm_span kept)
{
    shmrpci_mutex_lock(&pool->lock);
    SHMRPCI_ASSERT(pool->kept > 0, "only a kept reply is let go");
    pool->kept--;
    shmrpci_mutex_unlock(&pool->lock);
    shm_pool_free(pool, kept);
}

uint8_t *shm_pool_at(shm_pool *pool, shm_span span)
{
    /* The region is in use, so it stays; but other threads may change the table
     * of regions. */
    shmrpci_mutex_lock(&pool->lock);
    SHMRPCI_ASSERT(pool->regions[span.region] != NULL &&
                       shm_is_within(span.offset, span.size,
                                     pool->regions[span.region]->memory.bytes),
                   "a span lies in its region");
    uint8_t *at = pool->regions[span.region]->memory.at + span.offset;
    shmrpci_mutex_unlock(&pool->lock);
    return at;
}
