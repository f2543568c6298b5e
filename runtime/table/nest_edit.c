/* Changes below a key. An edit writes new copies of the blocks on the path to
 * an item. No other participant can reach these until one change of the key
 * publishes them all. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "table/inside.h"

/* A leaf with more than LEAF_BYTES is split, unless it has a single item; any
 * other node is split when it has more than BRANCHES branches. A change copies
 * one node per level, on average about half as large as these limits. */
#define LEAF_BYTES ((uint64_t)1024)
#define BRANCHES   32u
/* Upper bound for the items of a leaf, plus one that is inserted. A leaf has
 * the most items if each takes only the bytes of its head. */
#define ITEMS_MAX (LEAF_BYTES / sizeof(shmrpci_nest_item_head) + 2)

static shmrpc_status damaged(shmrpc_error *error)
{
    return shmrpci_table_damaged(error, "a nest points outside the region");
}

static uint64_t padded(uint64_t len)
{
    return (len + 7) & ~(uint64_t)7;
}

/* ---- blocks -------------------------------------------------------------- */

static shmrpc_status note(shmrpci_nest_edit *edit, uint64_t old, uint64_t now,
                          bool is_whole)
{
    if (edit->count == edit->room) {
        size_t room = edit->room * 2 + 16;
        shmrpci_nest_part *parts =
            realloc(edit->parts, room * sizeof *edit->parts);
        if (parts == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
        edit->parts = parts;
        edit->room = room;
    }
    edit->parts[edit->count++] = (shmrpci_nest_part){old, now, is_whole};
    return SHMRPC_OK;
}

static shmrpc_status no_memory(shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

typedef struct new_node {
    uint64_t offset;
    uint8_t *at; /* the bytes after its head */
} new_node;

/* Takes a node with room for `bytes`, to be filled and published. */
static shmrpc_status take_node(shmrpci_nest_edit *edit, shmrpci_node_head head,
                               uint64_t bytes, new_node *out,
                               shmrpc_error *error)
{
    shmrpci_table *table = edit->table;
    const shmrpci_table_bytes no_key = {"", 0};
    shmrpc_status status =
        shmrpci_table_take_record(table, no_key, sizeof head + bytes,
                                  SHMRPCI_RECORD_NODE, &out->offset, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint8_t *at =
        (uint8_t *)table->region.map.at + out->offset + sizeof(shmrpci_record);
    memcpy(at, &head, sizeof head);
    out->at = at + sizeof head;
    return note(edit, 0, shmrpci_block_of(out->offset), false) == SHMRPC_OK
               ? SHMRPC_OK
               : no_memory(error);
}

static uint64_t publish_node(shmrpci_nest_edit *edit, const new_node *node)
{
    shmrpci_record_facts facts;
    shmrpci_table_publish_record(edit->table, node->offset, &facts);
    shmrpci_table_complete_record(edit->table, node->offset, &facts,
                                  shmrpci_turn_seq(edit->turn) + 1, 0, 0);
    return shmrpci_block_of(node->offset);
}

shmrpc_status shmrpci_nest_make_bytes(shmrpci_nest_edit *edit,
                                      shmrpci_table_bytes bytes,
                                      shmrpci_nest_ref *out,
                                      shmrpc_error *error)
{
    new_node node;
    shmrpc_status status =
        take_node(edit, (shmrpci_node_head){.shape = SHMRPCI_NEST_BYTES},
                  bytes.len, &node, error);
    if (status == SHMRPC_OK) {
        memcpy(node.at, bytes.data, bytes.len);
        *out = (shmrpci_nest_ref){.block = publish_node(edit, &node),
                                  .shape = SHMRPCI_NEST_BYTES,
                                  .count = bytes.len};
    }
    return status;
}

/* ---- leaves -------------------------------------------------------------- */

/* An item of a new leaf, copied from another leaf or newly made. */
typedef struct piece {
    const void *at;
    const shmrpci_nest_item *item;
    uint64_t bytes;
    uint64_t hash;
} piece;

static piece piece_of(const shmrpci_table *table, uint64_t shape,
                      const shmrpci_nest_item *item)
{
    bool is_map = shape == SHMRPCI_NEST_MAP;
    uint64_t value_len =
        item->value.is_ref ? sizeof item->value.ref : item->value.bytes.len;
    return (piece){
        .item = item,
        .bytes = sizeof(shmrpci_nest_item_head) + padded(value_len) +
                 (is_map ? 2 * sizeof(uint64_t) + padded(item->key.len) : 0),
        .hash = is_map ? shmrpci_table_hash_of(table, item->key) : 0,
    };
}

static void copy_padded(uint8_t **to, const void *from, uint64_t len)
{
    uint64_t bytes = padded(len);
    if (bytes > 0) {
        memset(*to + bytes - 8, 0, 8);
        memcpy(*to, from, len);
        *to += bytes;
    }
}

static uint8_t *write_piece(uint64_t shape, const piece *of, uint8_t *to)
{
    if (of->item == NULL) {
        memcpy(to, of->at, of->bytes);
        return to + of->bytes;
    }
    const shmrpci_nest_item *item = of->item;
    const shmrpci_nest_value *value = &item->value;
    bool is_map = shape == SHMRPCI_NEST_MAP;
    uint64_t numbers[2] = {of->hash, item->order};
    shmrpci_nest_item_head head = {
        .value_len =
            (uint32_t)(value->is_ref ? sizeof value->ref : value->bytes.len),
        .key_len = is_map ? (uint16_t)item->key.len : 0,
        .is_ref = value->is_ref,
    };
    copy_padded(&to, &head, sizeof head);
    if (is_map) {
        copy_padded(&to, numbers, sizeof numbers);
        copy_padded(&to, item->key.data, item->key.len);
    }
    copy_padded(&to,
                value->is_ref ? (const void *)&value->ref : value->bytes.data,
                head.value_len);
    return to;
}

static shmrpc_status make_leaf(shmrpci_nest_edit *edit, uint64_t shape,
                               const piece *pieces, size_t count,
                               uint64_t bytes, shmrpci_nest_branch *out,
                               shmrpc_error *error)
{
    new_node node;
    shmrpci_node_head head = {.count = (uint32_t)count,
                              .shape = (uint8_t)shape};
    shmrpc_status status = take_node(edit, head, bytes, &node, error);
    if (status == SHMRPC_OK) {
        uint8_t *to = node.at;
        for (size_t i = 0; i < count; i++) {
            to = write_piece(shape, &pieces[i], to);
        }
        SHMRPCI_ASSERT(to == node.at + bytes, "a leaf has the computed size");
        *out = (shmrpci_nest_branch){publish_node(edit, &node), count,
                                     pieces[0].hash};
    }
    return status;
}

static shmrpc_status make_node(shmrpci_nest_edit *edit, uint64_t shape,
                               unsigned level,
                               const shmrpci_nest_branch *branches,
                               size_t count, shmrpci_nest_branch *out,
                               shmrpc_error *error)
{
    new_node node;
    shmrpci_node_head head = {.count = (uint32_t)count,
                              .level = (uint8_t)level,
                              .shape = (uint8_t)shape};
    shmrpc_status status =
        take_node(edit, head, count * sizeof *branches, &node, error);
    if (status == SHMRPC_OK) {
        memcpy(node.at, branches, count * sizeof *branches);
        uint64_t below = 0;
        for (size_t i = 0; i < count; i++) {
            below += branches[i].count;
        }
        /* Set last, because `out` may point to one of `branches`. */
        *out = (shmrpci_nest_branch){publish_node(edit, &node), below,
                                     branches[0].low};
    }
    return status;
}

/* ---- changing one place -------------------------------------------------- */

/* The change to make in a nest: insert, replace or remove one item. */
typedef struct splice {
    shmrpci_nest_edit *edit;
    uint64_t shape;
    bool removes;
    bool appends;   /* the position is after the last item: a new leaf begins
                     * with `item` */
    unsigned level; /* level of the root */
    const shmrpci_nest_item *item;
    shmrpc_error *error;
} splice;

/* The nodes that replace a node: none, one, or two. */
typedef struct outcome {
    shmrpci_nest_branch branches[2];
    unsigned count;
} outcome;

/* How many of `count` items go into the first of two leaves. */
static size_t divide(const splice *of, const piece *pieces, size_t count,
                     uint64_t bytes)
{
    uint64_t left = 0;
    size_t n = 0;
    if (of->appends) {
        return count - 1;
    }
    while (n < count - 1 && left + pieces[n].bytes / 2 < bytes / 2) {
        left += pieces[n++].bytes;
    }
    return n > 0 ? n : 1;
}

static shmrpc_status make_leaves(const splice *of, const piece *pieces,
                                 size_t count, outcome *out)
{
    uint64_t bytes = 0;
    uint64_t left = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += pieces[i].bytes;
    }
    out->count = 0;
    size_t n = bytes <= LEAF_BYTES || count < 2
                   ? count
                   : divide(of, pieces, count, bytes);
    for (size_t i = 0; i < n; i++) {
        left += pieces[i].bytes;
    }
    shmrpc_status status = SHMRPC_OK;
    if (n > 0) {
        status = make_leaf(of->edit, of->shape, pieces, n, left,
                           &out->branches[out->count++], of->error);
    }
    if (status == SHMRPC_OK && n < count) {
        status =
            make_leaf(of->edit, of->shape, pieces + n, count - n, bytes - left,
                      &out->branches[out->count++], of->error);
    }
    return status;
}

static shmrpc_status splice_leaf(const splice *of, const shmrpci_node *node,
                                 uint64_t position, outcome *out)
{
    piece pieces[ITEMS_MAX];
    size_t count = 0;
    uint64_t offset = 0;
    if (node->head.count > ITEMS_MAX - 1 || position > node->head.count) {
        return damaged(of->error);
    }
    for (uint32_t i = 0; i <= node->head.count; i++) {
        shmrpci_node_entry entry;
        if (i == position && of->item != NULL) {
            pieces[count++] = piece_of(of->edit->table, of->shape, of->item);
        }
        if (i == node->head.count) {
            break;
        }
        if (!shmrpci_node_item(node, &offset, &entry)) {
            return damaged(of->error);
        }
        if (i != position || !of->removes) {
            pieces[count++] = (piece){
                .at = entry.at, .bytes = entry.bytes, .hash = entry.hash};
        }
    }
    return make_leaves(of, pieces, count, out);
}

/* Recursive: each call goes one level lower, so the depth is bounded. */
static shmrpc_status splice_node(const splice *of, uint64_t block,
                                 unsigned level, uint64_t position,
                                 outcome *out);

/* Finds the branch that holds a position, and makes the position relative to
 * that branch. */
static uint32_t find_branch(const splice *of, const shmrpci_node *node,
                            uint64_t *position)
{
    uint32_t i = 0;
    for (; i + 1 < node->head.count; i++) {
        uint64_t below = shmrpci_node_branch(node, i).count;
        if (*position < below || (*position == below && !of->removes)) {
            break;
        }
        *position -= below;
    }
    return i;
}

static shmrpc_status splice_branch(const splice *of, const shmrpci_node *node,
                                   uint64_t position, outcome *out)
{
    shmrpci_nest_branch branches[BRANCHES + 1];
    outcome below;
    unsigned level = node->head.level;
    if (node->head.count == 0 || node->head.count > BRANCHES) {
        return damaged(of->error);
    }
    uint32_t at = find_branch(of, node, &position);
    shmrpc_status status = splice_node(of, shmrpci_node_branch(node, at).block,
                                       level - 1, position, &below);
    if (status != SHMRPC_OK) {
        return status;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < node->head.count; i++) {
        if (i != at) {
            branches[count++] = shmrpci_node_branch(node, i);
        }
        for (unsigned k = 0; i == at && k < below.count; k++) {
            branches[count++] = below.branches[k];
        }
    }
    size_t n = count <= BRANCHES ? count : of->appends ? BRANCHES : count / 2;
    out->count = 0;
    if (n > 0) {
        status = make_node(of->edit, of->shape, level, branches, n,
                           &out->branches[out->count++], of->error);
    }
    if (status == SHMRPC_OK && n < count) {
        status = make_node(of->edit, of->shape, level, branches + n, count - n,
                           &out->branches[out->count++], of->error);
    }
    return status;
}

static shmrpc_status splice_node(const splice *of, uint64_t block,
                                 unsigned level, uint64_t position,
                                 outcome *out)
{
    shmrpci_node node;
    if (!shmrpci_node_look(of->edit->table, block, &node) ||
        node.head.shape != of->shape || node.head.level != level) {
        return damaged(of->error);
    }
    shmrpc_status status = level == 0 ? splice_leaf(of, &node, position, out)
                                      : splice_branch(of, &node, position, out);
    if (status == SHMRPC_OK && note(of->edit, block, 0, false) != SHMRPC_OK) {
        status = no_memory(of->error);
    }
    return status;
}

/* Replaces a root that has only one branch by the node below it. */
static shmrpc_status lower(const splice *of, shmrpci_nest_branch *root)
{
    shmrpci_nest_edit *edit = of->edit;
    shmrpci_node node;
    /* Each node must be one level lower than the node above it; otherwise the
     * nest is damaged. */
    for (unsigned level = of->level;
         level > 0 && shmrpci_node_look(edit->table, root->block, &node) &&
         node.head.level == level && node.head.count == 1;
         level--) {
        shmrpci_nest_branch below = shmrpci_node_branch(&node, 0);
        bool is_new = false;
        /* A block that this edit has made was never reachable, so it is not
         * retired. */
        for (size_t i = 0; !is_new && i < edit->count; i++) {
            is_new = edit->parts[i].now == root->block;
            if (is_new) {
                edit->parts[i] = edit->parts[--edit->count];
            }
        }
        if (!is_new && note(edit, root->block, 0, false) != SHMRPC_OK) {
            return no_memory(of->error);
        }
        *root = below;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_nest_splice(shmrpci_nest_edit *edit,
                                  shmrpci_nest_ref *ref, uint64_t position,
                                  bool removes, const shmrpci_nest_item *item,
                                  shmrpc_error *error)
{
    splice of = {.edit = edit,
                 .shape = ref->shape,
                 .removes = removes,
                 .appends = position == ref->count,
                 .item = item,
                 .error = error};
    shmrpci_node root;
    outcome out;
    if (ref->block == 0 && item != NULL) {
        shmrpci_nest_item first = *item;
        return shmrpci_nest_make(edit, (shmrpci_nest_shape)ref->shape, &first,
                                 1, ref, error);
    }
    if (!shmrpci_node_look(edit->table, ref->block, &root)) {
        return damaged(error);
    }
    of.level = root.head.level;
    shmrpc_status status =
        splice_node(&of, ref->block, of.level, position, &out);
    if (status == SHMRPC_OK && out.count == 2) {
        status = make_node(edit, ref->shape, of.level + 1, out.branches, 2,
                           &out.branches[0], error);
    } else if (status == SHMRPC_OK && out.count == 1) {
        status = lower(&of, &out.branches[0]);
    }
    if (status == SHMRPC_OK) {
        ref->block = out.count > 0 ? out.branches[0].block : 0;
        ref->count = out.count > 0 ? out.branches[0].count : 0;
    }
    return status;
}

/* ---- making a nest ------------------------------------------------------- */

static int by_hash(const void *one, const void *two)
{
    const piece *a = one;
    const piece *b = two;
    return a->hash < b->hash ? -1 : a->hash > b->hash ? 1 : 0;
}

static bool has_twice(const piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const shmrpci_table_bytes *key = &pieces[i].item->key;
        for (size_t k = i; k > 0 && pieces[k - 1].hash == pieces[i].hash; k--) {
            const shmrpci_table_bytes *other = &pieces[k - 1].item->key;
            if (key->len == other->len &&
                memcmp(key->data, other->data, key->len) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Makes leaves, and fills each with as many items as LEAF_BYTES allows. */
static shmrpc_status fill_leaves(shmrpci_nest_edit *edit, uint64_t shape,
                                 const piece *pieces, size_t count,
                                 shmrpci_nest_branch *out, size_t *out_count,
                                 shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    size_t first = 0;
    *out_count = 0;
    while (status == SHMRPC_OK && first < count) {
        size_t end = first;
        uint64_t bytes = 0;
        do {
            bytes += pieces[end++].bytes;
        } while (end < count && bytes + pieces[end].bytes <= LEAF_BYTES);
        status = make_leaf(edit, shape, pieces + first, end - first, bytes,
                           &out[(*out_count)++], error);
        first = end;
    }
    return status;
}

/* Makes the levels above the leaves, until a level has a single node. */
static shmrpc_status raise(shmrpci_nest_edit *edit, uint64_t shape,
                           shmrpci_nest_branch *branches, size_t count,
                           shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_OK;
    for (unsigned level = 1; status == SHMRPC_OK && count > 1; level++) {
        size_t made = 0;
        for (size_t i = 0; status == SHMRPC_OK && i < count; i += BRANCHES) {
            size_t n = count - i < BRANCHES ? count - i : BRANCHES;
            status = make_node(edit, shape, level, branches + i, n,
                               &branches[made++], error);
        }
        count = made;
    }
    return status;
}

shmrpc_status shmrpci_nest_make(shmrpci_nest_edit *edit,
                                shmrpci_nest_shape shape,
                                shmrpci_nest_item *items, size_t count,
                                shmrpci_nest_ref *out, shmrpc_error *error)
{
    SHMRPCI_ASSERT(count > 0, "a nest has an item");
    size_t leaves;
    piece *pieces = malloc(count * sizeof *pieces);
    shmrpci_nest_branch *branches = malloc(count * sizeof *branches);
    shmrpc_status status = SHMRPC_OK;
    if (pieces == NULL || branches == NULL) {
        status = no_memory(error);
    }
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        items[i].order = i;
        pieces[i] = piece_of(edit->table, shape, &items[i]);
    }
    if (status == SHMRPC_OK && shape == SHMRPCI_NEST_MAP) {
        qsort(pieces, count, sizeof *pieces, by_hash);
        if (has_twice(pieces, count)) {
            status = shmrpc_error_set(error, SHMRPC_E_EXISTS,
                                      "a map has a key twice");
        }
    }
    if (status == SHMRPC_OK) {
        status =
            fill_leaves(edit, shape, pieces, count, branches, &leaves, error);
    }
    if (status == SHMRPC_OK) {
        status = raise(edit, shape, branches, leaves, error);
    }
    if (status == SHMRPC_OK) {
        *out = (shmrpci_nest_ref){branches[0].block, shape, count,
                                  shape == SHMRPCI_NEST_MAP ? count : 0};
    }
    free(branches);
    free(pieces);
    return status;
}

shmrpc_status shmrpci_nest_drop(shmrpci_nest_edit *edit,
                                const shmrpci_nest_value *value)
{
    return value->is_ref ? note(edit, value->ref.block, 0, true) : SHMRPC_OK;
}

/* ---- the change ---------------------------------------------------------- */

bool shmrpci_nest_edit_is_current(const shmrpci_nest_edit *edit)
{
    shmrpci_fence_acquire();
    return shmrpci_load_seq(&edit->table->roots->turn) == edit->turn;
}

/* Returns OK, NOT_FOUND or DATA_LOSS; MORE means: try again. */
static shmrpc_status find(shmrpci_nest_edit *edit)
{
    const shmrpci_table *table = edit->table;
    shmrpci_geometry geometry;
    shmrpci_record_facts was;
    edit->root = shmrpci_load_acquire(&table->roots->root);
    if (edit->root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(table, edit->root, &geometry)) {
        return SHMRPC_E_DATA_LOSS;
    }
    switch (shmrpci_table_find(table, &geometry, edit->key, edit->hash,
                               &edit->slot, &edit->word, &was)) {
    case SHMRPCI_FOUND:
        break;
    case SHMRPCI_FOUND_NOT:
        return SHMRPC_E_NOT_FOUND;
    case SHMRPCI_FOUND_AGAIN:
        return SHMRPC_MORE;
    case SHMRPCI_FOUND_DAMAGE:
        return SHMRPC_E_DATA_LOSS;
    }
    edit->order = shmrpci_load_relaxed(&was.footer->order);
    edit->state = shmrpci_load_relaxed(&geometry.block->state);
    return shmrpci_nest_of(&was, &edit->value) ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
}

shmrpc_status shmrpci_nest_edit_begin(shmrpci_nest_edit *edit,
                                      shmrpci_table *table,
                                      shmrpci_table_bytes key,
                                      shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_MORE;
    edit->table = table;
    edit->key = key;
    edit->hash = shmrpci_table_hash_of(table, key);
    edit->count = 0;
    /* Gives back the blocks of an attempt that failed. */
    shmrpci_arena_give(&table->region);
    while (status == SHMRPC_MORE) {
        status = shmrpci_table_quiet(table, &edit->turn);
        if (status != SHMRPC_OK) {
            return shmrpc_error_set(
                error, status,
                "another participant's unfinished change can't be completed");
        }
        status = find(edit);
        if (status != SHMRPC_OK && !shmrpci_nest_edit_is_current(edit)) {
            status = SHMRPC_MORE;
        }
    }
    if (status == SHMRPC_E_DATA_LOSS) {
        return damaged(error);
    }
    return status == SHMRPC_OK ? status
                               : shmrpc_error_set(error, status, "no such key");
}

/* Makes the new record of the key. */
static shmrpc_status make_record(shmrpci_nest_edit *edit,
                                 const shmrpci_nest_value *value,
                                 uint64_t *out_offset, shmrpc_error *error)
{
    shmrpci_table *table = edit->table;
    shmrpci_record_facts own;
    const void *data = value->is_ref ? &value->ref : value->bytes.data;
    size_t len = value->is_ref ? sizeof value->ref : value->bytes.len;
    shmrpc_status status = shmrpci_table_take_record(
        table, edit->key, len,
        value->is_ref ? SHMRPCI_RECORD_NEST : SHMRPCI_RECORD_VALUE, out_offset,
        error);
    if (status == SHMRPC_OK) {
        uint8_t *to = (uint8_t *)table->region.map.at + *out_offset +
                      sizeof(shmrpci_record) + padded(edit->key.len);
        if (len > 0) {
            memcpy(to, data, len);
        }
        shmrpci_table_publish_record(table, *out_offset, &own);
        shmrpci_table_complete_record(
            table, *out_offset, &own, shmrpci_turn_seq(edit->turn) + 1,
            shmrpci_word_block(edit->word), edit->order);
    }
    return status;
}

static void fill_list(const shmrpci_nest_edit *edit, uint64_t list_offset,
                      uint64_t record)
{
    uint64_t id;
    shmrpci_table_list *list =
        (shmrpci_table_list *)(void *)shmrpci_record_begin(
            edit->table, list_offset, SHMRPCI_RECORD_LIST, &id);
    shmrpci_store_relaxed(&list->record.stamp,
                          shmrpci_turn_seq(edit->turn) + 1);
    shmrpci_store_relaxed(&list->count, (uint64_t)edit->count + 1);
    shmrpci_table_part *part = list->parts;
    shmrpci_store_relaxed(&part->slot, edit->slot);
    shmrpci_store_relaxed(&part->old, edit->word);
    shmrpci_store_relaxed(&part->now, shmrpci_table_tag(edit->hash) |
                                          shmrpci_block_of(record));
    for (size_t i = 0; i < edit->count; i++) {
        part++;
        shmrpci_store_relaxed(&part->slot, (uint64_t)edit->parts[i].is_whole);
        shmrpci_store_relaxed(&part->old, edit->parts[i].old);
        shmrpci_store_relaxed(&part->now, edit->parts[i].now);
    }
    shmrpci_record_publish(&list->record, id);
}

shmrpc_status shmrpci_nest_commit(shmrpci_nest_edit *edit,
                                  const shmrpci_nest_value *value,
                                  uint64_t *out_version, shmrpc_error *error)
{
    shmrpci_table *table = edit->table;
    uint64_t record;
    uint64_t list;
    shmrpc_status status = make_record(edit, value, &record, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_arena_take(&table->region,
                                    sizeof(shmrpci_table_list) +
                                        (edit->count + 1) *
                                            sizeof(shmrpci_table_part),
                                    &list, error);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    fill_list(edit, list, record);
    shmrpci_change change = {
        .op = SHMRPCI_TABLE_OP_NEST,
        .root = edit->root,
        .now = shmrpci_block_of(list),
        .state_old = edit->state,
        .state_now = edit->state,
    };
    if (!shmrpci_table_commit_change(table, edit->turn, &change)) {
        shmrpci_arena_give(&table->region);
        return SHMRPC_MORE;
    }
    edit->count = 0;
    if (out_version != NULL) {
        *out_version = change.seq;
    }
    return SHMRPC_OK;
}

void shmrpci_nest_edit_end(shmrpci_nest_edit *edit)
{
    if (edit->table != NULL) {
        shmrpci_arena_give(&edit->table->region);
    }
    free(edit->parts);
    *edit = (shmrpci_nest_edit){0};
}
