/* Judging a region that nobody changes. */
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

/* Whether a participant, or its heir to be, will free or keep the span. */
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
        report(of, SHMRPCI_REGION_STATE_OFFSET, "more is paid for than is");
    }
    if (shmrpci_load_seq(&state->high) > region->facts.participant_count) {
        report(of,
               SHMRPCI_REGION_STATE_OFFSET +
                   offsetof(shmrpci_region_state, high),
               "more participants than places");
    }
}

static void check_head(judgement *of, uint32_t span)
{
    const shmrpci_region *region = of->region;
    uint64_t offset = shmrpci_region_span_offset(region, span);
    if (!region->kind.is_reachable(region->kind.user, region, offset) &&
        !is_journalled(region, span)) {
        report(of, offset, "a run that nothing leads to");
    }
}

/* `run` is the entry that a tail at `span` must have; 0: no run goes on. */
static uint32_t check_entry(judgement *of, uint32_t span, uint32_t run)
{
    uint32_t entry = shmrpci_load_seq(shmrpci_region_entry(of->region, span));
    uint32_t owner = shmrpci_span_owner(entry);
    if (entry == 0) {
        return 0;
    }
    if (owner >= shmrpci_region_high(of->region)) {
        report(of, entry_offset(of, span), "a span of nobody");
    }
    switch (shmrpci_span_state_of(entry)) {
    case SHMRPCI_SPAN_HEAD:
        check_head(of, span);
        return shmrpci_span_entry(SHMRPCI_SPAN_TAIL, owner, 0);
    case SHMRPCI_SPAN_TAIL:
        if (entry != run && !is_journalled(of->region, span)) {
            report(of, entry_offset(of, span), "the tail of no run");
        }
        return run;
    case SHMRPCI_SPAN_CLAIMED:
        if (!is_journalled(of->region, span)) {
            report(of, entry_offset(of, span), "claimed for ever");
        }
        return 0;
    case SHMRPCI_SPAN_FREE:
        break;
    }
    report(of, entry_offset(of, span), "a free span that says more");
    return 0;
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
    return of.count;
}
