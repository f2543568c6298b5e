/* Records: checking their fields, and writing them. */
#include "table/inside.h"

uint64_t shmrpci_record_new_id(shmrpci_table *table)
{
    shmrpci_atomic_u64 *ids =
        &shmrpci_region_participant(&table->region, table->region.me)
             ->arena.ids;
    uint64_t id = shmrpci_load_relaxed(ids) + 1;
    shmrpci_store_release(ids, id);
    /* Mixes in the secret seed. A late reader may find arbitrary bytes where a
     * record was, in a span that was reused for something else, so nobody must
     * be able to forge ids. */
    return (id << 13 | table->region.me) << 1 ^
           (table->region.facts.hash_seed & ~(uint64_t)1);
}

shmrpci_record *shmrpci_record_begin(shmrpci_table *table, uint64_t offset,
                                     shmrpci_record_kind kind, uint64_t *out_id)
{
    shmrpci_record *record = (void *)(table->blocks + offset);
    *out_id = shmrpci_record_new_id(table);
    shmrpci_store_relaxed(&record->id, *out_id | 1);
    shmrpci_fence_release();
    shmrpci_store_relaxed(&record->kind, (uint16_t)kind);
    shmrpci_store_relaxed(&record->key_len, (uint16_t)0);
    shmrpci_store_relaxed(&record->value_len, 0u);
    return record;
}

void shmrpci_record_publish(shmrpci_record *record, uint64_t id)
{
    shmrpci_store_release(&record->id, id);
}
