/* See blocks.h. Functions of region/ that are missing here are never called. */
#include "blocks.h"

#include <string.h>

#include "engine.h"
#include "kernel.h"

#define SPANS_OFFSET 20480u
#define SPAN_BYTES   16384u
#define SPANS        2u
#define MAX_BLOCKS   128u

typedef enum place {
    FREE,
    TAKEN, /* not reachable yet, or nobody has reported that it is */
    USED,
    LIMBO
} place;

typedef struct block {
    uint64_t offset;
    uint64_t bytes;
    place place;
    bool is_held; /* whether the participant that took it holds it */
    uint32_t of;  /* that participant */
    uint64_t change;
    unsigned moved; /* increases with each step */
} block;

static _Alignas(4096) uint8_t memory[SPANS_OFFSET + SPANS * SPAN_BYTES];
static block blocks[MAX_BLOCKS];
static unsigned block_count;
static unsigned moves;
static uint64_t end; /* how many bytes of the memory have been used */
static uint64_t used[BLOCKS_PARTICIPANTS + 1][64];
static shmrpci_own_pin pins[BLOCKS_PARTICIPANTS + 1][8];

void blocks_reset(void)
{
    uint64_t bytes = end != 0 ? end : sizeof memory;
    __builtin_memset(memory, 0, bytes);
    block_count = moves = 0;
    end = SPANS_OFFSET;
    engine_share(memory + SPANS_OFFSET, sizeof memory - SPANS_OFFSET);
    shmrpci_region_state *state =
        (void *)(memory + SHMRPCI_REGION_STATE_OFFSET);
    shmrpci_store_relaxed(&state->paid, (uint64_t)SPANS * SPAN_BYTES);
}

void blocks_attach(shmrpci_table *out, uint32_t me, bool is_writer)
{
    uint32_t place = is_writer ? me : BLOCKS_PARTICIPANTS;
    __builtin_memset(out, 0, sizeof *out);
    out->region.fd = kernel_fd();
    out->region.map.at = memory;
    out->region.map.bytes = sizeof memory;
    out->region.me = is_writer ? me : SHMRPCI_REGION_NOBODY;
    out->region.is_writer = is_writer;
    out->region.facts.hash_seed = 2;
    out->region.facts.participant_count = BLOCKS_PARTICIPANTS;
    out->region.facts.spans_offset = SPANS_OFFSET;
    out->region.facts.span_bytes = SPAN_BYTES;
    out->region.facts.span_count = SPANS;
    out->region.pins = pins[place];
    out->region.pin_room = 8;
    out->roots =
        (void *)(memory + SHMRPCI_REGION_PARTICIPANTS_OFFSET +
                 BLOCKS_PARTICIPANTS * sizeof(shmrpci_participant_block));
    out->blocks = memory;
    out->spans_offset = SPANS_OFFSET;
    out->spans_bytes = (uint64_t)SPANS * SPAN_BYTES;
    out->paid = &shmrpci_region_state_of(&out->region)->paid;
    out->capacity = UINT64_MAX;
    out->used = used[place];
    engine_ignore(&out->known_root, sizeof out->known_root);
    engine_ignore(&out->known_last, sizeof out->known_last);
    engine_ignore(&out->known_short, sizeof out->known_short);
    engine_ignore(&out->listeners, sizeof out->listeners);
}

/* ---- the arena ----------------------------------------------------------- */

static block *find(uint64_t offset)
{
    for (unsigned i = 0; i < block_count; i++) {
        if (blocks[i].offset == offset) {
            return &blocks[i];
        }
    }
    ENGINE_CHECK(!"a block begins there");
    return &blocks[0];
}

static void move(block *it, place to)
{
    it->place = to;
    it->moved = ++moves;
}

static void set_free(block *it)
{
    ENGINE_CHECK(!it->is_held);
    move(it, FREE);
}

/* Of the participant's blocks in the place `where` that were moved there after
 * step `after`, returns the one that was moved first; NULL if there is none. */
static block *next_of(uint32_t participant, place where, unsigned after)
{
    block *found = NULL;
    for (unsigned i = 0; i < block_count; i++) {
        block *it = &blocks[i];
        if (it->of == participant && it->place == where && it->moved > after &&
            (found == NULL || it->moved < found->moved)) {
            found = it;
        }
    }
    return found;
}

static block *newest_of(uint32_t participant, place where)
{
    block *found = NULL;
    for (block *it = next_of(participant, where, 0); it != NULL;
         it = next_of(participant, where, it->moved)) {
        found = it;
    }
    return found;
}

/* Does what reclaim_limbo and empty_limbo of arena.c do. */
static void reclaim(shmrpci_region *region)
{
    shmrpci_table *table = (shmrpci_table *)(void *)region;
    block *newest = newest_of(region->me, LIMBO);
    if (newest == NULL) {
        return;
    }
    unsigned last = newest->moved;
    uint64_t limit = shmrpci_pin_close(region, newest->change);
    shmrpci_table_survey(table, region);
    unsigned after = 0;
    for (block *it; (it = next_of(region->me, LIMBO, after)) != NULL;) {
        after = it->moved;
        if (after > last || it->change > limit) {
            break;
        }
        if (!shmrpci_table_is_used(table, region, it->offset, it->change)) {
            set_free(it);
        }
    }
}

static block *new_block(uint32_t participant, uint64_t bytes)
{
    block *it = &blocks[block_count++];
    ENGINE_CHECK(block_count <= MAX_BLOCKS && end + bytes <= sizeof memory);
    *it = (block){.offset = end, .bytes = bytes, .of = participant};
    end += bytes;
    return it;
}

shmrpc_status shmrpci_arena_take(shmrpci_region *region, uint64_t bytes,
                                 uint64_t *out_offset, shmrpc_error *error)
{
    (void)error;
    reclaim(region);
    bytes = (bytes + 63) / 64 * 64;
    block *it = newest_of(region->me, FREE);
    while (it != NULL && it->bytes != bytes) {
        unsigned before = it->moved;
        it = NULL;
        for (unsigned i = 0; i < block_count; i++) {
            block *other = &blocks[i];
            if (other->of == region->me && other->place == FREE &&
                other->moved < before &&
                (it == NULL || other->moved > it->moved)) {
                it = other;
            }
        }
    }
    it = it != NULL ? it : new_block(region->me, bytes);
    /* Cleared before the block is held, as in arena.c: a process that dies here
     * has no block. */
    shmrpci_block_head *head = (void *)(memory + it->offset);
    shmrpci_store_release(&head->committed, 0u);
    it->is_held = true;
    move(it, TAKEN);
    *out_offset = it->offset;
    return SHMRPC_OK;
}

/* Blocks held by a participant, in the order in which they were taken. */
static block *held(uint32_t participant)
{
    block *found = NULL;
    for (unsigned i = 0; i < block_count; i++) {
        block *it = &blocks[i];
        if (it->is_held && it->of == participant &&
            (found == NULL || it->moved > found->moved)) {
            found = it;
        }
    }
    return found;
}

static void keep_one(block *it)
{
    it->is_held = false;
    if (it->place == TAKEN) {
        move(it, USED);
    }
}

static void give_one(block *it)
{
    ENGINE_CHECK(it->place == TAKEN);
    it->is_held = false;
    set_free(it);
}

void shmrpci_arena_keep(shmrpci_region *region)
{
    for (block *it; (it = held(region->me)) != NULL;) {
        keep_one(it);
    }
}

void shmrpci_arena_give(shmrpci_region *region)
{
    for (block *it; (it = held(region->me)) != NULL;) {
        give_one(it);
    }
}

void shmrpci_arena_keep_first(shmrpci_region *region)
{
    block *it = held(region->me);
    ENGINE_CHECK(it != NULL);
    keep_one(it);
}

void shmrpci_arena_give_first(shmrpci_region *region)
{
    block *it = held(region->me);
    ENGINE_CHECK(it != NULL);
    give_one(it);
}

void shmrpci_arena_judge_held(shmrpci_region *region)
{
    for (block *it; (it = held(region->me)) != NULL;) {
        const shmrpci_block_head *head = (void *)(memory + it->offset);
        shmrpci_load_seq(&head->committed) != 0 ? keep_one(it) : give_one(it);
    }
}

shmrpc_status shmrpci_arena_retire(shmrpci_region *region, uint64_t offset,
                                   uint64_t change)
{
    block *it = find(offset);
    ENGINE_CHECK(it->place == USED || (it->place == TAKEN && it->is_held));
    /* In the real arena a block that its maker still holds becomes ours only
     * when the maker releases it. Here it goes into its maker's limbo, because
     * a block has one owner. */
    it->change = change;
    it->of = it->is_held ? it->of : region->me;
    move(it, LIMBO);
    return SHMRPC_OK;
}

uint64_t shmrpci_arena_last_retired(const shmrpci_region *region)
{
    const block *it = newest_of(region->me, LIMBO);
    return it != NULL ? it->offset : 0;
}

/* ---- the rest of the region ---------------------------------------------- */

uint32_t shmrpci_region_high(const shmrpci_region *region)
{
    (void)region;
    return BLOCKS_PARTICIPANTS;
}

void *shmrpci_region_at(const shmrpci_region *region, uint64_t offset,
                        uint64_t bytes)
{
    (void)region;
    return offset >= SPANS_OFFSET && bytes <= sizeof memory &&
                   offset <= sizeof memory - bytes
               ? memory + offset
               : NULL;
}

int64_t shmrpci_coarse_ns(void)
{
    return 0;
}

int shmrpc_error_set(shmrpc_error *error, int status, const char *format, ...)
{
    (void)error;
    (void)format;
    return status;
}

const char *shmrpc_status_text(shmrpc_status status)
{
    (void)status;
    return "";
}

/* What nest.c does for tables without nests. */
void shmrpci_table_each_of_record(const shmrpci_table *table, uint64_t block,
                                  shmrpci_block_visit *visit, void *to)
{
    (void)table;
    visit(to, shmrpci_offset_of(block));
}

/* ---- checks at the end --------------------------------------------------- */

static unsigned reach(uint64_t offset)
{
    ENGINE_CHECK(find(offset)->place == USED);
    return 1;
}

void blocks_check(const shmrpci_table *table)
{
    shmrpci_geometry geometry;
    uint64_t root = shmrpci_load_seq(&table->roots->root);
    unsigned reached = 0;
    unsigned in_use = 0;
    ENGINE_CHECK(shmrpci_table_geometry_closely(table, root, &geometry));
    reached += reach(shmrpci_offset_of(shmrpci_word_block(root)));
    for (uint64_t i = 0; i <= geometry.mask; i++) {
        uint64_t word = shmrpci_load_seq(&geometry.block->index[i]);
        reached +=
            word != 0 ? reach(shmrpci_offset_of(shmrpci_word_block(word))) : 0;
    }
    for (unsigned i = 0; i < block_count; i++) {
        ENGINE_CHECK(!blocks[i].is_held);
        in_use += blocks[i].place == USED;
    }
    ENGINE_CHECK(in_use == reached);
}
