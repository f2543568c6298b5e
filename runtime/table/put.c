/* Changes of one key. */
#include <string.h>

#include "base/assert.h"
#include "table/quick.h"

/* ---- making a record ----------------------------------------------------- */

static shmrpc_status too_large(const char *what, uint64_t len, uint64_t most,
                               shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_TOO_LARGE,
                            "a %s of %llu bytes, allowed 0..%llu", what,
                            (unsigned long long)len, (unsigned long long)most);
}

static uint64_t most_value(const shmrpci_table *table)
{
    uint64_t most =
        table->region.facts.span_count * table->region.facts.span_bytes / 4;
    return most < UINT32_MAX - 64 ? most : UINT32_MAX - 64;
}

shmrpc_status shmrpci_table_take_hashed(shmrpci_table *table,
                                        shmrpci_table_bytes key, uint64_t hash,
                                        size_t value_len,
                                        shmrpci_record_kind kind,
                                        uint64_t *out_offset,
                                        shmrpc_error *error)
{
    if (key.len > SHMRPCI_TABLE_KEY_MAX) {
        return too_large("key", key.len, SHMRPCI_TABLE_KEY_MAX, error);
    }
    if (value_len > most_value(table)) {
        return too_large("value", value_len, most_value(table), error);
    }
    uint64_t offset;
    uint64_t id;
    shmrpc_status status = shmrpci_arena_take(
        &table->region, shmrpci_record_bytes(key.len, value_len), &offset,
        error);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_DATA_LOSS
                   ? shmrpci_table_damaged(error,
                                           "an entry of a free list points "
                                           "outside the region the region")
                   : status;
    }
    shmrpci_record *record = shmrpci_record_begin(table, offset, kind, &id);
    shmrpci_store_relaxed(&record->key_len, (uint16_t)key.len);
    shmrpci_store_relaxed(&record->value_len, (uint32_t)value_len);
    shmrpci_store_relaxed(&record->hash, (uint32_t)hash);
    shmrpci_copy_short(record + 1, key.data, key.len);
    *out_offset = offset;
    return SHMRPC_OK;
}

void shmrpci_table_publish_record(shmrpci_table *table, uint64_t offset,
                                  shmrpci_record_facts *out)
{
    shmrpci_record *record =
        shmrpci_region_at(&table->region, offset, sizeof *record);
    shmrpci_record_publish(record,
                           shmrpci_load_relaxed(&record->id) & ~(uint64_t)1);
    bool is_record = shmrpci_record_look(table, shmrpci_block_of(offset), out);
    SHMRPCI_ASSERT(is_record, "our own record lies in the region");
    (void)is_record;
}

void shmrpci_table_complete_record(shmrpci_table *table, uint64_t offset,
                                   const shmrpci_record_facts *facts,
                                   uint64_t stamp, uint64_t prev,
                                   uint64_t order)
{
    shmrpci_record *record = (void *)(table->blocks + offset);
    shmrpci_store_relaxed(&record->stamp, stamp);
    shmrpci_store_relaxed(&facts->footer->prev, prev);
    shmrpci_store_relaxed(&facts->footer->order, order);
}

/* ---- one key ------------------------------------------------------------- */

/* A change of one key that is being prepared. */
typedef struct attempt {
    shmrpci_table *table;
    shmrpci_table_bytes key;
    uint64_t hash;
    uint64_t expected;
    uint64_t offset;          /* offset of the new record, or tombstone */
    shmrpci_record_facts own; /* facts of the new record */
    bool removes;
    shmrpci_buf *out; /* for a removal: receives the value; may be NULL */
    uint64_t turn;
    shmrpci_geometry geometry;
    shmrpci_change change;
    uint64_t order;
} attempt;

static bool is_turn(const attempt *at)
{
    shmrpci_fence_acquire();
    return shmrpci_load_seq(&at->table->roots->turn) == at->turn;
}

shmrpc_status shmrpci_table_full(const shmrpci_table *table, uint64_t more,
                                 uint64_t live, shmrpc_error *error)
{
    uint64_t available = table->capacity > live ? table->capacity - live : 0;
    return shmrpc_error_set(
        error, SHMRPC_E_EXHAUSTED,
        "%llu more entries are needed, but only %llu of %llu are free",
        (unsigned long long)more, (unsigned long long)available,
        (unsigned long long)table->capacity);
}

/* Checks whether the existing record, or its absence, meets the change's
 * condition. Returns OK if the change may go on. */
static shmrpc_status judge(const attempt *at, bool is_there, uint64_t version,
                           shmrpc_error *error)
{
    if (!is_there && at->removes) {
        return shmrpc_error_set(error, SHMRPC_E_NOT_FOUND, "no such key");
    }
    if (at->expected == SHMRPCI_TABLE_ANY ||
        (is_there ? version == at->expected
                  : at->expected == SHMRPCI_TABLE_ABSENT)) {
        return SHMRPC_OK;
    }
    return at->expected == SHMRPCI_TABLE_ABSENT
               ? shmrpc_error_set(error, SHMRPC_E_EXISTS, "the key exists")
               : shmrpc_error_set(error, SHMRPC_E_ABORTED,
                                  "the version has changed");
}

/* Prepares the change that replaces the record that was found. MORE: start
 * over. */
static shmrpc_status plan_replace(attempt *at, const shmrpci_record_facts *was,
                                  shmrpc_error *error)
{
    shmrpc_status status = judge(at, true, was->stamp, error);
    if (status == SHMRPC_OK && at->out != NULL) {
        status = shmrpci_table_copy_value(at->table, was, at->out);
    }
    at->order = shmrpci_load_relaxed(&was->footer->order);
    if (!shmrpci_record_is_same(was)) {
        return SHMRPC_MORE;
    }
    uint64_t state = shmrpci_load_relaxed(&at->geometry.block->state);
    at->change.op =
        at->removes ? SHMRPCI_TABLE_OP_REMOVE : SHMRPCI_TABLE_OP_REPLACE;
    at->change.now = shmrpci_table_tag(at->hash) |
                     (at->removes ? SHMRPCI_WORD_DEAD : 0) |
                     shmrpci_block_of(at->offset);
    at->change.state_old = state;
    at->change.state_now = at->removes ? state - 1 : state;
    at->change.is_plain = was->kind == SHMRPCI_RECORD_VALUE;
    return status;
}

static shmrpc_status plan_insert(attempt *at, shmrpc_error *error)
{
    shmrpc_status status = judge(at, false, 0, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint64_t state = shmrpci_load_relaxed(&at->geometry.block->state);
    uint32_t tail = shmrpci_state_tail(state);
    uint32_t live = shmrpci_state_live(state);
    if (live >= at->table->capacity) {
        return is_turn(at) ? shmrpci_table_full(at->table, 1, live, error)
                           : SHMRPC_MORE;
    }
    if (tail >= at->geometry.room) {
        status = is_turn(at)
                     ? shmrpci_table_rehash(at->table, at->turn, 1, error)
                     : SHMRPC_OK;
        return status == SHMRPC_OK ? SHMRPC_MORE : status;
    }
    at->order = shmrpci_load_relaxed(&at->geometry.block->base) + tail;
    at->change.op = SHMRPCI_TABLE_OP_INSERT;
    at->change.now = shmrpci_table_tag(at->hash) | shmrpci_block_of(at->offset);
    at->change.state_old = state;
    at->change.state_now = shmrpci_state(tail + 1, live + 1);
    return SHMRPC_OK;
}

/* Prepares the change for the state of the table at turn `at->turn`. OK:
 * `change` is filled in; MORE: start over. */
static shmrpc_status plan(attempt *at, shmrpc_error *error)
{
    shmrpci_table *table = at->table;
    shmrpci_record_facts was;
    at->change = (shmrpci_change){0};
    at->change.root = shmrpci_load_acquire(&table->roots->root);
    if (!shmrpci_table_geometry(table, at->change.root, &at->geometry)) {
        shmrpc_status status =
            at->removes && at->change.root == 0
                ? judge(at, false, 0, error)
                : shmrpci_table_rehash(table, at->turn, 1, error);
        return status == SHMRPC_OK ? SHMRPC_MORE : status;
    }
    shmrpci_quick quick = {.word = 0};
    if (SHMRPCI_LIKELY(shmrpci_quick_knows(table, at->change.root) &&
                       shmrpci_quick_find(table, at->change.root, at->key,
                                          at->hash, SHMRPCI_QUICK_LIVE,
                                          &quick))) {
        at->change.slot = (uint64_t)(quick.slot - at->geometry.block->index);
        at->change.old = quick.word;
        if (quick.word == 0) {
            return plan_insert(at, error);
        }
        return shmrpci_quick_fill(&quick, at->key, at->hash, &was)
                   ? plan_replace(at, &was, error)
                   : SHMRPC_MORE;
    }
    shmrpci_quick_note(table, at->change.root);
    switch (shmrpci_table_find(table, &at->geometry, at->key, at->hash,
                               &at->change.slot, &at->change.old, &was)) {
    case SHMRPCI_FOUND:
        return plan_replace(at, &was, error);
    case SHMRPCI_FOUND_NOT:
        return plan_insert(at, error);
    case SHMRPCI_FOUND_AGAIN:
        return SHMRPC_MORE;
    case SHMRPCI_FOUND_DAMAGE:
        break;
    }
    return is_turn(at) ? shmrpci_table_damaged(error,
                                               "an entry of its index points "
                                               "outside the region the region")
                       : SHMRPC_MORE;
}

/* Tries until the change is done, or can't be done. A status that depends on
 * the existing record holds only if the turn was the same before and after. */
static shmrpc_status carry_out(attempt *at, uint64_t *out_version,
                               shmrpc_error *error)
{
    for (;;) {
        shmrpc_status status = shmrpci_table_quiet(at->table, &at->turn);
        if (status != SHMRPC_OK) {
            return shmrpc_error_set(
                error, status,
                "another participant's unfinished change can't be completed");
        }
        status = plan(at, error);
        if (status == SHMRPC_MORE || (status != SHMRPC_OK && !is_turn(at) &&
                                      status != SHMRPC_E_EXHAUSTED)) {
            continue;
        }
        if (status != SHMRPC_OK) {
            return status;
        }
        shmrpci_table_complete_record(
            at->table, at->offset, &at->own, shmrpci_turn_seq(at->turn) + 1,
            shmrpci_word_block(at->change.old), at->order);
        if (shmrpci_table_commit_change(at->table, at->turn, &at->change)) {
            if (out_version != NULL) {
                *out_version = at->change.seq;
            }
            return SHMRPC_OK;
        }
    }
}

/* ---- put ----------------------------------------------------------------- */

shmrpc_status shmrpci_table_reserve(shmrpci_table *table,
                                    shmrpci_table_bytes key, size_t value_len,
                                    void **out_value, shmrpc_error *error)
{
    SHMRPCI_ASSERT(table->reserved == 0, "one reservation at a time");
    uint64_t offset = 0;
    uint64_t hash = shmrpci_table_hash_of(table, key);
    shmrpci_quick_expect(table, hash);
    shmrpc_status status = shmrpci_table_take_hashed(
        table, key, hash, value_len, SHMRPCI_RECORD_VALUE, &offset, error);
    if (status == SHMRPC_OK) {
        table->reserved = offset;
        table->reserved_hash = hash;
        table->reserved_len = (uint32_t)value_len;
        table->reserved_key_len = (uint16_t)key.len;
        *out_value = (uint8_t *)table->region.map.at + offset +
                     sizeof(shmrpci_record) + ((key.len + 7) & ~(size_t)7);
    }
    return status;
}

shmrpc_status shmrpci_table_commit(shmrpci_table *table, size_t value_len,
                                   uint64_t expected, uint64_t *out_version,
                                   shmrpc_error *error)
{
    SHMRPCI_ASSERT(table->reserved != 0 && value_len <= table->reserved_len,
                   "only a reserved record is committed");
    attempt at = {
        .table = table, .expected = expected, .offset = table->reserved};
    /* Uses our private copy of the record's facts, which nobody else can
     * change. */
    uint8_t *bytes = table->blocks + table->reserved;
    shmrpci_record *record = (void *)bytes;
    shmrpci_store_relaxed(&record->value_len, (uint32_t)value_len);
    shmrpci_record_publish(record,
                           shmrpci_load_relaxed(&record->id) & ~(uint64_t)1);
    at.key = (shmrpci_table_bytes){record + 1, table->reserved_key_len};
    at.hash = table->reserved_hash;
    at.own.footer =
        (void *)(bytes + shmrpci_record_bytes(at.key.len, value_len) -
                 sizeof *at.own.footer);
    shmrpc_status status = carry_out(&at, out_version, error);
    if (status == SHMRPC_OK) {
        table->reserved = 0;
    } else if (status != SHMRPC_E_EXISTS && status != SHMRPC_E_ABORTED) {
        shmrpci_table_abort(table);
    }
    return status;
}

void shmrpci_table_abort(shmrpci_table *table)
{
    if (table->reserved != 0) {
        table->reserved = 0;
        shmrpci_arena_give(&table->region);
    }
}

shmrpc_status shmrpci_table_put(shmrpci_table *table, shmrpci_table_bytes key,
                                shmrpci_table_bytes value, uint64_t expected,
                                uint64_t *out_version, shmrpc_error *error)
{
    void *to;
    shmrpc_status status =
        shmrpci_table_reserve(table, key, value.len, &to, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (value.len > 0) {
        memcpy(to, value.data, value.len);
    }
    status =
        shmrpci_table_commit(table, value.len, expected, out_version, error);
    shmrpci_table_abort(table);
    return status;
}

/* ---- delete -------------------------------------------------------------- */

shmrpc_status shmrpci_table_del(shmrpci_table *table, shmrpci_table_bytes key,
                                uint64_t expected, shmrpci_buf *out,
                                shmrpc_error *error)
{
    attempt at = {.table = table,
                  .key = key,
                  .expected = expected,
                  .removes = true,
                  .out = out};
    at.hash = shmrpci_table_hash_of(table, key);
    /* Checked first, because deleting a missing key needs no tombstone. */
    shmrpc_status status = shmrpci_table_contains(table, key, NULL);
    if (status == SHMRPC_E_NOT_FOUND) {
        return judge(&at, false, 0, error);
    }
    status = shmrpci_table_take_record(table, key, 0, SHMRPCI_RECORD_TOMBSTONE,
                                       &at.offset, error);
    if (status == SHMRPC_OK) {
        shmrpci_table_publish_record(table, at.offset, &at.own);
        status = carry_out(&at, NULL, error);
        if (status != SHMRPC_OK) {
            shmrpci_arena_give(&table->region);
        }
    }
    return status;
}

/* ---- update -------------------------------------------------------------- */

typedef struct draft {
    shmrpci_buf was;
    shmrpci_buf now;
} draft;

/* One attempt. Returns MORE if another change was committed first. */
static shmrpc_status try_update(shmrpci_table *table, shmrpci_table_bytes key,
                                draft *of, shmrpci_table_updater *updater,
                                void *user, shmrpc_error *error)
{
    uint64_t version = SHMRPCI_TABLE_ABSENT;
    shmrpci_table_verdict verdict = SHMRPCI_TABLE_LEAVE;
    shmrpci_table_bytes was = {NULL, 0};
    shmrpc_status status =
        shmrpci_table_get(table, key, &of->was, &version, error);
    if (status == SHMRPC_E_ABORTED) {
        status =
            shmrpci_table_get_pinned(table, key, &of->was, &version, error);
    }
    if (status == SHMRPC_OK) {
        was = shmrpci_table_bytes_of(&of->was);
    } else if (status != SHMRPC_E_NOT_FOUND) {
        return status;
    }
    bool is_there = was.data != NULL;
    shmrpci_buf_reset(&of->now);
    status = updater(user, was, &of->now, &verdict);
    status = status == SHMRPC_OK ? of->now.status : status;
    if (status != SHMRPC_OK || verdict == SHMRPCI_TABLE_LEAVE ||
        (verdict == SHMRPCI_TABLE_DEL && !is_there)) {
        return status == SHMRPC_OK
                   ? SHMRPC_OK
                   : shmrpc_error_set(error, status,
                                      "the callback aborted the update");
    }
    if (verdict == SHMRPCI_TABLE_DEL) {
        status = shmrpci_table_del(table, key, version, NULL, error);
        return status == SHMRPC_E_ABORTED || status == SHMRPC_E_NOT_FOUND
                   ? SHMRPC_MORE
                   : status;
    }
    status = shmrpci_table_put(
        table, key, (shmrpci_table_bytes){of->now.data, of->now.len},
        is_there ? version : SHMRPCI_TABLE_ABSENT, NULL, error);
    return status == SHMRPC_E_ABORTED || status == SHMRPC_E_EXISTS ? SHMRPC_MORE
                                                                   : status;
}

shmrpc_status shmrpci_table_update(shmrpci_table *table,
                                   shmrpci_table_bytes key,
                                   shmrpci_table_updater *updater, void *user,
                                   shmrpc_error *error)
{
    draft of;
    shmrpci_buf_init_heap(&of.was);
    shmrpci_buf_init_heap(&of.now);
    shmrpc_status status = SHMRPC_MORE;
    while (status == SHMRPC_MORE) {
        status = try_update(table, key, &of, updater, user, error);
    }
    shmrpci_buf_fini(&of.was);
    shmrpci_buf_fini(&of.now);
    return status;
}
