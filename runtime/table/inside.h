/*
 * Declarations shared by the files of this folder.
 *
 * Threading: as table.h.
 */
#ifndef SHMRPCI_TABLE_INSIDE_H
#define SHMRPCI_TABLE_INSIDE_H

#include "base/copy.h"
#include "base/likely.h"
#include "region/arena.h"
#include "table/hash.h"
#include "table/nest.h"
#include "table/table.h"

/* ---- blocks and records -------------------------------------------------- */

/* How many bytes of spans are backed by memory. */
static inline uint64_t shmrpci_table_paid(const shmrpci_table *table)
{
    /* Acquire: pairs with the thread that paid (region/span.c). */
    uint64_t paid = shmrpci_load_acquire(table->paid);
    return paid < table->spans_bytes ? paid : table->spans_bytes;
}

/* The address of `bytes` bytes of a block if they are in paid memory, else
 * NULL. */
static inline void *shmrpci_table_at(const shmrpci_table *table, uint64_t block,
                                     uint64_t bytes)
{
    uint64_t offset = block * SHMRPCI_BLOCK_ALIGN;
    uint64_t at = offset - table->spans_offset;
    uint64_t paid = shmrpci_table_paid(table);
    return at <= paid && bytes <= paid - at ? table->blocks + offset : NULL;
}

static inline uint64_t shmrpci_table_hash_of(const shmrpci_table *table,
                                             shmrpci_table_bytes key)
{
    return shmrpci_hash_bytes(table->region.facts.hash_seed, key.data, key.len);
}

static inline uint64_t shmrpci_block_of(uint64_t offset)
{
    return offset / SHMRPCI_BLOCK_ALIGN;
}

static inline uint64_t shmrpci_offset_of(uint64_t block)
{
    return block * SHMRPCI_BLOCK_ALIGN;
}

/* A record's fields, copied in one look; the record may have changed since. */
typedef struct shmrpci_record_facts {
    const shmrpci_record *record;
    uint64_t id;
    uint64_t stamp;
    uint32_t hash;
    uint32_t value_len;
    uint16_t key_len;
    uint16_t kind;
    const uint8_t *key;
    const uint8_t *value;
    shmrpci_record_footer *footer;
} shmrpci_record_facts;

static inline uint64_t shmrpci_record_bytes(uint64_t key_len,
                                            uint64_t value_len)
{
    return sizeof(shmrpci_record) + ((key_len + 7) & ~(uint64_t)7) +
           ((value_len + 7) & ~(uint64_t)7) + sizeof(shmrpci_record_footer);
}

/* Copies the facts of a record. Returns false if it is being written, or there
 * is no valid record. */
static inline bool shmrpci_record_look(const shmrpci_table *table,
                                       uint64_t block,
                                       shmrpci_record_facts *out)
{
    const shmrpci_record *record =
        shmrpci_table_at(table, block, sizeof *record);
    if (record == NULL) {
        return false;
    }
    /* Acquire: pairs with _publish. */
    out->id = shmrpci_load_acquire(&record->id);
    out->record = record;
    out->stamp = shmrpci_load_relaxed(&record->stamp);
    out->hash = shmrpci_load_relaxed(&record->hash);
    out->value_len = shmrpci_load_relaxed(&record->value_len);
    out->key_len = shmrpci_load_relaxed(&record->key_len);
    out->kind = shmrpci_load_relaxed(&record->kind);
    uint64_t bytes = shmrpci_record_bytes(out->key_len, out->value_len);
    uint8_t *at = shmrpci_table_at(table, block, bytes);
    if (at == NULL || (out->id & 1) != 0) {
        return false;
    }
    out->key = at + sizeof *record;
    out->value = out->key + ((out->key_len + 7u) & ~7u);
    out->footer =
        (shmrpci_record_footer *)(void *)(at + bytes -
                                          sizeof(shmrpci_record_footer));
    return true;
}

/* Whether the record was still the same when all loads from it so far had been
 * made. */
static inline bool shmrpci_record_is_same(const shmrpci_record_facts *facts)
{
    /* Pairs with the fence in _begin: if a load had seen a later write, we
     * would see the new id here. */
    shmrpci_fence_acquire();
    return shmrpci_load_relaxed(&facts->record->id) == facts->id;
}

/* Returns an id that no block ever had. */
uint64_t shmrpci_record_new_id(shmrpci_table *table);
/* Fills in the head of a block that we hold. It is not a record until
 * _publish. */
shmrpci_record *shmrpci_record_begin(shmrpci_table *table, uint64_t offset,
                                     shmrpci_record_kind kind,
                                     uint64_t *out_id);
void shmrpci_record_publish(shmrpci_record *record, uint64_t id);

/* Takes a block for a record, and fills in everything but its value, stamp and
 * footer. The block is held, and is not a record until it is published. Returns
 * EXHAUSTED, TOO_LARGE or DATA_LOSS. */
shmrpc_status shmrpci_table_take_hashed(shmrpci_table *table,
                                        shmrpci_table_bytes key, uint64_t hash,
                                        size_t value_len,
                                        shmrpci_record_kind kind,
                                        uint64_t *out_offset,
                                        shmrpc_error *error);
static inline shmrpc_status
shmrpci_table_take_record(shmrpci_table *table, shmrpci_table_bytes key,
                          size_t value_len, shmrpci_record_kind kind,
                          uint64_t *out_offset, shmrpc_error *error)
{
    return shmrpci_table_take_hashed(table, key,
                                     shmrpci_table_hash_of(table, key),
                                     value_len, kind, out_offset, error);
}
/* Makes the block a record. It is not reachable yet, but from now on a reader
 * may find it through an old word, which refers to the block's previous use. */
void shmrpci_table_publish_record(shmrpci_table *table, uint64_t offset,
                                  shmrpci_record_facts *out);
/* Sets the fields that name the change. Called before the change makes the
 * record reachable. */
void shmrpci_table_complete_record(shmrpci_table *table, uint64_t offset,
                                   const shmrpci_record_facts *facts,
                                   uint64_t stamp, uint64_t prev,
                                   uint64_t order);

/* Copies `len` bytes to a buffer, replacing its content. */
static inline shmrpc_status shmrpci_table_copy(shmrpci_buf *out,
                                               const void *data, size_t len)
{
    out->len = 0;
    out->status = SHMRPC_OK;
    if (SHMRPCI_UNLIKELY(len > out->cap) && !shmrpci_buf_make_room(out, len)) {
        return out->status;
    }
    out->len = len;
    shmrpci_copy_short(out->data, data, len);
    return SHMRPC_OK;
}

/* ---- the index ----------------------------------------------------------- */

/* The layout of the table block that a root word names. */
typedef struct shmrpci_geometry {
    uint64_t root;
    shmrpci_table_block *block;
    shmrpci_atomic_u32 *order;
    uint64_t mask;
    uint32_t room; /* number of entries of `order` */
} shmrpci_geometry;

uint64_t shmrpci_table_block_bytes(uint32_t log2);
bool shmrpci_table_geometry_closely(const shmrpci_table *table, uint64_t root,
                                    shmrpci_geometry *out);

/* Computes the layout, for a root whose table is known to lie in the region. */
static inline void shmrpci_table_measure(const shmrpci_table *table,
                                         uint64_t root, shmrpci_geometry *out)
{
    uint64_t slots = (uint64_t)1 << shmrpci_root_log2(root);
    uint8_t *at =
        table->blocks + shmrpci_word_block(root) * SHMRPCI_BLOCK_ALIGN;
    out->root = root;
    out->block = (shmrpci_table_block *)(void *)at;
    out->order =
        (shmrpci_atomic_u32 *)(void *)(at + sizeof(shmrpci_table_block) +
                                       slots * sizeof(uint64_t));
    out->mask = slots - 1;
    out->room = (uint32_t)(slots / 4 * 3);
}

/* Checks the root, and computes the layout. Returns false if there is no table,
 * or not all of it is in the region. */
static inline bool shmrpci_table_geometry(const shmrpci_table *table,
                                          uint64_t root, shmrpci_geometry *out)
{
    if (SHMRPCI_LIKELY(root != 0 &&
                       root == shmrpci_load_relaxed(&table->known_root))) {
        shmrpci_table_measure(table, root, out);
        return true;
    }
    return shmrpci_table_geometry_closely(table, root, out);
}

static inline uint64_t shmrpci_table_tag(uint64_t hash)
{
    return hash & SHMRPCI_WORD_HASH;
}

typedef enum shmrpci_found {
    SHMRPCI_FOUND,
    SHMRPCI_FOUND_NOT, /* the key is not there; `slot` is free */
    SHMRPCI_FOUND_AGAIN,
    SHMRPCI_FOUND_DAMAGE
} shmrpci_found;

/* Finds where a key is, or would be. AGAIN means that the index changed
 * meanwhile. DAMAGE means that it looks damaged; it really is only if the turn
 * has not changed either, which the caller checks. */
shmrpci_found shmrpci_table_find(const shmrpci_table *table,
                                 const shmrpci_geometry *geometry,
                                 shmrpci_table_bytes key, uint64_t hash,
                                 uint64_t *out_slot, uint64_t *out_word,
                                 shmrpci_record_facts *out);

/* ---- nests --------------------------------------------------------------- */

/* A node's head, copied in one look. */
typedef struct shmrpci_node {
    shmrpci_node_head head;
    const uint8_t *at; /* the bytes after the head */
    uint64_t bytes;
} shmrpci_node;

/* An item in a leaf. */
typedef struct shmrpci_node_entry {
    shmrpci_nest_item item;
    shmrpci_nest_item_head head;
    uint64_t hash;
    const uint8_t *at;
    uint64_t bytes;
} shmrpci_node_entry;

/* Returns false if there is no node, or its branches are not in the region. */
bool shmrpci_node_look(const shmrpci_table *table, uint64_t block,
                       shmrpci_node *out);
shmrpci_nest_branch shmrpci_node_branch(const shmrpci_node *node,
                                        uint32_t index);
/* Reads the item at `*offset` of a leaf, and advances `*offset`. Returns false
 * if there is none. */
bool shmrpci_node_item(const shmrpci_node *node, uint64_t *offset,
                       shmrpci_node_entry *out);

/* Reads the value of a key's record. Returns false if it is damaged. */
bool shmrpci_nest_of(const shmrpci_record_facts *facts,
                     shmrpci_nest_value *out);

typedef struct shmrpci_nest_walk shmrpci_nest_walk;
struct shmrpci_nest_walk {
    const shmrpci_table *table;
    uint64_t *budget; /* how many nodes the walk may still visit */
    unsigned depth;   /* how deep nests are nested */
    /* Called for each item, and for each node after everything below it; may be
     * NULL. */
    shmrpc_status (*item)(shmrpci_nest_walk *walk,
                          const shmrpci_node_entry *entry);
    void (*node)(shmrpci_nest_walk *walk, uint64_t block,
                 const shmrpci_node *node);
    void *to;
};

/* How many nodes a nest can have at most. */
uint64_t shmrpci_nest_budget(const shmrpci_table *table);
/* Walks one nest, but not the nests in its items. Returns DATA_LOSS, or the
 * status of `item`. */
shmrpc_status shmrpci_nest_walk_all(shmrpci_nest_walk *walk,
                                    const shmrpci_nest_ref *ref);
/* Calls `visit` for each block of the nest whose root is `block`, and of the
 * nests in it; always in the same order. */
void shmrpci_nest_each_below(const shmrpci_table *table, uint64_t block,
                             shmrpci_block_visit *visit, void *to);
/* The same for the nest of a record; the record is visited last. */
void shmrpci_table_each_of_record(const shmrpci_table *table, uint64_t block,
                                  shmrpci_block_visit *visit, void *to);
/* Checks a nest completely. */
bool shmrpci_nest_is_good(const shmrpci_table *table,
                          const shmrpci_nest_ref *ref);
/* Replaces the content of the buffer by the value of a record, as bytes. */
shmrpc_status shmrpci_nest_copy(const shmrpci_table *table,
                                const shmrpci_record_facts *facts,
                                shmrpci_buf *out);
static inline shmrpc_status
shmrpci_table_copy_value(const shmrpci_table *table,
                         const shmrpci_record_facts *facts, shmrpci_buf *out)
{
    return facts->kind == SHMRPCI_RECORD_NEST
               ? shmrpci_nest_copy(table, facts, out)
               : shmrpci_table_copy(out, facts->value, facts->value_len);
}
/* Whether a record holds a key and its value, rather than being a tombstone or
 * another block. */
static inline bool shmrpci_record_is_value(const shmrpci_record_facts *facts)
{
    return facts->kind == SHMRPCI_RECORD_VALUE ||
           facts->kind == SHMRPCI_RECORD_NEST;
}

/* ---- changes ------------------------------------------------------------- */

/* A private copy of a descriptor. */
typedef struct shmrpci_change {
    uint64_t seq;
    uint64_t op;
    uint64_t root;
    uint64_t slot;
    uint64_t old;
    uint64_t now;
    uint64_t state_old;
    uint64_t state_now;
    uint64_t oldest;
    /* Set by the maker: the replaced record has no blocks below it. */
    bool is_plain;
} shmrpci_change;

static inline shmrpci_table_change *
shmrpci_table_change_of(const shmrpci_table *table, uint32_t participant)
{
    return (shmrpci_table_change *)(void *)shmrpci_region_participant(
               &table->region, participant)
        ->kind;
}

/* Returns the turn, with no change in progress: a change that is in progress is
 * finished first. Returns DATA_LOSS or EXHAUSTED if it can't be finished. */
shmrpc_status shmrpci_table_quiet(shmrpci_table *table, uint64_t *out_turn);

/*
 * Commits a change that was prepared for `turn`, applies it, and retires the
 * blocks it replaced. Returns false if another change was committed first; then
 * nothing has happened. Fills in `change->seq`. The blocks that the change
 * makes reachable must be the first of those held, and are no longer held
 * afterwards.
 */
bool shmrpci_table_commit_change(shmrpci_table *table, uint64_t turn,
                                 shmrpci_change *change);

/* Applies a committed change; called by its maker, helpers, and heirs. Returns
 * OK, DATA_LOSS, or, to helpers only, EXHAUSTED. */
shmrpc_status shmrpci_table_apply(shmrpci_table *table,
                                  const shmrpci_change *change, uint64_t turn,
                                  bool is_maker);
/* Retires the blocks that a change has replaced, continuing where its maker
 * stopped. */
void shmrpci_table_retire(shmrpci_table *table, const shmrpci_change *change,
                          bool is_heir);

/* Makes room for `extra` more insertions, as of `turn`. If it returns OK, the
 * caller starts over. */
shmrpc_status shmrpci_table_rehash(shmrpci_table *table, uint64_t turn,
                                   uint64_t extra, shmrpc_error *error);
/* Fills in the new table of a REHASH. */
void shmrpci_table_build(const shmrpci_table *table,
                         const shmrpci_change *change, uint64_t block,
                         uint64_t id);
/* Calls `visit` for each block that a REHASH or CLEAR has replaced; always in
 * the same order. */
void shmrpci_table_each_replaced(const shmrpci_table *table,
                                 const shmrpci_change *change,
                                 shmrpci_block_visit *visit, void *to);

/* Callbacks of the region; see region.h. */
void shmrpci_table_inherit(void *user, shmrpci_region *region,
                           uint32_t participant);
void shmrpci_table_survey(void *user, const shmrpci_region *region);
bool shmrpci_table_is_used(void *user, const shmrpci_region *region,
                           uint64_t offset, uint64_t change);
void shmrpci_table_each_block(void *user, const shmrpci_region *region,
                              shmrpci_block_visit *visit, void *to);

/* Returns the error for too many entries, when `more` are needed. */
shmrpc_status shmrpci_table_full(const shmrpci_table *table, uint64_t more,
                                 uint64_t live, shmrpc_error *error);
shmrpc_status shmrpci_table_damaged(shmrpc_error *error, const char *what);

#endif
