/* Frees spans of which all blocks are free, when no other spans are free. */
#include <stdlib.h>

#include "region/inside.h"

/* Finds the class of the blocks in a span. Returns false if it is not cut into
 * blocks. */
static bool class_of_span(const shmrpci_region *region, uint32_t span,
                          uint32_t *out_class)
{
    uint64_t bytes;
    return shmrpci_arena_find(region, shmrpci_region_span_offset(region, span),
                              out_class, &bytes) &&
           *out_class < SHMRPCI_CLASS_COUNT;
}

/* Finds the span in which a block of the class lies. Returns false if no block
 * begins there. */
static bool span_of(const shmrpci_region *region, uint32_t class,
                    uint64_t offset, uint32_t *out_span)
{
    uint32_t found;
    uint64_t bytes;
    if (!shmrpci_arena_find(region, offset, &found, &bytes) || found != class) {
        return false;
    }
    *out_span = (uint32_t)((offset - region->facts.spans_offset) /
                           region->facts.span_bytes);
    return true;
}

static void count_chain(const shmrpci_region *region, uint32_t class,
                        uint64_t chain, uint32_t *counts)
{
    uint32_t span;
    for (uint64_t hops = shmrpci_arena_most_blocks(region);
         hops > 0 && span_of(region, class, chain, &span); hops--) {
        counts[span]++;
        chain = shmrpci_arena_next(region, chain);
    }
}

/* Takes blocks out of a chain. After each store the chain is whole, so that an
 * heir can continue. */
static void filter(const shmrpci_region *region, uint32_t class,
                   shmrpci_atomic_u64 *leads, uint32_t span)
{
    uint32_t of;
    for (uint64_t hops = shmrpci_arena_most_blocks(region); hops > 0; hops--) {
        uint64_t offset = shmrpci_load_relaxed(leads);
        if (!span_of(region, class, offset, &of)) {
            return;
        }
        shmrpci_block_trailer *end = shmrpci_arena_trailer(region, offset);
        if (end == NULL) {
            return;
        }
        if (of == span) {
            shmrpci_store_release(leads, shmrpci_load_relaxed(&end->link));
        } else {
            leads = &end->link;
        }
    }
}

void shmrpci_arena_forget(shmrpci_region *region, uint32_t span)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint32_t class;
    if (class_of_span(region, span, &class)) {
        filter(region, class, &arena->list[class], span);
        filter(region, class, &arena->spare[class], span);
    }
}

/* Moves all free blocks of the class to our lists, except blocks in the lists
 * of other participants. */
static void gather(shmrpci_region *region, uint32_t class, uint32_t *counts)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_arena_cut_up(region, class);
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        (void)shmrpci_arena_take_depot(region, class);
    }
    count_chain(region, class, shmrpci_load_relaxed(&arena->list[class]),
                counts);
    count_chain(region, class, shmrpci_load_relaxed(&arena->spare[class]),
                counts);
}

bool shmrpci_arena_regain(shmrpci_region *region)
{
    uint32_t paid = shmrpci_region_paid_spans(region);
    uint32_t *counts = calloc((size_t)paid + 1, sizeof *counts);
    bool has_some = false;
    if (counts == NULL || region->is_regaining) {
        free(counts);
        return false;
    }
    region->is_regaining = true;
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        gather(region, class, counts);
    }
    for (uint32_t span = 0; span < paid; span++) {
        uint32_t class;
        if (counts[span] > 0 && class_of_span(region, span, &class) &&
            counts[span] ==
                region->facts.span_bytes / shmrpci_class_bytes(class)) {
            shmrpci_region_intend(region,
                                  shmrpci_region_span_offset(region, span));
            shmrpci_region_give(region);
            has_some = true;
        }
    }
    free(counts);
    shmrpci_arena_recount(region);
    /* Gives the remaining blocks to the depot, which gather has emptied: other
     * participants may need them. */
    shmrpci_arena_hand_over(region);
    region->is_regaining = false;
    return has_some;
}
