/* The depot: chains of free blocks that pass from one participant to
 * another. */
#include "region/inside.h"

/* How many bytes of a class a participant keeps before it shares blocks: two
 * spans. In a small region it keeps less, so that a few participants don't keep
 * the whole region. */
#define LIST_SPANS     2u
#define LIST_SHARE     256u
#define LIST_MIN_BYTES ((uint64_t)2048)

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

/* The last block of a chain before `end`; 0 if the chain doesn't lead there. */
static uint64_t last_before(const shmrpci_region *region, uint64_t chain,
                            uint64_t end)
{
    uint64_t last = 0;
    for (uint64_t hops = shmrpci_arena_most_blocks(region);
         chain != 0 && chain != end && hops > 0; hops--) {
        last = chain;
        chain = shmrpci_arena_next(region, chain);
    }
    return chain == end ? last : 0;
}

/* Puts the spare list, with everything linked to it, into a place of the depot
 * that we have taken. */
static void put_spare(shmrpci_region *region, uint32_t class,
                      shmrpci_atomic_u64 *slot)
{
    shmrpci_atomic_u64 *spare = &shmrpci_arena_of(region)->spare[class];
    uint64_t chain = shmrpci_load_relaxed(spare);
    shmrpci_store_seq(slot, depot_word(DEPOT_PUSHING, region->me, chain));
    shmrpci_store_release(spare, (uint64_t)0);
    shmrpci_store_seq(slot, depot_word(DEPOT_READY, region->me, chain));
}

/* Appends the chain in a place of the depot to the spare list. */
static bool merge(shmrpci_region *region, uint32_t class,
                  shmrpci_block_trailer *first, shmrpci_atomic_u64 *slot)
{
    uint64_t word = shmrpci_load_relaxed(slot);
    uint64_t chain = shmrpci_arena_depot_chain(word);
    uint64_t last = last_before(
        region, shmrpci_load_relaxed(&shmrpci_arena_of(region)->spare[class]),
        0);
    shmrpci_block_trailer *end = shmrpci_arena_trailer(region, last);
    if (end == NULL || depot_state(word) != DEPOT_READY ||
        !shmrpci_cas_seq(slot, &word,
                         depot_word(DEPOT_TAKEN, region->me, chain))) {
        return false;
    }
    const shmrpci_block_trailer *behind = shmrpci_arena_trailer(region, chain);
    uint64_t more = behind != NULL ? shmrpci_load_relaxed(&behind->retired) : 0;
    shmrpci_store_release(&first->retired,
                          shmrpci_load_relaxed(&first->retired) + more);
    shmrpci_store_release(&end->link, chain);
    put_spare(region, class, slot);
    return true;
}

/* Puts the spare list into a free place of the depot. If there is none, merges
 * it with the chain in another place. So a participant keeps at most two lists,
 * however many blocks are free. */
void shmrpci_arena_push_spare(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_atomic_u64 *slots = shmrpci_region_state_of(region)->depot[class];
    uint64_t chain = shmrpci_load_relaxed(&arena->spare[class]);
    shmrpci_block_trailer *first = shmrpci_arena_trailer(region, chain);
    if (first == NULL) {
        return;
    }
    shmrpci_store_release(
        &first->retired, (uint64_t)shmrpci_load_relaxed(&arena->spares[class]));
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        uint64_t none = shmrpci_load_relaxed(&slots[i]);
        if (none == 0 &&
            shmrpci_cas_seq(&slots[i], &none,
                            depot_word(DEPOT_PUSHING, region->me, chain))) {
            put_spare(region, class, &slots[i]);
            return;
        }
    }
    for (uint32_t i = 0; i < SHMRPCI_DEPOT_SLOTS; i++) {
        region->depot_next = (region->depot_next + 1) % SHMRPCI_DEPOT_SLOTS;
        if (merge(region, class, first, &slots[region->depot_next])) {
            return;
        }
    }
}

/* Puts a chain of the depot in front of the list. If an heir repeats this and
 * the chain already leads to the list, nothing is left to do. */
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

/* Fills the list from the depot. Returns false if the depot has no blocks. */
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

/* ---- lists that grow long ------------------------------------------------ */

uint64_t shmrpci_arena_most_listed(const shmrpci_region *region)
{
    const shmrpci_region_head *head = &region->facts;
    uint64_t bytes = head->span_count * head->span_bytes / LIST_SHARE;
    uint64_t most = LIST_SPANS * head->span_bytes;
    bytes = bytes < LIST_MIN_BYTES ? LIST_MIN_BYTES : bytes;
    return bytes < most ? bytes : most;
}

/* Makes the whole list the spare list, which is empty before. */
static void make_spare(shmrpci_arena_root *arena, uint32_t class)
{
    shmrpci_store_release(&arena->spares[class],
                          shmrpci_load_relaxed(&arena->count[class]));
    /* Between the two stores the list and the spare list are the same;
     * mend_class repairs that after a death. */
    shmrpci_store_release(&arena->spare[class],
                          shmrpci_load_relaxed(&arena->list[class]));
    shmrpci_store_release(&arena->list[class], (uint64_t)0);
    shmrpci_store_release(&arena->count[class], 0u);
}

/* Moves the first `count` blocks of the list to the spare list, which is empty
 * before. */
static void split(shmrpci_region *region, uint32_t class, uint64_t count)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = shmrpci_load_relaxed(&arena->list[class]);
        shmrpci_block_trailer *end = shmrpci_arena_trailer(region, offset);
        if (end == NULL) {
            return;
        }
        shmrpci_store_release(&arena->moving, offset);
        shmrpci_store_release(&arena->list[class],
                              shmrpci_load_relaxed(&end->link));
        shmrpci_store_release(&end->link,
                              shmrpci_load_relaxed(&arena->spare[class]));
        shmrpci_store_release(&arena->spare[class], offset);
        shmrpci_store_release(&arena->moving, (uint64_t)0);
        shmrpci_store_release(&arena->spares[class], i + 1);
        shmrpci_store_release(&arena->count[class],
                              shmrpci_load_relaxed(&arena->count[class]) - 1);
    }
}

/* Fills the empty spare list. It gets the whole list, or, if the list has grown
 * long, a piece of it, so that several participants can get blocks. */
void shmrpci_arena_fill_spare(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t piece =
        shmrpci_arena_most_listed(region) / shmrpci_class_bytes(class) + 1;
    if (shmrpci_load_relaxed(&arena->count[class]) > 2 * piece) {
        split(region, class, piece);
    } else {
        make_spare(arena, class);
    }
}

bool shmrpci_arena_take_piece(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t piece =
        shmrpci_arena_most_listed(region) / shmrpci_class_bytes(class) + 1;
    if (!shmrpci_arena_take_depot(region, class)) {
        return false;
    }
    /* The loop is limited by the possible number of pieces, as the count may be
     * damaged. */
    for (uint64_t left = shmrpci_arena_most_blocks(region) / piece;
         left > 0 && shmrpci_load_relaxed(&arena->count[class]) > 2 * piece &&
         shmrpci_load_relaxed(&arena->spare[class]) == 0;
         left--) {
        split(region, class, piece);
        shmrpci_arena_push_spare(region, class);
    }
    return true;
}

void shmrpci_arena_share(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    for (uint64_t left = shmrpci_arena_most_blocks(region); left > 0; left--) {
        if (shmrpci_load_relaxed(&arena->spare[class]) != 0) {
            shmrpci_arena_push_spare(region, class);
        }
        if (shmrpci_load_relaxed(&arena->spare[class]) != 0 ||
            shmrpci_load_relaxed(&arena->list[class]) == 0) {
            return;
        }
        shmrpci_arena_fill_spare(region, class);
    }
}

/* ---- after a death ------------------------------------------------------- */

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
        } else if (depot_state(word) == DEPOT_TAKEN &&
                   last_before(region,
                               shmrpci_load_relaxed(&arena->spare[class]),
                               chain) != 0) {
            /* The dead participant has already appended the chain to its
             * spare list (merge); only the last step is missing. */
            put_spare(region, class, &slots[i]);
        } else if (depot_state(word) == DEPOT_TAKEN) {
            prepend(region, class, chain);
            shmrpci_store_seq(&slots[i], (uint64_t)0);
        }
    }
}
