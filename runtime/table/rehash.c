/* Makes a larger table, or one without old tombstones, or an empty one. */
#include <string.h>

#include "table/inside.h"

/* ---- building ------------------------------------------------------------ */

static bool is_dropped(const shmrpci_record_facts *facts, uint64_t word,
                       uint64_t oldest)
{
    return (word & SHMRPCI_WORD_DEAD) != 0 && facts->stamp <= oldest;
}

/* Finds the next word, in order, that a new table keeps; `*i` is 0 at first.
 * Returns false if there are no more. */
static bool next_kept(const shmrpci_table *table, const shmrpci_geometry *from,
                      uint64_t oldest, uint32_t *i, uint64_t *out_word,
                      uint32_t *out_hash)
{
    while (*i < from->room) {
        uint32_t slot = shmrpci_load_relaxed(&from->order[(*i)++]);
        if (slot == 0 || slot - 1 > from->mask) {
            break;
        }
        shmrpci_record_facts facts;
        uint64_t word = shmrpci_load_relaxed(&from->block->index[slot - 1]);
        if (shmrpci_record_look(table, shmrpci_word_block(word), &facts) &&
            !is_dropped(&facts, word, oldest)) {
            *out_word = word;
            *out_hash = facts.hash;
            return true;
        }
    }
    return false;
}

/* Counts the words that a new table keeps. Deleted keys count only if views can
 * still see them, otherwise a table that is always being viewed would only
 * grow. If others change the table meanwhile, the commit fails. */
static uint64_t count_kept(const shmrpci_table *table,
                           const shmrpci_geometry *from, uint64_t oldest)
{
    uint64_t count = 0;
    uint32_t hash;
    uint64_t word;
    for (uint32_t i = 0; next_kept(table, from, oldest, &i, &word, &hash);) {
        count++;
    }
    return count;
}

/* Puts a word into the first free slot. Returns false if there is none. */
static bool add(const shmrpci_geometry *geometry, uint64_t word, uint32_t hash,
                uint32_t position)
{
    uint64_t slot = hash & geometry->mask;
    for (uint64_t hops = 0; hops <= geometry->mask; hops++) {
        shmrpci_atomic_u64 *at = &geometry->block->index[slot];
        if (shmrpci_load_relaxed(at) == 0) {
            shmrpci_store_relaxed(at, word);
            shmrpci_store_relaxed(&geometry->order[position],
                                  (uint32_t)slot + 1);
            return true;
        }
        slot = (slot + 1) & geometry->mask;
    }
    return false;
}

static void fill(const shmrpci_table *table, const shmrpci_change *change,
                 const shmrpci_geometry *to)
{
    shmrpci_geometry from;
    if (change->op == SHMRPCI_TABLE_OP_CLEAR ||
        !shmrpci_table_geometry(table, change->root, &from)) {
        return;
    }
    uint64_t state = shmrpci_load_relaxed(&from.block->state);
    uint32_t tail = 0;
    uint32_t live = 0;
    uint32_t hash;
    uint64_t word;
    for (uint32_t i = 0;
         tail < to->room &&
         next_kept(table, &from, change->oldest, &i, &word, &hash);) {
        if (add(to, word, hash, tail)) {
            tail++;
            live += (word & SHMRPCI_WORD_DEAD) == 0;
        }
    }
    shmrpci_store_relaxed(&to->block->state, shmrpci_state(tail, live));
    shmrpci_store_relaxed(&to->block->base,
                          shmrpci_load_relaxed(&from.block->base) +
                              shmrpci_state_tail(state) - tail);
}

void shmrpci_table_build(const shmrpci_table *table,
                         const shmrpci_change *change, uint64_t block,
                         uint64_t id)
{
    shmrpci_geometry to;
    uint64_t root = (change->now & ~SHMRPCI_WORD_BLOCK) | block;
    if (!shmrpci_table_geometry(table, root, &to)) {
        return;
    }
    shmrpci_store_relaxed(&to.block->record.id, id | 1);
    shmrpci_fence_release();
    /* Does not clear `committed` and `winner`, which a helper may have set
     * already. */
    memset((uint8_t *)to.block + sizeof *to.block, 0,
           shmrpci_table_block_bytes(shmrpci_root_log2(root)) -
               sizeof *to.block);
    shmrpci_store_relaxed(&to.block->state, (uint64_t)0);
    shmrpci_store_relaxed(&to.block->base, (uint64_t)0);
    shmrpci_store_relaxed(&to.block->record.stamp, change->seq);
    shmrpci_store_relaxed(&to.block->record.kind,
                          (uint16_t)SHMRPCI_RECORD_TABLE);
    shmrpci_store_relaxed(&to.block->prev, change->root);
    fill(table, change, &to);
    shmrpci_store_release(&to.block->record.id, id);
}

/* ---- making ready -------------------------------------------------------- */

/* Below this size tables grow in larger steps, as each size needs another class
 * of blocks. */
#define SMALL_ENTRIES 512u

static uint32_t log2_for(uint64_t entries)
{
    uint32_t log2 = SHMRPCI_TABLE_LOG2_MIN;
    entries = entries < SMALL_ENTRIES ? 2 * entries : entries;
    while (log2 < SHMRPCI_TABLE_LOG2_MAX &&
           ((uint64_t)1 << log2) < 2 * entries) {
        log2++;
    }
    return log2;
}

static shmrpc_status take_table(shmrpci_table *table, uint32_t log2,
                                uint64_t *out_offset, shmrpc_error *error)
{
    uint64_t id;
    shmrpc_status status = shmrpci_arena_take(
        &table->region, shmrpci_table_block_bytes(log2), out_offset, error);
    if (status == SHMRPC_OK) {
        shmrpci_table_block *block =
            shmrpci_region_at(&table->region, *out_offset, sizeof *block);
        (void)shmrpci_record_begin(table, *out_offset, SHMRPCI_RECORD_TABLE,
                                   &id);
        shmrpci_store_release(&block->winner, (uint64_t)0);
    }
    return status;
}

shmrpc_status shmrpci_table_rehash(shmrpci_table *table, uint64_t turn,
                                   uint64_t extra, shmrpc_error *error)
{
    shmrpci_geometry from;
    uint64_t seq = shmrpci_turn_seq(turn);
    shmrpci_change change = {.op = SHMRPCI_TABLE_OP_REHASH, .oldest = seq};
    change.root = shmrpci_load_acquire(&table->roots->root);
    uint64_t kept = 0;
    if (shmrpci_table_geometry(table, change.root, &from)) {
        uint64_t state = shmrpci_load_acquire(&from.block->state);
        change.oldest = shmrpci_pin_close(&table->region, seq);
        kept = change.oldest == seq ? shmrpci_state_live(state)
                                    : count_kept(table, &from, change.oldest);
    } else if (change.root != 0) {
        return shmrpci_load_seq(&table->roots->turn) == turn
                   ? shmrpci_table_damaged(error,
                                           "its root does not lead to a table")
                   : SHMRPC_OK;
    }
    if (kept + extra > (uint64_t)1 << (SHMRPCI_TABLE_LOG2_MAX - 1)) {
        return shmrpc_error_set(error, SHMRPC_E_EXHAUSTED,
                                "more than %u entries",
                                1u << (SHMRPCI_TABLE_LOG2_MAX - 1));
    }
    uint64_t offset;
    uint32_t log2 = log2_for(kept + extra);
    shmrpc_status status = take_table(table, log2, &offset, error);
    if (status == SHMRPC_OK) {
        change.now = shmrpci_root(change.root, log2, shmrpci_block_of(offset));
        if (!shmrpci_table_commit_change(table, turn, &change)) {
            shmrpci_arena_give_first(&table->region);
        }
    }
    return status;
}

shmrpc_status shmrpci_table_clear(shmrpci_table *table, shmrpc_error *error)
{
    uint64_t offset;
    shmrpc_status status =
        take_table(table, SHMRPCI_TABLE_LOG2_MIN, &offset, error);
    while (status == SHMRPC_OK) {
        uint64_t turn;
        shmrpci_change change = {.op = SHMRPCI_TABLE_OP_CLEAR};
        status = shmrpci_table_quiet(table, &turn);
        if (status != SHMRPC_OK) {
            status = shmrpci_table_damaged(
                error, "no participant has the current turn");
            break;
        }
        change.seq = shmrpci_turn_seq(turn) + 1;
        change.root = shmrpci_load_acquire(&table->roots->root);
        change.now = shmrpci_root(change.root, SHMRPCI_TABLE_LOG2_MIN,
                                  shmrpci_block_of(offset));
        shmrpci_table_build(table, &change, shmrpci_block_of(offset),
                            shmrpci_record_new_id(table));
        if (shmrpci_table_commit_change(table, turn, &change)) {
            return SHMRPC_OK;
        }
    }
    shmrpci_arena_give(&table->region);
    return status;
}

/* ---- replaced blocks ----------------------------------------------------- */

static void visit_replaced(const shmrpci_table *table,
                           const shmrpci_change *change, uint32_t slot,
                           const shmrpci_geometry *from,
                           shmrpci_block_visit *visit, void *to)
{
    shmrpci_record_facts facts;
    uint64_t word = shmrpci_load_relaxed(&from->block->index[slot - 1]);
    uint64_t block = shmrpci_word_block(word);
    if (change->op == SHMRPCI_TABLE_OP_CLEAR
            ? block != 0
            : shmrpci_record_look(table, block, &facts) &&
                  is_dropped(&facts, word, change->oldest)) {
        shmrpci_table_each_of_record(table, block, visit, to);
    }
}

/* Visits a table that was built in vain because a helper was faster. */
static void visit_loser(const shmrpci_table *table,
                        const shmrpci_change *change,
                        shmrpci_block_visit *visit, void *to)
{
    uint64_t own = shmrpci_word_block(change->now);
    shmrpci_table_block *block = shmrpci_table_at(table, own, sizeof *block);
    if (change->op == SHMRPCI_TABLE_OP_REHASH && block != NULL &&
        shmrpci_load_seq(&block->winner) != own) {
        visit(to, shmrpci_offset_of(own));
    }
}

void shmrpci_table_each_replaced(const shmrpci_table *table,
                                 const shmrpci_change *change,
                                 shmrpci_block_visit *visit, void *to)
{
    shmrpci_geometry from;
    if (shmrpci_table_geometry(table, change->root, &from)) {
        for (uint32_t i = 0; i < from.room; i++) {
            uint32_t slot = shmrpci_load_relaxed(&from.order[i]);
            if (slot == 0 || slot - 1 > from.mask) {
                break;
            }
            visit_replaced(table, change, slot, &from, visit, to);
        }
        visit(to, shmrpci_offset_of(shmrpci_word_block(change->root)));
    }
    visit_loser(table, change, visit, to);
}
