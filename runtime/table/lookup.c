/* Reading without a lock: finding keys, getting values, iterating. */
#include <string.h>

#include "table/quick.h"

/* How often to start over if others change what is being read. If ATTEMPTS
 * tries in a row fail, the table must be damaged. A nest takes longer to read:
 * after NEST_ATTEMPTS failed tries of a nest, get returns ABORTED, which does
 * not mean damage. */
#define ATTEMPTS      1000u
#define NEST_ATTEMPTS 8u

uint64_t shmrpci_table_block_bytes(uint32_t log2)
{
    uint64_t slots = (uint64_t)1 << log2;
    return sizeof(shmrpci_table_block) + slots * sizeof(uint64_t) +
           slots / 4 * 3 * sizeof(uint32_t);
}

bool shmrpci_table_geometry_closely(const shmrpci_table *table, uint64_t root,
                                    shmrpci_geometry *out)
{
    uint32_t log2 = shmrpci_root_log2(root);
    if (log2 < SHMRPCI_TABLE_LOG2_MIN || log2 > SHMRPCI_TABLE_LOG2_MAX ||
        shmrpci_table_at(table, shmrpci_word_block(root),
                         shmrpci_table_block_bytes(log2)) == NULL) {
        return false;
    }
    shmrpci_table_measure(table, root, out);
    return true;
}

static bool is_key(const shmrpci_record_facts *facts, shmrpci_table_bytes key,
                   uint64_t hash)
{
    return facts->hash == (uint32_t)hash && facts->key_len == key.len &&
           shmrpci_hash_is_equal(facts->key, key.data, key.len);
}

shmrpci_found shmrpci_table_find(const shmrpci_table *table,
                                 const shmrpci_geometry *geometry,
                                 shmrpci_table_bytes key, uint64_t hash,
                                 uint64_t *out_slot, uint64_t *out_word,
                                 shmrpci_record_facts *out)
{
    uint64_t tag = shmrpci_table_tag(hash);
    uint64_t slot = hash & geometry->mask;
    for (uint64_t hops = 0; hops <= geometry->mask; hops++) {
        const shmrpci_atomic_u64 *at = &geometry->block->index[slot];
        /* Acquire: pairs with the CAS in apply. */
        uint64_t word = shmrpci_load_acquire(at);
        *out_slot = slot;
        *out_word = word;
        if (word == 0) {
            return SHMRPCI_FOUND_NOT;
        }
        if (((word ^ tag) & (SHMRPCI_WORD_HASH | SHMRPCI_WORD_DEAD)) == 0) {
            bool is_record =
                shmrpci_record_look(table, shmrpci_word_block(word), out);
            bool is_equal = is_record && is_key(out, key, hash);
            if (!shmrpci_quick_is_still(at, word)) {
                return SHMRPCI_FOUND_AGAIN;
            }
            if (is_equal && shmrpci_record_is_value(out)) {
                return SHMRPCI_FOUND;
            }
            /* The word may have come back, with its block reused; then we have
             * looked at parts of two records. */
            if (is_record && !shmrpci_record_is_same(out)) {
                return SHMRPCI_FOUND_AGAIN;
            }
            if (!is_record || !shmrpci_record_is_value(out)) {
                return SHMRPCI_FOUND_DAMAGE;
            }
        }
        slot = (slot + 1) & geometry->mask;
    }
    return SHMRPCI_FOUND_DAMAGE;
}

/* ---- get ----------------------------------------------------------------- */

/* Where a record was found. */
typedef struct place {
    uint64_t root;
    const shmrpci_atomic_u64 *slot;
    uint64_t word;
} place;

/* Returns OK, NOT_FOUND or DATA_LOSS; BUSY means: try again. */
static shmrpc_status try_look(shmrpci_table *table, shmrpci_table_bytes key,
                              uint64_t hash, shmrpci_record_facts *out,
                              place *at)
{
    shmrpci_geometry geometry;
    uint64_t slot;
    /* Acquire: pairs with the CAS in apply. */
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    if (root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(table, root, &geometry)) {
        return shmrpci_quick_is_root(table, root) ? SHMRPC_E_DATA_LOSS
                                                  : SHMRPC_E_BUSY;
    }
    shmrpci_quick_note(table, root);
    shmrpci_found found =
        shmrpci_table_find(table, &geometry, key, hash, &slot, &at->word, out);
    /* If this table is no longer the root, its block may have been reused. */
    if (!shmrpci_quick_is_root(table, root) || found == SHMRPCI_FOUND_AGAIN) {
        return SHMRPC_E_BUSY;
    }
    at->root = root;
    at->slot = &geometry.block->index[slot];
    /* DAMAGE may be a block that was being refilled, if the same word has come
     * back to the slot meanwhile. So it is believed only if it persists. */
    return found == SHMRPCI_FOUND       ? SHMRPC_OK
           : found == SHMRPCI_FOUND_NOT ? SHMRPC_E_NOT_FOUND
                                        : SHMRPC_E_BUSY;
}

/*
 * Whether all that was read is the value of the record. For a nest that is so
 * if the slot still led to the record after the read, and the table was still
 * the root after that, since the blocks of a nest are retired together with its
 * record.
 */
static bool is_whole(const shmrpci_table *table,
                     const shmrpci_record_facts *facts, const place *at)
{
    return (facts->kind != SHMRPCI_RECORD_NEST ||
            (shmrpci_quick_is_still(at->slot, at->word) &&
             shmrpci_quick_is_root(table, at->root))) &&
           shmrpci_record_is_same(facts);
}

/* Returns OK, NOT_FOUND, DATA_LOSS or NO_MEMORY; BUSY means: try again; ABORTED
 * is the same for a nest. */
static shmrpc_status try_get(shmrpci_table *table, shmrpci_table_bytes key,
                             uint64_t hash, shmrpci_buf *out,
                             uint64_t *out_version)
{
    shmrpci_record_facts facts;
    place at;
    shmrpc_status status = try_look(table, key, hash, &facts, &at);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (out != NULL) {
        status = shmrpci_table_copy_value(table, &facts, out);
    }
    if (!is_whole(table, &facts, &at)) {
        return facts.kind == SHMRPCI_RECORD_NEST ? SHMRPC_E_ABORTED
                                                 : SHMRPC_E_BUSY;
    }
    if (out_version != NULL) {
        *out_version = facts.stamp;
    }
    return status;
}

static SHMRPCI_SLOW shmrpc_status get_closely(shmrpci_table *table,
                                              shmrpci_table_bytes key,
                                              uint64_t hash, shmrpci_buf *out,
                                              uint64_t *out_version)
{
    unsigned nests = 0;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        shmrpc_status status = try_get(table, key, hash, out, out_version);
        nests += status == SHMRPC_E_ABORTED;
        if (status != SHMRPC_E_BUSY &&
            (status != SHMRPC_E_ABORTED || nests == NEST_ATTEMPTS)) {
            return status;
        }
    }
    return SHMRPC_E_DATA_LOSS;
}

static inline shmrpc_status get(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_buf *out, uint64_t *out_version)
{
    shmrpci_quick found = {.word = 0};
    shmrpc_status status = SHMRPC_OK;
    uint64_t hash = shmrpci_table_hash_of(table, key);
    /* Acquire: pairs with the CAS in apply. */
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    if (SHMRPCI_UNLIKELY(!shmrpci_quick_knows(table, root) ||
                         !shmrpci_quick_find(table, root, key, hash,
                                             SHMRPCI_QUICK_LIVE, &found) ||
                         !shmrpci_quick_is_still(found.slot, found.word) ||
                         !shmrpci_quick_is_root(table, root))) {
        return get_closely(table, key, hash, out, out_version);
    }
    if (found.word == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (out_version != NULL) {
        *out_version = shmrpci_load_relaxed(&found.record->stamp);
    }
    if (out != NULL) {
        status = shmrpci_table_copy(out, found.value, found.value_len);
    }
    /* Acquire, as in shmrpci_record_is_same. */
    shmrpci_fence_acquire();
    return SHMRPCI_LIKELY(shmrpci_load_relaxed(&found.record->id) == found.id)
               ? status
               : get_closely(table, key, hash, out, out_version);
}

shmrpc_status shmrpci_table_damaged(shmrpc_error *error, const char *what)
{
    return shmrpc_error_set(error, SHMRPC_E_DATA_LOSS,
                            "the table is damaged: %s", what);
}

static shmrpc_status tell(shmrpc_status status, shmrpc_error *error)
{
    return status == SHMRPC_E_DATA_LOSS
               ? shmrpci_table_damaged(error,
                                       "an entry of its index, or a nest, "
                                       "points outside the region")
               : shmrpc_error_set(error, status, "%s",
                                  shmrpc_status_text(status));
}

shmrpc_status shmrpci_table_get_any(shmrpci_table *table,
                                    shmrpci_table_bytes key, shmrpci_buf *out,
                                    uint64_t *out_version, shmrpc_error *error)
{
    shmrpc_status status = key.len < SHMRPCI_QUICK_KEY_MIN
                               ? shmrpci_quick_get(table, key, out, out_version)
                               : SHMRPC_E_BUSY;
    if (status == SHMRPC_E_BUSY) {
        status = get(table, key, out, out_version);
    }
    return status == SHMRPC_OK || error == NULL ? status : tell(status, error);
}

shmrpc_status shmrpci_table_get(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_buf *out, uint64_t *out_version,
                                shmrpc_error *error)
{
    return shmrpci_quick_table_get(table, key, out, out_version, error);
}

shmrpc_status shmrpci_table_contains(shmrpci_table *table,
                                     shmrpci_table_bytes key,
                                     uint64_t *out_version)
{
    return get(table, key, NULL, out_version);
}

shmrpc_status shmrpci_table_look(shmrpci_table *table, shmrpci_table_bytes key,
                                 shmrpci_table_peek *out, shmrpc_error *error)
{
    shmrpci_record_facts facts;
    uint64_t hash = shmrpci_table_hash_of(table, key);
    place at = {0};
    shmrpc_status status = SHMRPC_E_BUSY;
    for (unsigned i = 0; status == SHMRPC_E_BUSY && i < ATTEMPTS; i++) {
        status = try_look(table, key, hash, &facts, &at);
        if (status == SHMRPC_OK) {
            bool is_good = shmrpci_nest_of(&facts, &out->value);
            status = !shmrpci_record_is_same(&facts) ? SHMRPC_E_BUSY
                     : is_good                       ? SHMRPC_OK
                                                     : SHMRPC_E_DATA_LOSS;
        }
    }
    status = status == SHMRPC_E_BUSY ? SHMRPC_E_DATA_LOSS : status;
    if (status != SHMRPC_OK) {
        return error != NULL ? tell(status, error) : status;
    }
    out->version = facts.stamp;
    out->table = table;
    out->root = at.root;
    out->slot = at.slot;
    out->word = at.word;
    out->record = facts.record;
    out->id = facts.id;
    return SHMRPC_OK;
}

bool shmrpci_table_peek_is_same(const shmrpci_table_peek *peek)
{
    return shmrpci_quick_is_still(peek->slot, peek->word) &&
           shmrpci_quick_is_root(peek->table, peek->root) &&
           shmrpci_load_relaxed(&peek->record->id) == peek->id;
}

uint64_t shmrpci_table_len(const shmrpci_table *table)
{
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        shmrpci_geometry geometry;
        uint64_t root = shmrpci_load_acquire(&table->roots->root);
        if (root == 0) {
            return 0;
        }
        if (shmrpci_table_geometry(table, root, &geometry)) {
            uint64_t state = shmrpci_load_acquire(&geometry.block->state);
            if (shmrpci_quick_is_root(table, root)) {
                return shmrpci_state_live(state);
            }
        }
    }
    return 0;
}

/* ---- iterating ----------------------------------------------------------- */

/* Reads the record at a position of the order. Returns OK; NOT_FOUND if there
 * never was one; PRECONDITION if it is deleted; else BUSY or DATA_LOSS. */
static shmrpc_status look_at(const shmrpci_table *table,
                             const shmrpci_geometry *geometry,
                             uint32_t position, shmrpci_record_facts *out,
                             const shmrpci_atomic_u64 **out_slot,
                             uint64_t *out_word)
{
    uint32_t slot = position < geometry->room
                        ? shmrpci_load_acquire(&geometry->order[position])
                        : 0;
    if (slot == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (slot - 1 > geometry->mask) {
        return SHMRPC_E_DATA_LOSS;
    }
    const shmrpci_atomic_u64 *at = &geometry->block->index[slot - 1];
    uint64_t word = shmrpci_load_acquire(at);
    if (word == 0) {
        return SHMRPC_E_NOT_FOUND; /* an insertion is in progress */
    }
    bool is_record = shmrpci_record_look(table, shmrpci_word_block(word), out);
    *out_slot = at;
    *out_word = word;
    /* The same checks as in try_look. */
    if (!shmrpci_quick_is_still(at, word) || !is_record) {
        return SHMRPC_E_BUSY;
    }
    return (word & SHMRPCI_WORD_DEAD) != 0 ? SHMRPC_E_PRECONDITION : SHMRPC_OK;
}

/* The first position whose insertion number is at least `order`. Positions are
 * sorted by insertion number. */
static shmrpc_status bisect(const shmrpci_table *table,
                            const shmrpci_geometry *geometry, uint64_t order,
                            uint32_t *out_position)
{
    uint32_t low = 0;
    uint32_t high = geometry->room;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        shmrpci_record_facts facts;
        const shmrpci_atomic_u64 *slot;
        uint64_t word;
        shmrpc_status status =
            look_at(table, geometry, middle, &facts, &slot, &word);
        if (status == SHMRPC_E_BUSY || status == SHMRPC_E_DATA_LOSS) {
            return status;
        }
        if (status == SHMRPC_E_NOT_FOUND) {
            high = middle;
            continue;
        }
        uint64_t number = shmrpci_load_relaxed(&facts.footer->order);
        if (!shmrpci_record_is_same(&facts)) {
            return SHMRPC_E_BUSY;
        }
        if (number < order) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_position = low;
    return SHMRPC_OK;
}

static shmrpc_status try_next(const shmrpci_table *table,
                              shmrpci_table_cursor *cursor,
                              shmrpci_buf *out_key, shmrpci_buf *out_value,
                              uint64_t *out_version)
{
    shmrpci_geometry geometry;
    shmrpci_record_facts facts;
    place at = {0};
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    if (root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(table, root, &geometry)) {
        return shmrpci_quick_is_root(table, root) ? SHMRPC_E_DATA_LOSS
                                                  : SHMRPC_E_BUSY;
    }
    uint32_t position = cursor->position;
    shmrpc_status status =
        cursor->root == root
            ? SHMRPC_OK
            : bisect(table, &geometry, cursor->order, &position);
    if (status == SHMRPC_OK) {
        do {
            status = look_at(table, &geometry, position++, &facts, &at.slot,
                             &at.word);
        } while (status == SHMRPC_E_PRECONDITION);
    }
    if (!shmrpci_quick_is_root(table, root)) {
        return SHMRPC_E_BUSY;
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    uint64_t order = shmrpci_load_relaxed(&facts.footer->order);
    status = shmrpci_table_copy(out_key, facts.key, facts.key_len);
    if (status == SHMRPC_OK && out_value != NULL) {
        status = shmrpci_table_copy_value(table, &facts, out_value);
    }
    at.root = root;
    if (!is_whole(table, &facts, &at)) {
        return SHMRPC_E_BUSY;
    }
    if (out_version != NULL) {
        *out_version = facts.stamp;
    }
    *cursor = (shmrpci_table_cursor){order + 1, root, position};
    return status;
}

shmrpc_status shmrpci_table_next(shmrpci_table *table,
                                 shmrpci_table_cursor *cursor,
                                 shmrpci_buf *out_key, shmrpci_buf *out_value,
                                 uint64_t *out_version, shmrpc_error *error)
{
    shmrpc_status status = SHMRPC_E_BUSY;
    for (unsigned i = 0; status == SHMRPC_E_BUSY && i < ATTEMPTS; i++) {
        status = try_next(table, cursor, out_key, out_value, out_version);
    }
    status = status == SHMRPC_E_BUSY ? SHMRPC_E_DATA_LOSS : status;
    return status == SHMRPC_OK || error == NULL ? status : tell(status, error);
}
