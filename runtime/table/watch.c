/* The change log, reported one change at a time. */
#include <string.h>

#include "os/clock.h"
#include "os/futex.h"
#include "os/waiting.h"
#include "table/inside.h"

/* A sleeper looks again by itself after this time, then after twice that, and
 * so on, because the process that had to wake it may have died. */
#define SLICE_NS     (50 * SHMRPCI_NS_PER_MS)
#define SLICE_MAX_NS (10 * SHMRPCI_NS_PER_S)
/* A read-only watcher stops listening when it has had this many events without
 * a sleep, so that writers need not ring for each. */
#define AWAKE_MAX 64u

static uint64_t last_finished(const shmrpci_table *table)
{
    uint64_t turn = shmrpci_load_seq(&table->roots->turn);
    uint64_t seq = shmrpci_turn_seq(turn);
    return (turn & SHMRPCI_TURN_BUSY) != 0 && seq > 0 ? seq - 1 : seq;
}

shmrpc_status shmrpci_table_watch_open(shmrpci_table *table, bool with_snapshot,
                                       shmrpci_table_watch *out,
                                       shmrpc_error *error)
{
    (void)error;
    *out = (shmrpci_table_watch){
        .table = table,
        .next = last_finished(table) + 1,
        .is_lost = with_snapshot,
    };
    shmrpci_buf_init_heap(&out->key);
    shmrpci_buf_init_heap(&out->value);
    return SHMRPC_OK;
}

static void drop_view(shmrpci_table_watch *watch)
{
    if (watch->has_view) {
        shmrpci_table_view_close(&watch->view);
        watch->has_view = false;
    }
}

void shmrpci_table_watch_close(shmrpci_table_watch *watch)
{
    if (watch->table != NULL) {
        drop_view(watch);
        shmrpci_listen_end(&watch->listening, watch->table->region.fd);
        shmrpci_buf_fini(&watch->key);
        shmrpci_buf_fini(&watch->value);
        watch->table = NULL;
    }
}

static shmrpc_status resync(shmrpci_table_watch *watch,
                            shmrpci_table_event *out, shmrpc_error *error)
{
    shmrpc_status status =
        shmrpci_table_view_open(watch->table, &watch->view, error);
    if (status == SHMRPC_OK) {
        watch->has_view = true;
        watch->is_lost = false;
        watch->next = watch->view.change + 1;
        watch->part = 0;
        *out = (shmrpci_table_event){.kind = SHMRPCI_TABLE_EVENT_RESYNC,
                                     .change = watch->view.change};
    }
    return status;
}

/* ---- one event ----------------------------------------------------------- */

/* Statuses of the functions below: OK: there is an event; MORE: there is
 * nothing to report; LOST: the change has been overwritten. */

/* Whether this nest was already reported as of this change or a later one. */
static bool is_told_already(const shmrpci_table_watch *watch,
                            const shmrpci_record_facts *facts)
{
    return watch->told >= watch->next && watch->key.len == facts->key_len &&
           shmrpci_hash_is_equal(watch->key.data, facts->key, facts->key_len);
}

/* Reports a nest in its current state, which may include later changes. */
static shmrpc_status tell_nest(shmrpci_table_watch *watch,
                               shmrpci_table_event *out)
{
    const shmrpci_table_bytes key = {watch->key.data, watch->key.len};
    uint64_t version;
    shmrpc_status status =
        shmrpci_table_get(watch->table, key, &watch->value, &version, NULL);
    if (status == SHMRPC_E_ABORTED) {
        status = shmrpci_table_get_pinned(watch->table, key, &watch->value,
                                          &version, NULL);
    }
    if (status == SHMRPC_OK && version >= watch->next) {
        *out = (shmrpci_table_event){
            .kind = SHMRPCI_TABLE_EVENT_PUT,
            .change = watch->next,
            .key = key,
            .value = {watch->value.data, watch->value.len},
        };
        watch->told = version;
        return SHMRPC_OK;
    }
    /* The key has been deleted since, which will be reported. */
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_MORE
           : status == SHMRPC_OK        ? SHMRPC_E_LOST
                                        : status;
}

static shmrpc_status tell_record(shmrpci_table_watch *watch, uint64_t block,
                                 shmrpci_table_event *out)
{
    shmrpci_record_facts facts;
    if (!shmrpci_record_look(watch->table, block, &facts) ||
        facts.stamp != watch->next) {
        return SHMRPC_E_LOST;
    }
    bool is_put = facts.kind == SHMRPCI_RECORD_VALUE;
    bool is_nest = facts.kind == SHMRPCI_RECORD_NEST;
    bool is_told = is_nest && is_told_already(watch, &facts);
    shmrpc_status status =
        shmrpci_table_copy(&watch->key, facts.key, facts.key_len);
    if (status == SHMRPC_OK && is_nest) {
        return !shmrpci_record_is_same(&facts) ? SHMRPC_E_LOST
               : is_told                       ? SHMRPC_MORE
                                               : tell_nest(watch, out);
    }
    if (status == SHMRPC_OK && is_put) {
        status =
            shmrpci_table_copy(&watch->value, facts.value, facts.value_len);
    }
    if (!shmrpci_record_is_same(&facts) ||
        (!is_put && facts.kind != SHMRPCI_RECORD_TOMBSTONE)) {
        return SHMRPC_E_LOST;
    }
    *out = (shmrpci_table_event){
        .kind = is_put ? SHMRPCI_TABLE_EVENT_PUT : SHMRPCI_TABLE_EVENT_DEL,
        .change = watch->next,
        .key = {watch->key.data, watch->key.len},
        .value = {is_put ? watch->value.data : NULL,
                  is_put ? watch->value.len : 0},
    };
    return status;
}

/* Reports the next part of a change with several parts. */
static shmrpc_status tell_part(shmrpci_table_watch *watch, uint64_t block,
                               const shmrpci_record_facts *facts,
                               shmrpci_table_event *out)
{
    const shmrpci_table_list *list =
        (const shmrpci_table_list *)(const void *)facts->record;
    uint64_t count = shmrpci_load_relaxed(&list->count);
    if (count > SHMRPCI_REGION_MAX_BYTES / sizeof *list->parts ||
        shmrpci_table_at(watch->table, block,
                         sizeof *list + count * sizeof *list->parts) == NULL ||
        watch->part >= count) {
        return SHMRPC_E_LOST;
    }
    uint64_t now = shmrpci_load_relaxed(&list->parts[watch->part].now);
    if (!shmrpci_record_is_same(facts)) {
        return SHMRPC_E_LOST;
    }
    shmrpc_status status = tell_record(watch, shmrpci_word_block(now), out);
    if ((status == SHMRPC_OK || status == SHMRPC_MORE) &&
        ++watch->part == count) {
        watch->part = 0;
        watch->next++;
    }
    return status;
}

static shmrpc_status tell_block(shmrpci_table_watch *watch, uint64_t block,
                                shmrpci_table_event *out)
{
    shmrpci_record_facts facts;
    if (block == 0) { /* the change only resized the table */
        watch->next++;
        return SHMRPC_MORE;
    }
    if (!shmrpci_record_look(watch->table, block, &facts) ||
        facts.stamp != watch->next) {
        return SHMRPC_E_LOST;
    }
    if (facts.kind == SHMRPCI_RECORD_LIST) {
        return tell_part(watch, block, &facts, out);
    }
    shmrpc_status status = SHMRPC_OK;
    if (facts.kind == SHMRPCI_RECORD_TABLE) {
        if (!shmrpci_record_is_same(&facts)) {
            return SHMRPC_E_LOST;
        }
        *out = (shmrpci_table_event){.kind = SHMRPCI_TABLE_EVENT_CLEAR,
                                     .change = watch->next};
    } else {
        status = tell_record(watch, block, out);
    }
    watch->next += status == SHMRPC_OK || status == SHMRPC_MORE;
    return status;
}

/* Reports the next change, which is finished. */
static shmrpc_status tell_next(shmrpci_table_watch *watch, uint64_t last,
                               shmrpci_table_event *out)
{
    const shmrpci_table *table = watch->table;
    if (last - watch->next >= table->log_count) {
        return SHMRPC_E_LOST;
    }
    uint64_t word = shmrpci_load_seq(
        &table->roots->log[watch->next & (table->log_count - 1)]);
    uint64_t number = (watch->next / table->log_count + 1) & 0xFFFFFF;
    return word >> 40 == number
               ? tell_block(watch, shmrpci_word_block(word), out)
               : SHMRPC_E_LOST;
}

/* ---- waiting ------------------------------------------------------------- */

typedef struct slices {
    int64_t next_ns;
    int64_t deadline_ns;
} slices;

void shmrpci_table_watch_announce(shmrpci_table_watch *watch,
                                  shmrpci_futex_on *out, int64_t *out_max_ns)
{
    shmrpci_table *table = watch->table;
    shmrpci_atomic_u32 *bell = &table->roots->bell;
    bool is_writer = table->region.is_writer;
    /* Sequentially consistent, like the look at the turn that follows. A
     * participant that ends a change writes the turn first and then looks at
     * the bell, so either it sees that we sleep, or we see its change. */
    uint32_t seen =
        is_writer ? shmrpci_or_seq(bell, 1u) | 1u : shmrpci_load_seq(bell);
    *out = (shmrpci_futex_on){bell, seen};
    *out_max_ns = is_writer ? SLICE_MAX_NS
                            : shmrpci_listen(&watch->listening,
                                             table->region.fd, SLICE_MAX_NS);
    watch->awake = 0;
}

/* Sleeps until something has changed, or the slice is over. */
static void sleep_once(shmrpci_table_watch *watch, slices *of)
{
    const shmrpci_table *table = watch->table;
    shmrpci_futex_on on;
    int64_t max_ns;
    shmrpci_table_watch_announce(watch, &on, &max_ns);
    int64_t slice_ns = of->next_ns < max_ns ? of->next_ns : max_ns;
    int64_t now_ns = shmrpci_now_ns();
    int64_t until_ns = of->deadline_ns;
    if (until_ns - now_ns > slice_ns) {
        until_ns = now_ns + slice_ns;
    }
    if (max_ns == SLICE_MAX_NS) {
        of->next_ns = slice_ns * 2;
    }
    if (last_finished(table) < watch->next &&
        !shmrpci_region_is_destroyed(&table->region)) {
        (void)shmrpci_futex_wait(on.word, on.expected, until_ns);
        of->deadline_ns = shmrpci_waiting_deadline(of->deadline_ns);
    }
}

shmrpc_status shmrpci_table_watch_next(shmrpci_table_watch *watch,
                                       int64_t deadline_ns,
                                       shmrpci_table_event *out,
                                       shmrpc_error *error)
{
    const shmrpci_table *table = watch->table;
    slices of = {SLICE_NS, deadline_ns};
    drop_view(watch);
    if (++watch->awake > AWAKE_MAX) {
        shmrpci_listen_end(&watch->listening, table->region.fd);
    }
    for (;;) {
        if (shmrpci_region_is_destroyed(&table->region)) {
            return shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                                    "the table has been destroyed");
        }
        if (watch->is_lost) {
            return resync(watch, out, error);
        }
        uint64_t last = last_finished(table);
        if (last >= watch->next) {
            shmrpc_status status = tell_next(watch, last, out);
            watch->is_lost = status == SHMRPC_E_LOST;
            if (status != SHMRPC_MORE && status != SHMRPC_E_LOST) {
                return status == SHMRPC_OK
                           ? status
                           : shmrpc_error_set(error, status, "no memory");
            }
            continue;
        }
        if (shmrpci_remaining_ns(of.deadline_ns) == 0) {
            return shmrpc_error_set(error, SHMRPC_E_DEADLINE,
                                    "nothing has changed");
        }
        sleep_once(watch, &of);
    }
}
