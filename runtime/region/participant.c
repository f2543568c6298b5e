/* Joining a region, and inheriting from dead participants. */
#include "os/byte_lock.h"
#include "os/process.h"
#include "region/inside.h"

uint32_t shmrpci_region_high(const shmrpci_region *region)
{
    /* Acquire: pairs with the CAS in raise_high, which follows fallocate. */
    uint32_t high =
        shmrpci_load_acquire(&shmrpci_region_state_of(region)->high);
    uint32_t all = region->facts.participant_count;
    return high < all ? high : all;
}

bool shmrpci_region_is_alive(const shmrpci_region *region, uint32_t participant)
{
    return participant == region->me ||
           shmrpci_byte_lock_is_held(region->fd,
                                     SHMRPCI_REGION_BYTE(participant));
}

/* Pays for the block of `participant`, and raises `high`: from now on the block
 * may be touched. */
static shmrpc_status raise_high(shmrpci_region *region, uint32_t participant)
{
    shmrpci_atomic_u32 *high = &shmrpci_region_state_of(region)->high;
    if (participant < shmrpci_region_high(region)) {
        return SHMRPC_OK;
    }
    uint64_t end =
        SHMRPCI_REGION_PARTICIPANTS_OFFSET +
        (participant + (uint64_t)1) * sizeof(shmrpci_participant_block);
    shmrpc_status status =
        shmrpci_memory_pay(region->fd, SHMRPCI_REGION_PARTICIPANTS_OFFSET,
                           end - SHMRPCI_REGION_PARTICIPANTS_OFFSET);
    uint32_t seen = shmrpci_load_seq(high);
    while (status == SHMRPC_OK && seen <= participant &&
           !shmrpci_cas_seq(high, &seen, participant + 1)) {
    }
    return status;
}

/* Finishes or undoes the work of the dead participant that the handle acts as.
 * The kind may take and free blocks for that, so the arena is mended first. The
 * journal of a kind without arenas is settled last, by the caller, when the
 * kind can tell whether the journalled run is reachable. */
static void finish(shmrpci_region *region)
{
    const shmrpci_region_kind *kind = &region->kind;
    bool has_arenas = shmrpci_region_has_arenas(region);
    if (has_arenas) {
        shmrpci_arena_mend(region);
        shmrpci_region_settle(region, region->me);
    }
    if (kind->inherit != NULL) {
        kind->inherit(kind->user, region, region->me);
    }
    if (has_arenas) {
        shmrpci_arena_judge_held(region);
    }
}

/* Makes the handle act as another participant. What the handle remembers about
 * the limbo belongs to the previous participant's arena, so it is dropped. */
static void act_as(shmrpci_region *region, uint32_t participant)
{
    region->me = participant;
    region->last_end = NULL;
}

/* Inherits from `participant`. We hold its byte, so nobody else is or becomes
 * that participant. */
static bool inherit(shmrpci_region *region, uint32_t participant)
{
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, participant);
    bool is_dead = shmrpci_load_seq(&block->pid) != 0;
    uint32_t me = region->me;
    act_as(region, participant);
    if (is_dead) {
        finish(region);
    }
    shmrpci_region_settle(region, participant);
    act_as(region, me);
    return is_dead;
}

static void hand_over(shmrpci_region *region, uint32_t participant)
{
    uint32_t me = region->me;
    act_as(region, participant);
    if (shmrpci_region_has_arenas(region)) {
        shmrpci_arena_hand_over(region);
    }
    act_as(region, me);
}

static shmrpc_status become(shmrpci_region *region, uint32_t participant)
{
    shmrpc_status status = raise_high(region, participant);
    if (status != SHMRPC_OK) {
        return status;
    }
    (void)inherit(region, participant);
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, participant);
    (void)shmrpci_add_seq(&block->incarnation, 1u);
    shmrpci_store_seq(&block->pid, (uint32_t)shmrpci_process_id());
    act_as(region, participant);
    if (shmrpci_region_has_arenas(region)) {
        shmrpci_arena_begin(region);
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_region_join(shmrpci_region *region, shmrpc_error *error)
{
    for (uint32_t p = 0; p < region->facts.participant_count; p++) {
        shmrpc_status status =
            shmrpci_byte_lock_try(region->fd, SHMRPCI_REGION_BYTE(p), 1);
        if (status == SHMRPC_OK) {
            status = become(region, p);
            if (status == SHMRPC_OK) {
                return SHMRPC_OK;
            }
            shmrpci_byte_lock_drop(region->fd, SHMRPCI_REGION_BYTE(p), 1);
        }
        if (status != SHMRPC_E_BUSY) {
            return shmrpc_error_set(error, status, "can't join the region: %s",
                                    shmrpc_status_text(status));
        }
    }
    return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                            "all %u places for writers are taken",
                            region->facts.participant_count);
}

void shmrpci_region_leave(shmrpci_region *region)
{
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, region->me);
    hand_over(region, region->me);
    shmrpci_store_seq(&block->pid, 0u);
    /* Closing would drop the lock too, unless a forked child also has the
     * descriptor. */
    shmrpci_byte_lock_drop(region->fd, SHMRPCI_REGION_BYTE(region->me), 1);
    region->me = SHMRPCI_REGION_NOBODY;
}

uint32_t shmrpci_region_bury(shmrpci_region *region)
{
    uint32_t buried = 0;
    uint32_t high = shmrpci_region_high(region);
    for (uint32_t p = 0; p < high; p++) {
        shmrpci_participant_block *block =
            shmrpci_region_participant(region, p);
        if (p == region->me ||
            (shmrpci_load_seq(&block->pid) == 0 &&
             !shmrpci_arena_has_some(region, p)) ||
            shmrpci_byte_lock_try(region->fd, SHMRPCI_REGION_BYTE(p), 1) !=
                SHMRPC_OK) {
            continue;
        }
        buried += inherit(region, p) ? 1 : 0;
        hand_over(region, p);
        shmrpci_store_seq(&block->pid, 0u);
        shmrpci_byte_lock_drop(region->fd, SHMRPCI_REGION_BYTE(p), 1);
    }
    return buried;
}
