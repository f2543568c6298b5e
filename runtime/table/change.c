/*
 * Changes: commit, apply, help, and recovery after a death.
 *
 * All accesses to the turn, the index, the order, the state and the root are
 * sequentially consistent read-modify-writes; descriptors and hazards are
 * stores before them.
 */
#include "os/futex.h"
#include "table/inside.h"

/* How often to look at a change in progress before helping, because its maker
 * is most probably about to finish it. A rehash takes long, so HELP_LOOKS_SLOT
 * looks are added for each slot of the table. In tests/relacy everybody helps
 * at once. */
#ifndef HELP_LOOKS
#define HELP_LOOKS      16u
#define HELP_LOOKS_SLOT 2u
#endif
/* How often to help before giving up. Once is enough, unless memory is damaged
 * and no descriptor explains the turn. */
#define HELP_ATTEMPTS 100u

#define OWN(table) shmrpci_table_change_of(table, (table)->region.me)

static void pause_a_little(const shmrpci_table *table, uint64_t turn,
                           uint64_t looks)
{
    for (uint64_t i = 0; i < looks; i++) {
        if (shmrpci_load_relaxed(&table->roots->turn) != turn) {
            return;
        }
        shmrpci_pause();
    }
}

/* ---- blocks in use ------------------------------------------------------- */

static bool is_long(uint64_t op)
{
    return op == SHMRPCI_TABLE_OP_REHASH || op == SHMRPCI_TABLE_OP_CLEAR ||
           op == SHMRPCI_TABLE_OP_MERGE || op == SHMRPCI_TABLE_OP_NEST;
}

static void protect(shmrpci_table *table, unsigned index, uint64_t block)
{
    shmrpci_store_release(&OWN(table)->hazards[index], block);
}

static void protect_all(shmrpci_table *table, const shmrpci_change *change)
{
    protect(table, 0, shmrpci_word_block(change->old));
    protect(table, 1, shmrpci_word_block(change->now));
    protect(table, 2, shmrpci_word_block(change->root));
    shmrpci_store_release(&OWN(table)->epoch,
                          is_long(change->op) ? change->seq : (uint64_t)0);
    /* Pairs with survey, which runs after a change of the turn: either the
     * survey sees this hazard, or the load that follows here sees the new
     * turn. */
    shmrpci_fence_seq();
}

static void protect_nothing(shmrpci_table *table)
{
    for (unsigned i = 0; i < SHMRPCI_TABLE_HAZARDS; i++) {
        protect(table, i, 0);
    }
    shmrpci_store_release(&OWN(table)->epoch, (uint64_t)0);
}

static void note_used(shmrpci_table *table, uint64_t block)
{
    if (block != 0) {
        table->used[table->used_count++] = block;
    }
}

static void note_epoch(shmrpci_table *table, uint64_t seq)
{
    if (seq != 0 && seq < table->used_epoch) {
        table->used_epoch = seq;
    }
}

void shmrpci_table_survey(void *user, const shmrpci_region *region)
{
    shmrpci_table *table = user;
    table->used_count = 0;
    table->used_epoch = UINT64_MAX;
    uint32_t high = shmrpci_region_high(region);
    for (uint32_t p = 0; p < high; p++) {
        const shmrpci_table_change *of =
            (const shmrpci_table_change *)(const void *)
                shmrpci_region_participant(region, p)
                    ->kind;
        uint64_t seq = shmrpci_load_seq(&of->seq);
        if (seq != 0) {
            note_used(table, shmrpci_word_block(shmrpci_load_seq(&of->old)));
            note_used(table, shmrpci_word_block(shmrpci_load_seq(&of->now)));
            note_used(table, shmrpci_word_block(shmrpci_load_seq(&of->root)));
            if (is_long(shmrpci_load_seq(&of->op))) {
                note_epoch(table, seq);
            }
        }
        for (unsigned i = 0; i < SHMRPCI_TABLE_HAZARDS; i++) {
            note_used(table,
                      shmrpci_word_block(shmrpci_load_seq(&of->hazards[i])));
        }
        note_epoch(table, shmrpci_load_seq(&of->epoch));
    }
}

bool shmrpci_table_is_used(void *user, const shmrpci_region *region,
                           uint64_t offset, uint64_t change)
{
    const shmrpci_table *table = user;
    (void)region;
    bool is_used = change >= table->used_epoch;
    for (uint32_t i = 0; i < table->used_count; i++) {
        is_used = is_used || table->used[i] == shmrpci_block_of(offset);
    }
    return is_used;
}

/* ---- apply --------------------------------------------------------------- */

static void set(shmrpci_atomic_u64 *at, uint64_t old, uint64_t now)
{
    (void)shmrpci_cas_seq(at, &old, now);
}

static void mark_committed(const shmrpci_table *table, uint64_t block)
{
    shmrpci_record *record = shmrpci_table_at(table, block, sizeof *record);
    if (record != NULL) {
        shmrpci_store_release(&record->committed, 1u);
    }
}

/* Applies one part: an index word, and for an insertion its place in the
 * order. */
static void apply_part(const shmrpci_table *table,
                       const shmrpci_geometry *geometry, uint64_t slot,
                       uint64_t old, uint64_t now, uint32_t position)
{
    if (slot > geometry->mask) {
        return;
    }
    if (old == 0 && position < geometry->room) {
        uint32_t none = 0;
        (void)shmrpci_cas_seq(&geometry->order[position], &none,
                              (uint32_t)slot + 1);
    }
    set(&geometry->block->index[slot], old, now);
    mark_committed(table, shmrpci_word_block(now));
}

/* The list of a change with several parts. If the list is damaged, returns NULL
 * and sets *out_count to 0. */
static const shmrpci_table_list *list_of(const shmrpci_table *table,
                                         const shmrpci_change *change,
                                         uint64_t *out_count)
{
    uint64_t block = shmrpci_word_block(change->now);
    const shmrpci_table_list *list =
        shmrpci_table_at(table, block, sizeof *list);
    *out_count = list != NULL ? shmrpci_load_relaxed(&list->count) : 0;
    if (*out_count > SHMRPCI_REGION_MAX_BYTES / sizeof *list->parts ||
        shmrpci_table_at(table, block,
                         sizeof *list + *out_count * sizeof *list->parts) ==
            NULL) {
        *out_count = 0;
        return NULL;
    }
    return list;
}

static void apply_merge(const shmrpci_table *table,
                        const shmrpci_geometry *geometry,
                        const shmrpci_change *change)
{
    uint64_t count;
    const shmrpci_table_list *list = list_of(table, change, &count);
    if (count > geometry->mask + 1) {
        return;
    }
    uint32_t position = shmrpci_state_tail(change->state_old);
    for (uint64_t i = 0; i < count; i++) {
        const shmrpci_table_part *part = &list->parts[i];
        uint64_t old = shmrpci_load_relaxed(&part->old);
        apply_part(table, geometry, shmrpci_load_relaxed(&part->slot), old,
                   shmrpci_load_relaxed(&part->now), position);
        position += old == 0;
    }
    mark_committed(table, shmrpci_word_block(change->now));
}

/* Applies a NEST change: its new blocks are reachable through the word of the
 * key. Returns the key's record. */
static uint64_t apply_nest(const shmrpci_table *table,
                           const shmrpci_geometry *geometry,
                           const shmrpci_change *change)
{
    uint64_t count;
    uint64_t record = 0;
    const shmrpci_table_list *list = list_of(table, change, &count);
    for (uint64_t i = 0; i < count; i++) {
        const shmrpci_table_part *part = &list->parts[i];
        uint64_t now = shmrpci_load_relaxed(&part->now);
        if (i == 0) {
            record = shmrpci_word_block(now);
            apply_part(table, geometry, shmrpci_load_relaxed(&part->slot),
                       shmrpci_load_relaxed(&part->old), now, 0);
        } else if (now != 0) {
            mark_committed(table, now);
        }
    }
    mark_committed(table, shmrpci_word_block(change->now));
    return record;
}

/*
 * The maker of a rehash builds the new table in the block that the change
 * names; helpers build it in blocks of their own. The first block that becomes
 * the root wins.
 */
static shmrpc_status apply_rehash(shmrpci_table *table,
                                  const shmrpci_change *change, uint64_t turn,
                                  bool is_maker)
{
    uint32_t log2 = shmrpci_root_log2(change->now);
    uint64_t mine = change->now;
    uint64_t offset = 0;
    if (!is_maker) {
        pause_a_little(table, turn, HELP_LOOKS_SLOT << log2);
        if (shmrpci_load_seq(&table->roots->turn) != turn) {
            return SHMRPC_OK;
        }
        shmrpc_status status = shmrpci_arena_take(
            &table->region, shmrpci_table_block_bytes(log2), &offset, NULL);
        if (status != SHMRPC_OK) {
            return status;
        }
        mine = (change->now & ~SHMRPCI_WORD_BLOCK) | shmrpci_block_of(offset);
        protect(table, 3, shmrpci_block_of(offset));
    }
    if (shmrpci_load_seq(&table->roots->root) == change->root) {
        shmrpci_table_build(table, change, shmrpci_word_block(mine),
                            shmrpci_record_new_id(table));
        set(&table->roots->root, change->root, mine);
    }
    uint64_t winner = shmrpci_load_seq(&table->roots->root);
    protect(table, 4, shmrpci_word_block(winner));
    shmrpci_fence_seq();
    if (shmrpci_load_seq(&table->roots->turn) == turn) {
        shmrpci_table_block *own = shmrpci_table_at(
            table, shmrpci_word_block(change->now), sizeof *own);
        mark_committed(table, shmrpci_word_block(winner));
        if (own != NULL) {
            shmrpci_store_release(&own->winner, shmrpci_word_block(winner));
        }
    }
    if (!is_maker) {
        uint64_t block = shmrpci_block_of(offset);
        const shmrpci_record *own = shmrpci_table_at(table, block, sizeof *own);
        if (own != NULL && shmrpci_load_seq(&own->committed) != 0) {
            shmrpci_arena_keep_first(&table->region);
        } else {
            shmrpci_arena_give_first(&table->region);
        }
    }
    return SHMRPC_OK;
}

static void apply_log(const shmrpci_table *table, uint64_t seq, uint64_t block)
{
    if (table->log_count == 0) {
        return;
    }
    shmrpci_atomic_u64 *at = &table->roots->log[seq & (table->log_count - 1)];
    uint64_t number = ((seq >> __builtin_ctz(table->log_count)) + 1) & 0xFFFFFF;
    uint64_t seen = shmrpci_load_seq(at);
    /* Compares with wrap-around: the entry may only be replaced by a newer
     * one. */
    uint64_t ahead = (number - (seen >> 40)) & 0xFFFFFF;
    if (ahead != 0 && ahead < 0x800000) {
        set(at, seen, number << 40 | block);
    }
}

/* Wakes sleepers, which announce themselves in the bell, or as listeners. */
static void wake(shmrpci_table *table)
{
    shmrpci_atomic_u32 *bell = &table->roots->bell;
    uint32_t seen = shmrpci_load_seq(bell);
    bool is_rung = (seen & 1) != 0 &&
                   shmrpci_cas_seq(bell, &seen, (seen + 2) & ~(uint32_t)1);
    if (!is_rung &&
        shmrpci_listeners_are_there(&table->listeners, table->region.fd)) {
        (void)shmrpci_add_seq(bell, 2u);
        is_rung = true;
    }
    if (is_rung) {
        (void)shmrpci_futex_wake(bell, INT32_MAX);
    }
}

void shmrpci_table_wake_all(const shmrpci_table *table)
{
    (void)shmrpci_futex_wake(&table->roots->bell, INT32_MAX);
}

void shmrpci_table_destroy(shmrpci_table *table)
{
    shmrpci_region_destroy(&table->region);
    (void)shmrpci_add_seq(&table->roots->bell, 2u);
    shmrpci_table_wake_all(table);
}

/* Returns true if this call ended the change. */
static bool end_turn(shmrpci_table *table, uint64_t turn)
{
    uint64_t seen = turn;
    bool ended =
        shmrpci_cas_seq(&table->roots->turn, &seen, turn & ~SHMRPCI_TURN_BUSY);
    if (ended) {
        wake(table);
    }
    return ended;
}

shmrpc_status shmrpci_table_apply(shmrpci_table *table,
                                  const shmrpci_change *change, uint64_t turn,
                                  bool is_maker)
{
    shmrpci_geometry geometry;
    bool has_table = shmrpci_table_geometry(table, change->root, &geometry);
    uint64_t logged = shmrpci_word_block(change->now);
    shmrpc_status status = SHMRPC_OK;
    if (!has_table && !(change->root == 0 && is_long(change->op))) {
        return SHMRPC_E_DATA_LOSS;
    }
    switch ((shmrpci_table_op)change->op) {
    case SHMRPCI_TABLE_OP_INSERT:
    case SHMRPCI_TABLE_OP_REPLACE:
    case SHMRPCI_TABLE_OP_REMOVE:
        apply_part(table, &geometry, change->slot, change->old, change->now,
                   shmrpci_state_tail(change->state_old));
        break;
    case SHMRPCI_TABLE_OP_MERGE:
        apply_merge(table, &geometry, change);
        break;
    case SHMRPCI_TABLE_OP_NEST:
        logged = apply_nest(table, &geometry, change);
        break;
    case SHMRPCI_TABLE_OP_CLEAR:
        set(&table->roots->root, change->root, change->now);
        mark_committed(table, shmrpci_word_block(change->now));
        break;
    case SHMRPCI_TABLE_OP_REHASH:
        status = apply_rehash(table, change, turn, is_maker);
        logged = 0;
        break;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (change->state_now != change->state_old) {
        set(&geometry.block->state, change->state_old, change->state_now);
    }
    apply_log(table, change->seq, logged);
    if (end_turn(table, turn) && !is_maker) {
        (void)shmrpci_add_relaxed(&table->roots->helped, 1u);
    }
    return SHMRPC_OK;
}

/* ---- help ---------------------------------------------------------------- */

/* Copies the descriptor. Returns false if the turn never belonged to this
 * change, or no longer does. */
static bool copy_change(const shmrpci_table *table, uint32_t participant,
                        uint64_t seq, shmrpci_change *out)
{
    const shmrpci_table_change *of =
        shmrpci_table_change_of(table, participant);
    /* Acquire: pairs with the store of seq in publish. */
    bool is_it = shmrpci_load_acquire(&of->seq) == seq;
    *out = (shmrpci_change){
        .seq = seq,
        .op = shmrpci_load_relaxed(&of->op),
        .root = shmrpci_load_relaxed(&of->root),
        .slot = shmrpci_load_relaxed(&of->slot),
        .old = shmrpci_load_relaxed(&of->old),
        .now = shmrpci_load_relaxed(&of->now),
        .state_old = shmrpci_load_relaxed(&of->state_old),
        .state_now = shmrpci_load_relaxed(&of->state_now),
        .oldest = shmrpci_load_relaxed(&of->oldest),
    };
    shmrpci_fence_acquire();
    return is_it && shmrpci_load_relaxed(&of->seq) == seq;
}

/* Finishes another participant's change. Returns OK also if there is nothing to
 * finish. */
static shmrpc_status help(shmrpci_table *table, uint64_t turn)
{
    uint32_t owner = shmrpci_turn_owner(turn);
    shmrpci_change change;
    shmrpc_status status = SHMRPC_OK;
    if (owner >= shmrpci_region_high(&table->region)) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (!copy_change(table, owner, shmrpci_turn_seq(turn), &change)) {
        return SHMRPC_OK;
    }
    protect_all(table, &change);
    /* If the turn is unchanged after the hazards were set, the blocks that we
     * protect are still in use and have not been reused. */
    if (shmrpci_load_seq(&table->roots->turn) == turn) {
        status = shmrpci_table_apply(table, &change, turn, false);
    }
    protect_nothing(table);
    return status;
}

shmrpc_status shmrpci_table_quiet(shmrpci_table *table, uint64_t *out_turn)
{
    uint64_t before = 0;
    for (unsigned same = 0; same < HELP_ATTEMPTS;) {
        uint64_t turn = shmrpci_load_seq(&table->roots->turn);
        if ((turn & SHMRPCI_TURN_BUSY) == 0) {
            *out_turn = turn;
            return shmrpci_turn_seq(turn) < SHMRPCI_REGION_CHANGES_MAX
                       ? SHMRPC_OK
                       : SHMRPC_E_DATA_LOSS;
        }
        pause_a_little(table, turn, HELP_LOOKS);
        if (shmrpci_load_seq(&table->roots->turn) == turn) {
            shmrpc_status status = help(table, turn);
            if (status != SHMRPC_OK) {
                return status;
            }
        }
        same = turn == before ? same + 1 : 0;
        before = turn;
    }
    return SHMRPC_E_DATA_LOSS;
}

/* ---- commit -------------------------------------------------------------- */

static void publish(shmrpci_table *table, const shmrpci_change *change)
{
    shmrpci_table_change *own = OWN(table);
    shmrpci_store_relaxed(&own->op, change->op);
    shmrpci_store_relaxed(&own->root, change->root);
    shmrpci_store_relaxed(&own->slot, change->slot);
    shmrpci_store_relaxed(&own->old, change->old);
    shmrpci_store_relaxed(&own->now, change->now);
    shmrpci_store_relaxed(&own->state_old, change->state_old);
    shmrpci_store_relaxed(&own->state_now, change->state_now);
    shmrpci_store_relaxed(&own->oldest, change->oldest);
    shmrpci_store_release(&own->seq, change->seq);
}

static void forget(shmrpci_table *table)
{
    shmrpci_store_release(&OWN(table)->seq, (uint64_t)0);
    /* Pairs with the fence of a helper: if it copies anything that is stored
     * from here on, it sees that this is another change. */
    shmrpci_fence_release();
}

/* Commits our own change, and applies it. Applying can't fail for lack of
 * memory, because the maker of a rehash has taken the block of the new table
 * before. */
bool shmrpci_table_commit_change(shmrpci_table *table, uint64_t turn,
                                 shmrpci_change *change)
{
    change->seq = shmrpci_turn_seq(turn) + 1;
    publish(table, change);
    uint64_t mine =
        shmrpci_turn(change->seq, table->region.me) | SHMRPCI_TURN_BUSY;
    uint64_t seen = turn;
    if (!shmrpci_cas_seq(&table->roots->turn, &seen, mine)) {
        forget(table);
        return false;
    }
    (void)shmrpci_table_apply(table, change, mine, true);
    /* A block must not be retired while it is held. The new table may be
     * retired below, if it lost the race to become the root, so the hold on it
     * ends in either case. */
    if (change->op == SHMRPCI_TABLE_OP_REHASH) {
        shmrpci_arena_keep_first(&table->region);
    } else if (change->op == SHMRPCI_TABLE_OP_MERGE ||
               change->op == SHMRPCI_TABLE_OP_NEST) {
        /* Blocks of parts that needed no change may remain; they are given
         * back. */
        shmrpci_arena_judge_held(&table->region);
    } else {
        shmrpci_arena_keep(&table->region);
    }
    shmrpci_table_retire(table, change, false);
    forget(table);
    if (change->op == SHMRPCI_TABLE_OP_REHASH) {
        protect_nothing(table);
    }
    return true;
}

/* ---- retire -------------------------------------------------------------- */

typedef struct retirement {
    shmrpci_table *table;
    uint64_t seq;
    uint64_t after; /* the last block that the dead participant retired; 0:
                     * none */
    bool found;     /* whether that block is one of this change */
    bool looks;     /* whether this walk only looks for that block */
} retirement;

static void retire_one(void *to, uint64_t offset)
{
    retirement *of = to;
    if (of->looks) {
        of->found = of->found || offset == of->after;
    } else if (of->after != 0) {
        of->after = offset == of->after ? 0 : of->after;
    } else {
        (void)shmrpci_arena_retire(&of->table->region, offset, of->seq);
    }
}

static void each_merged(const shmrpci_table *table,
                        const shmrpci_change *change,
                        shmrpci_block_visit *visit, void *to)
{
    uint64_t count;
    const shmrpci_table_list *list = list_of(table, change, &count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t old =
            shmrpci_word_block(shmrpci_load_relaxed(&list->parts[i].old));
        if (old != 0) {
            shmrpci_table_each_of_record(table, old, visit, to);
        }
    }
    visit(to, shmrpci_offset_of(shmrpci_word_block(change->now)));
}

/* Visits the replaced record and the blocks in the list. All other blocks below
 * it are shared with the new record. */
static void each_unnested(const shmrpci_table *table,
                          const shmrpci_change *change,
                          shmrpci_block_visit *visit, void *to)
{
    uint64_t count;
    const shmrpci_table_list *list = list_of(table, change, &count);
    for (uint64_t i = 0; i < count; i++) {
        const shmrpci_table_part *part = &list->parts[i];
        uint64_t old = shmrpci_word_block(shmrpci_load_relaxed(&part->old));
        if (i > 0 && shmrpci_load_relaxed(&part->slot) != 0) {
            shmrpci_nest_each_below(table, old, visit, to);
        } else if (old != 0) {
            visit(to, shmrpci_offset_of(old));
        }
    }
    visit(to, shmrpci_offset_of(shmrpci_word_block(change->now)));
}

static void each_retired(const shmrpci_table *table,
                         const shmrpci_change *change,
                         shmrpci_block_visit *visit, void *to)
{
    switch ((shmrpci_table_op)change->op) {
    case SHMRPCI_TABLE_OP_INSERT:
        break;
    case SHMRPCI_TABLE_OP_REPLACE:
    case SHMRPCI_TABLE_OP_REMOVE:
        shmrpci_table_each_of_record(table, shmrpci_word_block(change->old),
                                     visit, to);
        break;
    case SHMRPCI_TABLE_OP_MERGE:
        each_merged(table, change, visit, to);
        break;
    case SHMRPCI_TABLE_OP_NEST:
        each_unnested(table, change, visit, to);
        break;
    case SHMRPCI_TABLE_OP_REHASH:
    case SHMRPCI_TABLE_OP_CLEAR:
        shmrpci_table_each_replaced(table, change, visit, to);
        break;
    }
}

void shmrpci_table_retire(shmrpci_table *table, const shmrpci_change *change,
                          bool is_heir)
{
    retirement of = {.table = table, .seq = change->seq};
    if (change->is_plain) {
        (void)shmrpci_arena_retire(
            &table->region, shmrpci_offset_of(shmrpci_word_block(change->old)),
            change->seq);
        return;
    }
    if (is_heir) {
        of.after = shmrpci_arena_last_retired(&table->region);
        of.looks = true;
        each_retired(table, change, retire_one, &of);
        of.after = of.found ? of.after : 0;
        of.looks = false;
    }
    each_retired(table, change, retire_one, &of);
}

/* ---- heirs --------------------------------------------------------------- */

/* Whether the change of a dead participant was committed. The blocks that it
 * made reachable show this, whatever has happened since. */
static bool was_committed(const shmrpci_table *table,
                          const shmrpci_change *change)
{
    uint64_t block = shmrpci_word_block(change->now);
    if (change->op == SHMRPCI_TABLE_OP_REHASH) {
        const shmrpci_table_block *own =
            shmrpci_table_at(table, block, sizeof *own);
        return own != NULL && shmrpci_load_seq(&own->winner) != 0;
    }
    const shmrpci_record *record =
        shmrpci_table_at(table, block, sizeof *record);
    return record != NULL && shmrpci_load_seq(&record->committed) != 0;
}

/* Finishes the change. Returns false if the dead participant had not committed
 * one. */
static bool finish(shmrpci_table *table, shmrpci_change *out)
{
    uint64_t seq = shmrpci_load_seq(&OWN(table)->seq);
    if (seq == 0) {
        return false;
    }
    (void)copy_change(table, table->region.me, seq, out);
    uint64_t mine = shmrpci_turn(seq, table->region.me) | SHMRPCI_TURN_BUSY;
    if (shmrpci_load_seq(&table->roots->turn) == mine) {
        (void)shmrpci_table_apply(table, out, mine, true);
    }
    return was_committed(table, out);
}

/* Clears up after a dead participant. Of the blocks that it held, those with a
 * mark have become reachable and stay; the others are given back. The marks can
 * be trusted only as long as the descriptor and the hazards keep others from
 * reusing the blocks, so after a committed change the descriptor is cleared
 * late. If the change was not committed, the descriptor is cleared first,
 * because it must not name blocks that are given back. The hazards are cleared
 * last in both cases. */
static void settle(shmrpci_table *table)
{
    shmrpci_change change;
    if (finish(table, &change)) {
        mark_committed(table, shmrpci_word_block(change.now));
        shmrpci_arena_judge_held(&table->region);
        shmrpci_table_retire(table, &change, true);
        forget(table);
    } else {
        forget(table);
        shmrpci_arena_judge_held(&table->region);
    }
    protect_nothing(table);
}

/* The region need not be part of a table yet. */
void shmrpci_table_inherit(void *user, shmrpci_region *region,
                           uint32_t participant)
{
    (void)participant;
    shmrpci_table *table = user;
    shmrpci_region was = table->region;
    bool is_other = region != &table->region;
    if (is_other) {
        table->region = *region;
    }
    settle(table);
    if (is_other) {
        *region = table->region;
        table->region = was;
    }
}
