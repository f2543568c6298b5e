/*
 * The common case of a lookup: the first record whose hash matches belongs to
 * the key, lies in memory known to be paid for, and isn't changed meanwhile.
 * This takes half of the instructions of lookup.c and view.c, as it compares
 * words rather than filling structs. All other cases are left to those files.
 *
 * Threading: as table.h.
 */
#ifndef SHMRPCI_TABLE_QUICK_H
#define SHMRPCI_TABLE_QUICK_H

#include "base/likely.h"
#include "table/inside.h"

/* The bits of an index word that are compared if deleted keys must not
 * match. */
#define SHMRPCI_QUICK_LIVE (SHMRPCI_WORD_HASH | SHMRPCI_WORD_DEAD)

/* A record is short if its key has at most QUICK_KEY bytes, and its value at
 * most QUICK_VALUE. The whole record then takes at most QUICK_SHORT_BYTES. */
#define SHMRPCI_QUICK_KEY     SHMRPCI_HASH_SHORT
#define SHMRPCI_QUICK_KEY_MIN 9u /* see shmrpci_quick_get */
#define SHMRPCI_QUICK_VALUE   64u
#define SHMRPCI_QUICK_SHORT_BYTES                                       \
    (sizeof(shmrpci_record) + SHMRPCI_QUICK_KEY + SHMRPCI_QUICK_VALUE + \
     sizeof(shmrpci_record_footer))

typedef struct shmrpci_quick {
    const shmrpci_record *record;
    const shmrpci_atomic_u64 *slot;
    uint64_t word; /* 0: there is no such key */
    uint64_t id;
    const uint8_t *value;
    uint32_t value_len;
} shmrpci_quick;

/* Notes that the table of this root lies in paid memory. Paid memory stays
 * paid, so the note never becomes wrong. */
static inline void shmrpci_quick_note(shmrpci_table *table, uint64_t root)
{
    uint64_t paid = shmrpci_table_paid(table);
    if (paid >= SHMRPCI_QUICK_SHORT_BYTES) {
        /* Relaxed: a reader may see any mix of old and new values, and each of
         * them is valid. */
        shmrpci_store_relaxed(&table->known_last,
                              paid - sizeof(shmrpci_record));
        shmrpci_store_relaxed(&table->known_short,
                              paid - SHMRPCI_QUICK_SHORT_BYTES + 1);
        shmrpci_store_relaxed(&table->known_root, root);
    }
}

/* Whether `root` is the root that was noted. Before the first note this is true
 * for root 0. Root 0 then stands for a table with one slot in the head of the
 * region, where no key is found, so the full lookup runs. */
static inline bool shmrpci_quick_knows(const shmrpci_table *table,
                                       uint64_t root)
{
    return root == shmrpci_load_relaxed(&table->known_root);
}

/* Whether the record that a word leads to is a value of that key. This does not
 * check whether the record is being written: if it is, one of the later checks
 * fails, because the id has changed by then, or the slot does not lead to the
 * record. */
static inline bool shmrpci_quick_look(const shmrpci_table *table,
                                      shmrpci_table_bytes key,
                                      shmrpci_quick *out)
{
    uint64_t offset = shmrpci_offset_of(shmrpci_word_block(out->word));
    uint64_t at = offset - table->spans_offset;
    uint64_t last = shmrpci_load_relaxed(&table->known_last);
    if (SHMRPCI_UNLIKELY(at > last)) {
        return false;
    }
    const uint8_t *bytes = table->blocks + offset;
    const shmrpci_record *record = (const void *)bytes;
    out->record = record;
    /* Acquire: pairs with _publish. */
    out->id = shmrpci_load_acquire(&record->id);
    out->value_len = shmrpci_load_relaxed(&record->value_len);
    out->value = bytes + sizeof *record + ((key.len + 7) & ~(size_t)7);
    return SHMRPCI_LIKELY(
        shmrpci_load_relaxed(&record->key_len) == key.len &&
        shmrpci_load_relaxed(&record->kind) == SHMRPCI_RECORD_VALUE &&
        last - at >= shmrpci_record_bytes(key.len, out->value_len) -
                         sizeof(shmrpci_record) &&
        shmrpci_hash_is_equal(bytes + sizeof *record, key.data, key.len));
}

/* Prefetches the slot where a key with that hash is or would be. In a large
 * table it is in no cache. */
static inline void shmrpci_quick_expect(const shmrpci_table *table,
                                        uint64_t hash)
{
    /* A root that was found valid. */
    uint64_t root = shmrpci_load_relaxed(&table->known_root);
    uint64_t mask = ((uint64_t)1 << shmrpci_root_log2(root)) - 1;
    __builtin_prefetch(table->blocks +
                       shmrpci_offset_of(shmrpci_word_block(root)) +
                       offsetof(shmrpci_table_block, index) +
                       (hash & mask) * sizeof(shmrpci_atomic_u64));
}

/* Looks a key up in a root that is known. `bits` are the bits in which a slot's
 * word must equal the key's tag. Returns false if the full lookup must be used;
 * `out->word` is 0 if the key is missing. */
static inline bool shmrpci_quick_find(const shmrpci_table *table, uint64_t root,
                                      shmrpci_table_bytes key, uint64_t hash,
                                      uint64_t bits, shmrpci_quick *out)
{
    const shmrpci_table_block *block =
        (const void *)(table->blocks +
                       shmrpci_offset_of(shmrpci_word_block(root)));
    uint64_t tag = shmrpci_table_tag(hash);
    uint64_t mask = ((uint64_t)1 << shmrpci_root_log2(root)) - 1;
    uint64_t last = hash + mask;
    for (uint64_t at = hash;; at++) {
        out->slot = &block->index[at & mask];
        /* Acquire: pairs with the CAS in apply. */
        out->word = shmrpci_load_acquire(out->slot);
        if (out->word == 0) {
            return true;
        }
        if (((out->word ^ tag) & bits) == 0) {
            return shmrpci_quick_look(table, key, out);
        }
        if (SHMRPCI_UNLIKELY(at == last)) {
            return false;
        }
    }
}

/* Fills in all facts of the record. Returns false if it is no longer the slot's
 * record. */
static inline bool shmrpci_quick_fill(const shmrpci_quick *of,
                                      shmrpci_table_bytes key, uint64_t hash,
                                      shmrpci_record_facts *out)
{
    *out = (shmrpci_record_facts){
        .record = of->record,
        .id = of->id,
        .stamp = shmrpci_load_relaxed(&of->record->stamp),
        .hash = (uint32_t)hash,
        .value_len = of->value_len,
        .key_len = (uint16_t)key.len,
        .kind = SHMRPCI_RECORD_VALUE,
        .key = (const uint8_t *)(of->record + 1),
        .value = of->value,
        .footer = (void *)(uintptr_t)(of->value + ((of->value_len + (size_t)7) &
                                                   ~(size_t)7)),
    };
    shmrpci_fence_acquire();
    return shmrpci_load_acquire(of->slot) == of->word;
}

/* ---- get ----------------------------------------------------------------- */

/*
 * Called after the record's id was read: whether the slot still leads to the
 * record. If it does, the record was not retired at that moment, and its bytes
 * do not change as long as its id stays the same.
 */
static inline bool shmrpci_quick_is_still(const shmrpci_atomic_u64 *slot,
                                          uint64_t word)
{
    shmrpci_fence_acquire();
    return shmrpci_load_acquire(slot) == word;
}

/* Whether the root is still the one that was loaded. */
static inline bool shmrpci_quick_is_root(const shmrpci_table *table,
                                         uint64_t root)
{
    shmrpci_fence_acquire();
    return shmrpci_load_acquire(&table->roots->root) == root;
}

/* Copies a short value. Returns false if it is not short. */
static inline bool shmrpci_quick_copy(uint8_t *to, const uint8_t *from,
                                      size_t len)
{
    if (SHMRPCI_LIKELY(len - 16 <= SHMRPCI_QUICK_VALUE - 16) ||
        (len >= 4 && len < 16)) {
        shmrpci_copy_short(to, from, len);
        return true;
    }
    /* memcpy would be a call, before which registers would have to be saved. */
    for (size_t i = 0; i < len && i < 4; i++) {
        to[i] = from[i];
    }
    return len < 4;
}

/*
 * A whole get for a short key and value. It makes no calls, so that it needs
 * few registers and no frame, and a third fewer instructions. Returns OK or
 * NOT_FOUND; BUSY if this is not the common case. If keys are known to have at
 * least 9 bytes it needs two registers less.
 */
static inline shmrpc_status shmrpci_quick_get(const shmrpci_table *table,
                                              shmrpci_table_bytes key,
                                              shmrpci_buf *out,
                                              uint64_t *out_version)
{
    uint64_t hash =
        shmrpci_hash_short(table->region.facts.hash_seed, key.data, key.len);
    /* Acquire: pairs with the CAS in apply. */
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    if (SHMRPCI_UNLIKELY(!shmrpci_quick_knows(table, root))) {
        return SHMRPC_E_BUSY;
    }
    const shmrpci_table_block *block =
        (const void *)(table->blocks + shmrpci_word_offset(root));
    uint64_t mask = ~(~(uint64_t)0 << (shmrpci_root_log2(root) & 63));
    const shmrpci_atomic_u64 *slot = &block->index[hash & mask];
    const shmrpci_atomic_u64 *last = &block->index[mask];
    uint64_t word;
    for (;; slot++) {
        /* Acquire: pairs with the CAS in apply. */
        word = shmrpci_load_acquire(slot);
        if ((word ^ hash) >> 48 == 0) {
            break;
        }
        if (word == 0) {
            return shmrpci_quick_is_root(table, root) ? SHMRPC_E_NOT_FOUND
                                                      : SHMRPC_E_BUSY;
        }
        if (SHMRPCI_UNLIKELY(slot == last)) {
            return SHMRPC_E_BUSY;
        }
    }
    /* For a word that is DEAD or 0 this is an offset at which no record can
     * be. */
    uint64_t offset = shmrpci_word_offset(word);
    uint64_t at = offset - table->spans_offset;
    if (SHMRPCI_UNLIKELY(at >= shmrpci_load_relaxed(&table->known_short))) {
        return SHMRPC_E_BUSY;
    }
    const shmrpci_record *record = (const void *)(table->blocks + offset);
    const uint8_t *bytes = (const uint8_t *)(record + 1);
    /* Acquire: pairs with _publish. */
    uint64_t id = shmrpci_load_acquire(&record->id);
    if (SHMRPCI_UNLIKELY(
            (shmrpci_load_relaxed(&record->shape) ^
             shmrpci_record_shape(0, SHMRPCI_RECORD_VALUE)) != key.len ||
            !shmrpci_hash_is_equal_short(bytes, key.data, key.len) ||
            !shmrpci_quick_is_still(slot, word) ||
            !shmrpci_quick_is_root(table, root))) {
        return SHMRPC_E_BUSY;
    }
    size_t len = shmrpci_load_relaxed(&record->value_len);
    if (SHMRPCI_UNLIKELY(len > out->cap)) {
        return SHMRPC_E_BUSY;
    }
    if (out_version != NULL) {
        *out_version = shmrpci_load_relaxed(&record->stamp);
    }
    out->status = SHMRPC_OK;
    out->len = len;
    if (!shmrpci_quick_copy(out->data, bytes + ((key.len + 7) & ~(size_t)7),
                            len)) {
        return SHMRPC_E_BUSY;
    }
    /* Acquire, as in shmrpci_record_is_same. */
    shmrpci_fence_acquire();
    return SHMRPCI_LIKELY(shmrpci_load_relaxed(&record->id) == id)
               ? SHMRPC_OK
               : SHMRPC_E_BUSY;
}

/* shmrpci_table_get for keys of any length. */
shmrpc_status shmrpci_table_get_any(shmrpci_table *table,
                                    shmrpci_table_bytes key, shmrpci_buf *out,
                                    uint64_t *out_version, shmrpc_error *error);

/* shmrpci_table_get inlined, for callers that would spend a tenth of their time
 * on the call. */
static inline shmrpc_status shmrpci_quick_table_get(shmrpci_table *table,
                                                    shmrpci_table_bytes key,
                                                    shmrpci_buf *out,
                                                    uint64_t *out_version,
                                                    shmrpc_error *error)
{
    if (SHMRPCI_LIKELY(key.len >= SHMRPCI_QUICK_KEY_MIN &&
                       key.len <= SHMRPCI_QUICK_KEY)) {
        shmrpc_status status = shmrpci_quick_get(table, key, out, out_version);
        if (SHMRPCI_LIKELY(status == SHMRPC_OK)) {
            return SHMRPC_OK;
        }
        if (status == SHMRPC_E_NOT_FOUND && error == NULL) {
            return status;
        }
    }
    return shmrpci_table_get_any(table, key, out, out_version, error);
}

#endif
