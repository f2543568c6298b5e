/* Changes of many keys at once. */
#include <stdlib.h>
#include <string.h>

#include "table/inside.h"

/* One of the keys to change. */
typedef struct item {
    uint64_t hash;
    uint64_t offset; /* its record or tombstone; 0: a later pair has the same
                      * key */
    shmrpci_record_facts own;
} item;

typedef struct merge {
    shmrpci_table *table;
    const shmrpci_table_pair *pairs;
    size_t count;
    item *items;
    /* A hash set: first of keys, while records are taken, then of the slots
     * that this change will fill. Entries are item or slot + 1; 0 is free. */
    uint64_t *set;
    uint64_t mask;
    uint64_t list; /* offset of the list block */
    uint64_t turn;
    shmrpci_geometry geometry;
    uint64_t base;
    uint64_t state;
    uint64_t part_count;
    uint32_t tail;
    uint32_t live;
} merge;

static bool removes(const merge *of, size_t index)
{
    return of->pairs[index].value.data == NULL;
}

static bool is_same_key(const merge *of, size_t a, size_t b)
{
    const shmrpci_table_bytes *one = &of->pairs[a].key;
    const shmrpci_table_bytes *two = &of->pairs[b].key;
    return of->items[a].hash == of->items[b].hash && one->len == two->len &&
           (one->len == 0 || memcmp(one->data, two->data, one->len) == 0);
}

/* Called for the last pair first. Returns true if no later pair has the key. */
static bool is_last(merge *of, size_t index)
{
    uint64_t at = of->items[index].hash & of->mask;
    for (; of->set[at] != 0; at = (at + 1) & of->mask) {
        if (is_same_key(of, of->set[at] - 1, index)) {
            return false;
        }
    }
    of->set[at] = index + 1;
    return true;
}

static shmrpc_status take_item(merge *of, size_t index, shmrpc_error *error)
{
    const shmrpci_table_pair *pair = &of->pairs[index];
    item *it = &of->items[index];
    bool is_removal = removes(of, index);
    shmrpc_status status = shmrpci_table_take_record(
        of->table, pair->key, is_removal ? 0 : pair->value.len,
        is_removal ? SHMRPCI_RECORD_TOMBSTONE : SHMRPCI_RECORD_VALUE,
        &it->offset, error);
    if (status == SHMRPC_OK) {
        uint8_t *value = (uint8_t *)of->table->region.map.at + it->offset +
                         sizeof(shmrpci_record) +
                         ((pair->key.len + 7) & ~(size_t)7);
        if (!is_removal && pair->value.len > 0) {
            memcpy(value, pair->value.data, pair->value.len);
        }
        shmrpci_table_publish_record(of->table, it->offset, &it->own);
    }
    return status;
}

static shmrpc_status take_all(merge *of, shmrpc_error *error)
{
    const shmrpci_table *table = of->table;
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = of->count; status == SHMRPC_OK && i-- > 0;) {
        const shmrpci_table_bytes *key = &of->pairs[i].key;
        of->items[i].hash = shmrpci_table_hash_of(table, *key);
        if (is_last(of, i)) {
            status = take_item(of, i, error);
        }
    }
    uint64_t bytes =
        sizeof(shmrpci_table_list) + of->count * sizeof(shmrpci_table_part);
    return status == SHMRPC_OK
               ? shmrpci_arena_take(&of->table->region, bytes, &of->list, error)
               : status;
}

/* ---- one attempt --------------------------------------------------------- */

/* Finds a slot for a new key that is free, and not used by this change. */
static uint64_t claim_slot(merge *of, uint64_t slot)
{
    for (uint64_t hops = 0; hops <= of->geometry.mask; hops++) {
        uint64_t at = slot & of->mask;
        while (of->set[at] != 0 && of->set[at] != slot + 1) {
            at = (at + 1) & of->mask;
        }
        if (of->set[at] == 0 &&
            shmrpci_load_relaxed(&of->geometry.block->index[slot]) == 0) {
            of->set[at] = slot + 1;
            return slot;
        }
        slot = (slot + 1) & of->geometry.mask;
    }
    return slot;
}

static void add_part(merge *of, const item *it, uint64_t slot, uint64_t old,
                     bool is_removal, uint64_t order)
{
    shmrpci_table_list *list =
        shmrpci_region_at(&of->table->region, of->list, sizeof *list);
    shmrpci_table_part *part = &list->parts[of->part_count++];
    shmrpci_store_relaxed(&part->slot, slot);
    shmrpci_store_relaxed(&part->old, old);
    shmrpci_store_relaxed(&part->now, shmrpci_table_tag(it->hash) |
                                          (is_removal ? SHMRPCI_WORD_DEAD : 0) |
                                          shmrpci_block_of(it->offset));
    shmrpci_table_complete_record(of->table, it->offset, &it->own,
                                  shmrpci_turn_seq(of->turn) + 1,
                                  shmrpci_word_block(old), order);
}

/* Returns OK; MORE: start over; or DATA_LOSS, which means damage only if the
 * turn is unchanged. */
static shmrpc_status plan_item(merge *of, size_t index)
{
    const item *it = &of->items[index];
    shmrpci_record_facts was;
    uint64_t slot;
    uint64_t word;
    switch (shmrpci_table_find(of->table, &of->geometry, of->pairs[index].key,
                               it->hash, &slot, &word, &was)) {
    case SHMRPCI_FOUND:
        add_part(of, it, slot, word, removes(of, index),
                 shmrpci_load_relaxed(&was.footer->order));
        of->live -= removes(of, index);
        return shmrpci_record_is_same(&was) ? SHMRPC_OK : SHMRPC_MORE;
    case SHMRPCI_FOUND_NOT:
        if (!removes(of, index)) {
            add_part(of, it, claim_slot(of, slot), 0, false,
                     of->base + of->tail);
            of->tail++;
            of->live++;
        }
        return SHMRPC_OK;
    case SHMRPCI_FOUND_AGAIN:
        return SHMRPC_MORE;
    case SHMRPCI_FOUND_DAMAGE:
        break;
    }
    return SHMRPC_E_DATA_LOSS;
}

static bool is_turn(const merge *of)
{
    shmrpci_fence_acquire();
    return shmrpci_load_seq(&of->table->roots->turn) == of->turn;
}

static shmrpc_status plan_all(merge *of)
{
    memset(of->set, 0, (of->mask + 1) * sizeof *of->set);
    of->part_count = 0;
    of->base = shmrpci_load_relaxed(&of->geometry.block->base);
    of->state = shmrpci_load_relaxed(&of->geometry.block->state);
    of->tail = shmrpci_state_tail(of->state);
    of->live = shmrpci_state_live(of->state);
    if (of->tail + of->count > of->geometry.room) {
        return SHMRPC_E_EXHAUSTED; /* no slot is left; a larger table is
                                    * needed */
    }
    shmrpc_status status = SHMRPC_OK;
    for (size_t i = 0; status == SHMRPC_OK && i < of->count; i++) {
        status = of->items[i].offset != 0 ? plan_item(of, i) : SHMRPC_OK;
    }
    return status;
}

static bool commit(merge *of)
{
    uint64_t id;
    shmrpci_table_list *list =
        (shmrpci_table_list *)(void *)shmrpci_record_begin(
            of->table, of->list, SHMRPCI_RECORD_LIST, &id);
    shmrpci_store_relaxed(&list->record.stamp, shmrpci_turn_seq(of->turn) + 1);
    shmrpci_store_relaxed(&list->count, of->part_count);
    shmrpci_record_publish(&list->record, id);
    shmrpci_change change = {
        .op = SHMRPCI_TABLE_OP_MERGE,
        .root = of->geometry.root,
        .now = shmrpci_block_of(of->list),
        .state_old = of->state,
        .state_now = shmrpci_state(of->tail, of->live),
    };
    return shmrpci_table_commit_change(of->table, of->turn, &change);
}

/* Returns OK when done, MORE to try again. */
static shmrpc_status attempt(merge *of, shmrpc_error *error)
{
    shmrpci_table *table = of->table;
    shmrpc_status status = shmrpci_table_quiet(table, &of->turn);
    if (status != SHMRPC_OK) {
        return shmrpc_error_set(
            error, status,
            "another participant's unfinished change can't be completed");
    }
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    status = shmrpci_table_geometry(table, root, &of->geometry)
                 ? plan_all(of)
                 : SHMRPC_E_EXHAUSTED;
    if (!is_turn(of)) {
        return SHMRPC_MORE;
    }
    if (status == SHMRPC_E_EXHAUSTED) {
        status = shmrpci_table_rehash(table, of->turn, of->count, error);
        return status == SHMRPC_OK ? SHMRPC_MORE : status;
    }
    if (status == SHMRPC_E_DATA_LOSS) {
        return shmrpci_table_damaged(
            error,
            "an entry of its index points outside the region the region");
    }
    if (status == SHMRPC_OK && of->live > table->capacity &&
        of->live > shmrpci_state_live(of->state)) {
        return shmrpci_table_full(table,
                                  of->live - shmrpci_state_live(of->state),
                                  shmrpci_state_live(of->state), error);
    }
    if (status != SHMRPC_OK || of->part_count == 0) {
        return status;
    }
    return commit(of) ? SHMRPC_OK : SHMRPC_MORE;
}

shmrpc_status shmrpci_table_merge(shmrpci_table *table,
                                  const shmrpci_table_pair *pairs, size_t count,
                                  shmrpc_error *error)
{
    merge of = {.table = table, .pairs = pairs, .count = count};
    if (count > (size_t)1 << (SHMRPCI_TABLE_LOG2_MAX - 1)) {
        return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE, "%zu keys at once",
                                count);
    }
    of.mask = 15;
    while (of.mask < 2 * count) {
        of.mask = of.mask * 2 + 1;
    }
    of.items = calloc(count + 1, sizeof *of.items);
    of.set = calloc(of.mask + 1, sizeof *of.set);
    shmrpc_status status =
        of.items != NULL && of.set != NULL
            ? take_all(&of, error)
            : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "no memory");
    if (status == SHMRPC_OK) {
        do {
            status = attempt(&of, error);
        } while (status == SHMRPC_MORE);
    }
    /* After a failure this gives back all blocks; after success only the blocks
     * of parts that needed no change. */
    shmrpci_arena_give(&table->region);
    free(of.items);
    free(of.set);
    return status;
}
