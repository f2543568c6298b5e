/* Pins: which old states readers use, so that reclaimers must keep them. */
#include <stdlib.h>

#include "base/assert.h"
#include "os/byte_lock.h"
#include "region/arena.h"

static shmrpci_own_pin *find(const shmrpci_region *region, uint64_t change)
{
    for (uint32_t i = 0; i < region->pin_count; i++) {
        if (region->pins[i].change == change) {
            return &region->pins[i];
        }
    }
    return NULL;
}

static bool make_room(shmrpci_region *region)
{
    if (region->pin_count < region->pin_room) {
        return true;
    }
    uint32_t room = region->pin_room == 0 ? 8 : region->pin_room * 2;
    shmrpci_own_pin *pins = realloc(region->pins, room * sizeof *pins);
    if (pins == NULL) {
        return false;
    }
    region->pins = pins;
    region->pin_room = room;
    return true;
}

shmrpc_status shmrpci_pin(shmrpci_region *region, uint64_t change)
{
    shmrpci_own_pin *own = find(region, change);
    if (own != NULL) {
        own->count++;
        return SHMRPC_OK;
    }
    if (change > SHMRPCI_REGION_CHANGES_MAX) {
        return SHMRPC_E_INVALID;
    }
    if (!make_room(region)) {
        return SHMRPC_E_NO_MEMORY;
    }
    int64_t at = SHMRPCI_REGION_PIN(change);
    shmrpc_status status = shmrpci_byte_lock_share(region->fd, at);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* We take the lock and then read the limit; the reclaimer stores the limit
     * and then asks for locks. The kernel orders our lock and its query, so one
     * of the two sees the other. */
    shmrpci_fence_seq();
    if (shmrpci_load_seq(&shmrpci_region_state_of(region)->reclaim_limit) >
        change) {
        shmrpci_byte_lock_drop(region->fd, at, 1);
        return SHMRPC_E_ABORTED;
    }
    region->pins[region->pin_count++] = (shmrpci_own_pin){change, 1};
    return SHMRPC_OK;
}

void shmrpci_unpin(shmrpci_region *region, uint64_t change)
{
    shmrpci_own_pin *own = find(region, change);
    SHMRPCI_ASSERT(own != NULL, "only a pinned change is unpinned");
    if (own != NULL && --own->count == 0) {
        *own = region->pins[--region->pin_count];
        shmrpci_byte_lock_drop(region->fd, SHMRPCI_REGION_PIN(change), 1);
    }
}

uint64_t shmrpci_pin_oldest(const shmrpci_region *region, uint64_t end)
{
    int64_t found = shmrpci_byte_lock_lowest(region->fd, SHMRPCI_REGION_PIN(0),
                                             (int64_t)end);
    uint64_t oldest =
        found < 0 ? end : (uint64_t)(found - SHMRPCI_REGION_PIN(0));
    /* The kernel doesn't report our own locks, so look at our own pins. */
    for (uint32_t i = 0; i < region->pin_count; i++) {
        if (region->pins[i].change < oldest) {
            oldest = region->pins[i].change;
        }
    }
    return oldest;
}

uint64_t shmrpci_pin_close(shmrpci_region *region, uint64_t end)
{
    shmrpci_atomic_u64 *limit = &shmrpci_region_state_of(region)->reclaim_limit;
    uint64_t seen = shmrpci_load_seq(limit);
    while (seen < end && !shmrpci_cas_seq(limit, &seen, end)) {
    }
    shmrpci_fence_seq();
    return shmrpci_pin_oldest(region, end);
}

int shmrpci_pin_holder(const shmrpci_region *region, uint64_t change)
{
    return shmrpci_byte_lock_holder(region->fd, SHMRPCI_REGION_PIN(change));
}
