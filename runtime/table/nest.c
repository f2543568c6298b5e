/* Nests: finding and iterating over items, without locks and without
 * writing. */
#include "table/nest.h"

#include <stdlib.h>
#include <string.h>

#include "table/inside.h"

/* No nest has more levels, since nodes are split at 32 branches. */
#define LEVELS_MAX 16u
/* How deep nests may be nested; more than the codec allows. */
#define DEPTH_MAX 70u
/* Most keys with the same 64 bits of hash. Nobody can provoke more, as the seed
 * is secret. */
#define CLASHES_MAX 64u

static uint64_t padded(uint64_t len)
{
    return (len + 7) & ~(uint64_t)7;
}

/* ---- nodes --------------------------------------------------------------- */

bool shmrpci_node_look(const shmrpci_table *table, uint64_t block,
                       shmrpci_node *out)
{
    shmrpci_record_facts facts;
    if (!shmrpci_record_look(table, block, &facts) ||
        facts.kind != SHMRPCI_RECORD_NODE || facts.key_len != 0 ||
        facts.value_len < sizeof out->head) {
        return false;
    }
    memcpy(&out->head, facts.value, sizeof out->head);
    out->at = facts.value + sizeof out->head;
    out->bytes = facts.value_len - sizeof out->head;
    return out->head.level == 0 ||
           (out->head.level <= LEVELS_MAX &&
            out->head.count <= out->bytes / sizeof(shmrpci_nest_branch));
}

shmrpci_nest_branch shmrpci_node_branch(const shmrpci_node *node,
                                        uint32_t index)
{
    shmrpci_nest_branch branch;
    memcpy(&branch, node->at + index * sizeof branch, sizeof branch);
    return branch;
}

bool shmrpci_node_item(const shmrpci_node *node, uint64_t *offset,
                       shmrpci_node_entry *out)
{
    bool is_map = node->head.shape == SHMRPCI_NEST_MAP;
    uint64_t left = node->bytes - *offset;
    uint64_t fixed = sizeof out->head + (is_map ? 2 * sizeof(uint64_t) : 0);
    const uint8_t *at = node->at + *offset;
    if (left < fixed) {
        return false;
    }
    memcpy(&out->head, at, sizeof out->head);
    uint64_t key_bytes = padded(out->head.key_len);
    uint64_t bytes = fixed + key_bytes + padded(out->head.value_len);
    if (bytes > left || (out->head.is_ref != 0 &&
                         out->head.value_len != sizeof out->item.value.ref)) {
        return false;
    }
    uint64_t numbers[2] = {0, 0};
    if (is_map) {
        memcpy(numbers, at + sizeof out->head, sizeof numbers);
    }
    out->hash = numbers[0];
    out->at = at;
    out->bytes = bytes;
    out->item = (shmrpci_nest_item){
        .key = {at + fixed, out->head.key_len},
        .order = numbers[1],
        .value = {.is_ref = out->head.is_ref != 0,
                  .bytes = {at + fixed + key_bytes, out->head.value_len}}};
    if (out->item.value.is_ref) {
        memcpy(&out->item.value.ref, at + fixed + key_bytes,
               sizeof out->item.value.ref);
    }
    *offset += bytes;
    return true;
}

/* Looks at the root of a nest, or at the node below a branch. */
static bool look_at(const shmrpci_table *table, const shmrpci_nest_ref *ref,
                    uint64_t block, const shmrpci_node *above,
                    shmrpci_node *out)
{
    return shmrpci_node_look(table, block, out) &&
           out->head.shape == ref->shape &&
           (above == NULL || out->head.level + 1 == above->head.level);
}

bool shmrpci_nest_of(const shmrpci_record_facts *facts, shmrpci_nest_value *out)
{
    *out = shmrpci_nest_bytes(facts->value, facts->value_len);
    if (facts->kind == SHMRPCI_RECORD_NEST) {
        if (facts->value_len != sizeof out->ref) {
            return false;
        }
        out->is_ref = true;
        memcpy(&out->ref, facts->value, sizeof out->ref);
    }
    return true;
}

/* ---- one item ------------------------------------------------------------ */

static shmrpc_status at(const shmrpci_table *table, const shmrpci_nest_ref *ref,
                        uint64_t position, shmrpci_node_entry *out)
{
    shmrpci_node node;
    shmrpci_node above;
    uint64_t offset = 0;
    if (position >= ref->count) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!look_at(table, ref, ref->block, NULL, &node)) {
        return SHMRPC_E_DATA_LOSS;
    }
    while (node.head.level > 0) {
        uint32_t i = 0;
        shmrpci_nest_branch branch = {0};
        for (; i < node.head.count; i++) {
            branch = shmrpci_node_branch(&node, i);
            if (position < branch.count) {
                break;
            }
            position -= branch.count;
        }
        above = node;
        if (i == above.head.count ||
            !look_at(table, ref, branch.block, &above, &node)) {
            return SHMRPC_E_DATA_LOSS;
        }
    }
    for (uint64_t i = 0; i <= position; i++) {
        if (i >= node.head.count || !shmrpci_node_item(&node, &offset, out)) {
            return SHMRPC_E_DATA_LOSS;
        }
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_nest_at(const shmrpci_table *table,
                              const shmrpci_nest_ref *ref, uint64_t position,
                              shmrpci_nest_item *out)
{
    shmrpci_node_entry entry;
    shmrpc_status status = at(table, ref, position, &entry);
    if (status == SHMRPC_OK) {
        *out = entry.item;
    }
    return status;
}

/* Finds the position of the first item whose hash is at least `hash`. */
static shmrpc_status lower_bound(const shmrpci_table *table,
                                 const shmrpci_nest_ref *ref, uint64_t hash,
                                 uint64_t *out_position)
{
    shmrpci_node node;
    shmrpci_node above;
    shmrpci_node_entry entry;
    uint64_t position = 0;
    uint64_t offset = 0;
    if (!look_at(table, ref, ref->block, NULL, &node)) {
        return SHMRPC_E_DATA_LOSS;
    }
    while (node.head.level > 0) {
        /* Take the last branch that begins with a lower hash, since items with
         * the same hash may begin there. */
        shmrpci_nest_branch branch = {0};
        for (uint32_t i = 0; i < node.head.count; i++) {
            shmrpci_nest_branch next = shmrpci_node_branch(&node, i);
            if (i > 0 && next.low >= hash) {
                break;
            }
            position += branch.count;
            branch = next;
        }
        above = node;
        if (!look_at(table, ref, branch.block, &above, &node)) {
            return SHMRPC_E_DATA_LOSS;
        }
    }
    for (uint32_t i = 0; i < node.head.count; i++, position++) {
        if (!shmrpci_node_item(&node, &offset, &entry)) {
            return SHMRPC_E_DATA_LOSS;
        }
        if (entry.hash >= hash) {
            break;
        }
    }
    *out_position = position;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_nest_find(const shmrpci_table *table,
                                const shmrpci_nest_ref *ref,
                                shmrpci_table_bytes key, uint64_t *out_position,
                                shmrpci_nest_item *out)
{
    uint64_t hash = shmrpci_table_hash_of(table, key);
    shmrpc_status status = lower_bound(table, ref, hash, out_position);
    for (unsigned i = 0; status == SHMRPC_OK; i++) {
        shmrpci_node_entry entry;
        status = at(table, ref, *out_position, &entry);
        if (status != SHMRPC_OK || entry.hash != hash) {
            return status == SHMRPC_OK ? SHMRPC_E_NOT_FOUND : status;
        }
        if (entry.item.key.len == key.len &&
            shmrpci_hash_is_equal(entry.item.key.data, key.data, key.len)) {
            *out = entry.item;
            return SHMRPC_OK;
        }
        status = i < CLASHES_MAX ? SHMRPC_OK : SHMRPC_E_DATA_LOSS;
        (*out_position)++;
    }
    return status;
}

/* ---- walking all nodes --------------------------------------------------- */

uint64_t shmrpci_nest_budget(const shmrpci_table *table)
{
    return shmrpci_load_acquire(table->paid) / sizeof(shmrpci_record);
}

static shmrpc_status walk_node(shmrpci_nest_walk *walk,
                               const shmrpci_nest_ref *ref, uint64_t block,
                               const shmrpci_node *above)
{
    shmrpci_node node;
    shmrpci_node_entry entry;
    uint64_t offset = 0;
    if (*walk->budget == 0 || !look_at(walk->table, ref, block, above, &node)) {
        return SHMRPC_E_DATA_LOSS;
    }
    --*walk->budget;
    shmrpc_status status = SHMRPC_OK;
    for (uint32_t i = 0; status == SHMRPC_OK && i < node.head.count; i++) {
        if (node.head.level > 0) {
            status = walk_node(walk, ref, shmrpci_node_branch(&node, i).block,
                               &node);
        } else if (!shmrpci_node_item(&node, &offset, &entry)) {
            status = SHMRPC_E_DATA_LOSS;
        } else if (walk->item != NULL) {
            status = walk->item(walk, &entry);
        }
    }
    if (status == SHMRPC_OK && walk->node != NULL) {
        walk->node(walk, block, &node);
    }
    return status;
}

shmrpc_status shmrpci_nest_walk_all(shmrpci_nest_walk *walk,
                                    const shmrpci_nest_ref *ref)
{
    if (walk->depth >= DEPTH_MAX) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (ref->shape != SHMRPCI_NEST_BYTES) {
        return walk_node(walk, ref, ref->block, NULL);
    }
    shmrpci_node node;
    if (*walk->budget == 0 ||
        !look_at(walk->table, ref, ref->block, NULL, &node)) {
        return SHMRPC_E_DATA_LOSS;
    }
    --*walk->budget;
    if (walk->node != NULL) {
        walk->node(walk, ref->block, &node);
    }
    return SHMRPC_OK;
}

/* ---- conversion to msgpack ----------------------------------------------- */

typedef struct appending {
    const shmrpci_table *table;
    shmrpci_buf *out;
    uint64_t most;   /* bytes that may still be appended: a damaged nest that
                      * names a block twice could grow without limit */
    uint64_t budget; /* nodes left, so that cycles end */
} appending;

static shmrpc_status append(appending *of, const shmrpci_nest_value *value,
                            unsigned depth);

static shmrpc_status append_bytes(appending *of, const void *data, size_t len)
{
    if (len > of->most) {
        return SHMRPC_E_DATA_LOSS;
    }
    of->most -= len;
    shmrpci_buf_append(of->out, data, len);
    return of->out->status;
}

/* Appends the head of an array (0x90, 0xDC, 0xDD) or of a map. */
static shmrpc_status append_head(appending *of, const shmrpci_nest_ref *ref)
{
    bool is_map = ref->shape == SHMRPCI_NEST_MAP;
    uint32_t count = (uint32_t)ref->count;
    uint8_t head[5] = {(uint8_t)((is_map ? 0x80u : 0x90u) | (count & 15u))};
    size_t len = 1;
    if (ref->count > UINT32_MAX) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (count >= 16) {
        len = count <= UINT16_MAX ? 3 : 5;
        head[0] = (uint8_t)((is_map ? 0xDEu : 0xDCu) + (len == 5 ? 1u : 0u));
        for (size_t i = 1; i < len; i++) {
            head[i] = (uint8_t)(count >> (8 * (len - 1 - i)));
        }
    }
    return append_bytes(of, head, len);
}

typedef struct collection {
    appending *of;
    unsigned depth;
    uint64_t seen;
    uint64_t most;
    shmrpci_nest_item *items; /* items of a map, or NULL */
} collection;

static shmrpc_status add_item(shmrpci_nest_walk *walk,
                              const shmrpci_node_entry *entry)
{
    collection *all = walk->to;
    if (all->seen == all->most) {
        return SHMRPC_E_DATA_LOSS;
    }
    all->seen++;
    if (all->items != NULL) {
        all->items[all->seen - 1] = entry->item;
        return SHMRPC_OK;
    }
    return append(all->of, &entry->item.value, all->depth + 1);
}

static int by_order(const void *one, const void *two)
{
    uint64_t a = ((const shmrpci_nest_item *)one)->order;
    uint64_t b = ((const shmrpci_nest_item *)two)->order;
    return a < b ? -1 : a > b ? 1 : 0;
}

static shmrpc_status append_items(collection *all)
{
    shmrpc_status status = SHMRPC_OK;
    qsort(all->items, all->seen, sizeof *all->items, by_order);
    for (uint64_t i = 0; status == SHMRPC_OK && i < all->seen; i++) {
        const shmrpci_nest_item *item = &all->items[i];
        status = append_bytes(all->of, item->key.data, item->key.len);
        if (status == SHMRPC_OK) {
            status = append(all->of, &item->value, all->depth + 1);
        }
    }
    return status;
}

static shmrpc_status append_nest(appending *of, const shmrpci_nest_ref *ref,
                                 unsigned depth)
{
    collection all = {.of = of, .depth = depth, .most = ref->count};
    shmrpci_nest_walk walk = {.table = of->table,
                              .budget = &of->budget,
                              .depth = depth,
                              .item = add_item,
                              .to = &all};
    /* A valid count is limited, because each item occupies its own memory in
     * the region. */
    if (ref->count > of->most / sizeof(shmrpci_nest_item_head)) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (ref->shape == SHMRPCI_NEST_MAP) {
        all.items = malloc((size_t)ref->count * sizeof *all.items + 1);
        if (all.items == NULL) {
            return SHMRPC_E_NO_MEMORY;
        }
    }
    shmrpc_status status = append_head(of, ref);
    if (status == SHMRPC_OK) {
        status = shmrpci_nest_walk_all(&walk, ref);
    }
    if (status == SHMRPC_OK && all.seen != ref->count) {
        status = SHMRPC_E_DATA_LOSS;
    }
    if (status == SHMRPC_OK && all.items != NULL) {
        status = append_items(&all);
    }
    free(all.items);
    return status;
}

static shmrpc_status append(appending *of, const shmrpci_nest_value *value,
                            unsigned depth)
{
    shmrpci_node node;
    if (!value->is_ref) {
        return append_bytes(of, value->bytes.data, value->bytes.len);
    }
    if (value->ref.shape != SHMRPCI_NEST_BYTES) {
        return append_nest(of, &value->ref, depth);
    }
    if (!look_at(of->table, &value->ref, value->ref.block, NULL, &node) ||
        node.bytes != value->ref.count) {
        return SHMRPC_E_DATA_LOSS;
    }
    return append_bytes(of, node.at, node.bytes);
}

shmrpc_status shmrpci_nest_append(const shmrpci_table *table,
                                  const shmrpci_nest_value *value,
                                  shmrpci_buf *out)
{
    appending of = {.table = table,
                    .out = out,
                    .most = table->spans_bytes,
                    .budget = shmrpci_nest_budget(table)};
    return append(&of, value, 0);
}

shmrpc_status shmrpci_nest_copy(const shmrpci_table *table,
                                const shmrpci_record_facts *facts,
                                shmrpci_buf *out)
{
    shmrpci_nest_value value;
    shmrpci_buf_reset(out);
    return shmrpci_nest_of(facts, &value)
               ? shmrpci_nest_append(table, &value, out)
               : SHMRPC_E_DATA_LOSS;
}

/* ---- blocks of a nest ---------------------------------------------------- */

typedef struct blocks {
    shmrpci_block_visit *visit;
    void *to;
} blocks;

static void visit_node(shmrpci_nest_walk *walk, uint64_t block,
                       const shmrpci_node *node)
{
    const blocks *of = walk->to;
    (void)node;
    of->visit(of->to, shmrpci_offset_of(block));
}

static shmrpc_status visit_below(shmrpci_nest_walk *walk,
                                 const shmrpci_node_entry *entry)
{
    if (!entry->item.value.is_ref) {
        return SHMRPC_OK;
    }
    walk->depth++;
    shmrpc_status status = shmrpci_nest_walk_all(walk, &entry->item.value.ref);
    walk->depth--;
    return status;
}

void shmrpci_nest_each_below(const shmrpci_table *table, uint64_t block,
                             shmrpci_block_visit *visit, void *to)
{
    blocks of = {visit, to};
    shmrpci_node root;
    if (!shmrpci_node_look(table, block, &root)) {
        return;
    }
    const shmrpci_nest_ref ref = {.block = block, .shape = root.head.shape};
    uint64_t budget = shmrpci_nest_budget(table);
    shmrpci_nest_walk walk = {.table = table,
                              .budget = &budget,
                              .item = visit_below,
                              .node = visit_node,
                              .to = &of};
    (void)shmrpci_nest_walk_all(&walk, &ref);
}

void shmrpci_table_each_of_record(const shmrpci_table *table, uint64_t block,
                                  shmrpci_block_visit *visit, void *to)
{
    shmrpci_record_facts facts;
    shmrpci_nest_value value;
    if (shmrpci_record_look(table, block, &facts) &&
        facts.kind == SHMRPCI_RECORD_NEST && shmrpci_nest_of(&facts, &value)) {
        shmrpci_nest_each_below(table, value.ref.block, visit, to);
    }
    visit(to, shmrpci_offset_of(block));
}

/* ---- checking ------------------------------------------------------------ */

typedef struct judgement {
    const shmrpci_nest_ref *ref;
    uint64_t seen;
    uint64_t hash;
    bool is_good;
} judgement;

static uint64_t count_below(const shmrpci_node *node)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < node->head.count; i++) {
        count += shmrpci_node_branch(node, i).count;
    }
    return node->head.level == 0 ? node->head.count : count;
}

/* Compares a node with what the branch to it says. */
static void judge_node(shmrpci_nest_walk *walk, uint64_t block,
                       const shmrpci_node *node)
{
    judgement *of = walk->to;
    (void)block;
    of->is_good = of->is_good && node->head.count > 0;
    for (uint32_t i = 0; node->head.level > 0 && i < node->head.count; i++) {
        shmrpci_node below;
        shmrpci_node_entry first;
        uint64_t offset = 0;
        shmrpci_nest_branch branch = shmrpci_node_branch(node, i);
        if (!shmrpci_node_look(walk->table, branch.block, &below) ||
            count_below(&below) != branch.count) {
            of->is_good = false;
        } else if (of->ref->shape == SHMRPCI_NEST_MAP) {
            uint64_t low =
                below.head.level > 0 ? shmrpci_node_branch(&below, 0).low
                : shmrpci_node_item(&below, &offset, &first) ? first.hash
                                                             : branch.low - 1;
            of->is_good = of->is_good && branch.low == low;
        }
    }
}

static shmrpc_status judge(shmrpci_nest_walk *outer,
                           const shmrpci_nest_ref *ref);

static shmrpc_status judge_item(shmrpci_nest_walk *walk,
                                const shmrpci_node_entry *entry)
{
    judgement *of = walk->to;
    const shmrpci_nest_item *item = &entry->item;
    of->seen++;
    if (of->ref->shape == SHMRPCI_NEST_MAP) {
        of->is_good =
            of->is_good && entry->hash >= of->hash &&
            entry->hash == shmrpci_table_hash_of(walk->table, item->key) &&
            item->order < of->ref->next;
        of->hash = entry->hash;
    }
    return item->value.is_ref ? judge(walk, &item->value.ref) : SHMRPC_OK;
}

static shmrpc_status judge(shmrpci_nest_walk *outer,
                           const shmrpci_nest_ref *ref)
{
    judgement of = {.ref = ref, .is_good = true};
    shmrpci_nest_walk walk = {.table = outer->table,
                              .budget = outer->budget,
                              .depth = outer->depth + 1,
                              .item = judge_item,
                              .node = judge_node,
                              .to = &of};
    bool has_items =
        ref->shape == SHMRPCI_NEST_LIST || ref->shape == SHMRPCI_NEST_MAP;
    if (!has_items) {
        walk.node = NULL;
    }
    shmrpc_status status = shmrpci_nest_walk_all(&walk, ref);
    if (status == SHMRPC_OK && has_items &&
        (!of.is_good || of.seen != ref->count)) {
        status = SHMRPC_E_DATA_LOSS;
    }
    return status;
}

bool shmrpci_nest_is_good(const shmrpci_table *table,
                          const shmrpci_nest_ref *ref)
{
    uint64_t budget = shmrpci_nest_budget(table);
    shmrpci_nest_walk outer = {.table = table, .budget = &budget};
    return judge(&outer, ref) == SHMRPC_OK;
}
