/* Makes tables, attaches to them, and checks them. */
#include "table/table.h"

#include <stdlib.h>

#include "table/inside.h"

#define USED_OF_ONE (3u + SHMRPCI_TABLE_HAZARDS)

static shmrpci_region_spec region_spec(const shmrpci_table_spec *spec)
{
    uint32_t log = 0;
    while (spec->log != 0 && log < spec->log) {
        log = log == 0 ? 1 : log * 2;
    }
    return (shmrpci_region_spec){
        .name = spec->name,
        .name_len = spec->name_len,
        .max_bytes = spec->max_bytes,
        .type_hash = spec->type_hash,
        .hash_seed = spec->hash_seed,
        .roots_bytes = sizeof(shmrpci_table_roots) + log * sizeof(uint64_t),
        .limits = {[SHMRPCI_TABLE_LIMIT_LOG] = log,
                   [SHMRPCI_TABLE_LIMIT_CAPACITY] = spec->capacity},
        .kind = spec->kind,
        .encoding = spec->encoding,
        .participants = spec->participants,
    };
}

shmrpc_status shmrpci_table_plan(const shmrpci_table_spec *spec,
                                 shmrpci_region_spec *out, shmrpc_error *error)
{
    if (spec->log > SHMRPCI_TABLE_LOG_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "a log of %u changes, allowed 0..%u", spec->log,
                                SHMRPCI_TABLE_LOG_MAX);
    }
    *out = region_spec(spec);
    return SHMRPC_OK;
}

shmrpc_status shmrpci_table_size(const shmrpci_table_spec *spec,
                                 uint64_t *out_bytes, shmrpc_error *error)
{
    shmrpci_region_spec region;
    shmrpc_status status = shmrpci_table_plan(spec, &region, error);
    return status == SHMRPC_OK ? shmrpci_region_size(&region, out_bytes, error)
                               : status;
}

shmrpc_status shmrpci_table_format(int fd, const shmrpci_table_spec *spec,
                                   shmrpc_error *error)
{
    shmrpci_region_spec region;
    shmrpc_status status = shmrpci_table_plan(spec, &region, error);
    return status == SHMRPC_OK ? shmrpci_region_format(fd, &region, error)
                               : status;
}

/* ---- attaching ----------------------------------------------------------- */

/* Takes the layout of the roots from the head; the region has not checked
 * it. */
static shmrpc_status adopt(shmrpci_table *table, const shmrpci_region *region)
{
    uint64_t log = region->facts.limits[SHMRPCI_TABLE_LIMIT_LOG];
    uint64_t capacity = region->facts.limits[SHMRPCI_TABLE_LIMIT_CAPACITY];
    if (log > SHMRPCI_TABLE_LOG_MAX || (log & (log - 1)) != 0 ||
        region->facts.roots_bytes <
            sizeof(shmrpci_table_roots) + log * sizeof(uint64_t)) {
        return SHMRPC_E_DATA_LOSS;
    }
    table->roots = (shmrpci_table_roots *)(void *)((uint8_t *)region->map.at +
                                                   region->facts.roots_offset);
    table->blocks = region->map.at;
    table->spans_offset = region->facts.spans_offset;
    table->spans_bytes = region->facts.span_count * region->facts.span_bytes;
    table->paid = &shmrpci_region_state_of(region)->paid;
    table->log_count = (uint32_t)log;
    table->capacity = capacity != 0 ? capacity : UINT64_MAX;
    if (table->used == NULL) {
        table->used =
            calloc((size_t)region->facts.participant_count * USED_OF_ONE,
                   sizeof *table->used);
    }
    return table->used != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

/* The region calls this for the first time while we attach to it, before
 * attach() has set up the table. Dead participants must be inherited from even
 * then, so this function sets up the table itself. */
static void inherit(void *user, shmrpci_region *region, uint32_t participant)
{
    shmrpci_table *table = user;
    if (table->roots != NULL || adopt(table, region) == SHMRPC_OK) {
        shmrpci_table_inherit(user, region, participant);
    }
}

static shmrpc_status attach(int fd, shmrpci_access access, bool salvages,
                            shmrpci_table *out, shmrpc_error *error)
{
    const shmrpci_region_kind kind = {
        .inherit = inherit,
        .survey = shmrpci_table_survey,
        .is_used = shmrpci_table_is_used,
        .each_block = shmrpci_table_each_block,
        .user = out,
        .salvages = salvages,
    };
    *out = (shmrpci_table){.region = {.fd = -1}};
    shmrpc_status status =
        shmrpci_region_attach(fd, access, &kind, &out->region, error);
    if (status != SHMRPC_OK) {
        free(out->used);
        *out = (shmrpci_table){.region = {.fd = -1}};
        return status;
    }
    status = adopt(out, &out->region);
    if (status != SHMRPC_OK) {
        out->region.fd = -1; /* the caller keeps the descriptor */
        shmrpci_table_detach(out);
        return status == SHMRPC_E_DATA_LOSS
                   ? shmrpci_table_damaged(error, "its log is too long")
                   : shmrpc_error_set(error, status, "no memory for a handle");
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_table_attach(int fd, shmrpci_access access,
                                   shmrpci_table *out, shmrpc_error *error)
{
    return attach(fd, access, false, out, error);
}

shmrpc_status shmrpci_table_attach_remains(int fd, shmrpci_table *out,
                                           shmrpc_error *error)
{
    uint64_t bytes;
    shmrpc_status status = attach(fd, SHMRPCI_ACCESS_READ, true, out, error);
    if (status == SHMRPC_OK) {
        status = shmrpci_memory_size(fd, &bytes);
        if (status != SHMRPC_OK || bytes < out->spans_offset) {
            out->region.fd = -1; /* the caller keeps the descriptor */
            shmrpci_table_detach(out);
            return shmrpci_table_damaged(
                error, "its file is shorter than its head says");
        }
        bytes -= out->spans_offset;
        out->spans_bytes = bytes < out->spans_bytes ? bytes : out->spans_bytes;
    }
    return status;
}

void shmrpci_table_detach(shmrpci_table *table)
{
    shmrpci_table_abort(table);
    shmrpci_region_detach(&table->region);
    free(table->used);
    table->used = NULL;
    table->roots = NULL;
}

/* ---- facts --------------------------------------------------------------- */

void shmrpci_table_stat_get(const shmrpci_table *table, shmrpci_table_stat *out)
{
    const shmrpci_region_head *head = &table->region.facts;
    uint64_t turn = shmrpci_load_seq(&table->roots->turn);
    uint64_t changes = shmrpci_turn_seq(turn);
    *out = (shmrpci_table_stat){
        .len = shmrpci_table_len(table),
        .changes = changes,
        .helped = shmrpci_load_relaxed(&table->roots->helped),
        .snapshot_ns =
            (int64_t)shmrpci_load_relaxed(&table->roots->snapshot_ns),
        .snapshot_failures =
            shmrpci_load_relaxed(&table->roots->snapshot_failures),
        .paid_bytes =
            shmrpci_load_seq(&shmrpci_region_state_of(&table->region)->paid),
        .max_bytes = head->span_count * head->span_bytes,
        .oldest_pin = shmrpci_pin_oldest(&table->region, changes),
    };
    if (out->oldest_pin != changes) {
        out->oldest_pid = shmrpci_pin_holder(&table->region, out->oldest_pin);
    }
}

void shmrpci_table_note_snapshot(shmrpci_table *table, int64_t at_ns)
{
    if (!table->region.is_writer) {
        return;
    }
    /* Relaxed, both: these are only statistics. */
    if (at_ns != 0) {
        shmrpci_store_relaxed(&table->roots->snapshot_ns, (uint64_t)at_ns);
    } else {
        (void)shmrpci_add_relaxed(&table->roots->snapshot_failures, 1u);
    }
}

/* ---- checking ------------------------------------------------------------ */

void shmrpci_table_each_block(void *user, const shmrpci_region *region,
                              shmrpci_block_visit *visit, void *to)
{
    const shmrpci_table *table = user;
    shmrpci_geometry geometry;
    (void)region;
    uint64_t root = shmrpci_load_seq(&table->roots->root);
    if (root == 0) {
        return;
    }
    visit(to, shmrpci_offset_of(shmrpci_word_block(root)));
    if (!shmrpci_table_geometry(table, root, &geometry)) {
        return;
    }
    for (uint64_t slot = 0; slot <= geometry.mask; slot++) {
        uint64_t word = shmrpci_load_seq(&geometry.block->index[slot]);
        if (word != 0) {
            shmrpci_table_each_of_record(table, shmrpci_word_block(word), visit,
                                         to);
        }
    }
}

typedef struct judgement {
    shmrpci_table *table;
    shmrpci_region_finding *finding;
    void *user;
    uint64_t count;
} judgement;

static void report(judgement *of, uint64_t offset, const char *what)
{
    of->count++;
    if (of->finding != NULL) {
        of->finding(of->user, offset, what);
    }
}

/* Checks one position of the order. Returns whether its key is live. */
static bool check_position(judgement *of, const shmrpci_geometry *geometry,
                           uint32_t position, uint64_t *last_order)
{
    shmrpci_table *table = of->table;
    shmrpci_record_facts facts;
    uint32_t slot = shmrpci_load_seq(&geometry->order[position]);
    if (slot == 0 || slot - 1 > geometry->mask) {
        report(of, 0, "a position in the order that leads to no slot");
        return false;
    }
    uint64_t word = shmrpci_load_seq(&geometry->block->index[slot - 1]);
    uint64_t offset = shmrpci_offset_of(shmrpci_word_block(word));
    bool is_dead = (word & SHMRPCI_WORD_DEAD) != 0;
    if (!shmrpci_record_look(table, shmrpci_word_block(word), &facts)) {
        report(of, offset, "a slot that leads to no record");
        return false;
    }
    uint64_t hash = shmrpci_table_hash_of(
        table, (shmrpci_table_bytes){facts.key, facts.key_len});
    if (facts.hash != (uint32_t)hash ||
        ((word ^ hash) & SHMRPCI_WORD_HASH) != 0) {
        report(of, offset, "a record whose hash does not match its key");
    }
    shmrpci_nest_value value;
    bool is_nest = facts.kind == SHMRPCI_RECORD_NEST;
    if (is_dead ? facts.kind != SHMRPCI_RECORD_TOMBSTONE
                : facts.kind != SHMRPCI_RECORD_VALUE && !is_nest) {
        report(of, offset, "a record of the wrong kind");
    } else if (is_nest && (!shmrpci_nest_of(&facts, &value) ||
                           !shmrpci_nest_is_good(table, &value.ref))) {
        report(of, offset, "a record whose nest is damaged");
    }
    uint64_t order = shmrpci_load_relaxed(&facts.footer->order);
    if (position > 0 && order <= *last_order) {
        report(of, offset, "a record out of order");
    }
    *last_order = order;
    shmrpci_record_facts found;
    uint64_t found_slot;
    uint64_t found_word;
    if (!is_dead &&
        (shmrpci_table_find(
             table, geometry, (shmrpci_table_bytes){facts.key, facts.key_len},
             hash, &found_slot, &found_word, &found) != SHMRPCI_FOUND ||
         found_slot != slot - 1)) {
        report(of, offset, "a key that can't be found, or occurs twice");
    }
    return !is_dead;
}

static void check_index(judgement *of)
{
    shmrpci_table *table = of->table;
    shmrpci_geometry geometry;
    uint64_t root = shmrpci_load_seq(&table->roots->root);
    if (root == 0) {
        return;
    }
    if (!shmrpci_table_geometry(table, root, &geometry)) {
        report(of, shmrpci_offset_of(shmrpci_word_block(root)),
               "the root does not lead to a table");
        return;
    }
    uint64_t state = shmrpci_load_seq(&geometry.block->state);
    uint32_t live = 0;
    uint64_t last_order = 0;
    if (shmrpci_state_tail(state) > geometry.room) {
        report(of, 0, "more insertions than slots");
        return;
    }
    for (uint32_t i = 0; i < shmrpci_state_tail(state); i++) {
        live += check_position(of, &geometry, i, &last_order);
    }
    uint64_t used = 0;
    for (uint64_t slot = 0; slot <= geometry.mask; slot++) {
        used += shmrpci_load_seq(&geometry.block->index[slot]) != 0;
    }
    if (used != shmrpci_state_tail(state) ||
        live != shmrpci_state_live(state)) {
        report(of, 0, "counts that don't match");
    }
}

uint64_t shmrpci_table_check(shmrpci_table *table,
                             shmrpci_region_finding *finding, void *user)
{
    uint64_t turn;
    judgement of = {table, finding, user, 0};
    if (table->region.is_writer) {
        (void)shmrpci_region_bury(&table->region);
        if (shmrpci_table_quiet(table, &turn) != SHMRPC_OK) {
            report(&of, table->region.facts.roots_offset,
                   "a change that can't be finished");
        }
    }
    check_index(&of);
    return of.count + shmrpci_region_check(&table->region, finding, user);
}
