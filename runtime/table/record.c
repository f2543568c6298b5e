/* Records: what they look like from outside, and how they are written. */
#include <string.h>

#include "base/copy.h"
#include "table/inside.h"

void *shmrpci_table_at(const shmrpci_table *table, uint64_t block,
                       uint64_t bytes)
{
    const shmrpci_region_head *head = &table->region.facts;
    uint64_t at = shmrpci_offset_of(block) - head->spans_offset;
    uint64_t all = head->span_count * head->span_bytes;
    uint64_t paid =
        shmrpci_load_acquire(&shmrpci_region_state_of(&table->region)->paid);
    paid = paid < all ? paid : all;
    if (at > paid || bytes > paid - at) {
        return NULL;
    }
    return (uint8_t *)table->region.map.at + head->spans_offset + at;
}

bool shmrpci_record_look(const shmrpci_table *table, uint64_t block,
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

bool shmrpci_record_is_same(const shmrpci_record_facts *facts)
{
    /* Pairs with the fence in _begin: had a load seen what came after that, we
     * would see its id. */
    shmrpci_fence_acquire();
    return shmrpci_load_relaxed(&facts->record->id) == facts->id;
}

uint64_t shmrpci_record_new_id(shmrpci_table *table)
{
    shmrpci_atomic_u64 *ids =
        &shmrpci_region_participant(&table->region, table->region.me)
             ->arena.ids;
    uint64_t id = shmrpci_load_relaxed(ids) + 1;
    shmrpci_store_release(ids, id);
    return (id << 13 | table->region.me) << 1;
}

shmrpci_record *shmrpci_record_begin(shmrpci_table *table, uint64_t offset,
                                     shmrpci_record_kind kind, uint64_t *out_id)
{
    shmrpci_record *record =
        shmrpci_region_at(&table->region, offset, sizeof(shmrpci_record));
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

shmrpc_status shmrpci_table_copy(shmrpci_buf *out, const void *data, size_t len)
{
    shmrpci_buf_reset(out);
    uint8_t *to = shmrpci_buf_extend(out, len);
    if (to != NULL) {
        shmrpci_copy_short(to, data, len);
    }
    return out->status;
}

/* ---- hash ---------------------------------------------------------------- */

__extension__ typedef unsigned __int128 wide;

/* Both halves of the product of two words: the mixing step of wyhash, by
 * Wang Yi, from which the constants are. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Up to 8 bytes. */
static uint64_t short_at(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return word;
}

#define SALT_1 UINT64_C(0xA0761D6478BD642F)
#define SALT_2 UINT64_C(0xE7037ED1A0B428DB)
#define SALT_3 UINT64_C(0x8EBC6AF09C88C6E3)

uint64_t shmrpci_table_hash(uint64_t seed, const void *key, size_t len)
{
    const uint8_t *at = key;
    size_t left = len;
    seed ^= SALT_1;
    while (left > 16) {
        seed = mix(word_at(at) ^ SALT_2, word_at(at + 8) ^ seed);
        at += 16;
        left -= 16;
    }
    uint64_t a = 0;
    uint64_t b = 0;
    if (left > 8) {
        a = word_at(at);
        b = word_at(at + left - 8);
    } else if (left >= 4) {
        a = short_at(at, 4);
        b = short_at(at + left - 4, 4);
    } else if (left > 0) {
        a = short_at(at, left);
    }
    return mix(SALT_3 ^ len, mix(a ^ SALT_2, b ^ seed));
}
