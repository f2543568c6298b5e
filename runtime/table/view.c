/* Views: the table as of one change. */
#include <string.h>

#include "table/quick.h"

/* How often to try to pin while others reclaim older states. */
#define ATTEMPTS 10000u
/* How many times a read-only handle checks whether the change in progress has
 * finished. After that it takes the state before that change. */
#define LOOKS 2000u

/* Returns the last finished change; DATA_LOSS if a change is in progress that
 * no participant makes. */
static shmrpc_status last_change(shmrpci_table *table, uint64_t *out)
{
    uint64_t turn;
    shmrpc_status status = table->region.is_writer
                               ? shmrpci_table_quiet(table, &turn)
                               : SHMRPC_E_DENIED;
    if (status == SHMRPC_OK || status == SHMRPC_E_DATA_LOSS) {
        *out = status == SHMRPC_OK ? shmrpci_turn_seq(turn) : 0;
        return status;
    }
    turn = shmrpci_load_seq(&table->roots->turn);
    for (unsigned i = 0; i < LOOKS && (turn & SHMRPCI_TURN_BUSY) != 0; i++) {
        shmrpci_pause();
        turn = shmrpci_load_seq(&table->roots->turn);
    }
    uint64_t seq = shmrpci_turn_seq(turn);
    *out = (turn & SHMRPCI_TURN_BUSY) != 0 && seq > 0 ? seq - 1 : seq;
    return SHMRPC_OK;
}

/*
 * Finds the table that has the state as of `change`. That is the current table,
 * unless it was made by a later change, such as a clear; then it is an earlier
 * table. The earlier table was retired by a change after `change`, so the pin
 * keeps it.
 */
static shmrpc_status table_of(const shmrpci_table *table, uint64_t change,
                              uint64_t *out_root)
{
    uint64_t root = shmrpci_load_seq(&table->roots->root);
    uint64_t after = UINT64_MAX;
    while (root != 0) {
        shmrpci_geometry geometry;
        if (!shmrpci_table_geometry(table, root, &geometry)) {
            return SHMRPC_E_DATA_LOSS;
        }
        uint64_t stamp = shmrpci_load_relaxed(&geometry.block->record.stamp);
        if (stamp <= change) {
            break;
        }
        /* Stamps decrease from one table to the previous one, so that the loop
         * ends, whatever the bytes are. */
        if (stamp >= after) {
            return SHMRPC_E_DATA_LOSS;
        }
        after = stamp;
        root = shmrpci_load_relaxed(&geometry.block->prev);
    }
    *out_root = root;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_table_view_open(shmrpci_table *table,
                                      shmrpci_table_view *out,
                                      shmrpc_error *error)
{
    shmrpci_table_view view = {.table = table};
    shmrpc_status status = SHMRPC_E_ABORTED;
    for (unsigned i = 0; status == SHMRPC_E_ABORTED && i < ATTEMPTS; i++) {
        status = last_change(table, &view.change);
        if (status == SHMRPC_OK) {
            status = shmrpci_pin(&table->region, view.change);
        }
    }
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_ABORTED || status == SHMRPC_E_DATA_LOSS
                   ? shmrpci_table_damaged(error, "no change can be viewed")
                   : shmrpc_error_set(error, status,
                                      "the view can't be pinned");
    }
    status = table_of(table, view.change, &view.root);
    if (status != SHMRPC_OK) {
        shmrpci_unpin(&table->region, view.change);
        return shmrpci_table_damaged(error,
                                     "its root does not lead to a table");
    }
    shmrpci_buf_init_heap(&view.nest);
    if (view.root != 0) {
        shmrpci_quick_note(table, view.root);
    }
    *out = view;
    return SHMRPC_OK;
}

void shmrpci_table_view_close(shmrpci_table_view *view)
{
    if (view->table != NULL) {
        shmrpci_buf_fini(&view->nest);
        shmrpci_unpin(&view->table->region, view->change);
        view->table = NULL;
    }
}

/* Finds the newest record of a slot that the view sees. Returns NOT_FOUND if
 * the view sees no record there, or a deletion. */
static shmrpc_status newest(const shmrpci_table_view *view, uint64_t word,
                            shmrpci_record_facts *out)
{
    uint64_t block = shmrpci_word_block(word);
    uint64_t after = UINT64_MAX;
    while (block != 0) {
        /* Stamps decrease from one record to the previous one, so that the loop
         * ends, whatever the bytes are. */
        if (!shmrpci_record_look(view->table, block, out) ||
            out->stamp >= after) {
            return SHMRPC_E_DATA_LOSS;
        }
        if (out->stamp <= view->change) {
            return shmrpci_record_is_value(out) ? SHMRPC_OK
                                                : SHMRPC_E_NOT_FOUND;
        }
        after = out->stamp;
        block = shmrpci_load_relaxed(&out->footer->prev);
    }
    return SHMRPC_E_NOT_FOUND;
}

static shmrpc_status fill(shmrpci_table_view *view,
                          const shmrpci_record_facts *facts,
                          shmrpci_table_bytes *out_key,
                          shmrpci_table_bytes *out_value, uint64_t *out_version)
{
    if (out_key != NULL) {
        *out_key = (shmrpci_table_bytes){facts->key, facts->key_len};
    }
    if (out_version != NULL) {
        *out_version = facts->stamp;
    }
    if (out_value != NULL) {
        *out_value = (shmrpci_table_bytes){facts->value, facts->value_len};
    }
    if (out_value != NULL && facts->kind == SHMRPCI_RECORD_NEST) {
        shmrpc_status status =
            shmrpci_nest_copy(view->table, facts, &view->nest);
        *out_value = (shmrpci_table_bytes){view->nest.data, view->nest.len};
        return status;
    }
    return SHMRPC_OK;
}

static shmrpc_status look(const shmrpci_table_view *view,
                          shmrpci_table_bytes key, shmrpci_record_facts *out)
{
    shmrpci_geometry geometry;
    uint64_t hash = shmrpci_table_hash_of(view->table, key);
    if (view->root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(view->table, view->root, &geometry)) {
        return SHMRPC_E_DATA_LOSS;
    }
    uint64_t slot = hash & geometry.mask;
    for (uint64_t hops = 0; hops <= geometry.mask; hops++) {
        uint64_t word = shmrpci_load_acquire(&geometry.block->index[slot]);
        if (word == 0) {
            return SHMRPC_E_NOT_FOUND;
        }
        /* DEAD words match too, because their keys may have been alive at the
         * time of the view. */
        if (((word ^ hash) & SHMRPCI_WORD_HASH) == 0) {
            shmrpc_status status = newest(view, word, out);
            if (status == SHMRPC_OK && out->key_len == key.len &&
                shmrpci_hash_is_equal(out->key, key.data, key.len)) {
                return SHMRPC_OK;
            }
            if (status == SHMRPC_E_DATA_LOSS) {
                return status;
            }
        }
        slot = (slot + 1) & geometry.mask;
    }
    return SHMRPC_E_DATA_LOSS;
}

static SHMRPCI_SLOW shmrpc_status get_closely(shmrpci_table_view *view,
                                              shmrpci_table_bytes key,
                                              shmrpci_table_bytes *out_value,
                                              uint64_t *out_version)
{
    shmrpci_record_facts facts;
    shmrpc_status status = look(view, key, &facts);
    return status == SHMRPC_OK
               ? fill(view, &facts, NULL, out_value, out_version)
               : status;
}

shmrpc_status shmrpci_table_view_get(shmrpci_table_view *view,
                                     shmrpci_table_bytes key,
                                     shmrpci_table_bytes *out_value,
                                     uint64_t *out_version)
{
    shmrpci_quick found = {.word = 0};
    if (view->root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    uint64_t hash = shmrpci_table_hash_of(view->table, key);
    /* The pin keeps all blocks of the view, so it need not be checked
     * afterwards that they are unchanged. DEAD words match too, because their
     * keys may have been alive at the time of the view. */
    if (!shmrpci_quick_find(view->table, view->root, key, hash,
                            SHMRPCI_WORD_HASH, &found)) {
        return get_closely(view, key, out_value, out_version);
    }
    if (found.word == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    uint64_t stamp = shmrpci_load_relaxed(&found.record->stamp);
    if (SHMRPCI_UNLIKELY(stamp > view->change)) {
        return get_closely(view, key, out_value, out_version);
    }
    if (out_value != NULL) {
        *out_value = (shmrpci_table_bytes){found.value, found.value_len};
    }
    if (out_version != NULL) {
        *out_version = stamp;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_table_view_look(const shmrpci_table_view *view,
                                      shmrpci_table_bytes key,
                                      shmrpci_nest_value *out,
                                      uint64_t *out_version)
{
    shmrpci_record_facts facts;
    shmrpc_status status = look(view, key, &facts);
    if (status == SHMRPC_OK && !shmrpci_nest_of(&facts, out)) {
        status = SHMRPC_E_DATA_LOSS;
    }
    if (status == SHMRPC_OK && out_version != NULL) {
        *out_version = facts.stamp;
    }
    return status;
}

shmrpc_status shmrpci_table_get_pinned(shmrpci_table *table,
                                       shmrpci_table_bytes key,
                                       shmrpci_buf *out, uint64_t *out_version,
                                       shmrpc_error *error)
{
    shmrpci_table_view view;
    shmrpci_table_bytes value;
    shmrpc_status status = shmrpci_table_view_open(table, &view, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_table_view_get(&view, key, &value, out_version);
    if (status == SHMRPC_OK) {
        status = shmrpci_table_copy(out, value.data, value.len);
    }
    shmrpci_table_view_close(&view);
    return status == SHMRPC_OK ? status
                               : shmrpc_error_set(error, status, "%s",
                                                  shmrpc_status_text(status));
}

shmrpc_status shmrpci_table_view_next(shmrpci_table_view *view,
                                      shmrpci_table_bytes *out_key,
                                      shmrpci_table_bytes *out_value,
                                      uint64_t *out_version)
{
    shmrpci_geometry geometry;
    if (view->root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(view->table, view->root, &geometry)) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (view->is_back) {
        shmrpci_table_view_rewind(view);
    }
    while (view->position < geometry.room) {
        uint32_t slot = shmrpci_load_acquire(&geometry.order[view->position]);
        if (slot == 0) {
            return SHMRPC_E_NOT_FOUND;
        }
        if (slot - 1 > geometry.mask) {
            return SHMRPC_E_DATA_LOSS;
        }
        shmrpci_record_facts facts;
        shmrpc_status status =
            newest(view, shmrpci_load_acquire(&geometry.block->index[slot - 1]),
                   &facts);
        if (status == SHMRPC_E_DATA_LOSS) {
            return status;
        }
        view->position++;
        if (status == SHMRPC_OK) {
            return fill(view, &facts, out_key, out_value, out_version);
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

/* The end of all entries, including those being inserted. */
static uint32_t end_of(const shmrpci_geometry *geometry)
{
    uint32_t tail =
        shmrpci_state_tail(shmrpci_load_acquire(&geometry->block->state));
    return tail < geometry->room ? tail : geometry->room;
}

shmrpc_status shmrpci_table_view_prev(shmrpci_table_view *view,
                                      shmrpci_table_bytes *out_key,
                                      shmrpci_table_bytes *out_value,
                                      uint64_t *out_version)
{
    shmrpci_geometry geometry;
    if (view->root == 0) {
        return SHMRPC_E_NOT_FOUND;
    }
    if (!shmrpci_table_geometry(view->table, view->root, &geometry)) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (!view->is_back) {
        view->is_back = true;
        view->position = end_of(&geometry);
    }
    while (view->position > 0 && view->position <= geometry.room) {
        uint32_t slot = shmrpci_load_acquire(&geometry.order[--view->position]);
        if (slot == 0 || slot - 1 > geometry.mask) {
            return SHMRPC_E_DATA_LOSS;
        }
        shmrpci_record_facts facts;
        shmrpc_status status =
            newest(view, shmrpci_load_acquire(&geometry.block->index[slot - 1]),
                   &facts);
        if (status == SHMRPC_OK) {
            return fill(view, &facts, out_key, out_value, out_version);
        }
        if (status == SHMRPC_E_DATA_LOSS) {
            return status;
        }
    }
    return SHMRPC_E_NOT_FOUND;
}

void shmrpci_table_view_rewind(shmrpci_table_view *view)
{
    view->position = 0;
    view->is_back = false;
}
