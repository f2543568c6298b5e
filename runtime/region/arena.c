/* Blocks: taking, holding and retiring them, and recovery after a death. */
#include "region/inside.h"

/* The newest LIMBO_YOUNG blocks stay in the limbo, so that a reader that is
 * reading one of them need not start over. The limbo is checked after
 * LIMBO_LOOK blocks were retired. */
#define LIMBO_YOUNG 64u
#define LIMBO_LOOK  192u
/* The limbo is also checked after this many bytes were retired. */
#define LIMBO_BYTES ((uint64_t)1 << 20)
/* In a region with fewer spans than this a new span is cut up at once. */
#define SMALL_SPANS 1024u
/* When the depot is full a list may exceed its limit. A list of more than
 * HOARD_LISTS times its limit is searched for spans whose blocks are all
 * free. */
#define HOARD_LISTS 8u

#define NOTE_ARENA 0x8000u
#define NOTE_LARGE 0x80FFu

#define CLASS_MAX_BYTES ((uint64_t)7168)
#define TRAILER         ((uint64_t)sizeof(shmrpci_block_trailer))

/* ---- locating blocks ----------------------------------------------------- */

/* The class of a block of `bytes`, at most CLASS_MAX_BYTES. */
static uint32_t class_of(uint64_t bytes)
{
    if (bytes <= shmrpci_class_bytes(0)) {
        return 0;
    }
    uint32_t top = 63u - (uint32_t)__builtin_clzll(bytes - 1);
    return (top - 6) * 4 + ((uint32_t)((bytes - 1) >> (top - 2)) & 3u) + 1;
}

shmrpci_arena_root *shmrpci_arena_of(const shmrpci_region *region)
{
    return &shmrpci_region_participant(region, region->me)->arena;
}

/* Returns NULL if the offset is damaged. */
static shmrpci_block_trailer *trailer(const shmrpci_region *region,
                                      uint64_t offset, uint64_t bytes)
{
    if (offset % SHMRPCI_BLOCK_ALIGN != 0 ||
        offset < region->facts.spans_offset) {
        return NULL;
    }
    uint8_t *at = shmrpci_region_at(region, offset, bytes);
    return at != NULL ? (shmrpci_block_trailer *)(void *)(at + bytes - TRAILER)
                      : NULL;
}

/* Whether `bytes` is a multiple of the class's size. A division would take as
 * long as the rest of the function. */
static bool is_multiple(uint64_t bytes, uint32_t class)
{
    /* 2^40 divided by 4, 5, 6 and 7, rounded up; exact for quotients below
     * 2^30. */
    static const uint64_t inverse[4] = {
        UINT64_C(274877906944), UINT64_C(219902325556), UINT64_C(183251937963),
        UINT64_C(157073089683)};
    uint32_t shift = 4 + class / 4;
    uint64_t units = bytes >> shift;
    uint64_t quotient = units * inverse[class % 4] >> 40;
    return (bytes & (((uint64_t)1 << shift) - 1)) == 0 &&
           quotient * (4 + class % 4) == units;
}

bool shmrpci_arena_find(const shmrpci_region *region, uint64_t offset,
                        uint32_t *out_class, uint64_t *out_bytes)
{
    uint64_t span_bytes = region->facts.span_bytes;
    uint64_t at = offset - region->facts.spans_offset;
    /* The size of a span is a power of two. */
    uint64_t span = at >> __builtin_ctzll(span_bytes);
    uint64_t within = at & (span_bytes - 1);
    if (offset < region->facts.spans_offset ||
        at >= shmrpci_region_paid(region)) {
        return false;
    }
    uint32_t entry =
        shmrpci_load_acquire(shmrpci_region_entry(region, (uint32_t)span));
    uint16_t note = shmrpci_span_note(entry);
    if (shmrpci_span_state_of(entry) != SHMRPCI_SPAN_HEAD) {
        return false;
    }
    if (note == NOTE_LARGE) {
        *out_class = SHMRPCI_CLASS_COUNT;
        *out_bytes = shmrpci_region_run_bytes(region, offset);
        return *out_bytes != 0;
    }
    *out_class = note & ~NOTE_ARENA;
    if ((note & NOTE_ARENA) == 0 || *out_class >= SHMRPCI_CLASS_COUNT) {
        return false;
    }
    *out_bytes = shmrpci_class_bytes(*out_class);
    return is_multiple(within, *out_class) && within + *out_bytes <= span_bytes;
}

uint64_t shmrpci_arena_block_bytes(const shmrpci_region *region,
                                   uint64_t offset)
{
    uint32_t class;
    uint64_t bytes;
    return shmrpci_arena_find(region, offset, &class, &bytes) ? bytes - TRAILER
                                                              : 0;
}

shmrpci_block_trailer *shmrpci_arena_trailer(const shmrpci_region *region,
                                             uint64_t offset)
{
    uint64_t bytes = shmrpci_arena_block_bytes(region, offset);
    return bytes != 0 ? trailer(region, offset, bytes + TRAILER) : NULL;
}

uint64_t shmrpci_arena_next(const shmrpci_region *region, uint64_t offset)
{
    const shmrpci_block_trailer *end = shmrpci_arena_trailer(region, offset);
    return end != NULL ? shmrpci_load_relaxed(&end->link) : 0;
}

uint64_t shmrpci_arena_next_held(const shmrpci_region *region, uint64_t offset)
{
    const shmrpci_block_trailer *end = shmrpci_arena_trailer(region, offset);
    return end != NULL ? shmrpci_load_relaxed(&end->held) : 0;
}

/* ---- free lists ---------------------------------------------------------- */

/* If the list has grown long, it becomes the spare list, and the old spare list
 * goes to the depot. */
static void trim(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint32_t count = shmrpci_load_relaxed(&arena->count[class]);
    if (count * shmrpci_class_bytes(class) <
        shmrpci_arena_most_listed(region)) {
        return;
    }
    if (shmrpci_load_relaxed(&arena->spare[class]) != 0) {
        shmrpci_arena_push_spare(region, class);
    }
    if (shmrpci_load_relaxed(&arena->spare[class]) == 0) {
        shmrpci_arena_fill_spare(region, class);
    }
}

/* Frees the block in `moving`, which is in no other place. */
static void set_found_free(shmrpci_region *region, uint64_t offset,
                           uint32_t class, uint64_t bytes)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    if (class == SHMRPCI_CLASS_COUNT) {
        shmrpci_region_intend(region, offset);
        shmrpci_store_release(&arena->moving, (uint64_t)0);
        shmrpci_region_give(region);
        return;
    }
    shmrpci_block_trailer *end = trailer(region, offset, bytes);
    if (end != NULL) {
        shmrpci_store_release(&end->link,
                              shmrpci_load_relaxed(&arena->list[class]));
        shmrpci_store_release(&arena->list[class], offset);
        shmrpci_store_release(&arena->count[class],
                              shmrpci_load_relaxed(&arena->count[class]) + 1);
    }
    shmrpci_store_release(&arena->moving, (uint64_t)0);
    trim(region, class);
}

static void set_free(shmrpci_region *region, uint64_t offset)
{
    uint32_t class;
    uint64_t bytes;
    if (shmrpci_arena_find(region, offset, &class, &bytes)) {
        set_found_free(region, offset, class, bytes);
    } else {
        shmrpci_store_release(&shmrpci_arena_of(region)->moving, (uint64_t)0);
    }
}

/* ---- taking -------------------------------------------------------------- */

static bool has_spare(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t spare = shmrpci_load_relaxed(&arena->spare[class]);
    if (spare == 0) {
        return false;
    }
    shmrpci_store_release(&arena->list[class], spare);
    shmrpci_store_release(&arena->count[class],
                          shmrpci_load_relaxed(&arena->spares[class]));
    shmrpci_store_release(&arena->spare[class], (uint64_t)0);
    return true;
}

/* Whether the list or the rest of a span has free blocks of the class. If not,
 * refills the list from the spare list or the depot; takes no new span. */
static bool refill(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    return shmrpci_load_relaxed(&arena->list[class]) != 0 ||
           has_spare(region, class) ||
           shmrpci_load_relaxed(&arena->rest[class]) != 0 ||
           shmrpci_arena_take_piece(region, class);
}

/* Moves the next block of the rest of a span to `moving`. */
static uint64_t leave_rest(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t bytes = shmrpci_class_bytes(class);
    uint64_t offset = shmrpci_load_relaxed(&arena->rest[class]);
    uint64_t within =
        (offset - region->facts.spans_offset) & (region->facts.span_bytes - 1);
    bool is_last = within + 2 * bytes > region->facts.span_bytes;
    shmrpci_store_release(&arena->moving, offset);
    shmrpci_store_release(&arena->rest[class],
                          is_last ? (uint64_t)0 : offset + bytes);
    return offset;
}

/* Puts all blocks of the rest of a span into the list, from which other
 * participants can get them. */
void shmrpci_arena_cut_up(shmrpci_region *region, uint32_t class)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t most = region->facts.span_bytes / shmrpci_class_bytes(class);
    while (most-- > 0 && shmrpci_load_relaxed(&arena->rest[class]) != 0) {
        set_free(region, leave_rest(region, class));
    }
}

/* Takes a span for the participant. Blocks are cut from it when they are
 * needed, or, in a small region, all at once. */
static shmrpc_status new_span(shmrpci_region *region, uint32_t class,
                              shmrpc_error *error)
{
    uint64_t offset;
    shmrpc_status status =
        shmrpci_region_take(region, region->facts.span_bytes,
                            (uint16_t)(NOTE_ARENA | class), &offset, error);
    if (status == SHMRPC_OK) {
        shmrpci_store_release(&shmrpci_arena_of(region)->rest[class], offset);
        shmrpci_region_keep(region);
        if (region->facts.span_count < SMALL_SPANS) {
            shmrpci_arena_cut_up(region, class);
        }
    }
    return status;
}

static void hold(shmrpci_region *region, uint64_t offset,
                 shmrpci_block_trailer *end)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_block_head *head =
        (shmrpci_block_head *)(void *)((uint8_t *)region->map.at + offset);
    shmrpci_store_release(&head->committed, 0u);
    shmrpci_store_release(&end->held, shmrpci_load_relaxed(&arena->held));
    shmrpci_store_release(&arena->held, offset);
}

/* Takes a block from the list, or else from the rest of a span. The caller has
 * made sure that one of the two has a block. */
static shmrpc_status hold_one(shmrpci_region *region, uint32_t class,
                              uint64_t *out_offset)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t bytes = shmrpci_class_bytes(class);
    uint64_t offset = shmrpci_load_relaxed(&arena->list[class]);
    bool is_listed = offset != 0;
    offset = is_listed ? offset : shmrpci_load_relaxed(&arena->rest[class]);
    shmrpci_block_trailer *end = trailer(region, offset, bytes);
    if (end == NULL) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (is_listed) {
        shmrpci_store_release(&arena->moving, offset);
        shmrpci_store_release(&arena->list[class],
                              shmrpci_load_relaxed(&end->link));
        uint32_t count = shmrpci_load_relaxed(&arena->count[class]);
        shmrpci_store_release(&arena->count[class], count - (count > 0));
    } else {
        (void)leave_rest(region, class);
    }
    hold(region, offset, end);
    shmrpci_store_release(&arena->moving, (uint64_t)0);
    *out_offset = offset;
    return SHMRPC_OK;
}

static shmrpc_status take_large(shmrpci_region *region, uint64_t bytes,
                                uint64_t *out_offset, shmrpc_error *error)
{
    uint64_t offset;
    shmrpc_status status =
        shmrpci_region_take(region, bytes, NOTE_LARGE, &offset, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    shmrpci_block_trailer *end = shmrpci_arena_trailer(region, offset);
    if (end == NULL) {
        shmrpci_region_give(region);
        return SHMRPC_E_DATA_LOSS;
    }
    hold(region, offset, end);
    shmrpci_region_keep(region);
    *out_offset = offset;
    return SHMRPC_OK;
}

static shmrpc_status take(shmrpci_region *region, uint64_t bytes,
                          uint64_t *out_offset, shmrpc_error *error)
{
    if (bytes > CLASS_MAX_BYTES) {
        return take_large(region, bytes, out_offset, error);
    }
    uint32_t class = class_of(bytes);
    if (!refill(region, class)) {
        shmrpc_status status = new_span(region, class, error);
        if (status != SHMRPC_OK) {
            return status;
        }
        /* Cutting up the span may have made the whole list the spare list:
         * makes it the list again. */
        (void)refill(region, class);
    }
    return hold_one(region, class, out_offset);
}

/* Takes a block of a larger class, without taking a new span. */
static bool take_larger(shmrpci_region *region, uint64_t bytes,
                        uint64_t *out_offset)
{
    if (bytes > CLASS_MAX_BYTES) {
        return false;
    }
    for (uint32_t class = class_of(bytes); class < SHMRPCI_CLASS_COUNT;
         class ++) {
        if (refill(region, class) &&
            hold_one(region, class, out_offset) == SHMRPC_OK) {
            return true;
        }
    }
    return false;
}

/* Called when memory is exhausted: searches the limbo, and the arenas of dead
 * participants. */
static shmrpc_status scrape(shmrpci_region *region, uint64_t bytes,
                            uint64_t *out_offset, shmrpc_error *error)
{
    shmrpci_arena_reclaim(region, true);
    bool has_more = true;
    for (;;) {
        (void)shmrpci_region_bury(region);
        shmrpc_status status = take(region, bytes, out_offset, error);
        if (status != SHMRPC_E_EXHAUSTED || !has_more) {
            return status;
        }
        if (take_larger(region, bytes, out_offset)) {
            return SHMRPC_OK;
        }
        has_more = shmrpci_arena_regain(region);
    }
}

static shmrpc_status exhausted(const shmrpci_region *region,
                               shmrpc_status status, shmrpc_error *error)
{
    uint64_t end =
        shmrpci_load_seq(&shmrpci_region_state_of(region)->reclaim_limit);
    uint64_t oldest = shmrpci_pin_oldest(region, end);
    if (oldest < end && error != NULL) {
        shmrpc_error was = *error;
        return shmrpc_error_set(
            error, status,
            "%s; process %d still reads change %llu, which keeps memory in use",
            was.message, shmrpci_pin_holder(region, oldest),
            (unsigned long long)oldest);
    }
    return status;
}

shmrpc_status shmrpci_arena_take(shmrpci_region *region, uint64_t bytes,
                                 uint64_t *out_offset, shmrpc_error *error)
{
    if (bytes > SHMRPCI_REGION_MAX_BYTES) {
        return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                                "a block of %llu bytes",
                                (unsigned long long)bytes);
    }
    bytes += TRAILER;
    if (region->retired_count >= LIMBO_LOOK ||
        region->retired_bytes >= LIMBO_BYTES) {
        shmrpci_arena_reclaim(region, false);
    }
    shmrpc_status status = take(region, bytes, out_offset, error);
    if (status == SHMRPC_E_EXHAUSTED) {
        status = scrape(region, bytes, out_offset, error);
    }
    return status == SHMRPC_E_EXHAUSTED ? exhausted(region, status, error)
                                        : status;
}

void shmrpci_arena_keep(shmrpci_region *region)
{
    shmrpci_store_release(&shmrpci_arena_of(region)->held, (uint64_t)0);
}

/* Moves the first block of the held chain to `moving`. */
static uint64_t unhold(shmrpci_region *region)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t offset = shmrpci_load_relaxed(&arena->held);
    shmrpci_block_trailer *end =
        offset != 0 ? shmrpci_arena_trailer(region, offset) : NULL;
    if (end == NULL) {
        shmrpci_store_release(&arena->held, (uint64_t)0);
        return 0;
    }
    shmrpci_store_release(&arena->moving, offset);
    shmrpci_store_release(&arena->held, shmrpci_load_relaxed(&end->held));
    return offset;
}

void shmrpci_arena_keep_first(shmrpci_region *region)
{
    shmrpci_atomic_u64 *held = &shmrpci_arena_of(region)->held;
    shmrpci_store_release(
        held, shmrpci_arena_next_held(region, shmrpci_load_relaxed(held)));
}

void shmrpci_arena_give_first(shmrpci_region *region)
{
    uint64_t offset = unhold(region);
    if (offset != 0) {
        set_free(region, offset);
    }
}

void shmrpci_arena_give(shmrpci_region *region)
{
    for (uint64_t offset; (offset = unhold(region)) != 0;) {
        set_free(region, offset);
    }
}

/* ---- limbo --------------------------------------------------------------- */

shmrpc_status shmrpci_arena_retire(shmrpci_region *region, uint64_t offset,
                                   uint64_t change)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t bytes = shmrpci_arena_block_bytes(region, offset);
    shmrpci_block_trailer *end =
        bytes != 0 ? trailer(region, offset, bytes + TRAILER) : NULL;
    uint64_t tail = shmrpci_load_relaxed(&arena->limbo_tail);
    shmrpci_block_trailer *last = region->last_end;
    if (last == NULL || tail != region->last_retired) {
        last = tail != 0 ? shmrpci_arena_trailer(region, tail) : NULL;
    }
    if (end == NULL || (tail != 0 && last == NULL)) {
        return SHMRPC_E_DATA_LOSS;
    }
    shmrpci_store_release(&end->retired, change);
    shmrpci_store_release(&end->link, (uint64_t)0);
    shmrpci_store_release(last != NULL ? &last->link : &arena->limbo_head,
                          offset);
    shmrpci_store_release(&arena->limbo_tail, offset);
    region->last_retired = offset;
    region->last_end = end;
    region->retired_bytes += bytes;
    region->retired_count++;
    shmrpci_store_release(&arena->limbo_count,
                          shmrpci_load_relaxed(&arena->limbo_count) + 1);
    return SHMRPC_OK;
}

uint64_t shmrpci_arena_last_retired(const shmrpci_region *region)
{
    return shmrpci_load_relaxed(&shmrpci_arena_of(region)->limbo_tail);
}

/* Moves `offset` from the limbo to `moving`; `before` is the block that links
 * to `offset`, or 0 if `offset` is the first block. */
static void leave_limbo(shmrpci_region *region, uint64_t before,
                        uint64_t offset, const shmrpci_block_trailer *end)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    shmrpci_block_trailer *last =
        before != 0 ? shmrpci_arena_trailer(region, before) : NULL;
    if (offset == region->last_retired) {
        region->last_end = NULL;
    }
    shmrpci_store_release(&arena->moving, offset);
    if (shmrpci_load_relaxed(&arena->limbo_tail) == offset) {
        shmrpci_store_release(&arena->limbo_tail, before);
    }
    shmrpci_store_release(last != NULL ? &last->link : &arena->limbo_head,
                          shmrpci_load_relaxed(&end->link));
}

/* Frees the blocks that were retired before `end` and are not in use, except
 * the youngest unless `all`. */
static void empty_limbo(shmrpci_region *region, uint64_t end, bool all)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t count = shmrpci_load_relaxed(&arena->limbo_count);
    uint64_t before = 0;
    uint64_t at = shmrpci_load_relaxed(&arena->limbo_head);
    for (uint64_t hops = shmrpci_arena_most_blocks(region); at != 0 && hops > 0;
         hops--) {
        uint32_t class;
        uint64_t bytes;
        const shmrpci_block_trailer *of =
            shmrpci_arena_find(region, at, &class, &bytes)
                ? trailer(region, at, bytes)
                : NULL;
        if (of == NULL || shmrpci_load_relaxed(&of->retired) > end ||
            (!all && count <= LIMBO_YOUNG)) {
            break;
        }
        uint64_t next = shmrpci_load_relaxed(&of->link);
        if (region->kind.is_used != NULL &&
            region->kind.is_used(region->kind.user, region, at,
                                 shmrpci_load_relaxed(&of->retired))) {
            before = at;
        } else {
            leave_limbo(region, before, at, of);
            set_found_free(region, at, class, bytes);
            count -= count > 0;
            shmrpci_store_release(&arena->limbo_count, count);
        }
        at = next;
    }
}

static void reclaim_limbo(shmrpci_region *region, bool all)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t tail = shmrpci_load_relaxed(&arena->limbo_tail);
    const shmrpci_block_trailer *last =
        tail != 0 ? shmrpci_arena_trailer(region, tail) : NULL;
    bool is_large = region->retired_bytes >= LIMBO_BYTES;
    region->retired_bytes = 0;
    region->retired_count = 0;
    if (last == NULL) {
        return;
    }
    uint64_t end = shmrpci_load_relaxed(&last->retired);
    end = end <= SHMRPCI_REGION_CHANGES_MAX ? end : 0;
    end = shmrpci_pin_close(region, end);
    if (region->kind.survey != NULL) {
        region->kind.survey(region->kind.user, region);
    }
    empty_limbo(region, end, all || is_large);
}

/* The size in bytes of the longest list. Lists are long only if the depot is
 * full. */
static uint64_t most_hoarded(const shmrpci_region *region)
{
    const shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t most = 0;
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        uint64_t bytes = shmrpci_load_relaxed(&arena->count[class]) *
                         shmrpci_class_bytes(class);
        most = bytes > most ? bytes : most;
    }
    return most;
}

void shmrpci_arena_reclaim(shmrpci_region *region, bool all)
{
    reclaim_limbo(region, all);
    uint64_t most = most_hoarded(region);
    if (most > HOARD_LISTS * shmrpci_arena_most_listed(region) &&
        most > region->hoarded_bytes) {
        (void)shmrpci_arena_regain(region);
        /* The free blocks are scattered over many spans. Don't search again
         * before there are many more of them. */
        region->hoarded_bytes = 2 * most_hoarded(region);
    }
}

/* ---- after a death ------------------------------------------------------- */

static void mend_limbo(shmrpci_region *region)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint64_t tail = shmrpci_load_relaxed(&arena->limbo_tail);
    uint64_t at = tail != 0 ? tail : shmrpci_load_relaxed(&arena->limbo_head);
    uint64_t last = tail;
    for (uint64_t hops = shmrpci_arena_most_blocks(region); at != 0 && hops > 0;
         hops--) {
        shmrpci_block_trailer *of = shmrpci_arena_trailer(region, at);
        if (of == NULL) {
            break;
        }
        last = at;
        at = shmrpci_load_relaxed(&of->link);
    }
    shmrpci_store_release(&arena->limbo_tail, last);
}

/* Counts the blocks in the limbo, and returns whether `offset` is among
 * them. */
static bool count_limbo(shmrpci_region *region, uint64_t offset)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    bool found = false;
    uint64_t count = 0;
    uint64_t at = shmrpci_load_relaxed(&arena->limbo_head);
    for (uint64_t hops = shmrpci_arena_most_blocks(region); at != 0 && hops > 0;
         hops--) {
        shmrpci_block_trailer *of = shmrpci_arena_trailer(region, at);
        if (of == NULL) {
            break;
        }
        found = found || at == offset;
        count++;
        at = shmrpci_load_relaxed(&of->link);
    }
    shmrpci_store_release(&arena->limbo_count, count);
    return found;
}

static bool is_placed(shmrpci_region *region, uint64_t offset)
{
    const shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint32_t class;
    uint64_t bytes;
    if (count_limbo(region, offset) ||
        shmrpci_load_relaxed(&arena->held) == offset ||
        !shmrpci_arena_find(region, offset, &class, &bytes)) {
        return true;
    }
    return class < SHMRPCI_CLASS_COUNT &&
           (shmrpci_load_relaxed(&arena->list[class]) == offset ||
            shmrpci_load_relaxed(&arena->spare[class]) == offset ||
            shmrpci_load_relaxed(&arena->rest[class]) == offset);
}

bool shmrpci_arena_owns(const shmrpci_region *region, uint64_t offset,
                        uint16_t note)
{
    const shmrpci_arena_root *arena = shmrpci_arena_of(region);
    uint32_t class = note & ~NOTE_ARENA;
    return note == NOTE_LARGE
               ? shmrpci_load_relaxed(&arena->held) == offset
               : class < SHMRPCI_CLASS_COUNT &&
                     shmrpci_load_relaxed(&arena->rest[class]) == offset;
}

bool shmrpci_arena_is_note(uint16_t note)
{
    return (note & NOTE_ARENA) != 0;
}

void shmrpci_arena_mend(shmrpci_region *region)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        shmrpci_arena_mend_class(region, class);
    }
    mend_limbo(region);
    uint64_t moving = shmrpci_load_relaxed(&arena->moving);
    if (!is_placed(region, moving)) {
        set_free(region, moving);
    }
    shmrpci_store_release(&arena->moving, (uint64_t)0);
    shmrpci_arena_recount(region);
}

/* Whether a held block became reachable. A reachable block leaves the chain
 * without passing through `moving`, because an heir would free a block in
 * `moving`. */
static bool is_committed(const shmrpci_region *region, uint64_t offset)
{
    const shmrpci_block_head *head =
        shmrpci_region_at(region, offset, sizeof *head);
    return head != NULL && shmrpci_load_seq(&head->committed) != 0;
}

void shmrpci_arena_judge_held(shmrpci_region *region)
{
    shmrpci_arena_root *arena = shmrpci_arena_of(region);
    for (uint64_t at; (at = shmrpci_load_relaxed(&arena->held)) != 0;) {
        if (is_committed(region, at)) {
            shmrpci_store_release(&arena->held,
                                  shmrpci_arena_next_held(region, at));
        } else if ((at = unhold(region)) != 0) {
            set_free(region, at);
        }
    }
}

void shmrpci_arena_begin(shmrpci_region *region)
{
    bool is_empty =
        shmrpci_load_relaxed(&shmrpci_arena_of(region)->limbo_head) == 0;
    region->retired_count = is_empty ? 0 : LIMBO_LOOK;
}

void shmrpci_arena_hand_over(shmrpci_region *region)
{
    shmrpci_arena_reclaim(region, true);
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        shmrpci_arena_share(region, class);
    }
}

bool shmrpci_arena_has_some(const shmrpci_region *region, uint32_t participant)
{
    const shmrpci_arena_root *arena =
        &shmrpci_region_participant(region, participant)->arena;
    bool has_some = shmrpci_load_relaxed(&arena->limbo_head) != 0;
    for (uint32_t class = 0; class < SHMRPCI_CLASS_COUNT; class ++) {
        has_some = has_some || shmrpci_load_relaxed(&arena->list[class]) != 0 ||
                   shmrpci_load_relaxed(&arena->spare[class]) != 0;
    }
    return has_some;
}
