/* The depot: chains of free blocks that go from one participant to another. */
#include "region/inside.h"

#define DEPOT_PUSHING ((uint64_t)1)
#define DEPOT_READY   ((uint64_t)2)
#define DEPOT_TAKEN   ((uint64_t)3)

static uint64_t depot_word(uint64_t state, uint32_t participant,
                           uint64_t offset)
{
    return state << 62 | (uint64_t)participant << 48 |
           offset / SHMRPCI_BLOCK_ALIGN;
}

static uint64_t depot_state(uint64_t word)
{
    return word >> 62;
}

static uint32_t depot_owner(uint64_t word)
{
    return (uint32_t)(word >> 48) & 0x3FFFu;
}

uint64_t shmrpci_arena_depot_chain(uint64_t word)
{
    return (word & (((uint64_t)1 << 48) - 1)) * SHMRPCI_BLOCK_ALIGN;
}

/* Gives the spare list to all; it stays where it is if the depot is full. */
void shmrpci_arena_push_spare(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_atomic_u64 *slots = shmrpci_region_state_of(region)->depot[class];
    uint64_t chain = shmrpci_load_relaxed(&arena->spare[class]);
    shmrpci_block_trailer *end = shmrpci_arena_trailer(region, chain);
    if (end == NULL) {
        return;
    }
    shmrpci_store_release(
        &end->retired, (uint64_t)shmrpci_load_relaxed(&arena->spares[class]));
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        uint64_t none = shmrpci_load_relaxed(&slots[i]);
        if (none == 0 &&
            shmrpci_cas_seq(&slots[i], &none,
                            depot_word(DEPOT_PUSHING, region->me, chain))) {
            shmrpci_store_release(&arena->spare[class], (uint64_t)0);
            shmrpci_store_seq(&slots[i],
                              depot_word(DEPOT_READY, region->me, chain));
            return;
        }
    }
}

/* Puts a chain of the depot before the list. What an heir repeats finds it done
 * where the chain leads to the list already. */
static void prepend(shmrpci_region *region, uint32_t class, uint64_t chain)
{
    shmrpci_atomic_u64 *list = &shmrpci_arena_of(region)->list[class];
    uint64_t was = shmrpci_load_relaxed(list);
    uint64_t last = 0;
    uint64_t at = was != 0 ? chain : 0;
    for (uint64_t hops = shmrpci_arena_most_blocks(region);
         at != 0 && at != was && hops > 0; hops--) {
        last = at;
        at = shmrpci_arena_next(region, at);
    }
    shmrpci_block_trailer *end =
        at == 0 && last != 0 ? shmrpci_arena_trailer(region, last) : NULL;
    if (end != NULL) {
        shmrpci_store_release(&end->link, was);
    }
    shmrpci_store_release(list, chain);
}

/* Fills the list from the depot. */
bool shmrpci_arena_take_depot(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_atomic_u64 *slots = shmrpci_region_state_of(region)->depot[class];
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        uint64_t word = shmrpci_load_relaxed(&slots[i]);
        uint64_t chain = shmrpci_arena_depot_chain(word);
        if (depot_state(word) != DEPOT_READY ||
            !shmrpci_cas_seq(&slots[i], &word,
                             depot_word(DEPOT_TAKEN, region->me, chain))) {
            continue;
        }
        shmrpci_block_trailer *end = shmrpci_arena_trailer(region, chain);
        uint64_t count = end != NULL ? shmrpci_load_relaxed(&end->retired) : 0;
        prepend(region, class, chain);
        shmrpci_store_seq(&slots[i], (uint64_t)0);
        shmrpci_store_release(&arena->count[class],
                              shmrpci_load_relaxed(&arena->count[class]) +
                                  (uint32_t)count);
        return true;
    }
    return false;
}

static uint32_t length(const shmrpci_region *region, uint64_t chain)
{
    uint32_t count = 0;
    for (uint64_t hops = shmrpci_arena_most_blocks(region);
         chain != 0 && hops > 0; hops--) {
        count++;
        chain = shmrpci_arena_next(region, chain);
    }
    return count;
}

void shmrpci_arena_recount(shmrpci_region *region)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        shmrpci_store_release(
            &arena->count[class],
            length(region, shmrpci_load_relaxed(&arena->list[class])));
        shmrpci_store_release(
            &arena->spares[class],
            length(region, shmrpci_load_relaxed(&arena->spare[class])));
    }
}

void shmrpci_arena_mend_class(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_atomic_u64 *slots = shmrpci_region_state_of(region)->depot[class];
    uint64_t list = shmrpci_load_relaxed(&arena->list[class]);
    if (list != 0 && shmrpci_load_relaxed(&arena->spare[class]) == list) {
        shmrpci_store_release(&arena->spare[class], (uint64_t)0);
    }
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        uint64_t word = shmrpci_load_seq(&slots[i]);
        uint64_t chain = shmrpci_arena_depot_chain(word);
        if (word == 0 || depot_owner(word) != region->me) {
            continue;
        }
        if (depot_state(word) == DEPOT_PUSHING) {
            if (shmrpci_load_relaxed(&arena->spare[class]) == chain) {
                shmrpci_store_release(&arena->spare[class], (uint64_t)0);
            }
            shmrpci_store_seq(&slots[i],
                              depot_word(DEPOT_READY, region->me, chain));
        } else if (depot_state(word) == DEPOT_TAKEN) {
            prepend(region, class, chain);
            shmrpci_store_seq(&slots[i], (uint64_t)0);
        }
    }
}
