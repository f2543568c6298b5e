/* First fit over sorted free ranges. */
#include "transport/shm/pool.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + SHM_SPAN_ALIGN - 1) / SHM_SPAN_ALIGN * SHM_SPAN_ALIGN;
}

static shm_range whole(shm_region memory)
{
    return (shm_range){0, memory.bytes / SHM_SPAN_ALIGN * SHM_SPAN_ALIGN};
}

static shm_pool_region *make_region(shm_region memory, shmrpci_map map,
                                    shm_pool_owner owner)
{
    shm_pool_region *region = malloc(sizeof *region);
    if (region == NULL) {
        return NULL;
    }
    region->memory = memory;
    region->map = map;
    region->owner = owner;
    region->range_count = owner == SHM_OWNER_POOL ? 1 : 0;
    region->ranges[0] = whole(memory);
    return region;
}

shmrpc_status shm_pool_init(shm_pool *pool, shm_region arena)
{
    memset(pool, 0, sizeof *pool);
    shmrpci_mutex_init(&pool->lock);
    pool->regions[0] =
        make_region(arena, (shmrpci_map){.at = NULL}, SHM_OWNER_POOL);
    return pool->regions[0] == NULL ? SHMRPC_E_NO_MEMORY : SHMRPC_OK;
}

void shm_pool_fini(shm_pool *pool)
{
    for (size_t i = 0; i <= SHM_EXTENTS; i++) {
        if (pool->regions[i] != NULL) {
            shmrpci_memory_unmap(&pool->regions[i]->map);
            free(pool->regions[i]);
            pool->regions[i] = NULL;
        }
    }
    shmrpci_mutex_fini(&pool->lock);
}

shmrpc_status shm_pool_add(shm_pool *pool, uint32_t region, shmrpci_map map)
{
    if (region == 0 || region > SHM_EXTENTS) {
        return SHMRPC_E_INVALID;
    }
    shmrpci_mutex_lock(&pool->lock);
    shmrpc_status status = SHMRPC_E_INVALID;
    if (pool->regions[region] == NULL) {
        pool->regions[region] =
            make_region((shm_region){map.at, map.bytes}, map, SHM_OWNER_CALL);
        status = pool->regions[region] == NULL ? SHMRPC_E_NO_MEMORY : SHMRPC_OK;
    }
    shmrpci_mutex_unlock(&pool->lock);
    return status;
}

bool shm_pool_move(shm_pool *pool, uint32_t region, shm_pool_owner from,
                   shm_pool_owner to)
{
    bool is_moved = false;
    if (region == 0 || region > SHM_EXTENTS) {
        return false;
    }
    shmrpci_mutex_lock(&pool->lock);
    shm_pool_region *it = pool->regions[region];
    if (it != NULL && it->owner == from) {
        it->owner = to;
        it->range_count = to == SHM_OWNER_POOL ? 1 : 0;
        it->ranges[0] = whole(it->memory);
        is_moved = true;
    }
    shmrpci_mutex_unlock(&pool->lock);
    return is_moved;
}

static bool take(shm_pool_region *region, uint64_t bytes, uint64_t *out_offset)
{
    for (size_t i = 0; i < region->range_count; i++) {
        shm_range *range = &region->ranges[i];
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

bool shm_pool_alloc(shm_pool *pool, uint64_t bytes, shm_span *out)
{
    if (bytes == 0 || bytes > UINT32_MAX) {
        return false;
    }
    uint64_t needed = rounded(bytes);
    bool found = false;
    uint64_t offset = 0;
    shmrpci_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i <= SHM_EXTENTS && !found; i++) {
        shm_pool_region *region = pool->regions[i];
        /* One span must not take the whole arena from all small ones. */
        if (region == NULL || (i == 0 && needed > region->memory.bytes / 2)) {
            continue;
        }
        found = take(region, needed, &offset);
        if (found) {
            *out = (shm_span){i, (uint32_t)bytes, offset};
        }
    }
    shmrpci_mutex_unlock(&pool->lock);
    return found;
}

/* Puts a range in its place and joins it with its neighbours. */
static void give_back(shm_pool_region *region, shm_range range)
{
    size_t i = 0;
    while (i < region->range_count && region->ranges[i].offset < range.offset) {
        i++;
    }
    if (i < region->range_count &&
        range.offset + range.bytes == region->ranges[i].offset) {
        region->ranges[i].offset = range.offset;
        region->ranges[i].bytes += range.bytes;
    } else {
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
    give_back(pool->regions[span.region],
              (shm_range){span.offset, rounded(span.size)});
    shmrpci_mutex_unlock(&pool->lock);
}

/* The pointers are set once, before anybody hears of the region. */
static shm_pool_region *region_of(shm_pool *pool, uint32_t region)
{
    if (region > SHM_EXTENTS) {
        return NULL;
    }
    shmrpci_mutex_lock(&pool->lock);
    shm_pool_region *found = pool->regions[region];
    shmrpci_mutex_unlock(&pool->lock);
    return found;
}

uint8_t *shm_pool_at(shm_pool *pool, uint32_t region, uint64_t offset)
{
    return region_of(pool, region)->memory.at + offset;
}

uint64_t shm_pool_region_bytes(shm_pool *pool, uint32_t region)
{
    shm_pool_region *found = region_of(pool, region);
    return found == NULL ? 0 : found->memory.bytes;
}
