/* Spans: paying for their memory, taking and freeing runs, and recovery after a
 * death. */
#include "region/inside.h"

/* Memory is paid for in steps of a quarter of what is paid for already, within
 * these bounds. */
#define STEP_MIN ((uint64_t)64 << 10)
#define STEP_MAX ((uint64_t)16 << 20)

uint32_t shmrpci_region_paid_spans(const shmrpci_region *region)
{
    return (uint32_t)(shmrpci_region_paid(region) / region->facts.span_bytes);
}

uint64_t shmrpci_region_span_offset(const shmrpci_region *region, uint32_t span)
{
    return region->facts.spans_offset + span * region->facts.span_bytes;
}

bool shmrpci_region_span_at(const shmrpci_region *region, uint64_t offset,
                            uint32_t *out_span)
{
    const shmrpci_region_head *head = &region->facts;
    uint64_t at = offset - head->spans_offset;
    if (offset < head->spans_offset || at % head->span_bytes != 0 ||
        at / head->span_bytes >= shmrpci_region_paid_spans(region)) {
        return false;
    }
    *out_span = (uint32_t)(at / head->span_bytes);
    return true;
}

/* ---- paying -------------------------------------------------------------- */

/* Gets memory for the spans up to `end` bytes, and for their entries in the
 * table. */
static shmrpc_status back(const shmrpci_region *region, uint64_t paid,
                          uint64_t end)
{
    const shmrpci_region_head *head = &region->facts;
    uint64_t entries_at = paid / head->span_bytes * sizeof(uint32_t);
    uint64_t entries_end = end / head->span_bytes * sizeof(uint32_t);
    shmrpc_status status = shmrpci_memory_pay(
        region->fd, head->table_offset + entries_at, entries_end - entries_at);
    return status == SHMRPC_OK
               ? shmrpci_memory_pay(region->fd, head->spans_offset + paid,
                                    end - paid)
               : status;
}

static uint64_t next_end(const shmrpci_region *region, uint64_t paid,
                         uint64_t need)
{
    uint64_t span_bytes = region->facts.span_bytes;
    uint64_t all = region->facts.span_count * span_bytes;
    uint64_t step = paid / 4;
    step = step < STEP_MIN ? STEP_MIN : step;
    step = step > STEP_MAX ? STEP_MAX : step;
    uint64_t end = paid + step > need ? paid + step : need;
    end = (end + span_bytes - 1) / span_bytes * span_bytes;
    return end < all ? end : all;
}

/* Pays for the first `need` bytes of spans, rounded up to whole spans. */
static shmrpc_status pay(shmrpci_region *region, uint64_t need,
                         shmrpc_error *error)
{
    shmrpci_atomic_u64 *word = &shmrpci_region_state_of(region)->paid;
    uint64_t paid = shmrpci_region_paid(region);
    if (paid >= need) {
        return SHMRPC_OK;
    }
    uint64_t end = next_end(region, paid, need);
    shmrpc_status status = back(region, paid, end);
    if (status != SHMRPC_OK) {
        end = need;
        status = back(region, paid, end);
    }
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(
            error, status, "%llu more bytes are needed, but only %llu are free",
            (unsigned long long)(need - paid),
            (unsigned long long)shmrpci_memory_available(region->fd));
    }
    uint64_t seen = shmrpci_load_seq(word);
    while (seen < end && !shmrpci_cas_seq(word, &seen, end)) {
    }
    return SHMRPC_OK;
}

/* ---- the journal --------------------------------------------------------- */

static void journal(shmrpci_region *region, uint32_t first, uint32_t count)
{
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, region->me);
    shmrpci_store_seq(&block->pending_count, count);
    shmrpci_store_seq(&block->pending_first, first + 1);
}

/* Whether the run is reachable. Runs of arenas are judged for the owner of the
 * journal, which the handle is or acts as. */
static bool is_reachable(const shmrpci_region *region, uint32_t first)
{
    uint64_t offset = shmrpci_region_span_offset(region, first);
    uint16_t note = shmrpci_span_note(
        shmrpci_load_seq(shmrpci_region_entry(region, first)));
    if (shmrpci_arena_is_note(note)) {
        return shmrpci_arena_owns(region, offset, note);
    }
    return region->kind.is_reachable != NULL &&
           region->kind.is_reachable(region->kind.user, region, offset);
}

/* Makes `owner` the owner of all spans of a run, the head last: as long as
 * there is a head the run can be found. */
static void seize(shmrpci_region *region, uint32_t owner, uint32_t first,
                  uint32_t count)
{
    uint32_t mine = shmrpci_span_entry(SHMRPCI_SPAN_CLAIMED, owner, 0);
    for (uint32_t i = count; i-- > 0;) {
        shmrpci_atomic_u32 *entry = shmrpci_region_entry(region, first + i);
        uint32_t seen = shmrpci_load_seq(entry);
        if (shmrpci_span_state_of(seen) != SHMRPCI_SPAN_FREE) {
            (void)shmrpci_cas_seq(entry, &seen, mine);
        }
    }
}

/* Frees the spans that `owner` still owns. A span that was freed earlier may
 * belong to another participant by now. */
static void free_owned(shmrpci_region *region, uint32_t owner, uint32_t first,
                       uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        shmrpci_atomic_u32 *entry = shmrpci_region_entry(region, first + i);
        uint32_t seen = shmrpci_load_seq(entry);
        if (shmrpci_span_state_of(seen) != SHMRPCI_SPAN_FREE &&
            shmrpci_span_owner(seen) == owner) {
            (void)shmrpci_cas_seq(entry, &seen, 0u);
        }
    }
}

static bool is_kept(const shmrpci_region *region, uint32_t owner,
                    uint32_t first)
{
    uint32_t entry = shmrpci_load_seq(shmrpci_region_entry(region, first));
    return shmrpci_span_state_of(entry) == SHMRPCI_SPAN_HEAD &&
           shmrpci_span_owner(entry) == owner && is_reachable(region, first);
}

/* Settles the journal. Another heir may repeat each step. */
static void settle(shmrpci_region *region, uint32_t participant, uint32_t first,
                   uint32_t pending_count)
{
    uint32_t count = pending_count & ~SHMRPCI_JOURNAL_GIVES;
    if (count > shmrpci_region_paid_spans(region) - first) {
        return;
    }
    if ((pending_count & SHMRPCI_JOURNAL_GIVES) != 0) {
        if (is_reachable(region, first)) {
            return;
        }
        if (shmrpci_region_has_arenas(region)) {
            shmrpci_arena_forget(region, first);
        }
        seize(region, participant, first, count);
        shmrpci_store_seq(
            &shmrpci_region_participant(region, participant)->pending_count,
            count);
    }
    if (!is_kept(region, participant, first)) {
        free_owned(region, participant, first, count);
    }
}

void shmrpci_region_settle(shmrpci_region *region, uint32_t participant)
{
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, participant);
    uint32_t first = shmrpci_load_seq(&block->pending_first);
    uint32_t count = shmrpci_load_seq(&block->pending_count);
    if (first != 0 && first <= shmrpci_region_paid_spans(region)) {
        settle(region, participant, first - 1, count);
    }
    shmrpci_store_seq(&block->pending_first, 0u);
}

/* ---- taking -------------------------------------------------------------- */

static bool is_free(const shmrpci_region *region, uint32_t span, uint32_t paid)
{
    return span >= paid ||
           shmrpci_load_relaxed(shmrpci_region_entry(region, span)) == 0;
}

/* The first run of `count` free spans at or after `from`; span_count if there
 * is none. It is a guess, which claim confirms. */
static uint32_t search(const shmrpci_region *region, uint32_t from,
                       uint32_t count)
{
    uint32_t paid = shmrpci_region_paid_spans(region);
    uint32_t found = 0;
    for (uint32_t span = from; span < region->facts.span_count; span++) {
        found = is_free(region, span, paid) ? found + 1 : 0;
        if (found == count) {
            return span + 1 - count;
        }
    }
    return region->facts.span_count;
}

/* Claims `count` spans from `first` on: all of them, or none. */
static bool claim(shmrpci_region *region, uint32_t first, uint32_t count)
{
    uint32_t mine = shmrpci_span_entry(SHMRPCI_SPAN_CLAIMED, region->me, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t nobody = 0;
        if (!shmrpci_cas_seq(shmrpci_region_entry(region, first + i), &nobody,
                             mine)) {
            free_owned(region, region->me, first, i);
            return false;
        }
    }
    return true;
}

/* Makes a run of the claimed spans. Writes the head last, because others look
 * for the head. */
static void join_up(shmrpci_region *region, uint32_t first, uint32_t count,
                    uint16_t note)
{
    uint32_t tail = shmrpci_span_entry(SHMRPCI_SPAN_TAIL, region->me, 0);
    uint32_t head = shmrpci_span_entry(SHMRPCI_SPAN_HEAD, region->me, note);
    for (uint32_t i = 1; i < count; i++) {
        shmrpci_store_seq(shmrpci_region_entry(region, first + i), tail);
    }
    shmrpci_store_seq(shmrpci_region_entry(region, first), head);
}

static shmrpc_status full(const shmrpci_region *region, uint64_t bytes,
                          shmrpc_error *error)
{
    uint64_t free_bytes = 0;
    uint32_t paid = shmrpci_region_paid_spans(region);
    for (uint32_t span = 0; span < region->facts.span_count; span++) {
        free_bytes +=
            is_free(region, span, paid) ? region->facts.span_bytes : 0;
    }
    return shmrpc_error_set(
        error, SHMRPC_E_EXHAUSTED,
        "%llu contiguous bytes are needed, but only %llu of max_bytes are free",
        (unsigned long long)bytes, (unsigned long long)free_bytes);
}

shmrpc_status shmrpci_region_take(shmrpci_region *region, uint64_t bytes,
                                  uint16_t note, uint64_t *out_offset,
                                  shmrpc_error *error)
{
    uint64_t span_bytes = region->facts.span_bytes;
    uint32_t all = region->facts.span_count;
    if (bytes == 0 || bytes > all * span_bytes) {
        return full(region, bytes, error);
    }
    uint32_t count = (uint32_t)((bytes + span_bytes - 1) / span_bytes);
    bool from_start = region->cursor == 0;
    for (;;) {
        uint32_t first = search(region, region->cursor, count);
        if (first == all) {
            if (from_start) {
                return full(region, bytes, error);
            }
            from_start = true;
            region->cursor = 0;
            continue;
        }
        shmrpc_status status =
            pay(region, (first + (uint64_t)count) * span_bytes, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        journal(region, first, count);
        if (claim(region, first, count)) {
            join_up(region, first, count, note);
            region->cursor = first + count < all ? first + count : 0;
            *out_offset = shmrpci_region_span_offset(region, first);
            return SHMRPC_OK;
        }
        shmrpci_region_keep(region);
    }
}

void shmrpci_region_keep(shmrpci_region *region)
{
    shmrpci_store_seq(
        &shmrpci_region_participant(region, region->me)->pending_first, 0u);
}

/* ---- freeing ------------------------------------------------------------- */

/* Length of the run that begins at `first`; 0 if there is none. */
static uint32_t run_length(const shmrpci_region *region, uint32_t first)
{
    uint32_t paid = shmrpci_region_paid_spans(region);
    uint32_t head = shmrpci_load_seq(shmrpci_region_entry(region, first));
    if (shmrpci_span_state_of(head) != SHMRPCI_SPAN_HEAD) {
        return 0;
    }
    uint32_t tail =
        shmrpci_span_entry(SHMRPCI_SPAN_TAIL, shmrpci_span_owner(head), 0);
    uint32_t count = 1;
    while (first + count < paid && shmrpci_load_seq(shmrpci_region_entry(
                                       region, first + count)) == tail) {
        count++;
    }
    return count;
}

uint64_t shmrpci_region_run_bytes(const shmrpci_region *region, uint64_t offset)
{
    uint32_t first;
    return shmrpci_region_span_at(region, offset, &first)
               ? run_length(region, first) * region->facts.span_bytes
               : 0;
}

void shmrpci_region_intend(shmrpci_region *region, uint64_t offset)
{
    uint32_t first;
    uint32_t count = shmrpci_region_span_at(region, offset, &first)
                         ? run_length(region, first)
                         : 0;
    if (count > 0) {
        journal(region, first, count | SHMRPCI_JOURNAL_GIVES);
    }
}

void shmrpci_region_give(shmrpci_region *region)
{
    shmrpci_participant_block *block =
        shmrpci_region_participant(region, region->me);
    /* The next search begins at the freed run, whose memory may still be in the
     * cache. */
    uint32_t first = shmrpci_load_seq(&block->pending_first);
    if (first != 0 && first - 1 < region->cursor) {
        region->cursor = first - 1;
    }
    shmrpci_region_settle(region, region->me);
}
