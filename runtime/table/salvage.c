/* Recovers the entries of a damaged table. */
#include "table/inside.h"

typedef struct salvage {
    const shmrpci_table *table;
    shmrpci_buf nest; /* receives values that lie in several blocks */
    shmrpci_table_saved *saved;
    shmrpci_region_finding *finding;
    void *user;
    uint64_t lost;
} salvage;

static void lose(salvage *of, uint64_t offset, const char *what)
{
    of->lost++;
    of->finding(of->user, offset, what);
}

/* Whether a record is whole. Records have no checksum, except the hash of the
 * key, so every field that can be checked must be valid. */
static bool is_whole(const shmrpci_table *table, uint64_t word,
                     shmrpci_record_facts *out)
{
    if (!shmrpci_record_look(table, shmrpci_word_block(word), out)) {
        return false;
    }
    uint64_t hash = shmrpci_table_hash_of(
        table, (shmrpci_table_bytes){out->key, out->key_len});
    return shmrpci_record_is_value(out) && out->id != 0 &&
           out->hash == (uint32_t)hash &&
           ((word ^ hash) & SHMRPCI_WORD_HASH) == 0;
}

static void save_one(salvage *of, const shmrpci_geometry *geometry,
                     uint32_t position)
{
    shmrpci_record_facts facts;
    uint32_t slot = shmrpci_load_acquire(&geometry->order[position]);
    if (slot == 0 || slot - 1 > geometry->mask) {
        lose(of, 0, "a position in the order leads to no slot");
        return;
    }
    uint64_t word = shmrpci_load_acquire(&geometry->block->index[slot - 1]);
    uint64_t offset = shmrpci_offset_of(shmrpci_word_block(word));
    if ((word & SHMRPCI_WORD_DEAD) != 0) {
        return; /* the key was deleted */
    }
    if (!is_whole(of->table, word, &facts)) {
        lose(of, offset, "a slot leads to no whole record");
        return;
    }
    shmrpci_table_bytes value = {facts.value, facts.value_len};
    if (facts.kind == SHMRPCI_RECORD_NEST) {
        if (shmrpci_nest_copy(of->table, &facts, &of->nest) != SHMRPC_OK) {
            lose(of, offset, "the blocks of a value are not whole");
            return;
        }
        value = (shmrpci_table_bytes){of->nest.data, of->nest.len};
    }
    if (!of->saved(of->user, (shmrpci_table_bytes){facts.key, facts.key_len},
                   value)) {
        lose(of, offset, "a key or value does not fit its type");
    }
}

uint64_t shmrpci_table_salvage(const shmrpci_table *table,
                               shmrpci_table_saved *saved,
                               shmrpci_region_finding *finding, void *user)
{
    salvage of = {
        .table = table, .saved = saved, .finding = finding, .user = user};
    shmrpci_buf_init_heap(&of.nest);
    shmrpci_geometry geometry;
    uint64_t root = shmrpci_load_acquire(&table->roots->root);
    uint64_t turn = shmrpci_load_acquire(&table->roots->turn);
    if (root == 0 && shmrpci_turn_seq(turn) == 0) {
        return 0; /* nothing was ever inserted */
    }
    if (!shmrpci_table_geometry(table, root, &geometry)) {
        lose(&of, shmrpci_offset_of(shmrpci_word_block(root)),
             "the index is missing: all entries are lost");
        return of.lost; /* `of.nest` needs no fini: nothing was written to it */
    }
    uint32_t tail =
        shmrpci_state_tail(shmrpci_load_acquire(&geometry.block->state));
    for (uint32_t i = 0; i < tail && i < geometry.room; i++) {
        save_one(&of, &geometry, i);
    }
    if (tail > geometry.room) {
        lose(&of, shmrpci_offset_of(shmrpci_word_block(root)),
             "the index counts more entries than there are");
    }
    shmrpci_buf_fini(&of.nest);
    return of.lost;
}
