/* Checks a region that is not being changed. */
#include <stdlib.h>

#include "region/inside.h"

typedef struct judgement {
    const shmrpci_region *region;
    shmrpci_region_finding *finding;
    void *user;
    uint64_t count;
} judgement;

static void report(judgement *of, uint64_t offset, const char *what)
{
    of->count++;
    if (of->finding != NULL) {
        of->finding(of->user, offset, what);
    }
}

static uint64_t entry_offset(const judgement *of, uint32_t span)
{
    return of->region->facts.table_offset + span * (uint64_t)sizeof(uint32_t);
}

/* Whether the span is in a participant's journal, so that this participant or
 * its heir will free or keep it. */
static bool is_journalled(const shmrpci_region *region, uint32_t span)
{
    uint32_t high = shmrpci_region_high(region);
    for (uint32_t p = 0; p < high; p++) {
        const shmrpci_participant_block *block =
            shmrpci_region_participant(region, p);
        uint32_t first = shmrpci_load_seq(&block->pending_first);
        uint32_t count =
            shmrpci_load_seq(&block->pending_count) & ~SHMRPCI_JOURNAL_GIVES;
        if (first != 0 && span >= first - 1 && span - (first - 1) < count) {
            return true;
        }
    }
    return false;
}

static void check_state(judgement *of)
{
    const shmrpci_region *region = of->region;
    const shmrpci_region_state *state = shmrpci_region_state_of(region);
    uint64_t paid = shmrpci_load_seq(&state->paid);
    if (paid > region->facts.span_count * region->facts.span_bytes ||
        paid % region->facts.span_bytes != 0) {
        report(of, SHMRPCI_REGION_STATE_OFFSET,
               "more spans are paid for than exist");
    }
    if (shmrpci_load_seq(&state->high) > region->facts.participant_count) {
        report(of,
               SHMRPCI_REGION_STATE_OFFSET +
                   offsetof(shmrpci_region_state, high),
               "more participants than the maximum");
    }
}

static void check_head(judgement *of, uint32_t span)
{
    const shmrpci_region *region = of->region;
    uint64_t offset = shmrpci_region_span_offset(region, span);
    uint16_t note =
        shmrpci_span_note(shmrpci_load_seq(shmrpci_region_entry(region, span)));
    if (!shmrpci_arena_is_note(note) &&
        (region->kind.is_reachable == NULL ||
         !region->kind.is_reachable(region->kind.user, region, offset)) &&
        !is_journalled(region, span)) {
        report(of, offset, "a run that is not reachable");
    }
}

/* Checks the entry of `span`. `run` is the entry that a tail there must have;
 * 0: no run continues here. */
static uint32_t check_entry(judgement *of, uint32_t span, uint32_t run)
{
    uint32_t entry = shmrpci_load_seq(shmrpci_region_entry(of->region, span));
    uint32_t owner = shmrpci_span_owner(entry);
    if (entry == 0) {
        return 0;
    }
    if (owner >= shmrpci_region_high(of->region)) {
        report(of, entry_offset(of, span),
               "a span of a participant that does not exist");
    }
    switch (shmrpci_span_state_of(entry)) {
    case SHMRPCI_SPAN_HEAD:
        check_head(of, span);
        return shmrpci_span_entry(SHMRPCI_SPAN_TAIL, owner, 0);
    case SHMRPCI_SPAN_TAIL:
        if (entry != run && !is_journalled(of->region, span)) {
            report(of, entry_offset(of, span), "a tail that belongs to no run");
        }
        return run;
    case SHMRPCI_SPAN_CLAIMED:
        if (!is_journalled(of->region, span)) {
            report(of, entry_offset(of, span), "a span that stays claimed");
        }
        return 0;
    case SHMRPCI_SPAN_FREE:
        break;
    }
    report(of, entry_offset(of, span), "a free span with an owner or a note");
    return 0;
}

/* ---- blocks -------------------------------------------------------------- */

/* There is a mark for each 64 bytes. That is enough for one mark per block,
 * because two blocks never begin within 64 bytes. */
#define MARK_BYTES ((uint64_t)64)

/* The holder of the block is dead, or in the middle of an operation. The block
 * may be found twice, or not at all, until an heir has cleaned up. */
#define MARK_LOOSE 0x80u

typedef struct blocks {
    judgement *of;
    uint8_t *marks;
    uint64_t count;
} blocks;

/* Returns NULL if no block begins there. */
static uint8_t *mark_at(const blocks *all, uint64_t offset)
{
    const shmrpci_region *region = all->of->region;
    uint32_t class;
    uint64_t bytes;
    return shmrpci_arena_find(region, offset, &class, &bytes)
               ? &all->marks[(offset - region->facts.spans_offset) / MARK_BYTES]
               : NULL;
}

static void visit(void *to, uint64_t offset)
{
    blocks *all = to;
    uint8_t *mark = mark_at(all, offset);
    if (mark == NULL) {
        report(all->of, offset, "an offset at which no block begins");
    } else if (*mark == 1) {
        report(all->of, offset, "a block in two places");
    } else if (*mark == 0) {
        *mark = 1;
    }
}

static void loosen(void *to, uint64_t offset)
{
    blocks *all = to;
    uint8_t *mark = mark_at(all, offset);
    if (mark != NULL) {
        *mark = MARK_LOOSE;
    }
}

static void visit_chain(blocks *all, uint64_t offset, shmrpci_block_visit *what)
{
    for (uint64_t hops = 0; offset != 0; hops++) {
        if (hops > all->count || mark_at(all, offset) == NULL) {
            report(all->of, offset,
                   "a chain that is a cycle, or leads to an offset at which no "
                   "block begins");
            return;
        }
        what(all, offset);
        offset = shmrpci_arena_next(all->of->region, offset);
    }
}

static void loosen_held(blocks *all, uint64_t offset)
{
    for (uint64_t hops = 0; offset != 0 && hops <= all->count; hops++) {
        loosen(all, offset);
        offset = shmrpci_arena_next_held(all->of->region, offset);
    }
}

/* Visits the blocks in the rest of a span that is being cut up. */
static void visit_rest(blocks *all, uint64_t offset)
{
    const shmrpci_region_head *head = &all->of->region->facts;
    uint32_t class;
    uint64_t bytes;
    if (offset == 0 ||
        !shmrpci_arena_find(all->of->region, offset, &class, &bytes)) {
        return;
    }
    uint64_t within = (offset - head->spans_offset) % head->span_bytes;
    for (; within + bytes <= head->span_bytes; within += bytes) {
        visit(all, offset);
        offset += bytes;
    }
}

static void visit_arena(blocks *all, uint32_t participant)
{
    const shmrpci_arena_root *arena =
        &shmrpci_region_participant(all->of->region, participant)->arena;
    visit_chain(all, shmrpci_load_seq(&arena->limbo_head), visit);
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        visit_chain(all, shmrpci_load_seq(&arena->list[class]), visit);
        visit_chain(all, shmrpci_load_seq(&arena->spare[class]), visit);
        visit_rest(all, shmrpci_load_seq(&arena->rest[class]));
    }
}

static void visit_depot(blocks *all)
{
    const shmrpci_region_state *state =
        shmrpci_region_state_of(all->of->region);
    for (uint32_t i = 0; i < SHMRPCI_CLASS_COUNT * SHMRPCI_DEPOT_SLOTS; i++) {
        uint64_t word = shmrpci_load_seq(
            &state->depot[i / SHMRPCI_DEPOT_SLOTS][i % SHMRPCI_DEPOT_SLOTS]);
        visit_chain(all, shmrpci_arena_depot_chain(word), visit);
    }
}

/* Checks that each block of a span, or of a run, was found. */
static void check_found(blocks *all, uint32_t span)
{
    const shmrpci_region *region = all->of->region;
    uint64_t start = shmrpci_region_span_offset(region, span);
    uint32_t class;
    uint64_t bytes;
    for (uint64_t at = 0;
         at < region->facts.span_bytes &&
         shmrpci_arena_find(region, start + at, &class, &bytes) &&
         !is_journalled(region, span);
         at += bytes) {
        if (*mark_at(all, start + at) == 0) {
            report(all->of, start + at, "a block that is not reachable");
        }
    }
}

static void check_blocks(judgement *of)
{
    const shmrpci_region *region = of->region;
    uint32_t paid = shmrpci_region_paid_spans(region);
    blocks all = {.of = of, .count = shmrpci_region_paid(region) / MARK_BYTES};
    all.marks = calloc(all.count + 1, 1);
    if (all.marks == NULL) {
        report(of, 0, "no memory for checking the blocks");
        return;
    }
    for (uint32_t p = 0; p < shmrpci_region_high(region); p++) {
        const shmrpci_arena_root *arena =
            &shmrpci_region_participant(region, p)->arena;
        loosen(&all, shmrpci_load_seq(&arena->moving));
        loosen_held(&all, shmrpci_load_seq(&arena->held));
    }
    for (uint32_t p = 0; p < shmrpci_region_high(region); p++) {
        visit_arena(&all, p);
    }
    visit_depot(&all);
    region->kind.each_block(region->kind.user, region, visit, &all);
    for (uint32_t span = 0; span < paid; span++) {
        check_found(&all, span);
    }
    free(all.marks);
}

uint64_t shmrpci_region_check(const shmrpci_region *region,
                              shmrpci_region_finding *finding, void *user)
{
    judgement of = {region, finding, user, 0};
    check_state(&of);
    uint32_t paid = shmrpci_region_paid_spans(region);
    uint32_t run = 0;
    for (uint32_t span = 0; span < paid; span++) {
        run = check_entry(&of, span, run);
    }
    if (shmrpci_region_has_arenas(region)) {
        check_blocks(&of);
    }
    return of.count;
}
