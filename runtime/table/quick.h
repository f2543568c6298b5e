/*
 * The common case of a lookup: the first record with the hash of the key is its
 * value, lies where records did before, and isn't changed meanwhile. This finds
 * what lookup.c and view.c find with half of their instructions, as it compares
 * words rather than fill structs; whatever else there is it leaves to them.
 *
 * Threading: as table.h.
 */
#ifndef SHMRPCI_TABLE_QUICK_H
#define SHMRPCI_TABLE_QUICK_H

#include "base/likely.h"
#include "table/inside.h"

/* Bits of a word that count where keys that were deleted are not looked for. */
#define SHMRPCI_QUICK_LIVE (SHMRPCI_WORD_HASH | SHMRPCI_WORD_DEAD)

typedef struct shmrpci_quick {
    const shmrpci_record *record;
    const shmrpci_atomic_u64 *slot;
    uint64_t word; /* 0: the key has none */
    uint64_t id;
    const uint8_t *value;
    uint32_t value_len;
} shmrpci_quick;

/* Notes that the table of a root lies in memory that is paid for: once it does
 * it always does. */
static inline void shmrpci_quick_note(shmrpci_table *table, uint64_t root)
{
    uint64_t paid = shmrpci_table_paid(table);
    if (paid >= sizeof(shmrpci_record)) {
        /* Relaxed: each is true, whatever the other one is. */
        shmrpci_store_relaxed(&table->known_last,
                              paid - sizeof(shmrpci_record));
        shmrpci_store_relaxed(&table->known_root, root);
    }
}

/* Of 0, if nothing was noted, there is one slot, in the head of the region:
 * nothing is found there, and is looked for closely. */
static inline bool shmrpci_quick_knows(const shmrpci_table *table,
                                       uint64_t root)
{
    return root == shmrpci_load_relaxed(&table->known_root);
}

/*
 * Whether the record that a word leads to is a value of that key. That it is
 * being written needs no look: then its id is another one afterwards, or it was
 * not the slot's.
 */
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

/* Asks for the slot that a key of that hash is in, or would be, before it is
 * needed: in a large table it is in no cache. */
static inline void shmrpci_quick_expect(const shmrpci_table *table,
                                        uint64_t hash)
{
    /* Of a root that was known good. */
    uint64_t root = shmrpci_load_relaxed(&table->known_root);
    uint64_t mask = ((uint64_t)1 << shmrpci_root_log2(root)) - 1;
    __builtin_prefetch(table->blocks +
                       shmrpci_offset_of(shmrpci_word_block(root)) +
                       offsetof(shmrpci_table_block, index) +
                       (hash & mask) * sizeof(shmrpci_atomic_u64));
}

/* `bits`: of the words that count. False: what is there wants a closer look.
 * The root must be known. */
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

/* All that a record says. False: it is no longer that of the slot. */
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

#endif
